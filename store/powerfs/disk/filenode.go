package disk

import (
	"context"
	"math"
	"slices"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// maxFileBytes bounds one file, so that a wrong offset cannot take the machine's memory.
const maxFileBytes = math.MaxInt32

// fileNode shows a file to the kernel.
type fileNode struct {
	fs.Inode
	file     *file
	disk     *Disk
	modified time.Time
}

func newFileNode(f *file, d *Disk) *fileNode {
	return &fileNode{file: f, disk: d, modified: time.Now()}
}

var (
	_ fs.NodeOpener    = (*fileNode)(nil)
	_ fs.NodeReader    = (*fileNode)(nil)
	_ fs.NodeWriter    = (*fileNode)(nil)
	_ fs.NodeAllocater = (*fileNode)(nil)
	_ fs.NodeFsyncer   = (*fileNode)(nil)
	_ fs.NodeFlusher   = (*fileNode)(nil)
	_ fs.NodeGetattrer = (*fileNode)(nil)
	_ fs.NodeSetattrer = (*fileNode)(nil)
)

func (n *fileNode) Open(_ context.Context, _ uint32) (fs.FileHandle, uint32, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if n.disk.off {
		return nil, 0, syscall.EIO
	}
	return nil, fuse.FOPEN_KEEP_CACHE, 0
}

func (n *fileNode) Read(_ context.Context, _ fs.FileHandle, dest []byte, offset int64) (fuse.ReadResult, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if n.disk.off {
		return nil, syscall.EIO
	}
	from := min(offset, int64(len(n.file.live)))
	to := min(from+int64(len(dest)), int64(len(n.file.live)))
	return fuse.ReadResultData(slices.Clone(n.file.live[from:to])), 0
}

func (n *fileNode) Write(_ context.Context, _ fs.FileHandle, data []byte, offset int64) (uint32, syscall.Errno) {
	if offset < 0 || offset+int64(len(data)) > maxFileBytes {
		return 0, syscall.EFBIG
	}
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if errno := n.disk.writeAt(n.file, data, offset); errno != 0 {
		return 0, errno
	}
	n.modified = time.Now()
	return uint32(len(data)), 0
}

// Allocate reserves space by making the file longer, in the default mode only.
func (n *fileNode) Allocate(_ context.Context, _ fs.FileHandle, offset, size uint64, mode uint32) syscall.Errno {
	if mode != 0 {
		return syscall.EOPNOTSUPP
	}
	if offset > maxFileBytes || size > maxFileBytes-offset {
		return syscall.EFBIG
	}
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if errno := n.disk.ready(); errno != 0 {
		return errno
	}
	return n.disk.resize(n.file, max(int64(len(n.file.live)), int64(offset+size)))
}

func (n *fileNode) Fsync(_ context.Context, _ fs.FileHandle, _ uint32) syscall.Errno {
	return n.disk.sync(n.file.sync)
}

// Flush is called at every close and promises nothing, as on any file system.
func (n *fileNode) Flush(context.Context, fs.FileHandle) syscall.Errno { return 0 }

func (n *fileNode) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	n.fill(&out.Attr)
	return 0
}

func (n *fileNode) fill(a *fuse.Attr) {
	size := uint64(len(n.file.live))
	*a = fuse.Attr{Mode: fuse.S_IFREG | 0o600, Nlink: 1, Size: size, Blocks: (size + sector - 1) / sector}
	a.SetTimes(nil, &n.modified, &n.modified)
}

// Setattr changes the length; owner, mode and times are accepted and ignored.
func (n *fileNode) Setattr(_ context.Context, _ fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if errno := n.disk.ready(); errno != 0 {
		return errno
	}
	if size, ok := in.GetSize(); ok {
		if size > maxFileBytes {
			return syscall.EFBIG
		}
		if errno := n.disk.resize(n.file, int64(size)); errno != 0 {
			return errno
		}
		n.modified = time.Now()
	}
	n.fill(&out.Attr)
	return 0
}
