package cisco

import (
	"strconv"
	"strings"

	"rackpost/collectors/snmp"
	"rackpost/hw"
)

// channelMemory is what is remembered of the port-channels.
type channelMemory struct {
	of   map[string]string // the channel of each member, both by ifIndex, at the last whole reading
	up   map[string]bool   // channels of which a member was up, by ifIndex
	turn int               // the trunk whose list is read next: see inTurn
}

// bond is what is known of a port and a port-channel.
type bond struct {
	channel  string // ifIndex
	bundled  bool   // it carries the channel's frames, if its link is up
	selected bool   // it is configured to, and is not bundled
}

// link is the state of an interface; a word that is not known is empty.
type link struct{ admin, oper string }

// readChannels reads which port is in which port-channel, and whether all of them are up.
// While the channel of one port is not known nothing is told of any: it may be missing in
// each of them.
func (c *collector) readChannels(v *visit) {
	channels := c.channelPorts()
	var bonds map[string]bond
	if len(channels) > 0 {
		var ok bool
		if bonds, ok = c.bonds(v, channels); !ok {
			return
		}
		for index, former := range c.channels.of {
			if _, known := bonds[index]; !known && channels[former] && c.port(index) != nil {
				bonds[index] = bond{channel: former}
			}
		}
	}
	links, ok := c.links(v, channels, bonds)
	if !ok {
		return
	}
	for index, b := range bonds {
		if !b.bundled && !b.selected && links[index].oper == "up" {
			delete(bonds, index) // it left, and works on its own: a person took it out
		}
	}
	c.settleChannels(bonds)
	for i := range c.ports.list {
		if p := &c.ports.list[i]; channels[p.index] {
			c.channel(v, p, bonds, links)
		}
	}
}

// channelPorts returns the ifIndexes of the port-channels.
func (c *collector) channelPorts() map[string]bool {
	found := map[string]bool{}
	for i := range c.ports.list {
		if p := &c.ports.list[i]; p.isChannel() {
			found[p.index] = true
		}
	}
	return found
}

// isChannel reports whether a port is a port-channel by its type, which IOS gives all that
// is virtual alike, or its name. A subinterface, Po1.20, is none.
func (p *port) isChannel() bool {
	if p.attrs.Get("type") == "ieee8023adLag" {
		return true
	}
	number, ok := strings.CutPrefix(strings.ToLower(p.name()), "po")
	number = strings.TrimPrefix(number, "rt-channel")
	_, err := strconv.ParseUint(number, 10, 16)
	return ok && err == nil
}

// settleChannels remembers the members, and marks each with the name of its channel.
func (c *collector) settleChannels(bonds map[string]bond) {
	c.channels.of = nil
	if len(bonds) > 0 {
		c.channels.of = make(map[string]string, len(bonds))
	}
	for i := range c.ports.list {
		p := &c.ports.list[i]
		name := ""
		if b, ok := bonds[p.index]; ok {
			c.channels.of[p.index] = b.channel
			if po := c.port(b.channel); po != nil {
				name = po.name()
			}
		}
		p.mark("channel", name)
	}
}

// bonds reads which port is in which channel: by LACP, by PAgP, and for ports and channels
// those leave open by what is stacked on what.
func (c *collector) bonds(v *visit, channels map[string]bool) (map[string]bond, bool) {
	g, ok := c.read(v, &channelGroup)
	if !ok || !g.wholeAll() {
		return nil, false
	}
	bonds, filled := map[string]bond{}, map[string]bool{}
	open := map[string]bool{} // ports of which nothing is said, and whether something should be
	for i := range c.ports.list {
		p := &c.ports.list[i]
		row := rowOf(g, p.index)
		b, known := bondOf(g, row, channels)
		if b.channel != "" {
			bonds[p.index], filled[b.channel] = b, true
		}
		if !known && p.isEthernet() {
			open[p.index] = g.present(row) || p.isSwitchport() || !g.any()
		}
	}
	if len(open) == 0 && len(filled) == len(channels) {
		return bonds, true
	}
	s, ok := c.read(v, &stackedGroup)
	if !ok || !s.wholeAll() {
		return nil, false
	}
	if !c.everyPort(s) {
		return bonds, c.closed(v, g, s, open)
	}
	for _, row := range s.rows() {
		higher, lower, _ := strings.Cut(s.index[row], ".")
		_, asked := open[lower]
		if channels[higher] && lower != "0" && active(s, row) && (asked || !filled[higher]) {
			bonds[lower] = bond{channel: higher, bundled: true}
		}
	}
	return bonds, true
}

// closed reports whether the ports left open can be taken for ports in no channel, although
// ifStackTable does not have every port: a port for management is in none of the tables.
func (c *collector) closed(v *visit, g, s *grid, open map[string]bool) bool {
	for _, should := range open {
		if should || s.any() {
			if g.any() || s.any() {
				v.limit(sectionVLANs, hw.Partial)
				v.gap(sectionVLANs+"/"+channelGroup.objects[lagAttached].name, hw.Inconsistent, "the tables do not have every port")
			}
			return false
		}
	}
	return true
}

// bondOf returns what LACP and PAgP say of a port. It is not known while a table that has
// rows lacks one of the port, or none has any.
func bondOf(g *grid, row int, channels map[string]bool) (b bond, known bool) {
	known = g.any()
	var said [pagpGroup + 1]string
	for slot := range said {
		n, reason := g.number(row, slot)
		switch index := strconv.FormatUint(n, 10); {
		case reason != "":
			known = known && g.read(slot) == 0
		case channels[index]:
			said[slot] = index
		}
	}
	switch {
	case said[lagAttached] != "":
		return bond{channel: said[lagAttached], bundled: true}, true
	case said[pagpGroup] != "":
		return bond{channel: said[pagpGroup], bundled: true}, true
	case said[lagSelected] != "" && known:
		return bond{channel: said[lagSelected], selected: true}, true
	}
	return bond{}, known
}

// isEthernet reports whether a port can be in a channel, as far as its type is known.
func (p *port) isEthernet() bool {
	t := p.attrs.Get("type")
	return !p.isChannel() && (t == "ethernetCsmacd" || t == "")
}

// isSwitchport reports whether a port is known to carry VLANs.
func (p *port) isSwitchport() bool { return p.attrs.Get("mode") != "" || p.attrs.Get("vlan") != "" }

// everyPort reports whether ifStackTable has all Ethernet ports as the lower of two: an
// interface with nothing above it has 0 there (RFC 2863).
func (c *collector) everyPort(s *grid) bool {
	lowers := map[string]bool{}
	for _, row := range s.rows() {
		if _, reason := s.number(row, 0); reason == "" {
			_, lower, _ := strings.Cut(s.index[row], ".")
			lowers[lower] = true
		}
	}
	for i := range c.ports.list {
		if p := &c.ports.list[i]; p.isEthernet() && !lowers[p.index] {
			return false
		}
	}
	return true
}

// active reports whether a row of ifStackTable is active(1).
func active(s *grid, row int) bool {
	n, reason := s.number(row, 0)
	return reason == "" && n == 1
}

// links reads the state of channels and members.
func (c *collector) links(v *visit, channels map[string]bool, bonds map[string]bond) (map[string]link, bool) {
	var oids, indexes []string
	for i := range c.ports.list {
		index := c.ports.list[i].index
		if _, member := bonds[index]; member || channels[index] {
			indexes = append(indexes, index)
			oids = append(oids, bundledGroup.objects[bundledAdmin].oid+"."+index, bundledGroup.objects[bundledOper].oid+"."+index)
		}
	}
	if len(oids) == 0 {
		return nil, true
	}
	vars, ok := c.fetch(v, sectionVLANs, oids)
	if !ok {
		return nil, false
	}
	found := make(map[string]link, len(indexes))
	var missing hw.Reason
	for i, index := range indexes {
		var words [bundledOper + 1]string
		for slot := range words {
			x := vars[2*i+slot]
			switch {
			case x.Reason != "" && !isLack(x.Reason):
				missing = x.Reason
			case x.Reason == "" && x.Type == snmp.TypeInteger && x.Int > 0:
				words[slot] = bundledGroup.objects[slot].word(uint64(x.Int))
			}
		}
		found[index] = link{words[bundledAdmin], words[bundledOper]}
	}
	if missing != "" {
		v.limit(sectionVLANs, hw.Partial)
		v.gap(sectionVLANs+"/"+bundledGroup.objects[bundledOper].name, missing, "")
	}
	return found, true
}

// maxMembers bounds the members that are named of one channel.
const maxMembers = 64

// channel tells of one port-channel.
func (c *collector) channel(v *visit, po *port, bonds map[string]bond, links map[string]link) {
	var names []string
	up, missing, unknown := 0, 0, 0
	for i := range c.ports.list {
		p := &c.ports.list[i]
		b, member := bonds[p.index]
		if !member || b.channel != po.index {
			continue
		}
		if len(names) < maxMembers {
			names = append(names, p.name())
		}
		switch l := links[p.index]; {
		case l.admin == "down", l.oper == "dormant": // shut by a person, or in hot standby
		case l.oper == "" || l.admin == "":
			unknown++
		case l.oper == "up" && b.bundled:
			up++
		default:
			missing++
		}
	}
	if up > 0 {
		if c.channels.up == nil {
			c.channels.up = map[string]bool{}
		}
		c.channels.up[po.index] = true
	}
	absent := hw.Reason("")
	if unknown > 0 {
		absent = hw.NotReady
	}
	path := "channel/" + po.name()
	health, complete := channelHealth(links[po.index], up, missing, unknown, c.channels.up[po.index])
	v.component(hw.Component{
		Path: path, Section: sectionVLANs, Health: health,
		State: hw.Attrs{}.With("complete", complete), Attrs: hw.Attrs{}.With("members", strings.Join(names, ",")),
	})
	v.gauge(path, "up_members", float64(up), absent)
}

// channelHealth judges a channel by its members that nobody shut and that stand not by: how many are up, missing
// and not known. One without members and without link is no more faulty than a port is.
func channelHealth(own link, up, missing, unknown int, before bool) (h hw.Health, complete string) {
	switch {
	case own.admin == "down":
		return hw.OK, ""
	case unknown > 0 || own.admin == "":
		return hw.Unknown, ""
	case missing > 0 && up == 0 && before:
		return hw.Critical, "no"
	case missing > 0:
		return hw.Warning, "no"
	case up > 0:
		return hw.OK, "yes"
	case own.oper == "up":
		return hw.Unknown, "" // something carries it that is not known of
	}
	return hw.OK, ""
}

// hastenChannels has the channels read when the link of a member came or went.
func (c *collector) hastenChannels(v *visit, g *grid) {
	for i := range c.ports.list {
		p := &c.ports.list[i]
		if p.state == nil || p.attrs.Get("channel") == "" {
			continue
		}
		if row, ok := g.at[p.index]; ok {
			if oper, reason := g.word(row, portOper); reason == "" && oper != p.oper {
				c.soon(v, sectionVLANs)
				return
			}
		}
	}
}
