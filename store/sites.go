package store

import (
	"context"
	"maps"
	"slices"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// A store of many sites is asked for one of them at the cost of one: what follows never looks at the others.

// Sites returns every site of which a batch or a register is known, in order of id.
func (s *Store) Sites() []journal.ID {
	s.state.RLock()
	defer s.state.RUnlock()
	all := map[journal.ID]struct{}{}
	for site := range s.folds {
		all[site] = struct{}{}
	}
	for site := range s.held.sites {
		all[site] = struct{}{}
	}
	return slices.SortedFunc(maps.Keys(all), compareIDs)
}

// HeldOf returns which batches of a site the store holds or once held.
func (s *Store) HeldOf(site journal.ID) journal.Vector {
	s.state.RLock()
	defer s.state.RUnlock()
	return s.held.of(site)
}

// Holds says of one batch whether the store holds it or once held it, and it was not lost by damage.
func (s *Store) Holds(k journal.Key) bool {
	s.state.RLock()
	defer s.state.RUnlock()
	return s.held.Has(k.StreamKey, k.Seq) && !s.wanted.Has(k.StreamKey, k.Seq)
}

// ConflictsOf returns how often other content of a site came under a held key, in earlier openings too as far as it was set aside.
func (s *Store) ConflictsOf(site journal.ID) uint64 {
	s.state.RLock()
	defer s.state.RUnlock()
	return s.conflicts[site]
}

// HaveOf returns what of a site stands in the segments.
func (s *Store) HaveOf(site journal.ID) journal.Vector {
	out := journal.Vector{}
	for _, g := range s.listed() {
		if g.damaged() == nil {
			out.Join(g.contentsOf(site))
		}
	}
	return out
}

// WantedOf returns what of a site was lost by damage and is taken again.
func (s *Store) WantedOf(site journal.ID) journal.Vector {
	s.state.RLock()
	defer s.state.RUnlock()
	return s.wanted.of(site)
}

// WatchOf returns a channel that is closed at the next change of what is held or here of a site. It is
// the site's alone: what others bring does not close it.
func (s *Store) WatchOf(site journal.ID) <-chan struct{} {
	s.state.Lock()
	defer s.state.Unlock()
	c := s.watched[site]
	if c == nil {
		c = make(chan struct{})
		s.watched[site] = c
	}
	return c
}

// sitesIn returns the sites of batches, each once.
func sitesIn(batches []journal.Batch) (out []journal.ID) {
	seen := map[journal.ID]struct{}{}
	for i := range batches {
		if _, again := seen[batches[i].Site]; !again {
			seen[batches[i].Site] = struct{}{}
			out = append(out, batches[i].Site)
		}
	}
	return out
}

// PageOf returns the first batches of a site that this store has and v does not hold, without their
// layouts, until they are limit bytes or more. Streams are taken one after the other in the order given;
// none given means all: facts, then logs and what else there is, then samples. Within a stream come the
// oldest segments first, and in a segment by key. None and no error: v holds all that is here. The zero site
// is all of them.
func (s *Store) PageOf(ctx context.Context, site journal.ID, streams []journal.Stream, v journal.Vector, limit int) ([]journal.Batch, error) {
	q := quota{bytes: limit}
	err := s.lacking(ctx, site, v, ranks(streams), false, &q)
	return q.out, err
}

// NewestOf is PageOf with the newest segments, and in them the last of each stream, first.
func (s *Store) NewestOf(ctx context.Context, site journal.ID, streams []journal.Stream, v journal.Vector, limit int) ([]journal.Batch, error) {
	q := quota{bytes: limit}
	err := s.lacking(ctx, site, v, ranks(streams), true, &q)
	return q.out, err
}

// DeviceOf returns one device of a site; ok is false when nothing is known of it.
func (s *Store) DeviceOf(site journal.ID, id hw.DeviceID) (DeviceView, bool) {
	s.state.RLock()
	defer s.state.RUnlock()
	v := s.view(site, id)
	return v, len(v.Facts) > 0 || !v.LastVisit.IsZero()
}

// RegistersOf returns the view of a device's registers at a site. The empty device is the boxes.
func (s *Store) RegistersOf(site journal.ID, device hw.DeviceID) []hw.Fact {
	s.state.RLock()
	defer s.state.RUnlock()
	return s.view(site, device).Facts
}
