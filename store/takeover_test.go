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

// TestNoSilentInterval: whoever visits, whoever dies and whatever is lost with its disk, on the other
// disk no interval longer than one and a half periods is without a visit or a gap, and every visit that
// was due, was acknowledged and is not there lies within a gap.
func TestNoSilentInterval(t *testing.T) {
	seeds(t, 12, func(w *world) {
		a, b := w.join(nil), w.join(nil)
		visitor, other := a, b
		var made []time.Time
		for range 60 {
			w.pass(60*time.Second + time.Duration(w.r.IntN(3000))*time.Millisecond)
			switch w.r.IntN(10) {
			case 0: // it dies, and the other takes over a while later
				visitor, other = other, visitor
				w.pass(time.Duration(w.r.IntN(40)) * time.Second)
			case 1:
				visitor.crash()
			case 2:
				visitor.reopen()
			case 3: // nobody may visit
				w.pass(time.Duration(w.r.IntN(600)) * time.Second)
			}
			visitor.plain("sw-1")
			made = append(made, visitor.o.Now())
			if w.r.IntN(4) > 0 {
				w.settle([2]*member{a, b})
			}
		}
		if w.r.IntN(2) == 0 {
			visitor, other = other, visitor
			w.pass(66 * time.Second)
			visitor.plain("sw-1")
			made = append(made, visitor.o.Now())
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
