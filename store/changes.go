package store

import (
	"context"
	"errors"

	"rackpost/hw/journal"
)

// ErrOtherLife is returned for a position that this store did not give: that of another store, or of this one
// before its folder was put back from an older copy.
var ErrOtherLife = errors.New("position of another journal")

// ChangesQuery asks for what came behind a position.
type ChangesQuery struct {
	After   Position         // the zero one stands before everything
	Site    journal.ID       // of this site alone; of all when zero
	Streams []journal.Stream // of these alone; of all when empty
	Batches int              // so many at most; 1,000 when 0
	Bytes   int              // until they are so many or more; 1 MB when 0
}

// Changes is an answer to a ChangesQuery.
type Changes struct {
	Batches []journal.Batch // with their layouts, in order of arrival
	Behind  []Position      // where a reader of each batch stands
	Next    Position        // behind all that was looked at: where to go on, also when nothing was found
	Oldest  Position        // before the oldest batch that is here
	Head    Position        // behind the newest
}

// Changes returns what came behind q.After. Nothing found and Next equal to Head is the end: wait for Watch, or for
// WatchOf of one site. The error is ErrTrimmed where something behind the position was dropped with its
// segment, and ErrOtherLife where this store never gave it: either way the reader begins anew from a Snapshot.
func (s *Store) Changes(ctx context.Context, q ChangesQuery) (Changes, error) {
	return Changes{}, ErrOtherLife
}

// Ends returns the oldest position that Changes takes, and the newest.
func (s *Store) Ends() (oldest, head Position) { return Position{}, Position{} }

// SnapshotRow is one register.
type SnapshotRow struct {
	Site journal.ID
	FactRecord
	Shown bool // the view shows it: it is not the word of an origin that yields to another's
}

// Snapshot calls fn for every register of a site, or of all sites when site is zero, in order of site and key, and returns the
// position to go on from: whatever is not in the registers comes behind it. What came meanwhile may be in
// both; the greater Order is the later word. Of a site at a time it is consistent, and memory holds one
// site's registers.
func (s *Store) Snapshot(ctx context.Context, site journal.ID, fn func(SnapshotRow) error) (Position, error) {
	return Position{}, nil
}
