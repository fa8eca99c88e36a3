package raftlog

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// Bounds of what is stored.
const (
	maxEntryBytes = 4 << 20   // of one entry's data
	maxBatch      = 4096      // entries of one StoreLogs
	maxKeys       = 256       // of Raft's small values and of meta, each
	maxValueBytes = 4096      // of one of them
	deleteAtOnce  = 2048      // entries deleted in one transaction
	recentEntries = 512       // kept in memory for those who follow closely
	recentBytes   = 1 << 20   // and no more than so many bytes of them
	maxInt        = 1<<63 - 1 // SQLite's integers have a sign
)

// Errors of a Store.
var (
	// ErrClosed is returned after Close, and after a Crash of a Disk.
	ErrClosed = errors.New("the raft log is closed")
	// ErrFull says that the disk is full. What is stored stays whole, and votes still have room: try again later.
	ErrFull = errors.New("no room for the raft log: free space on the disk of the data folder")
	// ErrNewer says that the file was written by a newer version.
	ErrNewer = errors.New("the raft log was written by a newer version of rackpost: install that version or a later one")
)

// DamagedError says that the file's content is not what was written. Only a new file helps: see [Remove].
type DamagedError struct {
	Path string
	Err  error
}

// Error implements error.
func (e *DamagedError) Error() string {
	return fmt.Sprintf("the raft log %s is damaged: %v", e.Path, e.Err)
}

// Unwrap returns what was found.
func (e *DamagedError) Unwrap() error { return e.Err }

// Options change what Open does; the zero value is right for a box.
type Options struct {
	// BeforeWrite is called before each write, while it counts as under way: a test makes the disk slow with it, or
	// fail. May be nil.
	BeforeWrite func() error
	// MaxBytes bounds what the entries take of the file; StoreLogs fails beyond it. 0 means 512 MB.
	MaxBytes int64
}

// change is what one transaction does, in this order.
type change struct {
	cutFrom uint64 // entries from here on are removed; 0 means none
	dropTo  uint64 // entries up to here are removed
	logs    []*raft.Log
	commit  uint64            // stored with the last of logs
	stable  map[string][]byte // Raft's small values; nil removes one
	meta    map[string][]byte
}

// content is all that is stored but the entries.
type content struct {
	first, last uint64 // of the entries; 0 means there is none
	commit      uint64 // as stored with the last entry
	stable      map[string][]byte
	meta        map[string][]byte
}

// backend is where a Store keeps things. The Store calls write for one change at a time.
type backend interface {
	load() (content, error)
	write(change) error
	get(index uint64) (*raft.Log, error)
	bytes() int64
	close() error
}

// Store is one member's log, term, vote and what it must not forget about its peers.
type Store struct {
	backend backend
	options Options
	life    string

	writing sync.Mutex   // one write at a time
	busy    atomic.Int64 // when the write under way began, in nanoseconds since epoch; 0 means none
	epoch   time.Time
	failed  chan struct{} // closed by the first write that failed for good

	mu     sync.RWMutex // guards what follows
	has    content
	recent []*raft.Log // the last entries, in order
	staged uint64
	vote   []byte // the term of a vote whose candidate is to follow
	err    error  // why nothing can be written any more
}

var (
	_ raft.StableStore            = (*Store)(nil)
	_ raft.MonotonicLogStore      = (*Store)(nil)
	_ raft.CommitTrackingLogStore = (*Store)(nil)
)

// Life returns the 16 hexadecimal digits made when the file was: with a new file a member is a new Raft server.
func (s *Store) Life() string { return s.life }

// Busy returns how long the write under way has lasted, 0 if there is none.
func (s *Store) Busy() time.Duration {
	since := s.busy.Load()
	if since == 0 {
		return 0
	}
	return time.Since(s.epoch) - time.Duration(since-1)
}

// Failed is closed when a write failed for a reason other than a full disk. Nothing is written from then on, because
// nobody knows what the disk holds: the process should end. Err tells the reason.
func (s *Store) Failed() <-chan struct{} { return s.failed }

// Err returns why nothing can be written any more, nil if it can.
func (s *Store) Err() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.err
}

// Bytes returns what is in use of the file, without free pages. Above half of Options.MaxBytes a snapshot with few
// trailing entries is due.
func (s *Store) Bytes() int64 { return s.backend.bytes() }

// Close closes the file. What a method returned without an error is on the disk already.
func (s *Store) Close() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	already := errors.Is(s.err, ErrClosed)
	if s.err == nil {
		s.err = ErrClosed
	}
	s.mu.Unlock()
	if already {
		return nil
	}
	return s.backend.close()
}

// open reads what b holds, and makes what a new file needs.
func open(b backend, o Options) (*Store, error) {
	if o.MaxBytes <= 0 {
		o.MaxBytes = 512 << 20
	}
	s := &Store{backend: b, options: o, epoch: time.Now(), failed: make(chan struct{})}
	var err error
	if s.has, err = b.load(); err != nil {
		return nil, err
	}
	s.staged = s.has.commit
	if life := s.has.meta[keyLife]; life == nil {
		if err := s.write(change{meta: map[string][]byte{keyLife: []byte(NewLife())}}); err != nil {
			return nil, fmt.Errorf("begin the raft log: %w", err)
		}
	}
	return s, s.checkMeta()
}

// write does c, alone, and takes over what it changed.
func (s *Store) write(c change) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.writeLocked(c)
}

func (s *Store) writeLocked(c change) error {
	if err := s.Err(); err != nil {
		return err
	}
	s.busy.Store(int64(time.Since(s.epoch)) + 1)
	defer s.busy.Store(0)
	err := s.writeNow(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.has.apply(c)
		s.remember(c)
	case !errors.Is(err, ErrFull) && s.err == nil:
		s.err = err
		close(s.failed)
	}
	return err
}

func (s *Store) writeNow(c change) error {
	if s.options.BeforeWrite != nil {
		if err := s.options.BeforeWrite(); err != nil {
			return err
		}
	}
	return s.backend.write(c)
}

// apply brings c's change to what is known of the content.
func (h *content) apply(c change) {
	if c.cutFrom > 0 && h.last >= c.cutFrom {
		h.last = c.cutFrom - 1
	}
	if h.first > 0 && h.first <= c.dropTo {
		h.first = c.dropTo + 1
	}
	if h.first > h.last {
		h.first, h.last = 0, 0
	}
	for _, l := range c.logs {
		if h.first == 0 {
			h.first = l.Index
		}
		h.last, h.commit = l.Index, c.commit
	}
	replace(h.stable, c.stable)
	replace(h.meta, c.meta)
}

// replace puts values among those of has; nil removes.
func replace(has, values map[string][]byte) {
	for key, v := range values {
		if v == nil {
			delete(has, key)
			continue
		}
		has[key] = v
	}
}

// remember keeps the last entries at hand.
func (s *Store) remember(c change) {
	s.recent = slices.DeleteFunc(s.recent, func(l *raft.Log) bool {
		return c.cutFrom > 0 && l.Index >= c.cutFrom || l.Index <= c.dropTo
	})
	for _, l := range c.logs {
		s.recent = append(s.recent, copyLog(l))
	}
	begin, bytes := len(s.recent), 0
	for begin > 0 && len(s.recent)-begin < recentEntries && bytes < recentBytes {
		begin--
		bytes += len(s.recent[begin].Data) + len(s.recent[begin].Extensions)
	}
	s.recent = slices.Delete(s.recent, 0, begin)
}
