package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"rackpost/hw/journal"
	"rackpost/store"
)

// TestInventedStreamsAreBounded: a site that begins a journal at every connection begins so many beyond the bound a day, and is refused
// one more by no other name; what it began goes on, other sites begin theirs, and on the next day it may again, so that no site is
// shut out for good.
func TestInventedStreamsAreBounded(t *testing.T) {
	t.Parallel()
	const bound, aDay = 5, 64
	w := newWorld(t, 9)
	hq := w.joinHQ(func(o *store.Options) { o.Streams = bound })
	f := newForeign(testSite)
	began := func(n int) journal.Batch {
		f.origin, f.incarnation = journal.ID{0xf0, byte(n)}, journal.Incarnation(n)
		f.seq, f.previous = map[journal.Stream]uint64{}, map[journal.Stream]uint32{}
		return f.batch(t, journal.Logs, 0, nil)
	}
	many := func(from, to int) (out []journal.Batch) {
		for n := from; n <= to; n++ {
			out = append(out, began(n))
		}
		return out
	}
	refused := func(today string, batches ...journal.Batch) {
		t.Helper()
		err := hq.Merge(t.Context(), batches)
		if !errors.Is(err, journal.ErrTooMuch) || !strings.Contains(err.Error(), testSite.String()) || !strings.Contains(err.Error(), "5 streams and "+today+" of them today") {
			t.Fatalf("%v, with %d streams", err, len(hq.HeldOf(testSite)))
		}
	}
	f.wallMS = w.now.Load()
	refused("64", many(1, bound+aDay+1)...)
	hq.merge(many(1, bound)...)
	f.wallMS -= time.Hour.Milliseconds() // what waits from before has half of it
	refused("32", many(bound+1, bound+aDay/2+1)...)
	hq.merge(many(bound+1, bound+aDay/2)...)
	refused("32", began(101))
	f.wallMS = w.now.Load()
	hq.merge(many(bound+aDay/2+1, bound+aDay-1)...)
	hq.merge(began(bound + aDay))
	refused("64", began(101))
	began(3)
	hq.merge(f.batch(t, journal.Logs, 0, nil), f.batch(t, journal.Logs, 0, nil))
	hq.merge(newForeign(journal.ID{0xbb, 2}).batch(t, journal.Logs, 0, nil))
	w.pass(24 * time.Hour)
	f.wallMS = w.now.Load()
	hq.merge(many(102, 101+aDay)...)
	refused("64", began(101))
	if n := hq.HeldOf(testSite).Count(); n != bound+2*aDay+2 {
		t.Errorf("%d batches are held", n)
	}
}

// TestHolesAreBounded: batches that stand apart are taken so many; what fills a hole, or goes on with what is held, always.
func TestHolesAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 9)
	hq := w.joinHQ(func(o *store.Options) { o.Runs = 4 })
	f := newForeign(testSite)
	var all []journal.Batch
	for range 20 {
		all = append(all, f.batch(t, journal.Logs, 0, nil))
	}
	if err := hq.Merge(t.Context(), []journal.Batch{all[0], all[2], all[4], all[6], all[8]}); !errors.Is(err, journal.ErrTooMuch) || !strings.Contains(err.Error(), "stand apart") {
		t.Fatalf("five runs: %v", err)
	}
	hq.merge(all[0], all[2], all[4], all[6])
	if err := hq.Merge(t.Context(), all[10:11]); !errors.Is(err, journal.ErrTooMuch) {
		t.Fatalf("one more: %v", err)
	}
	hq.merge(all[7], all[1])
	hq.merge(all[10], all[11])
	hq.reopen()
	if err := hq.Merge(t.Context(), all[15:16]); !errors.Is(err, journal.ErrTooMuch) {
		t.Fatalf("one more after a restart: %v", err)
	}
	hq.merge(all...)
	if n := len(hq.HeldOf(testSite)[all[0].StreamKey]); n != 1 {
		t.Errorf("%d runs", n)
	}
}

// TestConflictsOfASite: other content under a held key is counted of its site, over a restart, and a site that sends nothing else takes
// neither the place of others in the side table nor lines of the log without end.
func TestConflictsOfASite(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 9)
	hq := w.joinHQ(nil)
	fakes := func(site journal.ID, n int) (fake []journal.Batch) {
		f := newForeign(site)
		var real []journal.Batch
		for range n {
			real = append(real, f.batch(t, journal.Logs, 1, []byte("that is so")))
		}
		hq.merge(real...)
		f = newForeign(site)
		for range n {
			fake = append(fake, f.batch(t, journal.Logs, 1, []byte("it is not!")))
		}
		return fake
	}
	other := journal.ID{0xbb, 2}
	hq.merge(fakes(testSite, 100)...)
	hq.merge(fakes(other, 3)...)
	if a, b, none := hq.ConflictsOf(testSite), hq.ConflictsOf(other), hq.ConflictsOf(hqSite()); a != 100 || b != 3 || none != 0 {
		t.Errorf("%d, %d and %d conflicts, want 100, 3 and none", a, b, none)
	}
	hq.reopen()
	if a, b := hq.ConflictsOf(testSite), hq.ConflictsOf(other); a != 32 || b != 3 {
		t.Errorf("%d and %d batches were set aside, want 32 and 3", a, b)
	}
	require(t, hq.Forget(t.Context(), testSite))
	if n := hq.ConflictsOf(testSite); n != 0 {
		t.Errorf("%d conflicts of a site that is forgotten", n)
	}
}
