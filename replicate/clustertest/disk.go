package clustertest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"rackpost/hw/journal"
	"rackpost/replicate"
	"rackpost/replicate/mode"
	"rackpost/replicate/raftlog"
	"rackpost/replicate/ship/shiptest"
)

var errDisk = errors.New("the simulated disk failed")

// disk is what a member's process leaves behind: Raft's log, snapshots and the journal, and how fast all of it is written.
type disk struct {
	mu        sync.Mutex
	log       *raftlog.Disk
	snapshots []snapshot
	journal   *shiptest.Store
	memories  [most]memory
	user      *process // who writes

	delay   time.Duration // of each write
	failing int
	stalls  int
	moved   chan struct{} // closed when a stall ends
}

func newDisk(origin journal.ID, i journal.Incarnation) *disk {
	d := &disk{moved: make(chan struct{})}
	d.renew(origin, i)
	return d
}

// renew makes it another disk, an empty one.
func (d *disk) renew(origin journal.ID, i journal.Incarnation) {
	store := shiptest.New(site(), origin, i)
	store.Fsync = func(context.Context) error {
		d.mu.Lock()
		user := d.user
		d.mu.Unlock()
		return d.write(user, func() error { return nil })
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log, d.snapshots, d.journal, d.memories = raftlog.NewDisk(), nil, store, [most]memory{}
}

// lend gives the disk to a process, and takes it from the one before.
func (d *disk) lend(p *process) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.user = p
}

// control is what is on a disk of Raft's: what an image of the disk brings back. The journal is not in it: store has tests
// of its own for old images of that.
type control struct {
	log       *raftlog.Disk
	snapshots []snapshot
}

func (d *disk) image() control {
	d.mu.Lock()
	defer d.mu.Unlock()
	return control{d.log.Copy(), append([]snapshot(nil), d.snapshots...)}
}

// restore puts an image back, while no process has the disk.
func (d *disk) restore(c control) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log, d.snapshots = c.log.Copy(), append([]snapshot(nil), c.snapshots...)
}

func (d *disk) remember(who int, h mode.Hello) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.memories[who] = d.memories[who].with(h)
}

func (d *disk) recall(who int) memory {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.memories[who]
}

// change changes how the disk behaves.
func (d *disk) change(f func(*disk)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f(d)
	close(d.moved)
	d.moved = make(chan struct{})
}

// healthy says whether writes come to an end in time.
func (d *disk) healthy() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.stalls == 0 && d.failing == 0
}

// prompt says whether writes take hardly any time.
func (d *disk) prompt() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.stalls == 0 && d.failing == 0 && d.delay < 50*time.Millisecond
}

// write lasts as long as a write and its sync by p do, and does f when they succeed.
func (d *disk) write(p *process, f func() error) error {
	started := time.Now()
	for {
		if !p.pass() {
			return raftlog.ErrClosed
		}
		d.mu.Lock()
		left := d.delay - time.Since(started)
		stalled, failing, moved := d.stalls > 0, d.failing > 0, d.moved
		d.mu.Unlock()
		switch {
		case failing:
			return errDisk
		case !stalled && left <= 0:
			return f()
		case stalled:
			left = time.Hour
		}
		timer := time.NewTimer(left)
		select {
		case <-moved:
		case <-timer.C:
		case <-p.dead:
		}
		timer.Stop()
	}
}

// logs implements replicate.Logs for one process.
type logs struct{ p *process }

func (l logs) Open() (replicate.Log, error) {
	d := l.p.disk
	var store *raftlog.Store
	err := d.write(l.p, func() (err error) {
		store, err = d.log.Open(raftlog.Options{})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &raftLog{Store: store, p: l.p, turn: make(chan struct{}, 1)}, nil
}

func (l logs) Wipe() error {
	d := l.p.disk
	return d.write(l.p, func() error {
		d.change(func(d *disk) { d.log, d.snapshots = raftlog.NewDisk(), nil })
		return nil
	})
}

// raftLog is the real log over the simulated disk. Writes take turns by a channel: a bubble's clock stands still while a
// goroutine waits for a mutex.
type raftLog struct {
	*raftlog.Store
	p    *process
	turn chan struct{}

	mu    sync.Mutex
	since time.Time // of the write under way
}

func (l *raftLog) write(f func() error) error {
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	l.begin(time.Now())
	defer l.begin(time.Time{})
	return l.p.disk.write(l.p, f)
}

func (l *raftLog) begin(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.since = at
}

// Busy implements replicate.Log.
func (l *raftLog) Busy() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.since.IsZero() {
		return 0
	}
	return time.Since(l.since)
}

func (l *raftLog) StoreLog(log *raft.Log) error { return l.StoreLogs([]*raft.Log{log}) }

func (l *raftLog) StoreLogs(logs []*raft.Log) error {
	return l.write(func() error { return l.Store.StoreLogs(logs) })
}

func (l *raftLog) DeleteRange(low, high uint64) error {
	return l.write(func() error { return l.Store.DeleteRange(low, high) })
}

// Set implements raft.StableStore.
func (l *raftLog) Set(key, value []byte) error {
	return l.orDie(l.write(func() error { return l.Store.Set(key, value) }))
}

// SetUint64 implements raft.StableStore.
func (l *raftLog) SetUint64(key []byte, value uint64) error {
	return l.orDie(l.write(func() error { return l.Store.SetUint64(key, value) }))
}

// orDie ends the process where Raft ends it by a panic: when it cannot keep its term. A dead process is told that all went
// well; nothing it does has effects.
func (l *raftLog) orDie(err error) error {
	if err != nil && l.p.alive() {
		l.p.fail(err)
	}
	return nil
}

// SetGeneration implements replicate.Log.
func (l *raftLog) SetGeneration(g mode.Generation) error {
	return l.write(func() error { return l.Store.SetGeneration(g) })
}
