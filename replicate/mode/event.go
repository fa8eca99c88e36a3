package mode

import "time"

// Event is all that was seen at one moment. Nothing in it is remembered by who makes it.
type Event struct {
	Now      time.Duration // since the process started, by the monotonic clock
	Self     Hello         // Mode and Authority are not read
	Vote     Vote          // in Raft's configuration
	Empty    bool          // nothing was ever agreed on in this life
	Raft     Raft
	Members  []Member // every other one, sorted by node
	LogBusy  time.Duration
	Verified bool       // what this member keeps was checked since the start
	Outdated bool       // a member refuses this life: it forgot what it had acknowledged
	Former   bool       // what was agreed on in the life before is kept: this one is not caught up yet
	Takeover bool       // a person orders it, and Refusal had no objection
	HandTo   NodeID     // a person orders to hand authority to this member; zero: nobody does
	Woke     bool       // this member stood still for longer than a lease: what it knows of the others is older than it seems
	Stuck    string     // why it cannot follow what is agreed on, in words; empty: it can
	Struck   Struck     // what a box said that refuses this member
	Next     Generation // of a takeover, should this event bring one: above all that were shown
}

// Struck is what a box of the pair said when this member asked why its certificate is refused: that
// it is no member.
type Struck struct {
	By         string     // the name of the box; empty: none said so
	Generation Generation // of the box
	Applied    uint64     // how far the box was in what is agreed on; 0: it has no authority
}

// Raft is what Raft says.
type Raft struct {
	Leads   bool
	Ready   bool          // it leads, and applied everything that was agreed on before
	Short   bool          // it runs with the timers of a pair with a witness
	Handed  bool          // another leader handed over to this member, less than half a minute ago
	Leader  NodeID        // zero: none is known
	Silent  time.Duration // since the leader was heard
	Pending bool          // a change that an effect ordered is under way
}

// Server is one life of a member in Raft's configuration.
type Server struct {
	Life string
	Vote Vote
}

// Member is another member, as it was seen and as it is configured.
type Member struct {
	Hello                    // as it said last; only Node and Role when it was never heard
	Agreed     bool          // it is a member by what is agreed on
	Servers    []Server      // its lives in Raft's configuration: one, or none
	Silent     time.Duration // on its best path; Never
	RaftSilent time.Duration // since Raft's heartbeats to it fail, seen by who leads; 0: they do not
	CaughtUp   bool          // its journal is near enough
	Off        bool          // proven to have no power
}
