package replicate

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/raft"

	"rackpost/replicate/mode"
	"rackpost/wholefile"
)

// What a Node keeps beside Raft's own values.
const (
	keyTakeover = "rackpost/takeover" // the generation of a takeover that is not finished
	keyParted   = "rackpost/parted"   // the last entry of the generation before the last takeover here
	keyCommit   = "rackpost/commit"   // up to where the log is known to be committed
	keyProbe    = "rackpost/probe"    // another number at each write: SQLite does not write what is there already
)

// keptConflicts is how many conflict reports are kept.
const keptConflicts = 16

// commitEvery is how often what is committed is written, when nothing else is, and probeEvery how often who has authority
// writes something while nothing is agreed on: a disk that no longer answers, for which the journal waits, shows in no other way.
const (
	commitEvery = 2 * time.Second
	probeEvery  = time.Second
)

// Takeover makes this box go on without a quorum, in a new generation: a person or a proof says
// that no other box has authority. It is refused, with the reason, while one that has answers.
func (n *Node) Takeover(ctx context.Context, why string) error {
	n.cfg.Logger.Warn("a takeover is ordered", slog.String("why", why))
	return n.order(ctx, order{result: make(chan error, 1)})
}

// takeOver is what an effect orders. It may be broken off at any point: resume finishes it.
func (n *Node) takeOver(ef mode.Effect) error {
	n.cfg.Logger.Warn("this box goes on alone", slog.Uint64("generation", ef.Generation.Counter), slog.String("why", ef.Why))
	if err := n.stopRaft(); err != nil {
		return err
	}
	if n.former != "" {
		if err := n.goBack(ef); err != nil {
			return err
		}
		return n.restart(false)
	}
	last, err := n.holds()
	if err != nil {
		return err
	}
	if err := n.log.SetUint64([]byte(keyParted), last.Index); err != nil {
		return fmt.Errorf("write that this box takes over: %w", err)
	}
	n.parted = last.Index
	if err := n.log.Set([]byte(keyTakeover), packGeneration(ef.Generation)); err != nil {
		return fmt.Errorf("write that this box takes over: %w", err)
	}
	if err := n.resume(); err != nil {
		return err
	}
	return n.restart(n.witnessed())
}

// resume finishes a takeover. The generation is written before the configuration is: the other way
// round a crash would leave two boxes with authority in one generation.
func (n *Node) resume() error {
	b, err := n.log.Get([]byte(keyTakeover))
	if err != nil && !missing(err) {
		return fmt.Errorf("read whether this box takes over: %w", err)
	}
	if len(b) != 16 {
		return nil
	}
	g := mode.Generation{Counter: binary.BigEndian.Uint64(b), Random: binary.BigEndian.Uint64(b[8:])}
	if err := n.log.SetGeneration(g); err != nil {
		return fmt.Errorf("write the generation: %w", err)
	}
	if err := n.recover(); err != nil {
		return err
	}
	if err := n.log.Set([]byte(keyTakeover), []byte{}); err != nil {
		return fmt.Errorf("write that this box took over: %w", err)
	}
	return nil
}

// recover makes this member the only one of Raft's configuration. All of its log counts as agreed
// on: whoever could tell what is not is gone.
func (n *Node) recover() error {
	transport, err := n.cfg.Transport()
	if err != nil {
		return fmt.Errorf("open raft's transport: %w", err)
	}
	if c, ok := transport.(raft.WithClose); ok {
		defer func() { _ = c.Close() }() // nothing was sent
	}
	if err := raft.RecoverCluster(n.raftConfig(false), keeper{n.machine}, n.log, n.log, n.snapshots, transport, n.alone()); err != nil {
		return fmt.Errorf("go on alone: %w", err)
	}
	return nil
}

// alone is the configuration of a member with no other.
func (n *Node) alone() raft.Configuration {
	return raft.Configuration{Servers: []raft.Server{{Suffrage: raft.Voter, ID: serverID(n.cfg.Self.Node, n.log.Life()),
		Address: raft.ServerAddress(n.cfg.Self.Node.String())}}}
}

// found begins a pair of one, where that is wanted and nothing was ever agreed on.
func (n *Node) found() error {
	last, err := n.log.LastIndex()
	if err != nil {
		return fmt.Errorf("read the raft log: %w", err)
	}
	list, err := n.snapshots.List()
	if err != nil {
		return fmt.Errorf("list the snapshots: %w", err)
	}
	if !n.cfg.Bootstrap || last > 0 || len(list) > 0 || n.cfg.Self.Role != mode.Box {
		return nil
	}
	if n.log.Generation() == (mode.Generation{}) {
		if err := n.log.SetGeneration(mode.Generation{Counter: 1, Random: random()}); err != nil {
			return fmt.Errorf("write the first generation: %w", err)
		}
	}
	if err := raft.BootstrapCluster(n.raftConfig(false), n.log, n.log, n.snapshots, nil, n.alone()); err != nil {
		return fmt.Errorf("begin the pair: %w", err)
	}
	return nil
}

// rejoin gives up what was agreed on in this life, and waits with a new one to be taken in: until it is caught up the old one
// is kept aside. The journal is another matter, and is kept.
func (n *Node) rejoin(ef mode.Effect) error {
	if last, err := n.log.LastIndex(); err == nil && last == 0 && n.log.Generation() == (mode.Generation{}) {
		return n.setGeneration(ef.Generation) // there is nothing to give up
	}
	n.cfg.Logger.Warn("this member begins anew", slog.String("why", ef.Why), slog.Uint64("generation", ef.Generation.Counter))
	if err := n.stopRaft(); err != nil {
		return err
	}
	if err := n.report(ef); err != nil {
		return err
	}
	applied, _ := n.machine.at()
	holds := applied > 0
	if err := n.machine.reset(); err != nil {
		return fmt.Errorf("forget what was agreed on: %w", err)
	}
	if err := n.log.Close(); err != nil {
		return fmt.Errorf("close the raft log: %w", err)
	}
	if err := n.giveUp(holds); err != nil {
		return err
	}
	n.mu.Lock()
	n.saved = 0
	n.mu.Unlock()
	if err := n.open(); err != nil {
		return err
	}
	n.state, n.current = n.state.Anew(), false
	if err := n.setGeneration(ef.Generation); err != nil {
		return err
	}
	return n.restart(n.witnessed())
}

func (n *Node) setGeneration(g mode.Generation) error {
	if err := n.log.SetGeneration(g); err != nil {
		return fmt.Errorf("write the generation: %w", err)
	}
	return nil
}

// report keeps what is about to be given up.
func (n *Node) report(ef mode.Effect) error {
	if err := n.catchUp(); err != nil {
		return err
	}
	applied, _ := n.machine.at()
	if applied == 0 {
		return nil
	}
	var state bytes.Buffer
	if err := n.cfg.State.Snapshot(&state); err != nil {
		return fmt.Errorf("read what is about to be given up: %w", err)
	}
	c := Conflict{At: time.Now().UTC(), Life: n.log.Life(), Generation: n.log.Generation(), Follows: ef.Generation, Why: ef.Why,
		Applied: applied, State: state.Bytes()}
	if n.cfg.Conflict != nil {
		return n.cfg.Conflict(c)
	}
	return writeConflict(filepath.Join(n.cfg.Dir, "conflicts"), c)
}

// catchUp applies what of the log is not known to be committed: after a crash that may be what was confirmed last. It is for a
// life that is given up right after.
func (n *Node) catchUp() error {
	last, err := n.log.LastIndex()
	if err != nil {
		return fmt.Errorf("read what is about to be given up: %w", err)
	}
	first, err := n.log.FirstIndex()
	if err != nil {
		return fmt.Errorf("read what is about to be given up: %w", err)
	}
	applied, _ := n.machine.at()
	for index := max(first, applied+1); first > 0 && index <= last; index++ {
		var entry raft.Log
		if err := n.log.GetLog(index, &entry); err != nil {
			return fmt.Errorf("read what is about to be given up: %w", err)
		}
		n.machine.Apply(&entry)
	}
	return nil
}

// writeConflict writes a report, and removes the oldest beyond those that are kept.
func writeConflict(dir string, c Conflict) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("keep what is given up: %w", err)
	}
	b, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("keep what is given up: %w", err)
	}
	name := filepath.Join(dir, c.At.Format("20060102T150405.000000000Z")+".json")
	if err := wholefile.Write(name, b, 0o600); err != nil {
		return fmt.Errorf("keep what is given up: %w", err)
	}
	old, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return fmt.Errorf("keep what is given up: %w", err)
	}
	slices.Sort(old)
	for _, name := range old[:max(0, len(old)-keptConflicts)] {
		if err := os.Remove(name); err != nil {
			return fmt.Errorf("remove an old conflict report: %w", err)
		}
	}
	return nil
}

// committed is up to where the log is known to be committed.
func (n *Node) committed() (uint64, error) {
	stored, err := n.log.GetCommitIndex()
	if err != nil {
		return 0, fmt.Errorf("read what was committed: %w", err)
	}
	kept, err := n.log.GetUint64([]byte(keyCommit))
	if err != nil && !missing(err) {
		return 0, fmt.Errorf("read what was committed: %w", err)
	}
	last, err := n.log.LastIndex()
	if err != nil {
		return 0, fmt.Errorf("read the raft log: %w", err)
	}
	return min(max(stored, kept), last), nil
}

// keep writes what is committed, when it changed, so that a member that starts alone knows it.
func (n *Node) keep() {
	e := n.running()
	commit := e.raft.CommitIndex()
	n.mu.Lock()
	defer n.mu.Unlock()
	if last := e.raft.LastIndex(); last != n.last {
		n.last, n.moved = last, time.Now()
	}
	since := time.Since(n.saving)
	probe := n.state.Authority && min(since, time.Since(n.moved)) >= probeEvery
	if n.kept || !probe && (commit <= n.saved || since < commitEvery) || n.log.Busy() > 0 {
		return
	}
	n.saving = time.Now()
	e.beside(func() {
		err := n.save(commit)
		if probe && err == nil {
			err = n.log.SetUint64([]byte(keyProbe), uint64(time.Since(n.start)))
		}
		if err != nil {
			n.cfg.Logger.Warn("what is committed was not written", slog.Any("error", err))
		}
	})
}

func (n *Node) save(commit uint64) error {
	n.mu.Lock()
	known := commit <= n.saved
	n.mu.Unlock()
	if known {
		return nil
	}
	return n.write(commit)
}

func (n *Node) write(commit uint64) error {
	if err := n.log.SetUint64([]byte(keyCommit), commit); err != nil {
		return fmt.Errorf("write what is committed: %w", err)
	}
	n.mu.Lock()
	n.saved = max(n.saved, commit)
	n.mu.Unlock()
	return nil
}

func packGeneration(g mode.Generation) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, g.Counter), g.Random)
}

// missing says whether a StableStore's error means that there is no such key.
func missing(err error) bool { return strings.Contains(err.Error(), "not found") }
