package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
)

var testSite = journal.ID{0xaa, 1}

// box is a store with its Run, as the appliance has it.
type box struct {
	*store.Store
	t    testing.TB
	stop func()
}

func options(t testing.TB) store.Options {
	return store.Options{Dir: t.TempDir(), Site: testSite, Ballast: -1, FlushAge: time.Millisecond, MinFree: 1}
}

func open(t testing.TB, o store.Options) *box {
	t.Helper()
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return running(t, s)
}

// running runs s until it is stopped, or the test ends.
func running(t testing.TB, s *store.Store) *box {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	b := &box{Store: s, t: t}
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	t.Cleanup(b.stop)
	return b
}

func (b *box) put(r hw.Report) {
	b.t.Helper()
	if err := b.Put(context.Background(), r); err != nil {
		b.t.Fatal(err)
	}
}

// visit is a report of a switch with a few ports.
func visit(device hw.DeviceID, at time.Time, n uint64) hw.Report {
	r := hw.Report{Device: device, Kind: "cisco-catalyst", Started: at, Took: 20 * time.Millisecond, Period: time.Minute, Shortest: time.Minute, Requests: 3,
		Unit: &hw.Unit{Serial: "SIM1", Model: "WS-C3750", Version: "12.2", Name: string(device)},
		Read: []hw.Scope{{Section: "ports", Extent: hw.Complete}}}
	for i := range 4 {
		path := fmt.Sprintf("port/Gi1/0/%d", i+1)
		c := hw.Component{Path: path, Section: "ports", Health: hw.OK}
		c.State = c.State.With("oper", "up").With("admin", "up")
		r.Components = append(r.Components, c)
		r.Samples = append(r.Samples,
			hw.Sample{Component: path, Sensor: "rx_bytes_total", Type: hw.Counter, Count: n * uint64(i+1), StartMS: 1000},
			hw.Sample{Component: path, Sensor: "busy_percent", Gauge: float64(n%100) / 2})
	}
	r.Samples[1] = hw.Sample{Component: "port/Gi1/0/1", Sensor: "busy_percent", Absent: hw.NotSupported}
	return r
}

var start = time.UnixMilli(1_790_000_000_000)

func TestPutAndRead(t *testing.T) {
	o := options(t)
	b := open(t, o)
	for n := range uint64(50) {
		b.put(visit("sw-1", start.Add(time.Duration(n)*time.Minute), n))
		if n == 20 {
			if err := b.Seal(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	check := func(b *box) {
		t.Helper()
		n := uint64(0)
		err := b.Series(t.Context(), store.SeriesQuery{Device: "sw-1", Component: "port/Gi1/0/2", Sensor: "rx_bytes_total"}, func(p store.Point) error {
			if p.Count != 2*n || p.At != start.Add(time.Duration(n)*time.Minute).UnixMilli() || p.StartMS != 1000 {
				t.Fatalf("point %d is %+v", n, p)
			}
			n++
			return nil
		})
		if err != nil || n != 50 {
			t.Fatalf("%d points: %v", n, err)
		}
		all := 0
		if err := b.Series(t.Context(), store.SeriesQuery{Device: "sw-1"}, func(store.Point) error { all++; return nil }); err != nil || all != 400 {
			t.Fatalf("%d points of all: %v", all, err)
		}
		d, ok := b.Device("sw-1")
		if !ok || len(d.Facts) != 6 || // and that it is the first visit
			!d.LastGood.Equal(start.Add(49*time.Minute)) {
			t.Fatalf("device %+v", d)
		}
	}
	check(b)
	b.stop()
	audit, err := store.Verify(t.Context(), o.Dir, io.Discard)
	if err != nil || len(audit.Faults) > 0 {
		t.Fatalf("audit %+v: %v", audit, err)
	}
	b = open(t, o)
	check(b)
	st, err := b.Stats()
	if err != nil || st.Segments != 2 || st.Twins != 1 {
		t.Fatalf("stats %+v: %v", st, err)
	}
}

func TestMergeEveryOrder(t *testing.T) {
	a := open(t, options(t))
	for n := range uint64(30) {
		r := visit("sw-1", start.Add(time.Duration(n)*time.Minute), n)
		if n%7 == 3 {
			r.Components[1].Health = hw.Critical
		}
		a.put(r)
	}
	batches, _, err := a.Since(t.Context(), store.Position{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	want, err := a.Base(testSite)
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(5) {
		c := open(t, options(t))
		r := rand.New(rand.NewPCG(seed, 1))
		some := append(append([]journal.Batch(nil), batches...), batches[:len(batches)/2]...)
		r.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
		for len(some) > 0 {
			n := min(len(some), 1+r.IntN(5))
			if err := c.Merge(t.Context(), some[:n]); err != nil {
				t.Fatal(err)
			}
			some = some[n:]
		}
		got, err := c.Base(testSite)
		if err != nil || string(got) != string(want) {
			t.Fatalf("seed %d: other state: %v", seed, err)
		}
		lacking, err := a.Lacking(t.Context(), c.Held(), 10)
		if err != nil || len(lacking) != 0 {
			t.Fatalf("%d batches lacking: %v", len(lacking), err)
		}
	}
}

// TestAfterClose: who comes late gets an error, and a second Close is none.
func TestAfterClose(t *testing.T) {
	t.Parallel()
	a, b := open(t, options(t)), open(t, options(t))
	a.put(visit("sw-1", start, 1))
	b.put(visit("sw-2", start, 1))
	others, _, err := b.Since(t.Context(), store.Position{}, 1000)
	require(t, err)
	own, _, err := a.Since(t.Context(), store.Position{}, 1000)
	require(t, err)
	base, err := b.Base(testSite)
	require(t, err)
	a.stop()
	never, err := store.Open(t.Context(), options(t)) // closed without a run
	require(t, err)
	require(t, never.Close())
	for name, s := range map[string]*store.Store{"ran": a.Store, "never ran": never} {
		for what, late := range map[string]func() error{
			"put":        func() error { return s.Put(t.Context(), visit("sw-1", start, 2)) },
			"merge":      func() error { return s.Merge(t.Context(), others) },
			"merge held": func() error { return s.Merge(t.Context(), own) },
			"join":       func() error { return s.Join(t.Context(), base) },
		} {
			if err := late(); !errors.Is(err, store.ErrClosed) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: closed again: %v", name, err)
		}
	}
	if err := a.Seal(t.Context()); !errors.Is(err, store.ErrClosed) {
		t.Errorf("seal: %v", err)
	}
}
