package server_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/server"
	"rackpost/collectors/sim/bmc"
	"rackpost/hw"
)

// recordings are trees of real devices, kept outside the repository.
const recordings = "../../../shared/data/redfish"

const model = "proliant-dl380"

// device is a simulated controller that listens on loopback.
type device struct {
	tb   testing.TB
	bmc  *bmc.BMC
	addr string

	mu     sync.Mutex
	cancel context.CancelFunc
	done   chan error
}

// start serves a controller until the test ends.
func start(tb testing.TB, b *bmc.BMC) *device {
	tb.Helper()
	d := &device{tb: tb, bmc: b, addr: "127.0.0.1:0"}
	d.listen()
	tb.Cleanup(d.stop)
	return d
}

// simulated makes a model, with faults.
func simulated(tb testing.TB, name string, faults ...[2]string) *device {
	tb.Helper()
	b, err := bmc.New(name, bmc.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	for _, f := range faults {
		if err := b.Fault(f[0], f[1]); err != nil {
			tb.Fatal(err)
		}
	}
	return start(tb, b)
}

// recorded serves the tree of a real device, or skips the test.
func recorded(tb testing.TB, name string) (*device, string) {
	tb.Helper()
	folder := filepath.Join(recordings, name)
	if _, err := os.Stat(folder); err != nil {
		tb.Skipf("no recording of a real device here: %v", err)
	}
	b, err := bmc.NewRecorded(folder, bmc.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return start(tb, b), folder
}

func (d *device) listen() {
	d.tb.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cancel != nil {
		return
	}
	var s *bmc.Server
	var err error
	for range 50 { // the port was ours a moment ago: another test may hold it for another
		if s, err = bmc.Listen(d.addr, d.bmc); err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		d.tb.Fatal(err)
	}
	d.addr = s.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	d.cancel, d.done = cancel, make(chan error, 1)
	go func() { d.done <- s.Run(ctx) }()
}

func (d *device) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cancel == nil {
		return
	}
	d.cancel()
	if err := <-d.done; err != nil {
		d.tb.Error(err)
	}
	d.cancel = nil
}

func (d *device) fault(name, arg string) {
	d.tb.Helper()
	if err := d.bmc.Fault(name, arg); err != nil {
		d.tb.Fatal(err)
	}
}

func (d *device) target() collectors.Target {
	user, password := d.bmc.Account()
	return collectors.Target{
		Device:      hw.Device{ID: "server", Kind: server.KindName, Address: d.addr},
		Credentials: collectors.Credentials{User: user, Password: password},
		Timeout:     2 * time.Second, Rate: 1e6, Memory: &collectors.Memory{}, Logger: slog.New(slog.DiscardHandler),
	}
}

// collector makes a collector that is closed at the end of the test.
func (d *device) collector() collectors.Collector {
	d.tb.Helper()
	c, err := server.Kind().New(d.target())
	if err != nil {
		d.tb.Fatal(err)
	}
	d.tb.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			d.tb.Errorf("close: %v", err)
		}
	})
	return c
}

// visit reads sections, or all.
func visit(tb testing.TB, c collectors.Collector, names ...string) hw.Report {
	tb.Helper()
	var due []collectors.Section
	for _, s := range server.Kind().Sections {
		if len(names) == 0 {
			due = append(due, s)
		}
		for _, n := range names {
			if n == s.Name {
				due = append(due, s)
			}
		}
	}
	r, err := c.Collect(context.Background(), due)
	if err != nil {
		tb.Fatalf("visit: %v", err)
	}
	if err := collectors.CheckReport(r); err != nil {
		tb.Errorf("the report is not valid: %v", err)
	}
	return r
}

// component returns a part of a report.
func component(tb testing.TB, r hw.Report, path string) hw.Component {
	tb.Helper()
	for _, c := range r.Components {
		if c.Path == path {
			return c
		}
	}
	var all []string
	for _, c := range r.Components {
		all = append(all, c.Path)
	}
	tb.Fatalf("no component %s among %q", path, all)
	return hw.Component{}
}
