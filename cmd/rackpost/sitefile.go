package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"rackpost/wholefile"
)

// siteFile is the site.yaml that found devices are added to.
type siteFile struct {
	path  string
	fresh []byte // what a new file begins with; nil: there is a file
}

func (f siteFile) read() ([]byte, error) {
	if f.fresh != nil {
		return f.fresh, nil
	}
	return readConfigFile(f.path, place{})
}

// check reports why the file cannot be written, before anybody is asked.
func (f siteFile) check() error {
	if _, err := os.Lstat(f.path); f.fresh != nil && err == nil {
		return fmt.Errorf("%s exists: leave out -new to add to it", f.path)
	}
	path, err := f.target()
	if err != nil {
		return err
	}
	t, err := os.CreateTemp(filepath.Dir(path), ".site-*")
	if err != nil {
		return fmt.Errorf("%s cannot be written, with -dry-run nothing is: %w", f.path, err)
	}
	return errors.Join(t.Close(), os.Remove(t.Name()))
}

// target is the file itself, behind links.
func (f siteFile) target() (string, error) {
	if f.fresh != nil {
		return f.path, nil
	}
	return filepath.EvalSymlinks(f.path)
}

// write puts data in the place of the file, which is still as it was when before was read.
// Whoever reads the file finds the old or the new one, whole, of the same owner and mode.
func (f siteFile) write(before, data []byte) (err error) {
	path, err := f.target()
	if err != nil {
		return err
	}
	t, err := os.CreateTemp(filepath.Dir(path), ".site-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = t.Close()
			_ = os.Remove(t.Name())
		}
	}()
	if err := f.dress(path, t); err != nil {
		return err
	}
	if _, err := t.Write(data); err != nil {
		return err
	}
	if err := errors.Join(t.Sync(), t.Close()); err != nil {
		return err
	}
	if f.fresh != nil {
		if err := os.Link(t.Name(), path); err != nil { // never over a file made meanwhile
			return err
		}
		return errors.Join(os.Remove(t.Name()), wholefile.SyncFolder(filepath.Dir(path)))
	}
	if now, err := f.read(); err != nil || !bytes.Equal(now, before) {
		return errors.Join(err, fmt.Errorf("%s was changed by somebody in this moment; run this again", f.path))
	}
	if err := os.Rename(t.Name(), path); err != nil {
		return err
	}
	return wholefile.SyncFolder(filepath.Dir(path))
}

// dress gives t the mode and the owner of the file at path.
func (f siteFile) dress(path string, t *os.File) error {
	if f.fresh != nil {
		return t.Chmod(0o644)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	own, ok := info.Sys().(*syscall.Stat_t)
	if is, err := t.Stat(); ok && err == nil {
		if now, ok := is.Sys().(*syscall.Stat_t); ok && (now.Uid != own.Uid || now.Gid != own.Gid) {
			if err := t.Chown(int(own.Uid), int(own.Gid)); err != nil {
				return fmt.Errorf("%s would change its owner, run this as root: %w", f.path, err)
			}
		}
	}
	return t.Chmod(info.Mode() & (fs.ModePerm | fs.ModeSetgid))
}
