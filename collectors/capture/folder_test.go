package capture_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rackpost/collectors/capture"
)

func write(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

// Nothing is there before Commit, and then all of it, for its owner alone.
func TestFolder(t *testing.T) {
	t.Parallel()
	for name, there := range map[string]bool{"not there": false, "empty": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parent := t.TempDir()
			path := filepath.Join(parent, "out")
			if there {
				if err := os.Mkdir(path, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			f, err := capture.Prepare(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.Add("a.txt", write("hello")); err != nil {
				t.Fatal(err)
			}
			if err := f.Add("a.txt", write("again")); err == nil {
				t.Error("a file is written twice")
			}
			if _, err := os.Stat(filepath.Join(path, "a.txt")); err == nil {
				t.Error("the file is there before Commit")
			}
			if err := errors.Join(f.Commit(), f.Discard()); err != nil {
				t.Fatal(err)
			}
			checkMode(t, path, 0o700)
			checkMode(t, filepath.Join(path, "a.txt"), 0o600)
			if b, err := os.ReadFile(filepath.Join(path, "a.txt")); err != nil || string(b) != "hello" {
				t.Errorf("%q, %v", b, err)
			}
			only(t, parent, "out")
		})
	}
}

func checkMode(t *testing.T, path string, want os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want {
		t.Errorf("%s has mode %o, want %o", path, got, want)
	}
}

// only fails unless the folder holds just these.
func only(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(names, " ") {
		t.Errorf("%s holds %v, want %v", dir, got, names)
	}
}

func TestFolderRefused(t *testing.T) {
	t.Parallel()
	full, file := t.TempDir(), filepath.Join(t.TempDir(), "file")
	if err := errors.Join(os.WriteFile(filepath.Join(full, "x"), nil, 0o600), os.WriteFile(file, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := capture.Prepare(full); !errors.Is(err, capture.ErrNotEmpty) {
		t.Errorf("a folder with something in it: %v", err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{link, file, filepath.Join(file, "below"), filepath.Join(full, "no", "such")} {
		if _, err := capture.Prepare(path); err == nil {
			t.Errorf("%s is taken", path)
		}
	}
	only(t, full, "x")
}

// A capture that fails leaves nothing, and nothing that came meanwhile is lost.
func TestFolderDiscarded(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	f, err := capture.Prepare(filepath.Join(parent, "out"))
	if err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left on device")
	if err := f.Add("a", func(io.Writer) error { return full }); !errors.Is(err, full) {
		t.Errorf("%v, want %v", err, full)
	}
	if err := f.Discard(); err != nil {
		t.Error(err)
	}
	only(t, parent)
	if f, err = capture.Prepare(filepath.Join(parent, "out")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Mkdir(filepath.Join(parent, "out"), 0o700), os.WriteFile(filepath.Join(parent, "out", "mine"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err == nil {
		t.Error("a folder that was filled meanwhile is replaced")
	}
	only(t, parent, "out")
	only(t, filepath.Join(parent, "out"), "mine")
}
