package server

import (
	"fmt"
	"strings"

	"rackpost/collectors/redfish/parts"
	"rackpost/hw"
)

// readHeartbeat tells what the system says of itself and of all its parts. A change hastens what it is about.
func (s *server) readHeartbeat(v *visit) {
	v.Odd(sectionHeartbeat, "system", v.odd)
	c := &v.system
	v.Add(parts.System(sectionHeartbeat, *c))
	rollup := strings.Join([]string{c.PowerState, c.Status.State, c.Status.Health, c.Status.HealthRollup,
		c.ProcessorSummary.Status.Health, c.ProcessorSummary.Status.HealthRollup, c.MemorySummary.Status.Health, c.MemorySummary.Status.HealthRollup}, "|")
	if s.rollup != "" && s.rollup != rollup {
		v.Hasten = append(v.Hasten, sectionRAID, sectionEnvironment, sectionLog, sectionInventory)
	}
	s.rollup = rollup
	if s.places.systems > 1 {
		v.Gap(sectionHeartbeat+"/systems", hw.NotSupported, fmt.Sprintf("the controller manages %d systems, and only %s is read: give the others devices of their own where they have controllers of their own", s.places.systems, s.places.system))
	}
	if s.places.dell {
		v.Gap(sectionHeartbeat+"/oem", hw.NotSupported, "this is an iDRAC: kind dell-idrac reads more of it, such as batteries and disk cache policies")
	}
}
