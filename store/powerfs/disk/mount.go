package disk

import (
	"fmt"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// Mount shows the disk at an existing folder until unmount is called. It takes root or fusermount3.
func (d *Disk) Mount(at string) (unmount func() error, err error) {
	forever := time.Hour // nobody but the kernel changes anything, so it may remember all it was told
	server, err := fs.Mount(at, &folderNode{folder: d.root, disk: d}, &fs.Options{
		EntryTimeout: &forever,
		AttrTimeout:  &forever,
		MountOptions: fuse.MountOptions{DirectMount: true, FsName: "powerfs", Name: "powerfs"},
	})
	if err != nil {
		return nil, fmt.Errorf("mount %s: %w", at, err)
	}
	return func() error {
		if syscall.Unmount(at, syscall.MNT_DETACH) == nil {
			return nil
		}
		return server.Unmount()
	}, nil
}
