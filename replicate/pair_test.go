package replicate_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"rackpost/replicate"
	"rackpost/replicate/mode"
)

func (m *member) propose(cmd string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return m.node.Propose(ctx, []byte(cmd))
}

func (m *member) is(want mode.Mode) func() bool {
	return func() bool { return m.node.Mode() == want }
}

func TestPairFollowerDies(t *testing.T) {
	inWorld(t, "AB", func(w *world) {
		a, b := w.of("A"), w.of("B")
		w.check(a.propose("1"))
		b.die()
		w.during("A has authority", 20*time.Second, func() bool { return a.node.Status().Authority })
		if a.node.Mode() != mode.Solo {
			w.t.Fatalf("A is %v beside a dead follower", a.node.Mode())
		}
		w.check(a.propose("2"))
		b.start(false)
		w.until("both vote", 30*time.Second, func() bool { return a.node.Mode() == mode.Leader && b.node.Mode() == mode.Follower })
		w.until("B holds all", 5*time.Second, func() bool { return b.state.String() == "1 2" })
	})
}

func TestPairLeaderDies(t *testing.T) {
	inWorld(t, "AB", func(w *world) {
		a, b := w.of("A"), w.of("B")
		w.check(b.propose("1")) // through A
		if got := b.state.String(); got != "1" {
			w.t.Fatalf("B holds [%s] after its own proposal", got)
		}
		a.die()
		took := w.until("B visits", 10*time.Second, b.is(mode.Island))
		if took > 6*time.Second {
			w.t.Errorf("B visits after %v", took)
		}
		if err := b.propose("2"); !errors.Is(err, replicate.ErrNoAuthority) {
			w.t.Errorf("an island changed what is agreed on: %v", err)
		}
		for _, p := range []mode.Power{mode.Act, mode.Configure} {
			if err := b.node.Verify(context.Background(), p); !errors.Is(err, replicate.ErrNoPower) {
				w.t.Errorf("an island may %v: %v", p, err)
			}
		}
		w.check(b.node.Verify(context.Background(), mode.Visit))
		a.start(false)
		w.until("one leads, the other follows", 20*time.Second, func() bool {
			return w.leader() != nil && (a.node.Mode() == mode.Follower || b.node.Mode() == mode.Follower)
		})
		w.check(a.propose("3"))
	})
}

func TestPairCutAndHealed(t *testing.T) {
	inWorld(t, "AB", func(w *world) {
		a, b := w.of("A"), w.of("B")
		w.split("A", "B", true)
		w.until("A is solo", 4*time.Second, a.is(mode.Solo))
		w.until("B is an island", 10*time.Second, b.is(mode.Island))
		w.check(a.propose("alone"))
		w.split("A", "B", false)
		w.until("they are a pair", 30*time.Second, func() bool { return a.node.Mode() == mode.Leader && b.node.Mode() == mode.Follower })
		w.until("B holds all", 3*time.Second, func() bool { return b.state.String() == "alone" })
	})
}

func TestPairCutOneWay(t *testing.T) {
	for _, way := range [][2]string{{"A", "B"}, {"B", "A"}} {
		t.Run(way[0]+" to "+way[1], func(t *testing.T) {
			inWorld(t, "AB", func(w *world) {
				w.cut(way[0], way[1], true)
				w.until("A is solo", 4*time.Second, w.of("A").is(mode.Solo))
				w.during("A has authority", 20*time.Second, func() bool { return w.of("A").node.Status().Authority })
				w.cut(way[0], way[1], false)
				w.until("they are a pair", 30*time.Second, w.of("A").is(mode.Leader))
			})
		})
	}
}

func TestPairTakenOver(t *testing.T) {
	inWorld(t, "AB", func(w *world) {
		a, b := w.of("A"), w.of("B")
		w.check(a.propose("both"))
		if err := b.node.Takeover(context.Background(), "to try it"); !errors.Is(err, replicate.ErrRefused) {
			w.t.Fatalf("a takeover beside a leader: %v", err)
		}
		w.split("A", "B", true)
		w.until("A is solo", 5*time.Second, a.is(mode.Solo))
		w.check(a.propose("lost"))
		w.until("B is an island", 10*time.Second, b.is(mode.Island))
		w.check(b.node.Takeover(context.Background(), "A burns"))
		w.until("B is solo", 2*time.Second, b.is(mode.Solo))
		w.check(b.propose("kept"))
		w.split("A", "B", false)
		w.until("A follows", 30*time.Second, func() bool { return a.node.Mode() == mode.Follower && b.node.Mode() == mode.Leader })
		w.until("A holds what B agreed on", 5*time.Second, func() bool { return a.state.String() == "both kept" })
		if len(a.conflicts) != 1 || string(a.conflicts[0].State) != "[\"both\",\"lost\"]\n" {
			w.t.Errorf("the conflict reports are %+v", a.conflicts)
		}
		w.check(a.propose("together"))
	})
}

func TestPairTakenOverTwice(t *testing.T) {
	inWorld(t, "AB", func(w *world) {
		a, b := w.of("A"), w.of("B")
		w.split("A", "B", true)
		w.until("A is solo", 5*time.Second, a.is(mode.Solo))
		a.die()
		a.start(false)
		w.until("A waits at the gate", 10*time.Second, a.is(mode.Island))
		w.until("B is an island", 10*time.Second, b.is(mode.Island))
		w.check(a.node.Takeover(context.Background(), "B is gone"))
		w.check(b.node.Takeover(context.Background(), "A is gone"))
		w.until("both are solo", 5*time.Second, func() bool { return a.is(mode.Solo)() && b.is(mode.Solo)() })
		w.split("A", "B", false)
		w.until("nobody has authority", 3*time.Second, func() bool { return w.leader() == nil })
		w.until("both are islands", 10*time.Second, func() bool { return a.is(mode.Island)() && b.is(mode.Island)() })
		w.during("nobody has authority", 20*time.Second, func() bool { return w.leader() == nil })
		w.check(b.node.Takeover(context.Background(), "B it is"))
		w.until("A follows", 30*time.Second, func() bool { return a.is(mode.Follower)() && b.is(mode.Leader)() })
	})
}

func TestSoloStartsAlone(t *testing.T) {
	inWorld(t, "AB", func(w *world) {
		a, b := w.of("A"), w.of("B")
		w.check(a.propose("1"))
		b.die()
		w.until("A is solo", 5*time.Second, a.is(mode.Solo))
		a.die()
		a.start(false)
		w.during("the gate is closed", 30*time.Second, func() bool { return !a.node.Status().Authority })
		if a.node.Mode() != mode.Island || a.state.String() != "1" {
			w.t.Fatalf("A is %v and holds [%s]", a.node.Mode(), a.state)
		}
		b.start(false)
		w.until("they are a pair", 30*time.Second, func() bool { return a.is(mode.Leader)() && b.is(mode.Follower)() })
	})
}

func TestIslandWithProof(t *testing.T) {
	inWorld(t, "AB", func(w *world) {
		a, b := w.of("A"), w.of("B")
		a.die()
		w.until("B is an island", 10*time.Second, b.is(mode.Island))
		w.mu.Lock()
		b.off = map[mode.NodeID]bool{a.id: true}
		w.mu.Unlock()
		w.until("B is solo", 3*time.Second, b.is(mode.Solo))
		w.mu.Lock()
		b.off = nil
		w.mu.Unlock()
		a.start(false)
		w.until("A follows", 30*time.Second, func() bool { return a.is(mode.Follower)() && b.is(mode.Leader)() })
	})
}

func TestPairFlaps(t *testing.T) {
	inWorld(t, "AB", func(w *world) {
		a, b := w.of("A"), w.of("B")
		var waits []time.Duration
		for range 4 {
			w.split("A", "B", true)
			w.until("A is solo", 5*time.Second, a.is(mode.Solo))
			w.split("A", "B", false)
			waits = append(waits, w.until("they are a pair", 2*time.Minute, func() bool { return a.is(mode.Leader)() && b.is(mode.Follower)() }))
		}
		for i := 1; i < len(waits); i++ {
			if waits[i] < waits[i-1]*3/2 {
				w.t.Errorf("B waits %v for its vote: it should wait twice as long each time", waits)
			}
		}
	})
}

func TestWitnessLeaderDies(t *testing.T) {
	inWorld(t, "ABW", func(w *world) {
		a, b := w.of("A"), w.of("B")
		w.check(a.propose("1"))
		a.die()
		took := w.until("B leads", 15*time.Second, func() bool { return w.leader() == b })
		w.t.Logf("B has authority after %v", took)
		if b.node.Mode() != mode.Leader {
			w.t.Errorf("B is %v beside a witness", b.node.Mode())
		}
		w.check(b.propose("2"))
		a.start(false)
		w.until("A follows", 20*time.Second, a.is(mode.Follower))
		w.until("A holds all", 5*time.Second, func() bool { return a.state.String() == "1 2" })
	})
}

func TestWitnessDiesThenFollower(t *testing.T) {
	inWorld(t, "ABW", func(w *world) {
		a, b, third := w.of("A"), w.of("B"), w.of("W")
		third.die()
		w.until("the witness is set aside", 20*time.Second, func() bool { return !w.voter("A", "W") })
		b.die()
		w.during("A has authority", 20*time.Second, func() bool { return a.node.Status().Authority })
		if a.node.Mode() != mode.Solo {
			w.t.Errorf("A is %v", a.node.Mode())
		}
		third.start(false)
		b.start(false)
		w.until("all vote", time.Minute, func() bool { return w.voter("A", "W") && w.voter("A", "B") })
	})
}

func TestLeaderCutFromAll(t *testing.T) {
	inWorld(t, "ABW", func(w *world) {
		a, b := w.of("A"), w.of("B")
		w.split("A", "B", true)
		w.split("A", "W", true)
		w.until("B leads", 15*time.Second, func() bool { return w.leader() == b })
		w.until("A is an island", 10*time.Second, a.is(mode.Island))
		w.check(b.propose("1"))
		w.split("A", "B", false)
		w.split("A", "W", false)
		w.until("A follows", 10*time.Second, a.is(mode.Follower))
	})
}

func TestIsolatedLeaderOfBarePair(t *testing.T) {
	inWorld(t, "AB", func(w *world) {
		a := w.of("A")
		w.mu.Lock()
		a.isolated = true
		w.mu.Unlock()
		w.split("A", "B", true)
		w.until("A has no authority", 3*time.Second, func() bool { return w.leader() == nil })
		w.until("A is an island", 10*time.Second, a.is(mode.Island))
		if !w.voter("A", "B") {
			w.t.Error("an isolated leader set its peer aside")
		}
		w.mu.Lock()
		a.isolated = false
		w.mu.Unlock()
		w.split("A", "B", false)
		w.until("they are a pair", 30*time.Second, func() bool { return w.leader() != nil && w.voter("A", "B") })
	})
}

func TestIsolatedLeaderHandsOver(t *testing.T) {
	inWorld(t, "AB", func(w *world) {
		w.mu.Lock()
		w.of("A").isolated = true
		w.mu.Unlock()
		w.until("B leads", 10*time.Second, func() bool { return w.leader() == w.of("B") })
		w.during("B leads", 20*time.Second, func() bool { return w.leader() == w.of("B") })
	})
}

func TestFullLeaderHandsOver(t *testing.T) {
	inWorld(t, "AB", func(w *world) {
		a, b := w.of("A"), w.of("B")
		fill := func(m *member, on bool) {
			w.mu.Lock()
			defer w.mu.Unlock()
			m.full = on
		}
		fill(a, true)
		w.until("B leads", 8*time.Second, func() bool { return w.leader() == b })
		fill(b, true)
		w.during("B leads, since both are full", 20*time.Second, func() bool { return w.leader() == b })
		fill(a, false)
		w.during("B leads, since A had no room a moment ago", w.timers.Settle-time.Second, func() bool { return w.leader() == b })
		w.until("A leads", 15*time.Second, func() bool { return w.leader() == a })
	})
}

func TestWipedBoxJoinsAnew(t *testing.T) {
	inWorld(t, "AB", func(w *world) {
		a, b := w.of("A"), w.of("B")
		w.check(a.propose("1"))
		old := b.node.Status().Life
		b.die()
		w.check(b.Wipe())
		b.start(false)
		w.until("B follows with another life", 30*time.Second, func() bool {
			return b.is(mode.Follower)() && a.is(mode.Leader)() && b.node.Status().Life != old && b.state.String() == "1"
		})
		w.check(b.propose("2"))
	})
}

func TestOldImagePutBack(t *testing.T) {
	inWorld(t, "AB", func(w *world) {
		a, b := w.of("A"), w.of("B")
		w.check(a.propose("1"))
		time.Sleep(3 * time.Second)
		image := b.disk.Copy()
		w.check(a.propose("2"))
		time.Sleep(3 * time.Second)
		b.die()
		w.until("A is solo", 5*time.Second, a.is(mode.Solo))
		b.disk = image
		b.start(false)
		w.until("B follows", 40*time.Second, func() bool { return b.is(mode.Follower)() && a.is(mode.Leader)() && b.state.String() == "1 2" })
	})
}

func TestSlowDiskOfLeader(t *testing.T) {
	inWorld(t, "ABW", func(w *world) {
		a, b := w.of("A"), w.of("B")
		w.mu.Lock()
		a.slow = func() { time.Sleep(5 * time.Second) }
		w.mu.Unlock()
		go func() { _ = a.propose("slow") }()
		w.until("B leads", 20*time.Second, func() bool { return w.leader() == b })
		w.mu.Lock()
		a.slow = nil
		w.mu.Unlock()
		w.until("A follows", 30*time.Second, a.is(mode.Follower))
		time.Sleep(10 * time.Second) // for what was proposed
	})
}

func TestSlowDiskOfFollower(t *testing.T) {
	inWorld(t, "AB", func(w *world) {
		a, b := w.of("A"), w.of("B")
		w.mu.Lock()
		b.slow = func() { time.Sleep(6 * time.Second) }
		w.mu.Unlock()
		go func() { _ = a.propose("slow") }()
		w.during("A has authority", 20*time.Second, func() bool { return a.node.Status().Authority })
		w.mu.Lock()
		b.slow = nil
		w.mu.Unlock()
		w.until("they are a pair", 2*time.Minute, func() bool { return a.is(mode.Leader)() && b.is(mode.Follower)() })
	})
}

func TestDeadDiskEndsTheProcess(t *testing.T) {
	inWorld(t, "AB", func(w *world) {
		a := w.of("A")
		mend := make(chan struct{})
		w.mu.Lock()
		a.slow = func() { <-mend }
		w.mu.Unlock()
		go func() { _ = a.propose("never") }()
		begin := time.Now()
		err := <-a.ended
		if err == nil || time.Since(begin) > 25*time.Second {
			w.t.Errorf("Run ended with %v after %v", err, time.Since(begin))
		}
		close(mend)
		a.ended <- err
	})
}
