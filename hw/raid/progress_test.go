package raid_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rackpost/hw/raid"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func points(percents ...float64) []raid.Point {
	var out []raid.Point
	for i, p := range percents {
		out = append(out, raid.Point{At: noon.Add(time.Duration(i) * time.Hour), Percent: p})
	}
	return out
}

func TestEstimate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		points []raid.Point
		hours  float64 // after noon; 0: nothing can be said
	}{
		{"none", nil, 0},
		{"one", points(5), 0},
		{"half in an hour", points(0, 50), 2},
		{"steady", points(10, 20, 30), 9},
		{"stands still", points(10, 10), 0},
		{"stood still", points(10, 10, 20), 18},
		{"another run", points(80, 100, 0, 25), 6},
		{"the next has just begun", points(80, 100, 0), 0},
		{"done", points(90, 100), 1},
		{"years", points(0, 0.0001), 0},
		{"no percent", points(0, 255), 0},
		{"no number", points(0, math.NaN()), 0},
	} {
		end, ok := raid.Estimate(c.points)
		if ok != (c.hours > 0) || ok && end.Sub(noon).Hours() != c.hours {
			t.Errorf("%s: %v, %v", c.name, end, ok)
		}
	}
	if _, ok := raid.Estimate([]raid.Point{{At: noon, Percent: 1}, {At: noon, Percent: 2}}); ok {
		t.Error("two percents at one time have no rate")
	}
}

// An end is never before the last point.
func TestEstimateIsAhead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := points(rapid.SliceOfN(rapid.Float64Range(-10, 110), 0, 9).Draw(t, "percents")...)
		if end, ok := raid.Estimate(p); ok && end.Before(p[len(p)-1].At) {
			t.Fatalf("%v", end)
		}
	})
}

func TestErrors(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	var e raid.Errors
	for _, c := range []struct {
		after time.Duration
		total uint64
		want  string
	}{
		{0, 0, "none"}, {day, 3, "rising"}, {2 * day, 3, "rising"}, {9 * day, 3, "some"}, {10 * day, 4, "rising"},
		{11 * day, 2, "some"}, // another drive, or cleared
		{12 * day, 3, "rising"}, {13 * day, 0, "none"},
	} {
		var got string
		if e, got = e.Count(c.total, noon.Add(c.after)); got != c.want {
			t.Errorf("%d after %v: %s, want %s", c.total, c.after, got, c.want)
		}
	}
	if _, got := (raid.Errors{}).Count(7, noon); got != "some" {
		t.Errorf("the first reading: %s", got)
	}
}

func TestWearOf(t *testing.T) {
	t.Parallel()
	for left, want := range map[float64]string{100: "good", 11: "good", 10: "low", 1: "low", 0: "spent", -1: "", 101: "", 255: "", math.Inf(1): ""} {
		if got := raid.WearOf(left); got != want {
			t.Errorf("%v: %q, want %q", left, got, want)
		}
	}
	if got := raid.WearOf(math.NaN()); got != "" {
		t.Errorf("no number: %q", got)
	}
}
