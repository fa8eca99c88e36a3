package ship

import (
	"fmt"
	"time"

	"rackpost/hw/journal"
)

// outgoing is what a session knows of the peer's journal. The session's mu guards it.
type outgoing struct {
	known   bool           // the peer has said what it holds
	done    journal.Vector // what need not be sent now: it is held there, under way, or was given up
	carried map[journal.LayoutID]struct{}
	flight  []flying
	bytes   int    // of flight
	number  uint64 // of the last batch sent, from 1
	tries   map[journal.Key]int
	agains  int

	pass    bool   // all that the store has is to be looked through
	looks   uint64 // how often that was wanted
	pages   bool   // some of it is read and not yet sent
	lacks   uint64
	oldest  time.Time
	mean    uint64    // bytes of a batch
	settled time.Time // when last nothing was under way
	rate    rate

	offered digest
	asked   bool
}

// flying is a batch that the peer has not answered for.
type flying struct {
	number   uint64
	key      journal.Key
	bytes    int
	uses     []journal.LayoutID
	held     bool // the peer said that it holds it
	returned bool // the peer refused it
}

func (o *outgoing) init() {
	o.done = journal.Vector{}
	o.carried = map[journal.LayoutID]struct{}{}
	o.tries = map[journal.Key]int{}
	o.settled = time.Now()
}

// has notes that the peer holds v.
func (o *outgoing) has(v journal.Vector) error {
	before := intervals(o.done)
	o.done.Join(v)
	if after := intervals(o.done); after > before && (after > maxIntervals || len(o.done) > maxKeys) {
		return broken("a journal of more than %d streams or %d runs", maxKeys, maxIntervals)
	}
	return nil
}

// lost takes what v names out of what need not be sent.
func (o *outgoing) lost(v journal.Vector) {
	for k, iv := range v {
		left := journal.Vector{k: o.done[k]}.Minus(journal.Vector{k: iv})[k]
		if len(left) > 0 {
			o.done[k] = left
		} else {
			delete(o.done, k)
		}
	}
	o.look()
}

// look makes a pass through all that the store has.
func (o *outgoing) look() {
	o.pass = true
	o.looks++
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
		return true, nil
	}
	o.lost(journal.Vector{k.StreamKey: {{First: k.Seq, Last: k.Seq}}})
	return false, nil
}

// room says whether so many bytes may follow those under way; one batch alone always may. What is
// behind leaves a quarter of the window to what is new.
func (o *outgoing) room(bytes int, window uint64, behind bool) bool {
	if behind {
		window -= window / 4
	}
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

// progress returns what is told of it.
func (o *outgoing) progress() ping {
	if len(o.flight) == 0 {
		o.settled = time.Now()
	}
	behind := o.pass || o.pages
	p := ping{caughtUp: o.known && !behind && time.Since(o.settled) < calm}
	if p.behind.Batches = uint64(len(o.flight)); behind {
		p.behind.Batches = max(p.behind.Batches, o.lacks)
		p.behind.Oldest = o.oldest
	}
	if p.caughtUp {
		p.behind.Batches = 0
	}
	p.behind.Bytes = p.behind.Batches * o.mean
	return p
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
	if err := s.away.has(held); err != nil {
		return err
	}
	for i := range s.away.flight {
		f := &s.away.flight[i]
		f.held = f.held || held.Has(f.key.StreamKey, f.key.Seq)
	}
	err = s.away.answeredUp(through, func(f flying) error {
		switch {
		case f.held:
			s.count.sent++
			delete(s.away.tries, f.key)
			return nil
		case f.returned:
			return nil
		}
		return s.retried(f, "it was not answered for")
	})
	poke(s.kick)
	return err
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
	for _, id := range f.uses {
		delete(s.away.carried, id)
	}
	givenUp, err := s.away.retry(f.key)
	if givenUp {
		s.count.givenUp++
		s.opt.Logger.Error("the peer does not take a batch: it is left until the next connection", "batch", f.key.String(), "says", reason)
	} else if err == nil {
		s.opt.Logger.Warn("the peer did not take a batch: it is sent again", "batch", f.key.String(), "says", reason)
	}
	poke(s.kick)
	return err
}

// maxAgains bounds how often a peer may lose what it held, on one connection.
const maxAgains = 256

// again takes the peer's word that it lost what it held. The caller holds mu.
func (s *session) again(payload []byte) error {
	v, err := journal.UnmarshalVector(payload)
	if err != nil {
		return fmt.Errorf("what the peer lost: %w", err)
	}
	if s.away.agains++; s.away.agains > maxAgains {
		return broken("what was held, asked for more than %d times", maxAgains)
	}
	s.away.lost(v)
	poke(s.kick)
	return nil
}

// asked takes the peer's wish for the base that it was offered. The caller holds mu.
func (s *session) asked(payload []byte) error {
	site, d, err := parseOffer(payload)
	if err != nil {
		return err
	}
	if site != s.opt.Site || d != s.away.offered {
		return broken("a base that was not offered")
	}
	s.away.asked = true
	poke(s.kick)
	return nil
}
