package idrac

import "rackpost/hw/raid"

const sysUpTimeOID = "1.3.6.1.2.1.1.3.0"

// heartbeatTable are the scalars of the first request of every visit, and of the heartbeat.
var heartbeatTable = mibTable{
	name: "statusGroup", section: sectionHeartbeat, component: "system",
	objects: []mibObject{
		{name: "globalSystemStatus", column: "2.1.0", use: mibHealth, note: "other and unknown are unknown"},
		{name: "drsGlobalSystemStatus", column: "1.3.6.1.4.1.674.10892.2.2.1.0", use: mibHelper, note: "of DELL-RAC-MIB: the health where globalSystemStatus is not told"},
		{name: "systemLCDStatus", column: "2.2.0", use: mibState, as: "front_panel", words: statusWords()},
		{name: "globalStorageStatus", column: "2.3.0", use: mibState, as: "storage", words: statusWords()},
		{name: "systemPowerState", column: "2.4.0", use: mibState, as: "power", words: []string{"", "", "", "off", "on"}},
		{name: "systemPowerUpTime", column: "2.5.0", use: mibSensor, as: "uptime_seconds", most: 1 << 30, byHand: true, note: "of the server, not of the iDRAC; only while it is not known to be off"},
		{name: "systemStatePowerUnitStatusCombined", column: "4.200.10.1.42.1", use: mibState, as: "power_units", words: statusWords()},
		{name: "systemStatePowerSupplyStatusCombined", column: "4.200.10.1.9.1", use: mibState, as: "power_supplies", words: statusWords()},
		{name: "systemStateVoltageStatusCombined", column: "4.200.10.1.12.1", use: mibState, as: "voltages", words: statusWords()},
		{name: "systemStateAmperageStatusCombined", column: "4.200.10.1.15.1", use: mibState, as: "currents", words: statusWords()},
		{name: "systemStateCoolingUnitStatusCombined", column: "4.200.10.1.44.1", use: mibState, as: "cooling_units", words: statusWords()},
		{name: "systemStateCoolingDeviceStatusCombined", column: "4.200.10.1.21.1", use: mibState, as: "fans", words: statusWords()},
		{name: "systemStateTemperatureStatusCombined", column: "4.200.10.1.24.1", use: mibState, as: "temperatures", words: statusWords()},
		{name: "systemStateMemoryDeviceStatusCombined", column: "4.200.10.1.27.1", use: mibState, as: "memory", words: statusWords()},
		{name: "systemStateChassisIntrusionStatusCombined", column: "4.200.10.1.30.1", use: mibState, as: "intrusion", words: statusWords()},
		{name: "systemStateProcessorDeviceStatusCombined", column: "4.200.10.1.50.1", use: mibState, as: "processors", words: statusWords()},
		{name: "systemStateBatteryStatusCombined", column: "4.200.10.1.52.1", use: mibState, as: "batteries", words: statusWords()},
		{name: "systemServiceTag", column: "1.3.2.0", use: mibAttribute, as: "service_tag", note: "the serial number of the unit"},
		{name: "systemModelName", column: "1.3.12.0", use: mibAttribute, as: raid.KeyModel},
		{name: "racFirmwareVersion", column: "1.1.8.0", use: mibHelper, note: "the version of the unit"},
		{name: "numEventLogEntries", column: "4.300.1.0", use: mibHelper, note: "a change hastens the log"},
	},
}

// systemTable are the scalars that change with years.
var systemTable = mibTable{
	name: "systemInfoGroup", section: sectionInventory, component: "system",
	objects: []mibObject{
		{name: "systemFQDN", column: "1.3.1.0", use: mibAttribute, as: raid.KeyName},
		{name: "systemExpressServiceCode", column: "1.3.3.0", use: mibAttribute, as: "express_service_code", note: "where it is not told, made of the service tag"},
		{name: "systemAssetTag", column: "1.3.4.0", use: mibAttribute, as: "asset_tag"},
		{name: "systemBladeSlotNumber", column: "1.3.5.0", use: mibAttribute, as: "blade_slot"},
		{name: "systemOSName", column: "1.3.6.0", use: mibAttribute, as: "os"},
		{name: "systemOSVersion", column: "1.3.14.0", use: mibAttribute, as: "os_version"},
		{name: "systemNodeID", column: "1.3.18.0", use: mibAttribute, as: "node_id"},
		{name: "systemLockdownMode", column: "1.3.20.0", use: mibAttribute, as: "lockdown", words: []string{"disabled", "enabled"}},
		{name: "chassisServiceTag", column: "1.2.1.0", use: mibAttribute, as: "chassis_service_tag", note: "of the chassis of a blade"},
	},
}

// managerTable are the scalars of the iDRAC itself.
var managerTable = mibTable{
	name: "racInfoGroup", section: sectionInventory, component: "manager",
	objects: []mibObject{
		{name: "racShortName", column: "1.1.2.0", use: mibAttribute, as: raid.KeyModel},
		{name: "racType", column: "1.1.7.0", use: mibAttribute, as: "generation", byHand: true, note: "iDRAC7, 8, 9; a number the MIB lacks is not told"},
		{name: "racFirmwareVersion", column: "1.1.8.0", use: mibAttribute, as: raid.KeyFirmware},
		{name: "racURL", column: "1.1.6.0", use: mibAttribute, as: "url"},
	},
}

// racGenerations are the generations by RacTypeEnum.
func racGeneration(n uint64) string {
	switch {
	case n >= 16 && n <= 21:
		return "iDRAC7"
	case n >= 32 && n <= 34:
		return "iDRAC8"
	case n >= 48 && n <= 50, n >= 64 && n <= 66:
		return "iDRAC9"
	}
	return ""
}

var processorTable = mibTable{
	name: "processorDeviceTable", section: sectionInventory, component: "cpu/<processorDeviceFQDD>", prefix: "cpu/", entry: "4.1100.30.1", expected: true, indexed: true,
	objects: []mibObject{
		{name: "processorDeviceFQDD", column: "26", use: mibName},
		{name: "processorDeviceStatus", column: "5", use: mibHealth},
		{name: "processorDeviceStatusState", column: "9", use: mibState, as: "state", words: []string{"", "", "", "enabled", "user-disabled", "bios-disabled", "idle"}},
		{name: "processorDeviceBrandName", column: "23", use: mibAttribute, as: raid.KeyModel},
		{name: "processorDeviceManufacturerName", column: "8", use: mibAttribute, as: raid.KeyManufacturer},
		{name: "processorDeviceVersionName", column: "16", use: mibAttribute, as: "stepping"},
		{name: "processorDeviceCoreCount", column: "17", use: mibAttribute, as: "cores", scale: 1, most: 4096},
		{name: "processorDeviceCoreEnabledCount", column: "18", use: mibAttribute, as: "cores_enabled", scale: 1, most: 4096},
		{name: "processorDeviceThreadCount", column: "19", use: mibAttribute, as: "threads", scale: 1, most: 4096},
		{name: "processorDeviceMaximumSpeed", column: "11", use: mibAttribute, as: "max_speed_mhz", scale: 1, most: 100_000, byHand: true, note: "0 is not known"},
		{name: "processorDeviceCurrentSpeed", column: "12", use: mibAttribute, as: "speed_mhz", scale: 1, most: 100_000, byHand: true, note: "the rated one; 0 is not known"},
	},
}

var memoryTable = mibTable{
	name: "memoryDeviceTable", section: sectionInventory, component: "dimm/<memoryDeviceFQDD>", prefix: "dimm/", entry: "4.1100.50.1", expected: true, indexed: true,
	objects: []mibObject{
		{name: "memoryDeviceFQDD", column: "26", use: mibName},
		{name: "memoryDeviceLocationName", column: "8", use: mibName, note: "where there are no FQDDs"},
		{name: "memoryDeviceStatus", column: "5", use: mibHealth},
		{name: "memoryDeviceType", column: "7", use: mibAttribute, as: "type", words: memoryWords()},
		{name: "memoryDeviceSize", column: "14", use: mibAttribute, as: raid.KeySizeBytes, scale: 1 << 10, most: 1 << 30, note: "0 is an empty slot: no part; 2147483647 is not known"},
		{name: "memoryDeviceSpeed", column: "15", use: mibAttribute, as: "max_speed_mhz", scale: 1, most: 100_000, byHand: true, note: "0 is not known"},
		{name: "memoryDeviceCurrentOperatingSpeed", column: "27", use: mibAttribute, as: "speed_mhz", scale: 1, most: 100_000, byHand: true, note: "0 is not known"},
		{name: "memoryDeviceManufacturerName", column: "21", use: mibAttribute, as: raid.KeyManufacturer},
		{name: "memoryDevicePartNumberName", column: "22", use: mibAttribute, as: raid.KeyPartNumber},
		{name: "memoryDeviceSerialNumberName", column: "23", use: mibAttribute, as: raid.KeySerial},
	},
}

func memoryWords() []string {
	words := make([]string, 27)
	words[3], words[18], words[19], words[20], words[24], words[26] = "dram", "ddr", "ddr2", "ddr2-fbdimm", "ddr3", "ddr4"
	return words
}

var networkTable = mibTable{
	name: "networkDeviceTable", section: sectionNetwork, component: "port/<networkDeviceFQDD>", prefix: "port/", entry: "4.1100.90.1",
	objects: []mibObject{
		{name: "networkDeviceFQDD", column: "30", use: mibName, note: "of the first function the port: NIC.Integrated.1-1 of NIC.Integrated.1-1-1"},
		{name: "networkDeviceStatus", column: "3", use: mibHealth},
		{name: "networkDeviceConnectionStatus", column: "4", use: mibState, as: "link", words: []string{"", "up", "down", "driver-bad", "driver-disabled", "", "", "", "", "", "initialising", "resetting", "closing", "not-ready"}},
		{name: "networkDeviceProductName", column: "6", use: mibAttribute, as: raid.KeyModel},
		{name: "networkDeviceVendorName", column: "7", use: mibAttribute, as: raid.KeyManufacturer},
		{name: "networkDeviceCurrentMACAddress", column: "15", use: mibAttribute, as: "mac", byHand: true},
		{name: "networkDevicePermanentMACAddress", column: "16", use: mibAttribute, as: "permanent_mac", byHand: true},
	},
}

var biosTable = mibTable{
	name: "systemBIOSTable", section: sectionFirmware, component: "firmware/BIOS.Setup.1-1", prefix: "firmware/BIOS.Setup.1-", entry: "4.300.50.1", indexed: true,
	objects: []mibObject{
		{name: "systemBIOSStatus", column: "5", use: mibHealth},
		{name: "systemBIOSVersionName", column: "8", use: mibAttribute, as: "version"},
		{name: "systemBIOSManufacturerName", column: "11", use: mibAttribute, as: raid.KeyManufacturer},
		{name: "systemBIOSReleaseDateName", column: "7", use: mibAttribute, as: "released", byHand: true},
	},
}

var firmwareTable = mibTable{
	name: "firmwareTable", section: sectionFirmware, component: "firmware/<of firmwareType>", prefix: "firmware/", entry: "4.300.60.1",
	objects: []mibObject{
		{name: "firmwareTypeName", column: "8", use: mibName, note: "where firmwareType has no name of its own: iDRAC.Embedded.1-1, USC.Embedded.1:LC.Embedded.1"},
		{name: "firmwareStatus", column: "5", use: mibHealth},
		{name: "firmwareVersionName", column: "11", use: mibAttribute, as: "version"},
		{name: "firmwareType", column: "7", use: mibAttribute, as: "type", words: firmwareWords()},
	},
}

func firmwareWords() []string {
	words := make([]string, 24)
	words[20], words[21], words[22], words[23] = "lifecycle-controller", "idrac7", "idrac8", "idrac9"
	return words
}

// eventLogTable is the system event log. It is not walked: its newest records are asked for one by one.
var eventLogTable = mibTable{
	name: "eventLogTable", section: sectionLog, component: "the log sel", entry: "4.300.40.1",
	objects: []mibObject{
		{name: "eventLogRecord", column: "5", note: "the text of a line"},
		{name: "eventLogSeverityStatus", column: "7", words: statusWords(), note: "its level: ok, warning, critical"},
		{name: "eventLogDateName", column: "8", note: "its time; the order of the records"},
	},
}

// mibTables are all that are read, in the order of the sections.
func mibTables() []*mibTable {
	return []*mibTable{
		&heartbeatTable,
		&controllerTable, &batteryTable, &rombTable, &enclosureTable, &driveTable, &volumeTable,
		&powerUnitTable, &supplyTable, &voltageTable, &amperageTable, &systemBatteryTable, &powerUsageTable, &coolingUnitTable, &fanTable, &temperatureTable, &intrusionTable,
		&eventLogTable,
		&systemTable, &managerTable, &processorTable, &memoryTable,
		&networkTable, &biosTable, &firmwareTable,
	}
}
