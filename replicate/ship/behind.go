package ship

import (
	"context"
	"fmt"
	"slices"
	"time"

	"rackpost/hw/journal"
)

// How often a line of what is behind looks again by the clock, for what no other line was answered for:
// headquarters, which has facts for a site only when it lost a disk, seldom.
const (
	lookPeriod = 5 * time.Second
	downPeriod = time.Minute
)

// look makes a pass through all that the store has.
func (s *sender) look() {
	s.seen = s.known.looked()
	s.passing = true
	if s.opt.Lane != Both {
		s.lookedAt, s.changed = time.Now(), s.store.Watch()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away.pass = true
}

// lookAgain makes a pass when somebody left something to be found, or when it is time. It returns how long
// it is until then.
func (s *sender) lookAgain() time.Duration {
	if s.seen != s.known.looked() {
		s.look()
	}
	period := lookPeriod
	switch {
	case s.opt.Lane == Both:
		return long
	case s.opt.Down:
		period = downPeriod
	}
	if wait := time.Until(s.lookedAt.Add(period)); wait > 0 {
		return wait
	}
	select {
	case <-s.changed:
		s.look()
	default:
		s.lookedAt = time.Now()
	}
	return period
}

// catchUp sends a page of what is behind, as far as window, budget, pace and the share of the processor
// allow. It returns how long to wait for something else to happen, 0 when there is more to do at once.
func (s *sender) catchUp(ctx context.Context) (time.Duration, error) {
	if !s.opt.passes() {
		return long, nil
	}
	next := s.lookAgain()
	for len(s.page) > 0 {
		if _, err := s.base(); err != nil { // it says more than what is behind, and a page takes long on a thin line
			return 0, err
		}
		wait, err := s.batch(ctx, &s.page[0], true)
		if wait > 0 || err != nil {
			return min(wait, next), err
		}
		s.page = s.page[1:]
	}
	s.mu.Lock()
	o := &s.away
	o.pages = false
	full := !o.room(1, s.window(true))
	pass, given := o.pass, o.given.Clone()
	s.mu.Unlock()
	if !pass || full {
		return next, nil
	}
	if wait := time.Until(s.rest); wait > 0 {
		return min(wait, next), nil
	}
	done := s.known.done()
	done.Join(given)
	if s.obeys.Paused {
		s.keep()
		return min(next, lookPeriod), s.measure(ctx, done, false)
	}
	began := time.Now()
	page, err := s.readPage(ctx, done)
	if err != nil {
		return 0, fmt.Errorf("read what the peer lacks: %w", err)
	}
	s.rest = began.Add(time.Duration(float64(time.Since(began)) * costOfReading / s.opt.Share))
	s.page = page
	return 0, s.measure(ctx, done, len(page) == 0)
}

// costOfReading is what a batch costs to read, write and be answered for, in times of its reading.
const costOfReading = 2

// readPage reads what of the store is not in done, and notes when that is nothing.
func (s *sender) readPage(ctx context.Context, done journal.Vector) (page []journal.Batch, err error) {
	read := s.store.Page
	if picker, ok := s.store.(Picker); ok && (s.obeys.FactsOnly || s.opt.NewestFirst) {
		of := picker.PageOf
		if s.opt.NewestFirst {
			of = picker.NewestOf
		}
		var streams []journal.Stream
		if s.obeys.FactsOnly {
			streams = []journal.Stream{journal.Facts}
		}
		read = func(ctx context.Context, v journal.Vector, limit int) ([]journal.Batch, error) {
			return of(ctx, s.opt.Site, streams, v, limit)
		}
	}
	if page, err = read(ctx, done, pageBytes); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := &s.away
	if s.obeys.FactsOnly {
		o.kept = true
		if n := slices.IndexFunc(page, func(b journal.Batch) bool { return b.Stream != journal.Facts }); n >= 0 {
			page = page[:n]
		}
	}
	if len(page) > 0 {
		o.pages = true
		if o.oldest.IsZero() || page[0].Stream == journal.Samples {
			o.oldest = time.UnixMilli(page[0].WallMS)
		}
		return page, nil
	}
	o.pass, o.oldest = false, time.Time{}
	return nil, nil
}

// measure counts what the peer lacks, once a pulse, and when all was looked through. What the pace keeps here is dated too:
// nothing else reads it.
func (s *sender) measure(ctx context.Context, done journal.Vector, ended bool) error {
	var n [ranks]uint64
	s.mu.Lock()
	kept := s.away.kept
	s.mu.Unlock()
	if !ended || kept {
		if !ended && time.Since(s.counted) < pulse {
			return nil
		}
		s.counted = time.Now()
		for k, iv := range s.sendable(s.ofSite(s.store.Have())).Minus(done) {
			n[rank(k.Stream)] += journal.Vector{k: iv}.Count()
		}
	}
	oldest := time.Time{}
	if kept {
		var err error
		if oldest, err = s.first(ctx, done); err != nil {
			return fmt.Errorf("read what the peer is not to have: %w", err)
		}
	}
	s.mu.Lock()
	s.away.lacks = n
	if kept {
		s.away.oldest = oldest
	}
	s.mu.Unlock()
	s.known.lacking(n != [ranks]uint64{})
	return nil
}

// first returns when the first was written of what is not in done; zero: nothing is.
func (s *sender) first(ctx context.Context, done journal.Vector) (oldest time.Time, err error) {
	picker, picks := s.store.(Picker)
	if !picks {
		page, err := s.store.Page(ctx, done, 1)
		if len(page) > 0 {
			oldest = time.UnixMilli(page[0].WallMS)
		}
		return oldest, err
	}
	for _, stream := range []journal.Stream{journal.Facts, journal.Logs, journal.Samples} {
		page, err := picker.PageOf(ctx, s.opt.Site, []journal.Stream{stream}, done, 1)
		if err != nil {
			return oldest, err
		}
		if len(page) > 0 {
			if at := time.UnixMilli(page[0].WallMS); oldest.IsZero() || at.Before(oldest) {
				oldest = at
			}
		}
	}
	return oldest, nil
}

// ofSite returns the part of v that this line is for.
func (s *sender) ofSite(v journal.Vector) journal.Vector {
	for k := range v {
		if k.Site != s.opt.Site {
			delete(v, k)
		}
	}
	return v
}
