package bmc

import "fmt"

const storagePath = systemPath + "/Storage"

// dellStorage adds controllers with all behind them.
func (m *model) dellStorage(t tree, s *state) {
	var all []string
	for i := range s.controllers {
		c := &s.controllers[i]
		path := storagePath + "/" + c.fqdd
		all = append(all, path)
		t[path] = func(now *moment) object { return m.dellController(now, c) }
		drives, volumes := s.of(c.fqdd)
		for _, d := range drives {
			if !d.pulled {
				t[m.drivePath(d)] = func(now *moment) object { return m.dellDrive(now, d) }
				m.dellSmart(t, d)
			}
		}
		var sets []string
		for _, v := range volumes {
			if v.level == "" && s.drives[v.drives[0]].pulled {
				continue
			}
			p := path + "/Volumes/" + v.id
			sets = append(sets, p)
			t[p] = func(now *moment) object { return m.dellVolume(now, c, v, p) }
		}
		t.collection(path+"/Volumes", "Volume", "Volume Collection", sets)
		if m.dell > 8 && c.sort != direct {
			p := path + "/Controllers/" + c.fqdd
			t.collection(path+"/Controllers", "StorageController", "Storage Controller Collection", []string{p})
			t[p] = func(now *moment) object { return m.dellStorageController(now, c, p) }
		}
		if m.dell > 8 && c.battery != "" {
			p := path + "/Oem/Dell/DellControllerBattery/" + batteryID(c)
			t[p] = func(*moment) object { return dellBattery(c) }
		}
	}
	for i := range s.enclosures {
		e := &s.enclosures[i]
		t[root+"/Chassis/"+e.id] = func(now *moment) object { return m.dellEnclosure(now, e) }
	}
	t.collection(storagePath, "Storage", "Collection Of Storage entities", all)
}

// drivePath is where a drive stands: at iDRAC8 beside the controllers.
func (m *model) drivePath(d *drive) string {
	if m.dell < 9 {
		return storagePath + "/Drives/" + d.id
	}
	return storagePath + "/" + d.controller + "/Drives/" + d.id
}

func (m *model) drivePaths(drives []*drive) []string {
	paths := []string{}
	for _, d := range drives {
		if !d.pulled {
			paths = append(paths, m.drivePath(d))
		}
	}
	return paths
}

func batteryID(c *controller) string { return "Battery.Integrated.1:" + c.fqdd }

func dellBattery(c *controller) object {
	path := storagePath + "/" + c.fqdd + "/Oem/Dell/DellControllerBattery/" + batteryID(c)
	return resource(path, "DellControllerBattery.v1_0_0.DellControllerBattery", batteryID(c), "DellControllerBattery",
		object{"RAIDState": c.battery, "PrimaryStatus": primary(batteryHealth(c.battery)), "Description": "The battery of a RAID controller"})
}

// controllerStatus is null of a controller that does not judge itself.
func controllerStatus(now *moment, c *controller) object {
	if c.sort == chipset {
		return object{"Health": nil, "HealthRollup": nil, "State": "Enabled"}
	}
	return object{"Health": healthOK, "HealthRollup": now.s.health(c, now.at), "State": "Enabled"}
}

func (m *model) dellController(now *moment, c *controller) object {
	path := storagePath + "/" + c.fqdd
	drives, _ := now.s.of(c.fqdd)
	paths := m.drivePaths(drives)
	enclosures := []string{chassisPath}
	if len(drives) > 0 && drives[0].enclosure != "" {
		enclosures = []string{root + "/Chassis/" + drives[0].enclosure, chassisPath}
	}
	o := object{
		"Description": c.label, "Drives": links(paths), "Drives@odata.count": len(paths), "Volumes": link(path + "/Volumes"), "Status": controllerStatus(now, c),
		"Links": object{"Enclosures": links(enclosures), "Enclosures@odata.count": len(enclosures)},
	}
	name := c.model
	if c.sort == direct {
		name = c.fqdd
	} else {
		o["StorageControllers"] = []any{object{
			"@odata.id": path + "#/StorageControllers/0", "MemberId": c.fqdd, "Name": c.model, "Manufacturer": "DELL", "Model": c.model, "FirmwareVersion": c.firmware,
			"SpeedGbps": 12, "Status": controllerStatus(now, c), "SupportedDeviceProtocols": []any{"SAS", "SATA"}, "SupportedControllerProtocols": []any{"PCIe"},
		}}
		o["StorageControllers@odata.count"] = 1
	}
	if m.dell > 8 && c.sort != direct {
		o["Controllers"] = link(path + "/Controllers")
		oem := object{"@odata.type": "#DellOem.v1_3_0.DellOemResources", "DellController": resource(path+"/Oem/Dell/DellControllers/"+c.fqdd, "DellController.v1_4_1.DellController", c.fqdd, "DellController", object{
			"CacheSizeInMB": c.cacheMiB, "ControllerFirmwareVersion": orNull(c.firmware), "PatrolReadState": patrol(now, c), "RollupStatus": controllerRollup(now, c), "PCISlot": c.slot,
			"CurrentControllerMode": mode(c), "SecurityStatus": "EncryptionNotCapable", "PersistentHotspare": "Disabled",
		})}
		if c.battery != "" {
			oem["DellControllerBattery"] = dellBattery(c)
		}
		o["Oem"] = object{"Dell": oem}
	}
	return resource(path, "Storage.v1_10_1.Storage", c.fqdd, name, o)
}

func mode(c *controller) string {
	if c.sort == perc {
		return "RAID"
	}
	return "NotSupported"
}

func patrol(now *moment, c *controller) string {
	switch {
	case c.sort != perc:
		return "Unknown"
	case now.s.patrol:
		return "Running"
	}
	return "Stopped"
}

func controllerRollup(now *moment, c *controller) string {
	if c.sort == chipset {
		return "Unknown"
	}
	return primary(now.s.health(c, now.at))
}

func (m *model) dellStorageController(now *moment, c *controller, path string) object {
	oem := object{
		"CacheSizeInMB": c.cacheMiB, "ControllerFirmwareVersion": orNull(c.firmware), "PatrolReadState": patrol(now, c), "RollupStatus": controllerRollup(now, c),
		"PatrolReadMode": nil, "PatrolReadUnconfiguredAreaMode": nil, "CheckConsistencyMode": nil, "CopybackMode": nil, "BatteryLearnMode": nil, "ControllerMode": nil,
		"EnhancedAutoImportForeignConfigurationMode": nil, "RebuildRatePercent": nil, "EncryptionMode": "None", "PCISlot": c.slot, "CurrentControllerMode": mode(c),
	}
	if c.sort == perc {
		oem["PatrolReadMode"], oem["PatrolReadUnconfiguredAreaMode"], oem["CheckConsistencyMode"] = "Automatic", "Enabled", "Normal"
		oem["CopybackMode"], oem["BatteryLearnMode"], oem["ControllerMode"], oem["EnhancedAutoImportForeignConfigurationMode"] = "On", "Automatic", "RAID", "Disabled"
		oem["RebuildRatePercent"], oem["PersistentHotspareMode"] = 30, "Disabled"
		if !now.s.patrol {
			oem["PatrolReadMode"] = "Disabled"
		}
	}
	return resource(path, "StorageController.v1_2_0.StorageController", c.fqdd, c.model, object{
		"Manufacturer": "DELL", "Model": c.model, "FirmwareVersion": c.firmware, "CacheSummary": object{"TotalCacheSizeMiB": c.cacheMiB}, "Status": controllerStatus(now, c),
		"ControllerRates": object{"ConsistencyCheckRatePercent": nil, "RebuildRatePercent": oem["RebuildRatePercent"]}, "SupportedDeviceProtocols": []any{"SAS", "SATA"},
		"Oem": object{"Dell": object{"@odata.type": "#DellOemStorageController.v1_0_0.DellOemStorageController", "DellStorageController": oem}},
	})
}

func (m *model) dellEnclosure(now *moment, e *enclosure) object {
	path := root + "/Chassis/" + e.id
	var drives []*drive
	var owners []string
	for i := range now.s.drives {
		if d := &now.s.drives[i]; d.enclosure == e.id {
			drives = append(drives, d)
			owners = []string{storagePath + "/" + d.controller}
		}
	}
	paths := m.drivePaths(drives)
	o := object{
		"ChassisType": "StorageEnclosure", "Model": e.name, "Manufacturer": nil, "Status": status(healthOK), "AssetTag": "",
		"Links": object{"Drives": links(paths), "Drives@odata.count": len(paths), "Storage": links(owners), "ContainedBy": link(chassisPath), "ManagedBy": links([]string{managerPath})},
	}
	if m.dell > 8 {
		o["Oem"] = object{"Dell": object{"DellChassisEnclosure": object{"SlotCount": e.slots, "Version": e.firmware, "WiredOrder": 1, "BackplaneType": "NotShared", "Connector": 0}}}
	}
	return resource(path, "Chassis.v1_16_0.Chassis", e.id, e.name, o)
}

// standard are Redfish's words for Dell's cache policies.
var standard = map[string]any{
	"WriteBack": "ProtectedWriteBack", "WriteBackForce": "UnprotectedWriteBack", "WriteThrough": "WriteThrough",
	"AdaptiveReadAhead": "AdaptiveReadAhead", "ReadAhead": "ReadAhead", "NoReadAhead": "Off", "": nil,
}

// writeState is what the write cache does now: the controller writes through while its battery is not ready.
func writeState(c *controller, v *volume) any {
	switch {
	case v.write == "WriteBack" && c.battery != battery:
		return "Degraded"
	case v.write == "WriteBackForce" && c.battery != battery:
		return "Unprotected"
	case v.write == "":
		return nil
	}
	return "Protected"
}

var volumeTypes = map[string]string{"": "RawDevice", "RAID0": "NonRedundant", "RAID1": "Mirrored", "RAID5": "StripedWithParity", "RAID10": "SpannedMirrors"}

func (m *model) dellVolume(now *moment, c *controller, v *volume, path string) object {
	condition := now.s.condition(v, now.at)
	var drives []*drive
	for _, d := range now.s.members(v) {
		if !d.pulled {
			drives = append(drives, d)
		}
	}
	paths := m.drivePaths(drives)
	operations := []any{}
	name, percent := "None", 0
	if d := now.s.rebuilding(v, now.at); d != nil {
		name, percent = "Rebuild", d.rebuild.percent(now.at)
		operations = append(operations, object{"OperationName": "Rebuilding", "PercentageComplete": percent})
	}
	o := object{
		"CapacityBytes": v.bytes, "BlockSizeBytes": 512, "VolumeType": volumeTypes[v.level], "Encrypted": false, "EncryptionTypes": []any{}, "Operations": operations,
		"OptimumIOSizeBytes": 65536, "Status": status(volumeHealth(condition)), "Description": v.name, "Identifiers": []any{},
		"Links": object{"Drives": links(paths), "Drives@odata.count": len(paths)}, "@Redfish.Settings": object{"SettingsObject": link(path + "/Settings"), "SupportedApplyTimes": []any{"Immediate", "OnReset"}},
	}
	if m.dell < 9 {
		delete(o, "@Redfish.Settings")
		return resource(path, "Volume.v1_0_3.Volume", v.id, v.name, o)
	}
	o["RAIDType"], o["ReadCachePolicy"], o["WriteCachePolicy"], o["WriteCacheState"] = orNull(v.level), standard[v.read], standard[v.write], writeState(c, v)
	if v.level == "" {
		o["BlockSizeBytes"], o["OptimumIOSizeBytes"], o["Encrypted"] = 0, nil, nil
		return resource(path, "Volume.v1_6_2.Volume", v.id, v.name, o)
	}
	left := 0
	if condition == volumeOnline {
		left = 1
	}
	oem := object{
		"RaidStatus": condition, "PrimaryStatus": primary(volumeHealth(condition)), "ReadCachePolicy": v.read, "WriteCachePolicy": v.write, "DiskCachePolicy": v.disk,
		"RemainingRedundancy": left, "OperationName": name, "OperationPercentComplete": percent, "ObjectStatus": "Current", "SpanDepth": (len(v.drives) + 1) / 2, "SpanLength": 2,
		"StripeSize": "64KB", "MediaType": media(now, v), "BusProtocol": now.s.drives[v.drives[0]].protocol, "BadBlocksFound": "Clear", "LockStatus": "Unlocked", "PendingOperations": "None",
	}
	o["Oem"] = object{"Dell": object{
		"@odata.type":     "#DellOem.v1_3_0.DellOemResources",
		"DellVolume":      resource(path+"/Oem/Dell/DellVolumes/"+v.id, "DellVolume.v1_0_0.DellVolume", v.id, "DellVolume", oem),
		"DellVirtualDisk": resource(path+"/Oem/Dell/DellVirtualDisks/"+v.id, "DellVirtualDisk.v1_1_0.DellVirtualDisk", v.id, "DellVirtualDisk", clone(oem)),
	}}
	return resource(path, "Volume.v1_6_2.Volume", v.id, v.name, o)
}

func clone(o object) object {
	c := make(object, len(o))
	for k, v := range o {
		c[k] = v
	}
	return c
}

func media(now *moment, v *volume) string {
	if now.s.drives[v.drives[0]].media == "SSD" {
		return "SolidStateDrive"
	}
	return "HardDiskDrive"
}

// raidStatus is Dell's RaidStatus of a drive.
func raidStatus(now *moment, d *drive, member bool) string {
	switch {
	case d.failed:
		return "Failed"
	case d.foreign:
		return "Foreign"
	case d.rebuild.running(now.at):
		return "Degraded" // the enumeration has no word for it
	case member:
		return "Online"
	}
	return "Ready"
}

// volumesOf are the volumes that a drive is a member of.
func (h *hardware) volumesOf(d *drive) []*volume {
	var in []*volume
	for i := range h.volumes {
		for _, member := range h.members(&h.volumes[i]) {
			if member == d {
				in = append(in, &h.volumes[i])
			}
		}
	}
	return in
}

func (m *model) dellDrive(now *moment, d *drive) object {
	path := m.drivePath(d)
	var volumes []string
	for _, v := range now.s.volumesOf(d) {
		volumes = append(volumes, storagePath+"/"+v.controller+"/Volumes/"+v.id)
	}
	operations, name, percent := []any{}, any("None"), any(0)
	if d.rebuild.running(now.at) {
		percent = d.rebuild.percent(now.at)
		operations, name = append(operations, object{"OperationName": "Rebuilding", "PercentageComplete": percent}), "Rebuilding"
	}
	label := fmt.Sprintf("%s %s", map[bool]string{true: "PCIe SSD in", false: "Physical Disk"}[d.protocol == "PCIe"], d.label)
	o := object{
		"Manufacturer": d.maker, "Model": d.model, "SerialNumber": now.driveSerial(d), "Revision": d.revision, "PartNumber": "0SIM03A00", "MediaType": d.media, "Protocol": d.protocol,
		"CapacityBytes": d.bytes, "BlockSizeBytes": d.blockBytes, "RotationSpeedRPM": nil, "FailurePredicted": d.predicted, "HotspareType": d.spare, "Operations": operations,
		"PredictedMediaLifeLeftPercent": nil, "NegotiatedSpeedGbs": 12, "CapableSpeedGbs": 12, "Description": label, "EncryptionAbility": "None", "EncryptionStatus": "Unencrypted",
		"PhysicalLocation": object{"PartLocation": object{"LocationOrdinalValue": d.bay % 100, "LocationType": "Slot"}},
		"Status":           object{"Health": d.health(), "HealthRollup": d.health(), "State": "Enabled"}, "WriteCacheEnabled": false,
		"Links": object{"Volumes": links(volumes), "Volumes@odata.count": len(volumes), "Chassis": link(root + "/Chassis/" + d.enclosure)},
	}
	if d.enclosure == "" {
		o["Links"].(object)["Chassis"] = link(chassisPath)
	}
	if d.rpm > 0 {
		o["RotationSpeedRPM"] = d.rpm
	}
	if d.life >= 0 {
		o["PredictedMediaLifeLeftPercent"] = d.life
	}
	if m.dell < 9 {
		delete(o, "WriteCacheEnabled")
		return resource(path, "Drive.v1_1_1.Drive", d.id, label, o)
	}
	o["LocationIndicatorActive"] = nil
	alert := any("SmartAlertAbsent")
	if d.predicted {
		alert = "SmartAlertPresent"
	}
	oem := object{
		"RaidStatus": raidStatus(now, d, len(volumes) > 0), "PredictiveFailureState": alert, "OperationName": name, "OperationPercentCompletePercent": percent, "PowerStatus": "Spun-Up",
		"Certified": "Yes", "Slot": d.bay % 100, "DriveFormFactor": "2.5Inch", "NonRAIDDiskCachePolicy": "Unknown", "ErrorDescription": nil, "AvailableSparePercent": nil, "Connector": 0,
	}
	dell := object{"@odata.type": "#DellOem.v1_3_0.DellOemResources"}
	if d.protocol == "PCIe" {
		oem["RaidStatus"], oem["PredictiveFailureState"], oem["OperationName"], oem["OperationPercentCompletePercent"], oem["PowerStatus"], oem["Certified"], oem["NonRAIDDiskCachePolicy"] = nil, nil, nil, nil, nil, nil, nil
		oem["AvailableSparePercent"] = 100
		dell["DellPCIeSSD"] = resource(path+"/Oem/Dell/DellPCIeSSDs/"+d.id, "DellPCIeSSD.v1_7_0.DellPCIeSSD", d.id, "DellPCIeSSD", object{"DriveState": pcieState(d), "AvailableSparePercent": 100, "Slot": d.bay})
		dell["DellNVMeSMARTAttributes"] = link(path + "/Oem/Dell/DellNVMeSMARTAttributes")
	} else {
		dell["DellDriveSMARTAttributes"] = link(path + "/Oem/Dell/DellDriveSMARTAttributes")
	}
	dell["DellPhysicalDisk"] = resource(path+"/Oem/Dell/DellDrives/"+d.id, "DellPhysicalDisk.v1_6_0.DellPhysicalDisk", d.id, "DellPhysicalDisk", oem)
	o["Oem"] = object{"Dell": dell}
	return resource(path, "Drive.v1_12_1.Drive", d.id, label, o)
}

func pcieState(d *drive) string {
	if d.failed {
		return "Failed"
	}
	return "Ready"
}

// driveSerial changes with every replacement.
func (m *moment) driveSerial(d *drive) string {
	return m.serial("DRV", d.bay) + fmt.Sprintf("R%d", d.replaced)
}

// mediaErrors are those a drive has counted.
func (d *drive) mediaErrors(now *moment) int {
	n := d.errors
	if d.errorsHourly > 0 {
		n += uint64(max(0, now.at.Sub(d.errorsSince).Hours()) * d.errorsHourly)
	}
	return int(n)
}

func (m *model) dellSmart(t tree, d *drive) {
	if m.dell < 9 {
		return
	}
	if d.protocol == "PCIe" {
		path := m.drivePath(d) + "/Oem/Dell/DellNVMeSMARTAttributes"
		t[path] = func(now *moment) object {
			return resource(path, "DellNVMeSMARTAttributes.v1_0_0.DellNVMeSMARTAttributes", d.id, "DellNVMeSMARTAttributes", object{
				"CriticalWarningsCount": 0, "MediaDataIntegrityErrorsCount": d.mediaErrors(now), "LifeUsedPercent": 100 - d.life, "AvailableSparePercent": 100,
				"CompositeTemperatureKelvin": 273 + int(now.gauge(uint64(0xd00+d.bay), 28, 37)), "UnsafeShutdownsCount": 3, "PowerOnHours": 1200 + int(now.up.Hours()),
			})
		}
		return
	}
	path := m.drivePath(d) + "/Oem/Dell/DellDriveSMARTAttributes"
	t[path] = func(now *moment) object {
		life := any(nil)
		if d.life >= 0 {
			life = d.life
		}
		return resource(path, "DellDriveSMARTAttributes.v1_0_0.DellDriveSMARTAttributes", d.id, "DellDriveSMARTAttributes", object{
			"ReallocatedBlockCount": d.mediaErrors(now) / 4, "UncorrectableErrorCount": d.mediaErrors(now), "UncorrectableLBACount": d.mediaErrors(now), "CurrentPendingSectorCount": 0, "ReadErrorRate": 0,
			"CRCErrorCountPercent": 0, "CommandTimeoutCount": 0, "ProgramFailCount": 0, "EraseFailCount": 0, "PowerOnHours": 9000 + int(now.up.Hours()),
			"DriveTemperatureCelsius": int(now.gauge(uint64(0xd00+d.bay), 26, 34)), "DriveLifeRemainingPercent": life,
		})
	}
}
