package shiptest

import (
	"context"
	"slices"

	"rackpost/hw/journal"
)

// What follows makes a store one of many sites, of which it has one.

// HeldOf is ship's.
func (s *Store) HeldOf(site journal.ID) journal.Vector { return s.of(site, s.Held()) }

// HaveOf is ship's.
func (s *Store) HaveOf(site journal.ID) journal.Vector { return s.of(site, s.Have()) }

// WantedOf is ship's.
func (s *Store) WantedOf(site journal.ID) journal.Vector { return s.of(site, s.Wanted()) }

// ConflictsOf is ship's.
func (s *Store) ConflictsOf(site journal.ID) uint64 {
	if site != s.site {
		return 0
	}
	return s.Conflicts()
}

// WatchOf is ship's.
func (s *Store) WatchOf(journal.ID) <-chan struct{} { return s.Watch() }

func (s *Store) of(site journal.ID, v journal.Vector) journal.Vector {
	if site != s.site {
		return journal.Vector{}
	}
	return v
}

// Holds is ship's.
func (s *Store) Holds(k journal.Key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held.Has(k.StreamKey, k.Seq)
}

// PageOf is ship's.
func (s *Store) PageOf(_ context.Context, site journal.ID, streams []journal.Stream, v journal.Vector, limit int) ([]journal.Batch, error) {
	return s.pick(site, streams, v, limit, false), nil
}

// NewestOf is ship's.
func (s *Store) NewestOf(_ context.Context, site journal.ID, streams []journal.Stream, v journal.Vector, limit int) ([]journal.Batch, error) {
	return s.pick(site, streams, v, limit, true), nil
}

func (s *Store) pick(site journal.ID, streams []journal.Stream, v journal.Vector, limit int, newest bool) (out []journal.Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lacks := s.of(site, s.have.Minus(v))
	wanted := []func(journal.Stream) bool{
		func(t journal.Stream) bool { return t == journal.Facts },
		func(t journal.Stream) bool { return t != journal.Facts && t != journal.Samples },
		func(t journal.Stream) bool { return t == journal.Samples },
	}
	for _, one := range streams {
		wanted = append(wanted, func(t journal.Stream) bool { return t == one })
	}
	if len(streams) > 0 {
		wanted = wanted[3:]
	}
	for _, rank := range wanted {
		for i := 0; i < len(s.disk) && limit > 0; i++ {
			b := s.disk[i]
			if newest {
				b = s.disk[len(s.disk)-1-i]
			}
			if b.Bytes != nil && rank(b.Stream) && lacks.Has(b.StreamKey, b.Seq) {
				out = append(out, b)
				limit -= len(b.Bytes)
			}
		}
	}
	return out
}

// Arrived returns how many batches ever arrived: a moment to which Restore goes back.
func (s *Store) Arrived() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.disk)
}

// Restore makes the store what it was when so many batches had arrived, as an image of its disk that is put
// back does, and goes on as the incarnation given. Nothing may have been dropped, damaged or joined.
func (s *Store) Restore(arrived int, inc journal.Incarnation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.life++
	s.inc = inc
	disk := slices.Clone(s.disk[:arrived])
	s.disk, s.turn = nil, 0
	s.held, s.have, s.wanted, s.known = journal.Vector{}, journal.Vector{}, journal.Vector{}, journal.Vector{}
	clear(s.previous)
	clear(s.at)
	clear(s.registers)
	for _, b := range disk {
		s.append(b)
	}
	s.notify()
}
