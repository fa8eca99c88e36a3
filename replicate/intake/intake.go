package intake

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"rackpost/hw/journal"
	"rackpost/replicate/ship"
)

// Intake takes records of many sites.
type Intake struct {
	cfg    Config
	start  time.Time
	commit *committer
	large  *room
	kept   Day    // what Days keeps; Run alone knows it
	unkept bool   // it cannot be kept
	log    bucket // of what strangers may write into it; mu guards it

	mu      sync.Mutex
	base    context.Context // of all connections; nil: not running
	sites   map[journal.ID]*site
	used    map[journal.ID]usage // of today, of sites that are not known, or not yet
	gate    *gate
	pool    pool
	expect  int // connections
	away    uint64
	full    time.Time // when a connection was last refused for want of room; zero: never
	strange uint64
	brake   brake
	alarms  []Alarm       // open
	changed chan struct{} // they are others than were told

	entering sync.RWMutex // is held for reading while somebody is let in
	lanes    sync.WaitGroup
}

// New returns an intake. It lets nobody in before Run.
func New(cfg Config) (*Intake, error) {
	if cfg.Store == nil || cfg.Door == nil || cfg.Logger == nil {
		return nil, errors.New("make an intake: a store, a door and a logger are needed")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if err := cfg.Limits.defaults(); err != nil {
		return nil, err
	}
	l := cfg.Limits
	in := &Intake{cfg: cfg, start: time.Now(), commit: newCommitter(cfg.Store, l.Bundle, cfg.Logger), large: newRoom(l.Large), log: bucket{rate: 1, burst: 10},
		sites: map[journal.ID]*site{}, gate: newGate(l.PerSecond, 2*l.Connections), pool: pool{total: l.Memory},
		changed: make(chan struct{}, 1)}
	in.loadDay()
	return in, nil
}

// leastLarge is the room for what is larger than windows: for the largest, and half as much for others.
const leastLarge = mostLarge + mostLarge/2

func (l *Limits) defaults() error {
	for _, d := range []struct {
		to  *int
		std int
	}{
		{&l.Connections, 2500}, {&l.PerSecond, 1000}, {&l.Memory, 160 << 20}, {&l.Large, leastLarge}, {&l.LiveWindow, 64 << 10}, {&l.Window, 256 << 10}, {&l.Bundle, 8 << 20},
	} {
		if *d.to < 0 {
			return fmt.Errorf("make an intake: a limit of %d makes no sense", *d.to)
		}
		if *d.to == 0 {
			*d.to = d.std
		}
	}
	l.Large = max(l.Large, leastLarge)
	if l.Silent == 0 {
		l.Silent = 30 * time.Second
	}
	if l.Silent < 0 || l.Quota.BytesPerDay < 0 || l.Quota.BytesStored < 0 {
		return errors.New("make an intake: a limit below nothing makes no sense")
	}
	return nil
}

// now returns the wall clock.
func (in *Intake) now() time.Time { return in.cfg.Now() }

// age returns the time since the intake was made, which nobody can set.
func (in *Intake) age() time.Duration { return time.Since(in.start) }

// Run serves until ctx ends, and returns when every connection has ended. A store that cannot write does not end it:
// the sites are asked to come again. It is called once.
func (in *Intake) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	in.mu.Lock()
	in.base = ctx
	in.mu.Unlock()
	g.Go(func() error { return in.commit.run(ctx) })
	g.Go(func() error { return in.watch(ctx) })
	g.Go(func() error { return in.tell(ctx) })
	g.Go(func() error { return in.seek(ctx) })
	err := g.Wait()
	in.mu.Lock()
	in.base = nil // nobody comes any more
	in.mu.Unlock()
	in.lanes.Wait()
	in.keepDay()
	if err != nil {
		return fmt.Errorf("take the sites' records: %w", err)
	}
	return nil
}

// site returns what is known of a site, from its first connection or its joining on.
func (in *Intake) site(id journal.ID, name string) *site {
	in.mu.Lock()
	defer in.mu.Unlock()
	known := in.sites[id]
	if known == nil {
		known = newSite(in, id, name)
		delete(in.used, id)
		in.sites[id] = known
	}
	return known
}

// SetPace makes a site's lanes do no more than this, by an operator's wish, until the next call. p.Why
// tells the site whose wish it is, and why. The zero Pace takes it back. A site that is not known is an error.
func (in *Intake) SetPace(site journal.ID, p ship.Pace) error {
	in.mu.Lock()
	s := in.sites[site]
	in.mu.Unlock()
	if s == nil {
		return fmt.Errorf("set the pace of site %s: it is not enrolled here", site)
	}
	p.Window = 0
	s.wish(func(w *wishes) { w.operator = p })
	return nil
}

// Ready says whether connections are let in.
func (in *Intake) Ready() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.base != nil && in.base.Err() == nil
}
