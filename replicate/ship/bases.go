package ship

import (
	"crypto/sha256"
	"fmt"
	"time"

	"rackpost/hw/journal"
)

// offer tells the peer of facts that it lacks and that were dropped here: a base knows what they said. Headquarters tells who holds
// no fact at all, a box with a new disk, of all there are: on a thin line a base is there long before the last of them.
func (s *sender) offer() error {
	if !s.opt.passes() {
		return nil
	}
	dropped, done := s.ofSite(s.store.Held()), s.known.done()
	if !s.opt.Down || len(done) > 0 {
		dropped = dropped.Minus(s.store.Have())
	}
	for k := range dropped {
		if k.Stream != journal.Facts {
			delete(dropped, k)
		}
	}
	dropped = dropped.Minus(done)
	s.mu.Lock()
	d := digest(sha256.Sum256(dropped.Marshal()))
	again := d == s.away.offered
	if len(dropped) > 0 {
		s.away.offered = d
		s.away.offers[d] = struct{}{}
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

// base sends the base that the peer asked for, by the name it asked for, when there was none for a while. It returns how long
// to wait until then.
func (s *sender) base() (time.Duration, error) {
	s.mu.Lock()
	d := s.away.asked
	s.mu.Unlock()
	if d == (digest{}) || s.obeys.Paused {
		return long, nil
	}
	wait, ok := s.opt.Account.give(time.Now())
	if !ok {
		return wait, nil
	}
	defer s.opt.Account.gave()
	s.mu.Lock()
	s.away.asked = digest{}
	s.mu.Unlock()
	raw, err := s.store.Base(s.opt.Site)
	if err == nil && len(raw) > maxBase {
		err = fmt.Errorf("it has %d bytes, more than the %d that are sent", len(raw), maxBase)
	}
	if err != nil {
		s.say(s.opt.Logger.Error, "the peer lacks facts that were dropped here, and there is no base for it", "err", err)
		return long, nil
	}
	if s.opt.Room != nil { // a peer that reads slowly keeps it in memory
		if !s.opt.Room.Take(len(raw)) {
			s.mu.Lock()
			s.away.asked = d
			s.mu.Unlock()
			return firstSpace, nil
		}
		defer s.opt.Room.Give(len(raw))
	}
	s.budget.spend(time.Now(), len(raw))
	return long, s.item(kindBase, offerBytes(s.opt.Site, d), raw)
}
