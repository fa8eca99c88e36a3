package replicate_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"rackpost/replicate/mode"
)

// TestLargeLogIsCutShort: many large commands do not fill the log for ever, and a member that was away meanwhile is caught up.
func TestLargeLogIsCutShort(t *testing.T) {
	inWorld(t, "AB", func(w *world) {
		a, b := w.of("A"), w.of("B")
		const most = 200 << 10
		w.mu.Lock()
		w.bytes = most
		w.mu.Unlock()
		b.die()
		w.check(a.stop())
		a.start(false)
		b.start(false)
		w.until("they are a pair", time.Minute, func() bool { return w.leader() != nil && w.voter("A", "B") && w.voter("B", "A") })
		l := w.leader()
		f := w.of(other(l.name))
		f.die()
		for range 400 {
			w.check(l.propose("large " + strings.Repeat("x", 1<<10)))
		}
		if l.log.Bytes() < most {
			w.t.Fatalf("the log has %d bytes", l.log.Bytes())
		}
		w.until("it is cut short", 3*time.Minute, func() bool { return l.log.Bytes() < most })
		f.start(false)
		w.until("they are a pair", 3*time.Minute, func() bool { return l.is(mode.Leader)() && f.is(mode.Follower)() })
		w.until("they hold the same", time.Minute, func() bool { return l.state.String() == f.state.String() })
	})
}

// TestParted: a box that took over says where the generations parted, also after a restart; who joins it does not.
func TestParted(t *testing.T) {
	inWorld(t, "AB", func(w *world) {
		a, b := w.of("A"), w.of("B")
		w.check(a.propose("before"))
		w.until("B holds it", 10*time.Second, func() bool { return b.state.String() == "before" })
		if p := a.node.Status().Parted; p != 0 {
			w.t.Errorf("nobody took over, and A parted after %d", p)
		}
		a.die()
		w.until("B is alone", 10*time.Second, b.is(mode.Island))
		w.check(b.node.Takeover(context.Background(), "a test"))
		w.until("B goes on alone", 10*time.Second, b.is(mode.Solo))
		w.check(b.propose("after"))
		parted := b.node.Status().Parted
		if applied := b.node.Status().Applied; parted == 0 || parted >= applied {
			w.t.Errorf("B parted after %d and applied %d", parted, applied)
		}
		a.start(false)
		w.until("they are a pair", 3*time.Minute, func() bool { return b.is(mode.Leader)() && a.is(mode.Follower)() })
		b.die()
		b.start(false)
		w.until("they are a pair", 3*time.Minute, func() bool { return w.leader() != nil })
		if got := b.node.Status().Parted; got != parted || a.node.Status().Parted != 0 {
			w.t.Errorf("after a restart B parted after %d, and not after %d; A after %d", got, parted, a.node.Status().Parted)
		}
	})
}
