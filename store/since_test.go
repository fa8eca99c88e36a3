package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
)

// TestSinceEveryCut: however many batches a reader takes at a time, over segments, restarts
// and crashes, it sees each once and in the order they came, with all their layouts.
func TestSinceEveryCut(t *testing.T) {
	seeds(t, 4, func(w *world) {
		a, b := w.join(nil), w.join(nil)
		for range 6 {
			a.some(4)
			b.some(2)
			b.send(a)
		}
		whole := a.all(zero, 1<<20)
		for range 5 {
			var p store.Position
			var got []journal.Batch
			for len(got) < len(whole) {
				batches, next, err := a.Since(context.Background(), p, 1+w.r.IntN(7))
				if err != nil || len(batches) == 0 {
					w.t.Fatalf("%d batches of %d: %v", len(got), len(whole), err)
				}
				got = append(got, batches...)
				if p, err = store.ParsePosition(next.String()); err != nil || p != next {
					w.t.Fatalf("position %s is read as %s: %v", next, p, err)
				}
				switch w.r.IntN(20) {
				case 0:
					a.seal()
				case 1:
					a.reopen()
				case 2:
					a.crash()
				}
			}
			if !slices.EqualFunc(got, whole, func(x, y journal.Batch) bool { return bytes.Equal(x.Bytes, y.Bytes) }) {
				w.t.Fatal("another order, or something twice")
			}
			for _, x := range got {
				if len(x.Layouts) != len(x.Uses) {
					w.t.Fatalf("%s has %d layouts of %d", x.Key, len(x.Layouts), len(x.Uses))
				}
			}
			if rest, _, err := a.Since(context.Background(), p, 10); err != nil || len(rest) > 0 {
				w.t.Fatalf("%d batches behind the end: %v", len(rest), err)
			}
		}
	})
}

// TestSinceWhileWriting: readers that wait for Watch see every batch exactly once and in
// order while others put, merge and seal.
func TestSinceWhileWriting(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	a, b := w.join(nil), w.join(nil)
	for range 10 {
		b.visits("sw-2")
		w.pass(time.Minute)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	total := make(chan int, 1)
	var readers sync.WaitGroup
	seen := make([][]journal.Key, 3)
	for i := range seen {
		readers.Go(func() {
			var err error
			if seen[i], err = follow(ctx, a, 1+i*3, total); err != nil {
				t.Errorf("reader %d, after %d batches: %v", i, len(seen[i]), err)
			}
		})
	}
	putMergeAndSeal(ctx, a, b.lacking(a, 1000))
	var want []journal.Key
	for _, x := range a.all(zero, 1000) {
		want = append(want, x.Key)
	}
	total <- len(want)
	readers.Wait()
	for i, keys := range seen {
		if !slices.Equal(keys, want) {
			t.Errorf("reader %d saw %d batches, %d there are, or in another order", i, len(keys), len(want))
		}
	}
}

// follow reads what stands in m, limit batches at a time, and waits for more until it has as
// many as total says there are. It leaves the number in total for the next reader.
func follow(ctx context.Context, m *member, limit int, total chan int) (seen []journal.Key, err error) {
	var p store.Position
	want := -1
	for want < 0 || len(seen) < want {
		changed := m.Watch()
		batches, next, err := m.Since(ctx, p, limit)
		if err != nil {
			return seen, err
		}
		p = next
		for _, x := range batches {
			seen = append(seen, x.Key)
		}
		if len(batches) > 0 {
			continue
		}
		select {
		case want = <-total:
			total <- want
		case <-changed:
		case <-ctx.Done():
			return seen, fmt.Errorf("wait for more: %w", ctx.Err())
		}
	}
	return seen, nil
}

// putMergeAndSeal puts reports of two devices, merges foreign batches and seals m, all at the
// same time.
func putMergeAndSeal(ctx context.Context, m *member, foreign []journal.Batch) {
	m.w.t.Helper()
	var writers sync.WaitGroup
	try := func(err error) {
		if err != nil {
			m.w.t.Error(err)
		}
	}
	for i := range 2 {
		writers.Go(func() {
			device := hw.DeviceID(fmt.Sprintf("sw-%d", i))
			for n := range 30 {
				try(m.Put(ctx, visit(device, start.Add(time.Duration(n)*time.Minute), uint64(n))))
			}
		})
	}
	writers.Go(func() {
		for _, x := range foreign {
			try(m.Merge(ctx, []journal.Batch{x}))
		}
	})
	writers.Go(func() {
		for range 4 {
			try(m.Seal(ctx))
		}
	})
	writers.Wait()
}

// TestSinceTrimmed: a reader whose segment is gone is told so; one that stands behind the
// dropped ones is not disturbed; one that begins gets what is left.
func TestSinceTrimmed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	a := w.join(nil)
	a.visits("sw-1")
	_, old, err := a.Since(t.Context(), zero, 1)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		a.visits("sw-1")
		a.seal()
	}
	a.visits("sw-1")
	var end store.Position
	for {
		batches, next, err := a.Since(t.Context(), end, 100)
		if err != nil {
			t.Fatal(err)
		}
		end = next
		if len(batches) == 0 {
			break
		}
	}
	a.shedAll()
	for range 2 {
		if _, p, err := a.Since(t.Context(), old, 10); !errors.Is(err, store.ErrTrimmed) || p != old {
			t.Fatalf("since a dropped position: %v at %s", err, p)
		}
		batches := a.all(end, 2)
		if len(batches) == 0 || slices.ContainsFunc(batches, func(b journal.Batch) bool { return b.Stream != journal.Facts }) {
			t.Fatalf("%d batches behind the end: what dropping told", len(batches))
		}
		if len(a.all(zero, 10)) == 0 {
			t.Fatal("nothing is left")
		}
		a.reopen()
	}
	a.sound()
}

func TestParsePosition(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", ":", "1:2", "0102030405060708", "0102030405060708:", "0102030405060708:-1", "0102030405060708:1:2", "010203040506070809:1", "zz02030405060708:1"} {
		if p, err := store.ParsePosition(s); err == nil {
			t.Errorf("%q is read as %s", s, p)
		}
	}
}

// TestSinceAroundDamage: damaged batches are passed over, and take no place of others.
func TestSinceAroundDamage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	a, b := w.join(nil), w.join(nil)
	for range 8 {
		a.visits("sw-1")
		w.pass(time.Minute)
	}
	a.seal()
	a.visits("sw-1")
	a.stop()
	sealed, err := filepath.Glob(filepath.Join(a.o.Dir, "*.sealed"))
	if err != nil || len(sealed) != 1 {
		t.Fatal(sealed, err)
	}
	db, err := sql.Open("sqlite3", sealed[0])
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	res, err := db.ExecContext(t.Context(), "UPDATE batch SET bytes = zeroblob(length(bytes)) WHERE position BETWEEN 3 AND 6 OR seq = 4")
	if err != nil {
		t.Fatal(err)
	}
	damaged, err := res.RowsAffected()
	if err != nil || damaged < 5 {
		t.Fatalf("%d batches damaged: %v", damaged, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	a.box = open(t, a.o)
	a.all(zero, 100)
	a.seal() // the reader found the damage, and what tells of it is written
	want := a.Held().Count() - uint64(damaged)
	for _, limit := range []int{1, 2, 3, 100} {
		if got := len(a.all(zero, limit)); uint64(got) != want {
			t.Errorf("%d batches by %d, want %d", got, limit, want)
		}
	}
	for {
		batches := a.lacking(b, 1)
		if len(batches) == 0 {
			break
		}
		b.merge(batches...)
	}
	if got := b.Held().Count(); got != want {
		t.Errorf("%d batches reach a peer, want %d", got, want)
	}
}
