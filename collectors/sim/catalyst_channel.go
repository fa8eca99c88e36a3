package sim

// channelIndex is the ifIndex of Po1, the port-channel to a server.
const channelIndex = 5001

// channelVLANs are those its trunk carries.
var channelVLANs = []uint32{60, 80}

// bundle adds Po1 and marks its members: copper port 47 of the first two members of a stack, or 43 and 47 of a
// switch that stands alone.
func (c *catalyst) bundle(ports []port, s *state) []port {
	first, second := c.copperIndex+47, c.copperIndex+43
	if s.members > 1 {
		second = first + c.stride
	}
	po := port{
		index: channelIndex, rows: channel, name: "Po1", descr: "Port-channel1", alias: "server bond", kind: 53, mtu: 1500,
		number: 60, member: 0, up: true, low: 200, high: 4000,
	}
	for i := range ports {
		if p := &ports[i]; p.index == first || p.index == second {
			p.within = channelIndex
			po.of = append(po.of, *p)
			po.speed += p.speed
		}
	}
	return append(ports, po)
}

// channels adds ifStackTable and who is in the port-channel: IEEE8023-LAG-MIB for LACP, CISCO-PAGP-MIB for PAgP.
func (c *catalyst) channels(b *builder, s *state, ports []port) {
	stacked := func(higher, lower uint32) { b.int("1.3.6.1.2.1.31.1.2.1.3", 1, higher, lower) }
	over := map[uint32]bool{} // has a layer below it
	for i := range ports {
		p := &ports[i]
		if !s.present(p.member) {
			continue
		}
		above := uint32(0)
		switch {
		case p.cable > 0:
			above = stackPort(p.member)
		case p.bundled(s):
			above = p.within
		}
		stacked(above, p.index)
		over[above] = true
	}
	for i := range ports {
		if p := &ports[i]; s.present(p.member) && !over[p.index] {
			stacked(p.index, 0)
		}
	}
	for _, p := range physicalPorts(ports, s) {
		group := int64(0)
		if p.bundled(s) {
			group = int64(p.within)
		}
		if c.lacp {
			b.int("1.2.840.10006.300.43.1.2.1.1.12", int64(p.within), p.index)
			b.int("1.2.840.10006.300.43.1.2.1.1.13", group, p.index)
			continue
		}
		mode := int64(1) // off
		if p.within > 0 {
			mode = 3 // pagp
		}
		b.int("1.3.6.1.4.1.9.9.98.1.1.1.1.1", mode, p.index)
		b.int("1.3.6.1.4.1.9.9.98.1.1.1.1.8", group, p.index)
	}
}
