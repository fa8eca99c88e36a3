package powerfs

import (
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
	"time"
)

const defaultCapacity = 1 << 30

// disk is the whole state, live and durable. It knows nothing of FUSE.
type disk struct {
	mu        sync.Mutex
	root      *folder
	unsynced  []change // of names, oldest first
	off       bool
	fault     syscall.Errno
	capacity  int64
	used      int64
	syncs     int
	syncDelay time.Duration
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

func newDisk() *disk { return &disk{root: newFolder(), capacity: defaultCapacity} }

func newFolder() *folder {
	return &folder{live: map[string]object{}, durable: map[string]object{}}
}

// ready returns why the disk cannot change now, or zero. The lock is held.
func (d *disk) ready() syscall.Errno {
	if d.off {
		return syscall.EIO
	}
	return d.fault
}

// change applies c to the live names and remembers it until the next sync of its folders. The lock is held.
func (d *disk) change(c ...entry) {
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
func (d *disk) forget(f *file) {
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
func (d *disk) syncFolder(f *folder) {
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

// cutPower ends all operations. With a toss, part of what was not synced becomes durable all the same.
func (d *disk) cutPower(toss *rand.Rand) {
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
