package replicate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"rackpost/replicate/mode"
)

// The bounds of Raft's log, and of what it sends at once.
const (
	trailingLogs      = 50_000
	snapshotThreshold = 20_000
	commitTimeout     = time.Second
)

// engine is one run of Raft over one life's log.
type engine struct {
	raft   *raft.Raft
	gate   *gate
	self   raft.ServerID
	short  bool // the timers of a pair with a witness
	kick   func()
	ctx    context.Context // ends when the engine does
	end    context.CancelFunc
	over   chan struct{} // closed when Raft has shut down
	roused bool          // of the goroutine of Run
	broken chan error    // why Run has to end

	commit atomic.Pointer[raft.Raft] // the same, for those who may come before it is assigned

	mu      sync.Mutex
	stopped bool
	failing map[raft.ServerID]time.Time // since when heartbeats fail
	turned  time.Time                   // when Raft last began or ceased to lead
	ready   uint64                      // the term in which everything before was applied
	readies uint64                      // the term in which that is being found out
	work    sync.WaitGroup
}

// run starts Raft. It gives no vote for one election timeout, and for deaf.
func (n *Node) run(short bool, deaf time.Duration) (*engine, error) {
	transport, err := n.cfg.Transport()
	if err != nil {
		return nil, fmt.Errorf("open raft's transport: %w", err)
	}
	e := &engine{gate: newGate(transport, max(deaf, n.raftConfig(short).ElectionTimeout)), self: serverID(n.cfg.Self.Node, n.log.Life()), short: short, kick: n.kick,
		failing: map[raft.ServerID]time.Time{}, broken: make(chan error, 1), over: make(chan struct{})}
	e.ctx, e.end = context.WithCancel(context.Background())
	e.gate.kick, e.gate.leaving = n.kick, n.leaving.Load
	e.raft, err = n.newRaft(e)
	if err != nil {
		e.end()
		_ = e.gate.Close()
		return nil, fmt.Errorf("start raft: %w", err)
	}
	e.commit.Store(e.raft)
	e.raft.RegisterObserver(raft.NewObserver(nil, false, e.observe))
	return e, nil
}

func (n *Node) raftConfig(short bool) *raft.Config {
	c, t := raft.DefaultConfig(), n.cfg.Timers
	c.LocalID = serverID(n.cfg.Self.Node, n.log.Life())
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = t.Lease, t.Lease, t.Lease
	if short {
		c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = t.Election, t.Election, t.Short
	}
	c.CommitTimeout, c.TrailingLogs, c.SnapshotThreshold = commitTimeout, trailingLogs, snapshotThreshold
	c.ShutdownOnRemove, c.NoLegacyTelemetry = false, true
	c.NoSnapshotRestoreOnStart = true // the machine has it already
	c.Logger = quiet(n.cfg.Logger)
	return c
}

// observe is called by Raft's goroutines, in line.
func (e *engine) observe(o *raft.Observation) bool {
	e.mu.Lock()
	switch seen := o.Data.(type) {
	case raft.FailedHeartbeatObservation:
		if seen.LastContact.Before(e.turned) { // of a time that it led before: nobody will say that it is over
			break
		}
		e.failing[seen.PeerID] = seen.LastContact
	case raft.ResumedHeartbeatObservation:
		delete(e.failing, seen.PeerID)
	case raft.RaftState:
		clear(e.failing)
		e.turned = time.Now()
	case raft.LeaderObservation:
	default:
		e.mu.Unlock()
		return false
	}
	e.mu.Unlock()
	e.kick()
	return false
}

// silent is since when Raft's heartbeats to a server fail; 0 when they do not.
func (e *engine) silent(id raft.ServerID) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	since, ok := e.failing[id]
	if !ok {
		return 0
	}
	return max(time.Since(since), 1)
}

// rouse has Raft give its leader up when that was silent for so long. By itself it looks at random
// moments two to four seconds apart, and who looks before the others is refused and tries again
// seconds later.
func (e *engine) rouse(after time.Duration) {
	_, leader := e.raft.LeaderWithID()
	silent := e.short && leader != "" && e.raft.State() == raft.Follower && time.Since(e.raft.LastContact()) >= after
	if silent == e.roused {
		return
	}
	e.roused = silent
	c := e.raft.ReloadableConfig()
	c.HeartbeatTimeout = c.ElectionTimeout
	if silent {
		c.HeartbeatTimeout = min(after, c.ElectionTimeout) - time.Millisecond // it looks when this becomes less
	}
	if err := e.raft.ReloadConfig(c); err != nil {
		e.fail(fmt.Errorf("change raft's timers: %w", err))
	}
}

// settled says whether Raft leads and applied everything that was agreed on before, and sets out
// to find it out when that is not known yet.
func (e *engine) settled() bool {
	if e.raft.State() != raft.Leader {
		return false
	}
	term := e.raft.CurrentTerm()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ready == term {
		return true
	}
	if e.readies != term && !e.stopped {
		e.readies = term
		e.work.Go(func() { e.settle(term) })
	}
	return false
}

func (e *engine) settle(term uint64) {
	err := e.answer(e.raft.Barrier(0))
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case err == nil && e.raft.CurrentTerm() == term:
		e.ready = term
		e.kick()
	case e.readies == term:
		e.readies = 0 // the next look tries again
	}
}

// stop ends Raft and joins everything that belongs to it. It fails when a goroutine hangs on the disk
// for longer than patience: then only the end of the process helps.
func (e *engine) stop(patience time.Duration) error {
	e.mu.Lock()
	e.stopped = true
	e.mu.Unlock()
	e.end()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = e.raft.Shutdown().Error() // always nil; it closes the gate
		close(e.over)
		e.work.Wait()
	}()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-ended:
		return nil
	case <-late.C:
		return fmt.Errorf("raft did not stop within %v: its disk hangs", patience)
	}
}

// answer waits for a future of Raft. Some that are under way when Raft v1.8.0 shuts down are never
// answered, unless they have a ShutdownCh: Raft gives one to few of them only.
func (e *engine) answer(f raft.Future) error {
	if v := reflect.ValueOf(f); v.Kind() == reflect.Pointer {
		if c := v.Elem().FieldByName("ShutdownCh"); c.IsValid() && c.CanSet() && c.IsNil() {
			c.Set(reflect.ValueOf(e.over))
		}
	}
	return f.Error()
}

// beside runs f on a goroutine that stop joins; e.ctx ends before. It says no when the engine ends.
func (e *engine) beside(f func()) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped {
		return false
	}
	e.work.Go(f)
	return true
}

// wait waits for a future of Raft, at most until ctx ends. The future itself ends with the
// leadership or with Raft, and is joined by stop.
func (e *engine) wait(ctx context.Context, f raft.Future) error {
	result := make(chan error, 1)
	if !e.beside(func() { result <- e.answer(f) }) {
		return raft.ErrRaftShutdown
	}
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// servers is Raft's configuration, by member.
func (e *engine) servers() map[mode.NodeID][]mode.Server {
	out := map[mode.NodeID][]mode.Server{}
	for _, s := range e.raft.GetConfiguration().Configuration().Servers {
		node, life, err := parseServer(s.ID)
		if err != nil {
			continue
		}
		vote := mode.Nonvoter
		if s.Suffrage == raft.Voter {
			vote = mode.Voter
		}
		out[node] = append(out[node], mode.Server{Life: life, Vote: vote})
	}
	return out
}

// tracked is a Log that learns with every entry what is committed, so that a member that starts
// alone knows what was agreed on.
type tracked struct {
	Log
	snapshots raft.SnapshotStore
	engine    *engine
	begun     atomic.Bool
}

// GetLog implements raft.LogStore. Where the log begins behind a snapshot, the snapshot's last entry is known by its term: Raft
// asks for it when a leader that missed an answer sends again what follows the snapshot, and would refuse that for ever.
// Nobody is sent that entry: what comes before it is not there, so a leader sends the snapshot.
func (t *tracked) GetLog(index uint64, l *raft.Log) error {
	err := t.Log.GetLog(index, l)
	if !errors.Is(err, raft.ErrLogNotFound) || index < 2 {
		return err
	}
	if first, e := t.FirstIndex(); e != nil || first <= index {
		return err
	}
	list, e := t.snapshots.List()
	if e != nil || len(list) == 0 || list[0].Index != index {
		return err
	}
	*l = raft.Log{Index: index, Term: list[0].Term, Type: raft.LogNoop}
	return nil
}

// StoreLog implements raft.LogStore.
func (t *tracked) StoreLog(l *raft.Log) error { return t.StoreLogs([]*raft.Log{l}) }

// StoreLogs implements raft.LogStore.
func (t *tracked) StoreLogs(logs []*raft.Log) error {
	if r := t.engine.commit.Load(); r != nil {
		if err := t.StageCommitIndex(r.CommitIndex()); err != nil {
			return err
		}
	}
	return t.Log.StoreLogs(logs)
}

// SetUint64 implements raft.StableStore. Raft panics when its term cannot be written. Here only the
// goroutine that tried ends, before it has answered anybody, and Run with an error; but for the
// first time, which is within NewRaft.
func (t *tracked) SetUint64(key []byte, value uint64) error {
	err := t.Log.SetUint64(key, value)
	first := string(key) == keyTerm && t.begun.CompareAndSwap(false, true)
	if err != nil && string(key) == keyTerm && !first {
		t.engine.fail(fmt.Errorf("write raft's term: %w", err))
		runtime.Goexit()
	}
	return err
}

// keyTerm is Raft's name for its term.
const keyTerm = "CurrentTerm"

// IsMonotonic implements raft.MonotonicLogStore.
func (t *tracked) IsMonotonic() bool {
	m, ok := t.Log.(raft.MonotonicLogStore)
	return ok && m.IsMonotonic()
}

// fail ends Run.
func (e *engine) fail(err error) {
	select {
	case e.broken <- err:
	default:
	}
}

// newRaft is raft.NewRaft, which panics when it cannot write its term.
func (n *Node) newRaft(e *engine) (r *raft.Raft, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	log := &tracked{Log: n.log, snapshots: n.snapshots, engine: e}
	return raft.NewRaft(n.raftConfig(e.short), n.machine, log, log, n.snapshots, e.gate)
}

// open prepares what outlives a run of Raft: the log of this life, its snapshots, and the machine.
func (n *Node) open() error {
	if err := n.findFormer(); err != nil {
		return err
	}
	log, err := n.cfg.Logs.Open()
	if err != nil {
		return err
	}
	n.log = log
	if n.snapshots, err = n.cfg.Snapshots(log.Life()); err != nil {
		return fmt.Errorf("open the snapshots of the pair: %w", err)
	}
	commit, err := n.committed()
	if err != nil {
		return err
	}
	if err := n.machine.replay(n.snapshots, log, commit); err != nil {
		return err
	}
	if err := n.resume(); err != nil {
		return err
	}
	if n.parted, err = log.GetUint64([]byte(keyParted)); err != nil && !missing(err) {
		return fmt.Errorf("read when this box took over: %w", err)
	}
	if n.held, err = n.holds(); err != nil {
		return err
	}
	n.cfg.Logger.Info("the pair's log is open", slog.String("life", log.Life()), slog.Uint64("generation", log.Generation().Counter),
		slog.Uint64("committed", commit))
	return nil
}

// holds says how far the log on the disk had come.
func (n *Node) holds() (h held, err error) {
	if h.Term, err = n.log.GetUint64([]byte("CurrentTerm")); err != nil && !missing(err) {
		return h, fmt.Errorf("read the term: %w", err)
	}
	if h.Index, err = n.log.LastIndex(); err != nil {
		return h, fmt.Errorf("read the raft log: %w", err)
	}
	list, err := n.snapshots.List()
	if err != nil {
		return h, fmt.Errorf("list the snapshots: %w", err)
	}
	for _, s := range list {
		h.Index = max(h.Index, s.Index)
	}
	return h, nil
}
