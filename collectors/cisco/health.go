package cisco

import (
	"bytes"
	"strconv"
	"time"

	"rackpost/collectors/snmp"
	"rackpost/hw"
)

// The scalars of the first request of a visit. One answer holds them all, so that they
// belong together.
const (
	sysDescr      = mib2 + "1.1.0"
	sysObjectID   = mib2 + "1.2.0"
	sysUpTime     = mib2 + "1.3.0"
	sysName       = mib2 + "1.5.0"
	sysLocation   = mib2 + "1.6.0"
	engineBoots   = "1.3.6.1.6.3.10.2.1.2.0"
	engineTime    = "1.3.6.1.6.3.10.2.1.3.0"
	ifTableChange = mib2 + "31.1.5.0"
	ifStackChange = mib2 + "31.1.6.0"
	entLastChange = mib2 + "47.1.4.1.0"
	configChanged = ciscoMgmt + "43.1.1.1.0" // ccmHistoryRunningLastChanged
	configSaved   = ciscoMgmt + "43.1.1.2.0" // ccmHistoryRunningLastSaved

	startupChanged = ciscoMgmt + "43.1.1.3.0" // ccmHistoryStartupLastChanged
)

// scalars are the answers to the first request.
type scalars struct {
	ticks, engine, boots     snmp.Value
	objectID, name           snmp.Value
	portsChanged, entChanged snmp.Value
	stackChanged             snmp.Value
	changed, saved, startup  snmp.Value
	serial                   snmp.Value // of the chassis known; not asked before one is
}

// readClock makes the visit's first request: the clocks of the device, and what tells that
// it is still the same one. Its error means that the device did not answer.
func (c *collector) readClock(v *visit) error {
	oids := []string{
		sysUpTime, engineTime, engineBoots, sysObjectID, sysName,
		ifTableChange, ifStackChange, entLastChange, configChanged, configSaved, startupChanged,
	}
	if c.entities.serialOID != "" {
		oids = append(oids, c.entities.serialOID)
	}
	vars, err := c.session.Get(v.ctx, oids...)
	if err != nil {
		return err
	}
	v.now = time.Now()
	s := &c.identity.scalars
	into := []*snmp.Value{
		&s.ticks, &s.engine, &s.boots, &s.objectID, &s.name,
		&s.portsChanged, &s.stackChanged, &s.entChanged, &s.changed, &s.saved, &s.startup, &s.serial,
	}
	before := *s
	s.serial = snmp.Value{}
	for i := range vars {
		if i < len(into) {
			*into[i] = vars[i].Value
			into[i].Bytes = bytes.Clone(vars[i].Bytes) // not the whole answer, for as long as the device is watched
		}
	}
	now := *s
	c.follow(v, before, now)
	c.identity.scalars = now
	return nil
}

// follow compares the answers with those of the visit before: a restart, another unit,
// new ports, new parts.
func (c *collector) follow(v *visit, before, now scalars) {
	if c.clock.known && c.clock.uptime() < young {
		clear(c.lacks)
	}
	restarted := c.clock.observe(reading{
		at: v.now, ticks: uint32(now.ticks.Uint), hasTicks: now.ticks.Type == snmp.TypeTimeTicks,
		engine: engineSeconds(now.engine),
	})
	serial := textOf(now.serial)
	if placeholder(serial) {
		serial = "" // the chassis does not tell it just now
	}
	otherSort := before.objectID.Type == now.objectID.Type && differs(before.objectID, now.objectID)
	other := c.identity.known && (otherSort || serial != "" && serial != c.entities.probed)
	if restarted {
		c.restart()
		c.broken = 0 // the new start of the clock is theirs
	} else if other {
		c.restart()
		c.broken = v.now.UnixMilli()
	}
	if differs(before.portsChanged, now.portsChanged) {
		c.ports.stale = true
	}
	if differs(before.entChanged, now.entChanged) {
		c.entities.read, c.entities.tries = false, 0
	}
	if name := textOf(now.name); name != "" && differs(before.name, now.name) {
		c.identity.name = name
	}
	c.hasten(v, before, now, restarted || other)
}

// textOf returns an answer as clean text, "" for what is none.
func textOf(v snmp.Value) string {
	if v.Type != snmp.TypeOctetString {
		return ""
	}
	return v.Text()
}

// differs reports whether two answers were given and are not the same.
func differs(a, b snmp.Value) bool {
	return a.OK() && b.OK() && (a.Uint != b.Uint || a.Int != b.Int || string(a.Bytes) != string(b.Bytes))
}

func engineSeconds(v snmp.Value) int64 {
	if v.Type == snmp.TypeInteger && v.Int > 0 {
		return v.Int
	}
	return 0
}

// readHealth turns the first request into the components system and config/running.
func (c *collector) readHealth(v *visit) {
	s := &c.identity.scalars
	sys := hw.Component{Path: "system", Section: sectionHealth, Health: hw.OK}
	if s.boots.Type == snmp.TypeInteger && s.boots.Int >= 0 {
		sys.State = sys.State.With("engine_boots", strconv.FormatInt(s.boots.Int, 10))
	}
	sys.Attrs = sys.Attrs.With("name", c.identity.name).With("descr", c.identity.descr).
		With("location", c.identity.location).With("object_id", c.identity.objectID)
	v.component(sys)
	if c.kind == CatalystKind {
		c.runningConfig(v)
	}
	if !c.clock.known || s.ticks.Type != snmp.TypeTimeTicks {
		v.gauge(sys.Path, "uptime_seconds", 0, hw.NotSupported)
		return
	}
	v.gauge(sys.Path, "uptime_seconds", c.clock.uptime().Seconds(), "")
}
