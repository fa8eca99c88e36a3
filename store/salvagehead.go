package store

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"

	"rackpost/hw/journal"
)

// soundTwin says whether g has a twin that can be read, and joins its reach to span. One that
// cannot is removed.
func (s *Store) soundTwin(ctx context.Context, g *segment, reach *span) bool {
	if !s.hasTwin(g) {
		return false
	}
	db := openDB(g.twinPath(), immutable)
	var answer string
	var first, last sql.NullInt64
	err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&answer)
	if err == nil && answer == "ok" {
		err = db.QueryRowContext(ctx, "SELECT min(first), max(last) FROM chunk").Scan(&first, &last)
	}
	err = errors.Join(err, db.Close())
	if ctx.Err() != nil {
		return true
	}
	if err != nil || answer != "ok" {
		s.dropTwin(g)
		return false
	}
	if first.Valid && last.Valid {
		reach.join(span{first.Int64, last.Int64})
	}
	return true
}

// rescued sums up what c found.
func (c *salvor) rescued(ctx context.Context) *rescue {
	stood, unknown := c.store.stood(ctx, c.g, c.meta[metaHeld])
	own := c.own.all()
	stood.Join(own)
	r := &rescue{original: c.g.file(), lost: stood.Minus(own), of: stood.Count(), unknown: unknown, span: c.span, twin: c.twin}
	r.nothing = len(own) == 0 && !r.twin
	if r.span.first > r.span.last {
		r.span = c.store.spanAround(c.g)
	}
	return r
}

// stood returns what stood in g before the damage, and whether more may have: where g does not
// tell, it is what came between its head and the next one's, and has not gone since.
func (s *Store) stood(ctx context.Context, g *segment, head []byte) (out journal.Vector, unknown bool) {
	out = g.contents()
	if g.told {
		return out, false
	}
	segments := s.listed()
	i := slices.Index(segments, g)
	var next journal.Vector
	for _, x := range segments[i+1:] {
		if next = x.head(ctx); next != nil {
			break
		}
	}
	if next == nil {
		return out, true
	}
	before, err := journal.UnmarshalVector(head)
	if err != nil {
		before = s.heldBefore(ctx, g)
	}
	came := next.Minus(before).Minus(s.elsewhere(g))
	maps.DeleteFunc(came, func(k journal.StreamKey, _ []journal.Interval) bool { return g.number <= s.forgotten[k.Site].upTo })
	s.state.RLock()
	defer s.state.RUnlock()
	for _, f := range s.folds {
		came = came.Minus(f.Excused())
	}
	out.Join(came)
	return out, false
}

// heldBefore returns what was held when g was begun, as far as the segments before it tell.
func (s *Store) heldBefore(ctx context.Context, g *segment) journal.Vector {
	segments := s.listed()
	for _, x := range slices.Backward(segments[:slices.Index(segments, g)]) {
		if v := x.head(ctx); v != nil {
			v.Join(x.contents())
			return v
		}
	}
	return journal.Vector{}
}

// head returns what was held when g was begun, nil when it cannot be read.
func (g *segment) head(ctx context.Context) journal.Vector {
	if g.damaged() != nil {
		return nil
	}
	var raw []byte
	err := g.read(func(db *sql.DB) error {
		return db.QueryRowContext(ctx, "SELECT value FROM meta WHERE name = ?", metaHeld).Scan(&raw)
	})
	if err != nil {
		return nil
	}
	v, err := journal.UnmarshalVector(raw)
	if err != nil {
		return nil
	}
	return v
}

// spanAround returns from when to when g may reach by its neighbours.
func (s *Store) spanAround(g *segment) span {
	s.state.RLock()
	defer s.state.RUnlock()
	i, out := slices.Index(s.segments, g), emptySpan()
	if i < 1 || i+1 >= len(s.segments) {
		return out
	}
	former, next := s.segments[i-1].span, s.segments[i+1].span
	if former.first <= former.last && next.first <= next.last {
		out.add(former.last)
		out.add(next.first)
	}
	return out
}
