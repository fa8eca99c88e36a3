package ship

import (
	"fmt"
	"time"

	"rackpost/hw/journal"
)

// outgoing is what a session knows of its sending. The session's mu guards it. What the peer holds is in
// the line's Known.
type outgoing struct {
	told    bool           // the peer has said what it holds
	telling journal.Vector // what of it was said so far
	own     journal.Vector // what is held here, while it says so; nil: not needed yet
	claimed journal.Vector // what it said of this origin, until that was looked at
	before  journal.Vector // and what was known of that before
	given   journal.Vector // what was given up for a while
	carried map[journal.LayoutID]struct{}
	flight  []flying
	bytes   int    // of flight
	number  uint64 // of the last batch sent, from 1
	tries   map[journal.Key]int
	agains  hourly
	later   backoff // with what was given up
	pace    Pace    // asked by the peer
	valve   valve

	pass   bool          // all that the store has is to be looked through
	pages  bool          // some of it is read and not yet sent
	kept   bool          // the pace keeps some of it here
	lacks  [ranks]uint64 // batches behind, of each rank
	oldest time.Time
	rate   rate
	drain  rate // of what was answered for

	settled time.Time     // when last nothing was under way
	fresh   time.Time     // when what is new and waits here was read; zero: nothing waits
	left    time.Time     // when what is new was read that was left to the line of what is behind, and none since was answered for
	lag     time.Duration // how long the last answer to something new took, from its reading

	offered digest              // last
	offers  map[digest]struct{} // all of this connection
	asked   digest              // the base that the peer asked for; zero: none
}

// flying is a batch that the peer has not answered for.
type flying struct {
	number   uint64
	key      journal.Key
	bytes    int
	uses     []journal.LayoutID
	sent     time.Time
	read     time.Time // when it was read as new; zero: it was behind
	held     bool      // the peer said that it holds it
	returned bool      // the peer refused it
}

func (o *outgoing) init() {
	o.telling, o.given = journal.Vector{}, journal.Vector{}
	o.carried = map[journal.LayoutID]struct{}{}
	o.tries = map[journal.Key]int{}
	o.offers = map[digest]struct{}{}
	o.settled = time.Now()
}

// Tries of one batch on one connection, and of how many a session remembers that.
const (
	maxTries    = 3
	maxTroubled = 1024
)

// retry is for a batch that was not taken: it is sent again, or given up after too many tries.
func (o *outgoing) retry(k journal.Key) (givenUp bool, err error) {
	if len(o.tries) >= maxTroubled && o.tries[k] == 0 {
		return false, fmt.Errorf("the peer does not take more than %d batches: see its log", maxTroubled)
	}
	o.tries[k]++
	if o.tries[k] >= maxTries {
		o.given.Add(k.StreamKey, k.Seq, k.Seq)
		return true, nil
	}
	return false, nil
}

// room says whether so many bytes may follow those under way; one batch alone always may.
func (o *outgoing) room(bytes int, window uint64) bool {
	return len(o.flight) == 0 || uint64(o.bytes+bytes) <= window
}

// answeredUp takes everything up to a batch from what is under way and calls fn for it.
func (o *outgoing) answeredUp(through uint64, fn func(flying) error) error {
	n := 0
	for n < len(o.flight) && o.flight[n].number <= through {
		o.bytes -= o.flight[n].bytes
		if err := fn(o.flight[n]); err != nil {
			return err
		}
		n++
	}
	o.flight = o.flight[:copy(o.flight, o.flight[n:])]
	return nil
}

// calm is how long a batch may be under way while the peer counts as having caught up.
const calm = 2 * time.Second

// backlog returns what the peer lacks and records it comes to, and whether it has caught up.
func (s *session) backlog() (b Backlog, records uint64, caughtUp bool) {
	o := &s.away
	if len(o.flight) == 0 {
		o.settled = time.Now()
	}
	behind := o.pass || o.pages || o.kept
	if o.told && !behind && time.Since(o.settled) < calm && o.left.IsZero() {
		return b, 0, true
	}
	n := o.lacks
	for i := range o.flight {
		n[rank(o.flight[i].key.Stream)]++
	}
	for _, each := range n {
		b.Batches += each
	}
	if behind {
		b.Oldest = o.oldest
	}
	b.Bytes, records = s.known.estimate(n)
	return b, records, false
}

// waited returns how long what is new waits for its answer, or last did. The caller holds mu.
func (o *outgoing) waited() time.Duration {
	lag := o.lag
	since := func(t time.Time) {
		if !t.IsZero() {
			lag = max(lag, time.Since(t))
		}
	}
	since(o.fresh)
	since(o.left)
	for i := range o.flight {
		if f := &o.flight[i]; !f.read.IsZero() && !f.returned {
			since(f.read)
			break
		}
	}
	return lag
}

// answered takes the peer's word on what it did with batches. It harms nothing to hear one twice, late
// or never: what was not answered for is sent again. The caller holds mu.
func (s *session) answered(payload []byte) error {
	through, held, err := parseAnswer(payload)
	if err != nil {
		return fmt.Errorf("an answer of the peer: %w", err)
	}
	if through > s.away.number {
		return broken("an answer to batch %d, %d were sent", through, s.away.number)
	}
	if err := s.known.has(s, held); err != nil {
		return err
	}
	for i := range s.away.flight {
		f := &s.away.flight[i]
		f.held = f.held || held.Has(f.key.StreamKey, f.key.Seq)
	}
	now, newest, n := time.Now(), flying{}, 0
	err = s.away.answeredUp(through, func(f flying) error {
		newest = f
		n += f.bytes
		switch {
		case f.held:
			s.arrived(now, f)
			return nil
		case f.returned:
			return nil
		}
		return s.retried(f, "it was not answered for")
	})
	if n > 0 {
		s.away.valve.answered(now, newest.sent, n)
	}
	poke(s.kick)
	return err
}

// arrived counts a batch that the peer holds. The caller holds mu.
func (s *session) arrived(now time.Time, f flying) {
	if !f.returned {
		s.known.release(f.key)
	}
	s.count.sent++
	s.count.answered += uint64(f.bytes)
	if s.away.tries[f.key] > 0 { // what is wrong passes
		delete(s.away.tries, f.key)
		s.away.later = backoff{}
	}
	if !f.read.IsZero() {
		s.away.lag, s.away.left = now.Sub(f.read), time.Time{}
	}
}

// returned takes the peer's word that it does not take a batch. The caller holds mu.
func (s *session) returned(payload []byte) error {
	number, reason, err := parseRefuse(payload)
	if err != nil {
		return err
	}
	if number == 0 || number > s.away.number {
		return broken("batch %d refused, %d were sent", number, s.away.number)
	}
	for i := range s.away.flight {
		if f := &s.away.flight[i]; f.number == number && !f.returned {
			f.returned = true
			return s.retried(*f, reason)
		}
	}
	return nil
}

// retried sees to a batch that was not taken. The caller holds mu.
func (s *session) retried(f flying, reason string) error {
	s.count.returned++
	s.says = f.key.String() + ": " + reason
	for _, id := range f.uses {
		delete(s.away.carried, id)
	}
	givenUp, err := s.away.retry(f.key)
	if givenUp {
		s.count.givenUp++
		s.say(s.opt.Logger.Error, "the peer does not take a batch: it is left for a while", "batch", f.key.String(), "says", reason)
	} else if err == nil {
		s.say(s.opt.Logger.Warn, "the peer did not take a batch: it is sent again", "batch", f.key.String(), "says", reason)
	}
	s.known.release(f.key)
	s.known.stir()
	return err
}

// asked takes the peer's wish for a base that it was offered, be it that another was offered meanwhile. The caller holds mu.
func (s *session) asked(payload []byte) error {
	site, d, err := parseOffer(payload)
	if err != nil {
		return err
	}
	if _, offered := s.away.offers[d]; site != s.opt.Site || !offered {
		return broken("a base that was not offered")
	}
	s.away.asked = d
	poke(s.kick)
	return nil
}

// asksPace takes the pace that the peer asks for. The caller holds mu.
func (s *session) asksPace(payload []byte) error {
	p, err := parsePace(payload)
	if err != nil {
		return fmt.Errorf("the pace that the peer asks for: %w", err)
	}
	was := s.away.pace
	if !s.opt.Down && (p.Paused != was.Paused || p.FactsOnly != was.FactsOnly) {
		s.opt.Logger.Info("the peer asks for another pace", "lane", s.opt.Lane.String(), "paused", p.Paused, "facts_only", p.FactsOnly,
			"bytes_per_second", p.BytesPerSecond, "why", p.Why)
	}
	s.away.pace = p
	poke(s.kick)
	return nil
}

// letGo gives up what is under way when the session has ended: it was not answered for.
func (s *session) letGo() {
	s.known.detach(s)
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, f := range s.away.flight {
		if !f.returned {
			s.known.release(f.key)
			n++
		}
	}
	if n > 0 || s.opt.Lane == Live {
		s.known.stir()
	}
}
