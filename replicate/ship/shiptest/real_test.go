package shiptest_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"rackpost/collectors/sim/workload"
	"rackpost/hw/journal"
	"rackpost/replicate/ship"
	"rackpost/store"
)

var (
	site  = journal.ID{1}
	start = time.UnixMilli(1_790_000_000_000)
)

// box is a real store that is running.
type box struct {
	*store.Store
	t    testing.TB
	dir  string
	stop func()
}

func open(t testing.TB, dir string) *box { return openAs(t, dir, nil) }

func openAs(t testing.TB, dir string, change func(*store.Options)) *box {
	t.Helper()
	o := store.Options{Dir: dir, Site: site, Ballast: -1, FlushAge: flushAge(t), Logger: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&o)
	}
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	b := &box{Store: s, t: t, dir: dir}
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(b.stop)
	return b
}

// fill puts so many reports of the reference site, together.
func (b *box) fill(gen *workload.Generator, n int) {
	b.t.Helper()
	var wg sync.WaitGroup
	for range n {
		r := gen.Next()
		wg.Go(func() {
			if err := b.Put(context.Background(), r); err != nil {
				b.t.Error(err)
			}
		})
	}
	wg.Wait()
}

func generator(seed uint64) *workload.Generator {
	w := workload.Site()
	w.Start = start
	return workload.New(seed, w)
}

func lineOf(s *store.Store, change func(*ship.Options)) *ship.Line {
	o := ship.Options{Site: site, Origin: s.Origin(), Logger: slog.New(slog.DiscardHandler), Share: 1}
	if change != nil {
		change(&o)
	}
	return ship.New(s, o)
}

// pipe returns two ends of a connection.
func pipe(t testing.TB, tcp bool) (net.Conn, net.Conn) {
	t.Helper()
	if !tcp {
		return net.Pipe()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	x, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	y, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return x, y
}

func connect(a, b *ship.Line, x, y net.Conn) (cut func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = a.Run(ctx, x) })
	wg.Go(func() { _ = b.Run(ctx, y) })
	return func() { cancel(); wg.Wait() }
}

// until waits for something that happens soon.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

// cutting is a connection that breaks after so many bytes were read.
type cutting struct {
	net.Conn
	left int
}

func (c *cutting) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.left -= n; c.left < 0 {
		c.Conn.Close()
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

// TestRealStores: two stores, each with its own records, over connections that break at any byte; in
// the end both have all of it, once, their folds are equal byte for byte and their files are sound.
func TestRealStores(t *testing.T) {
	t.Parallel()
	for _, tcp := range []bool{false, true} {
		t.Run(fmt.Sprint("tcp ", tcp), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(1, 3))
			a, b := open(t, t.TempDir()), open(t, t.TempDir())
			ga, gb := generator(1), generator(2)
			la, lb := lineOf(a.Store, nil), lineOf(b.Store, nil)
			for range 7 {
				a.fill(ga, 40)
				b.fill(gb, 20)
				x, y := pipe(t, tcp)
				cut := connect(la, lb, &cutting{x, r.IntN(60_000)}, y)
				time.Sleep(time.Duration(r.IntN(60)) * time.Millisecond)
				cut()
				if r.IntN(3) == 0 {
					if err := a.Seal(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
			}
			x, y := pipe(t, tcp)
			cut := connect(la, lb, x, y)
			until(t, "the boxes have the same", func() bool { return a.Held().Equal(b.Held()) && la.CaughtUp() && lb.CaughtUp() })
			a.fill(ga, 1)
			began := time.Now()
			until(t, "what is new is there", func() bool { return b.Held().Equal(a.Held()) })
			t.Logf("new records took %v", time.Since(began))
			sa, err := a.Base(site)
			if err != nil {
				t.Fatal(err)
			}
			if sb, err := b.Base(site); err != nil || !bytes.Equal(sa, sb) {
				t.Errorf("the folds differ: %v", err)
			}
			p := lb.Progress()
			if p.Conflicts+p.Refused+p.Returned+p.GivenUp > 0 {
				t.Errorf("progress %+v", p)
			}
			cut()
			for _, x := range []*box{a, b} {
				x.stop()
				audit, err := store.Verify(t.Context(), x.dir, io.Discard)
				if err != nil || len(audit.Faults) > 0 || !audit.Vector.Equal(x.Held()) {
					t.Errorf("%v, %d faults, stands %v", err, len(audit.Faults), audit.Vector)
				}
			}
		})
	}
}

// flushAge is how long a flush waits for company.
func flushAge(t testing.TB) time.Duration {
	if _, ok := t.(*testing.B); ok {
		return time.Millisecond
	}
	return 20 * time.Millisecond
}
