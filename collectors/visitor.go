package collectors

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"rackpost/hw"
)

// visitor makes the visits of one device, one after the other.
type visitor struct {
	sink   Sink
	logger *slog.Logger
	clock  clock
	grace  time.Duration
	wake   chan struct{} // holds one: something about the plan changed

	cancel context.CancelFunc // these two are the poller's, under its lock
	done   chan struct{}      // closed when run returned; nil before it was started

	mu      sync.Mutex // guards what follows; never held during I/O
	watched Watched
	plan    schedule
	rec     record
	told    hw.Attrs // what the journal says is learned, as far as this visitor knows
	waiting *order   // the act whose turn comes next; nil: none

	after     <-chan struct{} // the visitor before this one has closed its session
	collector Collector       // this and what follows belong to run; nil: no session
	owed      missed          // missed visits no stored report tells of yet
	panicked  bool
	mended    bool
}

// visitor returns a visitor for w; before is the one of the same device that it replaces,
// or nil. p.mu is held.
func (p *Poller) visitor(w Watched, sections []Section, before *visitor) *visitor {
	id := w.Target.Device.ID
	v := &visitor{sink: p.sink, clock: p.clock, grace: p.grace, wake: make(chan struct{}, 1), after: p.leaving[id]}
	v.logger = p.logger.With("device", string(id))
	if w.Target.Logger == nil {
		w.Target.Logger = v.logger
	}
	if before != nil {
		v.after = before.done
		v.rec, v.told = before.record(), before.lastTold()
		w.Target.Memory = before.bequeath(w)
	}
	if w.Target.Memory == nil {
		w.Target.Memory = p.recall(w)
		v.told = w.Target.Memory.Learned()
	}
	v.watched = w
	v.plan = newSchedule(id, sections, w.Kind.LoginLimited)
	v.resume()
	return v
}

// bequeath returns the memory for the configuration that follows v's: what was learned of a
// device holds while its address and kind do. Failed logins hold while the credentials do, which the
// mark beside them tells; here it need not.
func (v *visitor) bequeath(w Watched) *Memory {
	old := v.watched.Target
	if w.Target.Memory != nil || w.place() != v.watched.place() {
		return w.Target.Memory
	}
	if !w.Target.Credentials.same(old.Credentials) {
		old.Memory.forgetLogins()
	}
	return old.Memory
}

func (v *visitor) lastTold() hw.Attrs {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.told
}

func (v *visitor) record() record {
	v.mu.Lock()
	defer v.mu.Unlock()
	r := v.rec
	r.inFlight = time.Time{}
	return r
}

// accepts says whether this visitor's session serves w as well.
func (v *visitor) accepts(w Watched) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.watched.same(w)
}

// adopt takes what may change without ending the session.
func (v *visitor) adopt(w Watched, sections []Section) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.watched.equal(w) {
		return
	}
	if !slices.Equal(sections, v.plan.list()) {
		v.plan.adopt(v.clock.now(), sections)
	}
	w.Target.Memory, w.Target.Logger = v.watched.Target.Memory, v.watched.Target.Logger
	v.watched = w
	v.stir()
}

func (v *visitor) outlook() (due instant, seed uint64, shortest time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	due, _ = v.plan.next()
	return due, v.plan.seed, v.plan.shortest()
}

func (v *visitor) hold(t instant) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.plan.hold(t)
}

func (v *visitor) hurry(person bool) {
	v.mu.Lock()
	v.plan.hurry(v.clock.now(), person)
	if m := v.watched.Target.Memory; person {
		n, _ := m.Get(MemoryAsked)
		m.Set(MemoryAsked, n+1)
	}
	v.mu.Unlock()
	if person {
		v.stir()
	}
}

// stir makes a waiting run look at the plan again.
func (v *visitor) stir() {
	select {
	case v.wake <- struct{}{}:
	default:
	}
}

// run makes visits until ctx ends; then it closes the session. Its error is a report that
// could not be stored.
func (v *visitor) run(ctx context.Context) error {
	if v.after != nil {
		<-v.after // one session a device: the visitor before was told to end
		v.after = nil
		v.mu.Lock()
		v.resume() // its last login may have been refused
		v.mu.Unlock()
	}
	defer v.hangUp(ctx)
	for {
		due, err := v.wait(ctx)
		if !due || err != nil {
			return err
		}
		if err := v.visit(ctx); err != nil {
			return err
		}
	}
}

// wait returns true when a visit is due, false when ctx has ended, and does the acts that come
// meanwhile. Its error is a report that could not be stored.
func (v *visitor) wait(ctx context.Context) (bool, error) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		if err := v.obey(ctx); err != nil {
			return false, err
		}
		left, going := v.left()
		if going && left <= 0 {
			return true, nil
		}
		var alarm <-chan time.Time // never, when the visits are stopped
		if going {
			timer.Reset(left)
			alarm = timer.C
		}
		select {
		case <-ctx.Done():
		case <-v.wake:
		case <-alarm:
		}
	}
	return false, nil
}

// left returns how long until the next visit; false when there is none.
func (v *visitor) left() (time.Duration, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	next, going := v.plan.next()
	return next - v.clock.now(), going
}

// outing is one visit being made.
type outing struct {
	due     []Section
	start   instant
	started time.Time
	budget  time.Duration
	device  hw.Device
	kind    Kind
}

// leads says whether it reads sections that are read first.
func (o outing) leads() bool { return len(o.due) > 0 && o.due[0].First }

// visit makes one visit and stores what came of it. A visit that was called off by ctx
// leaves no trace: its sections stay due. One in which a login was refused does.
func (v *visitor) visit(ctx context.Context) error {
	o := v.setOut()
	r, err := v.collect(ctx, o)
	if err != nil && ctx.Err() != nil && !isRefusal(ReasonOf(err)) && !v.refused() {
		v.callOff(o)
		return nil
	}
	return v.put(ctx, v.settle(o, r, err))
}

func (v *visitor) setOut() outing {
	v.mu.Lock()
	defer v.mu.Unlock()
	o := outing{start: v.clock.now(), started: v.clock.wall(), device: v.watched.Target.Device, kind: v.watched.Kind}
	spent := v.plan.spent(o.start)
	due, lost := v.plan.take(o.start)
	if o.due = due; o.leads() {
		spent = 0
	}
	o.budget = v.watched.budget(v.plan.shortest(), spent)
	v.rec.inFlight = o.started
	v.rec.missed += uint64(lost.count)
	if v.owed.count == 0 {
		v.owed.from = lost.from
	}
	v.owed.count += lost.count
	return o
}

func (v *visitor) callOff(o outing) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.plan.giveBack(o.start, o.due)
	v.rec.inFlight = time.Time{}
}

// collect runs the collector within the visit's budget. A panic ends the visit and the
// session, never the process.
func (v *visitor) collect(ctx context.Context, o outing) (r hw.Report, err error) {
	visit, cancel := context.WithTimeout(ctx, o.budget)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			r, err = hw.Report{}, v.broken(p)
			v.hangUp(ctx)
		}
	}()
	if err := v.prepare(); err != nil {
		return hw.Report{}, err
	}
	return v.collector.Collect(visit, o.due)
}

// prepare makes the collector if there is none.
func (v *visitor) prepare() (err error) {
	if v.collector != nil {
		return nil
	}
	if v.collector, err = v.dial(); err != nil {
		v.collector = nil
		return fmt.Errorf("prepare the visit: %w", err)
	}
	return nil
}

func (v *visitor) dial() (Collector, error) {
	v.mu.Lock()
	w := v.watched
	v.mu.Unlock()
	return w.Kind.New(w.Target)
}

// broken returns the error for a collector's panic. The stack is logged once a device: a
// device that makes it panic does so at every visit.
func (v *visitor) broken(p any) error {
	if !v.panicked {
		v.panicked = true
		v.logger.Error("the collector panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	}
	return &VisitError{Reason: hw.Garbage, Err: fmt.Errorf("the collector panicked: %v", p), Hint: "this is a fault of this program: report it with the log"}
}

// hangUp closes the session. It outlives ctx by the grace.
func (v *visitor) hangUp(ctx context.Context) {
	c := v.collector
	if c == nil {
		return
	}
	v.collector = nil
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), v.grace)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			v.broken(p)
		}
	}()
	if err := c.Close(ctx); err != nil {
		v.logger.Debug("the session was not closed in order", "err", err)
	}
}

// put stores a report. It outlives ctx by the grace, so that a finished visit is not lost
// when the poller stops.
func (v *visitor) put(ctx context.Context, r hw.Report) error {
	inner, end := outlive(ctx, v.grace)
	defer end()
	err := v.sink.Put(inner, r)
	if err == nil {
		v.logger.Debug("the visit is durable", "started", r.Started)
		v.owed = missed{}
		v.mu.Lock()
		v.told = r.Learned
		v.mu.Unlock()
		return nil
	}
	if ctx.Err() != nil {
		v.logger.Warn("the last report was not stored", "err", err)
		return nil
	}
	return fmt.Errorf("store the report of %s: %w", r.Device, err)
}

// outlive returns a context that ends grace after ctx. end must be called.
func outlive(ctx context.Context, grace time.Duration) (inner context.Context, end func()) {
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		patience := time.NewTimer(grace)
		defer patience.Stop()
		select {
		case <-patience.C:
			cancel()
		case <-inner.Done():
		}
	})
	return inner, func() {
		cancel()
		if !stop() {
			<-ended
		}
	}
}
