package main

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/mode"
)

// tailBytes are read of the journal at once.
const tailBytes = 1 << 20

// besides does what only a box of a pair has to do, until ctx ends.
func (a *appliance) besides(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.pair.Run(ctx) })
	group.Go(func() error { return a.follow(ctx) })
	group.Go(func() error { return a.around.Run(ctx, a.powers) })
	group.Go(func() error { return a.learnVisits(ctx) })
	group.Go(func() error { return a.lookAfterHeal(ctx) })
	group.Go(func() error { return a.keepRetired(ctx) })
	return group.Wait()
}

// learnVisits notes what the other boxes read, from what comes of their journals.
func (a *appliance) learnVisits(ctx context.Context) error {
	var pack journal.Compressor
	next := a.store.Tail()
	for {
		changed := a.store.Watch()
		batches, err := next(ctx, tailBytes)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil { // it fell behind what is kept
			a.logger.Debug("what other boxes read was missed", "err", err)
			next = a.store.Tail()
		}
		for i := range batches {
			if b := &batches[i]; b.Origin != a.store.Origin() && b.Stream == journal.Samples {
				a.pulse.learn(&pack, b)
			}
		}
		if len(batches) > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

// learn notes the visits of a batch. What this version does not understand the store tells.
func (p *pulse) learn(pack *journal.Compressor, b *journal.Batch) {
	body, err := pack.Body(b)
	if err != nil {
		return
	}
	_ = journal.Records(body, func(r journal.Record) error {
		if r.Type != journal.TypeVisit {
			return nil
		}
		v, err := journal.ParseVisit(r.Payload, b.WallMS)
		if err == nil {
			p.note(hw.Report{Device: v.Device, Started: v.Started, Read: v.Read}, true)
		}
		return err
	})
}

// lookAfterHeal has every device visited when a box that was an island follows again: what it believed meanwhile is
// contradicted or confirmed.
func (a *appliance) lookAfterHeal(ctx context.Context) error {
	was := map[mode.NodeID]mode.Mode{}
	for {
		changed := a.pair.node.Watch()
		for _, m := range a.pair.node.Status().Members {
			if was[m.Node] == mode.Island && m.Mode == mode.Follower && a.visiting.Load() {
				a.logger.Info("every device is visited: the other box was an island", "member", a.pair.nameOf(m.Node))
				a.poller.DueAll()
			}
			was[m.Node] = m.Mode
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-time.After(time.Second): // a member's mode is no change of this one's
		}
	}
}
