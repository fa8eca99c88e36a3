package mode

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// NodeID names a member of a pair for ever; a box whose disk was lost comes back under another.
type NodeID [16]byte

// NewNodeID returns an id that nobody has.
func NewNodeID() NodeID {
	var id NodeID
	_, _ = rand.Read(id[:]) // it never fails: it ends the process instead
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}

// ParseNodeID reads 32 hexadecimal digits, with or without hyphens.
func ParseNodeID(s string) (NodeID, error) {
	var id NodeID
	b, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
	if err != nil || len(b) != len(id) {
		return id, fmt.Errorf("%.40q is no id: 32 hexadecimal digits, with or without hyphens", s)
	}
	return NodeID(b), nil
}

// String returns the id as a UUID is written.
func (id NodeID) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// Short returns what tells the id from others on one screen.
func (id NodeID) Short() string { return hex.EncodeToString(id[:4]) }

// MarshalText implements encoding.TextMarshaler.
func (id NodeID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (id *NodeID) UnmarshalText(b []byte) error {
	parsed, err := ParseNodeID(string(b))
	*id = parsed
	return err
}

// Generation tells apart what Raft cannot: clusters that a person or a proof made to go on with
// less than a quorum. Boxes of different generations exchange no Raft byte.
type Generation struct {
	Counter uint64 `json:"counter"`
	Random  uint64 `json:"random"` // two takeovers at once have one counter and differ here
}

// Role is what a member is for.
type Role uint8

// The roles.
const (
	RoleUnknown Role = iota
	Box              // keeps the journal and visits devices
	Witness          // votes, and keeps no more than what is voted on
)

var roleWords = []string{"unknown", "box", "witness"}

// String returns the role's word.
func (r Role) String() string { return word(roleWords, int(r)) }

// MarshalText implements encoding.TextMarshaler.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Role) UnmarshalText(b []byte) error {
	i, err := unword(roleWords, string(b))
	*r = Role(i)
	return err
}

// Mode is what a member is at the moment.
type Mode uint8

// The modes.
const (
	Boot       Mode = iota // until what it keeps was verified
	Follower               // another has authority
	Leader                 // it has authority, and its peer is there or a witness holds it
	Solo                   // it has authority and set its silent peer aside
	Island                 // it hears nobody with authority and has none
	Rejoin                 // what it agreed on is of another life: it begins anew
	Witnessing             // it votes, and does nothing else
	Removed                // the others took it out: it does nothing until a person has it leave
)

var modeWords = []string{"boot", "follower", "leader", "solo", "island", "rejoin", "witness", "removed"}

// String returns the mode's word.
func (m Mode) String() string { return word(modeWords, int(m)) }

// MarshalText implements encoding.TextMarshaler.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *Mode) UnmarshalText(b []byte) error {
	i, err := unword(modeWords, string(b))
	*m = Mode(i)
	return err
}

// Power is something only one box may do, or only a box of some modes.
type Power uint8

// The powers.
const (
	Visit     Power = iota // visit devices
	Notify                 // tell people
	Act                    // make devices do something
	Configure              // change what is agreed on
	Address                // hold the virtual address
	powers
)

var powerWords = []string{"visit", "notify", "act", "configure", "address"}

// String returns the power's word.
func (p Power) String() string { return word(powerWords, int(p)) }

// Powers is a set of powers.
type Powers uint8

// PowersOf makes a set.
func PowersOf(list ...Power) Powers {
	var set Powers
	for _, p := range list {
		set |= 1 << p
	}
	return set
}

// Has says whether p is in the set.
func (s Powers) Has(p Power) bool { return s&(1<<p) != 0 }

// List returns what is in the set, in order.
func (s Powers) List() []Power {
	var list []Power
	for p := range powers {
		if s.Has(p) {
			list = append(list, p)
		}
	}
	return list
}

// String returns the words of the set.
func (s Powers) String() string {
	var list []string
	for _, p := range s.List() {
		list = append(list, p.String())
	}
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, ", ")
}

// Timers are how long a pair waits. All members have the same.
type Timers struct {
	Lease      time.Duration // Raft's lease, heartbeat and election timeout of a bare pair; of a witnessed one Election below
	Election   time.Duration // Raft's heartbeat and election timeout where a witness votes
	Short      time.Duration // Raft's lease where a witness votes
	RPC        time.Duration // of one Raft message
	Demote     time.Duration // a peer silent on every path for so long is set aside
	Island     time.Duration // nobody with authority heard for so long
	Witness    time.Duration // a witness silent for so long is set aside while the peer is there
	Settle     time.Duration // a member that came back is stable for so long before it votes again; doubled up to SettleMost when it flaps
	SettleMost time.Duration
	Quarantine time.Duration // after it gained authority that nobody handed over in order, a box makes no device do anything for so long
	DiskSlow   time.Duration // a write to the Raft log that lasts longer closes the streams
	DiskDead   time.Duration // and longer than this ends the process
}

// DefaultTimers returns the timers of docs/pair.md.
func DefaultTimers() Timers {
	return Timers{
		Lease: 4 * time.Second, Election: 2 * time.Second, Short: 1500 * time.Millisecond,
		RPC: 400 * time.Millisecond, Demote: 1050 * time.Millisecond, Island: 4 * time.Second,
		Witness: 10 * time.Second, Settle: 30 * time.Second, SettleMost: 10 * time.Minute,
		Quarantine: 30 * time.Second, DiskSlow: 2 * time.Second, DiskDead: 10 * time.Second,
	}
}

func word(words []string, i int) string {
	if i < len(words) {
		return words[i]
	}
	return words[0]
}

func unword(words []string, s string) (int, error) {
	for i, w := range words {
		if w == s {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%.40q is none of %s", s, strings.Join(words, ", "))
}
