package idrac

import "rackpost/hw"

// readLog reads section log.
func (s *redfishSide) readLog(v *redfishVisit) {
	v.Fail(sectionLog, hw.NotSupported, "")
}
