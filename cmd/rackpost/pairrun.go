package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"rackpost/replicate/mode"
	"rackpost/replicate/trust"
	"rackpost/replicate/wire"
)

const (
	askTime      = 5 * time.Second // for an answer of another member
	stewardWait  = 5 * time.Second // after something was not agreed on
	handOverTime = time.Second
	goneEvery    = 20 * time.Millisecond
	lastBreath   = time.Second // in which a process with a dead disk ends, whatever hangs
)

// Run takes part in the pair until ctx ends. Its error means that the process is to end: when something hangs then, it
// ends hard all the same.
func (p *pairing) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return p.wire.Run(ctx) })
	group.Go(func() error { return p.runNode(ctx) })
	group.Go(func() error { return p.keeper.Run(ctx, p.askRenewal) })
	group.Go(func() error { return p.keepPeers(ctx) })
	group.Go(func() error { return p.keepMemory(ctx) })
	group.Go(func() error { return p.introduce(ctx) })
	group.Go(func() error { return p.appeal(ctx) })
	group.Go(func() error { return p.sweepConflicts(ctx) })
	if p.self.Role == mode.Box {
		group.Go(func() error { return p.shipJournals(ctx) })
		group.Go(func() error { return p.node.While(ctx, mode.Configure, p.steward) })
	} else {
		group.Go(func() error { return p.beCalled(ctx) })
	}
	return group.Wait()
}

func (p *pairing) runNode(ctx context.Context) error {
	err := p.node.Run(ctx)
	if err != nil {
		p.logger.Error("the pair's part of this box cannot go on; the process ends", "err", err)
		time.AfterFunc(lastBreath, func() { os.Exit(exitFailed) }) // a dead disk may hold every other goroutine for ever
		return fmt.Errorf("take part in the pair: %w", err)
	}
	return nil
}

// handOver gives authority to the other box before this one stops: it is there at once, also where no witness is.
func (p *pairing) handOver() {
	p.node.Leaves()
	s := p.node.Status()
	for _, m := range s.Members {
		if !s.Authority || m.Role != mode.Box || m.Vote != mode.Voter || m.Silent > time.Second {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), handOverTime)
		defer cancel()
		var watching sync.WaitGroup
		watching.Go(func() { p.untilGone(ctx, m.Node, cancel) })
		err := p.node.Transfer(ctx, m.Node)
		cancel()
		watching.Wait()
		if err != nil {
			p.logger.Warn("authority was not handed over before the stop", "member", p.nameOf(m.Node), "err", err)
			return
		}
		p.logger.Info("authority was handed over before the stop", "member", p.nameOf(m.Node))
		return
	}
}

// untilGone calls gone when a member hangs up on every path, as one does that is stopped too, unless ctx ends before.
func (p *pairing) untilGone(ctx context.Context, id mode.NodeID, gone func()) {
	tick := time.NewTicker(goneEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if hungUp(p.wire.Links(), id) {
				gone()
				return
			}
		}
	}
}

// hungUp says whether the last call of a member failed on every path.
func hungUp(links []wire.Link, id mode.NodeID) bool {
	links = slices.DeleteFunc(slices.Clone(links), func(l wire.Link) bool { return l.Node != id })
	return len(links) > 0 && !slices.ContainsFunc(links, func(l wire.Link) bool { return l.Failed == "" })
}

// keepPeers tells the wire and the keeper who is a member, as that changes.
func (p *pairing) keepPeers(ctx context.Context) error {
	for {
		changed := p.agreed.Watch()
		state := p.agreed.State()
		if a, ok := p.forgedAlarm(state); ok {
			p.logger.Error(a.Text, "alarm", a.Code)
		}
		news, current := p.node.Watch(), p.node.Status().Current
		if current {
			news = nil
		}
		if current && len(p.agreedMembers(state)) > 0 {
			members := p.members()
			if err := p.keeper.SetMembers(members); err != nil {
				p.logger.Error("who is a member cannot be kept", "err", err)
			}
			if err := p.wire.SetPeers(p.peersOf(p.moved.apply(members, p.agreedMembers(state)))); err != nil {
				p.logger.Error("the members cannot be called", "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-news:
		case <-p.moved.changed:
		}
	}
}

// keepMemory writes what is remembered of the others when it changed, and at the end.
func (p *pairing) keepMemory(ctx context.Context) error {
	kept := p.wire.Memory()
	tick := time.NewTicker(peersEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
		if now := p.wire.Memory(); !reflect.DeepEqual(now, kept) {
			if err := p.remember(); err != nil {
				p.logger.Warn("what is known of the other members cannot be kept", "err", err)
			} else {
				kept = now
			}
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// askRenewal asks a box for a new certificate of this member, which need not show the old one.
func (p *pairing) askRenewal(ctx context.Context, request []byte) ([]byte, error) {
	errs := []error{errors.New("no other box gives a certificate")}
	for _, m := range p.members() {
		if m.Role != mode.Box || m.Node == p.self.Node {
			continue
		}
		answer, err := p.askUnproven(ctx, m, request)
		if err == nil {
			return answer, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// askUnproven asks a box without showing a certificate. The box shows its own, as always.
func (p *pairing) askUnproven(ctx context.Context, box trust.Member, request []byte) ([]byte, error) {
	var errs []error
	for _, path := range p.otherPaths(box) {
		asking, cancel := context.WithTimeout(ctx, askTime)
		answer, err := wire.Introduce(asking, path.Address, p.keeper.Client(box.Node, wire.Join), request)
		cancel()
		if err == nil {
			return answer, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", path.Address, err))
	}
	return nil, errors.Join(errs...)
}
