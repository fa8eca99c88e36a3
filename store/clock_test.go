package store_test

import (
	"errors"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
)

const tenYears = 10 * 365 * 24 * time.Hour

func (m *member) set(offset time.Duration) { m.offset.Store(offset.Milliseconds()) }

// TestClocks: whatever the clocks of two boxes do, each later word wins, nothing is lost, and
// visits keep the times they were given.
func TestClocks(t *testing.T) {
	seeds(t, 6, func(w *world) {
		a, b := w.join(nil), w.join(nil)
		offsets := []time.Duration{0, 0, tenYears, -time.Hour, time.Hour, -start.Sub(time.UnixMilli(0)), -tenYears}
		pair := [2]*member{a, b}
		given := map[int64]bool{}
		for range 10 {
			m := pair[w.r.IntN(2)]
			m.set(offsets[w.r.IntN(len(offsets))])
			given[m.visits("sw-1").Started.UnixMilli()] = true
			w.pass(time.Minute)
			w.settle(pair)

			// The next word comes from either box, by whatever clock it has now.
			m = pair[w.r.IntN(2)]
			m.set(offsets[w.r.IntN(len(offsets))])
			r := visit("sw-1", m.o.Now(), w.visit+1)
			w.visit++
			w.put["sw-1"] = append(w.put["sw-1"], w.visit)
			r.Components[2].Health = hw.Health(w.r.IntN(4))
			m.put(r)
			given[r.Started.UnixMilli()] = true
			w.settle(pair)
			for _, x := range pair {
				if got := x.healths("sw-1")["port/Gi1/0/3"]; got != r.Components[2].Health {
					w.t.Fatalf("port is shown %v, the last visit found it %v", got, r.Components[2].Health)
				}
			}
		}
		w.same(a, b)
		seen := map[int64]bool{}
		for _, m := range pair {
			m.complete()
			points(w.t, m.box, store.SeriesQuery{Device: "sw-1", Component: "port/Gi1/0/1", Sensor: "rx_bytes_total", From: time.UnixMilli(0)}, func(p store.Point) {
				seen[p.At] = true
			})
			m.turnsGrow()
			m.sound()
		}
		for at := range given {
			if !seen[at] {
				w.t.Fatalf("no visit at %v, shown are %v", at, seen)
			}
		}
	})
}

func points(t testing.TB, b *box, q store.SeriesQuery, fn func(store.Point)) {
	t.Helper()
	if err := b.Series(t.Context(), q, func(p store.Point) error { fn(p); return nil }); err != nil {
		t.Fatal(err)
	}
}

// turnsGrow says that the turns of every stream rise with its numbers, and that the turns of
// what m wrote itself rise as it was written.
func (m *member) turnsGrow() {
	m.w.t.Helper()
	last := map[journal.StreamKey]uint64{}
	own := uint64(0)
	batches := m.all(zero, 100)
	slices.SortStableFunc(batches, func(a, b journal.Batch) int { return int(a.Seq) - int(b.Seq) })
	for _, b := range batches {
		if b.Turn <= last[b.StreamKey] && b.Seq > 1 && b.Stream == journal.Facts && b.Turn < last[b.StreamKey] {
			m.w.t.Fatalf("batch %s has turn %d after %d", b.Key, b.Turn, last[b.StreamKey])
		}
		last[b.StreamKey] = b.Turn
	}
	for _, b := range m.all(zero, 100) {
		if b.Origin != m.Origin() {
			continue
		}
		if b.Turn < own {
			m.w.t.Fatalf("batch %s has turn %d, written after turn %d", b.Key, b.Turn, own)
		}
		own = b.Turn
	}
}

// clocks returns what m recorded of its clock.
func (m *member) clocks() (out []hw.ClockValue) {
	m.w.t.Helper()
	facts, err := m.Facts(m.w.t.Context(), store.FactQuery{From: time.UnixMilli(-1 << 60)})
	if err != nil {
		m.w.t.Fatal(err)
	}
	for _, f := range facts {
		if c, ok := f.Value.(hw.ClockValue); ok {
			out = append(out, c)
		}
	}
	return out
}

// TestClockIsSet: a clock set while the box runs is told by a fact each time, with how far,
// and a clock that is slewed is not.
func TestClockIsSet(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	state := journal.ClockUntrusted
	a := w.join(func(o *store.Options) { o.Clock = func() journal.ClockState { return state } })
	a.visits("sw-1")
	want := []hw.ClockValue{{Source: "none"}}
	for _, by := range []time.Duration{time.Hour, 0, tenYears, -tenYears, -time.Hour, -50 * 365 * 24 * time.Hour} {
		a.set(time.Duration(a.offset.Load())*time.Millisecond + by)
		w.pass(time.Minute)
		a.visits("sw-1")
		if by != 0 {
			want = append(want, hw.ClockValue{Source: "none", OffsetMS: by.Milliseconds()})
		}
		a.offset.Add(30) // 0.5 ms a second
		w.pass(time.Minute)
		a.visits("sw-1")
	}
	got := a.clocks()
	for i := range got {
		got[i].OffsetMS = int64(math.Round(float64(got[i].OffsetMS)/10_000)) * 10_000 // the slewing counts too
	}
	if !slices.Equal(got, want) {
		t.Fatalf("clock facts %+v, want %+v", got, want)
	}
	a.turnsGrow()
	a.complete()
	a.sound()
}

// TestClockMended: a box that ran ten years ahead and was mended, over a restart too, goes on
// behind its own turns; those of its peer's are ahead of both.
func TestClockMended(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	a, b := w.join(nil), w.join(nil)
	a.set(tenYears)
	a.visits("sw-1")
	a.stop()
	a.set(0)
	a.box = open(t, a.o)
	a.plain("sw-1")
	a.plain("sw-2")
	w.settle([2]*member{a, b})
	b.plain("sw-1")
	b.plain("sw-2")
	w.settle([2]*member{a, b})
	w.same(a, b)
	a.turnsGrow()
	greatest := uint64(0)
	for _, x := range a.all(zero, 10) {
		greatest = max(greatest, x.Turn)
		if x.Origin == b.Origin() && x.Turn < uint64(start.Add(tenYears).UnixMilli()) {
			t.Fatalf("%s has turn %d and was written after turn %d was seen", x.Key, x.Turn, greatest)
		}
	}
	a.reopen()
	b.reopen()
	w.same(a, b)
	a.complete()
	a.sound()
}

// TestTurnBeyondEveryClock: a turn after which none could follow is refused.
func TestTurnBeyondEveryClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	a := w.join(nil)
	a.plain("sw-1")
	f := newForeign(testSite)
	f.turn = 1<<62 - 1
	if err := a.Merge(t.Context(), []journal.Batch{f.facts(t, nil)}); !errors.Is(err, journal.ErrCorrupt) {
		t.Fatalf("merge of turn %d: %v", f.turn, err)
	}
	a.plain("sw-1")
	a.sound()
}

// TestClocksOfTwo: two boxes that know of each other show a clock each.
func TestClocksOfTwo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	a := w.join(func(o *store.Options) { o.Clock = func() journal.ClockState { return journal.ClockTrusted } })
	b := w.join(func(o *store.Options) { o.Clock = func() journal.ClockState { return journal.ClockUntrusted } })
	a.visits("sw-1")
	w.pass(time.Minute)
	b.visits("sw-1")
	w.settle([2]*member{a, b})
	want := map[string]bool{store.BoxPath(a.Origin()): true, store.BoxPath(b.Origin()): false}
	for i, m := range []*member{a, b} {
		got := map[string]bool{}
		for _, f := range m.Registers("") {
			if c, ok := f.Value.(hw.ClockValue); ok {
				got[f.Component] = c.Trusted
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("box %d shows the clocks %v, want %v", i, got, want)
		}
	}
}
