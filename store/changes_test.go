package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"rackpost/hw/journal"
	"rackpost/store"
)

// changes reads all behind p with a query's filter, and says that the positions given lead on.
func (m *member) changes(q store.ChangesQuery) (out []journal.Batch, end store.Position) {
	m.w.t.Helper()
	for {
		got, err := m.Changes(context.Background(), q)
		if err != nil {
			m.w.t.Fatal(err)
		}
		out = append(out, got.Batches...)
		if len(got.Batches) == 0 {
			if got.Next != got.Head {
				m.w.t.Fatalf("nothing found and next is %s, head %s", got.Next, got.Head)
			}
			return out, got.Next
		}
		q.After = got.Next
		if m.w.r.IntN(2) == 0 { // as well from any batch of the answer
			i := m.w.r.IntN(len(got.Behind))
			out = out[:len(out)-len(got.Behind)+i+1]
			q.After = got.Behind[i]
		}
		text, err := store.ParsePosition(q.After.String())
		if err != nil || text != q.After {
			m.w.t.Fatalf("position %s is read as %s: %v", q.After, text, err)
		}
	}
}

// TestChanges: what is asked for by site and stream, in pieces of any size, is what stands there, in order, and once.
func TestChanges(t *testing.T) {
	seeds(t, 4, func(w *world) {
		hq, boxes := w.sitesAndHQ(2)
		for range 8 {
			b := boxes[w.r.IntN(len(boxes))]
			b.some(6)
			b.up(hq)
			if w.r.IntN(3) == 0 {
				hq.seal()
			}
		}
		all := hq.all(zero, 1000)
		for range 12 {
			q := store.ChangesQuery{Batches: w.r.IntN(9), Bytes: w.r.IntN(3000)}
			if w.r.IntN(3) > 0 {
				q.Site = boxes[w.r.IntN(2)].o.Site
			}
			q.Streams = [][]journal.Stream{nil, {journal.Facts}, {journal.Samples, journal.Logs}}[w.r.IntN(3)]
			got, _ := hq.changes(q)
			want := slices.DeleteFunc(slices.Clone(all), func(b journal.Batch) bool {
				return (q.Site != (journal.ID{}) && b.Site != q.Site) || (q.Streams != nil && !slices.Contains(q.Streams, b.Stream))
			})
			same := slices.EqualFunc(got, want, func(a, b journal.Batch) bool {
				return a.Key == b.Key && string(a.Bytes) == string(b.Bytes) && len(a.Layouts) == len(a.Uses)
			})
			if !same {
				w.t.Fatalf("%+v gives %d batches, want %d", q, len(got), len(want))
			}
		}
	})
}

// TestChangesSince: a reader who wants what is new is not given the segments before.
func TestChangesSince(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 6)
	m := w.join(nil)
	for range 3 {
		m.visits("sw-1")
		m.seal()
		w.pass(time.Hour)
	}
	m.visits("sw-1")
	all := m.all(zero, 100)
	for n, hours := range []time.Duration{0, 1, 2, 3, 1000} {
		got, _ := m.changes(store.ChangesQuery{Since: start.Add(hours*time.Hour - time.Minute)})
		if len(got) == 0 || len(got) > len(all) || got[len(got)-1].Key != all[len(all)-1].Key || (n > 0) != (len(got) < len(all)) {
			t.Errorf("since %d h: %d of %d batches", hours, len(got), len(all))
		}
		if first := got[0].WallMS; hours < 1000 && first < start.Add((hours-1)*time.Hour).UnixMilli() {
			t.Errorf("since %d h begins at %d", hours, first)
		}
	}
}

// TestChangesUntil: what stands up to a position and what stands behind it are all there is, wherever it is, and Next at it is the end.
func TestChangesUntil(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 8)
	m := w.join(nil)
	for range 3 {
		m.visits("sw-1")
		m.visits("sw-2")
		m.seal()
	}
	m.visits("sw-1")
	all, err := m.Changes(t.Context(), store.ChangesQuery{})
	require(t, err)
	for i, until := range append(all.Behind, all.Head) {
		for _, streams := range [][]journal.Stream{nil, {journal.Samples}} {
			want := 0
			for _, b := range all.Batches[:min(i+1, len(all.Batches))] {
				if streams == nil || b.Stream == journal.Samples {
					want++
				}
			}
			got, after := 0, store.Position{}
			for got <= want {
				c, err := m.Changes(t.Context(), store.ChangesQuery{After: after, Until: until, Streams: streams, Batches: 1})
				require(t, err)
				got, after = got+len(c.Batches), c.Next
				if after.Segment == until.Segment && after.Row == until.Row {
					break
				}
			}
			if got != want {
				t.Errorf("%d batches of %v up to %s, want %d", got, streams, until, want)
			}
		}
	}
}

// TestOtherLife: a position of another store, or of this one before its folder was put back, is told from one that was trimmed.
func TestOtherLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 5)
	a, other := w.join(nil), w.join(nil)
	for range 5 {
		a.visits("sw-1")
		other.visits("sw-1")
	}
	old, err := a.Changes(t.Context(), store.ChangesQuery{Batches: 1})
	require(t, err)
	_, foreign := other.changes(store.ChangesQuery{})
	a.stop()
	image := copyDir(t, a.o.Dir)
	a.box = open(t, a.o)
	a.visits("sw-1")
	_, later := a.changes(store.ChangesQuery{}) // in the same segment, behind what the image has
	a.seal()
	a.visits("sw-1")
	_, latest := a.changes(store.ChangesQuery{})
	wants := func(when string, p store.Position, want error) {
		t.Helper()
		_, err := a.Changes(t.Context(), store.ChangesQuery{After: p})
		_, _, err2 := a.Since(t.Context(), p, 1)
		if !errors.Is(err, want) || !errors.Is(err2, want) {
			t.Errorf("%s, after %s: %v, %v, want %v", when, p, err, err2, want)
		}
	}
	wants("as it goes on", later, nil)
	wants("as it goes on", foreign, store.ErrOtherLife)
	a.stop()
	a.o.Dir = image
	a.box = open(t, a.o)
	wants("put back", old.Next, nil)
	wants("put back", later, store.ErrOtherLife)
	wants("put back", latest, store.ErrOtherLife)
	for range 4 {
		a.visits("sw-1")
	}
	wants("put back and gone on", later, store.ErrOtherLife)
	a.seal()
	wants("put back and sealed", later, store.ErrOtherLife)
	a.visits("sw-1")
	a.seal()
	a.shedAll()
	wants("trimmed", old.Next, store.ErrTrimmed)
	a.reopen()
	wants("trimmed and started again", old.Next, store.ErrTrimmed)
	a.sound()
}

// consumer is what a consumer of snapshot and changes knows.
type consumer map[string]store.SnapshotRow

func (r consumer) take(row store.SnapshotRow) {
	k := fmt.Sprint(row.Site, row.Kind, row.Device, "/", row.Component, "/", row.Group, row.Order.Origin)
	if old, ok := r[k]; !ok || old.Order.Compare(row.Order) < 0 {
		row.Shown = false
		r[k] = row
	}
}

// TestSnapshot: registers and what comes behind their position are all that there is, also while others write.
func TestSnapshot(t *testing.T) {
	seeds(t, 3, func(w *world) {
		hq, boxes := w.sitesAndHQ(3)
		for _, b := range boxes {
			b.some(12)
		}
		var writers sync.WaitGroup
		for _, b := range boxes {
			batches := b.lacking(hq, 1000)
			writers.Go(func() {
				for _, x := range batches {
					if err := hq.Merge(context.Background(), []journal.Batch{x}); err != nil {
						w.t.Error(err)
					}
				}
			})
		}
		known := consumer{}
		from, err := hq.Snapshot(context.Background(), journal.ID{}, func(r store.SnapshotRow) error { known.take(r); return nil })
		writers.Wait()
		if err != nil {
			w.t.Fatal(err)
		}
		batches, _ := hq.changes(store.ChangesQuery{After: from, Streams: []journal.Stream{journal.Facts}})
		for _, b := range batches {
			for _, f := range factsOf(w.t, &b) {
				known.take(f)
			}
		}
		end := consumer{}
		_, err = hq.Snapshot(context.Background(), journal.ID{}, func(r store.SnapshotRow) error { end.take(r); return nil })
		if err != nil || len(end) == 0 {
			w.t.Fatal(len(end), err)
		}
		if fmt.Sprint(known) != fmt.Sprint(end) {
			w.t.Fatalf("a consumer knows %d registers, there are %d:\n%v\n%v", len(known), len(end), known, end)
		}
		one, shown := 0, 0
		_, err = hq.Snapshot(context.Background(), boxes[1].o.Site, func(r store.SnapshotRow) error {
			one++
			if r.Shown && !r.Removed && r.Device != "" {
				shown++
			}
			if r.Site != boxes[1].o.Site {
				return io.ErrUnexpectedEOF
			}
			return nil
		})
		facts := 0
		for _, d := range hq.DevicesOf(boxes[1].o.Site) {
			facts += len(d.Facts)
		}
		if err != nil || one == 0 || shown != facts {
			w.t.Fatalf("of one site %d registers, %d shown, its devices have %d: %v", one, shown, facts, err)
		}
	})
}

func factsOf(t testing.TB, b *journal.Batch) (out []store.SnapshotRow) {
	t.Helper()
	var pack journal.Compressor
	body, err := pack.Body(b)
	if err == nil {
		err = journal.Records(body, func(rec journal.Record) error {
			if rec.Type != journal.TypeFact {
				return nil
			}
			raw, err := journal.ParseFact(rec.Payload)
			order := journal.Order{Turn: b.Turn, Origin: b.Origin, Incarnation: b.Incarnation, Seq: b.Seq, Index: rec.Index}
			out = append(out, store.SnapshotRow{Site: b.Site, FactRecord: store.FactRecord{Fact: raw.Shown(b.WallMS), Order: order, Mode: b.Mode}})
			return err
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestChangesWhileStreamsBegin: a reader of one site who is quick misses nothing of streams that were not there when it asked.
func TestChangesWhileStreamsBegin(t *testing.T) {
	seeds(t, 1, func(w *world) {
		hq, boxes := w.sitesAndHQ(1)
		b := boxes[0]
		for range 15 { // each opening has streams of its own
			b.some(1)
			b.reopen()
		}
		batches := b.lacking(hq, 1000)
		var writing sync.WaitGroup
		done := make(chan struct{})
		writing.Go(func() {
			defer close(done)
			for _, x := range batches {
				hq.merge(x)
			}
		})
		seen, q := journal.Vector{}, store.ChangesQuery{Site: b.o.Site}
		for last := false; ; {
			got, err := hq.Changes(context.Background(), q)
			if err != nil {
				w.t.Fatal(err)
			}
			for _, x := range got.Batches {
				if seen.Has(x.StreamKey, x.Seq) {
					w.t.Fatalf("batch %s twice", x.Key)
				}
				seen.Add(x.StreamKey, x.Seq, x.Seq)
			}
			q.After = got.Next
			if last && got.Next == got.Head {
				break
			}
			select {
			case <-done:
				last = true
			default:
			}
		}
		writing.Wait()
		if got := uint64(len(batches)); seen.Count() != got {
			w.t.Errorf("%d batches of %d", seen.Count(), got)
		}
	})
}
