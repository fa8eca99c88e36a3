package store_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
)

const elsewhere = "another box visited before; what it read last is not here"

// TestTakeoverGap: a box dies and takes what it read last with it; who visits next tells of it, once.
func TestTakeoverGap(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 5)
	a, b := w.join(nil), w.join(nil)
	a.plain("sw-1")
	a.plain("sw-2")
	from := a.o.Now()
	a.send(b)
	w.settle([2]*member{a, b})
	w.pass(time.Minute)
	a.put(visit("sw-1", a.o.Now(), 1000)) // and dies before b has it
	w.pass(4 * time.Second)
	b.mode.Store(uint32(journal.Solo))
	b.plain("sw-1")
	b.plain("sw-2")
	lost := hw.GapValue{Reason: hw.Missed, Detail: elsewhere, From: from, To: b.o.Now()}
	w.wantGaps(b, "sw-1", lost)
	w.wantGaps(b, "sw-2", lost)
	for range 5 {
		w.pass(time.Minute)
		b.plain("sw-1")
		b.plain("sw-2")
	}
	w.wantGaps(b, "sw-1", lost)
	w.wantGaps(b, "sw-2", lost)
}

// TestTakeoverInTime: what the other box read a moment ago, and is here, is no gap.
func TestTakeoverInTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 6)
	a, b := w.join(nil), w.join(nil)
	for range 3 {
		a.plain("sw-1")
		w.settle([2]*member{a, b})
		w.pass(40 * time.Second)
		b.plain("sw-1")
		w.settle([2]*member{a, b})
		w.pass(40 * time.Second)
	}
	w.wantGaps(a, "sw-1")
	w.wantGaps(b, "sw-1")
}

// TestTakeoverBack: the other box visited in between, and what it read of one device is not here.
func TestTakeoverBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 7)
	a, b := w.join(nil), w.join(nil)
	a.plain("sw-1")
	from := a.o.Now()
	w.settle([2]*member{a, b})
	w.pass(30 * time.Second)
	b.plain("sw-2")
	w.settle([2]*member{a, b})
	w.pass(30 * time.Second)
	b.put(visit("sw-1", b.o.Now(), 1000)) // and dies
	w.pass(5 * time.Second)
	a.plain("sw-1")
	w.wantGaps(a, "sw-1", hw.GapValue{Reason: hw.Missed, Detail: elsewhere, From: from, To: a.o.Now()})
}

// TestIdleGap: a box that was not allowed to visit for a while, and still runs, tells when it visits
// again; where the poller or an open gap tells, it does not.
func TestIdleGap(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 8)
	a := w.join(nil)
	for _, d := range []hw.DeviceID{"sw-1", "sw-2"} {
		a.plain(d)
	}
	from := a.o.Now()
	w.pass(89 * time.Second)
	a.plain("sw-2")
	w.pass(time.Hour)
	a.plain("sw-1")
	w.wantGaps(a, "sw-1", hw.GapValue{Reason: hw.Missed, From: from, To: a.o.Now()})
	w.wantGaps(a, "sw-2")
	r := visit("sw-2", a.o.Now(), 1001)
	own := hw.Gap{What: hw.VisitGap, Reason: hw.Missed, Detail: "9 visits", From: from.Add(149 * time.Second), To: a.o.Now()}
	r.Gaps = append(r.Gaps, own)
	a.put(r)
	w.wantGaps(a, "sw-2", hw.GapValue{Reason: hw.Missed, Detail: "9 visits", From: own.From, To: own.To})
}

// TestSilence: a gap tells of more than one and a half periods without a visit, whatever the visit before promised: a poller moves a
// visit by a tenth of a period, and one that came late promises the next one soon.
func TestSilence(t *testing.T) {
	t.Parallel()
	const s = time.Second
	for _, c := range []struct {
		name                                 string
		promised, configured, passed, begins time.Duration // begins: the poller's gap, 0 for none
		want                                 bool
	}{
		{"one and a half periods", 60 * s, 60 * s, 90 * s, 0, false},
		{"a little more", 60 * s, 60 * s, 90*s + time.Millisecond, 0, true},
		{"the next was due late", 66 * s, 60 * s, 90*s + time.Millisecond, 0, true},
		{"the next was due soon", 10 * s, 60 * s, 90 * s, 0, false},
		{"the next was due soon, and did not come", 10 * s, 60 * s, 90*s + time.Millisecond, 0, true},
		{"the next was due at once", 0, 60 * s, 90 * s, 0, false},
		{"the next was due at once, and did not come", 0, 60 * s, 90*s + time.Millisecond, 0, true},
		{"nobody knows a period", 0, 0, 600 * s, 0, false},
		{"who visits does not know the period", 66 * s, 0, 90*s + time.Millisecond, 0, true},
		{"a shorter period since", 66 * s, 10 * s, 89 * s, 0, false},
		{"the poller tells", 60 * s, 60 * s, 600 * s, 60 * s, false},
		{"the poller tells of the end alone", 60 * s, 60 * s, 600 * s, 500 * s, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 9)
			a := w.join(nil)
			from := a.o.Now()
			put := func(gaps ...hw.Gap) {
				r := visit("sw-1", a.o.Now(), uint64(a.o.Now().UnixMilli()))
				r.Period, r.Shortest, r.Gaps = c.promised, c.configured, gaps
				a.put(r)
			}
			put()
			w.pass(c.passed)
			var want []hw.GapValue
			if to := a.o.Now(); c.begins > 0 {
				told := hw.Gap{What: hw.VisitGap, Reason: hw.Missed, From: from.Add(c.begins), To: to}
				want = append(want, hw.GapValue{Reason: told.Reason, From: told.From, To: to})
				put(told)
			} else {
				put()
			}
			if c.want {
				want = []hw.GapValue{{Reason: hw.Missed, From: from, To: a.o.Now()}}
			}
			w.wantGaps(a, "sw-1", want...)
		})
	}
}

// TestNoSilentInterval: whoever visits, whoever dies and whatever is lost with its disk, on the other
// disk no interval longer than one and a half periods is without a visit or a gap, and every visit that
// was due, was acknowledged and is not there lies within a gap.
func TestNoSilentInterval(t *testing.T) {
	seeds(t, 12, func(w *world) {
		a, b := w.join(nil), w.join(nil)
		visitor, other := a, b
		var made []time.Time
		next := time.Minute // as the last visit promised: between a tenth of a period and a period and a tenth
		reads := func() {
			least := []int{6, 60}[w.r.IntN(2)]
			next = time.Duration(least*1000+w.r.IntN(66_001-least*1000)) * time.Millisecond
			w.visit++
			r := visit("sw-1", visitor.o.Now(), w.visit)
			r.Period = next
			visitor.put(r)
			made = append(made, visitor.o.Now())
		}
		for range 60 {
			w.pass(next + time.Duration(w.r.IntN(3000))*time.Millisecond)
			switch w.r.IntN(12) {
			case 0: // it dies, and the other takes over a while later
				visitor, other = other, visitor
				w.pass(time.Duration(w.r.IntN(40)) * time.Second)
			case 1:
				visitor.crash()
			case 2:
				visitor.reopen()
			case 3: // nobody may visit
				w.pass(time.Duration(w.r.IntN(600)) * time.Second)
			case 4, 5: // it is late
				w.pass(time.Duration(w.r.IntN(45_000)) * time.Millisecond)
			}
			reads()
			if w.r.IntN(4) > 0 {
				w.settle([2]*member{a, b})
			}
		}
		if w.r.IntN(2) == 0 {
			visitor = other
			w.pass(next + time.Second)
			reads()
		}
		visitor.told("sw-1", made)
	})
}

// told says that every visit made is there or within a gap, and that nothing longer than one and a
// half periods is without either.
func (m *member) told(device hw.DeviceID, made []time.Time) {
	m.w.t.Helper()
	there := map[int64]bool{}
	err := m.Series(context.Background(), store.SeriesQuery{Device: device, Component: "port/Gi1/0/1", Sensor: "rx_bytes_total"}, func(p store.Point) error {
		there[p.At] = true
		return nil
	})
	if err != nil {
		m.w.t.Fatal(err)
	}
	facts, err := m.Facts(context.Background(), store.FactQuery{Device: device})
	if err != nil {
		m.w.t.Fatal(err)
	}
	covered := func(from, to time.Time) bool {
		return slices.ContainsFunc(facts, func(f store.FactRecord) bool {
			g, ok := f.Value.(hw.GapValue)
			return ok && !g.From.After(from) && !g.To.Before(to)
		})
	}
	var last time.Time
	for _, at := range made {
		if !there[at.UnixMilli()] {
			if !covered(at, at) {
				m.w.t.Errorf("the visit at %v is lost and in no gap", at)
			}
			continue
		}
		if !last.IsZero() && at.Sub(last) > 90*time.Second && !covered(last, at) {
			m.w.t.Errorf("nothing tells why there is no visit between %v and %v", last, at)
		}
		last = at
	}
}
