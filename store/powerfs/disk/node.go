package disk

import (
	"context"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// folderNode shows a folder to the kernel. The children go-fuse keeps are the live names.
type folderNode struct {
	fs.Inode
	folder *folder
	disk   *Disk
}

var (
	_ fs.NodeOnAdder   = (*folderNode)(nil)
	_ fs.NodeCreater   = (*folderNode)(nil)
	_ fs.NodeMkdirer   = (*folderNode)(nil)
	_ fs.NodeUnlinker  = (*folderNode)(nil)
	_ fs.NodeRmdirer   = (*folderNode)(nil)
	_ fs.NodeRenamer   = (*folderNode)(nil)
	_ fs.NodeFsyncer   = (*folderNode)(nil)
	_ fs.NodeGetattrer = (*folderNode)(nil)
	_ fs.NodeStatfser  = (*folderNode)(nil)
)

// OnAdd makes the nodes of what was loaded.
func (n *folderNode) OnAdd(ctx context.Context) {
	for name, o := range n.folder.live {
		n.AddChild(name, n.child(ctx, o), true)
	}
}

func (n *folderNode) child(ctx context.Context, o object) *fs.Inode {
	if f, ok := o.(*folder); ok {
		return n.NewPersistentInode(ctx, &folderNode{folder: f, disk: n.disk}, fs.StableAttr{Mode: fuse.S_IFDIR})
	}
	return n.NewPersistentInode(ctx, newFileNode(o.(*file), n.disk), fs.StableAttr{Mode: fuse.S_IFREG})
}

func (n *folderNode) Create(ctx context.Context, name string, _, _ uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	f := newFile()
	if errno := n.add(name, f); errno != 0 {
		return nil, nil, 0, errno
	}
	out.Attr = fuse.Attr{Mode: fuse.S_IFREG | 0o600, Nlink: 1}
	return n.child(ctx, f), nil, 0, 0
}

func (n *folderNode) Mkdir(ctx context.Context, name string, _ uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	f := newFolder()
	if errno := n.add(name, f); errno != 0 {
		return nil, errno
	}
	out.Attr = fuse.Attr{Mode: fuse.S_IFDIR | 0o700, Nlink: 2}
	return n.child(ctx, f), 0
}

func (n *folderNode) add(name string, o object) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if errno := n.disk.ready(); errno != 0 {
		return errno
	}
	if _, taken := n.folder.live[name]; taken {
		return syscall.EEXIST
	}
	n.disk.change(entry{n.folder, name, o})
	return 0
}

func (n *folderNode) Unlink(_ context.Context, name string) syscall.Errno { return n.remove(name) }

func (n *folderNode) Rmdir(_ context.Context, name string) syscall.Errno { return n.remove(name) }

func (n *folderNode) remove(name string) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if errno := n.disk.ready(); errno != 0 {
		return errno
	}
	if f, ok := n.folder.live[name].(*folder); ok && len(f.live) > 0 {
		return syscall.ENOTEMPTY
	}
	n.disk.change(entry{n.folder, name, nil})
	return 0
}

func (n *folderNode) Rename(_ context.Context, name string, parent fs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if errno := n.disk.ready(); errno != 0 {
		return errno
	}
	to := parent.(*folderNode).folder
	switch old := to.live[newName].(type) {
	case *folder:
		if len(old.live) > 0 {
			return syscall.ENOTEMPTY
		}
	case *file:
		if flags&unix.RENAME_NOREPLACE != 0 {
			return syscall.EEXIST
		}
	}
	if flags&^unix.RENAME_NOREPLACE != 0 {
		return syscall.EINVAL
	}
	n.disk.change(entry{to, newName, n.folder.live[name]}, entry{n.folder, name, nil})
	return 0
}

func (n *folderNode) Fsync(_ context.Context, _ fs.FileHandle, _ uint32) syscall.Errno {
	return n.disk.sync(func() { n.disk.syncFolder(n.folder) })
}

func (n *folderNode) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Attr = fuse.Attr{Mode: fuse.S_IFDIR | 0o700, Nlink: 2}
	return 0
}

func (n *folderNode) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	const block = 4096
	free := uint64(max(0, n.disk.capacity-n.disk.used)) / block
	*out = fuse.StatfsOut{Bsize: block, Frsize: block, Blocks: uint64(n.disk.capacity) / block, Bfree: free, Bavail: free, NameLen: 255}
	return 0
}

// sync lets keep do its work under the lock.
func (d *Disk) sync(keep func()) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if errno := d.ready(); errno != 0 {
		return errno
	}
	keep()
	d.syncs++
	return 0
}
