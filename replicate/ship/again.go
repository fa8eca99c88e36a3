package ship

import (
	"fmt"
	"time"

	"rackpost/hw/journal"
)

// How often a session looks whether the store lost something, and after what time something is tried once more that came to
// nothing: at first, and at last, each time after twice as long.
const (
	wantedPeriod = 15 * time.Second
	firstAgain   = time.Minute
	lastAgain    = time.Hour
)

// backoff says when something is tried once more: not before it began.
type backoff struct {
	pause time.Duration
	until time.Time
}

// begin waits for the shortest time.
func (p *backoff) begin(now time.Time) { p.pause, p.until = firstAgain, now.Add(firstAgain) }

// over says whether it is time, and waits longer then.
func (p *backoff) over(now time.Time) bool {
	if now.Before(p.until) {
		return false
	}
	p.pause = min(2*p.pause, lastAgain)
	p.until = now.Add(p.pause)
	return true
}

// losses is what damage took here and the peer was asked for. The session's mu guards it.
type losses struct {
	asked journal.Vector
	backoff
}

// ask returns what the peer is to be asked for: at once what was newly lost, be it a second time, and all that did not come when
// nothing has come for a while: the peer may not have had it, or could not read it.
func (l *losses) ask(now time.Time, wanted journal.Vector) journal.Vector {
	fresh, came := wanted.Minus(l.asked), l.asked.Minus(wanted)
	if len(came) > 0 || len(l.asked) == 0 {
		l.begin(now)
	}
	l.asked = wanted.Clone()
	if l.over(now) {
		return wanted
	}
	return fresh
}

// came notes that a batch is there: should it be lost again, it is asked for again.
func (l *losses) came(k journal.Key) {
	if l.asked.Has(k.StreamKey, k.Seq) {
		remove(l.asked, one(k))
		l.begin(time.Now())
	}
}

// hourly counts what may happen so often in an hour.
type hourly struct {
	since time.Time
	count int
}

func (h *hourly) more(now time.Time, most int) bool {
	if now.Sub(h.since) >= time.Hour {
		h.since, h.count = now, 0
	}
	h.count++
	return h.count <= most
}

// askAgain tells the peer what was lost here. It says less than the peer would stand; what it leaves out has its turn later.
func (s *session) askAgain(now time.Time) error {
	if now.Sub(s.looked) < wantedPeriod {
		return nil
	}
	s.looked = now
	wanted := s.store.Wanted()
	s.mu.Lock()
	lost := s.losses.ask(now, wanted)
	s.mu.Unlock()
	if len(lost) == 0 {
		return nil
	}
	for _, part := range vectorParts(lost) {
		if !s.asks.more(now, maxAgains/2) {
			return nil
		}
		if err := s.out.put(true, kindAgain, part); err != nil {
			return fmt.Errorf("write to the peer: %w", err)
		}
	}
	return nil
}

// maxAgains bounds how often a peer may lose what it held, in an hour.
const maxAgains = 256

// again takes the peer's word that it lost what it held. The caller holds mu.
func (s *session) again(payload []byte) error {
	v, err := journal.UnmarshalVector(payload)
	if err != nil {
		return fmt.Errorf("what the peer lost: %w", err)
	}
	if !s.away.agains.more(time.Now(), maxAgains) {
		return broken("what was held, asked for more than %d times in an hour", maxAgains)
	}
	s.away.forgive(v)
	s.known.lost(v)
	return nil
}

// forgive lets what was given up of v be tried once more.
func (o *outgoing) forgive(v journal.Vector) {
	for k := range o.tries {
		if o.given.Has(k.StreamKey, k.Seq) && v.Has(k.StreamKey, k.Seq) {
			o.tries[k] = maxTries - 1
		}
	}
	remove(o.given, v)
}

// tryAgain has what was given up sent once more when it is time.
func (s *session) tryAgain(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := &s.away
	switch {
	case len(o.given) == 0:
	case o.later.pause == 0:
		o.later.begin(now)
	case o.later.over(now):
		o.forgive(o.given.Clone())
		s.known.stir()
	}
}

// offerAgain has the base asked for that was offered too early, when it is time.
func (s *session) offerAgain(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.in.later == nil || s.in.offer != nil {
		return
	}
	if wait, _ := s.opt.Account.mayTake(now, *s.in.later); wait == 0 {
		s.in.offer, s.in.later = s.in.later, nil
		poke(s.came)
	}
}
