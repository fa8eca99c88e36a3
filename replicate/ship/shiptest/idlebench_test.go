package shiptest_test

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/ship"
)

// still is a store in which nothing happens but that one batch is written.
type still struct {
	*sink
	batch journal.Batch
	once  chan struct{}
}

func (s *still) Held() journal.Vector { return s.held.Clone() }

func (s *still) Holds(k journal.Key) bool { return s.held.Has(k.StreamKey, k.Seq) }

func (s *still) Merge(context.Context, []journal.Batch) error { return nil }

func (s *still) Tail() func(context.Context, int) ([]journal.Batch, error) {
	return func(context.Context, int) ([]journal.Batch, error) {
		select {
		case <-s.once:
			return []journal.Batch{s.batch}, nil
		default:
			return nil, nil
		}
	}
}

func (s *still) Page(_ context.Context, v journal.Vector, _ int) ([]journal.Batch, error) {
	if s.batch.Bytes == nil || v.Has(s.batch.StreamKey, s.batch.Seq) {
		return nil, nil
	}
	return []journal.Batch{s.batch}, nil
}

// BenchmarkIdle is the memory of one end of a connection on which nothing happens any more, after a batch of 200 KB;
// both ends hold a journal that was opened a hundred times. Sockets and TLS are not in it.
func BenchmarkIdle(b *testing.B) {
	const connections = 500
	held := journal.Vector{}
	for i := range 300 {
		held.Add(journal.StreamKey{Site: site, Origin: journal.ID{2}, Incarnation: journal.Incarnation(1 + i/3), Stream: journal.Stream(1 + i%3)}, 1, 1000)
	}
	body := make([]byte, 200_000)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range body {
		body[i] = byte(r.Uint32())
	}
	var pack journal.Compressor
	h := journal.Header{Key: journal.Key{StreamKey: journal.StreamKey{Site: site, Origin: journal.ID{2}, Incarnation: 1, Stream: journal.Logs}, Seq: 2000}, Turn: 1, WallMS: 1, Records: 1}
	raw, err := pack.AppendBatch(nil, h, body)
	if err != nil {
		b.Fatal(err)
	}
	batch, err := journal.ParseBatch(raw)
	if err != nil {
		b.Fatal(err)
	}
	for _, lane := range []ship.Lane{ship.Live, ship.Behind} {
		b.Run(lane.String(), func(b *testing.B) {
			for b.Loop() {
				idle(b, lane, connections, held, batch)
			}
		})
	}
}

func idle(b *testing.B, lane ship.Lane, connections int, held journal.Vector, batch journal.Batch) {
	before, stacks := inUse()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	var lines []*ship.Line
	for range connections {
		here := &still{&sink{held: held, none: make(chan struct{})}, batch, make(chan struct{}, 1)}
		here.once <- struct{}{}
		o := ship.Options{Site: site, Origin: journal.ID{2}, Logger: slog.New(slog.DiscardHandler), Lane: lane}
		lines = append(lines, ship.New(here, o))
		o.Origin, o.Down = journal.ID{3}, true
		there := ship.New(&still{sink: here.sink}, o)
		x, y := pipe(b, true)
		line := lines[len(lines)-1]
		wg.Go(func() { _ = line.Run(ctx, x) })
		wg.Go(func() { _ = there.Run(ctx, y) })
	}
	for _, l := range lines {
		until(b, "it is there", func() bool { return l.Progress().Sent == 1 })
	}
	used := processor(b)
	time.Sleep(10 * time.Second)
	b.ReportMetric(100*(processor(b)-used).Seconds()/10/float64(2*connections)*1000, "core-%/1000-ends")
	after, more := inUse()
	b.ReportMetric((float64(after)-float64(before))/float64(2*connections), "heap-B/end")
	b.ReportMetric((float64(more)-float64(stacks))/float64(2*connections), "stack-B/end")
	cancel()
	wg.Wait()
}

// inUse returns the memory of what is reachable, and of stacks.
func inUse() (heap, stack uint64) {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc, m.StackInuse
}
