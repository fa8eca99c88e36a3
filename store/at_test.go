package store_test

import (
	"testing"
	"time"

	"rackpost/store"
)

// TestAt: behind At(t) stands every visit of t and later, in however many segments, and of the earlier ones at most a segment.
func TestAt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	a := w.join(nil)
	if p := a.At(a.o.Now()); p.Row != 0 {
		t.Errorf("nothing is there: %s", p)
	}
	var times []time.Time
	for range 5 {
		for range 3 {
			w.pass(time.Minute)
			times = append(times, a.o.Now())
			a.plain("sw-1")
		}
		a.seal()
	}
	for i, at := range append([]time.Time{times[0].Add(-time.Hour)}, times...) {
		want := len(times) - max(0, i-1)
		got := map[int64]bool{}
		page, err := a.Changes(t.Context(), store.ChangesQuery{After: a.At(at), Batches: 1 << 20, Bytes: 1 << 30})
		if err != nil {
			t.Fatal(err)
		}
		all, behind := 0, 0
		for _, b := range page.Batches {
			if b.Stream != 2 || got[b.WallMS] {
				continue
			}
			got[b.WallMS] = true
			if all++; b.WallMS >= at.UnixMilli() {
				behind++
			}
		}
		if behind != want || all > want+3 {
			t.Errorf("At(%s): %d of %d batches are of then or later; want %d, and at most a segment more", at, behind, all, want)
		}
	}
}
