package collectors_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/collectors"
	"rackpost/hw"
)

// TestCredentialsThatChange: who corrects a password is let in at once, and one that is wrong again has to wait until the device
// has forgotten the first; over restarts too.
func TestCredentialsThatChange(t *testing.T) {
	t.Parallel()
	for name, restart := range map[string]bool{"live": false, "over restarts": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLab()
				l.act["a"] = failing(hw.AuthFailed, 0)
				with := func(n int) []collectors.Watched {
					w := l.limited("a")
					w[0].Target.Credentials.Password = fmt.Sprint("password ", n)
					return w
				}
				if restart {
					for n := range 20 {
						l.watch(t, l.remembering(t, with(n)), 10*time.Second)
					}
				} else {
					p := l.remembering(t, with(0))
					err := during(t, p, func() {
						for n := range 20 {
							time.Sleep(10 * time.Second)
							if err := p.Replace(with(n + 1)); err != nil {
								t.Fatal(err)
							}
							if err := p.VisitNow("a"); err != nil {
								t.Fatal(err)
							}
						}
					})
					if err != nil {
						t.Fatal(err)
					}
				}
				trips := l.trips("a")
				if len(trips) < 4 {
					t.Fatalf("%d logins in 200 s: who corrects a password waits", len(trips))
				}
				for i := 2; i < len(trips); i++ { // of three the first and the last
					if d := trips[i].at.Sub(trips[i-2].at); d <= time.Minute {
						t.Errorf("logins %d to %d within %v", i-2, i, d)
					}
				}
			})
		})
	}
}

// TestAnotherKindAtTheAddress: it forgets all but the refused logins.
func TestAnotherKindAtTheAddress(t *testing.T) {
	t.Parallel()
	for name, restart := range map[string]bool{"live": false, "over a restart": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLab()
				l.act["a"] = failing(hw.AuthFailed, 0)
				as := func(kind string) []collectors.Watched {
					w := l.limited("a")
					w[0].Kind.Name, w[0].Target.Device.Kind = kind, kind
					return w
				}
				p := l.remembering(t, as("first"))
				err := during(t, p, func() {
					time.Sleep(10 * time.Second)
					_ = p.Learn("a", "certificate", "pin")
					for _, kind := range []string{"second", "third", "fourth"} {
						if restart {
							return
						}
						if err := p.Replace(as(kind)); err != nil {
							t.Fatal(err)
						}
						time.Sleep(10 * time.Second)
					}
				})
				if err != nil {
					t.Fatal(err)
				}
				for _, kind := range []string{"second", "third", "fourth"} {
					if restart {
						l.watch(t, l.remembering(t, as(kind)), 10*time.Second)
					}
				}
				if n := len(l.trips("a")); n != 2 {
					t.Errorf("%d logins in 40 s", n)
				}
				if got := l.learned("a"); got.Get("certificate") != "" || got.Get(collectors.LearnedAt) != "second a" {
					t.Errorf("another kind remembers %v", got)
				}
			})
		})
	}
}

// TestRefusedLoginOfACalledOffVisit: the next process knows of it.
func TestRefusedLoginOfACalledOffVisit(t *testing.T) {
	t.Parallel()
	for name, beside := range map[string]bool{"the poller's": false, "the collector's own": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLab()
				l.act["a"] = func(ctx context.Context, due []collectors.Section) (hw.Report, error) {
					<-ctx.Done()
					if !beside {
						return hw.Report{}, &collectors.VisitError{Reason: hw.AuthFailed}
					}
					l.memoryOf("a").RefuseLogin(l.now())
					return hw.Report{}, ctx.Err()
				}
				l.watch(t, l.remembering(t, l.limited("a")), time.Second)
				if got := l.learned("a").Get(collectors.LearnedRefused); got == "" {
					t.Error("nothing is told of it")
				}
			})
		})
	}
}

// TestLoginPause: by the times of refusals, also under a clock that is set.
func TestLoginPause(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		refused      []time.Duration // before now
		same, others time.Duration
	}{
		{nil, 0, 0},
		{[]time.Duration{30 * time.Second}, time.Minute, 0},
		{[]time.Duration{50 * time.Second, 10 * time.Second}, 80 * time.Second, 25 * time.Second},
		{[]time.Duration{time.Hour, 50 * time.Second, 10 * time.Second}, 80 * time.Second, 25 * time.Second},
		{[]time.Duration{time.Hour, time.Minute}, 30 * time.Second, 0},
		{[]time.Duration{2 * time.Hour, time.Hour}, 0, 0},
		{[]time.Duration{-time.Hour, -time.Hour}, 90 * time.Second, 75 * time.Second},
	} {
		var m collectors.Memory
		for _, d := range test.refused {
			m.RefuseLogin(at.Add(-d))
		}
		if same, others := m.LoginPause(at, false), m.LoginPause(at, true); same != test.same || others != test.others {
			t.Errorf("refused %v ago: %v and %v, want %v and %v", test.refused, same, others, test.same, test.others)
		}
		_ = m.Learn(collectors.LearnedRefused, "yesterday or so")
		if d := m.LoginPause(at, false); d != 0 {
			t.Errorf("what is no time means %v", d)
		}
	}
}
