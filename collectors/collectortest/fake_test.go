package collectortest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/hw"
)

// defect is one promise a fake collector breaks. The empty one breaks none.
type defect string

// row is what the fake device answers: one part with one number.
type row struct {
	name   string
	sensor string
	value  float64
}

var (
	errSilence = errors.New("no answer")
	errRefused = errors.New("connection refused")
	errLogin   = errors.New("wrong password")
)

// fakeDevice answers pages of rows in memory, with faults.
type fakeDevice struct {
	mu       sync.Mutex
	fault    string
	delay    time.Duration
	serial   string
	sessions int
	waiting  int
	most     int
	turn     int
	off      chan struct{} // closed when the test ends
}

func startFake(tb testing.TB, timeout time.Duration) (Device, *fakeDevice) {
	d := &fakeDevice{serial: "FOX1", off: make(chan struct{})}
	tb.Cleanup(func() { close(d.off) })
	set := func(fault string) func() { return func() { d.set(fault, 0) } }
	return Device{
		Target:   collectors.Target{Device: hw.Device{ID: "fake-1", Address: "192.0.2.1"}, Timeout: timeout},
		Heal:     set(""),
		Silence:  set("silence"),
		Refuse:   set("refuse"),
		BadLogin: set("login"),
		Slow:     func(delay time.Duration) { d.set("", delay) },
		Half:     set("half"),
		Huge:     set("huge"),
		Garbage:  set("garbage"),
		Swap:     func() { d.mu.Lock(); d.serial = "FOX2"; d.mu.Unlock() },
		Sessions: func() int { d.mu.Lock(); defer d.mu.Unlock(); return d.sessions },
		InFlight: func() int { d.mu.Lock(); defer d.mu.Unlock(); return d.most },
	}, d
}

func (d *fakeDevice) set(fault string, delay time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault, d.delay = fault, delay
	d.turn++
}

// ask is one request: a page of a section's rows and how many the section has.
func (d *fakeDevice) ask(ctx context.Context, timeout time.Duration, section string, offset int) ([]row, int, error) {
	d.mu.Lock()
	fault, delay, turn := d.fault, d.delay, d.turn
	d.waiting++
	d.most = max(d.most, d.waiting)
	d.mu.Unlock()
	defer func() { d.mu.Lock(); d.waiting--; d.mu.Unlock() }()

	switch fault {
	case "refuse":
		return nil, 0, errRefused
	case "login":
		return nil, 0, errLogin
	case "silence":
		delay = time.Hour
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errSilence)
	defer cancel()
	select {
	case <-ctx.Done():
		return nil, 0, context.Cause(ctx)
	case <-d.off:
		return nil, 0, errSilence
	case <-time.After(max(delay, 2*time.Millisecond)):
	}
	rows, total := answer(fault, turn, section, offset)
	return rows, total, nil
}

func answer(fault string, turn int, section string, offset int) ([]row, int) {
	const total, page = 20, 8
	if fault == "huge" {
		var rows []row
		for i := range 100 {
			rows = append(rows, row{fmt.Sprintf("%s-part/%d", section, offset+i), "inlet_celsius", 20})
		}
		return rows, math.MaxInt
	}
	if fault == "garbage" {
		return []row{{"a\xff/" + strings.Repeat("\x00", turn), "Inlet Temp", math.NaN()}}, -turn
	}
	end := total
	if fault == "half" {
		end = total / 2
	}
	var rows []row
	for i := offset; i < min(end, offset+page); i++ {
		rows = append(rows, row{fmt.Sprintf("%s-part/%d", section, i), "inlet_celsius", 20})
	}
	return rows, total
}

// fakeCollector is a good collector but for its defect.
type fakeCollector struct {
	device  *fakeDevice
	defect  defect
	timeout time.Duration
	asked   int
	visits  int
	open    bool
	broken  bool
}

func fakeKind(d **fakeDevice, f defect) collectors.Kind {
	kind := collectors.Kind{
		Name:     "fake",
		Sections: []collectors.Section{{Name: "fast", Period: time.Minute}, {Name: "slow"}},
		New: func(t collectors.Target) (collectors.Collector, error) {
			c := &fakeCollector{device: *d, defect: f, timeout: t.Timeout}
			if f == "new opens a session" {
				c.login()
			}
			return c, nil
		},
	}
	if f == "a section twice" {
		kind.Sections = append(kind.Sections, kind.Sections[0])
	}
	return kind
}

func (c *fakeCollector) login() {
	if !c.open || c.defect == "a session a visit" {
		c.device.mu.Lock()
		c.device.sessions++
		c.device.mu.Unlock()
		c.open = true
	}
}

func (c *fakeCollector) Close(context.Context) error {
	if c.open && c.defect != "leaves a session" {
		c.device.mu.Lock()
		c.device.sessions--
		c.device.mu.Unlock()
	}
	c.open = false
	return nil
}

func (c *fakeCollector) ask(ctx context.Context, section string, offset int) ([]row, int, error) {
	c.asked++
	if c.defect == "ignores the context" {
		ctx = context.Background()
	}
	if c.defect == "asks twice at once" {
		go func() { _, _, _ = c.device.ask(ctx, c.timeout, section, offset) }()
	}
	return c.device.ask(ctx, c.timeout, section, offset)
}

func (c *fakeCollector) Collect(ctx context.Context, due []collectors.Section) (hw.Report, error) {
	c.asked = 0
	c.visits++
	if err := ctx.Err(); err != nil && c.defect != "ignores the context" {
		return hw.Report{}, err
	}
	c.login()
	if c.defect == "leaves a goroutine" {
		off := c.device.off
		go func() { <-off }()
	}
	c.device.mu.Lock()
	serial := c.device.serial
	c.device.mu.Unlock()
	r := hw.Report{Unit: &hw.Unit{Serial: serial}}
	for _, s := range due {
		if err := c.section(ctx, s.Name, &r); err != nil {
			c.broken = c.defect == "never recovers"
			return hw.Report{Requests: c.asked}, c.fault(ctx, err)
		}
	}
	r.Requests = c.asked
	c.spoil(&r, due)
	return r, nil
}

// section reads the pages of one section, at most 50.
func (c *fakeCollector) section(ctx context.Context, name string, r *hw.Report) error {
	got, total, extent := 0, 1, hw.Complete
	for page := 0; got < total; page++ {
		if page == 50 && c.defect != "reads without end" {
			r.Gaps = append(r.Gaps, hw.Gap{What: name, Reason: hw.TooMuch})
			extent = hw.Partial
			break
		}
		if page == 6000 {
			break
		}
		rows, n, err := c.ask(ctx, name, got)
		if err != nil {
			return err
		}
		if total = n; n < 0 || len(rows) == 0 {
			r.Gaps = append(r.Gaps, hw.Gap{What: name, Reason: hw.Garbage, Detail: fmt.Sprintf("%d of %d rows", got, n)})
			extent = hw.Partial
			if c.defect == "panics on garbage" && n < 0 {
				_ = rows[:n+len(rows)-1]
			}
			if c.defect != "passes garbage on" {
				break
			}
		}
		c.add(r, name, rows)
		got += len(rows)
	}
	if extent != hw.Complete && c.defect == "calls half complete" {
		extent = hw.Complete
	}
	r.Read = append(r.Read, hw.Scope{Section: name, Extent: extent})
	return nil
}

func (c *fakeCollector) add(r *hw.Report, section string, rows []row) {
	for _, x := range rows {
		r.Components = append(r.Components, hw.Component{Path: x.name, Section: section, Health: hw.OK})
		r.Samples = append(r.Samples, hw.Sample{Component: x.name, Sensor: x.sensor, Gauge: x.value})
	}
}

func (c *fakeCollector) fault(ctx context.Context, err error) error {
	if ctx.Err() != nil || c.defect == "errors without a code" {
		return fmt.Errorf("ask the device: %w", err)
	}
	v := &collectors.VisitError{Reason: hw.NoAnswer, Err: err}
	switch {
	case c.defect == "one reason for all":
	case errors.Is(err, errRefused):
		v.Reason = hw.Refused
	case errors.Is(err, errLogin):
		v.Reason, v.Hint = hw.AuthFailed, "check the password"
	}
	if c.defect == "no hint" {
		v.Hint = ""
	}
	return v
}

// spoil breaks what the report promises.
func (c *fakeCollector) spoil(r *hw.Report, due []collectors.Section) {
	switch c.defect {
	case "a sample twice":
		r.Samples = append(r.Samples, r.Samples[0])
	case "a component twice":
		r.Components = append(r.Components, r.Components[0])
	case "no unit in the sensor":
		r.Samples[0].Sensor = "temperature"
	case "a counter without total":
		r.Samples[0].Type = hw.Counter
	case "not a number":
		r.Samples[0].Gauge = math.Inf(1)
	case "no unit":
		r.Unit = nil
	case "no serial":
		r.Unit.Serial = ""
	case "the serial never changes":
		r.Unit.Serial = "FOX1"
	case "no requests counted":
		r.Requests = 0
	case "another device":
		r.Device = "fake-2"
	case "order changes":
		if c.visits%2 == 0 {
			r.Samples[0], r.Samples[1] = r.Samples[1], r.Samples[0]
		}
	case "forgets a section":
		r.Read = nil
	case "hastens what it lacks":
		r.Hasten = []string{"slow", "missing"}
	case "reads what is not due":
		r.Read = append(r.Read, hw.Scope{Section: "extra", Extent: hw.Complete})
	case "fewer parts alone":
		if len(due) == 1 {
			r.Components = r.Components[1:]
		}
	case "no gap for half":
		r.Gaps = nil
	case "invents a part":
		if len(r.Gaps) > 0 {
			r.Components = append(r.Components, hw.Component{Path: "part/new", Section: due[0].Name})
		}
	}
	if c.broken {
		r.Read[0].Extent = hw.Partial
		r.Gaps = append(r.Gaps, hw.Gap{What: r.Read[0].Section, Reason: hw.NotReady})
	}
}
