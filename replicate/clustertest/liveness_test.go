package clustertest

import (
	"slices"
	"testing"
	"time"
)

// TestPermanentFaults has one thing go wrong for good, and another beside it, and demands that the devices are visited all the
// same: the oracle fails where no box visits them although one could. Where a box has authority at the end it is one alone.
func TestPermanentFaults(t *testing.T) {
	t.Parallel()
	disks := makeTemplates(t)
	for _, c := range []struct {
		name string
		text string
	}{
		{"A is not heard", "5 1000 cut A>B all 0\n5 1000 cut A>W all 0"},
		{"A hears nobody", "5 1000 cut B>A all 0\n5 1000 cut W>A all 0"},
		{"A and B do not hear each other", "5 1000 cut A>B all 0\n5 1000 cut B>A all 0"},
		{"only one way between A and B, and the witness far away", "5 1000 cut A>B all 0\n5 1000 late A>W all 0.15\n5 1000 late W>A all 0.15"},
		{"A reaches nothing", "5 1000 isolate A all 0"},
		{"B reaches nothing", "5 1000 isolate B all 0"},
		{"A's disk hangs", "5 1000 stall A all 0"},
		{"B's disk fails again and again", "5 1000 broken B all 0"},
		{"A's disk is slow, and every third message is lost", "5 1000 slow A all 0.8\n5 1000 lossy A>B all 0.33\n5 1000 lossy B>A all 0.33"},
		{"A is dead, and the witness hears B only", "5 1000 power A all 0\n5 1000 cut W>B all 0"},
		{"A is stopped, and the witness is dead", "5 1000 stop A all 0\n8 1000 power W all 0"},
		{"B is dead, and later the witness", "5 1000 power B all 0\n30 1000 power W all 0"},
		{"the witness is dead, and later A", "5 1000 power W all 0\n30 1000 power A all 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for size := 2; size <= most; size++ {
				s, err := parseSchedule(c.text)
				if err != nil {
					t.Fatal(err)
				}
				s = slices.DeleteFunc(s, func(e event) bool { return e.who >= size || e.to >= size })
				problems := disks.one(t, uint64(size), size, func(w *World) {
					for _, e := range s {
						w.pass(e.at - time.Since(w.began.Add(w.calm)))
						w.happen(e)
					}
					w.pass(2 * time.Minute)
				})
				for _, p := range problems {
					t.Errorf("%d members: %s", size, p)
				}
			}
		})
	}
}
