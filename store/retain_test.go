package store_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
)

// standing returns what stands in each segment, the oldest first, and what was said of drops.
func standing(t *testing.T, s *store.Store) (bySegment []journal.Vector, told []journal.Tombstone) {
	t.Helper()
	var pack journal.Compressor
	var last store.SegmentID
	for p := (store.Position{}); ; {
		batches, next, err := s.Since(t.Context(), p, 1)
		require(t, err)
		if len(batches) == 0 {
			return bySegment, told
		}
		if next.Segment != last {
			bySegment = append(bySegment, journal.Vector{})
		}
		p, last = next, next.Segment
		b := &batches[0]
		bySegment[len(bySegment)-1].Add(b.StreamKey, b.Seq, b.Seq)
		if b.Stream != journal.Facts {
			continue
		}
		body, err := pack.Body(b)
		require(t, err)
		require(t, journal.Records(body, func(r journal.Record) error {
			if r.Type != journal.TypeTombstone {
				return nil
			}
			x, err := journal.ParseTombstone(r.Payload)
			told = append(told, x)
			return err
		}))
	}
}

func ofStream(v journal.Vector, stream journal.Stream) journal.Vector {
	out := journal.Vector{}
	for k, iv := range v {
		if k.Stream == stream {
			out[k] = iv
		}
	}
	return out
}

// shedAll drops one thing after the other until nothing may go. It returns what was dropped, and
// how many readings were left after each step; state and held must not change.
func shedAll(t *testing.T, b *box, dir string, before []journal.Vector) (order []string, readings map[int]uint64) {
	t.Helper()
	state, held := b.Devices(), b.Held()
	readings = map[int]uint64{}
	for range 100 {
		twins, stand := twinsOf(t, dir), standingNow(t, b.Store, before)
		freed, err := b.Shed(t.Context())
		require(t, err)
		if !freed {
			return order, readings
		}
		if now := twinsOf(t, dir); len(now) < len(twins) {
			order = append(order, "twin "+strings.TrimSuffix(strings.Join(slices.DeleteFunc(twins, func(x string) bool { return slices.Contains(now, x) }), " "), ".twin")[:8])
		}
		for i, now := range standingNow(t, b.Store, before) {
			for k := range stand[i].Minus(now) {
				order = append(order, fmt.Sprintf("%s %d", k.Stream, i+1))
			}
		}
		if diff := cmp.Diff(state, b.Devices()); diff != "" {
			t.Fatalf("after %s the state is another:\n%s", order[len(order)-1], diff)
		}
		if !b.Held().Covers(held) {
			t.Fatalf("after %s held shrank", order[len(order)-1])
		}
		have, err := numbers(b.Store, 0)
		require(t, err)
		readings[len(order)] = uint64(len(have))
	}
	t.Fatal("there is no end to what may be dropped")
	return nil, nil
}

// TestShedOrder drops one thing after the other until nothing may go, and requires the order
// of the design, the tombstones with what HQ has, and that nothing else changes.
func TestShedOrder(t *testing.T) {
	t.Parallel()
	o := options(t)
	b := open(t, o)
	for n := uint64(1); n <= 45; n++ {
		b.put(numbered(0, n))
		if n%10 == 0 {
			require(t, b.Seal(t.Context()))
		}
	}
	before, _ := standing(t, b.Store)
	if len(before) != 5 {
		t.Fatalf("%d segments", len(before))
	}
	hq := journal.Vector{}
	hq.Join(ofStream(before[1], journal.Logs))
	hq.Join(ofStream(before[0], journal.Samples))
	hq.Join(ofStream(before[2], journal.Samples))
	b.SetHQ(hq)
	state := b.Devices()
	_, old, err := b.Since(t.Context(), store.Position{}, 1)
	require(t, err)

	order, readings := shedAll(t, b, o.Dir, before)
	want := []string{"twin 00000001", "twin 00000002", "twin 00000003", "twin 00000004",
		"logs 2", "samples 1", "samples 3", "logs 1", "logs 3", "logs 4", "samples 2", "samples 4",
		"facts 1", "facts 2", "facts 3", "facts 4"}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Fatalf("order of shedding (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[int]uint64{4: 45, 5: 45, 6: 35, 7: 25, 10: 25, 11: 15, 12: 5, 16: 5}, pick(readings, 4, 5, 6, 7, 10, 11, 12, 16)); diff != "" {
		t.Errorf("readings left after each step (-want +got):\n%s", diff)
	}
	checkTombstones(t, b, hq, before[:4])
	if _, _, err := b.Since(t.Context(), old, 1); !errors.Is(err, store.ErrTrimmed) {
		t.Errorf("since a position that is gone: %v", err)
	}
	held := b.Held()
	b.stop()
	if audit, err := store.Verify(t.Context(), o.Dir, io.Discard); err != nil || len(audit.Faults) > 0 {
		t.Fatalf("verify %v: %v", audit.Faults, err)
	}
	b = open(t, o)
	sameState(t, state, b.Devices())
	if !b.Held().Equal(held) {
		t.Error("held changed by a restart")
	}
}

// checkTombstones requires one for all that stood in the dropped segments and for nothing else.
func checkTombstones(t *testing.T, b *box, hq journal.Vector, gone []journal.Vector) {
	t.Helper()
	_, told := standing(t, b.Store)
	excused := journal.Vector{}
	for _, x := range told {
		if x.Origin != b.Origin() || x.HadHQ != hq.Covers(journal.Vector{x.StreamKey: {x.Interval}}) {
			t.Errorf("tombstone %+v", x)
		}
		excused.Add(x.StreamKey, x.First, x.Last)
	}
	dropped := journal.Vector{}
	for _, v := range gone {
		dropped.Join(v)
	}
	if !excused.Equal(dropped) {
		t.Errorf("tombstones of %v, dropped were %v", excused, dropped)
	}
}

func pick(m map[int]uint64, keys ...int) map[int]uint64 {
	out := map[int]uint64{}
	for _, k := range keys {
		out[k] = m[k]
	}
	return out
}

func twinsOf(t *testing.T, dir string) (out []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.twin"))
	require(t, err)
	for _, f := range files {
		out = append(out, filepath.Base(f))
	}
	return out
}

// standingNow returns what of each former segment's content still stands somewhere.
func standingNow(t *testing.T, s *store.Store, before []journal.Vector) (out []journal.Vector) {
	t.Helper()
	all := journal.Vector{}
	segments, _ := standing(t, s)
	for _, v := range segments {
		all.Join(v)
	}
	for _, v := range before {
		out = append(out, v.Minus(v.Minus(all)))
	}
	return out
}

// TestBudget writes more than the budget: it is kept, the logs go first, and no fact goes
// while facts are few.
func TestBudget(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Budget, o.SegmentBytes = 64<<20, 1<<20
	// A file of another counts too: so there is less to write.
	padding := filepath.Join(o.Dir, "padding")
	require(t, os.WriteFile(padding, nil, 0o600))
	require(t, os.Truncate(padding, 50<<20))
	b := open(t, o)
	const reports = 300
	for n := uint64(1); n <= reports; n++ {
		b.put(bulky(0, n, 64<<10))
		if n%50 != 0 {
			continue
		}
		// The keeper works beside the writer: a segment may be written before it is heard.
		if st, err := b.Stats(); err != nil || st.Used > o.Budget+2*o.SegmentBytes {
			t.Fatalf("used %d of %d: %v", st.Used, o.Budget, err)
		}
	}
	require(t, b.Seal(t.Context()))
	st, err := b.Stats()
	if err != nil || st.Shed == 0 || st.Used > o.Budget {
		t.Fatalf("stats %+v: %v", st, err)
	}
	if have, err := numbers(b.Store, 0); err != nil || !slices.Equal(have, sequence(1, reports)) {
		t.Errorf("%d readings are left, logs would have been enough: %v", len(have), err)
	}
	facts, err := b.Facts(t.Context(), store.FactQuery{Device: crashDevice(0)})
	require(t, err)
	changes := 0
	for _, f := range facts {
		if _, ok := f.Value.(hw.ComponentValue); ok && f.Component == "port/Gi1/0/2" {
			changes++
		}
	}
	if want := 1 + 2*reports/8; changes < want-1 || changes > want {
		t.Errorf("%d facts of changes are there, %d were written", changes, want)
	}
	_, told := standing(t, b.Store)
	for _, x := range told {
		if x.Stream != journal.Logs || x.HadHQ {
			t.Errorf("tombstone %+v", x)
		}
	}
	state := b.Devices()
	b.stop()
	b = open(t, o)
	sameState(t, state, b.Devices())
}

// TestDamagedBaseIsReplaced requires that the next base takes the place of a damaged one, not
// of the good one beside it.
func TestDamagedBaseIsReplaced(t *testing.T) {
	t.Parallel()
	o := aged(t)
	files := glob(t, o.Dir, "*.base")
	change(t, files[1], func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
	b := open(t, o)
	b.put(numbered(0, 41))
	require(t, b.Seal(t.Context()))
	now := glob(t, o.Dir, "*.base")
	if len(now) != 2 || now[0] != files[0] || slices.Contains(now, files[1]) {
		t.Errorf("bases %v became %v", files, now)
	}
	b.stop()
	if audit, err := store.Verify(t.Context(), o.Dir, io.Discard); err != nil || len(audit.Faults) > 0 || audit.Bases != 2 {
		t.Errorf("audit %+v: %v", audit, err)
	}
}

// TestSpaceComesLate: a file system that gives space back only a while after a file is gone is
// waited for. No more is dropped than is needed.
func TestSpaceComesLate(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.SegmentBytes, o.MinFree = 1<<20, 32<<20
	const disk = 40 << 20
	type asked struct {
		at   time.Time
		free int64
	}
	var mu sync.Mutex
	var past []asked
	o.Free = func(dir string) (int64, error) { // what was free half a second ago, or less
		entries, err := os.ReadDir(dir)
		free := int64(disk)
		for _, e := range entries {
			if st, err := e.Info(); err == nil {
				free -= st.Size()
			}
		}
		mu.Lock()
		defer mu.Unlock()
		past = append(slices.DeleteFunc(past, func(a asked) bool { return time.Since(a.at) > 500*time.Millisecond }), asked{time.Now(), free})
		for _, a := range past {
			free = min(free, a.free)
		}
		return free, err
	}
	b := open(t, o)
	const reports = 150
	for n := uint64(1); n <= reports; n++ { // twice what may be kept
		b.put(bulky(0, n, 100<<10))
	}
	require(t, b.Seal(t.Context()))
	st, err := b.Stats()
	require(t, err)
	if keep := disk - o.MinFree; st.Shed == 0 || st.Used > keep || st.Used < keep-3<<20 {
		t.Errorf("%d bytes are left of the %d there is room for, %d batches were dropped", st.Used, keep, st.Shed)
	}
}
