package store_test

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// TestFullDiskIsSaid requires that a full disk is told for as long as reports wait, whatever the
// keeper does meanwhile, and no longer.
func TestFullDiskIsSaid(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Dir, o.Ballast = smallDisk(t, "16m"), -1
	b := open(t, o)
	defer b.stop()
	b.put(bulky(0, 1, 20<<10))
	full := func() bool {
		st, err := b.Stats()
		require(t, err)
		return st.Full
	}
	if full() {
		t.Fatal("the disk is said to be full and is not")
	}
	fill := filepath.Join(o.Dir, "another")
	stuff(t, fill)
	done := make(chan error, 1)
	var seen atomic.Bool
	go func() {
		var err error
		for n := uint64(2); !seen.Load() && err == nil; n++ { // some still go into the WAL
			err = b.Put(context.Background(), bulky(0, n, 200<<10))
		}
		done <- err
	}()
	for !full() {
		select {
		case err := <-done:
			t.Fatalf("all was stored on a full disk: %v", err)
		case <-time.After(5 * time.Millisecond):
		}
	}
	seen.Store(true)
	for range 100 { // the keeper has been at it
		if time.Sleep(2 * time.Millisecond); !full() {
			t.Fatal("a report waits, and the disk is not said to be full")
		}
	}
	require(t, os.Remove(fill))
	for full() {
		time.Sleep(5 * time.Millisecond)
	}
	select {
	case err := <-done:
		require(t, err)
	case <-time.After(30 * time.Second):
		t.Fatal("the report still waits")
	}
}

// TestFullDiskOfACopy: who only takes what another reads says too that its disk is full, until it takes again.
func TestFullDiskOfACopy(t *testing.T) {
	t.Parallel()
	a := open(t, options(t))
	defer a.stop()
	for n := range uint64(20) {
		a.put(bulky(0, n+1, 200<<10))
	}
	o := options(t)
	o.Dir, o.Ballast = smallDisk(t, "16m"), -1
	b := open(t, o)
	defer b.stop()
	batches, err := a.Lacking(t.Context(), b.Held(), 64<<20)
	require(t, err)
	fill := filepath.Join(o.Dir, "another")
	stuff(t, fill)
	if err := b.Merge(t.Context(), batches); err == nil || !b.Full() {
		t.Fatalf("merge on a full disk: %v; full: %v", err, b.Full())
	}
	require(t, os.Remove(fill))
	require(t, b.Merge(t.Context(), batches))
	if b.Full() {
		t.Fatal("there is room, and the disk is said to be full")
	}
}
