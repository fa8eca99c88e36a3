package store_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/store"
)

// plain puts a visit of a healthy device.
func (m *member) plain(device hw.DeviceID) {
	m.w.t.Helper()
	m.w.visit++
	m.put(visit(device, m.o.Now(), m.w.visit))
	m.w.put[device] = append(m.w.put[device], m.w.visit)
}

func (w *world) wantGaps(m *member, device hw.DeviceID, want ...hw.GapValue) {
	w.t.Helper()
	got := m.gaps(device)
	for i := range got {
		got[i].From, got[i].To = got[i].From.UTC(), got[i].To.UTC()
	}
	for i := range want {
		want[i].From, want[i].To = want[i].From.UTC(), want[i].To.UTC()
	}
	if !slices.Equal(got, want) {
		w.t.Fatalf("%s has the gaps %+v, want %+v", device, got, want)
	}
}

// TestCrashGap: after a crash each device has a gap from its last durable visit to the first
// new one, however short.
func TestCrashGap(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	a := w.join(nil)
	times := map[hw.DeviceID]time.Time{}
	for _, d := range []hw.DeviceID{"sw-1", "sw-2", "sw-3"} {
		a.plain(d)
		times[d] = a.o.Now()
		w.pass(10 * time.Second)
	}
	a.crash()
	w.pass(10 * time.Second)
	a.plain("sw-1")
	a.plain("sw-2")
	w.wantGaps(a, "sw-1", hw.GapValue{Reason: hw.ApplianceCrash, From: times["sw-1"], To: a.o.Now()})
	w.wantGaps(a, "sw-2", hw.GapValue{Reason: hw.ApplianceCrash, From: times["sw-2"], To: a.o.Now()})
	first := a.o.Now()
	w.pass(time.Minute)
	a.plain("sw-1") // once only
	w.wantGaps(a, "sw-1", hw.GapValue{Reason: hw.ApplianceCrash, From: times["sw-1"], To: first})
	// A second crash comes before sw-3 is visited again.
	a.crash()
	w.pass(time.Minute)
	a.plain("sw-3")
	w.wantGaps(a, "sw-3", hw.GapValue{Reason: hw.ApplianceCrash, From: times["sw-3"], To: a.o.Now()})
	a.plain("sw-4")
	w.wantGaps(a, "sw-4") // never seen before
}

// TestCrashGapTwiceInAFlush: two reports of one device in one flush make one gap.
func TestCrashGapTwiceInAFlush(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	a := w.join(nil)
	a.plain("sw-1")
	from := a.o.Now()
	a.crash()
	w.pass(time.Minute)
	to := a.o.Now()
	a.stop()
	s, err := store.Open(t.Context(), a.o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PutTogether([]hw.Report{visit("sw-1", to, 2), visit("sw-1", to.Add(time.Minute), 3)}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	a.box = open(t, a.o)
	w.wantGaps(a, "sw-1", hw.GapValue{Reason: hw.ApplianceCrash, From: from, To: to})
}

// TestStopGap: after an orderly stop only a missed visit is a gap.
func TestStopGap(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	a := w.join(nil)
	a.plain("sw-1")
	a.plain("sw-2")
	from := a.o.Now()
	a.reopen()
	w.pass(80 * time.Second) // the period is a minute
	a.plain("sw-1")
	w.wantGaps(a, "sw-1")
	w.pass(20 * time.Second)
	a.plain("sw-2")
	w.wantGaps(a, "sw-2", hw.GapValue{Reason: hw.ApplianceDown, From: from, To: a.o.Now()})
	// Two stops with a missed visit between the first and the last.
	a.plain("sw-3")
	from = a.o.Now()
	a.reopen()
	a.plain("sw-1")
	a.reopen()
	w.pass(time.Hour)
	a.plain("sw-3")
	w.wantGaps(a, "sw-3", hw.GapValue{Reason: hw.ApplianceDown, From: from, To: a.o.Now()})
}

// TestPeerWatched: what another box visited meanwhile is no gap.
func TestPeerWatched(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	a, b := w.join(nil), w.join(nil)
	a.plain("sw-1")
	a.crash()
	for range 30 {
		w.pass(time.Minute)
		b.plain("sw-1")
	}
	w.settle([2]*member{a, b})
	w.pass(time.Minute)
	a.plain("sw-1")
	w.wantGaps(a, "sw-1")
}

// TestNoTrace: an opening that writes nothing changes no file; one that only merges begins
// nothing.
func TestNoTrace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4)
	a, b := w.join(nil), w.join(nil)
	a.some(10)
	a.seal()
	a.some(3)
	a.stop()
	before := dirBytes(t, a.o.Dir)
	held := a.Held()
	for range 3 {
		a.reopen()
		_ = a.Devices()
		_ = a.numbers(testSite, "sw-1")
		a.stop()
		if after := dirBytes(t, a.o.Dir); !maps.Equal(before, after) {
			t.Fatalf("files were %v, are %v", sizes(before), sizes(after))
		}
	}
	a.box = open(t, a.o)
	if !a.Held().Equal(held) {
		t.Fatalf("holds %v, held %v", a.Held(), held)
	}
	b.some(3)
	b.send(a)
	a.reopen()
	for k := range a.Held() {
		if k.Origin == a.Origin() && !held.Has(k, 1) {
			t.Fatalf("merging alone wrote %s", k)
		}
	}
}

func sizes(files map[string]string) map[string]int {
	out := map[string]int{}
	for name, content := range files {
		out[name] = len(content)
	}
	return out
}
