package cisco

// The places of the objects of the three pool groups.
const (
	poolName = iota
	poolValid
	poolUsed
	poolFree
	poolLargest
	poolUsedOverflow
	poolFreeOverflow
	poolLargestOverflow
)

var truthWords = []string{"", "true", "false"}

var poolGroup = group{
	section: sectionMemory, component: "memory/<ciscoMemoryPoolName>", mib: "CISCO-MEMORY-POOL-MIB", kinds: both,
	also: []object{{use: attribute, as: "fixed", note: "true of a pool that is set aside for one use and full by design: all but Processor, I/O and an ASA's System memory"}},
	objects: []object{
		{name: "ciscoMemoryPoolName", oid: mempool + "2", use: attribute, as: "name", note: "\"Driver text\" is fixed=true: full by design"},
		{name: "ciscoMemoryPoolValid", oid: mempool + "4", words: truthWords},
		{name: "ciscoMemoryPoolUsed", oid: mempool + "5", use: sensor, as: "used_bytes", max: max32, latch: true, note: "wrong above 4 GB; on ASA only where the enhanced table has no rows"},
		{name: "ciscoMemoryPoolFree", oid: mempool + "6", use: sensor, as: "free_bytes", max: max32, latch: true},
		{name: "ciscoMemoryPoolLargestFree", oid: mempool + "7", use: sensor, as: "largest_free_bytes", max: max32, latch: true},
	},
}

var enhancedPoolGroup = group{
	section: sectionMemory, component: "memory/<cempMemPoolName>", mib: "CISCO-ENHANCED-MEMPOOL-MIB", kinds: both,
	objects: []object{
		{name: "cempMemPoolName", oid: cempMem + "3", use: attribute, as: "name", note: "prefixed with the entity where two pools share it"},
		{name: "cempMemPoolValid", oid: cempMem + "6", words: truthWords},
		{name: "cempMemPoolHCUsed", oid: cempMem + "18", use: sensor, as: "used_bytes", max: maxBytes, note: "Counter64 by type, a gauge by meaning"},
		{name: "cempMemPoolHCFree", oid: cempMem + "20", use: sensor, as: "free_bytes", max: maxBytes},
		{name: "cempMemPoolHCLargestFree", oid: cempMem + "22", use: sensor, as: "largest_free_bytes", max: maxBytes},
	},
}

var enhancedPool32Group = group{
	section: sectionMemory, component: "memory/<cempMemPoolName>", mib: "CISCO-ENHANCED-MEMPOOL-MIB", kinds: both,
	objects: []object{
		{name: "cempMemPoolName", oid: cempMem + "3", use: attribute, as: "name"},
		{name: "cempMemPoolValid", oid: cempMem + "6", words: truthWords},
		{name: "cempMemPoolUsed", oid: cempMem + "7", use: sensor, as: "used_bytes", max: max32, note: "plus 2^32 times its overflow; where the 64-bit columns are not there, and on a firewall where those of a pool are 0"},
		{name: "cempMemPoolFree", oid: cempMem + "8", use: sensor, as: "free_bytes", max: max32},
		{name: "cempMemPoolLargestFree", oid: cempMem + "9", use: sensor, as: "largest_free_bytes", max: max32},
		{name: "cempMemPoolUsedOvrflw", oid: cempMem + "17", max: maxBytes >> 32},
		{name: "cempMemPoolFreeOvrflw", oid: cempMem + "19", max: maxBytes >> 32},
		{name: "cempMemPoolLargestFreeOvrflw", oid: cempMem + "21", max: maxBytes >> 32},
	},
}

// The places of the objects of systemMemoryGroup.
const (
	systemCPU = iota
	systemUsed
	systemFree
)

var systemMemoryGroup = group{
	section: sectionMemory, component: "memory/system/<entPhysicalName of the CPU>", mib: "CISCO-PROCESS-MIB", kinds: catalystOnly,
	objects: []object{
		{name: "cpmCPUTotalPhysicalIndex", oid: cpmCPU + "2", note: "one row a member of a stack: the pools are of the active one alone"},
		{
			name: "cpmCPUMemoryHCUsed", oid: cpmCPU + "17", use: sensor, as: "used_bytes", max: maxBytes >> 10, note: "kilobytes, stored as bytes; IOS-XE",
			other: &object{name: "cpmCPUMemoryUsed", oid: cpmCPU + "12", use: sensor, as: "used_bytes", max: max32, latch: true},
		},
		{
			name: "cpmCPUMemoryHCFree", oid: cpmCPU + "19", use: sensor, as: "free_bytes", max: maxBytes >> 10, note: "kilobytes, stored as bytes; IOS-XE",
			other: &object{name: "cpmCPUMemoryFree", oid: cpmCPU + "13", use: sensor, as: "free_bytes", max: max32, latch: true},
		},
	},
}

// systemMemory32Group has the places of systemMemoryGroup.
var systemMemory32Group = group{
	section: sectionMemory, component: "memory/system/<entPhysicalName of the CPU>", mib: "CISCO-PROCESS-MIB", kinds: catalystOnly,
	objects: []object{
		systemCPU:  {name: "cpmCPUTotalPhysicalIndex", oid: ""},
		systemUsed: {name: "cpmCPUMemoryUsed", oid: cpmCPU + "12", use: sensor, as: "used_bytes", max: max32, latch: true, note: "kilobytes, stored as bytes; where IOS-XE 3 leaves the 64-bit columns at 0"},
		systemFree: {name: "cpmCPUMemoryFree", oid: cpmCPU + "13", use: sensor, as: "free_bytes", max: max32, latch: true},
	},
}

// maxBytes is more memory than any of these devices has: 64 TB.
const maxBytes = 1 << 46

// The places of the objects of the ENVMON groups.
const (
	envName = iota
	envState
	envValue     // of a temperature, a power supply's source
	envThreshold // of a temperature
)

var envWords = []string{"", "normal", "warning", "critical", "shutdown", "notPresent", "notFunctioning"}

var temperatureGroup = group{
	section: sectionEnvironment, component: "temperature/<index>", mib: "CISCO-ENVMON-MIB", kinds: catalystOnly,
	objects: []object{
		{name: "ciscoEnvMonTemperatureStatusDescr", oid: envTemp + "2", use: attribute, as: "name", note: "carries the state too: stripped"},
		{name: "ciscoEnvMonTemperatureState", oid: envTemp + "6", use: state, as: "state", words: envWords, note: "notFunctioning is a warning: the sensor's fault"},
		{name: "ciscoEnvMonTemperatureStatusValue", oid: envTemp + "3", use: sensor, as: "temperature_celsius", max: 200},
		{name: "ciscoEnvMonTemperatureThreshold", oid: envTemp + "4", use: attribute, as: "threshold_celsius", max: 200},
	},
}

var fanGroup = group{
	section: sectionEnvironment, component: "fan/<index>", mib: "CISCO-ENVMON-MIB", kinds: catalystOnly,
	objects: []object{
		{name: "ciscoEnvMonFanStatusDescr", oid: envFan + "2", use: attribute, as: "name", note: "carries the state too: stripped"},
		{name: "ciscoEnvMonFanState", oid: envFan + "3", use: state, as: "state", words: envWords},
	},
}

var supplyGroup = group{
	section: sectionEnvironment, component: "psu/<index>", mib: "CISCO-ENVMON-MIB", kinds: catalystOnly,
	also: []object{{use: state, as: "rps", note: "of the redundant power system, which only the text tells: RPS Critical. A warning, unless it is normal"}},
	objects: []object{
		{name: "ciscoEnvMonSupplyStatusDescr", oid: envSupply + "2", use: attribute, as: "name", note: "carries the state too: stripped"},
		{name: "ciscoEnvMonSupplyState", oid: envSupply + "3", use: state, as: "state", words: envWords, note: "notPresent is an empty bay: no component"},
		{
			name: "ciscoEnvMonSupplySource", oid: envSupply + "4", use: attribute, as: "source",
			words: []string{"", "unknown", "ac", "dc", "externalPowerSupply", "internalRedundant"},
		},
	},
}

// The places of the objects of fruGroup.
const (
	fruAdmin = iota
	fruOper
)

var fruGroup = group{
	section: sectionEnvironment, component: "fru/<entPhysicalIndex>", mib: "CISCO-ENTITY-FRU-CONTROL-MIB", kinds: catalystOnly,
	objects: []object{
		{
			name: "cefcFRUPowerAdminStatus", oid: fruPower + "1", use: state, as: "admin",
			words: []string{"", "on", "off", "inlineAuto", "inlineOn", "powerCycle"},
		},
		{
			name: "cefcFRUPowerOperStatus", oid: fruPower + "2", use: state, as: "power",
			words: []string{"", "offEnvOther", "on", "offAdmin", "offDenied", "offEnvPower", "offEnvTemp", "offEnvFan",
				"failed", "onButFanFail", "offCooling", "offConnectorRating", "onButInlinePowerFail"},
			note: "offEnvOther is a fault of what was seen to run, else unknown: an empty bay says it too, and one that " +
				"CISCO-ENVMON-MIB calls notPresent is no component. Of a supply not judged where one of the same member is told faulty by " +
				"CISCO-ENVMON-MIB: one fault, one alert. The rows of ports that feed others are left out: see poe",
		},
	},
}

// The places of the objects of moduleGroup.
const (
	moduleOper = iota
	moduleReset
)

var moduleGroup = group{
	section: sectionEnvironment, component: "module/<entPhysicalIndex>", mib: "CISCO-ENTITY-FRU-CONTROL-MIB", kinds: catalystOnly,
	objects: []object{
		{
			name: "cefcModuleOperStatus", oid: fruModule + "2", use: state, as: "oper",
			words: []string{"", "unknown", "ok", "disabled", "okButDiagFailed", "boot", "selfTest", "failed", "missing", "mismatchWithParent",
				"mismatchConfig", "diagFailed", "dormant", "outOfServiceAdmin", "outOfServiceEnvTemp", "poweredDown", "poweredUp", "powerDenied",
				"powerCycled", "okButPowerOverWarning", "okButPowerOverCritical", "syncInProgress", "upgrading", "okButAuthFailed", "mdr",
				"fwMismatchFound", "fwDownloadSuccess", "fwDownloadFailure"},
			note: "what a person switched off is no fault; missing is a slot that is configured for a module: no component",
		},
		{
			name: "cefcModuleResetReason", oid: fruModule + "3", use: state, as: "reset_reason",
			words: []string{"", "unknown", "powerUp", "parityError", "clearConfigReset", "manualReset", "watchDogTimeoutReset",
				"resourceOverflowReset", "missingTaskReset", "lowVoltageReset", "controllerReset", "systemReset", "switchoverReset",
				"upgradeReset", "downgradeReset", "cacheErrorReset", "deviceDriverReset", "softwareExceptionReset", "restoreConfigReset",
				"abortRevReset", "burnBootReset", "standbyCdHealthierReset", "nonNativeConfigClearReset", "memoryProtectionErrorReset"},
		},
	},
}

var fanTrayGroup = group{
	section: sectionEnvironment, component: "fan-tray/<entPhysicalIndex>", mib: "CISCO-ENTITY-FRU-CONTROL-MIB", kinds: catalystOnly,
	objects: []object{
		{
			name: "cefcFanTrayOperStatus", oid: fruFanTray + "1", use: state, as: "state", words: []string{"", "unknown", "up", "down", "warning"},
			note: "not judged where a fan of the same member is told faulty by CISCO-ENVMON-MIB: one fault, one alert; " +
				"no component where that calls it notPresent",
		},
	},
}

// The places of the objects of entitySensorGroup.
const (
	sensorType = iota
	sensorScale
	sensorPrecision
	sensorValue
	sensorStatus
)

var entitySensorGroup = group{
	section: sectionEnvironment, component: "temperature/<entPhysicalIndex>, fan/..., psu/...", mib: "ENTITY-SENSOR-MIB", kinds: asaOnly,
	also: []object{{use: state, as: "presence, input", note: "of a supply: its truth sensors, true or false"}},
	objects: []object{
		{name: "entPhySensorType", oid: entSensor + "1", max: 12},
		{name: "entPhySensorScale", oid: entSensor + "2", max: 17, note: "yocto, which some ASA 5500-X write, is taken for units"},
		{name: "entPhySensorPrecision", oid: entSensor + "3", note: "-8 to 9"},
		{
			name: "entPhySensorValue", oid: entSensor + "4", use: sensor, as: "temperature_celsius, speed_rpm",
			note: "value * 10^scale / 10^precision; a truth value is the state of its power supply",
		},
		{name: "entPhySensorOperStatus", oid: entSensor + "5", use: state, as: "state", words: []string{"", "ok", "unavailable", "nonoperational"}},
	},
}

// The places of the objects of memberGroup.
const (
	memberNumber = iota
	memberRole
	memberPriority
	memberState
	memberMAC
	memberImage
	memberBudget
	memberCommitted
)

var memberGroup = group{
	section: sectionStack, component: "member/<cswSwitchNumCurrent>", mib: "CISCO-STACKWISE-MIB", kinds: catalystOnly,
	objects: []object{
		{name: "cswSwitchNumCurrent", oid: cswSwitch + "1", max: 64, note: "where it is not there: the member of the chassis, see inventory"},
		{name: "cswSwitchRole", oid: cswSwitch + "3", use: state, as: "role", words: []string{"", "master", "member", "notMember", "standby"}},
		{name: "cswSwitchSwPriority", oid: cswSwitch + "4", use: attribute, as: "priority", max: 255},
		{
			name: "cswSwitchState", oid: cswSwitch + "6", use: state, as: "state",
			words: []string{"", "waiting", "progressing", "added", "ready", "sdmMismatch", "verMismatch", "featureMismatch",
				"newMasterInit", "provisioned", "invalid", "removed"},
			note: "provisioned and removed are no member",
		},
		{name: "cswSwitchMacAddress", oid: cswSwitch + "7", use: attribute, as: "mac"},
		{name: "cswSwitchSoftwareImage", oid: cswSwitch + "8", use: attribute, as: "image"},
		{name: "cswSwitchPowerBudget", oid: cswSwitch + "9", use: sensor, as: "power_budget_watts", max: maxWatts, note: "0 where there is no StackPower: no sample"},
		{name: "cswSwitchPowerCommited", oid: cswSwitch + "10", use: sensor, as: "power_committed_watts", max: maxWatts, note: "0 where there is no StackPower: no sample"},
	},
}

// maxWatts is more power than any of these devices draws.
const maxWatts = 100_000

var ringGroup = group{
	section: sectionStack, component: "stack/ring", mib: "CISCO-STACKWISE-MIB", kinds: catalystOnly,
	objects: []object{
		{
			name: "cswRingRedundant", oid: cswGlobal + "3", use: state, as: "redundant", words: truthWords,
			note: "false on a lone switch and on StackWise Virtual: shown only with two members and two ring ports each. " +
				"A stack that never had its second cable warns too: it is not redundant, whoever left it so",
		},
	},
}

// ringPortOper is the place of the object of stackPortGroup.
const ringPortOper = 0

var stackPortGroup = group{
	section: sectionStack, component: "stack/ring", mib: "CISCO-STACKWISE-MIB", kinds: catalystOnly,
	objects: []object{
		{
			name: "cswStackPortOperStatus", oid: cswPort + "1", use: state, as: "down", words: []string{"", "up", "down", "forcedDown"},
			note: "its rows say that a ring can be; where it is open the ports without link are named, not those of members that are not there",
		},
	},
}

var virtualLinkGroup = group{
	section: sectionStack, component: "stack/link/<member>/<cswDSLindex>", mib: "CISCO-STACKWISE-MIB", kinds: catalystOnly,
	objects: []object{
		{name: "cswDistrStackLinkBundleOperStatus", oid: cswVirtualLink + "2", use: state, as: "link", words: []string{"", "up", "down"}, note: "StackWise Virtual: down is both members alone"},
	},
}

// The places of the objects of virtualPortGroup.
const (
	virtualPortName = iota
	virtualPortOper
	virtualPortPeer
)

var virtualPortGroup = group{
	section: sectionStack, component: "stack/port/<ifName>", mib: "CISCO-STACKWISE-MIB", kinds: catalystOnly,
	objects: []object{
		{name: "cswDistrStackPhyPort", oid: cswVirtualPort + "1", note: "names the port where IF-MIB does not"},
		{name: "cswDistrStackPhyPortOperStatus", oid: cswVirtualPort + "2", use: state, as: "link", words: []string{"", "up", "down"}},
		{name: "cswDistrStackPhyPortNbr", oid: cswVirtualPort + "3", use: state, as: "neighbour"},
	},
}

// The places of the objects of failoverGroup, and its rows.
const (
	failoverName = iota
	failoverValue
	failoverDetail
)

var failoverGroup = group{
	section: sectionFailover, component: "failover/primary, failover/secondary, failover/link, failover/pair", mib: "CISCO-FIREWALL-MIB", kinds: asaOnly,
	also: []object{
		{use: state, as: "polled", note: "yes: the unit that answers"},
		{use: state, as: "failover", note: "on, or off where the pair is configured to be none"},
		{use: state, as: "active", note: "of the pair: which unit carries the traffic. The MIB tells nothing of active/active failover by groups"},
		{use: attribute, as: "failover", note: "of unit/<serial>: primary or secondary, as it is configured"},
	},
	objects: []object{
		{name: "cfwHardwareInformation", oid: cfwStatus + "2", use: attribute, as: "name", note: "\"(this device)\" marks the unit that answers: polled=yes; a row not served is unknown for one visit, then missed"},
		{
			name: "cfwHardwareStatusValue", oid: cfwStatus + "3", use: state, as: "role",
			words: []string{"", "other", "up", "down", "error", "overTemp", "busy", "noMedia", "backup", "active", "standby"},
			note:  "failover/pair tells active=primary, secondary, both or none: OK is one active and one standby unit, Warning no standby that could take over, Critical none or both active",
		},
		{name: "cfwHardwareStatusDetail", oid: cfwStatus + "4", use: state, as: "detail", note: "\"Failover Off\" is no fault"},
	},
}

var connectionGroup = group{
	section: sectionConnections, component: "connections/total", mib: "CISCO-FIREWALL-MIB", kinds: asaOnly,
	objects: []object{
		{
			name: "cfwConnectionStatValue", oid: cfwConnect, use: sensor, as: "current_connections, peak_connections", max: max32,
			note: "rows 6 (in use) and 7 (high since boot) of protoIp",
		},
	},
}

// The places of the objects of entityGroup.
const (
	entityDescr = iota
	entityParent
	entityClass
	entityName
	entityHardware
	entitySoftware
	entitySerial
	entityModel
)

var entityGroup = group{
	section: sectionInventory, component: "unit/<entPhysicalSerialNum>, part/<entPhysicalName>", mib: "ENTITY-MIB", kinds: both,
	also: []object{{use: attribute, as: "member", note: "of a stack: the thousands of entPhysicalIndex, or where members have slots the number in the name of the chassis; also of its fans, supplies, temperatures and modules"}},
	objects: []object{
		{name: "entPhysicalDescr", oid: entPhys + "2", use: attribute, as: "descr"},
		{name: "entPhysicalContainedIn", oid: entPhys + "4", max: 1 << 31},
		{
			name: "entPhysicalClass", oid: entPhys + "5", use: attribute, as: "class", max: 64,
			note: "a chassis is a unit; a module, supply, fan or transceiver with a serial or a model is a part",
		},
		{
			name: "entPhysicalName", oid: entPhys + "7", use: attribute, as: "name",
			note: "names a part, with #entPhysicalIndex where members or twins have the same; entPhysicalDescr where it is empty",
		},
		{name: "entPhysicalHardwareRev", oid: entPhys + "8", use: attribute, as: "hardware"},
		{name: "entPhysicalSoftwareRev", oid: entPhys + "10", use: attribute, as: "version"},
		{name: "entPhysicalSerialNum", oid: entPhys + "11", use: attribute, as: "serial", note: "a placeholder such as 0, N/A or Unspecified is none; so of the model and the revisions"},
		{name: "entPhysicalModelName", oid: entPhys + "13", use: attribute, as: "model"},
	},
}
