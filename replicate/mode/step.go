package mode

import (
	"slices"
	"time"
)

// Step says what a member is after e, and what is to be done. It is pure: the same state and event
// give the same answer. It is to be called at least every 200 ms, and at once when Raft's
// leadership changes or a member shows something new.
func Step(s State, e Event, t Timers) (State, []Effect) {
	t = t.of(e.Self.Role)
	v := look(e, t)
	s.listen(e, t)
	s.watchDisk(v)
	s.watchRoom(v)
	s.guard(v)
	s.Waits = s.closed(v)
	s.Cut = s.Cut || s.Waits // what Raft writes alone meanwhile would look to the others as if this one had forgotten it
	s.lease(v)
	was := s.Authority
	s.Authority = s.may(v)
	if s.Authority {
		s.open = e.Self.Generation
		if !was {
			s.owned = e.Now
			s.clean = s.Rested && s.gave == e.Self.Term // nobody took what it handed over
			s.Rested = false
		}
		s.clean = s.clean || s.inherits(v)
	}
	if was || s.Authority || s.Mode == Boot {
		s.heard = e.Now
	}
	if v.silent != Never {
		s.heard = max(s.heard, e.Now-v.silent)
	}
	s.stand(v)
	s.enter(v)
	effects := s.effects(v)
	if s.yields(v, effects) {
		s.Rested, s.gave = s.Powers.Has(Act), e.Self.Term
		s.Authority, s.yielding = false, true
		s.enter(v)
	}
	s.Holds = v.doubts()
	s.Alarms = s.alarms(v)
	return s, effects
}

// yields says whether effects take leadership away from this member: its authority ends before.
func (s *State) yields(v view, effects []Effect) bool {
	for _, e := range effects {
		if e.Do == Transfer || e.Do == Restart && v.Raft.Leads {
			return s.Authority
		}
	}
	return false
}

// watchDisk cuts a member with a slow log off Raft, so that another is elected, or it set aside.
func (s *State) watchDisk(v view) {
	if v.LogBusy > v.t.DiskSlow {
		s.slow, s.slowed = true, v.Now
	}
	if s.slow && v.Now-s.slowed > v.t.DiskSlow {
		s.slow = false
	}
	s.Cut = s.slow || !v.Verified || v.Outdated
}

// watchRoom notes since when the disk is full.
func (s *State) watchRoom(v view) {
	switch {
	case !v.Self.Full:
		s.filled = 0
	case s.filled == 0:
		s.filled = max(v.Now, 1)
	}
}

// guard opens the gate. A box that starts and finds itself the only voter may have been overtaken
// while it was off: it waits until every other box proves that this was not so.
func (s *State) guard(v view) {
	if v.Vote == Voter && v.voters() > 1 || s.closed(v) && s.harmless(v) {
		s.open = v.Self.Generation
	}
}

// closed says whether the gate keeps this member from authority.
func (s *State) closed(v view) bool {
	return v.sole() && len(v.peers()) > 0 && s.open != v.Self.Generation
}

// harmless says whether no other box can have taken over: each says so, and has had time to say
// that this one forgot something, or it has no power. One that is only starting does not know yet.
func (s *State) harmless(v view) bool {
	for _, m := range v.Members {
		if m.Generation == v.Self.Generation && m.Applied > v.Self.Last {
			return false // what this one agreed on alone, and no longer has
		}
	}
	for _, m := range v.peers() {
		r := s.of(m, v.t)
		behind := m.here(v.t) && m.Life != "" && r.life == m.Life && v.Now-r.met >= 2*greet && m.Generation.Counter <= v.Self.Generation.Counter && !m.Authority
		if !behind && !m.Off {
			return false
		}
	}
	return !v.higher && !v.rival && !v.Outdated
}

// lease notes since when Raft leads.
func (s *State) lease(v view) {
	switch {
	case !v.Raft.Leads:
		s.leads = 0
	case s.leads == 0:
		s.leads = max(v.Now, 1)
	}
}

// overlaps says whether another box may still believe in its lease. Who is elected because another handed over is
// elected before that one's lease is over; it waits until that box shows that it knows, or for as long as a lease lasts.
func (s *State) overlaps(v view) bool {
	if !v.Raft.Handed || v.Now-s.leads > v.lease() || v.Now-s.leads < 0 {
		return false
	}
	for _, m := range v.peers() {
		if m.votes() && (m.Authority || m.Term < v.Self.Term || !m.here(v.t)) {
			return true
		}
	}
	return false
}

// inherits says whether authority was handed to this member by a box that could act, and has nothing half done. It says so in a term
// that began with the handing over, so its word is not of before, and it has not ended since, or it would not know.
func (s *State) inherits(v view) bool {
	for _, m := range v.peers() {
		if !m.here(v.t) || m.Authority || !m.Rested || m.Generation != v.Self.Generation || m.Term < v.Self.Term {
			return false
		}
	}
	return v.Raft.Handed && len(v.peers()) > 0
}

// lease is for how long after it was elected, or stood still, a leader may be believed in that is none any more.
func (v view) lease() time.Duration {
	if v.Raft.Short {
		return v.t.Short + v.t.RPC
	}
	return v.t.Lease + v.t.RPC
}

// doubts says whether Raft's leadership may be over without its knowledge. After this member stood still, Raft takes an
// answer from before for a new one, and whoever took over was not heard yet; and with three voters a lease of a bare pair
// outlives the next election.
func (s *State) doubts(v view) bool {
	if v.Woke && s.Authority {
		s.woke = max(v.Now, 1)
	}
	wait := v.t.Demote
	if v.voters() > 2 {
		wait = max(wait, v.lease())
	}
	return v.outdone || s.woke != 0 && v.Now-s.woke <= wait || v.voters() > 2 && !v.Raft.Short
}

// leased says whether a majority answered within the lease, where the others could elect another. Raft looks at that itself,
// but not while it waits for the disk.
func (v view) leased() bool {
	lease, heard := v.t.Lease, 1
	if v.Raft.Short {
		lease = v.t.Short
	}
	for _, m := range v.Members {
		if m.votes() && m.RaftSilent <= lease {
			heard++
		}
	}
	voters := v.voters()
	return 2*(voters-1) <= voters || 2*heard > voters
}

// may says whether this member has authority: Raft's leadership alone is not enough.
func (s *State) may(v view) bool {
	s.yielding = s.yielding && v.Raft.Pending
	return !v.removed && !s.doubts(v) && !s.yielding && v.Stuck == "" && v.Self.Role == Box && v.Verified && v.Raft.Leads && v.Raft.Ready && v.Self.Generation != Generation{} &&
		!v.higher && !v.rival && !v.Outdated && !s.slow && !v.isolated && !s.closed(v) && !s.overlaps(v) && v.leased()
}

// stand decides whether this member may ask for votes. A witness does so when it holds what no box
// holds that is here, since it votes for none of them then, or when none was elected for long.
func (s *State) stand(v view) {
	if v.Raft.Leader != (NodeID{}) || v.Raft.Leads {
		s.led = v.Now
	}
	heir, ok := v.heir()
	s.Stand = v.Self.Role == Box && v.Stuck == "" || ok && heir.Last < v.Self.Last || v.Now-s.led > 4*v.t.Election
}

// enter sets mode, reason, powers and epoch.
func (s *State) enter(v view) {
	before, had := s.Mode, s.Powers.class()
	s.Mode, s.Why = s.mode(v)
	if s.Mode != before {
		s.Since = v.Now
	}
	s.Powers = s.powers(v)
	if class := s.Powers.class(); class != had || s.Authority && s.owned == v.Now {
		s.Epoch++
	}
}

func (s *State) powers(v view) Powers {
	switch s.Mode {
	case Leader, Solo:
		if s.clean || v.Now-s.owned >= v.t.Quarantine {
			return PowersOf(Visit, Notify, Configure, Address, Act)
		}
		return PowersOf(Visit, Notify, Configure, Address)
	case Island:
		return PowersOf(Visit, Notify, Address)
	}
	return 0
}

// ActsIn is how long a box that has authority makes no device do anything yet; 0 for one that has none.
func (s *State) ActsIn(now time.Duration, t Timers) time.Duration {
	if !s.Authority || s.clean {
		return 0
	}
	return max(0, t.Quarantine-(now-s.owned))
}

// class tells apart powers with authority, without, and none at all.
func (p Powers) class() int {
	switch {
	case p.Has(Configure):
		return 2
	case p.Has(Visit):
		return 1
	}
	return 0
}

func (s *State) mode(v view) (Mode, string) {
	calm := v.Now-s.heard <= v.t.Island
	switch {
	case !v.Verified:
		return Boot, "what this member keeps is being checked"
	case v.removed:
		return Removed, removedWords(v.Struck.By)
	case v.Self.Role == Witness && v.Vote == NoVote:
		return Rejoin, "it waits to be taken in"
	case v.Self.Role == Witness:
		return Witnessing, "it votes"
	case s.Authority && v.sole() && len(v.peers()) > 0:
		return Solo, "it has authority, and the other box has no vote: it is away, or was until a moment ago"
	case s.Authority:
		return Leader, "it has authority"
	case len(v.callers) > 0, calm && v.Vote == NoVote:
		return Rejoin, "it begins anew and waits to be taken in"
	case calm && v.silent <= v.t.Island:
		return Follower, "another has authority"
	case calm:
		return Follower, "nobody has authority: the members choose"
	}
	return Island, s.stranded(v)
}

// removedWords says what a member does that was taken out.
func removedWords(by string) string {
	return by + ` says that this machine is a member of the pair no more: run "rackpost pair leave" here, and to bring it back "rackpost pair join" with a token of ` + by
}

// stranded says in words why an island has no authority, and what gives it some.
func (s *State) stranded(v view) string {
	const order = `; if the other box is off or gone: "rackpost pair takeover"`
	switch {
	case v.rival:
		return `both boxes were taken over, each alone: pick the one that goes on with "rackpost pair takeover" there`
	case v.Empty && !v.Former:
		return "it holds nothing that was agreed on: it is new here, or its disk was emptied; it waits for a box with authority, which takes it in"
	case v.higher && !v.Empty:
		return "another took over while this box was away: it waits to hear it"
	case v.Outdated:
		return `its disk was put back from an old image: it waits for a box with authority, or for "rackpost pair takeover" on the other box`
	case s.slow:
		return "its disk does not keep up"
	case v.Stuck != "":
		return "it cannot follow what is agreed on: " + v.Stuck
	case v.isolated:
		return "it reaches neither another member nor the network"
	case v.Former:
		return "it gave up what it had agreed on for a box that took over and is not heard any more, and is not caught up: if that box is gone for good, \"rackpost pair takeover\" goes on with what was given up"
	case s.closed(v):
		return "it was the only voter when it stopped, and the other may have been taken over since: it waits to hear the other box" + order
	}
	return "it hears nobody with authority: it waits for the other box or the witness" + order
}

// Refusal says why a takeover is not to be, in words; "" when nothing speaks against it.
func Refusal(s State, e Event, t Timers) string {
	v := look(e, t)
	switch {
	case e.Self.Role != Box:
		return "a witness keeps no journal and leads nothing: take over on a box"
	case v.removed:
		return removedWords(e.Struck.By) + "; if " + e.Struck.By + " is gone for good, \"rackpost pair leave\" here and then \"rackpost pair init\" begin a new pair with the records of this box: nobody of the old one would listen to it after a takeover"
	case s.Authority:
		return "this box has authority already"
	case len(v.callers) > 0:
		return "a box of a higher generation has authority: this one joins it by itself"
	case v.silent <= t.Island:
		return "the other box is alive and has authority: hand it over with \"rackpost pair transfer\", or stop the other box first"
	case e.Empty && !e.Former:
		return "this box holds nothing that was agreed on: take over on the box that does, or begin a new pair"
	case v.Outdated && slices.ContainsFunc(v.peers(), func(m Member) bool { return m.here(t) && m.Generation == e.Self.Generation }):
		return "this box's disk was put back from an old image, and the other box knows more: take over there"
	case s.Mode != Island:
		return "the members may still choose: try again in " + (t.Island + time.Second).String()
	}
	return ""
}
