package store

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rackpost/hw/journal"
	"rackpost/wholefile"
)

// ErrOwnSite is returned by Forget for the site of the store itself.
var ErrOwnSite = errors.New("the store's own site")

// forgottenFile says of which sites what stands in old segments, or was held when they were begun, counts for
// nothing. A line is a site, the number of the last such segment, and whether rows of the site may still be in them.
const forgottenFile = "forgotten"

// forgotten is what the file says.
type forgotten map[journal.ID]forgottenSite

type forgottenSite struct {
	upTo    uint64 // the number of a segment
	pending bool   // its rows, bases and other traces are not all gone
}

// last returns the greatest number of a segment of which anything is forgotten.
func (f forgotten) last() (n uint64) {
	for _, x := range f {
		n = max(n, x.upTo)
	}
	return n
}

// void takes out of what g tells all that was forgotten.
func (f forgotten) void(g *segment) {
	var sites []journal.ID
	for site, x := range f {
		if g.number > x.upTo {
			continue
		}
		for k := range g.held {
			if k.Site == site {
				delete(g.held, k)
			}
		}
		if len(g.own.sites[site]) > 0 || (g.twinOnly && x.pending) {
			sites = append(sites, site)
		}
	}
	g.forget(sites...)
}

// forget makes g read nothing of sites any more; their rows are still to go.
func (g *segment) forget(sites ...journal.ID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, site := range sites {
		delete(g.own.sites, site)
		if !slices.Contains(g.leaving, site) {
			g.leaving = append(slices.Clone(g.leaving), site)
		}
	}
}

// left says whether site is one that g has forgotten.
func (g *segment) left(site journal.ID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Contains(g.leaving, site)
}

func (s *Store) loadForgotten() error {
	s.forgotten = forgotten{}
	raw, err := os.ReadFile(filepath.Join(s.opt.Dir, forgottenFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read which sites are forgotten: %w", err)
	}
	lines := bufio.NewScanner(strings.NewReader(string(raw)))
	for lines.Scan() {
		var id, state string
		var x forgottenSite
		_, err := fmt.Sscan(lines.Text(), &id, &x.upTo, &state)
		site, err2 := journal.ParseID(id)
		if err != nil || err2 != nil {
			s.opt.Logger.Error("a site that was forgotten is known again", "file", forgottenFile, "line", lines.Text())
			continue
		}
		x.pending = state != "gone"
		s.forgotten[site] = x
	}
	return nil
}

// writeForgotten is durable when it returns.
func (s *Store) writeForgotten(f forgotten) error {
	var lines []string
	for site, x := range f {
		state := "gone"
		if x.pending {
			state = "leaving"
		}
		lines = append(lines, fmt.Sprintf("%s %d %s\n", site, x.upTo, state))
	}
	slices.Sort(lines)
	if err := wholefile.Write(filepath.Join(s.opt.Dir, forgottenFile), []byte(strings.Join(lines, "")), fileMode); err != nil {
		return fmt.Errorf("note which sites are forgotten: %w", err)
	}
	return nil
}

// Forget drops everything of a site: its batches, registers, bases, and the memory of having held them. From its
// beginning nothing of the site is read any more; it is durable when Forget returns, and what is cut off the keeper, or the next
// start, completes. The store's own site is ErrOwnSite. A site that comes again brings everything again: end its connections first.
func (s *Store) Forget(ctx context.Context, site journal.ID) error {
	if site == s.id.site {
		return fmt.Errorf("forget site %s: %w", site, ErrOwnSite)
	}
	s.keeping.Lock()
	defer s.keeping.Unlock()
	if err := s.beginForget(ctx, site); err != nil {
		return fmt.Errorf("forget site %s: %w", site, err)
	}
	if err := s.finishForget(ctx); err != nil {
		return fmt.Errorf("forget site %s: nothing of it is read any more, but not all of it is gone: %w", site, err)
	}
	return nil
}

// beginForget notes that a site is forgotten, and takes it out of everything that is read.
func (s *Store) beginForget(ctx context.Context, site journal.ID) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.isClosed() {
		return ErrClosed
	}
	all := s.listed()
	x := forgottenSite{upTo: s.forgotten.last(), pending: true}
	if len(all) > 0 {
		x.upTo = max(x.upTo, all[len(all)-1].number)
	}
	next := forgotten{site: x}
	for k, v := range s.forgotten {
		if k != site {
			next[k] = v
		}
	}
	if err := s.writeForgotten(next); err != nil {
		return err
	}
	s.forgotten = next
	s.state.Lock()
	for _, v := range []*ledger{&s.held, &s.wanted, &s.unread} {
		delete(v.sites, site)
	}
	delete(s.folds, site)
	delete(s.conflicts, site)
	s.keys.forget(site)
	for _, g := range all {
		g.mu.Lock()
		touched := len(g.own.sites[site]) > 0 || g.twinOnly
		g.mu.Unlock()
		if touched {
			g.forget(site)
		}
	}
	for _, ix := range s.tails {
		ix.forget(site)
	}
	s.notifyOf(site)
	s.state.Unlock()
	for k := range s.hq {
		if k.Site == site {
			delete(s.hq, k)
		}
	}
	if s.open == nil {
		return nil
	}
	_, since := s.opt.Boot()
	return s.nextSegment(ctx, since) // whose head does not tell of the site
}

// finishForget removes what is left of forgotten sites. The caller holds keeping.
func (s *Store) finishForget(ctx context.Context) error {
	sites := map[journal.ID]bool{}
	for site, x := range s.forgotten {
		if x.pending {
			sites[site] = true
		}
	}
	if len(sites) == 0 {
		return nil
	}
	if err := s.forgetBases(sites); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(s.opt.Dir, wantedFile)); err == nil {
		if err := s.writeWanted(s.Wanted()); err != nil {
			return err
		}
	}
	if sealed, err := s.sealAll(ctx); err != nil {
		return err
	} else if sealed {
		if err := s.writeBases(); err != nil {
			return err
		}
	}
	whole := true
	for _, g := range s.listed() {
		done, err := s.forgetRows(ctx, g)
		if err != nil {
			return err
		}
		whole = whole && done
	}
	if !whole { // a damaged segment is salvaged first, a full disk waits for room
		s.wakeKeeper()
		return nil
	}
	return s.forgetLines(sites)
}

// forgetLines notes that nothing of sites is left, and removes the notes that no segment needs.
func (s *Store) forgetLines(sites map[journal.ID]bool) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	first := uint64(0)
	if all := s.listed(); len(all) > 0 {
		first = all[0].number
	}
	next := forgotten{}
	for site, x := range s.forgotten {
		x.pending = x.pending && !sites[site]
		if x.pending || x.upTo >= first {
			next[site] = x
		}
	}
	if err := s.writeForgotten(next); err != nil {
		return err
	}
	s.forgotten = next
	return nil
}

func (s *Store) forgetBases(sites map[journal.ID]bool) error {
	var errs error
	s.bases = slices.DeleteFunc(s.bases, func(f baseFile) bool {
		// What is forgotten has no base; what came again since has its facts in newer segments.
		if sites[f.site] {
			errs = errors.Join(errs, os.Remove(f.path))
		}
		return sites[f.site]
	})
	return errors.Join(errs, wholefile.SyncFolder(s.opt.Dir))
}

// forgetRows removes from g the rows of the sites it has forgotten. It returns false when that has to wait.
func (s *Store) forgetRows(ctx context.Context, g *segment) (bool, error) {
	g.mu.Lock()
	sites := g.leaving
	g.mu.Unlock()
	if len(sites) == 0 {
		return true, nil
	}
	if !g.isSealed() || g.damaged() != nil || g.rescue != nil {
		return false, nil
	}
	keep := g.contents()
	if g.twinOnly {
		if err := s.forgetInTwin(ctx, g, sites); err != nil {
			return false, err
		}
	} else {
		s.dropTwin(g)
	}
	tmp := g.file() + tmpSuffix
	if len(keep) > 0 || g.twinOnly {
		err := g.copyWithoutSites(ctx, tmp, sites)
		switch {
		case isFull(err):
			return false, nil
		case isDamaged(err):
			s.setAside(g, err)
			return false, nil
		case err != nil:
			return false, fmt.Errorf("rewrite segment %s: %w", filepath.Base(g.file()), err)
		}
	}
	s.opt.Logger.Info("a site's records removed", "segment", filepath.Base(g.file()), "sites", len(sites))
	var err error
	if len(keep) == 0 && g.twinOnly {
		err = s.swap(g, tmp)
	} else {
		err = s.strip(g, keep, tmp)
	}
	if err != nil {
		return false, err
	}
	g.mu.Lock()
	g.leaving = nil
	g.mu.Unlock()
	s.wakeKeeper() // the twin
	return true, nil
}

// swap puts the file tmp in the place of g's.
func (s *Store) swap(g *segment, tmp string) error {
	g.use.Lock()
	defer g.use.Unlock()
	return errors.Join(os.Rename(tmp, g.file()), wholefile.SyncFolder(s.opt.Dir))
}

// forgetInTwin writes a twin that holds readings which the rows have no more anew, without those of sites.
func (s *Store) forgetInTwin(ctx context.Context, g *segment, sites []journal.ID) (err error) {
	tmp := g.twinPath() + tmpSuffix
	removeDB(tmp)
	db := openDB(tmp, scratch)
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
			removeDB(tmp)
		}
	}()
	if _, err := db.ExecContext(ctx, twinSchema); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, "ATTACH ? AS old", g.twinPath()); err != nil {
		return err
	}
	gone := "SELECT id FROM old.device WHERE site IN (" + literals(sites) + ")"
	err = inTx(ctx, db, func(tx *sql.Tx) error {
		return execAll(ctx, tx, []string{
			"INSERT INTO main.device SELECT * FROM old.device WHERE id NOT IN (" + gone + ")",
			"INSERT INTO main.component SELECT * FROM old.component",
			"INSERT INTO main.chunk SELECT * FROM old.chunk WHERE id >> 40 NOT IN (" + gone + ")",
		})
	})
	if err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	g.use.Lock()
	defer g.use.Unlock()
	return errors.Join(os.Rename(tmp, g.twinPath()), wholefile.SyncFolder(s.opt.Dir))
}

// literals writes ids as SQL has them.
func literals(ids []journal.ID) string {
	var out []string
	for _, id := range ids {
		out = append(out, fmt.Sprintf("x'%x'", id[:]))
	}
	return strings.Join(out, ", ")
}
