package cisco

import (
	"strconv"
	"strings"

	"rackpost/hw"
)

// maxDisabledVLANs bounds the rows that are told of one port.
const maxDisabledVLANs = 16

// readErrDisabled tells of the ports that the switch itself shut why it did. The table
// holds a port only while it is shut, so an empty one says that none is; whether there is
// such a table is known by a scalar beside it. seen is what was read of the ports.
func (c *collector) readErrDisabled(v *visit, seen *grid) {
	if c.kind != CatalystKind {
		for i := range c.ports.list {
			c.ports.list[i].unsure = false // a firewall shuts no port by itself
		}
		return
	}
	if !c.tables[&errDisableGlobalGroup].had {
		if g, ok := c.read(v, &errDisableGlobalGroup); ok && !g.any() && g.wholeAll() {
			c.inferErrDisabled(v, seen)
			return
		}
	}
	g, ok := c.read(v, &errDisableGroup)
	causes := map[string]string{}
	if ok && g.any() {
		causes = disabledPorts(g)
	}
	for i := range c.ports.list {
		p := &c.ports.list[i]
		p.tellDisabled(causes[p.index], ok && g.whole(0))
	}
}

// disabledPort is why a port is shut, as far as rows of it were seen.
type disabledPort struct {
	text, last string // all causes, and the latest
	rows       int
}

// disabledPorts returns why ports are shut, by ifIndex: the cause, and the VLANs where not
// the whole port is shut.
func disabledPorts(g *grid) map[string]string {
	ports := map[string]disabledPort{}
	for _, row := range g.rows() {
		index, vlan, _ := strings.Cut(g.index[row], ".")
		if cause, read := disabledBy(g, row); read {
			ports[index] = ports[index].with(cause, vlan)
		}
	}
	causes := make(map[string]string, len(ports))
	for index, p := range ports {
		causes[index] = p.text
	}
	return causes
}

// with adds a row, up to a bound.
func (d disabledPort) with(cause, vlan string) disabledPort {
	switch d.rows++; {
	case d.rows > maxDisabledVLANs+1:
		return d
	case d.rows > maxDisabledVLANs:
		d.text += " ..."
		return d
	}
	vlan, _, _ = strings.Cut(vlan, ".")
	label := " vlan "
	switch {
	case d.text == "":
		d.text = cause
	case cause != d.last:
		d.text += ", " + cause
	case strings.Contains(d.text, label):
		label = " "
	}
	d.last = cause
	if vlan != "" && vlan != "0" {
		d.text += label + vlan
	}
	return d
}

// disabledBy returns the cause of a row: a number the MIB has no name for is told as such,
// and what is no number as unknown. An answer that there is no such row is none.
func disabledBy(g *grid, row int) (cause string, read bool) {
	n, reason := g.number(row, 0)
	switch {
	case isLack(reason):
		return "", false
	case reason != "":
		return toldUnknown, true
	}
	if word := errDisableGroup.objects[0].word(n); word != "" {
		return word, true
	}
	return "cause-" + strconv.FormatUint(n, 10), true
}

// inferErrDisabled finds the ports that port security shut on a switch that does not say
// why a port is shut.
func (c *collector) inferErrDisabled(v *visit, seen *grid) {
	g, ok := c.read(v, &portSecurityGroup)
	for i := range c.ports.list {
		p := &c.ports.list[i]
		cause, known := "", ok && g.whole(0)
		if row, has := g.at[p.index]; ok && has {
			word, reason := g.word(row, 0)
			known = reason == "" || isLack(reason)
			if word == "shutdown" && isDown(seen, p.index) {
				cause = errDisableGroup.objects[0].words[causePortSecurity]
			}
		}
		p.tellDisabled(cause, known)
	}
}

// isDown reports whether a port that should have a link has none.
func isDown(seen *grid, index string) bool {
	row, ok := seen.at[index]
	if !ok {
		return false
	}
	admin, _ := seen.word(row, portAdmin)
	oper, _ := seen.word(row, portOper)
	return admin == "up" && oper == "down"
}

// tellDisabled tells why a port is shut; "" is that it is not, if that is known. If not, a
// port that was shut, or that loses its link now, is not known to be well.
func (p *port) tellDisabled(cause string, known bool) {
	switch {
	case cause != "" || known:
		p.tell(toldErrDisabled, cause)
		p.unsure = false
		return
	case p.told.Get(toldErrDisabled) != "":
		p.tell(toldErrDisabled, toldUnknown)
	}
	p.unsure = p.unsure || p.oper != "down"
}

// untell takes back what was told of a port before the device started: what was faulty is
// unknown until it is read.
func (p *port) untell() {
	shut, power := p.told.Get(toldErrDisabled), p.told.Get(toldPoE)
	p.told, p.state, p.unsure = nil, nil, true
	if shut != "" {
		p.tell(toldErrDisabled, toldUnknown)
	}
	if poeFaulty(power) || power == toldUnknown {
		p.tell(toldPoE, toldUnknown)
	}
}

// judgeTold judges a port by what other sections say of it; ok is that they say nothing bad.
func judgeTold(p *port) (h hw.Health, ok bool) {
	shut, poe := p.told.Get(toldErrDisabled), p.told.Get(toldPoE)
	switch {
	case shut != "" && shut != toldUnknown:
		return hw.Critical, false
	case poeFaulty(poe), p.told.Get(toldInconsistent) == "yes":
		return hw.Warning, false
	case shut == toldUnknown, poe == toldUnknown, p.told.Get(toldInconsistent) == toldUnknown, p.unsure && p.oper == "down":
		return hw.Unknown, false
	}
	return hw.OK, true
}
