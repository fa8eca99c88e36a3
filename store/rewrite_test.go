package store_test

import (
	"io"
	"os"
	"slices"
	"testing"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
	"rackpost/store/powerfs"
)

// TestRewriteNeedsNoMoreThanWhatIsLeft drops one stream of a segment on a disk that has hardly
// more room than the rest of it takes, and requires a sync for every few MB of it.
func TestRewriteNeedsNoMoreThanWhatIsLeft(t *testing.T) {
	t.Parallel()
	disk := powerfs.ForTest(t, "")
	o := options(t)
	o.Dir, o.SegmentBytes = disk.Dir(), 64<<20
	b := open(t, o)
	const reports = 90
	for n := uint64(1); n <= reports; n++ {
		b.put(bulky(0, n, 128<<10))
	}
	require(t, b.Seal(t.Context()))
	before, _ := standing(t, b.Store)
	b.SetHQ(ofStream(before[0], journal.Samples)) // these go first, the logs are left
	for len(twinsOf(t, o.Dir)) > 0 {
		_, err := b.Shed(t.Context())
		require(t, err)
	}
	var used, sealed int64
	for _, e := range glob(t, o.Dir, "*") {
		st, err := os.Stat(e)
		require(t, err)
		used += st.Size()
	}
	for _, e := range glob(t, o.Dir, "*.sealed") {
		st, err := os.Stat(e)
		require(t, err)
		sealed += st.Size()
	}
	require(t, disk.SetCapacity(used+sealed+sealed/4))
	syncs, err := disk.Syncs()
	require(t, err)
	freed, err := b.Shed(t.Context())
	require(t, err)
	if have, err := numbers(b.Store, 0); err != nil || !freed || len(have) > 0 {
		t.Fatalf("freed %t, %d readings are left: %v", freed, len(have), err)
	}
	now, err := disk.Syncs()
	require(t, err)
	if want := int(sealed / (5 << 20)); now-syncs < want {
		t.Errorf("%d syncs for %d bytes, want %d", now-syncs, sealed, want)
	}
	require(t, disk.SetCapacity(1<<30))
	b.put(bulky(0, reports+1, 1000))
	after, _ := standing(t, b.Store)
	if !after[0].Equal(before[0].Minus(ofStream(before[0], journal.Samples))) {
		t.Errorf("in the segment stood %v, now %v", before[0], after[0])
	}
	b.stop()
	if audit, err := store.Verify(t.Context(), o.Dir, io.Discard); err != nil || len(audit.Faults) > 0 {
		t.Fatalf("verify %v: %v", audit.Faults, err)
	}
}

// TestNewestFacts: a query for the newest few of many in one segment gets just these.
func TestNewestFacts(t *testing.T) {
	t.Parallel()
	b := open(t, options(t))
	for n := range uint64(60) {
		r := numbered(0, n+1)
		r.Components[0].Health = hw.Health(n % 4)
		b.put(r)
	}
	all, err := b.Facts(t.Context(), store.FactQuery{})
	require(t, err)
	if len(all) < 60 {
		t.Fatalf("%d facts", len(all))
	}
	for _, n := range []int{1, 7, len(all) - 1, len(all) + 1} {
		got, err := b.Facts(t.Context(), store.FactQuery{Limit: n})
		require(t, err)
		want := all[max(0, len(all)-n):]
		if !slices.EqualFunc(got, want, func(x, y store.FactRecord) bool { return x.Order == y.Order }) {
			t.Errorf("the newest %d facts are %d others", n, len(got))
		}
	}
	of := func(k hw.FactKind) []store.FactRecord {
		return slices.DeleteFunc(slices.Clone(all), func(x store.FactRecord) bool { return x.Kind != k })
	}
	for _, k := range []hw.FactKind{hw.ComponentFact, hw.LearnedFact, hw.GapFact} {
		got, err := b.Facts(t.Context(), store.FactQuery{Kind: k, Limit: 3}) // the newest of that kind, not those among the newest
		require(t, err)
		want := of(k)
		want = want[max(0, len(want)-3):]
		if !slices.EqualFunc(got, want, func(x, y store.FactRecord) bool { return x.Order == y.Order }) {
			t.Errorf("the newest 3 facts of kind %s are %d others", k, len(got))
		}
	}
}
