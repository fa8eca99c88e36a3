package ship

import (
	"context"
	"errors"

	"rackpost/hw/journal"
)

// Store is what records are taken from and given to. All of it may be called at once.
type Store interface {
	Source
	Sink
	Ledger
	Bases

	// Watch returns a channel that is closed at the next change.
	Watch() <-chan struct{}
}

// Source gives batches without their layouts: a connection carries each layout once.
type Source interface {
	// Page returns the first batches of what the store has and v does not hold, facts first, then
	// logs, then samples, until they are limit bytes or more. None: there is nothing.
	Page(ctx context.Context, v journal.Vector, limit int) ([]journal.Batch, error)

	// Tail returns a reader of what is written from now on, which calls of it return in order of
	// arrival, until they are limit bytes or more. The reader is one goroutine's. Its error means that
	// it missed something: it is of no further use.
	Tail() func(ctx context.Context, limit int) ([]journal.Batch, error)

	// Layout returns a layout that a batch uses.
	Layout(ctx context.Context, id journal.LayoutID) (journal.Layout, error)
}

// ErrRefused is in the error of a Sink that does not want a batch, whatever is in it.
var ErrRefused = errors.New("not wanted")

// Sink takes batches.
type Sink interface {
	// Merge takes batches, all or none, and returns when they are durable. An error that is ErrRefused,
	// journal.ErrCorrupt, journal.ErrNewer, journal.ErrNoLayout, journal.ErrOtherSite or journal.ErrTooMuch is a batch's
	// own fault; any other is the store's.
	Merge(ctx context.Context, batches []journal.Batch) error

	// Conflicts returns how often other content came under a held key.
	Conflicts() uint64
}

// Ledger tells what a store holds. The vectors are the caller's.
type Ledger interface {
	// Held returns what need not be sent again.
	Held() journal.Vector

	// Have returns what of it is still there to be sent.
	Have() journal.Vector

	// Wanted returns what of it was lost here and is taken again.
	Wanted() journal.Vector
}

// Holder is a Ledger that can be asked of one batch, which takes less memory of a session.
type Holder interface {
	// Holds says whether a batch need not be sent again.
	Holds(k journal.Key) bool
}

// Renamer is a Ledger that goes on under a new name where another store holds what bears its name and was not written here: the machine was
// put back to an earlier state with its memory.
type Renamer interface {
	// PutBack takes what a peer says to hold of this origin, and what it was known to hold of it before.
	PutBack(ctx context.Context, told, before journal.Vector) error
}

// Bases carries facts whose batches were dropped.
type Bases interface {
	// Base returns everything known of a site.
	Base(site journal.ID) ([]byte, error)

	// Join takes what a base knows, and returns when that is durable.
	Join(ctx context.Context, raw []byte) error
}

// Room is memory that many lines share, for batches and bases that are larger than the window. All of it may be called
// at once, and none may wait.
type Room interface {
	// Take takes so many bytes, or says that there are none: then the session ends.
	Take(bytes int) bool

	// Give gives them back.
	Give(bytes int)
}
