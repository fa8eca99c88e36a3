package main

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
)

// TestOfOneIsland: of two boxes that were islands at one time one is written, and the other one where the first has nothing.
func TestOfOneIsland(t *testing.T) {
	t.Parallel()
	a, b := journal.ID{1}, journal.ID{2}
	var points []store.Point
	for _, at := range []int64{60_000, 120_000, 180_000, 600_000} {
		points = append(points, store.Point{Origin: a, At: at, PeriodMS: 60_000})
	}
	for _, at := range []int64{60_000, 130_000, 240_000, 300_000, 420_000, 590_000} {
		points = append(points, store.Point{Origin: b, At: at, PeriodMS: 60_000})
	}
	slices.SortFunc(points, func(x, y store.Point) int { return int(x.At - y.At) })
	var got []int64
	for _, p := range ofOneIsland(points) {
		if p.Origin == b {
			got = append(got, p.At)
		}
	}
	if want := []int64{300_000, 420_000}; !slices.Equal(got, want) {
		t.Errorf("of the second island count %v, want %v", got, want)
	}
	if n := len(ofOneIsland(points[:1])); n != 1 {
		t.Errorf("of one island %d of 1 count", n)
	}
}

// TestIslandReadings: what waits is read from the journal again, and of it counts what a box with authority does not have.
func TestIslandReadings(t *testing.T) {
	t.Parallel()
	var mode atomic.Uint32
	site := journal.ID{1}
	s, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Site: site, Ballast: -1, MinFree: 1, FlushAge: time.Millisecond, Mode: func() journal.Mode { return journal.Mode(mode.Load()) }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, s.Close()); err != nil {
			t.Error(err)
		}
	})
	begun := time.Now().Add(-time.Hour).Truncate(time.Minute)
	for _, x := range []struct {
		seconds int
		mode    journal.Mode
	}{{0, journal.Leader}, {60, journal.Leader}, {90, journal.Island}, {120, journal.Leader}, {240, journal.Island}, {300, journal.Island}, {360, journal.Island}, {480, journal.Leader}} {
		mode.Store(uint32(x.mode))
		r := hw.Report{Device: "sw", Started: begun.Add(time.Duration(x.seconds) * time.Second), Period: time.Minute, Read: []hw.Scope{{Section: "cpu", Extent: hw.Complete}},
			Samples: []hw.Sample{{Component: "cpu/1", Sensor: "busy_percent", Gauge: float64(x.seconds)}}}
		if err := s.Put(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	r := islandReadings{store: s}
	var counted []int
	if err := r.Counted(ctx, site, "sw", begun, begun.Add(time.Hour), func(_ journal.ID, _, _ string, at time.Time) {
		counted = append(counted, int(at.Sub(begun).Seconds()))
	}); err != nil || !slices.Equal(counted, []int{240, 300, 360}) {
		t.Errorf("of the island count %v, %v; want those of 240, 300 and 360 s", counted, err)
	}
	waiting := journal.Vector{}
	for k := range s.Held() {
		if k.Stream == journal.Samples {
			waiting.Add(k, 5, 6)
		}
	}
	got, err := r.Batches(ctx, waiting, 16)
	if err != nil || len(got) != 2 || !r.Settled(site) {
		t.Fatalf("%d batches of 2, %v, settled %v", len(got), err, r.Settled(site))
	}
	for _, b := range got {
		if b.Stream != journal.Samples || b.Mode != journal.Island || len(b.Layouts) == 0 {
			t.Errorf("batch %s of mode %v with %d layouts", b.Key, b.Mode, len(b.Layouts))
		}
	}
	readWhileOthersCome(t, s, waiting)
	if got, err = r.Batches(ctx, waiting, 1); err != nil || len(got) != 1 {
		t.Errorf("%d batches of 1, %v", len(got), err)
	}
}

// readWhileOthersCome: of two batches that wait those are read, whatever comes meanwhile.
func readWhileOthersCome(t *testing.T, s *store.Store, waiting journal.Vector) {
	t.Helper()
	busy := busyStore{s, func() {
		late := hw.Report{Device: "sw", Started: time.Now(), Period: time.Minute, Read: []hw.Scope{{Section: "cpu", Extent: hw.Complete}}, Samples: []hw.Sample{{Component: "cpu/1", Sensor: "busy_percent"}}}
		f := learned("serial", "x")[0]
		f.At = time.Now()
		if err := errors.Join(s.Put(t.Context(), late), s.Say(t.Context(), []hw.Fact{f})); err != nil {
			t.Error(err)
		}
	}}
	for _, limit := range []int{16, 1} { // with 1 a fact that came meanwhile is all of the first answer
		var keys []journal.Key
		got, err := batchesOf(t.Context(), busy, waiting, limit)
		for _, b := range got {
			keys = append(keys, b.Key)
		}
		if err != nil || len(got) != min(limit, 2) || slices.ContainsFunc(keys, func(k journal.Key) bool { return !waiting.Has(k.StreamKey, k.Seq) }) {
			t.Errorf("while others come, of at most %d: %v, %v", limit, keys, err)
		}
	}
}

// busyStore is one to which something comes whenever it has told what it holds: more of a stream, and all of another.
type busyStore struct {
	*store.Store
	put func()
}

func (b busyStore) Held() journal.Vector {
	v := b.Store.Held()
	maps.DeleteFunc(v, func(k journal.StreamKey, _ []journal.Interval) bool { return k.Stream == journal.Facts })
	b.put()
	return v
}
