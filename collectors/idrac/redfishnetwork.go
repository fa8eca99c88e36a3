package idrac

import "rackpost/hw"

// redfishNetwork is what is remembered of section network between visits.
type redfishNetwork struct{}

// readNetwork reads section network.
func (s *redfishSide) readNetwork(v *redfishVisit) {
	v.Fail(sectionNetwork, hw.NotSupported, "")
}
