package intake_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/intake"
)

// sink is a store that takes its time, and refuses what the test wants.
type sink struct {
	mu     sync.Mutex
	took   time.Duration
	merges [][]journal.ID
	bad    map[journal.ID]error
	broken error
	most   int // bytes at once; 0: any
}

func (s *sink) Merge(_ context.Context, b []journal.Batch) error {
	time.Sleep(s.took)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return s.broken
	}
	var sites []journal.ID
	total := 0
	for i := range b {
		if total += len(b[i].Bytes); s.most > 0 && total > s.most {
			return errors.New("too much at once")
		}
		if err := s.bad[b[i].Site]; err != nil {
			return err
		}
		sites = append(sites, b[i].Site)
	}
	s.merges = append(s.merges, sites)
	return nil
}

// some is a batch of a site, of which only its size matters.
func some(site journal.ID, bytes int) []journal.Batch {
	b := journal.Batch{Bytes: make([]byte, bytes)}
	b.Site = site
	return []journal.Batch{b}
}

// committing runs a committer in a bubble.
func committing(t *testing.T, s *sink, test func(t *testing.T, c intake.Committer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := intake.NewCommitter(s, 8<<20)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- c.Run(ctx) }()
		test(t, c)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if n := c.Waiting(); n != 0 {
			t.Errorf("%d bytes wait after the end", n)
		}
	})
}

// TestGroupCommit: what comes while a merge is under way is merged together, in one transaction.
func TestGroupCommit(t *testing.T) {
	t.Parallel()
	s := &sink{took: 10 * time.Millisecond}
	committing(t, s, func(t *testing.T, c intake.Committer) {
		var wg sync.WaitGroup
		for n := range 100 {
			wg.Go(func() {
				for range 5 {
					if err := c.Merge(t.Context(), siteID(n), true, some(siteID(n), 1000)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		began := time.Now()
		wg.Wait()
		if took := time.Since(began); took > 100*time.Millisecond {
			t.Errorf("500 requests of 100 sites took %v and %d merges of 10 ms", took, len(s.merges))
		}
	})
}

// TestABadSite: its batches are refused to it alone, the others' are taken, and it costs them a few merges once
// and no more than one a round after that.
func TestABadSite(t *testing.T) {
	t.Parallel()
	bad := siteID(7)
	s := &sink{took: time.Millisecond, bad: map[journal.ID]error{bad: fmt.Errorf("batch: %w", journal.ErrCorrupt)}}
	committing(t, s, func(t *testing.T, c intake.Committer) {
		var wg sync.WaitGroup
		for n := range 64 {
			wg.Go(func() {
				for range 20 {
					err := c.Merge(t.Context(), siteID(n), true, some(siteID(n), 1000))
					if want := siteID(n) == bad; errors.Is(err, journal.ErrCorrupt) != want {
						t.Errorf("site %d: %v", n, err)
					}
				}
			})
		}
		wg.Wait()
		if n := len(s.merges); n > 60 {
			t.Errorf("%d merges for 20 rounds", n)
		}
	})
}

// TestLargeOnes: what is larger than the store takes at once is not given to it together.
func TestLargeOnes(t *testing.T) {
	t.Parallel()
	s := &sink{took: time.Millisecond, most: 40 << 20}
	committing(t, s, func(t *testing.T, c intake.Committer) {
		var wg sync.WaitGroup
		for n := range 12 {
			wg.Go(func() {
				if err := c.Merge(t.Context(), siteID(n), n%2 == 0, some(siteID(n), 17<<20)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

// TestABrokenStore: everybody is told, nothing is taken as done, and it goes on when the store does.
func TestABrokenStore(t *testing.T) {
	t.Parallel()
	s := &sink{broken: errors.New("the disk is full")}
	committing(t, s, func(t *testing.T, c intake.Committer) {
		var wg sync.WaitGroup
		for n := range 10 {
			wg.Go(func() {
				if err := c.Merge(t.Context(), siteID(n), n%2 == 0, some(siteID(n), 10)); err == nil {
					t.Error("taken by a store that is broken")
				}
			})
		}
		wg.Wait()
		s.mu.Lock()
		s.broken = nil
		s.mu.Unlock()
		if err := c.Merge(t.Context(), siteID(1), true, some(siteID(1), 10)); err != nil {
			t.Error(err)
		}
	})
}

// TestWhoLeavesWaitsForNothing: a connection that ends takes what waits out of the queue.
func TestWhoLeavesWaitsForNothing(t *testing.T) {
	t.Parallel()
	s := &sink{took: time.Hour}
	committing(t, s, func(t *testing.T, c intake.Committer) {
		go func() { _ = c.Merge(t.Context(), siteID(1), true, some(siteID(1), 10)) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := c.Merge(ctx, siteID(2), false, some(siteID(2), 1000)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it waited in vain: %v", err)
		}
		if n := c.Waiting(); n != 0 {
			t.Errorf("%d bytes still wait", n)
		}
	})
}

// TestAHugeBacklog: the live records of a hundred sites wait for one merge at most, whatever one site brings.
func TestAHugeBacklog(t *testing.T) {
	t.Parallel()
	slow := &paced{perSecond: 4 << 20}
	synctest.Test(t, func(t *testing.T) {
		c := intake.NewCommitter(slow, 8<<20)
		ctx, cancel := context.WithCancel(t.Context())
		var wg, all sync.WaitGroup
		all.Go(func() { _ = c.Run(ctx) })
		for range 4 { // as if it had four lanes, always full
			all.Go(func() {
				for ctx.Err() == nil {
					_ = c.Merge(ctx, siteID(0), false, some(siteID(0), 256<<10))
				}
			})
		}
		for n := 1; n <= 100; n++ {
			wg.Go(func() {
				time.Sleep(time.Duration(n) * 7 * time.Millisecond)
				for range 30 {
					began := time.Now()
					if err := c.Merge(ctx, siteID(n), true, some(siteID(n), 800)); err != nil {
						t.Error(err)
					}
					if took := time.Since(began); took > 600*time.Millisecond {
						t.Errorf("live records of site %d took %v", n, took)
					}
					time.Sleep(time.Second)
				}
			})
		}
		wg.Wait()
		cancel()
		all.Wait()
	})
	if slow.bytes[siteID(0)] < 60<<20 {
		t.Errorf("the backlog got %d bytes through in half a minute at 4 MB a second", slow.bytes[siteID(0)])
	}
}

// paced is a store through which so many bytes a second go.
type paced struct {
	perSecond int
	bytes     map[journal.ID]int
}

func (p *paced) Merge(_ context.Context, b []journal.Batch) error {
	total := 0
	for i := range b {
		if p.bytes == nil {
			p.bytes = map[journal.ID]int{}
		}
		p.bytes[b[i].Site] += len(b[i].Bytes)
		total += len(b[i].Bytes)
	}
	time.Sleep(2*time.Millisecond + time.Duration(float64(total)/float64(p.perSecond)*float64(time.Second)))
	return nil
}
