package wire

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/hashicorp/raft"

	"rackpost/replicate/mode"
)

// The reasons why nothing was sent. Errors wrap one of them where they apply.
var (
	ErrNotRunning  = errors.New("the pair's wire is not running")
	ErrUndelivered = errors.New("the request was not delivered")
)

// Wire is this member's end of every connection of the pair.
type Wire struct{ cfg Config }

// New checks the configuration; nothing is opened before Run.
func New(cfg Config) (*Wire, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg.defaults()
	return &Wire{cfg: cfg}, nil
}

// Run listens, calls and answers until ctx ends, and returns when everything has ended.
func (w *Wire) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// SetPeers says who the other members are, from now on. Connections of those that are no longer
// members end.
func (w *Wire) SetPeers([]Peer) error { return nil }

// Announce says what this member is, from now on, in every hello and pong. Node and role stay
// those of the configuration.
func (w *Wire) Announce(mode.Hello) {}

// Contacts is what every member said last on every path, sorted by member and path.
func (w *Wire) Contacts() []mode.Contact { return nil }

// Changed is closed when a member's word on its mode, authority, generation or life changes, when
// one is heard or silent on a path, and when a connection is refused for a new reason.
func (w *Wire) Changed() <-chan struct{} { return nil }

// Links is what is known of every way to every member, sorted by member and path.
func (w *Wire) Links() []Link { return nil }

// Link is one way to one member.
type Link struct {
	mode.Contact
	Name      string // the member's, for people
	Version   string
	Address   string
	RoundTrip time.Duration // of the last ping answered; 0 when there was none
	Error     string        // why the last call failed; empty when it did not
}

// LinkUp says that a path's cable or address is back: its calls are made at once.
func (w *Wire) LinkUp(path string) {}

// Refusals is what was refused lately, the newest first.
func (w *Wire) Refusals() []Refusal { return nil }

// Memory is what is to be remembered of every member.
func (w *Wire) Memory() map[mode.NodeID]Memory { return nil }

// Cut closes every Raft stream at once and lets none be opened, until it is told the opposite.
func (w *Wire) Cut(bool) {}

// Raft opens the layer a raft.NetworkTransport works over. There is one at a time: an earlier one ends.
func (w *Wire) Raft() raft.StreamLayer { return nil }

// Conn is a connection to a member after both hellos.
type Conn struct {
	net.Conn
	Peer     Hello
	Path     string
	Protocol uint16 // the version both speak
}

// DialJournal connects to a box over its best path.
func (w *Wire) DialJournal(ctx context.Context, to mode.NodeID) (*Conn, error) {
	return nil, ErrNotRunning
}

// AcceptJournal waits for a box that connects.
func (w *Wire) AcceptJournal(ctx context.Context) (*Conn, error) { return nil, ErrNotRunning }

// Handler answers a member's request. It ends when ctx does. An error of type *Failure goes to
// the other side with its code.
type Handler func(ctx context.Context, from mode.NodeID, body []byte) ([]byte, error)

// Handle has requests of this method answered.
func (w *Wire) Handle(method string, h Handler) {}

// HandleJoin has callers without a certificate answered: h judges the token in the body.
func (w *Wire) HandleJoin(h func(ctx context.Context, from net.Addr, body []byte) ([]byte, error)) {}

// Request asks a member over its best path. An error that wraps ErrUndelivered means that the
// other side's handler was not called; a *Failure is the handler's own.
func (w *Wire) Request(ctx context.Context, to mode.NodeID, method string, body []byte) ([]byte, error) {
	return nil, ErrUndelivered
}

// Ask is a Request of the method "node".
func (w *Wire) Ask(ctx context.Context, to mode.NodeID, request []byte) ([]byte, error) {
	return w.Request(ctx, to, MethodNode, request)
}

// MethodNode is the method of Ask.
const MethodNode = "node"

// Failure is a handler's error as the other side gets it.
type Failure struct {
	Code  string // for programs; may be empty
	Words string
}

// Error implements error.
func (f *Failure) Error() string { return f.Words }
