package control

import (
	"fmt"
	"time"

	"rackpost/replicate/mode"
)

// format is the version of the encoding, of commands and of states.
const format = 1

// Bounds. They are part of the format: members with different ones would not agree on what is refused.
const (
	maxName      = 128
	maxWho       = 128
	maxWhy       = 1024
	maxWhat      = 4096
	maxContent   = 512 << 10
	maxCommand   = maxContent + 4096
	maxUnsaid    = 1024 // claims that are open or in doubt
	maxSettled   = 1024 // others; the oldest goes
	maxTokens    = 64
	maxTakeover  = 16
	maxPaths     = 8
	maxDocuments = 1024
	maxTotal     = 16 << 20 // bytes of all documents' current contents
	maxVersions  = 100      // of Site, the current one among them
	maxHistory   = 8 << 20  // bytes of the older ones
	maxState     = 64 << 20 // bytes of a snapshot
	maxProof     = 128
)

// The kinds of commands. A new one comes with a new Level.
const (
	kindPut = iota + 1
	kindDelete
	kindStart
	kindSettle
	kindInherit
	kindInvite
	kindRedeem
	kindRaise
	kindForced
	kinds
)

// Command is one of the types below.
type Command interface {
	kind() byte
	fields(*codec)
	// apply changes s, a copy whose slices are shared: it replaces them and changes none.
	apply(s *State, index uint64) error
}

// Put makes a new version of a document, if Expected is the current one; 0 means that there is none.
type Put struct {
	Name     string
	Expected uint64
	Content  []byte
	Who, Why string
	At       time.Time
	Proof    []byte // of its Statement
}

// Delete removes a document, if Expected is its current version.
type Delete struct {
	Name     string
	Expected uint64
	Who, Why string
	At       time.Time
}

// Start claims Key for Node: nobody else does the same. Attempt is 1, and one more than before where the last one failed or
// is in doubt.
type Start struct {
	Key, Kind string
	Node      mode.NodeID
	What      string
	Attempt   uint64
	At        time.Time
}

// Settle says what became of a claim: Done or Failed.
type Settle struct {
	Key     string
	Attempt uint64
	Outcome Outcome
	Detail  string
	At      time.Time
}

// Inherit brings every open claim into doubt. Node says it when it gained authority, before it does anything.
type Inherit struct {
	Node mode.NodeID
	At   time.Time
}

// Invite makes a token known by its hash.
type Invite struct {
	Hash    [32]byte
	Role    mode.Role
	Who     string
	At      time.Time
	Expires time.Time
	Proof   []byte // of its Statement
}

// Redeem uses a token up.
type Redeem struct {
	Hash [32]byte
	Node mode.NodeID
	At   time.Time
}

// Raise raises the feature level, when all members speak it.
type Raise struct {
	Level uint32
	Who   string
	At    time.Time
}

// Forced records a takeover; From is the last Raft index of the old generation.
type Forced struct {
	Generation mode.Generation
	From       uint64
	Who, Why   string
	At         time.Time
}

func (*Put) kind() byte     { return kindPut }
func (*Delete) kind() byte  { return kindDelete }
func (*Start) kind() byte   { return kindStart }
func (*Settle) kind() byte  { return kindSettle }
func (*Inherit) kind() byte { return kindInherit }
func (*Invite) kind() byte  { return kindInvite }
func (*Redeem) kind() byte  { return kindRedeem }
func (*Raise) kind() byte   { return kindRaise }
func (*Forced) kind() byte  { return kindForced }

func empty(kind byte) Command {
	return [kinds]Command{kindPut: &Put{}, kindDelete: &Delete{}, kindStart: &Start{}, kindSettle: &Settle{}, kindInherit: &Inherit{},
		kindInvite: &Invite{}, kindRedeem: &Redeem{}, kindRaise: &Raise{}, kindForced: &Forced{}}[kind]
}

// Encode returns the bytes of c for Propose, or ErrMalformed with what is wrong with it. Times are cut to milliseconds.
func Encode(c Command) ([]byte, error) {
	w := &codec{b: []byte{format, c.kind()}}
	c.fields(w)
	if err := w.end(); err != nil {
		return nil, fmt.Errorf("make a command: %w", err)
	}
	return w.b, nil
}

// Decode reads a command.
func Decode(b []byte) (Command, error) {
	if len(b) < 2 || len(b) > maxCommand {
		return nil, fmt.Errorf("%w: a command of %d bytes", ErrMalformed, len(b))
	}
	if b[0] > format || b[0] == format && b[1] >= kinds {
		return nil, fmt.Errorf("a command (format %d, kind %d) was %w", b[0], b[1], ErrNewer)
	}
	if b[0] == 0 || b[1] == 0 {
		return nil, fmt.Errorf("%w: a command of format %d, kind %d", ErrMalformed, b[0], b[1])
	}
	c := empty(b[1])
	r := &codec{b: b[2:], reading: true}
	c.fields(r)
	return c, r.end()
}
