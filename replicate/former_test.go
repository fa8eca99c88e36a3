package replicate_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/replicate"
	"rackpost/replicate/mode"
)

// givenUp takes B over while it is cut off, and returns when A has given up what it had agreed on for it, and nothing has
// come yet.
func (w *world) givenUp() (life string) {
	w.t.Helper()
	a, b := w.of("A"), w.of("B")
	w.check(a.propose("1"))
	life = a.node.Status().Life
	w.split("A", "B", true)
	w.until("B is an island", 10*time.Second, b.is(mode.Island))
	w.check(b.node.Takeover(context.Background(), "a person said so"))
	w.until("B is solo", 10*time.Second, b.is(mode.Solo))
	w.check(b.propose("2"))
	w.split("A", "B", false)
	w.until("A begins anew", 10*time.Second, func() bool { return a.node.Status().Life != life })
	return life
}

// TestGoesBackToWhatItGaveUp: the box that took over is lost before it gave anything. What the other one gave up counts
// again when a person says so, and not before; where the lost one comes back after all, it gives way.
func TestGoesBackToWhatItGaveUp(t *testing.T) {
	inWorld(t, "AB", func(w *world) {
		a, b := w.of("A"), w.of("B")
		old := w.givenUp()
		b.die()
		w.until("A is an island", 10*time.Second, a.is(mode.Island))
		w.during("A has no authority by itself", 60*time.Second, func() bool { return !a.node.Status().Authority })
		w.check(a.stop())
		a.start(false)
		w.until("A is an island after a restart", 10*time.Second, a.is(mode.Island))
		w.during("A has no authority by itself", 60*time.Second, func() bool { return !a.node.Status().Authority && a.state.String() == "" })
		w.check(a.node.Takeover(context.Background(), "the disk of B is lost"))
		w.until("A goes on with what it had", 10*time.Second, func() bool { return a.is(mode.Solo)() && a.state.String() == "1" })
		if s := a.node.Status(); s.Life == old || s.Generation.Counter != 3 || a.former != nil {
			t.Errorf("life %s after %s, generation %d, something is kept %v", s.Life, old, s.Generation.Counter, a.former != nil)
		}
		w.check(a.propose("3"))
		b.start(false)
		w.until("B gives way", 60*time.Second, func() bool { return b.is(mode.Follower)() && b.state.String() == a.state.String() && w.leader() == a })
		if len(b.conflicts) != 1 {
			t.Errorf("%d conflicts", len(b.conflicts))
		}
	})
}

// TestForgetsWhatItGaveUp: when it is caught up, nothing is left to go back to.
func TestForgetsWhatItGaveUp(t *testing.T) {
	inWorld(t, "AB", func(w *world) {
		a, b := w.of("A"), w.of("B")
		w.givenUp()
		if a.former == nil {
			t.Error("what is given up is not kept")
		}
		w.until("A follows", 20*time.Second, func() bool { return a.is(mode.Follower)() && a.state.String() == b.state.String() })
		w.until("it is removed", time.Second, func() bool { return a.former == nil })
		b.die()
		w.until("A is an island", 10*time.Second, a.is(mode.Island))
		before := a.state.String()
		w.check(a.node.Takeover(context.Background(), "B is gone"))
		w.until("A goes on", 10*time.Second, a.is(mode.Solo))
		if a.state.String() != before {
			t.Errorf("it has %q, and had %q", a.state, before)
		}
	})
}

// TestGoingBackBrokenOff lets the process die at each write of it: after the next start it is finished or never began.
func TestGoingBackBrokenOff(t *testing.T) {
	for writes := range 14 {
		t.Run("", func(t *testing.T) {
			inWorld(t, "AB", func(w *world) {
				a, b := w.of("A"), w.of("B")
				w.givenUp()
				b.die()
				w.until("A is an island", 10*time.Second, a.is(mode.Island))
				w.mu.Lock()
				a.last = writes + 1
				w.mu.Unlock()
				ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
				defer cancel()
				err := a.node.Takeover(ctx, "B is gone")
				a.die()
				w.mu.Lock()
				a.last = 0
				w.mu.Unlock()
				a.start(false)
				w.until("A is an island, or goes on", 10*time.Second, func() bool { return a.is(mode.Island)() || a.is(mode.Solo)() })
				if err != nil && a.is(mode.Island)() && a.former != nil {
					w.check(a.node.Takeover(context.Background(), "B is gone"))
				} else if err == nil && a.node.Status().Generation.Counter != 3 {
					w.t.Errorf("a takeover that was done is forgotten: generation %v", a.node.Status().Generation)
				}
				b.start(false)
				w.until("they are a pair", time.Minute, func() bool {
					return a.node.Status().Authority && b.is(mode.Follower)() && b.state.String() == a.state.String()
				})
				if a.state.String() != "1" || a.former != nil {
					w.t.Errorf("it has %q; something is kept: %v", a.state, a.former != nil)
				}
			})
		})
	}
}

// TestLogFileKeepsTheFormer goes through it with files as they are on a disk.
func TestLogFileKeepsTheFormer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := replicate.LogFile{Path: filepath.Join(dir, "control.db"), Logger: slog.New(slog.DiscardHandler)}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	closed := func(log replicate.Log, err error) string {
		t.Helper()
		check(err)
		check(log.Close())
		return log.Life()
	}
	names := func(want ...string) {
		t.Helper()
		list, err := filepath.Glob(filepath.Join(dir, "*"))
		check(err)
		for i := range list {
			list[i] = filepath.Base(list[i])
		}
		if diff := cmp.Diff(want, list); diff != "" {
			t.Errorf("files (-want +got):\n%s", diff)
		}
	}
	if log, err := f.Former(); log != nil || err != nil {
		t.Fatalf("of nothing: %v, %v", log, err)
	}
	first := closed(f.Open())
	check(f.SetAside())
	names("control.db.former")
	second := closed(f.Open())
	if got := closed(f.Former()); got != first || second == first {
		t.Errorf("kept is %s, after %s; now it is %s", got, first, second)
	}
	names("control.db", "control.db.former")
	check(f.Reinstate())
	names("control.db")
	if got := closed(f.Open()); got != first {
		t.Errorf("%s is back, and %s was kept", got, first)
	}
	check(f.SetAside())
	check(f.Forget())
	names([]string(nil)...)
}
