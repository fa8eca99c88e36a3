package uplink

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"time"

	"rackpost/replicate/enroll"
	"rackpost/replicate/ship"
)

// reached is a connection to headquarters, proven to be that and encrypted, over which nothing was asked.
type reached struct {
	way   int
	url   *url.URL
	conn  *tls.Conn
	pulse *pulse
}

// caller is the calls of one way.
type caller struct {
	next    time.Time
	last    time.Time
	flying  []*attempt
	refused int // in a row, by somebody who will not change his mind soon
	turn    int // of headquarters' addresses
}

// attempt is one call.
type attempt struct {
	way     int
	began   time.Time
	reached reached
	pulse   chan *pulse // of capacity 1: when there is a connection
	heard   *pulse
	err     error
}

// reach calls over the ways that candidates returns until headquarters answers over one; it ends without
// an answer only with ctx. While nothing is heard it begins another call every Timing.Stagger, so that the
// time since the line was cut does not matter when it is back; one that was heard is waited for.
func (u *Uplink) reach(ctx context.Context, candidates func() []int) (reached, error) {
	ctx, cancel := context.WithCancel(ctx)
	callers := make([]caller, len(u.cfg.Ways))
	results := make(chan *attempt)
	flying := 0
	var won *attempt
	defer func() {
		cancel()
		for ; flying > 0; flying-- {
			if a := <-results; a.err == nil && a != won {
				_ = a.reached.conn.Close()
			}
		}
	}()
	now := time.Now()
	for rank, i := range candidates() {
		callers[i].next = now.Add(time.Duration(rank) * u.cfg.Timing.Stagger / 2)
	}
	links := u.linksChanged()
	for {
		for _, i := range candidates() {
			if a := u.begin(ctx, i, &callers[i], results); a != nil {
				flying++
			}
		}
		select {
		case <-ctx.Done():
			return reached{}, ctx.Err()
		case <-time.After(beat):
		case <-links:
			links = u.linksChanged()
			for i := range callers {
				callers[i].hurry(u.cfg.Timing.Stagger / 5)
			}
		case a := <-results:
			flying--
			if a.err == nil {
				won = a
				return a.reached, nil
			}
			u.over(&callers[a.way], a)
		}
	}
}

// beat is how often calls under way are looked at.
const beat = 100 * time.Millisecond

// begin begins a call when it is time for one.
func (u *Uplink) begin(ctx context.Context, way int, c *caller, results chan<- *attempt) *attempt {
	now := time.Now()
	if now.Before(c.next) || len(c.flying) >= mostCalls || c.heard(now, u.cfg.Timing.Stagger) {
		return nil
	}
	urls := u.places()
	a := &attempt{way: way, began: now, pulse: make(chan *pulse, 1)}
	at := urls[c.turn%len(urls)]
	c.turn++
	c.flying = append(c.flying, a)
	c.last, c.next = now, now.Add(jittered(u.cfg.Timing.Stagger))
	u.calling(way, now)
	go func() {
		a.reached, a.err = u.attempt(ctx, a, at)
		u.called(ctx, a)
		results <- a // reach takes the end of each call
	}()
	return a
}

// hurry has the next call begin soon: a link changed.
func (c *caller) hurry(least time.Duration) {
	c.refused = 0
	if soon := c.last.Add(least); soon.Before(c.next) {
		c.next = soon
	}
}

// jittered is a little less than d, by chance: many boxes that lost headquarters at once call at
// different times.
func jittered(d time.Duration) time.Duration {
	return d - time.Duration(rand.Int64N(int64(d/5)+1))
}

// heard says whether a call under way is answered, so that another one would bring nothing.
func (c *caller) heard(now time.Time, quiet time.Duration) bool {
	for _, a := range c.flying {
		select {
		case a.heard = <-a.pulse:
		default:
		}
		if a.heard != nil && a.heard.quiet(now) < quiet {
			return true
		}
	}
	return false
}

// over takes the end of a call that did not succeed.
func (u *Uplink) over(c *caller, a *attempt) {
	for i, f := range c.flying {
		if f == a {
			c.flying = append(c.flying[:i], c.flying[i+1:]...)
			break
		}
	}
	if errors.As(a.err, new(*enroll.Refusal)) {
		c.refused++
		c.next = time.Now().Add(backoff(c.refused, u.cfg.Timing))
	}
}

// backoff is how long to wait after so many failures in a row: ever longer, and by chance a bit less.
func backoff(failures int, t Timing) time.Duration {
	d := t.Retry
	for range min(failures, 16) - 1 {
		d *= 2
	}
	d = min(d, t.MostWait)
	return d - time.Duration(rand.Int64N(int64(d/2)+1))
}

// attempt makes one call.
func (u *Uplink) attempt(ctx context.Context, a *attempt, at *url.URL) (reached, error) {
	address := enroll.Address(at)
	dialing, cancel := context.WithTimeout(ctx, callLife)
	raw, err := u.dial(dialing, u.cfg.Ways[a.way], u.cfg.Links, address)
	cancel()
	if err != nil {
		return reached{}, of(at.Host, err)
	}
	p := newPulse(raw, u.cfg.Timing.Patience)
	a.pulse <- p
	conn := tls.Client(p, u.cfg.Holder.TLS(address))
	ctx, done := whileHeard(ctx, p, callLife/2)
	defer done()
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return reached{}, of(at.Host, enroll.Explain(cause(ctx, err)))
	}
	return reached{way: a.way, url: at, conn: conn, pulse: p}, nil
}

// of says in words why a call failed, and whom it was to, where they do not say that already.
func of(host string, err error) error {
	if err = ship.Plain(err); strings.Contains(err.Error(), host) {
		return err
	}
	return fmt.Errorf("%s: %w", host, err)
}

// errQuiet ends a request on which nothing is heard any more.
var errQuiet = errors.New("headquarters is not heard any more")

// whileHeard returns a context that ends when nothing was heard on a connection for quiet although
// something waits, and after askLife. The function ends it.
func whileHeard(ctx context.Context, p *pulse, quiet time.Duration) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	limited, stop := context.WithTimeout(ctx, askLife)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(beat)
		defer tick.Stop()
		for {
			select {
			case <-limited.Done():
				return
			case now := <-tick.C:
				if p.quiet(now) >= quiet {
					cancel(errQuiet)
				}
			}
		}
	}()
	return limited, func() {
		stop()
		cancel(nil)
		<-done
	}
}
