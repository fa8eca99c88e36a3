package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"rackpost/hw/journal"
)

// ErrNoLayout is returned by Merge for a batch whose layout came neither with this call nor
// before.
var ErrNoLayout = journal.ErrNoLayout

// MaxMerge is how many bytes of batches, and of the layouts they bring, one Merge takes.
const MaxMerge = 64 << 20

// Merge takes batches of others, in any order, and returns when they are durable. A batch
// that is held already is dropped, unless it is Wanted. Other content under a held key is kept aside, counted
// and logged, and never folded. A batch that cannot be verified, or lacks a layout, refuses
// the whole call: nothing of it is taken.
func (s *Store) Merge(ctx context.Context, batches []journal.Batch) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.isClosed() {
		return fmt.Errorf("merge: %w", ErrClosed)
	}
	fresh, total := make([]journal.Batch, 0, len(batches)), 0
	now := journal.Vector{}
	carried := map[journal.LayoutID]journal.Layout{}
	news, starts := map[journal.ID]int{}, map[journal.ID]*begun{}
	for i := range batches {
		b, err := journal.ParseBatch(batches[i].Bytes)
		if err != nil {
			return fmt.Errorf("merge batch %d of %d: %w", i+1, len(batches), err)
		}
		if err := s.mayMerge(ctx, &b); err != nil {
			return err
		}
		b.Layouts = batches[i].Layouts
		for _, l := range b.Layouts {
			if journal.LayoutName(l.Bytes) != l.ID {
				return fmt.Errorf("merge batch %s: %w: layout %s has other bytes", b.Key, journal.ErrCorrupt, l.ID)
			}
			if _, again := carried[l.ID]; !again {
				carried[l.ID] = l
				total += len(l.Bytes)
			}
		}
		if total += len(b.Bytes); total > MaxMerge {
			return fmt.Errorf("merge: more than %d bytes at once", MaxMerge)
		}
		if s.isRepeated(&b) || now.Has(b.StreamKey, b.Seq) {
			if err := s.repeated(ctx, &b, fresh); err != nil {
				return err
			}
			continue
		}
		if err := s.mayRemember(&b, news); err != nil {
			return err
		}
		if err := s.mayBegin(&b, starts); err != nil {
			return err
		}
		if err := s.attachLayouts(ctx, &b, carried); err != nil {
			return err
		}
		now.Add(b.StreamKey, b.Seq, b.Seq)
		fresh = append(fresh, b)
	}
	if len(fresh) == 0 {
		return nil
	}
	if err := s.leaveRoom(fresh); err != nil {
		return fmt.Errorf("merge: %w", err)
	}
	positions, err := s.write(fresh, 0)
	if err != nil {
		return err
	}
	s.noteBegun(starts)
	s.publish(fresh, positions)
	return nil
}

// maxForeignTurn leaves room for turns to follow those of others: at the end of all turns
// nothing could be told to be newer.
const maxForeignTurn = journal.MaxTurn / 2

// mayMerge refuses what cannot be meant for this store.
func (s *Store) mayMerge(ctx context.Context, b *journal.Batch) error {
	if b.Site != s.id.site && !s.opt.ManySites {
		return fmt.Errorf("merge batch %s: %w: it is of site %s, here is %s", b.Key, ErrOtherSite, b.Site, s.id.site)
	}
	if b.Turn > maxForeignTurn {
		return fmt.Errorf("merge batch %s: %w: no clock reaches turn %d", b.Key, journal.ErrCorrupt, b.Turn)
	}
	if b.Origin != s.id.origin || b.Incarnation != s.inc.id || s.held.Has(b.StreamKey, b.Seq) {
		return nil
	}
	if s.noteTold(journal.Vector{b.StreamKey: {{First: b.Seq, Last: b.Seq}}}, s.hq) {
		if err := s.startAnew(ctx); err != nil {
			return fmt.Errorf("merge batch %s: %w", b.Key, err)
		}
	}
	if b.Incarnation == s.inc.id {
		return fmt.Errorf("merge batch %s: %w: %w", b.Key, journal.ErrCorrupt, errNotWritten)
	}
	return nil
}

// attachLayouts completes b with the layouts it needs, but for those the open segment has.
func (s *Store) attachLayouts(ctx context.Context, b *journal.Batch, carried map[journal.LayoutID]journal.Layout) error {
	b.Layouts = nil
	for _, id := range b.Uses {
		l, ok := carried[id]
		if !ok && s.open != nil && s.open.damaged() == nil {
			if _, there := s.open.layouts[id]; there {
				continue
			}
		}
		if !ok {
			var err error
			if l, err = s.findLayout(ctx, id); err != nil {
				return fmt.Errorf("merge batch %s: %w", b.Key, err)
			}
		}
		b.Layouts = append(b.Layouts, l)
	}
	return nil
}

// layoutsForOpen completes batches with the layouts that the open segment lacks: it may have been begun after they were looked at.
func (s *Store) layoutsForOpen(ctx context.Context, batches []journal.Batch) error {
	for i := range batches {
		b := &batches[i]
		if len(b.Layouts) == len(b.Uses) {
			continue
		}
		for _, id := range b.Uses {
			_, there := s.open.layouts[id]
			if there || slices.ContainsFunc(b.Layouts, func(l journal.Layout) bool { return l.ID == id }) {
				continue
			}
			l, err := s.findLayout(ctx, id)
			if err != nil {
				return fmt.Errorf("batch %s: %w", b.Key, err)
			}
			b.Layouts = append(b.Layouts, l)
		}
	}
	return nil
}

// findLayout looks for a layout in all segments and remembers it. The caller holds writing.
func (s *Store) findLayout(ctx context.Context, id journal.LayoutID) (journal.Layout, error) {
	if l, ok := s.layouts.merged[id]; ok {
		return l, nil
	}
	l, err := s.Layout(ctx, id)
	if err == nil {
		s.layouts.remember(l)
	}
	return l, err
}

// Layout returns a layout that a batch here uses: it looks in all segments, the newest first.
func (s *Store) Layout(ctx context.Context, id journal.LayoutID) (journal.Layout, error) {
	for _, g := range slices.Backward(s.listed()) {
		if g.damaged() != nil {
			continue
		}
		l, err := g.layout(ctx, id)
		if err == nil {
			return l, nil
		}
		if !errors.Is(err, sql.ErrNoRows) && !errors.Is(err, journal.ErrCorrupt) && !errors.Is(err, errGone) && !isDamaged(err) {
			return l, err
		}
	}
	return journal.Layout{}, fmt.Errorf("layout %s: %w", id, ErrNoLayout)
}

func (g *segment) layout(ctx context.Context, id journal.LayoutID) (l journal.Layout, err error) {
	err = g.read(func(db *sql.DB) error {
		l, err = layoutOf(ctx, db, id)
		return err
	})
	return l, err
}

func layoutOf(ctx context.Context, db *sql.DB, id journal.LayoutID) (journal.Layout, error) {
	l := journal.Layout{ID: id}
	err := db.QueryRowContext(ctx, "SELECT bytes FROM layout WHERE name = ?", id[:]).Scan(&l.Bytes)
	if err == nil && journal.LayoutName(l.Bytes) != id {
		err = fmt.Errorf("%w: layout %s has other bytes", journal.ErrCorrupt, id)
	}
	return l, err
}

// repeated compares a batch whose key is held with what is held. Only the open segment and
// this call are looked at: what was sealed was merged long ago.
func (s *Store) repeated(ctx context.Context, b *journal.Batch, fresh []journal.Batch) error {
	for i := range fresh {
		if fresh[i].Key == b.Key {
			if fresh[i].Checksum() == b.Checksum() && len(fresh[i].Bytes) == len(b.Bytes) {
				return nil
			}
			return fmt.Errorf("merge: %w: batch %s twice with other content", journal.ErrCorrupt, b.Key)
		}
	}
	if s.open == nil || !s.open.own.Has(b.StreamKey, b.Seq) { // only the writer changes it
		return nil
	}
	held, err := s.open.batch(ctx, b.Key)
	if isDamaged(err) {
		s.setAside(s.open, err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("compare batch %s with what is held: %w", b.Key, err)
	}
	if string(held) == string(b.Bytes) {
		return nil
	}
	return s.setOtherAside(ctx, b)
}

// setOtherAside keeps other content under a held key, of each site so much, and counts it. The caller holds writing.
func (s *Store) setOtherAside(ctx context.Context, b *journal.Batch) (err error) {
	new := true
	if s.open.aside[b.Site] < maxAside {
		if new, err = s.open.keepOther(ctx, b); err != nil {
			return fmt.Errorf("set batch %s aside: %w", b.Key, err)
		}
		if new {
			s.open.aside[b.Site]++
			s.opt.Logger.Error("other content under a held key: set aside; was a disk copied?", "batch", b.Key.String())
		}
	}
	if new {
		s.state.Lock()
		s.stats.Conflicts++
		s.conflicts[b.Site]++
		s.notifyOf(b.Site)
		s.state.Unlock()
	}
	return nil
}

func (g *segment) batch(ctx context.Context, k journal.Key) (raw []byte, err error) {
	source, _ := g.source(k.StreamKey)
	err = g.read(func(db *sql.DB) error {
		return db.QueryRowContext(ctx, "SELECT bytes FROM batch WHERE source = ? AND seq = ?", source, int64(k.Seq)).Scan(&raw)
	})
	return raw, err
}

// maxOthers bounds the side table of a segment. Beyond it conflicts are only counted.
const maxOthers = 1000

// keepOther puts b into the side table, if there is room; new is false when it stood there
// already.
func (g *segment) keepOther(ctx context.Context, b *journal.Batch) (new bool, err error) {
	source, _ := g.source(b.StreamKey)
	err = inTx(ctx, g.writer, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO other(source, seq, checksum, bytes) SELECT ?, ?, ?, ? WHERE (SELECT count(*) FROM other) < ?",
			source, int64(b.Seq), int64(b.Checksum()), b.Bytes, maxOthers)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n > 0 {
			new = true
			return err
		}
		return tx.QueryRowContext(ctx, "SELECT NOT EXISTS(SELECT 1 FROM other WHERE source = ? AND seq = ? AND checksum = ?)",
			source, int64(b.Seq), int64(b.Checksum())).Scan(&new)
	})
	return new, err
}

// others returns how many batches of each site stand in the side table.
func (g *segment) others(ctx context.Context) (map[journal.ID]uint64, error) {
	sources, n := g.sites(), map[journal.ID]uint64{}
	err := g.read(func(db *sql.DB) error {
		return each(ctx, db, "SELECT source, count(*) FROM other GROUP BY source", nil, func(rows *sql.Rows) error {
			var source int64
			var count uint64
			err := rows.Scan(&source, &count)
			n[sources[source]] += count
			return err
		})
	})
	return n, err
}

// sites returns whose streams are which, by what the segment calls them.
func (g *segment) sites() map[int64]journal.ID {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := map[int64]journal.ID{}
	for site, runs := range g.own.sites {
		for i := range runs {
			out[runs[i].source] = site
		}
	}
	return out
}
