package uplink

import "time"

// Times in this file are since some beginning, by a clock that only goes forward.

// Never is a time that has not come.
const Never time.Duration = -1

// Seen is what is known of one way.
type Seen struct {
	Link     Tri           // its interface is there and has a carrier
	Answered time.Duration // when headquarters last answered over it; Never
	Waiting  time.Duration // since when something waits for an answer over it; Never: nothing does
}

// State is which way is taken. The zero State is not one: Begin is.
type State struct {
	Using  int             // -1: none, all are called
	Since  time.Duration   // Using is what it is
	Proven []time.Duration // since when each way answers whenever it is asked; Never: it does not
	Back   time.Duration   // when a better way was last taken again; Never
	Failed int             // how often in a row that did not last
}

const (
	lasting    = 10 // hold-downs that a better way must last, or the next hold-down is twice as long
	mostDouble = 3  // times that it doubles
	stale      = 4  // probes without an answer: what was proven is not any more
	noWay      = -1
)

// Begin is the state before anything is known.
func Begin(ways int) State {
	s := State{Using: noWay, Proven: make([]time.Duration, ways), Back: Never}
	for i := range s.Proven {
		s.Proven[i] = Never
	}
	return s
}

// Step says which way is to be taken now. A way is left when its link is down, or when something has waited
// for an answer over it for t.FailOver; then all are called, and the first in order that answers is taken. A
// better way is taken again when it has answered for t.HoldDown without a failure; both lanes move.
func Step(s State, now time.Duration, seen []Seen, t Timing) State {
	s.Proven = append([]time.Duration(nil), s.Proven...)
	for i, w := range seen {
		s.Proven[i] = proven(s.Proven[i], now, w, t)
	}
	if s.Using != noWay && lost(seen[s.Using], now, t) {
		s = s.left(now, t)
	}
	if s.Using == noWay {
		return s.first(now, seen)
	}
	if s.Back != Never && now-s.Back >= lasting*t.HoldDown {
		s.Failed = 0
	}
	for i := range s.Using {
		if s.Proven[i] != Never && now-s.Proven[i] >= s.holdDown(t) && now-seen[i].Answered < stale*t.Probe {
			s.Using, s.Since, s.Back = i, now, now
			break
		}
	}
	return s
}

// proven returns since when a way answers whenever it is asked.
func proven(before, now time.Duration, w Seen, t Timing) time.Duration {
	switch {
	case w.Link == No || w.Waiting != Never || w.Answered == Never:
		return Never
	case before == Never && now-w.Answered < stale*t.Probe:
		return w.Answered
	case now-w.Answered >= stale*max(t.Probe, t.Standby):
		return Never
	}
	return before
}

func lost(w Seen, now time.Duration, t Timing) bool {
	return w.Link == No || w.Waiting != Never && now-w.Waiting >= t.FailOver
}

// left gives up the way in use.
func (s State) left(now time.Duration, t Timing) State {
	if s.Back != Never && s.Since == s.Back && now-s.Back < lasting*t.HoldDown {
		s.Failed = min(s.Failed+1, mostDouble)
	}
	s.Proven[s.Using] = Never
	s.Using, s.Since = noWay, now
	return s
}

// first takes the first way in order that has answered since none was in use.
func (s State) first(now time.Duration, seen []Seen) State {
	for i, w := range seen {
		if w.Link != No && w.Waiting == Never && w.Answered != Never && w.Answered >= s.Since {
			s.Using, s.Since = i, now
			return s
		}
	}
	return s
}

func (s State) holdDown(t Timing) time.Duration { return t.HoldDown << s.Failed }
