package replicate

import (
	"context"
	"fmt"
	"sync"

	"rackpost/replicate/mode"
)

// Node is this member of the pair.
type Node struct {
	cfg Config

	mu      sync.Mutex
	status  Status
	changed chan struct{}
}

// New checks the configuration; nothing is opened before Run.
func New(cfg Config) (*Node, error) {
	if cfg.Self.Node == (mode.NodeID{}) || cfg.Self.Role == mode.RoleUnknown {
		return nil, fmt.Errorf("member %q of the pair has no id or no role", cfg.Self.Name)
	}
	if cfg.State == nil || cfg.Logs == nil || cfg.Transport == nil || cfg.Peers == nil || cfg.Logger == nil {
		return nil, fmt.Errorf("member %s of the pair lacks a part: state, logs, transport, peers and logger are needed", cfg.Self.Name)
	}
	return &Node{cfg: cfg, changed: make(chan struct{}), status: Status{Self: cfg.Self}}, nil
}

// Run takes part in the pair until ctx ends. Its error means that the process should end: the
// disk under the log is dead, or what is on it cannot be read.
func (n *Node) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// While runs fn each time this member gets the power, with a context that ends with the power.
// It returns when ctx ends, or with the error of an fn that failed while it had the power.
func (n *Node) While(ctx context.Context, _ mode.Power, _ func(context.Context) error) error {
	<-ctx.Done()
	return nil
}

// Verify returns nil when this member has the power now and Raft's quorum confirms it, within two
// seconds. It is to be asked before every act that needs one owner.
func (n *Node) Verify(_ context.Context, p mode.Power) error {
	return fmt.Errorf("%v: %w", p, ErrNotRunning)
}

// Propose has a command applied by every member, and returns what Apply returned. A follower
// hands it to the leader.
func (n *Node) Propose(context.Context, []byte) error { return ErrNotRunning }

// Answer answers what another member's Ask sent.
func (n *Node) Answer(context.Context, mode.NodeID, []byte) ([]byte, error) {
	return nil, ErrNotRunning
}

// Transfer hands authority to another member.
func (n *Node) Transfer(context.Context, mode.NodeID) error { return ErrNotRunning }

// Takeover makes this box go on without a quorum, in a new generation: a person or a proof says
// that no other has authority. It is refused while one who has answers.
func (n *Node) Takeover(context.Context, string) error { return ErrNotRunning }

// Remove takes a member that is no longer agreed on out of Raft's configuration.
func (n *Node) Remove(context.Context, mode.NodeID) error { return ErrNotRunning }

// Status returns what is known at the moment.
func (n *Node) Status() Status {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.status
}

// Mode returns what this member is at the moment.
func (n *Node) Mode() mode.Mode { return n.Status().Mode }

// Watch returns a channel that is closed at the next change of Status.
func (n *Node) Watch() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.changed
}
