package ship

import (
	"crypto/sha256"
	"fmt"
	"time"

	"rackpost/hw/journal"
)

// offer tells the peer of facts that it lacks and that were dropped here: a base knows what they said.
func (s *sender) offer() error {
	if !s.opt.passes() {
		return nil
	}
	dropped := s.ofSite(s.store.Held()).Minus(s.store.Have())
	for k := range dropped {
		if k.Stream != journal.Facts {
			delete(dropped, k)
		}
	}
	dropped = dropped.Minus(s.known.done())
	s.mu.Lock()
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
	if s.obeys.Paused {
		return nil
	}
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
	s.budget.spend(time.Now(), len(raw))
	return s.item(kindBase, offerBytes(s.opt.Site, d), raw)
}
