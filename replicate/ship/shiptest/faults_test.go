package shiptest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rackpost/collectors/sim/workload"
	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/ship"
	"rackpost/store"
)

// brisk has what is put durable at once.
func brisk(o *store.Options) { o.FlushAge = time.Millisecond }

// eager has a line not rest.
func eager(o *ship.Options) { o.Share = 1 }

// cramped returns a folder in which a journal has few megabytes, and the options to open it with.
func cramped(t *testing.T) (dir string, change func(*store.Options)) {
	t.Helper()
	const budget, room = 64 << 20, 3 << 20 // there is no lesser budget: a file of holes takes most of it
	dir = t.TempDir()
	padding := filepath.Join(dir, "padding")
	if err := os.WriteFile(padding, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(padding, budget-room); err != nil {
		t.Fatal(err)
	}
	return dir, func(o *store.Options) { brisk(o); o.Budget, o.SegmentBytes = budget, 256<<10 }
}

// lately gives reports of the day that ends now.
func lately() *workload.Generator {
	w := workload.Site()
	w.Start = time.Now().Add(-24 * time.Hour)
	return workload.New(1, w)
}

// told requires that of what a box wrote and headquarters does not have a gap tells, from before it was written until after.
func told(t *testing.T, hq *box, lost journal.Vector, wrote map[journal.Key]span) {
	t.Helper()
	if n := hq.Awaited(site); len(n) > 0 {
		t.Errorf("headquarters waits in vain for %v", n)
	}
	facts, err := hq.Facts(t.Context(), store.FactQuery{Site: site, From: time.UnixMilli(0), Limit: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	var gaps []store.FactRecord
	for _, f := range facts {
		if _, ok := f.Value.(hw.GapValue); ok && strings.HasSuffix(f.Group, "#dropped") {
			gaps = append(gaps, f)
		}
	}
	n := 0
	for k, iv := range lost {
		for _, i := range iv {
			for seq := i.First; seq <= i.Last; seq++ {
				when := wrote[journal.Key{StreamKey: k, Seq: seq}]
				if !tells(gaps, k, when) {
					t.Errorf("of %s %d, read and written from %v to %v, none of %d gaps tells", k, seq, when.from, when.to, len(gaps))
					return
				}
				n++
			}
		}
	}
	t.Logf("%d batches are lost, %d gaps tell of them", n, len(gaps))
}

func tells(gaps []store.FactRecord, k journal.StreamKey, when span) bool {
	for _, f := range gaps {
		g, _ := f.Value.(hw.GapValue)
		if f.Component == "box/"+k.Origin.String() && f.Group == k.Stream.String()+"#dropped" && !g.From.After(when.from) && !g.To.Before(when.to) {
			return true
		}
	}
	return false
}

// span is from when the first of a batch was read until it was written.
type span struct{ from, to time.Time }

// follow notes of each batch when it was read and written.
func follow(t *testing.T, b *box, wrote map[journal.Key]span) func() {
	tail := b.Tail()
	var pack journal.Compressor
	return func() {
		for {
			batches, err := tail(t.Context(), 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if len(batches) == 0 {
				return
			}
			for i := range batches {
				wrote[batches[i].Key] = spanOf(t, &pack, &batches[i])
			}
		}
	}
}

func spanOf(t *testing.T, pack *journal.Compressor, b *journal.Batch) span {
	when := span{time.UnixMilli(b.WallMS), time.UnixMilli(b.WallMS)}
	if b.Stream != journal.Samples {
		return when
	}
	visitsOf(t, pack, b, func(v journal.Visit) error {
		if v.Started.Before(when.from) {
			when.from = v.Started
		}
		return nil
	})
	return when
}

// TestDroppedBeforeItWasSent: a box dropped for want of space what headquarters never had. Headquarters waits for none of it, and
// gaps tell of all of it.
func TestDroppedBeforeItWasSent(t *testing.T) {
	t.Parallel()
	hq := openHQ(t, t.TempDir())
	dir, change := cramped(t)
	b := openAs(t, dir, change)
	gen, wrote := lately(), map[journal.Key]span{}
	var o oracle
	note := follow(t, b, wrote)
	for st := (store.Stats{}); st.Shed < 20; {
		o.round(t, b, gen, 10)
		note()
		var err error
		if st, err = b.Stats(); err != nil {
			t.Fatal(err)
		}
	}
	newWay(b, hq, eager).connect(t, [2]int{})
	until(t, "headquarters has what is left", func() bool { return hq.HeldOf(site).Covers(b.Have()) && len(hq.Awaited(site)) == 0 })
	note()
	lost := b.Held().Minus(b.Have()).Minus(hq.HeldOf(site)) // what it writes meanwhile is on its way
	if len(lost) == 0 {
		t.Fatal("nothing is lost: nothing was tested")
	}
	told(t, hq, lost, wrote)
}
