package idrac

import (
	"cmp"

	"rackpost/collectors/redfish"
	"rackpost/collectors/redfish/parts"
)

// maxFirmware is the most entries of the firmware inventory that are read.
const maxFirmware = 512

// redfishFirmware is what is remembered of section firmware between visits.
type redfishFirmware struct{}

// readFirmware reads what firmware is installed, one request.
func (s *redfishSide) readFirmware(v *redfishVisit) {
	service := cmp.Or(s.places.root.UpdateService.Path, "/redfish/v1/UpdateService")
	m, ok := readMembers[redfish.SoftwareInventory](s, v, sectionFirmware, "inventory", service+"/FirmwareInventory", maxFirmware)
	if !ok {
		return
	}
	f := parts.Firmware(sectionFirmware, m)
	s.settled(v, sectionFirmware, "inventory", len(f.Parts))
	v.Take(sectionFirmware, "inventory", f)
}
