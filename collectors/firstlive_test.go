package collectors_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/collectors"
	"rackpost/hw"
)

// server is a kind as servers have it: a heartbeat that is read first, and slow sections.
func (l *lab) server() collectors.Kind {
	return l.kind(
		collectors.Section{Name: "beat", Period: time.Minute, First: true},
		collectors.Section{Name: "raid", Period: 5 * time.Minute},
		collectors.Section{Name: "inventory", Period: time.Hour},
	)
}

// answering reads a heartbeat in beat and anything else in rest, or as much of it as there is time for.
func answering(beat, rest time.Duration) action {
	return func(ctx context.Context, due []collectors.Section) (hw.Report, error) {
		if due[0].Name == "beat" {
			return after(beat)(ctx, due)
		}
		r, err := after(rest)(ctx, due)
		if !errors.Is(err, context.DeadlineExceeded) {
			return r, err
		}
		r = hw.Report{Unit: &hw.Unit{Serial: "A1"}}
		for _, s := range due {
			r.Read = append(r.Read, hw.Scope{Section: s.Name})
			r.Gaps = append(r.Gaps, hw.Gap{What: s.Name, Reason: hw.OutOfTime})
		}
		return r, nil
	}
}

func isBeat(r hw.Report) bool { return len(r.Read) == 1 && r.Read[0].Section == "beat" }

// late returns how much later than the report before promised each heartbeat was, and how long it took.
func late(reports []hw.Report) (all []time.Duration) {
	for i, r := range reports[1:] {
		if before := reports[i]; isBeat(r) {
			all = append(all, max(0, r.Started.Sub(before.Started.Add(before.Period)))+r.Took)
		}
	}
	return all
}

func TestHeartbeatDoesNotWaitForTheRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		l.act["a"] = answering(200*time.Millisecond, 9*time.Second)
		p := l.poller(t, l.watched(l.server(), "a"))
		err := during(t, p, func() {
			time.Sleep(time.Second)
			if stored := l.stored("a"); len(stored) != 1 || !isBeat(stored[0]) {
				t.Errorf("after a second there are %d reports", len(stored))
			}
			if s := p.Status()[0]; s.InFlightSince.IsZero() || s.LastGood.IsZero() {
				t.Errorf("while the rest is read: %+v", s)
			}
			time.Sleep(2 * time.Hour)
		})
		if err != nil {
			t.Fatal(err)
		}
		stored := l.stored("a")
		for i, d := range late(stored[2:]) {
			if d > 300*time.Millisecond {
				t.Errorf("heartbeat %d was stored after %v", i, d)
			}
		}
		beats := 0
		for i, x := range l.trips("a") {
			switch before := max(i-1, 0); {
			case slices.Equal(x.due, []string{"beat"}):
				beats++
			case slices.Contains(x.due, "beat"):
				t.Errorf("%v were read together", x.due)
			case x.at.Sub(l.trips("a")[before].at) != 200*time.Millisecond:
				t.Errorf("%v were read %v after the heartbeat", x.due, x.at.Sub(l.trips("a")[before].at))
			}
		}
		if n := len(readings(l.trips("a"), "raid")); beats < 119 || n < 24 || n > 26 {
			t.Errorf("%d heartbeats, raid read %d times", beats, n)
		}
		if _, made, most := l.sessionsOf("a"); made != 1 || most != 1 || p.Status()[0].Missed != 0 {
			t.Errorf("%d sessions, %d at once, %d visits missed", made, most, p.Status()[0].Missed)
		}
	})
}

// A dead device is asked for its heartbeat and nothing else, ever less often. When it is back all is read, and
// nothing but the failures is told of the time between.
func TestRestIsNotAskedOfADeadDevice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		l.act["a"] = failing(hw.NoAnswer, 2*time.Second)
		p := l.poller(t, l.watched(l.server(), "a"))
		var dead int
		err := during(t, p, func() {
			time.Sleep(2 * time.Hour)
			l.set(func() { l.act["a"] = answering(200*time.Millisecond, 9*time.Second) })
			for _, x := range l.trips("a") {
				dead++
				if !slices.Equal(x.due, []string{"beat"}) {
					t.Errorf("%v asked of a dead device", x.due)
				}
			}
			if wait := waits(l.trips("a")); len(wait) < 5 || len(wait) > 12 || slices.Max(wait) < 15*time.Minute {
				t.Errorf("visits after %v", wait)
			}
			time.Sleep(20 * time.Minute)
		})
		if err != nil {
			t.Fatal(err)
		}
		back := l.trips("a")[dead:]
		if len(back) < 2 || !slices.Equal(back[0].due, []string{"beat"}) || !slices.Equal(back[1].due, []string{"raid", "inventory"}) {
			t.Errorf("when it is back: %v", back[:min(len(back), 2)])
		}
		if s := p.Status()[0]; s.Failures != 0 || s.Missed != 0 || len(gapsOf(l.stored("a"), hw.Missed)) != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// A device whose heartbeat cannot be read, and the rest can, does not fail; one of which nothing can be read does.
func TestUnreadHeartbeatOfADeviceThatAnswers(t *testing.T) {
	t.Parallel()
	for _, well := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab()
			l.act["a"] = func(ctx context.Context, due []collectors.Section) (hw.Report, error) {
				if due[0].Name != "beat" && well {
					return after(time.Second)(ctx, due)
				}
				r := hw.Report{Requests: 1}
				for _, s := range due {
					r.Read = append(r.Read, hw.Scope{Section: s.Name})
					r.Gaps = append(r.Gaps, hw.Gap{What: s.Name + "/system", Reason: hw.Garbage})
				}
				return r, nil
			}
			p := l.poller(t, l.watched(l.server(), "a"))
			l.watch(t, p, time.Hour)
			s := p.Status()[0]
			if failed := s.Failures > 0; failed == well || s.LastGood.IsZero() == well || s.Missed != 0 {
				t.Errorf("rest read %v: %+v", well, s)
			}
			beats, rest := len(readings(l.trips("a"), "beat")), len(readings(l.trips("a"), "raid"))
			if well && (beats < 59 || rest < 12) || !well && (beats > 9 || rest > 8) {
				t.Errorf("rest read %v: %d heartbeats, raid read %d times", well, beats, rest)
			}
			for _, g := range gapsOf(l.stored("a"), hw.Garbage) {
				if well && g.What == hw.VisitGap {
					t.Errorf("a visit is told as failed: %+v", g)
				}
			}
		})
	}
}

// With answers after 18 s the rest gets what the heartbeat left of the time, and every heartbeat comes when it is due.
func TestSlowDeviceKeepsItsHeartbeat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		l.act["a"] = answering(18*time.Second, time.Hour)
		l.watch(t, l.poller(t, l.watched(l.server(), "a")), time.Hour)
		stored := l.stored("a")
		for i, d := range late(stored[3:]) {
			if d != 18*time.Second {
				t.Errorf("heartbeat %d was stored after %v", i, d)
			}
		}
		rest := 0
		for _, r := range stored {
			if isBeat(r) {
				continue
			}
			if rest++; r.Took != 36*time.Second {
				t.Errorf("the rest took %v", r.Took)
			}
		}
		if rest < 12 {
			t.Errorf("the rest was read %d times", rest)
		}
	})
}

// A visit asked for by a person reads all: the heartbeat and at once the rest. An act has its turn between them.
func TestVisitNowReadsTheRestToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		all := &doers{lab: l}
		l.act["a"] = answering(200*time.Millisecond, 9*time.Second)
		kind := all.kind(l.server().Sections...)
		p := l.poller(t, l.watched(kind, "a"))
		err := during(t, p, func() {
			time.Sleep(10*time.Minute + 30*time.Second)
			synctest.Wait()
			before := len(l.trips("a"))
			began := time.Now()
			if err := p.VisitNow("a"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Millisecond)
			if err := p.Act(t.Context(), "a", hw.Action{Name: hw.Locate, Component: hw.ChassisPath}); err != nil || time.Since(began) > time.Second {
				t.Errorf("an act ended after %v: %v", time.Since(began), err)
			}
			time.Sleep(10 * time.Second)
			if x := l.trips("a")[before:]; len(x) < 2 || !slices.Equal(x[0].due, []string{"beat"}) || !slices.Equal(x[1].due, []string{"raid", "inventory"}) {
				t.Errorf("visits %v", x)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// What waited behind a heartbeat when the poller stopped is read when it runs again.
func TestRestIsNotLostWithTheRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		l.act["a"] = answering(200*time.Millisecond, 9*time.Second)
		p := l.poller(t, l.watched(l.server(), "a"))
		l.watch(t, p, 3*time.Second)
		if stored := l.stored("a"); len(stored) != 1 || !isBeat(stored[0]) {
			t.Fatalf("%d reports", len(stored))
		}
		time.Sleep(time.Hour)
		before := len(l.trips("a"))
		l.watch(t, p, 15*time.Second)
		x := l.trips("a")[before:]
		if len(x) < 2 || !slices.Equal(x[0].due, []string{"beat"}) || !slices.Equal(x[1].due, []string{"raid", "inventory"}) || p.Status()[0].Missed != 0 {
			t.Errorf("visits %v, %d missed", x, p.Status()[0].Missed)
		}
	})
}

// A store that lets a heartbeat wait makes the poller miss visits, and it tells of them once.
func TestRestBehindASlowStoreMissesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		l.act["a"] = answering(200*time.Millisecond, time.Second)
		slow := false
		l.put = func(ctx context.Context, r hw.Report) error {
			l.mu.Lock()
			wait := slow && isBeat(r)
			slow = slow && !wait
			l.mu.Unlock()
			if wait {
				time.Sleep(10 * time.Minute)
			}
			return nil
		}
		p := l.poller(t, l.watched(l.server(), "a"))
		if err := during(t, p, func() {
			time.Sleep(31 * time.Minute)
			l.set(func() { slow = true })
			time.Sleep(30 * time.Minute)
		}); err != nil {
			t.Fatal(err)
		}
		gaps := gapsOf(l.stored("a"), hw.Missed)
		if s := p.Status()[0]; len(gaps) != 1 || s.Missed < 9 || s.Missed > 10 {
			t.Errorf("%d missed, told as %+v", s.Missed, gaps)
		}
	})
}
