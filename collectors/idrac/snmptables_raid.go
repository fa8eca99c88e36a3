package idrac

import "rackpost/hw/raid"

// The storage tables of IDRAC-MIB-SMIv2, below 1.3.6.1.4.1.674.10892.5.5.1.20. Their parts are told in the
// words of hw/raid, under the FQDD.
const storageMIB = "5.1.20."

var controllerTable = mibTable{
	name: "controllerTable", section: sectionRAID, component: "controller/<controllerFQDD>", prefix: raid.ControllerPath, entry: storageMIB + "130.1.1", expected: true,
	objects: []mibObject{
		{name: "controllerFQDD", column: "78", use: mibName},
		{name: "controllerComponentStatus", column: "38", use: mibHealth, note: "of the controller itself; other and unknown are unknown"},
		{name: "controllerRollUpStatus", column: "37", use: mibState, as: "rollup", words: statusWords(), note: "with all that belongs to it"},
		{name: "controllerDisplayName", column: "79", use: mibAttribute, as: raid.KeyName},
		{name: "controllerName", column: "2", use: mibAttribute, as: raid.KeyModel},
		{name: "controllerFWVersion", column: "8", use: mibAttribute, as: raid.KeyFirmware},
		{name: "controllerDriverVersion", column: "41", use: mibAttribute, as: raid.KeyDriver},
		{name: "controllerPCISlot", column: "42", use: mibAttribute, as: raid.KeySlot},
		{name: "controllerCacheSizeInMB", column: "9", use: mibAttribute, as: raid.KeyCacheBytes, scale: 1 << 20, most: 1 << 20, note: "0: it has none"},
		{name: "controllerPatrolReadMode", column: "52", use: mibAttribute, as: raid.KeyPatrolRead, words: []string{"", "", raid.PatrolNone, raid.PatrolOff, raid.PatrolAutomatic, raid.PatrolManual}},
		{name: "controllerPatrolReadState", column: "53", use: mibState, as: raid.KeyPatrolReadNow, words: []string{"", "", raid.RunStopped, raid.RunRunning}},
		{name: "controllerPreservedCache", column: "69", use: mibState, as: raid.KeyPreservedCache, words: yesNo(), note: "SNMP alone tells it"},
		{name: "controllerCheckConsistencyMode", column: "70", use: mibAttribute, as: raid.KeyConsistency, words: []string{"", "", "", raid.ConsistencyNormal, raid.ConsistencyStop}},
		{name: "controllerCopyBackMode", column: "71", use: mibAttribute, as: raid.KeyCopyback, words: []string{"", "", "", raid.CopybackOn, raid.CopybackSMART, raid.CopybackOff}},
		{name: "controllerRebuildRate", column: "7", use: mibAttribute, as: "rebuild_rate_percent", scale: 1, most: 100},
		{name: "controllerPatrolReadRate", column: "49", use: mibAttribute, as: "patrol_read_rate_percent", scale: 1, most: 100},
		{name: "controllerSASAddress", column: "77", use: mibAttribute, as: "sas_address"},
	},
	also: []mibObject{
		{as: raid.KeyBattery, use: mibState, note: "present with a row of batteryTable; none where at three visits in a row that table was read whole and had no row of the controller, and systemBatteryTable no ROMB battery; else not told"},
		{as: raid.KeyHotSpares, use: mibAttribute, note: "unsupported on a BOSS"},
	},
}

var batteryTable = mibTable{
	name: "batteryTable", section: sectionRAID, component: "battery/<batteryFQDD>", prefix: raid.BatteryPath, entry: storageMIB + "130.15.1", expected: true,
	objects: []mibObject{
		{name: "batteryFQDD", column: "20", use: mibName},
		{name: "batteryComponentStatus", column: "6", use: mibHealth},
		{name: "batteryState", column: "4", use: mibState, as: raid.KeyState, note: "a battery that learns is ready or charging",
			words: []string{"", "", raid.BatteryReady, raid.BatteryFailed, raid.BatteryDegraded, raid.BatteryMissing, raid.BatteryCharging, raid.BatteryBelowThreshold}},
		{name: "batteryDisplayName", column: "21", use: mibAttribute, as: raid.KeyName},
	},
	also: []mibObject{controllerOf()},
}

// controllerOf is told of every part on a controller.
func controllerOf() mibObject {
	return mibObject{as: raid.KeyController, use: mibAttribute, note: "the end of the FQDD"}
}

var enclosureTable = mibTable{
	name: "enclosureTable", section: sectionRAID, component: "enclosure/<enclosureFQDD>", prefix: raid.EnclosurePath, entry: storageMIB + "130.3.1", expected: true,
	objects: []mibObject{
		{name: "enclosureFQDD", column: "47", use: mibName},
		{name: "enclosureComponentStatus", column: "24", use: mibHealth},
		{name: "enclosureRollUpStatus", column: "23", use: mibState, as: "rollup", words: statusWords()},
		{name: "enclosureState", column: "4", use: mibState, as: raid.KeyState, words: []string{"", "", raid.StateReady, raid.StateFailed, raid.StateMissing, raid.StateDegraded}},
		{name: "enclosureDisplayName", column: "48", use: mibAttribute, as: raid.KeyName},
		{name: "enclosureName", column: "2", use: mibAttribute, as: raid.KeyModel},
		{name: "enclosureFirmwareVersion", column: "26", use: mibAttribute, as: raid.KeyFirmware},
		{name: "enclosureServiceTag", column: "8", use: mibAttribute, as: "service_tag"},
		{name: "enclosureTotalSlots", column: "32", use: mibAttribute, as: "slots", scale: 1, most: 255},
		{name: "enclosureRedundantPath", column: "44", use: mibAttribute, as: "redundant_path"},
	},
	also: []mibObject{controllerOf()},
}

var driveTable = mibTable{
	name: "physicalDiskTable", section: sectionRAID, component: "drive/<physicalDiskFQDD>", prefix: raid.DrivePath, entry: storageMIB + "130.4.1", expected: true,
	objects: []mibObject{
		{name: "physicalDiskFQDD", column: "54", use: mibName},
		{name: "physicalDiskComponentStatus", column: "24", use: mibHealth},
		{name: "physicalDiskState", column: "4", use: mibState, as: raid.KeyState, words: []string{"", "", raid.StateReady, raid.StateOnline, raid.StateForeign, raid.StateOffline,
			raid.StateBlocked, raid.StateFailed, raid.StateNonRAID, raid.StateRemoved, raid.StateReadOnly}},
		{name: "physicalDiskSmartAlertIndication", column: "31", use: mibState, as: raid.KeyPredicted, words: yesNo()},
		{name: "physicalDiskOperationalState", column: "50", use: mibState, as: raid.KeyOperation, words: []string{"", raid.OperationNone, raid.OperationRebuild, raid.OperationErase, raid.OperationCopyback}},
		{name: "physicalDiskProgress", column: "51", use: mibSensor, as: raid.SensorOperationPercent, most: 100, byHand: true, note: "only while an operation runs"},
		{name: "physicalDiskRemainingRatedWriteEndurance", column: "49", use: mibSensor, as: "life_left_percent", most: 100, none: 255, byHand: true, note: "of an SSD; 255 is none"},
		{name: "physicalDiskPowerState", column: "42", use: mibState, as: raid.KeyPower, words: []string{"", "", raid.PowerOn, raid.PowerSpunDown, "", raid.PowerOn}},
		{name: "physicalDiskSpareState", column: "22", use: mibAttribute, as: raid.KeySpare, words: []string{"", raid.SpareNone, raid.SpareDedicated, raid.SpareGlobal}, note: "for which volume is not told"},
		{name: "physicalDiskSecurityStatus", column: "52", use: mibAttribute, as: raid.KeySecurity, words: []string{"", raid.SecurityNone, raid.SecurityNone, raid.SecurityUnlocked, raid.SecurityLocked, raid.SecurityForeign}},
		{name: "physicalDiskMediaType", column: "35", use: mibAttribute, as: raid.KeyMedia, words: []string{"", "", raid.MediaHDD, raid.MediaSSD}},
		{name: "physicalDiskBusType", column: "21", use: mibAttribute, as: raid.KeyBus, words: []string{"", "", "", raid.BusSAS, raid.BusSATA, "", raid.BusNVMe, raid.BusNVMe}, note: "PCIe is nvme"},
		{name: "physicalDiskDisplayName", column: "55", use: mibAttribute, as: raid.KeyName},
		{name: "physicalDiskName", column: "2", use: mibHelper, note: "the bay where the FQDD has none: the last number of 0:1:3"},
		{name: "physicalDiskManufacturer", column: "3", use: mibAttribute, as: raid.KeyManufacturer},
		{name: "physicalDiskProductID", column: "6", use: mibAttribute, as: raid.KeyModel},
		{name: "physicalDiskSerialNo", column: "7", use: mibAttribute, as: raid.KeySerial},
		{name: "physicalDiskRevision", column: "8", use: mibAttribute, as: raid.KeyFirmware},
		{name: "physicalDiskPartNumber", column: "27", use: mibAttribute, as: raid.KeyPartNumber},
		{name: "physicalDiskCapacityInMB", column: "11", use: mibAttribute, as: raid.KeySizeBytes, scale: 1 << 20, most: 1 << 30},
		{name: "physicalDiskFormFactor", column: "53", use: mibAttribute, as: raid.KeyFormFactor, words: []string{"", "", "1.8-inch", "2.5-inch", "3.5-inch", "e1.l"}},
		{name: "physicalDiskSASAddress", column: "28", use: mibAttribute, as: "sas_address"},
	},
	also: []mibObject{
		controllerOf(),
		{as: raid.KeyEnclosure, use: mibAttribute, note: "the FQDD without the drive"},
		{as: raid.KeyBay, use: mibAttribute, note: "the number after Disk.Bay in the FQDD"},
		{as: raid.KeyWear, use: mibState, note: "of life_left_percent: good, low at 10, spent at 0"},
	},
}

var volumeTable = mibTable{
	name: "virtualDiskTable", section: sectionRAID, component: "volume/<virtualDiskFQDD>", prefix: raid.VolumePath, entry: storageMIB + "140.1.1", expected: true,
	objects: []mibObject{
		{name: "virtualDiskFQDD", column: "35", use: mibName},
		{name: "virtualDiskComponentStatus", column: "20", use: mibHealth},
		{name: "virtualDiskState", column: "4", use: mibState, as: raid.KeyState, words: []string{"", "", raid.StateOnline, raid.StateFailed, raid.StateDegraded}},
		{name: "virtualDiskBadBlocksDetected", column: "23", use: mibState, as: raid.KeyBadBlocks, words: yesNo()},
		{name: "virtualDiskRemainingRedundancy", column: "34", use: mibState, as: raid.KeyRedundancyLeft, scale: 1, most: 16},
		{name: "virtualDiskOperationalState", column: "30", use: mibState, as: raid.KeyOperation, note: "resynching is a consistency check, says the MIB",
			words: []string{"", raid.OperationNone, raid.OperationReconstruct, raid.OperationCheck, raid.OperationInitialise, raid.OperationInitialise}},
		{name: "virtualDiskProgress", column: "31", use: mibSensor, as: raid.SensorOperationPercent, most: 100, byHand: true, note: "only while an operation runs"},
		{name: "virtualDiskName", column: "2", use: mibAttribute, as: raid.KeyName, byHand: true, note: "the label a person gave"},
		{name: "virtualDiskDisplayName", column: "36", use: mibHelper, note: "the name where there is no label"},
		{name: "virtualDiskLayout", column: "13", use: mibAttribute, as: raid.KeyLevel, note: "concatenated RAID 1 and 5 are not told",
			words: []string{"", "", raid.Level0, raid.Level1, raid.Level5, raid.Level6, raid.Level10, raid.Level50, raid.Level60}},
		{name: "virtualDiskWritePolicy", column: "10", use: mibAttribute, as: raid.KeyWritePolicy, words: []string{"", raid.WriteThrough, raid.WriteBack, raid.WriteBackForced}},
		{name: "virtualDiskReadPolicy", column: "11", use: mibAttribute, as: raid.KeyReadPolicy, words: []string{"", raid.ReadNone, raid.ReadAhead, raid.ReadAdaptive}},
		{name: "virtualDiskDiskCachePolicy", column: "26", use: mibAttribute, as: raid.KeyDiskCache, words: []string{"", raid.CacheOn, raid.CacheOff, raid.CacheDefault}},
		{name: "virtualDiskSizeInMB", column: "6", use: mibAttribute, as: raid.KeySizeBytes, scale: 1 << 20, most: 1 << 30},
		{name: "virtualDiskStripeSize", column: "14", use: mibAttribute, as: raid.KeyStripeBytes, words: stripeWords()},
		{name: "virtualDiskSecured", column: "24", use: mibAttribute, as: raid.KeySecurity, words: []string{raid.SecurityNone, raid.SecurityUnlocked}},
		{name: "virtualDiskAvailableProtocols", column: "32", use: mibAttribute, as: raid.KeyBus, byHand: true, note: "not told of several kinds"},
		{name: "virtualDiskMediaType", column: "33", use: mibAttribute, as: raid.KeyMedia, byHand: true, note: "not told of several kinds"},
	},
	also: []mibObject{controllerOf()},
}

// stripeWords are the bytes of virtualDiskStripeSize: 3 is 512, each further one twice as much.
func stripeWords() []string {
	return []string{"", "", "", "512", "1024", "2048", "4096", "8192", "16384", "32768", "65536", "131072", "262144", "524288", "1048576", "2097152", "4194304", "8388608", "16777216"}
}
