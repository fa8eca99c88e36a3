package store

import (
	"fmt"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// What others may have a store remember of one site. A hundred kilobytes of batches can tell of half a million
// things, and every register stays for ever and over restarts: one machine in wrong hands, at a site or at
// headquarters, must not fill the memory of all who take its records.
const (
	maxSiteRegisters = 1 << 19  // of all origins, about 400 bytes each: 500 devices of 300 parts in a pair, with room
	leastRegister    = 8        // bytes of the shortest record that makes one
	maxStrangeBase   = 64 << 20 // bytes of a base of so many registers, unpacked
)

// mayRemember refuses a batch of facts that would make its site have more registers than are remembered. What is known
// already may change beyond the bound too. news counts what the call brings, a site.
func (s *Store) mayRemember(b *journal.Batch, news map[journal.ID]int) error {
	if b.Stream != journal.Facts {
		return nil
	}
	s.state.RLock()
	defer s.state.RUnlock()
	room := s.opt.Registers - news[b.Site]
	if f := s.folds[b.Site]; f != nil {
		room -= f.CountAll()
	}
	n := b.Unpacked() / leastRegister
	if n > room {
		n = s.unknown(b)
	}
	if n > max(room, 0) {
		return fmt.Errorf("merge batch %s: %w: with it site %s would have more than %d parts, alerts and acts", b.Key, journal.ErrCorrupt, b.Site, s.opt.Registers)
	}
	news[b.Site] += n
	return nil
}

// unknown counts the facts of a batch that make a register. What cannot be read makes none. The caller holds state.
func (s *Store) unknown(b *journal.Batch) (n int) {
	body, err := s.pack.Body(b)
	if err != nil {
		return 0
	}
	_ = journal.Records(body, func(rec journal.Record) error { // what is behind an error is not folded either
		if rec.Type == journal.TypeFact && s.isUnknown(b.Site, b.Origin, rec.Payload) {
			n++
		}
		return nil
	})
	return n
}

func (s *Store) isUnknown(site, origin journal.ID, payload []byte) bool {
	raw, err := journal.ParseFact(payload)
	f := s.folds[site]
	return err == nil && (f == nil || !f.HasOf(foldKey{Kind: raw.Kind, Device: hw.DeviceID(raw.Device), Component: raw.Component, Group: raw.Group}, origin))
}

// mayRememberBase is mayRemember of a base.
func (s *Store) mayRememberBase(b *journal.Base) error {
	s.state.RLock()
	defer s.state.RUnlock()
	n := 0
	if f := s.folds[b.Site]; f != nil {
		n = f.CountAll()
	}
	if n+len(b.Registers) <= s.opt.Registers {
		return nil
	}
	room := s.opt.Registers - n
	for i := range b.Registers {
		if r := &b.Registers[i]; s.isUnknown(b.Site, r.Origin, r.Payload) {
			if room--; room < 0 {
				return fmt.Errorf("%w: with it site %s would have more than %d parts, alerts and acts", journal.ErrCorrupt, b.Site, s.opt.Registers)
			}
		}
	}
	return nil
}

// Overrules returns the first device of which facts of a batch would say something else under a learned key than is known here, as
// the last word.
func (s *Store) Overrules(b *journal.Batch, key string) (device hw.DeviceID, yes bool) {
	if b.Stream != journal.Facts {
		return "", false
	}
	body, err := s.pack.Body(b)
	if err != nil {
		return "", false
	}
	_ = journal.Records(body, func(rec journal.Record) error {
		order := journal.Order{Turn: b.Turn, Origin: b.Origin, Incarnation: b.Incarnation, Seq: b.Seq, Index: rec.Index}
		if rec.Type == journal.TypeFact && !yes {
			device, yes = s.overrules(b.Site, journal.Register{Order: order, WallMS: b.WallMS, Payload: rec.Payload}, key)
		}
		return nil
	})
	return device, yes
}

// BaseOverrules is Overrules of a base.
func (s *Store) BaseOverrules(b *journal.Base, key string) (hw.DeviceID, bool) {
	for _, r := range b.Registers {
		if device, yes := s.overrules(b.Site, r, key); yes {
			return device, true
		}
	}
	return "", false
}

func (s *Store) overrules(site journal.ID, r journal.Register, key string) (hw.DeviceID, bool) {
	raw, err := journal.ParseFact(r.Payload)
	if err != nil || raw.Kind != hw.LearnedFact || string(raw.Group) != key {
		return "", false
	}
	s.state.RLock()
	defer s.state.RUnlock()
	f := s.folds[site]
	if f == nil {
		return "", false
	}
	k := foldKey{Kind: raw.Kind, Device: hw.DeviceID(raw.Device), Component: raw.Component, Group: raw.Group}
	known, _ := f.Fact(k)
	now, ok := f.Register(k)
	if !ok || known.Removed || now.Order.Compare(r.Order) >= 0 {
		return "", false
	}
	said := raw.Shown(r.WallMS)
	a, readable := said.Value.(hw.LearnedValue)
	b, was := known.Value.(hw.LearnedValue)
	return k.Device, said.Removed || !readable || !was || a != b
}
