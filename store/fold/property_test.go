package fold_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store/fold"
)

// whole folds all in the order given.
func whole(t *rapid.T, all []batch) *fold.Fold {
	f := fold.New(site)
	for i := range all {
		all[i].apply(t, f)
	}
	return f
}

func same(t *rapid.T, want, got *fold.Fold, v journal.Vector) {
	if bytesOf(t, want, v) != bytesOf(t, got, v) {
		t.Fatalf("states differ:\n%s", cmp.Diff(words(want, v), words(got, v)))
	}
	for _, d := range want.Devices() {
		for _, k := range want.Keys(d) {
			a, _ := want.Fact(k)
			b, _ := got.Fact(k)
			if d := cmp.Diff(a, b); d != "" {
				t.Fatalf("views of %v differ:\n%s", k, d)
			}
		}
	}
}

// TestEveryOrder: any order of arrival, with any repetition, gives the same bytes.
func TestEveryOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := history(t)
		arrivals := append(slices.Clone(all), all[:rapid.IntRange(0, len(all)).Draw(t, "twice")]...)
		arrivals = rapid.Permutation(arrivals).Draw(t, "order")
		same(t, whole(t, all), whole(t, arrivals), held(all))
	})
}

// TestJoinedBases: however the batches are spread over folds, their bases joined in any order,
// between the batches that are still to come, and twice, give what all the batches give.
func TestJoinedBases(t *testing.T) {
	t.Parallel()
	var c journal.Compressor
	rapid.Check(t, func(t *rapid.T) {
		all := history(t)
		parts := make([][]batch, 3)
		for _, b := range all {
			n := rapid.IntRange(0, 2).Draw(t, "part")
			parts[n] = append(parts[n], b)
			if rapid.IntRange(0, 3).Draw(t, "both") == 0 { // held by two
				parts[(n+1)%3] = append(parts[(n+1)%3], b)
			}
		}
		var steps []func(*fold.Fold)
		for _, p := range parts[:2] {
			raw, err := c.MarshalBase(whole(t, p).Base(held(p)))
			if err != nil {
				t.Fatal(err)
			}
			join := func(f *fold.Fold) {
				b, err := c.UnmarshalBase(raw)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := f.Join(b); err != nil {
					t.Fatal(err)
				}
			}
			steps = append(steps, join, join)
		}
		for _, b := range parts[2] {
			steps = append(steps, func(f *fold.Fold) { b.apply(t, f) })
		}
		got := fold.New(site)
		for _, step := range rapid.Permutation(steps).Draw(t, "order") {
			step(got)
		}
		same(t, whole(t, all), got, held(all))
	})
}

// TestRegisters: each register is the fact of the greatest order of its origin, as received.
func TestRegisters(t *testing.T) {
	t.Parallel()
	type name struct {
		key    fold.Key
		origin journal.ID
	}
	rapid.Check(t, func(t *rapid.T) {
		all := history(t)
		want := map[name]journal.Register{}
		for _, b := range all {
			if b.Stream != journal.Facts {
				continue
			}
			err := journal.Records(b.body, func(r journal.Record) error {
				if r.Type != journal.TypeFact {
					return nil
				}
				raw, err := journal.ParseFact(r.Payload)
				n := name{fold.Key{Kind: raw.Kind, Device: raw.Device, Component: raw.Component, Group: raw.Group}, b.Origin}
				o := journal.Order{Turn: b.Turn, Origin: b.Origin, Incarnation: b.Incarnation, Seq: b.Seq, Index: r.Index}
				if x, ok := want[n]; !ok || x.Order.Compare(o) < 0 {
					want[n] = journal.Register{Order: o, Mode: b.Mode, WallMS: b.WallMS, Payload: r.Payload}
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		got := map[name]journal.Register{}
		for _, r := range whole(t, all).Base(held(all)).Registers {
			raw, err := journal.ParseFact(r.Payload)
			if err != nil {
				t.Fatal(err)
			}
			got[name{fold.Key{Kind: raw.Kind, Device: hw.DeviceID(raw.Device), Component: raw.Component, Group: raw.Group}, r.Origin}] = r
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
	})
}

// TestAwaited: awaited is what was written up to the last seq heard of, less what is held and
// what is excused, batch by batch.
func TestAwaitedProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := history(t)
		f := whole(t, all)
		v := held(all[:rapid.IntRange(0, len(all)).Draw(t, "held")])
		awaited := f.Awaited(v)
		for k := range f.Known() {
			for s := range f.Known().Last(k) + 2 {
				want := s > 0 && s <= f.Known().Last(k) && !v.Has(k, s) && !f.Excused().Has(k, s)
				if awaited.Has(k, s) != want {
					t.Fatalf("%d of %s awaited: %t", s, k, !want)
				}
			}
		}
		for _, b := range all {
			if !f.Known().Has(b.StreamKey, b.Seq) {
				t.Fatalf("%s is not known to have been written", b.Key)
			}
		}
	})
}
