package store

import (
	"context"
	"database/sql"
	"fmt"

	"rackpost/hw/journal"
)

// Usage is what a site takes.
type Usage struct {
	Batches uint64 // that stand in the segments
	Bytes   int64  // of them, as they came: the files need about a tenth more, and the twins
}

func (u *Usage) add(o Usage) { u.Batches, u.Bytes = u.Batches+o.Batches, u.Bytes+o.Bytes }

// UsageOf returns what a site takes.
func (s *Store) UsageOf(site journal.ID) (u Usage) {
	for _, g := range s.counted() {
		g.mu.Lock()
		u.add(g.own.usage(site, anyStream))
		g.mu.Unlock()
	}
	return u
}

// Usages returns what every site takes of which anything stands here.
func (s *Store) Usages() map[journal.ID]Usage {
	out := map[journal.ID]Usage{}
	for _, g := range s.counted() {
		g.mu.Lock()
		for site := range g.own.sites {
			u := out[site]
			u.add(g.own.usage(site, anyStream))
			out[site] = u
		}
		g.mu.Unlock()
	}
	return out
}

// counted returns the segments, each knowing what it holds in bytes: those written by an earlier version are counted
// when it is first asked.
func (s *Store) counted() []*segment {
	segments := s.listed()
	for _, g := range segments {
		g.mu.Lock()
		known := g.sized || g.damage != nil
		g.mu.Unlock()
		if known {
			continue
		}
		if err := g.count(context.Background()); err != nil {
			s.opt.Logger.Warn("what sites take of a segment is not known", "err", err)
		}
	}
	return segments
}

// count learns from the rows how many bytes each stream has.
func (g *segment) count(ctx context.Context) error {
	sizes := map[int64]int64{}
	err := g.read(func(db *sql.DB) error {
		return each(ctx, db, "SELECT source, sum(octet_length(bytes)) FROM batch GROUP BY source", nil, func(rows *sql.Rows) error {
			var source, size int64
			err := rows.Scan(&source, &size)
			sizes[source] = size
			return err
		})
	})
	if err != nil {
		return fmt.Errorf("count the bytes of a segment: %w", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.own.setSizes(sizes)
	g.sized = true
	return nil
}

// overQuota returns by how many bytes sites are over their quota.
func (s *Store) overQuota() map[journal.ID]int64 {
	if s.opt.Quota == nil {
		return nil
	}
	over := map[journal.ID]int64{}
	for site, u := range s.Usages() {
		if most := s.opt.Quota(site); most > 0 && u.Bytes > most {
			over[site] = u.Bytes - most
		}
	}
	return over
}

// worthwhile is which part of a segment is at least dropped for a quota: the rest has to be written anew.
const worthwhile = 64

// overPart returns the oldest segment in which logs and samples of sites over their quota stand, and these; nil where there is
// none of which it is worthwhile.
func (s *Store) overPart(segments []*segment) (*segment, journal.Vector) {
	over := s.overQuota()
	for _, g := range segments {
		if len(over) == 0 {
			break
		}
		if g.twinOnly {
			continue
		}
		part, total := journal.Vector{}, int64(0)
		g.mu.Lock()
		for site := range over {
			take := g.own.lacks(site, nil, notFacts)
			if u := g.own.usage(site, notFacts); u.Batches > 0 {
				part.Join(take)
				total += u.Bytes
			}
		}
		g.mu.Unlock()
		if len(part) > 0 && total >= fileBytes(g.file())/worthwhile {
			return g, part
		}
	}
	return nil, nil
}

func notFacts(t journal.Stream) bool { return t != journal.Facts }
