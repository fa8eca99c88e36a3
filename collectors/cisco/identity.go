package cisco

import (
	"fmt"
	"slices"
	"strings"

	"rackpost/collectors/snmp"
	"rackpost/hw"
)

// identity is what the device says of itself in SNMPv2-MIB.
type identity struct {
	known    bool
	name     string
	descr    string // first line of sysDescr
	objectID string
	location string
	version  string // of the running software, out of sysDescr
	scalars  scalars

	movements movements
}

// enterprise is the root of Cisco's sysObjectIDs.
const enterprise = "1.3.6.1.4.1.9."

// identify reads what the device is and refuses another kind. A device that does not say
// what it is is taken for what it was configured as.
func (c *collector) identify(v *visit) error {
	vars, err := c.session.Get(v.ctx, sysDescr, sysObjectID, sysName, sysLocation)
	if err != nil {
		return err
	}
	var got [4]snmp.Value
	for i := range vars {
		if i < len(got) {
			got[i] = vars[i].Value
		}
	}
	descr, objectID := got[0].Text(), got[1].Text()
	if hint := refuse(c.kind, descr, objectID); hint != "" {
		return wrongKind(hint)
	}
	c.identity.known = got[0].OK() || got[1].OK()
	c.identity.descr = firstLine(got[0])
	c.identity.version = softwareVersion(descr)
	c.identity.objectID = objectID
	c.identity.name = got[2].Text()
	c.identity.location = got[3].Text()
	return nil
}

// refuse returns what to do when a device is not of the kind, or "".
func refuse(kind, descr, objectID string) string {
	is := kindOf(descr, objectID)
	switch {
	case is == kind || is == unsaid:
		return ""
	case is == CatalystKind || is == ASAKind:
		return fmt.Sprintf("the device says %q: use kind %s", brief(descr), is)
	}
	return fmt.Sprintf("the device says %q, sysObjectID %s: neither a Catalyst switch nor an ASA firewall; %s", brief(descr), objectID, advice(descr))
}

// advice returns what to do about a device of Cisco that is of no kind here.
func advice(descr string) string {
	says := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(descr, w) })
	}
	switch {
	case says("NX-OS"):
		return "it is a Nexus, which is not read"
	case says("FX-OS", "FXOS", "Firepower Extensible Operating System", "Firepower FPR-"):
		return "it is the manager of a Firepower chassis: use the address of the firewall that runs on it"
	case says("IOS XR"):
		return "it is a router with IOS XR, which is not read"
	}
	return "check the address"
}

// What kindOf returns besides the kinds.
const (
	unsaid  = ""
	foreign = "foreign"
)

// kindOf tells the kind of a device by what it says.
func kindOf(descr, objectID string) string {
	if objectID != "" && !strings.HasPrefix(objectID, enterprise) {
		return foreign
	}
	for _, w := range []string{"Adaptive Security Appliance", "Firepower Threat Defense", "Cisco PIX"} {
		if strings.Contains(descr, w) {
			return ASAKind
		}
	}
	for _, w := range []string{"IOS Software", "IOS (tm)", "Internetwork Operating System", "IOS-XE", "IOS XE"} {
		if strings.Contains(descr, w) && !strings.Contains(descr, "IOS XR") {
			return CatalystKind
		}
	}
	if descr != "" {
		return foreign
	}
	return unsaid
}

// softwareVersion returns the version sysDescr names: "12.2(55)SE10", "9.12(2)",
// "16.9.6"; "" when it names none. Of FTD it is that of FTD, which comes first.
func softwareVersion(descr string) string {
	_, rest, ok := strings.Cut(descr, "Version ")
	if !ok {
		return ""
	}
	end := strings.IndexAny(rest, ", \r\n")
	if end < 0 {
		end = len(rest)
	}
	return strings.Clone(rest[:end])
}

// firstLine returns the first line of sysDescr, without the quotes some agents add.
func firstLine(v snmp.Value) string {
	line, _, _ := strings.Cut(string(v.Bytes), "\n")
	v.Bytes = []byte(strings.TrimLeft(line, `"`))
	return v.Text()
}

func brief(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "..."
	}
	return s
}

// unit returns what stands at the position, or nil while its parts were not read.
func (c *collector) unit() *hw.Unit {
	if !c.entities.known {
		return nil
	}
	u := &hw.Unit{
		Serial: c.entities.serial, Model: c.entities.model, Version: c.identity.version,
		Name: c.identity.name, Uptime: c.clock.uptime(), Pair: c.failover.pair,
	}
	if u.Version == "" {
		u.Version = c.entities.version
	}
	return u
}
