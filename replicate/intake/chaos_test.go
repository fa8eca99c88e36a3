package intake_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/intake"
	"rackpost/replicate/ship"
	"rackpost/replicate/ship/shiptest"
)

// fragile is a connection that breaks after so many bytes were read, or falsifies one before.
type fragile struct {
	net.Conn
	left int
	flip bool
}

func (c *fragile) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.left -= n; c.left < 0 && n > 0 {
		if !c.flip {
			c.Conn.Close()
			return 0, io.ErrUnexpectedEOF
		}
		p[n-1] ^= 0x10
		c.left = 1 << 30
	}
	return n, err
}

// trouble is a headquarters that stops and starts, with sites that lose their connections.
type trouble struct {
	t     *testing.T
	store *many
	boxes []*box

	mu sync.Mutex
	r  *rand.Rand
	h  *hq
}

func (c *trouble) random(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.r.IntN(n)
}

func (c *trouble) hq() *hq {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.h
}

// restart starts headquarters, again if there is one.
func (c *trouble) restart() {
	if h := c.hq(); h != nil {
		h.stop()
		time.Sleep(time.Duration(c.random(5000)) * time.Millisecond)
	}
	h := simulateHQ(c.t, len(c.boxes), func(cfg *intake.Config) {
		cfg.Store, cfg.Limits.PerSecond, cfg.Limits.Bundle = c.store, 4, 300<<10
	})
	c.mu.Lock()
	c.h = h
	c.mu.Unlock()
}

// keep keeps a lane of a box connected, over connections that do not last until whole is closed.
func (c *trouble) keep(ctx context.Context, b *box, lane ship.Lane, whole <-chan struct{}) {
	for ctx.Err() == nil {
		conn, err := c.hq().dialAs(b.name, lane, b.Origin().String())
		if err != nil {
			wait := 300 * time.Millisecond
			if r := (*refused)(nil); errors.As(err, &r) {
				wait = max(wait, r.after)
			}
			time.Sleep(wait)
			continue
		}
		select {
		case <-whole:
		default:
			conn = &fragile{Conn: conn, left: c.random(40_000), flip: c.random(2) == 0}
		}
		_ = b.line(lane).Run(ctx, conn)
		time.Sleep(time.Duration(100+c.random(400)) * time.Millisecond)
	}
}

// upset does one thing that may happen.
func (c *trouble) upset() {
	b := c.boxes[c.random(len(c.boxes))]
	switch c.random(12) {
	case 0:
		c.restart()
	case 1:
		c.store.mu.Lock()
		c.store.before = func(context.Context, []journal.Batch) error { return errors.New("no space left on device") }
		c.store.mu.Unlock()
		time.Sleep(time.Duration(c.random(3000)) * time.Millisecond)
		c.store.mu.Lock()
		c.store.before = nil
		c.store.mu.Unlock()
	case 2:
		_ = c.hq().SetPace(b.site(), ship.Pace{Paused: c.random(2) == 0, FactsOnly: c.random(2) == 0})
	default:
		b.writes([]journal.Stream{journal.Facts, journal.Samples, journal.Logs}[c.random(3)], 1+c.random(20), c.random(3000))
	}
	time.Sleep(time.Duration(c.random(2000)) * time.Millisecond)
}

// TestTrouble: whatever breaks, in the end every batch is at headquarters, once, with the bytes it was written with.
func TestTrouble(t *testing.T) {
	t.Parallel()
	seeds := uint64(6)
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			c := &trouble{t: t, store: newMany(), r: rand.New(rand.NewPCG(seed, 7))}
			for n := range 4 {
				c.boxes = append(c.boxes, newBox(t, n))
			}
			other := &box{Store: shiptest.New(siteID(0), journal.ID{2, 0, 0, 1}, 9), t: t, name: siteName(0), r: rand.New(rand.NewPCG(seed, 8))}
			other.fresh()
			c.boxes = append(c.boxes, other) // the second of its site
			for _, b := range c.boxes {
				b.writes(journal.Samples, 20, 800)
			}
			c.restart()
			ctx, cancel := context.WithCancel(t.Context())
			whole := make(chan struct{})
			var running sync.WaitGroup
			for _, b := range c.boxes {
				for _, lane := range []ship.Lane{ship.Live, ship.Behind} {
					running.Go(func() { c.keep(ctx, b, lane, whole) })
				}
			}
			for range 60 {
				c.upset()
			}
			close(whole)
			c.restart() // and with it every connection that does not last, and every wish
			for range 600 {
				if time.Sleep(time.Second); c.settled() {
					break
				}
			}
			cancel()
			running.Wait()
			c.hq().stop()
			c.verify(seed)
		})
	}
}

func (c *trouble) settled() bool {
	for _, b := range c.boxes {
		if !b.there(c.hq()) {
			return false
		}
	}
	return true
}

func (c *trouble) verify(seed uint64) {
	for _, b := range c.boxes {
		at := c.store.of(b.site())
		if !at.Held().Covers(b.Held()) {
			c.t.Errorf("seed %d: %s: not all is at headquarters: %v", seed, b.Origin(), b.Held().Minus(at.Held()))
		}
		content := at.Content()
		for k, raw := range b.Content() {
			if content[k] != raw {
				c.t.Errorf("seed %d: %s has other bytes at headquarters", seed, k)
			}
		}
		if n := at.Doubles(); n > 0 {
			c.t.Errorf("seed %d: %d batches stand twice", seed, n)
		}
		if n := len(b.Content()); n < 20 {
			c.t.Errorf("seed %d: %d batches are too few to show anything", seed, n)
		}
	}
}
