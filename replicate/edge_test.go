package replicate

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/hashicorp/raft"

	"rackpost/replicate/raftlog"
)

// TestEdgeOfSnapshot: a leader that missed an answer sends what follows a snapshot again. Raft finds the term of the entry before in
// the snapshot then, and nowhere else an entry that is not there.
func TestEdgeOfSnapshot(t *testing.T) {
	t.Parallel()
	log, err := raftlog.Open(t.Context(), filepath.Join(t.TempDir(), "control.db"), raftlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	snapshots := raft.NewInmemSnapshotStore()
	edge := &tracked{Log: log, snapshots: snapshots}
	term := func(index uint64) uint64 {
		t.Helper()
		var l raft.Log
		if err := edge.GetLog(index, &l); errors.Is(err, raft.ErrLogNotFound) {
			return 0
		} else if err != nil || l.Index != index {
			t.Fatalf("entry %d for %d: %v", l.Index, index, err)
		}
		return l.Term
	}
	sink, err := snapshots.Create(1, 14, 3, raft.Configuration{}, 1, noTransport{})
	if err != nil || sink.Close() != nil {
		t.Fatal(err)
	}
	if got := term(14); got != 0 {
		t.Errorf("with an empty log entry 14 is of term %d: Raft knows its last entry by itself", got)
	}
	store := func(first, last uint64) {
		t.Helper()
		for i := first; i <= last; i++ {
			if err := log.StoreLogs([]*raft.Log{{Index: i, Term: 4}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	store(15, 17)
	for index, want := range map[uint64]uint64{1: 0, 13: 0, 14: 3, 15: 4, 17: 4, 18: 0} {
		if got := term(index); got != want {
			t.Errorf("entry %d is of term %d, and should be of %d", index, got, want)
		}
	}
	if err := log.DeleteRange(15, 17); err != nil {
		t.Fatal(err)
	}
	store(12, 13) // an older snapshot's
	if got := term(14); got != 0 {
		t.Errorf("entry 14 is of term %d: a leader would send it, and not the snapshot", got)
	}
}
