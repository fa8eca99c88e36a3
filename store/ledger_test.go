package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rackpost/hw/journal"
)

// TestLedger: a ledger holds what a vector holds that is told the same.
func TestLedger(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l, v, other := ledger{ring: &keyring{}}, journal.Vector{}, journal.Vector{}
		key := func() journal.StreamKey {
			n := rapid.IntRange(0, 11).Draw(t, "key")
			return journal.StreamKey{Site: journal.ID{1 + byte(n%3)}, Origin: journal.ID{2, byte(n / 6)}, Incarnation: 7, Stream: journal.Stream(1 + n/3%2)}
		}
		span := func() (uint64, uint64) {
			first := rapid.Uint64Range(1, 40).Draw(t, "first")
			return first, first + rapid.Uint64Range(0, 9).Draw(t, "length")
		}
		sizes := map[journal.StreamKey]int64{}
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			k := key()
			first, last := span()
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				gone := journal.Vector{k: {{First: first, Last: last}}}
				l.remove(gone)
				v = v.Minus(gone)
			case 1:
				other.Add(k, first, last)
			default:
				if len(v[k]) == 0 {
					sizes[k] = 0
				}
				l.put(k, 5, 10, journal.Interval{First: first, Last: last})
				v.Add(k, first, last)
				sizes[k] += 10
			}
			if seq := first; l.Has(k, seq) != v.Has(k, seq) || l.Last(k) != v.Last(k) {
				t.Fatalf("%v of %v: has %v, last %d", k, l.all(), l.Has(k, seq), l.Last(k))
			}
		}
		if d := cmp.Diff(map[journal.StreamKey][]journal.Interval(v), map[journal.StreamKey][]journal.Interval(l.all())); d != "" {
			t.Fatal(d)
		}
		for site := range byte(3) {
			id := journal.ID{1 + site}
			one := siteOf(v, id)
			if d := cmp.Diff(one, l.of(id)); d != "" {
				t.Fatal(d)
			}
			if want := one.Minus(other); !want.Equal(l.lacks(id, other, anyStream)) {
				t.Fatalf("lacks %v, want %v", l.lacks(id, other, anyStream), want)
			}
			var size int64
			for k := range one {
				size += sizes[k]
			}
			if u := l.usage(id, anyStream); u.Batches != one.Count() || u.Bytes != size {
				t.Fatalf("usage %+v, want %d batches of %d bytes", u, one.Count(), size)
			}
		}
		if l.coveredBy(other) != other.Covers(v) {
			t.Fatal("covered otherwise")
		}
	})
}

func siteOf(v journal.Vector, site journal.ID) journal.Vector {
	out := journal.Vector{}
	for k, iv := range v {
		if k.Site == site {
			out[k] = iv
		}
	}
	return out
}
