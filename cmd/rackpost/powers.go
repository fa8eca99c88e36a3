package main

import (
	"context"

	"rackpost/hw/journal"
	"rackpost/replicate/mode"
)

// powers say what this box may do now. *replicate.Node has them from the pair.
type powers interface {
	// While runs fn each time the box has p, with a context that ends with it, until ctx ends or fn fails.
	While(ctx context.Context, p mode.Power, fn func(context.Context) error) error
	// Verify returns nil when the box has p now.
	Verify(ctx context.Context, p mode.Power) error
}

// lone has every power for ever: a box in no pair.
type lone struct{}

// While implements powers.
func (lone) While(ctx context.Context, _ mode.Power, fn func(context.Context) error) error {
	return fn(ctx)
}

// Verify implements powers.
func (lone) Verify(context.Context, mode.Power) error { return nil }

// journalMode is what a record says of the box that wrote it. One that does not visit has no more
// authority than an island.
func journalMode(m mode.Mode) journal.Mode {
	switch m {
	case mode.Leader:
		return journal.Leader
	case mode.Solo:
		return journal.Solo
	}
	return journal.Island
}
