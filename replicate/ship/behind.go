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
		s.measure(done, false)
		return min(next, lookPeriod), nil
	}
	began := time.Now()
	page, err := s.readPage(ctx, done)
	if err != nil {
		return 0, fmt.Errorf("read what the peer lacks: %w", err)
	}
	s.rest = began.Add(time.Duration(float64(time.Since(began)) * costOfReading / s.opt.Share))
	s.page = page
	s.measure(done, len(page) == 0)
	return 0, nil
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

// measure counts what the peer lacks, once a pulse, and when all was looked through.
func (s *sender) measure(done journal.Vector, ended bool) {
	var n [ranks]uint64
	s.mu.Lock()
	kept := s.away.kept
	s.mu.Unlock()
	if !ended || kept {
		if !ended && time.Since(s.counted) < pulse {
			return
		}
		s.counted = time.Now()
		for k, iv := range s.sendable(s.ofSite(s.store.Have())).Minus(done) {
			n[rank(k.Stream)] += journal.Vector{k: iv}.Count()
		}
	}
	s.mu.Lock()
	s.away.lacks = n
	s.mu.Unlock()
	s.known.lacking(n != [ranks]uint64{})
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
