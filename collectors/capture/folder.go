package capture

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrNotEmpty refuses a folder that holds something.
var ErrNotEmpty = errors.New("is not empty")

// Folder is where a capture is written. Until Commit nothing of it is there.
type Folder struct {
	path string // as it is to be
	temp string // beside it
}

// Prepare makes sure that a capture can be written to path, which must not exist or be an empty
// folder. Discard or Commit ends it.
func Prepare(path string) (*Folder, error) {
	path = filepath.Clean(path)
	entries, err := os.ReadDir(path)
	if info, lerr := os.Lstat(path); lerr == nil && info.Mode()&fs.ModeSymlink != 0 {
		return nil, fmt.Errorf("%s is a link; name the folder itself", path)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("look into the folder: %w", err)
	case len(entries) > 0:
		return nil, fmt.Errorf("folder %s %w; name one that does not exist", path, ErrNotEmpty)
	}
	temp, err := os.MkdirTemp(filepath.Dir(path), "."+filepath.Base(path)+".part-*") // mode 0700
	if err != nil {
		return nil, fmt.Errorf("make the folder: %w", err)
	}
	return &Folder{path: path, temp: temp}, nil
}

// Path is where the files of the capture are until Commit.
func (f *Folder) Path() string { return f.temp }

// Add writes a file that only its owner may read. Its name may have folders before it.
func (f *Folder) Add(name string, write func(io.Writer) error) error {
	if !filepath.IsLocal(name) {
		return fmt.Errorf("write %q: it is outside of the folder", name)
	}
	if err := os.MkdirAll(filepath.Join(f.temp, filepath.Dir(name)), 0o700); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	file, err := os.OpenFile(filepath.Join(f.temp, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	err = write(file)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// Commit puts the folder in its place, all files at once.
func (f *Folder) Commit() error {
	err := os.Remove(f.path) // the empty folder; one that is not empty stays
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = os.Rename(f.temp, f.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("put the folder in its place: %w", err), f.Discard())
	}
	f.temp = ""
	return nil
}

// Discard removes what was written, unless Commit was called.
func (f *Folder) Discard() error {
	if f.temp == "" {
		return nil
	}
	if err := os.RemoveAll(f.temp); err != nil {
		return fmt.Errorf("remove the unfinished folder: %w", err)
	}
	f.temp = ""
	return nil
}
