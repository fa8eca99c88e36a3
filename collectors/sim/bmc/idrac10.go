package bmc

import (
	"strings"
)

// Where an iDRAC10 has what an iDRAC9 shows inside of other documents.
const (
	dellDrives    = systemPath + "/Oem/Dell/DellDrives"
	dellVolumes   = systemPath + "/Oem/Dell/DellVolumes"
	dellBatteries = powerSubsystem + "/Oem/Dell/DellControllerBattery"
)

// dell10Tree adds all resources of an iDRAC10: those of an iDRAC9 without Thermal and Power, with Dell's parts of drives, volumes and
// batteries in collections of their own, and with the jobs at the standard's place.
func (m *model) dell10Tree(t tree, s *state) {
	m.dellTree(t, s)
	for path := range t {
		if path == chassisPath+"/Thermal" || path == chassisPath+"/Power" || strings.HasPrefix(path, managerPath+"/Jobs") || strings.Contains(path, "/Oem/Dell/DellControllerBattery") {
			delete(t, path)
		}
	}
	t.changed(chassisPath, func(o object) {
		delete(o, "Thermal")
		delete(o, "Power")
	})
	t.changed(systemPath, func(o object) {
		dell := o["Links"].(object)["Oem"].(object)["Dell"].(object)
		dell["DellDriveCollection"], dell["DellVolumeCollection"] = link(dellDrives), link(dellVolumes)
	})
	t.changed(powerSubsystem, func(o object) {
		o["Oem"] = object{"Dell": object{"DellControllerBattery": link(dellBatteries)}}
	})
	m.dell10Storage(t, s)
	faults := managerPath + "/LogServices/FaultList"
	t.collection(managerPath+"/LogServices", "LogService", "Log Service Collection", []string{managerPath + "/LogServices/Sel", managerPath + "/LogServices/Lclog", faults})
	t.collection(faults+"/Entries", "LogEntry", "Fault List", nil)
	t[faults] = func(now *moment) object {
		return resource(faults, "LogService.v1_8_0.LogService", "FaultList", "FaultListEntries", object{
			"Entries": link(faults + "/Entries"), "MaxNumberOfRecords": 0, "OverWritePolicy": "Unknown", "ServiceEnabled": true, "LogEntryType": "OEM",
			"DateTime": stamp(now.at), "DateTimeLocalOffset": "+00:00",
		})
	}
}

// changed changes a document when it is asked for.
func (t tree) changed(path string, change func(object)) {
	if f, ok := t[path]; ok {
		t[path] = func(now *moment) object {
			o := f(now)
			change(o)
			return o
		}
	}
}

// dellPart takes Dell's part of a document out of it.
func dellPart(o object, names ...string) object {
	oem, _ := o["Oem"].(object)
	dell, _ := oem["Dell"].(object)
	var first object
	for _, name := range names {
		if part, ok := dell[name].(object); ok && first == nil {
			first = part
		}
		delete(dell, name)
	}
	return first
}

// dell10Storage gives Dell's parts of drives, volumes and batteries places of their own.
func (m *model) dell10Storage(t tree, s *state) {
	var drives, volumes, batteries []string
	for i := range s.drives {
		if d := &s.drives[i]; !d.pulled {
			drives = append(drives, t.moved(m.drivePath(d), dellDrives+"/"+d.id, "DellPhysicalDisk", "DellPCIeSSD"))
		}
	}
	for i := range s.volumes {
		if v := &s.volumes[i]; v.level != "" {
			volumes = append(volumes, t.moved(storagePath+"/"+v.controller+"/Volumes/"+v.id, dellVolumes+"/"+v.id, "DellVolume", "DellVirtualDisk"))
		}
	}
	for i := range s.controllers {
		if c := &s.controllers[i]; c.battery != "" {
			batteries = append(batteries, t.moved(storagePath+"/"+c.fqdd, dellBatteries+"/"+batteryID(c), "DellControllerBattery"))
		}
	}
	t.collection(dellDrives, "DellDrive", "DellDriveCollection", drives)
	t.collection(dellVolumes, "DellVolume", "DellVolumeCollection", volumes)
	t.collection(dellBatteries, "DellControllerBattery", "DellControllerBatteryCollection", batteries)
}

// moved puts Dell's part of the document at path to another path, and returns that.
func (t tree) moved(path, to string, names ...string) string {
	f := t[path]
	t[to] = func(now *moment) object {
		part := dellPart(f(now), names...)
		part["@odata.id"] = to
		return part
	}
	t.changed(path, func(o object) { dellPart(o, names...) })
	return to
}
