package raftlog_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"rackpost/replicate/raftlog"
)

// counter is a state machine that counts.
type counter struct{ Applied []string }

func (c *counter) Apply(l *raft.Log) any {
	c.Applied = append(c.Applied, string(l.Data))
	return nil
}

func (c *counter) Snapshot() (raft.FSMSnapshot, error) {
	b, err := json.Marshal(c)
	return snapshot(b), err
}

func (c *counter) Restore(r io.ReadCloser) error {
	*c = counter{}
	return json.NewDecoder(r).Decode(c)
}

type snapshot []byte

func (s snapshot) Persist(sink raft.SnapshotSink) error {
	_, err := sink.Write(s)
	return errors.Join(err, sink.Close())
}
func (snapshot) Release() {}

func startRaft(t *testing.T, s *raftlog.Store, fsm raft.FSM, snapshots raft.SnapshotStore) *raft.Raft {
	t.Helper()
	_, transport := raft.NewInmemTransport("a")
	r, err := raft.NewRaft(raftConfig(), fsm, s, s, snapshots, transport)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func raftConfig() *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID, c.LogOutput = "a", io.Discard
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = 50*time.Millisecond, 50*time.Millisecond, 50*time.Millisecond
	c.TrailingLogs = 10
	return c
}

// TestRaft runs Raft itself on the log: begun, stopped, started again, compacted.
func TestRaft(t *testing.T) {
	onBoth(t, func(t *testing.T, open opener) {
		snapshots, err := raft.NewFileSnapshotStore(t.TempDir(), 2, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		s := open.must(t)
		r := startRaft(t, s, &counter{}, snapshots)
		alone := raft.Configuration{Servers: []raft.Server{{ID: "a", Address: "a"}}}
		if err := r.BootstrapCluster(alone).Error(); err != nil {
			t.Fatal(err)
		}
		apply(t, r, 40)
		shutDown(t, r)
		s.Close()

		s = open.must(t)
		fsm := &counter{}
		r = startRaft(t, s, fsm, snapshots)
		if got := r.GetConfiguration().Configuration().Servers; len(got) != 1 {
			t.Errorf("the configuration after the start: %v", got)
		}
		apply(t, r, 20)
		if len(fsm.Applied) != 60 {
			t.Errorf("%d commands, want 60", len(fsm.Applied))
		}
		if err := r.Snapshot().Error(); err != nil {
			t.Error(err)
		}
		last, _ := s.LastIndex()
		requireRange(t, s, last-9, last)
		shutDown(t, r)
	})
}

// apply waits until r leads, and applies commands.
func apply(t *testing.T, r *raft.Raft, n int) {
	t.Helper()
	select {
	case <-r.LeaderCh():
	case <-time.After(time.Minute):
		t.Fatal("nobody was elected")
	}
	for i := range n {
		if err := r.Apply(fmt.Append(nil, i), time.Minute).Error(); err != nil {
			t.Fatal(err)
		}
	}
}

func shutDown(t *testing.T, r *raft.Raft) {
	t.Helper()
	if err := r.Shutdown().Error(); err != nil {
		t.Fatal(err)
	}
}

// TestRaftForgetsItsMembers is why RestoreCommittedLogs stays off, and the node replays what was committed itself: when it
// fails, Raft no longer passes over the configurations among what it restores.
func TestRaftForgetsItsMembers(t *testing.T) {
	t.Parallel()
	s := opener(raftlog.NewDisk().Open).must(t)
	snapshots := raft.NewInmemSnapshotStore()
	c := raftConfig()
	c.RestoreCommittedLogs = true
	_, first := raft.NewInmemTransport("a")
	r, err := raft.NewRaft(c, &counter{}, s, s, snapshots, first)
	if err != nil {
		t.Fatal(err)
	}
	alone := raft.Configuration{Servers: []raft.Server{{ID: "a", Address: "a"}}}
	if err := r.BootstrapCluster(alone).Error(); err != nil {
		t.Fatal(err)
	}
	apply(t, r, 5)
	shutDown(t, r)
	_, transport := raft.NewInmemTransport("a")
	again, err := raft.NewRaft(c, &counter{}, s, s, snapshots, transport)
	if err != nil {
		t.Fatal(err)
	}
	defer shutDown(t, again)
	if got := again.GetConfiguration().Configuration().Servers; len(got) != 0 {
		t.Errorf("Raft knows its members after a restart (%v): the node need not replay any more", got)
	}
}
