package store

import (
	"fmt"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// Registers and devices stay when what they speak of is gone. A device that calls its parts
// otherwise at every visit, or a configuration made by a program, must not fill the box. These
// bound what this box writes: others' facts are folded as they are, the same everywhere, and
// what is too much of them is not taken at all (strange.go).
const (
	maxRegisters = 1 << 16 // of a device, whatever their kind; one flush may exceed it
	maxSiteKnown = 10_000  // devices of this site
)

// The gaps that tell of these bounds. What they are about never shrinks, so they never end.
const (
	registersGap = "registers"
	devicesGap   = "devices"
)

// remembered returns the facts that may be written of a device: those that make no new register
// once it has as many as it may have, and those that tell of the device as a whole. A gap tells
// of the others, once.
func (s *Store) remembered(f *flush, device hw.DeviceID, facts []hw.Fact) []hw.Fact {
	s.state.RLock()
	defer s.state.RUnlock()
	known := s.folds[s.id.site]
	room := maxRegisters - known.Count(device)
	if len(facts) <= room {
		return facts
	}
	kept := make([]hw.Fact, 0, len(facts))
	for _, x := range facts {
		switch {
		case known.Has(foldKey{Kind: x.Kind, Device: x.Device, Component: x.Component, Group: x.Group}) || ofDevice(x):
		case room > 0:
			room--
		default:
			f.refused++
			continue
		}
		kept = append(kept, x)
	}
	k := foldKey{Kind: hw.GapFact, Device: device, Group: registersGap}
	if len(kept) < len(facts) && !known.Has(k) {
		s.opt.Logger.Error("nothing new of a device is recorded: it has had too many parts", "device", device, "registers", maxRegisters)
		kept = append(kept, opened(k, s.opt.Now(), fmt.Sprintf("nothing new is recorded: there have been %d parts, alerts and gaps", maxRegisters)))
	}
	return kept
}

func ofDevice(f hw.Fact) bool {
	switch f.Kind {
	case hw.GapFact:
		return f.Group == hw.VisitGap
	case hw.AlertFact:
		return f.Group == hw.AlertUnreachable
	}
	return f.Kind == hw.UnitFact
}

// mayKnow says whether a device is known, or there is room for it beside the new ones of a flush.
func (s *Store) mayKnow(f *flush, device hw.DeviceID) bool {
	s.state.RLock()
	defer s.state.RUnlock()
	known := s.folds[s.id.site]
	if known.Knows(device) {
		return true
	}
	if known.CountDevices()+f.fresh >= maxSiteKnown {
		return false
	}
	f.fresh++
	return true
}

// tellDevices tells, once for ever, that a device was left out.
func (s *Store) tellDevices(f *flush) error {
	f.refused++
	k := foldKey{Kind: hw.GapFact, Component: BoxPath(s.id.origin), Group: devicesGap}
	s.state.RLock()
	told := s.folds[s.id.site].Has(k)
	s.state.RUnlock()
	if told || f.refused > 1 {
		return nil
	}
	s.opt.Logger.Error("a device is not recorded: there have been too many", "devices", maxSiteKnown)
	fact := opened(k, s.opt.Now(), fmt.Sprintf("no new devices are recorded: there have been %d", maxSiteKnown))
	return f.facts.add(func(b []byte) ([]byte, error) { return journal.AppendFact(b, fact, f.wallMS) })
}

func opened(k foldKey, at time.Time, detail string) hw.Fact {
	return hw.Fact{Kind: k.Kind, Device: k.Device, Component: k.Component, Group: k.Group, At: at,
		Value: hw.GapValue{Reason: hw.TooMuch, From: at, Detail: detail}}
}
