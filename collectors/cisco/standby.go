package cisco

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"rackpost/collectors"
	"rackpost/collectors/snmp"
	"rackpost/hw"
)

// The places of the objects of standbyGroup.
const (
	standbyUptime = iota
	standbyEngine
	standbyDescr
	standbyObjectID
	standbySerial
	standbyModel
	standbyFailover // names and values of the two units follow
)

// standbyGroup is asked of the other unit of a pair, at an address of its own.
var standbyGroup = group{
	section: sectionStandby, component: "standby/unit", mib: "SNMPv2-MIB, ENTITY-MIB, CISCO-FIREWALL-MIB", kinds: asaOnly,
	also: []object{
		{use: state, as: "reachable", note: "yes or no; no is Critical"},
		{use: state, as: "reason", note: "why it was not reached: no-answer, refused and so on"},
		{use: state, as: "problem", note: "what is wrong with it, in words"},
	},
	objects: []object{
		{name: "sysUpTime", oid: sysUpTime, use: sensor, as: "uptime_seconds", note: "read only where standby: names the address of the other unit; reachable=no when it does not answer"},
		{name: "snmpEngineTime", oid: engineTime, note: "tells how often sysUpTime wrapped, where it agrees"},
		{name: "sysDescr", oid: sysDescr, use: attribute, as: "version", note: "Warning when it is not that of the unit that is polled"},
		{name: "sysObjectID", oid: sysObjectID},
		{name: "entPhysicalSerialNum", oid: entPhys + "11", use: attribute, as: "serial", note: "of the chassis; Critical when it is that of the unit that is polled: both addresses are one unit's"},
		{name: "entPhysicalModelName", oid: entPhys + "13", use: attribute, as: "model", note: "Warning when it is not that of the unit that is polled"},
		{name: "cfwHardwareInformation", oid: cfwStatus + "2", use: state, as: "unit", note: "primary or secondary: of the row with \"(this device)\"; Critical when it is the same as that of the unit that is polled: it stands in another pair"},
		{
			name: "cfwHardwareStatusValue", oid: cfwStatus + "3", use: state, as: "role", words: failoverGroup.objects[failoverValue].words,
			note: "Critical when both units say that they are active",
		},
	},
}

func standbyGroups() []*group { return []*group{&standbyGroup} }

// standbyMemory is the way to the other unit of a pair; without an address there is none.
type standbyMemory struct{ session *snmp.Session }

// openStandby makes the session with the other unit. It does no I/O.
func (c *collector) openStandby() error {
	t := c.target
	if t.Device.Standby == "" {
		return nil
	}
	if c.kind != ASAKind {
		return fmt.Errorf("standby address of a %s: only a firewall has one", c.kind)
	}
	t.Device.Address, t.Memory = t.Device.Standby, &collectors.Memory{}
	s, err := snmp.New(t, &c.shared.buffers)
	if err != nil {
		return fmt.Errorf("standby: %w", err)
	}
	c.standby.session = s
	return nil
}

// startVisit begins the count of requests to both units.
func (c *collector) startVisit() {
	c.session.StartVisit()
	if c.standby.session != nil {
		c.standby.session.StartVisit()
	}
}

// requests returns how many were sent to both units in this visit.
func (c *collector) requests() int {
	n := c.session.Requests()
	if c.standby.session != nil {
		n += c.standby.session.Requests()
	}
	return n
}

// Close implements collectors.Collector.
func (c *collector) Close(context.Context) error {
	err := c.session.Close()
	if c.standby.session != nil {
		err = errors.Join(err, c.standby.session.Close())
	}
	return err
}

// otherUnit is what the other unit of a pair says of itself.
type otherUnit struct {
	descr, objectID        string
	serial, model, version string
	unit, role             string // of itself
	off                    bool   // it has no failover
}

// readStandby asks the other unit of a pair who it is. That it does not answer is what is
// read of it, not a gap.
func (c *collector) readStandby(v *visit) {
	if c.standby.session == nil {
		return
	}
	p := hw.Component{Path: "standby/unit", Section: sectionStandby}
	vars, err := c.standby.session.Get(v.ctx, c.standbyOIDs()...)
	switch {
	case err != nil && v.ctx.Err() != nil:
		v.fail(sectionStandby, collectors.ReasonOf(v.ctx.Err()), "")
		return
	case err != nil:
		reason := collectors.ReasonOf(err)
		p.Health = hw.Critical
		p.State = p.State.With("reachable", "no").With("reason", string(reason))
		v.gauge(p.Path, standbyGroup.objects[standbyUptime].as, 0, reason)
		v.component(p)
		return
	}
	u := otherUnitOf(vars)
	p.State = p.State.With("reachable", "yes").With("unit", u.unit).With("role", u.role)
	p.Attrs = p.Attrs.With("serial", u.serial).With("model", u.model).With("version", u.version)
	problem := ""
	p.Health, problem = c.judgeStandby(v, u)
	p.State = p.State.With("problem", problem)
	uptime(v, p.Path, vars)
	v.component(p)
}

// standbyOIDs returns what the other unit is asked, in the order of standbyGroup: units of a
// pair are alike, so that its chassis has the place of the polled one's.
func (c *collector) standbyOIDs() []string {
	chassis := "1"
	if c.known.index != "" {
		chassis = c.known.index
	}
	o := standbyGroup.objects
	list := []string{
		o[standbyUptime].oid, o[standbyEngine].oid, o[standbyDescr].oid, o[standbyObjectID].oid,
		o[standbySerial].oid + "." + chassis, o[standbyModel].oid + "." + chassis,
	}
	for _, r := range failoverRows[:2] {
		for _, object := range []object{failoverGroup.objects[failoverName], failoverGroup.objects[failoverValue], failoverGroup.objects[failoverDetail]} {
			list = append(list, object.oid+"."+r.index)
		}
	}
	return list
}

// otherUnitOf takes the answers to standbyOIDs apart.
func otherUnitOf(vars []snmp.Var) otherUnit {
	at := func(i int) snmp.Value {
		if i < len(vars) {
			return vars[i].Value
		}
		return snmp.Value{}
	}
	said := func(i int) string { return strings.Clone(at(i).Text()) }
	u := otherUnit{
		descr: said(standbyDescr), objectID: said(standbyObjectID), serial: said(standbySerial), model: said(standbyModel),
		version: softwareVersion(said(standbyDescr)),
	}
	for i, r := range failoverRows[:2] {
		row := standbyFailover + 3*i
		u.off = u.off || strings.EqualFold(said(row+2), "Failover Off")
		if value := at(row + 1); strings.Contains(said(row), thisDevice) {
			u.unit = r.unit
			if value.Type == snmp.TypeInteger && value.Int > 0 {
				u.role = failoverGroup.objects[failoverValue].word(uint64(value.Int))
			}
		}
	}
	return u
}

// judgeStandby judges the other unit and names what is wrong.
func (c *collector) judgeStandby(v *visit, u otherUnit) (hw.Health, string) {
	mine := c.entities
	switch {
	case kindOf(u.descr, u.objectID) != ASAKind:
		return hw.Critical, "the address is not a firewall's"
	case u.serial != "" && u.serial == mine.serial:
		if c.moved(v) {
			return hw.Unknown, ""
		}
		return hw.Critical, "both addresses are the same unit's"
	case u.off:
		return hw.Warning, "failover is off"
	case u.unit != "" && u.unit == c.failover.polled && differ(u.serial, mine.serial):
		if c.moved(v) {
			return hw.Unknown, ""
		}
		return hw.Critical, "it is not the other unit of this pair"
	case u.role == "active" && c.failover.role == "active" && u.unit != c.failover.polled:
		return hw.Critical, "both units are active"
	case failoverHealth(u.role) != hw.OK:
		return failoverHealth(u.role), ""
	case differ(u.model, mine.model):
		return hw.Warning, "another model"
	case differ(u.version, c.identity.version):
		return hw.Warning, "another version"
	}
	return hw.OK, ""
}

// moved reports whether the polled address answers for another unit than at the start of
// the visit: the units changed their roles in between.
func (c *collector) moved(v *visit) bool {
	if c.entities.serialOID == "" {
		return false
	}
	vars, err := c.session.Get(v.ctx, c.entities.serialOID)
	if err != nil || len(vars) == 0 || !vars[0].OK() {
		return true // not known
	}
	return vars[0].Value.Text() != c.entities.probed
}

// differ reports whether two things are known and not the same.
func differ(a, b string) bool { return a != "" && b != "" && a != b }

// uptime adds how long the other unit is up.
func uptime(v *visit, path string, vars []snmp.Var) {
	ticks, engine := vars[standbyUptime], vars[standbyEngine]
	if ticks.Value.Type != snmp.TypeTimeTicks {
		v.gauge(path, standbyGroup.objects[standbyUptime].as, 0, hw.NotSupported)
		return
	}
	n := uint32(ticks.Value.Uint)
	v.gauge(path, standbyGroup.objects[standbyUptime].as, ticksOf(engineWraps(n, engineSeconds(engine.Value)), n).Seconds(), "")
}
