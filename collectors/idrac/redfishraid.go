package idrac

import "rackpost/hw"

// redfishRAID is what is remembered of section raid between visits.
type redfishRAID struct{}

// readRAID reads section raid.
func (s *redfishSide) readRAID(v *redfishVisit) {
	v.Fail(sectionRAID, hw.NotSupported, "")
}
