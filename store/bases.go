package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rackpost/hw/journal"
	"rackpost/wholefile"
)

func baseName(site journal.ID, number uint64) string {
	return fmt.Sprintf("%s-%08d%s", site, number, baseSuffix)
}

// baseFiles returns the bases on disk, the newest of each site first.
func (s *Store) baseFiles() ([]baseFile, error) {
	entries, err := os.ReadDir(s.opt.Dir)
	if err != nil {
		return nil, err
	}
	var out []baseFile
	for _, e := range entries {
		stem, ok := strings.CutSuffix(e.Name(), baseSuffix)
		i := strings.LastIndexByte(stem, '-')
		if !ok || i < 0 {
			continue
		}
		site, err := journal.ParseID(stem[:i])
		var n uint64
		if _, err2 := fmt.Sscanf(stem[i+1:], "%d", &n); err != nil || err2 != nil {
			continue
		}
		out = append(out, baseFile{path: filepath.Join(s.opt.Dir, e.Name()), site: site, number: n})
	}
	slices.SortFunc(out, func(a, b baseFile) int {
		return cmp.Or(strings.Compare(a.site.String(), b.site.String()), cmp.Compare(b.number, a.number))
	})
	return out, nil
}

// loadBases joins the newest good base of each site into its fold and returns what they
// cover. A base that cannot be read is named and passed over.
func (s *Store) loadBases() (covered journal.Vector, err error) {
	files, err := s.baseFiles()
	if err != nil {
		return nil, err
	}
	covered = journal.Vector{}
	done := map[journal.ID]bool{}
	for _, f := range files {
		if s.forgotten[f.site].pending { // the keeper removes it
			s.bases = append(s.bases, f)
			continue
		}
		if done[f.site] {
			f.newer = isNewerBase(f.path)
			s.bases = append(s.bases, f)
			continue
		}
		b, err := s.readBase(f)
		f.newer = errors.Is(err, journal.ErrNewer)
		f.damaged = err != nil && !f.newer
		s.bases = append(s.bases, f)
		if err == nil {
			_, err = s.fold(f.site).Join(b)
		}
		if err != nil {
			s.opt.Logger.Error("base cannot be read, the one before it is used", "base", filepath.Base(f.path), "err", err)
			continue
		}
		done[f.site] = true
		s.bases[len(s.bases)-1].held = b.Held
		covered.Join(b.Held)
	}
	return covered, nil
}

// isNewerBase says whether a later version wrote a base, by its first bytes.
func isNewerBase(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var magic [4]byte
	_, err = io.ReadFull(f, magic[:])
	return err == nil && string(magic[:3]) == "RPB" && magic[3] > 1
}

func (s *Store) readBase(f baseFile) (*journal.Base, error) {
	raw, err := os.ReadFile(f.path)
	if err != nil {
		return nil, err
	}
	b, err := s.pack.UnmarshalBase(raw)
	if err == nil && b.Site != f.site {
		err = fmt.Errorf("%w: base of site %s", journal.ErrCorrupt, b.Site)
	}
	return b, err
}

// Base returns everything this store knows of site as a base, for whoever lacks facts that
// were dropped here.
func (s *Store) Base(site journal.ID) ([]byte, error) {
	b, ok := s.snapshot(site)
	if !ok {
		return nil, fmt.Errorf("base of site %s: nothing of it is here", site)
	}
	return s.pack.MarshalBase(b)
}

// snapshot is consistent: no batch is half in it.
func (s *Store) snapshot(site journal.ID) (*journal.Base, bool) {
	s.state.RLock()
	defer s.state.RUnlock()
	f := s.folds[site]
	if f == nil {
		return nil, false
	}
	// A later version reads again what this one could not, and until then no drop takes it.
	return f.Base(s.held.of(site).Minus(s.unread.of(site))), true
}

// Join takes what a base of somebody else knows and this store does not. It is durable when
// Join returns. It never makes the store hold anything.
func (s *Store) Join(_ context.Context, raw []byte) error {
	if size, err := journal.BaseSize(raw); err == nil && size > maxStrangeBase {
		return fmt.Errorf("read the base: %w: it has %d bytes, the limit is %d", journal.ErrCorrupt, size, maxStrangeBase)
	}
	b, err := s.pack.UnmarshalBase(raw)
	if err != nil {
		return fmt.Errorf("read the base: %w", err)
	}
	if err := s.mayJoin(b); err != nil {
		return err
	}
	s.keeping.Lock()
	defer s.keeping.Unlock()
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.isClosed() {
		return fmt.Errorf("join a base: %w", ErrClosed)
	}
	s.state.Lock()
	changed, err := s.fold(b.Site).Join(b)
	if b.Site == s.id.site {
		s.adoptKeys(changed)
	}
	s.notifyOf(b.Site)
	s.state.Unlock()
	if err != nil {
		return err
	}
	return s.writeBase(b.Site)
}

// mayJoin refuses what cannot be meant for this store.
func (s *Store) mayJoin(b *journal.Base) error {
	if b.Site != s.id.site && !s.opt.ManySites {
		return fmt.Errorf("join a base: %w: it is of site %s, here is %s", ErrOtherSite, b.Site, s.id.site)
	}
	turn := b.Turn
	for i := range b.Registers {
		turn = max(turn, b.Registers[i].Turn)
	}
	for i := range b.Visits {
		turn = max(turn, b.Visits[i].Turn)
	}
	if turn > maxForeignTurn {
		return fmt.Errorf("join a base of site %s: %w: no clock reaches turn %d", b.Site, journal.ErrCorrupt, turn)
	}
	if err := s.mayRememberBase(b); err != nil {
		return fmt.Errorf("join a base: %w", err)
	}
	return nil
}

// writeBases writes the base of every site. The caller holds keeping.
func (s *Store) writeBases() error {
	s.state.RLock()
	var sites []journal.ID
	for site := range s.folds {
		sites = append(sites, site)
	}
	s.state.RUnlock()
	for _, site := range sites {
		if err := s.writeBase(site); err != nil && !isFull(err) {
			return err // on a full disk facts are simply not dropped yet
		}
	}
	return nil
}

// writeBase writes the next base of site and removes those beyond basesKept, and damaged ones.
// A later version's base stays: it may know what no fact here tells any more. The caller holds
// keeping.
func (s *Store) writeBase(site journal.ID) error {
	b, ok := s.snapshot(site)
	if !ok {
		return nil // nothing of it is here
	}
	raw, err := s.pack.MarshalBase(b)
	if err != nil {
		return err
	}
	number := uint64(1)
	for _, f := range s.bases {
		if f.site == site {
			number = max(number, f.number+1)
		}
	}
	next := baseFile{path: filepath.Join(s.opt.Dir, baseName(site, number)), site: site, number: number, held: b.Held}
	if err := wholefile.Write(next.path, raw, fileMode); err != nil {
		return fmt.Errorf("write base: %w", err)
	}
	s.bases = slices.Insert(s.bases, 0, next)
	kept := 0
	var errs error
	s.bases = slices.DeleteFunc(s.bases, func(f baseFile) bool {
		if f.site != site || f.newer {
			return false
		}
		if !f.damaged {
			kept++
		}
		if kept <= basesKept && !f.damaged {
			return false
		}
		errs = errors.Join(errs, os.Remove(f.path))
		return true
	})
	return errs
}

// writeBasesOf writes the bases that a drop of part needs: the own one, which says what the drop told, and those of
// sites whose newest does not cover what is dropped. The caller holds keeping.
func (s *Store) writeBasesOf(part journal.Vector) error {
	sites := map[journal.ID]journal.Vector{s.id.site: {}}
	for k, iv := range part {
		if sites[k.Site] == nil {
			sites[k.Site] = journal.Vector{}
		}
		sites[k.Site][k] = iv
	}
	for site, gone := range sites {
		i := slices.IndexFunc(s.bases, func(f baseFile) bool { return f.site == site && !f.damaged })
		if site != s.id.site && i >= 0 && s.bases[i].held.Covers(gone) {
			continue
		}
		if err := s.writeBase(site); err != nil && !isFull(err) {
			return err // on a full disk facts are simply not dropped yet
		}
	}
	return nil
}

// coverage knows of which facts every kept base of their site tells, and at least basesKept of them: these may be
// dropped. It reads them anew: one that cannot be read counts for nothing.
type coverage struct {
	store *Store
	sites map[journal.ID]journal.Vector
}

func (c *coverage) covers(facts journal.Vector) bool {
	for k, iv := range facts {
		v, known := c.sites[k.Site]
		if !known {
			v = c.store.coveredTwice(k.Site)
			c.sites[k.Site] = v
		}
		if !v.Covers(journal.Vector{k: iv}) {
			return false
		}
	}
	return true
}

func (s *Store) coveredTwice(site journal.ID) journal.Vector {
	var both journal.Vector
	n := 0
	for _, f := range s.bases {
		if f.site != site {
			continue
		}
		b, err := s.readBase(f)
		if err != nil {
			continue
		}
		v := only(b.Held, journal.Facts)
		if n++; n > 1 {
			v = both.Minus(both.Minus(v))
		}
		both = v
	}
	if n < basesKept {
		return nil
	}
	return both
}
