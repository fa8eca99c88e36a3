package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"rackpost/hw/journal"
)

// identity is whose journal this is. The origin is made once, on an empty disk.
type identity struct{ site, origin journal.ID }

const (
	identityFile = "origin"
	lockFile     = "lock"
)

// ErrOtherSite is returned by Open for a folder that holds another site's journal.
var ErrOtherSite = errors.New("journal of another site")

// lockDir keeps every other process out of dir until the file is closed.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o640)
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

// loadIdentity reads who dir belongs to, or makes a new origin of site when dir is new.
func loadIdentity(dir string, site journal.ID) (identity, error) {
	b, err := os.ReadFile(filepath.Join(dir, identityFile))
	if errors.Is(err, fs.ErrNotExist) {
		return newIdentity(dir, site)
	}
	if err != nil {
		return identity{}, fmt.Errorf("read the journal's origin: %w", err)
	}
	var id identity
	words := strings.Fields(string(b))
	if len(words) == 4 && words[0] == "site" && words[2] == "origin" {
		id.site, err = journal.ParseID(words[1])
		if err == nil {
			id.origin, err = journal.ParseID(words[3])
		}
	} else {
		err = fmt.Errorf("want \"site ID origin ID\"")
	}
	if err != nil {
		// A lost origin costs nothing but a new one: all records keep the names they have.
		return newIdentity(dir, site)
	}
	if id.site != site {
		return identity{}, fmt.Errorf("%w: %s belongs to site %s, site.yaml says %s; give it the right site or another folder", ErrOtherSite, dir, id.site, site)
	}
	return id, nil
}

func newIdentity(dir string, site journal.ID) (identity, error) {
	id := identity{site: site}
	if _, err := rand.Read(id.origin[:]); err != nil {
		return id, err
	}
	return id, writeFile(filepath.Join(dir, identityFile), fmt.Appendf(nil, "site %s\norigin %s\n", id.site, id.origin))
}

// writeFile puts content under path, durably and whole or not at all.
func writeFile(path string, content []byte) error {
	tmp := path + ".tmp"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", tmp, err), os.Remove(tmp))
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
