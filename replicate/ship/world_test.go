package ship_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/ship"
	"rackpost/replicate/ship/shiptest"
)

var (
	site = journal.ID{1}
	noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
)

// box is a store and its lines.
type box struct {
	*shiptest.Store
	t     testing.TB
	r     *rand.Rand
	log   *bytes.Buffer
	lock  *sync.Mutex
	n     int
	wrote map[journal.Key]bool
}

func newBox(t testing.TB, r *rand.Rand, name byte) *box {
	return &box{Store: shiptest.New(site, journal.ID{name}, journal.Incarnation(r.Uint64()|1)), t: t, r: r,
		log: &bytes.Buffer{}, lock: &sync.Mutex{}, wrote: map[journal.Key]bool{}}
}

// logWriter keeps what is logged.
type logWriter struct{ *box }

func (w logWriter) Write(p []byte) (int, error) {
	w.lock.Lock()
	defer w.lock.Unlock()
	return w.log.Write(p)
}

func (b *box) logged() string {
	b.lock.Lock()
	defer b.lock.Unlock()
	return b.log.String()
}

func (b *box) options() ship.Options {
	return ship.Options{Site: site, Origin: b.Origin(), Logger: slog.New(slog.NewTextHandler(logWriter{b}, nil)), Share: 1}
}

func (b *box) line() *ship.Line { return ship.New(b, b.options()) }

var streams = []journal.Stream{journal.Facts, journal.Samples, journal.Logs, 77}

// writes makes so many batches of any streams durable.
func (b *box) writes(n int) {
	b.t.Helper()
	for range n {
		b.n++
		wall := noon.UnixMilli() + int64(b.r.IntN(100000))
		stream := streams[b.r.IntN(len(streams))]
		body := []byte(fmt.Sprintf("body %d", b.n))
		var uses []journal.Layout
		var err error
		switch stream {
		case journal.Facts:
			body, err = journal.AppendFact(nil, hw.Fact{Kind: hw.GapFact, Version: 1, Device: hw.DeviceID(fmt.Sprint(b.r.IntN(4))), Group: "visit",
				At: time.UnixMilli(wall), Value: hw.GapValue{Detail: fmt.Sprint(b.n)}}, wall)
		case journal.Samples:
			uses, body = someLayouts(b.r), make([]byte, b.r.IntN(2000))
			for i := range body {
				body[i] = byte(b.r.Uint32())
			}
		}
		if err != nil {
			b.t.Fatal(err)
		}
		k, err := b.Store.Write(context.Background(), stream, wall, journal.Leader, body, 1, uses...)
		if err != nil {
			b.t.Fatal(err)
		}
		b.wrote[k] = true
	}
}

// layouts are the layouts of all boxes.
var layouts = sync.OnceValue(func() (out [8]journal.Layout) {
	var c journal.Compressor
	for i := range out {
		l, err := c.NewLayout([]journal.Entry{{Component: fmt.Sprint("port/", i), Sensor: "rx_bytes_total", Type: hw.Counter}})
		if err != nil {
			panic(err)
		}
		out[i] = l
	}
	return out
})

// someLayouts returns one or two of them.
func someLayouts(r *rand.Rand) (out []journal.Layout) {
	first := r.IntN(8)
	for i := range 1 + r.IntN(2) {
		out = append(out, layouts()[(first+i)%8])
	}
	return out
}

// connect joins two lines until cut is called, which returns both reasons.
func connect(a, b *ship.Line, wrap func(net.Conn) net.Conn) (cut func() (error, error)) {
	x, y := net.Pipe()
	if wrap != nil {
		x = wrap(x)
	}
	return join(a, b, x, y)
}

// join runs two lines on the ends of a connection until cut is called.
func join(a, b *ship.Line, x, y net.Conn) (cut func() (error, error)) {
	ctx, cancel := context.WithCancel(context.Background())
	var errs [2]error
	var wg sync.WaitGroup
	wg.Go(func() { errs[0] = a.Run(ctx, x) })
	wg.Go(func() { errs[1] = b.Run(ctx, y) })
	return func() (error, error) {
		cancel()
		wg.Wait()
		return errs[0], errs[1]
	}
}

// settle waits, in a bubble, until all lines have caught up, and for longer than something may be under way that counts as such: who
// got it may have to send it on.
func settle(t testing.TB, lines ...*ship.Line) {
	t.Helper()
	for calm, n := 0, 0; n < 600; n++ {
		time.Sleep(time.Second)
		synctest.Wait()
		calm++
		for _, l := range lines {
			if !l.CaughtUp() {
				calm = 0
			}
		}
		if calm > 3 {
			return
		}
	}
	for _, l := range lines {
		t.Errorf("not caught up: %+v", l.Progress())
	}
	t.FailNow()
}

// same fails unless the boxes hold everything that was written, once, as it was written, and their
// registers are equal byte for byte.
func same(t testing.TB, boxes ...*box) {
	t.Helper()
	first := boxes[0].Content()
	state, err := boxes[0].State()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range boxes {
		if n := b.Doubles(); n > 0 {
			t.Errorf("%d batches stand twice", n)
		}
		for k := range b.wrote {
			if _, ok := first[k]; !ok {
				t.Errorf("%s is lost", k)
			}
		}
		if !b.Held().Equal(boxes[0].Held()) {
			t.Errorf("held differs: %v and %v", boxes[0].Held(), b.Held())
		}
		if content := b.Content(); !maps.Equal(first, content) {
			t.Errorf("content differs: %d and %d batches", len(first), len(content))
		}
		if other, err := b.State(); err != nil || !bytes.Equal(state, other) {
			t.Errorf("registers differ: %v", err)
		}
	}
}

var errLine = fmt.Errorf("the line is cut: %w", io.ErrClosedPipe)
