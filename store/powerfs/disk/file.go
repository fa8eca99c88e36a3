package disk

import (
	"maps"
	"math/rand/v2"
	"slices"
	"syscall"
)

// sector is what a disk writes as a whole, in bytes.
const sector = 512

// file holds its bytes as they are and as they were when last synced. A sector written twice between two syncs survives
// as its last or its synced state, never as the one between.
type file struct {
	live, durable []byte
	dirty         map[int64]struct{} // sectors of live that differ from durable
	shortest      int64              // least length since the last sync, at most len(durable)
	nameless      bool               // removed, so it takes no space
}

func newFile() *file { return &file{dirty: map[int64]struct{}{}} }

// writeAt is the disk's write; the lock is held.
func (d *Disk) writeAt(f *file, p []byte, offset int64) syscall.Errno {
	if errno := d.ready(); errno != 0 {
		return errno
	}
	if errno := d.resize(f, max(int64(len(f.live)), offset+int64(len(p)))); errno != 0 {
		return errno
	}
	copy(f.live[offset:], p)
	f.mark(offset, offset+int64(len(p)))
	return 0
}

// resize lengthens the file with zeros or shortens it; the lock is held.
func (d *Disk) resize(f *file, size int64) syscall.Errno {
	old := int64(len(f.live))
	if !f.nameless {
		if size > old && d.used+size-old > d.capacity {
			return syscall.ENOSPC
		}
		d.used += size - old
	}
	if size <= old {
		f.live = f.live[:size]
		f.shortest = min(f.shortest, size)
		maps.DeleteFunc(f.dirty, func(s int64, _ struct{}) bool { return s*sector >= size })
		return 0
	}
	f.live = append(f.live, make([]byte, size-old)...)
	f.mark(old, size)
	return 0
}

func (f *file) mark(from, to int64) {
	for s := from / sector; s*sector < to; s++ {
		f.dirty[s] = struct{}{}
	}
}

// sync makes the file's bytes durable.
func (f *file) sync() {
	f.cut(int64(len(f.live)))
	for s := range f.dirty {
		f.keep(s)
	}
	f.durable = f.durable[:len(f.live)]
	clear(f.dirty)
	f.shortest = int64(len(f.durable))
}

// cut shortens the durable bytes.
func (f *file) cut(size int64) {
	f.durable = f.durable[:min(size, int64(len(f.durable)))]
}

// keep copies one sector to the durable bytes, with zeros before it where the file was shorter.
func (f *file) keep(s int64) {
	from, to := s*sector, min((s+1)*sector, int64(len(f.live)))
	if missing := to - int64(len(f.durable)); missing > 0 {
		f.durable = append(f.durable, make([]byte, missing)...)
	}
	copy(f.durable[from:to], f.live[from:to])
}

func (f *file) tear(toss *rand.Rand) {
	if f.shortest < int64(len(f.durable)) && toss.IntN(2) == 0 {
		f.cut(f.shortest)
	}
	for _, s := range slices.Sorted(maps.Keys(f.dirty)) {
		if toss.IntN(2) == 0 {
			f.keep(s)
		}
	}
}
