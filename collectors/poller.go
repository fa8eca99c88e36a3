package collectors

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"rackpost/hw"
)

// Watched is a device to visit and how.
type Watched struct {
	Kind   Kind
	Target Target // Memory and Logger may be nil: the poller makes them
	// Periods override those of the kind's sections, by name. 0 switches a section off.
	Periods map[string]time.Duration
	// Budget is the longest a visit may take. 0 is 9/10 of the shortest period of the device,
	// and at least 10 s, so that silence can be told from slowness.
	Budget time.Duration
}

// Config is what a poller needs.
type Config struct {
	Devices []Watched
	Sink    Sink
	Logger  *slog.Logger     // nil discards
	Now     func() time.Time // the box's clock, for what reports carry; nil is time.Now. No schedule depends on it
	// Learned returns what the journal says is learned of a device, for its collector to find again:
	// after a restart, at another box, and for a device that is configured again. Nil knows nothing.
	Learned func(hw.DeviceID) hw.Attrs
	// Box names this box among those of a pair, which share what is learned and may both visit when
	// they are cut apart. Empty is a lone box.
	Box string
	// Grace is how long a finished report may still take to be stored, and after that a
	// session to be closed, once Run's context has ended. 0 is 2 s.
	Grace time.Duration
}

const (
	minPeriod    = 100 * time.Millisecond
	minBudget    = 10 * time.Second
	defaultGrace = 2 * time.Second
)

// Poller visits devices: one goroutine a device, one visit at a time a device, all devices
// at once. Its methods may be called from any goroutine. docs/polling.md has the rules.
type Poller struct {
	sink   Sink
	logger *slog.Logger
	clock  clock
	grace  time.Duration

	learned func(hw.DeviceID) hw.Attrs
	box     string

	mu       sync.Mutex // guards what follows; never held during I/O
	visitors map[hw.DeviceID]*visitor
	order    []hw.DeviceID
	leaving  map[hw.DeviceID]<-chan struct{} // closed when a removed device's session is
	running  bool                            // Run has not returned
	term     *term                           // nil when no visitor may start
}

// term is one run of the poller.
type term struct {
	ctx   context.Context
	end   context.CancelCauseFunc
	tasks sync.WaitGroup
}

// clock tells the two times apart: now for every schedule, wall for what people read.
type clock struct {
	epoch time.Time
	wall  func() time.Time
}

// now returns the monotonic time since the poller was made.
func (c clock) now() instant { return time.Since(c.epoch) }

// NewPoller returns a poller that does nothing until Run. It refuses a device without an
// id, two of one id, and periods it cannot keep.
func NewPoller(cfg Config) (*Poller, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	p := &Poller{
		sink:     cfg.Sink,
		logger:   cfg.Logger,
		clock:    clock{epoch: time.Now(), wall: func() time.Time { return cfg.Now().Round(0) }},
		grace:    cmp.Or(cfg.Grace, defaultGrace),
		learned:  cfg.Learned,
		box:      cfg.Box,
		visitors: map[hw.DeviceID]*visitor{},
		leaving:  map[hw.DeviceID]<-chan struct{}{},
	}
	return p, p.Replace(cfg.Devices)
}

// Run visits all devices until ctx ends, then closes every session and returns nil. It
// returns an error when a report could not be stored. It may be called again after it
// returned: what was learned of devices, their schedules and their back-off are kept, and
// the longest overdue are visited first.
func (p *Poller) Run(ctx context.Context) error {
	inner, end := context.WithCancelCause(ctx)
	defer end(nil)
	t := &term{ctx: inner, end: end}
	if err := p.begin(t); err != nil {
		return err
	}
	<-inner.Done()

	p.mu.Lock()
	p.term = nil // from here on no visitor starts
	p.mu.Unlock()
	t.tasks.Wait()
	p.mu.Lock()
	p.running = false
	p.mu.Unlock()
	if ctx.Err() != nil {
		return nil
	}
	return context.Cause(inner)
}

func (p *Poller) begin(t *term) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running {
		return errors.New("start the poller: it is running already")
	}
	p.running, p.term = true, t
	all := slices.Collect(maps.Values(p.visitors))
	for _, v := range all {
		v.relearn(p)
	}
	p.stagger(all)
	for _, v := range all {
		p.start(v)
	}
	return nil
}

// start gives v its goroutine. p.mu is held and p.term is not nil.
func (p *Poller) start(v *visitor) {
	t := p.term
	ctx, cancel := context.WithCancel(t.ctx)
	v.cancel, v.done = cancel, make(chan struct{})
	t.tasks.Go(func() {
		defer close(v.done)
		defer cancel()
		if err := v.run(ctx); err != nil {
			t.end(err)
		}
	})
}

// stagger puts a little time between the first visits of overdue devices, the longest
// overdue first.
func (p *Poller) stagger(visitors []*visitor) {
	now := p.clock.now()
	type late struct {
		v    *visitor
		due  instant
		seed uint64
	}
	var overdue []late
	shortest := rampWindow
	for _, v := range visitors {
		due, seed, period := v.outlook()
		if due <= now {
			overdue = append(overdue, late{v, due, seed})
			shortest = min(shortest, period)
		}
	}
	slices.SortFunc(overdue, func(a, b late) int {
		return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.seed, b.seed))
	})
	step := ramp(len(overdue), shortest)
	for i, l := range overdue {
		l.v.hold(now + time.Duration(i)*step)
	}
}

// Replace takes another configuration, while running or not. A device that stays the same
// keeps its session and its schedule; one whose name or periods changed keeps its session;
// any other change, and removal, ends the session. Nothing changes when an error is
// returned.
func (p *Poller) Replace(devices []Watched) error {
	plans, err := checkAll(devices)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.visitors
	p.visitors, p.order = make(map[hw.DeviceID]*visitor, len(devices)), nil
	var fresh []*visitor
	for i, w := range devices {
		id := w.Target.Device.ID
		w.Target.Box = p.box
		v := before[id]
		if v == nil || !v.accepts(w) {
			v = p.visitor(w, plans[i], v)
			fresh = append(fresh, v)
		} else {
			v.adopt(w, plans[i])
			delete(before, id)
		}
		p.visitors[id] = v
		p.order = append(p.order, id)
	}
	p.retire(before)
	p.stagger(fresh)
	if p.term != nil {
		for _, v := range fresh {
			p.start(v)
		}
	}
	return nil
}

// retire ends visitors whose device is gone or changed; their goroutines close the sessions.
func (p *Poller) retire(visitors map[hw.DeviceID]*visitor) {
	maps.DeleteFunc(p.leaving, func(_ hw.DeviceID, closed <-chan struct{}) bool {
		select {
		case <-closed:
			return true
		default:
			return false
		}
	})
	if !p.running {
		return // it holds no session
	}
	for id, v := range visitors {
		if v.cancel != nil {
			v.cancel()
			p.leaving[id] = v.done
		}
	}
}

// VisitNow makes every section of a device due at once and ends its back-off: a person
// wants to see it now. After stopped logins it allows one more. Unknown devices are an
// error.
func (p *Poller) VisitNow(id hw.DeviceID) error {
	v, err := p.find(id)
	if err != nil {
		return fmt.Errorf("visit %s: %w", id, err)
	}
	v.hurry(true)
	return nil
}

// DueAll makes every section of every device due, after a takeover or a heal: what another
// box believed is contradicted or confirmed by the next visit. Back-off ends, stopped logins
// stay stopped.
func (p *Poller) DueAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := slices.Collect(maps.Values(p.visitors))
	for _, v := range all {
		v.hurry(false)
	}
	p.stagger(all)
	for _, v := range all {
		v.stir()
	}
}
