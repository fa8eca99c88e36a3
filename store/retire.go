package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// Retirement is the word that a disk is lost.
type Retirement struct {
	Origin journal.ID
	hw.ActValue
}

// ErrOwnOrigin is returned by Retire for the store's own journal.
var ErrOwnOrigin = errors.New("this box's own journal")

// Retire says that the disk of another box of this site, whose journal origin names, is lost: nobody
// waits any more for what only that held. What others hold of it still comes, and so does the rest if
// the disk returns. With on false it takes the word back. It is durable, and goes to all boxes, as Say.
func (s *Store) Retire(ctx context.Context, origin journal.ID, on bool, who, why string) error {
	if origin == s.id.origin {
		return fmt.Errorf("retire journal %s: %w", origin, ErrOwnOrigin)
	}
	now := s.opt.Now()
	return s.Say(ctx, []hw.Fact{{Kind: hw.ActFact, Version: 1, Component: BoxPath(origin), Group: hw.ActRetire, At: now,
		Value: hw.ActValue{Phase: hw.ActDone, On: on, Who: hw.Clean(who), Since: now, Detail: hw.Clean(why)}}})
}

// Retired returns the journals of this site whose disks are said to be lost, in order of origin.
func (s *Store) Retired() []Retirement {
	s.state.RLock()
	defer s.state.RUnlock()
	f := s.folds[s.id.site]
	if f == nil {
		return nil
	}
	seen := map[journal.ID]struct{}{}
	var out []Retirement
	for k := range f.Known() {
		if _, again := seen[k.Origin]; again {
			continue
		}
		seen[k.Origin] = struct{}{}
		if act, ok := f.Retired(k.Origin); ok {
			out = append(out, Retirement{k.Origin, act})
		}
	}
	slices.SortFunc(out, func(a, b Retirement) int { return cmp.Compare(a.Origin.String(), b.Origin.String()) })
	return out
}
