package cisco

import (
	"slices"
	"strings"

	"rackpost/hw"
)

// markPoEClass is the attribute of the class of what a port feeds.
const markPoEClass = "poe_class"

// toldUnknown is told of a port that was faulty when it was last read, and is not read now.
const toldUnknown = "unknown"

// readPoE reads the power a switch can give and gives, and what its ports do with it.
func (c *collector) readPoE(v *visit) {
	c.needPortNames(v)
	c.readPoEGroups(v)
	c.readPoEPorts(v)
}

func (c *collector) readPoEGroups(v *visit) {
	g, ok := c.read(v, &poeGroup)
	if !ok {
		return
	}
	for _, row := range g.rows() {
		if strings.Contains(g.index[row], ".") {
			continue // no pethMainPseGroupIndex
		}
		oper, _ := g.word(row, poeOper)
		p := hw.Component{Path: "poe/" + g.index[row], Section: sectionPoE, State: hw.Attrs{}.With("oper", oper)}
		budget, noBudget := g.number(row, poeBudget)
		draw, noDraw := g.number(row, poeDraw)
		v.gauge(p.Path, poeGroup.objects[poeBudget].as, float64(budget), noBudget)
		v.gauge(p.Path, poeGroup.objects[poeDraw].as, float64(draw), noDraw)
		usage := c.poeUsage(p.Path, budget, draw, noBudget, noDraw)
		if usage == hw.Warning {
			p.State = p.State.With("usage", "high")
		}
		p.Health = poeHealth(oper, usage)
		if t, reason := g.text64(row, poeThreshold); reason == "" && t != "0" {
			p.Attrs = p.Attrs.With(poeGroup.objects[poeThreshold].as, t)
		}
		v.component(p)
	}
}

// poeUsage judges how much of its budget a group draws. What a reading lacks is unknown,
// unless the device has no such number at all.
func (c *collector) poeUsage(path string, budget, draw uint64, noBudget, noDraw hw.Reason) hw.Health {
	switch {
	case noBudget == "" && noDraw == "" && budget > 0:
		return c.fullness(path, min(draw, budget), budget)
	case noBudget == "" && noDraw == "", isLack(noBudget) && !c.full[path], isLack(noDraw) && !c.full[path]:
		return hw.OK
	}
	return hw.Unknown
}

// poeHealth judges a group by its pethMainPseOperStatus and what it draws. Off is no fault:
// a switch without a supply for it says so, and so does one whose power was switched off.
func poeHealth(oper string, usage hw.Health) hw.Health {
	switch oper {
	case "on":
		return usage
	case "off":
		return hw.OK
	case "faulty":
		return hw.Critical
	}
	return hw.Unknown
}

// poeFaulty reports whether a pethPsePortDetectionStatus is a fault.
func poeFaulty(word string) bool { return word == "fault" || word == "otherFault" }

// readPoEPorts tells of the ports what they do with their power. What is not known of one
// whose power was faulty is told as unknown, so that it is not taken for well.
func (c *collector) readPoEPorts(v *visit) {
	g, ok := c.read(v, &poePortGroup)
	var told map[*port]bool
	settled := false
	if ok && g.any() {
		consistent := c.sameBoot(v, sectionPoE)
		var ports []*port
		ports, settled = c.poePorts(v, g, consistent)
		told = make(map[*port]bool, len(ports))
		for i, row := range g.rows() {
			if ports[i] != nil {
				told[ports[i]] = true
				c.poePort(v, g, row, ports[i], consistent)
			}
		}
	}
	settled = settled && g.whole(poeDetection) || ok && !g.any() && g.wholeAll()
	for i := range c.ports.list {
		if p := &c.ports.list[i]; !told[p] {
			p.tellPoE("", settled)
			if settled {
				p.mark(markPoEClass, "")
			}
		}
	}
}

// tellPoE tells what a port does with its power; "" is nothing, if that is known.
func (p *port) tellPoE(word string, known bool) {
	if was := p.told.Get(toldPoE); word == "" && !known && (poeFaulty(was) || was == toldUnknown) {
		word = toldUnknown
	}
	p.tell(toldPoE, word)
}

// poePorts returns the port of every row of g.rows(). A row that names none, or one that
// another row names too, is a poe-port: it is told here, and its port is nil. It is not
// settled while what names the rows was not read whole; such rows are left out.
func (c *collector) poePorts(v *visit, g *grid, consistent bool) (ports []*port, settled bool) {
	rows := slices.Clone(g.rows())
	ports, settled = make([]*port, len(rows)), true
	alone := make([]bool, len(rows))
	claims := make(map[*port]int, len(rows))
	for i, row := range rows {
		p, known := c.poePortOf(v, g, row)
		settled = settled && known
		ports[i], alone[i] = p, known && p == nil
		claims[p]++
	}
	for i, row := range rows {
		if p := ports[i]; p != nil && claims[p] > 1 {
			ports[i], alone[i] = nil, true
		}
		if alone[i] {
			c.lonePoEPort(v, g, row, consistent)
		}
	}
	return ports, settled
}

// poePortOf returns the port of a row, nil if it names none. It is not known while the
// column, the inventory or the names of the ports were not read whole.
func (c *collector) poePortOf(v *visit, g *grid, row int) (p *port, known bool) {
	n, reason := g.number(row, poeEntity)
	switch {
	case strings.Count(g.index[row], ".") != 1: // no group and port
		v.limit(sectionPoE, hw.Partial)
		return nil, false
	case g.lacks(poeEntity) || reason == "" && n == 0:
		return nil, true
	case reason != "":
		v.limit(sectionPoE, hw.Partial)
		return nil, false
	}
	entity, _ := g.text64(row, poeEntity)
	if p, known = c.portOf(entity); !known {
		c.nameless(v, sectionPoE)
	}
	return p, known
}

// poePort tells of a port what its row says.
func (c *collector) poePort(v *visit, g *grid, row int, p *port, consistent bool) {
	word, reason := g.word(row, poeDetection)
	p.tellPoE(word, reason == "" || isLack(reason))
	if reason == hw.Garbage || reason == hw.OutOfRange {
		p.tell(toldPoE, toldUnknown)
	}
	class, noClass := g.word(row, poeClass)
	switch {
	case word != "" && word != "delivering":
		p.mark(markPoEClass, "")
	case word != "" && noClass == "":
		p.mark(markPoEClass, class)
	}
	poeGauges(v, g, row, p.path)
	c.countLine(v, g, row, poeDenied, p, tallyPoEDenied, consistent)
	c.countLine(v, g, row, poeOverload, p, tallyPoEOverload, consistent)
}

// lonePoEPort adds a row that is no port of the device.
func (c *collector) lonePoEPort(v *visit, g *grid, row int, consistent bool) {
	word, _ := g.word(row, poeDetection)
	p := hw.Component{
		Path: "poe-port/" + g.index[row], Section: sectionPoE, State: hw.Attrs{}.With(toldPoE, word),
	}
	switch {
	case poeFaulty(word):
		p.Health = hw.Warning
	case word != "":
		p.Health = hw.OK
	}
	if class, reason := g.word(row, poeClass); reason == "" && word == "delivering" {
		p.Attrs = p.Attrs.With(markPoEClass, class)
	}
	v.component(p)
	poeGauges(v, g, row, p.Path)
	for _, slot := range [2]int{poeDenied, poeOverload} {
		if !g.lacks(slot) {
			n, reason := g.placed(row, slot, consistent)
			c.counter(v, p.Path, g.cols[slot].object.as, n, c.start(), reason)
		}
	}
}

// poeGauges adds the power of a row, in watts; a column the device lacks has none.
func poeGauges(v *visit, g *grid, row int, path string) {
	for _, slot := range [2]int{poeWatts, poeAllocated} {
		if !g.lacks(slot) {
			n, reason := g.number(row, slot)
			v.gauge(path, poePortGroup.objects[slot].as, float64(n)/1000, reason)
		}
	}
}
