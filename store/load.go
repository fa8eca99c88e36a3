package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rackpost/hw/journal"
)

// loadSegments finds the files of the journal. After it s.open is the segment to write to,
// nil when there is none that can be written, and held is everything ever held.
func (s *Store) loadSegments(ctx context.Context) error {
	if err := s.loadForgotten(); err != nil {
		return err
	}
	if err := finishSalvages(s.opt.Dir); err != nil {
		s.opt.Logger.Error("a salvage that was cut off stays so until the next start", "err", err)
	}
	entries, err := os.ReadDir(s.opt.Dir)
	if err != nil {
		return err
	}
	s.sweep(entries)
	for _, e := range entries {
		path := filepath.Join(s.opt.Dir, e.Name())
		if number, id, sealed, ok := parseSegmentName(e.Name()); ok {
			g := loadSegment(ctx, path, number, id, sealed, &s.keys)
			s.segments = append(s.segments, g)
			s.take(g)
			if g.damaged() != nil {
				s.quarantine(g, g.damaged())
				g.unfolded = true
				continue
			}
			n, err := g.others(ctx)
			if err != nil {
				s.opt.Logger.Error("batches set aside cannot be counted", "segment", e.Name(), "err", err)
			}
			for site, count := range n {
				s.stats.Conflicts += count
				s.conflicts[site] += count
			}
		}
	}
	slices.SortFunc(s.segments, func(a, b *segment) int {
		return cmp.Or(cmp.Compare(a.number, b.number), strings.Compare(a.path, b.path))
	})
	s.takePast()
	for i, g := range s.segments {
		// One that is open and not the last is sealed by the keeper: a crash came in between.
		if i == len(s.segments)-1 && !g.isSealed() && g.damaged() == nil && g.number > s.forgotten.last() {
			s.open = g
		}
	}
	return nil
}

// take takes what a segment tells of what was ever held.
func (s *Store) take(g *segment) {
	s.forgotten.void(g)
	s.held.Join(g.held)
	s.held.join(&g.own)
	g.held = nil // every incarnation there ever was is in it
}

// sweep removes what a crash left: files not yet whole, and what belongs to files that are no
// more. What cannot be removed does not matter but for its space.
func (s *Store) sweep(entries []os.DirEntry) {
	stems, files := map[string]bool{}, map[string]bool{}
	for _, e := range entries {
		files[e.Name()] = true
		if _, _, _, ok := parseSegmentName(e.Name()); ok {
			stems[strings.TrimSuffix(strings.TrimSuffix(e.Name(), openSuffix), sealedSuffix)] = true
		}
	}
	for _, e := range entries {
		main := e.Name()
		for _, side := range sideSuffixes()[1:] {
			main = strings.TrimSuffix(main, side)
		}
		_, _, _, isSegment := parseSegmentName(main)
		stem, isTwin := strings.CutSuffix(main, twinSuffix)
		_, _, _, isTwin2 := parseSegmentName(stem + sealedSuffix)
		if strings.HasSuffix(main, tmpSuffix) || (isSegment && !files[main]) || (isTwin && isTwin2 && !stems[stem]) {
			if err := os.Remove(filepath.Join(s.opt.Dir, e.Name())); err != nil {
				s.opt.Logger.Warn("what a crash left stays", "err", err)
			}
		}
	}
}

// quarantine sets g aside: nothing is read from it until it is salvaged.
func (s *Store) quarantine(g *segment, why error) {
	g.setDamage(why)
	s.opt.Logger.Error("segment damaged: nothing is read from it until it is salvaged", "segment", filepath.Base(g.file()), "err", why)
}

// loadFolds makes the state from the newest good bases and all facts after them.
func (s *Store) loadFolds(ctx context.Context) error {
	covered, err := s.loadBases()
	if err != nil {
		return err
	}
	for _, g := range s.segments {
		if g.damaged() != nil {
			continue
		}
		err := s.replay(ctx, g, covered)
		if err != nil && ctx.Err() != nil {
			return err
		}
		if err != nil {
			s.quarantine(g, err)
			g.unfolded = true
			delete(s.tails, g)
		}
	}
	return nil
}

// replay takes what a base does not cover from g, and the index of the visits of the open
// segment.
func (s *Store) replay(ctx context.Context, g *segment, covered journal.Vector) error {
	if err := s.replayLast(ctx, g); err != nil {
		return err
	}
	scan := !g.isSealed()
	if !scan && g.own.coveredBy(covered) {
		return nil
	}
	ix := newIndex()
	err := s.eachBatch(ctx, g, 0, func(position int64, b *journal.Batch) error {
		has := covered.Has(b.StreamKey, b.Seq)
		if scan {
			g.own.put(b.StreamKey, 0, int64(len(b.Bytes)))
		}
		switch {
		case b.Stream == journal.Samples && (scan || !has):
			s.indexVisits(ix, position, b)
		case has:
		case b.Stream == journal.Facts:
			s.foldFacts(b)
		default:
			s.fold(b.Site).SawBatch(&b.Header)
		}
		g.span.add(b.WallMS)
		return nil
	})
	if scan {
		g.sized = err == nil
		s.keepTail(g, ix)
		g.span.join(ix.span)
	}
	return err
}

// replayLast learns the turn of the last batch: later turns must be greater, also where a
// base covers the facts.
func (s *Store) replayLast(ctx context.Context, g *segment) error {
	var raw []byte
	err := g.read(func(db *sql.DB) error {
		return db.QueryRowContext(ctx, "SELECT bytes FROM batch ORDER BY position DESC LIMIT 1").Scan(&raw)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the last batch: %w", err)
	}
	if b, err := journal.ParseBatch(raw); err == nil && g.left(b.Site) {
		s.common.SawTurn(b.Turn)
	} else if err == nil {
		s.fold(b.Site).SawTurn(b.Turn)
	}
	return nil
}

// only returns the part of v that is of one stream.
func only(v journal.Vector, stream journal.Stream) journal.Vector {
	out := journal.Vector{}
	for k, iv := range v {
		if k.Stream == stream {
			out[k] = iv
		}
	}
	return out
}

// foldFacts applies a batch of facts and returns what changed. A batch that cannot be read
// is counted and logged: it stays in the journal.
func (s *Store) foldFacts(b *journal.Batch) (changed []foldKey) {
	body, err := s.pack.Body(b)
	unknown := 0
	if err == nil {
		changed, unknown, err = s.fold(b.Site).Apply(&b.Header, body)
		s.stats.UnknownRecords += uint64(unknown)
	}
	if unknown > 0 || err != nil {
		s.unread.Add(b.StreamKey, b.Seq, b.Seq)
	}
	if err != nil {
		s.fold(b.Site).SawBatch(&b.Header)
		s.stats.Unreadable++
		s.opt.Logger.Warn("facts kept but not understood", "batch", b.Key.String(), "err", err)
	}
	return changed
}

// eachBatch calls fn for the batches of g from position on. A damaged batch is counted,
// logged and passed over; its bytes are not used after fn returns.
func (s *Store) eachBatch(ctx context.Context, g *segment, from int64, fn func(int64, *journal.Batch) error) error {
	return g.read(func(db *sql.DB) error { return s.eachBatchOf(ctx, g, db, from, fn) })
}

// maxSkip bounds how many positions are passed over at once to get behind damaged pages.
const maxSkip = 1 << 20

// eachBatchOf is eachBatch with a handle. Behind a damaged page it goes on; the damage is
// returned at the end.
func (s *Store) eachBatchOf(ctx context.Context, g *segment, db *sql.DB, from int64, fn func(int64, *journal.Batch) error) error {
	var damage error
	for skip := int64(1); skip <= maxSkip; skip *= 2 {
		err := eachRow(ctx, db, "SELECT position, bytes FROM batch WHERE position >= ? ORDER BY position", []any{from}, func(position int64, raw []byte) error {
			from, skip = position+1, 1
			if b, ok := s.parse(g, position, raw); ok {
				return fn(position, &b)
			}
			return nil
		})
		if !isDamaged(err) {
			return errors.Join(damage, err)
		}
		if damage == nil {
			damage = err
		}
		from += skip
	}
	return damage
}

// parse reads the batch at a position; a damaged one is noted, and to be passed over, and so is one of a site that is
// forgotten.
func (s *Store) parse(g *segment, position int64, raw []byte) (b journal.Batch, ok bool) {
	b, err := journal.ParseBatch(raw)
	if err != nil {
		s.damaged(g, position, err)
	}
	return b, err == nil && !g.left(b.Site)
}

// damagedAt is where a damaged batch stands.
type damagedAt struct {
	segment  SegmentID
	position int64
}

// maxDamages bounds the damaged batches that are counted and logged once each; of more than
// these nothing is said.
const maxDamages = 10_000

// damaged notes that a batch was passed over.
func (s *Store) damaged(g *segment, position int64, err error) {
	g.setHurt(err)
	s.wakeKeeper()
	s.damages.Lock()
	at := damagedAt{g.id, position}
	_, known := s.damages.known[at]
	known = known || len(s.damages.known) >= maxDamages
	if !known {
		s.damages.known[at] = struct{}{}
	}
	s.damages.Unlock()
	if known {
		return
	}
	s.opt.Logger.Error("damaged batch passed over", "segment", filepath.Base(g.file()), "position", position, "err", err)
	s.damagedBatches.Add(1)
}

// loadIncarnation finds out whose end this opening follows.
func (s *Store) loadIncarnation(ctx context.Context) (err error) {
	if s.inc.id, err = newIncarnation(); err != nil {
		return err
	}
	ended := map[journal.Incarnation]bool{}
	for _, g := range slices.Backward(s.segments) {
		if g.damaged() != nil {
			continue
		}
		previous, err := g.incarnation(ctx, metaWriter)
		closed, err2 := g.incarnation(ctx, metaClosed)
		if err = errors.Join(err, err2); err != nil {
			s.quarantine(g, err)
			continue
		}
		ended[closed] = true
		if previous == 0 {
			continue
		}
		s.inc.previous, s.inc.clean = previous, ended[previous]
		return nil
	}
	return nil
}
