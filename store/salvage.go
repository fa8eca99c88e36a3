package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/wholefile"
)

// A damaged segment is salvaged: what can be read of it is copied into a fresh file, which
// takes its place, and the damaged one is put aside under a name that is not read any more.
// Between the two stands what tells of the loss, durable. The names on the way, of which a crash
// leaves any:
//
//	N-id.sealed or .open                    the damaged one
//	N-id.salvaged                           the copy, whole; beside the damaged one it counts for nothing
//	N-id.damaged (.2.damaged and so on)     the damaged one, put aside
//	N-id.sealed                             the copy
const (
	salvagedSuffix = ".salvaged"
	damagedSuffix  = ".damaged"
)

// loadLimit bounds how long a start salvages; the keeper goes on.
const loadLimit = time.Minute

// What a segment's meta says.
const (
	metaHeld = "held" // what the store held when it was begun
	metaSpan = "span" // from when to when it reaches
	metaTwin = "twin" // its twin holds readings that its rows have no more

	metaPast  = "past"  // the segments before it, as far as they are known
	metaEnd   = "end"   // its last position when it was sealed
	metaUsage = "usage" // the bytes of each stream
)

// rescue is what is known of a salvaged segment until the damaged file is put aside.
type rescue struct {
	original string // the damaged file
	nothing  bool   // no batch could be read, and no twin is there
	lost     journal.Vector
	of       uint64 // batches that stood in it
	unknown  bool   // more may be lost than is known
	twin     bool   // which holds the samples
	span     span
}

// stemOf returns the name of a segment's file without its suffix.
func stemOf(path string) string {
	for _, suffix := range []string{openSuffix, sealedSuffix, salvagedSuffix} {
		if stem, ok := strings.CutSuffix(path, suffix); ok {
			return stem
		}
	}
	return path
}

// isAside says whether name is of a file put aside as damaged, or of its WAL.
func isAside(name string) bool {
	stem, ok := strings.CutSuffix(strings.TrimSuffix(name, "-wal"), damagedSuffix)
	if id, n, again := strings.Cut(stem, "."); again {
		if _, err := strconv.ParseUint(n, 10, 31); err != nil {
			return false
		}
		stem = id
	}
	_, _, _, isSegment := parseSegmentName(stem + sealedSuffix)
	return ok && isSegment
}

// aside returns the names of the files put aside, the oldest segment's first.
func (s *Store) aside() (names []string, err error) {
	entries, err := os.ReadDir(s.opt.Dir)
	for _, e := range entries {
		if isAside(e.Name()) && strings.HasSuffix(e.Name(), damagedSuffix) {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// dropAside removes the oldest file put aside. It returns false when there is none. The caller
// holds keeping.
func (s *Store) dropAside() (bool, error) {
	names, err := s.aside()
	if err != nil || len(names) == 0 {
		return false, err
	}
	s.opt.Logger.Warn("removing a damaged file for want of space", "file", names[0])
	path := filepath.Join(s.opt.Dir, names[0])
	removeDB(path)
	return true, errors.Join(os.RemoveAll(path), wholefile.SyncFolder(s.opt.Dir))
}

// finishSalvages completes what a crash cut off in dir: a copy without the damaged file takes
// its place, another is made again.
func finishSalvages(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		stem, ok := strings.CutSuffix(e.Name(), salvagedSuffix)
		if _, _, _, isSegment := parseSegmentName(stem + sealedSuffix); !ok || !isSegment {
			continue
		}
		path := filepath.Join(dir, stem)
		_, err := os.Lstat(path + sealedSuffix)
		_, err2 := os.Lstat(path + openSuffix)
		if errors.Is(err, os.ErrNotExist) && errors.Is(err2, os.ErrNotExist) {
			err = errors.Join(os.Rename(path+salvagedSuffix, path+sealedSuffix), wholefile.SyncFolder(dir))
		} else {
			err = os.Remove(path + salvagedSuffix)
		}
		if err != nil {
			return fmt.Errorf("finish the salvage of %s: %w", stem, err)
		}
	}
	return nil
}

// salvageAtLoad salvages what the start found damaged, as far as there is time and room; the
// keeper does the rest, and tells.
func (s *Store) salvageAtLoad(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, loadLimit)
	defer cancel()
	for _, g := range s.listed() {
		if g.wounded() == nil {
			continue
		}
		if err := s.salvage(limited, g); err != nil && limited.Err() == nil {
			return err
		}
		if s.open == g && g.isSealed() {
			s.open = nil
		}
	}
	return ctx.Err()
}

// salvageAll salvages every damaged segment, tells what is lost and puts the damaged files
// aside.
func (s *Store) salvageAll(ctx context.Context) error {
	s.keeping.Lock()
	defer s.keeping.Unlock()
	if err := s.leaveWounded(ctx); isFull(err) {
		return nil // keepBudget makes room
	} else if err != nil {
		return err
	}
	current := s.current()
	for _, g := range s.listed() {
		if g == current {
			continue
		}
		if g.rescue == nil && g.wounded() != nil && !g.hopeless {
			if err := s.salvage(ctx, g); err != nil {
				return err
			}
		}
		if g.rescue != nil {
			if err := s.settle(g); err != nil {
				return fmt.Errorf("put damaged segment %s aside: %w", filepath.Base(g.file()), err)
			}
		}
		if g.twinOnly && g.rescue == nil && !s.hasTwin(g) { // a reader found it damaged
			if err := s.forgetTwin(g); err != nil {
				return err
			}
		}
	}
	return nil
}

// forgetTwin is for a twin that held more than its segment and is no more: a segment without
// batches stood for it alone.
func (s *Store) forgetTwin(g *segment) error {
	g.twinOnly = false
	if len(g.contents()) > 0 {
		return nil
	}
	return s.strip(g, journal.Vector{}, "")
}

// leaveWounded begins a new segment when the open one is damaged.
func (s *Store) leaveWounded(ctx context.Context) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.isClosed() || s.open == nil || s.open.wounded() == nil {
		return nil
	}
	_, since := s.opt.Boot()
	return s.nextSegment(ctx, since)
}

// wounded returns why the segment is to be salvaged, nil when it is not.
func (g *segment) wounded() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.damage != nil {
		return g.damage
	}
	return g.hurt
}

// setHurt notes that something in g cannot be read, while the rest can.
func (g *segment) setHurt(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.hurt == nil {
		g.hurt = err
	}
}

func (g *segment) setRescue(r *rescue) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rescue = r
}

// pending returns the name of the damaged file that is salvaged and not yet put aside, or "".
func (g *segment) pending() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.rescue == nil {
		return ""
	}
	return filepath.Base(g.rescue.original)
}

// salvage makes the copy of g and lets readers have it. What does not come of the damage leaves
// g as it is: the next start tries again. The caller holds keeping, or is alone.
func (s *Store) salvage(ctx context.Context, g *segment) error {
	path, why := g.file(), g.wounded()
	free, err := s.opt.Free(s.opt.Dir)
	if err != nil || free < fileBytes(path)+fileBytes(path+"-wal") {
		return err
	}
	s.opt.Logger.Warn("salvaging a damaged segment", "segment", filepath.Base(path), "err", why)
	c := &salvor{store: s, g: g, elsewhere: s.elsewhere(g), meta: map[string][]byte{}, own: ledger{ring: &s.keys},
		sources: map[journal.StreamKey]int64{}, layouts: map[journal.LayoutID]struct{}{}}
	s.state.RLock()
	c.span = g.span
	s.state.RUnlock()
	c.spanKnown = c.span.first <= c.span.last
	to := stemOf(path) + salvagedSuffix
	err = s.copyOut(ctx, c, path, to+tmpSuffix)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case isFull(err):
		return nil // tried again when there is room
	case err != nil:
		g.hopeless = true
		s.opt.Logger.Error("damaged segment stays as it is until the next start", "segment", filepath.Base(path), "err", err)
		return nil
	}
	g.setRescue(c.found)
	if g.rescue.nothing {
		removeDB(to + tmpSuffix)
		return nil
	}
	if err := errors.Join(os.Rename(to+tmpSuffix, to), wholefile.SyncFolder(s.opt.Dir)); err != nil {
		return err
	}
	return s.serve(ctx, c, to)
}

// elsewhere returns what stands in the segments other than g.
func (s *Store) elsewhere(g *segment) journal.Vector {
	out := journal.Vector{}
	for _, x := range s.listed() {
		if x != g {
			out.Join(x.contents())
		}
	}
	return out
}

// copyOut copies what can be read of the file path into to. The WAL of a segment that was open
// may hide what the file beneath it still has, so both are looked at.
func (s *Store) copyOut(ctx context.Context, c *salvor, path, to string) (err error) {
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	var views []*sql.DB
	if st.Mode().IsRegular() {
		if err := unix.Access(path, unix.R_OK); err != nil {
			return err
		}
		if c.g.isSealed() {
			if err := stretch(path, st.Size()); err != nil {
				return err
			}
		}
		views = append(views, openDB(path, immutable))
		if !c.g.isSealed() {
			views = []*sql.DB{openDB(path, readOnly), views[0]}
		}
	}
	c.twin = s.soundTwin(ctx, c.g, &c.span)
	err = c.copy(ctx, to, views)
	for _, db := range views {
		_ = db.Close() // read only
	}
	return err
}

// stretch gives a file that was cut short the length its header names, with a hole at the end:
// SQLite reads nothing at all of a shorter one.
func stretch(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	var head [32]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return f.Close() // too short for a database
	}
	want := pageBytes * int64(binary.BigEndian.Uint32(head[28:]))
	if want > size && want <= maxStretch && string(head[:15]) == "SQLite format 3" {
		err = f.Truncate(want)
	}
	return errors.Join(err, f.Close())
}

// maxStretch bounds what a damaged header is believed.
const maxStretch = 16 << 30

// serve lets readers have the copy to instead of the damaged file.
func (s *Store) serve(ctx context.Context, c *salvor, to string) error {
	g := c.g
	g.use.Lock()
	err := g.abandon()
	g.mu.Lock()
	g.path, g.sealed, g.damage, g.hurt, g.own, g.told, g.sized = to, true, nil, nil, c.own, true, true
	g.mu.Unlock()
	if b := c.meta[metaEnd]; len(b) == 8 {
		g.end = int64(binary.BigEndian.Uint64(b))
	}
	g.twinOnly = c.twinOnly()
	g.use.Unlock()
	if err != nil {
		s.opt.Logger.Warn("closing a damaged segment", "segment", filepath.Base(g.rescue.original), "err", err)
	}
	s.writing.Lock()
	s.state.Lock()
	s.held.join(&c.own)
	g.span = c.span
	delete(s.tails, g)
	s.notify()
	s.state.Unlock()
	s.writing.Unlock()
	if !g.unfolded {
		return nil
	}
	g.unfolded = false
	return s.refold(ctx, g)
}

// twinOnly says whether the twin holds readings that the copy has not.
func (c *salvor) twinOnly() bool { return c.twin && (c.found.lostSamples() || c.g.twinOnly) }

func (r *rescue) lostSamples() bool { return r.unknown || len(only(r.lost, journal.Samples)) > 0 }

// abandon closes the handles of a damaged segment without writing its WAL into it: the last
// connection to be closed is one that cannot write.
func (g *segment) abandon() error {
	if g.reader != nil {
		_ = g.reader.Ping() // what is damaged may refuse it
	}
	var err error
	if g.writer != nil {
		err, g.writer = g.writer.Close(), nil
	}
	return errors.Join(err, g.close())
}

// refold takes what g tells into the folds: the start could not.
func (s *Store) refold(ctx context.Context, g *segment) error {
	return s.eachBatch(ctx, g, 0, func(_ int64, b *journal.Batch) error {
		s.writing.Lock()
		defer s.writing.Unlock()
		s.state.Lock()
		defer s.state.Unlock()
		switch b.Stream {
		case journal.Facts:
			s.adopt(b, s.foldFacts(b))
		case journal.Samples:
			s.indexVisits(newIndex(), 0, b)
		default:
			s.fold(b.Site).SawBatch(&b.Header)
		}
		return nil
	})
}

// settle makes durable what tells of the loss, and then puts the damaged file aside. On a full
// disk it waits.
func (s *Store) settle(g *segment) error {
	r := g.rescue
	told := s.tellLost(g)
	if told == nil {
		told = s.writeBases() // the registers of lost facts are there alone
	}
	if told == nil {
		told = s.want(r.again())
	}
	if isFull(told) {
		return nil
	} else if told != nil {
		return told
	}
	to := s.asideName(r.original)
	g.use.Lock()
	err := g.putAside(to)
	g.use.Unlock()
	if err != nil {
		return err
	}
	g.setRescue(nil)
	s.opt.Logger.Error("damaged segment put aside: what could be read of it is served", "file", filepath.Base(to), "lost", r.lost.Count(), "of", r.of)
	if !r.nothing {
		return nil
	}
	s.state.Lock()
	defer s.state.Unlock()
	delete(s.tails, g)
	s.segments = slices.DeleteFunc(slices.Clone(s.segments), func(x *segment) bool { return x == g })
	s.notify()
	return nil
}

// asideName returns a free name for a damaged file.
func (s *Store) asideName(original string) string {
	stem := stemOf(original)
	for n := 1; ; n++ {
		name := stem + damagedSuffix
		if n > 1 {
			name = fmt.Sprintf("%s.%d%s", stem, n, damagedSuffix)
		}
		if _, err := os.Lstat(name); errors.Is(err, os.ErrNotExist) {
			return name
		}
	}
}

// putAside gives the damaged file its last name and the copy that of a segment. The caller
// holds use.
func (g *segment) putAside(to string) error {
	r := g.rescue
	dir := filepath.Dir(to)
	if r.nothing {
		g.gone = true
		if err := g.abandon(); err != nil {
			return err
		}
	}
	if err := os.Rename(r.original, to); err != nil {
		return err
	}
	if err := os.Rename(r.original+"-wal", to+"-wal"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	removeDB(r.original)
	if err := wholefile.SyncFolder(dir); err != nil || r.nothing {
		return err
	}
	final := stemOf(r.original) + sealedSuffix
	if err := os.Rename(g.file(), final); err != nil {
		return err
	}
	g.mu.Lock()
	g.path = final
	g.mu.Unlock()
	return wholefile.SyncFolder(dir)
}

// tellLost writes the tombstones of what g lost of this box's own, so that nobody waits for it,
// and the gap.
func (s *Store) tellLost(g *segment) error {
	r := g.rescue
	if len(r.lost) == 0 && !r.unknown {
		return nil
	}
	spans := s.spansOf(r.lost, r.span)
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.begin(); err != nil {
		return err
	}
	f := s.newFlush()
	if err := s.bury(f, r.lost, s.hq, hw.Damaged); err != nil {
		return err
	}
	gap := hw.GapValue{Reason: hw.Damaged, Detail: r.detail(filepath.Base(stemOf(r.original)))}
	name := streamsOf(r.lost)
	if name == "" {
		name = "records"
	}
	fact := hw.Fact{Kind: hw.GapFact, Component: BoxPath(s.id.origin), Group: name + "#" + string(hw.Damaged), At: s.opt.Now(), Value: r.span.of(gap)}
	if err := f.facts.add(func(b []byte) ([]byte, error) { return journal.AppendFact(b, fact, f.wallMS) }); err != nil {
		return err
	}
	if err := s.commit(f); err != nil {
		return err
	}
	return s.tellOthers(r.lost, spans, hw.Damaged, "were lost in a damaged segment"+r.still())
}

// still says what of the loss is served all the same.
func (r *rescue) still() string {
	if r.twin && r.lostSamples() {
		return "; the readings are served from its twin"
	}
	return ""
}

func (r *rescue) detail(stem string) string {
	text := fmt.Sprintf("%d of %d batches of %s were lost in damaged segment %s", r.lost.Count(), r.of, streamsOf(r.lost), stem)
	switch {
	case len(r.lost) == 0:
		text = "how many batches were lost in damaged segment " + stem + " is not known"
	case r.unknown:
		text += "; there may be more"
	}
	return text + r.still()
}
