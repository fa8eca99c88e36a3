// Package powerfs is a file system in memory that loses power, for tests only.
//
// What a program writes there is seen by every reader at once, as on any disk, but survives a power cut only once it was
// synced: bytes by fsync of their file, names (create, rename, remove) by fsync of their folder. That is what POSIX
// promises and no more; a real ext4 often keeps more, so what survives here survives there.
//
// It needs /dev/fuse, the right to mount, and the go command. A process of its own serves the mount: a process that served
// what it also maps into its memory, as SQLite does, would sooner or later wait for itself inside the kernel.
package powerfs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// ErrUnavailable says that this machine cannot mount: no /dev/fuse, no right to it, or no go command.
var ErrUnavailable = errors.New("FUSE is not available")

// FS is one mounted file system. Its methods may be called from several goroutines.
type FS struct {
	base   string
	server *process
	close  func() error
}

// Mount mounts a file system below base, an existing folder. With a non-empty content, a folder such as Cut returns, its
// files and folders are on the disk from the start, already synced.
func Mount(base, content string) (*FS, error) {
	if _, err := os.Stat("/dev/fuse"); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	f := &FS{base: base}
	if err := os.MkdirAll(f.Dir(), 0o755); err != nil {
		return nil, fmt.Errorf("make the mount point: %w", err)
	}
	args := []string{f.Dir()}
	if content != "" {
		if _, err := os.ReadDir(content); err != nil {
			return nil, fmt.Errorf("load the content: %w", err)
		}
		args = append(args, content)
	}
	serve, err := program()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err != nil {
		return nil, err
	}
	if f.server, err = start(serve, args...); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	f.close = sync.OnceValue(f.server.stop)
	return f, nil
}

// ForTest mounts in a temporary folder, unmounts when the test ends, and skips the test where that is not possible.
func ForTest(t testing.TB, content string) *FS {
	t.Helper()
	f, err := Mount(t.TempDir(), content)
	if errors.Is(err, ErrUnavailable) {
		t.Skipf("the power-cut tests need FUSE: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// Dir is the folder under which the file system is seen.
func (f *FS) Dir() string { return filepath.Join(f.base, "mnt") }

// Cut switches the power off: from now on no write, sync or change of a name below Dir succeeds; they fail with EIO. (A
// read may still be answered from the kernel's cache.) It returns a new ordinary folder with what is left on the disk.
//
// With torn false, nothing unsynced is left. With torn true, each 512-byte sector written since its file's last fsync is
// left or lost by the toss of a coin, a shortening of a file likewise, and of the changes to names a beginning of random
// length is left, in their order, as a journalling file system does it. The same operations and seed leave the same bytes.
func (f *FS) Cut(torn bool, seed uint64) (survivor string, err error) {
	survivor, err = os.MkdirTemp(f.base, "survivor-")
	if err != nil {
		return "", fmt.Errorf("make the survivor's folder: %w", err)
	}
	if _, err := f.server.ask(request{Op: "cut", Torn: torn, Number: seed, Folder: survivor}); err != nil {
		return "", fmt.Errorf("cut the power: %w", err)
	}
	return survivor, nil
}

// Close unmounts. Files that are still open fail from then on. A second Close does nothing.
func (f *FS) Close() error { return f.close() }

// SetCapacity bounds the bytes of all files together; beyond it writes fail with ENOSPC. It starts at 1 GiB.
func (f *FS) SetCapacity(bytes int64) error {
	_, err := f.server.ask(request{Op: "capacity", Number: uint64(bytes)})
	return err
}

// SetFault makes every write, sync and change of a name fail with errno; zero heals the disk.
func (f *FS) SetFault(errno syscall.Errno) error {
	_, err := f.server.ask(request{Op: "fault", Number: uint64(errno)})
	return err
}

// Stall makes whatever is asked of the disk wait, for as long as on.
func (f *FS) Stall(on bool) error {
	signal := syscall.SIGCONT
	if on {
		signal = syscall.SIGSTOP
	}
	return f.server.command.Process.Signal(signal)
}

// Syncs counts the syncs of files and folders that succeeded.
func (f *FS) Syncs() (int, error) { return f.server.ask(request{Op: "syncs"}) }
