package replicate_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/replicate"
	"rackpost/replicate/mode"
	"rackpost/replicate/raftlog"
)

// TestWhile follows a power through its life: fn begins with it, its context ends with it, and
// nobody has it again before fn returned.
func TestWhile(t *testing.T) {
	inWorld(t, "AB", func(w *world) {
		a := w.of("A")
		ctx, cancel := context.WithCancel(context.Background())
		var began, running atomic.Int32
		slow := make(chan struct{})
		ended := make(chan error, 2)
		hold := func(ctx context.Context) error {
			began.Add(1)
			if running.Add(1) > 2 {
				w.t.Error("a power was given again before those who had it returned")
			}
			defer running.Add(-1)
			<-ctx.Done()
			if !errors.Is(context.Cause(ctx), replicate.ErrNoPower) && !errors.Is(context.Cause(ctx), context.Canceled) {
				w.t.Errorf("the context ended because of %v", context.Cause(ctx))
			}
			return ctx.Err()
		}
		go func() { ended <- a.node.While(ctx, mode.Configure, hold) }()
		go func() {
			ended <- a.node.While(ctx, mode.Configure, func(ctx context.Context) error {
				err := hold(ctx)
				running.Add(1)
				<-slow // it takes long to stop
				running.Add(-1)
				return err
			})
		}()
		w.until("both hold the power", time.Second, func() bool { return running.Load() == 2 })
		w.check(a.node.Transfer(context.Background(), w.of("B").id))
		w.until("one returned", time.Second, func() bool { return running.Load() == 1 })
		w.check(w.of("B").node.Transfer(context.Background(), a.id))
		w.during("nobody has it while one still stops", 5*time.Second, func() bool { return began.Load() == 2 })
		close(slow)
		w.until("both hold it again", time.Second, func() bool { return began.Load() == 4 })
		cancel()
		for range 2 {
			w.check(<-ended)
		}
	})
}

// TestWhileFails tries what While does with functions that return.
func TestWhileFails(t *testing.T) {
	inWorld(t, "AB", func(w *world) {
		a := w.of("A")
		broken := errors.New("broken")
		if err := a.node.While(context.Background(), mode.Visit, func(context.Context) error { return broken }); !errors.Is(err, broken) {
			w.t.Errorf("While returned %v", err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		calls := 0
		w.check(a.node.While(ctx, mode.Visit, func(context.Context) error { calls++; return nil }))
		if calls != 1 {
			w.t.Errorf("a function that was done was called %d times with one power", calls)
		}
		w.check(w.of("B").node.While(ctx, mode.Visit, func(context.Context) error { return broken })) // it has no power
	})
}

// TestQuarantine tries that a box with new authority leaves devices alone at first.
func TestQuarantine(t *testing.T) {
	inWorld(t, "AB", func(w *world) {
		w.check(w.of("A").node.Transfer(context.Background(), w.of("B").id))
		b := w.of("B").node
		w.during("B may not act", 29*time.Second, func() bool {
			left := b.Status().ActsIn
			return errors.Is(b.Verify(context.Background(), mode.Act), replicate.ErrNoPower) && b.Verify(context.Background(), mode.Configure) == nil && left > 0 && left <= 30*time.Second
		})
		w.until("B may act", 2*time.Second, func() bool { return b.Verify(context.Background(), mode.Act) == nil && b.Status().ActsIn == 0 })
		if left := w.of("A").node.Status().ActsIn; left != 0 {
			w.t.Errorf("A, which has no authority, acts in %v", left)
		}
	})
}

// TestHandedOverInOrder tries that a box may act at once when who could act handed over to it with nothing half done, and only then.
func TestHandedOverInOrder(t *testing.T) {
	act := func(m *member) bool { return m.node.Verify(context.Background(), mode.Act) == nil }
	for _, names := range []string{"AB", "ABW"} {
		t.Run(names, func(t *testing.T) {
			inWorld(t, names, func(w *world) {
				a, b := w.of("A"), w.of("B")
				hand := func(from, to *member) { w.check(from.node.Transfer(context.Background(), to.id)) }
				acting := func(is bool) { w.mu.Lock(); defer w.mu.Unlock(); a.acting = is }
				w.until("A may act", time.Minute, func() bool { return act(a) })
				hand(a, b)
				w.until("B may act", 500*time.Millisecond, func() bool { return act(b) })
				hand(b, a)
				w.until("A may act again", 500*time.Millisecond, func() bool { return act(a) })

				acting(true)
				hand(a, b)
				w.during("B may not act while A's act is under way", 5*time.Second, func() bool { return !act(b) })
				acting(false)
				w.until("B may act when it is over", time.Second, func() bool { return act(b) })
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				ended, end := make(chan error, 1), make(chan struct{})
				go func() {
					ended <- b.node.While(ctx, mode.Act, func(context.Context) error { <-end; return nil })
				}()
				synctest.Wait()
				hand(b, a)
				w.during("A may not act while a function of B's does", 5*time.Second, func() bool { return !act(a) })
				close(end)
				w.until("A may act", time.Second, func() bool { return act(a) })
				cancel()
				w.check(<-ended)

				if names == "AB" {
					return
				}
				a.die()
				w.until("B has authority", 20*time.Second, func() bool { return b.node.Status().Authority })
				a.start(false)
				w.until("both vote", time.Minute, func() bool { return w.voter("B", "A") })
				if act(b) {
					w.t.Fatal("B acts before half a minute is over: it took over from who died")
				}
				hand(b, a)
				w.during("A may not act: nor could B", 5*time.Second, func() bool { return !act(a) })
			})
		})
	}
}

// TestHandOverToWhoLeaves tries that a box which hands over to one that is about to stop goes on at once.
func TestHandOverToWhoLeaves(t *testing.T) {
	inWorld(t, "AB", func(w *world) {
		a, b := w.of("A"), w.of("B")
		w.until("A may act", time.Minute, func() bool { return a.node.Verify(context.Background(), mode.Act) == nil })
		b.node.Leaves()
		begin := time.Now()
		if err := a.node.Transfer(context.Background(), b.id); !errors.Is(err, replicate.ErrRefused) {
			w.t.Errorf("A hands over to who leaves: %v", err)
		}
		if took := time.Since(begin); took > 300*time.Millisecond {
			w.t.Errorf("A waits %v for who leaves", took)
		}
		w.check(a.node.Verify(context.Background(), mode.Act))
		b.die()
		if err := a.node.Transfer(context.Background(), b.id); err == nil {
			w.t.Error("A hands over to who is gone")
		}
	})
}

// TestFollowerDiesDuringStalls kills the follower at any moment of a leader whose every write takes
// a second: its authority is unbroken.
func TestFollowerDiesDuringStalls(t *testing.T) {
	inWorld(t, "AB", func(w *world) {
		a, b := w.of("A"), w.of("B")
		for round := range 20 {
			w.mu.Lock()
			a.slow = func() { time.Sleep(time.Second) }
			w.mu.Unlock()
			done := make(chan struct{})
			go func() {
				defer close(done)
				for range 20 {
					_ = a.propose("x")
				}
			}()
			time.Sleep(time.Duration(round) * 97 * time.Millisecond)
			b.die()
			w.during("A has authority", 12*time.Second, func() bool { return a.node.Status().Authority })
			<-done
			w.mu.Lock()
			a.slow = nil
			w.mu.Unlock()
			b.start(false)
			w.until("they are a pair", 3*time.Minute, func() bool { return a.is(mode.Leader)() && b.is(mode.Follower)() })
		}
	})
}

// TestVerifyAfterCut tries Verify on a leader that the others have replaced.
func TestVerifyAfterCut(t *testing.T) {
	inWorld(t, "ABW", func(w *world) {
		a := w.of("A")
		w.check(a.node.Verify(context.Background(), mode.Configure))
		w.split("A", "B", true)
		w.split("A", "W", true)
		time.Sleep(50 * time.Millisecond) // an answer that was under way as it was cut still confirms; the lease lasts much longer
		begin := time.Now()
		if err := a.node.Verify(context.Background(), mode.Configure); !errors.Is(err, replicate.ErrNoPower) {
			w.t.Errorf("a leader without a quorum is told that it has authority: %v", err)
		}
		if took := time.Since(begin); took > 2*time.Second {
			w.t.Errorf("it was told so after %v", took)
		}
	})
}

// TestWitnessLeaves takes the witness out: the timers become those of a bare pair, and the pair
// goes on.
func TestWitnessLeaves(t *testing.T) {
	inWorld(t, "ABW", func(w *world) {
		a := w.of("A")
		third := w.of("W")
		w.mu.Lock()
		w.gone = third.id
		w.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		w.check(a.node.Remove(ctx, third.id))
		w.until("there is a leader", time.Minute, func() bool {
			l := w.leader()
			return l != nil && l.is(mode.Leader)() && w.of(other(l.name)).is(mode.Follower)()
		})
		l := w.leader()
		w.of(other(l.name)).die()
		w.during("it has authority", 20*time.Second, func() bool { return l.node.Status().Authority })
	})
}

// TestCompare lets a member go wrong, and waits until that is noticed.
func TestCompare(t *testing.T) {
	inWorld(t, "AB", func(w *world) {
		a, b := w.of("A"), w.of("B")
		w.check(a.propose("1"))
		alarmed := func() bool {
			return slices.ContainsFunc(a.node.Status().Alarms, func(a mode.Alarm) bool { return a.Code == "diverged" })
		}
		w.during("they are the same", 6*time.Minute, func() bool { return !alarmed() })
		b.state.mu.Lock()
		b.state.list = []string{"2"}
		b.state.mu.Unlock()
		w.until("A notices", 6*time.Minute, alarmed)
	})
}

// TestTakeoverBrokenOff lets the process die at each write of a takeover: after the next start it
// is finished or never began.
func TestTakeoverBrokenOff(t *testing.T) {
	for writes := range 8 {
		t.Run("", func(t *testing.T) {
			inWorld(t, "AB", func(w *world) {
				a, b := w.of("A"), w.of("B")
				w.check(a.propose("1"))
				w.check(b.propose("2"))
				a.die()
				w.until("B is an island", 10*time.Second, b.is(mode.Island))
				w.mu.Lock()
				b.last = writes + 1
				w.mu.Unlock()
				ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
				defer cancel()
				err := b.node.Takeover(ctx, "A is gone")
				b.die()
				w.mu.Lock()
				b.last = 0
				w.mu.Unlock()
				b.start(false)
				a.start(false)
				w.until("they are a pair", time.Minute, func() bool {
					return a.is(mode.Leader)() && b.is(mode.Follower)() || b.is(mode.Leader)() && a.is(mode.Follower)()
				})
				for _, m := range []*member{a, b} {
					w.until("each holds all", 5*time.Second, func() bool { return m.state.String() == "1 2" })
				}
				if g := a.node.Status().Generation; err == nil && g.Counter != 2 {
					w.t.Errorf("a takeover that was done is forgotten: generation %v", g)
				}
			})
		})
	}
}

// TestProposals tries what is refused, and what the reasons are.
func TestProposals(t *testing.T) {
	inWorld(t, "ABW", func(w *world) {
		a, b := w.of("A"), w.of("B")
		for _, m := range []*member{a, b} {
			var refused *replicate.RefusedError
			if err := m.propose("no way"); !errors.As(err, &refused) || refused.Reason != "no way is not agreed on" || !errors.Is(err, replicate.ErrRefused) {
				w.t.Errorf("%s: a command that is refused gives %v", m.name, err)
			}
			if err := m.propose(strings.Repeat("x", replicate.MaxCommand+1)); !errors.Is(err, replicate.ErrRefused) {
				w.t.Errorf("%s: a command that is too long gives %v", m.name, err)
			}
			w.check(m.propose(strings.Repeat("x", replicate.MaxCommand)))
		}
		if err := w.of("W").propose("1"); !errors.Is(err, replicate.ErrRefused) {
			w.t.Errorf("a witness proposed: %v", err)
		}
		for _, request := range []string{"", "x", "s", "s1", "s123456789"} {
			if answer, err := a.node.Answer(context.Background(), b.id, []byte(request)); err == nil {
				w.t.Errorf("the request %q is answered with %q", request, answer)
			}
		}
		if err := b.node.Transfer(context.Background(), a.id); !errors.Is(err, replicate.ErrNoPower) {
			w.t.Errorf("a follower hands over: %v", err)
		}
		for _, to := range []mode.NodeID{a.id, w.of("W").id, {9}} {
			if err := a.node.Transfer(context.Background(), to); !errors.Is(err, replicate.ErrRefused) {
				w.t.Errorf("authority goes to %v: %v", to.Short(), err)
			}
		}
	})
}

// TestDamagedLogIsKeptAside tries LogFile with a file that is no log.
func TestDamagedLogIsKeptAside(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "control.db")
	f := replicate.LogFile{Path: path, Options: raftlog.Options{}, Logger: slog.New(slog.DiscardHandler)}
	log, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	life := log.Life()
	if err := log.SetGeneration(mode.Generation{Counter: 3, Random: 4}); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 100; i < len(b); i += 3 {
		b[i] ^= 0x5a
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	log, err = f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	}()
	if log.Life() == life || log.Generation() != (mode.Generation{}) {
		t.Errorf("the new log has life %s and generation %v", log.Life(), log.Generation())
	}
	if kept, err := os.ReadFile(path + ".damaged"); err != nil || !slices.Equal(kept, b) {
		t.Errorf("the damaged file was not kept: %v", err)
	}
}

// TestNew tries configurations that lack something.
func TestNew(t *testing.T) {
	t.Parallel()
	if _, err := replicate.New(replicate.Config{Self: replicate.Self{Name: "a"}}); err == nil {
		t.Error("a member without an id was made")
	}
	if _, err := replicate.New(replicate.Config{Self: replicate.Self{Name: "a", Node: mode.NodeID{1}, Role: mode.Box}}); err == nil {
		t.Error("a member without any part was made")
	}
}

// TestStopWithProposalsUnderWay stops a leader that waits for its quorum: nobody waits for ever.
func TestStopWithProposalsUnderWay(t *testing.T) {
	inWorld(t, "AB", func(w *world) {
		a := w.of("A")
		w.split("A", "B", true)
		proposed, verified := make(chan error, 1), make(chan error, 1)
		go func() { proposed <- a.propose("x") }()
		go func() { verified <- a.node.Verify(context.Background(), mode.Configure) }()
		time.Sleep(300 * time.Millisecond)
		begin := time.Now()
		w.check(a.stop())
		if took := time.Since(begin); took > time.Second {
			w.t.Errorf("it took %v to stop", took)
		}
		if err := <-proposed; !errors.Is(err, replicate.ErrUnknown) && !errors.Is(err, replicate.ErrNoAuthority) { // it may not have begun
			w.t.Errorf("what was proposed ended with %v", err)
		}
		if err := <-verified; !errors.Is(err, replicate.ErrNoPower) {
			w.t.Errorf("what was verified ended with %v", err)
		}
	})
}

// TestTransferToALearner has a person hand over to a box that came back and would wait for its vote.
func TestTransferToALearner(t *testing.T) {
	inWorld(t, "AB", func(w *world) {
		a, b := w.of("A"), w.of("B")
		b.die()
		w.until("A is solo", 5*time.Second, a.is(mode.Solo))
		if err := a.node.Transfer(context.Background(), b.id); !errors.Is(err, replicate.ErrRefused) {
			w.t.Errorf("authority goes to a box that is off: %v", err)
		}
		b.start(false)
		w.until("B is caught up", 5*time.Second, b.is(mode.Follower))
		w.until("B leads", 10*time.Second, func() bool {
			return a.node.Transfer(context.Background(), b.id) == nil && b.node.Status().Authority
		})
		w.until("they are a pair", 5*time.Second, a.is(mode.Follower))
	})
}

// TestStartBesideAWitness: a box that knows of a witness starts Raft once, with the timers of its pair.
func TestStartBesideAWitness(t *testing.T) {
	inWorld(t, "ABW", func(w *world) {
		b := w.of("B")
		w.check(b.stop())
		w.mu.Lock()
		b.dials = 0
		w.mu.Unlock()
		b.start(false)
		w.until("B follows", 5*time.Second, b.is(mode.Follower))
		time.Sleep(5 * time.Second)
		w.mu.Lock()
		defer w.mu.Unlock()
		if b.dials != 1 {
			w.t.Errorf("raft was started %d times", b.dials)
		}
	})
}
