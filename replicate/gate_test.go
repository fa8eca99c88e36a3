package replicate

import (
	"io"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// callers is a transport on which a test calls.
type callers struct {
	raft.Transport
	calls chan raft.RPC
}

func (c callers) Consumer() <-chan raft.RPC { return c.calls }

// TestRefusedSnapshotHoldsNobodyUp: a snapshot that is refused and does not end keeps nobody else from being answered.
func TestRefusedSnapshotHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	c := callers{calls: make(chan raft.RPC)}
	g := newGate(c, 0) // cut: it refuses all
	endless, end := io.Pipe()
	t.Cleanup(func() {
		if err := end.Close(); err != nil {
			t.Error(err)
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	vote := make(chan raft.RPCResponse, 1)
	for _, rpc := range []raft.RPC{
		{Command: &raft.InstallSnapshotRequest{}, Reader: endless, RespChan: make(chan raft.RPCResponse, 1)},
		{Command: &raft.RequestVoteRequest{}, RespChan: vote},
	} {
		select {
		case c.calls <- rpc:
		case <-time.After(5 * time.Second):
			t.Fatalf("%T is not taken", rpc.Command)
		}
	}
	select {
	case answer := <-vote:
		if answer.Error == nil {
			t.Error("a vote is not refused")
		}
	case <-time.After(5 * time.Second):
		t.Fatal("a vote is not answered")
	}
}

// TestNoVoteWhileDeaf: who changed Raft's timers gives no vote while a lease by the old ones may last.
func TestNoVoteWhileDeaf(t *testing.T) {
	t.Parallel()
	for _, deaf := range []time.Duration{0, time.Hour} {
		g := newGate(callers{calls: make(chan raft.RPC)}, deaf)
		for _, command := range []any{&raft.RequestVoteRequest{}, &raft.RequestPreVoteRequest{}} {
			if got := g.early(command); got != (deaf > 0) {
				t.Errorf("deaf for %v, %T is early: %v", deaf, command, got)
			}
		}
		if g.early(&raft.AppendEntriesRequest{}) {
			t.Error("entries come too early")
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}
}
