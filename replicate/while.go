package replicate

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"rackpost/replicate/mode"
)

// verifyTimeout is how long a quorum may take to confirm authority, and verifyAtOnce how many may
// ask at once.
const (
	verifyTimeout = 2 * time.Second
	verifyAtOnce  = 64
)

// grant is one time of having one power.
type grant struct {
	ctx     context.Context
	end     context.CancelCauseFunc
	epoch   uint64
	running int // functions that have not returned yet
}

// grants are the powers this member has.
type grants struct {
	mu      sync.Mutex
	powers  mode.Powers
	epoch   uint64
	of      map[mode.Power]*grant
	changed chan struct{}
	closed  chan struct{}
	verify  chan struct{}
}

func newGrants() *grants {
	return &grants{of: map[mode.Power]*grant{}, changed: make(chan struct{}), closed: make(chan struct{}), verify: make(chan struct{}, verifyAtOnce)}
}

// close ends everything, for good.
func (g *grants) close() {
	g.set(0, 0)
	close(g.closed)
}

// set gives and takes powers. One that is given again ends and begins.
func (g *grants) set(powers mode.Powers, epoch uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if powers == g.powers && epoch == g.epoch {
		return
	}
	g.powers, g.epoch = powers, epoch
	for p, old := range g.of {
		if !powers.Has(p) || old.epoch != epoch {
			old.end(fmt.Errorf("%v: %w", p, ErrNoPower))
		}
	}
	close(g.changed)
	g.changed = make(chan struct{})
}

// take returns the grant of a power, to be given back by release. While functions of an earlier one
// run, or there is no power, it returns nil and what to wait for.
func (g *grants) take(p mode.Power) (*grant, <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.powers.Has(p) {
		return nil, g.changed
	}
	has := g.of[p]
	over := has == nil || has.ctx.Err() != nil
	if over && has != nil && has.running > 0 {
		return nil, g.changed
	}
	if over {
		ctx, end := context.WithCancelCause(context.Background())
		has = &grant{ctx: ctx, end: end, epoch: g.epoch}
		g.of[p] = has
	}
	has.running++
	return has, nil
}

func (g *grants) release(has *grant) {
	g.mu.Lock()
	defer g.mu.Unlock()
	has.running--
	if has.running == 0 && has.ctx.Err() != nil {
		close(g.changed)
		g.changed = make(chan struct{})
	}
}

// used says whether a function runs that was given a power, also one that is to end.
func (g *grants) used(p mode.Power) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.of[p] != nil && g.of[p].running > 0
}

// now returns the powers that are there, and their epoch.
func (g *grants) now() (powers mode.Powers, epoch uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.powers, g.epoch
}

// While runs fn each time this member gets the power, with a context that ends with the power or
// with ctx. A power is not given again, to any function, before all that ran with it have returned.
// While returns nil when ctx ends, and the error of an fn that failed while it had the power.
func (n *Node) While(ctx context.Context, p mode.Power, fn func(context.Context) error) error {
	for {
		has, later := n.grants.take(p)
		if has == nil {
			select {
			case <-ctx.Done():
				return nil
			case <-later:
				continue
			}
		}
		err := n.hold(ctx, has, fn)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && has.ctx.Err() == nil:
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-has.ctx.Done():
		}
	}
}

// hold runs fn with a grant.
func (n *Node) hold(ctx context.Context, has *grant, fn func(context.Context) error) error {
	defer n.grants.release(has)
	held, end := context.WithCancelCause(ctx)
	defer end(nil)
	defer context.AfterFunc(has.ctx, func() { end(context.Cause(has.ctx)) })()
	return fn(held)
}

// Verify returns nil when this member has the power at this moment and, where the power comes with
// authority, a quorum confirms it, within two seconds. It is to be asked before every act that
// needs one owner.
func (n *Node) Verify(ctx context.Context, p mode.Power) error {
	powers, before := n.grants.now()
	e := n.running()
	if !powers.Has(p) || e == nil {
		return fmt.Errorf("%v: %w: %s", p, ErrNoPower, n.Status().Why)
	}
	if err := n.awake(); err != nil {
		return fmt.Errorf("%v: %w", p, err)
	}
	if powers.Has(mode.Configure) { // which comes with authority alone; Status is told a moment later
		ctx, cancel := context.WithTimeout(ctx, verifyTimeout)
		defer cancel()
		if err := n.confirm(ctx, e); err != nil {
			return fmt.Errorf("%v: %w: no quorum confirms it: %w", p, ErrNoPower, err)
		}
	}
	if after, epoch := n.grants.now(); !after.Has(p) || epoch != before {
		return fmt.Errorf("%v: %w: it was lost meanwhile", p, ErrNoPower)
	}
	if err := n.awake(); err != nil {
		return fmt.Errorf("%v: %w", p, err)
	}
	return nil
}

func (n *Node) confirm(ctx context.Context, e *engine) error {
	select {
	case n.grants.verify <- struct{}{}:
		defer func() { <-n.grants.verify }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if e.raft.State() != raft.Leader {
		return errors.New("raft does not lead")
	}
	return e.wait(ctx, e.raft.VerifyLeader())
}
