package sim

import (
	"fmt"
	"strings"
)

// catalyst is a family of stackable switches of 48 copper ports and 4 SFP uplinks a member.
type catalyst struct {
	chassis, describes, object string // model, sysDescr, sysObjectID
	version, image             string
	stack, stackName           string
	stackKind, chassisKind     string // entPhysicalVendorType
	copper, copperShort        string
	copperSpeed                uint64
	uplink, uplinkShort        string // of member and number
	uplinkSpeed                uint64
	sfpDescr, sfpModel         string
	copperIndex, uplinkIndex   uint32 // ifIndex of the first ones of member 1, less one
	stride                     uint32 // what the ifIndex of a port grows by from one member to the next
	vlanIndex                  uint32 // ifIndex of VLAN 0
	uplinkFirst                int    // number of the first uplink as printed
	chassisPart                uint32 // entPhysicalIndex within the member
	null                       uint32 // ifIndex of Null0
	supply, fan, stackPort     uint32 // entPhysicalIndex within the member
	sensor                     uint32 // of the inlet temperature; 0 has none
	containers                 [4]uint32
	copperPart                 func(n int) uint32
	lacp                       bool   // the port-channel is LACP's and in LAG-MIB; else PAgP's
	powerPort                  int    // pethPsePortIndex of port n is n plus this
	driverPool                 uint32 // row of the pool "Driver text"
	numbersUplink              bool   // the numbered port is the first uplink, not the first copper port
	budget                     uint64 // PoE watts a member; 0 has none
	flashSize, flashFree       uint64
	xe                         *xe // what IOS-XE has in the place of IOS's environment, memory and parts; nil is IOS
}

const (
	copperPorts = 48
	uplinks     = 4
	fitted      = 2 // uplinks with an SFP in them
	sfpFirst    = 62
	sfpParts    = 6
)

var c3750 = catalyst{
	chassis: "WS-C3750-48PS-S", object: "1.3.6.1.4.1.9.1.516", version: "12.2(55)SE10", image: "C3750-IPSERVICESK9-M",
	describes: "Cisco IOS Software, C3750 Software (C3750-IPSERVICESK9-M), Version 12.2(55)SE10, RELEASE SOFTWARE (simulated)",
	stack:     "Catalyst 37xx Switch Stack", stackName: "Cat37xx Stacking",
	stackKind: "1.3.6.1.4.1.9.12.3.1.11.2", chassisKind: "1.3.6.1.4.1.9.12.3.1.3.383",
	copper: "FastEthernet", copperShort: "Fa", copperSpeed: 100_000_000, copperIndex: 10_000, uplinkIndex: 10_100, uplinkFirst: 1,
	uplink: "GigabitEthernet%d/0/%d", uplinkShort: "Gi%d/0/%d", uplinkSpeed: 1_000_000_000, sfpDescr: "1000BaseSX SFP", sfpModel: "GLC-SX-MMD",
	stride: 500, chassisPart: 1, flashSize: 15_998_976, flashFree: 1_273_344,
	null: 14_501, supply: 3, fan: 4, stackPort: 5, containers: [4]uint32{6, 7, 32, 33},
	copperPart: func(n int) uint32 { return uint32(7 + n + (n-1)/24*2) }, powerPort: 2, driverPool: 16, numbersUplink: true, budget: 370,
}

var c2960x = catalyst{
	chassis: "WS-C2960X-48FPS-L", object: "1.3.6.1.4.1.9.1.1208", version: "15.2(7)E4", image: "C2960X-UNIVERSALK9-M",
	describes: "Cisco IOS Software, C2960X Software (C2960X-UNIVERSALK9-M), Version 15.2(7)E4, RELEASE SOFTWARE (simulated)",
	stack:     "Catalyst C29xx Switch Stack", stackName: "C29xx Stacking",
	stackKind: "1.3.6.1.4.1.9.12.3.1.11.11", chassisKind: "1.3.6.1.4.1.9.12.3.1.3.1264",
	copper: "GigabitEthernet", copperShort: "Gi", copperSpeed: 1_000_000_000, copperIndex: 10_100, uplinkIndex: 10_148, uplinkFirst: 49,
	uplink: "GigabitEthernet%d/0/%d", uplinkShort: "Gi%d/0/%d", uplinkSpeed: 1_000_000_000, sfpDescr: "1000BaseSX SFP", sfpModel: "GLC-SX-MMD",
	stride: 500, chassisPart: 1, flashSize: 15_998_976, flashFree: 1_273_344,
	null: 14_001, supply: 6, fan: 7, sensor: 8, stackPort: 9, containers: [4]uint32{58, 59, 60, 61},
	copperPart: func(n int) uint32 { return uint32(9 + n) }, driverPool: 20, budget: 740, lacp: true,
}

// at is an entPhysicalIndex of a member.
func at(member int, part uint32) uint32 { return uint32(member)*1000 + part }

// chassisAt is the entPhysicalIndex of a member's chassis.
func (c *catalyst) chassisAt(member int) uint32 { return at(member, c.chassisPart) }

// virtual says that the members are one by StackWise Virtual, which has no ring.
func (c *catalyst) virtual() bool { return c.xe != nil && c.xe.virtual }

// sfp is the part number of the transceiver of uplink k, counted from 1; its sensors follow it.
func sfp(k int) uint32 { return uint32(sfpFirst + (k-1)*sfpParts) }

// ports are the interfaces of all members: 55 a member and 4 of the stack.
func (c *catalyst) ports(s *state) []port {
	ports := make([]port, 0, 60*s.members)
	for i, vlan := range []uint32{1, 60, 70} {
		ports = append(ports, port{
			index: c.vlanIndex + vlan, rows: virtual, name: fmt.Sprintf("Vl%d", vlan), descr: fmt.Sprintf("Vlan%d", vlan), kind: 53, mtu: 1500,
			speed: 1_000_000_000, number: 64 + i, up: i < 2, low: 2, high: 60,
		})
	}
	for m := 1; m <= s.members; m++ {
		ports = c.member(ports, s, m)
		if !c.virtual() {
			ports = c.stackPorts(ports, s, m)
		}
	}
	ports = c.bundle(ports, s)
	return append(ports, port{index: c.null, rows: bare, name: "Nu0", descr: "Null0", kind: 1, mtu: 1500, speed: 4_294_967_295, up: true})
}

func (c *catalyst) member(ports []port, s *state, m int) []port {
	shift := c.stride * uint32(m-1)
	for n := 1; n <= copperPorts; n++ {
		p := port{
			index: c.copperIndex + shift + uint32(n), kind: 6, mtu: 1500, speed: c.copperSpeed, member: m, number: n,
			name: fmt.Sprintf("%s%d/0/%d", c.copperShort, m, n), descr: fmt.Sprintf("%s%d/0/%d", c.copper, m, n),
			physical: at(m, c.copperPart(n)), up: n%2 == 1, low: 5, high: 4000, connector: true,
		}
		if p.up && n%8 == 1 {
			p.alias = fmt.Sprintf("server %d-%d", m, n)
		}
		p.numbered = !c.numbersUplink && m == 1 && n == 1
		ports = append(ports, p)
	}
	for k := 1; k <= uplinks; k++ {
		n := c.uplinkFirst + k - 1
		p := port{
			index: c.uplinkIndex + shift + uint32(k), kind: 6, mtu: 1500, speed: c.uplinkSpeed, member: m, number: copperPorts + k,
			name: fmt.Sprintf(c.uplinkShort, m, n), descr: fmt.Sprintf(c.uplink, m, n),
			physical: at(m, c.containers[k-1]), up: k <= fitted, low: 2000, high: 40_000, connector: true,
		}
		if k <= fitted {
			p.alias = fmt.Sprintf("uplink %d-%d", m, k) // of the configuration: it stays when the transceiver goes
		}
		if k <= fitted && !s.has(sfpPulled, p.index) {
			p.physical = at(m, sfp(k))
		}
		if c.virtual() && k > fitted {
			p.joint, p.rows, p.up, p.alias = true, channel, true, "StackWise Virtual"
		}
		p.numbered = c.numbersUplink && m == 1 && k == 1
		ports = append(ports, p)
	}
	return ports
}

// stackPort is the ifIndex of a member's StackPort; its cables follow it.
func stackPort(m int) uint32 { return uint32(5179 + 3*(m-1)) }

// stackPorts are the interfaces of a member's two stack cables.
func (c *catalyst) stackPorts(ports []port, s *state, m int) []port {
	first := stackPort(m)
	bare := port{rows: bare, kind: 53, mtu: 1500, speed: 0, member: m}
	p := bare
	p.index, p.name, p.descr, p.up, p.physical = first, fmt.Sprintf("St%d", m), fmt.Sprintf("StackPort%d", m), true, at(m, c.stackPort)
	ports = append(ports, p)
	for cable := 1; cable <= 2; cable++ {
		p := bare
		p.index, p.mtu = first+uint32(cable), 0
		p.name = fmt.Sprintf("StackSub-St%d-%d", m, cable)
		p.descr, p.up, p.cable = p.name, s.members > 1, cable
		ports = append(ports, p)
	}
	return ports
}

// neighbour is the member at the other end of a stack cable: cable 1 goes to the next member of the ring, cable 2 to
// the one before. 0 is none, or a cable that is cut.
func (s *state) neighbour(m, cable int) int {
	if s.members < 2 {
		return 0
	}
	n := m%s.members + 1
	if cable == 2 {
		n = (m+s.members-2)%s.members + 1
	}
	if !s.present(n) || !s.present(m) || cable == 1 && s.ring == m || cable == 2 && s.ring == n {
		return 0
	}
	return n
}

// build adds all that a stack has to say.
func (c *catalyst) build(b *builder, s *state) {
	ports := c.ports(s)
	b.system(strings.ReplaceAll(c.describes, c.version, s.version), c.object, 6, s)
	b.interfaces(ports, s)
	c.entities(b, s, ports)
	for i, m := range s.alive() {
		physical := c.chassisAt(m)
		if s.members == 1 && c.xe == nil {
			physical = 0 // IOS does not name the processor of a switch that stands alone
		}
		row := uint32(i + 1)
		if c.xe != nil {
			row = firstXECPU + uint32(i)
			c.xe.cpuMemory(b, row)
		}
		b.cpu(row, physical, 8, 40)
	}
	b.processes(335)
	if c.xe == nil {
		c.memory(b)
		c.environment(b, s)
	} else {
		c.xe.memory(b, s)
		c.xe.environment(b, c, s)
	}
	c.stacking(b, s)
	if c.virtual() {
		c.xe.links(b, c, s, ports)
	}
	if c.budget > 0 {
		c.power(b, s)
	}
	c.bridge(b, s, ports)
	c.errDisable(b, s)
	c.channels(b, s, ports)
	c.system(b, s)
	c.vlans(b, s, ports)
	c.neighbours(b, s, ports)
	c.flash(b, s)
	c.config(b, s)
	c.software(b, s)
}
