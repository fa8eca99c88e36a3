package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"rackpost/hw/journal"
	"rackpost/wholefile"
)

// keepPeriod is how often the keeper looks at the budget when nobody wakes it.
const keepPeriod = time.Minute

func (s *Store) wakeKeeper() {
	select {
	case s.sealing <- struct{}{}:
	default:
	}
}

// keep does, one thing at a time, what may wait: seal, write bases, make twins, keep the
// budget. It yields to flushes by doing little under the lock and little between two fsyncs.
func (s *Store) keep(ctx context.Context) error {
	tick := time.NewTicker(keepPeriod)
	defer tick.Stop()
	for {
		if err := s.keepOnce(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.sealing:
		case <-tick.C:
		}
	}
}

func (s *Store) keepOnce(ctx context.Context) error {
	if err := s.salvageAll(ctx); err != nil {
		return err
	}
	if err := s.sealPending(ctx); err != nil {
		return err
	}
	if err := s.keepBudget(ctx); err != nil {
		return err
	}
	return s.makeTwins(ctx)
}

// Seal begins a new segment and makes the former final, with its base and its twin. The
// store does so by itself; tests and benchmarks ask for it.
func (s *Store) Seal(ctx context.Context) error {
	s.writing.Lock()
	var err error
	if s.open != nil {
		_, since := s.opt.Boot()
		err = s.nextSegment(ctx, since)
	}
	s.writing.Unlock()
	if err != nil {
		return err
	}
	return s.keepOnce(ctx)
}

func (s *Store) sealPending(ctx context.Context) error {
	s.keeping.Lock()
	defer s.keeping.Unlock()
	if err := s.finishForget(ctx); err != nil {
		return err
	}
	return s.sealWaiting(ctx)
}

// sealWaiting seals the segments that are written no more, and then writes bases: facts may
// only be dropped when bases cover them. The caller holds keeping.
func (s *Store) sealWaiting(ctx context.Context) error {
	if sealed, err := s.sealAll(ctx); err != nil || !sealed {
		return err
	}
	return s.writeBases()
}

// sealAll returns whether it sealed any. The caller holds keeping.
func (s *Store) sealAll(ctx context.Context) (sealed bool, err error) {
	for _, g := range s.listed() {
		if g == s.current() || g.isSealed() || g.damaged() != nil {
			continue
		}
		err := g.seal(ctx)
		switch {
		case isFull(err):
			return sealed, nil // keepBudget makes room, the next round seals
		case isDamaged(err):
			s.setAside(g, err)
			continue
		case err != nil:
			return sealed, fmt.Errorf("seal segment %s: %w", filepath.Base(g.file()), err)
		}
		sealed = true
		s.opt.Logger.Info("segment sealed", "segment", filepath.Base(g.file()), "bytes", fileBytes(g.file()))
	}
	return sealed, nil
}

// listed returns the segments in order, as they are now.
func (s *Store) listed() []*segment {
	s.state.RLock()
	defer s.state.RUnlock()
	return append([]*segment(nil), s.segments...)
}

// current returns the segment that is written to.
func (s *Store) current() *segment {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.open
}

func (s *Store) setAside(g *segment, err error) {
	s.state.Lock()
	defer s.state.Unlock()
	s.quarantine(g, err)
	delete(s.tails, g)
	s.notify()
	s.wakeKeeper()
}

// seal makes the segment final: its span noted, its WAL emptied into it, renamed. After a
// crash at any point it is sealed again at the next start.
func (g *segment) seal(ctx context.Context) error {
	g.use.Lock()
	defer g.use.Unlock()
	err := inTx(ctx, g.writer, func(tx *sql.Tx) error {
		if err := setMeta(ctx, tx, metaSpan, g.span.bytes()); err != nil {
			return err
		}
		if err := setMeta(ctx, tx, metaEnd, binary.BigEndian.AppendUint64(nil, uint64(g.next-1))); err != nil || !g.sized {
			return err
		}
		return setMeta(ctx, tx, metaUsage, g.own.sizes())
	})
	if err != nil {
		return err
	}
	from := g.file()
	to := filepath.Join(filepath.Dir(from), segmentName(g.number, g.id, sealedSuffix))
	if err, g.reader = g.reader.Close(), nil; err == nil { // no second connection may be there
		err = leaveWAL(ctx, g.writer)
	}
	if err = errors.Join(err, g.close()); err == nil {
		err = os.Rename(from, to)
	}
	if err != nil {
		g.openForWriting() // it goes on being read as it is, and is sealed another time
		return err
	}
	g.mu.Lock()
	g.path, g.sealed, g.end = to, true, g.next-1
	g.own.clip()
	g.mu.Unlock()
	g.layouts = nil
	return wholefile.SyncFolder(filepath.Dir(to))
}

// sealBytes returns how much the file grows by its WAL when the segment is sealed.
func (g *segment) sealBytes() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return max(0, g.pages*pageBytes-fileBytes(g.path))
}

// fileBytes returns the size of a file, 0 when there is none.
func fileBytes(path string) int64 {
	st, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return st.Size()
}

const baseSuffix = ".base"

// basesKept is how many bases of a site are kept: the newest may be the damaged one.
const basesKept = 2

// baseFile is one base on disk. Its number orders the bases of a site.
type baseFile struct {
	path    string
	site    journal.ID
	number  uint64
	damaged bool           // it could not be read
	newer   bool           // a later version wrote it
	held    journal.Vector // what it covers, where that is known
}
