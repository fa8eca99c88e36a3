package collectors_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/collectors"
	"rackpost/hw"
)

// lab is a rack of made-up devices, the kind that speaks to them and the sink behind.
type lab struct {
	mu       sync.Mutex
	act      map[hw.DeviceID]action
	visits   map[hw.DeviceID][]trip
	reports  map[hw.DeviceID][]hw.Report
	sessions map[hw.DeviceID]int
	most     map[hw.DeviceID]int // sessions at once
	made     map[hw.DeviceID]int // sessions ever
	memory   map[hw.DeviceID]*collectors.Memory
	put      func(context.Context, hw.Report) error
	shift    time.Duration // of the wall clock
}

// action is what a device does with one visit.
type action func(ctx context.Context, due []collectors.Section) (hw.Report, error)

// trip is one visit as the device saw it.
type trip struct {
	at  time.Time
	due []string
}

func newLab() *lab {
	return &lab{
		act:      map[hw.DeviceID]action{},
		visits:   map[hw.DeviceID][]trip{},
		reports:  map[hw.DeviceID][]hw.Report{},
		sessions: map[hw.DeviceID]int{},
		most:     map[hw.DeviceID]int{},
		made:     map[hw.DeviceID]int{},
		memory:   map[hw.DeviceID]*collectors.Memory{},
	}
}

// client is the collector of the lab's kinds.
type client struct {
	lab *lab
	id  hw.DeviceID
}

func (l *lab) kind(sections ...collectors.Section) collectors.Kind {
	return collectors.Kind{Name: "made-up", Sections: sections, New: func(t collectors.Target) (collectors.Collector, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		id := t.Device.ID
		l.sessions[id]++
		l.made[id]++
		l.most[id] = max(l.most[id], l.sessions[id])
		l.memory[id] = t.Memory
		return &client{l, id}, nil
	}}
}

func (c *client) Collect(ctx context.Context, due []collectors.Section) (hw.Report, error) {
	c.lab.mu.Lock()
	t := trip{at: time.Now()}
	for _, s := range due {
		t.due = append(t.due, s.Name)
	}
	c.lab.visits[c.id] = append(c.lab.visits[c.id], t)
	act := c.lab.act[c.id]
	c.lab.mu.Unlock()
	if act == nil {
		act = well
	}
	return act(ctx, due)
}

func (c *client) Close(context.Context) error {
	c.lab.mu.Lock()
	defer c.lab.mu.Unlock()
	c.lab.sessions[c.id]--
	return nil
}

func (l *lab) Put(ctx context.Context, r hw.Report) error {
	l.mu.Lock()
	put := l.put
	l.mu.Unlock()
	if put != nil {
		if err := put(ctx, r); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reports[r.Device] = append(l.reports[r.Device], r)
	return nil
}

func (l *lab) now() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Now().Add(l.shift)
}

func (l *lab) set(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

func (l *lab) trips(id hw.DeviceID) []trip {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.visits[id])
}

func (l *lab) stored(id hw.DeviceID) []hw.Report {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.reports[id])
}

// sessionsOf counts: open now, ever made, and most at once: the sessions of one device.
func (l *lab) sessionsOf(id hw.DeviceID) (open, made, most int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sessions[id], l.made[id], l.most[id]
}

func (l *lab) memoryOf(id hw.DeviceID) *collectors.Memory {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.memory[id]
}

// open counts the sessions that are open.
func (l *lab) open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for s := range maps.Values(l.sessions) {
		n += s
	}
	return n
}

// well is a visit that reads everything in 100 ms.
func well(ctx context.Context, due []collectors.Section) (hw.Report, error) {
	return after(100*time.Millisecond)(ctx, due)
}

// after is a visit that takes d.
func after(d time.Duration) action {
	return func(ctx context.Context, due []collectors.Section) (hw.Report, error) {
		select {
		case <-ctx.Done():
			return hw.Report{}, ctx.Err()
		case <-time.After(d):
		}
		r := hw.Report{Unit: &hw.Unit{Serial: "A1"}, Requests: 7}
		for _, s := range due {
			r.Read = append(r.Read, hw.Scope{Section: s.Name, Extent: hw.Complete})
		}
		r.Samples = []hw.Sample{{Component: "chassis", Sensor: "inlet_celsius", Gauge: 21}}
		return r, nil
	}
}

// failing is a visit that reads nothing, after d.
func failing(reason hw.Reason, d time.Duration) action {
	return func(ctx context.Context, _ []collectors.Section) (hw.Report, error) {
		select {
		case <-ctx.Done():
			return hw.Report{}, ctx.Err()
		case <-time.After(d):
		}
		return hw.Report{}, &collectors.VisitError{Reason: reason, Err: errors.New("ask for the name")}
	}
}

func (l *lab) watched(kind collectors.Kind, ids ...hw.DeviceID) []collectors.Watched {
	var out []collectors.Watched
	for _, id := range ids {
		out = append(out, collectors.Watched{
			Kind: kind, Target: collectors.Target{Device: hw.Device{ID: id, Kind: kind.Name, Address: string(id)}},
		})
	}
	return out
}

func (l *lab) poller(t *testing.T, devices []collectors.Watched) *collectors.Poller {
	t.Helper()
	p, err := collectors.NewPoller(collectors.Config{Devices: devices, Sink: l, Now: l.now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// during runs p while f runs, and returns Run's error.
func during(t *testing.T, p *collectors.Poller, f func()) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- p.Run(ctx) }()
	synctest.Wait()
	f()
	cancel()
	return <-result
}

// watch runs p for d and wants no error and no session left.
func (l *lab) watch(t *testing.T, p *collectors.Poller, d time.Duration) {
	t.Helper()
	if err := during(t, p, func() { time.Sleep(d) }); err != nil {
		t.Errorf("run: %v", err)
	}
	if n := l.open(); n != 0 {
		t.Errorf("%d sessions are open after run returned", n)
	}
}

func fast(period time.Duration) collectors.Section {
	return collectors.Section{Name: "fast", Period: period}
}

func ids(prefix string, n int) []hw.DeviceID {
	var out []hw.DeviceID
	for i := range n {
		out = append(out, hw.DeviceID(fmt.Sprintf("%s-%03d", prefix, i)))
	}
	return out
}

// waits are the times between visits.
func waits(trips []trip) []time.Duration {
	var out []time.Duration
	for i := 1; i < len(trips); i++ {
		out = append(out, trips[i].at.Sub(trips[i-1].at))
	}
	return out
}

func gapsOf(reports []hw.Report, reason hw.Reason) []hw.Gap {
	var out []hw.Gap
	for _, r := range reports {
		for _, g := range r.Gaps {
			if g.Reason == reason {
				out = append(out, g)
			}
		}
	}
	return out
}
