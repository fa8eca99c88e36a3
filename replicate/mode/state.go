package mode

import (
	"slices"
	"time"
)

// State is what a member is, and what it remembers from step to step. The zero State is that of a
// process that just started.
type State struct {
	Mode      Mode
	Since     time.Duration // when Mode began
	Why       string        // in words
	Authority bool
	Powers    Powers
	Epoch     uint64   // what was done with the powers of one epoch ends before those of the next are given
	Cut       bool     // no byte of Raft goes out or comes in
	Stand     bool     // it may ask for votes
	Holds     bool     // nothing new is agreed on for a moment: a silent member may have to be set aside first
	Rested    bool     // it could act, and handed its authority over; what it made a device do may still be under way
	Waits     bool     // it is the only voter, and the others have not shown yet that it may have authority
	Lives     []string // the servers Raft may speak with: those that know this life
	Alarms    []Alarm

	open     Generation    // the one in which it may have authority as the only voter
	heard    time.Duration // when authority was heard, or own
	led      time.Duration // when Raft had a leader
	owned    time.Duration // when authority was gained
	clean    bool          // who had authority before left nothing half done
	gave     uint64        // the term in which it handed over last
	woke     time.Duration // when it stood still last while it had authority; 0: never
	yielding bool          // it hands leadership over
	leads    time.Duration // since when Raft leads; 0: it does not
	slow     bool
	slowed   time.Duration // when it was last slow
	late     time.Duration // since when Raft runs with other timers than it should
	handed   time.Duration // when leadership was handed over; 0: never
	filled   time.Duration // since when its disk is full; 0: it is not
	memories []memory
}

// memory is what is remembered of one member.
type memory struct {
	node       NodeID
	life       string
	generation Generation
	met        time.Duration // when this life was heard first in this generation
	here       bool          // it is heard, also by Raft
	since      time.Duration // since when it is here, or is not; 0: it was never heard
	voted      time.Duration // since when it votes; 0: it does not
	lost       bool          // it had its vote before, and lost it
	wait       time.Duration // for so long it has to be here before it votes
	filled     time.Duration // when it said last that its disk is full; 0: never
}

// of returns what is remembered of a member.
func (s *State) of(m Member, t Timers) *memory {
	for i := range s.memories {
		if s.memories[i].node == m.Node {
			return &s.memories[i]
		}
	}
	s.memories = append(s.memories, memory{node: m.Node, wait: t.Settle})
	return &s.memories[len(s.memories)-1]
}

// Anew is the state of a member that began a new life: it has yet to meet the others.
func (s State) Anew() State {
	s.memories, s.Lives, s.Rested = slices.Clone(s.memories), nil, false
	for i := range s.memories {
		s.memories[i].life = ""
	}
	return s
}

// listen brings what is remembered of the members up to e.
func (s *State) listen(e Event, t Timers) {
	s.memories = slices.DeleteFunc(slices.Clone(s.memories), func(r memory) bool {
		_, there := e.member(r.node)
		return !there
	})
	s.Lives = nil
	for _, m := range e.Members {
		r := s.of(m, t)
		r.hear(m, e.Now, t)
		if r.life != "" && e.Now-r.met >= greet {
			s.Lives = append(s.Lives, r.life)
		}
	}
}

// hear brings it up to what m shows.
func (r *memory) hear(m Member, now time.Duration, t Timers) {
	here := m.here(t)
	if here && (m.Life != r.life || m.Generation != r.generation) {
		r.life, r.generation, r.met = m.Life, m.Generation, now
	}
	if here && m.Full {
		r.filled = max(now, 1)
	}
	r.damp(m.votes(), now, t)
	if here = here && m.RaftSilent == 0; here != r.here || here && r.since == 0 {
		r.here, r.since = here, max(now, 1)
	}
}

// damp has a member that loses its vote again soon after it got it wait twice as long for the next
// one. That it is not heard for a moment without losing a vote is no flapping: it joins, or Raft
// starts again there or here.
func (r *memory) damp(votes bool, now time.Duration, t Timers) {
	switch {
	case votes == (r.voted != 0):
		return
	case votes:
		r.voted = max(now, 1)
		return
	case r.lost && now-r.voted < t.SettleMost:
		r.wait = min(2*r.wait, t.SettleMost)
	default:
		r.wait = t.Settle
	}
	r.voted, r.lost = 0, true
}

// greet is how long a life is heard before Raft may speak with it: by then the other side knows
// the life of this member too, and sends nothing that was meant for an earlier one.
const greet = 500 * time.Millisecond
