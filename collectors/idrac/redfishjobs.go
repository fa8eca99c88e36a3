package idrac

import "rackpost/hw"

// readJobs reads section jobs.
func (s *redfishSide) readJobs(v *redfishVisit) {
	v.Fail(sectionJobs, hw.NotSupported, "")
}
