// Package replicate is one member of a pair: Raft decides who has authority and what is agreed
// on, package mode decides what the member may do with it, and While hands each power out as a
// context that ends with the power. What is agreed on is opaque bytes to it.
package replicate

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/hashicorp/raft"

	"rackpost/replicate/mode"
)

// The reasons for which a Node refuses. Errors of its methods wrap one of them.
var (
	ErrNoAuthority = errors.New("no member with authority is heard: wait until the peer or the witness answers, or see \"rackpost pair status\" for what ends it")
	ErrNoPower     = errors.New("this box does not have that power now")
	ErrNotRunning  = errors.New("the pair's part of this box is not running")
	ErrPeerAlive   = errors.New("another member with authority answers: take over on a box that hears none")
)

// StateMachine is what the members agree on. Its calls come one at a time. The one given to New
// is empty, and Restore of a snapshot taken of an empty one empties it.
type StateMachine interface {
	// Apply changes it by one command. It depends on the command and on what was applied before, on
	// nothing else; its error goes to who proposed, and does not stop the machine.
	Apply(index uint64, cmd []byte) error
	// Snapshot writes all of it, the same bytes for the same state.
	Snapshot(w io.Writer) error
	// Restore replaces all of it.
	Restore(r io.Reader) error
}

// Log keeps Raft's entries and votes and what tells this member's lives apart.
type Log interface {
	raft.CommitTrackingLogStore
	raft.StableStore
	// Life names this member's control store: another one was lost, wiped, or put back from an old image.
	Life() string
	// Generation is what SetGeneration wrote last, durably; zero in a new log.
	Generation() (mode.Generation, error)
	SetGeneration(mode.Generation) error
	// Busy is for how long the write under way has lasted, 0 when there is none.
	Busy() time.Duration
	Close() error
}

// Logs opens the log of this member, and makes a new one when what it agreed on is of no use.
type Logs interface {
	Open() (Log, error)
	Wipe() error // the log is closed; the next Open makes one with a new life and without a generation
}

// Peers are the other members as the wire shows them. It knows members only.
type Peers interface {
	// Contacts is what every member last showed on every path, Changed is closed at the next news.
	Contacts() []mode.Contact
	Changed() <-chan struct{}
	// Announce tells the others what this member is, from now on and in every hello and pong.
	Announce(mode.Hello)
	// Ask sends a request to a member's Node.Answer, at most 1 MB each way.
	Ask(ctx context.Context, to mode.NodeID, request []byte) ([]byte, error)
	// Cut closes every Raft stream and lets none be opened, until it is told the opposite.
	Cut(bool)
}

// Self is who this member is.
type Self struct {
	Node mode.NodeID
	Name string // for people
	Role mode.Role
}

// Config is what a Node is made of. Nil functions mean what is said beside them.
type Config struct {
	Self      Self
	Dir       string // of snapshots/ and conflicts/
	Timers    mode.Timers
	State     StateMachine
	Logs      Logs
	Snapshots func() (raft.SnapshotStore, error) // nil: files in Dir/snapshots, two kept
	Transport func() (raft.Transport, error)     // called at each start of Raft, which closes it; its LocalAddr is the node's UUID
	Peers     Peers
	Members   func() map[mode.NodeID]mode.Role // by what is agreed on; nil: whoever has contact
	Bootstrap bool                             // begin a cluster of one where there is none yet
	Isolated  func() bool                      // no link, no gateway, hardly a device that answers; nil: never
	CaughtUp  func(mode.NodeID) bool           // a member's journal is near enough to vote; nil: always
	PeerIsOff func(mode.NodeID) bool           // proven, such as by its BMC, twice; nil: never
	Verified  func() bool                      // what this member keeps was checked since the start; nil: always
	Logger    *slog.Logger
}

// Status is what a Node knows of itself and the others, for people and for the API.
type Status struct {
	Self       Self            `json:"self"`
	Mode       mode.Mode       `json:"mode"`
	ModeFor    time.Duration   `json:"mode_ns"`
	Why        string          `json:"why"` // what it waits for, or why it has no authority; in words
	Authority  bool            `json:"authority"`
	Powers     []string        `json:"powers"`
	Generation mode.Generation `json:"generation"`
	Life       string          `json:"life"`
	Leader     mode.NodeID     `json:"leader"` // zero when none is known
	Term       uint64          `json:"term"`
	Applied    uint64          `json:"applied"`
	Committed  uint64          `json:"committed"`
	LogBusy    time.Duration   `json:"log_busy_ns"`
	Members    []MemberStatus  `json:"members"` // without this one, sorted by node
	Alarms     []mode.Alarm    `json:"alarms"`
}

// MemberStatus is what a Node knows of another member.
type MemberStatus struct {
	Node       mode.NodeID     `json:"node"`
	Role       mode.Role       `json:"role"`
	Vote       mode.Vote       `json:"vote"`
	Life       string          `json:"life"`
	Mode       mode.Mode       `json:"mode"`
	Authority  bool            `json:"authority"`
	Generation mode.Generation `json:"generation"`
	Applied    uint64          `json:"applied"`
	Silent     time.Duration   `json:"silent_ns"` // on its best path; mode.Never when it was not heard
	Paths      []PathStatus    `json:"paths"`
}

// PathStatus is how long a member was silent on one path.
type PathStatus struct {
	Path   string        `json:"path"`
	Silent time.Duration `json:"silent_ns"`
}
