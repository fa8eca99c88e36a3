package shiptest_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"sync/atomic"
	"syscall"
	"testing"

	"rackpost/collectors/sim/workload"
	"rackpost/hw/journal"
	"rackpost/replicate/ship"
	"rackpost/store"
	"rackpost/store/crashtest"
)

// TestDroppedAndRestored: a box has little room, its line is cut again and again, and headquarters is put back from an older copy.
// What headquarters lacks in the end is what the box dropped, gaps tell of all of it, and nothing stands twice.
func TestDroppedAndRestored(t *testing.T) {
	t.Parallel()
	for seed := range uint64(crashtest.Rounds(1, 50)) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			h := hqCopies{t: t, dir: t.TempDir()}
			h.box = openHQ(t, h.dir)
			dir, change := cramped(t)
			b := openAs(t, dir, change)
			gen, wrote := lately(), map[journal.Key]span{}
			var o oracle
			note := follow(t, b, wrote)
			w := newWay(b, h.box, eager)
			cut := func() {}
			for round := range 12 {
				if cut(); round > 4 && r.IntN(3) > 0 {
					cut = w.connect(t, [2]int{})
				}
				o.round(t, b, gen, 10+r.IntN(40))
				b.SetHQ(w.known.Held())
				note()
				if round%4 == 3 {
					cut()
					h.again()
					w = newWay(b, h.box, func(o *ship.Options) { o.Share, o.NewestFirst = 1, r.IntN(2) == 0 })
				}
			}
			cut()
			w.connect(t, [2]int{})
			until(t, "headquarters has what is left", func() bool { return h.HeldOf(site).Covers(b.Have()) && len(h.Awaited(site)) == 0 })
			note()
			_, samples := stands(t, h.box)
			lost := b.Held().Minus(b.Have()).Minus(h.HeldOf(site)) // what it writes meanwhile is on its way
			told(t, h.box, lost, wrote)
			if samples > o.samples || len(lost) == 0 && samples != o.samples {
				t.Errorf("headquarters has %d samples, %d were put", samples, o.samples)
			}
		})
	}
}

// hqCopies is a headquarters of whose folder a copy is made and put back in turn.
type hqCopies struct {
	*box
	t    *testing.T
	dir  string
	copy string
}

func (h *hqCopies) again() {
	h.t.Helper()
	h.stop()
	if h.copy == "" {
		h.copy = h.t.TempDir()
		if err := os.CopyFS(h.copy, os.DirFS(h.dir)); err != nil {
			h.t.Fatal(err)
		}
	} else {
		h.dir, h.copy = h.copy, ""
	}
	h.box = openHQ(h.t, h.dir)
}

// TestDamageAtHeadquarters: the disk of headquarters spoils what it holds. What was lost is asked of the box, and comes.
func TestDamageAtHeadquarters(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	hq := openHQ(t, dir)
	b := openAs(t, t.TempDir(), brisk)
	gen := generator(1)
	var o oracle
	w := newWay(b, hq, eager)
	cut := w.connect(t, [2]int{})
	for range 3 {
		o.round(t, b, gen, 30)
		until(t, "headquarters has it", func() bool { return hq.HeldOf(site).Covers(b.Held()) })
		if err := hq.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	cut()
	hq.stop()
	for _, pattern := range []string{"*.sealed", "*.twin"} {
		paths, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(paths) < 3 {
			t.Fatalf("%s: %v %v", pattern, paths, err)
		}
		for _, path := range paths {
			spoil(t, path)
		}
	}
	hq = openHQ(t, dir)
	until(t, "headquarters finds the damage", func() bool {
		for p, batches := (store.Position{}), make([]journal.Batch, 1); len(batches) > 0; {
			var err error
			if batches, p, err = hq.Since(t.Context(), p, 100); err != nil {
				break
			}
		}
		return hq.Seal(t.Context()) == nil && len(hq.WantedOf(site)) > 0
	})
	lost := hq.WantedOf(site).Count()
	w = newWay(b, hq, eager)
	w.connect(t, [2]int{})
	until(t, "headquarters has it again", func() bool { return len(hq.WantedOf(site)) == 0 && hq.HaveOf(site).Covers(b.Have()) })
	there, samples := stands(t, hq)
	t.Logf("%d batches were lost", lost)
	if samples != o.samples {
		t.Errorf("headquarters has %d samples, %d were put", samples, o.samples)
	}
	if here, _ := stands(t, b); !maps.Equal(here, there) {
		t.Error("headquarters has other batches than the box")
	}
}

// spoil writes over some bytes of every second page of a file but the first two and the last.
func spoil(t *testing.T, path string) {
	t.Helper()
	const page = 4096
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 2 * page; i < len(raw)-page; i += 2 * page {
		for j := range 200 {
			raw[i+100+j] ^= 0x5a
		}
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestHeadquartersIsFull: its disk is full in the midst of merges, again and again. It says so, and all that could not be stored comes
// when there is room.
func TestHeadquartersIsFull(t *testing.T) {
	t.Parallel()
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=48m"); err != nil {
		t.Skipf("this test mounts a tmpfs, which needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	dir, filler := filepath.Join(disk, "hq"), filepath.Join(disk, "filler")
	hq := openAs(t, dir, func(o *store.Options) { o.Site, o.ManySites, o.MinFree = hqSite, true, 1 })
	var boxes [2]*box
	var gens [2]*workload.Generator
	var ways [2]*way
	for i := range boxes {
		boxes[i] = openAs(t, t.TempDir(), brisk)
		gens[i] = generator(uint64(i + 1))
		ways[i] = newWay(boxes[i], hq, eager)
	}
	var o oracle
	why := map[string]int{}
	for round := range crashtest.Rounds(4, 40) {
		var cuts []func()
		for i := range boxes {
			cuts = append(cuts, ways[i].connect(t, [2]int{}))
			o.round(t, boxes[i], gens[i], 5)
		}
		until(t, "headquarters has everything", func() bool {
			return hq.HeldOf(site).Covers(boxes[0].Held()) && hq.HeldOf(site).Covers(boxes[1].Held())
		})
		fill(t, filler, 64<<10+int64(round%8)*37<<10)
		until(t, "a line ends because nothing can be stored", func() bool {
			for i := range boxes {
				o.round(t, boxes[i], gens[i], 3)
			}
			for _, w := range ways {
				for _, l := range w.there {
					if p := l.Progress(); !p.Connected && p.Reason != "" {
						why[p.Reason]++
						return true
					}
				}
			}
			return false
		})
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		for _, cut := range cuts {
			cut()
		}
	}
	t.Logf("%v", why)
	for _, w := range ways {
		w.connect(t, [2]int{})
	}
	until(t, "headquarters has everything", func() bool {
		held := hq.HeldOf(site)
		return held.Covers(boxes[0].Held()) && held.Covers(boxes[1].Held())
	})
	if _, samples := stands(t, hq); samples != o.samples {
		t.Errorf("headquarters has %d samples, %d were put", samples, o.samples)
	}
	hq.stop()
	if audit, err := store.Verify(context.Background(), dir, io.Discard); err != nil || len(audit.Faults) > 0 {
		t.Errorf("%v, faults: %v", err, audit.Faults)
	}
}

// fill takes all of a file system but so many bytes.
func fill(t *testing.T, path string, left int64) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var st syscall.Statfs_t
	if err := syscall.Statfs(path, &st); err != nil {
		t.Fatal(err)
	}
	if n := int64(st.Bavail)*st.Bsize - left; n > 0 {
		if err := syscall.Fallocate(int(f.Fd()), 0, 0, n); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBasesComeDown: a box gets a new disk after headquarters dropped the facts of the old one. What they said comes down as a base.
func TestBasesComeDown(t *testing.T) {
	t.Parallel()
	var free atomic.Int64
	free.Store(1 << 40)
	dir := t.TempDir()
	little := func(o *store.Options) {
		o.Site, o.ManySites, o.MinFree = hqSite, true, 1<<39
		o.Free = func(string) (int64, error) { return free.Load(), nil }
	}
	hq := openAs(t, dir, little)
	b := openAs(t, t.TempDir(), brisk)
	gen := generator(1)
	var o oracle
	cut := newWay(b, hq, eager).connect(t, [2]int{})
	for range 4 { // the facts of a segment go when two bases that came after it cover them
		o.round(t, b, gen, 8)
		until(t, "headquarters has it", func() bool { return hq.HeldOf(site).Covers(b.Held()) })
		if err := hq.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	cut()
	b.stop()
	hq.stop()
	free.Store(1 << 38) // less than is to be left
	hq = openAs(t, dir, little)
	until(t, "headquarters drops facts", func() bool { return facts(hq.HeldOf(site).Minus(hq.HaveOf(site))).Count() > 0 })
	free.Store(1 << 40)
	hq.stop() // all that it tells of its losses is written: what it writes later goes down a minute later
	hq = openAs(t, dir, little)
	if len(hq.DevicesOf(site)) == 0 {
		t.Fatal("headquarters knows of no device")
	}
	b = openAs(t, t.TempDir(), brisk)
	w := newWay(b, hq, eager)
	w.connect(t, [2]int{})
	until(t, "the new box knows what headquarters knows", func() bool {
		return b.Held().Covers(facts(hq.HaveOf(site))) && reflect.DeepEqual(hq.DevicesOf(site), b.Devices()) // cmp takes seconds to find out how they differ
	})
}

// facts returns the part of v that are facts.
func facts(v journal.Vector) journal.Vector {
	maps.DeleteFunc(v, func(k journal.StreamKey, _ []journal.Interval) bool { return k.Stream != journal.Facts })
	return v
}
