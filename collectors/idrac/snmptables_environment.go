package idrac

import (
	"rackpost/hw"
	"rackpost/hw/raid"
)

var powerUnitTable = mibTable{
	name: "powerUnitTable", section: sectionEnvironment, component: "psu/redundancy", prefix: "psu/redundancy", entry: "4.600.10.1", indexed: true, solo: true,
	objects: []mibObject{
		{name: "powerUnitStatus", column: "8", use: mibHealth},
		{name: "powerUnitRedundancyStatus", column: "5", use: mibState, as: "redundancy", words: redundancyWords()},
		{name: "powerSupplyCountForRedundancy", column: "6", use: mibAttribute, as: "needed", scale: 1, most: 128},
		{name: "powerUnitName", column: "7", use: mibAttribute, as: raid.KeyName},
	},
}

var supplyTable = mibTable{
	name: "powerSupplyTable", section: sectionEnvironment, component: "psu/<powerSupplyFQDD>", prefix: "psu/", entry: "4.600.12.1", expected: true,
	objects: []mibObject{
		{name: "powerSupplyFQDD", column: "15", use: mibName},
		{name: "powerSupplyLocationName", column: "8", use: mibName, note: "where there are no FQDDs"},
		{name: "powerSupplyStatus", column: "5", use: mibHealth},
		{name: "powerSupplySensorState", column: "11", use: mibState, as: "state", most: 1<<16 - 1, byHand: true, note: "the faults among its bits, else present or absent"},
		{name: "powerSupplyConfigurationErrorType", column: "12", use: mibState, as: "configuration_error", words: []string{"", "vendor-mismatch", "revision-mismatch", "processor-missing"}},
		{name: "powerSupplyCurrentInputVoltage", column: "16", use: mibSensor, as: "input_volts", most: 1000},
		{name: "powerSupplyType", column: "7", use: mibAttribute, as: "type", words: []string{"", "", "", "linear", "switching", "battery", "ups", "converter", "regulator", "ac", "dc", "vrm"}},
		{name: "powerSupplyOutputWatts", column: "6", use: mibAttribute, as: "rated_watts", scale: 0.1, most: 1_000_000},
		{name: "powerSupplyRatedInputWattage", column: "14", use: mibAttribute, as: "rated_input_watts", scale: 0.1, most: 1_000_000},
		{name: "powerSupplyMaximumInputVoltage", column: "9", use: mibAttribute, as: "max_input_volts", scale: 1, most: 1000},
	},
}

var voltageTable = mibTable{
	name: "voltageProbeTable", section: sectionEnvironment, component: "voltage/<voltageProbeLocationName>", prefix: "voltage/", entry: "4.600.20.1",
	objects: []mibObject{
		{name: "voltageProbeLocationName", column: "8", use: mibName},
		{name: "voltageProbeStatus", column: "5", use: mibHealth, probe: true},
		{name: "voltageProbeReading", column: "6", use: mibSensor, as: "voltage_volts", scale: 0.001, signed: true, most: 1_000_000, sparse: true, note: "not of a probe that is good or bad"},
		{name: "voltageProbeDiscreteReading", column: "16", use: mibState, as: "state", words: []string{"", "good", "bad"}},
	},
}

var amperageTable = mibTable{
	name: "amperageProbeTable", section: sectionEnvironment, component: "current/<amperageProbeLocationName>", prefix: "current/", entry: "4.600.30.1",
	objects: []mibObject{
		{name: "amperageProbeLocationName", column: "8", use: mibName},
		{name: "amperageProbeStatus", column: "5", use: mibHealth, probe: true},
		{name: "amperageProbeType", column: "7", use: mibHelper, most: 64, note: "the unit of the reading: 23 and 25 are tenths of an ampere, 24 and 26 watts, 16 none, others milliamperes"},
		{name: "amperageProbeReading", column: "6", use: mibSensor, as: "current_amperes", signed: true, most: 1_000_000, byHand: true, note: "of type 24 and 26 consumed_watts"},
		{name: "amperageProbeUpperCriticalThreshold", column: "10", use: mibAttribute, as: "upper_critical_watts", most: 1_000_000, byHand: true, note: "of power/system only"},
		{name: "amperageProbeUpperNonCriticalThreshold", column: "11", use: mibAttribute, as: "upper_warning_watts", most: 1_000_000, byHand: true, note: "of power/system only"},
		{name: "amperageProbeDiscreteReading", column: "16", use: mibState, as: "state", words: []string{"", "good", "bad"}},
	},
	also: []mibObject{
		{as: "consumed_watts", use: mibSensor, note: "of a probe in watts; that of the whole system is told of power/system"},
		{as: "input_amperes", use: mibSensor, note: "of psu/<powerSupplyFQDD>: the probe PS1 Current 1 belongs to PS1 Status"},
	},
}

var systemBatteryTable = mibTable{
	name: "systemBatteryTable", section: sectionEnvironment, component: "cell/<systemBatteryLocationName>", prefix: "cell/", entry: "4.600.50.1",
	objects: []mibObject{
		{name: "systemBatteryLocationName", column: "7", use: mibName},
		{name: "systemBatteryStatus", column: "5", use: mibHealth},
		{name: "systemBatteryReading", column: "6", use: mibState, as: "state", most: 255, byHand: true, note: "failed, predicted, present or absent"},
	},
}

// rombTable is what the RAID section reads of the same table.
var rombTable = mibTable{
	name: "systemBatteryTable", section: sectionRAID, component: "controller/<controllerFQDD>", entry: "4.600.50.1",
	objects: []mibObject{
		{name: "systemBatteryLocationName", column: "7", use: mibHelper, note: "ROMB is the battery of a controller: it is there, where batteryTable has no rows"},
		{name: "systemBatteryReading", column: "6", use: mibHelper, most: 255},
	},
}

var powerUsageTable = mibTable{
	name: "powerUsageTable", section: sectionEnvironment, component: "power/system", prefix: "power/system", entry: "4.600.60.1", indexed: true, solo: true,
	objects: []mibObject{
		{name: "powerUsageStatus", column: "5", use: mibHealth},
		{name: "powerUsageEntityName", column: "6", use: mibAttribute, as: raid.KeyName},
		{name: "powerUsageCumulativeWattage", column: "7", use: mibSensor, as: "energy_joules_total", kind: hw.Counter, byHand: true, note: "from watt-hours; begins at powerUsageCumulativeWattageStartDateName"},
		{name: "powerUsageCumulativeWattageStartDateName", column: "8", use: mibHelper},
		{name: "powerUsagePeakWatts", column: "9", use: mibSensor, as: "peak_watts", most: 1_000_000, sparse: true},
		{name: "powerUsagePeakAmps", column: "12", use: mibSensor, as: "peak_amperes", scale: 0.1, most: 1_000_000, sparse: true},
		{name: "powerUsageInstantaneousHeadroom", column: "20", use: mibSensor, as: "headroom_watts", most: 1_000_000, sparse: true},
		{name: "powerUsageIdlePower", column: "15", use: mibAttribute, as: "idle_watts", scale: 1, most: 1_000_000},
		{name: "powerUsageMaxPotentialPower", column: "16", use: mibAttribute, as: "max_potential_watts", scale: 1, most: 1_000_000},
		{name: "powerUsagePowerCapSetting", column: "18", use: mibAttribute, as: "power_cap", words: []string{"off", "on"}},
		{name: "powerUsagePowerCapValue", column: "19", use: mibAttribute, as: "power_cap_watts", scale: 1, most: 1_000_000},
	},
	also: []mibObject{{as: "consumed_watts", use: mibSensor, note: "of amperageProbeTable, type 26"}},
}

var coolingUnitTable = mibTable{
	name: "coolingUnitTable", section: sectionEnvironment, component: "fan/redundancy", prefix: "fan/redundancy", entry: "4.700.10.1", indexed: true, solo: true,
	objects: []mibObject{
		{name: "coolingUnitStatus", column: "8", use: mibHealth},
		{name: "coolingUnitRedundancyStatus", column: "5", use: mibState, as: "redundancy", words: redundancyWords()},
		{name: "coolingDeviceCountForRedundancy", column: "6", use: mibAttribute, as: "needed", scale: 1, most: 128},
		{name: "coolingUnitName", column: "7", use: mibAttribute, as: raid.KeyName},
	},
}

var fanTable = mibTable{
	name: "coolingDeviceTable", section: sectionEnvironment, component: "fan/<coolingDeviceFQDD>", prefix: "fan/", entry: "4.700.12.1", expected: true,
	objects: []mibObject{
		{name: "coolingDeviceFQDD", column: "19", use: mibName},
		{name: "coolingDeviceLocationName", column: "8", use: mibName, note: "where there are no FQDDs"},
		{name: "coolingDeviceStatus", column: "5", use: mibHealth, probe: true},
		{name: "coolingDeviceSubType", column: "16", use: mibHelper, most: 64, note: "4, 6 and 16 have no speed"},
		{name: "coolingDeviceReading", column: "6", use: mibSensor, as: "speed_rpm", most: 100_000, byHand: true},
		{name: "coolingDeviceLowerNonCriticalThreshold", column: "12", use: mibAttribute, as: "lower_warning_rpm", scale: 1, most: 100_000},
		{name: "coolingDeviceLowerCriticalThreshold", column: "13", use: mibAttribute, as: "lower_critical_rpm", scale: 1, most: 100_000},
		{name: "coolingDeviceDiscreteReading", column: "18", use: mibState, as: "state", words: []string{"", "good", "bad"}},
	},
}

var temperatureTable = mibTable{
	name: "temperatureProbeTable", section: sectionEnvironment, component: "temperature/<temperatureProbeLocationName>", prefix: "temperature/", entry: "4.700.20.1",
	objects: []mibObject{
		{name: "temperatureProbeLocationName", column: "8", use: mibName, note: "without blanks"},
		{name: "temperatureProbeStatus", column: "5", use: mibHealth, probe: true},
		{name: "temperatureProbeReading", column: "6", use: mibSensor, as: "temperature_celsius", scale: 0.1, signed: true, most: 3000, sparse: true},
		{name: "temperatureProbeUpperCriticalThreshold", column: "10", use: mibAttribute, as: "upper_critical_celsius", scale: 0.1, signed: true, most: 3000},
		{name: "temperatureProbeUpperNonCriticalThreshold", column: "11", use: mibAttribute, as: "upper_warning_celsius", scale: 0.1, signed: true, most: 3000},
		{name: "temperatureProbeLowerNonCriticalThreshold", column: "12", use: mibAttribute, as: "lower_warning_celsius", scale: 0.1, signed: true, most: 3000},
		{name: "temperatureProbeLowerCriticalThreshold", column: "13", use: mibAttribute, as: "lower_critical_celsius", scale: 0.1, signed: true, most: 3000},
		{name: "temperatureProbeDiscreteReading", column: "16", use: mibState, as: "state", words: []string{"", "good", "bad"}},
	},
}

var intrusionTable = mibTable{
	name: "intrusionTable", section: sectionEnvironment, component: "intrusion/<index>", prefix: "intrusion/", entry: "4.300.70.1", indexed: true,
	objects: []mibObject{
		{name: "intrusionStatus", column: "5", use: mibHealth},
		{name: "intrusionReading", column: "6", use: mibState, as: "state", words: []string{"", "closed", "open", "was-open", "sensor-failed"}},
	},
}
