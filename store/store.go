package store

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store/fold"
)

// Store is a box's journal and its folds. Run must be running for Put to return.
type Store struct {
	opt  Options
	id   identity
	pack journal.Compressor
	lock *os.File

	reports chan putRequest
	ended   chan struct{} // closed when Run takes no more reports
	closed  chan struct{} // closed by Close, under writing
	sealing chan struct{} // background work is waiting

	// keeping makes the keeper's works, and whoever does one by hand, follow each other. It is
	// taken before writing.
	keeping sync.Mutex
	bases   []baseFile // the newest of each site first
	untold  []dropped  // their tombstones found no room
	cramped bool       // that nothing may be dropped any more was said
	tight   bool       // no room for the keeper's own work, or to write anew what a drop would have left
	drops   drops

	// writing guards everything that changes: a flush, a merge, a seal, a drop are each alone.
	writing  sync.Mutex
	open     *segment
	openedAt time.Duration // since boot
	inc      incarnation
	previous map[journal.StreamKey]uint32 // checksum of the last batch of this incarnation's streams
	states   map[hw.DeviceID]*hw.State
	layouts  layoutCache
	clock    clockWatch
	hq       journal.Vector       // what HQ is known to hold
	voices   map[journal.ID]voice // in the journals of other sites
	late     map[journal.ID]late
	back     putBack
	mode     journal.Mode // at the last flush
	lastTurn struct {     // given, and when
		turn  uint64
		since time.Duration // since boot
	}
	ballast atomic.Bool // the ballast file is there

	// state guards what readers see: it changes only after a commit.
	state     sync.RWMutex
	segments  []*segment  // in order, the open one last; quarantined ones too
	past      []SegmentID // every segment there was, as far as that is known
	keys      keyring
	held      ledger
	wanted    ledger // of held: lost by damage, and taken again
	unread    ledger // batches here that this program could not fully read: no base covers them
	folds     map[journal.ID]*fold.Fold
	common    *fold.Common
	tails     map[*segment]*index // of segments without a twin
	changed   chan struct{}
	watched   map[journal.ID]chan struct{} // closed at the next change of a site
	conflicts map[journal.ID]uint64        // by site
	stats     Stats

	visitedElsewhere uint64 // the greatest turn of another box's samples of this site

	forgotten forgotten // guarded by keeping and writing

	damages struct {
		sync.Mutex
		known map[damagedAt]struct{}
	}
	damagedBatches atomic.Uint64
	shed           atomic.Bool // the keeper is to drop something, whatever the measures say
	full           atomic.Bool // the last flush found the disk full
	noRoom         atomic.Bool // the last write, of reports or of others' batches, did
}

// incarnation is this opening of the store.
type incarnation struct {
	id       journal.Incarnation
	begun    bool
	previous journal.Incarnation // 0 when there was none
	clean    bool                // the previous one was closed in order
}

// Open opens the journal in opt.Dir, or begins one. Old data that cannot be read is named,
// set aside and never a reason to refuse. An opening that writes nothing leaves no trace.
func Open(ctx context.Context, opt Options) (*Store, error) {
	if err := opt.defaults(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(opt.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("make the journal's folder: %w", err)
	}
	lock, err := lockDir(opt.Dir)
	if err != nil {
		return nil, err
	}
	s := &Store{opt: opt, lock: lock, reports: make(chan putRequest), ended: make(chan struct{}), closed: make(chan struct{}), sealing: make(chan struct{}, 1),
		previous: map[journal.StreamKey]uint32{}, states: map[hw.DeviceID]*hw.State{}, layouts: newLayoutCache(),
		hq: journal.Vector{}, voices: map[journal.ID]voice{}, late: map[journal.ID]late{}, folds: map[journal.ID]*fold.Fold{}, common: fold.NewCommon(), tails: map[*segment]*index{}, changed: make(chan struct{}), watched: map[journal.ID]chan struct{}{},
		conflicts: map[journal.ID]uint64{}}
	s.held.ring, s.wanted.ring, s.unread.ring = &s.keys, &s.keys, &s.keys
	s.damages.known = map[damagedAt]struct{}{}
	if err := s.load(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open journal %s: %w", opt.Dir, err), s.Close())
	}
	return s, nil
}

func (s *Store) load(ctx context.Context) (err error) {
	if s.id, err = loadIdentity(ctx, &s.opt); err != nil {
		return err
	}
	if err := s.loadSegments(ctx); err != nil {
		return err
	}
	if err := s.loadFolds(ctx); err != nil {
		return err
	}
	if err := s.salvageAtLoad(ctx); err != nil {
		return err
	}
	if err := s.loadIncarnation(ctx); err != nil {
		return err
	}
	if err := s.loadWanted(); err != nil {
		return err
	}
	return s.loadBallast()
}

func newIncarnation() (journal.Incarnation, error) {
	var b [8]byte
	for {
		if _, err := rand.Read(b[:]); err != nil {
			return 0, err
		}
		if i := journal.Incarnation(binary.BigEndian.Uint64(b[:])); i != 0 { // 0 says "none" in a begin
			return i, nil
		}
	}
}

// Close ends the use of the folder. Call it after Run has returned, when nobody writes any more. It notes that the stop
// was in order. A second Close does nothing.
func (s *Store) Close() error {
	s.keeping.Lock()
	defer s.keeping.Unlock()
	if s.isClosed() {
		return nil
	}
	err := s.noteEnd(context.Background())
	s.writing.Lock()
	defer s.writing.Unlock()
	close(s.closed)
	for _, g := range s.listed() {
		g.use.Lock()
		err = errors.Join(err, g.close())
		g.use.Unlock()
	}
	return errors.Join(err, unlockDir(s.lock))
}

// endTries is how often room is made for the note of an orderly stop: it takes two pages.
const endTries = 4

// noteEnd notes that the stop was in order. Somebody else may have filled the disk since the keeper made room last: without the note the
// next start would tell of a crash that was none. The caller holds keeping.
func (s *Store) noteEnd(ctx context.Context) error {
	note := func() error {
		if err := s.tellPending(); err != nil { // of what is dropped here nobody would tell later
			return err
		}
		if len(s.untold) > 0 {
			return fmt.Errorf("tell what was dropped for want of space: %w", syscall.ENOSPC)
		}
		s.writing.Lock()
		defer s.writing.Unlock()
		if s.open == nil || s.open.damaged() != nil || !s.inc.begun {
			return nil
		}
		return s.open.noteClosed(ctx, s.inc.id)
	}
	err := note()
	for try := 0; try < endTries && isFull(err); try++ {
		freed := s.freeBallast()
		if !freed {
			var failed error
			if freed, failed = s.shedOne(ctx); failed != nil || !freed {
				err = errors.Join(err, failed)
				break
			}
		}
		err = note()
	}
	if err != nil {
		return fmt.Errorf("note that the stop was in order: %w", err)
	}
	return nil
}

func (s *Store) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// Watch returns a channel that is closed at the next change: a flush, a merge, a drop.
func (s *Store) Watch() <-chan struct{} {
	s.state.RLock()
	defer s.state.RUnlock()
	return s.changed
}

// notify wakes the watchers, also those of every site. The caller holds state.
func (s *Store) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
	for _, c := range s.watched {
		close(c)
	}
	clear(s.watched)
}

// notifyOf wakes the watchers, of the sites only those of some. The caller holds state.
func (s *Store) notifyOf(sites ...journal.ID) {
	close(s.changed)
	s.changed = make(chan struct{})
	for _, site := range sites {
		if c := s.watched[site]; c != nil {
			close(c)
			delete(s.watched, site)
		}
	}
}

// Origin returns the id of this store.
func (s *Store) Origin() journal.ID { return s.id.origin }

// Held returns which batches the store holds or once held.
func (s *Store) Held() journal.Vector {
	s.state.RLock()
	defer s.state.RUnlock()
	return s.held.all()
}

// Awaited returns what is known to have been written at site, is neither held nor excused by a
// tombstone, and is not of an origin that was retired.
func (s *Store) Awaited(site journal.ID) journal.Vector {
	s.state.RLock()
	defer s.state.RUnlock()
	f := s.folds[site]
	if f == nil {
		return journal.Vector{}
	}
	return f.Awaited(s.held.of(site))
}

// SetHQ tells what HQ holds: the vector of its last connection and its later answers. What
// HQ has is shed first.
func (s *Store) SetHQ(v journal.Vector) {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.hq = v.Clone()
}

// fold returns the fold of site. The caller holds state for writing.
func (s *Store) fold(site journal.ID) *fold.Fold {
	f := s.folds[site]
	if f == nil {
		f = s.common.New(site)
		s.folds[site] = f
	}
	return f
}

// turn returns the next turn for a batch written at wall, never one that others refuse: whoever gave this store the
// greatest turn there may be must not keep its own records from being taken. The caller holds writing.
func (s *Store) turn(wall time.Time) uint64 {
	s.state.RLock()
	greatest := s.common.Turn()
	s.state.RUnlock()
	// Where turns are ahead of the clock they go on at the pace of time all the same: what is
	// judged by the distance of turns must not stand still until the clock has caught up.
	_, since := s.opt.Boot()
	pace := wall.UnixMilli()
	if s.lastTurn.turn > 0 {
		pace = max(pace, int64(s.lastTurn.turn)+(since-s.lastTurn.since).Milliseconds())
	}
	s.lastTurn.turn, s.lastTurn.since = min(journal.NextTurn(pace, greatest), maxForeignTurn), since
	return s.lastTurn.turn
}
