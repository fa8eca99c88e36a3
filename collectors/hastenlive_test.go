package collectors_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/collectors"
	"rackpost/hw"
)

// hastening is a visit that reads everything in 100 ms and names sections while on says so.
func hastening(on func() bool, names ...string) action {
	return func(ctx context.Context, due []collectors.Section) (hw.Report, error) {
		r, err := well(ctx, due)
		if on() {
			r.Hasten = slices.Clone(names)
		}
		return r, err
	}
}

func readings(trips []trip, section string) []time.Time {
	var at []time.Time
	for _, t := range trips {
		if slices.Contains(t.due, section) {
			at = append(at, t.at)
		}
	}
	return at
}

// The visit that saw a change is followed at once by one that reads what changed, and no
// other; the device is not called late in between.
func TestPollerReadsWhatIsHastened(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		changed := false
		l.act["a"] = hastening(func() bool { return changed }, "slow", "off")
		kind := l.kind(fast(time.Minute), collectors.Section{Name: "slow", Period: time.Hour}, collectors.Section{Name: "off"})
		p := l.poller(t, l.watched(kind, "a"))
		var before int
		err := during(t, p, func() {
			time.Sleep(150 * time.Second)
			before = len(l.trips("a"))
			l.set(func() { changed = true })
			time.Sleep(time.Minute)
			l.set(func() { changed = false })
			time.Sleep(5 * time.Minute)
		})
		if err != nil {
			t.Fatal(err)
		}
		trips := l.trips("a")[before:]
		if len(trips) < 3 || !slices.Equal(trips[0].due, []string{"fast"}) || !slices.Equal(trips[1].due, []string{"slow"}) {
			t.Fatalf("visits after the change: %+v", trips)
		}
		if wait := trips[1].at.Sub(trips[0].at); wait != 100*time.Millisecond {
			t.Errorf("the hastened visit came %v after the one that saw the change", wait)
		}
		if wait := trips[2].at.Sub(trips[0].at); wait != time.Minute {
			t.Errorf("the fast visit came %v after the one before", wait)
		}
		for _, r := range l.stored("a")[before : before+2] {
			if end := r.Started.Add(r.Period); !end.Equal(trips[2].at.Round(0)) {
				t.Errorf("a report promises the next visit at %v, want %v", end, trips[2].at)
			}
		}
		if s := p.Status()[0]; s.Missed != 0 || len(gapsOf(l.stored("a"), hw.Missed)) != 0 {
			t.Errorf("missed visits: %+v", s)
		}
	})
}

// A counter that flaps for ever costs one reading a minute, a fast device's one in 30 s.
func TestFlappingCounterMakesNoLoop(t *testing.T) {
	t.Parallel()
	for period, pause := range map[time.Duration]time.Duration{time.Minute: time.Minute, time.Second: 30 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab()
			l.act["a"] = hastening(func() bool { return true }, "slow")
			kind := l.kind(fast(period), collectors.Section{Name: "slow", Period: 24 * time.Hour})
			p := l.poller(t, l.watched(kind, "a"))
			l.watch(t, p, time.Hour)
			at := readings(l.trips("a"), "slow")
			if most := int(time.Hour/pause) + 2; len(at) < most/2 || len(at) > most {
				t.Errorf("every %v: the slow section was read %d times in an hour", period, len(at))
			}
			for i := 1; i < len(at); i++ {
				if wait := at[i].Sub(at[i-1]); wait < pause {
					t.Errorf("every %v: read again after %v", period, wait)
				}
			}
			if s := p.Status()[0]; s.Missed != 0 {
				t.Errorf("every %v: %d visits missed", period, s.Missed)
			}
		})
	}
}

// A section the kind does not have is told once and changes nothing.
func TestHasteOfAnotherKindsSectionIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		l.act["a"] = hastening(func() bool { return true }, "ring")
		var log bytes.Buffer
		p, err := collectors.NewPoller(collectors.Config{
			Devices: l.watched(l.kind(fast(time.Minute)), "a"), Sink: l, Now: l.now, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		l.watch(t, p, 10*time.Minute)
		if n := strings.Count(log.String(), `kind \"made-up\" has none of that name`); n != 1 {
			t.Errorf("told %d times: %s", n, log.String())
		}
		for _, r := range l.stored("a") {
			if len(r.Hasten) != 0 {
				t.Errorf("stored with %q", r.Hasten)
			}
		}
	})
}

// A hastened visit of slow sections that does not end keeps the fast ones waiting no longer
// than a visit of theirs would.
func TestHastenedVisitHasTheBudgetOfAFastOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		l.act["a"] = func(ctx context.Context, due []collectors.Section) (hw.Report, error) {
			if len(due) == 1 && due[0].Name == "slow" {
				return after(time.Hour)(ctx, due)
			}
			return hastening(func() bool { return true }, "slow")(ctx, due)
		}
		kind := l.kind(fast(time.Minute), collectors.Section{Name: "slow", Period: time.Hour})
		l.watch(t, l.poller(t, l.watched(kind, "a")), 5*time.Minute)
		for _, r := range l.stored("a") {
			if r.Took > 54*time.Second {
				t.Errorf("a visit took %v", r.Took)
			}
		}
		if at := readings(l.trips("a"), "slow"); len(at) < 2 {
			t.Errorf("the slow section was read %d times", len(at))
		}
	})
}
