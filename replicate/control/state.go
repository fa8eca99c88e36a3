package control

import (
	"cmp"
	"slices"
	"time"

	"rackpost/replicate/mode"
)

// Level is the feature level this version speaks. A command that an older version would not know comes with a higher one.
const Level = 1

// The names of documents. Of Site older versions are kept.
const (
	Site   = "site"
	Secret = "secret/"
	Peer   = "member/"
	User   = "user/"
)

// Document is one version of something agreed on.
type Document struct {
	Name    string    `json:"name"`
	Version uint64    `json:"version"` // from 1; no two contents of one name ever have the same
	Content []byte    `json:"content"` // not to be changed
	Who     string    `json:"who"`
	Why     string    `json:"why"`
	At      time.Time `json:"at"`              // by the clock of whoever proposed it, in milliseconds
	Index   uint64    `json:"index"`           // of the Raft entry
	Base    uint64    `json:"base"`            // what it was made from: the version before, or 0
	Proof   []byte    `json:"proof,omitempty"` // of its Statement
}

// Outcome is how a claim stands.
type Outcome uint8

// The outcomes.
const (
	Open   Outcome = iota // somebody is at it
	Doubt                 // who was at it lost authority: look before it is repeated
	Done                  // it was done, and is never done again
	Failed                // it was not done
	outcomes
)

// String returns the outcome's word.
func (o Outcome) String() string {
	if o < outcomes {
		return [outcomes]string{"open", "in doubt", "done", "failed"}[o]
	}
	return "unknown"
}

// MarshalText implements encoding.TextMarshaler.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// Claim is the intent to do something once, and what became of it.
type Claim struct {
	Key     string      `json:"key"`
	Kind    string      `json:"kind"`
	Node    mode.NodeID `json:"node"` // whose intent it is
	What    string      `json:"what"`
	Attempt uint64      `json:"attempt"` // from 1
	At      time.Time   `json:"at"`
	Outcome Outcome     `json:"outcome"`
	Detail  string      `json:"detail,omitempty"`
	Settled time.Time   `json:"settled"` // when it was done, had failed or came into doubt
	Index   uint64      `json:"index"`   // of the Raft entry that changed it last
}

// Token lets one member join, once.
type Token struct {
	Hash    [32]byte    `json:"-"` // the token itself is nowhere
	Role    mode.Role   `json:"role"`
	Who     string      `json:"who"`
	At      time.Time   `json:"at"`
	Expires time.Time   `json:"expires"`
	Used    time.Time   `json:"used"` // the zero time: not yet
	By      mode.NodeID `json:"by"`
	Proof   []byte      `json:"-"` // of its Statement
}

// Takeover is a person's word that one member goes on alone.
type Takeover struct {
	Generation mode.Generation `json:"generation"`
	From       uint64          `json:"from"` // the last Raft index that both sides may share
	Who        string          `json:"who"`
	Why        string          `json:"why"`
	At         time.Time       `json:"at"`
	Index      uint64          `json:"index"`
}

// State is what is agreed at one moment. It never changes, so that it may be read by everybody; the zero value is the
// state before the first command.
type State struct {
	applied   uint64
	level     uint32
	floor     uint64      // no document below was ever another one of the same name: see put
	documents []*Document // by name
	history   []*Document // of Site, by version, the current one not among them
	claims    []*Claim    // by key
	tokens    []*Token    // by hash
	takeovers []*Takeover // by index
}

// Applied returns the Raft index of the last command that changed anything.
func (s State) Applied() uint64 { return s.applied }

// Level returns the feature level that all members speak and commands may use.
func (s State) Level() uint32 { return max(s.level, 1) }

// Document returns the current version of what is called name.
func (s State) Document(name string) (Document, bool) {
	if i, ok := find(s.documents, name); ok {
		return *s.documents[i], true
	}
	return Document{}, false
}

func find(documents []*Document, name string) (int, bool) {
	return slices.BinarySearchFunc(documents, name, func(d *Document, name string) int { return cmp.Compare(d.Name, name) })
}
