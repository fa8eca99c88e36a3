package raftlog

import (
	"slices"
	"sync"

	"github.com/hashicorp/raft"
)

// Disk is a raft log's disk in memory, for the simulator: it outlives the crash of the process that writes to it.
type Disk struct {
	mu   sync.Mutex
	has  content
	logs []stored // without gaps
	used *memory  // who may write
}

// stored is an entry and the commit index stored with it.
type stored struct {
	log    *raft.Log
	commit uint64
}

// NewDisk returns an empty disk.
func NewDisk() *Disk {
	return &Disk{has: content{stable: map[string][]byte{}, meta: map[string][]byte{}}}
}

// Open is as the function Open, on the disk. Whoever opened it before can write no more.
func (d *Disk) Open(o Options) (*Store, error) {
	m := &memory{disk: d}
	d.mu.Lock()
	d.used = m
	d.mu.Unlock()
	return open(m, o)
}

// Crash ends the process that has the disk open: what it has written stays, and a write under way (which waits in
// Options.BeforeWrite) is lost, as all later ones are.
func (d *Disk) Crash() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.used = nil
}

// Copy returns another disk with the same content: an image of it, to put back later.
func (d *Disk) Copy() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	return &Disk{has: d.has.copy(), logs: slices.Clone(d.logs)}
}

// memory is the backend on a Disk.
type memory struct{ disk *Disk }

func (c content) copy() content {
	stable, meta := map[string][]byte{}, map[string][]byte{}
	replace(stable, c.stable)
	replace(meta, c.meta)
	c.stable, c.meta = stable, meta
	return c
}

// load implements backend.
func (m *memory) load() (content, error) {
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	return m.disk.has.copy(), nil
}

// write implements backend.
func (m *memory) write(c change) error {
	d := m.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.used != m {
		return ErrClosed
	}
	if c.cutFrom > 0 {
		d.logs = d.logs[:d.place(c.cutFrom)]
	}
	d.logs = d.logs[d.place(c.dropTo+1):]
	for _, l := range c.logs {
		d.logs = append(d.logs, stored{copyLog(l), c.commit})
	}
	d.has.apply(c)
	d.has.commit = 0
	if n := len(d.logs); n > 0 {
		d.has.commit = d.logs[n-1].commit
	}
	return nil
}

// place returns where the entry of index is, or would be.
func (d *Disk) place(index uint64) int {
	if len(d.logs) == 0 || index < d.logs[0].log.Index {
		return 0
	}
	return int(min(index-d.logs[0].log.Index, uint64(len(d.logs))))
}

// get implements backend.
func (m *memory) get(index uint64) (*raft.Log, error) {
	d := m.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := d.place(index); i < len(d.logs) && d.logs[i].log.Index == index {
		return copyLog(d.logs[i].log), nil
	}
	return nil, raft.ErrLogNotFound
}

// bytes implements backend.
func (m *memory) bytes() int64 {
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	var n int64
	for _, l := range m.disk.logs {
		n += int64(len(l.log.Data) + len(l.log.Extensions))
	}
	return n
}

// close implements backend.
func (m *memory) close() error {
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	if m.disk.used == m {
		m.disk.used = nil
	}
	return nil
}
