package intaketest

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
)

// Recording is what one site wrote, to be given other sites' names.
type Recording struct {
	Batches []journal.Batch
	Layouts []journal.Layout
	Samples int
	bodies  [][]byte
	pack    journal.Compressor
}

// Record has a real store write what next gives, one flush for each call, until next gives nothing.
func Record(t testing.TB, dir string, next func() []hw.Report) *Recording {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Dir: dir, Site: journal.ID{1}, Ballast: -1, FlushAge: time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = s.Run(ctx) })
	r := &Recording{}
	for reports := next(); len(reports) > 0; reports = next() {
		var wg sync.WaitGroup
		for _, report := range reports {
			r.Samples += len(report.Samples)
			wg.Go(func() {
				if err := s.Put(ctx, report); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	r.read(t, s)
	cancel()
	running.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *Recording) read(t testing.TB, s *store.Store) {
	t.Helper()
	known := map[journal.LayoutID]bool{}
	for v := (journal.Vector{}); ; {
		page, err := s.Page(t.Context(), v, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return
		}
		for _, b := range page {
			v.Add(b.StreamKey, b.Seq, b.Seq)
			body, err := r.pack.Body(&b)
			if err != nil {
				t.Fatal(err)
			}
			r.Batches, r.bodies = append(r.Batches, b), append(r.bodies, body)
			for _, id := range b.Uses {
				if known[id] {
					continue
				}
				l, err := s.Layout(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				r.Layouts, known[id] = append(r.Layouts, l), true
			}
		}
	}
}

// As returns the recording as the journal of another site.
func (r *Recording) As(t testing.TB, site, origin journal.ID) *Tape {
	t.Helper()
	var out []journal.Batch
	previous := map[journal.StreamKey]uint32{}
	for i := range r.Batches {
		h := r.Batches[i].Header
		h.Site, h.Origin = site, origin
		h.Previous = previous[h.StreamKey]
		raw, err := r.pack.AppendBatch(nil, h, r.bodies[i])
		if err != nil {
			t.Fatal(err)
		}
		b, err := journal.ParseBatch(raw)
		if err != nil {
			t.Fatal(err)
		}
		previous[b.StreamKey] = b.Checksum()
		out = append(out, b)
	}
	return NewTape(site, origin, out, r.Layouts)
}
