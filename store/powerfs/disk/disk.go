// Package disk is the inside of powerfs: a file system in memory, what of it is durable, and the mount that shows it.
package disk

import (
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
)

const defaultCapacity = 1 << 30

// Disk is the whole state, live and durable. Its methods may be called from several goroutines.
type Disk struct {
	mu       sync.Mutex
	root     *folder
	unsynced []change // of names, oldest first
	off      bool
	fault    syscall.Errno
	capacity int64
	used     int64
	syncs    int
}

// object is a *file or a *folder.
type object interface{ tear(toss *rand.Rand) }

type folder struct{ live, durable map[string]object }

// change is what one operation did to names; it becomes durable as a whole.
type change []entry

// entry says that a name now means this object, or nothing when object is nil.
type entry struct {
	in     *folder
	name   string
	object object
}

// New returns an empty disk that holds 1 GiB.
func New() *Disk { return &Disk{root: newFolder(), capacity: defaultCapacity} }

func newFolder() *folder {
	return &folder{live: map[string]object{}, durable: map[string]object{}}
}

// ready returns why the disk cannot change now, or zero. The lock is held.
func (d *Disk) ready() syscall.Errno {
	if d.off {
		return syscall.EIO
	}
	return d.fault
}

// change applies c to the live names and remembers it until the next sync of its folders. The lock is held.
func (d *Disk) change(c ...entry) {
	for _, e := range c {
		if f, ok := e.in.live[e.name].(*file); ok && !named(f, c) {
			d.forget(f)
		}
		setName(e.in.live, e)
	}
	d.unsynced = append(d.unsynced, c)
}

// named reports whether c gives f a name.
func named(f *file, c change) bool {
	return slices.ContainsFunc(c, func(e entry) bool { return e.object == object(f) })
}

// forget frees the space of a file that has no name any more.
func (d *Disk) forget(f *file) {
	d.used -= int64(len(f.live))
	f.nameless = true
}

func setName(names map[string]object, e entry) {
	if e.object == nil {
		delete(names, e.name)
		return
	}
	names[e.name] = e.object
}

// syncFolder makes the changes of this folder's names durable, and with a rename the other folder's too, since that is
// one change; so also all that came before it there.
func (d *Disk) syncFolder(f *folder) {
	touched := map[*folder]bool{f: true}
	var now, later []change
	for _, c := range slices.Backward(d.unsynced) {
		if !slices.ContainsFunc(c, func(e entry) bool { return touched[e.in] }) {
			later = append(later, c)
			continue
		}
		for _, e := range c {
			touched[e.in] = true
		}
		now = append(now, c)
	}
	slices.Reverse(now)
	slices.Reverse(later)
	apply(now)
	d.unsynced = later
}

func apply(changes []change) {
	for _, c := range changes {
		for _, e := range c {
			setName(e.in.durable, e)
		}
	}
}

// CutPower ends all operations. With a toss, part of what was not synced becomes durable all the same.
func (d *Disk) CutPower(toss *rand.Rand) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.off = true
	if toss == nil {
		return
	}
	apply(d.unsynced[:toss.IntN(len(d.unsynced)+1)])
	d.unsynced = nil
	d.root.tear(toss)
}

func (f *folder) tear(toss *rand.Rand) {
	for _, name := range sortedNames(f.durable) {
		f.durable[name].tear(toss)
	}
}

// SetCapacity bounds the bytes of all files together.
func (d *Disk) SetCapacity(bytes int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.capacity = bytes
}

// SetFault makes every change and sync fail with errno; zero heals the disk.
func (d *Disk) SetFault(errno syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = errno
}

// Syncs counts the syncs of files and folders that succeeded.
func (d *Disk) Syncs() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.syncs
}
