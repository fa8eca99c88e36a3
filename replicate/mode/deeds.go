package mode

import (
	"cmp"
	"slices"
	"time"
)

// behind is how many entries a member may lack when it gets the vote.
const behind = 64

func (s *State) effects(v view) []Effect {
	switch {
	case v.LogBusy > v.t.DiskDead:
		return []Effect{{Do: EndProcess, Why: "a write to the log of the pair has lasted " + v.LogBusy.Truncate(time.Second).String()}}
	case v.Raft.Pending:
		return nil
	case !v.Verified, v.removed:
		return nil
	case v.Former && v.caught():
		return []Effect{{Do: Forget, Why: "this life is caught up"}}
	case len(v.callers) > 0:
		return []Effect{{Do: Begin, Node: v.callers[0].Node, Generation: v.callers[0].Generation, Why: "a box of a higher generation has authority"}}
	case v.Outdated && v.silent <= v.t.Island:
		return []Effect{{Do: Begin, Generation: v.Self.Generation, Why: "this life forgot what it had acknowledged"}}
	case v.Takeover:
		return s.takeOver(v, "a person ordered it")
	case s.Mode == Island && !v.sole() && v.peersOff() && !v.Empty && v.next():
		return s.takeOver(v, "the other box is proven to have no power")
	}
	if v.Raft.Leads && v.HandTo != (NodeID{}) {
		return s.handTo(v)
	}
	if restart := s.restart(v); restart != nil {
		return restart
	}
	if !v.Raft.Leads {
		return nil
	}
	return s.lead(v)
}

// handTo gives leadership to the box that a person named; one that waits for its vote gets that first.
func (s *State) handTo(v view) []Effect {
	m, _ := v.member(v.HandTo)
	switch {
	case m.vote() == Voter:
		return []Effect{{Do: Transfer, Node: v.HandTo, Why: "a person ordered it"}}
	case m.Role == Box && m.vote() == Nonvoter && m.Generation == v.Self.Generation && s.fit(v, m):
		return []Effect{{Do: Promote, Node: v.HandTo, Life: m.Life, Why: "a person ordered it to lead"}}
	}
	return nil
}

func (s *State) takeOver(v view, why string) []Effect {
	s.open = v.Next
	return []Effect{{Do: Takeover, Generation: v.Next, Why: why}}
}

// next says whether a takeover would bring a generation above all.
func (v view) next() bool { return v.Next.Counter > v.Self.Generation.Counter && !v.higher }

// peersOff says whether all other boxes are proven to have no power, and no witness is there with
// which Raft elects this box by itself.
func (v view) peersOff() bool {
	peers := v.peers()
	for _, m := range peers {
		if !m.Off || m.here(v.t) {
			return false
		}
	}
	for _, m := range v.Members {
		if m.Role == Witness && m.votes() && m.here(v.t) {
			return false
		}
	}
	return len(peers) > 0
}

// How long a box waits before it changes its timers: who does not lead until it hears somebody with authority, who leads until the
// other box has done so.
const (
	unled   = 5 * time.Second
	overlap = 3 * time.Second
)

// restart brings Raft to the timers of its configuration, one box at a time. Who does not lead does so while another has authority;
// who leads waits until then, and hands over.
func (s *State) restart(v view) []Effect {
	if v.timely() {
		s.late = 0
		return nil
	}
	if s.late == 0 {
		s.late = max(v.Now, 1)
	}
	if !v.Raft.Leads {
		if v.silent > v.t.Demote && v.Now-s.late < unled {
			return nil
		}
		return []Effect{{Do: Restart, Why: "a witness joined or left"}}
	}
	if v.Now-s.late < overlap {
		return nil
	}
	if heir, ok := v.heir(); ok && !heir.Full && v.Now-s.late < 10*time.Second {
		return []Effect{{Do: Transfer, Node: heir.Node, Why: "a witness joined or left"}}
	}
	return []Effect{{Do: Restart, Why: "a witness joined or left"}}
}

// heir is the box that is best fit to lead: it votes, is here, and holds the most.
func (v view) heir() (Member, bool) {
	var fit []Member
	for _, m := range v.Members {
		if m.Role == Box && m.vote() == Voter && m.here(v.t) && !m.Isolated && m.Generation == v.Self.Generation && m.Mode != Boot {
			fit = append(fit, m)
		}
	}
	if len(fit) == 0 {
		return Member{}, false
	}
	return slices.MaxFunc(fit, func(a, b Member) int {
		return cmp.Or(cmp.Compare(a.Last, b.Last), cmp.Compare(room(a), room(b)))
	}), true
}

// room is 1 for a box that keeps what it reads.
func room(m Member) int {
	if m.Full {
		return 0
	}
	return 1
}

// lead is what Raft's leader does to its configuration: the most urgent thing, if any.
func (s *State) lead(v view) []Effect {
	if v.Self.Role == Witness {
		if heir, ok := v.heir(); ok {
			return []Effect{{Do: Transfer, Node: heir.Node, Why: "a witness keeps no journal"}}
		}
		return nil
	}
	if v.higher || v.rival || s.slow || v.isolated || s.closed(v) {
		return nil
	}
	if e := s.demote(v); e != nil {
		return e
	}
	if !v.Raft.Ready {
		return nil
	}
	if e := s.handOver(v); e != nil {
		return e
	}
	for _, m := range v.Members {
		if e, ok := s.tend(v, m); ok {
			return []Effect{e}
		}
	}
	return nil
}

// demote takes the vote from a member whose silence would cost this one its lease, and from a
// silent witness while the other box is there, so that its loss costs nothing later.
func (s *State) demote(v view) []Effect {
	for _, m := range v.Members {
		if !m.votes() {
			continue
		}
		two := v.voters() == 2
		switch {
		case two && m.Role == Box && m.Silent > v.t.Demote && m.RaftSilent > 0, two && m.RaftSilent > v.patience():
			return []Effect{{Do: Demote, Node: m.Node, Why: "it is silent on every path"}}
		case !two && m.Role == Witness && m.Silent > v.t.Witness && v.company():
			return []Effect{{Do: Demote, Node: m.Node, Why: "the witness is silent, and the other box is there"}}
		}
	}
	return nil
}

// doubts says whether the only other voter may have to be set aside soon. That takes a write or two within the lease: on a
// slow disk there is no time for others before it.
func (v view) doubts() bool {
	if !v.Raft.Leads || v.voters() != 2 {
		return false
	}
	return slices.ContainsFunc(v.Members, func(m Member) bool {
		return m.votes() && (m.Silent > v.t.Demote/2 || m.RaftSilent > 0)
	})
}

// patience is for how long Raft alone may not reach the other of two voters: what is left of the
// lease is for setting it aside.
func (v view) patience() time.Duration {
	if v.Raft.Short {
		return min(v.t.Demote, v.t.Short*7/10)
	}
	return v.t.Lease * 6 / 10
}

// company says whether another box votes and is here.
func (v view) company() bool {
	for _, m := range v.Members {
		if m.Role == Box && m.vote() == Voter && m.here(v.t) {
			return true
		}
	}
	return false
}

// fullFor is how long its disk is full before a box hands over: less may pass while old records make room.
const fullFor = 2 * time.Second

// handOver gives authority to a box that reaches the devices, follows what is agreed on, or keeps what it reads, when this one does not.
func (s *State) handOver(v view) []Effect {
	heir, ok := v.heir()
	why := "this box reaches neither the network nor the devices"
	switch {
	case v.Stuck != "":
		why = v.Stuck
	case v.Self.Isolated:
	case s.filled != 0 && v.Now-s.filled >= fullFor:
		why, ok = "the disk of this box is full", ok && s.roomy(v, heir)
	default:
		return nil
	}
	if !ok || s.handed != 0 && v.Now-s.handed < v.t.Settle {
		return nil
	}
	s.handed = max(v.Now, 1)
	return []Effect{{Do: Transfer, Node: heir.Node, Why: why}}
}

// roomy says whether another box keeps what it reads, has all that is here, and had room long enough: two boxes whose disks are
// full by turns hand over to and fro once in a while only.
func (s *State) roomy(v view, m Member) bool {
	r := s.of(m, v.t)
	return s.fit(v, m) && !m.Full && (r.filled == 0 || v.Now-r.filled >= v.t.Settle)
}

// tend brings the configuration one change nearer to what m is.
func (s *State) tend(v view, m Member) (Effect, bool) {
	here := m.here(v.t)
	for _, server := range m.Servers {
		switch {
		case !m.Agreed:
			return Effect{Do: Remove, Node: m.Node, Life: server.Life, Why: "it is a member no more"}, true
		case here && m.Life != "" && server.Life != m.Life:
			return Effect{Do: Remove, Node: m.Node, Life: server.Life, Why: "it began a new life"}, true
		}
	}
	if !here || !m.Agreed || m.Life == "" || m.Generation != v.Self.Generation || v.Now-s.of(m, v.t).met < 2*greet {
		return Effect{}, false
	}
	switch m.vote() {
	case NoVote:
		return Effect{Do: AddNonvoter, Node: m.Node, Life: m.Life, Why: "it waits to be taken in"}, true
	case Nonvoter:
		return Effect{Do: Promote, Node: m.Node, Life: m.Life, Why: "it is back and caught up"}, s.ripe(v, m)
	}
	return Effect{}, false
}

// ripe says whether a member may have its vote back. A witness gets it only while the other box
// votes: beside a lone box it would be one more whose silence stops everything.
func (s *State) ripe(v view, m Member) bool {
	r := s.of(m, v.t)
	return v.Now-max(r.since, r.met) >= r.wait && s.fit(v, m)
}

// fit says whether nothing but time speaks against a member's vote.
func (s *State) fit(v view, m Member) bool {
	if !s.of(m, v.t).here || m.Applied == 0 || m.Applied+behind < v.Self.Applied || m.Mode == Boot || !v.timely() {
		return false
	}
	if m.Role == Witness {
		return v.company()
	}
	return m.CaughtUp
}
