package store

import (
	"context"
	"fmt"
	"slices"

	"rackpost/hw/journal"
)

// TailOf is Tail of one site, and of the streams given, all when none is. It costs what the site brings, not
// what all do. Wait for WatchOf.
func (s *Store) TailOf(site journal.ID, streams []journal.Stream) func(ctx context.Context, limit int) ([]journal.Batch, error) {
	s.writing.Lock() // so that no batch is written and not yet counted
	defer s.writing.Unlock()
	t := siteTail{store: s, site: site, ranks: ranks(streams), seen: journal.Vector{}}
	if all := s.listed(); len(all) > 0 {
		t.at = all[len(all)-1]
		t.seen = t.at.contentsOf(site)
	}
	return t.next
}

// siteTail reads what is new of a site: what stands in its segment and those after it, and was not seen.
type siteTail struct {
	store *Store
	site  journal.ID
	ranks []func(journal.Stream) bool
	at    *segment // nil: before the first
	seen  journal.Vector
}

func (t *siteTail) next(ctx context.Context, limit int) ([]journal.Batch, error) {
	segments := t.store.listed()
	if t.at != nil {
		i := slices.Index(segments, t.at)
		if i < 0 {
			return nil, fmt.Errorf("tail of site %s: %w", t.site, ErrTrimmed)
		}
		segments = segments[i:]
	}
	q := quota{bytes: limit, looked: journal.Vector{}}
	for _, g := range segments {
		for _, rank := range t.ranks {
			if err := t.store.lackingOf(ctx, g, want{site: t.site, v: t.seen, rank: rank}, &q); err != nil {
				return nil, fmt.Errorf("tail of site %s: %w", t.site, err)
			}
		}
		if q.full() {
			break
		}
		t.at = g
	}
	t.seen.Join(q.looked)
	return q.out, nil
}
