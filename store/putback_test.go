package store_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
)

// putBackAlert returns what m tells of itself having been put back.
func (m *member) putBackAlert() (v hw.AlertValue, ok bool) {
	m.w.t.Helper()
	for _, f := range m.Registers("") {
		if f.Group == store.PutBackCode && f.Component == store.BoxPath(m.Origin()) {
			v, ok = f.Value.(hw.AlertValue)
		}
	}
	return v, ok
}

// isToldBy tells m what peer holds, as a connection's greeting does.
func (m *member) isToldBy(peer *member, before journal.Vector) {
	m.w.t.Helper()
	if err := m.PutBack(m.w.t.Context(), peer.Held(), before); err != nil {
		m.w.t.Fatal(err)
	}
}

// TestPutBackWithMemory: a box that is put back with its memory goes on under the same incarnation, in the middle of what a peer holds. As
// soon as it hears of that it goes on under another one: nothing written since is lost, what may have been before is a gap, and what it said last of its
// devices is said again.
func TestPutBackWithMemory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 5)
	a, b := w.join(nil), w.join(nil)
	visits := func(n int) {
		for range n {
			a.visits("sw-1")
			w.pass(time.Minute)
		}
	}
	visits(4)
	w.settle([2]*member{a, b})
	before, inc := b.Held(), a.incarnation()
	image := copyDir(t, a.o.Dir)
	visits(6)
	a.isToldBy(b, nil)
	if a.incarnation() != inc {
		t.Fatal("a new incarnation without a reason")
	}
	w.settle([2]*member{a, b})
	a.stop()
	a.o.Dir = image
	a.box = open(t, a.o)
	a.GoOnAs(inc)

	back := a.o.Now()
	visits(2) // under names that are taken
	w.put["sw-1"] = w.put["sw-1"][:10]
	a.isToldBy(b, before)
	second := a.incarnation()
	if second == inc {
		t.Fatal("it goes on under names that are taken")
	}
	if v, ok := a.putBackAlert(); !ok || !v.Open || v.Level != hw.LevelAverage {
		t.Fatalf("alert %+v", v)
	}
	visits(3)
	w.settle([2]*member{a, b})
	b.complete() // the first ten, of which six are not at a, and the last three
	if n := a.conflicts() + b.conflicts(); n != 0 {
		t.Errorf("%d batches collide", n)
	}
	if got := a.begins()[second]; got.Previous != inc || !got.Clean {
		t.Errorf("it begins after %+v", got)
	}
	b.tellsPutBack("sw-1", back, back.Add(2*time.Minute))
	mine, there := a.healths("sw-1"), b.healths("sw-1")
	for k, v := range mine {
		if there[k] != v {
			t.Errorf("%s is %v here and %v there", k, v, there[k])
		}
	}

	w.pass(24 * time.Hour)
	visits(1)
	if v, _ := a.putBackAlert(); v.Open {
		t.Error("it is told after a day still")
	}
	b.sound()
	a.hasTwoPasts()
}

// tellsPutBack fails unless one gap of a device tells of what may be elsewhere alone, from the first time on at the latest, and to the other at least.
func (m *member) tellsPutBack(device hw.DeviceID, from, to time.Time) {
	m.w.t.Helper()
	told := 0
	for _, g := range m.gaps(device) {
		if strings.Contains(g.Detail, "put back") {
			if told++; g.From.After(from) || g.To.Before(to) {
				m.w.t.Errorf("gap %+v, put back at %v", g, from)
			}
		}
	}
	if told != 1 {
		m.w.t.Errorf("gaps %+v", m.gaps(device))
	}
}

// hasTwoPasts stops m and fails if its files have another fault than that two pasts meet in them.
func (m *member) hasTwoPasts() {
	m.w.t.Helper()
	m.stop()
	audit, err := store.Verify(m.w.t.Context(), m.o.Dir, io.Discard)
	if err != nil {
		m.w.t.Fatal(err)
	}
	for _, fault := range audit.Faults {
		if !strings.Contains(fault, "does not follow the one before it") {
			m.w.t.Error(fault)
		}
	}
}

// TestPutBackOnceAnHour: a peer that says all the time that it holds what was not written here has a new incarnation begun once an hour, also over a
// restart, and what is said meanwhile is not forgotten.
func TestPutBackOnceAnHour(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 6)
	a := w.join(nil)
	a.plain("sw-1")
	lie := func() {
		k := journal.StreamKey{Site: testSite, Origin: a.Origin(), Incarnation: a.incarnation(), Stream: journal.Samples}
		if err := a.PutBack(t.Context(), journal.Vector{k: {{First: 1, Last: 1 << 40}}}, nil); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[journal.Incarnation]bool{}
	for range 3 * 60 {
		lie()
		seen[a.incarnation()] = true
		a.plain("sw-1")
		w.pass(time.Minute)
	}
	if len(seen) > 4 || len(seen) < 3 {
		t.Errorf("%d incarnations in three hours", len(seen))
	}
	lie()
	a.reopen()
	a.plain("sw-1")
	opened := a.incarnation()
	lie()
	if a.incarnation() != opened {
		t.Error("once more after a restart")
	}
	w.pass(time.Hour)
	a.plain("sw-1")
	if a.incarnation() == opened {
		t.Error("what was said within the hour is forgotten")
	}
	a.sound()
}

// TestForgedOwnName: a batch under this opening's own name that it did not write is taken as another incarnation's, for it goes on under a new
// name; within an hour of that it is refused.
func TestForgedOwnName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	a := w.join(nil)
	forge := func(seq uint64) journal.Batch {
		f := newForeign(testSite)
		f.origin, f.incarnation = a.Origin(), a.incarnation()
		f.seq[journal.Facts] = seq - 1
		return f.facts(t, nil, record(50, []byte("not mine")))
	}
	a.plain("sw-1")
	was := a.incarnation()
	a.merge(forge(100))
	if a.incarnation() == was {
		t.Fatal("it goes on under a name that others write")
	}
	a.plain("sw-1")
	held := a.Held()
	for _, seq := range []uint64{9, 100} {
		if err := a.Merge(t.Context(), []journal.Batch{forge(seq)}); !errors.Is(err, journal.ErrCorrupt) {
			t.Fatalf("seq %d of this store's own, within the hour: %v", seq, err)
		}
	}
	if !a.Held().Equal(held) || a.conflicts() != 0 {
		t.Fatal("something of a refused call was taken")
	}
	a.merge(forge(1)) // its own begin with other bytes: a conflict, not a reason to stop
	if a.conflicts() != 1 {
		t.Fatalf("%d conflicts", a.conflicts())
	}
	// Of an incarnation before this one anything may exist that this disk has not.
	old := forge(100)
	a.reopen()
	a.merge(old)
	a.plain("sw-1")
	a.sound()
}
