package idrac

import "rackpost/hw"

// redfishFirmware is what is remembered of section firmware between visits.
type redfishFirmware struct{}

// readFirmware reads section firmware.
func (s *redfishSide) readFirmware(v *redfishVisit) {
	v.Fail(sectionFirmware, hw.NotSupported, "")
}
