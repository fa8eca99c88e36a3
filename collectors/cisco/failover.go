package cisco

import (
	"strings"

	"rackpost/hw"
)

// The rows of cfwHardwareStatusTable (cfwHardwareType) and the components they are.
var failoverRows = []struct{ index, path string }{
	{"6", "failover/primary"},
	{"7", "failover/secondary"},
	{"4", "failover/link"},
}

// failoverMemory is what the last visit saw of a firewall pair.
type failoverMemory struct {
	pair   bool            // a unit has a role
	polled string          // the row of the unit that answered; "" is unknown
	gone   map[string]bool // rows that were there before the last visit and not at it
}

// thisDevice marks the unit that answers.
const thisDevice = "(this device)"

// readFailover reads the two units of a pair and the link between them.
func (c *collector) readFailover(v *visit) {
	g, ok := c.read(v, &failoverGroup)
	if !ok {
		return
	}
	off := failoverOff(g)
	pair, polled := false, ""
	for _, r := range failoverRows {
		row, known := g.at[r.index]
		if !known || !g.present(row) {
			c.failoverGone(v, r.path)
			continue
		}
		delete(c.failover.gone, r.path)
		name, _ := g.text(row, failoverName)
		this := strings.Contains(name, thisDevice)
		if this {
			polled = r.index
		}
		p := failoverPart(g, row, r.path, name, this, off)
		p.Expected = !off && c.expected(r.path, p.Expected)
		v.component(p)
		role := p.State.Get("role")
		pair = pair || role == "active" || role == "standby"
	}
	c.failover.pair = pair
	if polled != "" && c.failover.polled != "" && polled != c.failover.polled {
		// The address moved to the other unit: its counters are not those of before.
		c.broken = v.now.UnixMilli()
	}
	if polled != "" {
		c.failover.polled = polled
	}
}

// failoverGone keeps a row that vanished for one visit, unknown: while the units change
// their roles some rows are not served.
func (c *collector) failoverGone(v *visit, path string) {
	if !c.parts[path] || c.failover.gone[path] {
		return
	}
	if c.failover.gone == nil {
		c.failover.gone = map[string]bool{}
	}
	c.failover.gone[path] = true
	v.component(hw.Component{Path: path, Section: sectionFailover, Expected: true})
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

// The rows of cfwConnectionStatTable (cfwConnectionStatType) that are read.
var connectionRows = []struct{ index, sensor string }{
	{"6", "current_connections"},
	{"7", "peak_connections"},
}

// readConnections reads the connections through the firewall, now and at most since its
// start.
func (c *collector) readConnections(v *visit) {
	g, ok := c.read(v, &connectionGroup)
	if !ok || !g.any() {
		return
	}
	total := hw.Component{Path: "connections/total", Section: sectionConnections}
	for _, r := range connectionRows {
		row, known := g.at[r.index]
		if !known {
			row = len(g.index)
		}
		n, reason := g.number(row, 0)
		if reason == "" {
			total.Health = hw.OK
		}
		v.gauge(total.Path, r.sensor, float64(n), reason)
	}
	v.component(total)
}
