package replicate

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"rackpost/replicate/mode"
)

// tick is how often a Node looks around when nothing calls it.
const tick = 100 * time.Millisecond

// Node is this member of the pair.
type Node struct {
	cfg     Config
	machine *machine
	grants  *grants
	start   time.Time
	looked  atomic.Int64 // when Run looked around last, in nanoseconds since start; 0: it does not run
	boot    uint64       // of this process, for the others
	leaving atomic.Bool  // it takes over nothing more
	kicked  chan struct{}
	orders  chan order

	// of the goroutine of Run alone
	log       Log
	snapshots raft.SnapshotStore
	held      held // when the log was opened
	state     mode.State
	told      map[string]bool // alarms that were logged
	compared  time.Duration
	parted    uint64
	trimmed   time.Duration
	current   bool   // it has caught up in this life
	former    string // the life that is kept aside; empty: none is

	mu        sync.Mutex
	engine    *engine // nil while Raft does not run
	saved     uint64  // what is known to be committed, on the disk
	saving    time.Time
	last      uint64 // of Raft's log when keep looked
	moved     time.Time
	pending   bool   // a change of Raft's configuration is under way
	diverge   string // what the last comparison found, in words
	status    Status
	published time.Duration // what status was seen at, since start
	kept      bool          // proposals wait
	changed   chan struct{}
}

// held is how far a log had come.
type held struct{ Term, Index uint64 }

// order is a person's, for the goroutine of Run.
type order struct {
	handTo mode.NodeID // zero: take over
	result chan error
}

// New checks the configuration; nothing is opened before Run.
func New(cfg Config) (*Node, error) {
	if cfg.Self.Node == (mode.NodeID{}) || cfg.Self.Role == mode.RoleUnknown {
		return nil, fmt.Errorf("member %q of the pair has no id or no role", cfg.Self.Name)
	}
	if cfg.State == nil || cfg.Logs == nil || cfg.Transport == nil || cfg.Peers == nil || cfg.Logger == nil {
		return nil, fmt.Errorf("member %q of the pair lacks a part: state, logs, transport, peers and logger are needed", cfg.Self.Name)
	}
	cfg.Compare = cmp.Or(cfg.Compare, time.Hour)
	cfg.Isolated, cfg.Full, cfg.Acting, cfg.Verified = or(cfg.Isolated, false), or(cfg.Full, false), or(cfg.Acting, false), or(cfg.Verified, true)
	cfg.CaughtUp, cfg.Off = orOf(cfg.CaughtUp, true), orOf(cfg.Off, false)
	m, err := newMachine(cfg.State)
	if err != nil {
		return nil, err
	}
	n := &Node{cfg: cfg, machine: m, grants: newGrants(), kicked: make(chan struct{}, 1), orders: make(chan order), boot: random(),
		told: map[string]bool{}, changed: make(chan struct{}), start: time.Now()}
	n.status = Status{Self: cfg.Self}
	if cfg.Snapshots == nil {
		n.cfg.Snapshots = func(life string) (raft.SnapshotStore, error) {
			keep := []string{life, n.former}
			if n.log != nil {
				keep = append(keep, n.log.Life())
			}
			return snapshotFiles(cfg.Dir, keep, cfg.Logger)
		}
	}
	return n, nil
}

// random is a number that nobody has, and not 0.
func random() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails: it ends the process instead
	return binary.BigEndian.Uint64(b[:]) | 1
}

func or(f func() bool, value bool) func() bool {
	if f == nil {
		return func() bool { return value }
	}
	return f
}

func orOf(f func(mode.NodeID) bool, value bool) func(mode.NodeID) bool {
	if f == nil {
		return func(mode.NodeID) bool { return value }
	}
	return f
}

// snapshotFiles keeps the snapshots of the first life and of some others, and removes those of the rest.
func snapshotFiles(dir string, lives []string, logger *slog.Logger) (raft.SnapshotStore, error) {
	all := filepath.Join(dir, "snapshots")
	old, err := os.ReadDir(all)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	for _, entry := range old {
		if slices.Contains(lives, entry.Name()) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(all, entry.Name())); err != nil {
			return nil, fmt.Errorf("remove the snapshots of an earlier life: %w", err)
		}
	}
	base := filepath.Join(all, lives[0])
	if err := os.MkdirAll(base, 0o700); err != nil {
		return nil, err
	}
	return raft.NewFileSnapshotStoreWithLogger(base, 2, quiet(logger))
}

// Run takes part in the pair until ctx ends, and is called once. Its error means that the process
// should end: the disk under the log is dead, or what is on it cannot be read.
func (n *Node) Run(ctx context.Context) (err error) {
	n.start = time.Now()
	if err := n.open(); err != nil {
		return err
	}
	err = n.begin()
	for err == nil && ctx.Err() == nil {
		err = n.turn(ctx)
	}
	n.looked.Store(0)
	n.grants.set(0, 0)
	n.leave()
	if stopped := n.halt(); err == nil {
		err = stopped
	}
	n.grants.close()
	return err
}

// turn looks around once, acts on it, and waits for the next occasion.
func (n *Node) turn(ctx context.Context) error {
	news := n.cfg.Peers.Changed()
	var ordered *order
	timer := time.NewTimer(tick)
	defer timer.Stop()
	if err := n.step(nil); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case <-n.log.Failed():
		return fmt.Errorf("write the log of the pair: %w", n.log.Err())
	case err := <-n.running().broken:
		return err
	case o := <-n.orders:
		ordered = &o
	case <-timer.C:
	case <-n.kicked:
	case <-news:
	}
	if ordered != nil {
		return n.step(ordered)
	}
	return nil
}

// Still returns for how long Run has not looked around, 0 when it does not run: it does so ten times a second, and takes
// seconds only when it opens or closes its log.
func (n *Node) Still() time.Duration {
	looked := n.looked.Load()
	if looked == 0 {
		return 0
	}
	return time.Since(n.start) - time.Duration(looked)
}

// kick makes Run look around at once.
func (n *Node) kick() {
	select {
	case n.kicked <- struct{}{}:
	default:
	}
}

// begin starts Raft for the first time in this process.
func (n *Node) begin() error {
	if err := n.found(); err != nil {
		return err
	}
	e, err := n.run(n.witnessed(), 0)
	if err != nil {
		return err
	}
	n.use(e)
	return nil
}

// witnessed says whether a witness is a member by what was agreed on last, so that Raft need not start
// twice.
func (n *Node) witnessed() bool {
	if n.cfg.Self.Role == mode.Witness {
		return true
	}
	for _, role := range n.agreed() {
		if role == mode.Witness {
			return true
		}
	}
	return false
}

// use makes an engine the one that runs. A sole voter waits for nobody's vote.
func (n *Node) use(e *engine) {
	n.admit(e)
	n.mu.Lock()
	n.engine = e
	n.mu.Unlock()
	voters, mine := 0, false
	for node, servers := range e.servers() {
		for _, s := range servers {
			if s.Vote == mode.Voter {
				voters++
				mine = mine || node == n.cfg.Self.Node && s.Life == n.log.Life()
			}
		}
	}
	if voters == 1 && mine {
		e.gate.campaign(e.self)
	}
}

// admit tells the gate whom Raft may speak with.
func (n *Node) admit(e *engine) {
	p := &pass{cut: n.state.Cut, stand: n.state.Stand, lives: map[string]bool{}}
	for _, life := range n.state.Lives {
		p.lives[life] = true
	}
	e.gate.pass.Store(p)
}

// running returns the engine, nil when Raft does not run.
func (n *Node) running() *engine {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.engine
}

// halt stops Raft and closes the log.
func (n *Node) halt() error {
	if err := n.stopRaft(); err != nil {
		return err
	}
	return n.log.Close()
}

// stopRaft ends the engine, if one runs, and keeps what is known to be committed.
func (n *Node) stopRaft() error {
	n.mu.Lock()
	e := n.engine
	n.engine = nil
	n.mu.Unlock()
	if e == nil {
		return nil
	}
	patience := n.cfg.Timers.DiskDead
	if n.log.Busy() > patience {
		patience = time.Second
	}
	if err := e.stop(patience); err != nil {
		return err
	}
	return n.save(e.raft.CommitIndex())
}
