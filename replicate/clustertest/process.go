package clustertest

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"rackpost/replicate"
	"rackpost/replicate/mode"
)

// process is one run of a member.
type process struct {
	w       *World
	who     int
	number  uint64 // of all processes of the world
	disk    *disk
	node    *replicate.Node
	wire    *wire
	machine *machine
	keeper  *keeper // nil for a witness
	began   time.Time
	dead    chan struct{} // closed when it is cut off from everything
	ctx     context.Context
	cancel  context.CancelFunc

	mu      sync.Mutex
	trans   *transport
	stop    chan struct{} // closed when it goes on; nil when it runs
	ended   bool          // no goroutine may be added
	group   sync.WaitGroup
	holds   []hold
	stops   []span
	died    time.Time
	failure error // why it ended by itself
}

// start begins a process of the member on its disk.
func (w *World) start(who int) error {
	p := &process{w: w, who: who, number: w.count(), disk: w.disks[who], began: time.Now(), dead: make(chan struct{})}
	p.disk.lend(p)
	p.wire = newWire(p)
	p.machine = &machine{}
	if who != witness {
		p.keeper = newKeeper(p)
	}
	var err error
	p.node, err = replicate.New(replicate.Config{
		Self:      replicate.Self{Node: p.id(), Name: names[who], Role: w.role(who)},
		Dir:       filepath.Join(w.dir, names[who]),
		Timers:    w.timers,
		State:     p.machine,
		Logs:      logs{p},
		Snapshots: func(string) (raft.SnapshotStore, error) { return snapshots{p}, nil },
		Transport: p.open,
		Peers:     p.wire,
		Members:   w.members,
		Bootstrap: who == boxA && w.found,
		Isolated:  func() bool { p.pass(); return w.cutOff(who) },
		CaughtUp:  func(id mode.NodeID) bool { return p.caughtUp() },
		Logger:    w.logger(p),
	})
	if err != nil {
		return err
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	w.enter(p)
	p.begin()
	return nil
}

func (w *World) logger(p *process) *slog.Logger {
	if w.log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(w.log.handler(p))
}

// open is called at each start of Raft.
func (p *process) open() (raft.Transport, error) {
	t := newTransport(p)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trans = t
	return t, nil
}

func (p *process) transport() *transport {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.trans
}

// begin starts what the process does, unless it has ended: it may be cut off, or fail, while it starts.
func (p *process) begin() {
	do := func(f func(context.Context)) { p.spawn(f) }
	do(func(ctx context.Context) {
		if err := p.node.Run(ctx); err != nil {
			p.leaves(err)
		}
	})
	do(p.wire.run)
	for _, power := range []mode.Power{mode.Visit, mode.Notify, mode.Act, mode.Configure, mode.Address} {
		do(func(ctx context.Context) {
			_ = p.node.While(ctx, power, func(ctx context.Context) error { return p.holding(ctx, power) })
		})
	}
	if p.keeper != nil {
		do(p.keeper.run)
		do(p.propose)
		if p.who == boxA {
			do(p.keeper.call)
		}
	}
}

// spawn has f run as part of the process, false when that has ended.
func (p *process) spawn(f func(context.Context)) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return false
	}
	p.group.Go(func() { f(p.ctx) })
	return true
}

// end cuts the process off from everything, as a crash does, and ends it. Its goroutines are joined by the world.
func (p *process) end() {
	p.mu.Lock()
	if p.ended {
		p.mu.Unlock()
		return
	}
	p.ended, p.died = true, time.Now()
	if p.stop != nil {
		close(p.stop)
		p.stop = nil
		p.stops[len(p.stops)-1].to = time.Now()
	}
	close(p.dead)
	p.mu.Unlock()
	p.cancel()
	p.w.loose.Go(p.group.Wait)
}

// leaves takes note of a Node that gave up. One that gives up when it is told to end leaves goroutines behind, and for these
// the bubble ends the test binary before anything is reported.
func (p *process) leaves(err error) {
	if !p.alive() && strings.Contains(err.Error(), "did not stop") {
		fmt.Fprintf(os.Stderr, "seed %d, %d members: %s: %v\n", p.w.seed, p.w.size, p, err)
	}
	p.fail(err)
}

// fail ends a process that gave up.
func (p *process) fail(why error) {
	p.mu.Lock()
	if p.failure == nil {
		p.failure = why
	}
	p.mu.Unlock()
	p.w.gone(p)
}

func (p *process) alive() bool {
	select {
	case <-p.dead:
		return false
	default:
		return true
	}
}

// halt is SIGSTOP, resume is SIGCONT.
func (p *process) halt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stop == nil && !p.ended {
		p.stop = make(chan struct{})
		p.stops = append(p.stops, span{from: time.Now()})
	}
}

func (p *process) resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stop != nil {
		close(p.stop)
		p.stop = nil
		p.stops[len(p.stops)-1].to = time.Now()
	}
}

func (p *process) stopped() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stop != nil
}

// pass waits while the process is stopped, and says whether it is alive.
func (p *process) pass() bool {
	for {
		p.mu.Lock()
		stop := p.stop
		p.mu.Unlock()
		if stop == nil {
			return p.alive()
		}
		<-stop
	}
}

func (p *process) id() mode.NodeID { return p.w.ids[p.who] }

// caughtUp says whether the boxes' journals are near to each other.
func (p *process) caughtUp() bool { return p.keeper == nil || p.keeper.line.CaughtUp() }
