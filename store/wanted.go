package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"rackpost/hw/journal"
	"rackpost/wholefile"
)

// Held is not shrunk by damage: what was dropped on purpose must not come back. What was lost by
// damage may: it is named in a file beside the segments, until it stands in one again or is dropped.
const wantedFile = "wanted"

// Wanted returns what is held by word only: it was lost by damage, and Merge takes it again.
func (s *Store) Wanted() journal.Vector {
	s.state.RLock()
	defer s.state.RUnlock()
	return s.wanted.all()
}

// loadWanted reads what was lost, less what came again. Without the file nothing is taken again.
func (s *Store) loadWanted() error {
	raw, err := os.ReadFile(filepath.Join(s.opt.Dir, wantedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read what is wanted again: %w", err)
	}
	v, err := journal.UnmarshalVector(raw)
	if err != nil {
		s.opt.Logger.Error("what was lost by damage is not known any more: nothing of it is taken again", "file", wantedFile, "err", err)
		return nil
	}
	s.wanted.Join(v.Minus(s.elsewhere(nil)))
	for site, x := range s.forgotten {
		if x.pending {
			delete(s.wanted.sites, site)
		}
	}
	return nil
}

// want notes what was lost, durably. The caller holds keeping.
func (s *Store) want(lost journal.Vector) error {
	if len(lost) == 0 {
		return nil
	}
	s.state.Lock()
	next := s.wanted.all()
	next.Join(lost)
	s.state.Unlock()
	if err := s.writeWanted(next); err != nil {
		return err
	}
	s.state.Lock()
	defer s.state.Unlock()
	s.wanted.Join(lost)
	s.notify()
	return nil
}

// unwant forgets what is dropped on purpose, durably and before it is. What came again meanwhile leaves
// the file with it: else a later start would want what was dropped. The caller holds keeping.
func (s *Store) unwant(part journal.Vector) error {
	if _, err := os.Stat(filepath.Join(s.opt.Dir, wantedFile)); err != nil {
		return nil
	}
	s.state.Lock()
	s.wanted.remove(part)
	next := s.wanted.all()
	s.state.Unlock()
	return s.writeWanted(next)
}

func (s *Store) writeWanted(v journal.Vector) error {
	path := filepath.Join(s.opt.Dir, wantedFile)
	if len(v) == 0 {
		return wholefile.Remove(path)
	}
	if err := wholefile.Write(path, v.Marshal(), fileMode); err != nil {
		return fmt.Errorf("note what is wanted again: %w", err)
	}
	return nil
}

// came takes batches that are written out of what is wanted. The caller holds state.
func (s *Store) came(batches []journal.Batch) {
	if s.wanted.empty() {
		return
	}
	now := journal.Vector{}
	for i := range batches {
		now.Add(batches[i].StreamKey, batches[i].Seq, batches[i].Seq)
	}
	s.wanted.remove(now)
}

// isRepeated says whether a batch need not be taken: it is held, and was not lost. The caller holds
// writing.
func (s *Store) isRepeated(b *journal.Batch) bool {
	if !s.held.Has(b.StreamKey, b.Seq) {
		return false
	}
	s.state.RLock()
	defer s.state.RUnlock()
	return !s.wanted.Has(b.StreamKey, b.Seq)
}

// again returns what of a rescue's loss is to be taken again: samples that a sound twin still gives
// would be shown twice.
func (r *rescue) again() journal.Vector {
	if !r.twin {
		return r.lost
	}
	return r.lost.Minus(only(r.lost, journal.Samples))
}
