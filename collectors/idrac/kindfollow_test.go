package idrac_test

import (
	"testing"
	"time"

	"rackpost/hw"
)

// rest is what is due with every fifth heartbeat.
var rest = []string{"raid", "environment", "log", "jobs"}

// requests counts what f asks.
func (s *rackServer) requests(f func()) int {
	before := s.bmc.Counters().Total
	f()
	return int(s.bmc.Counters().Total - before)
}

// A heartbeat and the rest behind it cost no more requests than both in one visit, and tell the same.
func TestHeartbeatAndRestCostNoMore(t *testing.T) {
	t.Parallel()
	for _, model := range []string{"poweredge-r740", "poweredge-r750", "poweredge-r630", "poweredge-r770"} {
		t.Run(model, func(t *testing.T) {
			t.Parallel()
			s, whole := newServer(t, model), newServer(t, model)
			apart, together := s.visited(redfishOnly), whole.visited(redfishOnly)
			all := append([]string{"heartbeat", "inventory", "network", "firmware"}, rest...)
			for cycle := range 4 {
				due := rest
				if cycle == 0 {
					due = all[1:]
				}
				first := 0
				got := s.requests(func() {
					first = apart.visit("heartbeat").Requests
					r := apart.visit(due...)
					if r.Unit == nil || r.Unit.Serial == "" || r.extent("raid") != hw.Complete || r.extent("environment") != hw.Complete {
						t.Errorf("cycle %d: %+v, %v", cycle, r.Unit, r.Read)
					}
				})
				want := whole.requests(func() { together.visit(append([]string{"heartbeat"}, due...)...) })
				if got > want || cycle == 0 && first > 9 || cycle > 0 && first != 1 {
					t.Errorf("cycle %d: %d requests, of them %d for the heartbeat; in one visit %d", cycle, got, first, want)
				}
				s.clock.pass(5 * time.Minute)
				whole.clock.pass(5 * time.Minute)
			}
		})
	}
}

// The recorded R750 costs at most 15 requests, heartbeat included.
func TestRequestsOfARecordedCycle(t *testing.T) {
	t.Parallel()
	v := visitingBMC(t, recordedBMC(t, "r750-idrac9-6.00"))
	for range 3 {
		v.visit("heartbeat")
		v.visit(rest...)
	}
	beat, full := v.visit("heartbeat").Requests, v.visit("raid", "environment").Requests
	t.Logf("heartbeat %d, raid and environment %d", beat, full)
	if beat != 1 || beat+full > 15 {
		t.Errorf("%d and %d requests", beat, full)
	}
}

// The system is read again where the heartbeat was a while ago, something else was visited since, the session is
// another one, or an act changed it.
func TestSystemIsReadAgain(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		between func(*client)
		more    int
	}{
		"at once":          {func(*client) {}, 0},
		"within seconds":   {func(c *client) { c.clock.pass(5 * time.Second) }, 0},
		"a while ago":      {func(c *client) { c.clock.pass(11 * time.Second) }, 1},
		"another visit":    {func(c *client) { c.visit("environment") }, 1},
		"a clock set back": {func(c *client) { c.clock.pass(-time.Hour) }, 1},
		"an act": {func(c *client) {
			if err := c.act(hw.ChassisPath, true); err != nil {
				t.Error(err)
			}
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, "poweredge-r740")
			c := s.visited(redfishOnly)
			for range 2 {
				c.visit("heartbeat")
				c.visit("environment")
			}
			c.visit("heartbeat")
			usual := c.visit("environment").Requests
			c.visit("heartbeat")
			x.between(c)
			if got := c.visit("environment").Requests; got != usual+x.more {
				t.Errorf("%d requests, usually %d", got, usual)
			}
		})
	}
}

// A heartbeat that found Redfish silent has SNMP read the rest: Redfish is not tried again at once.
func TestRestDoesNotTryWhatTheHeartbeatFoundOut(t *testing.T) {
	t.Parallel()
	s := newServer(t, "poweredge-r740")
	c := s.visited(bothOver)
	c.visit("heartbeat")
	c.visit(rest...)
	s.stopRedfish()
	before := s.bmc.Counters()
	if r := c.visit("heartbeat"); r.verdict("redfish-unread") == nil {
		t.Errorf("nothing is told of Redfish: %v", r.Gaps)
	}
	s.startRedfish()
	r := c.visit("raid", "environment")
	if n := s.bmc.Counters().Total - before.Total; n != 0 || r.extent("environment") == hw.Failed {
		t.Errorf("%d requests over Redfish; %v", n, r.Read)
	}
	s.clock.pass(time.Minute)
	if r := c.visit("heartbeat"); r.verdict("redfish-unread") != nil || s.bmc.Counters().Total == before.Total {
		t.Errorf("Redfish is not tried again: %v", r.Verdicts)
	}
}
