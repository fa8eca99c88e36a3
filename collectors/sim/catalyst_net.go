package sim

import (
	"fmt"
	"strings"
)

// physicalPorts are the copper ports and uplinks of the members that are there.
func physicalPorts(ports []port, s *state) []*port {
	var there []*port
	for i := range ports {
		if p := &ports[i]; p.rows == ethernet && s.present(p.member) {
			there = append(there, p)
		}
	}
	return there
}

// uplink says whether the port leads to the core.
func (p *port) uplink() bool { return p.rows == ethernet && p.number > copperPorts }

// trunks says whether the port carries several VLANs: the uplinks and the port-channel do.
func (p *port) trunks() bool { return p.uplink() || p.within > 0 || p.of != nil }

// accessVLAN is the VLAN of a port that does not trunk.
func (p *port) accessVLAN() int64 {
	if p.number%8 == 5 {
		return 70
	}
	return 60
}

// errDisable adds CISCO-ERR-DISABLE-MIB: the causes, and the ports that are down for one.
func (c *catalyst) errDisable(b *builder, s *state) {
	const e = "1.3.6.1.4.1.9.9.548.1"
	b.gauge(e+".1.1", 300, 0)
	b.int(e+".1.2", 2, 0)
	b.gauge(e+".1.3", 0, 0)
	for cause := uint32(1); cause <= 17; cause++ {
		if cause == 16 {
			continue
		}
		b.text(e+".2.1.1.2", "\xc0", cause)
		b.int(e+".2.1.1.3", 1, cause)
		b.int(e+".2.1.1.4", 2, cause)
		b.gauge(e+".2.1.1.5", 0, cause)
	}
	for port, cause := range s.hit[errDisabled] {
		b.int(e+".3.1.1.2", causeNumber(cause), port, 0)
		b.gauge(e+".3.1.1.3", 0, port, 0)
	}
}

// vlans are those of every Catalyst: id, vtpVlanType and name.
var vlans = []struct {
	id   uint32
	kind int64
	name string
}{
	{1, 1, "default"}, {60, 1, "servers"}, {70, 1, "phones"}, {80, 1, "guests"},
	{1002, 2, "fddi-default"}, {1003, 3, "token-ring-default"}, {1004, 4, "fddinet-default"}, {1005, 5, "trnet-default"},
}

// vlans adds CISCO-VTP-MIB and CISCO-VLAN-MEMBERSHIP-MIB.
func (c *catalyst) vlans(b *builder, s *state, ports []port) {
	const vlan = "1.3.6.1.4.1.9.9.46.1.3.1.1"
	for _, v := range vlans {
		b.int(vlan+".2", 1, 1, v.id)
		b.int(vlan+".3", v.kind, 1, v.id)
		b.text(vlan+".4", v.name, 1, v.id)
		b.int(vlan+".5", 1500, 1, v.id)
		b.text(vlan+".6", fmt.Sprintf("\x00%c%c%c", 1, 0x86, byte(0xa0+v.id%64)), 1, v.id)
		b.int(vlan+".11", 0, 1, v.id)
		b.int(vlan+".12", 0, 1, v.id)
		b.text(vlan+".17", "\x80", 1, v.id)
	}
	const access = "1.3.6.1.4.1.9.9.68.1.2.2.1"
	for _, p := range bridgePorts(ports, s) {
		c.trunk(b, s, p)
		if p.trunks() && p.live(s) {
			continue
		}
		b.int(access+".1", 1, p.index)
		b.int(access+".2", p.accessVLAN(), p.index)
		b.int(access+".3", 2, p.index)
	}
}

// trunk is a row of vlanTrunkPortTable.
func (c *catalyst) trunk(b *builder, s *state, p *port) {
	const t = "1.3.6.1.4.1.9.9.46.1.6.1.1"
	i := p.index
	wanted, native, carried, above := int64(2), p.accessVLAN(), allVLANs, strings.Repeat("\xff", 128)
	if p.trunks() {
		wanted, native = 1, 1
	}
	if !p.uplink() && p.trunks() {
		carried, above = vlanSet(channelVLANs...), strings.Repeat("\x00", 128)
	}
	b.int(t+".2", 1, i)
	b.int(t+".3", 4, i)
	b.text(t+".4", carried, i)
	b.int(t+".5", native, i)
	b.int(t+".6", 1, i)
	for column := 7; column <= 9; column++ {
		b.uint(fmt.Sprintf("%s.%d", t, column), tagCounter32, 0, i)
	}
	b.text(t+".10", allVLANs, i)
	b.text(t+".11", "", i)
	b.text(t+".12", "", i)
	b.int(t+".13", wanted, i)
	b.int(t+".14", truth(p.trunks() && p.live(s)), i) // trunking(1), notTrunking(2)
	b.int(t+".15", 1, i)
	b.int(t+".16", 6, i)
	for column := 17; column <= 19; column++ { // VLAN 1024 to 4095, a thousand each
		b.text(fmt.Sprintf("%s.%d", t, column), above, i)
	}
}

// allVLANs has a bit for each of VLAN 1 to 1023.
var allVLANs = "\x7f" + strings.Repeat("\xff", 127)

// vlanSet has a bit for each of vlans, the first in the high bit of the first octet, as vlanTrunkPortVlansEnabled.
func vlanSet(vlans ...uint32) string {
	set := make([]byte, 128)
	for _, v := range vlans {
		set[v/8] |= 0x80 >> (v % 8)
	}
	return string(set)
}

// neighbours adds CISCO-CDP-MIB and LLDP-MIB. The LLDP port number is not the ifIndex.
func (c *catalyst) neighbours(b *builder, s *state, ports []port) {
	const cdp, lldp = "1.3.6.1.4.1.9.9.23.1", "1.0.8802.1.1.2.1"
	letter := s.letter()
	b.int(cdp+".3.1", 1, 0)
	b.named(cdp+".3.4", func(m *moment) string { return m.name }, 0)
	b.int(lldp+".3.1", 4, 0)
	b.named(lldp+".3.2", func(m *moment) string { return mac(m, letter, 1, 0) }, 0)
	b.named(lldp+".3.3", func(m *moment) string { return m.name }, 0)
	b.text(lldp+".3.4", c.describes, 0)
	for place, p := range physicalPorts(ports, s) {
		local := uint32(place + 1)
		b.int(cdp+".1.1.1.2", 1, p.index)
		b.int(cdp+".1.1.1.3", 60, p.index)
		b.int(lldp+".3.7.1.2", 5, local)
		b.text(lldp+".3.7.1.3", p.name, local)
		b.text(lldp+".3.7.1.4", p.descr, local)
		switch {
		case !p.live(s) || s.has(neighbourLost, p.index):
		case p.uplink():
			name, far := fmt.Sprintf("sim-core-%d", p.number), fmt.Sprintf("TenGigabitEthernet1/%d", p.number)
			c.cdp(b, p, name, far, "cisco WS-C4500X-16", "\x00\x00\x00\x29")
			c.lldp(b, p, local, name, far, "\x28\x28")
		case p.phone():
			name := fmt.Sprintf("SEP0253%04d%04d", p.member, p.number)
			c.cdp(b, p, name, "Port 1", "Cisco IP Phone 8841", "\x00\x00\x04\x90")
		}
	}
}

func (c *catalyst) cdp(b *builder, p *port, name, far, platform, capabilities string) {
	const t = "1.3.6.1.4.1.9.9.23.1.2.1.1"
	row := []uint32{p.index, uint32(p.number)}
	b.int(t+".3", 1, row...)
	b.text(t+".4", string([]byte{192, 0, 2, byte(p.number)}), row...)
	b.text(t+".5", "simulated software", row...)
	b.text(t+".6", name, row...)
	b.text(t+".7", far, row...)
	b.text(t+".8", platform, row...)
	b.text(t+".9", capabilities, row...)
	b.text(t+".10", "", row...)
	b.int(t+".11", p.nativeVLAN(), row...)
	b.int(t+".12", 3, row...)
	b.uint(t+".24", tagTimeTicks, 12_345, row...)
}

// phone says whether the port has a telephone that speaks CDP.
func (p *port) phone() bool { return p.rows == ethernet && p.number%16 == 5 }

func (p *port) nativeVLAN() int64 {
	if p.trunks() {
		return 1
	}
	return p.accessVLAN()
}

func (c *catalyst) lldp(b *builder, p *port, local uint32, name, far, capabilities string) {
	const t = "1.0.8802.1.1.2.1.4.1.1"
	row := []uint32{0, local, 1}
	b.int(t+".4", 4, row...)
	b.text(t+".5", string([]byte{0x02, 0x53, 0xff, 0xff, byte(p.member), byte(p.number)}), row...)
	b.int(t+".6", 5, row...)
	b.text(t+".7", far, row...)
	b.text(t+".8", far, row...)
	b.text(t+".9", name, row...)
	b.text(t+".10", "simulated core switch", row...)
	b.text(t+".11", capabilities, row...)
	b.text(t+".12", capabilities, row...)
}
