package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
	"rackpost/hw"
)

// stage is a journal and a rack of one server, made up for acts.
type stage struct {
	t     *testing.T
	begun time.Time

	mu      sync.Mutex
	view    map[hw.RegisterKey]hw.Fact // of srv-1
	said    []string
	refuse  error // by the journal
	do      func(ctx context.Context, a hw.Action) error
	lit     map[string]bool
	told    []string // what the device was told
	hasten  []string
	learned hw.Attrs
	visits  int
}

func newStage(t *testing.T) *stage {
	s := &stage{t: t, begun: time.Now(), view: map[hw.RegisterKey]hw.Fact{}, lit: map[string]bool{}}
	for _, path := range []string{"drive/1", "drive/2"} {
		f := hw.Fact{Kind: hw.ComponentFact, Device: "srv-1", Component: path, Group: "raid", Value: hw.ComponentValue{}}
		s.view[f.Register()] = f
	}
	return s
}

func (s *stage) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// heard returns what the journal and the device were told so far, and what blinks.
func (s *stage) heard() (said, told []string, lit map[string]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.said), slices.Clone(s.told), maps.Clone(s.lit)
}

// since is how long the stage stands.
func (s *stage) since() string { return time.Since(s.begun).Round(time.Second).String() }

func (s *stage) Say(_ context.Context, facts []hw.Fact) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return s.refuse
	}
	for _, f := range facts {
		if err := f.CheckSaid(); err != nil {
			s.t.Error(err)
		}
		s.view[f.Register()] = f
		switch v := f.Value.(type) {
		case hw.ActValue:
			s.said = append(s.said, strings.TrimSpace(fmt.Sprintf("%s %s %s %t %s %s", s.since(), f.Component, v.Phase, v.On, v.Who, v.Reason)))
		default:
			s.said = append(s.said, fmt.Sprintf("%s %s %v", s.since(), f.Group, v))
		}
	}
	return nil
}

func (s *stage) facts(kind hw.FactKind) (out []hw.Fact) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.view {
		if f.Kind == kind || kind == 0 {
			out = append(out, f)
		}
	}
	return out
}

func (s *stage) Acts() []hw.Fact { return s.facts(hw.ActFact) }

func (s *stage) Registers(id hw.DeviceID) []hw.Fact {
	if id != "srv-1" {
		return nil
	}
	return s.facts(0)
}

func (s *stage) Act(ctx context.Context, id hw.DeviceID, a hw.Action) error {
	s.mu.Lock()
	do := s.do
	s.told = append(s.told, fmt.Sprintf("%s %s %s %t", s.since(), a.Name, a.Component, a.On))
	s.mu.Unlock()
	if id != "srv-1" {
		return collectors.ErrUnknownDevice
	}
	if do != nil {
		if err := do(ctx, a); err != nil {
			return err
		}
	}
	s.set(func() { s.lit[a.Component] = a.On })
	return nil
}

func (s *stage) Hasten(_ hw.DeviceID, sections ...string) error {
	s.set(func() { s.hasten = append(s.hasten, sections...) })
	return nil
}

func (s *stage) Learn(_ hw.DeviceID, key, value string) error {
	s.set(func() { s.learned = slices.Clone(s.learned).With(key, value) })
	return nil
}

func (s *stage) Learned(id hw.DeviceID) (hw.Attrs, error) {
	if id != "srv-1" {
		return nil, collectors.ErrUnknownDevice
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.learned, nil
}

func (s *stage) VisitNow(hw.DeviceID) error { s.set(func() { s.visits++ }); return nil }

// with runs f beside the acts of one life of the box.
func (s *stage) with(f func(a *acts)) {
	s.t.Helper()
	a := newActs(s, s, s, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	synctest.Wait()
	f(a)
	cancel()
	if err := <-done; err != nil {
		s.t.Error(err)
	}
}

func (s *stage) wantSaid(want ...string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := cmp.Diff(want, s.said); d != "" {
		s.t.Errorf("said: %s", d)
	}
}

func (s *stage) wantLit(want ...string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var lit []string
	for c, on := range s.lit {
		if on {
			lit = append(lit, c)
		}
	}
	slices.Sort(lit)
	if !slices.Equal(lit, want) {
		s.t.Errorf("after %s %v blink, want %v", s.since(), lit, want)
	}
}

func (s *stage) locate(a *acts, component string, on bool, lasts time.Duration) located {
	s.t.Helper()
	l, err := a.Locate(s.t.Context(), "engineer", "srv-1", component, on, lasts)
	if err != nil {
		s.t.Fatal(err)
	}
	return l
}

func TestLocateEndsByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.with(func(a *acts) {
			l := s.locate(a, "drive/1", true, 0)
			if l.Phase != hw.ActDone || !l.Until.Equal(s.begun.Add(15*time.Minute)) {
				t.Errorf("located %+v", l)
			}
			s.locate(a, "drive/2", true, time.Minute)
			s.locate(a, hw.ChassisPath, true, 24*time.Hour)
			s.wantLit("drive/1", "drive/2", "system")
			time.Sleep(2 * time.Minute)
			s.locate(a, hw.ChassisPath, false, 0)
			s.wantLit("drive/1")
			time.Sleep(14 * time.Minute)
			s.wantLit()
			time.Sleep(25 * time.Hour)
		})
		s.wantSaid("0s drive/1 intended true engineer", "0s drive/1 done true engineer",
			"0s drive/2 intended true engineer", "0s drive/2 done true engineer",
			"0s system intended true engineer", "0s system done true engineer",
			"1m0s drive/2 intended false", "1m0s drive/2 done false",
			"2m0s system intended false engineer", "2m0s system done false engineer",
			"15m0s drive/1 intended false", "15m0s drive/1 done false")
		if want := []string{"raid", "raid", "raid", "raid"}; !slices.Equal(s.hasten, want) {
			t.Errorf("hastened %v, want %v", s.hasten, want)
		}
	})
}

func TestLocateLonger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.with(func(a *acts) {
			s.locate(a, "drive/1", true, 10*time.Minute)
			time.Sleep(9 * time.Minute)
			s.locate(a, "drive/1", true, 10*time.Minute)
			time.Sleep(5 * time.Minute)
			s.wantLit("drive/1")
			s.set(func() { s.do = failed(hw.NotReady) })
			if l := s.locate(a, "drive/1", true, time.Hour); l.Phase != hw.ActUnknown || l.Until.After(time.Now().Add(6*time.Minute)) {
				t.Errorf("located %+v", l) // it blinks as before
			}
			s.set(func() { s.do = nil })
			time.Sleep(6 * time.Minute)
			s.wantLit()
		})
	})
}

func TestLocateRefuses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.with(func(a *acts) {
			for _, c := range []struct {
				device    hw.DeviceID
				component string
				lasts     time.Duration
				want      string
			}{
				{"srv-1", "drive/3", 0, "no part"}, {"srv-2", "drive/1", 0, "ever read"}, {"srv-1", "drive/1", 25 * time.Hour, "24h"},
				{"srv-1", "drive/1", -time.Second, "24h"}, {"srv-1", "drive/1", time.Millisecond, "24h"},
			} {
				if _, err := a.Locate(t.Context(), "e", c.device, c.component, true, c.lasts); !errors.Is(err, errActRefused) || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%+v: %v", c, err)
				}
			}
			s.set(func() { s.refuse = errors.New("disk full") })
			if _, err := a.Locate(t.Context(), "e", "srv-1", "drive/1", true, 0); err == nil {
				t.Error("an act was done that is not in the journal")
			}
			time.Sleep(time.Second)
			if _, told, _ := s.heard(); len(told) > 0 {
				t.Errorf("the device was told %v", told)
			}
			s.set(func() { s.refuse = nil })
			time.Sleep(time.Minute) // what was not taken may be written all the same: it is ended
			if said, _, _ := s.heard(); !slices.Equal(said, []string{"30s drive/1 intended false", "30s drive/1 done false"}) {
				t.Errorf("said %q", said)
			}
			s.set(func() {
				s.said, s.begun = nil, time.Now()
				s.do = func(context.Context, hw.Action) error { time.Sleep(20 * time.Second); return nil }
			})
			go func() { _, _ = a.Locate(t.Context(), "e", "srv-1", "drive/1", true, 0) }()
			synctest.Wait()
			if _, err := a.Locate(t.Context(), "f", "srv-1", "drive/1", false, 0); !errors.Is(err, errActBusy) {
				t.Errorf("two on one part: %v", err)
			}
			time.Sleep(time.Minute)
		})
		s.wantLit("drive/1")
		s.wantSaid("0s drive/1 intended true e", "20s drive/1 done true e")
	})
}

func failed(reason hw.Reason) func(context.Context, hw.Action) error {
	return func(context.Context, hw.Action) error {
		return &collectors.VisitError{Reason: reason, Err: errors.New("blink")}
	}
}

// TestWhatCameOfAnAct: what surely was not done has failed and needs no end; what may have been done has one.
func TestWhatCameOfAnAct(t *testing.T) {
	t.Parallel()
	for reason, want := range map[hw.Reason]hw.Phase{
		hw.NotSupported: hw.ActFailed, hw.LockedOut: hw.ActFailed, hw.CertChanged: hw.ActFailed, hw.AuthFailed: hw.ActFailed, hw.Refused: hw.ActFailed,
		hw.NoAnswer: hw.ActUnknown, hw.OutOfTime: hw.ActUnknown, hw.Garbage: hw.ActUnknown, hw.DeviceError: hw.ActUnknown, hw.Cancelled: hw.ActUnknown,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t)
			s.do = failed(reason)
			s.with(func(a *acts) {
				if l := s.locate(a, "drive/1", true, time.Minute); l.Phase != want || l.Reason != reason || l.Detail == "" {
					t.Errorf("%s: %+v", reason, l)
				}
				s.set(func() { s.do = nil; s.lit["drive/1"] = true })
				time.Sleep(2 * time.Minute)
			})
			_, _, lit := s.heard()
			if ended := !lit["drive/1"]; ended != (want == hw.ActUnknown) {
				t.Errorf("%s: ended %t", reason, ended)
			}
		})
	}
}

func TestEndIsTriedWhileTheDeviceIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.with(func(a *acts) {
			s.locate(a, "drive/1", true, time.Minute)
			s.locate(a, "drive/2", true, time.Minute)
			s.set(func() { s.do = failed(hw.NoAnswer) })
			time.Sleep(3 * time.Hour)
			s.set(func() { s.do = nil })
			time.Sleep(16 * time.Minute)
			s.wantLit()
			if _, told, _ := s.heard(); len(told) < 20 || len(told) > 40 {
				t.Errorf("the device was told %d times: %v", len(told), told)
			}
		})
		if said, _, _ := s.heard(); len(said) != 8 {
			t.Errorf("%d facts: %v", len(said), said)
		}
	})
}

func TestEndIsGivenUp(t *testing.T) {
	t.Parallel()
	for reason, within := range map[hw.Reason]time.Duration{hw.NoAnswer: 25 * time.Hour, hw.NotSupported: 2 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t)
			s.with(func(a *acts) {
				s.locate(a, "drive/1", true, time.Minute)
				s.set(func() { s.do = failed(reason) })
				time.Sleep(within)
				_, before, _ := s.heard()
				time.Sleep(48 * time.Hour)
				said, told, _ := s.heard()
				if last := said[len(said)-1]; len(told) != len(before) || !strings.Contains(last, "failed false") || !strings.HasSuffix(last, string(reason)) {
					t.Errorf("told %d times, then %d; said at last %q", len(before), len(told), last)
				}
			})
			s.with(func(*acts) { time.Sleep(time.Hour) }) // nor by the next run
			if said, _, _ := s.heard(); strings.Count(strings.Join(said, "\n"), "intended false") != 1 {
				t.Errorf("said %v", said)
			}
		})
	}
}

// TestRestart: whatever was lit or left open when the box stopped ends in time.
func TestRestart(t *testing.T) {
	t.Parallel()
	act := func(phase hw.Phase, on bool, until time.Duration) hw.ActValue {
		v := hw.ActValue{Phase: phase, On: on, Who: "engineer", Since: time.Now()}
		if on {
			v.Until = time.Now().Add(until)
		}
		return v
	}
	for _, c := range []struct {
		name  string
		phase hw.Phase
		on    bool
		until time.Duration
		end   string // when it is told to end; empty: never
		first string // what is said at once; empty: nothing
	}{
		{"lit", hw.ActDone, true, 10 * time.Minute, "10m0s", ""},
		{"over while the box was away", hw.ActDone, true, -time.Hour, "0s", "intended false"},
		{"lit, and the clock was set back ten years", hw.ActDone, true, 10 * 365 * 24 * time.Hour, "24h0m0s", ""},
		{"it may be lit", hw.ActUnknown, true, 10 * time.Minute, "10m0s", ""},
		{"the box died in the act", hw.ActIntended, true, 10 * time.Minute, "10m0s", "unknown true engineer appliance-crash"},
		{"the box died in the end of it", hw.ActIntended, false, 0, "0s", "done false engineer"},
		{"the end may have been told", hw.ActUnknown, false, 0, "0s", "done false engineer"},
		{"never lit", hw.ActFailed, true, 10 * time.Minute, "", ""},
		{"ended", hw.ActDone, false, 0, "", ""},
		{"given up", hw.ActFailed, false, 0, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				f := hw.Fact{Kind: hw.ActFact, Device: "srv-1", Component: "drive/1", Group: hw.Locate, Value: act(c.phase, c.on, c.until)}
				s.view[f.Register()] = f
				other := hw.Fact{Kind: hw.ActFact, Device: "srv-1", Component: "drive/2", Group: hw.ActSilence, Value: act(hw.ActDone, true, time.Minute)}
				s.view[other.Register()] = other
				s.with(func(*acts) {
					said, _, _ := s.heard()
					if got := strings.Join(said, ";"); c.first == "" && got != "" || !strings.Contains(got, c.first) {
						t.Errorf("said %q at once, want %q", got, c.first)
					}
					time.Sleep(48 * time.Hour)
				})
				var want []string
				if c.end != "" {
					want = []string{c.end + " locate drive/1 false"}
				}
				if _, told, _ := s.heard(); !slices.Equal(want, told) {
					t.Errorf("told %v, want %v", told, want)
				}
			})
		})
	}
}

// TestStopInTheEnd: a box that stops in the middle of ending a light leaves that to the next run.
func TestStopInTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.with(func(a *acts) {
			s.locate(a, "drive/1", true, time.Minute)
			stopped := make(chan struct{})
			s.set(func() { s.do = func(context.Context, hw.Action) error { <-stopped; return context.Canceled } })
			time.Sleep(time.Minute + time.Second)
			go func() { time.Sleep(time.Second); close(stopped) }() // as the poller does when it stops
		})
		s.set(func() { s.do = nil })
		s.with(func(*acts) { time.Sleep(time.Second) })
		s.wantLit()
		if said, _, _ := s.heard(); !strings.Contains(said[len(said)-1], "done false") {
			t.Errorf("said %q", said)
		}
	})
}

func TestTrust(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const seen = "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c"
		s := newStage(t)
		s.learned = hw.Attrs{{Key: redfish.CertificatePin, Value: "aa"}}
		s.with(func(a *acts) {
			if _, err := a.Trust(t.Context(), "e", "srv-1", ""); !errors.Is(err, errActRefused) {
				t.Errorf("nothing to trust: %v", err)
			}
			_ = s.Learn("srv-1", redfish.CertificateSeen, seen)
			if _, err := a.Trust(t.Context(), "e", "srv-2", ""); !errors.Is(err, errActRefused) {
				t.Errorf("no such device: %v", err)
			}
			if _, err := a.Trust(t.Context(), "e", "srv-1", "b5:bc"); !errors.Is(err, errActRefused) || !strings.Contains(err.Error(), seen) {
				t.Errorf("another certificate: %v", err)
			}
			s.set(func() { s.refuse = errors.New("disk full") })
			if _, err := a.Trust(t.Context(), "e", "srv-1", seen); err == nil || s.learned.Get(redfish.CertificatePin) != "aa" {
				t.Errorf("trusted without a word in the journal: %v", err)
			}
			s.set(func() { s.refuse = nil })
			got, err := a.Trust(t.Context(), "e", "srv-1", strings.ToUpper("b5:bb"+seen[4:]))
			if want := (trusted{seen, "aa"}); err != nil || got != want {
				t.Errorf("trusted %+v: %v", got, err)
			}
		})
		if d := cmp.Diff(hw.Attrs{{Key: redfish.CertificatePin, Value: seen}}, s.learned); d != "" || s.visits != 1 {
			t.Errorf("%d visits, learned %s", s.visits, d)
		}
		s.wantSaid("0s  done true e", "0s certificate {"+seen+"}", "0s certificate_seen <nil>")
	})
}
