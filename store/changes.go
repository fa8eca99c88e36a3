package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"rackpost/hw/journal"
)

// ChangesQuery asks for what came behind a position.
type ChangesQuery struct {
	After   Position         // the zero one stands before everything
	Until   Position         // and no further; the zero one is the end
	Since   time.Time        // with the zero one: segments in which all is older are passed over
	Site    journal.ID       // of this site alone; of all when zero
	Streams []journal.Stream // of these alone; of all when empty
	Seen    journal.Vector   // the reader has these, and is not given them; nil: none but what is before After
	Batches int              // so many at most; 1,000 when 0
	Bytes   int              // until they are so many or more; 1 MB when 0
}

// Changes is an answer to a ChangesQuery.
type Changes struct {
	Batches []journal.Batch // with their layouts, in order of arrival
	Behind  []Position      // where a reader of each batch stands
	Next    Position        // behind all that was looked at: where to go on, also when nothing was found
	Oldest  Position        // before the oldest batch that is here
	Head    Position        // behind the newest
}

// Changes returns what came behind q.After. Nothing found and Next equal to Head is the end: wait for Watch, or for
// WatchOf of one site. The error is ErrTrimmed where something behind the position was dropped with its
// segment, and ErrOtherLife where this store never gave it: either way the reader begins anew from a Snapshot. What
// came by a base alone (Join) is no change: it is in the snapshot. With Until, Next at it is the end.
//
// With Site and Seen the position may be of any store of the site, and of an earlier life of this one: where it does not lead on here, the reader goes on before the
// oldest batch that he has not seen, and ErrTrimmed is that such a one is gone.
func (s *Store) Changes(ctx context.Context, q ChangesQuery) (Changes, error) {
	or(&q.Batches, 1000)
	or(&q.Bytes, 1<<20)
	err := s.check(ctx, q.After)
	if (err != nil || q.After == (Position{})) && q.Seen != nil && q.Site != (journal.ID{}) {
		q.After, err = s.resume(ctx, q.Seen, q.Site, rankOf(q.Streams))
	}
	if err != nil {
		return Changes{}, err
	}
	if q.After == (Position{}) && !q.Since.IsZero() {
		q.After = s.beginAt(q.Since.UnixMilli())
	}
	got := quota{batches: max(1, q.Batches), bytes: max(1, q.Bytes), layouts: true}
	got.site, got.until, got.seen = q.Site, q.Until, q.Seen
	if len(q.Streams) > 0 {
		got.rank = rankOf(q.Streams)
	} else if q.Site != (journal.ID{}) || q.Until != (Position{}) {
		got.rank = anyStream
	}
	next, err := s.since(ctx, q.After, &got)
	if err != nil {
		return Changes{}, err
	}
	out := Changes{Batches: got.out, Behind: got.at, Next: s.stamp(ctx, next)}
	out.Oldest, out.Head = s.Ends(ctx)
	return out, nil
}

// beginAt returns where a reader begins who wants nothing of before ms: before the first segment that reaches there, or the last.
func (s *Store) beginAt(ms int64) (p Position) {
	s.state.RLock()
	defer s.state.RUnlock()
	for _, g := range s.segments {
		if p.Segment = g.id; g.span.last >= ms {
			break
		}
	}
	return p
}

// Ends returns the oldest position that Changes takes, and the newest.
func (s *Store) Ends(ctx context.Context) (oldest, head Position) {
	segments := s.listed()
	if len(segments) == 0 {
		return oldest, head
	}
	last := segments[len(segments)-1]
	oldest.Segment, head.Segment = segments[0].id, last.id
	head.Row = last.lastRow()
	return oldest, s.stamp(ctx, head)
}

// sinceSome collects, of the batches of g behind row, those of the site and the streams that q names. The index finds
// them: of the others nothing is read. It returns the last row looked at and whether more are behind it.
func (s *Store) sinceSome(ctx context.Context, g *segment, row int64, q *quota) (end int64, more bool, err error) {
	names, known := g.namesTo(q.site, q.rank)
	err = g.read(func(db *sql.DB) error {
		var last int64
		if err := db.QueryRowContext(ctx, "SELECT coalesce(max(position), 0) FROM batch").Scan(&last); err != nil {
			return err
		}
		if g.id == q.until.Segment {
			last = min(last, q.until.Row)
		}
		last = min(last, known)
		end = max(row, last)
		if row >= last || len(names) == 0 {
			return nil
		}
		limit := q.batches - len(q.out) + 1
		if len(q.seen) > 0 { // each of them may be passed over, and the finding costs more than the rows
			limit = max(limit, leastFound)
		}
		var rows []int64
		find := "SELECT position FROM batch WHERE source IN (" + numbers(names) + ") AND +position > ? AND +position <= ? ORDER BY position LIMIT ?"
		err := each(ctx, db, find, []any{row, last, limit}, func(r *sql.Rows) error {
			var position int64
			err := r.Scan(&position)
			rows = append(rows, position)
			return err
		})
		if err != nil {
			return err
		}
		for _, position := range rows {
			if q.full() {
				more = true
				break
			}
			var raw []byte
			err := db.QueryRowContext(ctx, "SELECT bytes FROM batch WHERE position = ?", position).Scan(&raw)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
			if b, ok := s.parse(g, position, raw); ok {
				q.add(b, g, position)
			}
			row = position
		}
		if more = more || len(rows) == limit; more {
			end = row
		}
		return s.withLayouts(ctx, db, g, q)
	})
	return end, more, err
}

func numbers(n []int64) string {
	var b strings.Builder
	for i, x := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprint(&b, x)
	}
	return b.String()
}

// SnapshotRow is one register.
type SnapshotRow struct {
	Site journal.ID
	FactRecord
	Shown bool // the view shows it: it is not the word of an origin that yields to another's
}

// Snapshot calls fn for every register of a site, or of all sites when site is zero, in order of site and key, and returns the
// position to go on from: whatever is not in the registers comes behind it. What came meanwhile may be in
// both; the greater Order is the later word. Of a site at a time it is consistent, and memory holds one
// site's registers.
func (s *Store) Snapshot(ctx context.Context, site journal.ID, fn func(SnapshotRow) error) (Position, error) {
	s.writing.Lock() // what is written is in the registers
	_, head := s.Ends(ctx)
	s.writing.Unlock()
	sites := []journal.ID{site}
	if site == (journal.ID{}) {
		sites = s.Sites()
	}
	for _, site := range sites {
		for _, r := range s.registers(site) {
			if err := ctx.Err(); err != nil {
				return head, err
			}
			raw, err := journal.ParseFact(r.Payload)
			if err != nil {
				continue // put parsed it before
			}
			row := SnapshotRow{Site: site, FactRecord: FactRecord{raw.Shown(r.WallMS), r.Order, r.Mode}, Shown: r.shown}
			if err := fn(row); err != nil {
				return head, err
			}
		}
	}
	return head, nil
}

// registerShown is a register, and whether the view shows it.
type registerShown struct {
	journal.Register
	shown bool
}

func (s *Store) registers(site journal.ID) (out []registerShown) {
	s.state.RLock()
	defer s.state.RUnlock()
	f := s.folds[site]
	if f == nil {
		return nil
	}
	f.Registers(func(r journal.Register, shown bool) { out = append(out, registerShown{r, shown}) })
	return out
}

// leastFound is how many rows are found at a time where some are passed over.
const leastFound = 256

// unlimited is a number of bytes that is never reached.
const unlimited = math.MaxInt
