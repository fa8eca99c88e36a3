package store

import (
	"context"

	"rackpost/hw/journal"
)

// What follows gives batches to other stores. Lacking and Since give a few with all they need; here
// they come without layouts and bounded in bytes, for whoever sends many and a layout only once.

// Page returns the first batches of what this store has and v does not hold, without their layouts,
// until they are limit bytes or more: facts first, then logs, then samples, the oldest segments first and in
// a segment by key. None and no error: v holds all that is here.
func (s *Store) Page(ctx context.Context, v journal.Vector, limit int) ([]journal.Batch, error) {
	q := quota{bytes: limit}
	if err := s.lacking(ctx, v, &q); err != nil {
		return nil, err
	}
	return q.out, nil
}

// quota collects batches until they are enough.
type quota struct {
	out     []journal.Batch
	batches int // at most, and with their layouts; 0: any number, and without
	bytes   int // of those still to come
}

func (q *quota) full() bool {
	if q.batches > 0 {
		return len(q.out) >= q.batches
	}
	return q.bytes <= 0
}

func (q *quota) add(b journal.Batch) {
	q.out = append(q.out, b)
	q.bytes -= len(b.Bytes)
}

// Tail returns a reader of what is written from now on, by this box or by others, without layouts: each
// call returns what comes next in order of arrival, until that is limit bytes or more; none and no
// error is the end, wait for Watch. The reader is one goroutine's. Its error is ErrTrimmed when it missed
// something.
func (s *Store) Tail() func(ctx context.Context, limit int) ([]journal.Batch, error) {
	s.writing.Lock() // so that no batch is written and not yet counted
	defer s.writing.Unlock()
	var p Position
	if all := s.listed(); len(all) > 0 {
		g := all[len(all)-1]
		p.Segment = g.id
		g.mu.Lock()
		p.Row = max(0, g.next-1)
		g.mu.Unlock()
		if g != s.open { // sealed or damaged: nothing more is written into it
			p.Row = 1<<63 - 1
		}
	}
	return func(ctx context.Context, limit int) ([]journal.Batch, error) {
		q := quota{bytes: limit}
		next, err := s.since(ctx, p, &q)
		if err != nil {
			return nil, err
		}
		p = next
		return q.out, nil
	}
}

// Have returns what stands in the segments: what is held and was neither dropped nor damaged since.
func (s *Store) Have() journal.Vector {
	out := journal.Vector{}
	for _, g := range s.listed() {
		g.mu.Lock()
		if g.damage == nil {
			out.Join(g.own)
		}
		g.mu.Unlock()
	}
	return out
}

// Conflicts returns how often other content came under a held key, in earlier openings too.
func (s *Store) Conflicts() uint64 {
	s.state.RLock()
	defer s.state.RUnlock()
	return s.stats.Conflicts
}
