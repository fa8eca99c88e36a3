package sim

import "fmt"

// bridgePorts are the ports in the spanning tree: the physical ones and the port-channel.
func bridgePorts(ports []port, s *state) []*port {
	there := physicalPorts(ports, s)
	for i := range ports {
		if ports[i].of != nil {
			there = append(there, &ports[i])
		}
	}
	return there
}

// bridgePort is dot1dBasePort, which is not the ifIndex.
func (p *port) bridgePort() uint32 {
	if p.of != nil {
		return 456
	}
	return uint32((p.member-1)*56 + p.number)
}

// carries says whether frames of the VLAN cross the port. Members leave them to their port-channel.
func (p *port) carries(vlan uint32, s *state) bool {
	switch {
	case p.bundled(s):
		return false
	case p.of != nil || p.within > 0:
		for _, v := range channelVLANs {
			if v == vlan {
				return true
			}
		}
		return false
	}
	return p.uplink() || p.accessVLAN() == int64(vlan)
}

// bridge adds BRIDGE-MIB: with the plain community that of VLAN 1 with all ports of the switch, as IOS does,
// and that of every VLAN with the community "public@60".
func (c *catalyst) bridge(b *builder, s *state, ports []port) {
	there := bridgePorts(ports, s)
	c.tree(b, s, there, 1)
	c.forwarding(b, s, there, 1)
	for _, v := range vlans {
		if v.kind != 1 {
			continue
		}
		var carrying []*port
		for _, p := range there {
			if p.carries(v.id, s) {
				carrying = append(carrying, p)
			}
		}
		own := b.context(v.id)
		c.tree(own, s, carrying, v.id)
		for _, p := range carrying {
			if s.has(stpInconsistent, p.index) && p.live(s) {
				b.text("1.3.6.1.4.1.9.9.82.1.3.1.1.3", "\x40", v.id, p.bridgePort()) // BITS: pvidInconsistent
			}
		}
		c.forwarding(own, s, carrying, v.id)
	}
}

// ownRoot is the VLAN whose spanning tree has its root here.
const ownRoot = 70

// tree adds dot1dBase and the spanning tree of a VLAN.
func (c *catalyst) tree(b *builder, s *state, there []*port, vlan uint32) {
	const base, stp = "1.3.6.1.2.1.17.1", "1.3.6.1.2.1.17.2"
	letter := s.letter()
	b.named(base+".1", func(m *moment) string { return mac(m, letter, 1, 0) }, 0)
	b.int(base+".2", int64(len(there)), 0)
	b.int(base+".3", 2, 0)
	root, since, changes := uint32(0), s.topology, s.topologies+uint64(vlan-1)%7
	for _, p := range there {
		n := p.bridgePort()
		b.int(base+".4.1.1", int64(n), n)
		b.int(base+".4.1.2", int64(p.index), n)
		b.oid(base+".4.1.3", "0.0", n)
		b.uint(base+".4.1.4", tagCounter32, 0, n)
		b.uint(base+".4.1.5", tagCounter32, 0, n)
		if !p.live(s) || p.bundled(s) {
			continue
		}
		if root == 0 && p.uplink() && vlan != ownRoot {
			root = n
		}
		c.treePort(b, n, s.has(stpInconsistent, p.index))
	}
	b.int(stp+".1", 3, 0)
	b.int(stp+".2", 32_768+int64(vlan), 0)
	b.moving(stp+".3", tagTimeTicks, func(m *moment) uint64 { return ticks(m.uptime - since) }, 0)
	b.uint(stp+".4", tagCounter32, changes, 0)
	cost := int64(20_004)
	if root == 0 {
		cost = 0
		b.named(stp+".5", func(m *moment) string { return string([]byte{0x80, byte(vlan)}) + mac(m, letter, 1, 0) }, 0)
	} else {
		b.text(stp+".5", rootBridge, 0)
	}
	b.int(stp+".6", cost, 0)
	b.int(stp+".7", int64(root), 0)
	for i, v := range []int64{2000, 200, 100, 1500, 2000, 200, 1500} {
		b.int(fmt.Sprintf("%s.%d", stp, 8+i), v, 0)
	}
}

// rootBridge is the bridge ID of the root: priority 32768 and an address of ours.
const rootBridge = "\x80\x00\x02\x53\xff\xff\x00\x01"

// treePort is a row of dot1dStpPortTable: forwarding(5), or broken(6).
func (c *catalyst) treePort(b *builder, n uint32, broken bool) {
	const t = "1.3.6.1.2.1.17.2.15.1"
	b.int(t+".1", int64(n), n)
	b.int(t+".2", 128, n)
	state := int64(5)
	if broken {
		state = 6
	}
	b.int(t+".3", state, n)
	b.int(t+".4", 1, n)
	b.int(t+".5", 19, n)
	b.text(t+".6", rootBridge, n)
	b.int(t+".7", 20_004, n)
	b.text(t+".8", rootBridge, n)
	b.text(t+".9", string([]byte{0x80, byte(n)}), n)
	b.uint(t+".10", tagCounter32, 1, n)
}

// forwarding adds the addresses learned in a VLAN: one behind an access port, four behind a trunk. In
// VLAN 1 only the uplinks have any.
func (c *catalyst) forwarding(b *builder, s *state, there []*port, vlan uint32) {
	const t = "1.3.6.1.2.1.17.4.3.1"
	b.gauge("1.3.6.1.2.1.17.4.2", 300, 0)
	for _, p := range there {
		learned := 1
		if p.trunks() {
			learned = 4
		}
		if !p.live(s) || p.bundled(s) || vlan == 1 && !p.uplink() {
			continue
		}
		for k := range learned {
			address := []byte{0x02, 0xfd, byte(vlan), byte(k), byte(p.bridgePort() >> 8), byte(p.bridgePort())}
			row := make([]uint32, len(address))
			for i, octet := range address {
				row[i] = uint32(octet)
			}
			b.text(t+".1", string(address), row...)
			b.int(t+".2", int64(p.bridgePort()), row...)
			b.int(t+".3", 3, row...)
		}
	}
}
