package uplink

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"rackpost/replicate/ship"
)

// Uplink is the way to headquarters. It does nothing until Run.
type Uplink struct {
	cfg    Config
	dial   dialFunc
	began  time.Time
	live   *lane
	behind *lane
	clock  offsets
	urged  chan struct{}

	mu      sync.Mutex
	changed chan struct{}
	state   State
	ways    []way
	onWay   time.Time // state.Using is what it is
	url     string    // that answered last
	sending bool
	why     string
}

// New returns an uplink.
func New(cfg Config) (*Uplink, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	u := &Uplink{cfg: cfg, began: time.Now(), onWay: time.Now(), changed: make(chan struct{}), urged: make(chan struct{}, 1),
		state: Begin(len(cfg.Ways)), ways: make([]way, len(cfg.Ways))}
	u.live = newLane(u, ship.Live, PathLive, func() bool { return true })
	u.behind = newLane(u, ship.Behind, PathBehind, u.mayFollow)
	return u, nil
}

// mayFollow says whether the lane of what is behind may call: not before that of what is new is there and
// heard, so that headquarters is called once and not twice.
func (u *Uplink) mayFollow() bool {
	s := u.live.on()
	return s.pulse != nil && s.pulse.quiet(time.Now()) < u.cfg.Timing.Quiet
}

// line makes the line of a lane over a way.
func (c *Config) line(w Way, kind ship.Lane) Line {
	if c.Lines != nil {
		return c.Lines(w, kind)
	}
	opt := c.Ship
	opt.Lane, opt.Budget, opt.NewestFirst = kind, w.Live, false
	if kind == ship.Behind {
		opt.Budget, opt.NewestFirst = w.Behind, c.NewestFirst
	}
	return ship.New(c.Store, opt)
}

// Run sends until ctx ends, and returns nil then. It is called once.
func (u *Uplink) Run(ctx context.Context) error {
	u.dial = u.cfg.Dial
	if u.dial == nil {
		d := newDialer()
		defer d.close()
		u.dial = d.dial
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return u.watch(ctx) })
	g.Go(func() error { return u.live.run(ctx) })
	g.Go(func() error { return u.behind.run(ctx) })
	g.Go(func() error { return u.probe(ctx) })
	g.Go(func() error { return u.renew(ctx) })
	return g.Wait()
}

// glance is how often what nobody tells of is looked at.
const glance = 250 * time.Millisecond

// watch says several times a second which way is to be taken, and whether to send.
func (u *Uplink) watch(ctx context.Context) error {
	tick := time.NewTicker(glance)
	defer tick.Stop()
	links, credential := u.linksChanged(), u.cfg.Holder.Watch()
	for {
		u.judge(time.Now())
		u.decide()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-links:
			links = u.linksChanged()
			u.hurry(false)
		case <-credential:
			credential = u.cfg.Holder.Watch()
			u.hurry(true)
		}
	}
}

func (u *Uplink) hurry(certified bool) {
	u.live.hurry(certified)
	u.behind.hurry(certified)
}

func (u *Uplink) decide() {
	send, why := u.cfg.Send()
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.why = why; u.sending == send {
		return
	}
	u.sending = send
	u.cfg.Logger.Info("who sends to headquarters", "this_box", send, "because", why)
	if send {
		u.state = Begin(len(u.ways)) // what was known may be old
		u.state.Since = time.Since(u.began)
	}
	u.tell()
	u.nudge()
}

func (u *Uplink) isSending() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.sending
}

func (u *Uplink) using() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.state.Using
}

// nudge wakes the lanes.
func (u *Uplink) nudge() {
	poke(u.live.wake)
	poke(u.behind.wake)
}

// Watch returns a channel that is closed when the uplink comes up or goes down, changes its way, or is
// refused.
func (u *Uplink) Watch() <-chan struct{} {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.changed
}

// tell wakes who watches. The caller holds mu.
func (u *Uplink) tell() {
	close(u.changed)
	u.changed = make(chan struct{})
}

func (u *Uplink) changedNow() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.tell()
	u.nudge()
}
