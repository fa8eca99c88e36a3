package replicate

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/hashicorp/raft"
)

// The first byte of every entry says what it is.
const (
	entryCommand = 0 // the rest is for the StateMachine
	entryMark    = 1 // every member takes the sum of what it holds
)

// keptSums is how many marks a member remembers.
const keptSums = 4

// sum is the SHA-256 of what was agreed on up to a mark.
type sum struct {
	index uint64
	sha   [sha256.Size]byte
}

// machine is a StateMachine as Raft wants it. Unlike Raft it knows what it has applied, so that
// Raft may be stopped and started under it without those who read it seeing an older state.
type machine struct {
	mu      sync.Mutex
	state   StateMachine
	empty   []byte
	applied uint64
	sums    []sum
	changed chan struct{} // closed at the next entry
}

func newMachine(state StateMachine) (*machine, error) {
	var empty bytes.Buffer
	if err := state.Snapshot(&empty); err != nil {
		return nil, fmt.Errorf("read the empty state of the pair: %w", err)
	}
	return &machine{state: state, empty: empty.Bytes(), changed: make(chan struct{})}, nil
}

// reset empties it.
func (m *machine) reset() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.applied, m.sums = 0, nil
	m.tell()
	return m.state.Restore(bytes.NewReader(m.empty))
}

func (m *machine) tell() {
	close(m.changed)
	m.changed = make(chan struct{})
}

// at returns the last index applied, and a channel that is closed when there is a later one.
func (m *machine) at() (uint64, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.applied, m.changed
}

// Apply implements raft.FSM. It returns an error or nil.
func (m *machine) Apply(l *raft.Log) any {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l.Index <= m.applied {
		return nil // before Raft was started again
	}
	m.applied = l.Index
	defer m.tell()
	switch {
	case l.Type != raft.LogCommand || len(l.Data) == 0:
		return nil
	case l.Data[0] == entryCommand:
		return m.state.Apply(l.Index, l.Data[1:])
	case l.Data[0] == entryMark:
		return m.mark(l.Index)
	}
	return fmt.Errorf("entry %d is of kind %d, which this version does not know: update this member", l.Index, l.Data[0])
}

func (m *machine) mark(index uint64) error {
	h := sha256.New()
	if err := m.state.Snapshot(h); err != nil {
		return fmt.Errorf("take the sum of what is agreed on: %w", err)
	}
	m.sums = append(m.sums, sum{index, [sha256.Size]byte(h.Sum(nil))})
	m.sums = m.sums[max(0, len(m.sums)-keptSums):]
	return nil
}

// sumAt returns the sum taken at a mark.
func (m *machine) sumAt(index uint64) ([sha256.Size]byte, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.sums {
		if s.index == index {
			return s.sha, true
		}
	}
	return [sha256.Size]byte{}, false
}

// Snapshot implements raft.FSM.
func (m *machine) Snapshot() (raft.FSMSnapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b bytes.Buffer
	b.Write(binary.BigEndian.AppendUint64(nil, m.applied))
	if err := m.state.Snapshot(&b); err != nil {
		return nil, fmt.Errorf("write what is agreed on: %w", err)
	}
	return dump(b.Bytes()), nil
}

// Restore implements raft.FSM.
func (m *machine) Restore(r io.ReadCloser) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var index [8]byte
	if _, err := io.ReadFull(r, index[:]); err != nil {
		return errors.Join(fmt.Errorf("read a snapshot: %w", err), r.Close())
	}
	if err := m.state.Restore(r); err != nil {
		return errors.Join(fmt.Errorf("read a snapshot: %w", err), r.Close())
	}
	m.applied, m.sums = binary.BigEndian.Uint64(index[:]), nil
	m.tell()
	return r.Close()
}

// dump is a snapshot: the last index applied, and what the StateMachine wrote.
type dump []byte

// Persist implements raft.FSMSnapshot.
func (d dump) Persist(sink raft.SnapshotSink) error {
	if _, err := sink.Write(d); err != nil {
		return errors.Join(err, sink.Cancel())
	}
	return sink.Close()
}

// Release implements raft.FSMSnapshot.
func (d dump) Release() {}

// replay brings the machine to what is known to be committed, without Raft: its own way of doing
// so (RestoreCommittedLogs of v1.8.0) loses the configuration, and hangs beyond 128 batches.
func (m *machine) replay(snapshots raft.SnapshotStore, log raft.LogStore, commit uint64) error {
	list, err := snapshots.List()
	if err != nil {
		return fmt.Errorf("list the snapshots: %w", err)
	}
	from := uint64(1)
	if len(list) > 0 {
		_, source, err := snapshots.Open(list[0].ID)
		if err != nil {
			return fmt.Errorf("open snapshot %s: %w", list[0].ID, err)
		}
		if err := m.Restore(source); err != nil {
			return fmt.Errorf("snapshot %s: %w", list[0].ID, err)
		}
		from = list[0].Index + 1
	}
	for index := from; index <= commit; index++ {
		var entry raft.Log
		if err := log.GetLog(index, &entry); err != nil {
			return fmt.Errorf("read entry %d of the raft log: %w", index, err)
		}
		m.Apply(&entry)
	}
	return nil
}

// keeper is the machine while the cluster is recovered from its own log: what is on the disk is
// not newer than what it holds.
type keeper struct{ *machine }

// Restore implements raft.FSM.
func (k keeper) Restore(r io.ReadCloser) error { return r.Close() }
