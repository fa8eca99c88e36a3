package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"rackpost/hw/journal"
)

// Before returns what of a site's streams, of all when there are none, a reader at p has behind him: what this store held there, and
// what it has dropped since. What damage took and may come again is not in it. nil without an error is more than most streams, or not known
// any more.
func (s *Store) Before(ctx context.Context, p Position, site journal.ID, streams []journal.Stream, most int) (journal.Vector, error) {
	rank := rankOf(streams)
	s.state.RLock()
	gone := s.held.lacks(site, nil, rank) // all that is held, less what stands here
	wanted := s.wanted.of(site)
	s.state.RUnlock()
	if len(gone) > most {
		return nil, nil
	}
	segments := s.listed() // after that: else what comes meanwhile would be taken for gone
	at := -1
	for i, g := range segments {
		if g.id == p.Segment {
			at = i
		}
	}
	if at < 0 && p == (Position{}) && len(segments) > 0 {
		at = 0
	}
	if at < 0 {
		if len(segments) == 0 && p == (Position{}) {
			return journal.Vector{}, nil
		}
		return nil, nil
	}
	for _, g := range segments {
		if g.damaged() != nil { // what stands in it is not known for sure, and may be read again
			gone = nil
			break
		}
		gone = gone.Minus(g.contentsOf(site))
	}
	before, err := segments[at].heldBefore(ctx, p.Row, site, rank)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, nil
	}
	before.Join(gone)
	return before.Minus(wanted), nil
}

// rankOf tells the streams that are asked for; none are all.
func rankOf(streams []journal.Stream) func(journal.Stream) bool {
	if len(streams) == 0 {
		return anyStream
	}
	return func(t journal.Stream) bool {
		for _, x := range streams {
			if x == t {
				return true
			}
		}
		return false
	}
}

// of returns what v holds of a site's streams.
func of(v journal.Vector, site journal.ID, rank func(journal.Stream) bool) journal.Vector {
	out := journal.Vector{}
	for k, iv := range v {
		if k.Site == site && rank(k.Stream) {
			out[k] = iv
		}
	}
	return out
}

// heldAtStart returns what the store held of a site's streams when the segment was begun.
func (g *segment) heldAtStart(ctx context.Context, db *sql.DB, site journal.ID, rank func(journal.Stream) bool) (journal.Vector, error) {
	var raw []byte
	if err := db.QueryRowContext(ctx, "SELECT value FROM meta WHERE name = ?", metaHeld).Scan(&raw); err != nil {
		return nil, fmt.Errorf("read what was held at its start: %w", err)
	}
	v, err := journal.UnmarshalVector(raw)
	return of(v, site, rank), err
}

// heldBefore adds to that what stands in it up to a row.
func (g *segment) heldBefore(ctx context.Context, row int64, site journal.ID, rank func(journal.Stream) bool) (v journal.Vector, err error) {
	if g.damaged() != nil {
		return nil, g.damaged()
	}
	err = g.read(func(db *sql.DB) error {
		if v, err = g.heldAtStart(ctx, db, site, rank); err != nil || row == 0 {
			return err
		}
		for k := range of(g.contentsOf(site), site, rank) {
			if err := g.upTo(ctx, db, v, k, row); err != nil {
				return err
			}
		}
		return nil
	})
	return v, err
}

// upTo adds to v what stands of a stream up to a row. The index has it all, and most often it is one run.
func (g *segment) upTo(ctx context.Context, db *sql.DB, v journal.Vector, k journal.StreamKey, row int64) error {
	source, ok := g.source(k)
	if !ok {
		return nil
	}
	var first, last, count sql.NullInt64
	const rows = "FROM batch INDEXED BY batch_key WHERE source = ? AND position <= ?"
	if err := db.QueryRowContext(ctx, "SELECT min(seq), max(seq), count(*) "+rows, source, row).Scan(&first, &last, &count); err != nil || count.Int64 == 0 {
		return err
	}
	if last.Int64-first.Int64+1 == count.Int64 {
		v.Add(k, uint64(first.Int64), uint64(last.Int64))
		return nil
	}
	return each(ctx, db, "SELECT seq "+rows+" ORDER BY seq", []any{source, row}, func(r *sql.Rows) error {
		var seq int64
		err := r.Scan(&seq)
		if err == nil {
			v.Add(k, uint64(seq), uint64(seq))
		}
		return err
	})
}

// resume returns where somebody goes on here who has read elsewhere, or here before a copy was put back: before the oldest batch of a
// site's streams that he has not seen. The error is ErrTrimmed where such a one was dropped with its segment.
func (s *Store) resume(ctx context.Context, seen journal.Vector, site journal.ID, rank func(journal.Stream) bool) (Position, error) {
	if err := s.missed(ctx, seen, site, rank); err != nil {
		return Position{}, err
	}
	_, head := s.Ends(ctx) // before the looking: what comes meanwhile comes behind it
	for _, g := range s.listed() {
		if g.damaged() != nil {
			continue
		}
		lacks := g.lacks(want{site: site, v: seen, rank: rank})
		if len(lacks) == 0 {
			continue
		}
		row, err := g.firstOf(ctx, lacks)
		if errors.Is(err, errGone) {
			return Position{}, fmt.Errorf("go on: %w", ErrTrimmed)
		}
		if ctx.Err() != nil {
			return Position{}, ctx.Err()
		}
		if err != nil { // the reading tells what is wrong
			row = 1
		}
		return Position{Segment: g.id, Row: row - 1}, nil
	}
	return head, nil
}

// firstOf returns the first row in which something of lacks stands.
func (g *segment) firstOf(ctx context.Context, lacks journal.Vector) (row int64, err error) {
	err = g.read(func(db *sql.DB) error {
		for k, runs := range lacks {
			source, ok := g.source(k)
			if !ok {
				continue
			}
			for _, iv := range runs {
				var first sql.NullInt64
				err := db.QueryRowContext(ctx, "SELECT min(position) FROM batch INDEXED BY batch_key WHERE source = ? AND seq BETWEEN ? AND ?",
					source, int64(iv.First), int64(iv.Last)).Scan(&first)
				if err != nil {
					return err
				}
				if first.Valid && (row == 0 || first.Int64 < row) {
					row = first.Int64
				}
			}
		}
		return nil
	})
	return max(row, 1), err
}

// missed says whether something that is not in seen was dropped with its segment: it was held before the oldest one that can be read, or it is
// facts that were dropped elsewhere before they came here, where a base has what they amount to.
func (s *Store) missed(ctx context.Context, seen journal.Vector, site journal.ID, rank func(journal.Stream) bool) error {
	s.state.RLock()
	here := s.wanted.of(site) // what damage took may come again
	never := journal.Vector{}
	if f := s.folds[site]; f != nil && rank(journal.Facts) {
		never = only(f.Excused(), journal.Facts).Minus(s.held.of(site))
	}
	s.state.RUnlock()
	if left := never.Minus(seen); len(left) > 0 {
		return trimmed(left)
	}
	for _, g := range s.listed() {
		if g.damaged() != nil {
			here.Join(g.contentsOf(site))
			continue
		}
		var before journal.Vector
		err := g.read(func(db *sql.DB) (err error) {
			before, err = g.heldAtStart(ctx, db, site, rank)
			return err
		})
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return fmt.Errorf("go on: %w: %w", ErrTrimmed, err)
		}
		if left := before.Minus(seen).Minus(here); len(left) > 0 {
			return trimmed(left)
		}
		return nil
	}
	return nil
}

func trimmed(left journal.Vector) error {
	return fmt.Errorf("go on: %w: %d batches that were not read are gone", ErrTrimmed, left.Count())
}
