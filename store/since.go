package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"rackpost/hw/journal"
)

// Position is where a local reader stands: behind one batch. It means nothing to another
// store. The zero Position stands before everything.
type Position struct {
	Segment SegmentID
	Row     int64
}

// String returns the text ParsePosition reads.
func (p Position) String() string { return fmt.Sprintf("%s:%d", p.Segment, p.Row) }

// ParsePosition reads a position.
func ParsePosition(s string) (p Position, err error) {
	id, row, ok := strings.Cut(s, ":")
	b, err := hex.DecodeString(id)
	if err == nil && ok && len(b) == len(p.Segment) {
		copy(p.Segment[:], b)
		p.Row, err = strconv.ParseInt(row, 10, 64)
	}
	if err != nil || !ok || len(b) != len(p.Segment) || p.Row < 0 {
		return Position{}, fmt.Errorf("position %q: want what an earlier answer gave", s)
	}
	return p, nil
}

// ErrTrimmed is returned by Since for a position whose segment is gone: the reader missed
// something and begins anew from a snapshot.
var ErrTrimmed = errors.New("position was trimmed away")

// Since returns up to limit batches behind p in order of arrival, each with its layouts, and
// the position behind the last. No batches and no error: p is the end; wait for Watch.
func (s *Store) Since(ctx context.Context, p Position, limit int) ([]journal.Batch, Position, error) {
	if limit < 1 {
		return nil, p, nil
	}
	q := quota{batches: limit}
	next, err := s.since(ctx, p, &q)
	if err != nil {
		return nil, p, err
	}
	return q.out, next, nil
}

// since collects what is behind p and returns the position behind the last.
func (s *Store) since(ctx context.Context, p Position, q *quota) (Position, error) {
	segments := s.listed()
	from := 0
	if p != (Position{}) {
		from = slices.IndexFunc(segments, func(g *segment) bool { return g.id == p.Segment })
		if from < 0 {
			return p, fmt.Errorf("since %s: %w", p, ErrTrimmed)
		}
	}
	for _, g := range segments[from:] {
		row := int64(0)
		if g.id == p.Segment {
			row = p.Row
		}
		if g.damaged() != nil {
			continue
		}
		end, more, err := row, true, error(nil)
		for more && err == nil && !q.full() {
			end, more, err = s.sinceRow(ctx, g, end, q)
		}
		switch {
		case errors.Is(err, errGone):
			return p, fmt.Errorf("since %s: %w", p, ErrTrimmed)
		case isDamaged(err):
			s.setAside(g, err)
		case err != nil:
			return p, fmt.Errorf("since %s: %w", p, err)
		}
		p = Position{g.id, end}
		if q.full() {
			break
		}
	}
	return p, nil
}

// errEnough ends a reading that has what was asked for.
var errEnough = errors.New("enough")

// sinceRow reads g behind row until q is full. It returns the last row looked at and whether more are
// behind it: of those read, some may have to be passed over.
func (s *Store) sinceRow(ctx context.Context, g *segment, row int64, q *quota) (end int64, more bool, err error) {
	err = g.read(func(db *sql.DB) error {
		err := eachRow(ctx, db, "SELECT position, bytes FROM batch WHERE position > ? ORDER BY position", []any{row}, func(position int64, raw []byte) error {
			if q.full() {
				return errEnough
			}
			row = position
			if b, ok := s.parse(g, position, raw); ok {
				q.add(b)
			}
			return nil
		})
		if more = errors.Is(err, errEnough); more {
			err = nil
		}
		return errors.Join(err, s.withLayouts(ctx, db, g, q))
	})
	return row, more, err
}

// withLayouts gives every batch that has none yet the layouts it refers to. A batch whose
// layout is damaged is passed over: nobody could take it.
func (s *Store) withLayouts(ctx context.Context, db *sql.DB, g *segment, q *quota) error {
	if q.batches == 0 {
		return nil
	}
	batches := &q.out
	have := map[journal.LayoutID]journal.Layout{}
	load := func(id journal.LayoutID) (journal.Layout, error) {
		l, ok := have[id]
		if ok {
			return l, nil
		}
		l, err := layoutOf(ctx, db, id)
		if err != nil {
			return l, fmt.Errorf("read layout %s: %w", id, err)
		}
		have[id] = l
		return l, nil
	}
	var failed error
	for i := range *batches {
		b := &(*batches)[i]
		for _, id := range b.Uses[len(b.Layouts):] {
			l, err := load(id)
			if err != nil {
				b.Bytes = nil
				if errors.Is(err, sql.ErrNoRows) || errors.Is(err, journal.ErrCorrupt) {
					s.damaged(g, 0, err)
				} else {
					failed = err
				}
				break
			}
			b.Layouts = append(b.Layouts, l)
		}
	}
	*batches = slices.DeleteFunc(*batches, func(b journal.Batch) bool { return b.Bytes == nil })
	return failed
}

// Lacking returns up to limit batches that this store has and v does not hold: facts first,
// then logs, then samples, the oldest segments first and in a segment by key. Batches held but
// since dropped here are not among them.
func (s *Store) Lacking(ctx context.Context, v journal.Vector, limit int) ([]journal.Batch, error) {
	if limit < 1 {
		return nil, nil
	}
	q := quota{batches: limit}
	if err := s.lacking(ctx, v, &q); err != nil {
		return nil, err
	}
	return q.out, nil
}

func (s *Store) lacking(ctx context.Context, v journal.Vector, q *quota) error {
	segments := s.listed()
	for _, rank := range []func(journal.Stream) bool{
		func(t journal.Stream) bool { return t == journal.Facts },
		func(t journal.Stream) bool { return t != journal.Facts && t != journal.Samples },
		func(t journal.Stream) bool { return t == journal.Samples },
	} {
		for _, g := range segments {
			if q.full() {
				return nil
			}
			if g.damaged() != nil {
				continue
			}
			err := s.lackingOf(ctx, g, v, rank, q)
			switch {
			case errors.Is(err, errGone):
			case isDamaged(err):
				s.setAside(g, err)
			case err != nil:
				return fmt.Errorf("lacking: %w", err)
			}
		}
	}
	return nil
}

// lackingOf collects what g has and v does not.
func (s *Store) lackingOf(ctx context.Context, g *segment, v journal.Vector, rank func(journal.Stream) bool, q *quota) error {
	// Of those read, some may have to be passed over: then further ones take their place.
	for want, sources := g.lacks(v, rank); len(want) > 0 && !q.full(); {
		looked := journal.Vector{}
		err := g.read(func(db *sql.DB) error {
			err := s.readWanted(ctx, g, db, want, sources, looked, q)
			return errors.Join(err, s.withLayouts(ctx, db, g, q))
		})
		if err != nil || len(looked) == 0 {
			return err
		}
		want = want.Minus(looked)
	}
	return nil
}

// lacks returns what stands in g of the streams that rank names and v does not hold, with the numbers of
// their sources. Where nothing is lacking it is cheap.
func (g *segment) lacks(v journal.Vector, rank func(journal.Stream) bool) (journal.Vector, map[journal.StreamKey]int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	want := g.own.Minus(v)
	maps.DeleteFunc(want, func(k journal.StreamKey, _ []journal.Interval) bool { return !rank(k.Stream) })
	if len(want) == 0 {
		return nil, nil
	}
	return want, maps.Clone(g.sources)
}

// readWanted collects batches of want until q is full, and notes the ones it looked at.
func (s *Store) readWanted(ctx context.Context, g *segment, db *sql.DB, want journal.Vector, sources map[journal.StreamKey]int64, looked journal.Vector, q *quota) error {
	for _, k := range want.Keys() {
		for _, iv := range want[k] {
			err := each(ctx, db, "SELECT position, seq, bytes FROM batch WHERE source = ? AND seq BETWEEN ? AND ? ORDER BY seq",
				[]any{sources[k], int64(iv.First), int64(iv.Last)}, func(rows *sql.Rows) error {
					if q.full() {
						return errEnough
					}
					var position, seq int64
					var raw []byte
					if err := rows.Scan(&position, &seq, &raw); err != nil {
						return err
					}
					looked.Add(k, uint64(seq), uint64(seq))
					if b, ok := s.parse(g, position, raw); ok {
						q.add(b)
					}
					return nil
				})
			if errors.Is(err, errEnough) {
				return nil
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
