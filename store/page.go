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
	return s.PageOf(ctx, journal.ID{}, nil, v, limit)
}

// quota collects batches until they are enough.
type quota struct {
	out     []journal.Batch
	at      []Position     // of each
	batches int            // at most; 0: any number
	bytes   int            // of those still to come
	layouts bool           // each with its layouts
	looked  journal.Vector // gets, unless it is nil, what was looked at to be found

	site  journal.ID                // of a reading by position: of this one alone; of all when zero
	rank  func(journal.Stream) bool // and of these streams alone; nil: of all, whatever the site
	until Position                  // and no further, where there is a rank
	seen  journal.Vector            // and none of these
}

func (q *quota) full() bool {
	return q.bytes <= 0 || (q.batches > 0 && len(q.out) >= q.batches)
}

func (q *quota) add(b journal.Batch, g *segment, row int64) {
	if q.seen.Has(b.StreamKey, b.Seq) { // it cost a reading all the same
		q.bytes -= len(b.Bytes)
		return
	}
	q.out = append(q.out, b)
	q.at = append(q.at, Position{g.id, row, b.Checksum()})
	q.bytes -= len(b.Bytes)
}

// compact leaves out the batches that have no bytes any more.
func (q *quota) compact() {
	kept := 0
	for i := range q.out {
		if q.out[i].Bytes != nil {
			q.out[kept], q.at[kept] = q.out[i], q.at[i]
			kept++
		}
	}
	clear(q.out[kept:])
	q.out, q.at = q.out[:kept], q.at[:kept]
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
			out.Join(g.own.all())
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
