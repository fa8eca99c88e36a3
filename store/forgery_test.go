package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
)

// TestOtherContent: other bytes under a held key are set aside and counted, once each, also
// over restarts and sealing; they are never folded nor shipped.
func TestOtherContent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	a := w.join(nil)
	say := func(h hw.Health) journal.Batch {
		return newForeign(testSite).facts(t, []hw.Fact{{Kind: hw.ComponentFact, Device: "sw-1", Component: "port/Gi1/0/3", Group: "ports", At: start, Value: hw.ComponentValue{Health: h}}})
	}
	first, second, third := say(hw.OK), say(hw.Critical), say(hw.Warning)
	a.merge(first)
	want := a.state()
	wantConflicts := func(n uint64) {
		t.Helper()
		if got := a.conflicts(); got != n {
			t.Fatalf("%d conflicts, want %d", got, n)
		}
		if string(a.state()) != string(want) {
			t.Fatal("other content was folded")
		}
		if got := a.all(zero, 10); !slices.EqualFunc(got, []journal.Batch{first}, func(x, y journal.Batch) bool { return string(x.Bytes) == string(y.Bytes) }) {
			t.Fatal("other content is shipped")
		}
	}
	wantConflicts(0)
	a.merge(first)
	wantConflicts(0)
	a.merge(second)
	wantConflicts(1)
	a.merge(second, first, second)
	wantConflicts(1)
	a.reopen()
	wantConflicts(1)
	a.merge(second)
	wantConflicts(1)
	a.crash()
	a.merge(third)
	wantConflicts(2)
	a.seal()
	a.reopen()
	wantConflicts(2)
	// Two contents under one new key in one call: neither is the right one.
	forged := newForeign(testSite)
	forged.seq[journal.Facts] = 7
	x := forged.facts(t, nil, record(50, []byte("one")))
	forged.seq[journal.Facts] = 7
	y := forged.facts(t, nil, record(50, []byte("other")))
	if err := a.Merge(t.Context(), []journal.Batch{x, y}); !errors.Is(err, journal.ErrCorrupt) {
		t.Fatalf("one key with two contents in one call: %v", err)
	}
	wantConflicts(2)
	a.sound()
}

// TestManyOthers: beyond a bound other contents are counted only.
func TestManyOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	a := w.join(nil)
	var batches []journal.Batch
	for n := range 1010 {
		batches = append(batches, newForeign(testSite).facts(t, nil, record(50, fmt.Append(nil, n))))
	}
	a.merge(batches[0])
	for part := range slices.Chunk(batches[1:], 100) {
		for _, x := range part {
			a.merge(x)
		}
	}
	if got := a.conflicts(); got != 1009 {
		t.Fatalf("%d conflicts counted of 1009", got)
	}
	if got := len(a.all(zero, 2000)); got != 1 {
		t.Fatalf("%d batches stand, one was taken", got)
	}
}

// TestGreatestTurn: a batch at the greatest turn that is taken, as a hostile headquarters may send it down, does not
// make what is written after it unfit for everybody else.
func TestGreatestTurn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 5)
	a, b := w.join(nil), w.join(nil)
	f := newForeign(testSite)
	f.turn = journal.MaxTurn/2 + 1
	if err := a.Merge(t.Context(), []journal.Batch{f.facts(t, nil, record(50, []byte("later")))}); !errors.Is(err, journal.ErrCorrupt) {
		t.Fatalf("a turn beyond: %v", err)
	}
	f.turn, f.seq[journal.Facts] = journal.MaxTurn/2, 0
	a.merge(f.facts(t, nil, record(50, []byte("late"))))
	for range 3 {
		a.plain("sw-1")
	}
	w.settle([2]*member{a, b})
	w.same(a, b)
	b.plain("sw-1")
	w.settle([2]*member{a, b})
	w.same(a, b)
}

// TestOtherSite: a box takes nothing of another site. HQ does, and sites that name devices
// alike stay apart.
func TestOtherSite(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4)
	other := journal.ID{0xbb, 2}
	a := w.join(nil)
	b := w.join(func(o *store.Options) { o.Site = other })
	hq := w.join(func(o *store.Options) { o.Site, o.ManySites = journal.ID{0xcc, 3}, true })
	for n := range 6 {
		r := visit("sw-1", a.o.Now(), uint64(100+n))
		a.put(r)
		r = visit("sw-1", a.o.Now(), uint64(200+n))
		r.Components[0].Health, r.Unit.Serial = hw.Critical, "SIM2"
		b.put(r)
		w.pass(time.Minute)
		if n == 3 {
			a.seal()
		}
	}
	before := a.state()
	if err := a.Merge(t.Context(), append(b.lacking(a, 100), a.all(zero, 1)...)); !errors.Is(err, store.ErrOtherSite) {
		t.Fatalf("merge of another site's: %v", err)
	}
	if string(a.state()) != string(before) {
		t.Fatal("a refused call changed the state")
	}
	batches := append(a.lacking(hq, 1000), b.lacking(hq, 1000)...)
	w.r.Shuffle(len(batches), func(i, j int) { batches[i], batches[j] = batches[j], batches[i] })
	hq.merge(batches...)
	check := func() {
		t.Helper()
		for _, m := range []*member{a, b} {
			theirs, err := hq.Base(m.o.Site)
			if err != nil || string(theirs) != string(m.state()) {
				t.Fatalf("HQ has another state of a site: %v", err)
			}
			if got, want := fmt.Sprint(hq.DevicesOf(m.o.Site)), fmt.Sprint(m.Devices()); got != want {
				t.Fatalf("HQ shows %s, the site %s", got, want)
			}
			var mine, his []store.Point
			for to, q := range map[*[]store.Point]struct {
				*member
				site journal.ID
			}{&mine: {m, journal.ID{}}, &his: {hq, m.o.Site}} {
				points(t, q.box, store.SeriesQuery{Site: q.site, Device: "sw-1"}, func(p store.Point) { *to = append(*to, p) })
			}
			if len(mine) == 0 || !slices.Equal(mine, his) {
				t.Fatalf("HQ gives %d points, the site %d", len(his), len(mine))
			}
			f1, err := m.Facts(context.Background(), store.FactQuery{Device: "sw-1"})
			f2, err2 := hq.Facts(context.Background(), store.FactQuery{Site: m.o.Site, Device: "sw-1"})
			if err != nil || err2 != nil || len(f1) == 0 || fmt.Sprint(f1) != fmt.Sprint(f2) {
				t.Fatalf("HQ gives the facts %v, the site %v: %v, %v", f2, f1, err, err2)
			}
		}
		if len(hq.Devices()) != 0 {
			t.Fatalf("HQ has devices of its own: %v", hq.Devices())
		}
	}
	check()
	hq.seal()
	check()
	hq.reopen()
	check()
	hq.seal()
	hq.crash()
	check()
	hq.sound()
}
