package cisco

import (
	"slices"

	"rackpost/hw"
)

const (
	mib2      = "1.3.6.1.2.1."
	ciscoMgmt = "1.3.6.1.4.1.9.9."
	ifEntry   = mib2 + "2.2.1."
	ifXEntry  = mib2 + "31.1.1.1."
	entPhys   = mib2 + "47.1.1.1.1."
	entSensor = mib2 + "99.1.1.1."
	cpmCPU    = ciscoMgmt + "109.1.1.1.1."
	mempool   = ciscoMgmt + "48.1.1.1."
	cempMem   = ciscoMgmt + "221.1.1.1.1."
	envTemp   = ciscoMgmt + "13.1.3.1."
	envFan    = ciscoMgmt + "13.1.4.1."
	envSupply = ciscoMgmt + "13.1.5.1."
	fruPower  = ciscoMgmt + "117.1.1.2.1."
	cswGlobal = ciscoMgmt + "500.1.1."
	cswSwitch = ciscoMgmt + "500.1.2.1.1."
	cswPort   = ciscoMgmt + "500.1.2.2.1."

	cswVirtualLink = ciscoMgmt + "500.1.2.3.1."
	cswVirtualPort = ciscoMgmt + "500.1.2.4.1."
	fruModule      = ciscoMgmt + "117.1.2.1.1."
	fruFanTray     = ciscoMgmt + "117.1.4.1.1."

	cfwStatus  = ciscoMgmt + "147.1.2.1.1.1."
	cfwConnect = ciscoMgmt + "147.1.2.2.2.1.5.40" // protoIp: all connections
)

var (
	both         = []string{CatalystKind, ASAKind}
	catalystOnly = []string{CatalystKind}
	asaOnly      = []string{ASAKind}
)

// groups returns every table that is read, for the documentation and its tests.
func groups() []*group {
	return slices.Concat([]*group{
		&portGroup, &portNameGroup, &cpuGroup, &oldCPUGroup,
		&poolGroup, &enhancedPoolGroup, &enhancedPool32Group, &systemMemoryGroup, &systemMemory32Group,
		&temperatureGroup, &fanGroup, &supplyGroup, &fruGroup, &moduleGroup, &fanTrayGroup, &entitySensorGroup,
		&memberGroup, &ringGroup, &stackPortGroup, &virtualLinkGroup, &virtualPortGroup, &failoverGroup, &connectionGroup, &entityGroup,
	},
		poeGroups(), linkGroups(), errDisableGroups(), flashGroups(),
		vlanGroups(), spanningTreeGroups(), macGroups(),
		neighbourGroups(), transceiverGroups(), configGroups(),
		vpnGroups(), contextGroups(), standbyGroups(),
	)
}

// The places of the objects of portGroup; the counters follow.
const (
	portAdmin = iota
	portOper
	portDiscontinuity
	portCounters
)

var portGroup = group{
	section: sectionPorts, component: "port/<ifName>", mib: "IF-MIB", kinds: both, timed: true,
	objects: []object{
		{name: "ifAdminStatus", oid: ifEntry + "7", use: state, as: "admin", words: adminWords},
		{name: "ifOperStatus", oid: ifEntry + "8", use: state, as: "oper", words: operWords},
		{name: "ifCounterDiscontinuityTime", oid: ifXEntry + "19", note: "a change breaks the port's counters"},
		counter("ifHCInOctets", ifXEntry+"6", "rx_bytes_total", "ifInOctets", ifEntry+"10"),
		counter("ifHCOutOctets", ifXEntry+"10", "tx_bytes_total", "ifOutOctets", ifEntry+"16"),
		counter("ifHCInUcastPkts", ifXEntry+"7", "rx_unicast_packets_total", "ifInUcastPkts", ifEntry+"11"),
		counter("ifHCOutUcastPkts", ifXEntry+"11", "tx_unicast_packets_total", "ifOutUcastPkts", ifEntry+"17"),
		counter("ifHCInMulticastPkts", ifXEntry+"8", "rx_multicast_packets_total", "ifInMulticastPkts", ifXEntry+"2"),
		counter("ifHCOutMulticastPkts", ifXEntry+"12", "tx_multicast_packets_total", "ifOutMulticastPkts", ifXEntry+"4"),
		counter("ifHCInBroadcastPkts", ifXEntry+"9", "rx_broadcast_packets_total", "ifInBroadcastPkts", ifXEntry+"3"),
		counter("ifHCOutBroadcastPkts", ifXEntry+"13", "tx_broadcast_packets_total", "ifOutBroadcastPkts", ifXEntry+"5"),
		counter("ifInErrors", ifEntry+"14", "rx_errors_total", "", ""),
		counter("ifOutErrors", ifEntry+"20", "tx_errors_total", "", ""),
		counter("ifInDiscards", ifEntry+"13", "rx_discards_total", "", ""),
		counter("ifOutDiscards", ifEntry+"19", "tx_discards_total", "", ""),
	},
}

// portCounterCount is the number of counters of a port.
const portCounterCount = 12

// The places of the octet counters among the port's counters: the only ones whose 32-bit
// fall-back can wrap between two visits.
const (
	counterRxBytes = 0
	counterTxBytes = 1
)

func counter(name, oid, as, narrow, narrowOID string) object {
	o := object{name: name, oid: oid, use: sensor, as: as, kind: hw.Counter}
	if narrow != "" {
		o.other = &object{
			name: narrow, oid: narrowOID, use: sensor, as: as, kind: hw.Counter, max: max32,
			note: "32 bits, only where the device has no 64-bit column",
		}
	} else {
		o.max = max32
		o.note = "32 bits: a value that fell starts the counter anew"
	}
	return o
}

const max32 = 1<<32 - 1

// The places of the objects of portNameGroup.
const (
	portName = iota
	portDescr
	portType
	portAlias
	portHighSpeed
	portSpeed
)

var portNameGroup = group{
	section: sectionPorts, component: "port/<ifName>", mib: "IF-MIB", kinds: both,
	objects: []object{
		{name: "ifName", oid: ifXEntry + "1", note: "names the port; where empty or not unique: ifDescr, then #ifIndex"},
		{name: "ifDescr", oid: ifEntry + "2", use: attribute, as: "descr"},
		{name: "ifType", oid: ifEntry + "3", use: attribute, as: "type", max: 1 << 31},
		{name: "ifAlias", oid: ifXEntry + "18", use: attribute, as: "alias", note: "the configured description"},
		{name: "ifHighSpeed", oid: ifXEntry + "15", use: attribute, as: "speed_bps", max: 1e9, note: "Mb/s, stored as bit/s"},
		{name: "ifSpeed", oid: ifEntry + "5", use: attribute, as: "speed_bps", max: max32, latch: true, note: "where ifHighSpeed is 0"},
	},
}

// portLabelGroup is what people and links change of portNameGroup, in the same places.
var portLabelGroup = group{
	section: sectionPorts, component: "port/<ifName>", mib: "IF-MIB", kinds: both,
	objects: []object{
		portName: {}, portDescr: {}, portType: {},
		portAlias:     portNameGroup.objects[portAlias],
		portHighSpeed: portNameGroup.objects[portHighSpeed],
		portSpeed:     portNameGroup.objects[portSpeed],
	},
}

var adminWords = []string{"", "up", "down", "testing"}

var operWords = []string{"", "up", "down", "testing", "unknown", "dormant", "notPresent", "lowerLayerDown"}

// The places of the objects of cpuGroup and oldCPUGroup; the three loads follow.
const (
	cpuPhysical = iota
	cpuLoads
)

var cpuGroup = group{
	section: sectionCPU, component: "cpu/<entPhysicalName>", mib: "CISCO-PROCESS-MIB", kinds: both,
	objects: []object{
		{name: "cpmCPUTotalPhysicalIndex", oid: cpmCPU + "2", note: "0 where no entity stands behind it; the row's index then names the CPU"},
		load("cpmCPUTotal5secRev", cpmCPU+"6", "busy_5s_percent", "cpmCPUTotal5sec", cpmCPU+"3"),
		load("cpmCPUTotal1minRev", cpmCPU+"7", "busy_1m_percent", "cpmCPUTotal1min", cpmCPU+"4"),
		load("cpmCPUTotal5minRev", cpmCPU+"8", "busy_5m_percent", "cpmCPUTotal5min", cpmCPU+"5"),
		load("cpmCPUInterruptMonIntervalValue", cpmCPU+"11", "interrupt_percent", "", ""),
	},
}

var oldCPUGroup = group{
	section: sectionCPU, component: "cpu/1", mib: "OLD-CISCO-CPU-MIB", kinds: catalystOnly,
	objects: []object{
		{name: "cpmCPUTotalPhysicalIndex", oid: ""},
		load("busyPer", "1.3.6.1.4.1.9.2.1.56", "busy_5s_percent", "", ""),
		load("avgBusy1", "1.3.6.1.4.1.9.2.1.57", "busy_1m_percent", "", ""),
		load("avgBusy5", "1.3.6.1.4.1.9.2.1.58", "busy_5m_percent", "", ""),
	},
}

func load(name, oid, as, old, oldOID string) object {
	o := object{name: name, oid: oid, use: sensor, as: as, max: 100}
	if old != "" {
		o.other = &object{name: old, oid: oldOID, use: sensor, as: as, max: 100, note: "deprecated; where the Rev column is not there"}
	}
	return o
}
