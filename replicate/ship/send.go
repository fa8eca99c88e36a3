package ship

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
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
	tail    func(context.Context, int) ([]journal.Batch, error)
	failed  int             // readers of the tail in a row
	fresh   []journal.Batch // read and not yet sent: what is new
	page    []journal.Batch // and what is behind
	rest    time.Time       // until when reading what is behind waits
	counted time.Time
	passing bool
}

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
	s.tail = s.store.Tail() // before the first page, so that nothing is between them
	s.lookAgain()
	if err := s.offer(); err != nil {
		return err
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		changed := s.store.Watch()
		if err := s.base(); err != nil {
			return err
		}
		if err := s.live(ctx); err != nil {
			return err
		}
		wait, err := s.catchUp(ctx)
		if err != nil {
			return err
		}
		if err := s.ended(); err != nil {
			return err
		}
		if err := s.out.flush(); err != nil {
			return fmt.Errorf("write to the peer: %w", err)
		}
		if wait == 0 {
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

// greet sends the greeting and what is held here, less what was lost and is taken again.
func (s *sender) greet() error {
	h := hello{lowest: lowest, highest: highest, site: s.opt.Site, origin: s.opt.Origin, window: uint64(s.opt.Window)}
	if err := s.out.put(true, kindHello, h.bytes()); err != nil {
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

// lookAgain makes a pass through all that the store has.
func (s *sender) lookAgain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away.look()
}

// ended offers a base when a pass has ended: what was dropped before its turn came is in it.
func (s *sender) ended() error {
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

// live sends what is new, as far as the window allows.
func (s *sender) live(ctx context.Context) error {
	for {
		for len(s.fresh) > 0 {
			if sent, err := s.batch(ctx, &s.fresh[0], false); !sent || err != nil {
				return err
			}
			s.fresh = s.fresh[1:]
		}
		batches, err := s.tail(ctx, pageBytes)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && s.failed == maxTails:
			return fmt.Errorf("read what is new: %w", err)
		case err != nil:
			s.failed++
			s.opt.Logger.Warn("what is new could not be read: looking through everything", "err", err)
			s.tail = s.store.Tail()
			s.lookAgain()
			continue
		case len(batches) == 0:
			return nil
		}
		s.failed, s.fresh = 0, batches
	}
}

// catchUp sends a page of what is behind, as far as the window and the share of the processor allow.
// It returns how long to wait for something else to happen, 0 when there is more to do at once.
func (s *sender) catchUp(ctx context.Context) (time.Duration, error) {
	const long = time.Hour
	for len(s.page) > 0 {
		if sent, err := s.batch(ctx, &s.page[0], true); !sent || err != nil {
			return long, err
		}
		s.page = s.page[1:]
	}
	s.mu.Lock()
	o := &s.away
	o.pages = false
	if !o.pass || !o.room(1, s.window(), true) {
		s.mu.Unlock()
		return long, nil
	}
	if wait := time.Until(s.rest); wait > 0 {
		s.mu.Unlock()
		return wait, nil
	}
	done, looks := o.done.Clone(), o.looks
	s.mu.Unlock()
	s.measure(done)
	began := time.Now()
	page, err := s.store.Page(ctx, done, pageBytes)
	if err != nil {
		return 0, fmt.Errorf("read what the peer lacks: %w", err)
	}
	s.rest = began.Add(time.Duration(float64(time.Since(began)) * costOfReading / s.opt.Share))
	s.page = page
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(page) > 0 {
		o.pages = true
		if o.oldest.IsZero() || page[0].Stream == journal.Samples {
			o.oldest = time.UnixMilli(page[0].WallMS)
		}
	} else if o.looks == looks {
		o.pass, o.lacks, o.oldest = false, 0, time.Time{}
	}
	return 0, nil
}

// costOfReading is what a batch costs to read, write and be answered for, in times of its reading.
const costOfReading = 2

// measure counts what the peer lacks, once a pulse.
func (s *sender) measure(done journal.Vector) {
	if time.Since(s.counted) < pulse {
		return
	}
	s.counted = time.Now()
	n := s.ofSite(s.store.Have()).Minus(done).Count()
	s.mu.Lock()
	s.away.lacks = n
	s.mu.Unlock()
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

// window returns how many bytes may be under way. The caller holds mu.
func (s *session) window() uint64 { return min(s.peer.window, mostWindow) }

// batch sends b and before it the layouts that this connection has not carried, unless the peer has it
// meanwhile. It returns false when the window has no room for it.
func (s *sender) batch(ctx context.Context, b *journal.Batch, behind bool) (bool, error) {
	s.mu.Lock()
	o := &s.away
	need := b.Site == s.opt.Site && !o.done.Has(b.StreamKey, b.Seq)
	room := o.room(len(b.Bytes), s.window(), behind)
	var missing []journal.LayoutID
	for _, id := range b.Uses {
		if _, ok := o.carried[id]; !ok {
			missing = append(missing, id)
		}
	}
	s.mu.Unlock()
	if !need || !room {
		return !need, nil
	}
	cost := len(b.Bytes)
	var layouts []journal.Layout
	for _, id := range missing {
		l, err := s.store.Layout(ctx, id)
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		if err != nil || len(l.Bytes) > maxItem || cost+len(l.Bytes) > maxAlone {
			s.leave(b, err)
			return true, nil
		}
		layouts = append(layouts, l)
		cost += len(l.Bytes)
	}
	if !s.register(b, layouts, cost, behind) {
		return false, nil
	}
	for _, l := range layouts {
		if err := s.item(kindLayout, l.ID[:], l.Bytes); err != nil {
			return false, err
		}
	}
	return true, s.item(kindBatch, nil, b.Bytes)
}

// leave gives up a batch whose layouts are not to be had: nobody could take it.
func (s *sender) leave(b *journal.Batch, why error) {
	s.opt.Logger.Error("a batch cannot be sent: it is left until the next connection", "batch", b.Key.String(), "err", why)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away.done.Add(b.StreamKey, b.Seq, b.Seq)
	s.count.givenUp++
}

// register notes that b is under way. It returns false when there is no room for it.
func (s *sender) register(b *journal.Batch, layouts []journal.Layout, cost int, behind bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := &s.away
	if !o.room(cost, s.window(), behind) {
		return false
	}
	if len(o.flight) == 0 {
		o.settled = time.Now()
	}
	if len(o.carried)+len(layouts) > maxCarried {
		clear(o.carried)
	}
	for _, l := range layouts {
		o.carried[l.ID] = struct{}{}
	}
	o.number++
	o.flight = append(o.flight, flying{number: o.number, key: b.Key, bytes: cost, uses: b.Uses})
	o.bytes += cost
	o.done.Add(b.StreamKey, b.Seq, b.Seq)
	if o.mean == 0 {
		o.mean = uint64(len(b.Bytes))
	}
	o.mean = (15*o.mean + uint64(len(b.Bytes))) / 16
	s.count.bytes += uint64(len(b.Bytes))
	return true
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

// offer tells the peer of facts that it lacks and that were dropped here: a base knows what they said.
func (s *sender) offer() error {
	dropped := s.ofSite(s.store.Held()).Minus(s.store.Have())
	for k := range dropped {
		if k.Stream != journal.Facts {
			delete(dropped, k)
		}
	}
	s.mu.Lock()
	dropped = dropped.Minus(s.away.done)
	d := digest(sha256.Sum256(dropped.Marshal()))
	again := d == s.away.offered
	if len(dropped) > 0 {
		s.away.offered = d
	}
	s.mu.Unlock()
	if len(dropped) == 0 || again {
		return nil
	}
	if err := s.out.put(true, kindOffer, offerBytes(s.opt.Site, d)); err != nil {
		return fmt.Errorf("write to the peer: %w", err)
	}
	return nil
}

// base sends the base that the peer asked for.
func (s *sender) base() error {
	s.mu.Lock()
	asked, d := s.away.asked, s.away.offered
	s.away.asked = false
	s.mu.Unlock()
	if !asked {
		return nil
	}
	raw, err := s.store.Base(s.opt.Site)
	if err == nil && len(raw) > maxBase {
		err = fmt.Errorf("it has %d bytes, more than the %d that are sent", len(raw), maxBase)
	}
	if err != nil {
		s.opt.Logger.Error("the peer lacks facts that were dropped here, and there is no base for it", "err", err)
		return nil
	}
	return s.item(kindBase, offerBytes(s.opt.Site, d), raw)
}
