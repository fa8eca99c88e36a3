// Package powerfs is a file system in memory that loses power, for tests only.
//
// What a program writes there is seen by every reader at once, as on any disk, but survives a power cut only once it was
// synced: bytes by fsync of their file, names (create, rename, remove) by fsync of their folder. That is what POSIX
// promises and no more; a real ext4 often keeps more, so what survives here survives there.
//
// It needs /dev/fuse and the right to mount. Processes other than the test's own may use it too: a child that is killed
// in the middle of a write is the normal case. A test must not start a process while it holds files open in the mount:
// fork waits for the kernel, which waits for this process to answer the flush of the inherited files.
package powerfs

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// ErrUnavailable says that this machine cannot mount: no /dev/fuse, or no right to it.
var ErrUnavailable = errors.New("FUSE is not available")

// unmountWait bounds how long Close waits for the kernel after the last file was closed.
const unmountWait = 10 * time.Second

// FS is one mounted file system. Its methods may be called from several goroutines.
type FS struct {
	base   string
	disk   *disk
	server *fuse.Server
	close  func() error
}

// Mount mounts a file system below base, an existing folder. With a non-empty content, a folder such as Cut returns, its
// files and folders are on the disk from the start, already synced.
func Mount(base, content string) (*FS, error) {
	if _, err := os.Stat("/dev/fuse"); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	d := newDisk()
	if content != "" {
		if err := d.load(content); err != nil {
			return nil, fmt.Errorf("load %s: %w", content, err)
		}
	}
	f := &FS{base: base, disk: d}
	if err := os.MkdirAll(f.Dir(), 0o755); err != nil {
		return nil, fmt.Errorf("make the mount point: %w", err)
	}
	forever := time.Hour // nobody but the kernel changes anything, so it may remember all it was told
	server, err := fs.Mount(f.Dir(), &folderNode{folder: d.root, disk: d}, &fs.Options{
		EntryTimeout: &forever,
		AttrTimeout:  &forever,
		MountOptions: fuse.MountOptions{DirectMount: true, FsName: "powerfs", Name: "powerfs"},
	})
	if err != nil {
		return nil, fmt.Errorf("%w: mount %s: %w", ErrUnavailable, f.Dir(), err)
	}
	f.server, f.close = server, sync.OnceValue(f.unmount)
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
	var toss *rand.Rand
	if torn {
		toss = rand.New(rand.NewPCG(seed, 0))
	}
	f.disk.cutPower(toss)
	survivor, err = os.MkdirTemp(f.base, "survivor-")
	if err != nil {
		return "", fmt.Errorf("make the survivor's folder: %w", err)
	}
	if err := f.disk.write(survivor); err != nil {
		return "", fmt.Errorf("write the survivor: %w", err)
	}
	return survivor, nil
}

// Close unmounts. Files that are still open keep failing or working until they are closed; Close does not wait for them
// longer than ten seconds. A second Close does nothing.
func (f *FS) Close() error { return f.close() }

func (f *FS) unmount() error {
	if err := syscall.Unmount(f.Dir(), syscall.MNT_DETACH); err != nil {
		if err := f.server.Unmount(); err != nil {
			return fmt.Errorf("unmount %s: %w", f.Dir(), err)
		}
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		f.server.Wait()
	}()
	select {
	case <-gone:
		return nil
	case <-time.After(unmountWait):
		return fmt.Errorf("unmount %s: files are still open there", f.Dir())
	}
}

// SetCapacity bounds the bytes of all files together; beyond it writes fail with ENOSPC. It starts at 1 GiB.
func (f *FS) SetCapacity(bytes int64) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.disk.capacity = bytes
}

// SetFault makes every write, sync and change of a name fail with errno; zero heals the disk.
func (f *FS) SetFault(errno syscall.Errno) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.disk.fault = errno
}

// SetSyncDelay makes every sync take at least this long, as on a worn card. Other operations go on meanwhile.
func (f *FS) SetSyncDelay(d time.Duration) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.disk.syncDelay = d
}

// Syncs counts the syncs of files and folders that succeeded.
func (f *FS) Syncs() int {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return f.disk.syncs
}
