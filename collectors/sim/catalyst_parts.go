package sim

import (
	"fmt"
	"time"
)

// entities adds ENTITY-MIB and the sensors of the transceivers.
func (c *catalyst) entities(b *builder, s *state, ports []port) {
	parts := []part{{index: 1, class: classStack, rel: -1, descr: c.stack, name: c.stackName, kind: c.stackKind}}
	for _, m := range s.alive() {
		if c.xe == nil {
			parts = append(parts, c.memberParts(s, m)...)
		} else {
			parts = append(parts, c.xe.parts(c, s, m)...)
		}
	}
	for i := range ports {
		p := &ports[i]
		if p.physical == 0 || !s.present(p.member) {
			continue
		}
		if p.rows == ethernet && p.number <= copperPorts {
			parts = append(parts, part{index: p.physical, parent: at(p.member, 2), class: classPort, rel: int64(p.number), descr: p.descr, name: p.descr,
				kind: "1.3.6.1.4.1.9.12.3.1.10.48", alias: fmt.Sprint(p.index)})
		}
		b.oid("1.3.6.1.2.1.47.1.3.2.1.2", fmt.Sprintf("1.3.6.1.2.1.2.2.1.1.%d", p.index), p.physical, 0)
		if p.rows == ethernet && p.number > copperPorts && p.number <= copperPorts+fitted && !s.has(sfpPulled, p.index) {
			parts = append(parts, c.transceiver(b, s, p)...)
		}
	}
	b.physical(parts)
	b.uint("1.3.6.1.2.1.47.1.4.1", tagTimeTicks, s.stamp(s.entChanged, 9899), 0)
}

func (c *catalyst) memberParts(s *state, m int) []part {
	letter := s.letter()
	title := func(what string) string { return fmt.Sprintf("Switch %d - %s - %s 0", m, c.chassis, what) }
	parts := []part{
		{index: at(m, 1), parent: 1, class: classChassis, rel: int64(m - 1), descr: c.chassis, name: fmt.Sprint(m), kind: c.chassisKind, hardware: "V05",
			software: s.version, model: c.chassis, fru: true, serial: func(n *moment) string { return serial(n, letter, 0, m) }},
		{index: at(m, 2), parent: at(m, 1), class: classModule, rel: 1, descr: title("Fixed Module"), name: title("Fixed Module"), kind: "1.3.6.1.4.1.9.12.3.1.9.23.73"},
		{index: at(m, c.supply), parent: at(m, 1), class: classSupply, rel: 2, descr: title("Power Supply"), name: title("Power Supply"),
			kind: "1.3.6.1.4.1.9.12.3.1.6.95", fru: true, serial: func(n *moment) string { return serial(n, letter, 1, m) }},
		{index: at(m, c.fan), parent: at(m, 1), class: classFan, rel: 3, descr: title("Fan"), name: title("Fan"), kind: "1.3.6.1.4.1.9.12.3.1.7.34"},
		{index: at(m, c.stackPort), parent: at(m, 1), class: classPort, rel: 4, descr: fmt.Sprintf("StackPort%d", m), name: fmt.Sprintf("StackPort%d", m),
			kind: "1.3.6.1.4.1.9.12.3.1.10.0"},
	}
	if c.sensor > 0 {
		parts = append(parts, part{index: at(m, c.sensor), parent: at(m, 1), class: classSensor, rel: 5, descr: title("Sensor"), name: title("Sensor"), kind: "1.3.6.1.4.1.9.12.3.1.8.0"})
	}
	for k, place := range c.containers {
		parts = append(parts, part{index: at(m, place), parent: at(m, 2), class: classContainer, rel: int64(k + 1), descr: "GigabitEthernet Container",
			name: fmt.Sprintf("GigabitEthernet%d/0/%d Container", m, c.uplinkFirst+k), kind: "1.3.6.1.4.1.9.12.3.1.5.115"})
	}
	return parts
}

// transceiver is the SFP of an uplink with its five sensors.
func (c *catalyst) transceiver(b *builder, s *state, p *port) []part {
	k, letter, member := p.number-copperPorts, s.letter(), p.member
	parts := []part{{
		index: p.physical, parent: at(member, c.containers[k-1]), class: classPort, rel: 1, descr: c.sfpDescr, name: p.descr,
		kind: "1.3.6.1.4.1.9.12.3.1.10.115", hardware: "V01", model: c.sfpModel, maker: "simulated", fru: true,
		serial: func(n *moment) string { return serial(n, letter, 1+k, member) },
	}}
	for i, what := range []struct {
		name                   string
		kind, scale, precision int64
		low, high              float64
		limits                 [4]int64 // high alarm, high warning, low warning, low alarm
	}{
		{"Module Temperature Sensor", 8, 9, 1, 300, 360, [4]int64{900, 850, -50, -100}},
		{"Supply Voltage Sensor", 4, 9, 2, 328, 334, [4]int64{360, 350, 310, 300}},
		{"Bias Current Sensor", 5, 8, 1, 55, 65, [4]int64{110, 100, 20, 10}},
		{"Transmit Power Sensor", 14, 9, 1, -56, -46, [4]int64{0, -10, -95, -100}},
		{"Receive Power Sensor", 14, 9, 1, -75, -45, [4]int64{0, -10, -170, -180}},
	} {
		index := p.physical + uint32(i) + 1
		name := p.descr + " " + what.name
		parts = append(parts, part{index: index, parent: p.physical, class: classSensor, rel: int64(i + 1), descr: name, name: name, kind: "1.3.6.1.4.1.9.12.3.1.8.46"})
		dark := what.kind == 14 && i == 4 && !p.live(s)
		low, high := what.low, what.high
		b.sensor("1.3.6.1.4.1.9.9.91.1.1.1.1", index, what.kind, what.scale, what.precision, func(m *moment) int64 {
			if dark {
				return -400
			}
			return int64(gauge(m.seed, uint64(index), m.uptime, low, high))
		})
		b.limits(index, what.limits)
	}
	return parts
}

// limits adds the four rows of entSensorThresholdTable that a sensor has: high alarm and warning, low warning and alarm.
func (b *builder) limits(sensor uint32, limits [4]int64) {
	const limit = "1.3.6.1.4.1.9.9.91.1.2.1.1"
	for n, v := range limits {
		row := uint32(n + 1)
		b.int(limit+".2", []int64{20, 10, 10, 20}[n], sensor, row)
		b.int(limit+".3", []int64{4, 4, 2, 2}[n], sensor, row)
		b.int(limit+".4", v, sensor, row)
	}
}

// sensor adds a row of entPhySensorTable or entSensorValueTable, which have the same columns.
func (b *builder) sensor(table string, index uint32, kind, scale, precision int64, read func(*moment) int64) {
	b.int(table+".1", kind, index)
	b.int(table+".2", scale, index)
	b.int(table+".3", precision, index)
	b.moving(table+".4", tagInteger, func(m *moment) uint64 { return uint64(read(m)) }, index)
	b.int(table+".5", 1, index)
}

// memory adds CISCO-MEMORY-POOL-MIB: two pools that breathe and one that is full by nature.
func (c *catalyst) memory(b *builder) {
	const p = "1.3.6.1.4.1.9.9.48.1.1.1"
	for _, pool := range []struct {
		row         uint32
		name        string
		total, used uint64
	}{{1, "Processor", 68_157_440, 35_000_000}, {2, "I/O", 12_582_912, 8_700_000}, {c.driverPool, "Driver text", 1_048_576, 1_048_536}} {
		swing := float64(pool.total-pool.used) / 4
		if pool.row == c.driverPool {
			swing = 0
		}
		used := func(m *moment) uint64 {
			return pool.used + uint64(gauge(m.seed, 0x4e<<8|uint64(pool.row), m.uptime, 0, swing))
		}
		b.text(p+".2", pool.name, pool.row)
		b.int(p+".3", 0, pool.row)
		b.int(p+".4", 1, pool.row)
		b.moving(p+".5", tagGauge32, used, pool.row)
		b.moving(p+".6", tagGauge32, func(m *moment) uint64 { return pool.total - used(m) }, pool.row)
		b.moving(p+".7", tagGauge32, func(m *moment) uint64 { return (pool.total - used(m)) / 10 * 9 }, pool.row)
	}
}

// environment adds CISCO-ENVMON-MIB, whose descriptions contain the state, and the power supplies,
// modules and fans of CISCO-ENTITY-FRU-CONTROL-MIB.
func (c *catalyst) environment(b *builder, s *state) {
	const env, fru = "1.3.6.1.4.1.9.9.13.1", "1.3.6.1.4.1.9.9.117.1"
	b.int(env+".1", 13, 0)
	b.int(fru+".3.1", 2, 0)
	for _, m := range s.alive() {
		state, word, oper := int64(1), "Normal", int64(2)
		if s.supply == m {
			state, word, oper = 3, "Faulty", 8
		}
		supply, fan, chassis := at(m, c.supply), at(m, c.fan), at(m, 1)
		b.text(env+".4.1.2", fmt.Sprintf("Switch#%d, Fan#1", m), fan)
		b.int(env+".4.1.3", 1, fan)
		b.text(env+".5.1.2", fmt.Sprintf("Sw%d, PS1 %s, RPS NotExist", m, word), supply)
		b.int(env+".5.1.3", state, supply)
		b.int(env+".5.1.4", 2, supply)
		b.int(fru+".1.2.1.1", 1, supply)
		b.int(fru+".1.2.1.2", oper, supply)
		b.int(fru+".1.2.1.3", 0, supply)
		b.int(fru+".2.1.1.1", 1, chassis)
		b.int(fru+".2.1.1.2", 2, chassis)
		b.int(fru+".2.1.1.3", s.reset.module(), chassis)
		b.uint(fru+".2.1.1.4", tagTimeTicks, s.stamp(s.entChanged, 0), chassis)
		b.moving(fru+".2.1.1.8", tagGauge32, func(n *moment) uint64 { return uint64(n.uptime / time.Second) }, chassis)
		b.int(fru+".4.1.1.1", 2, fan)
		if c.sensor == 0 {
			continue
		}
		sensor := at(m, c.sensor)
		b.text(env+".3.1.2", fmt.Sprintf("SW#%d, Sensor#1, GREEN", m), sensor)
		b.moving(env+".3.1.3", tagGauge32, func(n *moment) uint64 { return uint64(gauge(n.seed, uint64(sensor), n.uptime, 39, 46)) }, sensor)
		b.int(env+".3.1.4", 68, sensor)
		b.int(env+".3.1.5", 0, sensor)
		b.int(env+".3.1.6", 1, sensor)
	}
}

// stacking adds CISCO-STACKWISE-MIB. A switch alone says ring not redundant, as the real one does.
func (c *catalyst) stacking(b *builder, s *state) {
	const g, member, port = "1.3.6.1.4.1.9.9.500.1.1", "1.3.6.1.4.1.9.9.500.1.2.1.1", "1.3.6.1.4.1.9.9.500.1.2.2.1"
	letter, whole := s.letter(), s.members > 1 && s.lost == 0 && s.ring == 0 && !c.virtual()
	b.gauge(g+".1", 9, 0)
	b.gauge(g+".2", 15, 0)
	b.int(g+".3", truth(whole), 0)
	b.int(g+".4", 2, 0)
	b.text(g+".5", "\x00\x00\x00\x00", 0)
	for i, m := range s.alive() {
		role := int64(2)
		switch {
		case i == 0:
			role = 1
		case i == 1 && c.xe != nil:
			role = 4
		}
		e := c.chassisAt(m)
		b.gauge(member+".1", uint64(m), e)
		b.gauge(member+".2", uint64(m), e)
		b.int(member+".3", role, e)
		b.gauge(member+".4", uint64(16-m), e)
		b.gauge(member+".5", 2, e)
		b.int(member+".6", 4, e)
		b.named(member+".7", func(n *moment) string { return mac(n, letter, m, 0) }, e)
		b.text(member+".8", c.image, e)
		for column := 9; column <= 13; column++ {
			b.gauge(fmt.Sprintf("%s.%d", member, column), 0, e)
		}
		for cable := 1; cable <= 2 && !c.virtual(); cable++ {
			index, n := stackPort(m)+uint32(cable), s.neighbour(m, cable)
			oper, there := int64(2), uint32(0)
			if n > 0 {
				oper, there = 1, c.chassisAt(n)
			}
			b.int(port+".1", oper, index)
			b.int(port+".2", int64(there), index)
		}
	}
}
