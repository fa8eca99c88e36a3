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

// seeds runs fn as so many parallel tests, each with its own world.
func seeds(t *testing.T, n uint64, fn func(*world)) {
	t.Parallel()
	for seed := range n {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			fn(newWorld(t, seed))
		})
	}
}

// TestEveryOrderSameState: two stores that write, exchange anything in any order, seal, stop
// and crash meanwhile have the same state bytes once neither lacks anything; also after a
// restart.
func TestEveryOrderSameState(t *testing.T) {
	seeds(t, 8, func(w *world) {
		a, b := w.join(nil), w.join(nil)
		for range 12 {
			switch w.r.IntN(4) {
			case 0:
				a.some(4)
			case 1:
				b.some(4)
			case 2:
				a.send(b)
			case 3:
				b.send(a)
			}
			a.mode.Store(uint32(journal.Leader) + uint32(w.r.IntN(3)))
			b.mode.Store(uint32(journal.Leader) + uint32(w.r.IntN(3)))
		}
		w.settle([2]*member{a, b})
		w.same(a, b)
		a.complete()
		b.complete()
		before := a.state()
		a.reopen()
		b.crash()
		w.same(a, b)
		if string(a.state()) != string(before) {
			w.t.Fatalf("other state after a restart: %s", difference(w.t, before, a.state()))
		}
		a.complete()
		b.complete()
		a.sound()
		b.sound()
	})
}

// TestThreeInALine: what A and C write reaches the other through B only.
func TestThreeInALine(t *testing.T) {
	seeds(t, 4, func(w *world) {
		a, b, c := w.join(nil), w.join(nil), w.join(nil)
		for range 12 {
			switch m := []*member{a, b, c}[w.r.IntN(3)]; w.r.IntN(3) {
			case 0, 1:
				m.some(3)
			default:
				if m == b {
					b.send(a)
					b.send(c)
				} else {
					m.send(b)
				}
			}
		}
		w.settle([2]*member{a, b}, [2]*member{b, c})
		w.same(a, b, c)
		for _, m := range []*member{a, b, c} {
			m.complete()
			m.sound()
		}
	})
}

// TestMergeSheared: a batch that is cut, lengthened or has one bit turned refuses the call,
// and nothing of it is taken.
func TestMergeSheared(t *testing.T) {
	seeds(t, 3, func(w *world) {
		a, b := w.join(nil), w.join(nil)
		a.some(10)
		batches := a.lacking(b, 1000)
		for range 100 {
			bad := slices.Clone(batches)
			at := w.r.IntN(len(bad))
			raw := slices.Clone(bad[at].Bytes)
			switch w.r.IntN(3) {
			case 0:
				raw = raw[:w.r.IntN(len(raw))]
			case 1:
				raw = append(raw, byte(w.r.Uint32()))
			default:
				raw[w.r.IntN(len(raw))] ^= 1 << w.r.IntN(8)
			}
			bad[at].Bytes = raw
			if err := b.Merge(context.Background(), bad); !errors.Is(err, journal.ErrCorrupt) {
				w.t.Fatalf("merge of a sheared batch: %v", err)
			}
			if n := b.Held().Count(); n != 0 {
				w.t.Fatalf("%d batches taken of a refused call", n)
			}
		}
		w.settle([2]*member{a, b})
		w.same(a, b)
	})
}

// TestMergeNeedsLayouts: a batch of samples without its layouts is refused and accepted
// with them; then others that use the same ones need not bring them, and still every
// segment has the layouts its batches use.
func TestMergeNeedsLayouts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	a, b := w.join(nil), w.join(nil)
	for range 6 {
		r := visit("sw-1", a.o.Now(), w.visit)
		w.visit++
		w.put["sw-1"] = append(w.put["sw-1"], w.visit-1)
		a.put(r)
		w.pass(time.Minute)
	}
	var samples, others []journal.Batch
	for _, x := range a.lacking(b, 1000) {
		if x.Stream == journal.Samples {
			samples = append(samples, x)
		} else {
			others = append(others, x)
		}
	}
	bare := func(x journal.Batch) journal.Batch { x.Layouts = nil; return x }
	err := b.Merge(t.Context(), append(slices.Clone(others), bare(samples[0])))
	if !errors.Is(err, store.ErrNoLayout) || b.Held().Count() != 0 {
		t.Fatalf("merge without the layout: %v, %d batches taken", err, b.Held().Count())
	}
	lying := samples[0]
	lying.Layouts = []journal.Layout{{ID: samples[0].Uses[0], Bytes: []byte("RPL\x01 something else")}}
	if err := b.Merge(t.Context(), []journal.Batch{lying}); !errors.Is(err, journal.ErrCorrupt) || b.Held().Count() != 0 {
		t.Fatalf("merge with other bytes under the layout's name: %v", err)
	}
	b.merge(samples[0])
	b.merge(bare(samples[1]))
	b.seal()
	b.merge(bare(samples[2]), bare(samples[3]))
	b.reopen()
	b.merge(bare(samples[4]))
	b.seal()
	b.merge(bare(samples[5]))
	b.merge(others...)
	b.complete()
	w.same(a, b)
	if audit := b.sound(); audit.Segments != 3 || audit.Layouts != 3 {
		t.Fatalf("%d segments, %d layouts; every segment has its own", audit.Segments, audit.Layouts)
	}
}

// TestMergeRepeated: what is held is dropped, at once, later, after sealing and after a
// restart.
func TestMergeRepeated(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	a, b := w.join(nil), w.join(nil)
	a.some(20)
	batches := a.lacking(b, 1000)
	b.merge(append(slices.Clone(batches), batches...)...)
	want := b.state()
	for _, again := range []func(){func() {}, b.seal, b.reopen, b.crash} {
		again()
		b.merge(batches...)
		if string(b.state()) != string(want) {
			t.Fatalf("other state: %s", difference(t, want, b.state()))
		}
	}
	st, err := b.Stats()
	if err != nil || st.Conflicts != 0 {
		t.Fatalf("%d conflicts: %v", st.Conflicts, err)
	}
	b.complete()
	if audit := b.sound(); audit.Batches != len(batches) {
		t.Fatalf("%d batches stand, %d were written", audit.Batches, len(batches))
	}
}

// TestMergeLate: an old fact that comes after newer ones changes nothing that is shown.
func TestMergeLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	a, b, all := w.join(nil), w.join(nil), w.join(nil)
	for range 20 {
		a.visits("sw-1")
		w.pass(time.Minute)
	}
	batches := a.lacking(b, 1000)
	all.merge(batches...)
	want, ok := all.Device("sw-1")
	slices.SortFunc(batches, func(x, y journal.Batch) int { return int(y.Turn - x.Turn) })
	for _, x := range batches {
		b.merge(x)
		if x.Stream != journal.Facts {
			continue
		}
		for _, f := range b.Registers("sw-1") {
			i := slices.IndexFunc(want.Facts, func(o hw.Fact) bool { return o.Register() == f.Register() })
			if i >= 0 && want.Facts[i].At.Before(f.At) {
				t.Fatalf("shows %+v, the last word is %+v", f, want.Facts[i])
			}
		}
	}
	got, _ := b.Device("sw-1")
	if !ok || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("device %+v, want %+v", got, want)
	}
	w.same(a, b, all)
}
