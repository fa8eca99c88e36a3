package intake_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rackpost/replicate/intake"
	"rackpost/replicate/ship"
)

func TestUsageOfADay(t *testing.T) {
	t.Parallel()
	var u intake.Usage
	midnight := time.Date(2026, 3, 15, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		at   time.Time
		add  int
		want int64
	}{
		{midnight.Add(-time.Hour), 10, 10},
		{midnight.Add(-time.Second), 5, 15},
		{midnight, 1, 1},
		{midnight.Add(-time.Minute), 1, 2}, // set back a little: the day goes on
		{midnight.Add(time.Hour), 1, 3},
		{midnight.Add(-72 * time.Hour), 4, 4}, // set back by days
	} {
		if got := u.Add(c.at, c.add); got != c.want {
			t.Errorf("%v: %d bytes, want %d", c.at, got, c.want)
		}
	}
}

func TestQuotaInWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		q             intake.Quota
		today, stored int64
		want          string
	}{
		{intake.Quota{}, 1 << 50, 1 << 50, ""},
		{intake.Quota{BytesPerDay: 100}, 99, 1000, ""},
		{intake.Quota{BytesPerDay: 50_000_000}, 60_000_000, 0, "60 MB today, its quota is 50 MB a day"},
		{intake.Quota{BytesStored: 12_000_000_000}, 0, 12_000_000_000, "keeps 12 GB at headquarters, its quota is 12 GB"},
	} {
		if got := c.q.Over(c.today, c.stored); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%+v with %d today and %d stored: %q, want %q", c.q, c.today, c.stored, got, c.want)
		}
	}
}

// TestBrake: who comes late is slowed, each lane by its part of what goes through, and not for ever.
func TestBrake(t *testing.T) {
	t.Parallel()
	var b intake.Brake
	const rate = 1_000_000
	now := noon
	step := func(fresh, behind time.Duration, want uint64) {
		t.Helper()
		now = now.Add(time.Second)
		if got := b.Step(now, fresh, behind, rate, 10); got != want {
			t.Errorf("fresh waits %v, behind %v: %d bytes a second, want %d", fresh, behind, got, want)
		}
	}
	step(100*time.Millisecond, 5*time.Second, 0)
	step(100*time.Millisecond, 9*time.Second, 90_000)
	step(2*time.Second, 9*time.Second, 50_000)
	for range 10 {
		step(0, 0, 90_000)
	}
	step(0, 0, 0)
	step(0, 0, 0)
	if got := b.Step(now, time.Minute, 0, rate, 1000); got < 4<<10 {
		t.Errorf("%d bytes a second for each of 1,000 lanes: none would ever finish", got)
	}
}

func TestPaceOfALane(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		operator ship.Pace
		quota    string
		slow     uint64
		lane     ship.Lane
		want     ship.Pace
	}{
		{"nothing", ship.Pace{}, "", 0, ship.Behind, ship.Pace{}},
		{"slowed", ship.Pace{}, "", 500, ship.Behind, ship.Pace{BytesPerSecond: 500, Why: "headquarters does not keep up with what all sites send"}},
		{"what is new is not slowed", ship.Pace{BytesPerSecond: 9, Why: "tests"}, "", 500, ship.Live, ship.Pace{}},
		{"the slower counts", ship.Pace{BytesPerSecond: 100, Why: "tests"}, "", 500, ship.Behind, ship.Pace{BytesPerSecond: 100, Why: "by the operator of headquarters: tests; headquarters does not keep up with what all sites send"}},
		{"over its quota", ship.Pace{}, "too much", 0, ship.Live, ship.Pace{FactsOnly: true, Why: "too much"}},
		{"paused", ship.Pace{Paused: true, Why: "by Eve"}, "", 0, ship.Live, ship.Pace{Paused: true, Why: "by the operator of headquarters: by Eve"}},
	} {
		if diff := cmp.Diff(c.want, intake.PaceOf(c.operator, c.quota, c.slow, c.lane)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestOffset: whatever the way delays, the clock is told no further off than by the shortest delay of the last
// minute, and lag is never below nothing.
func TestOffset(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		skew := time.Duration(rapid.Int64Range(-int64(time.Hour), int64(time.Hour)).Draw(t, "skew"))
		var o intake.Offset
		now := noon
		for range rapid.IntRange(1, 100).Draw(t, "batches") {
			now = now.Add(time.Duration(rapid.IntRange(100, 3000).Draw(t, "ms")) * time.Millisecond)
			delay := time.Duration(rapid.IntRange(0, 5000).Draw(t, "delay")) * time.Millisecond
			lag := o.Note(now, now.Add(skew-delay))
			best, known := o.Best()
			if !known || best > skew || best < skew-5*time.Second {
				t.Fatalf("the clock is off by %v, told is %v (%v)", skew, best, known)
			}
			if lag < 0 || lag > delay {
				t.Fatalf("lag %v of a batch that was %v on its way", lag, delay)
			}
		}
	})
	var o intake.Offset
	if _, known := o.Best(); known {
		t.Error("known although nothing came")
	}
	o.Note(noon, noon.Add(time.Hour))
	o.Note(noon.Add(time.Hour), noon.Add(time.Hour)) // the clock was set right
	if best, _ := o.Best(); best != 0 {
		t.Errorf("the clock that was set right is off by %v", best)
	}
}
