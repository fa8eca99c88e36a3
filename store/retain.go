package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"rackpost/hw"
	"rackpost/hw/journal"
)

const ballastFile = "ballast"

// ballastBytes is the size of the ballast: never more than a sixteenth of the budget.
func (s *Store) ballastBytes() int64 { return min(s.opt.Ballast, s.opt.Budget/16) }

// loadBallast keeps some space that can be freed at once. No ballast is no reason to stop.
func (s *Store) loadBallast() error {
	path, want := filepath.Join(s.opt.Dir, ballastFile), s.ballastBytes()
	if want == 0 {
		return nil
	}
	free, err := s.opt.Free(s.opt.Dir)
	if err != nil {
		return err
	}
	if fileBytes(path) < want && free < want+s.opt.MinFree {
		s.ballast.Store(fileBytes(path) > 0)
		return nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o640)
	if err != nil {
		return fmt.Errorf("make the ballast: %w", err)
	}
	err = unix.Fallocate(int(f.Fd()), 0, 0, want)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSPC) {
		err = os.Remove(path)
	} else if err == nil {
		s.ballast.Store(true)
	}
	return errors.Join(err, f.Close())
}

// freeBallast gives the ballast's space to the journal. It returns false when there is none.
func (s *Store) freeBallast() bool {
	if !s.ballast.Swap(false) {
		return false
	}
	s.shed.Store(true)
	s.wakeKeeper()
	return os.Remove(filepath.Join(s.opt.Dir, ballastFile)) == nil
}

// used returns the bytes of all files of the store.
func (s *Store) used() (n int64, err error) {
	entries, err := os.ReadDir(s.opt.Dir)
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			n += info.Size()
		}
	}
	return n, nil
}

// needsRoom says whether the store is over its budget or the file system below its mark.
// While the open segment may still grow by a segment, that much is kept for it.
func (s *Store) needsRoom() (bool, error) {
	used, err := s.used()
	if err != nil {
		return false, err
	}
	free, err := s.opt.Free(s.opt.Dir)
	if err != nil {
		return false, err
	}
	return used > s.opt.Budget-s.opt.SegmentBytes/2 || free < s.opt.MinFree, nil
}

// keepBudget drops what the shed order names until there is room, or nothing is left that
// may go.
func (s *Store) keepBudget(ctx context.Context) error {
	s.keeping.Lock()
	defer s.keeping.Unlock()
	forced := s.shed.Swap(false)
	for {
		need, err := s.needsRoom()
		if err != nil || (!need && !forced) {
			return errors.Join(err, s.refillBallast())
		}
		forced = false
		if err := ctx.Err(); err != nil {
			return err
		}
		freed, err := s.shedOne(ctx)
		if err != nil {
			return fmt.Errorf("make room: %w", err)
		}
		if !freed {
			s.opt.Logger.Error("no room, and nothing left that may be dropped: give the journal more space")
			return nil
		}
	}
}

func (s *Store) refillBallast() error {
	if s.ballast.Load() {
		return nil
	}
	return s.loadBallast()
}

// shedOne drops the next thing in order: twins, logs HQ has, samples HQ has, the oldest
// logs, the oldest samples, and above a quarter of the budget the oldest facts that two
// bases cover. The caller holds keeping.
func (s *Store) shedOne(ctx context.Context) (bool, error) {
	segments := s.sealedSegments()
	for _, g := range segments {
		if s.dropTwin(g) {
			return true, nil
		}
	}
	s.writing.Lock()
	hq := s.hq.Clone()
	s.writing.Unlock()
	for _, step := range []struct{ samples, onlyHQ bool }{{false, true}, {true, true}, {false, false}, {true, false}} {
		for _, g := range segments {
			part := g.part(func(t journal.Stream) bool {
				return t != journal.Facts && (t == journal.Samples) == step.samples
			})
			if len(part) == 0 || (step.onlyHQ && !hq.Covers(part)) {
				continue
			}
			return true, s.drop(ctx, g, part, hq)
		}
	}
	return s.shedFacts(ctx, segments, hq)
}

// shedFacts drops the facts of the oldest segment when facts take more than a quarter of
// the budget and bases cover them.
func (s *Store) shedFacts(ctx context.Context, segments []*segment, hq journal.Vector) (bool, error) {
	var total int64
	for _, g := range segments {
		total += fileBytes(g.file())
	}
	if total <= s.opt.Budget/4 || len(segments) == 0 {
		return false, nil
	}
	covered, err := s.coveredTwice()
	if err != nil {
		return false, err
	}
	for _, g := range segments {
		part := g.part(func(t journal.Stream) bool { return t == journal.Facts })
		if len(part) == 0 || !covered.Covers(part) {
			continue
		}
		return true, s.drop(ctx, g, part, hq)
	}
	return false, nil
}

func (s *Store) sealedSegments() []*segment {
	var out []*segment
	for _, g := range s.listed() {
		if g.isSealed() && g.damaged() == nil {
			out = append(out, g)
		}
	}
	return out
}

// part returns what stands in g of the streams that want names.
func (g *segment) part(want func(journal.Stream) bool) journal.Vector {
	own, _ := g.contents()
	for k := range own {
		if !want(k.Stream) {
			delete(own, k)
		}
	}
	return own
}

// drop removes part from g. Before that, a tombstone for what was this origin's own and a
// gap are durable, and so are bases; when there is no room even for these, they follow.
func (s *Store) drop(ctx context.Context, g *segment, part, hq journal.Vector) error {
	s.opt.Logger.Warn("dropping old records for want of space", "segment", filepath.Base(g.file()), "batches", part.Count(), "streams", streamsOf(part))
	told := s.tellDropped(g, part, hq)
	if told == nil {
		told = s.writeBases()
	}
	if told != nil && !isFull(told) {
		return told
	}
	if err := s.strip(ctx, g, part); err != nil {
		return err
	}
	if told != nil {
		return s.tellDropped(g, part, hq)
	}
	return nil
}

func streamsOf(v journal.Vector) string {
	seen := map[journal.Stream]bool{}
	var names []string
	for _, k := range v.Keys() {
		if !seen[k.Stream] {
			seen[k.Stream] = true
			names = append(names, k.Stream.String())
		}
	}
	return strings.Join(names, ",")
}

// tellDropped writes the tombstones and the gap of a drop.
func (s *Store) tellDropped(g *segment, part, hq journal.Vector) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.begin(); err != nil {
		return err
	}
	f := s.newFlush()
	for _, k := range part.Keys() {
		if k.Site != s.id.site || k.Origin != s.id.origin {
			continue
		}
		for _, iv := range part[k] {
			had := hq.Covers(journal.Vector{k: {iv}})
			t := journal.Tombstone{StreamKey: k, Interval: iv, HadHQ: had, Reason: string(hw.Dropped)}
			if err := f.facts.add(func(b []byte) ([]byte, error) { return journal.AppendTombstone(b, t), nil }); err != nil {
				return err
			}
		}
	}
	name := streamsOf(part)
	gap := hw.GapValue{Reason: hw.Dropped, Detail: fmt.Sprintf("%d batches of %s were dropped for want of space", part.Count(), name)}
	if g.span.first <= g.span.last {
		gap.From, gap.To = time.UnixMilli(g.span.first), time.UnixMilli(g.span.last)
	}
	fact := hw.Fact{Kind: hw.GapFact, Group: name + "#" + string(hw.Dropped), At: s.opt.Now(), Value: gap}
	if err := f.facts.add(func(b []byte) ([]byte, error) { return journal.AppendFact(b, fact, f.wallMS) }); err != nil {
		return err
	}
	s.state.Lock()
	s.stats.Shed += part.Count()
	s.state.Unlock()
	return s.commit(f)
}

// strip takes part out of g: what is left is written to a new file, which takes the old
// one's name; when nothing is left the file goes.
func (s *Store) strip(ctx context.Context, g *segment, part journal.Vector) error {
	own, _ := g.contents()
	left := own.Minus(part)
	if len(left) > 0 {
		if err := g.rewrite(ctx, part); err != nil {
			return fmt.Errorf("rewrite segment %s: %w", filepath.Base(g.file()), err)
		}
	}
	g.use.Lock()
	g.mu.Lock()
	g.own = left
	g.mu.Unlock()
	g.gone = len(left) == 0
	g.use.Unlock()
	s.state.Lock()
	if _, ok := part[anySamples(part)]; ok {
		delete(s.tails, g)
	}
	if g.gone {
		for i, x := range s.segments {
			if x == g {
				s.segments = append(append([]*segment(nil), s.segments[:i]...), s.segments[i+1:]...)
				break
			}
		}
	}
	s.notify()
	s.state.Unlock()
	if g.gone {
		if err := os.Remove(g.file()); err != nil {
			return err
		}
		return syncDir(s.opt.Dir)
	}
	return nil
}

// anySamples returns one of v's keys that is of samples, or a key v has not.
func anySamples(v journal.Vector) journal.StreamKey {
	for k := range v {
		if k.Stream == journal.Samples {
			return k
		}
	}
	return journal.StreamKey{}
}

// rewrite writes a sealed segment anew without part. Positions stay.
func (g *segment) rewrite(ctx context.Context, part journal.Vector) error {
	g.use.Lock()
	defer g.use.Unlock()
	path := g.file()
	tmp := path + tmpSuffix
	removeDB(tmp)
	db := openDB(tmp, readWrite)
	err := g.copyWithout(ctx, db, part)
	if err == nil {
		err = leaveWAL(ctx, db)
	}
	if err = errors.Join(err, db.Close()); err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		removeDB(tmp)
		return err
	}
	return syncDir(filepath.Dir(path))
}

func (g *segment) copyWithout(ctx context.Context, db *sql.DB, part journal.Vector) error {
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, "ATTACH ? AS old", g.file()); err != nil {
		return err
	}
	drop, samples := "-1", false
	for k := range part {
		drop += fmt.Sprintf(", %d", g.sources[k])
		samples = samples || k.Stream == journal.Samples
	}
	copies := []string{
		"INSERT INTO meta SELECT * FROM old.meta",
		"INSERT INTO source SELECT * FROM old.source",
		"INSERT INTO own SELECT * FROM old.own WHERE source NOT IN (" + drop + ")",
		"INSERT INTO batch SELECT * FROM old.batch WHERE source NOT IN (" + drop + ")",
		"INSERT INTO other SELECT * FROM old.other",
	}
	if !samples {
		copies = append(copies, "INSERT INTO layout SELECT * FROM old.layout")
	}
	err := inTx(ctx, db, func(tx *sql.Tx) error {
		for _, q := range copies {
			if _, err := tx.ExecContext(ctx, q); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "DETACH old")
	return err
}
