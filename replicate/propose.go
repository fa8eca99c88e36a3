package replicate

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"rackpost/replicate/mode"
)

// MaxCommand is the longest command, in bytes.
const MaxCommand = 512 << 10

// How long a proposal may wait for its turn, a follower until it has applied what the leader did,
// and a box until another has the authority that was handed to it.
const (
	proposeTimeout  = 2 * time.Second
	readTimeout     = 3 * time.Second
	transferTimeout = 10 * time.Second
)

// The first byte of a request, and of its answer.
const (
	askPropose = 'p' // and the command
	askSum     = 's' // and the index of a mark: 8 bytes

	answerDone    = 'd' // and the index, or the sum
	answerRefused = 'r' // and why, by the StateMachine
	answerNobody  = 'n' // and why: this member has no authority
	answerUnknown = 'u' // and why: it may have been agreed on, or not
)

// RefusedError is what the StateMachine said to a command.
type RefusedError struct{ Reason string }

// Error implements error.
func (e *RefusedError) Error() string { return e.Reason }

// Unwrap makes it ErrRefused.
func (e *RefusedError) Unwrap() error { return ErrRefused }

// Propose has a command applied by every member. It returns a *RefusedError with what Apply said
// against it; ErrNoAuthority when nobody was there to agree within two seconds, and nothing happened;
// ErrUnknown when that cannot be told. A follower hands it to the leader, and returns when it applied it itself.
func (n *Node) Propose(ctx context.Context, cmd []byte) error {
	if len(cmd) > MaxCommand {
		return fmt.Errorf("a command of %d bytes: the most is %d: %w", len(cmd), MaxCommand, ErrRefused)
	}
	wait := time.NewTimer(proposeTimeout)
	defer wait.Stop()
	for {
		later := n.Watch()
		to, ok := n.owner()
		if ok && to == n.cfg.Self.Node && !n.keepsBack() {
			_, err := n.apply(ctx, entryCommand, cmd)
			return err
		}
		if ok && to != n.cfg.Self.Node {
			return n.forward(ctx, to, cmd)
		}
		select {
		case <-later:
		case <-wait.C:
			return ErrNoAuthority
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrNoAuthority, ctx.Err())
		}
	}
}

// keepBack has proposals wait, or lets them go.
func (n *Node) keepBack(on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.kept != on {
		n.kept = on
		close(n.changed)
		n.changed = make(chan struct{})
	}
}

func (n *Node) keepsBack() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.kept
}

// owner is the member with authority, as far as this one knows.
func (n *Node) owner() (mode.NodeID, bool) {
	status := n.Status()
	if status.Authority {
		return n.cfg.Self.Node, true
	}
	for _, m := range status.Members {
		if m.Authority && m.Generation == status.Generation && m.Silent < n.cfg.Timers.Demote {
			return m.Node, true
		}
	}
	return mode.NodeID{}, false
}

// apply has the leader's Raft agree on an entry.
func (n *Node) apply(ctx context.Context, kind byte, cmd []byte) (uint64, error) {
	e := n.running()
	if e == nil {
		return 0, ErrNotRunning
	}
	future := e.raft.Apply(append([]byte{kind}, cmd...), proposeTimeout)
	err := e.wait(ctx, future)
	switch {
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrEnqueueTimeout), errors.Is(err, raft.ErrLeadershipTransferInProgress):
		return 0, ErrNoAuthority
	case err != nil:
		return 0, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	if why, ok := future.Response().(error); ok && why != nil {
		return 0, &RefusedError{why.Error()}
	}
	return future.Index(), nil
}

// forward has the leader propose it.
func (n *Node) forward(ctx context.Context, to mode.NodeID, cmd []byte) error {
	answer, err := n.cfg.Peers.Ask(ctx, to, append([]byte{askPropose}, cmd...))
	if err != nil {
		return fmt.Errorf("%w: ask the box with authority: %w", ErrUnknown, err)
	}
	if len(answer) == 0 {
		return fmt.Errorf("%w: the box with authority gave no answer", ErrUnknown)
	}
	said := string(answer[1:])
	switch answer[0] {
	case answerRefused:
		return &RefusedError{said}
	case answerNobody:
		return ErrNoAuthority
	case answerDone:
		if len(said) == 8 {
			n.await(ctx, binary.BigEndian.Uint64(answer[1:]))
		}
		return nil
	}
	return fmt.Errorf("%w: %.200q", ErrUnknown, said)
}

// await returns when an index was applied here, or after a while.
func (n *Node) await(ctx context.Context, index uint64) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	for {
		at, later := n.machine.at()
		if at >= index {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-later:
		}
	}
}

// Answer answers what another member's Ask sent. It is for the wire.
func (n *Node) Answer(ctx context.Context, from mode.NodeID, request []byte) ([]byte, error) {
	if len(request) == 0 {
		return nil, fmt.Errorf("an empty request: %w", ErrRefused)
	}
	switch body := request[1:]; request[0] {
	case askPropose:
		return n.answerProposal(ctx, from, body)
	case askSum:
		if len(body) != 8 {
			return nil, fmt.Errorf("a request for a sum of %d bytes: %w", len(body), ErrRefused)
		}
		sha, ok := n.machine.sumAt(binary.BigEndian.Uint64(body))
		if !ok {
			return []byte{answerNobody}, nil
		}
		return append([]byte{answerDone}, sha[:]...), nil
	}
	return nil, fmt.Errorf("request %q is not known to this version: update this member: %w", request[0], ErrRefused)
}

func (n *Node) answerProposal(ctx context.Context, from mode.NodeID, cmd []byte) ([]byte, error) {
	if n.roleOf(from) != mode.Box {
		return append([]byte{answerRefused}, "only a box may propose: a witness votes"...), nil
	}
	if !n.Status().Authority || len(cmd) > MaxCommand {
		return append([]byte{answerNobody}, "this member has no authority"...), nil
	}
	index, err := n.apply(ctx, entryCommand, cmd)
	var refused *RefusedError
	switch {
	case err == nil:
		return binary.BigEndian.AppendUint64([]byte{answerDone}, index), nil
	case errors.As(err, &refused):
		return append([]byte{answerRefused}, refused.Reason...), nil
	case errors.Is(err, ErrUnknown):
		return append([]byte{answerUnknown}, err.Error()...), nil
	}
	return append([]byte{answerNobody}, err.Error()...), nil
}

// Transfer hands authority to another box. It returns when that one has it, or with the reason why
// it does not.
func (n *Node) Transfer(ctx context.Context, to mode.NodeID) error {
	e := n.running()
	if e == nil || !n.Status().Authority {
		return fmt.Errorf("hand authority over: this box has none: %w", ErrNoPower)
	}
	if to == n.cfg.Self.Node || len(e.servers()[to]) == 0 || n.roleOf(to) != mode.Box {
		return fmt.Errorf("hand authority over: %s is no other box with a vote: %w", to.Short(), ErrRefused)
	}
	if err := n.enfranchise(ctx, e, to); err != nil {
		return fmt.Errorf("hand authority over: %w", err)
	}
	if err := n.order(ctx, order{handTo: to, result: make(chan error, 1)}); err != nil {
		return fmt.Errorf("hand authority over: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, transferTimeout)
	defer cancel()
	for {
		later := n.Watch()
		owner, ok := n.owner()
		switch {
		case ok && owner == to:
			return nil
		case ok && owner == n.cfg.Self.Node: // it had none while it handed over
			return fmt.Errorf("hand authority over: %s did not take it, and this box goes on: try again: %w", to.Short(), ErrRefused)
		}
		select {
		case <-later:
		case <-ctx.Done():
			return fmt.Errorf("hand authority over: %s did not take it: %w", to.Short(), ctx.Err())
		}
	}
}

// Leaves says that this box is about to stop: another leader that hands over to it is refused at once, and goes on.
func (n *Node) Leaves() { n.leaving.Store(true) }

// enfranchise has a box that is to lead, and is caught up, get its vote at once: that it may come and
// go is no matter when a person wants it to lead.
func (n *Node) enfranchise(ctx context.Context, e *engine, to mode.NodeID) error {
	ctx, cancel := context.WithTimeout(ctx, transferTimeout)
	defer cancel()
	if e.voter(to) != "" {
		return nil
	}
	if err := n.order(ctx, order{handTo: to, result: make(chan error, 1)}); err != nil {
		return fmt.Errorf("%s has no vote yet, and is not caught up: %w", to.Short(), err)
	}
	for {
		later := n.Watch()
		if e.voter(to) != "" {
			return nil
		}
		select {
		case <-later:
		case <-ctx.Done():
			return fmt.Errorf("%s did not get its vote: %w", to.Short(), ctx.Err())
		}
	}
}

// roleOf is what another member is for.
func (n *Node) roleOf(id mode.NodeID) mode.Role {
	for _, m := range n.Status().Members {
		if m.Node == id {
			return m.Role
		}
	}
	return mode.RoleUnknown
}

// Remove returns when a member, which is agreed on no more, is out of Raft's configuration: who has
// authority takes it out.
func (n *Node) Remove(ctx context.Context, id mode.NodeID) error {
	for {
		later := n.Watch()
		e := n.running()
		if e == nil {
			return ErrNotRunning
		}
		if len(e.servers()[id]) == 0 {
			return nil
		}
		select {
		case <-later:
		case <-ctx.Done():
			return fmt.Errorf("wait until %s is out: %w", id.Short(), ctx.Err())
		}
	}
}
