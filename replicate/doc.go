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
	ErrRefused     = errors.New("refused")
	ErrUnknown     = errors.New("it is not known whether that was agreed on: look before it is repeated")
)

// StateMachine is what the members agree on. Its calls come one at a time. The one given to New
// is empty, and Restore of a snapshot taken of an empty one empties it. One that has a method Err() error, for any
// goroutine, says with it that it applies nothing any more: its member has no authority then.
type StateMachine interface {
	// Apply changes it by one command. It depends on the command and on what was applied before, on
	// nothing else; its error goes to who proposed, and does not stop the machine.
	Apply(index uint64, cmd []byte) error
	// Snapshot writes all of it, the same bytes for the same state.
	Snapshot(w io.Writer) error
	// Restore replaces all of it.
	Restore(r io.Reader) error
}

// Log keeps Raft's entries and votes and what tells this member's lives apart. raftlog has one.
type Log interface {
	raft.CommitTrackingLogStore
	raft.StableStore
	// Life names this member's control store: another one was lost, wiped, or put back from an old image.
	Life() string
	// Generation is what SetGeneration wrote last, durably; zero in a new log.
	Generation() mode.Generation
	SetGeneration(mode.Generation) error
	// Busy is for how long the write under way has lasted, 0 when there is none.
	Busy() time.Duration
	// Failed is closed when nothing can be written any more, and Err says why.
	Failed() <-chan struct{}
	Err() error
	Close() error
}

// Logs opens the log of this member, and makes a new one when what it agreed on is of no use.
type Logs interface {
	Open() (Log, error)
	// Wipe is called when the log is closed. The next Open makes one with a new life and without a generation.
	Wipe() error
}

// Peers are the other members, as the wire shows them. It knows members only.
type Peers interface {
	// Contacts is what every member last showed on every path. Changed is closed at the next news.
	Contacts() []mode.Contact
	Changed() <-chan struct{}
	// Announce tells the others what this member is, from now on, in every hello and pong.
	Announce(mode.Hello)
	// Outdated says whether a member refused this life of the log, because it forgot what it had acknowledged.
	Outdated(life string) bool
	// Ask sends a request to a member's Node.Answer, and returns the answer.
	Ask(ctx context.Context, to mode.NodeID, request []byte) ([]byte, error)
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
	Transport func() (raft.Transport, error) // called at each start of Raft, which closes it; a server's address is its node's UUID
	Peers     Peers
	LogBytes  int64         // of Raft's log, beyond which it is cut short; 0: 128 MB
	Compare   time.Duration // between two comparisons of what the members hold; 0: an hour
	Bootstrap bool          // begin a pair of one where nothing was ever agreed on: once, by who sets the pair up

	Snapshots func(life string) (raft.SnapshotStore, error) // nil: files below Dir/snapshots, two kept
	Members   func() map[mode.NodeID]mode.Role              // by what is agreed on; nil: whoever has contact
	Isolated  func() bool                                   // no link, no gateway, hardly a device that answers; nil: never
	Full      func() bool                                   // its disk is full: it keeps nothing that it reads; nil: never
	Acting    func() bool                                   // something that a device was told may be under way; nil: never
	CaughtUp  func(mode.NodeID) bool                        // a member's journal is near enough to vote; nil: always
	Off       func(mode.NodeID) bool                        // proven to have no power, such as by its BMC, twice; nil: never
	Conflict  func(Conflict) error                          // keeps what is about to be given up; nil: a file in Dir/conflicts, sixteen kept
	Verified  func() bool                                   // what this member keeps was checked since the start; nil: always
	Struck    func() mode.Struck                            // what a box said that refuses this member; nil: nothing
	Logger    *slog.Logger
}

// Conflict is what was agreed on in a life that is given up: parts of it may be unknown to the others.
type Conflict struct {
	At         time.Time       `json:"at"`
	Life       string          `json:"life"`
	Generation mode.Generation `json:"generation"`
	Follows    mode.Generation `json:"follows"` // the generation it is given up for
	Why        string          `json:"why"`
	Applied    uint64          `json:"applied"`
	State      []byte          `json:"state"` // as StateMachine.Snapshot wrote it
}

// Status is what a Node knows of itself and the others, for people and for the API.
type Status struct {
	Self       Self            `json:"self"`
	Mode       mode.Mode       `json:"mode"`
	ModeFor    time.Duration   `json:"mode_ns"`
	Why        string          `json:"why"` // what it waits for, or why it has no authority; in words
	Authority  bool            `json:"authority"`
	Powers     []string        `json:"powers"`
	ActsIn     time.Duration   `json:"acts_in_ns"` // how long a box with authority makes no device do anything yet
	Generation mode.Generation `json:"generation"`
	Life       string          `json:"life"`
	Current    bool            `json:"current"` // it has caught up in this life: before that, what it holds of what is agreed on is of an earlier time
	Leader     mode.NodeID     `json:"leader"`  // zero when none is known
	Term       uint64          `json:"term"`
	Applied    uint64          `json:"applied"`
	Committed  uint64          `json:"committed"`
	Parted     uint64          `json:"parted"` // the last entry before this box took over; 0: it did not, in this life
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
