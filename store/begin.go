package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// begin commits, alone and first, the begin record of this incarnation. The caller holds
// writing.
func (s *Store) begin() error {
	if s.inc.begun {
		return nil
	}
	f := s.newFlush()
	b := journal.Begin{Previous: s.inc.previous, Version: s.opt.Version, Clean: s.inc.clean}
	for _, k := range s.held.of(s.id.site).Keys() {
		if k.Origin == s.id.origin && k.Incarnation == s.inc.previous {
			b.Last = append(b.Last, journal.StreamSeq{Stream: k.Stream, Seq: s.held.Last(k)})
		}
	}
	if err := f.facts.add(func(body []byte) ([]byte, error) { return journal.AppendBegin(body, b), nil }); err != nil {
		return err
	}
	if err := s.commit(f); err != nil {
		return fmt.Errorf("begin the incarnation: %w", err)
	}
	s.inc.begun = true
	return nil
}

// What a segment's meta says of this store's own incarnations. Their batches do not: those
// that came back from a peer after an old image was put back may be the later ones.
const (
	metaWriter = "writer" // the last that wrote into the segment
	metaClosed = "closed" // the last that was closed in order while the segment was open
)

// noteClosed says in the open segment that the incarnation was closed in order.
func (g *segment) noteClosed(ctx context.Context, inc journal.Incarnation) error {
	return inTx(ctx, g.writer, func(tx *sql.Tx) error { return noteIncarnation(ctx, tx, metaClosed, inc) })
}

func noteIncarnation(ctx context.Context, tx *sql.Tx, name string, inc journal.Incarnation) error {
	return setMeta(ctx, tx, name, binary.BigEndian.AppendUint64(nil, uint64(inc)))
}

// incarnation returns one that was noted in g, 0 when none was.
func (g *segment) incarnation(ctx context.Context, name string) (inc journal.Incarnation, err error) {
	err = g.read(func(db *sql.DB) error {
		var b []byte
		err := db.QueryRowContext(ctx, "SELECT value FROM meta WHERE name = ?", name).Scan(&b)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err == nil && len(b) == 8 {
			inc = journal.Incarnation(binary.BigEndian.Uint64(b))
		}
		return err
	})
	return inc, err
}

// roll sees to it that there is an open segment with room. One that the keeper would have no room to seal goes on: only
// what the keeper says itself comes so far. The caller holds writing.
func (s *Store) roll(ctx context.Context) error {
	_, since := s.opt.Boot()
	if s.open != nil && s.open.damaged() == nil {
		if !s.rollDue(since) {
			return nil
		}
		if short, err := s.lacksRoom(s.keepersRoom()); short || err != nil {
			return err
		}
	}
	return s.nextSegment(ctx, since)
}

// rollDue says whether the open segment, which is sound, is full or old. The caller holds writing.
func (s *Store) rollDue(since time.Duration) bool {
	size := fileBytes(s.open.file()) + fileBytes(s.open.file()+"-wal")
	if s.openedAt == 0 { // found at start: its age begins anew
		s.openedAt = since
	}
	s.state.RLock()
	ix := s.tails[s.open]
	s.state.RUnlock()
	return size >= s.opt.SegmentBytes || since-s.openedAt >= s.opt.SegmentAge || (ix != nil && ix.count >= visitsKept)
}

// nextSegment begins a new open segment and leaves the former to the keeper, who seals it.
func (s *Store) nextSegment(ctx context.Context, since time.Duration) error {
	if s.isClosed() {
		return fmt.Errorf("begin a segment: %w", ErrClosed)
	}
	number := s.forgotten.last() + 1
	if all := s.listed(); len(all) > 0 { // the keeper may be dropping one meanwhile
		number = max(number, all[len(all)-1].number+1)
	}
	g, err := createSegment(ctx, s.opt.Dir, number, s.id, &s.held, s.past)
	if err != nil {
		return err
	}
	s.state.Lock()
	defer s.state.Unlock()
	s.segments = append(s.segments, g)
	s.past = append(s.past, g.id)
	s.open, s.openedAt = g, since
	s.keepTail(g, newIndex())
	s.opt.Logger.Debug("segment begun", "segment", filepath.Base(g.file()))
	s.wakeKeeper()
	return nil
}

// clockWatch notices when the wall clock was set, by the kernel's own time.
type clockWatch struct {
	told  bool
	state journal.ClockState
	wall  time.Time
	since time.Duration
}

// clockJump is how far wall and boot time may drift apart between two looks before it counts
// as having been set: NTP slews by 0.5 ms a second.
const clockJump = 2 * time.Second

// tellClock writes a fact when the clock's trust changed or somebody set it. The caller
// holds writing and has begun.
func (s *Store) tellClock() error {
	wall, state := s.opt.Now(), s.opt.Clock()
	_, since := s.opt.Boot()
	c := &s.clock
	jump := wall.Round(0).Sub(c.wall) - (since - c.since)
	if c.told && state == c.state && jump.Abs() < clockJump {
		c.wall, c.since = wall.Round(0), since
		return nil
	}
	if !c.told {
		jump = 0
	}
	if jump.Abs() >= clockJump {
		s.opt.Logger.Warn("the wall clock was set", "by", jump.Round(time.Millisecond))
	}
	source := map[journal.ClockState]string{journal.ClockTrusted: "ntp", journal.ClockUntrusted: "none"}[state]
	f := s.newFlush()
	fact := hw.Fact{Kind: hw.ClockFact, Component: BoxPath(s.id.origin), Group: "clock", At: wall,
		Value: hw.ClockValue{Trusted: state == journal.ClockTrusted, Source: source, OffsetMS: jump.Milliseconds()}}
	if err := f.facts.add(func(body []byte) ([]byte, error) { return journal.AppendFact(body, fact, f.wallMS) }); err != nil {
		return err
	}
	if err := s.commit(f); err != nil {
		return err
	}
	s.clock = clockWatch{told: true, state: state, wall: wall.Round(0), since: since}
	return nil
}
