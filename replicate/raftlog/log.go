package raftlog

import (
	"bytes"
	"fmt"

	"github.com/hashicorp/raft"
)

// IsMonotonic implements raft.MonotonicLogStore: there are no gaps between the entries.
func (s *Store) IsMonotonic() bool { return true }

// FirstIndex implements raft.LogStore.
func (s *Store) FirstIndex() (uint64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.has.first, nil
}

// LastIndex implements raft.LogStore.
func (s *Store) LastIndex() (uint64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.has.last, nil
}

// GetLog implements raft.LogStore: raft.ErrLogNotFound where there is no such entry.
func (s *Store) GetLog(index uint64, log *raft.Log) error {
	if l := s.lookUp(index); l != nil {
		*log = *copyLog(l)
		return nil
	}
	s.mu.RLock()
	first, last := s.has.first, s.has.last
	s.mu.RUnlock()
	if index == 0 || index < first || index > last {
		return raft.ErrLogNotFound
	}
	l, err := s.backend.get(index)
	if err != nil {
		return err
	}
	*log = *l
	return nil
}

func (s *Store) lookUp(index uint64) *raft.Log {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if len(s.recent) == 0 || index < s.recent[0].Index {
		return nil
	}
	if at := index - s.recent[0].Index; at < uint64(len(s.recent)) {
		return s.recent[at]
	}
	return nil
}

// StoreLog implements raft.LogStore.
func (s *Store) StoreLog(log *raft.Log) error { return s.StoreLogs([]*raft.Log{log}) }

// StoreLogs implements raft.LogStore. The entries follow each other. They replace what is stored from the first of them
// on: Raft has learned of no write that failed half way. Where they begin beyond the end they replace all: Raft goes on
// there only when a snapshot covers what comes before.
func (s *Store) StoreLogs(logs []*raft.Log) error {
	if len(logs) == 0 {
		return nil
	}
	if err := checkBatch(logs); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if most := s.options.MaxBytes; s.Bytes() > most {
		return fmt.Errorf("the raft log takes more than %d bytes: a snapshot must come first", most)
	}
	s.mu.RLock()
	c := change{logs: logs, commit: min(s.staged, logs[len(logs)-1].Index)}
	first, last := logs[0].Index, s.has.last
	s.mu.RUnlock()
	switch {
	case last == 0:
	case first > last+1:
		c.cutFrom = 1
	case first <= last:
		c.cutFrom = first
	}
	return s.writeLocked(c)
}

func checkBatch(logs []*raft.Log) error {
	if len(logs) > maxBatch {
		return fmt.Errorf("store %d raft entries at once: the most is %d", len(logs), maxBatch)
	}
	for i, l := range logs {
		if l.Index == 0 || l.Index > maxInt || l.Term > maxInt || l.Index != logs[0].Index+uint64(i) {
			return fmt.Errorf("store raft entry %d of term %d as the %d. after entry %d: out of order", l.Index, l.Term, i, logs[0].Index)
		}
		if n := len(l.Data) + len(l.Extensions); n > maxEntryBytes {
			return fmt.Errorf("store raft entry %d of %d bytes: the most is %d", l.Index, n, maxEntryBytes)
		}
	}
	return nil
}

// DeleteRange implements raft.LogStore. The range is a beginning or an end of the log, so that no gap comes to be. A long
// range is deleted in parts, from its outer end: a crash between them leaves no gap either.
func (s *Store) DeleteRange(low, high uint64) error {
	for {
		done, err := s.deletePart(low, high)
		if err != nil {
			return fmt.Errorf("delete raft entries %d to %d: %w", low, high, err)
		}
		if done {
			return nil
		}
	}
}

func (s *Store) deletePart(low, high uint64) (done bool, err error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.RLock()
	first, last := s.has.first, s.has.last
	s.mu.RUnlock()
	low, high = max(low, first), min(high, last)
	switch {
	case first == 0 || low > high:
		return true, nil
	case high == last:
		from := low
		if high-low >= deleteAtOnce {
			from = high - deleteAtOnce + 1
		}
		return from == low, s.writeLocked(change{cutFrom: from})
	case low == first:
		to := min(high, low+deleteAtOnce-1)
		return to == high, s.writeLocked(change{dropTo: to})
	}
	return false, fmt.Errorf("it would leave a gap: the log goes from %d to %d", first, last)
}

// StageCommitIndex implements raft.CommitTrackingLogStore: the next StoreLogs stores it, in its transaction.
func (s *Store) StageCommitIndex(index uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.staged = max(s.staged, index) // what is committed stays so
	return nil
}

// GetCommitIndex implements raft.CommitTrackingLogStore.
func (s *Store) GetCommitIndex() (uint64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return min(s.has.commit, s.has.last), nil
}

func copyLog(l *raft.Log) *raft.Log {
	c := *l
	c.Data, c.Extensions = bytes.Clone(l.Data), bytes.Clone(l.Extensions)
	return &c
}
