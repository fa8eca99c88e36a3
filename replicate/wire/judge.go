package wire

import (
	"fmt"
	"slices"
	"time"

	"rackpost/replicate/mode"
)

// Reason is why a hello was refused. The numbers are sent and stay as they are.
type Reason uint8

// The reasons.
const (
	Welcome         Reason = iota
	Malformed              // it was no hello
	Impostor               // hello and certificate name different members
	OtherCluster           // a member of another pair
	Clone                  // it says that it is this very member
	NotMember              // removed, or never admitted
	OtherProtocol          // no version that both speak
	WrongRole              // such as a journal for a witness
	OtherGeneration        // for Raft only: somebody took over
	MustRejoin             // for Raft only: it forgot what it had acknowledged, or was replaced
	RaftStopped            // for Raft only: the other side's disk is slow, or its Raft is not running
	Untrusted              // TLS failed: another CA, a removed certificate, not rackpost
)

var reasons = []string{"welcome", "malformed", "impostor", "other cluster", "clone", "not a member", "other protocol",
	"wrong role", "other generation", "must rejoin", "raft stopped", "untrusted"}

// String returns the reason's word.
func (r Reason) String() string {
	if int(r) < len(reasons) {
		return reasons[r]
	}
	return fmt.Sprintf("reason %d of a newer version", uint8(r))
}

// ofMember says whether what the other side said of itself is to be kept: it is a member, even if
// it may not do what it came for.
func (r Reason) ofMember() bool {
	return r == Welcome || r == OtherGeneration || r == MustRejoin || r == RaftStopped
}

// Refusal is a connection that one side did not want, and what to do about it.
type Refusal struct {
	At       time.Time
	Node     mode.NodeID // of the other side; zero when it is not known
	Address  string      // of the other side
	Path     string
	Protocol string // what the connection was for; empty when it did not come so far
	Theirs   bool   // the other side refused this one
	Reason   Reason
	Words    string
	Count    int // how often the same happened
}

// Error implements error.
func (r *Refusal) Error() string {
	who := "refused the other side at " + r.Address
	if r.Theirs {
		who = "refused by " + r.Address
	}
	return fmt.Sprintf("%s: %s: %s", who, r.Reason, r.Words)
}

// Memory is what is remembered of a member, to know an old image of its disk when it comes back.
type Memory struct {
	Life       string          `json:"life"`
	Generation mode.Generation `json:"generation"` // the highest it said in this life
	Term       uint64          `json:"term"`       // the highest it said in this life and generation
	Applied    uint64          `json:"applied"`    // the same
	Left       []string        `json:"left"`       // lives it had before, the last one last
	Boot       uint64          `json:"boot"`       // of the process that said so last
	Lost       string          `json:"lost"`       // what that process lacked when it began, in words
}

const mostLeft = 16

// with is the memory after the member said h. Of one process several words are under way at once, and an older one may come after a
// newer: what it lacks is found out when it begins.
func (m Memory) with(h mode.Hello) Memory {
	if h.Life == "" || slices.Contains(m.Left, h.Life) || h.Life == m.Life && h.Generation.Counter < m.Generation.Counter {
		return m
	}
	if h.Life != m.Life {
		left := slices.Clone(m.Left)
		if m.Life != "" {
			left = append(left, m.Life)
		}
		m = Memory{Life: h.Life, Generation: h.Generation, Left: left[max(0, len(left)-mostLeft):]}
	}
	if h.Generation != m.Generation {
		m.Generation, m.Term, m.Applied, m.Lost = h.Generation, 0, 0, "" // it took over: what it had then is what counts
	}
	if h.Boot != m.Boot {
		m.Boot, m.Lost = h.Boot, m.lacks(h)
	}
	m.Term, m.Applied = max(m.Term, h.Term), max(m.Applied, h.Applied)
	return m
}

// forgot says in words what the member lacks that it once had; "" when nothing.
func (m Memory) forgot(h mode.Hello) string {
	switch {
	case slices.Contains(m.Left, h.Life):
		return "it has since lived another life"
	case h.Life != m.Life, h.Generation != m.Generation && m.Generation != mode.Generation{}:
		return ""
	case h.Boot == m.Boot:
		return m.Lost
	}
	return m.lacks(h)
}

// lacks is forgot for the first word of a process. A term of 0 and a last index of 0 are those of a member that has not yet opened its log.
func (m Memory) lacks(h mode.Hello) string {
	switch {
	case h.Term != 0 && h.Term < m.Term:
		return fmt.Sprintf("its term was %d and is %d", m.Term, h.Term)
	case h.Last != 0 && h.Last < m.Applied:
		return fmt.Sprintf("it had applied index %d and its log ends at %d", m.Applied, h.Last)
	}
	return ""
}

// mostAhead is how far above this member's a generation may be. A takeover by a person adds one: more is a lie, which would
// leave no room above it.
const mostAhead = 1 << 32

// plausible says whether a member of generation own may be shown another one. Who has none yet believes any.
func plausible(own, other mode.Generation) bool {
	return own.Counter == 0 || other.Counter <= own.Counter || other.Counter-own.Counter <= mostAhead
}

// judge says what self thinks of a hello. The other side's certificate was verified and names the
// member and role of the hello. known is nil when no such member is agreed on.
func judge(self, peer Hello, proto string, known *Peer, m Memory) verdict {
	no := func(r Reason, format string, args ...any) verdict { return verdict{r, fmt.Sprintf(format, args...)} }
	lost := m.forgot(peer.Hello)
	switch {
	case self.Cluster != peer.Cluster:
		return no(OtherCluster, "you belong to pair %s and I to %s: correct the address, or leave your pair first (\"rackpost pair leave\")",
			mode.NodeID(peer.Cluster), mode.NodeID(self.Cluster))
	case self.Node == peer.Node:
		return no(Clone, "you say that you are %s, and that is me: one of us is a copy of the other's disk; empty its data folder's pair/ and join it anew", self.Node)
	case known == nil:
		return no(NotMember, "%s is no member: it was removed, or never admitted; join it with a new token (\"rackpost pair join\")", peer.Node)
	case !plausible(self.Generation, peer.Generation):
		return no(Malformed, "you say that you are of generation %d and I am of %d: nobody was taken over so often; join with a new token", peer.Generation.Counter, self.Generation.Counter)
	case known.Role != peer.Role:
		return no(WrongRole, "you say that you are a %v, and were admitted as a %v: join with a new token", peer.Role, known.Role)
	case self.Protocols.Newest < peer.Protocols.Oldest || peer.Protocols.Newest < self.Protocols.Oldest:
		return no(OtherProtocol, "you speak protocols %d to %d and I %d to %d: update the older of the two", peer.Protocols.Oldest,
			peer.Protocols.Newest, self.Protocols.Oldest, self.Protocols.Newest)
	case proto == Journal && (self.Role != mode.Box || peer.Role != mode.Box):
		return no(WrongRole, "journals are for boxes: a witness keeps none")
	case proto == Raft && peer.Generation == mode.Generation{} && self.Generation != mode.Generation{}:
		return no(OtherGeneration, "you hold nothing that was agreed on: you are new here, or your disk was emptied; a box with authority takes you in by itself")
	case proto == Raft && self.Generation == mode.Generation{} && peer.Generation != mode.Generation{}:
		return no(OtherGeneration, "I hold nothing that was agreed on: I am new here, or my disk was emptied; a box with authority takes me in by itself")
	case proto == Raft && self.Generation != peer.Generation:
		return no(OtherGeneration, "you are of generation %s and I of %s: somebody took over; the lower one joins again by itself, and of two alike a person picks (\"rackpost pair takeover\")",
			generation(peer.Generation), generation(self.Generation))
	case proto == Raft && lost != "":
		return no(MustRejoin, "your control store is older than what you acknowledged (%s): it begins a new life and is caught up", lost)
	}
	return verdict{}
}

func generation(g mode.Generation) string {
	return fmt.Sprintf("%d-%08x", g.Counter, uint32(g.Random>>32))
}
