package store_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// begins returns the begin records m holds of its own origin, by incarnation.
func (m *member) begins() map[journal.Incarnation]journal.Begin {
	m.w.t.Helper()
	out := map[journal.Incarnation]journal.Begin{}
	var pack journal.Compressor
	for _, b := range m.all(zero, 100) {
		if b.Stream != journal.Facts || b.Seq != 1 || b.Origin != m.Origin() {
			continue
		}
		body, err := pack.Body(&b)
		if err != nil {
			m.w.t.Fatal(err)
		}
		err = journal.Records(body, func(rec journal.Record) error {
			if rec.Type != journal.TypeBegin || b.Records != 1 {
				m.w.t.Errorf("batch %s has %d records, the first of type %d", b.Key, b.Records, rec.Type)
			}
			begin, err := journal.ParseBegin(rec.Payload)
			out[b.Incarnation] = begin
			return err
		})
		if err != nil {
			m.w.t.Fatal(err)
		}
	}
	return out
}

func (m *member) incarnation() journal.Incarnation {
	m.w.t.Helper()
	st, err := m.Stats()
	if err != nil {
		m.w.t.Fatal(err)
	}
	return st.Incarnation
}

// last returns what a store holds of an incarnation of m, stream by stream.
func (m *member) last(i journal.Incarnation) (out []journal.StreamSeq) {
	held := m.Held()
	for _, k := range held.Keys() {
		if k.Incarnation == i {
			out = append(out, journal.StreamSeq{Stream: k.Stream, Seq: held.Last(k)})
		}
	}
	return out
}

func (m *member) conflicts() uint64 {
	m.w.t.Helper()
	st, err := m.Stats()
	if err != nil {
		m.w.t.Fatal(err)
	}
	return st.Conflicts
}

// TestThreeIncarnations: every opening says which one it follows, how that ended and how far
// it had come; all of them merge.
func TestThreeIncarnations(t *testing.T) {
	seeds(t, 3, func(w *world) {
		a, b := w.join(nil), w.join(nil)
		want := map[journal.Incarnation]journal.Begin{}
		var previous journal.Begin
		for i, end := range []func(){a.reopen, a.crash, a.reopen, func() {}} {
			for range 1 + w.r.IntN(5) {
				a.visits("sw-1")
				w.pass(time.Minute)
			}
			id := a.incarnation()
			want[id] = previous
			if w.r.IntN(2) == 0 {
				a.seal()
			}
			previous = journal.Begin{Previous: id, Last: a.last(id), Clean: i != 1}
			a.send(b)
			end()
		}
		if got := a.begins(); fmt.Sprint(got) != fmt.Sprint(want) {
			w.t.Fatalf("begins %v, want %v", got, want)
		}
		w.settle([2]*member{a, b})
		w.same(a, b)
		b.complete()
	})
}

// TestOldImagePutBack: a box goes on from an old image of its disk. Its records collide with
// none of those written after the image, which come back from the peer.
func TestOldImagePutBack(t *testing.T) {
	seeds(t, 4, func(w *world) {
		a, b := w.join(nil), w.join(nil)
		a.some(6)
		image := copyDir(w.t, a.o.Dir)
		a.some(6)
		if w.r.IntN(2) == 0 { // the peer knows all that was written after the image
			a.reopen()
			a.visits("sw-1")
		}
		w.settle([2]*member{a, b})
		later := a.incarnation()
		a.stop()

		a.o.Dir = image
		a.offset.Store(-time.Hour.Milliseconds() * int64(w.r.IntN(3)))
		a.box = open(w.t, a.o)
		a.some(3)
		a.visits("sw-1")
		restored := a.incarnation()
		if restored == later {
			w.t.Fatal("an incarnation came twice")
		}
		a.send(b)
		w.settle([2]*member{a, b})
		w.same(a, b)
		a.complete()
		b.complete()
		if n := a.conflicts() + b.conflicts(); n != 0 {
			w.t.Fatalf("%d batches collide", n)
		}

		// What came back from the peer was not written by this disk.
		a.reopen()
		a.visits("sw-1")
		if got := a.begins()[a.incarnation()]; got.Previous != restored || !got.Clean {
			w.t.Fatalf("begins after %s (clean: %t), want %s", got.Previous, got.Clean, restored)
		}
		w.settle([2]*member{a, b})
		a.sound()
		b.sound()
	})
}

// TestCopiedDisk: two boxes run from copies of one disk. Both are the same origin, neither
// is the same incarnation, and nothing of either is lost.
func TestCopiedDisk(t *testing.T) {
	seeds(t, 3, func(w *world) {
		a, c := w.join(nil), w.join(nil)
		a.some(6)
		b := w.join(nil)
		b.stop()
		b.o.Dir = copyDir(w.t, a.o.Dir)
		b.box = open(w.t, b.o)
		if a.Origin() != b.Origin() {
			w.t.Fatal("a copy has another origin")
		}
		for range 6 {
			a.some(2)
			b.some(2)
			a.send(c)
			b.send(c)
			b.send(a)
		}
		w.settle([2]*member{a, c}, [2]*member{b, c})
		w.same(a, b, c)
		for _, m := range []*member{a, b, c} {
			m.complete()
			if n := m.conflicts(); n != 0 {
				w.t.Fatalf("%d batches collide", n)
			}
			m.sound()
		}
	})
}

// TestDiskReplaced: an empty disk is another origin, the peer sends everything back, and one
// visit makes every register right.
func TestDiskReplaced(t *testing.T) {
	seeds(t, 3, func(w *world) {
		a, b := w.join(nil), w.join(nil)
		a.some(10)
		b.some(3)
		a.visits("sw-1")
		w.settle([2]*member{a, b})
		dead := a.Origin()
		a.stop()
		a.o.Dir = w.t.TempDir()
		a.box = open(w.t, a.o)
		if a.Origin() == dead {
			w.t.Fatal("an empty disk has the old origin")
		}
		first := w.r.IntN(2) == 0
		if !first {
			w.settle([2]*member{a, b})
			a.complete()
		}
		w.pass(time.Minute)
		r := visit("sw-1", a.o.Now(), 0) // the parts as they are now: all four, healthy
		a.put(r)
		w.put["sw-1"] = slices.Sorted(slices.Values(append(w.put["sw-1"], 0)))
		w.settle([2]*member{a, b})
		w.same(a, b)
		for _, m := range []*member{a, b} {
			m.complete()
			if got := m.healths("sw-1"); !maps.Equal(got, map[string]hw.Health{"port/Gi1/0/1": hw.OK, "port/Gi1/0/2": hw.OK, "port/Gi1/0/3": hw.OK, "port/Gi1/0/4": hw.OK}) {
				w.t.Fatalf("ports %v after a visit that found all well (first: %t)", got, first)
			}
			for _, f := range m.Registers("sw-1") {
				if x, ok := f.Value.(hw.AlertValue); ok && x.Open && f.Group != hw.AlertMissing && f.Group != hw.AlertFlapping {
					w.t.Fatalf("alert %+v after a visit that found all well", f)
				}
			}
			m.sound()
		}
	})
}

// healths returns what m shows of a device's components.
func (m *member) healths(device hw.DeviceID) map[string]hw.Health {
	out := map[string]hw.Health{}
	for _, f := range m.Registers(device) {
		if x, ok := f.Value.(hw.ComponentValue); ok {
			out[f.Component] = x.Health
		}
	}
	return out
}

// gaps returns the gap registers m shows of a device.
func (m *member) gaps(device hw.DeviceID) (out []hw.GapValue) {
	for _, f := range m.Registers(device) {
		if g, ok := f.Value.(hw.GapValue); ok {
			out = append(out, g)
		}
	}
	return out
}
