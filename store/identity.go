package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"rackpost/hw/journal"
	"rackpost/wholefile"
)

// identity is whose journal this is. The origin is made once, on an empty disk.
type identity struct{ site, origin journal.ID }

const (
	identityFile = "origin"
	lockFile     = "lock"

	fileMode = 0o640 // of what stands beside the segments
)

// ErrOtherSite is returned by Open for a folder that holds another site's journal, and by Merge and
// Join for what is of another site.
var ErrOtherSite = journal.ErrOtherSite

// lockDir keeps every other process out of dir until the file is closed.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, fileMode)
	if err != nil {
		return nil, fmt.Errorf("lock the journal: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: another rackpost uses this folder: %w", dir, err), f.Close())
	}
	return f, nil
}

// unlockDir lets others in, also while a process just forked still has the file open.
func unlockDir(f *os.File) error {
	return errors.Join(unix.Flock(int(f.Fd()), unix.LOCK_UN), f.Close())
}

// loadIdentity reads who opt.Dir belongs to. Where the file that says so is gone or cannot be
// read, the segments say it; where these do not either, a new origin is made.
func loadIdentity(ctx context.Context, opt *Options) (identity, error) {
	id, err := readIdentity(opt.Dir)
	if errors.Is(err, fs.ErrPermission) {
		return identity{}, fmt.Errorf("read the journal's origin: %w", err)
	}
	lost := err != nil
	if lost {
		if id, err = segmentsIdentity(ctx, opt, err); err != nil {
			return identity{}, err
		}
	}
	switch {
	case id == (identity{}):
		return newIdentity(opt.Dir, opt.Site, opt.Origin)
	case id.site != opt.Site:
		return identity{}, fmt.Errorf("%w: %s belongs to site %s, site.yaml says %s; give it the right site or another folder", ErrOtherSite, opt.Dir, id.site, opt.Site)
	case lost:
		return id, writeIdentity(opt.Dir, id)
	}
	return id, nil
}

// Identity returns whose journal lies in dir, without opening it: the site it is of, and its origin. Both are zero where
// none was begun.
func Identity(dir string) (site, origin journal.ID, err error) {
	id, err := readIdentity(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return site, origin, nil
	}
	if err != nil {
		return site, origin, fmt.Errorf("read the journal's origin: %w", err)
	}
	return id.site, id.origin, nil
}

func readIdentity(dir string) (id identity, err error) {
	b, err := os.ReadFile(filepath.Join(dir, identityFile))
	if err != nil {
		return id, err
	}
	words := strings.Fields(string(b))
	if len(words) != 4 || words[0] != "site" || words[2] != "origin" {
		return id, fmt.Errorf("want \"site ID origin ID\" in %s", filepath.Join(dir, identityFile))
	}
	if id.site, err = journal.ParseID(words[1]); err == nil {
		id.origin, err = journal.ParseID(words[3])
	}
	return id, err
}

// segmentsIdentity returns whose the newest segment is that can be read, a zero one when there
// is none. why says what is wrong with the file.
func segmentsIdentity(ctx context.Context, opt *Options, why error) (id identity, err error) {
	entries, err := os.ReadDir(opt.Dir)
	if err != nil {
		return id, fmt.Errorf("look for the journal's origin: %w", err)
	}
	found := false
	for _, e := range slices.Backward(entries) { // the names begin with the number
		_, _, sealed, ok := parseSegmentName(e.Name())
		if !ok {
			continue
		}
		found = true
		access := immutable
		if !sealed {
			access = readOnly
		}
		if id, err = segmentIdentity(ctx, filepath.Join(opt.Dir, e.Name()), access); err == nil {
			opt.Logger.Warn("the journal's origin is taken from a segment", "segment", e.Name(), "origin", id.origin.String(), "why", why)
			return id, nil
		}
		opt.Logger.Warn("a segment does not tell whose it is", "segment", e.Name(), "err", err)
	}
	if found || !errors.Is(why, fs.ErrNotExist) {
		// Records keep the names they have: nothing is lost by a new one.
		opt.Logger.Error("the journal's origin is lost: a new one is made", "err", why)
	}
	return identity{}, nil
}

func segmentIdentity(ctx context.Context, path string, a access) (id identity, err error) {
	db := openDB(path, a)
	defer func() { err = errors.Join(err, db.Close()) }()
	for name, to := range map[string]*journal.ID{"site": &id.site, "origin": &id.origin} {
		var b []byte
		if err := db.QueryRowContext(ctx, "SELECT value FROM meta WHERE name = ?", name).Scan(&b); err != nil {
			return identity{}, err
		}
		if len(b) != len(to) || *to == journal.ID(b) {
			return identity{}, fmt.Errorf("%w: %s of %d bytes, or none", journal.ErrCorrupt, name, len(b))
		}
		*to = journal.ID(b)
	}
	return id, nil
}

func newIdentity(dir string, site, origin journal.ID) (identity, error) {
	id := identity{site: site, origin: origin}
	if origin == (journal.ID{}) {
		if _, err := rand.Read(id.origin[:]); err != nil {
			return id, err
		}
	}
	return id, writeIdentity(dir, id)
}

func writeIdentity(dir string, id identity) error {
	return wholefile.Write(filepath.Join(dir, identityFile), fmt.Appendf(nil, "site %s\norigin %s\n", id.site, id.origin), fileMode)
}
