package intake_test

import (
	"context"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/intake"
	"rackpost/replicate/ship"
)

// TestRefusedConnectionsAreOver: why a site was not let in stands in its row until it is let in, and no longer.
func TestRefusedConnectionsAreOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := simulateHQ(t, 1, nil)
		full := func(err error) {
			h.store.mu.Lock()
			defer h.store.mu.Unlock()
			h.store.before = func(context.Context, []journal.Batch) error { return err }
		}
		full(syscall.ENOSPC)
		b := newBox(t, 0)
		cut := b.connect(h)
		b.writes(journal.Facts, 3, 0)
		time.Sleep(5 * time.Second)
		cut()
		if conn, err := h.dial(b.name, ship.Live); err == nil {
			conn.Close()
			t.Fatal("a site is let in although nothing can be stored")
		}
		if row := h.row(b.name); row.LastRefusal == "" || row.Refusals["store"] != 1 {
			t.Errorf("not let in: %+v", row)
		}
		full(nil)
		time.Sleep(15 * time.Second)
		b.connect(h)
		until(t, "all comes", func() bool { return b.there(h) })
		if row := h.row(b.name); row.LastRefusal != "" || row.Refusals["store"] != 1 {
			t.Errorf("let in again: %+v", row)
		}
		h.stop()
	})
}

// TestPacedSinceBefore: what an operator wished of a site before a restart of headquarters holds before its first batch can come.
func TestPacedSinceBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := simulateHQ(t, 1, func(c *intake.Config) {
			c.Paced = func(journal.ID) ship.Pace { return ship.Pace{Paused: true, Why: "its clock is wrong"} }
		})
		b := newBox(t, 0)
		b.writes(journal.Facts, 3, 0)
		b.connect(h)
		b.writes(journal.Samples, 3, 100)
		time.Sleep(time.Minute)
		if n := h.store.HeldOf(b.site()).Count(); n != 0 {
			t.Errorf("%d batches came of a site that is paused", n)
		}
		if err := h.SetPace(b.site(), ship.Pace{}); err != nil {
			t.Fatal(err)
		}
		until(t, "all comes", func() bool { return b.there(h) })
		h.stop()
	})
}
