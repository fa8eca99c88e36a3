package collectors_test

import (
	"bytes"
	"context"
	"log/slog"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/collectors"
	"rackpost/hw"
)

func TestRefusedLogins(t *testing.T) {
	t.Parallel()
	for _, reason := range []hw.Reason{hw.AuthFailed, hw.UnknownUser, hw.WrongAuthKey, hw.WrongPrivKey} {
		t.Run(string(reason), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLab()
				l.act["open"], l.act["limited"] = failing(reason, 0), failing(reason, 0)
				limited := l.kind(fast(10 * time.Second))
				limited.LoginLimited = true
				devices := append(l.watched(l.kind(fast(10*time.Second)), "open"), l.watched(limited, "limited")...)
				p := l.poller(t, devices)
				l.watch(t, p, 24*time.Hour)
				for _, id := range []hw.DeviceID{"open", "limited"} {
					if w := waits(l.trips(id))[0]; w < 90*time.Second {
						t.Errorf("%s: second login after %v", id, w)
					}
				}
				if n := len(l.trips("open")); n < 90 {
					t.Errorf("a kind without lock-out was visited %d times in a day", n)
				}
				if n := len(l.trips("limited")); n != 2 {
					t.Errorf("a kind with lock-out got %d logins", n)
				}
				if s := p.Status()[1]; !s.Stopped || !s.NextDue.IsZero() || s.Reason != reason {
					t.Errorf("status %+v", s)
				}
			})
		})
	}
}

func TestStoppedLoginsGoOnByAPerson(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		l.act["a"] = failing(hw.AuthFailed, 0)
		kind := l.kind(fast(time.Minute))
		kind.LoginLimited = true
		devices := l.watched(kind, "a")
		devices[0].Target.Memory = &collectors.Memory{}
		p := l.poller(t, devices)
		err := during(t, p, func() {
			time.Sleep(time.Hour)
			p.DueAll()
			time.Sleep(time.Hour)
			if n := len(l.trips("a")); n != 2 {
				t.Fatalf("%d logins before a person asked", n)
			}
			for range 3 { // impatience does not make it more
				if err := p.VisitNow("a"); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Minute)
			if n := len(l.trips("a")); n != 3 {
				t.Fatalf("%d logins after a person asked", n)
			}
		})
		if err != nil {
			t.Fatal(err)
		}

		// The stop survives a restart with the memory.
		restarted := l.poller(t, devices)
		l.watch(t, restarted, time.Hour)
		if n := len(l.trips("a")); n != 3 {
			t.Errorf("%d logins after the restart", n)
		}
		l.set(func() { l.act["a"] = well })
		changed := l.watched(kind, "a")
		changed[0].Target.Credentials.Community = "another"
		if err := restarted.Replace(changed); err != nil {
			t.Fatal(err)
		}
		l.watch(t, restarted, time.Minute)
		if s := restarted.Status()[0]; s.Stopped || s.LastGood.IsZero() {
			t.Errorf("status after new credentials: %+v", s)
		}
	})
}

func TestReplaceWhileRunning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		kind := l.kind(fast(time.Minute))
		p := l.poller(t, l.watched(kind, "same", "renamed", "moved", "gone", "slower", "paired"))
		err := during(t, p, func() {
			time.Sleep(5 * time.Minute)
			l.set(func() { l.act["moved"] = after(5 * time.Second) })
			next := l.watched(kind, "same", "renamed", "moved", "new", "slower", "paired")
			next[1].Target.Device.Name = "the other name"
			next[2].Target.Device.Address = "192.0.2.9"
			next[4].Periods = map[string]time.Duration{"fast": 10 * time.Minute}
			next[5].Target.Device.Standby = "192.0.2.10"
			for range 3 {
				if err := p.Replace(next); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Second)
			for id, want := range map[hw.DeviceID]int{"same": 1, "renamed": 1, "moved": 1, "gone": 0, "new": 1, "slower": 1, "paired": 1} {
				if got, _, _ := l.sessionsOf(id); got != want {
					t.Errorf("%s: %d sessions, want %d", id, got, want)
				}
			}
			time.Sleep(time.Hour)
		})
		if err != nil {
			t.Fatal(err)
		}
		for id, want := range map[hw.DeviceID]int{"same": 1, "renamed": 1, "moved": 2, "gone": 1, "new": 1, "slower": 1, "paired": 2} {
			if _, made, most := l.sessionsOf(id); made != want || most != 1 {
				t.Errorf("%s: %d sessions were made, want %d; %d at once", id, made, want, most)
			}
		}
		for _, id := range []hw.DeviceID{"same", "renamed"} {
			for _, w := range waits(l.trips(id))[1:] {
				if w != time.Minute {
					t.Errorf("%s: a wait of %v", id, w)
				}
			}
		}
		if n := len(l.trips("slower")); n < 11 || n > 14 {
			t.Errorf("slower: %d visits", n)
		}
		if s := p.Status()[1]; s.Device.Name != "the other name" {
			t.Errorf("status names %q", s.Device.Name)
		}
	})
}

func TestRemovedAndReturnedDeviceHasOneSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		l.act["a"] = func(_ context.Context, due []collectors.Section) (hw.Report, error) {
			return after(3*time.Second)(context.Background(), due) // slow to notice
		}
		kind := l.kind(fast(10 * time.Second))
		p := l.poller(t, l.watched(kind, "a", "b"))
		err := during(t, p, func() {
			for _, next := range [][]hw.DeviceID{{"b"}, {"b", "c"}, {"a", "b"}, {"b"}, {"a"}} {
				time.Sleep(100 * time.Millisecond)
				if err := p.Replace(l.watched(kind, next...)); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Minute)
		})
		if err != nil {
			t.Fatal(err)
		}
		if open, _, most := l.sessionsOf("a"); most != 1 || open != 0 {
			t.Errorf("%d sessions at once, %d left", most, open)
		}
	})
}

// A removed device's last report that cannot be stored in time is no storage error.
func TestRemovalDoesNotEndRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		l.put = func(ctx context.Context, r hw.Report) error {
			if r.Device == "b" {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}
		kind := l.kind(fast(time.Minute))
		p := l.poller(t, l.watched(kind, "a", "b"))
		if err := during(t, p, func() {
			time.Sleep(time.Second)
			if err := p.Replace(l.watched(kind, "b")); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Minute)
		}); err != nil {
			t.Errorf("run: %v", err)
		}
		if n := len(l.trips("b")); n < 10 {
			t.Errorf("the device that stayed had %d visits", n)
		}
	})
}

// Whatever is asked of the poller in whatever order: one session a device, none left over,
// and every report is valid.
func TestAnythingAtAnyTime(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		synctest.Test(t, func(t *testing.T) {
			dice := rand.New(rand.NewPCG(seed, 7))
			l := newLab()
			acts := []action{well, after(4 * time.Second), failing(hw.NoAnswer, time.Second), failing(hw.AuthFailed, 0)}
			all := ids("d", 6)
			for i, id := range all {
				l.act[id] = acts[i%len(acts)]
			}
			kind := l.kind(fast(5*time.Second), collectors.Section{Name: "slow", Period: time.Minute})
			choose := func() []collectors.Watched {
				w := l.watched(kind, all[:dice.IntN(len(all))]...)
				for i := range w {
					w[i].Target.Device.Address = string(rune('a' + dice.IntN(2)))
				}
				return w
			}
			p := l.poller(t, choose())
			for range 5 {
				if err := during(t, p, func() {
					for range 60 {
						time.Sleep(time.Duration(dice.Int64N(int64(3 * time.Second))))
						switch dice.IntN(3) {
						case 0:
							if err := p.Replace(choose()); err != nil {
								t.Fatal(err)
							}
						case 1:
							_ = p.VisitNow(all[dice.IntN(len(all))]) // may be unknown just now
						case 2:
							p.DueAll()
						}
						_ = p.Status()
					}
				}); err != nil {
					t.Fatal(err)
				}
				if n := l.open(); n != 0 {
					t.Fatalf("%d sessions left", n)
				}
			}
			for _, id := range all {
				if _, _, most := l.sessionsOf(id); most > 1 {
					t.Errorf("%s: %d sessions at once", id, most)
				}
				for _, r := range l.stored(id) {
					if err := collectors.CheckReport(r); err != nil {
						t.Errorf("%s: %v", id, err)
					}
				}
			}
		})
	}
}

func TestVisitNowAndDueAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		l.act["dead"] = failing(hw.NoAnswer, 0)
		kind := l.kind(fast(time.Hour), collectors.Section{Name: "slow", Period: 24 * time.Hour})
		p := l.poller(t, l.watched(kind, "a", "dead"))
		err := during(t, p, func() {
			time.Sleep(30 * time.Minute)
			before := len(l.trips("a"))
			if err := p.VisitNow("a"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			trips := l.trips("a")
			if len(trips) != before+1 || len(trips[before].due) != 2 {
				t.Errorf("after VisitNow: %v", trips[before:])
			}
			dead := len(l.trips("dead"))
			p.DueAll()
			time.Sleep(time.Second)
			if a, d := len(l.trips("a")), len(l.trips("dead")); a != before+2 || d != dead+1 {
				t.Errorf("after DueAll: %d and %d visits, were %d and %d", a, d, before+1, dead)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.VisitNow("nobody"); err == nil {
			t.Error("an unknown device was visited")
		}
		if n := p.Status()[0].Missed + p.Status()[1].Missed; n != 0 {
			t.Errorf("%d visits counted as missed", n)
		}
	})
}

func TestPanicIsAFailedVisit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		l.act["a"] = func(_ context.Context, due []collectors.Section) (hw.Report, error) {
			return hw.Report{Kind: due[len(due)].Name}, nil
		}
		var log bytes.Buffer
		p, err := collectors.NewPoller(collectors.Config{
			Devices: l.watched(l.kind(fast(time.Minute)), "a", "b"), Sink: l, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := during(t, p, func() {
			time.Sleep(30 * time.Minute)
			l.set(func() { l.act["a"] = well })
			time.Sleep(30 * time.Minute)
		}); err != nil {
			t.Fatal(err)
		}
		if r := l.stored("a")[0]; len(r.Gaps) != 1 || r.Gaps[0].Reason != hw.Garbage || !strings.Contains(r.Gaps[0].Detail, "out of range") {
			t.Errorf("gaps %+v", r.Gaps)
		}
		if open, made, most := l.sessionsOf("a"); most != 1 || made < 3 || open != 0 {
			t.Errorf("sessions: %d made, %d at once, %d left", made, most, open)
		}
		if n := strings.Count(log.String(), "stack="); n != 1 {
			t.Errorf("the stack was logged %d times", n)
		}
		if s := p.Status()[0]; s.Failures != 0 || len(l.trips("b")) < 60 {
			t.Errorf("status %+v; the other device had %d visits", s, len(l.trips("b")))
		}
	})
}

func TestReportsAreMended(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		spil func(*hw.Report)
		want func(hw.Report) bool
	}{
		{"not a number", func(r *hw.Report) { r.Samples[0].Gauge = math.NaN() }, func(r hw.Report) bool {
			return len(r.Samples) == 1 && r.Samples[0].Absent == hw.OutOfRange && r.Samples[0].Gauge == 0
		}},
		{"another device", func(r *hw.Report) { r.Device = "b" }, func(r hw.Report) bool {
			return r.Device == "a" && len(r.Samples) == 0 && r.Read[0].Extent == hw.Failed && r.Gaps[0].Reason == hw.Garbage
		}},
		{"too many samples", func(r *hw.Report) {
			for i := range collectors.MaxSamples {
				r.Samples = append(r.Samples, hw.Sample{Component: "x", Sensor: "s" + strings.Repeat("0", i%90), Count: uint64(i)})
			}
		}, func(r hw.Report) bool { return len(gapsOf([]hw.Report{r}, hw.TooMuch)) == 1 }},
		{"a section not mentioned", func(r *hw.Report) { r.Read = nil }, func(r hw.Report) bool {
			return len(r.Read) == 1 && r.Read[0].Extent == hw.Failed && r.Gaps[0].What == "fast"
		}},
		{"nothing read and no error", func(r *hw.Report) {
			*r = hw.Report{Read: []hw.Scope{{Section: "fast"}}, Gaps: []hw.Gap{{What: "fast", Reason: hw.AccessDenied}}}
		}, func(r hw.Report) bool {
			return len(r.Gaps) == 2 && r.Gaps[1].What == hw.VisitGap && r.Gaps[1].Reason == hw.AccessDenied
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLab()
				l.act["a"] = func(ctx context.Context, due []collectors.Section) (hw.Report, error) {
					r, err := well(ctx, due)
					c.spil(&r)
					return r, err
				}
				l.watch(t, l.poller(t, l.watched(l.kind(fast(time.Minute)), "a")), time.Second)
				r := l.stored("a")[0]
				if !c.want(r) {
					t.Errorf("stored %+v", r)
				}
				if err := collectors.CheckReport(r); err != nil {
					t.Errorf("stored a report that is not valid: %v", err)
				}
			})
		})
	}
}

func TestConfigurationIsRefused(t *testing.T) {
	t.Parallel()
	l := newLab()
	kind := l.kind(fast(time.Minute), collectors.Section{Name: "slow", Period: time.Hour})
	off := map[string]time.Duration{"fast": 0, "slow": 0}
	for _, c := range []struct {
		name string
		spil func([]collectors.Watched)
		want string
	}{
		{"twice", func(w []collectors.Watched) { w[1].Target.Device.ID = "a" }, `device "a" is configured twice`},
		{"no id", func(w []collectors.Watched) { w[0].Target.Device.ID = "" }, "no id"},
		{"no kind", func(w []collectors.Watched) { w[0].Kind = collectors.Kind{} }, "makes no collector"},
		{"unknown section", func(w []collectors.Watched) { w[0].Periods = map[string]time.Duration{"fsat": 1} }, `no section "fsat"`},
		{"short period", func(w []collectors.Watched) { w[0].Periods = map[string]time.Duration{"fast": 1} }, "at least 100ms"},
		{"all off", func(w []collectors.Watched) { w[0].Periods = off }, "every section is switched off"},
		{"budget", func(w []collectors.Watched) { w[0].Budget = -1 }, "below zero"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			devices := l.watched(kind, "a", "b")
			c.spil(devices)
			_, err := collectors.NewPoller(collectors.Config{Devices: devices, Sink: l})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// TestPersonsAskWhileAVisitEnds: what a visit ends with and what a person asks for touch the same plan. The race
// detector looks on.
func TestPersonsAskWhileAVisitEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		p := l.poller(t, l.watched(l.kind(fast(time.Second)), "a", "b"))
		err := during(t, p, func() {
			var people sync.WaitGroup
			for _, id := range []hw.DeviceID{"a", "b", "a", "b"} {
				people.Go(func() {
					for range 500 {
						if err := p.VisitNow(id); err != nil {
							t.Error(err)
						}
						time.Sleep(time.Millisecond)
					}
				})
			}
			people.Wait()
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(l.trips("a")) < 3 || len(l.trips("b")) < 3 {
			t.Errorf("%d and %d visits were made meanwhile", len(l.trips("a")), len(l.trips("b")))
		}
	})
}
