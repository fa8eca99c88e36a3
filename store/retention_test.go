package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
)

// shedAll drops everything that may be dropped.
func (m *member) shedAll() {
	m.w.t.Helper()
	for range 1000 {
		freed, err := m.Shed(context.Background())
		if err != nil {
			m.w.t.Fatal(err)
		}
		if !freed {
			return
		}
	}
	m.w.t.Fatal("there is no end to what may be dropped")
}

// heldHere returns what stands in m now.
func (m *member) heldHere() journal.Vector {
	v := journal.Vector{}
	for _, b := range m.all(zero, 100) {
		v.Add(b.StreamKey, b.Seq, b.Seq)
	}
	return v
}

// TestTombstones: what a box dropped of its own is excused at whoever hears of it, and not
// held there; a third store that has it still sends it, and it is taken.
func TestTombstones(t *testing.T) {
	seeds(t, 3, func(w *world) {
		a, b, c := w.join(nil), w.join(nil), w.join(nil)
		a.some(5)
		w.settle([2]*member{a, c})
		for range 3 {
			a.seal()
			a.visits("sw-1")
			w.settle([2]*member{a, c})
		}
		before := a.heldHere()
		a.shedAll()
		dropped := before.Minus(a.heldHere())
		if len(dropped) == 0 {
			w.t.Fatal("nothing was dropped")
		}
		if !a.Held().Covers(dropped) {
			w.t.Fatal("a box asks for what it dropped itself")
		}
		w.settle([2]*member{a, b})
		if left := dropped.Minus(b.Held()); !left.Equal(dropped) {
			w.t.Fatalf("of the dropped %v the peer holds %v", dropped, dropped.Minus(left))
		}
		for _, m := range []*member{a, b} {
			if v := m.Awaited(testSite); len(v) > 0 {
				w.t.Fatalf("waits for %v, which is excused", v)
			}
		}
		if len(b.lacking(a, 1000)) > 0 {
			w.t.Fatal("a peer sends what was dropped back to who dropped it")
		}
		w.settle([2]*member{b, c})
		b.complete()
		b.reopen()
		b.complete()
		if !b.Held().Covers(dropped) {
			w.t.Fatal("what a third store sent is not held")
		}
		w.same(b, c)
		a.sound()
		b.sound()
	})
}

// TestAwayLongerThanRetention: a box was away while its peer dropped facts. The peer's base
// makes up for them, whenever and however often it comes among the facts that are left.
func TestAwayLongerThanRetention(t *testing.T) {
	seeds(t, 5, func(w *world) {
		a, b, all := w.join(nil), w.join(nil), w.join(nil)
		a.some(5)
		b.some(5)
		a.send(b)
		w.settle([2]*member{a, all}, [2]*member{b, all})
		for range 3 {
			a.some(4)
			a.visits("sw-1")
			w.settle([2]*member{a, all})
			a.seal()
		}
		before := a.heldHere()
		a.shedAll()
		facts := before.Minus(a.heldHere())
		n := uint64(0)
		for k, iv := range facts {
			if k.Stream == journal.Facts {
				n += journal.Vector{k: iv}.Count()
			}
		}
		if n == 0 {
			w.t.Fatal("no facts were dropped")
		}
		a.some(3)
		base := a.state()
		joins := 0
		join := func() {
			joins++
			if err := b.Join(context.Background(), base); err != nil {
				w.t.Fatal(err)
			}
			if held := b.Held(); held.Covers(facts) {
				w.t.Fatal("a base made the store hold something")
			}
		}
		for range 8 {
			switch w.r.IntN(4) {
			case 0:
				join()
			case 1:
				a.some(1)
			case 2:
				a.send(b)
			case 3:
				b.crash()
			}
		}
		w.settle([2]*member{a, b})
		join()
		w.settle([2]*member{a, all}, [2]*member{b, all})
		if a.known() != all.known() {
			w.t.Fatalf("who dropped knows less: %s", difference(w.t, all.state(), a.state()))
		}
		if b.known() != all.known() {
			w.t.Fatalf("who was away knows less after %d joins: %s", joins, difference(w.t, all.state(), b.state()))
		}
		for _, m := range []*member{a, b} {
			m.crash()
			if m.known() != all.known() {
				w.t.Fatalf("knows less after a crash: %s", difference(w.t, all.state(), m.state()))
			}
			if v := m.Awaited(testSite); len(v) > 0 {
				w.t.Fatalf("waits for %v", v)
			}
			m.sound()
		}
	})
}

// TestJoinRefused: what is no base of this site changes nothing.
func TestJoinRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	a := w.join(nil)
	a.plain("sw-1")
	other := w.join(func(o *store.Options) { o.Site = journal.ID{7} })
	other.plain("sw-1")
	want := a.state()
	sheared := other.state()
	sheared[len(sheared)/2] ^= 1
	for name, c := range map[string]struct {
		base []byte
		want error
	}{
		"another site's": {other.state(), store.ErrOtherSite},
		"sheared":        {sheared, journal.ErrCorrupt},
		"empty":          {nil, journal.ErrCorrupt},
		"a batch":        {a.all(zero, 10)[0].Bytes, journal.ErrCorrupt},
	} {
		if err := a.Join(t.Context(), c.base); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if string(a.state()) != string(want) {
		t.Fatal("a refused base changed the state")
	}
	if _, err := a.Base(other.o.Site); err == nil {
		t.Fatal("a refused base left a state of its site")
	}
}

// TestDroppedIsTold: what was dropped is a gap of the box with its time, and charts show what
// is left.
func TestDroppedIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	a := w.join(nil)
	from := a.o.Now()
	for range 5 {
		a.plain("sw-1")
		w.pass(time.Minute)
	}
	to := a.o.Now().Add(-time.Minute)
	a.seal()
	a.plain("sw-1")
	a.shedAll()
	told := false
	for _, f := range a.Registers("") {
		g, ok := f.Value.(hw.GapValue)
		told = told || ok && g.Reason == hw.Dropped && g.From.Equal(from) && g.To.Equal(to)
	}
	if !told {
		t.Fatalf("no gap from %v to %v among %+v", from, to, a.Registers(""))
	}
	n := 0
	points(t, a.box, store.SeriesQuery{Device: "sw-1", Component: "port/Gi1/0/2", Sensor: "rx_bytes_total"}, func(store.Point) { n++ })
	if n != 1 {
		t.Fatalf("%d points are shown, one is left", n)
	}
	a.sound()
}
