package intake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"rackpost/hw/journal"
)

// mergeTime is how long one merge is to take: as many bytes are put into it as went through in that
// time lately, so that what is new never waits long for what is behind.
const mergeTime = 200 * time.Millisecond

// leastBundle is merged at once, however slow the disk is.
const leastBundle = 256 << 10

// suspicion is how long what a site brings is merged apart from all others after it brought what could not be
// taken: then its next one costs nobody a second merge.
const suspicion = time.Minute

// rest is how long nothing is merged after the store failed.
const rest = time.Second

// committer merges what all lanes brought, together. One goroutine does so: run.
type committer struct {
	store  merger
	most   int // bytes merged at once
	logger *slog.Logger

	mu       sync.Mutex
	fair     *fair
	suspects map[journal.ID]time.Time // until when
	rate     float64                  // bytes a second, of merges that were large enough to tell
	failed   error                    // the store's, at the last merge
	until    time.Time                // that keeps everybody out: then somebody must try
	count    merged
	waits    peak
	work     chan struct{} // something waits
	round    chan struct{} // closed when what was picked was merged; nil: nothing is
}

// merger is a store that takes batches.
type merger interface {
	Merge(ctx context.Context, batches []journal.Batch) error
}

// merged counts.
type merged struct{ merges, batches, bytes uint64 }

func newCommitter(store merger, most int, logger *slog.Logger) *committer {
	return &committer{store: store, most: most, logger: logger, fair: newFair(), suspects: map[journal.ID]time.Time{}, work: make(chan struct{}, 1)}
}

// merge waits until batches are durable. Its error is the batches' own fault, or the store's. Once ctx
// has ended they may be taken or not.
func (c *committer) merge(ctx context.Context, site journal.ID, live bool, batches []journal.Batch) error {
	r := &request{site: site, live: live, batches: batches, came: time.Now(), done: make(chan error, 1)}
	for i := range batches {
		r.bytes += cost(&batches[i])
	}
	c.mu.Lock()
	c.fair.add(r)
	c.mu.Unlock()
	poke(c.work)
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
	}
	c.mu.Lock()
	c.fair.remove(r)
	c.mu.Unlock()
	return ctx.Err()
}

// size is what a batch takes, with the layouts it brings.
func size(b *journal.Batch) int {
	n := len(b.Bytes)
	for _, l := range b.Layouts {
		n += len(l.Bytes)
	}
	return n
}

// A batch that unpacks to more than sixteen times its bytes counts as what it unpacks to, by so much less: a few kilobytes can unpack
// to megabytes, and whose turn it is goes by what a merge costs. What one lane brought is merged in pieces of no more than mostCost.
const (
	packing  = 16
	mostCost = 8 << 20
)

// cost is what a batch costs to merge, in bytes.
func cost(b *journal.Batch) int { return max(size(b), b.Unpacked()/packing) }

// pieceOf returns how many of batches are merged at once: one at least.
func pieceOf(batches []journal.Batch) (n int) {
	for sum := 0; n < len(batches); n++ {
		if sum += cost(&batches[n]); sum > mostCost && n > 0 {
			break
		}
	}
	return n
}

// settle waits until nothing is merged any more of what came before.
func (c *committer) settle(ctx context.Context) error {
	c.mu.Lock()
	round := c.round
	c.mu.Unlock()
	if round == nil {
		return nil
	}
	select {
	case <-round:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// poke wakes whoever waits on a channel of capacity one.
func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// run merges until ctx ends. Who waits then sees to that itself.
func (c *committer) run(ctx context.Context) error {
	for ctx.Err() == nil {
		bundles := c.pick()
		if len(bundles) == 0 {
			select {
			case <-ctx.Done():
				return nil
			case <-c.work:
			}
			continue
		}
		var err error
		for _, b := range bundles {
			err = errors.Join(err, c.bundle(ctx, b))
		}
		c.mu.Lock()
		c.failed, c.until = err, time.Now().Add(failedRetry)
		close(c.round)
		c.round = nil
		c.mu.Unlock()
		if err == nil {
			continue
		}
		if ctx.Err() != nil {
			return nil
		}
		c.logger.Error("what the sites brought cannot be stored: they will send it again", "err", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(rest):
		}
	}
	return nil
}

// pick returns what is merged next: as a rule all of it together, and one request of a suspect alone.
func (c *committer) pick() (bundles [][]*request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	fresh, behind := c.fair.oldest(now)
	c.waits.note(now, max(fresh, behind))
	for site, until := range c.suspects {
		if now.After(until) {
			delete(c.suspects, site)
		}
	}
	var suspect *request
	together := c.fair.next(c.limit(), func(r *request) bool {
		if _, ok := c.suspects[r.site]; !ok {
			return false
		}
		if suspect == nil {
			suspect = r
		}
		return true
	})
	bundles = split(together)
	if suspect != nil && c.fair.remove(suspect) {
		bundles = append(bundles, []*request{suspect})
	}
	if len(bundles) > 0 {
		c.round = make(chan struct{})
	}
	return bundles
}

// atOnce is the most that is given to the store at once, but for one request that is larger by itself.
const atOnce = 32 << 20

// split parts requests where some are so large that the store would not take all at once.
func split(requests []*request) (bundles [][]*request) {
	from, bytes := 0, 0
	for i, r := range requests {
		if i > from && bytes+r.bytes > atOnce {
			bundles = append(bundles, requests[from:i])
			from, bytes = i, 0
		}
		bytes += r.bytes
	}
	if from < len(requests) {
		bundles = append(bundles, requests[from:])
	}
	return bundles
}

// limit returns how many bytes are merged at once. The caller holds mu.
func (c *committer) limit() int {
	if c.rate == 0 {
		return leastBundle
	}
	return min(max(int(c.rate*mergeTime.Seconds()), leastBundle), c.most)
}

// bundle merges requests together, and answers them. When one of them is at fault it is found by
// halving, and its site is suspected. The error is the store's.
func (c *committer) bundle(ctx context.Context, requests []*request) error {
	var batches []journal.Batch
	bytes := 0
	for _, r := range requests {
		batches = append(batches, r.batches...)
		bytes += r.bytes
	}
	began := time.Now()
	err := c.store.Merge(ctx, batches)
	c.measure(bytes, len(batches), time.Since(began), err)
	switch {
	case err == nil:
	case isFault(err) && len(requests) > 1:
		half := len(requests) / 2
		return errors.Join(c.bundle(ctx, requests[:half]), c.bundle(ctx, requests[half:]))
	case isFault(err):
		c.mu.Lock()
		c.suspects[requests[0].site] = time.Now().Add(suspicion)
		c.mu.Unlock()
	default:
		err = fmt.Errorf("merge %d batches: %w", len(batches), err)
	}
	for _, r := range requests {
		r.done <- err
	}
	if isFault(err) {
		return nil
	}
	return err
}

// isFault says whether batches are at fault, and not the store.
func isFault(err error) bool {
	return errors.Is(err, journal.ErrCorrupt) || errors.Is(err, journal.ErrNewer) || errors.Is(err, journal.ErrNoLayout) || errors.Is(err, journal.ErrOtherSite) || errors.Is(err, journal.ErrTooMuch)
}

// measure counts a merge, and how much goes through.
func (c *committer) measure(bytes, batches int, took time.Duration, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		return
	}
	c.count.merges++
	c.count.batches += uint64(batches)
	c.count.bytes += uint64(bytes)
	if bytes < leastBundle/2 && took < mergeTime/2 {
		return // mostly the fsync
	}
	rate := float64(bytes) / max(took, time.Millisecond).Seconds()
	if c.rate == 0 {
		c.rate = rate
	}
	c.rate = (3*c.rate + rate) / 4
}

// load is how the committer is.
type load struct {
	merged
	failed  error         // of the store, at the last merge
	closed  bool          // because of it nobody is let in
	rate    float64       // bytes a second
	waiting int           // bytes
	fresh   time.Duration // how long what is new waits
	behind  time.Duration
	peak    time.Duration // the longest wait of the last seconds
}

func (c *committer) load() load {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	l := load{merged: c.count, failed: c.failed, rate: c.rate, waiting: c.fair.bytes}
	l.closed = c.failed != nil && now.Before(c.until)
	l.fresh, l.behind = c.fair.oldest(now)
	l.peak = max(c.waits.of(now), l.fresh, l.behind)
	return l
}

// peak is the greatest of the last ten to twenty seconds.
type peak struct {
	now, before time.Duration
	since       time.Time
}

const peakTime = 10 * time.Second

func (p *peak) note(now time.Time, d time.Duration) {
	p.turn(now)
	p.now = max(p.now, d)
}

func (p *peak) of(now time.Time) time.Duration {
	p.turn(now)
	return max(p.now, p.before)
}

func (p *peak) turn(now time.Time) {
	switch age := now.Sub(p.since); {
	case age >= 2*peakTime:
		p.now, p.before, p.since = 0, 0, now
	case age >= peakTime:
		p.now, p.before, p.since = 0, p.now, now
	}
}
