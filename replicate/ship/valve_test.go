package ship_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"rackpost/replicate/ship"
)

// TestBucket: whatever is spent and however the rate changes, no second lets more through than its rate, one
// second's more at once, and one item that is larger than that; and who waits as told may go.
func TestBucket(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var b ship.Bucket
		now := noon
		rate := rapid.Uint64Range(1, 1<<30).Draw(t, "rate")
		b.Set(now, rate)
		began, spent, last := now, 0.0, 0
		for range rapid.IntRange(1, 50).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(3*time.Second)).Draw(t, "pause")))
			if wait := b.Wait(now); wait > 0 {
				now = now.Add(wait)
				if again := b.Wait(now); again != 0 {
					t.Fatalf("waited %v, and is to wait %v", wait, again)
				}
			}
			last = rapid.IntRange(1, 20<<20).Draw(t, "item")
			b.Spend(now, last)
			spent += float64(last)
			if most := float64(rate)*(now.Sub(began).Seconds()+1) + float64(last) + 1; spent > most {
				t.Fatalf("%v bytes in %v at %d a second", spent, now.Sub(began), rate)
			}
		}
		b.Set(now, 0)
		if b.Wait(now) != 0 {
			t.Fatal("waits without a rate")
		}
	})
}

// TestBucketAnew: who was not limited for an hour does not wait for what was spent before it.
func TestBucketAnew(t *testing.T) {
	t.Parallel()
	var b ship.Bucket
	b.Set(noon, 4<<10)
	b.Spend(noon, 1<<20)
	if wait := b.Wait(noon); wait < 4*time.Minute {
		t.Fatalf("1 MB at 4 KB a second is paid after %v", wait)
	}
	b.Set(noon, 0)
	later := noon.Add(time.Hour)
	b.Set(later, 4<<10)
	if wait := b.Wait(later); wait != 0 {
		t.Errorf("an hour later it waits %v", wait)
	}
	b.Spend(later, 8<<10)
	if b.Set(later, 8<<10); b.Wait(later) == 0 {
		t.Error("another limit forgives what was spent")
	}
}

// pipeline is a line that carries so many bytes a second, each so long, and holds what comes faster.
type pipeline struct {
	rate  float64
	delay time.Duration
	free  time.Time // when all that was sent is through
	fly   []flight
	bytes int
}

type flight struct {
	sent, answered time.Time
	n              int
}

// run sends for a while all that the valve lets go. It returns the bytes that were answered for and the longest time that
// something sent in the second half would have had to queue.
func (p *pipeline) run(v *ship.Valve, now time.Time, d time.Duration) (through int, queued time.Duration) {
	const item = 900
	for end := now.Add(d); now.Before(end); {
		for p.bytes == 0 || uint64(p.bytes+item) <= v.Bytes() {
			start := now
			if p.free.After(now) {
				start = p.free
			}
			if now.After(end.Add(-d / 2)) {
				queued = max(queued, start.Sub(now))
			}
			p.free = start.Add(time.Duration(item / p.rate * float64(time.Second)))
			p.fly = append(p.fly, flight{now, p.free.Add(p.delay), item})
			p.bytes += item
		}
		f := p.fly[0]
		p.fly = p.fly[1:]
		p.bytes -= f.n
		now = f.answered
		v.Answered(now, f.sent, f.n)
		through += f.n
	}
	return through, queued
}

// TestValve: on any line most of it is used, and what is new does not wait long behind what is behind.
func TestValve(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rate  float64
		delay time.Duration
	}{{4 << 10, 60 * time.Millisecond}, {16 << 10, 600 * time.Millisecond}, {125_000, 50 * time.Millisecond}, {1_250_000, 50 * time.Millisecond},
		{10_000_000, 20 * time.Millisecond}, {125_000, 1500 * time.Millisecond}} {
		var v ship.Valve
		p := pipeline{rate: c.rate, delay: c.delay}
		const d = 5 * time.Minute
		through, queued := p.run(&v, noon, d)
		most := min(c.rate, 256<<10/c.delay.Seconds()) * d.Seconds()
		if v.Bytes() > 256<<10 || float64(through) < 0.7*most || queued > 3*time.Second {
			t.Errorf("%.0f B/s, %v: %d bytes under way, %.0f %% used, queued %v", c.rate, c.delay, v.Bytes(), 100*float64(through)/most, queued)
		}
	}
}

// TestValveAfterwards: a line that becomes slower, and one that becomes quicker, is known for what it is within minutes.
func TestValveAfterwards(t *testing.T) {
	t.Parallel()
	var v ship.Valve
	p := pipeline{rate: 1_000_000, delay: 50 * time.Millisecond}
	now := noon
	p.run(&v, now, time.Minute)
	for _, rate := range []float64{30_000, 1_000_000, 8_000, 500_000} {
		p.rate = rate
		p.run(&v, p.free, 3*time.Minute)
		through, queued := p.run(&v, p.free, time.Minute)
		if float64(through) < 0.7*60*min(rate, 256<<10/0.05) || queued > 3*time.Second {
			t.Errorf("at %.0f B/s: %d bytes a minute, queued %v", rate, through, queued)
		}
	}
}

// TestPaceFrame: what is asked for arrives as it was asked, and anything else is read without harm.
func TestPaceFrame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := ship.Pace{Paused: rapid.Bool().Draw(t, "paused"), FactsOnly: rapid.Bool().Draw(t, "facts"), BytesPerSecond: rapid.Uint64().Draw(t, "rate"),
			Window: rapid.Uint64().Draw(t, "window"), Why: rapid.StringMatching(`[a-z é]{0,60}`).Draw(t, "why")}
		if got, err := ship.ParsePace(ship.PaceBytes(p)); err != nil || got != p {
			t.Fatalf("%+v became %+v, %v", p, got, err)
		}
		if got, err := ship.ParsePace(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")); err == nil && len(got.Why) > 400 {
			t.Fatalf("%d bytes of reason", len(got.Why))
		}
	})
}
