package wire_test

import (
	"io"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"rackpost/replicate/mode"
)

type nothing struct{}

func (nothing) Apply(l *raft.Log) any               { return string(l.Data) }
func (nothing) Snapshot() (raft.FSMSnapshot, error) { return nothing{}, nil }
func (nothing) Restore(r io.ReadCloser) error       { return r.Close() }
func (nothing) Persist(s raft.SnapshotSink) error   { return s.Close() }
func (nothing) Release()                            {}

// startRaft runs Raft over the member's wire, as package replicate does.
func startRaft(t *testing.T, m *member, servers []raft.Server) *raft.Raft {
	t.Helper()
	conf := raft.DefaultConfig()
	conf.LocalID, conf.Logger = raft.ServerID(m.peer.Node.String()), hclog.NewNullLogger()
	conf.HeartbeatTimeout, conf.ElectionTimeout, conf.LeaderLeaseTimeout = time.Second, time.Second, time.Second
	store, snapshots := raft.NewInmemStore(), raft.NewInmemSnapshotStore()
	transport := raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{Stream: m.Raft(), MaxPool: 3, Timeout: 400 * time.Millisecond, Logger: hclog.NewNullLogger()})
	if err := raft.BootstrapCluster(conf, store, store, snapshots, transport, raft.Configuration{Servers: servers}); err != nil {
		t.Fatal(err)
	}
	r, err := raft.NewRaft(conf, nothing{}, store, store, snapshots, transport)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Shutdown().Error(); err != nil {
			t.Error(err)
		}
		_ = transport.Close()
	})
	return r
}

// TestRaftOutlivesAPath: the leader of a bare pair keeps its authority while a path is cut and mended.
func TestRaftOutlivesAPath(t *testing.T) {
	t.Parallel()
	h, a, b := pair(t, "cable", "lan")
	var servers []raft.Server
	for _, m := range h.members {
		servers = append(servers, raft.Server{ID: raft.ServerID(m.peer.Node.String()), Address: address(m)})
	}
	rafts := map[*member]*raft.Raft{a: startRaft(t, a, servers), b: startRaft(t, b, servers)}
	leader, other := a, b
	eventually(t, "one leads", func() bool {
		if rafts[b].State() == raft.Leader {
			leader, other = b, a
		}
		return rafts[leader].State() == raft.Leader
	})
	apply := func(what string) {
		t.Helper()
		if err := rafts[leader].Apply([]byte(what), 2*time.Second).Error(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	term := rafts[leader].CurrentTerm()
	apply("both paths")
	for _, path := range h.paths {
		h.lab.cut(a, b, path)
		apply(path + " cut")
		h.lab.mend(path)
		h.hears(leader, other)
		apply(path + " mended")
	}
	if got := rafts[leader].CurrentTerm(); got != term || rafts[leader].State() != raft.Leader {
		t.Errorf("term %d became %d, the leader is %v", term, got, rafts[leader].State())
	}
	if at, id := rafts[other].LeaderWithID(); at != address(leader) || id != raft.ServerID(leader.peer.Node.String()) {
		t.Errorf("the follower thinks that %s at %s leads", id, at)
	}
	before := rafts[other].AppliedIndex()
	leader.Announce(mode.Hello{Life: "later", Generation: mode.Generation{Counter: 7}})
	eventually(t, "another generation ends its authority", func() bool { return rafts[leader].State() != raft.Leader })
	if after := rafts[other].AppliedIndex(); after != before {
		t.Errorf("the follower went from index %d to %d", before, after)
	}
}
