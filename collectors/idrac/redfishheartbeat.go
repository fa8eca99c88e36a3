package idrac

import "rackpost/hw"

// readHeartbeat reads section heartbeat.
func (s *redfishSide) readHeartbeat(v *redfishVisit) {
	v.Fail(sectionHeartbeat, hw.NotSupported, "")
}
