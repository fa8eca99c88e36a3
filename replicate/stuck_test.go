package replicate_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"rackpost/replicate"
	"rackpost/replicate/mode"
)

// TestMemberOfOlderVersion: a leader that cannot follow what is agreed on hands over, says so, and does not lead again. Alone it
// visits, as an island.
func TestMemberOfOlderVersion(t *testing.T) {
	inWorld(t, "AB", func(w *world) {
		a, b := w.of("A"), w.of("B")
		a.state.mu.Lock()
		a.state.stuck = errors.New("update this member")
		a.state.mu.Unlock()
		w.until("B leads", 30*time.Second, b.is(mode.Leader))
		s := a.node.Status()
		if !slices.ContainsFunc(s.Alarms, func(alarm mode.Alarm) bool { return alarm.Code == "update" }) {
			w.t.Errorf("its alarms are %+v", s.Alarms)
		}
		w.during("B leads", time.Minute, b.is(mode.Leader))
		b.die()
		w.until("A visits", 10*time.Second, a.is(mode.Island))
		w.during("A leads nothing", time.Minute, func() bool { return !a.node.Status().Authority })
	})
}

// TestStill: a member that runs looks around all the time, and one that does not run owes nothing.
func TestStill(t *testing.T) {
	inWorld(t, "AB", func(w *world) {
		a := w.of("A")
		w.during("A looks around", time.Minute, func() bool { return a.node.Still() <= time.Second })
		w.check(a.stop())
		time.Sleep(time.Hour)
		if still := a.node.Still(); still != 0 {
			w.t.Errorf("stopped, it has stood still for %v", still)
		}
	})
}

// TestWakes: who stood still claims nothing by what it knew before until it has looked around to the end, and to ask for a power
// then does not pass by the majority.
func TestWakes(t *testing.T) {
	inWorld(t, "AB", func(w *world) {
		a := w.of("A")
		w.during("A may act", time.Minute, func() bool { return a.node.Status().Authority })
		w.check(a.node.Verify(context.Background(), mode.Act))
		w.mu.Lock()
		a.asleep, a.dazed = 3*time.Second, 500*time.Millisecond
		w.mu.Unlock()
		time.Sleep(2 * time.Second)
		for begin := time.Now(); time.Since(begin) < 1400*time.Millisecond; time.Sleep(10 * time.Millisecond) {
			if a.node.Status().Authority {
				w.t.Fatalf("after %v it claims authority, and has not looked", time.Since(begin))
			}
			for _, p := range []mode.Power{mode.Act, mode.Configure, mode.Visit} {
				if err := a.node.Verify(context.Background(), p); !errors.Is(err, replicate.ErrNoPower) {
					w.t.Fatalf("after %v it may %v: %v", time.Since(begin), p, err)
				}
			}
		}
		w.until("somebody has authority", 10*time.Second, func() bool { return w.leader() != nil })
	})
}
