package clustertest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"rackpost/replicate/mode"
)

const (
	pingBox     = 200 * time.Millisecond
	pingWitness = time.Second
	quiet       = 5 // pings unanswered before a way is silent
	askLimit    = 5 * time.Second
)

// wire is what package wire is to a real member: it knows of the others what their pings say, and keeps those out of Raft
// that must not be there. It implements replicate.Peers.
type wire struct {
	p *process

	mu      sync.Mutex
	hello   mode.Hello
	old     outdated // what another member refused
	links   [most][paths]link
	changed chan struct{}
}

// outdated is a life that forgot what it had acknowledged in a generation. A takeover forgives it.
type outdated struct {
	life       string
	generation mode.Generation
}

// link is one way to another member.
type link struct {
	known    bool
	since    time.Time // it said so of its generation
	hello    mode.Hello
	proven   time.Time // both directions; zero when never
	up       bool
	answered time.Time // when the last ping from there was answered
}

func newWire(p *process) *wire {
	w := &wire{p: p, changed: make(chan struct{})}
	w.hello = mode.Hello{Node: p.id(), Role: p.w.role(p.who)}
	return w
}

// Contacts implements replicate.Peers.
func (x *wire) Contacts() []mode.Contact {
	x.p.pass()
	x.mu.Lock()
	defer x.mu.Unlock()
	var list []mode.Contact
	for who := range x.p.w.size {
		for by := range paths {
			if who == x.p.who || !x.p.w.has(x.p.who, who, by) {
				continue
			}
			l := x.links[who][by]
			c := mode.Contact{Hello: l.hello, Path: by.String(), Silent: mode.Never}
			c.Node, c.Role = x.p.w.ids[who], x.p.w.role(who)
			if !l.proven.IsZero() {
				c.Silent = max(0, time.Since(l.proven))
			}
			list = append(list, c)
		}
	}
	return list
}

// Changed implements replicate.Peers.
func (x *wire) Changed() <-chan struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.changed
}

func (x *wire) tell() {
	close(x.changed)
	x.changed = make(chan struct{})
}

// Announce implements replicate.Peers.
func (x *wire) Announce(h mode.Hello) {
	x.p.pass()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.hello = h
}

// Outdated implements replicate.Peers.
func (x *wire) Outdated(life string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.old.life != "" && x.old == outdated{life, x.hello.Generation}
}

func (x *wire) said() mode.Hello {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.hello
}

// best is the path to a member that answered last.
func (x *wire) best(who int) path {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.links[who][direct].proven.After(x.links[who][lan].proven.Add(pingBox)) {
		return direct
	}
	return lan
}

// heard keeps what another member says.
func (x *wire) heard(who int, by path, h mode.Hello) {
	x.mu.Lock()
	defer x.mu.Unlock()
	l := &x.links[who][by]
	was := l.hello
	news := !l.known || was.Mode != h.Mode || was.Authority != h.Authority || was.Generation != h.Generation || was.Life != h.Life
	if was.Generation != h.Generation || l.since.IsZero() {
		l.since = time.Now()
	}
	l.known, l.hello = true, h
	x.p.disk.remember(who, h)
	if news {
		x.tell()
	}
}

// proves says that both directions worked at this time.
func (x *wire) proves(who int, by path, at time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	l := &x.links[who][by]
	if at.After(l.proven) {
		l.proven = at
	}
	if !l.up {
		l.up = true
		x.tell()
	}
}

// sweep tells of links that fell silent.
func (x *wire) sweep() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for who := range x.links {
		for by := range x.links[who] {
			l := &x.links[who][by]
			if l.up && time.Since(l.proven) > quiet*x.p.w.interval(x.p.who, who) {
				l.up = false
				x.tell()
			}
		}
	}
}

// run pings every other member on every path. The witness calls nobody.
func (x *wire) run(ctx context.Context) {
	w := x.p.w
	tick := time.NewTicker(pingBox)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if x.p.stopped() {
			continue
		}
		x.sweep()
		for who := range w.size {
			if who == x.p.who || x.p.who == witness || n%int(w.interval(x.p.who, who)/pingBox) != 0 {
				continue
			}
			for by := range paths {
				if w.has(x.p.who, who, by) {
					x.ping(who, by)
				}
			}
		}
	}
}

// ping asks a member, which answers at once.
func (x *wire) ping(who int, by path) {
	w := x.p.w
	there, ok := w.net.trip(x.p.who, who, by)
	back, returns := w.net.trip(who, x.p.who, by)
	if !ok || !w.net.open(x.p.who, who, by) {
		return
	}
	x.mu.Lock()
	asker, proof := x.hello, x.links[who][by].proven
	x.mu.Unlock()
	time.AfterFunc(there, func() {
		peer := w.running(who)
		if peer == nil || peer.stopped() {
			return
		}
		answer := peer.wire.answer(x.p.who, by, asker, proof)
		if !returns {
			return
		}
		time.AfterFunc(back, func() {
			if x.p.alive() && !x.p.stopped() {
				x.heard(who, by, answer)
				x.proves(who, by, time.Now())
			}
		})
	})
}

// answer is what a member says when it is asked. proof is when the asker last had an answer: if it had the last one, both
// directions worked when that was sent.
func (x *wire) answer(from int, by path, asker mode.Hello, proof time.Time) mode.Hello {
	x.heard(from, by, asker)
	x.mu.Lock()
	l := &x.links[from][by]
	sent := l.answered
	l.answered = time.Now()
	h := x.hello
	x.mu.Unlock()
	if !sent.IsZero() && !proof.Before(sent) {
		x.proves(from, by, sent)
	}
	return h
}

// refused notes that another member refused a life of this one, because of what it remembers.
func (x *wire) refused(by *process, h mode.Hello, m memory) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if was := x.old; was.life != h.Life || was.generation != h.Generation {
		x.p.w.log.add("%s refuses %s: it remembers %+v, and is told %+v", by, x.p, m, h)
		x.old = outdated{h.Life, h.Generation}
		x.tell()
	}
}

// refuses says why a message of Raft is not taken, as the hellos of a real connection would: "" when it is.
func (x *wire) refuses(src *process, from mode.Hello) string {
	mine := x.said()
	switch {
	case from.Generation != mine.Generation:
		return "other generation"
	case x.p.disk.recall(src.who).forgot(from):
		src.wire.refused(x.p, from, x.p.disk.recall(src.who))
		return "must rejoin"
	case src.disk.recall(x.p.who).forgot(mine):
		x.refused(src, mine, src.disk.recall(x.p.who))
		return "must rejoin"
	}
	return ""
}

// memory is what a member remembers of another, to know an old image of its disk. It follows the rules of package wire.
type memory struct {
	life          string
	boot          uint64 // the process that spoke last
	lost          bool   // that process lacked something when it began
	generation    mode.Generation
	term, applied uint64
	left          []string
}

func (m memory) with(h mode.Hello) memory {
	if h.Life == "" || slices.Contains(m.left, h.Life) || h.Life == m.life && h.Generation.Counter < m.generation.Counter {
		return m
	}
	if h.Life != m.life {
		m = memory{life: h.Life, generation: h.Generation, left: append(slices.Clone(m.left), m.life)}
	}
	if h.Generation != m.generation {
		m.generation, m.term, m.applied, m.lost = h.Generation, 0, 0, false
	}
	if h.Boot != m.boot {
		m.boot, m.lost = h.Boot, m.lacks(h)
	}
	m.term, m.applied = max(m.term, h.Term), max(m.applied, h.Applied)
	return m
}

func (m memory) forgot(h mode.Hello) bool {
	switch {
	case slices.Contains(m.left, h.Life):
		return true
	case h.Life != m.life || h.Generation != m.generation:
		return false
	case h.Boot == m.boot:
		return m.lost
	}
	return m.lacks(h)
}

func (m memory) lacks(h mode.Hello) bool {
	return h.Term != 0 && h.Term < m.term || h.Last != 0 && h.Last < m.applied
}

// Ask implements replicate.Peers.
func (x *wire) Ask(ctx context.Context, to mode.NodeID, request []byte) ([]byte, error) {
	w := x.p.w
	who := w.whois(raftAddress(to))
	if who < 0 {
		return nil, fmt.Errorf("%w: no member %s", errRefused, to)
	}
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	by := x.best(who)
	there, ok := w.net.trip(x.p.who, who, by)
	back, returns := w.net.trip(who, x.p.who, by)
	type result struct {
		body []byte
		err  error
	}
	reply := make(chan result, 1)
	if ok && x.p.pass() {
		time.AfterFunc(there, func() {
			peer := w.running(who)
			if peer == nil || !peer.pass() {
				return
			}
			body, err := peer.node.Answer(ctx, x.p.id(), request)
			if returns && peer.pass() {
				time.AfterFunc(back, func() { reply <- result{body, err} })
			}
		})
	}
	select {
	case r := <-reply:
		return r.body, r.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", errSilence, ctx.Err())
	}
}
