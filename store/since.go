package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"rackpost/hw/journal"
)

// Since returns up to limit batches behind p in order of arrival, each with its layouts, and
// the position behind the last. No batches and no error: p is the end; wait for Watch. Its errors are
// those of Changes.
func (s *Store) Since(ctx context.Context, p Position, limit int) ([]journal.Batch, Position, error) {
	if limit < 1 {
		return nil, p, nil
	}
	if err := s.check(ctx, p); err != nil {
		return nil, p, err
	}
	q := quota{batches: limit, bytes: unlimited, layouts: true}
	next, err := s.since(ctx, p, &q)
	if err != nil {
		return nil, p, err
	}
	return q.out, s.stamp(ctx, next), nil
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
			if g.id == q.until.Segment {
				return q.until, nil
			}
			continue
		}
		end, more, err := row, true, error(nil)
		for more && err == nil && !q.full() {
			read := s.sinceRow
			if q.rank != nil {
				read = s.sinceSome
			}
			end, more, err = read(ctx, g, end, q)
		}
		switch {
		case errors.Is(err, errGone):
			return p, fmt.Errorf("since %s: %w", p, ErrTrimmed)
		case isDamaged(err):
			s.setAside(g, err)
		case err != nil:
			return p, fmt.Errorf("since %s: %w", p, err)
		}
		p = Position{Segment: g.id, Row: end}
		if q.full() || g.id == q.until.Segment {
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
				q.add(b, g, position)
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
	if !q.layouts {
		return nil
	}
	batches := q.out
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
	for i := range batches {
		b := &batches[i]
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
	q.compact()
	return failed
}

// Lacking returns up to limit batches that this store has and v does not hold: facts first,
// then logs, then samples, the oldest segments first and in a segment by key. Batches held but
// since dropped here are not among them.
func (s *Store) Lacking(ctx context.Context, v journal.Vector, limit int) ([]journal.Batch, error) {
	if limit < 1 {
		return nil, nil
	}
	q := quota{batches: limit, bytes: unlimited, layouts: true}
	if err := s.lacking(ctx, journal.ID{}, v, ranks(nil), false, &q); err != nil {
		return nil, err
	}
	return q.out, nil
}

// ranks returns what tells, one after the other, the streams asked for; none means all, facts first and
// samples last.
func ranks(streams []journal.Stream) (out []func(journal.Stream) bool) {
	if len(streams) == 0 {
		return []func(journal.Stream) bool{
			func(t journal.Stream) bool { return t == journal.Facts },
			func(t journal.Stream) bool { return t != journal.Facts && t != journal.Samples },
			func(t journal.Stream) bool { return t == journal.Samples },
		}
	}
	for _, x := range streams {
		out = append(out, func(t journal.Stream) bool { return t == x })
	}
	return out
}

// lacking collects what is here and v does not hold, of one site, or of all when it is zero.
func (s *Store) lacking(ctx context.Context, site journal.ID, v journal.Vector, ranks []func(journal.Stream) bool, newest bool, q *quota) error {
	segments := s.listed()
	if newest {
		slices.Reverse(segments)
	}
	for _, rank := range ranks {
		for _, g := range segments {
			if q.full() {
				return nil
			}
			if err := s.lackingOf(ctx, g, want{site, v, rank, newest}, q); err != nil {
				return fmt.Errorf("lacking: %w", err)
			}
		}
	}
	return nil
}

// want is what is asked of a segment: what v does not hold of a site, or of all when it is zero, in the
// streams that rank names.
type want struct {
	site   journal.ID
	v      journal.Vector
	rank   func(journal.Stream) bool
	newest bool
}

// lackingOf collects what g has of w. A damaged segment is set aside.
func (s *Store) lackingOf(ctx context.Context, g *segment, w want, q *quota) error {
	if g.damaged() != nil {
		return nil
	}
	// Of those read, some may have to be passed over: then further ones take their place.
	for lacks := g.lacks(w); len(lacks) > 0 && !q.full(); {
		looked := journal.Vector{}
		err := g.read(func(db *sql.DB) error {
			err := s.readLacks(ctx, g, db, lacks, w.newest, looked, q)
			return errors.Join(err, s.withLayouts(ctx, db, g, q))
		})
		if q.looked != nil {
			q.looked.Join(looked)
		}
		switch {
		case errors.Is(err, errGone):
			return nil
		case isDamaged(err):
			s.setAside(g, err)
			return nil
		case err != nil || len(looked) == 0:
			return err
		}
		lacks = lacks.Minus(looked)
	}
	return nil
}

// lacks returns what g has of w. Where nothing is lacking it is cheap.
func (g *segment) lacks(w want) journal.Vector {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.own.lacks(w.site, w.v, w.rank)
}

// readLacks collects batches of lacks until q is full, and notes the ones it looked at.
func (s *Store) readLacks(ctx context.Context, g *segment, db *sql.DB, lacks journal.Vector, newest bool, looked journal.Vector, q *quota) error {
	order := "ASC"
	if newest {
		order = "DESC"
	}
	for _, k := range lacks.Keys() {
		source, ok := g.source(k)
		if !ok { // dropped meanwhile
			continue
		}
		runs := lacks[k]
		if newest {
			runs = slices.Clone(runs)
			slices.Reverse(runs)
		}
		for _, iv := range runs {
			err := each(ctx, db, "SELECT position, seq, bytes FROM batch WHERE source = ? AND seq BETWEEN ? AND ? ORDER BY seq "+order,
				[]any{source, int64(iv.First), int64(iv.Last)}, func(rows *sql.Rows) error {
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
						q.add(b, g, position)
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
