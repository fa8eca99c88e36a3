package cisco_test

import (
	"testing"

	"rackpost/collectors/sim"
	"rackpost/hw"
)

// After a failover the ports without link are as well as before: a firewall shuts none.
func TestPortsAfterAFailover(t *testing.T) {
	t.Parallel()
	v := visiting(t, asa, modelled(t, "asa-5525-failover", sim.ModelOptions{}))
	before := v.all()
	v.fault("failover", "")
	v.all()
	after := v.all()
	for path, c := range before.parts {
		if now := after.parts[path]; c.Section == "ports" && now.Health != c.Health {
			t.Errorf("%s was %v and is %v: %v", path, c.Health, now.Health, now.State)
		}
	}
	if c := after.part(t, "failover/pair"); c.Health != hw.OK || c.State.Get("active") != "secondary" {
		t.Errorf("the pair: %v %v", c.Health, c.State)
	}
}
