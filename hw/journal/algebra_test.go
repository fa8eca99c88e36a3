package journal_test

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"rackpost/hw/journal"
)

// batches is a Vector as a set: the naive model.
type batches map[journal.Key]bool

const modelSeqs = 14 // few, so that intervals touch

func modelKeys() (out []journal.StreamKey) {
	for i := range 3 {
		out = append(out, journal.StreamKey{Site: journal.ID{1}, Origin: journal.ID{byte(i % 2)}, Incarnation: 7, Stream: journal.Stream(1 + i/2)})
	}
	return out
}

func drawVector(t *rapid.T, label string) (journal.Vector, batches) {
	v, m := journal.Vector{}, batches{}
	keys := modelKeys()
	for range rapid.IntRange(0, 8).Draw(t, label) {
		k := rapid.SampledFrom(keys).Draw(t, "key")
		first := rapid.Uint64Range(1, modelSeqs).Draw(t, "first")
		last := rapid.Uint64Range(first, min(modelSeqs, first+4)).Draw(t, "last")
		v.Add(k, first, last)
		for s := first; s <= last; s++ {
			m[journal.Key{StreamKey: k, Seq: s}] = true
		}
	}
	return v, m
}

func (m batches) check(t *rapid.T, what string, v journal.Vector) {
	if v.Count() != uint64(len(m)) {
		t.Fatalf("%s: %v counts %d, want %d", what, v, v.Count(), len(m))
	}
	for _, k := range modelKeys() {
		last := uint64(0)
		for s := range uint64(modelSeqs + 2) {
			want := m[journal.Key{StreamKey: k, Seq: s}]
			if v.Has(k, s) != want {
				t.Fatalf("%s: %v has %d of %s: %t", what, v, s, k, !want)
			}
			if want {
				last = s
			}
		}
		if v.Last(k) != last {
			t.Fatalf("%s: last of %s is %d, want %d", what, k, v.Last(k), last)
		}
		for i, x := range v[k] {
			if x.First == 0 || x.Last < x.First || i > 0 && x.First <= v[k][i-1].Last+1 {
				t.Fatalf("%s: intervals %v are not sorted, disjoint and apart", what, v[k])
			}
		}
	}
}

func TestVectorAlgebra(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, am := drawVector(t, "a")
		b, bm := drawVector(t, "b")
		am.check(t, "add", a)
		minus, mm := a.Minus(b), maps.Clone(am)
		maps.DeleteFunc(mm, func(k journal.Key, _ bool) bool { return bm[k] })
		mm.check(t, "minus", minus)
		if covers := len(mm) == 0; b.Covers(a) != covers {
			t.Fatalf("%v covers %v: %t", b, a, !covers)
		}
		if equal := maps.Equal(am, bm); a.Equal(b) != equal || bytes.Equal(a.Marshal(), b.Marshal()) != equal {
			t.Fatalf("%v equals %v: %t", a, b, !equal)
		}
		joined, back := a.Clone(), b.Clone()
		joined.Join(b)
		back.Join(a)
		maps.Copy(am, bm)
		am.check(t, "join", joined)
		if !bytes.Equal(joined.Marshal(), back.Marshal()) {
			t.Fatalf("%v joined to %v depends on the order", a, b)
		}
		got, err := journal.UnmarshalVector(joined.Marshal())
		if err != nil || !got.Equal(joined) {
			t.Fatalf("%v became %v: %v", joined, got, err)
		}
		bm.check(t, "left alone", b)
	})
}

// TestVectorEnds: the greatest seq a batch may have can be added, written and read.
func TestVectorEnds(t *testing.T) {
	t.Parallel()
	k := modelKeys()[0]
	v := journal.Vector{}
	v.Add(k, journal.MaxSeq, journal.MaxSeq)
	v.Add(k, 1, 1)
	v.Add(k, 2, journal.MaxSeq-1)
	got, err := journal.UnmarshalVector(v.Marshal())
	if want := []journal.Interval{{First: 1, Last: journal.MaxSeq}}; err != nil || !slices.Equal(got[k], want) {
		t.Fatalf("got %v, %v, want %v", got[k], err, want)
	}
}

// TestOrder: orders compare as the bytes docs/journal.md lists, so they are total.
func TestOrder(t *testing.T) {
	t.Parallel()
	small := rapid.Uint64Range(0, 2)
	large := rapid.OneOf(small, rapid.Uint64())
	draw := func(t *rapid.T) (o journal.Order, b []byte) {
		o = journal.Order{Turn: large.Draw(t, "turn"), Incarnation: journal.Incarnation(large.Draw(t, "incarnation")), Seq: large.Draw(t, "seq"), Index: uint32(small.Draw(t, "index"))}
		o.Origin[rapid.IntRange(0, 15).Draw(t, "at")] = byte(large.Draw(t, "origin"))
		b = binary.BigEndian.AppendUint64(b, o.Turn)
		b = append(b, o.Origin[:]...)
		b = binary.BigEndian.AppendUint64(b, uint64(o.Incarnation))
		b = binary.BigEndian.AppendUint64(b, o.Seq)
		return o, binary.BigEndian.AppendUint32(b, o.Index)
	}
	rapid.Check(t, func(t *rapid.T) {
		x, xb := draw(t)
		y, yb := draw(t)
		if got, want := x.Compare(y), bytes.Compare(xb, yb); got != want {
			t.Fatalf("%+v against %+v: %d, want %d", x, y, got, want)
		}
	})
}

func TestNextTurn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		wall     int64
		greatest uint64
		want     uint64
	}{
		{goldenWall, 5, goldenWall}, {goldenWall, goldenWall, goldenWall + 1}, {-5, 0, 1}, {0, 0, 1}, {journal.MinMS, 9, 10},
		{0, journal.MaxTurn - 1, journal.MaxTurn}, {goldenWall, journal.MaxTurn, journal.MaxTurn}, {goldenWall, 1<<64 - 1, journal.MaxTurn},
	} {
		if got := journal.NextTurn(c.wall, c.greatest); got != c.want {
			t.Errorf("NextTurn(%d, %d) = %d, want %d", c.wall, c.greatest, got, c.want)
		}
	}
}
