package collectortest

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeSuite is the suite of a fake with a defect.
func fakeSuite(f defect, patience, timeout time.Duration) Suite {
	var device *fakeDevice
	return Suite{
		Kind:     fakeKind(&device, f),
		Patience: patience,
		Start: func(tb testing.TB) Device {
			d, made := startFake(tb, timeout)
			device = made
			return d
		},
	}
}

func TestGoodCollectorPasses(t *testing.T) {
	t.Parallel()
	Run(t, fakeSuite("", 20*time.Second, 100*time.Millisecond))
}

// Every promise the suite makes is broken by one fake; the suite must say so, in the check
// named for it.
func TestBrokenCollectorsFail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		defect defect
		check  string
	}{
		{"a section twice", "the kind is well formed"},
		{"new opens a session", "new asks nothing"},
		{"a sample twice", "every section"},
		{"a component twice", "every section"},
		{"no unit in the sensor", "every section"},
		{"a counter without total", "every section"},
		{"not a number", "every section"},
		{"no unit", "every section"},
		{"no serial", "every section"},
		{"no requests counted", "every section"},
		{"another device", "every section"},
		{"forgets a section", "every section"},
		{"hastens what it lacks", "every section"},
		{"reads what is not due", "each section alone"},
		{"fewer parts alone", "each section alone"},
		{"order changes", "same order twice"},
		{"ignores the context", "cancelled before"},
		{"ignores the context", "cancelled during"},
		{"ignores the context", "out of time"},
		{"errors without a code", "silent"},
		{"one reason for all", "refused"},
		{"one reason for all", "bad login"},
		{"no hint", "bad login"},
		{"calls half complete", "half an answer"},
		{"no gap for half", "half an answer"},
		{"invents a part", "half an answer"},
		{"reads without end", "huge"},
		{"passes garbage on", "garbage"},
		{"panics on garbage", "garbage"},
		{"the serial never changes", "another unit"},
		{"never recovers", "works again"},
		{"asks twice at once", "one request at a time"},
		{"a session a visit", "same order twice"},
		{"leaves a session", "leaves nothing"},
		{"leaves a goroutine", "leaves nothing"},
		{"leaves a goroutine", "close of a silent device"},
	} {
		t.Run(string(c.defect)+"/"+c.check, func(t *testing.T) {
			t.Parallel()
			r := judge(t, fakeSuite(c.defect, time.Second, 50*time.Millisecond), c.check)
			if !r.Failed() {
				t.Errorf("the check passed; it said %q", r.said)
			}
		})
	}
}

func TestLackingControlsSkip(t *testing.T) {
	t.Parallel()
	for _, c := range []string{"silent", "refused", "bad login", "half an answer", "huge", "garbage", "another unit", "works again", "one request at a time", "slow is not dead"} {
		s := fakeSuite("", time.Second, 50*time.Millisecond)
		start := s.Start
		s.Start = func(tb testing.TB) Device { return Device{Target: start(tb).Target} }
		if r := judge(t, s, c); r.Failed() || !r.skipped {
			t.Errorf("%s: failed %v, skipped %v: %q", c, r.Failed(), r.skipped, r.said)
		}
	}
}

// judge runs one check against a recorder.
func judge(t *testing.T, s Suite, name string) *recorder {
	t.Helper()
	i := slices.IndexFunc(checks(), func(c check) bool { return c.name == name })
	if i < 0 {
		t.Fatalf("no check %q", name)
	}
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer r.end()
		checks()[i].against(r, s)
	}()
	<-done
	return r
}

// recorder is a test whose failure is an answer.
type recorder struct {
	testing.TB
	mu       sync.Mutex
	failed   bool
	skipped  bool
	said     []string
	cleanups []func()
}

func (r *recorder) Helper() {}

func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

func (r *recorder) Context() context.Context { return r.TB.Context() }

// end runs the cleanups; one that fails the test does not keep the others from running.
func (r *recorder) end() {
	for _, f := range slices.Backward(r.cleanups) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			f()
		}()
		<-done
	}
}

func (r *recorder) fail(said string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
	r.said = append(r.said, strings.TrimSpace(said))
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *recorder) Error(args ...any)                 { r.fail(fmt.Sprintln(args...)) }
func (r *recorder) Errorf(format string, args ...any) { r.fail(fmt.Sprintf(format, args...)) }
func (r *recorder) Fatal(args ...any)                 { r.fail(fmt.Sprintln(args...)); runtime.Goexit() }
func (r *recorder) Fatalf(format string, args ...any) {
	r.fail(fmt.Sprintf(format, args...))
	runtime.Goexit()
}
func (r *recorder) Skipf(string, ...any) { r.skipped = true; runtime.Goexit() }
