package collectors_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/collectors"
	"rackpost/hw"
)

// doers are devices of a lab that can be told to do something.
type doers struct {
	lab *lab
	do  func(context.Context, hw.Action) error // nil does it in 100 ms

	mu   sync.Mutex
	done []hw.Action
	at   []time.Time
}

type doer struct {
	*client
	all *doers
}

func (d *doers) kind(sections ...collectors.Section) collectors.Kind {
	k := d.lab.kind(sections...)
	plain := k.New
	k.New = func(t collectors.Target) (collectors.Collector, error) {
		c, err := plain(t)
		return &doer{c.(*client), d}, err
	}
	return k
}

func (d *doer) Act(ctx context.Context, a hw.Action) error {
	all := d.all
	all.mu.Lock()
	all.done, all.at = append(all.done, a), append(all.at, time.Now())
	do := all.do
	all.mu.Unlock()
	if do != nil {
		return do(ctx, a)
	}
	time.Sleep(100 * time.Millisecond)
	return nil
}

func (d *doers) acts() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.done)
}

var blink = hw.Action{Name: hw.Locate, Component: "drive/1", On: true}

func TestActGoesThroughTheSessionOfTheVisits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &doers{lab: newLab()}
		d.lab.act["a"] = after(20 * time.Second)
		p := d.lab.poller(t, d.lab.watched(d.kind(fast(time.Minute), collectors.Section{Name: "slow", Period: time.Hour}), "a"))
		err := during(t, p, func() {
			time.Sleep(5 * time.Second) // in mid-visit
			start := time.Now()
			if err := p.Act(t.Context(), "a", blink); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took != 15*time.Second+100*time.Millisecond {
				t.Errorf("the act took %v", took)
			}
			time.Sleep(25 * time.Second) // between two visits: at once
			if err := p.Act(t.Context(), "a", hw.Action{Name: hw.Locate, Component: "drive/1"}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Minute)
			if err := p.Hasten("a", "slow", "no-such"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		})
		if err != nil {
			t.Fatal(err)
		}
		if want := []hw.Action{blink, {Name: hw.Locate, Component: "drive/1"}}; !slices.Equal(d.done, want) {
			t.Errorf("done %v, want %v", d.done, want)
		}
		if _, made, _ := d.lab.sessionsOf("a"); made != 1 {
			t.Errorf("%d sessions", made)
		}
		trips := d.lab.trips("a")
		slow := slices.IndexFunc(trips[1:], func(x trip) bool { return slices.Contains(x.due, "slow") })
		if slow < 0 {
			t.Errorf("the hastened section was not read: %v", trips)
		}
		if gaps := gapsOf(d.lab.stored("a"), hw.Missed); len(gaps) > 0 {
			t.Errorf("acts cost visits: %v", gaps)
		}
	})
}

func TestActIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		d := &doers{lab: l}
		l.act["slow"] = after(50 * time.Second)
		devices := append(l.watched(d.kind(fast(time.Minute)), "a", "slow"), l.watched(l.kind(fast(time.Minute)), "mute")...)
		p := l.poller(t, devices)
		if err := p.Act(t.Context(), "a", blink); !errors.Is(err, collectors.ErrBusy) {
			t.Errorf("without a run: %v", err)
		}
		err := during(t, p, func() {
			time.Sleep(time.Second)
			if err := p.Act(t.Context(), "nowhere", blink); !errors.Is(err, collectors.ErrUnknownDevice) {
				t.Errorf("a device that is not configured: %v", err)
			}
			if err := p.Act(t.Context(), "mute", blink); collectors.ReasonOf(err) != hw.NotSupported {
				t.Errorf("a kind that cannot act: %v", err)
			}
			short, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			first := make(chan error, 1)
			go func() { first <- p.Act(short, "slow", blink) }()
			synctest.Wait()
			if err := p.Act(t.Context(), "slow", blink); !errors.Is(err, collectors.ErrBusy) {
				t.Errorf("beside one that waits: %v", err)
			}
			if err := <-first; !errors.Is(err, collectors.ErrBusy) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a device busy for longer than the wait: %v", err)
			}
			if err := p.Act(t.Context(), "slow", blink); err != nil { // one that was given up makes room
				t.Errorf("after one that was given up: %v", err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := d.acts(); n != 1 {
			t.Errorf("%d acts were done", n)
		}
	})
}

func TestActEndsWithWhatItNeeds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(p *collectors.Poller, stop func()){
		"the box stops": func(_ *collectors.Poller, stop func()) { stop() },
		"the device is removed": func(p *collectors.Poller, _ func()) {
			if err := p.Replace(nil); err != nil {
				panic(err)
			}
		},
	} {
		for _, begun := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					d := &doers{lab: newLab(), do: func(ctx context.Context, _ hw.Action) error { <-ctx.Done(); return ctx.Err() }}
					if !begun {
						d.lab.act["a"] = after(30 * time.Second)
					}
					p := d.lab.poller(t, d.lab.watched(d.kind(fast(time.Minute)), "a"))
					ctx, stop := context.WithCancel(t.Context())
					ran := make(chan error, 1)
					go func() { ran <- p.Run(ctx) }()
					time.Sleep(time.Second)
					acted := make(chan error, 1)
					go func() { acted <- p.Act(context.Background(), "a", blink) }()
					synctest.Wait()
					end(p, stop)
					if err := <-acted; err == nil || errors.Is(err, collectors.ErrBusy) == begun {
						t.Errorf("begun %t: %v", begun, err)
					}
					stop()
					if err := <-ran; err != nil {
						t.Error(err)
					}
				})
			})
		}
	}
}

func TestActBudgetAndPanic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &doers{lab: newLab(), do: func(ctx context.Context, _ hw.Action) error { <-ctx.Done(); return ctx.Err() }}
		p := d.lab.poller(t, d.lab.watched(d.kind(fast(time.Hour)), "a"))
		err := during(t, p, func() {
			time.Sleep(time.Second)
			start := time.Now()
			if err := p.Act(t.Context(), "a", blink); collectors.ReasonOf(err) != hw.OutOfTime || time.Since(start) != 45*time.Second {
				t.Errorf("after %v: %v", time.Since(start), err)
			}
			d.mu.Lock()
			d.do = func(context.Context, hw.Action) error { panic("odd") }
			d.mu.Unlock()
			if err := p.Act(t.Context(), "a", blink); collectors.ReasonOf(err) != hw.Garbage || !strings.Contains(err.Error(), "odd") {
				t.Errorf("a panic: %v", err)
			}
			if n := d.lab.open(); n != 0 {
				t.Errorf("%d sessions after a panic", n)
			}
			d.mu.Lock()
			d.do = nil
			d.mu.Unlock()
			if err := p.Act(t.Context(), "a", blink); err != nil { // it dials anew
				t.Error(err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := d.lab.open(); n != 0 {
			t.Errorf("%d sessions left", n)
		}
	})
}

// TestActsCountAsLogins: with visits they make two, 90 s apart, and what is refused is in the journal.
func TestActsCountAsLogins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		refuse := &collectors.VisitError{Reason: hw.AuthFailed, Err: errors.New("log in")}
		d := &doers{lab: newLab(), do: func(context.Context, hw.Action) error { return refuse }}
		kind := d.kind(fast(time.Hour))
		kind.LoginLimited = true
		p := d.lab.poller(t, d.lab.watched(kind, "a"))
		err := during(t, p, func() {
			time.Sleep(time.Minute)
			for range 3 { // the second and third are too soon, and nothing is asked of the device
				if err := p.Act(t.Context(), "a", blink); collectors.ReasonOf(err) != hw.AuthFailed {
					t.Errorf("refused: %v", err)
				}
			}
			if n := d.acts(); n != 1 {
				t.Fatalf("%d logins within a moment", n)
			}
			time.Sleep(91 * time.Second)
			d.lab.set(func() { d.lab.act["a"] = failing(hw.AuthFailed, 0) })
			_ = p.VisitNow("a")
			time.Sleep(10 * time.Minute)
			if err := p.Act(t.Context(), "a", blink); err == nil || !strings.Contains(err.Error(), "logins are stopped") {
				t.Errorf("while logins are stopped: %v", err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := d.acts(); n != 1 {
			t.Errorf("%d acts", n)
		}
		var counts []string
		for _, r := range d.lab.stored("a") {
			counts = append(counts, r.Learned.Get(collectors.LearnedLogins))
		}
		if want := []string{"", "1", "2"}; !slices.Equal(counts, want) {
			t.Errorf("the journal counts the failed logins %q, want %q", counts, want)
		}
	})
}
