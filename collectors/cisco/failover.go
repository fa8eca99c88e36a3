package cisco

import (
	"strings"

	"rackpost/hw"
)

// The rows of cfwHardwareStatusTable (cfwHardwareType) and the components they are.
var failoverRows = []struct{ index, unit, path string }{
	{"6", "primary", "failover/primary"},
	{"7", "secondary", "failover/secondary"},
	{"4", "", "failover/link"},
}

// failoverMemory is what was seen of a firewall pair. It outlives the change of roles, at
// which the other unit takes over the address and some rows are not served for a while.
type failoverMemory struct {
	pair   bool            // a unit has a role
	polled string          // the unit that answered: primary, secondary, or "" when not known
	role   string          // its cfwHardwareStatusValue
	active string          // the unit that is active: see activeUnit
	rows   map[string]bool // paths of the rows that were there
	gone   map[string]bool // those of them that were away at the last visit
	served bool            // there were rows at all: they are asked for again
}

// restarted is what is still true of a pair after the unit that answers started anew, or
// after the other one took its address.
func (m failoverMemory) restarted() failoverMemory {
	m.polled, m.role = "", ""
	return m
}

// thisDevice marks the unit that answers.
const thisDevice = "(this device)"

// twoUnits is what one visit saw of the two units.
type twoUnits struct {
	off     bool
	words   map[string]string // cfwHardwareStatusValue by unit; none where it was not told
	missing map[string]bool   // units whose row is away for longer than a change of roles takes
	polled  string
}

// readFailover reads the two units of a pair, the link between them, and what they are
// together.
func (c *collector) readFailover(v *visit) {
	g, _ := c.read(v, &failoverGroup)
	switch {
	case v.stopped != "":
		return
	case g.any():
		c.failover.served = true
	case c.failover.served:
		c.askAgain(&failoverGroup)
	}
	if !g.any() && len(c.failover.rows) == 0 {
		return
	}
	seen := twoUnits{off: failoverOff(g), words: map[string]string{}, missing: map[string]bool{}}
	for _, r := range failoverRows {
		row, known := g.at[r.index]
		if !known || !g.present(row) {
			seen.missing[r.unit] = c.failoverGone(v, r.path, g.wholeAll())
			continue
		}
		delete(c.failover.gone, r.path)
		name, _ := g.text(row, failoverName)
		this := strings.Contains(name, thisDevice)
		if this && r.unit != "" {
			seen.polled = r.unit
		}
		p := failoverPart(g, row, r.path, name, this, seen.off)
		p.Expected = !seen.off && c.failoverSeen(r.path, p.Expected)
		v.component(p)
		seen.words[r.unit], _ = g.word(row, failoverValue)
	}
	c.pair(v, seen)
}

// pair adds what the two units are together, and remembers who answered.
func (c *collector) pair(v *visit, seen twoUnits) {
	m := &c.failover
	primary, secondary := seen.words["primary"], seen.words["secondary"]
	role := inRoleWord(primary) || inRoleWord(secondary)
	if p := pairPart(seen, m.pair); p.Path != "" {
		v.component(p)
	}
	switch {
	case seen.off || seen.missing["primary"] && seen.missing["secondary"]:
		*m = failoverMemory{polled: m.polled, active: m.active, served: m.served} // no pair any more
	case primary != "" && secondary != "":
		m.pair = role
	default:
		m.pair = m.pair || role
	}
	if seen.polled != "" && m.polled != "" && seen.polled != m.polled {
		// The address moved to the other unit: its counters are not those of before.
		c.broken = v.now.UnixMilli()
	}
	m.role = ""
	if seen.polled != "" {
		m.role = seen.words[seen.polled]
	}
	if active := activeUnit(primary, secondary); active != "" {
		if m.active != "" && active != m.active {
			c.soon(v, sectionStandby, sectionInventory)
		}
		m.active = active
	}
	if seen.polled != "" {
		m.polled = seen.polled
	}
}

func inRoleWord(word string) bool { return word == "active" || word == "standby" }

// pairPart judges the pair. A unit that failed is a fault of its own: here it is told that
// nothing would take over. A firewall that told nothing of either unit has no pair, unless
// it was one at the last visit.
func pairPart(seen twoUnits, was bool) hw.Component {
	p := hw.Component{Path: "failover/pair", Section: sectionFailover}
	primary, secondary := seen.words["primary"], seen.words["secondary"]
	switch {
	case seen.off:
		p.Health, p.State = hw.OK, p.State.With("failover", "off")
		return p
	case primary == "" && secondary == "" && (!was || seen.missing["primary"] && seen.missing["secondary"]):
		return hw.Component{}
	}
	p.State = p.State.With("failover", "on").With("active", activeUnit(primary, secondary))
	p.Health = pairHealth(seen, primary, secondary)
	return p
}

// activeUnit names the unit that is active: primary, secondary, both, none, or "" while
// one of them does not tell.
func activeUnit(primary, secondary string) string {
	switch {
	case primary == "active" && secondary == "active":
		return "both"
	case primary == "active":
		return "primary"
	case secondary == "active":
		return "secondary"
	case primary != "" && secondary != "":
		return "none"
	}
	return ""
}

// pairHealth is OK for one active and one standby unit.
func pairHealth(seen twoUnits, primary, secondary string) hw.Health {
	other := ""
	switch activeUnit(primary, secondary) {
	case "both", "none":
		return hw.Critical
	case "primary":
		if other = secondary; seen.missing["secondary"] {
			return hw.Warning
		}
	case "secondary":
		if other = primary; seen.missing["primary"] {
			return hw.Warning
		}
	}
	switch other {
	case "standby", "backup":
		return hw.OK
	case "", "other":
		return hw.Unknown
	}
	return hw.Warning
}

// failoverSeen remembers a row that was there, and reports whether it is expected.
func (c *collector) failoverSeen(path string, there bool) bool {
	if there && c.failover.rows == nil {
		c.failover.rows = map[string]bool{}
	}
	if there {
		c.failover.rows[path] = true
	}
	return c.failover.rows[path]
}

// failoverGone keeps a row that was there and is not, unknown: one that could not be read,
// and for one visit one that is not served. It reports whether the row is away for longer.
func (c *collector) failoverGone(v *visit, path string, whole bool) bool {
	if !c.failover.rows[path] {
		return false
	}
	if whole && c.failover.gone[path] {
		return true
	}
	if whole && c.failover.gone == nil {
		c.failover.gone = map[string]bool{}
	}
	if whole {
		c.failover.gone[path] = true
	}
	v.component(hw.Component{Path: path, Section: sectionFailover, Expected: true})
	return false
}

// failoverPart makes a component of one row.
func failoverPart(g *grid, row int, path, name string, this, off bool) hw.Component {
	word, _ := g.word(row, failoverValue)
	detail, _ := g.text(row, failoverDetail)
	p := hw.Component{Path: path, Section: sectionFailover}
	p.Attrs = p.Attrs.With("name", strings.TrimSpace(strings.Replace(name, thisDevice, "", 1)))
	p.State = p.State.With("detail", detail)
	if this {
		p.State = p.State.With("polled", "yes")
	}
	if off {
		p.Health = hw.OK
		p.State = p.State.With("failover", "off")
		return p
	}
	p.Health, p.Expected = failoverHealth(word), word != ""
	key := "role"
	if path == "failover/link" {
		key = "state"
	}
	p.State = p.State.With(key, word)
	if word != "" {
		p.State = p.State.With("failover", "on")
	}
	return p
}

// failoverOff reports whether the pair is configured to be none.
func failoverOff(g *grid) bool {
	for row := range g.index {
		if detail, _ := g.text(row, failoverDetail); strings.EqualFold(detail, "Failover Off") {
			return true
		}
	}
	return false
}

// failoverHealth judges a cfwHardwareStatusValue.
func failoverHealth(word string) hw.Health {
	switch word {
	case "active", "standby", "up", "backup":
		return hw.OK
	case "busy", "noMedia":
		return hw.Warning
	case "down", "error", "overTemp":
		return hw.Critical
	}
	return hw.Unknown
}
