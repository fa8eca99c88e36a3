package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rackpost/hw/journal"
	"rackpost/store"
)

// paged reads everything that m has and v does not hold, by pages of any size.
func (m *member) paged(v journal.Vector) []journal.Batch {
	m.w.t.Helper()
	v = v.Clone()
	var out []journal.Batch
	for {
		page, err := m.Page(context.Background(), v, 1+m.w.r.IntN(4000))
		if err != nil {
			m.w.t.Fatal(err)
		}
		if len(page) == 0 {
			return out
		}
		for i := range page {
			if v.Has(page[i].StreamKey, page[i].Seq) || len(page[i].Layouts) > 0 {
				m.w.t.Fatalf("%s: given again, or with layouts", page[i].Key)
			}
			v.Add(page[i].StreamKey, page[i].Seq, page[i].Seq)
		}
		out = append(out, page...)
	}
}

// TestPages: pages give what Lacking gives, in its order, and every layout can be asked for.
func TestPages(t *testing.T) {
	seeds(t, 4, func(w *world) {
		a, b := w.join(nil), w.join(nil)
		for range 4 {
			a.some(8)
			a.send(b)
		}
		want := a.lacking(b, 10_000)
		got := a.paged(b.Held())
		if len(got) != len(want) {
			t.Fatalf("%d batches in pages, %d are lacking", len(got), len(want))
		}
		for i := range got {
			if got[i].Key != want[i].Key || string(got[i].Bytes) != string(want[i].Bytes) {
				t.Fatalf("batch %d is %s, want %s", i, got[i].Key, want[i].Key)
			}
			for j, id := range got[i].Uses {
				l, err := a.Layout(t.Context(), id)
				if err != nil || string(l.Bytes) != string(want[i].Layouts[j].Bytes) {
					t.Fatalf("layout %s: %v", id, err)
				}
			}
		}
		if _, err := a.Layout(t.Context(), journal.LayoutID{1}); !errors.Is(err, journal.ErrNoLayout) {
			t.Fatalf("a layout nobody uses: %v", err)
		}
		if !a.Have().Equal(a.Held()) {
			t.Fatal("has other batches than it holds")
		}
	})
}

// TestTail: a tail gives all that is written after it was made, and nothing else, over seals, and what
// others wrote too.
func TestTail(t *testing.T) {
	seeds(t, 4, func(w *world) {
		a, b := w.join(nil), w.join(nil)
		if w.r.IntN(2) == 0 {
			a.plain("sw-1")
		}
		before := a.Held()
		next := a.Tail()
		got := journal.Vector{}
		read := func() {
			for {
				batches, err := next(context.Background(), 1+w.r.IntN(3000))
				if err != nil {
					w.t.Fatal(err)
				}
				if len(batches) == 0 {
					return
				}
				for _, x := range batches {
					if got.Has(x.StreamKey, x.Seq) {
						w.t.Fatalf("%s twice", x.Key)
					}
					got.Add(x.StreamKey, x.Seq, x.Seq)
				}
			}
		}
		for range 20 {
			switch w.r.IntN(4) {
			case 0:
				b.plain("sw-2")
				b.send(a)
			case 1:
				a.seal()
			case 2:
				read()
			default:
				a.plain("sw-1")
			}
		}
		read()
		if want := a.Held().Minus(before); !got.Equal(want) {
			w.t.Fatalf("read %v, written was %v", got, want)
		}
	})
}

// TestTailTrimmed: a tail that did not read for so long that its segment was dropped says so.
func TestTailTrimmed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	a := w.join(nil)
	a.plain("sw-1")
	next := a.Tail()
	a.plain("sw-1")
	a.seal()
	a.plain("sw-1")
	a.seal()
	for {
		more, err := a.Shed(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
	}
	batches, err := next(t.Context(), 1<<20)
	if err == nil && a.Have().Covers(a.Held()) {
		t.Fatalf("nothing was dropped: %d batches", len(batches))
	}
	if err != nil && !errors.Is(err, store.ErrTrimmed) {
		t.Fatal(err)
	}
}

// TestFolderOfOthers: what lies in a subfolder of the journal's is nobody's business here: neither
// sweeping nor verifying nor the budget touches it.
func TestFolderOfOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	a := w.join(nil)
	dir := filepath.Join(a.o.Dir, "pair")
	if err := os.MkdirAll(filepath.Join(dir, "snapshots"), 0o700); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"control.db": make([]byte, 1<<20), "control.db-wal": {1}, "node.pem": {2}, "x.tmp": {3}, "00000001-0102030405060708.open": {4}}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before, err := a.Stats()
	if err != nil {
		t.Fatal(err)
	}
	a.some(5)
	a.seal()
	a.stop()
	audit, err := store.Verify(t.Context(), a.o.Dir, os.Stderr)
	if err != nil || len(audit.Faults) > 0 {
		t.Fatalf("%v, %v", audit.Faults, err)
	}
	a.box = open(t, a.o)
	if before.Used > 512<<10 {
		t.Errorf("%d bytes are counted as the journal's", before.Used)
	}
	for name, content := range files {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != string(content) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for {
		if more, err := a.Shed(t.Context()); err != nil {
			t.Fatal(err)
		} else if !more {
			break
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != len(files)+1 {
		t.Errorf("%v: %v", entries, err)
	}
	w.pass(time.Second)
}
