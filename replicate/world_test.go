package replicate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"rackpost/replicate"
	"rackpost/replicate/mode"
	"rackpost/replicate/raftlog"
)

// lines is a StateMachine: the commands in order. It refuses those that begin with "no".
type lines struct {
	mu    sync.Mutex
	list  []string
	stuck error
}

// Err says why it applies nothing any more.
func (l *lines) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stuck
}

func (l *lines) Apply(_ uint64, cmd []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if bytes.HasPrefix(cmd, []byte("no")) {
		return fmt.Errorf("%s is not agreed on", cmd)
	}
	l.list = append(l.list, string(cmd))
	return nil
}

func (l *lines) Snapshot(w io.Writer) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return json.NewEncoder(w).Encode(l.list)
}

func (l *lines) Restore(r io.Reader) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = nil
	return json.NewDecoder(r).Decode(&l.list)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.list, " ")
}

// member is one of a world, with what outlives its process.
type member struct {
	w    *world
	id   mode.NodeID
	name string
	role mode.Role
	disk *raftlog.Disk
	slow func() // before each write of its log
	snap *kept

	former *raftlog.Disk // nil: none is kept

	// of its process
	node      *replicate.Node
	state     *lines
	log       *raftlog.Store
	cancel    context.CancelFunc
	ended     chan error
	hello     mode.Hello
	heard     map[mode.NodeID]mode.Contact
	heardAt   map[mode.NodeID]time.Time
	changed   chan struct{}
	transport *raft.InmemTransport
	dials     int // starts of Raft
	off       map[mode.NodeID]bool
	isolated  bool
	full      bool
	acting    bool
	asleep    time.Duration // once, before it looks around
	dazed     time.Duration // once after that, while it looks
	left      []string      // lives it had
	last      int           // writes of its log until its process dies; 0: it lives
	conflicts []replicate.Conflict
}

// world is members, and what is between them.
type world struct {
	t       *testing.T
	mu      sync.Mutex
	members []*member
	cuts    map[[2]string]bool // from, to
	timers  mode.Timers
	bytes   int64       // of a log, beyond which it is cut short
	gone    mode.NodeID // a member no more
	done    chan struct{}
	spare   sync.WaitGroup
}

// inWorld runs a test with a leader A, a follower B and, if there are three, a witness W.
func inWorld(t *testing.T, names string, test func(*world)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, cuts: map[[2]string]bool{}, timers: mode.DefaultTimers(), done: make(chan struct{})}
		w.timers.Settle, w.timers.SettleMost = 5*time.Second, 80*time.Second
		for i, name := range names {
			role := mode.Box
			if name == 'W' {
				role = mode.Witness
			}
			w.members = append(w.members, &member{w: w, id: mode.NodeID{0xa0 + byte(i), 15: 1}, name: string(name), role: role, disk: raftlog.NewDisk(), snap: &kept{}})
		}
		w.spare.Go(w.ping)
		w.spare.Go(w.watch)
		defer func() {
			for _, m := range w.members {
				m.stop()
			}
			close(w.done)
			w.spare.Wait()
		}()
		for i, m := range w.members {
			m.start(i == 0)
		}
		if len(names) > 1 {
			w.until("B votes", time.Minute, func() bool { return w.voter("A", "B") })
		}
		if len(names) > 2 {
			w.until("W votes", time.Minute, func() bool {
				l := w.leader()
				return l != nil && w.voter(l.name, "W") && w.voter(l.name, other(l.name))
			})
			if w.leader() != w.of("A") {
				w.check(w.of("B").node.Transfer(context.Background(), w.of("A").id))
				w.until("A leads", 5*time.Second, func() bool { return w.leader() == w.of("A") })
			}
		}
		test(w)
	})
}

func other(name string) string { return map[string]string{"A": "B", "B": "A"}[name] }

func (w *world) of(name string) *member {
	i := slices.IndexFunc(w.members, func(m *member) bool { return m.name == name })
	return w.members[i]
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// until waits for something that has to happen.
func (w *world) until(what string, most time.Duration, happened func() bool) time.Duration {
	w.t.Helper()
	begin := time.Now()
	for !happened() {
		if time.Since(begin) > most {
			w.t.Fatalf("%v passed before: %s\n%s", most, what, w)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(begin)
}

// during checks that something stays as it is.
func (w *world) during(what string, d time.Duration, is func() bool) {
	w.t.Helper()
	for begin := time.Now(); time.Since(begin) < d; time.Sleep(10 * time.Millisecond) {
		if !is() {
			w.t.Fatalf("after %v no longer: %s\n%s", time.Since(begin), what, w)
		}
	}
}

func (w *world) String() string {
	var b strings.Builder
	for _, m := range w.members {
		if m.node != nil {
			s := m.node.Status()
			fmt.Fprintf(&b, "%s %v authority %v generation %d term %d applied %d (%s) state [%s]\n", m.name, s.Mode, s.Authority, s.Generation.Counter, s.Term, s.Applied, s.Why, m.state)
			for _, o := range s.Members {
				fmt.Fprintf(&b, "   %s %v life %s silent %v generation %d\n", o.Node.Short(), o.Vote, o.Life, o.Silent, o.Generation.Counter)
			}
		}
	}
	return b.String()
}

// leader is who has authority.
func (w *world) leader() *member {
	for _, m := range w.members {
		if m.node != nil && m.node.Status().Authority {
			return m
		}
	}
	return nil
}

func (w *world) voter(by, name string) bool {
	for _, m := range w.of(by).node.Status().Members {
		if m.Node == w.of(name).id {
			return m.Vote == mode.Voter
		}
	}
	return false
}

// watch checks that no two have authority in one generation.
func (w *world) watch() {
	for {
		select {
		case <-w.done:
			return
		case <-time.After(7 * time.Millisecond):
		}
		who := map[mode.Generation]string{}
		for _, m := range w.list() {
			s := m.node.Status()
			if !s.Authority {
				continue
			}
			if one := who[s.Generation]; one != "" {
				w.t.Errorf("%s and %s have authority at once", one, m.name)
			}
			who[s.Generation] = m.name
		}
	}
}

func (w *world) list() []*member {
	w.mu.Lock()
	defer w.mu.Unlock()
	var running []*member
	for _, m := range w.members {
		if m.cancel != nil {
			running = append(running, m)
		}
	}
	return running
}

// cut breaks the way from one member to another, or mends it.
func (w *world) cut(from, to string, broken bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cuts[[2]string{from, to}] = broken
	w.connect()
}

func (w *world) split(a, b string, broken bool) {
	w.cut(a, b, broken)
	w.cut(b, a, broken)
}

func (w *world) open(a, b *member) bool {
	return a.cancel != nil && b.cancel != nil && !w.cuts[[2]string{a.name, b.name}] && !w.cuts[[2]string{b.name, a.name}]
}

// connect brings raft's transports up to who may speak with whom: as over TCP, nothing passes
// where one way is broken, and nothing between generations.
func (w *world) connect() {
	for _, a := range w.members {
		for _, b := range w.members {
			if a == b || a.transport == nil {
				continue
			}
			if b.transport != nil && w.open(a, b) && a.hello.Generation == b.hello.Generation && !a.lost(b) && !b.lost(a) {
				a.transport.Connect(raft.ServerAddress(b.id.String()), b.transport)
			} else {
				a.transport.Disconnect(raft.ServerAddress(b.id.String()))
			}
		}
	}
}

// lost says whether b came back with a disk that m knows to be old.
func (m *member) lost(b *member) bool {
	seen := m.heard[b.id]
	return slices.Contains(b.left, b.hello.Life) || seen.Life == b.hello.Life && (b.hello.Term < seen.Term || b.hello.Last < seen.Applied)
}

// ping is every member's view of the others.
func (w *world) ping() {
	for {
		select {
		case <-w.done:
			return
		case <-time.After(200 * time.Millisecond):
		}
		w.mu.Lock()
		for _, a := range w.members {
			for _, b := range w.members {
				if a != b && w.open(a, b) && b.hello.Life != "" && a.heard != nil && !a.lost(b) {
					a.hear(b)
				}
			}
		}
		w.connect()
		w.mu.Unlock()
	}
}

func (m *member) hear(o *member) {
	before := m.heard[o.id].Hello
	m.heard[o.id] = mode.Contact{Hello: o.hello, Path: "lan"}
	m.heardAt[o.id] = time.Now()
	if before.Mode != o.hello.Mode || before.Authority != o.hello.Authority || before.Generation != o.hello.Generation || before.Life != o.hello.Life {
		close(m.changed)
		m.changed = make(chan struct{})
	}
}

func (m *member) start(first bool) {
	m.w.t.Helper()
	m.state = &lines{}
	node, err := replicate.New(replicate.Config{
		Self: replicate.Self{Node: m.id, Name: m.name, Role: m.role}, Timers: m.w.timers, State: m.state, Logs: m, Transport: m.dial, Peers: m,
		Compare: 5 * time.Minute, LogBytes: m.w.bytes, Bootstrap: first, Snapshots: m.snap.of,
		Isolated: m.isIsolated,
		Full:     func() bool { m.w.mu.Lock(); defer m.w.mu.Unlock(); return m.full },
		Acting:   func() bool { m.w.mu.Lock(); defer m.w.mu.Unlock(); return m.acting },
		Off:      func(id mode.NodeID) bool { m.w.mu.Lock(); defer m.w.mu.Unlock(); return m.off[id] },
		Conflict: func(c replicate.Conflict) error { m.conflicts = append(m.conflicts, c); return nil },
		Members: func() map[mode.NodeID]mode.Role {
			all := map[mode.NodeID]mode.Role{}
			m.w.mu.Lock()
			defer m.w.mu.Unlock()
			for _, o := range m.w.members {
				if o.id != m.w.gone {
					all[o.id] = o.role
				}
			}
			return all
		},
		Logger: logger(m.name),
	})
	m.w.check(err)
	ctx, cancel := context.WithCancel(context.Background())
	m.w.mu.Lock()
	m.node, m.cancel, m.ended = node, cancel, make(chan error, 1)
	m.heard, m.heardAt, m.changed = map[mode.NodeID]mode.Contact{}, map[mode.NodeID]time.Time{}, make(chan struct{})
	m.w.mu.Unlock()
	go func() { m.ended <- node.Run(ctx) }()
}

func logger(name string) *slog.Logger {
	if !testing.Verbose() {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("member", name)
}

// stop ends its process and returns what it ended with.
func (m *member) stop() error {
	m.w.mu.Lock()
	cancel := m.cancel
	m.cancel = nil
	m.hello = mode.Hello{}
	m.w.connect()
	m.w.mu.Unlock()
	if cancel == nil {
		return nil
	}
	cancel()
	return <-m.ended
}

// die ends its process as a power failure does.
func (m *member) die() {
	m.w.mu.Lock()
	cancel := m.cancel
	m.cancel = nil
	m.hello = mode.Hello{}
	m.w.connect()
	m.w.mu.Unlock()
	m.disk.Crash()
	cancel()
	<-m.ended
}

func (m *member) Open() (replicate.Log, error) {
	log, err := m.disk.Open(raftlog.Options{BeforeWrite: m.write})
	m.log = log
	return &slowLog{Store: log, m: m}, err
}

// write is called before each write to its disk. The last one is the end of the process.
func (m *member) write() error {
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	if m.last--; m.last == 0 {
		m.disk.Crash()
		if m.former != nil {
			m.former.Crash()
		}
	}
	return nil
}

// slowLog is a log on a disk that may be slow. It waits outside of the Store's lock: in a bubble
// who waits for a lock keeps the clock from going on.
type slowLog struct {
	*raftlog.Store
	m     *member
	mu    sync.Mutex
	since time.Time
}

func (l *slowLog) StoreLog(e *raft.Log) error { return l.StoreLogs([]*raft.Log{e}) }

func (l *slowLog) StoreLogs(list []*raft.Log) error {
	l.m.w.mu.Lock()
	slow := l.m.slow
	l.m.w.mu.Unlock()
	if slow != nil {
		l.set(time.Now())
		slow()
		l.set(time.Time{})
	}
	return l.Store.StoreLogs(list)
}

func (l *slowLog) set(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.since = at
}

func (l *slowLog) Busy() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.since.IsZero() {
		return 0
	}
	return time.Since(l.since)
}

func (m *member) Wipe() error {
	m.w.mu.Lock()
	m.left = append(m.left, m.hello.Life)
	m.w.mu.Unlock()
	m.disk = raftlog.NewDisk()
	return nil
}

func (m *member) SetAside() error {
	m.former = m.disk
	return m.Wipe()
}

func (m *member) Former() (replicate.Log, error) {
	if m.former == nil {
		return nil, nil
	}
	return m.former.Open(raftlog.Options{BeforeWrite: m.write})
}

func (m *member) Reinstate() error {
	m.disk, m.former = m.former, nil
	return nil
}

func (m *member) Forget() error {
	m.former = nil
	return nil
}

func (m *member) dial() (raft.Transport, error) {
	_, t := raft.NewInmemTransportWithTimeout(raft.ServerAddress(m.id.String()), m.w.timers.RPC)
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	m.transport = t
	m.dials++
	m.w.connect()
	return t, nil
}

func (m *member) Contacts() []mode.Contact {
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	var list []mode.Contact
	for id, c := range m.heard {
		c.Silent = time.Since(m.heardAt[id])
		list = append(list, c)
	}
	return list
}

func (m *member) isIsolated() bool {
	m.w.mu.Lock()
	dazed := time.Duration(0)
	if m.asleep == 0 {
		dazed, m.dazed = m.dazed, 0
	}
	m.w.mu.Unlock()
	time.Sleep(dazed)
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	return m.isolated
}

func (m *member) Changed() <-chan struct{} {
	m.w.mu.Lock()
	asleep := m.asleep
	m.w.mu.Unlock()
	time.Sleep(asleep)
	m.w.mu.Lock()
	if asleep > 0 {
		m.asleep = 0
	}
	defer m.w.mu.Unlock()
	return m.changed
}

func (m *member) Announce(h mode.Hello) {
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	if m.cancel != nil {
		m.hello = h
	}
}

func (m *member) Outdated(life string) bool {
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	for _, o := range m.w.members {
		if o != m && m.hello.Life == life && m.w.open(o, m) && o.lost(m) {
			return true
		}
	}
	return false
}

func (m *member) Ask(ctx context.Context, to mode.NodeID, request []byte) ([]byte, error) {
	m.w.mu.Lock()
	i := slices.IndexFunc(m.w.members, func(o *member) bool { return o.id == to })
	o := m.w.members[i]
	open := m.w.open(m, o)
	m.w.mu.Unlock()
	if !open {
		return nil, errors.New("no way there")
	}
	time.Sleep(time.Millisecond)
	return o.node.Answer(ctx, m.id, request)
}

// kept are snapshots in memory that outlive a process, by life.
type kept struct {
	mu   sync.Mutex
	life string
	last *raft.InmemSnapshotStore
}

func (k *kept) of(life string) (raft.SnapshotStore, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.life != life {
		k.life, k.last = life, raft.NewInmemSnapshotStore()
	}
	return k.last, nil
}
