// Package wholefile puts files on the disk whole or not at all, so that what is said to be there is there after a power cut.
package wholefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// suffix is of a file that is not yet whole. There is one of each name at most: the next writer begins it anew.
const suffix = ".tmp"

// patience is how long Write waits for those who write into the same folder. Each takes as long as two fsyncs: a disk that is slow makes
// nobody fail, one that hangs does.
const (
	patience = time.Minute
	pause    = 2 * time.Millisecond
)

// Write puts content under path: who reads it finds what was there before or all of content, whatever happens, and content once
// Write returned nil. Writers of a folder wait for each other, in other processes too.
func Write(path string, content []byte, mode fs.FileMode) (err error) {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() { // closing it lets the next one write
		if err = errors.Join(err, folder.Close()); err != nil {
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	if err := lock(folder); err != nil {
		return err
	}
	if err := replace(path, content, mode); err != nil {
		return err
	}
	return folder.Sync()
}

// lock waits until nobody else writes into the folder, for patience at most.
func lock(folder *os.File) error {
	for waited := time.Duration(0); ; waited += pause {
		err := unix.Flock(int(folder.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR):
			return os.NewSyscallError("flock", err)
		case waited >= patience:
			return fmt.Errorf("%s has been locked for %s: the disk hangs, or another program locked the folder (\"lsof %[1]s\" names it)", folder.Name(), patience)
		}
		time.Sleep(pause)
	}
}

func replace(path string, content []byte, mode fs.FileMode) error {
	tmp := path + suffix
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return nil
}

// Remove removes the file at path, if there is one, so that it stays removed.
func Remove(path string) error {
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(err, SyncFolder(filepath.Dir(path)))
}

// SyncFolder makes the names in a folder durable: those that were made, moved or removed.
func SyncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
