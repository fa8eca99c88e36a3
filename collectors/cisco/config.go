package cisco

import (
	"net/netip"
	"strings"
	"time"

	"rackpost/collectors/snmp"
	"rackpost/hw"
)

// configTimes are when the configuration was changed and written, in ticks of sysUpTime
// (CISCO-CONFIG-MAN-MIB): 0 is not since the device started.
type configTimes struct {
	changed, saved, startup uint32
	hasStartup              bool
}

// The words for the running configuration; "" is not known.
const (
	configIsSaved   = "saved"
	configIsChanged = "changed"
)

// configMemory is what was made of the times last seen. Times that stand still stand for the
// same moments, however often sysUpTime wraps meanwhile.
type configMemory struct {
	seen  bool
	times configTimes
	word  string
}

// observe returns whether the running configuration was changed and not saved. ordered is
// what the history of changes says, "" nothing: it knows the order of two times that may
// lie in different rounds of sysUpTime.
func (m *configMemory) observe(t configTimes, ticks uint32, wraps int64, ordered string) string {
	switch {
	case m.seen && m.times == t && m.word != "":
		return m.word
	case wraps > 0 && (!m.seen || m.times == t):
		m.word = ordered
		if t.changed < settled && t.saved == 0 && t.startup == 0 {
			m.word = configIsSaved
		}
	default:
		m.word = configState(t, ticks, wraps)
	}
	m.seen, m.times = true, t
	return m.word
}

// settled is the uptime in ticks until which a changed configuration is the one that was
// just loaded.
const settled = 5 * 60 * 100

// configState compares the times by their age: the running configuration is saved when both
// it was written after its last change, and the startup configuration was.
func configState(t configTimes, ticks uint32, wraps int64) string {
	if wraps == 0 && t.changed < settled {
		return configIsSaved
	}
	age := ticks - t.changed
	if t.saved == 0 || ticks-t.saved > age {
		return configIsChanged
	}
	if t.hasStartup && (t.startup == 0 || ticks-t.startup > age) {
		return configIsChanged
	}
	return configIsSaved
}

// timesOf returns the times of the configuration out of the first request.
func (s *scalars) timesOf() (configTimes, bool) {
	for _, v := range []snmp.Value{s.ticks, s.changed, s.saved} {
		if v.Type != snmp.TypeTimeTicks {
			return configTimes{}, false
		}
	}
	return configTimes{
		changed: uint32(s.changed.Uint), saved: uint32(s.saved.Uint), startup: uint32(s.startup.Uint),
		hasStartup: s.startup.Type == snmp.TypeTimeTicks,
	}, true
}

// noTime reports whether a device told something where a time belongs, and no time.
func noTime(v snmp.Value) bool {
	return v.Type == snmp.TypeNull || v.Type == snmp.TypeInvalid || v.OK() && v.Type != snmp.TypeTimeTicks
}

// unsavedTime is how long a change may stay unsaved while somebody works on it.
const unsavedTime = 30 * time.Minute

// runningConfig adds the component config/running.
func (c *collector) runningConfig(v *visit) {
	s := &c.identity.scalars
	times, ok := s.timesOf()
	if !ok {
		if noTime(s.changed) || noTime(s.saved) || noTime(s.ticks) && s.changed.OK() {
			v.limit(sectionHealth, hw.Partial)
			v.gap(sectionHealth+"/ccmHistoryRunningLastChanged", hw.Garbage, "not all of the configuration's times are times")
		}
		return
	}
	ticks := uint32(s.ticks.Uint)
	p := hw.Component{Path: "config/running", Section: sectionHealth}
	word := c.config.observe(times, ticks, c.clock.wraps, c.configOrder)
	p.State = p.State.With("config", word)
	switch word {
	case configIsSaved:
		p.Health = hw.OK
	case configIsChanged:
		p.Health = hw.OK
		if time.Duration(ticks-times.changed)*tick >= unsavedTime {
			p.Health = hw.Warning
		}
	}
	v.component(p)
}

// readConfig reads who changed the configuration last, the software that runs and why it was
// started.
func (c *collector) readConfig(v *visit) {
	c.readHistory(v)
	g, ok := c.read(v, &softwareGroup)
	if !ok || !g.any() {
		return
	}
	p := hw.Component{Path: "software/image", Section: sectionConfig, Health: hw.OK}
	for _, row := range g.rows() {
		if s, reason := g.text(row, softwareString); reason == "" {
			p.Attrs = imageAttr(p.Attrs, s)
		}
		if s, reason := g.text(row, softwareReload); reason == "" {
			p.State = p.State.With("reload_reason", s)
		}
	}
	v.component(p)
}

// imageAttr takes what one ciscoImageString says: CW_VERSION$12.2(55)SE10$.
func imageAttr(a hw.Attrs, s string) hw.Attrs {
	key, value, _ := strings.Cut(s, "$")
	value, _, closed := strings.Cut(value, "$")
	if !closed {
		return a
	}
	switch key {
	case "CW_IMAGE":
		return a.With("image", value)
	case "CW_FAMILY":
		return a.With("family", value)
	case "CW_VERSION":
		return a.With("version", value)
	case "CW_MEDIA":
		return a.With("media", value)
	}
	return a
}

// readHistory reads the last changes of the configuration. Where the table was not read
// whole its newest row is not known.
func (c *collector) readHistory(v *visit) {
	c.configOrder = ""
	g, ok := c.read(v, &historyGroup)
	if !ok || !g.whole(historyTime) || !g.whole(historyDestination) || !g.whole(historySource) {
		return
	}
	change, save := -1, -1
	for _, row := range g.rows() { // in the order of their index, which is that of time
		from, noFrom := g.word(row, historySource)
		switch to, reason := g.word(row, historyDestination); {
		case reason != "", to == "startup" && noFrom != "":
			v.limit(sectionConfig, hw.Partial)
			v.gap(sectionConfig+"/"+historyGroup.objects[historyDestination].name, hw.Inconsistent, "which change was the last is not known")
			return
		case to == "running":
			change = row
		case to == "startup" && from == "running":
			save = row
		}
	}
	switch {
	case change >= 0 && save >= 0 && compareIndex(g.index[change], g.index[save]) < 0, change < 0 && save >= 0:
		c.configOrder = configIsSaved
	case change >= 0:
		c.configOrder = configIsChanged
	}
	if change >= 0 {
		v.component(c.lastChange(g, change))
	}
}

// lastChange is the newest row that wrote the running configuration.
func (c *collector) lastChange(g *grid, row int) hw.Component {
	p := hw.Component{Path: "config/last-change", Section: sectionConfig, Health: hw.OK}
	for slot, key := range map[int]string{historyCommand: "via", historyTerminal: "terminal"} {
		if w, reason := g.word(row, slot); reason == "" && w != "unknown" && w != "notApplicable" {
			p.State = p.State.With(key, w)
		}
	}
	user, _ := g.text(row, historyUser)
	p.State = p.State.With("by", user)
	from, _ := g.text(row, historyLocation)
	if a, _ := g.value(row, historyAddress); from == "" && a.Type == snmp.TypeIPAddress {
		if at, ok := netip.AddrFromSlice(a.Bytes); ok && !at.IsUnspecified() {
			from = at.String()
		}
	}
	p.State = p.State.With("from", from)
	if n, reason := g.number(row, historyTime); reason == "" && c.clock.known {
		age := time.Duration(c.clock.ticks-uint32(n)) * tick
		at := c.clock.boot.Add(c.clock.uptime() - age)
		p.State = p.State.With("at", at.UTC().Round(time.Minute).Format(time.RFC3339))
	}
	return p
}
