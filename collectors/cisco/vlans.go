package cisco

import (
	"strconv"
	"strings"

	"rackpost/collectors"
	"rackpost/collectors/snmp"
	"rackpost/hw"
)

// maxVLAN is the greatest VLAN there is.
const maxVLAN = 4094

// toldTrunking is what a port does: yes or no.
const toldTrunking = "trunking"

// readVLANs reads the VLANs, what they are to each port, and the port-channels.
func (c *collector) readVLANs(v *visit) {
	c.needPortNames(v)
	c.readVLANList(v)
	if !c.ports.named {
		v.limit(sectionVLANs, hw.Partial)
		v.gap(sectionVLANs+"/ifName", hw.NotReady, "the ports have no names yet")
		return
	}
	if !c.portsKnown() {
		v.limit(sectionVLANs, hw.Partial) // one of those left out may be a port-channel
	}
	c.readSwitchports(v)
	c.readChannels(v)
}

// readVLANList reads the VLANs of the switch. Of one that several VTP domains have, the
// first counts.
func (c *collector) readVLANList(v *visit) {
	g, ok := c.read(v, &vlanGroup)
	if !ok {
		return
	}
	seen := map[int]bool{}
	for _, row := range g.rows() {
		id, ok := shownVLAN(g, row, vlanType)
		if !ok || seen[id] {
			continue
		}
		seen[id] = true
		word, _ := g.word(row, vlanState)
		name, _ := g.text(row, vlanName)
		v.component(hw.Component{
			Path: "vlan/" + strconv.Itoa(id), Section: sectionVLANs, Health: vlanHealth(word),
			State: hw.Attrs{}.With("state", word), Attrs: hw.Attrs{}.With("name", name),
		})
	}
}

// shownVLAN returns the VLAN of a row of vtpVlanTable, "domain.vlan". It is not ok for the
// defaults of every switch, and for what cannot be a VLAN.
func shownVLAN(g *grid, row, typeSlot int) (id int, ok bool) {
	_, last, _ := strings.Cut(g.index[row], ".")
	id, err := strconv.Atoi(last)
	if err != nil || id < 1 || id > maxVLAN || id >= 1002 && id <= 1005 {
		return 0, false
	}
	n, reason := g.number(row, typeSlot)
	return id, reason != "" || n == ethernetVLAN
}

func vlanHealth(word string) hw.Health {
	switch word {
	case "operational", "suspended":
		return hw.OK
	case "mtuTooBigForDevice", "mtuTooBigForTrunk":
		return hw.Warning
	}
	return hw.Unknown
}

// readSwitchports reads which VLANs a port carries. What could not be read of a port's
// configuration stays as it was; what the port did is then not known.
func (c *collector) readSwitchports(v *visit) {
	g, ok := c.read(v, &switchportGroup)
	if !ok {
		c.tellAll(toldTrunking, "")
		return
	}
	var trunks []*port
	for i := range c.ports.list {
		p := &c.ports.list[i]
		if c.switchport(p, g, rowOf(g, p.index)) {
			trunks = append(trunks, p)
		}
	}
	c.readCarried(v, trunks)
}

// switchport sets what one port is configured as, and reports whether it is a trunk or acts
// as one.
func (c *collector) switchport(p *port, g *grid, row int) (trunk bool) {
	trunking, _ := g.word(row, switchportTrunking)
	mode, reason := g.word(row, switchportMode)
	if reason == "" || reason == hw.NotSupported && !g.present(row) && g.wholeAll() {
		p.mark("mode", mode)
	}
	unread := g.amiss(switchportMode, reason)
	mode = p.attrs.Get("mode")
	if trunking == "no" && mode != "trunk" {
		trunking = "" // as nearly every port: each link that comes up would change its state twice
	}
	p.tell(toldTrunking, trunking)
	trunk = mode == "trunk" || mode != "access" && trunking == "yes"
	switch n, reason := g.number(row, switchportVLAN); {
	case mode == "trunk":
		p.mark("vlan", "")
	case mode == "" && unread:
	case reason == "":
		p.mark("vlan", vlanNumber(n))
	}
	if mode == "access" {
		p.mark("native_vlan", "")
		p.mark("allowed_vlans", "")
	}
	return trunk
}

// vlanNumber writes a VLAN; 0 is none.
func vlanNumber(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

// tellAll sets what another section says of the state of every port.
func (c *collector) tellAll(key, value string) {
	for i := range c.ports.list {
		c.ports.list[i].tell(key, value)
	}
}

// rowOf returns the row of an index, or one that holds nothing.
func rowOf(g *grid, index string) int {
	if row, ok := g.at[index]; ok {
		return row
	}
	return len(g.index)
}

// fetch asks for single objects of a section.
func (c *collector) fetch(v *visit, section string, oids []string) ([]snmp.Var, bool) {
	if v.stopped != "" {
		v.limit(section, hw.Partial)
		return nil, false
	}
	vars, err := c.session.Get(v.ctx, oids...)
	if err != nil {
		c.unread(v, section, collectors.ReasonOf(err), err)
		return nil, false
	}
	return vars, true
}
