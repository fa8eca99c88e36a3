package sim

import (
	"fmt"
	"time"
)

// xe is what a Catalyst with IOS-XE has in another way than one with IOS.
type xe struct {
	virtual             bool // StackWise Virtual: two members, no ring
	supplyModel, module string
	stackPower          bool
}

// The catalyst-9300 is a stack on a ring with StackPower, the catalyst-9500-svl two switches that are one by
// StackWise Virtual.
var (
	c9300 = catalyst{
		chassis: "C9300-48P", object: "1.3.6.1.4.1.9.1.2494", version: "17.9.4", image: "CAT9K_IOSXE",
		describes: "Cisco IOS Software [Cupertino], Catalyst L3 Switch Software (CAT9K_IOSXE), Version 17.9.4, RELEASE SOFTWARE (simulated)",
		stack:     "c93xx Stack", stackName: "c93xx Stack",
		stackKind: "1.3.6.1.4.1.9.12.3.1.11.35", chassisKind: "1.3.6.1.4.1.9.12.3.1.3.1822",
		copper: "GigabitEthernet", copperShort: "Gi", copperSpeed: 1_000_000_000, copperIndex: 8, uplinkIndex: 60, uplinkFirst: 1,
		uplink: "TenGigabitEthernet%d/1/%d", uplinkShort: "Te%d/1/%d", uplinkSpeed: 10_000_000_000,
		sfpDescr: "SFP-10GBase-SR", sfpModel: "SFP-10G-SR", stride: 72, vlanIndex: 3000, null: 2,
		stackPort: 21, containers: [4]uint32{161, 162, 163, 164}, copperPart: xePort, budget: 437, lacp: true,
		flashSize: 11_353_194_496, flashFree: 8_520_400_896,
		xe: &xe{supplyModel: "PWR-C1-715WAC", module: "C9300-NM-4G", stackPower: true},
	}
	c9500 = catalyst{
		chassis: "C9500-48Y4C", object: "1.3.6.1.4.1.9.1.2593", version: "17.12.3", image: "CAT9K_IOSXE",
		describes: "Cisco IOS Software [Dublin], Catalyst L3 Switch Software (CAT9K_IOSXE), Version 17.12.3, RELEASE SOFTWARE (simulated)",
		stack:     "Cisco Catalyst 9500 Series Virtual Stack", stackName: "Virtual Stack",
		stackKind: "1.3.6.1.4.1.9.12.3.1.11.36", chassisKind: "1.3.6.1.4.1.9.12.3.1.3.1936",
		copper: "TwentyFiveGigE", copperShort: "Twe", copperSpeed: 25_000_000_000, copperIndex: 8, uplinkIndex: 60, uplinkFirst: 49,
		uplink: "HundredGigE%d/0/%d", uplinkShort: "Hu%d/0/%d", uplinkSpeed: 100_000_000_000,
		sfpDescr: "QSFP 100G SR4", sfpModel: "QSFP-100G-SR4-S", stride: 72, vlanIndex: 3000, null: 2,
		stackPort: 21, containers: [4]uint32{161, 162, 163, 164}, copperPart: xePort, lacp: true,
		flashSize: 11_353_194_496, flashFree: 8_520_400_896,
		xe: &xe{virtual: true, supplyModel: "C9K-PWR-650WAC-R", module: "C9500-48Y4C"},
	}
)

func xePort(n int) uint32 { return uint32(100 + n) }

// firstXECPU is the first row of cpmCPUTotalTable: that of the active member.
const firstXECPU = 19

// Places within a member; the transceivers and ports are above them.
const (
	xeModule   = 1
	xeSupply   = 3 // A, then B
	xeFan      = 5
	xeFans     = 3
	xeHeat     = 8
	xeSupplyOf = 11 // three sensors of supply A, then those of B
)

// xeHeats are the temperatures of a chassis with their four thresholds: high critical and major, low major and critical.
var xeHeats = []struct {
	name      string
	low, high float64
	limits    [4]int64
}{
	{"Inlet Temp Sensor", 24, 28, [4]int64{56, 46, 0, -10}},
	{"Outlet Temp Sensor", 31, 36, [4]int64{75, 65, 0, -10}},
	{"HotSpot Temp Sensor", 42, 49, [4]int64{110, 100, 0, -10}},
}

// parts are those of a member, without its ports.
func (x *xe) parts(c *catalyst, s *state, m int) []part {
	letter, chassis := s.letter(), c.chassisAt(m)
	title := func(format string, a ...any) string {
		return fmt.Sprintf("Switch %d - ", m) + fmt.Sprintf(format, a...)
	}
	made := func(place int) func(*moment) string {
		return func(n *moment) string { return serial(n, letter, place, m) }
	}
	parts := []part{
		{index: chassis, parent: 1, class: classChassis, rel: int64(m), descr: c.chassis, name: fmt.Sprintf("Switch %d", m), kind: c.chassisKind,
			hardware: "V03", software: s.version, model: c.chassis, maker: "simulated", fru: true, serial: made(0)},
		{index: at(m, 2), parent: chassis, class: classModule, rel: 1, descr: c.chassis, name: title("Fixed Module 0"), kind: "1.3.6.1.4.1.9.12.3.1.9.93.61"},
		{index: at(m, xeModule), parent: chassis, class: classModule, rel: 2, descr: x.module + " Module", name: title("Network Module 1"),
			kind: "1.3.6.1.4.1.9.12.3.1.9.93.85", hardware: "V01", model: x.module, maker: "simulated", fru: true, serial: made(6)},
	}
	if !x.virtual {
		parts = append(parts, part{index: at(m, c.stackPort), parent: chassis, class: classPort, rel: 1, descr: fmt.Sprintf("StackPort%d", m),
			name: fmt.Sprintf("StackPort%d", m), kind: "1.3.6.1.4.1.9.12.3.1.10.0"})
	}
	for n, bay := range []string{"A", "B"} {
		supply := at(m, uint32(xeSupply+n))
		parts = append(parts, part{index: supply, parent: chassis, class: classSupply, rel: int64(n), descr: title("Power Supply %s", bay), name: title("Power Supply %s", bay),
			kind: "1.3.6.1.4.1.9.12.3.1.6.442", hardware: "V01", model: x.supplyModel, maker: "simulated", fru: true, serial: made(4 + n)})
		for i, what := range []string{"Temperature Sensor", "Input Power Sensor", "Fan Sensor"} {
			name := title("Power Supply %s %s", bay, what)
			parts = append(parts, part{index: at(m, uint32(xeSupplyOf+3*n+i)), parent: supply, class: classSensor, rel: int64(i), descr: name, name: name, kind: "1.3.6.1.4.1.9.12.3.1.8.106"})
		}
	}
	for n := range xeFans {
		name := title("FAN - T1 %d", n+1)
		parts = append(parts, part{index: at(m, uint32(xeFan+n)), parent: chassis, class: classFan, rel: int64(n), descr: name, name: name, kind: "1.3.6.1.4.1.9.12.3.1.7.184"})
	}
	for n, heat := range xeHeats {
		name := title("%s", heat.name)
		parts = append(parts, part{index: at(m, uint32(xeHeat+n)), parent: chassis, class: classSensor, rel: int64(n), descr: name, name: name, kind: "1.3.6.1.4.1.9.12.3.1.8.106"})
	}
	for k, place := range c.containers {
		parts = append(parts, part{index: at(m, place), parent: at(m, xeModule), class: classContainer, rel: int64(k + 1), descr: "Transceiver Container",
			name: fmt.Sprintf(c.uplink, m, c.uplinkFirst+k) + " Container", kind: "1.3.6.1.4.1.9.12.3.1.5.115"})
	}
	return parts
}

// cpuMemory adds the memory columns of cpmCPUTotalTable, in kilobytes.
func (x *xe) cpuMemory(b *builder, row uint32) {
	const c, total = "1.3.6.1.4.1.9.9.109.1.1.1.1", 7_711_356
	used := func(m *moment) uint64 {
		return 2_900_000 + uint64(gauge(m.seed, 0xc5<<8|uint64(row), m.uptime, 0, 200_000))
	}
	free := func(m *moment) uint64 { return total - used(m) }
	for i, v := range []func(*moment) uint64{used, free} {
		b.moving(fmt.Sprintf("%s.%d", c, 12+i), tagGauge32, v, row)
		b.gauge(fmt.Sprintf("%s.%d", c, 16+2*i), 0, row)
		b.moving(fmt.Sprintf("%s.%d", c, 17+2*i), tagCounter64, v, row)
	}
	for i := range 3 {
		b.moving(fmt.Sprintf("%s.%d", c, 24+i), tagGauge32, func(m *moment) uint64 {
			return uint64(gauge(m.seed, 0xc6<<8|uint64(row)<<2|uint64(i), m.uptime, 30, 90))
		}, row)
	}
}

// memory adds CISCO-ENHANCED-MEMPOOL-MIB, whose pools have the same names on every member.
func (x *xe) memory(b *builder, s *state) {
	for _, m := range s.alive() {
		b.pool(at(m, 0), 1, "Processor", 1_500_000_000, 310_000_000, 20_000_000)
		b.pool(at(m, 0), 2, "reserve Processor", 102_404, 92, 0)
		b.pool(at(m, 0), 3, "lsmpi_io", 6_295_128, 6_294_304, 0) // full by nature
	}
}

// environment adds CISCO-ENVMON-MIB, CISCO-ENTITY-SENSOR-MIB and CISCO-ENTITY-FRU-CONTROL-MIB.
func (x *xe) environment(b *builder, c *catalyst, s *state) {
	const env, fru = "1.3.6.1.4.1.9.9.13.1", "1.3.6.1.4.1.9.9.117.1"
	b.int(env+".1", 13, 0)
	b.int(fru+".3.1", 2, 0)
	for _, m := range s.alive() {
		for n, bay := range []string{"A", "B"} {
			x.supply(b, m, n, bay, s.supply == m && n == 0)
		}
		for n := range xeFans {
			fan := at(m, uint32(xeFan+n))
			b.text(env+".4.1.2", fmt.Sprintf("Switch %d - FAN - T1 %d, Normal", m, n+1), fan)
			b.int(env+".4.1.3", 1, fan)
			b.int(fru+".4.1.1.1", 2, fan)
		}
		for n, heat := range xeHeats {
			sensor := at(m, uint32(xeHeat+n))
			read := func(at *moment) int64 { return int64(gauge(at.seed, uint64(sensor), at.uptime, heat.low, heat.high)) }
			b.text(env+".3.1.2", fmt.Sprintf("Switch %d - %s, GREEN", m, heat.name), sensor)
			b.moving(env+".3.1.3", tagGauge32, func(at *moment) uint64 { return uint64(read(at)) }, sensor)
			b.int(env+".3.1.4", heat.limits[0], sensor)
			b.int(env+".3.1.5", 0, sensor)
			b.int(env+".3.1.6", 1, sensor)
			b.sensor("1.3.6.1.4.1.9.9.91.1.1.1.1", sensor, 8, 9, 0, read)
			b.limits(sensor, heat.limits)
		}
		for _, card := range []uint32{c.chassisAt(m), at(m, xeModule)} {
			b.int(fru+".2.1.1.1", 1, card)
			b.int(fru+".2.1.1.2", 2, card)
			b.int(fru+".2.1.1.3", s.reset.module(), card)
			b.uint(fru+".2.1.1.4", tagTimeTicks, s.stamp(s.entChanged, 0), card)
			b.moving(fru+".2.1.1.8", tagGauge32, func(n *moment) uint64 { return uint64(n.uptime / time.Second) }, card)
		}
	}
	if x.stackPower {
		x.sharing(b, c, s)
	}
}

// supply adds a power supply with its sensors; a failed one has no input, and its fan stands still.
func (x *xe) supply(b *builder, m, n int, bay string, failed bool) {
	const env, fru, sensors = "1.3.6.1.4.1.9.9.13.1", "1.3.6.1.4.1.9.9.117.1", "1.3.6.1.4.1.9.9.91.1.1.1.1"
	supply := at(m, uint32(xeSupply+n))
	state, word, oper, watts, turns := int64(1), "Normal", int64(2), 210.0, 6200.0
	if failed {
		state, word, oper, watts, turns = 3, "Faulty", 8, 0, 0
	}
	b.text(env+".5.1.2", fmt.Sprintf("Switch %d - Power Supply %s, %s", m, bay, word), supply)
	b.int(env+".5.1.3", state, supply)
	b.int(env+".5.1.4", 2, supply)
	b.int(fru+".1.2.1.1", 1, supply)
	b.int(fru+".1.2.1.2", oper, supply)
	b.int(fru+".1.2.1.3", 5000, supply)
	for i, v := range []struct {
		kind      int64
		low, high float64
	}{{8, 30, 34}, {6, watts, watts * 1.1}, {10, turns, turns * 1.05}} {
		index := at(m, uint32(xeSupplyOf+3*n+i))
		b.sensor(sensors, index, v.kind, 9, 0, func(at *moment) int64 { return int64(gauge(at.seed, uint64(index), at.uptime, v.low, v.high)) })
	}
}

// sharing adds the StackPower tables of CISCO-STACKWISE-MIB: one ring of power with two cables a member.
func (x *xe) sharing(b *builder, c *catalyst, s *state) {
	const info, port = "1.3.6.1.4.1.9.9.500.1.3.1.1", "1.3.6.1.4.1.9.9.500.1.3.2.1"
	letter := s.letter()
	alive := s.alive()
	b.int(info+".2", 1, 1) // power sharing
	b.named(info+".3", func(n *moment) string { return mac(n, letter, alive[0], 0) }, 1)
	b.gauge(info+".4", uint64(alive[0]), 1)
	b.gauge(info+".5", uint64(len(alive)), 1)
	b.int(info+".6", 1, 1) // a ring
	b.text(info+".7", "Powerstack-1", 1)
	for i, m := range alive {
		for cable := uint32(1); cable <= 2; cable++ {
			there, link := alive[(i+1)%len(alive)], int64(1)
			switch {
			case len(alive) == 1:
				there, link = 0, 2
			case cable == 2:
				there = alive[(i+len(alive)-1)%len(alive)]
			}
			b.int(port+".2", 1, c.chassisAt(m), cable)
			b.gauge(port+".4", uint64(there), c.chassisAt(m), cable)
			b.int(port+".5", link, c.chassisAt(m), cable)
			b.text(port+".7", fmt.Sprintf("Port %d", cable), c.chassisAt(m), cable)
		}
	}
}

// links adds what CISCO-STACKWISE-MIB says of the link between the two members, and of the ports it is made of.
func (x *xe) links(b *builder, c *catalyst, s *state, ports []port) {
	const bundle, phy = "1.3.6.1.4.1.9.9.500.1.2.3.1", "1.3.6.1.4.1.9.9.500.1.2.4.1"
	whole := map[int]bool{}
	for i := range ports {
		p := &ports[i]
		if !p.joint || !s.present(p.member) {
			continue
		}
		other := 3 - p.member
		chassis, oper, far, there := c.chassisAt(p.member), int64(2), "", uint32(0)
		if p.live(s) {
			oper, far, there = 1, fmt.Sprintf(c.uplink, other, c.uplinkFirst+p.number-copperPorts-1), c.chassisAt(other)
			whole[p.member] = true
		}
		b.text(phy+".1", p.descr, chassis, 1, p.index)
		b.int(phy+".2", oper, chassis, 1, p.index)
		b.text(phy+".3", far, chassis, 1, p.index)
		b.int(phy+".4", int64(there), chassis, 1, p.index)
	}
	for _, m := range s.alive() {
		b.int(bundle+".2", truth(whole[m]), c.chassisAt(m), 1) // up(1), down(2)
	}
}
