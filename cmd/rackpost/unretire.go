package main

import (
	"context"

	"rackpost/hw/journal"
	"rackpost/replicate/control"
	"rackpost/store"
)

// retirer tells whose disk is said to be lost. *store.Store is one.
type retirer interface {
	Origin() journal.ID
	Retired() []store.Retirement
	Retire(ctx context.Context, origin journal.ID, on bool, who, why string) error
}

// keepRetired takes back that the disk of a box is lost when that box is in the pair again, until ctx ends.
func (a *appliance) keepRetired(ctx context.Context) error {
	return a.pair.onAgreed(ctx, tidyEvery, func(ctx context.Context) error {
		return unretire(ctx, a.store, a.pair.agreedMembers(a.pair.agreed.State()), a.box.name)
	}, func(err error) { a.logger.Warn("that a disk is not lost is not written yet", "err", err) })
}

func unretire(ctx context.Context, s retirer, members []control.Member, who string) error {
	for _, r := range s.Retired() {
		for _, m := range members {
			if m.Origin != r.Origin.String() || r.Origin == s.Origin() {
				continue
			}
			if err := s.Retire(ctx, r.Origin, false, who, m.Name+" is in the pair again"); err != nil {
				return err
			}
		}
	}
	return nil
}
