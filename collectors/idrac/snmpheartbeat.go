package idrac

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/snmp"
	"rackpost/hw"
	"rackpost/hw/raid"
)

// What the first request asks beside the objects of heartbeatTable.
const (
	sysObjectIDOID = "1.3.6.1.2.1.1.2.0"
	sysNameOID     = "1.3.6.1.2.1.1.5.0"
)

// youngTicks is the uptime, in hundredths of a second, below which a table without rows is not taken for
// one the device lacks: an iDRAC answers before it has seen its storage.
const youngTicks = 15 * 60 * 100

// beat makes the visit's first request, one GET: what the device is, and how it says it is. Its error
// means that the device did not answer, or is none.
func (s *snmpSide) beat(v *snmpVisit) error {
	oids := []string{sysObjectIDOID, sysUpTimeOID, sysNameOID}
	for i := range heartbeatTable.objects {
		oids = append(oids, heartbeatTable.oid(&heartbeatTable.objects[i]))
	}
	vars, err := s.session.Get(v.ctx, oids...)
	if err != nil {
		return err
	}
	own := vars[3:]
	told := 0
	for slot := range own {
		if take(v.beat, slot, own[slot]) {
			told++
		}
	}
	if id := vars[0]; told == 0 && id.Type == snmp.TypeOID && !strings.HasPrefix(string(id.Bytes)+".", idracMIB) {
		return &collectors.VisitError{Reason: hw.WrongKind, Hint: "the device's sysObjectID is " + string(id.Bytes), Err: errors.New("the device is no iDRAC")}
	}
	if told == 0 {
		return s.nothingTold(vars)
	}
	s.follow(v, vars[1].Value, v.beatText("systemServiceTag"))
	v.report.Unit = v.unit(vars[2].Value)
	return nil
}

// nothingTold is the error of a device that answers and shows nothing of IDRAC-MIB.
func (s *snmpSide) nothingTold(vars []snmp.Var) error {
	for _, x := range vars[3:] {
		if x.Reason != hw.NotSupported {
			return &collectors.VisitError{Reason: x.Reason, Err: errors.New("no object of IDRAC-MIB-SMIv2 could be read")}
		}
	}
	return &collectors.VisitError{
		Reason: hw.WrongKind, Err: errors.New("the device shows nothing of IDRAC-MIB-SMIv2"),
		Hint: "an iDRAC shows it to every SNMP user; see that the address is that of the iDRAC and not of the server's own agent",
	}
}

// take puts the answer for a scalar into a grid; false when the device has no such object. One that should be
// there and could not be read makes its cell missing, with the reason.
func take(g *mibGrid, slot int, x snmp.Var) bool {
	switch x.Reason {
	case "":
		g.put(slot, "0", x.Value)
		return true
	case hw.Garbage, hw.NotReady:
		g.put(slot, "0", snmp.Value{Type: snmp.TypeNull})
		return true
	case hw.NotSupported:
		return false
	}
	g.miss(slot, x.Reason)
	return false
}

// beatText returns a text of the first request, "" where there is none.
func (v *snmpVisit) beatText(name string) string {
	if len(v.beat.index) == 0 {
		return ""
	}
	s, _ := v.beat.text(0, heartbeatTable.slot(name))
	return strings.Clone(s)
}

// follow compares the answer with that of the visit before: another unit is another device.
func (s *snmpSide) follow(v *snmpVisit, up snmp.Value, serial string) {
	if serial != "" && s.serial != "" && serial != s.serial {
		s.forget()
		s.rollups = nil
	}
	if serial != "" {
		s.serial = serial
	}
	v.young = up.Type == snmp.TypeTimeTicks && up.Uint < youngTicks
}

// unit says what stands there. Its uptime is the server's.
func (v *snmpVisit) unit(name snmp.Value) *hw.Unit {
	u := &hw.Unit{Serial: v.beatText("systemServiceTag"), Model: v.beatText("systemModelName"), Version: v.beatText("racFirmwareVersion")}
	if name.Type == snmp.TypeOctetString {
		u.Name = name.Text()
	}
	if seconds, reason := v.uptime(); reason == "" {
		u.Uptime = time.Duration(seconds) * time.Second
	}
	return u
}

// uptime returns how long the server has been on. While it is off there is none.
func (v *snmpVisit) uptime() (seconds uint64, absent hw.Reason) {
	if len(v.beat.index) == 0 {
		return 0, hw.NotSupported
	}
	if power, _ := v.beat.word(0, heartbeatTable.slot("systemPowerState")); power == "off" {
		return 0, hw.NotReady
	}
	return v.beat.number(0, heartbeatTable.slot("systemPowerUpTime"))
}

// readHeartbeat tells the first request as the component system, and hastens what a change rolls up.
func (s *snmpSide) readHeartbeat(v *snmpVisit) {
	c := hw.Component{Path: "system", Section: sectionHeartbeat, Attrs: hw.Attrs{}.With(hw.AttrHealthOf, hw.HealthOfAll).With(raid.KeySource, raid.SourceSNMP)}
	for slot := range heartbeatTable.objects {
		if !v.beat.whole(slot) {
			v.partial(sectionHeartbeat, heartbeatTable.objects[slot].name, v.beat.cols[slot].reason, "")
		}
		v.cell(v.beat, 0, slot, &c)
	}
	if v.beat.lacks(heartbeatTable.slot("globalSystemStatus")) {
		n, _ := v.beat.number(0, heartbeatTable.slot("drsGlobalSystemStatus"))
		c.Health = healthOf(n)
	}
	v.report.Components = append(v.report.Components, c)
	seconds, absent := v.uptime()
	v.gauge(c.Path, "uptime_seconds", float64(seconds), absent)
	s.hasten(v, &c)
}

// hasten asks for the sections whose roll-up moved since the heartbeat before, at most once each.
func (s *snmpSide) hasten(v *snmpVisit, c *hw.Component) {
	now := rollups{"": c.Health.String()}
	for word := range rolled() {
		if word != "" {
			now[word] = c.State.Get(word)
		}
	}
	if n, reason := v.beat.value(0, heartbeatTable.slot("numEventLogEntries")); reason == "" && n.Type == snmp.TypeInteger {
		now["entries"] = strconv.FormatInt(n.Int, 10)
	}
	v.report.Hasten, s.rollups = s.rollups.moved(now)
}
