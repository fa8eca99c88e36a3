package store_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
)

// give gives hq batches of a box, all or those that take names.
func give(t *testing.T, hq, from *box, take func(journal.Key) bool) {
	t.Helper()
	var batches []journal.Batch
	for _, b := range allOf(t, from) {
		if take == nil || take(b.Key) {
			batches = append(batches, b)
		}
	}
	require(t, hq.Merge(t.Context(), batches))
}

// allOf returns all batches of a store.
func allOf(t *testing.T, b *box) []journal.Batch {
	t.Helper()
	batches, err := b.Lacking(t.Context(), journal.Vector{}, 1<<30)
	require(t, err)
	return batches
}

// gapsOf returns the gaps that a site's view shows of a device, or of its boxes.
func gapsOf(s *box, site journal.ID, device hw.DeviceID, reason hw.Reason) (out []hw.GapValue) {
	for _, f := range s.RegistersOf(site, device) {
		if g, ok := f.Value.(hw.GapValue); ok && !f.Removed && g.Reason == reason {
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b hw.GapValue) int { return a.From.Compare(b.From) })
	return out
}

// looks has hq look twice at what is missing, and returns what the two told.
func looks(hq *member, firsts bool, present ...journal.ID) (store.Missing, error) {
	look := store.Look{Present: present, Firsts: firsts}
	first, err := hq.TellMissing(testSite, look)
	if err == nil && first.Lost > 0 {
		err = fmt.Errorf("the first look tells %+v", first)
	}
	if err != nil {
		return first, err
	}
	look.Suspect = first.Suspect
	m, err := hq.TellMissing(testSite, look)
	m.Visits += first.Visits
	return m, err
}

func headquartersOf(t testing.TB, w *world) *member {
	return w.join(func(o *store.Options) { o.Site, o.ManySites = journal.ID{0xcc}, true })
}

// TestReplacedDisk: a lone box gets a new disk and visits days later, knowing of nothing. Headquarters tells the hole of each device once, and
// none of a device that was added with the new disk, nor of one that had been taken out before.
func TestReplacedDisk(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	hq, a := headquartersOf(t, w), w.join(nil)
	learned := func(m *member, device hw.DeviceID, v hw.Value) {
		f := hw.Fact{Kind: hw.LearnedFact, Version: 1, Device: device, Component: "configuration", Group: "kind", At: m.o.Now(), Removed: v == nil, Value: v}
		require(t, m.Say(t.Context(), []hw.Fact{f}))
	}
	learned(a, "sw-gone", hw.LearnedValue{Value: "cisco"})
	var last time.Time
	for range 3 {
		w.pass(time.Minute)
		last = a.visits("sw-1").Started
		a.visits("sw-gone")
	}
	learned(a, "sw-gone", nil)
	give(t, hq.box, a.box, nil)
	a.stop() // its disk is lost
	w.pass(72 * time.Hour)
	n := w.join(nil)
	first := n.visits("sw-1").Started
	n.visits("sw-new")
	n.visits("sw-gone")
	n.reopen() // before headquarters is heard
	w.pass(time.Minute)
	n.visits("sw-1")
	give(t, hq.box, n.box, nil)
	tell := func(present ...journal.ID) store.Missing {
		m, err := looks(hq, true, present...)
		require(t, err)
		return m
	}
	if m := tell(); !m.Open || m.Visits > 0 {
		t.Fatalf("nobody is there: %+v", m)
	}
	if m := tell(n.Origin()); m.Open || m.Visits != 1 || m.Lost != 0 {
		t.Fatalf("the new box is there: %+v", m)
	}
	held := hq.Held()
	if m := tell(n.Origin()); m.Open || m.Visits != 0 || !hq.Held().Equal(held) {
		t.Fatalf("told twice: %+v", m)
	}
	check := func() {
		t.Helper()
		g := gapsOf(hq.box, testSite, "sw-1", hw.Missed)
		if len(g) != 1 || !g[0].From.Equal(last) || !g[0].To.Equal(first) {
			t.Fatalf("gaps %+v, want one from %v to %v", g, last, first)
		}
		for _, device := range []hw.DeviceID{"sw-new", "sw-gone"} {
			if g := gapsOf(hq.box, testSite, device, hw.Missed); len(g) > 0 {
				t.Fatalf("gaps of %s: %+v", device, g)
			}
		}
	}
	check()
	hq.reopen()
	if m := tell(n.Origin()); m.Visits != 0 {
		t.Fatalf("told again after a start: %+v", m)
	}
	check()
	n.hears(t, hq.box) // and so does the site
	if g := gapsOf(n.box, testSite, "sw-1", hw.Missed); len(g) != 1 {
		t.Fatalf("at the site: %+v", g)
	}
	hq.sound()
}

// hears takes what hq has of the box's site.
func (m *member) hears(t *testing.T, hq *box) {
	t.Helper()
	batches, err := hq.PageOf(context.Background(), m.o.Site, []journal.Stream{journal.Facts}, m.Held(), 1<<30)
	require(t, err)
	for i := range batches {
		require(t, m.Merge(context.Background(), batches[i:i+1]))
	}
}

// TestPairIsWaitedFor: of a pair one box has a new disk, and the other, which visited meanwhile, is not connected: nothing is told. When it is,
// there is no hole.
func TestPairIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	solo := func(m *member) *member { m.mode.Store(uint32(journal.Solo)); return m }
	hq, a, b := headquartersOf(t, w), solo(w.join(nil)), solo(w.join(nil))
	a.visits("sw-1")
	w.pass(time.Minute)
	give(t, hq.box, a.box, nil)
	for range 60 {
		b.visits("sw-1")
		w.pass(time.Minute)
	}
	n := solo(w.join(nil))
	for range 3 {
		n.visits("sw-1")
		b.visits("sw-1")
		w.pass(time.Minute)
	}
	give(t, hq.box, n.box, nil)
	if m, err := looks(hq, true, n.Origin()); err != nil || !m.Open || m.Visits > 0 {
		t.Fatalf("%+v, %v", m, err)
	}
	give(t, hq.box, b.box, nil)
	m, err := looks(hq, true, n.Origin(), b.Origin())
	if err != nil || m.Open || m.Visits > 0 {
		t.Fatalf("%+v, %v", m, err)
	}
	if g := gapsOf(hq.box, testSite, "sw-1", hw.Missed); len(g) > 0 {
		t.Fatalf("a hole where the other box visited: %+v", g)
	}
}

// TestLostMidDrain: a disk is lost when what is new has come and what is behind has not. What nobody has is awaited until that is sure, then told
// once, with its time; it is taken back when it comes after all.
func TestLostMidDrain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	hq, a := headquartersOf(t, w), w.join(nil)
	var at []time.Time
	for range 12 {
		w.pass(time.Minute)
		at = append(at, a.visits("sw-1").Started)
	}
	between := func(k journal.Key) bool { return k.Stream == journal.Samples && k.Seq >= 4 && k.Seq <= 10 }
	give(t, hq.box, a.box, func(k journal.Key) bool { return !between(k) })
	n := w.join(nil)
	w.pass(time.Minute)
	n.visits("sw-1")
	give(t, hq.box, n.box, nil)
	m, err := looks(hq, true)
	if err != nil || m.Awaited != 7 || m.Lost != 0 || !m.Open {
		t.Fatalf("nobody is there: %+v, %v", m, err)
	}
	m, err = looks(hq, true, n.Origin())
	if err != nil || m.Awaited != 0 || m.Lost != 7 || m.Open {
		t.Fatalf("the new box is there: %+v, %v", m, err)
	}
	if v := hq.Awaited(testSite); len(v) > 0 {
		t.Fatalf("still awaited: %v", v)
	}
	g := gapsOf(hq.box, testSite, "", hw.Lost)
	if len(g) != 1 || g[0].From.After(at[3]) || g[0].From.Before(at[1]) || g[0].To.Before(at[9]) || g[0].To.After(at[11].Add(time.Second)) || !strings.Contains(g[0].Detail, "7 batches of samples") {
		t.Fatalf("gaps %+v", g)
	}
	held := hq.Held()
	hq.reopen()
	if m, err = looks(hq, true, n.Origin()); err != nil || m.Lost != 0 || !held.Covers(hq.HeldOf(testSite)) {
		t.Fatalf("told twice: %+v, %v", m, err)
	}
	give(t, hq.box, a.box, between) // the disk is back
	if _, err = looks(hq, false, a.Origin()); err != nil {
		t.Fatal(err)
	}
	if g := gapsOf(hq.box, testSite, "", hw.Lost); len(g) > 0 {
		t.Fatalf("it came, and is told as lost: %+v", g)
	}
	hq.sound()
}

// TestForgottenAndTold: what was said of a site that is forgotten and comes back is not waited for, and saying goes on.
func TestForgottenAndTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4)
	hq, a := headquartersOf(t, w), w.join(nil)
	for range 3 {
		w.pass(time.Minute)
		a.visits("sw-1")
	}
	give(t, hq.box, a.box, nil)
	tell := func() {
		t.Helper()
		if _, err := looks(hq, true, a.Origin()); err != nil {
			t.Fatal(err)
		}
		if v := hq.Awaited(testSite); len(v) > 0 {
			t.Fatalf("awaited: %v", v)
		}
	}
	tell()
	require(t, hq.Forget(t.Context(), testSite))
	give(t, hq.box, a.box, nil)
	tell()
	a.hears(t, hq.box)
	if v := a.Awaited(testSite); len(v) > 0 {
		t.Fatalf("awaited at the site: %v", v)
	}
	hq.sound()
}

// TestDamageIsToldToTheSite: what a damaged page takes at headquarters is a gap of the sites whose batches stood there, and of no other.
func TestDamageIsToldToTheSite(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 5)
	hq := w.joinHQ(nil)
	var boxes []*member
	for i := range 3 {
		b := w.join(func(o *store.Options) { o.Site = journal.ID{0x61, byte(i)} })
		boxes = append(boxes, b)
		for range 60 {
			w.pass(time.Minute)
			b.visits("sw-1")
		}
		b.up(hq)
	}
	hq.seal()
	hq.stop()
	path := glob(t, hq.o.Dir, "*.sealed")[0]
	wipe(t, path, leafOf(t, path))
	hq.box = open(t, hq.o)
	readAll(t, hq.box)
	hurt := 0
	for _, b := range boxes {
		lost, gaps := hq.WantedOf(b.o.Site), gapsOf(hq.box, b.o.Site, "", hw.Damaged)
		if (len(lost) > 0) != (len(gaps) == 1) {
			t.Errorf("of %s %v is lost, gaps %+v", b.o.Site, lost, gaps)
		}
		if len(gaps) > 0 {
			hurt++
			if g := gaps[0]; !g.From.Before(g.To) || g.To.Sub(g.From) > time.Hour {
				t.Errorf("gap %+v", g)
			}
		}
	}
	if hurt == 0 {
		t.Error("the damage took nothing: the test shows nothing")
	}
}
