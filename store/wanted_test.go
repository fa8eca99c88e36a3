package store_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
)

// hurt makes two boxes with the same records and takes a sealed segment of the second away, as a bad
// disk does; without its twin its readings go too.
func hurt(w *world, twin bool) (a, b *member) {
	a, b = w.join(nil), w.join(nil)
	for range 20 {
		a.plain("sw-1")
		w.pass(time.Minute)
		b.plain("sw-2")
	}
	w.settle([2]*member{a, b})
	b.seal()
	for range 5 {
		a.plain("sw-1")
		b.plain("sw-2")
		w.pass(time.Minute)
	}
	b.stop()
	segment := glob(w.t.(*testing.T), b.o.Dir, "*.sealed")[0]
	wipe(w.t.(*testing.T), segment, 1)
	if !twin {
		if err := os.Remove(strings.TrimSuffix(segment, ".sealed") + ".twin"); err != nil {
			w.t.Fatal(err)
		}
	}
	b.box = open(w.t, b.o)
	b.seal() // and settles what the start found
	return a, b
}

// refill gives b from a what b wants again.
func refill(a, b *member) {
	a.w.t.Helper()
	batches := a.paged(b.Held().Minus(b.Wanted()))
	for i := range batches {
		for _, id := range batches[i].Uses {
			l, err := a.Layout(a.w.t.Context(), id)
			if err != nil {
				a.w.t.Fatal(err)
			}
			batches[i].Layouts = append(batches[i].Layouts, l)
		}
	}
	b.merge(batches...)
}

// TestDamageIsWantedAgain: what a damaged segment lost is taken again from whoever has it, once, also
// when the box restarts in between; and what is dropped on purpose afterwards stays dropped.
func TestDamageIsWantedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	a, b := hurt(w, false)
	lost := b.Wanted()
	if lost.Count() == 0 || !b.Held().Covers(lost) || len(lost.Minus(b.Have())) == 0 {
		t.Fatalf("wanted: %v", lost)
	}
	b.reopen()
	if !b.Wanted().Equal(lost) {
		t.Fatalf("wanted after a restart: %v", b.Wanted())
	}
	refill(a, b)
	if v := b.Wanted(); len(v) > 0 {
		t.Fatalf("still wanted: %v", v)
	}
	w.settle([2]*member{a, b})
	b.complete()
	w.same(a, b)
	b.crash()
	b.complete()
	if v := b.Wanted(); len(v) > 0 {
		t.Fatalf("wanted after a restart: %v", v)
	}
	b.seal()
	for more := true; more; {
		var err error
		if more, err = b.Shed(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	b.reopen()
	if v := b.Wanted(); len(v) > 0 {
		t.Fatalf("what was dropped is wanted: %v", v)
	}
	before := b.Held()
	refill(a, b)
	if !b.Held().Equal(before) || len(b.paged(nil)) > 0 && b.Have().Count() == before.Count() {
		t.Fatal("what was dropped on purpose came back")
	}
}

// TestTwinIsNotDoubled: readings that a sound twin still gives are not taken again.
func TestTwinIsNotDoubled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4)
	a, b := hurt(w, true)
	for k := range b.Wanted() {
		if k.Stream == journal.Samples {
			t.Errorf("%s is wanted, and its twin has it", k)
		}
	}
	refill(a, b)
	w.settle([2]*member{a, b})
	w.same(a, b)
	for _, d := range []string{"sw-1", "sw-2"} {
		if n, want := len(b.starts(d)), len(a.starts(d)); n != want {
			t.Errorf("%s: %d readings, want %d", d, n, want)
		}
	}
}

// starts returns the times of one series of a device.
func (m *member) starts(device string) (at []int64) {
	m.w.t.Helper()
	q := store.SeriesQuery{Device: hw.DeviceID(device), Component: "port/Gi1/0/1", Sensor: "rx_bytes_total"}
	err := m.Series(context.Background(), q, func(p store.Point) error {
		at = append(at, p.At)
		return nil
	})
	if err != nil {
		m.w.t.Fatal(err)
	}
	return at
}
