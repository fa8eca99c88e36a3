package mode_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/replicate/mode"
)

var (
	me, peer, third = mode.NodeID{1}, mode.NodeID{2}, mode.NodeID{3}
	first           = mode.Generation{Counter: 1, Random: 11}
	second          = mode.Generation{Counter: 2, Random: 22}
	timers          = mode.DefaultTimers()
)

// change is what makes one event different from another.
type change func(*mode.Event)

// box is a member that votes and was heard a moment ago.
func box(id mode.NodeID, life string) mode.Member {
	return mode.Member{Hello: mode.Hello{Node: id, Role: mode.Box, Life: life, Generation: first, Mode: mode.Follower, Applied: 10, Last: 10},
		Agreed: true, CaughtUp: true, Servers: []mode.Server{{Life: life, Vote: mode.Voter}}}
}

// at is an event of a bare pair that this member leads, changed.
func at(now time.Duration, changes ...change) mode.Event {
	e := mode.Event{Now: now, Verified: true, Vote: mode.Voter, Members: []mode.Member{box(peer, "b")},
		Self: mode.Hello{Node: me, Role: mode.Box, Life: "a", Generation: first, Applied: 10, Last: 10},
		Raft: mode.Raft{Leads: true, Ready: true, Leader: me, Silent: mode.Never}, Next: second}
	for _, c := range changes {
		c(&e)
	}
	return e
}

// follow makes the other box lead.
func follow(e *mode.Event) {
	e.Raft = mode.Raft{Leader: peer, Short: e.Raft.Short}
	e.Members[0].Mode, e.Members[0].Authority = mode.Leader, true
}

// lost is a member without any leader.
func lost(e *mode.Event) {
	e.Raft = mode.Raft{Silent: 5 * time.Second, Short: e.Raft.Short}
	silent(5 * time.Second)(e)
}

func silent(d time.Duration) change {
	return func(e *mode.Event) { e.Members[0].Silent, e.Members[0].RaftSilent = d, d }
}

// more is a box that applied what this one does not have.
func more(e *mode.Event) { e.Members[0].Applied = 11 }

func votes(v mode.Vote) change {
	return func(e *mode.Event) { e.Members[0].Servers[0].Vote = v }
}

// struck is what a box said of this member, being of generation g and so far.
func struck(g mode.Generation, applied uint64) change {
	return func(e *mode.Event) { e.Struck = mode.Struck{By: "box-b", Generation: g, Applied: applied} }
}

// handTo is a person's order to hand over to the other box.
func handTo(e *mode.Event) { e.HandTo = peer }

// witnessed adds a witness that votes.
func witnessed(e *mode.Event) {
	w := box(third, "w")
	w.Role, w.Mode = mode.Witness, mode.Witnessing
	e.Members, e.Raft.Short = append(e.Members, w), true
}

// woke is a member that stood still, and stuck one that is of an older version than what was agreed on.
func woke(e *mode.Event)  { e.Woke = true }
func stuck(e *mode.Event) { e.Stuck = "update this member" }

// former is a member that keeps the life before, and self one with a vote or none.
func former(e *mode.Event) { e.Former = true }
func self(v mode.Vote) change {
	return func(e *mode.Event) { e.Vote = v }
}

// empty is a member that holds nothing that was agreed on.
func empty(e *mode.Event) { e.Empty, e.Vote, e.Self.Generation = true, mode.NoVote, mode.Generation{} }

// TestWordsOfAnEmptyBox: nobody took over, its disk was emptied.
func TestWordsOfAnEmptyBox(t *testing.T) {
	t.Parallel()
	s, _ := steps(at(0, lost, empty), at(9*sec, lost, empty))
	if s.Mode != mode.Island || !strings.Contains(s.Why, "disk was emptied") || strings.Contains(s.Why, "took over") || strings.Contains(s.Why, "pair takeover") {
		t.Errorf("%v: %s", s.Mode, s.Why)
	}
	if s, _ = steps(at(0, lost, empty, former), at(9*sec, lost, empty, former)); !strings.Contains(s.Why, "pair takeover") {
		t.Errorf("one that keeps the life before: %s", s.Why)
	}
}

// handed is a leader to which another one handed over, and rested one whose peer says that nothing of its acts is under way.
func handed(e *mode.Event) { e.Raft.Handed = true }
func rested(e *mode.Event) { e.Members[0].Rested = true }

// starting is a member whose peer has not opened its log yet.
func starting(e *mode.Event) {
	m := &e.Members[0]
	m.Life, m.Mode, m.Generation, m.Applied, m.Last = "", mode.Boot, mode.Generation{}, 0, 0
}

// full is a member whose disk is full, and fullThere one whose peer's is.
func full(e *mode.Event)      { e.Self.Full = true }
func fullThere(e *mode.Event) { e.Members[0].Full = true }

func generation(g mode.Generation, authority bool) change {
	return func(e *mode.Event) { e.Members[0].Generation, e.Members[0].Authority = g, authority }
}

// steps takes a member through events, and returns what it is then and what is to be done.
func steps(events ...mode.Event) (s mode.State, effects []mode.Effect) {
	for _, e := range events {
		s, effects = mode.Step(s, e, timers)
	}
	return s, effects
}

const sec = time.Second

// row is one row of the state machine: what is seen, and what follows from the last of it.
type row struct {
	name   string
	events []mode.Event
	want   mode.Mode
	powers mode.Powers
	do     string // deed and node's first digit
}

// The powers of leaders, of leaders after the quarantine, and of islands.
const (
	authority = mode.Powers(1<<mode.Visit | 1<<mode.Notify | 1<<mode.Configure | 1<<mode.Address)
	all       = authority | 1<<mode.Act
	island    = mode.Powers(1<<mode.Visit | 1<<mode.Notify | 1<<mode.Address)
)

// leading are the rows of who leads.
func leading() []row {
	return []row{
		{"leader: after the quarantine", []mode.Event{at(0), at(30 * sec)}, mode.Leader, all, ""},
		{"leader: handed over in order", []mode.Event{at(0, follow), at(1*sec, handed, rested)}, mode.Leader, all, ""},
		{"leader: handed over, something is under way there", []mode.Event{at(0, follow), at(1*sec, handed), at(5*sec, handed)}, mode.Leader, authority, ""},
		{"leader: the same, and it is over", []mode.Event{at(0, follow), at(1*sec, handed), at(2*sec, handed, rested)}, mode.Leader, all, ""},
		{"leader: handed over, the other is not heard since", []mode.Event{at(0, follow), at(6*sec, handed, rested, silent(2*sec)), at(11*sec, handed, rested, silent(2*sec))}, mode.Leader, authority, "demote 02"},
		{"leader: handed over, what the other said is of before", []mode.Event{at(0, follow), at(6*sec, handed, rested, func(e *mode.Event) { e.Self.Term = 2 }), at(11*sec, handed, rested, func(e *mode.Event) { e.Self.Term = 2 })}, mode.Leader, authority, ""},
		{"leader: elected, the other handed over to somebody long ago", []mode.Event{at(0, follow), at(1*sec, rested)}, mode.Leader, authority, ""},
		{"leader: nobody took what it handed over", []mode.Event{at(0), at(30 * sec), at(31*sec, handTo), at(32 * sec)}, mode.Leader, all, ""},
		{"leader: another term since it handed over", []mode.Event{at(0), at(30 * sec), at(31*sec, handTo), at(32*sec, func(e *mode.Event) { e.Self.Term = 2 })}, mode.Leader, authority, ""},
		{"leader: nobody took what it handed over before it could act", []mode.Event{at(0), at(10*sec, handTo), at(11 * sec)}, mode.Leader, authority, ""},
		{"leader of two: the other silent", []mode.Event{at(0), at(1*sec, silent(1051*time.Millisecond))}, mode.Leader, authority, "demote 02"},
		{"leader of two: the other silent for less", []mode.Event{at(0), at(1*sec, silent(1050*time.Millisecond))}, mode.Leader, authority, ""},
		{"leader of two: silent on the paths, raft goes on", []mode.Event{at(0), at(1*sec, silent(2*sec), func(e *mode.Event) { e.Members[0].RaftSilent = 0 })}, mode.Leader, authority, ""},
		{"leader of two: raft alone is silent", []mode.Event{at(0), at(1*sec, func(e *mode.Event) { e.Members[0].RaftSilent = 2500 * time.Millisecond })}, mode.Leader, authority, "demote 02"},
		{"leader of two: the other silent, and this one isolated", []mode.Event{at(0), at(1*sec, silent(2*sec), func(e *mode.Event) { e.Self.Isolated = true })}, mode.Follower, 0, ""},
		{"leader: stood still for longer than a lease", []mode.Event{at(0), at(60*sec, woke)}, mode.Follower, 0, ""},
		{"leader: the same, and nobody took over", []mode.Event{at(0), at(60*sec, woke), at(61050 * time.Millisecond), at(61100 * time.Millisecond)}, mode.Leader, authority, ""},
		{"leader of three: stood still", []mode.Event{at(0, witnessed), at(60*sec, witnessed, woke), at(61900*time.Millisecond, witnessed)}, mode.Follower, 0, ""},
		{"leader of three: the same, and a lease later it leads still", []mode.Event{at(0, witnessed), at(60*sec, witnessed, woke), at(62*sec, witnessed)}, mode.Leader, authority, ""},
		{"leader: another with authority was elected later", []mode.Event{at(0), at(1*sec, generation(first, true), func(e *mode.Event) { e.Members[0].Term = 1 })}, mode.Follower, 0, ""},
		{"leader: another with authority was elected before", []mode.Event{at(0), at(1*sec, generation(first, true), func(e *mode.Event) { e.Self.Term, e.Members[0].Term = 2, 1 })}, mode.Leader, authority, ""},
		{"leader of three: with the lease of two", []mode.Event{at(0, witnessed, func(e *mode.Event) { e.Raft.Short = false })}, mode.Follower, 0, ""},
		{"leader: what is agreed on is of a newer version", []mode.Event{at(0), at(1*sec, stuck)}, mode.Follower, 0, "transfer 02"},
		{"leader: the same, and the other is away", []mode.Event{at(0), at(1*sec, stuck, votes(mode.Nonvoter), silent(mode.Never)), at(6*sec, stuck, votes(mode.Nonvoter), silent(mode.Never))}, mode.Island, island, ""},
		{"leader of two: isolated for long", []mode.Event{at(0), at(1*sec, lost, func(e *mode.Event) { e.Self.Isolated = true }), at(6*sec, lost, func(e *mode.Event) { e.Self.Isolated = true })}, mode.Island, island, ""},
		{"leader: isolated, the other is not", []mode.Event{at(0), at(1*sec, func(e *mode.Event) { e.Self.Isolated = true })}, mode.Follower, 0, "transfer 02"},
		{"leader: both isolated", []mode.Event{at(0), at(1*sec, func(e *mode.Event) { e.Self.Isolated, e.Members[0].Isolated = true, true })}, mode.Leader, authority, ""},
		{"leader: its disk is full for a moment", []mode.Event{at(0), at(1*sec, full), at(2900*time.Millisecond, full)}, mode.Leader, authority, ""},
		{"leader: its disk is full", []mode.Event{at(0), at(1*sec, full), at(3*sec, full)}, mode.Follower, 0, "transfer 02"},
		{"leader: its disk was full twice, with room between", []mode.Event{at(0), at(1*sec, full), at(2 * sec), at(3*sec, full)}, mode.Leader, authority, ""},
		{"leader: both disks are full", []mode.Event{at(0), at(1*sec, full, fullThere), at(9*sec, full, fullThere)}, mode.Leader, authority, ""},
		{"leader: its disk is full, the other's was a moment ago", []mode.Event{at(0), at(1*sec, full, fullThere), at(9*sec, full), at(30900*time.Millisecond, full)}, mode.Leader, all, ""},
		{"leader: its disk is full, the other's was long ago", []mode.Event{at(0), at(1*sec, full, fullThere), at(9*sec, full), at(31*sec, full)}, mode.Follower, 0, "transfer 02"},
		{"leader: its disk is full, the other's journal is behind", []mode.Event{at(0), at(1*sec, full), at(3*sec, full, func(e *mode.Event) { e.Members[0].CaughtUp = false })}, mode.Leader, authority, ""},
		{"leader: its disk is full, the other is entries behind", []mode.Event{at(0), at(1*sec, full), at(3*sec, full, func(e *mode.Event) { e.Self.Applied = 100 })}, mode.Leader, authority, ""},
		{"leader: its disk is full, the other does not vote", []mode.Event{at(0), at(1*sec, full, votes(mode.Nonvoter)), at(3*sec, full, votes(mode.Nonvoter))}, mode.Solo, authority, ""},
		{"leader of three: the witness silent for 10 s", []mode.Event{at(0, witnessed), at(1*sec, witnessed, func(e *mode.Event) { e.Members[1].Silent = 10001 * time.Millisecond })}, mode.Leader, authority, "demote 03"},
		{"leader of three: the witness silent for 10 s, and the other too", []mode.Event{at(0, witnessed), at(1*sec, witnessed, silent(2*sec), func(e *mode.Event) { e.Members[1].Silent = 11 * sec })}, mode.Leader, authority, ""},
		{"leader of three: the other silent", []mode.Event{at(0, witnessed), at(1*sec, witnessed, silent(time.Hour))}, mode.Leader, authority, ""},
		{"solo: the other back, not stable yet", []mode.Event{at(0, votes(mode.Nonvoter)), at(2*sec, votes(mode.Nonvoter)), at(29*sec, votes(mode.Nonvoter))}, mode.Solo, authority, ""},
		{"solo: the other back and stable", []mode.Event{at(0, votes(mode.Nonvoter)), at(2*sec, votes(mode.Nonvoter)), at(33*sec, votes(mode.Nonvoter))}, mode.Solo, all, "promote 02"},
		{"solo: the other back, its journal is not", []mode.Event{at(0, votes(mode.Nonvoter)), at(2*sec, votes(mode.Nonvoter)), at(33*sec, votes(mode.Nonvoter), func(e *mode.Event) { e.Members[0].CaughtUp = false })}, mode.Solo, all, ""},
		{"solo: the other back, entries behind", []mode.Event{at(0, votes(mode.Nonvoter)), at(2*sec, votes(mode.Nonvoter)), at(33*sec, votes(mode.Nonvoter), func(e *mode.Event) { e.Self.Applied = 100 })}, mode.Solo, all, ""},
		{"solo: the other has a new life", []mode.Event{at(0), at(1*sec, func(e *mode.Event) { e.Members[0].Life = "b2" })}, mode.Leader, authority, "remove 02"},
		{"solo: a new life waits", []mode.Event{at(0), at(1*sec, func(e *mode.Event) { e.Members[0].Servers = nil })}, mode.Solo, authority, "add 02"},
		{"solo: a stranger waits", []mode.Event{at(0), at(1*sec, func(e *mode.Event) { e.Members[0].Servers, e.Members[0].Agreed = nil, false })}, mode.Leader, authority, ""},
		{"solo: told to hand over to a box that waits for its vote", []mode.Event{at(0, votes(mode.Nonvoter)), at(2*sec, votes(mode.Nonvoter), handTo)}, mode.Solo, authority, "promote 02"},
		{"solo: told to hand over to a box whose journal is behind", []mode.Event{at(0, votes(mode.Nonvoter)), at(2*sec, votes(mode.Nonvoter), handTo, func(e *mode.Event) { e.Members[0].CaughtUp = false })}, mode.Solo, authority, ""},
		{"leader: told to hand over to a voter", []mode.Event{at(0), at(2*sec, handTo)}, mode.Follower, 0, "transfer 02"},
		{"leader: a member that was removed", []mode.Event{at(0), at(1*sec, func(e *mode.Event) { e.Members[0].Agreed = false })}, mode.Leader, authority, "remove 02"},
		{"leader: a witness joined", []mode.Event{at(0), at(1*sec, witnessed, func(e *mode.Event) { e.Raft.Short = false }), at(5*sec, witnessed, func(e *mode.Event) { e.Raft.Short = false })}, mode.Follower, 0, "transfer 02"},
	}
}

// following are those of everybody else.
func following() []row {
	return []row{
		{"boot: not verified", []mode.Event{at(0, func(e *mode.Event) { e.Verified = false })}, mode.Boot, 0, ""},
		{"boot: two voters, raft decides", []mode.Event{at(0, func(e *mode.Event) { e.Raft = mode.Raft{} })}, mode.Follower, 0, ""},
		{"boot: sole voter of a pair, the other silent", []mode.Event{at(0, votes(mode.Nonvoter), silent(mode.Never)), at(5*sec, votes(mode.Nonvoter), silent(mode.Never))}, mode.Island, island, ""},
		{"boot: sole voter of a pair, the other is behind", []mode.Event{at(0, votes(mode.Nonvoter), silent(mode.Never)), at(5*sec, votes(mode.Nonvoter)), at(6*sec, votes(mode.Nonvoter))}, mode.Solo, authority, ""},
		{"boot: sole voter of a pair, the other is only starting", []mode.Event{at(0, votes(mode.Nonvoter), starting), at(5*sec, votes(mode.Nonvoter), starting), at(6*sec, votes(mode.Nonvoter), starting)}, mode.Island, island, ""},
		{"boot: sole voter of a pair, the other holds more", []mode.Event{at(0, votes(mode.Nonvoter), more), at(6*sec, votes(mode.Nonvoter), more)}, mode.Island, island, ""},
		{"boot: sole voter of a pair, the other has no power", []mode.Event{at(5*sec, votes(mode.Nonvoter), silent(mode.Never), func(e *mode.Event) { e.Members[0].Off = true })}, mode.Solo, authority, ""},
		{"boot: sole voter of a pair, the other took over", []mode.Event{at(5*sec, votes(mode.Nonvoter), generation(second, true))}, mode.Rejoin, 0, "begin anew 02"},
		{"boot: a pair of one", []mode.Event{at(0, func(e *mode.Event) { e.Members = nil })}, mode.Leader, authority, ""},
		{"follower: elected", []mode.Event{at(0, follow), at(1 * sec)}, mode.Leader, authority, ""},
		{"follower: elected, and not ready", []mode.Event{at(0, follow), at(1*sec, func(e *mode.Event) { e.Raft.Ready = false })}, mode.Follower, 0, ""},
		{"follower: nobody for 4 s", []mode.Event{at(0, follow), at(4*sec, lost), at(4100*time.Millisecond, lost)}, mode.Island, island, ""},
		{"follower: nobody for 3.9 s", []mode.Event{at(0, follow), at(3900*time.Millisecond, lost)}, mode.Follower, 0, ""},
		{"follower: raft hears its leader, no pong does", []mode.Event{at(0, follow), at(9*sec, follow, silent(5*sec))}, mode.Follower, 0, ""},
		{"follower: its raft leader says that it has no authority", []mode.Event{at(0, follow), at(5*sec, follow, generation(first, false))}, mode.Island, island, ""},
		{"island: a leader is heard", []mode.Event{at(0, follow), at(5*sec, lost), at(6*sec, follow)}, mode.Follower, 0, ""},
		{"island: the other is proven off", []mode.Event{at(0, follow), at(5*sec, lost, func(e *mode.Event) { e.Members[0].Off = true })}, mode.Island, island, "take over"},
		{"island: the other is proven off, a witness is there", []mode.Event{at(0, witnessed, follow), at(5*sec, witnessed, lost, func(e *mode.Event) { e.Members[0].Off = true })}, mode.Island, island, ""},
		{"island: a person says so", []mode.Event{at(0, follow), at(5*sec, lost), at(6*sec, lost, func(e *mode.Event) { e.Takeover = true })}, mode.Island, island, "take over"},
		{"any: a higher generation has authority", []mode.Event{at(0), at(1*sec, generation(second, true))}, mode.Rejoin, 0, "begin anew 02"},
		{"any: a higher generation, and nobody with authority in it", []mode.Event{at(0), at(1*sec, generation(second, false))}, mode.Follower, 0, ""},
		{"any: the same for long", []mode.Event{at(0), at(1*sec, generation(second, false)), at(6*sec, generation(second, false))}, mode.Island, island, ""},
		{"rejoin: caught up", []mode.Event{at(0, follow, former, self(mode.Nonvoter))}, mode.Follower, 0, "forget the life before 00"},
		{"rejoin: caught up, says a box without authority", []mode.Event{at(0, follow, former, self(mode.Nonvoter), func(e *mode.Event) { e.Members[0].Authority = false })}, mode.Follower, 0, ""},
		{"rejoin: taken in, and not caught up", []mode.Event{at(0, follow, former, self(mode.Nonvoter), more)}, mode.Follower, 0, ""},
		{"rejoin: it votes", []mode.Event{at(0, follow, former)}, mode.Follower, 0, "forget the life before 00"},
		{"rejoin: the box that took over is lost", []mode.Event{at(0, follow, former, self(mode.NoVote)), at(5*sec, former, self(mode.NoVote), lost)}, mode.Island, island, ""},
		{"any: two takeovers", []mode.Event{at(0), at(1*sec, generation(mode.Generation{Counter: 1, Random: 99}, true)), at(6*sec, generation(mode.Generation{Counter: 1, Random: 99}, true))}, mode.Island, island, ""},
		{"any: this life is of an old image", []mode.Event{at(0, follow, func(e *mode.Event) { e.Outdated = true })}, mode.Follower, 0, "begin anew 00"},
		{"any: the same, and nobody has authority", []mode.Event{at(0, func(e *mode.Event) { e.Outdated = true }), at(5*sec, func(e *mode.Event) { e.Outdated = true })}, mode.Island, island, ""},
		{"any: a write lasts 2 s", []mode.Event{at(0), at(1*sec, func(e *mode.Event) { e.LogBusy = 2001 * time.Millisecond })}, mode.Follower, 0, ""},
		{"any: a write lasts 10 s", []mode.Event{at(0), at(1*sec, func(e *mode.Event) { e.LogBusy = 10001 * time.Millisecond })}, mode.Follower, 0, "end the process 00"},
		{"removed: a box that leads says so", []mode.Event{at(0, follow), at(5*sec, lost), at(6*sec, lost, struck(first, 10))}, mode.Removed, 0, ""},
		{"removed: a box says so that was taken over", []mode.Event{at(0, follow), at(5*sec, lost), at(6*sec, lost, struck(second, 1))}, mode.Removed, 0, ""},
		{"removed: the last word of the only voter", []mode.Event{at(0, votes(mode.Nonvoter)), at(6*sec, votes(mode.Nonvoter), struck(second, 1))}, mode.Removed, 0, ""},
		{"not removed: a box without authority says so", []mode.Event{at(0, follow), at(5*sec, lost), at(6*sec, lost, struck(second, 0))}, mode.Island, island, ""},
		{"not removed: a box of an old image says so", []mode.Event{at(0, follow), at(5*sec, lost), at(6*sec, lost, struck(first, 9))}, mode.Island, island, ""},
		{"not removed: the other of two takeovers says so", []mode.Event{at(0, follow), at(5*sec, lost), at(6*sec, lost, struck(mode.Generation{Counter: 1, Random: 99}, 99))}, mode.Island, island, ""},
		{"not removed: a box says so that was overtaken", []mode.Event{at(0, follow), at(5*sec, lost), at(6*sec, lost, struck(mode.Generation{}, 99))}, mode.Island, island, ""},
		{"joining: nobody took it in yet", []mode.Event{at(0, follow, func(e *mode.Event) { e.Vote = mode.NoVote })}, mode.Rejoin, 0, ""},
		{"follower: a witness joined", []mode.Event{at(0, follow), at(1*sec, witnessed, follow, func(e *mode.Event) { e.Raft.Short = false })}, mode.Follower, 0, "restart 00"},
	}
}

// TestStep tries every row of the state machine in plain values.
func TestStep(t *testing.T) {
	t.Parallel()
	for _, c := range append(leading(), following()...) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, effects := steps(c.events...)
			if s.Mode != c.want {
				t.Errorf("it is %v (%s), and should be %v", s.Mode, s.Why, c.want)
			}
			if s.Powers != c.powers {
				t.Errorf("it may %v, and should: %v", s.Powers, c.powers)
			}
			var did []string
			for _, e := range effects {
				words := e.Do.String()
				if e.Do != mode.Takeover {
					words += " " + e.Node.Short()[:2]
				}
				did = append(did, words)
			}
			if got := strings.Join(did, ", "); got != c.do {
				t.Errorf("it does %q, and should do %q", got, c.do)
			}
		})
	}
}

// TestWitness tries what a witness is and does.
func TestWitness(t *testing.T) {
	t.Parallel()
	witness := func(e *mode.Event) { e.Self.Role, e.Raft.Short = mode.Witness, true }
	s, effects := steps(at(0, witness))
	if s.Mode != mode.Witnessing || s.Powers != 0 || s.Authority {
		t.Errorf("a witness that leads is %v and may %v", s.Mode, s.Powers)
	}
	if len(effects) != 1 || effects[0].Do != mode.Transfer || effects[0].Node != peer {
		t.Errorf("a witness that leads does %v: it should hand over", effects)
	}
	candidate := func(e *mode.Event) { witness(e); e.Raft = mode.Raft{Short: true} }
	if s, _ := steps(at(0, witness, follow), at(3*sec, candidate)); s.Stand {
		t.Error("a witness stands against a box that holds as much")
	}
	if s, _ := steps(at(0, witness, follow), at(3*sec, candidate, func(e *mode.Event) { e.Self.Last = 11 })); !s.Stand {
		t.Error("a witness that holds more than any box does not stand: nobody could be elected")
	}
	if s, _ := steps(at(0, witness, follow), at(9*sec, candidate)); !s.Stand {
		t.Error("a witness never stands")
	}
}

// TestTimers tries when Raft gets other timers: not because a witness comes and goes that is a member, and who does not lead
// while another has authority.
func TestTimers(t *testing.T) {
	t.Parallel()
	anew := func(e *mode.Event) { witnessed(e); e.Members[1].Life, e.Members[1].Servers = "w2", nil }
	gone := func(e *mode.Event) { witnessed(e); e.Members[1].Silent, e.Members[1].Servers = mode.Never, nil }
	left := func(e *mode.Event) { e.Raft.Short = true }
	for _, c := range []struct {
		name   string
		events []mode.Event
		want   mode.Deed // 0: nothing
	}{
		{"follower: the witness begins a new life", []mode.Event{at(0, witnessed, follow), at(9*sec, anew, follow)}, 0},
		{"follower: the witness is away", []mode.Event{at(0, witnessed, follow), at(9*sec, gone, follow)}, 0},
		{"leader: the witness is away", []mode.Event{at(0, witnessed), at(9*sec, gone), at(60*sec, gone)}, 0},
		{"follower: the witness left", []mode.Event{at(0, witnessed, follow), at(1*sec, left, follow)}, mode.Restart},
		{"follower: the witness left, nobody has authority yet", []mode.Event{at(0, witnessed, follow), at(1*sec, left, lost), at(5900*time.Millisecond, left, lost)}, 0},
		{"follower: the same for long", []mode.Event{at(0, witnessed, follow), at(1*sec, left, lost), at(6*sec, left, lost)}, mode.Restart},
		{"leader: the witness left, the other may not have other timers yet", []mode.Event{at(0, witnessed), at(1*sec, left), at(3900*time.Millisecond, left)}, 0},
		{"leader: the witness left", []mode.Event{at(0, witnessed), at(1*sec, left), at(4*sec, left)}, mode.Transfer},
		{"solo: the witness left", []mode.Event{at(0, witnessed), at(1*sec, left, votes(mode.Nonvoter)), at(4*sec, left, votes(mode.Nonvoter))}, mode.Restart},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, effects := steps(c.events...)
			var got mode.Deed
			for _, e := range effects {
				if e.Do == mode.Restart || e.Do == mode.Transfer {
					got = e.Do
				}
			}
			if got != c.want {
				t.Errorf("it does %v, and should do %v", effects, c.want)
			}
		})
	}
}

// TestHoldDown tries how long a member waits for its vote that gets it and loses it.
func TestHoldDown(t *testing.T) {
	t.Parallel()
	var s mode.State
	now := time.Duration(0)
	step := func(d time.Duration, changes ...change) []mode.Effect {
		now += d
		var effects []mode.Effect
		s, effects = mode.Step(s, at(now, changes...), timers)
		return effects
	}
	wait := func() time.Duration {
		step(sec, silent(5*sec))
		step(sec, silent(5*sec), votes(mode.Nonvoter))
		begin := now
		for len(step(sec, votes(mode.Nonvoter))) == 0 {
			if now-begin > time.Hour {
				t.Fatal("it waits for ever")
			}
		}
		return (now - begin - sec).Truncate(10 * sec)
	}
	step(sec)
	var waits []time.Duration
	for range 7 {
		waits = append(waits, wait())
		step(sec)
	}
	want := []time.Duration{30 * sec, 60 * sec, 120 * sec, 240 * sec, 480 * sec, 600 * sec, 600 * sec}
	if diff := cmp.Diff(want, waits); diff != "" {
		t.Errorf("it waits (-want +got):\n%s", diff)
	}
	step(11 * time.Minute)
	if got := wait(); got != 30*sec {
		t.Errorf("after 11 calm minutes it waits %v", got)
	}
}

// TestNoHoldDown tries that a member which joins is not taken for one that comes and goes: Raft's
// first heartbeats to it fail, and a witness beside it has Raft start again.
func TestNoHoldDown(t *testing.T) {
	t.Parallel()
	failing := func(e *mode.Event) { e.Members[0].RaftSilent = 300 * time.Millisecond }
	joining := votes(mode.Nonvoter)
	events := []mode.Event{at(0, joining), at(1*sec, joining, failing), at(2*sec, joining), at(5*sec, joining, failing), at(6*sec, joining), at(8*sec, joining, failing), at(9*sec, joining)}
	if _, effects := steps(append(events, at(38*sec, joining))...); len(effects) != 0 {
		t.Errorf("29 s after it was heard again: %v", effects)
	}
	if _, effects := steps(append(events, at(39*sec, joining))...); len(effects) != 1 || effects[0].Do != mode.Promote {
		t.Errorf("30 s after it was heard again: %v, want its promotion", effects)
	}
}

// TestRefusal tries when a person's takeover is refused.
func TestRefusal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		events []mode.Event
		want   string
	}{
		{"a leader", []mode.Event{at(0)}, "already"},
		{"a follower beside a leader", []mode.Event{at(0, follow)}, "is alive"},
		{"a member that may yet be elected", []mode.Event{at(0, follow), at(2*sec, lost)}, "try again"},
		{"a box that holds nothing", []mode.Event{at(0, follow), at(9*sec, lost, func(e *mode.Event) { e.Empty = true })}, "holds nothing"},
		{"a box that was taken over", []mode.Event{at(0, generation(second, true))}, "higher generation"},
		{"a witness", []mode.Event{at(0, func(e *mode.Event) { e.Self.Role = mode.Witness })}, "on a box"},
		{"an island", []mode.Event{at(0, follow), at(9*sec, lost)}, ""},
		{"a box that was taken out", []mode.Event{at(0, follow), at(9*sec, lost, struck(first, 10))}, "a member of the pair no more"},
		{"the same, and what to do instead", []mode.Event{at(0, follow), at(9*sec, lost, struck(first, 10))}, "rackpost pair init"},
		{"a box that keeps the life before", []mode.Event{at(0, follow, former), at(9*sec, lost, former, empty)}, ""},
		{"one of two takeovers", []mode.Event{at(0, generation(mode.Generation{Counter: 1, Random: 99}, false)), at(9*sec, generation(mode.Generation{Counter: 1, Random: 99}, false))}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, _ := steps(c.events...)
			got := mode.Refusal(s, c.events[len(c.events)-1], timers)
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("the answer is %q, and should say %q", got, c.want)
			}
		})
	}
}

// TestLives tries that Raft speaks only with those that know this life.
func TestLives(t *testing.T) {
	t.Parallel()
	s, _ := steps(at(0))
	if len(s.Lives) > 0 {
		t.Errorf("raft speaks with %v before they had time to learn this life", s.Lives)
	}
	s, _ = mode.Step(s, at(500*time.Millisecond), timers)
	if !slices.Equal(s.Lives, []string{"b"}) {
		t.Errorf("raft speaks with %v", s.Lives)
	}
	s, _ = mode.Step(s, at(sec, func(e *mode.Event) { e.Members[0].Life = "b2" }), timers)
	if len(s.Lives) > 0 {
		t.Errorf("raft speaks with %v right after the other began a new life", s.Lives)
	}
	s, _ = mode.Step(s.Anew(), at(2*sec), timers)
	if len(s.Lives) > 0 {
		t.Errorf("in a new life raft speaks with %v at once", s.Lives)
	}
}
