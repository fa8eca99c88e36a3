package collectortest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/hw"
)

// bench is one device, one collector at most, and a test to fail.
type bench struct {
	testing.TB
	suite     Suite
	device    Device
	collector collectors.Collector
}

// label marks every goroutine a collector starts, so that those left over can be told from
// the simulated device's and from other tests'.
const label = "collectortest"

// call runs f, which belongs to the collector, and fails the test when it panics or does not
// return.
func (b *bench) call(what string, f func()) {
	b.Helper()
	done := make(chan string, 1)
	go func() {
		labels := pprof.Labels(label, b.mark())
		pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), labels))
		defer func() {
			if p := recover(); p != nil {
				done <- fmt.Sprintf("%s panicked: %v\n%s", what, p, debug.Stack())
			}
			close(done)
		}()
		f()
	}()
	select {
	case fault := <-done:
		if fault != "" {
			b.Fatal(fault)
		}
	case <-time.After(b.suite.Patience):
		b.collector = nil // it is still busy
		b.Fatalf("%s did not return within %v", what, b.suite.Patience)
	}
}

func (b *bench) mark() string { return fmt.Sprintf("%p", b) }

// open makes the collector.
func (b *bench) open() {
	b.Helper()
	target := b.device.Target
	if target.Logger == nil {
		target.Logger = slog.New(slog.DiscardHandler)
	}
	var err error
	b.call("New", func() { b.collector, err = b.suite.Kind.New(target) })
	if err != nil {
		b.Fatalf("New: %v", err)
	}
	if b.collector == nil {
		b.Fatal("New returned neither a collector nor an error")
	}
}

// close ends the collector, if there is one.
func (b *bench) close() {
	b.Helper()
	c := b.collector
	if c == nil {
		return
	}
	b.collector = nil
	var err error
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	b.call("Close", func() { err = c.Close(ctx) })
	if err != nil {
		b.Logf("Close: %v", err)
	}
}

// sections are all of the kind, those that are off by default too.
func (b *bench) sections() []collectors.Section {
	var all []collectors.Section
	for _, s := range b.suite.Kind.Sections {
		s.Period = cmp.Or(s.Period, time.Hour)
		all = append(all, s)
	}
	return all
}

// collect makes one visit of due and checks what holds of every visit, good or not.
func (b *bench) collect(ctx context.Context, due []collectors.Section) (hw.Report, error) {
	b.Helper()
	if b.collector == nil {
		b.open()
	}
	var r hw.Report
	var err error
	c := b.collector
	b.call("Collect", func() { r, err = c.Collect(ctx, due) })
	if err != nil {
		b.isVisitError(ctx, err)
		if len(r.Components)+len(r.Samples) > 0 {
			b.Errorf("an error and a report: %d components, %d samples, %v", len(r.Components), len(r.Samples), err)
		}
		return r, err
	}
	if fault := collectors.CheckReport(r); fault != nil {
		b.Errorf("the report is not valid: %v", fault)
	}
	if r.Device != "" && r.Device != b.device.Target.Device.ID {
		b.Errorf("the report is of device %q, visited was %q", r.Device, b.device.Target.Device.ID)
	}
	b.mentions(r, due)
	for _, name := range r.Hasten {
		if !slices.ContainsFunc(b.suite.Kind.Sections, func(s collectors.Section) bool { return s.Name == name }) {
			b.Errorf("hastens section %q, which the kind does not have", name)
		}
	}
	if b.device.Sessions != nil && b.device.Sessions() > 1 {
		b.Errorf("%d sessions with one device", b.device.Sessions())
	}
	if b.suite.Seldom != nil {
		r.Samples = slices.DeleteFunc(r.Samples, b.suite.Seldom)
	}
	return r, nil
}

// isVisitError wants a code with every error that is not the context's.
func (b *bench) isVisitError(ctx context.Context, err error) {
	b.Helper()
	var v *collectors.VisitError
	switch {
	case errors.As(err, &v) && v.Reason != "":
	case ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)):
	default:
		b.Errorf("the error is no VisitError with a reason: %v", err)
	}
}

// mentions wants each due section in Read, no other one, and a gap for each that is not
// complete.
func (b *bench) mentions(r hw.Report, due []collectors.Section) {
	b.Helper()
	wanted := map[string]bool{}
	for _, s := range due {
		wanted[s.Name] = true
	}
	for _, s := range r.Read {
		if !wanted[s.Section] {
			b.Errorf("section %q was read and was not due", s.Section)
		}
		delete(wanted, s.Section)
		if s.Extent != hw.Complete && !hasGap(r.Gaps, s.Section) {
			b.Errorf("section %q is %v and no gap says why", s.Section, s.Extent)
		}
	}
	for s := range wanted {
		b.Errorf("section %q was due and is not in Read", s)
	}
}

func hasGap(gaps []hw.Gap, section string) bool {
	for _, g := range gaps {
		if g.What == section || g.What == hw.VisitGap || strings.HasPrefix(g.What, section+"/") {
			return true
		}
	}
	return false
}

// baseline is a visit of every section that must be complete.
func (b *bench) baseline() hw.Report {
	b.Helper()
	r, err := b.visitHealthy()
	if err != nil {
		b.Fatalf("visit of the healthy device: %v", err)
	}
	if !complete(r) {
		b.Fatalf("visit of the healthy device: read %v, gaps %v", r.Read, r.Gaps)
	}
	return r
}

// visitHealthy visits every section of a device that has no fault.
func (b *bench) visitHealthy() (hw.Report, error) {
	r, err := b.collect(context.Background(), b.sections())
	for range lateTries { // the timeout is short, and the machine may be busy
		if err != nil || complete(r) || !late(r) {
			break
		}
		r, err = b.collect(context.Background(), b.sections())
	}
	return r, err
}

// lateTries is how often a healthy device is visited again whose answer came too late.
const lateTries = 5

// late says that nothing is missing but answers out of time, and what was not asked because of them.
func late(r hw.Report) bool {
	some := false
	for _, g := range r.Gaps {
		switch g.Reason {
		case hw.NoAnswer, hw.OutOfTime:
			some = true
		case hw.NotReady:
		default:
			return false
		}
	}
	return some
}

func complete(r hw.Report) bool {
	for _, s := range r.Read {
		if s.Extent != hw.Complete {
			return false
		}
	}
	return true
}

// need skips the check when the simulated device lacks a control.
func (b *bench) need(there bool, control string) {
	b.Helper()
	if !there {
		b.Skipf("the simulated device has no %s", control)
	}
}

// leftovers returns the stacks of the collector's goroutines that are still there.
func (b *bench) leftovers() string {
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		b.Fatalf("list the goroutines: %v", err)
	}
	var left []string
	for stack := range strings.SplitSeq(profile.String(), "\n\n") {
		if strings.Contains(stack, fmt.Sprintf("%q:%q", label, b.mark())) {
			left = append(left, stack)
		}
	}
	return strings.Join(left, "\n\n")
}

// eventually polls until empty returns "", and returns the last answer when it never does.
func (b *bench) eventually(empty func() string) string {
	deadline := time.Now().Add(min(b.suite.Patience, 5*time.Second))
	for {
		left := empty()
		if left == "" || time.Now().After(deadline) {
			return left
		}
		time.Sleep(10 * time.Millisecond)
	}
}
