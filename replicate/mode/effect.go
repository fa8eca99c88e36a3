package mode

// Deed is what is to be done.
type Deed uint8

// The deeds. They are ordered again at each step until an event shows them done.
const (
	Demote      Deed = iota + 1 // by Raft's leader: take the vote from Node
	AddNonvoter                 // by Raft's leader: take Node's Life into the configuration
	Promote                     // by Raft's leader: give Node the vote
	Remove                      // by Raft's leader: take Node's Life out of the configuration
	Transfer                    // by Raft's leader: hand the leadership to Node
	Restart                     // run Raft with the timers that its configuration asks for
	Takeover                    // go on alone in Generation
	Begin                       // forget what was agreed on, and wait with a new life to be taken into Generation
	EndProcess                  // the disk is dead
	Forget                      // remove what is kept of the life before
)

var deedWords = []string{"nothing", "demote", "add", "promote", "remove", "transfer", "restart", "take over", "begin anew", "end the process", "forget the life before"}

// String returns the deed's words.
func (d Deed) String() string { return word(deedWords, int(d)) }

// Effect is one deed, with what it is done to and why, in words.
type Effect struct {
	Do         Deed
	Node       NodeID
	Life       string
	Generation Generation
	Why        string
}
