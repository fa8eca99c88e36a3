package clustertest

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"github.com/hashicorp/raft"
)

// snapshot is one that was closed, and so is on the disk.
type snapshot struct {
	meta raft.SnapshotMeta
	data []byte
}

// snapshots implements raft.SnapshotStore on a process's disk. Two are kept.
type snapshots struct{ p *process }

func (s snapshots) Create(version raft.SnapshotVersion, index, term uint64, c raft.Configuration, committed uint64, _ raft.Transport) (raft.SnapshotSink, error) {
	if version != 1 {
		return nil, fmt.Errorf("snapshot version %d", version)
	}
	return &sink{p: s.p, meta: raft.SnapshotMeta{
		Version: version, ID: fmt.Sprintf("%d-%d-%d", term, index, time.Now().UnixNano()),
		Index: index, Term: term, Configuration: c.Clone(), ConfigurationIndex: committed,
	}}, nil
}

func (s snapshots) List() ([]*raft.SnapshotMeta, error) {
	d := s.p.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []*raft.SnapshotMeta
	for i := len(d.snapshots) - 1; i >= 0; i-- {
		meta := d.snapshots[i].meta
		list = append(list, &meta)
	}
	return list, nil
}

func (s snapshots) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	d := s.p.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, have := range d.snapshots {
		if meta := have.meta; meta.ID == id {
			return &meta, io.NopCloser(bytes.NewReader(have.data)), nil
		}
	}
	return nil, nil, fmt.Errorf("there is no snapshot %s", id)
}

type sink struct {
	bytes.Buffer
	p    *process
	meta raft.SnapshotMeta
	done bool
}

func (s *sink) ID() string { return s.meta.ID }

func (s *sink) Cancel() error { s.done = true; return nil }

func (s *sink) Close() error {
	if s.done {
		return nil
	}
	s.done = true
	s.meta.Size = int64(s.Len())
	d := s.p.disk
	return d.write(s.p, func() error {
		d.mu.Lock()
		defer d.mu.Unlock()
		kept := d.snapshots[max(0, len(d.snapshots)-1):]
		d.snapshots = append(append([]snapshot(nil), kept...), snapshot{s.meta, s.Bytes()})
		return nil
	})
}
