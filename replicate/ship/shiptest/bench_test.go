package shiptest_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"syscall"
	"testing"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/ship"
	"rackpost/store"
)

// seconds puts what the reference site tells in a second, in one flush.
type seconds struct {
	*box
	next    func() error
	samples int
}

func newSeconds(b testing.TB, x *box) *seconds {
	gen, now := generator(1), start
	r := gen.Next()
	s := &seconds{box: x}
	s.next = func() error {
		now = now.Add(time.Second)
		var wg sync.WaitGroup
		var failed error
		for ; r.Started.Add(r.Took).Before(now); r = gen.Next() {
			s.samples += len(r.Samples)
			wg.Go(func() {
				if err := x.Put(context.Background(), r); err != nil {
					failed = err
				}
			})
		}
		wg.Wait()
		return failed
	}
	return s
}

func (s *seconds) pass(b testing.TB, n int) {
	for range n {
		if err := s.next(); err != nil {
			b.Fatal(err)
		}
	}
}

// sink is a store that takes everything and keeps only what it was.
type sink struct {
	mu   sync.Mutex
	held journal.Vector
	none chan struct{}
}

func (k *sink) Merge(_ context.Context, batches []journal.Batch) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range batches {
		k.held.Add(batches[i].StreamKey, batches[i].Seq, batches[i].Seq)
	}
	return nil
}

func (k *sink) Held() journal.Vector {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.held.Clone()
}

func (k *sink) Have() journal.Vector                                               { return journal.Vector{} }
func (k *sink) Wanted() journal.Vector                                             { return journal.Vector{} }
func (k *sink) Conflicts() uint64                                                  { return 0 }
func (k *sink) Watch() <-chan struct{}                                             { return k.none }
func (k *sink) Base(journal.ID) ([]byte, error)                                    { return nil, fmt.Errorf("none") }
func (k *sink) Join(context.Context, []byte) error                                 { return nil }
func (k *sink) Page(context.Context, journal.Vector, int) ([]journal.Batch, error) { return nil, nil }
func (k *sink) Tail() func(context.Context, int) ([]journal.Batch, error) {
	return func(context.Context, int) ([]journal.Batch, error) { return nil, nil }
}
func (k *sink) Layout(context.Context, journal.LayoutID) (journal.Layout, error) {
	return journal.Layout{}, journal.ErrNoLayout
}

func processor(b testing.TB) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkCatchUp brings a box that was away what the reference site told meanwhile, one batch a
// second: to another store, and to one that keeps nothing, which shows what it takes of the sender.
// s/week and core-% are what a week would take, and the share of one core meanwhile.
func BenchmarkCatchUp(b *testing.B) {
	away := 6 * 3600
	if testing.Short() {
		away = 300
	}
	a := open(b, b.TempDir())
	s := newSeconds(b, a)
	s.pass(b, away)
	if err := a.Seal(b.Context()); err != nil {
		b.Fatal(err)
	}
	week := float64(7*24*3600) / float64(away)
	for _, kind := range []string{"store", "sink"} {
		b.Run(kind, func(b *testing.B) {
			var took, cpu time.Duration
			for b.Loop() {
				b.StopTimer()
				var to ship.Store = &sink{held: journal.Vector{}, none: make(chan struct{})}
				var other *store.Store
				if kind == "store" {
					other = open(b, b.TempDir()).Store
					to = other
				}
				la := lineOf(a.Store, func(o *ship.Options) { o.Share = 0 })
				lb := ship.New(to, ship.Options{Site: site, Origin: journal.ID{9}, Logger: slog.New(slog.DiscardHandler)})
				x, y := pipe(b, true)
				b.StartTimer()
				began, used := time.Now(), processor(b)
				cut := connect(la, lb, x, y)
				until(b, "caught up", func() bool { return to.Held().Covers(a.Held()) })
				took, cpu = took+time.Since(began), cpu+processor(b)-used
				b.StopTimer()
				b.ReportMetric(float64(la.Progress().BytesOut)/float64(s.samples), "B/sample")
				cut()
				b.StartTimer()
			}
			b.ReportMetric(took.Seconds()/float64(b.N)*week, "s/week")
			b.ReportMetric(100*cpu.Seconds()/took.Seconds(), "core-%")
		})
	}
}

// BenchmarkSteady is what goes over the line while the reference site is visited.
func BenchmarkSteady(b *testing.B) {
	n := 600
	if testing.Short() {
		n = 60
	}
	for b.Loop() {
		a, peer := open(b, b.TempDir()), open(b, b.TempDir())
		s := newSeconds(b, a)
		s.pass(b, 1)
		la, lb := lineOf(a.Store, nil), lineOf(peer.Store, nil)
		x, y := pipe(b, true)
		cut := connect(la, lb, x, y)
		before := s.samples
		used := processor(b)
		for range n {
			s.pass(b, 1)
			until(b, "it is there", func() bool {
				return la.Progress().Sent >= la.Progress().PeerLacks.Batches && peer.Held().Covers(a.Held())
			})
		}
		p := la.Progress()
		b.ReportMetric(float64(p.BytesOut)/float64(n), "B-out/s")
		b.ReportMetric(float64(p.BytesIn)/float64(n), "B-in/s")
		b.ReportMetric(float64(s.samples-before)/float64(n), "samples/s")
		b.ReportMetric(100*(processor(b)-used).Seconds()/float64(n), "core-%")
		cut()
	}
}
