package intake_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"rackpost/replicate/intake"
	"rackpost/replicate/ship"
)

// TestAThousandAtOnce: all are let in within as many seconds as their number needs, each after the time it
// was told, whoever is eager included.
func TestAThousandAtOnce(t *testing.T) {
	t.Parallel()
	const sites, rate = 1000, 100
	g := intake.NewGate(rate, 2*sites)
	now := noon
	due := map[int]time.Time{}
	in := 0
	for n := range sites {
		if wait, ok := g.Admit(now, siteID(n), ship.Live); ok {
			in++
		} else {
			due[n] = now.Add(wait)
		}
	}
	if in != rate {
		t.Errorf("%d let in at once, want the burst of %d", in, rate)
	}
	last := now
	for n := range sites {
		at, waits := due[n]
		if !waits {
			continue
		}
		if n%3 == 0 { // asks before its time: it is told the same again
			if wait, ok := g.Admit(now.Add(10*time.Millisecond), siteID(n), ship.Live); ok || now.Add(10*time.Millisecond).Add(wait).Sub(at) > 2*time.Second {
				t.Fatalf("site %d asked too early: %v, %v; promised was %v", n, ok, wait, at.Sub(now))
			}
		}
		if at.After(last) {
			last = at
		}
	}
	for n, at := range due {
		if wait, ok := g.Admit(at, siteID(n), ship.Live); !ok {
			t.Fatalf("site %d came at its time and is to wait %v more", n, wait)
		}
	}
	if spread := last.Sub(now); spread < 8*time.Second || spread > 11*time.Second {
		t.Errorf("the last is let in after %v, want about 9 s", spread)
	}
	if n := g.Promised(); n != 0 {
		t.Errorf("%d promises left", n)
	}
}

// TestNewGoesBeforeBehind: when many come, lanes of what is behind are told to wait first.
func TestNewGoesBeforeBehind(t *testing.T) {
	t.Parallel()
	g := intake.NewGate(100, 1000)
	behind := 0
	for n := range 100 {
		if _, ok := g.Admit(noon, siteID(n), ship.Behind); ok {
			behind++
		}
	}
	if behind != 75 {
		t.Errorf("%d lanes of what is behind let in, want 75", behind)
	}
	g = intake.NewGate(100, 1000)
	for n := range 100 {
		if _, ok := g.Admit(noon, siteID(n), ship.Live); !ok {
			t.Fatalf("live lane %d of 100 is not let in", n)
		}
	}
}

// TestGate: never more than the burst and the rate are let in, memory is bounded, and who keeps to what it
// was told comes in.
func TestGate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.IntRange(1, 50).Draw(t, "rate")
		places := rapid.IntRange(1, 60).Draw(t, "places")
		g := intake.NewGate(rate, places)
		now, in := noon, 0
		due := map[int]time.Time{}
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 300).Draw(t, "ms")) * time.Millisecond)
			n := rapid.IntRange(0, 80).Draw(t, "site")
			wait, ok := g.Admit(now, siteID(n), ship.Live)
			at, promised := due[n]
			if promised && !ok && wait < time.Minute && !now.Before(at) && now.Sub(at) < 9*time.Second {
				t.Fatalf("site %d came %v after its time and is told to wait %v", n, now.Sub(at), wait)
			}
			switch {
			case ok:
				in++
				delete(due, n)
			case wait < time.Second || wait > time.Minute:
				t.Fatalf("told to wait %v", wait)
			case wait < time.Minute && (!promised || now.Sub(at) > 9*time.Second):
				due[n] = now.Add(wait)
			}
			if g.Promised() > places {
				t.Fatalf("%d promises of %d", g.Promised(), places)
			}
			// Promises are kept for 10 s, so as many may come late and at once.
			if most := 1 + rate + int(float64(rate)*(now.Sub(noon).Seconds()+10)); in > most {
				t.Fatalf("%d let in within %v at %d a second", in, now.Sub(noon), rate)
			}
		}
	})
}

// TestPool: what is granted never exceeds what there is, and the fewer lanes are expected the more each has.
func TestPool(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := intake.NewPool(rapid.IntRange(1<<20, 64<<20).Draw(t, "total"))
		expected := rapid.IntRange(0, 400).Draw(t, "expected")
		var granted []int
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			if len(granted) > 0 && rapid.IntRange(0, 3).Draw(t, "leave") == 0 {
				p.Release(granted[0])
				granted = granted[1:]
				continue
			}
			n := p.Grant(256<<10, expected)
			bytes, lanes, total := p.Taken()
			if bytes > total || bytes < 0 {
				t.Fatalf("%d of %d granted", bytes, total)
			}
			if n == 0 {
				if total-bytes >= 64<<10 && lanes <= expected {
					t.Fatalf("nothing granted although %d are free", total-bytes)
				}
				continue
			}
			if n < 64<<10 || n > 256<<10 {
				t.Fatalf("a window of %d", n)
			}
			granted = append(granted, n)
		}
	})
	p := intake.NewPool(128 << 20)
	for n := range 2000 {
		if w := p.Grant(256<<10, 2000); w < 64<<10 {
			t.Fatalf("lane %d of 2,000 that are expected gets %d", n, w)
		}
	}
}
