package cisco

import (
	"bytes"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"rackpost/collectors/snmp"
	"rackpost/hw"
)

// treeMemory is what is remembered of the spanning tree.
type treeMemory struct {
	ports        map[uint32]uint32 // ifIndex of each bridge port
	portsAt      time.Time         // when they were read
	whole        bool              // all of them were
	statesAt     time.Time         // when the states of ports were read
	inconsistent bool              // a port whose interface is not known is
	contexts     bool              // the switch has answered in the context of a VLAN
}

// What is told of ports.
const (
	toldTree         = "stp"
	toldInconsistent = "stp_inconsistent"
)

// readSpanningTree reads the tree that the switch shows without a VLAN's context, and every
// five minutes the states of the ports in it.
func (c *collector) readSpanningTree(v *visit) {
	c.needPortNames(v)
	g, ok := c.read(v, &treeGroup)
	steady := c.sameBoot(v, sectionSpanningTree)
	if v.stopped == "" && (v.labels || v.now.Sub(c.tree.statesAt) >= slow*9/10) {
		c.readTreePorts(v)
	}
	switch {
	case !ok:
	case treeShown(g):
		c.addTree(v, sectionSpanningTree, "spanning-tree/1", g, steady, func(n uint32) string { return c.bridgePortName(v, n) })
	case c.tree.inconsistent:
		v.limit(sectionSpanningTree, hw.Partial)
		v.gap(sectionSpanningTree+"/"+treePortGroup.objects[treePortType].name, hw.NotReady, "a port is held back, and which one is not known")
	}
}

// treeShown reports whether there is a tree, or one that could not be read.
func treeShown(g *grid) bool {
	return g.read(treeRoot) > 0 || g.read(treeChanges) > 0 || !g.whole(treeRoot)
}

// addTree tells of one tree. Scalars that are not there leave the others alone.
func (c *collector) addTree(v *visit, section, path string, g *grid, steady bool, portName func(uint32) string) {
	row := rowOf(g, "0")
	p := hw.Component{Path: path, Section: section}
	root, reason := g.value(row, treeRoot)
	id := bridgeID(root)
	if reason == "" && id != "" {
		p.Health, p.State = hw.OK, p.State.With("root", id)
	}
	if cost, reason := g.text64(row, treeCost); reason == "" {
		p.State = p.State.With("root_cost", cost)
	}
	here := ""
	if bridge, reason := g.value(row, treeBridge); reason == "" && id != "" && len(bridge.Bytes) == 6 {
		if here = "no"; bytes.Equal(bridge.Bytes, root.Bytes[2:]) {
			here = "yes"
		}
	}
	p.State = p.State.With("is_root", here)
	if n, reason := g.number(row, treeRootPort); reason == "" && n > 0 && here != "yes" {
		p.State = p.State.With("root_port", portName(uint32(n)))
	}
	if len(g.cols) > treeType {
		mode, _ := g.word(row, treeType)
		p.Attrs = p.Attrs.With("mode", mode)
	}
	if section == sectionSpanningTree && c.tree.inconsistent {
		p.Health, p.State = max(p.Health, hw.Warning), p.State.With(toldInconsistent, "yes")
	}
	v.component(p)
	since, reason := g.number(row, treeSince)
	v.gauge(path, "since_topology_change_seconds", float64(since)/100, reason)
	changes, reason := g.number(row, treeChanges)
	if reason == "" && !steady {
		reason = hw.Inconsistent
	}
	c.counter(v, path, "topology_changes_total", changes, c.start(), reason)
}

// bridgeID writes the eight octets of a bridge ID as 8000.0253ffff0001, else "".
func bridgeID(v snmp.Value) string {
	if v.Type != snmp.TypeOctetString || len(v.Bytes) != 8 {
		return ""
	}
	return hex.EncodeToString(v.Bytes[:2]) + "." + hex.EncodeToString(v.Bytes[2:])
}

// readTreePorts reads what the trees do to ports. A port's state that was not read is not
// told; whether one that was held back still is, is then not known.
func (c *collector) readTreePorts(v *visit) {
	c.tree.statesAt = v.now
	g, ok := c.read(v, &treePortGroup)
	if !ok {
		return
	}
	words, held := map[*port]string{}, map[*port]bool{}
	c.tree.inconsistent = false
	lookups := 0
	for _, row := range g.rows() {
		instance, number, ofInstance := strings.Cut(g.index[row], ".")
		if !ofInstance {
			number = instance
		}
		n, err := strconv.ParseUint(number, 10, 16)
		if err != nil {
			continue
		}
		word, _ := g.word(row, treePortState)
		bad := heldBack(g, row)
		if word == "" && !bad {
			continue
		}
		p := c.bridgePort(v, uint32(n))
		if p == nil && bad && lookups < maxLookups {
			var answered bool
			if lookups++; c.tree.contexts || lookups == 1 {
				p, answered = c.portInVLAN(v, instance, uint32(n))
				c.tree.contexts = c.tree.contexts || answered
			}
		}
		switch {
		case p != nil && bad:
			held[p] = true
		case p != nil:
			words[p] = word
		case bad:
			c.tree.inconsistent = true
		}
	}
	unread := false
	for slot := treePortType; slot <= treePortLoop; slot++ {
		unread = unread || !g.whole(slot)
	}
	for i := range c.ports.list {
		p := &c.ports.list[i]
		p.tell(toldTree, words[p])
		switch {
		case held[p]:
			p.tell(toldInconsistent, "yes")
		case !unread:
			p.tell(toldInconsistent, "")
		case p.told.Get(toldInconsistent) != "":
			p.tell(toldInconsistent, toldUnknown)
		}
	}
}

// maxLookups bounds the ports that are looked up in the context of their VLAN at one visit.
const maxLookups = 4

// portInVLAN looks a bridge port up in the context of a VLAN, where alone the switch shows
// one that does not carry VLAN 1. It returns nil where the port is not there, and whether
// there is such a context.
func (c *collector) portInVLAN(v *visit, vlan string, n uint32) (p *port, answered bool) {
	id, err := strconv.Atoi(vlan)
	if err != nil || id <= 1 || v.stopped != "" || c.session.UseVLAN(id) != nil {
		return nil, false
	}
	c.session.Tries(1)
	vars, err := c.session.Get(v.ctx, basePortGroup.objects[0].oid+"."+strconv.FormatUint(uint64(n), 10))
	c.ownContext()
	switch {
	case err != nil:
		c.alive(v)
		return nil, false
	case vars[0].Reason != "" || vars[0].Int < 1 || vars[0].Int > max32:
		return nil, true
	}
	c.keepBasePort(n, uint32(vars[0].Int))
	return c.port(strconv.FormatInt(vars[0].Int, 10)), true
}

// keepBasePort remembers which interface a bridge port is.
func (c *collector) keepBasePort(n, ifIndex uint32) {
	if c.tree.ports == nil {
		c.tree.ports = map[uint32]uint32{}
	}
	if len(c.tree.ports) < maxRows {
		c.tree.ports[n] = ifIndex
	}
}

// heldBack reports whether a row says that its port is inconsistent.
func heldBack(g *grid, row int) bool {
	for slot := treePortType; slot <= treePortLoop; slot++ {
		x, reason := g.value(row, slot)
		switch {
		case reason != "":
		case x.Type == snmp.TypeOctetString: // BITS
			if slot < treePortRoot && len(bytes.Trim(x.Bytes, "\x00")) > 0 {
				return true
			}
		case x.Type == snmp.TypeInteger && x.Int == 1: // true
			return true
		}
	}
	return false
}

// bridgePort returns the port of a bridge port, or nil. The numbers are read hourly, and
// when one is met that is not known, every five minutes at most.
func (c *collector) bridgePort(v *visit, n uint32) *port {
	_, known := c.tree.ports[n]
	age := v.now.Sub(c.tree.portsAt)
	if !known && age >= slow*9/10 || age >= hourly {
		c.readBasePorts(v)
	}
	ifIndex, known := c.tree.ports[n]
	if !known {
		return nil
	}
	return c.port(strconv.FormatUint(uint64(ifIndex), 10))
}

// bridgePortName returns how the port of a bridge port is named in a state, or "" while
// that is not known.
func (c *collector) bridgePortName(v *visit, n uint32) string {
	if p := c.bridgePort(v, n); p != nil {
		return p.name()
	}
	if c.tree.whole && c.portsKnown() {
		return "#" + strconv.FormatUint(uint64(n), 10)
	}
	v.limit(sectionSpanningTree, hw.Partial)
	v.gap(sectionSpanningTree+"/"+basePortGroup.objects[0].name, hw.NotReady, "the interfaces of the bridge ports were not read whole yet")
	return ""
}

// readBasePorts reads which interface each bridge port is. A reading that was cut takes
// none away.
func (c *collector) readBasePorts(v *visit) {
	g, ok := c.read(v, &basePortGroup)
	if !ok {
		return
	}
	c.tree.portsAt = v.now
	found, whole := make(map[uint32]uint32, g.read(0)), g.whole(0)
	for _, row := range g.rows() {
		n, err := strconv.ParseUint(g.index[row], 10, 32)
		ifIndex, reason := g.number(row, 0)
		if whole = whole && reason == ""; err == nil && reason == "" {
			found[uint32(n)] = uint32(ifIndex)
		}
	}
	if c.tree.whole = whole; !whole {
		for n, ifIndex := range c.tree.ports {
			if _, ok := found[n]; !ok && len(found) < maxRows {
				found[n] = ifIndex
			}
		}
	}
	c.tree.ports = found
}
