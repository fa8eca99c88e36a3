package sim

import (
	"fmt"
	"strings"
	"time"
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

// bridgePort is dot1dBasePort, which is not the ifIndex.
func (p *port) bridgePort() uint32 { return uint32((p.member-1)*56 + p.number) }

// trunks says whether the port carries all VLANs: the uplinks do.
func (p *port) trunks() bool { return p.number > copperPorts }

// accessVLAN is the VLAN of a port that does not trunk.
func (p *port) accessVLAN() int64 {
	if p.number%8 == 5 {
		return 70
	}
	return 60
}

// bridge adds BRIDGE-MIB: the spanning tree of VLAN 1 and the ports in it.
func (c *catalyst) bridge(b *builder, s *state, ports []port) {
	const base, stp = "1.3.6.1.2.1.17.1", "1.3.6.1.2.1.17.2"
	there, letter := physicalPorts(ports, s), s.letter()
	b.named(base+".1", func(m *moment) string { return mac(m, letter, 1, 0) }, 0)
	b.int(base+".2", int64(len(there)), 0)
	b.int(base+".3", 2, 0)
	root, since, changes := uint32(0), s.topology, s.topologies
	for _, p := range there {
		n := p.bridgePort()
		b.int(base+".4.1.1", int64(n), n)
		b.int(base+".4.1.2", int64(p.index), n)
		b.oid(base+".4.1.3", "0.0", n)
		b.uint(base+".4.1.4", tagCounter32, 0, n)
		b.uint(base+".4.1.5", tagCounter32, 0, n)
		if !p.live(s) {
			continue
		}
		if root == 0 && p.trunks() {
			root = n
		}
		c.treePort(b, p, n)
	}
	b.int(stp+".1", 3, 0)
	b.int(stp+".2", 32_769, 0)
	b.moving(stp+".3", tagTimeTicks, func(m *moment) uint64 { return ticks(m.uptime - since) }, 0)
	b.uint(stp+".4", tagCounter32, changes, 0)
	b.text(stp+".5", rootBridge, 0)
	b.int(stp+".6", 20_004, 0)
	b.int(stp+".7", int64(root), 0)
	for i, v := range []int64{2000, 200, 100, 1500, 2000, 200, 1500} {
		b.int(fmt.Sprintf("%s.%d", stp, 8+i), v, 0)
	}
}

// rootBridge is the bridge ID of the root: priority 32768 and an address of ours.
const rootBridge = "\x80\x00\x02\x53\xff\xff\x00\x01"

// treePort is a row of dot1dStpPortTable.
func (c *catalyst) treePort(b *builder, p *port, n uint32) {
	const t = "1.3.6.1.2.1.17.2.15.1"
	b.int(t+".1", int64(n), n)
	b.int(t+".2", 128, n)
	b.int(t+".3", 5, n)
	b.int(t+".4", 1, n)
	b.int(t+".5", 19, n)
	b.text(t+".6", rootBridge, n)
	b.int(t+".7", 20_004, n)
	b.text(t+".8", rootBridge, n)
	b.text(t+".9", string([]byte{0x80, byte(n)}), n)
	b.uint(t+".10", tagCounter32, 1, n)
}

// errDisable adds CISCO-ERR-DISABLE-MIB: the causes, and no port at all.
func (c *catalyst) errDisable(b *builder) {
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
}

// vlans adds CISCO-VTP-MIB and CISCO-VLAN-MEMBERSHIP-MIB.
func (c *catalyst) vlans(b *builder, s *state, ports []port) {
	const vlan = "1.3.6.1.4.1.9.9.46.1.3.1.1"
	for _, v := range []struct {
		id   uint32
		kind int64
		name string
	}{
		{1, 1, "default"}, {60, 1, "servers"}, {70, 1, "phones"}, {80, 1, "guests"},
		{1002, 2, "fddi-default"}, {1003, 3, "token-ring-default"}, {1004, 4, "fddinet-default"}, {1005, 5, "trnet-default"},
	} {
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
	for _, p := range physicalPorts(ports, s) {
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
	wanted, native := int64(2), p.accessVLAN()
	if p.trunks() {
		wanted, native = 1, 1
	}
	b.int(t+".2", 1, i)
	b.int(t+".3", 4, i)
	b.text(t+".4", allVLANs, i)
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
}

// allVLANs has a bit for each of VLAN 1 to 1023.
var allVLANs = "\x7f" + strings.Repeat("\xff", 127)

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
		case !p.live(s):
		case p.trunks():
			name, far := fmt.Sprintf("sim-core-%d", p.number), fmt.Sprintf("TenGigabitEthernet1/%d", p.number)
			c.cdp(b, p, name, far, "cisco WS-C4500X-16", "\x00\x00\x00\x29")
			c.lldp(b, p, local, name, far, "\x28\x28")
		case p.number%16 == 5:
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

// flash adds CISCO-FLASH-MIB: a device and partition a member, and the list of files that no poller
// should walk.
func (c *catalyst) flash(b *builder, s *state) {
	const f = "1.3.6.1.4.1.9.9.10.1.1"
	b.gauge(f+".1", uint64(len(s.alive())), 0)
	for _, m := range s.alive() {
		member := uint32(m)
		name := fmt.Sprintf("flash%d", m)
		b.gauge(f+".2.1.2", 15_998_976, member)
		b.gauge(f+".2.1.4", 1, member)
		b.text(f+".2.1.7", name, member)
		b.text(f+".2.1.8", fmt.Sprintf("flash device on switch %d", m), member)
		b.int(f+".4.1.1.2", 1, member, 1)
		b.int(f+".4.1.1.3", 1, member, 1)
		b.gauge(f+".4.1.1.4", 15_998_976, member, 1)
		b.gauge(f+".4.1.1.5", 1_273_344, member, 1)
		b.gauge(f+".4.1.1.6", 366, member, 1)
		b.int(f+".4.1.1.8", 3, member, 1)
		b.text(f+".4.1.1.10", name, member, 1)
		if m != s.alive()[0] {
			continue
		}
		for file := uint32(1); file <= 366; file++ {
			b.gauge(f+".4.2.1.1.2", uint64(file)*311, member, 1, file)
			b.text(f+".4.2.1.1.3", "0x0", member, 1, file)
			b.int(f+".4.2.1.1.4", 3, member, 1, file)
			b.text(f+".4.2.1.1.5", fmt.Sprintf("html/page-%d.htm", file), member, 1, file)
			b.int(f+".4.2.1.1.6", 1, member, 1, file)
		}
	}
}

// config adds CISCO-CONFIG-MAN-MIB and CISCO-IMAGE-MIB. The times are sysUpTime: after a start the running
// configuration reads as changed at 161 s and never saved, though nobody touched it.
func (c *catalyst) config(b *builder, s *state) {
	const man, image = "1.3.6.1.4.1.9.9.43.1.1", "1.3.6.1.4.1.9.9.25.1.1.1.2"
	const boot = 161 * time.Second
	changed, saved := s.uptime/2, s.uptime*3/5
	if s.restarts > 0 {
		changed, saved = boot, 0
	}
	b.moving(man+".1", tagTimeTicks, func(m *moment) uint64 { return ticks(min(changed, m.uptime)) }, 0)
	b.uint(man+".2", tagTimeTicks, ticks(saved), 0)
	b.uint(man+".3", tagTimeTicks, 0, 0)
	b.int(man+".4", 10, 0)
	b.uint(man+".5", tagCounter32, 14, 0)
	for entry := uint32(5); entry <= 14 && s.restarts == 0; entry++ {
		const h = man + ".6.1"
		b.uint(h+".2", tagTimeTicks, ticks(changed*time.Duration(entry)/14), entry)
		b.int(h+".3", 1, entry)
		b.int(h+".4", 2, entry)
		b.int(h+".5", 3, entry)
		b.int(h+".6", 5, entry)
		b.int(h+".7", 1, entry)
		b.text(h+".8", "operator", entry)
		b.text(h+".9", "", entry)
		b.ip(h+".10", 0xc0000264, entry)
	}
	for i, line := range []string{
		"CW_BEGIN$simulated$", "CW_IMAGE$" + c.image + "$", "CW_FAMILY$" + c.chassis[3:8] + "$", "CW_FEATURE$IP|LAYER_3$",
		"CW_VERSION$" + c.version + "$", "CW_MEDIA$RAM$", "CW_SYSDESCR$" + c.describes + "$", "CW_END$simulated$",
	} {
		b.text(image, line, uint32(i+1))
	}
}
