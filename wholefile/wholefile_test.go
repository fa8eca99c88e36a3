package wholefile_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/store/powerfs"
	"rackpost/wholefile"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A file is replaced, has the mode that was asked for whatever a crash left behind, and what a link points to is not touched.
func TestWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, other := filepath.Join(dir, "x"), filepath.Join(dir, "other")
	must(t, os.WriteFile(other, []byte("of others"), 0o644))
	for _, content := range []string{"first", "second", ""} {
		must(t, os.Symlink(other, path+".tmp"))
		must(t, wholefile.Write(path, []byte(content), 0o600))
		b, err := os.ReadFile(path)
		must(t, err)
		if info, err := os.Lstat(path); err != nil || string(b) != content || info.Mode() != 0o600 {
			t.Errorf("%q, want %q: %v %v", b, content, info.Mode(), err)
		}
	}
	if b, err := os.ReadFile(other); string(b) != "of others" || err != nil {
		t.Errorf("another file was written through a link: %q %v", b, err)
	}
	if entries, err := os.ReadDir(dir); len(entries) != 2 || err != nil {
		t.Errorf("something is left: %v %v", entries, err)
	}
}

// What cannot be written leaves the old file, leaves nothing behind, and is named.
func TestWriteFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := wholefile.Write(filepath.Join(dir, "none", "x"), nil, 0o600); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("into a folder that is not there: %v", err)
	}
	taken := filepath.Join(dir, "taken")
	must(t, os.MkdirAll(filepath.Join(taken, "full"), 0o700))
	if err := wholefile.Write(taken, []byte("x"), 0o600); err == nil || !bytes.Contains([]byte(err.Error()), []byte("write "+taken)) {
		t.Errorf("over a folder: %v", err)
	}
	if entries, err := os.ReadDir(dir); len(entries) != 1 || err != nil {
		t.Errorf("something is left: %v %v", entries, err)
	}
}

// Many who write the same file at once: each is told that it wrote, and the file is what one of them wrote.
func TestWritersAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x")
	must(t, wholefile.Write(path, bytes.Repeat([]byte{9}, 4096), 0o600))
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for range 20 {
				if err := wholefile.Write(path, bytes.Repeat([]byte{byte(n)}, 4096), 0o600); err != nil {
					t.Error(err)
				}
				b, err := os.ReadFile(path)
				if err != nil || len(b) != 4096 || bytes.Count(b, b[:1]) != 4096 {
					t.Errorf("torn: %d bytes, %v", len(b), err)
				}
			}
		})
	}
	all.Wait()
}

// A folder that somebody keeps locked is waited for, for a minute; what was there stays.
func TestLockedFolder(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x")
	must(t, wholefile.Write(path, []byte("first"), 0o600))
	folder, err := os.Open(filepath.Dir(path))
	must(t, err)
	defer folder.Close()
	must(t, syscall.Flock(int(folder.Fd()), syscall.LOCK_EX))
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		err := wholefile.Write(path, []byte("second"), 0o600)
		if err == nil || !strings.Contains(err.Error(), "write "+path+": ") || !strings.Contains(err.Error(), "lsof "+filepath.Dir(path)) {
			t.Errorf("%v", err)
		}
		if waited := time.Since(began); waited < time.Minute || waited > 2*time.Minute {
			t.Errorf("it waited %v", waited)
		}
		time.AfterFunc(30*time.Second, func() { _ = syscall.Flock(int(folder.Fd()), syscall.LOCK_UN) })
		if b, err := os.ReadFile(path); string(b) != "first" || err != nil {
			t.Errorf("%q: %v", b, err)
		}
		if err := wholefile.Write(path, []byte("third"), 0o600); err != nil {
			t.Errorf("when the lock is gone in time: %v", err)
		}
	})
}

func TestRemove(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x")
	must(t, wholefile.Remove(path)) // there is none
	must(t, wholefile.Write(path, nil, 0o600))
	must(t, wholefile.Remove(path))
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
	if wholefile.SyncFolder(path) == nil {
		t.Error("a folder that is not there was synced")
	}
}

// After a power cut the file is what was last written, and stays gone when it was removed, whatever of the rest is lost or torn.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		disk := powerfs.ForTest(t, "")
		at := func(name string) string { return filepath.Join(disk.Dir(), name) }
		for _, content := range []string{"first", "second"} {
			must(t, wholefile.Write(at("x"), []byte(content), 0o600))
			must(t, wholefile.Write(at("removed"), nil, 0o600))
		}
		must(t, wholefile.Remove(at("removed")))
		left, err := disk.Cut(seed%2 == 1, seed)
		must(t, err)
		if b, err := os.ReadFile(filepath.Join(left, "x")); string(b) != "second" || err != nil {
			t.Errorf("seed %d: %q: %v", seed, b, err)
		}
		if _, err := os.Stat(filepath.Join(left, "removed")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("seed %d: it came back: %v", seed, err)
		}
	}
}

// A disk that takes nothing leaves what was there, and the error says so; when it takes again, so does Write.
func TestDiskThatFails(t *testing.T) {
	t.Parallel()
	disk := powerfs.ForTest(t, "")
	path := filepath.Join(disk.Dir(), "x")
	must(t, wholefile.Write(path, []byte("first"), 0o600))
	must(t, disk.SetFault(syscall.ENOSPC))
	if err := wholefile.Write(path, []byte("second"), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a full disk: %v", err)
	}
	if b, err := os.ReadFile(path); string(b) != "first" || err != nil {
		t.Errorf("%q: %v", b, err)
	}
	must(t, disk.SetFault(0))
	must(t, wholefile.Write(path, []byte("third"), 0o600))
}
