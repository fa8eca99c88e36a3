package main

import (
	"context"
	"sync/atomic"
)

// restart is how a part of the process has all of it taken up anew, in place.
type restart struct {
	ask      func()      // for that; what runs ends, and what is set up now runs
	stopping func() bool // says whether the process ends
}

// untilEnded calls run until ctx ends, run fails, or run returns without having asked for another one.
func untilEnded(ctx context.Context, run func(context.Context, restart) error) error {
	for {
		var asked atomic.Bool
		inner, cancel := context.WithCancel(ctx)
		err := run(inner, restart{
			ask:      func() { asked.Store(true); cancel() },
			stopping: func() bool { return ctx.Err() != nil || !asked.Load() },
		})
		cancel()
		if err != nil || !asked.Load() || ctx.Err() != nil {
			return err
		}
	}
}
