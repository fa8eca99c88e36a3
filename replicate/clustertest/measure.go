package clustertest

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// Spread is how long something took, many times.
type Spread []time.Duration

// At returns the part p (0 to 1) of the sorted times.
func (s Spread) At(p float64) time.Duration {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	return sorted[min(len(sorted)-1, int(p*float64(len(sorted))))].Round(10 * time.Millisecond)
}

// one is a calm world for one measurement.
func (t *templates) one(tb *testing.T, seed uint64, size int, f func(*World)) (problems []string) {
	synctest.Test(tb, func(tb *testing.T) {
		w := t.world(tb, seed, size)
		w.slack, w.proposals = 2*time.Second+w.timers.DiskSlow, 500*time.Millisecond
		w.startAll()
		if ok, why := w.settle(time.Minute); !ok {
			w.oracle.fail("it does not begin: %s: %s", why, w.describe())
		} else {
			w.pass(time.Duration(seed%1000) * time.Millisecond)
			w.calm = time.Since(w.began)
			f(w)
		}
		w.oracle.holds()
		w.end()
		problems = w.oracle.failed()
	})
	return problems
}

// pass lets time pass under the eyes of the oracle.
func (w *World) pass(d time.Duration) {
	for began := time.Now(); time.Since(began) < d; {
		w.rest()
		w.oracle.tick()
	}
}

// leader is the box that has authority.
func (w *World) leader() int {
	for _, m := range w.awake() {
		if m.Authority {
			return m.who
		}
	}
	return -1
}

// firstVisit returns how long after a moment another box than this one visited the devices.
func (w *World) firstVisit(after time.Time, not int) (time.Duration, bool) {
	w.oracle.mu.Lock()
	defer w.oracle.mu.Unlock()
	for _, v := range w.oracle.visits {
		if v.p.who != not && !v.at.Before(after) {
			return v.at.Sub(after), true
		}
	}
	return 0, false
}

// kept says whether a box has had authority at every tick since it was asked first.
func (w *World) keeps(who int, d time.Duration) bool {
	for began := time.Now(); time.Since(began) < d; {
		w.rest()
		w.oracle.tick()
		if w.leader() != who {
			return false
		}
	}
	return true
}
