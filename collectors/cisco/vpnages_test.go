package cisco

import (
	"testing"
	"time"
)

// Whether the tunnels to a peer are those of the visit before, by their indexes and ages.
func TestSameTunnels(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ages := func(at time.Duration, seconds ...int) tunnelMemory {
		m := tunnelMemory{ages: map[string]time.Duration{}, at: begin.Add(at)}
		for i, s := range seconds {
			m.ages[string(rune('a'+i))] = time.Duration(s) * time.Second
		}
		return m
	}
	for name, x := range map[string]struct {
		before, now tunnelMemory
		want        bool
	}{
		"as old as the time that passed": {ages(0, 1000), ages(5*time.Minute, 1300), true},
		"a second late":                  {ages(0, 1000), ages(5*time.Minute, 1299), true},
		"younger":                        {ages(0, 1000), ages(5*time.Minute, 200), false},
		"older, and younger than the time that passed makes it": {ages(0, 10), ages(5*time.Minute, 200), false},
		"one more":               {ages(0, 10), ages(time.Minute, 70, 5), false},
		"one fewer":              {ages(0, 10, 20), ages(time.Minute, 70), false},
		"none":                   {ages(0), ages(time.Minute), true},
		"ages that nobody tells": {ages(0, 0), ages(time.Minute, 0), true},
	} {
		if got := sameTunnels(x.before, x.now); got != x.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
