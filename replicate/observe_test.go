package replicate

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

// TestLateFailure: a heartbeat of the time that a member led before fails after it leads again, and nothing ever tells that it is over.
func TestLateFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &engine{failing: map[raft.ServerID]time.Time{}, kick: func() {}}
		see := func(data any) { e.observe(&raft.Observation{Data: data}) }
		before := time.Now()
		time.Sleep(time.Second)
		see(raft.Leader)
		see(raft.FailedHeartbeatObservation{PeerID: "w", LastContact: before})
		if d := e.silent("w"); d != 0 {
			t.Errorf("it is silent for %v, by a heartbeat of before", d)
		}
		see(raft.FailedHeartbeatObservation{PeerID: "w", LastContact: time.Now()})
		time.Sleep(time.Second)
		if d := e.silent("w"); d != time.Second {
			t.Errorf("it is silent for %v, and should be for a second", d)
		}
		see(raft.ResumedHeartbeatObservation{PeerID: "w"})
		if d := e.silent("w"); d != 0 {
			t.Errorf("it is silent for %v, and was heard", d)
		}
	})
}
