package collectors

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rackpost/hw"
)

func drawSections(t *rapid.T) []Section {
	var out []Section
	for i := range rapid.IntRange(1, 5).Draw(t, "sections") {
		out = append(out, Section{
			Name:   string(rune('a' + i)),
			Period: time.Duration(rapid.Int64Range(int64(minPeriod), int64(24*time.Hour)).Draw(t, "period")),
		})
	}
	return out
}

func drawID(t *rapid.T) hw.DeviceID {
	return hw.DeviceID(rapid.StringMatching(`[a-z0-9-]{1,12}`).Draw(t, "id"))
}

// Whatever the periods, visits made on time miss nothing, and every section is read once a
// period: never later than a period and a tenth after it was read before.
func TestVisitsOnTimeKeepEveryPeriod(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := newSchedule(drawID(t), drawFirst(t), false)
		s.hold(time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "start")))
		last := map[string]instant{}
		for range 50 {
			now, going := s.next()
			if !going {
				t.Fatal("stopped")
			}
			due, lost := s.take(now)
			if len(due) == 0 || lost.count != 0 {
				t.Fatalf("at %v: %v due, %d missed", now, due, lost.count)
			}
			for _, d := range due {
				if before, known := last[d.Name]; known && now-before > d.Period+d.Period/joinShare {
					t.Fatalf("section of %v read after %v", d.Period, now-before)
				}
				last[d.Name] = now
			}
			s.succeeded(now, nil)
			s.hasten(now, scopes(due), drawNames(t))
			if next, _ := s.promised(); next-now > s.shortest()+s.shortest()/joinShare {
				t.Fatalf("the next visit is promised %v after one, and the shortest period is %v", next-now, s.shortest())
			}
		}
	})
}

// However late a visit is, what it made the poller miss is counted once, and the next visit
// is in the future.
func TestLateVisitsAreCountedOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := newSchedule(drawID(t), drawSections(t)[:1], false)
		shortest := s.shortest()
		now, _ := s.next()
		s.hold(now)
		made, lost := 0, 0
		start := now
		for range 20 {
			due, _ := s.next()
			now = max(due, now) + time.Duration(rapid.Int64Range(0, int64(3*shortest)).Draw(t, "late"))
			_, m := s.take(now)
			made, lost = made+1, lost+m.count
			if m.count > 0 && (m.from > now || m.from < start) {
				t.Fatalf("at %v the first missed visit was due at %v", now, m.from)
			}
			if next, _ := s.next(); next <= now {
				t.Fatalf("at %v the next visit is due at %v", now, next)
			}
			s.succeeded(now, nil)
		}
		// Both ends of the row of points, and one visit made before its point.
		if most := int((now-start)/shortest) + 2; made+lost > most {
			t.Fatalf("%d made and %d missed in %v of %v", made, lost, now-start, shortest)
		}
	})
}

// Failures and wishes in any order never let two logins follow within the pause, nor a
// limited kind make a third one.
func TestLoginsAreNeverHammered(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limited := rapid.Bool().Draw(t, "limited")
		s := newSchedule(drawID(t), drawFirst(t), limited)
		var now instant
		last, logins := instant(-time.Hour), 0
		for range 40 {
			switch rapid.SampledFrom([]string{"visit", "visit", "hurry", "wait"}).Draw(t, "step") {
			case "hurry":
				s.hurry(now, false)
			case "wait":
				now += time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "wait"))
			case "visit":
				next, going := s.next()
				if !going {
					continue
				}
				now = max(now, next)
				if now-last < loginPause {
					t.Fatalf("two logins within %v", now-last)
				}
				due, _ := s.take(now)
				s.failed(now, now, due, hw.AuthFailed)
				last, logins = now, logins+1
			}
		}
		if limited && logins > maxLogins {
			t.Fatalf("%d logins", logins)
		}
	})
}

// A dead device is asked ever less often, and all its sections stay due.
func TestBackOffNeverShortens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := newSchedule(drawID(t), drawSections(t), false)
		var before time.Duration
		for range 6 {
			now, _ := s.next()
			due, _ := s.take(now)
			if len(due) != len(s.sections) {
				t.Fatalf("%d of %d sections due", len(due), len(s.sections))
			}
			s.failed(now, now, due, hw.NoAnswer)
			next, _ := s.next()
			wait := next - now
			if wait < s.shortest() || wait < 30*time.Second || wait+wait/10 < before {
				t.Fatalf("waits %v after %v", wait, before)
			}
			before = wait
		}
	})
}

func TestDevicesAreSpreadOverThePeriod(t *testing.T) {
	t.Parallel()
	const slots, devices = 10, 1000
	var counts [slots]int
	for i := range devices {
		s := newSchedule(hw.DeviceID("switch-"+string(rune('a'+i%26))+time.Duration(i).String()), []Section{{Name: "a", Period: time.Minute}}, false)
		counts[s.after(0, time.Minute)*slots/(time.Minute+1)]++
	}
	if low, high := slices.Min(counts[:]), slices.Max(counts[:]); low < devices/slots/2 || high > devices/slots*2 {
		t.Errorf("a tenth of the minute holds %d to %d of %d devices", low, high, devices)
	}
}

func TestRampIsBounded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		n        int
		shortest time.Duration
		want     time.Duration
	}{
		{0, time.Minute, 20 * time.Millisecond},
		{120, time.Minute, 20 * time.Millisecond},
		{10_000, time.Minute, time.Millisecond},
		{1000, time.Second, time.Millisecond},
	} {
		if got := ramp(c.n, c.shortest); got != c.want {
			t.Errorf("%d devices of %v start %v apart, want %v", c.n, c.shortest, got, c.want)
		}
	}
}
