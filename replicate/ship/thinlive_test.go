package ship_test

import (
	"bytes"
	"context"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/ship"
)

// trunk is a line that several connections share: what they write goes through one queue, in order, at a rate and with a delay.
type trunk struct {
	rate  int // bytes a second
	delay time.Duration
	queue chan parcel
	end   chan struct{}
	wg    sync.WaitGroup
}

type parcel struct {
	to    net.Conn
	bytes []byte
}

// parcelBytes is what goes at once; the queue holds two seconds' worth.
const parcelBytes = 512

func newTrunk(rate int, delay time.Duration) *trunk {
	tr := &trunk{rate: rate, delay: delay, queue: make(chan parcel, 2*rate/parcelBytes), end: make(chan struct{})}
	late := make(chan parcel, int(delay.Seconds()*float64(rate))/parcelBytes+1)
	tr.wg.Go(func() {
		defer close(late)
		for {
			select {
			case p := <-tr.queue:
				time.Sleep(time.Duration(len(p.bytes)) * time.Second / time.Duration(rate))
				late <- p
			case <-tr.end:
				return
			}
		}
	})
	tr.wg.Go(func() {
		time.Sleep(delay)
		for p := range late {
			_, _ = p.to.Write(p.bytes)
		}
	})
	return tr
}

func (tr *trunk) stop() { close(tr.end); tr.wg.Wait() }

// over has what is written to c go through the trunk.
func (tr *trunk) over(c net.Conn) net.Conn { return &trunked{c, tr} }

type trunked struct {
	net.Conn
	tr *trunk
}

func (c *trunked) Write(p []byte) (int, error) {
	for i := 0; i < len(p); i += parcelBytes {
		select {
		case c.tr.queue <- parcel{c.Conn, append([]byte(nil), p[i:min(len(p), i+parcelBytes)]...)}:
		case <-c.tr.end:
			return i, errLine
		}
	}
	return len(p), nil
}

// TestNewInTime: half a megabyte is behind on a line of 16 KB/s that both lanes share, with a queue of 2 s. What is written meanwhile is
// at headquarters within 5 s, and all of what is behind comes.
func TestNewInTime(t *testing.T) {
	inBubble(t, func(t *testing.T, b, hq *box) {
		tr := newTrunk(16<<10, 25*time.Millisecond)
		b.writes(1500)
		w := newWay(b, hq, nil)
		live, behind := w.connect(0, tr.over), w.connect(1, tr.over)
		time.Sleep(time.Second) // what was written before it is connected is behind
		waits, worst, drained := map[journal.Key]time.Time{}, time.Duration(0), 0
		for tick := range 1200 {
			if tick%10 == 0 {
				before := b.Held()
				b.writes(3)
				for k, iv := range b.Held().Minus(before) {
					for seq := iv[0].First; seq <= iv[len(iv)-1].Last; seq++ {
						waits[journal.Key{StreamKey: k, Seq: seq}] = time.Now()
					}
				}
			}
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
			held := hq.Held()
			for k, since := range waits {
				worst = max(worst, time.Since(since))
				if held.Has(k.StreamKey, k.Seq) {
					delete(waits, k)
				}
			}
			if drained == 0 && held.Count() >= 1500 && w.here[1].CaughtUp() {
				drained = tick / 10
			}
		}
		t.Logf("at most %v late, the backlog is there after %d s", worst, drained)
		if worst > 5*time.Second {
			t.Errorf("what is new was %v late", worst)
		}
		if drained < 20 {
			t.Errorf("the backlog was there after %d s: the line is not thin, or it never was", drained)
		}
		arrives(t, hq, b)
		exactlyOnce(t, hq, b)
		tr.stop()
		live()
		behind()
	})
}

// counting counts what is written to a connection.
type counting struct {
	net.Conn
	mu sync.Mutex
	n  int
}

func (c *counting) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.n += len(p)
	c.mu.Unlock()
	return c.Conn.Write(p)
}

func (c *counting) written() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// TestUnanswered: what headquarters has not answered for is no more than 256 KB of what is behind, and no more than the window of its
// greeting; a batch of a megabyte passes all the same, alone.
func TestUnanswered(t *testing.T) {
	const framing = 16 << 10
	for name, c := range map[string]struct {
		window, each, most int
	}{
		"as far as it goes": {1 << 20, 4 << 10, 256<<10 + framing},
		"a narrow window":   {64 << 10, 4 << 10, 64<<10 + framing},
		"large batches":     {64 << 10, 1 << 20, 1<<20 + framing},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b, hq *box) {
				for range max(3, 4<<20/c.each) {
					b.logs(c.each)
				}
				o := b.options()
				o.Lane = ship.Behind
				here := ship.New(b, o)
				o = hq.options()
				o.Lane, o.Window, o.Down = ship.Behind, c.window, true
				there := ship.New(ship.NewSiteView(hq.Store, site, hq.Merge), o)
				var mu sync.Mutex
				stuck := make(chan struct{})
				hq.Fsync = func(ctx context.Context) error { // quick at first, so that as much as may be is under way
					mu.Lock()
					wait := stuck
					mu.Unlock()
					if hq.Held().Count() < uint64(max(1, 2<<20/c.each)) {
						return nil
					}
					select {
					case <-wait:
						return nil
					case <-ctx.Done():
						return ctx.Err()
					}
				}
				line := &counting{}
				cut := connect(here, there, func(conn net.Conn) net.Conn { line.Conn = conn; return line })
				time.Sleep(10 * time.Second)
				synctest.Wait()
				answered := 0
				for _, raw := range hq.Content() {
					answered += len(raw)
				}
				under := line.written() - answered
				t.Logf("%d bytes are answered for, %d are under way", answered, under)
				if under > c.most || under < c.most/4 {
					t.Errorf("%d bytes are under way, want no more than %d, and not much less", under, c.most)
				}
				close(stuck)
				arrives(t, hq, b)
				exactlyOnce(t, hq, b)
				cut()
			})
		})
	}
}

// TestNewDiskKnowsSoon: on a thin line a box with a new disk knows all that headquarters does long before it has all facts that came to that.
func TestNewDiskKnowsSoon(t *testing.T) {
	inBubble(t, func(t *testing.T, b, hq *box) {
		tr := newTrunk(4<<10, 25*time.Millisecond)
		for range 4000 { // a thousand of them are facts
			b.writes(1)
		}
		cut := newWay(b, hq, nil).connectBoth()
		arrives(t, hq, b)
		cut()
		want, err := hq.State()
		if err != nil {
			t.Fatal(err)
		}
		fresh := newBox(t, b.r, 'n')
		w := newWay(fresh, hq, nil)
		x, y := net.Pipe()
		end := join(w.here[0], w.there[0], x, tr.over(y))
		knows, whole := 0, 0
		for tick := 1; whole == 0 && tick < 600; tick++ {
			time.Sleep(time.Second)
			synctest.Wait()
			state, err := fresh.State()
			if err != nil {
				t.Fatal(err)
			}
			if knows == 0 && bytes.Equal(state, want) {
				knows = tick
			}
			if fresh.Held().Count() > 0 && w.there[0].CaughtUp() {
				whole = tick
			}
		}
		t.Logf("it knows all after %d s, and has all facts after %d s", knows, whole)
		if knows == 0 || knows > 10 || whole < 20 {
			t.Errorf("it knows all after %d s, and has all facts after %d s", knows, whole)
		}
		tr.stop()
		end()
	})
}
