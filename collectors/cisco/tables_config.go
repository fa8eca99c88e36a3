package cisco

const (
	ccmEvent    = ciscoMgmt + "43.1.1.6.1."
	imageString = ciscoMgmt + "25.1.1.1.2"
	oldSystem   = "1.3.6.1.4.1.9.2.1."
)

// The places of the objects of historyGroup.
const (
	historyTime = iota
	historyCommand
	historySource
	historyDestination
	historyTerminal
	historyUser
	historyLocation
	historyAddress
)

// The ends of a copy that CISCO-CONFIG-MAN-MIB tells.
var mediumWords = []string{"", "erase", "commandSource", "running", "startup", "local", "networkTftp", "networkRcp", "networkFtp", "networkScp"}

var historyGroup = group{
	section: sectionConfig, component: "config/last-change", mib: "CISCO-CONFIG-MAN-MIB", kinds: catalystOnly, sparse: true,
	objects: []object{
		{name: "ccmHistoryEventTime", oid: ccmEvent + "2", use: state, as: "at", max: max32, note: "ticks of sysUpTime, which wrap with it: told as UTC, to the minute"},
		{name: "ccmHistoryEventCommandSource", oid: ccmEvent + "3", use: state, as: "via", words: []string{"", "commandLine", "snmp"}},
		{name: "ccmHistoryEventConfigSource", oid: ccmEvent + "4", words: mediumWords},
		{name: "ccmHistoryEventConfigDestination", oid: ccmEvent + "5", words: mediumWords, note: "the newest row that wrote running is the last change; rows are in order of their index"},
		{
			name: "ccmHistoryEventTerminalType", oid: ccmEvent + "6", use: state, as: "terminal",
			words: []string{"", "notApplicable", "unknown", "console", "terminal", "virtual", "auxiliary"},
		},
		{name: "ccmHistoryEventTerminalUser", oid: ccmEvent + "8", use: state, as: "by", note: "empty where the switch knows no users"},
		{name: "ccmHistoryEventTerminalLocation", oid: ccmEvent + "9", use: state, as: "from"},
		{name: "ccmHistoryEventCommandSourceAddress", oid: ccmEvent + "10", use: state, as: "from", note: "where there is no location: of a change over SNMP"},
	},
}

// The places of the objects of softwareGroup.
const (
	softwareString = iota
	softwareReload
)

var softwareGroup = group{
	section: sectionConfig, component: "software/image", mib: "CISCO-IMAGE-MIB, OLD-CISCO-SYS-MIB", kinds: catalystOnly,
	objects: []object{
		{
			name: "ciscoImageString", oid: imageString, use: attribute, as: "image, family, version, media",
			note: "rows such as CW_IMAGE$C3750-IPSERVICESK9-M$, in any order",
		},
		{name: "whyReload", oid: oldSystem + "2", use: state, as: "reload_reason"},
	},
}

// clockGroup is what the first request of every visit asks for, for the documentation: it
// is one Get and no walk.
var clockGroup = group{
	section: sectionHealth, component: "system", mib: "SNMPv2-MIB, SNMP-FRAMEWORK-MIB", kinds: both,
	objects: []object{
		{name: "sysUpTime", oid: sysUpTime, use: sensor, as: "uptime_seconds", note: "wraps after 497 days: followed through the wraps, with snmpEngineTime where that is older"},
		{name: "snmpEngineTime", oid: engineTime, note: "also starts anew when only the SNMP process does: no restart of the device by itself; on ASA it may disagree entirely"},
		{name: "snmpEngineBoots", oid: engineBoots, use: state, as: "engine_boots"},
		{name: "sysName", oid: sysName, use: attribute, as: "name"},
		{name: "sysDescr", oid: sysDescr, use: attribute, as: "descr", note: "the first line; the version of the unit is out of it"},
		{name: "sysObjectID", oid: sysObjectID, use: attribute, as: "object_id", note: "another one is another unit"},
		{name: "sysLocation", oid: sysLocation, use: attribute, as: "location"},
		{name: "ifTableLastChange", oid: ifTableChange, note: "when it moves the names of the ports are read again"},
		{name: "entLastChangeTime", oid: entLastChange, note: "when it moves the inventory is read again"},
	},
}

var configTimesGroup = group{
	section: sectionHealth, component: "config/running", mib: "CISCO-CONFIG-MAN-MIB", kinds: catalystOnly,
	objects: []object{
		{
			name: "ccmHistoryRunningLastChanged", oid: configChanged, use: state, as: "config",
			note: "ticks of sysUpTime, never of snmpEngineTime; what changed within 5 min of the start is the configuration that was loaded; " +
				"a warning after 30 min unsaved; unknown on a device first seen after 497 days whose history does not tell either",
		},
		{name: "ccmHistoryRunningLastSaved", oid: configSaved, note: "moves with a copy to anywhere: counts only together with the next"},
		{name: "ccmHistoryStartupLastChanged", oid: startupChanged, note: "0 since the start: the startup configuration was not written"},
	},
}

func configGroups() []*group {
	return []*group{&clockGroup, &configTimesGroup, &historyGroup, &softwareGroup}
}
