package shiptest

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"rackpost/hw/journal"
)

// Page is ship's.
func (s *Store) Page(_ context.Context, v journal.Vector, limit int) (out []journal.Batch, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lacks := s.have.Minus(v)
	for _, rank := range []func(journal.Stream) bool{
		func(t journal.Stream) bool { return t == journal.Facts },
		func(t journal.Stream) bool { return t != journal.Facts && t != journal.Samples },
		func(t journal.Stream) bool { return t == journal.Samples },
	} {
		for i := 0; i < len(s.disk) && limit > 0; i++ {
			if b := s.disk[i]; b.Bytes != nil && rank(b.Stream) && lacks.Has(b.StreamKey, b.Seq) {
				out = append(out, b)
				limit -= len(b.Bytes)
			}
		}
	}
	return out, nil
}

// Tail is ship's.
func (s *Store) Tail() func(context.Context, int) ([]journal.Batch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, life := len(s.disk), s.life
	return func(_ context.Context, limit int) (out []journal.Batch, err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.life != life {
			return nil, ErrCrashed
		}
		for ; at < len(s.disk) && limit > 0; at++ {
			if b := s.disk[at]; b.Bytes != nil {
				out = append(out, b)
				limit -= len(b.Bytes)
			}
		}
		return out, nil
	}
}

// Layout is ship's.
func (s *Store) Layout(_ context.Context, id journal.LayoutID) (journal.Layout, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.layouts[id]
	if !ok {
		return l, fmt.Errorf("layout %s: %w", id, journal.ErrNoLayout)
	}
	return l, nil
}

// Drop takes what v names off the disk, as retention does: it stays held.
func (s *Store) Drop(v journal.Vector) { s.lose(v, false) }

// Damage takes what v names off the disk, as a bad disk does: it is taken again from others.
func (s *Store) Damage(v journal.Vector) { s.lose(v, true) }

func (s *Store) lose(v journal.Vector, wanted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, i := range s.at {
		if !v.Has(k.StreamKey, k.Seq) {
			continue
		}
		s.disk[i].Bytes = nil
		delete(s.at, k)
		if wanted {
			s.wanted.Add(k.StreamKey, k.Seq, k.Seq)
		}
	}
	s.have = s.have.Minus(v)
	s.notify()
}

// Base is ship's.
func (s *Store) Base(site journal.ID) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if site != s.site {
		return nil, fmt.Errorf("nothing of site %s is here", site)
	}
	return s.base(s.held)
}

func (s *Store) base(held journal.Vector) ([]byte, error) {
	b := journal.Base{Site: s.site, Held: held, Excused: journal.Vector{}, Known: s.known, Turn: s.turn}
	for _, k := range slices.SortedFunc(maps.Keys(s.registers), register.compare) {
		b.Registers = append(b.Registers, s.registers[k])
	}
	return s.pack.MarshalBase(&b)
}

// Join is ship's.
func (s *Store) Join(ctx context.Context, raw []byte) error {
	b, err := s.pack.UnmarshalBase(raw)
	if err != nil {
		return err
	}
	if b.Site != s.site {
		return fmt.Errorf("a base: %w: %s", journal.ErrOtherSite, b.Site)
	}
	if err := s.fsync(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range b.Registers {
		s.put(r)
	}
	s.known.Join(b.Known)
	s.turn = max(s.turn, b.Turn)
	s.notify()
	return nil
}

// State returns every register: equal stores have equal bytes.
func (s *Store) State() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.base(journal.Vector{})
}

// Content returns what is on the disk: the bytes of every batch.
func (s *Store) Content() map[journal.Key]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[journal.Key]string{}
	for k, i := range s.at {
		out[k] = string(s.disk[i].Bytes)
	}
	return out
}

// Doubles returns how many batches stand twice on the disk: none, or the journal is broken.
func (s *Store) Doubles() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.doubles
}

// Repeats returns how many batches came that were held.
func (s *Store) Repeats() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.repeats
}
