package idrac

import "rackpost/hw"

// redfishInventory is what is remembered of section inventory between visits.
type redfishInventory struct{}

// readInventory reads section inventory.
func (s *redfishSide) readInventory(v *redfishVisit) {
	v.Fail(sectionInventory, hw.NotSupported, "")
}
