package store_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"rackpost/hw/journal"
	"rackpost/store"
)

// mover reads a site's journal now from one store, now from another.
type mover struct {
	at      store.Position
	seen    journal.Vector
	streams []journal.Stream
	got     map[journal.Key]int
}

// readsFrom returns a mover that wants everything m has from here on.
func (m *member) readsFrom(p store.Position, streams ...journal.Stream) *mover {
	m.w.t.Helper()
	seen, err := m.Before(context.Background(), p, m.o.Site, streams, 1000)
	if err != nil || seen == nil {
		m.w.t.Fatalf("what is before %s: %v, %v", p, seen, err)
	}
	return &mover{at: p, seen: seen, streams: streams, got: map[journal.Key]int{}}
}

// from reads on at m: one answer, or until there is no more.
func (v *mover) from(m *member, toTheEnd bool) error {
	m.w.t.Helper()
	for {
		q := store.ChangesQuery{After: v.at, Site: m.o.Site, Streams: v.streams, Seen: v.seen, Batches: 1 + m.w.r.IntN(20), Bytes: 1 + m.w.r.IntN(4000)}
		got, err := m.Changes(context.Background(), q)
		if err != nil {
			return err
		}
		for _, b := range got.Batches {
			v.got[b.Key]++
			v.seen.Add(b.StreamKey, b.Seq, b.Seq)
		}
		v.at = got.Next
		if !toTheEnd || got.Next == got.Head {
			return nil
		}
	}
}

func (v *mover) wants(b *journal.Batch) bool {
	return len(v.streams) == 0 || slices.Contains(v.streams, b.Stream)
}

// once fails where something that m has was not read, or was read twice.
func (v *mover) once(m *member) {
	m.w.t.Helper()
	for _, b := range m.all(zero, 1000) {
		if n := v.got[b.Key]; n != 1 && v.wants(&b) {
			m.w.t.Fatalf("%s was read %d times", b.Key, n)
		}
	}
	for k, n := range v.got {
		if n > 1 {
			m.w.t.Fatalf("%s was read %d times", k, n)
		}
	}
}

// TestReadFromEither: two stores exchange what they have in any order, stop, crash and are put back from copies, and who reads now from one,
// now from the other, gets every batch once.
func TestReadFromEither(t *testing.T) {
	seeds(t, 12, func(w *world) {
		a, b := w.join(nil), w.join(nil)
		movers := []*mover{a.readsFrom(zero), a.readsFrom(zero, journal.Facts), b.readsFrom(zero, journal.Samples, journal.Logs)}
		var image, lost string
		for range 30 {
			m, other := a, b
			if w.r.IntN(2) == 0 {
				m, other = b, a
			}
			switch w.r.IntN(9) {
			case 0, 1:
				m.some(5)
			case 2, 3:
				m.send(other)
			case 4:
				if image == "" {
					a.stop()
					image = copyDir(w.t, a.o.Dir)
					a.box = open(w.t, a.o)
				} else if lost == "" && w.r.IntN(3) == 0 { // what only it had goes with its disk; the other has what was read
					w.settle([2]*member{a, b})
					a.stop()
					lost, a.o.Dir = a.o.Dir, image
					a.box = open(w.t, a.o)
				}
			default:
				for _, v := range movers {
					if w.r.IntN(3) > 0 {
						if err := v.from(m, w.r.IntN(4) == 0); err != nil {
							w.t.Fatal(err)
						}
					}
				}
			}
		}
		w.settle([2]*member{a, b})
		for i, v := range movers {
			m := []*member{a, b}[(w.r.IntN(2)+i)%2]
			if err := v.from(m, true); err != nil {
				w.t.Fatal(err)
			}
			v.once(a)
			v.once(b)
		}
	})
}

// TestGoOnElsewhere: who changes to another store is told when something is gone that he has not read, and is not where it is only older.
func TestGoOnElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 11)
	a, b := w.join(nil), w.join(nil)
	for range 4 {
		a.visits("sw-1")
		w.settle([2]*member{a, b})
		a.seal()
		b.seal()
	}
	early, whole := a.readsFrom(zero), a.readsFrom(zero)
	require(t, early.from(a, false))
	require(t, whole.from(a, true))
	read := len(whole.got)
	a.visits("sw-1")
	w.settle([2]*member{a, b})
	b.shedAll()
	if err := early.from(b, true); !errors.Is(err, store.ErrTrimmed) {
		t.Errorf("what was not read is gone: %v", err)
	}
	require(t, whole.from(b, true))
	if len(whole.got) <= read {
		t.Error("nothing came of what is new")
	}
	foreign := *whole
	foreign.at, foreign.seen = store.Position{Segment: store.SegmentID{1}, Row: 7, Check: 9}, nil
	if err := foreign.from(b, true); !errors.Is(err, store.ErrOtherLife) {
		t.Errorf("a strange position that tells nothing else: %v", err)
	}
}

// TestGoOnAtAFreshStore: facts that were dropped before another store joined are there in a base alone; who has not read them and changes to
// that store is told, as at the one that dropped them, and who has goes on.
func TestGoOnAtAFreshStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 11)
	a, b := w.join(nil), w.join(nil)
	early := a.readsFrom(zero)
	for range 4 {
		a.visits("sw-1")
		a.seal()
	}
	whole, readings := a.readsFrom(zero), a.readsFrom(zero, journal.Samples)
	require(t, whole.from(a, true))
	a.shedAll()
	a.visits("sw-1")
	raw, err := a.Base(a.o.Site)
	require(t, err)
	require(t, b.Join(t.Context(), raw))
	w.settle([2]*member{a, b})
	if b.Held().Covers(whole.seen) {
		t.Fatal("the other store has what was dropped")
	}
	for _, m := range []*member{a, b} {
		behind := *early
		if err := behind.from(m, true); !errors.Is(err, store.ErrTrimmed) {
			t.Errorf("facts that were not read are gone: %v", err)
		}
	}
	require(t, whole.from(b, true))
	require(t, readings.from(b, true))
}

// TestReadThroughDamage: what damage took, and comes again, is given to who has not read it, and not to who has.
func TestReadThroughDamage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	a, b := hurt(w, false)
	whole, late := a.readsFrom(zero), b.readsFrom(zero)
	require(t, whole.from(a, true))
	require(t, late.from(b, true))
	lost, had := b.Wanted(), len(late.got)
	if lost.Count() == 0 || lost.Minus(late.seen).Count() != lost.Count() {
		t.Fatalf("%d batches are lost, and %d of them count as read", lost.Count(), lost.Count()-lost.Minus(late.seen).Count())
	}
	refill(a, b)
	w.settle([2]*member{a, b})
	for _, v := range []*mover{whole, late} {
		require(t, v.from(b, true))
		v.once(a)
		v.once(b)
	}
	if came := uint64(len(late.got) - had); came < lost.Count() {
		t.Errorf("%d of %d batches came", came, lost.Count())
	}
}

// TestBefore: what a reader at a position has behind him is all that a reader from the beginning was given until there, wherever that is.
func TestBefore(t *testing.T) {
	seeds(t, 4, func(w *world) {
		a, b := w.join(nil), w.join(nil)
		for range 5 {
			b.some(4)
			a.some(6)
			b.send(a)
		}
		read := journal.Vector{}
		got, err := a.Changes(context.Background(), store.ChangesQuery{Batches: 10_000, Bytes: 1 << 30})
		if err != nil {
			w.t.Fatal(err)
		}
		for i, x := range got.Batches {
			read.Add(x.StreamKey, x.Seq, x.Seq)
			for _, streams := range [][]journal.Stream{nil, {journal.Samples}} {
				want := read
				if streams != nil {
					want = journal.Vector{}
					for k, iv := range read {
						if k.Stream == journal.Samples {
							want[k] = iv
						}
					}
				}
				before, err := a.Before(context.Background(), got.Behind[i], a.o.Site, streams, 1000)
				if err != nil || !before.Equal(want) {
					w.t.Fatalf("before %s of %v: %v, want %v (%v)", got.Behind[i], streams, before, want, err)
				}
			}
		}
		if v, err := a.Before(context.Background(), zero, a.o.Site, nil, 0); v != nil || err != nil {
			w.t.Fatalf("more than is wanted: %v, %v", v, err)
		}
		if v, err := a.Before(context.Background(), store.Position{Segment: store.SegmentID{1}}, a.o.Site, nil, 1000); v != nil || err != nil {
			w.t.Fatalf("of a stranger: %v, %v", v, err)
		}
	})
}
