package ship

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"rackpost/hw/journal"
)

// pageBytes is how much is read at once of what the peer lacks.
const pageBytes = 128 << 10

// maxCarried bounds the layouts a connection remembers to have carried: then they are sent anew.
const maxCarried = 1 << 14

// sender is what the sending goroutine alone knows.
type sender struct {
	*session
	tail     func(context.Context, int) ([]journal.Batch, error)
	failed   int             // readers of the tail in a row
	fresh    []journal.Batch // read and not yet sent: what is new
	read     time.Time       // when it was read
	stuck    time.Time       // since when the first of it finds no room; zero: it did not try
	page     []journal.Batch // and what is behind
	rest     time.Time       // until when reading what is behind waits
	counted  time.Time
	passing  bool
	obeys    Pace            // of the peer, as this goroutine goes by it
	budget   bucket          // of what is sent
	seen     uint64          // looks that were begun
	changed  <-chan struct{} // the store's, of the last look by the clock
	lookedAt time.Time       // when that was
}

// long is how long to wait for what comes with a kick.
const long = time.Hour

// send says what is held here, and then sends what the peer lacks: what is new before what is behind.
func (s *session) send(ctx context.Context) error {
	err := (&sender{session: s}).run(ctx)
	if err != nil && ctx.Err() == nil {
		return err
	}
	return ctx.Err()
}

func (s *sender) run(ctx context.Context) error {
	if err := s.greet(); err != nil {
		return fmt.Errorf("greet the peer: %w", err)
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.ready:
	}
	tails, passes := s.opt.tails(), s.opt.passes()
	if tails { // before the first page, so that nothing is between them
		s.tail = s.store.Tail()
		s.known.stir()
	}
	if passes {
		s.look()
		if err := s.offer(); err != nil {
			return err
		}
	}
	if !tails && !passes {
		return nil
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var changed <-chan struct{}
		if tails {
			changed = s.store.Watch()
		}
		s.heed()
		based, err := s.base()
		if err != nil {
			return err
		}
		newer, err := s.live(ctx)
		if err != nil {
			return err
		}
		older, err := s.catchUp(ctx)
		if err != nil {
			return err
		}
		if err := s.passed(); err != nil {
			return err
		}
		if err := s.out.flush(); err != nil {
			return fmt.Errorf("write to the peer: %w", err)
		}
		wait := min(newer, older, based)
		if wait <= 0 {
			continue
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-s.kick:
		case <-timer.C:
		}
	}
}

// heed takes the pace that the peer asks for, and does nothing while it has not changed.
func (s *sender) heed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.away.pace
	rate := s.opt.Budget
	if p.BytesPerSecond > 0 && (rate == 0 || p.BytesPerSecond < rate) {
		rate = p.BytesPerSecond
	}
	s.budget.set(time.Now(), rate)
	if p.Paused != s.obeys.Paused || p.FactsOnly != s.obeys.FactsOnly {
		s.page, s.away.pages, s.away.kept = nil, false, false
		s.known.stir()
	}
	s.obeys = p
	s.known.pause(s.session, p.Paused)
}

// greet sends the greeting and what is held here, less what was lost and is taken again.
func (s *sender) greet() error {
	h := hello{lowest: lowest, highest: highest, site: s.opt.Site, origin: s.opt.Origin, window: uint64(s.opt.Window), lane: s.opt.Lane}
	if err := s.out.put(true, kindHello, h.bytes()); err != nil {
		return err
	}
	if err := s.askPace(false); err != nil { // before the peer may send anything
		return err
	}
	parts := vectorParts(s.store.Held().Minus(s.store.Wanted()))
	for i, part := range parts {
		more := byte(1)
		if i == len(parts)-1 {
			more = 0
		}
		if err := s.out.put(more == 0, kindHeld, []byte{more}, part); err != nil {
			return err
		}
	}
	return nil
}

// passed offers a base when a pass has ended: what was dropped before its turn came is in it.
func (s *sender) passed() error {
	s.mu.Lock()
	passing := s.away.pass
	s.mu.Unlock()
	was := s.passing
	if s.passing = passing; passing || !was {
		return nil
	}
	return s.offer()
}

// maxTails is how many readers of the tail in a row may fail at once.
const maxTails = 3

// live sends what is new, as far as window, budget and pace allow. It returns how long to wait when they
// do not.
func (s *sender) live(ctx context.Context) (time.Duration, error) {
	for s.tail != nil {
		for len(s.fresh) > 0 {
			wait, err := s.batch(ctx, &s.fresh[0], false)
			if err != nil {
				return 0, err
			}
			if wait > 0 {
				return s.stall(wait), nil
			}
			s.went()
		}
		batches, err := s.tail(ctx, pageBytes)
		switch {
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case err != nil && s.failed == maxTails:
			return 0, fmt.Errorf("read what is new: %w", err)
		case err != nil:
			s.failed++
			s.opt.Logger.Warn("what is new could not be read: looking through everything", "err", err)
			s.tail = s.store.Tail()
			s.known.stir()
			continue
		case len(batches) == 0:
			return long, nil
		}
		if s.opt.Lane == Live { // where little room is, what matters most goes first
			slices.SortStableFunc(batches, func(a, b journal.Batch) int { return rank(a.Stream) - rank(b.Stream) })
		}
		s.failed, s.fresh, s.read = 0, batches, time.Now()
		s.mu.Lock()
		s.away.fresh = s.read
		s.mu.Unlock()
	}
	return long, nil
}

// went takes the first of what is new off: it is dealt with.
func (s *sender) went() {
	s.stuck = time.Time{}
	if s.fresh = s.fresh[1:]; len(s.fresh) == 0 {
		s.mu.Lock()
		s.away.fresh = time.Time{}
		s.mu.Unlock()
	}
}

// patience is how long what is new waits for room. Then a line of what is new leaves it to that of what
// is behind, and goes on with what is written now: it is never late by more than this.
const patience = 4 * time.Second

// stall is for what is new and finds no room for now.
func (s *sender) stall(wait time.Duration) time.Duration {
	if s.stuck.IsZero() {
		s.stuck = time.Now()
	}
	if s.opt.Lane != Live {
		return wait
	}
	if left := patience - time.Since(s.stuck); left > 0 {
		return min(wait, left)
	}
	s.fresh, s.stuck, s.tail = nil, time.Time{}, s.store.Tail()
	s.mu.Lock()
	if s.away.fresh = (time.Time{}); s.away.left.IsZero() {
		s.away.left = s.read
	}
	s.mu.Unlock()
	s.known.stir()
	return wait
}

// window returns how many bytes may be under way. The caller holds mu.
func (s *sender) window(behind bool) uint64 {
	w := min(s.peer.window, mostWindow)
	if n := s.obeys.Window; n > 0 {
		w = min(w, n)
	}
	if s.opt.Lane == Behind {
		w = min(w, s.away.valve.bytes())
	} else if behind {
		w -= w / 4 // left to what is new
	}
	return w
}

// batch sends b and before it the layouts that this connection has not carried, unless the peer has it
// meanwhile or is not to have it now. It returns how long to wait when it may not go yet.
func (s *sender) batch(ctx context.Context, b *journal.Batch, behind bool) (time.Duration, error) {
	if s.obeys.FactsOnly && b.Stream != journal.Facts {
		s.keep()
		return 0, nil
	}
	s.mu.Lock()
	o := &s.away
	need := b.Site == s.opt.Site && !o.given.Has(b.StreamKey, b.Seq) && s.known.needs(b.Key)
	room := o.room(len(b.Bytes), s.window(behind))
	var missing []journal.LayoutID
	for _, id := range b.Uses {
		if _, ok := o.carried[id]; !ok {
			missing = append(missing, id)
		}
	}
	s.mu.Unlock()
	switch wait := s.budget.wait(time.Now()); {
	case !need:
		return 0, nil
	case s.obeys.Paused, !room:
		return long, nil
	case wait > 0:
		return wait, nil
	}
	cost := len(b.Bytes)
	var layouts []journal.Layout
	for _, id := range missing {
		l, err := s.store.Layout(ctx, id)
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if err != nil || len(l.Bytes) > maxItem || cost+len(l.Bytes) > maxAlone {
			s.leave(b, err)
			return 0, nil
		}
		layouts = append(layouts, l)
		cost += len(l.Bytes)
	}
	if may, claimed := s.register(b, layouts, cost, behind); !may {
		return long, nil
	} else if !claimed {
		return 0, nil
	}
	s.budget.spend(time.Now(), cost)
	for _, l := range layouts {
		if err := s.item(kindLayout, l.ID[:], l.Bytes); err != nil {
			return 0, err
		}
	}
	return 0, s.item(kindBatch, nil, b.Bytes)
}

// keep notes that the pace keeps something here.
func (s *sender) keep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away.kept = true
}

// leave gives up a batch whose layouts are not to be had: nobody could take it.
func (s *sender) leave(b *journal.Batch, why error) {
	s.opt.Logger.Error("a batch cannot be sent: it is left for a while", "batch", b.Key.String(), "err", why)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away.given.Add(b.StreamKey, b.Seq, b.Seq)
	s.count.givenUp++
}

// register notes that b is under way. may is false when there is no room for it, claimed when it is held
// there or under way already.
func (s *sender) register(b *journal.Batch, layouts []journal.Layout, cost int, behind bool) (may, claimed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := &s.away
	if !o.room(cost, s.window(behind)) {
		return false, false
	}
	if !s.known.claim(b) {
		return true, false
	}
	now := time.Now()
	if len(o.flight) == 0 {
		o.settled = now
	}
	if len(o.carried)+len(layouts) > maxCarried {
		clear(o.carried)
	}
	for _, l := range layouts {
		o.carried[l.ID] = struct{}{}
	}
	o.number++
	f := flying{number: o.number, key: b.Key, bytes: cost, uses: b.Uses, sent: now}
	if !behind {
		f.read = s.read
	}
	o.flight = append(o.flight, f)
	o.bytes += cost
	s.count.bytes += uint64(len(b.Bytes))
	return true, true
}

// item sends something that may be larger than a frame.
func (s *sender) item(k kind, name, bytes []byte) error {
	head := binary.AppendUvarint(name[:len(name):len(name)], uint64(len(bytes)))
	n := min(len(bytes), maxFrame-len(head))
	err := s.out.put(false, k, head, bytes[:n])
	for bytes = bytes[n:]; err == nil && len(bytes) > 0; bytes = bytes[n:] {
		n = min(len(bytes), maxFrame)
		err = s.out.put(false, kindPart, bytes[:n])
	}
	if err != nil {
		return fmt.Errorf("write to the peer: %w", err)
	}
	return nil
}
