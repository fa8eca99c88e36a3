package enginetest_test

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"rackpost/collectors/sim/workload"
	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/remotewrite"
	"rackpost/store"
)

var site = journal.ID{1}

// box is a store at work, and a Sender's journal.
type box struct {
	*store.Store
	t    testing.TB
	pack journal.Compressor
}

func openBox(t testing.TB) *box {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Site: site, Ballast: -1, FlushAge: 5 * time.Millisecond, Budget: 64 << 30, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, s.Close()); err != nil {
			t.Error(err)
		}
	})
	return &box{Store: s, t: t}
}

// put stores the reports of a generator up to a time, together, and returns how many.
func (b *box) put(gen *workload.Generator, until time.Time) (n int) {
	b.t.Helper()
	var wg sync.WaitGroup
	for {
		r := gen.Next()
		if r.Started.After(until) {
			break
		}
		n++
		wg.Go(func() {
			if err := b.Put(context.Background(), r); err != nil {
				b.t.Error(err)
			}
		})
		if n%256 == 0 {
			wg.Wait()
		}
	}
	wg.Wait()
	return n
}

func text(p store.Position) remotewrite.Position {
	if p == (store.Position{}) {
		return ""
	}
	return remotewrite.Position(p.String())
}

func position(p remotewrite.Position) (store.Position, error) {
	if p == "" {
		return store.Position{}, nil
	}
	return store.ParsePosition(string(p))
}

// Head implements remotewrite.Journal.
func (b *box) Head(ctx context.Context) remotewrite.Position {
	_, head := b.Ends(ctx)
	return text(head)
}

// Changes implements remotewrite.Journal.
func (b *box) Changes(ctx context.Context, after, until remotewrite.Position, limit int) (out remotewrite.Changes, err error) {
	from, err := position(after)
	if err != nil {
		return out, err
	}
	to, err := position(until)
	if err != nil {
		return out, err
	}
	c, err := b.Store.Changes(ctx, store.ChangesQuery{After: from, Until: to, Streams: []journal.Stream{journal.Samples}, Bytes: limit})
	if err != nil {
		return out, err
	}
	out = remotewrite.Changes{Batches: c.Batches, Next: text(c.Next), Head: text(c.Head)}
	for _, p := range c.Behind {
		out.Behind = append(out.Behind, text(p))
	}
	if until != "" && c.Next.Segment == to.Segment && c.Next.Row == to.Row {
		out.Next = until
	}
	return out, nil
}

// config is one for a receiver.
func (b *box) config(address string) remotewrite.Config {
	devices := map[hw.DeviceID]remotewrite.Device{"server-001": {}, "live": {}, "lost": {}} // what is configured no more ends
	return remotewrite.Config{URL: address, Journal: b, File: filepath.Join(b.t.TempDir(), "positions"), Logger: slog.New(slog.DiscardHandler),
		Places: func(journal.ID) (remotewrite.Place, bool) {
			return remotewrite.Place{Site: "FRA-3", Devices: devices}, true
		}}
}

// key names a sample of an engine.
type key struct {
	metric, component, device string
	atMS                      int64
}

// held returns every number that the store holds.
func (b *box) held() map[key]float64 {
	b.t.Helper()
	out := map[key]float64{}
	var at store.Position
	for {
		c, err := b.Store.Changes(context.Background(), store.ChangesQuery{After: at, Streams: []journal.Stream{journal.Samples}})
		if err != nil {
			b.t.Fatal(err)
		}
		for i := range c.Batches {
			b.read(&c.Batches[i], out)
		}
		if at = c.Next; len(c.Batches) == 0 {
			return out
		}
	}
}

func (b *box) read(batch *journal.Batch, out map[key]float64) {
	body, err := b.pack.Body(batch)
	if err != nil {
		b.t.Fatal(err)
	}
	layouts := map[journal.LayoutID][]journal.Entry{}
	for _, l := range batch.Layouts {
		if layouts[l.ID], err = b.pack.Entries(l); err != nil {
			b.t.Fatal(err)
		}
	}
	err = journal.Records(body, func(r journal.Record) error {
		if r.Type != journal.TypeVisit {
			return nil
		}
		v, err := journal.ParseVisit(r.Payload, batch.WallMS)
		if err != nil {
			return err
		}
		samples, err := v.Samples(nil, layouts[batch.Uses[v.Layout]])
		for _, s := range samples {
			value := s.Gauge
			if s.Type == hw.Counter {
				value = float64(s.Count)
			}
			if s.Absent == "" && !math.IsNaN(value) {
				m := hw.MetricOf(s.Component, s.Sensor, s.Type)
				out[key{m.Name, s.Component, string(v.Device), v.Started.UnixMilli()}] = m.Value(value)
			}
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// sending is a Sender at work.
type sending struct {
	*remotewrite.Sender
	stop func()
}

func start(t testing.TB, c remotewrite.Config) *sending {
	t.Helper()
	s, err := remotewrite.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	x := &sending{Sender: s}
	x.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(x.stop)
	return x
}

// server is one server of the workload that began so long ago.
func server(seed uint64, ago time.Duration) *workload.Generator {
	return workload.New(seed, workload.Options{Servers: 1, Calm: true, Start: time.Now().Add(-ago).Truncate(time.Minute)})
}
