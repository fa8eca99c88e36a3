package idrac

import (
	"regexp"
	"strings"

	"rackpost/collectors/redfish"
	"rackpost/collectors/redfish/parts"
)

// dellNames give the parts the names they have over SNMP: their FQDDs. Where Redfish shows no FQDD it is made of the name:
// that is how the iDRAC makes the name of it.
var dellNames = parts.Names{Fan: fanName, Supply: supplyName, Memory: memoryName}

var (
	fanNumber    = regexp.MustCompile(`Fan ?([0-9]+[A-Z]?)$`)
	supplyNumber = regexp.MustCompile(`^PS ?([0-9]+) Status$`)
	dimmNumber   = regexp.MustCompile(`^DIMM(?:SLOT|\.Slot\.|\.Socket\.| )([A-Z]+[0-9]+)$`)
	portFunction = regexp.MustCompile(`^([A-Za-z]+\.[A-Za-z]+\.[0-9A-Z]+-[0-9]+)-1$`)
)

// fanName is Fan.Embedded.1A: the MemberId is 0x17||Fan.Embedded.1A, or a number beside the name System Board Fan1A.
func fanName(f redfish.ThermalFan) string {
	if id := f.MemberID[strings.LastIndexAny(f.MemberID, "#|")+1:]; strings.Contains(id, "Fan.") {
		return id
	}
	for _, name := range []string{f.Name, f.FanName} {
		if m := fanNumber.FindStringSubmatch(parts.Text(name)); m != nil {
			return "Fan.Embedded." + m[1]
		}
	}
	return parts.Member(f.MemberID, f.Name, f.FanName)
}

// supplyName is PSU.Slot.1: the MemberId, or what Dell adds to it, or that of PS1 Status.
func supplyName(p redfish.PowerSupply) string {
	oem := powerOf(p.Oem)
	for _, id := range []string{p.MemberID, parts.Last(p.Path), oem.DellPowerSupply.ID, oem.DellPowerSupplyView.ID, parts.Last(oem.DellPowerSupply.Path), parts.Last(oem.DellPowerSupplyView.Path)} {
		if strings.HasPrefix(id, "PSU.") {
			return id
		}
	}
	if m := supplyNumber.FindStringSubmatch(parts.Text(p.Name)); m != nil {
		return "PSU.Slot." + m[1]
	}
	return ""
}

// memoryName is DIMM.Socket.A1: the id, or that of an iDRAC8, iDRAC.Embedded.1#DIMMSLOTA1.
func memoryName(id string, m redfish.Memory) string {
	id = id[strings.LastIndexByte(id, '#')+1:]
	for _, name := range []string{id, m.DeviceLocator, m.Name} {
		if n := dimmNumber.FindStringSubmatch(parts.Text(name)); n != nil {
			return "DIMM.Socket." + n[1]
		}
	}
	return id
}

// portName is the port of a function: NIC.Integrated.1-1 of NIC.Integrated.1-1-1. The functions after the first keep their names.
func portName(id string) string {
	if m := portFunction.FindStringSubmatch(id); m != nil {
		return m[1]
	}
	return id
}

// dellPower is what Dell adds to a supply.
type dellPower struct {
	DellPowerSupply struct {
		redfish.Link
		ID string `json:"Id"`
	}
	DellPowerSupplyView struct {
		redfish.Link
		ID            string `json:"Id"`
		DetailedState string
		MaxInputWatts *float64 `json:"Range1MaxInputPowerWatts"`
	}
}

func powerOf(oem redfish.Raw) dellPower {
	var x struct{ Dell dellPower }
	_, _ = oem.Decode(&x) // what is odd costs itself
	return x.Dell
}
