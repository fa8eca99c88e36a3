package cisco

import "rackpost/hw"

const (
	pethMain = mib2 + "105.1.3.1.1."
	pethPort = mib2 + "105.1.1.1."
	cpeExt   = ciscoMgmt + "402.1.2.1."
)

func poeGroups() []*group { return []*group{&poeGroup, &poePortGroup} }

// The places of the objects of poeGroup.
const (
	poeBudget = iota
	poeOper
	poeDraw
	poeThreshold
)

var poeGroup = group{
	section: sectionPoE, component: "poe/<pethMainPseGroupIndex>", mib: "POWER-ETHERNET-MIB", kinds: catalystOnly,
	also: []object{{use: state, as: "usage", note: "high, and a warning, from 90 % of the budget drawn, until it is below 85 %"}},
	objects: []object{
		{
			name: "pethMainPsePower", oid: pethMain + "2", use: sensor, as: "budget_watts", max: max32, latch: true,
			note: "a group is a member of a stack, or a chassis",
		},
		{
			name: "pethMainPseOperStatus", oid: pethMain + "3", use: state, as: "oper", words: []string{"", "on", "off", "faulty"},
			note: "faulty is critical; off is no fault: a switch without a supply for it says so",
		},
		{
			name: "pethMainPseConsumptionPower", oid: pethMain + "4", use: sensor, as: "draw_watts", max: max32, latch: true,
		},
		{
			name: "pethMainPseUsageThreshold", oid: pethMain + "5", use: attribute, as: "usage_threshold_percent", max: 99,
			note: "of the device's own trap; IOS answers 0, outside the MIB's 1..99: then it is not told",
		},
	},
}

// The places of the objects of poePortGroup.
const (
	poeDetection = iota
	poeClass
	poeDenied
	poeOverload
	poeWatts
	poeAllocated
	poeEntity
)

var poePortGroup = group{
	section: sectionPoE, component: "port/<ifName>, poe-port/<group>.<port>", mib: "POWER-ETHERNET-MIB, CISCO-POWER-ETHERNET-EXT-MIB",
	kinds: catalystOnly, timed: true,
	objects: []object{
		{
			name: "pethPsePortDetectionStatus", oid: pethPort + "6", use: state, as: toldPoE,
			words: []string{"", "disabled", "searching", "delivering", "fault", "test", "otherFault"},
			note:  "fault and otherFault are a warning, unless the port is shut by a person",
		},
		{
			name: "pethPsePortPowerClassifications", oid: pethPort + "10", use: attribute, as: markPoEClass,
			words: []string{"", "0", "1", "2", "3", "4", "5", "6", "7", "8"},
			note:  "only while the port delivers power: the MIB gives it no meaning before. The MIB ends at 4",
		},
		counter("pethPsePortPowerDeniedCounter", pethPort+"12", "poe_denied_total", "", ""),
		counter("pethPsePortOverLoadCounter", pethPort+"13", "poe_overload_total", "", ""),
		{
			name: "cpeExtPsePortPwrConsumption", oid: cpeExt + "9", use: sensor, as: "poe_watts", kind: hw.Gauge, max: max32, latch: true,
			note: "mW in the MIB",
		},
		{
			name: "cpeExtPsePortPwrAllocated", oid: cpeExt + "7", use: sensor, as: "poe_allocated_watts", kind: hw.Gauge, max: max32, latch: true,
			note: "mW in the MIB. What is set aside for the port: a port is denied power when this, not the draw, exhausts the budget",
		},
		{
			name: "cpeExtPsePortEntPhyIndex", oid: cpeExt + "11", max: 1<<31 - 1,
			note: "the part whose name is the port's. The index of the row is no ifIndex: a row that names no port is a poe-port",
		},
	},
}
