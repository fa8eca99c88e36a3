package shiptest_test

import (
	"context"
	"fmt"
	"hash/maphash"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"rackpost/collectors/sim/workload"
	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/ship"
	"rackpost/store"
	"rackpost/store/crashtest"
)

var hqSite = journal.ID{0xcc}

// openHQ opens a store of many sites.
func openHQ(t testing.TB, dir string) *box {
	return openAs(t, dir, func(o *store.Options) { o.Site, o.ManySites = hqSite, true })
}

// way is the two lines of a box to headquarters, and their other ends.
type way struct {
	known       *ship.Known
	here, there [2]*ship.Line
}

func newWay(b, hq *box, change func(*ship.Options)) *way {
	w := &way{known: ship.NewKnown()}
	down := ship.NewKnown()
	for i, lane := range []ship.Lane{ship.Live, ship.Behind} {
		o := ship.Options{Site: site, Origin: b.Origin(), Logger: slog.New(slog.DiscardHandler), Lane: lane, Known: w.known}
		if change != nil {
			change(&o)
		}
		w.here[i] = ship.New(b.Store, o)
		o = ship.Options{Site: site, Origin: hq.Origin(), Logger: slog.New(slog.DiscardHandler), Lane: lane, Known: down, Down: true}
		w.there[i] = ship.New(ship.NewSiteView(hq.Store, site, hq.Merge), o)
	}
	return w
}

// connect connects both lines, each by a connection that breaks after some bytes; 0: it does not.
func (w *way) connect(t testing.TB, bytes [2]int) (cut func()) {
	var cuts [2]func()
	for i := range w.here {
		x, y := pipe(t, true)
		if n := bytes[i]; n > 0 {
			y = &cutting{y, n}
		}
		cuts[i] = connect(w.here[i], w.there[i], x, y)
	}
	return func() { cuts[0](); cuts[1]() }
}

// oracle counts what was put and is acknowledged.
type oracle struct {
	mu      sync.Mutex
	samples int
}

func (o *oracle) put(t testing.TB, b *box, r hw.Report) {
	if err := b.Put(context.Background(), r); err != nil {
		t.Error(err)
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.samples += len(r.Samples)
}

// round puts reports, a few at a time.
func (o *oracle) round(t testing.TB, b *box, gen *workload.Generator, flushes int) {
	for range flushes {
		var wg sync.WaitGroup
		for range 6 {
			r := gen.Next()
			wg.Go(func() { o.put(t, b, r) })
		}
		wg.Wait()
	}
}

// stands reads a journal from its beginning. It fails when a batch stands twice, and returns the checksums of
// those of the site, by key, and how many samples they hold.
func stands(t testing.TB, b *box) (map[journal.Key]uint64, int) {
	t.Helper()
	var pack journal.Compressor
	out, samples, p := map[journal.Key]uint64{}, 0, store.Position{}
	for {
		batches, next, err := b.Since(t.Context(), p, 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(batches) == 0 {
			return out, samples
		}
		p = next
		for i := range batches {
			b := &batches[i]
			if b.Site != site {
				continue
			}
			if _, twice := out[b.Key]; twice {
				t.Errorf("%s stands twice", b.Key)
			}
			out[b.Key] = maphash.Bytes(fixed(), b.Bytes)
			if b.Stream == journal.Samples {
				samples += samplesOf(t, &pack, b)
			}
		}
	}
}

// fixed is the seed of the checksums of one run.
var fixed = sync.OnceValue(maphash.MakeSeed)

// visitsOf reads the visits of a batch.
func visitsOf(t testing.TB, pack *journal.Compressor, b *journal.Batch, visit func(journal.Visit) error) {
	t.Helper()
	body, err := pack.Body(b)
	if err != nil {
		t.Fatal(err)
	}
	err = journal.Records(body, func(r journal.Record) error {
		if r.Type != journal.TypeVisit {
			return nil
		}
		v, err := journal.ParseVisit(r.Payload, b.WallMS)
		if err != nil {
			return err
		}
		return visit(v)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// samplesOf counts the samples of a batch by reading it.
func samplesOf(t testing.TB, pack *journal.Compressor, b *journal.Batch) (n int) {
	visitsOf(t, pack, b, func(v journal.Visit) error {
		if v.Layout < 0 || v.Layout >= len(b.Layouts) {
			return fmt.Errorf("%s: layout %d of %d", b.Key, v.Layout, len(b.Layouts))
		}
		entries, err := pack.Entries(b.Layouts[v.Layout])
		if err != nil {
			return err
		}
		samples, err := v.Samples(nil, entries)
		n += len(samples)
		return err
	})
	return n
}

// TestEveryReadingOnce: two boxes put readings while both send to headquarters over lines that break at
// any byte, and headquarters is closed and opened again. Every reading whose Put returned is at headquarters, exactly
// once, in the bytes it was written in.
func TestEveryReadingOnce(t *testing.T) {
	t.Parallel()
	flushes := 60 // of each box in one round, of 6 reports each
	if testing.Short() {
		flushes = 6
	}
	r := rand.New(rand.NewPCG(3, 14))
	dir := t.TempDir()
	hq := openHQ(t, dir)
	var boxes [2]*box
	var gens [2]*workload.Generator
	var ways [2]*way
	for i := range boxes {
		boxes[i] = openAs(t, t.TempDir(), func(o *store.Options) { o.FlushAge = time.Millisecond })
		gens[i] = generator(uint64(i + 1))
	}
	connects := func(newest bool) {
		for i, b := range boxes {
			ways[i] = newWay(b, hq, func(o *ship.Options) { o.NewestFirst, o.Share = newest, 1 })
		}
	}
	connects(false)
	var o oracle
	for round := range crashtest.Rounds(8, 560) { // 560: 10^8 samples
		var ends sync.WaitGroup
		for i, b := range boxes {
			cut := ways[i].connect(t, [2]int{r.IntN(60_000), r.IntN(120_000)})
			ends.Go(func() { o.round(t, b, gens[i], flushes); cut() })
		}
		ends.Wait()
		if round%3 == 2 { // and headquarters starts anew
			hq.stop()
			hq = openHQ(t, dir)
			connects(round%2 == 1)
		}
	}
	for i := range boxes {
		defer ways[i].connect(t, [2]int{})()
	}
	until(t, "headquarters has everything", func() bool {
		held := hq.HeldOf(site)
		return held.Covers(boxes[0].Held()) && held.Covers(boxes[1].Held())
	})
	there, samples := stands(t, hq)
	t.Logf("%d samples in %d batches", samples, len(there))
	if samples != o.samples {
		t.Errorf("headquarters has %d samples, %d were put", samples, o.samples)
	}
	for _, b := range boxes {
		here, _ := stands(t, b)
		for k, sum := range here {
			if there[k] != sum {
				t.Errorf("%s is lost, or has other bytes", k)
			}
			if k.Origin != b.Origin() && k.Stream != journal.Facts {
				t.Errorf("%s came down", k)
			}
		}
	}
	hq.stop()
	if audit, err := store.Verify(t.Context(), dir, io.Discard); err != nil || len(audit.Faults) > 0 {
		t.Errorf("%v, faults: %v", err, audit.Faults)
	}
}
