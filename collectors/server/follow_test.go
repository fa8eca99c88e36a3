package server_test

import (
	"testing"

	"rackpost/collectors"
	"rackpost/hw"
)

// A heartbeat and the rest behind it cost no more requests than both in one visit; the system is read again after anything else.
func TestRestGoesByTheHeartbeat(t *testing.T) {
	t.Parallel()
	rest := []string{"raid", "environment", "log"}
	apart, together := simulated(t, model).collector(), simulated(t, model).collector()
	for cycle := range 3 {
		first := visit(t, apart, "heartbeat").Requests
		r := visit(t, apart, rest...)
		want := visit(t, together, append([]string{"heartbeat"}, rest...)...).Requests
		if got := first + r.Requests; got > want || r.Unit == nil || r.Unit.Serial == "" {
			t.Errorf("cycle %d: %d requests, of them %d for the heartbeat; in one visit %d; unit %+v", cycle, got, first, want, r.Unit)
		}
		if cycle > 0 && first != 1 {
			t.Errorf("cycle %d: a heartbeat of %d requests", cycle, first)
		}
	}
	usual := visit(t, together, "environment").Requests - 1
	visit(t, apart, "heartbeat")
	if n := visit(t, apart, "environment").Requests; n != usual {
		t.Errorf("%d requests behind a heartbeat, want %d", n, usual)
	}
	if n := visit(t, apart, "environment").Requests; n != usual+1 {
		t.Errorf("%d requests behind another visit, want %d", n, usual+1)
	}
	visit(t, apart, "heartbeat")
	if err := apart.(collectors.Actor).Act(t.Context(), hw.Action{Name: hw.Locate, Component: hw.ChassisPath, On: true}); err != nil {
		t.Fatal(err)
	}
	if n := visit(t, apart, "environment").Requests; n != usual+1 {
		t.Errorf("%d requests behind an act, want %d", n, usual+1)
	}
}
