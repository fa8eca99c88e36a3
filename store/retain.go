package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/wholefile"
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
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
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

// keeperBytes is what the keeper needs beside what a seal takes, and more than one drop takes to be told of: tombstones,
// a gap, bases, a new segment.
const keeperBytes = 512 << 10

// keepersRoom returns how many bytes of the file system are the keeper's alone, 0 when no segment waits to be sealed.
// Only sealed segments are shed, and to seal one its file grows before its WAL is given back: reports that used up the
// room for it would wait for ever. The caller holds writing.
func (s *Store) keepersRoom() (n int64) {
	_, since := s.opt.Boot()
	for _, g := range s.listed() {
		if g.isSealed() || g.damaged() != nil || (g == s.open && !s.rollDue(since)) {
			continue
		}
		n = max(n, g.sealBytes()+keeperBytes)
	}
	return n
}

func (s *Store) lacksRoom(bytes int64) (bool, error) {
	if bytes == 0 {
		return false, nil
	}
	free, err := s.opt.Free(s.opt.Dir)
	return free < bytes, err
}

// leaveRoom refuses, as on a full disk, to write batches where that would use the keeper's room. The caller holds writing.
func (s *Store) leaveRoom(batches []journal.Batch) error {
	room := s.keepersRoom()
	if room == 0 {
		return nil
	}
	need := room
	for i := range batches {
		need += int64(len(batches[i].Bytes))
		for _, l := range batches[i].Layouts {
			need += int64(len(l.Bytes))
		}
	}
	for {
		if short, err := s.lacksRoom(need); !short || err != nil {
			return err
		}
		if !s.freeBallast() {
			break
		}
	}
	s.noRoom.Store(true)
	s.shed.Store(true)
	s.wakeKeeper()
	return fmt.Errorf("leave %d bytes to seal and to shed: %w", room, unix.ENOSPC)
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

// room is what the journal takes, and what the file system still has.
type room struct{ used, free int64 }

// drops is the room there was before the drops of late, whose space may still have to come.
type drops struct {
	before room
	last   time.Time
}

func (s *Store) room() (r room, err error) {
	if r.used, err = s.used(); err == nil {
		r.free, err = s.opt.Free(s.opt.Dir)
	}
	return r, err
}

// How long the space of dropped files is waited for before others are dropped.
const (
	freePause = 250 * time.Millisecond
	freeTries = 120
)

// needsRoom says whether the store is over its budget or the file system below its mark or the keeper's room. What
// the open segment may still grow by is kept for it. Some file systems give space back only a
// while after a file is gone: where what was dropped of late is enough, they get time to say so,
// unless a flush finds the disk full meanwhile. The caller holds keeping.
func (s *Store) needsRoom(ctx context.Context) (bool, error) {
	for try := 0; ; try++ {
		r, err := s.room()
		if err != nil {
			return false, err
		}
		growth := s.opt.SegmentBytes
		if g := s.current(); g != nil && g.damaged() == nil {
			growth -= min(growth, fileBytes(g.file()))
		}
		s.writing.Lock()
		mark := max(s.opt.MinFree, s.keepersRoom())
		s.writing.Unlock()
		if time.Since(s.drops.last) > freeTries*freePause {
			s.drops.before = r
		}
		before := s.drops.before
		switch {
		case r.used+growth > s.opt.Budget:
			return true, nil
		case r.free >= mark:
			return false, nil
		case before.free+before.used-r.used < mark || s.shed.Swap(false):
			return true, nil
		case try == freeTries: // somebody else has taken what was freed
			s.drops.before = r
			return true, nil
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(freePause):
		}
	}
}

// keepBudget drops what the shed order names until there is room, or nothing is left that
// may go.
func (s *Store) keepBudget(ctx context.Context) error {
	s.keeping.Lock()
	defer s.keeping.Unlock()
	forced := s.shed.Swap(false)
	for {
		if err := s.tellPending(); err != nil {
			return err
		}
		if err := s.sealWaiting(ctx); err != nil { // before drops have used up the room for it
			return err
		}
		need, err := s.needsRoom(ctx)
		if err != nil || (!need && !forced) {
			s.cramped = s.cramped && err != nil
			return errors.Join(err, s.refillBallast())
		}
		forced = false
		if err := ctx.Err(); err != nil {
			return err
		}
		freed, err := s.shedOne(ctx)
		s.drops.last = time.Now()
		if err != nil {
			return fmt.Errorf("make room: %w", err)
		}
		if !freed {
			if !s.cramped {
				s.opt.Logger.Error("no room, and nothing left that may be dropped: give the journal more space")
			}
			s.cramped = true
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

// shedOne drops the next thing in order: files put aside as damaged, twins, the oldest logs and samples
// of sites that are over their quota, logs HQ has,
// samples HQ has, the oldest logs, the oldest samples, above a quarter of the budget the
// oldest facts that two bases cover, where the keeper has no room left a whole segment,
// and last what is damaged and could not be salvaged. It returns false when nothing could be dropped.
// The caller holds keeping.
func (s *Store) shedOne(ctx context.Context) (bool, error) {
	var err error
	s.writing.Lock()
	hq := s.hq.Clone()
	s.tight, err = s.lacksRoom(max(s.keepersRoom(), keeperBytes))
	s.writing.Unlock()
	if err != nil {
		return false, err
	}
	if freed, err := s.dropAside(); freed || err != nil {
		return freed, err
	}
	segments := s.sealedSegments()
	for _, g := range segments {
		if !g.twinOnly && s.dropTwin(g) {
			return true, nil
		}
	}
	if g, part := s.overPart(segments); g != nil {
		if freed, err := s.drop(ctx, g, part, hq); freed || err != nil {
			return freed, err
		}
	}
	for _, step := range []struct{ samples, onlyHQ bool }{{false, true}, {true, true}, {false, false}, {true, false}} {
		for _, g := range segments {
			if step.samples && g.twinOnly { // the last copy of samples goes as they do
				if step.onlyHQ {
					continue
				}
				if s.dropTwin(g) {
					return true, s.forgetTwin(g)
				}
			}
			part := g.part(func(t journal.Stream) bool {
				return t != journal.Facts && (t == journal.Samples) == step.samples
			})
			if len(part) == 0 || (step.onlyHQ && !hq.Covers(part)) {
				continue
			}
			if freed, err := s.drop(ctx, g, part, hq); freed || err != nil {
				return freed, err
			}
			if s.tight && step.samples { // a newer one may need less room, and would leave a hole
				break
			}
		}
	}
	if freed, err := s.shedFacts(ctx, segments, hq); freed || err != nil {
		return freed, err
	}
	if freed, err := s.shedWhole(ctx, segments, hq); freed || err != nil {
		return freed, err
	}
	return s.shedQuarantined(ctx, hq)
}

// mostBytes returns what the store may take: its budget, or what the file system has for it
// when that is less.
func (s *Store) mostBytes() (int64, error) {
	used, err := s.used()
	if err != nil {
		return 0, err
	}
	free, err := s.opt.Free(s.opt.Dir)
	return min(s.opt.Budget, max(0, used+free-s.opt.MinFree)), err
}

// shedFacts drops the facts of the oldest segment when facts take more than a quarter of
// the budget and bases cover them.
func (s *Store) shedFacts(ctx context.Context, segments []*segment, hq journal.Vector) (bool, error) {
	var total int64
	for _, g := range segments {
		total += fileBytes(g.file())
	}
	most, err := s.mostBytes()
	if err != nil || total <= most/4 || len(segments) == 0 {
		return false, err
	}
	c := coverage{store: s, sites: map[journal.ID]journal.Vector{}}
	for _, g := range segments {
		part := g.part(func(t journal.Stream) bool { return t == journal.Facts })
		if len(part) == 0 || !c.covers(part) {
			continue
		}
		if freed, err := s.drop(ctx, g, part, hq); freed || err != nil {
			return freed, err
		}
	}
	return false, nil
}

// shedWhole drops the oldest segment whose facts two bases cover with all that stands in it: that needs no room. On a
// disk that is full to the last byte, by reports that came faster than room was made or by somebody else, nothing else
// would ever go.
func (s *Store) shedWhole(ctx context.Context, segments []*segment, hq journal.Vector) (bool, error) {
	if !s.tight {
		return false, nil
	}
	c := coverage{store: s, sites: map[journal.ID]journal.Vector{}}
	for _, g := range segments {
		if c.covers(g.part(func(t journal.Stream) bool { return t == journal.Facts })) {
			return s.drop(ctx, g, g.contents(), hq)
		}
	}
	return false, nil
}

// shedQuarantined drops the oldest segment that was set aside: better that than no room for
// what comes.
func (s *Store) shedQuarantined(ctx context.Context, hq journal.Vector) (bool, error) {
	for _, g := range s.listed() {
		if g.damaged() == nil || g == s.current() {
			continue
		}
		return s.drop(ctx, g, g.contents(), hq)
	}
	return false, nil
}

func (s *Store) sealedSegments() []*segment {
	var out []*segment
	for _, g := range s.listed() {
		if g.isSealed() && g.damaged() == nil && g.rescue == nil {
			out = append(out, g)
		}
	}
	return out
}

// part returns what stands in g of the streams that want names.
func (g *segment) part(want func(journal.Stream) bool) journal.Vector {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.own.lacks(journal.ID{}, nil, want)
}

// dropped is what was taken out of a segment.
type dropped struct {
	part, hq journal.Vector
	span     span
	spans    map[journal.ID]span // of what was other sites'
}

// drop removes part from g: what is left is written to a new file, which takes the old one's
// name; when nothing is left the file goes. Before that, a tombstone for what was this
// origin's own and a gap are durable, and so are bases; when there is no room even for
// these, they follow. It returns false when there is no room for what is left.
func (s *Store) drop(ctx context.Context, g *segment, part, hq journal.Vector) (bool, error) {
	left := g.contents().Minus(part)
	tmp := g.file() + tmpSuffix
	if len(left) > 0 {
		err := g.copyWithout(ctx, tmp, part)
		switch {
		case isFull(err):
			s.tight = true
			return false, nil
		case isDamaged(err):
			s.setAside(g, err)
			return true, nil // there is one less to look at
		case err != nil:
			return false, fmt.Errorf("rewrite segment %s: %w", filepath.Base(g.file()), err)
		}
	}
	s.opt.Logger.Warn("dropping old records for want of space", "segment", filepath.Base(g.file()), "batches", part.Count(), "streams", streamsOf(part))
	d := dropped{part, hq, g.span, s.spansOf(part, g.span)}
	told := s.tellDropped(d)
	if told == nil {
		told = s.writeBasesOf(part)
	}
	if told == nil {
		told = s.unwant(part)
	}
	if isFull(told) {
		s.untold = append(s.untold, d)
	} else if told != nil {
		removeDB(tmp)
		return false, told
	}
	return true, s.strip(g, left, tmp)
}

// tellPending writes the tombstones there was no room for. The caller holds keeping.
func (s *Store) tellPending() error {
	for len(s.untold) > 0 {
		if err := s.tellDropped(s.untold[0]); isFull(err) {
			return nil
		} else if err != nil {
			return err
		}
		s.untold = s.untold[1:]
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
func (s *Store) tellDropped(d dropped) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.begin(); err != nil {
		return err
	}
	f := s.newFlush()
	if err := s.bury(f, d.part, d.hq, hw.Dropped); err != nil {
		return err
	}
	name := streamsOf(d.part)
	gap := hw.GapValue{Reason: hw.Dropped, Detail: fmt.Sprintf("%d batches of %s were dropped for want of space", d.part.Count(), name)}
	fact := hw.Fact{Kind: hw.GapFact, Component: BoxPath(s.id.origin), Group: name + "#" + string(hw.Dropped), At: s.opt.Now(), Value: d.span.of(gap)}
	if err := f.facts.add(func(b []byte) ([]byte, error) { return journal.AppendFact(b, fact, f.wallMS) }); err != nil {
		return err
	}
	if err := s.commit(f); err != nil {
		return err
	}
	if err := s.tellOthers(d.part, d.spans, hw.Dropped, "were dropped for want of space"); err != nil {
		return err
	}
	s.state.Lock()
	defer s.state.Unlock()
	s.stats.Shed += d.part.Count()
	return nil
}

// bury writes tombstones for what of part is this origin's own.
func (s *Store) bury(f *flush, part, hq journal.Vector, why hw.Reason) error {
	for _, k := range part.Keys() {
		if k.Site != s.id.site || k.Origin != s.id.origin {
			continue
		}
		for _, iv := range part[k] {
			t := journal.Tombstone{StreamKey: k, Interval: iv, HadHQ: hq.Covers(journal.Vector{k: {iv}}), Reason: string(why)}
			if err := f.facts.add(func(b []byte) ([]byte, error) { return journal.AppendTombstone(b, t), nil }); err != nil {
				return err
			}
		}
	}
	return nil
}

// strip puts the file tmp, in which left stands, in the place of g's; when nothing is left
// g's file goes.
func (s *Store) strip(g *segment, left journal.Vector, tmp string) error {
	g.use.Lock()
	err := g.replace(left, tmp)
	g.use.Unlock()
	s.state.Lock()
	if len(only(left, journal.Samples)) == 0 {
		delete(s.tails, g)
	}
	if g.gone {
		s.segments = slices.DeleteFunc(slices.Clone(s.segments), func(x *segment) bool { return x == g })
	}
	s.notify()
	s.state.Unlock()
	return errors.Join(err, wholefile.SyncFolder(s.opt.Dir))
}

// replace is strip's work on the files. The caller holds use.
func (g *segment) replace(left journal.Vector, tmp string) error {
	path := g.file()
	if len(left) == 0 {
		g.gone = true
		err := errors.Join(g.close(), os.Remove(path))
		removeDB(path) // with what a damaged one has beside it
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	g.mu.Lock()
	g.own.remove(g.own.all().Minus(left))
	g.own.clip()
	g.mu.Unlock()
	return nil
}
