package replicate

import (
	"testing"

	"github.com/hashicorp/raft"
)

// later is a transport at whose other end somebody is of term 7.
type later struct{ callers }

func (later) AppendEntries(_ raft.ServerID, _ raft.ServerAddress, _ *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	resp.Term = 7
	return nil
}

// TestOvertaken: a leader that is told of a later term, by whatever answer, is looked at anew at once. Raft takes such an answer to
// a heartbeat for one that renews its lease.
func TestOvertaken(t *testing.T) {
	t.Parallel()
	g := newGate(later{callers{calls: make(chan raft.RPC)}}, 0)
	kicks := 0
	g.kick = func() { kicks++ }
	defer func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}()
	to := serverID([16]byte{1}, "b")
	g.pass.Store(&pass{lives: map[string]bool{"b": true}})
	for _, c := range []struct {
		term, later uint64
		kicks       int
	}{{7, 0, 0}, {8, 0, 0}, {6, 7, 1}, {5, 7, 1}} {
		var resp raft.AppendEntriesResponse
		if err := g.AppendEntries(to, "b", &raft.AppendEntriesRequest{Term: c.term}, &resp); err != nil || resp.Term != 7 {
			t.Fatalf("an answer of term %d: %v", resp.Term, err)
		}
		if got := g.later.Load(); got != c.later || kicks != c.kicks {
			t.Errorf("after an answer to a leader of term %d: %d is later, looked at %d times; want %d, %d", c.term, got, kicks, c.later, c.kicks)
		}
	}
}
