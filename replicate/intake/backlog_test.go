package intake_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/ship"
)

// slowly makes a store take so many bytes a second.
func slowly(perSecond int) func(context.Context, []journal.Batch) error {
	return func(_ context.Context, b []journal.Batch) error {
		total := 0
		for i := range b {
			total += len(b[i].Bytes)
		}
		time.Sleep(3*time.Millisecond + time.Duration(float64(total)/float64(perSecond)*float64(time.Second)))
		return nil
	}
}

// TestOneHugeBacklog: while one site brings a day's records and the store is busy with it, what is new of the others
// is at headquarters within two seconds.
func TestOneHugeBacklog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const sites, seconds = 10, 4
		h := simulateHQ(t, sites, nil)
		h.store.mu.Lock()
		h.store.before = slowly(512 << 10)
		h.store.mu.Unlock()
		huge := newBox(t, 0)
		huge.writes(journal.Samples, 100, 50<<10)
		huge.connect(h)
		var slowest time.Duration
		var mu sync.Mutex
		var wg sync.WaitGroup
		for n := 1; n < sites; n++ {
			b := newBox(t, n)
			b.connect(h, ship.Live)
			wg.Go(func() {
				time.Sleep(time.Second + time.Duration(n)*33*time.Millisecond)
				for range seconds {
					b.writes(journal.Samples, 1, 1500)
					began := time.Now()
					until(t, "it is at headquarters", func() bool { return b.there(h) })
					mu.Lock()
					slowest = max(slowest, time.Since(began))
					mu.Unlock()
					time.Sleep(time.Second)
				}
			})
		}
		wg.Wait()
		if slowest > 2*time.Second {
			t.Errorf("what was new took %v", slowest)
		}
		brought := h.row(huge.name).BytesToday
		if huge.there(h) || brought < 1<<20 {
			t.Errorf("the backlog brought %d bytes meanwhile (all there: %v): the test shows nothing", brought, huge.there(h))
		}
		h.stop()
	})
}

// TestManyBacklogs: when all sites have something behind and the store does not keep up, all get their part and nobody
// waits for its answer for as long as makes a box think that headquarters stands still.
func TestManyBacklogs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const sites = 8
		h := simulateHQ(t, sites, nil)
		h.store.mu.Lock()
		h.store.before = slowly(64 << 10)
		h.store.mu.Unlock()
		var boxes []*box
		for n := range sites {
			b := newBox(t, n)
			b.writes(journal.Samples, 25, 20<<10)
			b.connect(h)
			boxes = append(boxes, b)
		}
		for range 45 {
			time.Sleep(time.Second)
			for _, b := range boxes {
				if b.known.StoodStill(30 * time.Second) {
					t.Fatalf("%s was not answered for 30 s", b.name)
				}
			}
		}
		least, most := h.row(boxes[0].name).BytesToday, int64(0)
		for _, b := range boxes {
			n := h.row(b.name).BytesToday
			least, most = min(least, n), max(most, n)
		}
		if least*3 < most {
			t.Errorf("one site brought %d bytes, another %d", least, most)
		}
		h.stop()
	})
}
