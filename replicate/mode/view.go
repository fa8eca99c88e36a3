package mode

import "time"

// view is an event with what follows from it alone.
type view struct {
	Event
	t        Timers
	callers  []Member      // have authority in a higher generation, and are here
	higher   bool          // somebody showed a higher generation
	rival    bool          // somebody showed a generation as high, and another one
	silent   time.Duration // since authority of this generation was heard
	alone    bool          // nobody is here
	outdone  bool          // a box that was elected later has authority
	isolated bool          // and neither is anything else
	removed  bool          // the others took this member out
}

func look(e Event, t Timers) view {
	v := view{Event: e, t: t, silent: Never, alone: true}
	mine := e.Self.Generation
	for _, m := range e.Members {
		here := m.here(t)
		v.alone = v.alone && !here
		switch {
		case m.Generation.Counter > mine.Counter:
			v.higher = true
			if here && m.Authority && m.Role == Box {
				v.callers = append(v.callers, m)
			}
		case m.Generation.Counter == mine.Counter && m.Generation != mine:
			v.rival = true
		case m.Generation == mine && m.Role == Box:
			v.silent = min(v.silent, v.authority(m))
			v.outdone = v.outdone || here && m.Authority && m.Term > e.Self.Term
			v.Outdated = v.Outdated || e.sole() && here && m.Applied > e.Self.Last
		}
	}
	v.isolated = v.alone && e.Self.Isolated
	v.removed = e.Struck.by(e.Self)
	return v
}

// by says whether to believe it: only a box with authority may say so that holds all that this
// member does, or was taken over since. One that was put back from before this member joined, or the
// other one of two takeovers, is not believed.
func (s Struck) by(self Hello) bool {
	if s.By == "" || s.Applied == 0 {
		return false
	}
	return s.Generation.Counter > self.Generation.Counter || s.Generation == self.Generation && s.Applied >= self.Applied
}

// authority is for how long m, of this generation, has not shown authority. That Raft hears it as
// its leader counts too, unless it says itself that it has none.
func (v view) authority(m Member) time.Duration {
	silent := Never
	if m.Authority {
		silent = m.Silent
	}
	if m.Node == v.Raft.Leader && !v.Raft.Leads && !m.here(v.t) {
		silent = min(silent, v.Raft.Silent)
	}
	return silent
}

// of are the timers of a member. A witness is called once in a second only, and so hears of the others.
func (t Timers) of(role Role) Timers {
	if role == Witness {
		t.Demote *= 3
	}
	return t
}

// here says whether a member is heard. A witness is asked once in a second only.
func (m Member) here(t Timers) bool {
	if m.Role == Witness {
		return m.Silent <= 3*t.Demote
	}
	return m.Silent <= t.Demote
}

// Caught says whether what this member has of what is agreed on is not of an earlier time: it has caught up in this life.
func Caught(e Event, t Timers) bool { return look(e, t.of(e.Self.Role)).caught() }

// caught says whether this member has all that is agreed on in its life: it votes, or has what a box with authority has.
func (v view) caught() bool {
	for _, m := range v.Members {
		if v.Vote == Nonvoter && m.Role == Box && m.Authority && m.here(v.t) && m.Generation == v.Self.Generation && m.Applied > 0 && v.Self.Applied >= m.Applied {
			return true
		}
	}
	return v.Vote == Voter
}

// timely says whether Raft runs with the timers that its configuration asks for.
func (v view) timely() bool { return v.Raft.Short == v.witnessed() }

// votes says whether a life of it is a voter.
func (m Member) votes() bool {
	for _, s := range m.Servers {
		if s.Vote == Voter {
			return true
		}
	}
	return false
}

// vote is what the life it has is in the configuration.
func (m Member) vote() Vote {
	for _, s := range m.Servers {
		if s.Life == m.Life {
			return s.Vote
		}
	}
	return NoVote
}

// voters counts them, this member too.
func (e Event) voters() int {
	count := 0
	if e.Vote == Voter {
		count = 1
	}
	for _, m := range e.Members {
		if m.votes() {
			count++
		}
	}
	return count
}

// sole says whether this member decides alone what is agreed on.
func (e Event) sole() bool { return e.Vote == Voter && e.voters() == 1 }

// peers are the other boxes of the pair.
func (e Event) peers() []Member {
	var list []Member
	for _, m := range e.Members {
		if m.Role == Box && (m.Agreed || len(m.Servers) > 0) {
			list = append(list, m)
		}
	}
	return list
}

// witnessed says whether a witness is a member: then Raft's timers are the short ones. One that is away, or begins a new life, still
// is one: nothing changes for the boxes when it comes and goes.
func (e Event) witnessed() bool {
	for _, m := range e.Members {
		if m.Role == Witness && (m.Agreed || len(m.Servers) > 0) {
			return true
		}
	}
	return e.Self.Role == Witness
}

// member finds one.
func (e Event) member(id NodeID) (Member, bool) {
	for _, m := range e.Members {
		if m.Node == id {
			return m, true
		}
	}
	return Member{}, false
}
