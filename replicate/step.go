package replicate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/hashicorp/raft"

	"rackpost/replicate/mode"
)

// step looks, decides, and does what was decided. An error ends Run.
func (n *Node) step(o *order) error {
	ev := n.look()
	if o != nil && o.handTo != (mode.NodeID{}) {
		ev.HandTo = o.handTo
	} else if o != nil {
		if why := mode.Refusal(n.state, ev, n.cfg.Timers); why != "" {
			o.result <- fmt.Errorf("take over: %s: %w", why, ErrRefused)
			return nil
		}
		ev.Takeover = true
	}
	n.current = n.current || mode.Caught(ev, n.cfg.Timers)
	state, effects := mode.Step(n.state, ev, n.cfg.Timers)
	n.state = state
	n.keepBack(state.Holds)
	n.grants.set(state.Powers, state.Epoch)
	n.admit(n.running())
	n.running().rouse(n.patience())
	n.publish(ev)
	err := n.do(ev, effects)
	if o != nil {
		o.result <- taken(effects, err)
	}
	if err == nil {
		n.keep()
		n.compare(ev)
		n.trim(ev.Now)
	}
	return err
}

// patience is for how long Raft's leader may be silent where a witness votes. The witness gives it up
// first, but not within its lease; a box that asks for its vote afterwards gets it.
func (n *Node) patience() time.Duration {
	t := n.cfg.Timers
	if n.cfg.Self.Role == mode.Witness {
		return t.Short + t.RPC // a lease counts from the answer, which took so long at most
	}
	return t.Election + t.Election/10
}

// taken is the answer to who ordered something.
func taken(effects []mode.Effect, err error) error {
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(effects, func(e mode.Effect) bool {
		return e.Do == mode.Takeover || e.Do == mode.Transfer || e.Do == mode.Promote
	}) {
		return fmt.Errorf("another change is under way, or authority was lost: try again: %w", ErrRefused)
	}
	return nil
}

// do carries out effects. What waits for others is done beside Run, one at a time.
func (n *Node) do(ev mode.Event, effects []mode.Effect) error {
	for _, e := range effects {
		var err error
		switch e.Do {
		case mode.EndProcess:
			err = errors.New(e.Why)
		case mode.Restart:
			err = n.restart(!ev.Raft.Short)
		case mode.Takeover:
			err = n.takeOver(e)
		case mode.Begin:
			err = n.rejoin(e)
		case mode.Forget:
			n.forget()
		default:
			n.change(e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (n *Node) restart(short bool) error {
	n.cfg.Logger.Info("raft starts again with other timers", slog.Bool("witnessed", short))
	if err := n.stopRaft(); err != nil {
		return err
	}
	e, err := n.run(short, n.cfg.Timers.Lease) // who leads may still have a lease by the timers of before
	if err != nil {
		return err
	}
	n.use(e)
	return nil
}

// change has Raft's leader change something.
func (n *Node) change(ef mode.Effect) {
	e := n.running()
	n.mu.Lock()
	n.pending = true
	n.mu.Unlock()
	done := func() {
		err := e.answer(n.future(e, ef)) // not before: Raft takes no order while it waits for the disk
		n.mu.Lock()
		n.pending = false
		n.mu.Unlock()
		attrs := []any{slog.String("what", ef.Do.String()), slog.String("node", ef.Node.Short()), slog.String("why", ef.Why)}
		if err != nil {
			n.cfg.Logger.Warn("a change of the pair failed", append(attrs, slog.Any("error", err))...)
		} else {
			n.cfg.Logger.Info("the pair changed", attrs...)
			n.kick() // after a failure the next look tries again
		}
	}
	if !e.beside(done) {
		n.mu.Lock()
		n.pending = false
		n.mu.Unlock()
	}
}

func (n *Node) future(e *engine, ef mode.Effect) raft.Future {
	id, address := serverID(ef.Node, ef.Life), raft.ServerAddress(ef.Node.String())
	timeout := n.cfg.Timers.Lease
	switch ef.Do {
	case mode.Demote:
		return e.raft.DemoteVoter(e.voter(ef.Node), 0, timeout)
	case mode.AddNonvoter:
		return e.raft.AddNonvoter(id, address, 0, timeout)
	case mode.Promote:
		return e.raft.AddVoter(id, address, 0, timeout)
	case mode.Remove:
		return e.raft.RemoveServer(id, 0, timeout)
	}
	return e.raft.LeadershipTransferToServer(e.voter(ef.Node), address)
}

// voter is the server by which a member votes.
func (e *engine) voter(node mode.NodeID) raft.ServerID {
	for _, s := range e.servers()[node] {
		if s.Vote == mode.Voter {
			return serverID(node, s.Life)
		}
	}
	return ""
}

// order hands a person's order to Run and waits for what came of it.
func (n *Node) order(ctx context.Context, o order) error {
	select {
	case n.orders <- o:
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrNotRunning, ctx.Err())
	case <-n.grants.closed:
		return ErrNotRunning
	}
	select {
	case err := <-o.result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
