package wire

import (
	"context"
	"fmt"
	"sync"
	"time"

	"rackpost/replicate/mode"
)

// poke has whoever sends pings, or waits before it calls again, do it at once.
type poke struct {
	path string
	c    chan struct{}
}

func (p *poke) now() {
	select {
	case p.c <- struct{}{}:
	default:
	}
}

func (w *Wire) poked(path string) (p *poke, forget func()) {
	p = &poke{path: path, c: make(chan struct{}, 1)}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pokes[p] = struct{}{}
	return p, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.pokes, p)
	}
}

// LinkUp says that a path's cable or address is back: its calls are made at once.
func (w *Wire) LinkUp(path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for p := range w.pokes {
		if p.path == path {
			p.now()
		}
	}
}

// call starts the health connections to a member, one a path. A witness is called and calls nobody.
func (w *Wire) call(p *peer) {
	if w.ctx == nil || p.stop != nil {
		return
	}
	ctx, cancel := context.WithCancel(w.ctx)
	p.stop = cancel
	if w.cfg.Role != mode.Box {
		return
	}
	for _, path := range p.Paths {
		w.crew.start(func() { w.probe(ctx, &p.Peer, path) })
	}
}

// probe keeps a health connection to a member over one path until ctx ends.
func (w *Wire) probe(ctx context.Context, p *Peer, path Path) {
	poke, forget := w.poked(path.Name)
	defer forget()
	every := w.interval(p.Role)
	wait := every
	for ctx.Err() == nil {
		try, cancel := context.WithTimeout(ctx, quiet*every)
		c, err := w.connect(try, p, path, Health)
		cancel()
		if err == nil {
			wait = every
			err = fmt.Errorf("the connection ended: %w", w.ping(ctx, c, every, poke))
			_ = c.Close()
		}
		if ctx.Err() != nil {
			return
		}
		w.contacts.failed(p.Node, path.Name, err)
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-poke.c:
		case <-t.C:
			wait = min(2*wait, quiet*every)
		}
		t.Stop()
	}
}

// pings are those that were sent and not yet answered, and when.
type pings struct {
	mu       sync.Mutex
	sent     [64]time.Time
	last     uint64
	answered uint64
	at       time.Time // of the last answer, or when the connection began
}

func (p *pings) next(now time.Time) (number, answered uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	p.sent[p.last%uint64(len(p.sent))] = now
	return p.last, p.answered
}

// answer returns how long the ping took, or false when it was not asked.
func (p *pings) answer(number uint64, now time.Time) (time.Duration, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if number <= p.answered || number > p.last || p.last-number >= uint64(len(p.sent)) {
		return 0, false
	}
	p.answered, p.at = number, now
	return max(1, now.Sub(p.sent[number%uint64(len(p.sent))])), true
}

func (p *pings) silent(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return now.Sub(p.at)
}

// ping asks until the other side is silent for too long, the connection breaks, or this member
// begins another life: that one is told in a new hello.
func (w *Wire) ping(ctx context.Context, c *Conn, every time.Duration, poke *poke) error {
	asked := &pings{at: time.Now()}
	broken := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, c.drop)()
	if !w.crew.start(func() { broken <- w.hear(c, asked) }) {
		return ErrNotRunning
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		said := *w.said.Load()
		if said.Life != c.told.Life || asked.silent(time.Now()) > 3*quiet*every {
			c.drop()
			return <-broken
		}
		p := pingOf(said)
		p.number, p.answered = asked.next(time.Now())
		_ = c.SetWriteDeadline(time.Now().Add(quiet * every))
		if _, err := c.Write(p.frame()); err != nil {
			c.drop()
			<-broken
			return err
		}
		select {
		case err := <-broken:
			return err
		case <-tick.C:
		case <-poke.c:
			tick.Reset(every)
		}
	}
}

// hear takes the answers.
func (w *Wire) hear(c *Conn, asked *pings) error {
	for {
		p, err := readPing(c)
		if err != nil {
			return err
		}
		now := time.Now()
		took, ok := asked.answer(p.number, now)
		if !ok || !p.answer {
			continue
		}
		w.heard(c, p)
		w.contacts.proven(c.Peer.Node, c.Path, now, took)
	}
}

// heard keeps what a ping or its answer says.
func (w *Wire) heard(c *Conn, p ping) {
	if !plausible(w.said.Load().Generation, p.generation) {
		return // the next hello says why
	}
	h := c.Peer
	h.Hello = p.in(h.Hello)
	w.contacts.heard(c.Path, h, true)
}

// answerPings answers the other side's. That it goes on asking after it had an answer proves both
// directions as well, as of the time the answer was sent. In another life this member says so in
// a new hello: it has the other side call again.
func (w *Wire) answerPings(ctx context.Context, c *Conn) {
	defer context.AfterFunc(ctx, c.drop)()
	every := w.interval(c.Peer.Role)
	var sent echoes
	for {
		_ = c.SetDeadline(time.Now().Add(3 * quiet * every))
		p, err := readPing(c)
		if err != nil || w.said.Load().Life != c.told.Life {
			return
		}
		now := time.Now()
		w.heard(c, p)
		if at, ok := sent.at(p.answered); ok {
			w.contacts.proven(c.Peer.Node, c.Path, at, 0)
		}
		a := pingOf(*w.said.Load())
		a.answer, a.number = true, p.number
		sent.note(p.number, now)
		if _, err := c.Write(a.frame()); err != nil {
			return
		}
	}
}

// echoes are the last pings that were answered, and when.
type echoes [16]struct {
	number uint64
	sent   time.Time
}

func (e *echoes) note(number uint64, now time.Time) {
	at := &e[number%uint64(len(e))]
	at.number, at.sent = number, now
}

func (e *echoes) at(number uint64) (time.Time, bool) {
	at := e[number%uint64(len(e))]
	return at.sent, number != 0 && at.number == number
}
