package collectors_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/collectors"
	"rackpost/hw"
)

func TestDeadAndSlowDevicesCostOnlyThemselves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		live, dead, slow := ids("live", 980), ids("dead", 10), ids("slow", 10)
		for _, id := range dead {
			l.act[id] = failing(hw.NoAnswer, 20*time.Second)
		}
		for _, id := range slow {
			l.act[id] = after(4 * time.Second)
		}
		p := l.poller(t, l.watched(l.kind(fast(time.Minute)), slices.Concat(live, dead, slow)...))
		start := time.Now()
		l.watch(t, p, 30*time.Minute)

		var firsts []time.Time
		for _, id := range slices.Concat(live, slow) {
			trips := l.trips(id)
			firsts = append(firsts, trips[0].at)
			// The second visit falls on the device's place in the minute; from there each is on time.
			for i, w := range waits(trips)[1:] {
				if w != time.Minute {
					t.Fatalf("%s: visit %d came %v after the one before", id, i+2, w)
				}
			}
			if len(trips) < 30 {
				t.Errorf("%s: %d visits in 30 minutes", id, len(trips))
			}
		}
		slices.SortFunc(firsts, time.Time.Compare)
		if last := firsts[len(firsts)-1].Sub(start); last > 10*time.Second {
			t.Errorf("the last device was first visited after %v", last)
		}
		for i := 1; i < len(firsts); i++ {
			if firsts[i].Equal(firsts[i-1]) {
				t.Fatal("two first visits at the same time")
			}
		}
		for _, id := range dead {
			if n := len(l.trips(id)); n < 4 || n > 6 {
				t.Errorf("%s: %d visits in 30 minutes", id, n)
			}
		}
	})
}

func TestBackOffLadder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		period time.Duration
		want   []time.Duration // each may be a tenth longer
	}{
		{"a period shorter than the first step", 10 * time.Second, minutes(0.5, 2, 5, 15, 15)},
		{"a minute", time.Minute, minutes(1, 2, 5, 15, 15)},
		{"an hour keeps its period", time.Hour, minutes(60, 60, 60)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLab()
				l.act["a"] = failing(hw.NoAnswer, 0)
				l.watch(t, l.poller(t, l.watched(l.kind(fast(c.period)), "a")), 10*time.Hour)
				got := waits(l.trips("a"))[:len(c.want)]
				for i, want := range c.want {
					if got[i] < want || got[i] > want+want/10 {
						t.Errorf("wait %d is %v, want %v", i+1, got[i], want)
					}
				}
				if again := waits(l.trips("a"))[:len(c.want)]; !slices.Equal(got, again) {
					t.Errorf("the jitter differs: %v and %v", got, again)
				}
			})
		})
	}
}

func minutes(m ...float64) []time.Duration {
	var out []time.Duration
	for _, x := range m {
		out = append(out, time.Duration(x*float64(time.Minute)))
	}
	return out
}

func TestRetryAfterIsObeyed(t *testing.T) {
	t.Parallel()
	for asked, want := range map[time.Duration]time.Duration{
		-time.Hour:       time.Minute,
		10 * time.Second: time.Minute,
		10 * time.Minute: 10 * time.Minute,
		time.Hour * 1e6:  time.Hour,
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab()
			l.act["a"] = func(context.Context, []collectors.Section) (hw.Report, error) {
				return hw.Report{}, &collectors.VisitError{Reason: hw.NotReady, RetryAfter: asked}
			}
			l.watch(t, l.poller(t, l.watched(l.kind(fast(time.Minute)), "a")), 2*time.Hour)
			if got := waits(l.trips("a"))[0]; got != want {
				t.Errorf("asked for %v, waited %v, want %v", asked, got, want)
			}
		})
	}
}

func TestFailedVisitIsAReport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		l.act["a"] = failing(hw.NoAnswer, 3*time.Second)
		kind := l.kind(fast(time.Minute), collectors.Section{Name: "slow", Period: time.Hour})
		p := l.poller(t, l.watched(kind, "a"))
		start := time.Now().Round(0)
		l.watch(t, p, 10*time.Second)
		want := []hw.Report{{
			Device: "a", Kind: "made-up", Started: start, Took: 3 * time.Second, Period: time.Minute, Shortest: time.Minute,
			Read: []hw.Scope{{Section: "fast"}, {Section: "slow"}},
			Gaps: []hw.Gap{{What: hw.VisitGap, Reason: hw.NoAnswer, Detail: "ask for the name"}}, Learned: hw.Attrs{},
		}}
		if diff := cmp.Diff(want, l.stored("a")); diff != "" {
			t.Error(diff)
		}
	})
}

// A visit that read something and was not answered in the end, or cut short before it was, says so until the next one; an answer nobody likes is one.
func TestUnansweredIsOfTheLastVisit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		p := l.poller(t, l.watched(l.kind(fast(time.Minute)), "a"))
		gaps := []hw.Reason{hw.NoAnswer, hw.Garbage, hw.Unreachable, "", hw.OutOfTime, hw.Cancelled}
		l.act["a"] = func(ctx context.Context, due []collectors.Section) (hw.Report, error) {
			r, err := well(ctx, due)
			if why := gaps[len(l.trips("a"))-1]; why != "" {
				r.Gaps = append(r.Gaps, hw.Gap{What: "fast/x", Reason: why})
			}
			return r, err
		}
		err := during(t, p, func() {
			time.Sleep(time.Second)
			for n, want := range []bool{true, false, true, false, true, true} {
				if s := p.Status()[0]; s.Unanswered != want || s.Failures != 0 {
					t.Errorf("after visit %d: %+v", n, s)
				}
				if n < len(gaps)-1 {
					time.Sleep(time.Minute)
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestRecoveryReadsEverythingAndEndsBackOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		l.act["a"] = failing(hw.NoAnswer, time.Second)
		kind := l.kind(fast(time.Minute), collectors.Section{Name: "slow", Period: time.Hour})
		p := l.poller(t, l.watched(kind, "a"))
		err := during(t, p, func() {
			time.Sleep(4 * time.Minute)
			if s := p.Status()[0]; s.Failures != 3 || !s.Unanswered || s.Reason != hw.NoAnswer || s.BackOffUntil.IsZero() || !s.LastGood.IsZero() {
				t.Errorf("status while dead: %+v", s)
			}
			l.set(func() { l.act["a"] = well })
			time.Sleep(20 * time.Minute)
		})
		if err != nil {
			t.Fatal(err)
		}
		trips := l.trips("a")
		if first := trips[3]; !slices.Equal(first.due, []string{"fast", "slow"}) {
			t.Errorf("the first good visit read %v", first.due)
		}
		for _, w := range waits(trips)[4:] {
			if w != time.Minute {
				t.Errorf("a wait of %v after the recovery", w)
			}
		}
		if s := p.Status()[0]; s.Failures != 0 || s.Unanswered || s.Reason != "" || s.LastGood.IsZero() || s.Requests != 7 || s.Missed != 0 {
			t.Errorf("status after the recovery: %+v", s)
		}
	})
}

func TestWallClockJumpMovesNoVisit(t *testing.T) {
	t.Parallel()
	for _, jump := range []time.Duration{time.Hour, -time.Hour, 10 * 365 * 24 * time.Hour, -10 * 365 * 24 * time.Hour} {
		t.Run(jump.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLab()
				p := l.poller(t, l.watched(l.kind(fast(time.Minute)), "a"))
				err := during(t, p, func() {
					time.Sleep(5*time.Minute + 30*time.Second)
					l.set(func() { l.shift = jump })
					time.Sleep(5 * time.Minute)
					if s := p.Status()[0]; s.SinceGood > time.Minute || s.SinceGood < 0 {
						t.Errorf("the data's age is %v after the jump", s.SinceGood)
					}
				})
				if err != nil {
					t.Fatal(err)
				}
				for _, w := range waits(l.trips("a"))[1:] {
					if w != time.Minute {
						t.Errorf("a wait of %v", w)
					}
				}
				reports := l.stored("a")
				last, at := reports[len(reports)-1], l.trips("a")[len(reports)-1].at
				if got := last.Started.Sub(at.Round(0)); got != jump {
					t.Errorf("the report's time is off by %v, want %v", got, jump)
				}
				for _, r := range reports {
					if r.Took != 100*time.Millisecond {
						t.Errorf("a visit took %v", r.Took)
					}
				}
			})
		})
	}
}

func TestMissedVisitsBecomeOneGap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		p := l.poller(t, l.watched(l.kind(fast(time.Minute)), "a"))
		free := make(chan struct{})
		err := during(t, p, func() {
			time.Sleep(3 * time.Minute)
			l.set(func() {
				l.put = func(context.Context, hw.Report) error { <-free; return nil }
			})
			time.Sleep(10 * time.Minute)
			close(free)
			time.Sleep(3 * time.Minute)
		})
		if err != nil {
			t.Fatal(err)
		}
		reports := l.stored("a")
		gaps := gapsOf(reports, hw.Missed)
		if len(gaps) != 1 {
			t.Fatalf("%d gaps: %v", len(gaps), gaps)
		}
		g := gaps[0]
		i := slices.IndexFunc(reports, func(r hw.Report) bool { return len(r.Gaps) > 0 })
		if g.What != hw.VisitGap || !g.To.Equal(reports[i].Started) || !g.From.Equal(reports[i-1].Started.Add(time.Minute)) {
			t.Errorf("the gap is %+v, the visits around it started %v and %v", g, reports[i-1].Started, reports[i].Started)
		}
		// 10 minutes held: of the visits due in them one was waiting, one came late.
		if n := p.Status()[0].Missed; n < 8 || n > 9 {
			t.Errorf("%d visits counted as missed", n)
		}
	})
}

func TestOverrunBecomesAGap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		l.act["a"] = func(_ context.Context, due []collectors.Section) (hw.Report, error) {
			return after(150*time.Second)(context.Background(), due) // pays no heed to its budget
		}
		p := l.poller(t, l.watched(l.kind(fast(time.Minute)), "a"))
		l.watch(t, p, 20*time.Minute)
		reports := l.stored("a")
		for _, r := range reports[1 : len(reports)-1] {
			if len(r.Gaps) != 1 || r.Gaps[0].Reason != hw.Missed {
				t.Errorf("gaps %+v", r.Gaps)
			}
		}
	})
}

func TestBudgetEndsAVisit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		l.act["a"] = after(time.Hour)
		p := l.poller(t, l.watched(l.kind(fast(time.Minute)), "a"))
		l.watch(t, p, time.Minute)
		r := l.stored("a")[0]
		if r.Took != 54*time.Second || r.Gaps[0].Reason != hw.OutOfTime {
			t.Errorf("took %v, gaps %+v", r.Took, r.Gaps)
		}
	})
}

func TestSectionsRideTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		kind := l.kind(fast(time.Minute), collectors.Section{Name: "slow", Period: 5 * time.Minute},
			collectors.Section{Name: "hourly", Period: time.Hour}, collectors.Section{Name: "off"})
		watched := l.watched(kind, "a")
		p := l.poller(t, watched)
		l.watch(t, p, 10*time.Hour)
		count := map[string]int{}
		trips := l.trips("a")
		for _, trip := range trips {
			if !slices.Contains(trip.due, "fast") {
				t.Errorf("a visit of its own for %v", trip.due)
			}
			for _, s := range trip.due {
				count[s]++
			}
		}
		want := map[string]int{"fast": 601, "slow": 121, "hourly": 11}
		if diff := cmp.Diff(want, count); diff != "" {
			t.Error(diff)
		}
	})
}

func TestFailedSectionIsHastenedAFewTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		l.act["a"] = func(ctx context.Context, due []collectors.Section) (hw.Report, error) {
			r, err := well(ctx, due)
			for i := range r.Read {
				if r.Read[i].Section == "daily" {
					r.Read[i].Extent = hw.Failed
				}
			}
			return r, err
		}
		kind := l.kind(fast(time.Minute), collectors.Section{Name: "daily", Period: 24 * time.Hour})
		l.watch(t, l.poller(t, l.watched(kind, "a")), 23*time.Hour)
		n := 0
		for _, trip := range l.trips("a") {
			if slices.Contains(trip.due, "daily") {
				n++
			}
		}
		if n != 5 && n != 6 { // the first, four more, and the day's own when it falls into the 23 hours
			t.Errorf("the failed section was read %d times", n)
		}
	})
}

func TestStartStopKeepsWhatWasLearned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		l.act["dead"] = failing(hw.NoAnswer, 0)
		l.act["a"] = func(ctx context.Context, due []collectors.Section) (hw.Report, error) {
			n, _ := l.memoryOf("a").Get("visits")
			l.memoryOf("a").Set("visits", n+1)
			return well(ctx, due)
		}
		p := l.poller(t, l.watched(l.kind(fast(time.Minute)), "a", "dead"))
		for range 60 {
			l.watch(t, p, 10*time.Second)
		}
		if n := len(l.trips("a")); n < 9 || n > 12 {
			t.Errorf("%d visits in 600 s of ten-second terms", n)
		}
		if n, _ := l.memoryOf("a").Get("visits"); int(n) != len(l.trips("a")) {
			t.Errorf("the memory counts %d visits of %d", n, len(l.trips("a")))
		}
		if n := len(l.trips("dead")); n != 4 { // at 0, 60, 180 and 480 s, a little later each
			t.Errorf("the dead device was visited %d times in 600 s", n)
		}
		if gaps := gapsOf(l.stored("a"), hw.Missed); len(gaps) != 0 {
			t.Errorf("not running counts as missed: %v", gaps)
		}
	})
}

func TestLongestOverdueFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		all := ids("d", 200)
		p := l.poller(t, l.watched(l.kind(fast(time.Minute)), all...))
		l.watch(t, p, 2*time.Minute)
		due := map[hw.DeviceID]time.Time{}
		for _, s := range p.Status() {
			due[s.Device.ID] = s.NextDue
		}
		time.Sleep(time.Hour)
		seen := map[hw.DeviceID]int{}
		for _, id := range all {
			seen[id] = len(l.trips(id))
		}
		restart := time.Now()
		l.watch(t, p, 30*time.Second)

		first := func(id hw.DeviceID) time.Time { return l.trips(id)[seen[id]].at }
		slices.SortFunc(all, func(a, b hw.DeviceID) int { return first(a).Compare(first(b)) })
		for i := 1; i < len(all); i++ {
			if due[all[i]].Before(due[all[i-1]]) {
				t.Fatalf("%s, due at %v, came before %s, due at %v", all[i-1], due[all[i-1]], all[i], due[all[i]])
			}
		}
		if last := first(all[len(all)-1]).Sub(restart); last > 4*time.Second {
			t.Errorf("the last of 200 overdue devices was visited after %v", last)
		}
	})
}

func TestStorageErrorEndsRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		broken := errors.New("disk is gone")
		l.put = func(_ context.Context, r hw.Report) error {
			if r.Device == "d-003" {
				return broken
			}
			return nil
		}
		p := l.poller(t, l.watched(l.kind(fast(time.Minute)), ids("d", 10)...))
		err := p.Run(t.Context())
		if !errors.Is(err, broken) || !strings.Contains(err.Error(), "d-003") {
			t.Errorf("run: %v", err)
		}
		if n := l.open(); n != 0 {
			t.Errorf("%d sessions left", n)
		}
	})
}

func TestFinishedReportIsStoredAtTheEnd(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		takes  time.Duration
		stored int
	}{{"within the grace", time.Second, 1}, {"never", time.Hour, 0}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLab()
				l.put = func(ctx context.Context, _ hw.Report) error {
					select {
					case <-ctx.Done():
						return ctx.Err()
					case <-time.After(c.takes):
						return nil
					}
				}
				p := l.poller(t, l.watched(l.kind(fast(time.Minute)), "a"))
				start := time.Now()
				l.watch(t, p, 200*time.Millisecond)
				if took := time.Since(start); took > 3*time.Second {
					t.Errorf("stopping took %v", took)
				}
				if n := len(l.stored("a")); n != c.stored {
					t.Errorf("%d reports stored, want %d", n, c.stored)
				}
			})
		})
	}
}

func TestCalledOffVisitLeavesNoTrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		l.act["a"] = after(5 * time.Second)
		p := l.poller(t, l.watched(l.kind(fast(time.Minute)), "a"))
		l.watch(t, p, time.Second)
		if got := l.stored("a"); len(got) != 0 {
			t.Errorf("stored %+v", got)
		}
		l.watch(t, p, 10*time.Second)
		if s := p.Status()[0]; len(l.trips("a")) < 2 || s.Failures != 0 {
			t.Errorf("%d visits, status %+v", len(l.trips("a")), s)
		}
	})
}

func TestRunRefusesToRunTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		p := l.poller(t, l.watched(l.kind(fast(time.Minute)), "a"))
		if err := during(t, p, func() {
			if err := p.Run(t.Context()); err == nil {
				t.Error("a second run at the same time was not refused")
			}
		}); err != nil {
			t.Error(err)
		}
	})
}
