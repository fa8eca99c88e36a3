package wire

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"rackpost/replicate/mode"
)

// Errors of a Wire wrap one of these where they apply.
var (
	ErrNotRunning  = errors.New("the pair's wire is not running")
	ErrUndelivered = errors.New("the request was not delivered")
	ErrNoWay       = errors.New("no way to that member")
)

// Wire is this member's end of every connection of the pair.
type Wire struct {
	cfg      Config
	said     atomic.Pointer[mode.Hello]
	contacts *contacts
	refusals refusals
	books    books
	conns    conns
	gate     gate
	joins    pace
	crew     crew
	journals chan *Conn
	over     chan struct{} // closed when Run ends
	serving  chan struct{} // a place for each request that is being answered
	joining  chan struct{} // and for each join

	mu       sync.Mutex
	ctx      context.Context // of Run; nil before
	peers    map[mode.NodeID]*peer
	stream   *stream // what Raft works over; nil when it is not running
	cut      bool
	handlers map[string]Handler
	join     JoinHandler
	pokes    map[*poke]struct{} // whoever sends pings
}

// peer is another member, and what ends its calls.
type peer struct {
	Peer
	stop context.CancelFunc // nil before Run
}

// New checks the configuration; nothing is opened before Run.
func New(cfg Config) (*Wire, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg.defaults()
	w := &Wire{
		cfg: cfg, contacts: newContacts(cfg.Memory), refusals: refusals{logger: cfg.Logger},
		journals: make(chan *Conn), over: make(chan struct{}), serving: make(chan struct{}, mostServed), joining: make(chan struct{}, mostJoining),
		peers: map[mode.NodeID]*peer{}, handlers: map[string]Handler{}, pokes: map[*poke]struct{}{},
	}
	w.said.Store(&mode.Hello{Node: cfg.Node, Role: cfg.Role})
	return w, nil
}

// Run listens, calls and answers until ctx ends, and returns when all of it has ended. It is
// called once.
func (w *Wire) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w.mu.Lock()
	if w.ctx != nil {
		w.mu.Unlock()
		return errors.New("the pair's wire runs only once")
	}
	w.ctx = ctx
	for _, p := range w.peers {
		w.call(p)
	}
	w.mu.Unlock()
	for _, p := range w.cfg.Paths {
		w.crew.start(func() { w.listen(ctx, p) })
	}
	w.crew.start(func() { w.sweep(ctx) })
	<-ctx.Done()
	close(w.over)
	w.conns.end()
	w.closeStream(nil)
	w.crew.wait()
	return nil
}

// running returns what ends with Run, or nil when it does not run.
func (w *Wire) running() context.Context {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ctx == nil || w.ctx.Err() != nil {
		return nil
	}
	return w.ctx
}

// SetPeers says who the other members are, from now on. Connections of those that are no longer
// members end.
func (w *Wire) SetPeers(list []Peer) error {
	if len(list) > mostPeers {
		return fmt.Errorf("%d members: a pair has at most %d", len(list), mostPeers)
	}
	next := map[mode.NodeID]*peer{}
	for _, p := range list {
		if p.Node == w.cfg.Node || next[p.Node] != nil || p.Role == mode.RoleUnknown || len(p.Paths) > mostPaths {
			return fmt.Errorf("member %s (%.40q) cannot be one of the others: it is this one, is listed twice, has no role or too many paths", p.Node, p.Name)
		}
		if err := checkPaths(p.Paths); err != nil {
			return fmt.Errorf("member %.40q: %w", p.Name, err)
		}
		next[p.Node] = &peer{Peer: p}
	}
	w.replace(next)
	return nil
}

func (w *Wire) replace(next map[mode.NodeID]*peer) {
	w.mu.Lock()
	gone := map[mode.NodeID]bool{}
	for node, old := range w.peers {
		p := next[node]
		if p != nil && reflect.DeepEqual(p.Peer, old.Peer) {
			next[node] = old
			continue
		}
		gone[node] = p == nil || p.Role != old.Role
		if old.stop != nil {
			old.stop()
		}
	}
	w.peers = next
	for _, p := range next {
		w.call(p)
	}
	w.gate.know(w.addresses())
	w.mu.Unlock()
	w.conns.drop(func(c *Conn) bool { return gone[c.Peer.Node] })
	for node := range gone {
		if gone[node] {
			w.books.drop(node)
		}
	}
	w.contacts.keep(w.has)
}

// has says whether a member may be heard on a path: it is called there, or calls there. Without a
// path it says whether it is a member.
func (w *Wire) has(node mode.NodeID, path string) bool {
	p := w.peer(node)
	return p != nil && (path == "" || named(p.Paths, path) != nil || named(w.cfg.Paths, path) != nil)
}

func named(paths []Path, name string) *Path {
	for i := range paths {
		if paths[i].Name == name {
			return &paths[i]
		}
	}
	return nil
}

// addresses are those the members are called at, as far as they are no names.
func (w *Wire) addresses() map[netip.Addr]bool {
	known := map[netip.Addr]bool{}
	for _, p := range w.peers {
		for _, path := range p.Paths {
			if a, err := netip.ParseAddrPort(path.Address); err == nil {
				known[a.Addr().Unmap().WithZone("")] = true
			}
		}
	}
	return known
}

// peer returns a member, or nil.
func (w *Wire) peer(node mode.NodeID) *Peer {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.peers[node]; p != nil {
		return &p.Peer
	}
	return nil
}

func (w *Wire) judge(self, h Hello, proto string) verdict {
	v := judge(self, h, proto, w.peer(h.Node), w.contacts.recall(h.Node))
	if v.reason == Welcome && proto == Raft && !w.raftOpen() {
		v = verdict{RaftStopped, "my Raft is not running: it starts, or its disk is slow; try again later"}
	}
	return v
}

// Announce says what this member is, from now on, in every hello and pong. Node and role stay
// those of the configuration.
func (w *Wire) Announce(h mode.Hello) {
	h.Node, h.Role = w.cfg.Node, w.cfg.Role
	before := w.said.Swap(&h)
	if same(*before, h) {
		return
	}
	if before.Generation != h.Generation {
		w.conns.drop(func(c *Conn) bool { return c.proto == Raft })
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for p := range w.pokes {
		p.now()
	}
}

func (w *Wire) hello() Hello {
	return Hello{Hello: *w.said.Load(), Cluster: w.cfg.Cluster, Protocols: w.cfg.Protocols, Feature: w.cfg.Feature, Version: w.cfg.Version}
}

// Contacts is what every member said last on every path, sorted by member and path.
func (w *Wire) Contacts() []mode.Contact {
	var list []mode.Contact
	for _, l := range w.contacts.all(time.Now()) {
		if l.Role != mode.RoleUnknown && w.peer(l.Node) != nil {
			list = append(list, l.Contact)
		}
	}
	return list
}

// Links is what is known of every way to every member, also of those where nothing was heard,
// sorted by member and path.
func (w *Wire) Links() []Link {
	list := w.contacts.all(time.Now())
	for i := range list {
		l := &list[i]
		p := w.peer(l.Node)
		if p == nil {
			continue
		}
		l.Name, l.Role = p.Name, p.Role
		if way := named(p.Paths, l.Path); way != nil {
			l.Address = way.Address
		}
	}
	return list
}

// Outdated says whether a member refused this life in the generation that was announced, because it
// forgot what it had acknowledged.
func (w *Wire) Outdated(life string) bool {
	return w.contacts.outdated(life, w.said.Load().Generation)
}

// Changed is closed when a member says something new of itself, other than how far it is, when it
// is heard again or falls silent on a path, and when a connection with it is refused for a new
// reason.
func (w *Wire) Changed() <-chan struct{} { return w.contacts.watch() }

// Refusals is what was refused lately, the newest first.
func (w *Wire) Refusals() []Refusal { return w.refusals.newest() }

// Memory is what is to be remembered of every member over a restart, for Config.Memory.
func (w *Wire) Memory() map[mode.NodeID]Memory { return w.contacts.remembered() }

// Traffic is what went over the wire, by member and protocol.
func (w *Wire) Traffic() []Traffic { return w.books.list() }

// refuse keeps a refusal, for people and for whoever watches.
func (w *Wire) refuse(r Refusal) *Refusal {
	r.At, r.Words = time.Now(), clean(r.Words)
	if w.refusals.add(r) && r.Node != (mode.NodeID{}) {
		w.contacts.mu.Lock()
		w.contacts.tell()
		w.contacts.mu.Unlock()
	}
	return &r
}

// sweep ends what waits on ways that fell silent while the member is heard on others.
func (w *Wire) sweep(ctx context.Context) {
	tick := time.NewTicker(w.cfg.PingBox)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for _, key := range w.contacts.sweep(now, w.silence) {
				w.conns.drop(func(c *Conn) bool { return c.Peer.Node == key.node && c.Path == key.path && c.proto != Health })
			}
		}
	}
}

// interval is how often the way between this member and one of that role is tried.
func (w *Wire) interval(role mode.Role) time.Duration {
	if role == mode.Witness || w.cfg.Role == mode.Witness {
		return w.cfg.PingWitness
	}
	return w.cfg.PingBox
}

// silence is how long such a way may be silent.
func (w *Wire) silence(role mode.Role) time.Duration { return quiet * w.interval(role) }
