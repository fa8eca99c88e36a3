package mode

import (
	"math"
	"time"
)

// Never is how long one is silent who was not heard yet.
const Never = time.Duration(math.MaxInt64)

// Hello is what a member says of itself, in every handshake and in every pong.
type Hello struct {
	Node       NodeID     `json:"node"`
	Role       Role       `json:"role"`
	Life       string     `json:"life"` // of its control store
	Boot       uint64     `json:"-"`    // of its process: while it is the same nothing was put back, whatever order its words arrive in
	Generation Generation `json:"generation"`
	Mode       Mode       `json:"mode"`
	Authority  bool       `json:"authority"`
	Isolated   bool       `json:"isolated"` // it has no link, no gateway, and hardly a device that answers
	Full       bool       `json:"full"`     // its disk is full: it keeps nothing that it reads
	Rested     bool       `json:"rested"`   // it handed its authority over, and nothing that it made a device do is under way
	Term       uint64     `json:"term"`     // of Raft
	Applied    uint64     `json:"applied"`  // last index of Raft it applied
	Last       uint64     `json:"last"`     // last index in its log or snapshot, on the disk; 0 before the log is open
}

// Contact is what a member said last on one path, and how long ago the last answer came that
// proves both directions.
type Contact struct {
	Hello
	Path   string        `json:"path"`
	Silent time.Duration `json:"silent_ns"`
}

// Vote is what a member is in Raft's configuration.
type Vote uint8

// The votes.
const (
	NoVote   Vote = iota // no server of Raft
	Nonvoter             // gets every entry, is not counted
	Voter
)

var voteWords = []string{"none", "nonvoter", "voter"}

// String returns the vote's word.
func (v Vote) String() string { return word(voteWords, int(v)) }

// MarshalText implements encoding.TextMarshaler.
func (v Vote) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (v *Vote) UnmarshalText(b []byte) error {
	i, err := unword(voteWords, string(b))
	*v = Vote(i)
	return err
}

// Alarm is something a person should know and may have to act on.
type Alarm struct {
	Code string `json:"code"` // such as "witness_away"; the same for ever
	Text string `json:"text"`
}
