package store

import (
	"context"
	"errors"
	"fmt"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// maxSaid is how many facts are said at once.
const maxSaid = 64

// ErrNoRoom is returned for what would make a device have more registers, or a site more devices,
// than the box remembers: nothing of it is in the journal.
var ErrNoRoom = errors.New("more than this box remembers")

// Say makes facts of a person or of an act durable, all or none of them: it returns after the fsync of a
// flush that is made for them at once, and that the reports then waiting share. Only facts that follow from
// no visit are said: acts, what was learned, and alerts of no device. Their device need not have been visited. Fewer than
// 64 at a time. ErrNoRoom and facts that are not valid are refused alone; when ctx ends, whether they
// became durable is not known; any other error is one of Put's.
func (s *Store) Say(ctx context.Context, facts []hw.Fact) error {
	if len(facts) == 0 || len(facts) > maxSaid {
		return fmt.Errorf("say %d facts: one to %d", len(facts), maxSaid)
	}
	for _, f := range facts {
		if err := f.CheckSaid(); err != nil {
			return fmt.Errorf("say %s of %s %s: %w", f.Group, f.Device, f.Component, err)
		}
	}
	req := putRequest{said: facts, done: make(chan error, 1)}
	select {
	case s.reports <- req:
	case <-ctx.Done():
		return fmt.Errorf("say what was done: %w", ctx.Err())
	case <-s.ended:
		return ErrClosed
	case <-s.closed:
		return ErrClosed
	}
	select {
	case err := <-req.done:
		return err
	case <-ctx.Done(): // a full disk may last; the facts may still be written
		return fmt.Errorf("wait for what was said to be written: %w", ctx.Err())
	}
}

// say writes what was said into the bodies of a flush, or refuses it.
func (s *Store) say(f *flush, w *putRequest) error {
	if w.refused = s.mayRegister(f, w.said); w.refused != nil {
		return nil
	}
	for _, fact := range w.said {
		if err := f.facts.add(func(b []byte) ([]byte, error) { return journal.AppendFact(b, fact, f.wallMS) }); err != nil {
			return err
		}
		s.stateOf(fact.Device).Set(fact)
	}
	return nil
}

// mayRegister returns ErrNoRoom when there is no room for the registers of facts.
func (s *Store) mayRegister(f *flush, facts []hw.Fact) error {
	fresh := map[hw.DeviceID]int{}
	for _, x := range facts {
		if _, seen := fresh[x.Device]; !seen && !s.mayKnow(f, x.Device) {
			return fmt.Errorf("devices of this site: %w", ErrNoRoom)
		}
		s.state.RLock()
		known := s.folds[s.id.site]
		if !known.Has(foldKey{Kind: x.Kind, Device: x.Device, Component: x.Component, Group: x.Group}) {
			fresh[x.Device]++
		}
		beyond := fresh[x.Device] > 0 && known.Count(x.Device)+fresh[x.Device] > maxRegisters
		s.state.RUnlock()
		if beyond {
			return fmt.Errorf("parts, alerts and acts of %s: %w", x.Device, ErrNoRoom)
		}
	}
	return nil
}

// Acts returns the view of every act said at the store's own site, in order of device, component
// and act.
func (s *Store) Acts() []hw.Fact {
	s.state.RLock()
	defer s.state.RUnlock()
	f := s.folds[s.id.site]
	if f == nil {
		return nil
	}
	out := f.Of("", hw.ActFact)
	for _, id := range f.Devices() {
		out = append(out, f.Of(id, hw.ActFact)...)
	}
	return out
}

// Learned returns what is learned of a device of the store's own site, in order of key.
func (s *Store) Learned(device hw.DeviceID) hw.Attrs {
	s.state.RLock()
	defer s.state.RUnlock()
	f := s.folds[s.id.site]
	if f == nil {
		return nil
	}
	var out hw.Attrs
	for _, x := range f.Of(device, hw.LearnedFact) {
		if v, ok := x.Value.(hw.LearnedValue); ok && x.Component == "" {
			out = out.With(x.Group, v.Value)
		}
	}
	return out
}

// LearnedOf returns what is learned of each device of a site, in order of component and key. It reads nothing else of them.
func (s *Store) LearnedOf(site journal.ID) map[hw.DeviceID][]hw.Fact {
	s.state.RLock()
	defer s.state.RUnlock()
	f := s.folds[site]
	if f == nil {
		return nil
	}
	out := map[hw.DeviceID][]hw.Fact{}
	for _, id := range f.Devices() {
		if facts := f.Of(id, hw.LearnedFact); len(facts) > 0 {
			out[id] = facts
		}
	}
	return out
}
