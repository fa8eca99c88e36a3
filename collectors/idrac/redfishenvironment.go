package idrac

import "rackpost/hw"

// redfishEnvironment is what is remembered of section environment between visits.
type redfishEnvironment struct{}

// readEnvironment reads section environment.
func (s *redfishSide) readEnvironment(v *redfishVisit) {
	v.Fail(sectionEnvironment, hw.NotSupported, "")
}
