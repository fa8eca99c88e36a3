package ship

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"rackpost/hw/journal"
)

// session is one connection of a line. Four goroutines work on it: one reads frames and never waits
// for anything else, one merges what came and answers, one sends what the peer lacks, one keeps the
// connection alive and counts.
type session struct {
	*Line
	conn    net.Conn
	out     *writer
	started time.Time
	replace func()        // ends the session: the line has another connection
	ready   chan struct{} // closed when the peer has said what it holds
	kick    chan struct{} // something changed for who sends
	came    chan struct{} // something waits for who merges
	paced   chan struct{} // another pace is to be asked for

	asks   hourly    // of beat alone
	looked time.Time // of beat alone: for losses

	mu     sync.Mutex
	losses losses
	peer   hello
	in     incoming
	away   outgoing

	count    counts
	pinged   ping // the peer's last
	received uint64
	says     string // of the last batch that the peer did not take
}

// counts are what a session adds to its line's.
type counts struct {
	sent, received, repeated, refused, returned, givenUp, conflicts uint64
	bytes                                                           uint64 // of batches, both ways
	answered                                                        uint64 // of batches sent and held there
}

// Run serves one connection until ctx ends or the connection does, and closes it. It returns nil when
// ctx ended it, else the reason, which the peer was told where it was not the peer's own. Both ends
// call it. A line has one connection: a second Run ends the first.
func (l *Line) Run(ctx context.Context, conn net.Conn) error {
	outer := ctx
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	g, ctx := errgroup.WithContext(inner)
	s := &session{Line: l, conn: conn, started: time.Now(), out: newWriter(ctx, conn, l.opt.Write), replace: func() { cancel(errReplaced) },
		ready: make(chan struct{}), kick: make(chan struct{}, 1), came: make(chan struct{}, 1), paced: make(chan struct{}, 1)}
	s.away.init()
	if former := l.take(s); former != nil {
		former.replace()
	}
	stop := context.AfterFunc(ctx, func() {
		_ = conn.SetReadDeadline(time.Unix(1, 0))
		_ = conn.SetWriteDeadline(time.Now().Add(partingTime))
	})
	g.Go(func() error { return s.read(ctx) })
	g.Go(func() error { return s.merge(ctx) })
	g.Go(func() error { return s.send(ctx) })
	g.Go(func() error { return s.beat(ctx) })
	err := g.Wait()
	if words := networkWords(err); words != "" { // which end it was, and what was being done, helps nobody
		err = &plain{words, err}
	}
	stop()
	if errors.Is(context.Cause(inner), errReplaced) {
		err = errReplaced
	}
	if outer.Err() != nil {
		err = nil
		why := "it stops"
		if cause := context.Cause(outer); !errors.Is(cause, context.Canceled) {
			why = cause.Error()
		}
		s.out.part(why)
	} else if told := (*partedError)(nil); !errors.As(err, &told) {
		s.out.part(err.Error())
	}
	_ = conn.Close() // all that matters was answered
	s.letGo()
	if n := s.in.reserved; n > 0 { // nobody else works on it any more
		l.opt.Room.Give(n)
	}
	l.leave(s, err)
	return err
}

// partedError is the reason that the peer gave for ending the session.
type partedError struct{ reason string }

func (e *partedError) Error() string { return "the peer ended the connection: " + e.reason }

// errReplaced ends a session when its line gets another connection.
var errReplaced = errors.New("a newer connection took the place of this one")

// poke wakes whoever waits on a channel of capacity one.
func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// listener is a connection whose peer may be silent for so long, and takes as long as it likes while it speaks: a large frame on a
// thin line takes longer than that.
type listener struct {
	ctx  context.Context
	conn net.Conn
	idle time.Duration
}

func (l listener) Read(p []byte) (int, error) {
	if err := l.conn.SetReadDeadline(time.Now().Add(l.idle)); err != nil {
		return 0, err
	}
	if err := l.ctx.Err(); err != nil { // the end came between, and with it an earlier deadline
		return 0, err
	}
	return l.conn.Read(p)
}

// read takes frames until the connection ends. It neither writes nor waits for who does, so that two
// ends that both write cannot wait for each other.
func (s *session) read(ctx context.Context) error {
	r := bufio.NewReaderSize(listener{ctx, s.conn, s.opt.Idle}, 4<<10) // what is larger goes past it
	var buf []byte
	for first := true; ; first = false {
		k, payload, err := readFrame(r, &buf)
		if err != nil {
			if err := ctx.Err(); err != nil {
				return err
			}
			if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
				return &plain{fmt.Sprintf("the other end was silent for %v: the line is cut, or it stands still", s.opt.Idle), err}
			}
			return fmt.Errorf("read from the peer: %w", err)
		}
		s.mu.Lock()
		s.received += uint64(headSize + len(payload))
		s.mu.Unlock()
		if first != (k == kindHello) {
			return broken("frame %d where a greeting belongs, or a greeting where none does", k)
		}
		if err := s.handle(k, payload); err != nil {
			return err
		}
		if cap(buf) > keptBuffer {
			buf = nil
		}
	}
}

// handle takes one frame. The payload is the caller's again when it returns.
func (s *session) handle(k kind, payload []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.in.expects(k); err != nil {
		return err
	}
	switch k {
	case kindHello:
		return s.greeted(payload)
	case kindHeld:
		return s.told(payload)
	case kindLayout, kindBatch, kindBase:
		return s.began(k, payload)
	case kindPart:
		return s.goesOn(payload)
	case kindAnswer:
		return s.answered(payload)
	case kindRefuse:
		return s.returned(payload)
	case kindPing:
		p, err := parsePing(payload)
		s.pinged = p
		return err
	case kindOffer:
		return s.offered(payload)
	case kindAsk:
		return s.asked(payload)
	case kindAgain:
		return s.again(payload)
	case kindNote:
		s.count.conflicts++
		s.say(s.opt.Logger.Error, "the peer found other content under a key it holds: was a disk copied?", "peer", s.peer.origin.String(), "says", short(string(payload)))
	case kindPace:
		return s.asksPace(payload)
	case kindBye:
		return &partedError{short(string(payload))}
	}
	return nil // a later version's
}

// greeted checks who is at the other end. The caller holds mu.
func (s *session) greeted(payload []byte) error {
	h, err := parseHello(payload)
	if err != nil {
		return err
	}
	switch {
	case h.lowest > highest || h.highest < lowest:
		return fmt.Errorf("no common version of the protocol: here %d to %d, there %d to %d: update the older box", lowest, highest, h.lowest, h.highest)
	case h.site != s.opt.Site:
		return fmt.Errorf("boxes of two sites: one of site %s, the other of site %s: check the site id in both site.yaml", s.opt.Site, h.site)
	case h.lane != s.opt.Lane:
		return fmt.Errorf("this end of the connection is %s, the other %s: connect to the line of the same name", s.opt.Lane, h.lane)
	case h.origin == s.opt.Origin:
		return fmt.Errorf("both boxes have the journal %s: one has a copy of the other's disk, or was connected to itself; give one of them an empty data folder", h.origin)
	}
	s.peer = h
	return nil
}

// told takes a part of what the peer holds. The caller holds mu.
func (s *session) told(payload []byte) error {
	if len(payload) == 0 || s.away.told {
		return broken("what is held, told twice or not at all")
	}
	v, err := journal.UnmarshalVector(payload[1:])
	if err != nil {
		return fmt.Errorf("what the peer holds: %w", err)
	}
	s.away.telling.Join(s.remembered(v))
	if err := bounded(s.away.telling); err != nil {
		return err
	}
	if payload[0] == 0 {
		s.away.told = true
		if !s.opt.Down {
			s.away.claimed, s.away.before = ofOrigin(s.away.telling, s.opt.Origin), ofOrigin(s.known.Held(), s.opt.Origin)
		}
		s.known.greeted(s, s.away.telling)
		s.away.telling, s.away.own = nil, nil
		close(s.ready)
	}
	return nil
}

// ofOrigin returns the part of v that one origin wrote.
func ofOrigin(v journal.Vector, origin journal.ID) journal.Vector {
	out := journal.Vector{}
	for k, iv := range v {
		if k.Origin == origin {
			out[k] = slices.Clone(iv)
		}
	}
	return out
}

// putBack has the store look whether the peer holds what it did not write under its name.
func (s *session) putBack(ctx context.Context) {
	s.mu.Lock()
	claimed, before := s.away.claimed, s.away.before
	s.away.claimed, s.away.before = nil, nil
	s.mu.Unlock()
	store, ok := s.store.(Renamer)
	if !ok || len(claimed) == 0 {
		return
	}
	if err := store.PutBack(ctx, claimed, before); err != nil {
		s.say(s.opt.Logger.Error, "the peer holds what bears this box's name and was not written here", "err", err)
	}
}

// remembered returns the part of what the peer holds that is worth being remembered. Headquarters sends nothing that it does
// not hold, so what a site invents takes none of its memory. The caller holds mu.
func (s *session) remembered(v journal.Vector) journal.Vector {
	if v = s.sendable(v); !s.opt.Down {
		return v
	}
	if s.away.own == nil {
		s.away.own = s.store.Held()
		s.away.own.Join(s.known.Held()) // it may be on its way into the store
	}
	return v.Minus(v.Minus(s.away.own))
}

// sendable returns the part of v that this end may send: it is all that needs to be known of the peer.
func (s *session) sendable(v journal.Vector) journal.Vector {
	if s.opt.Down {
		for k := range v {
			if k.Stream != journal.Facts {
				delete(v, k)
			}
		}
	}
	return v
}

// pulse is how often a session looks whether there is something to say.
const pulse = time.Second

// beat keeps the connection alive, tells the peer what it has still to get, and measures the rate.
func (s *session) beat(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.ready:
	}
	s.putBack(ctx)
	tick := time.NewTicker(pulse)
	defer tick.Stop()
	var said ping
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.paced:
			if err := s.askPace(true); err != nil {
				return err
			}
			continue
		case <-tick.C:
		}
		s.mu.Lock()
		var p ping
		p.behind, _, p.caughtUp = s.backlog()
		s.away.rate.add(s.count.bytes)
		s.away.drain.add(s.count.answered)
		s.mu.Unlock()
		if p != said || s.out.idle() > s.opt.Idle/3 {
			if err := s.out.put(true, kindPing, p.bytes()); err != nil {
				return fmt.Errorf("write to the peer: %w", err)
			}
			said = p
		}
		now := time.Now()
		s.tryAgain(now)
		s.offerAgain(now)
		if err := s.askAgain(now); err != nil {
			return err
		}
	}
}

// askPace tells the peer the pace that is asked of it; when it was never asked of any, only if told to.
func (s *session) askPace(always bool) error {
	s.Line.mu.Lock()
	p := s.pace
	s.Line.mu.Unlock()
	if p == (Pace{}) && !always {
		return nil
	}
	if err := s.out.put(true, kindPace, p.bytes()); err != nil {
		return fmt.Errorf("write to the peer: %w", err)
	}
	return nil
}
