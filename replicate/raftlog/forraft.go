package raftlog

import (
	"errors"
	"fmt"
	"io"

	"github.com/hashicorp/raft"
)

// ForRaft returns s as raft.NewRaft may have it, with Config.RestoreCommittedLogs set so that the commit index is stored:
// it answers that none is known. Raft v1.8.0 must not restore by itself. It passes over the configurations among what it
// restores, so that a member knows no other one after a restart and none of them is ever elected; and it waits for
// itself for ever when there are more than 8,192 entries to restore. [Store.Replay] restores instead.
func (s *Store) ForRaft() raft.LogStore { return forRaft{s} }

type forRaft struct{ *Store }

// GetCommitIndex implements raft.CommitTrackingLogStore.
func (forRaft) GetCommitIndex() (uint64, error) { return 0, nil }

// Replay brings the last snapshot up to the stored commit index, so that a member that hears nobody after its start knows
// all that it knew was agreed. It runs before raft.NewRaft, on a state machine that NewRaft is not given or restores.
func (s *Store) Replay(machine raft.FSM, snapshots raft.SnapshotStore, transport raft.Transport) error {
	r := replay{store: s, machine: machine}
	if err := r.restore(snapshots); err != nil {
		return fmt.Errorf("restore the last snapshot: %w", err)
	}
	commit, _ := s.GetCommitIndex()
	first, _ := s.FirstIndex()
	if commit <= r.index {
		return nil
	}
	if first > r.index+1 {
		return fmt.Errorf("the raft log begins with entry %d, and the last snapshot ends with entry %d", first, r.index)
	}
	for i := r.index + 1; i <= commit; i++ {
		if err := r.apply(i); err != nil {
			return fmt.Errorf("replay entry %d: %w", i, err)
		}
	}
	if len(r.members.Servers) == 0 {
		return errors.New("replay the raft log: it tells of no member")
	}
	if err := r.save(snapshots, transport); err != nil {
		return fmt.Errorf("write a snapshot of entry %d: %w", r.index, err)
	}
	return nil
}

// replay is a state machine and where it stands.
type replay struct {
	store       *Store
	machine     raft.FSM
	index, term uint64
	members     raft.Configuration
	membersAt   uint64
}

func (r *replay) restore(snapshots raft.SnapshotStore) error {
	list, err := snapshots.List()
	if err != nil || len(list) == 0 {
		return err
	}
	var errs []error
	for _, meta := range list {
		var content io.ReadCloser
		if _, content, err = snapshots.Open(meta.ID); err == nil {
			err = errors.Join(r.machine.Restore(content), content.Close())
		}
		if err == nil {
			r.index, r.term, r.members, r.membersAt = meta.Index, meta.Term, meta.Configuration, meta.ConfigurationIndex
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (r *replay) apply(index uint64) error {
	var l raft.Log
	if err := r.store.GetLog(index, &l); err != nil {
		return err
	}
	switch l.Type {
	case raft.LogCommand:
		r.machine.Apply(&l)
	case raft.LogConfiguration:
		r.members, r.membersAt = raft.DecodeConfiguration(l.Data), l.Index
	}
	r.index, r.term = l.Index, l.Term
	return nil
}

func (r *replay) save(snapshots raft.SnapshotStore, transport raft.Transport) error {
	snapshot, err := r.machine.Snapshot()
	if err != nil {
		return err
	}
	defer snapshot.Release()
	sink, err := snapshots.Create(raft.SnapshotVersionMax, r.index, r.term, r.members, r.membersAt, transport)
	if err != nil {
		return err
	}
	if err := snapshot.Persist(sink); err != nil {
		return errors.Join(err, sink.Cancel())
	}
	return sink.Close()
}
