package sim

import "fmt"

const (
	asaSupplies = 2
	asaCores    = 4
	asaVersion  = "9.12(4)"
)

// asaInterfaces are the interfaces of the pair: nameif, or the name of the port where none is set.
var asaInterfaces = []struct {
	name, alias string
	up          bool
	low, high   float64
}{
	{"outside", "to the provider", true, 500, 20_000},
	{"inside", "to the core", true, 500, 20_000},
	{"dmz", "public servers", true, 50, 4000},
	{"backup", "second provider", true, 5, 300},
	{"voip", "telephones", true, 20, 900},
	{"foverlan", "LAN/STATE Failover Interface", true, 20, 400},
	{"GigabitEthernet0/6", "", false, 0, 0},
	{"GigabitEthernet0/7", "", false, 0, 0},
	{"management", "", true, 1, 40},
	{"Internal-Data0/1", "", true, 20, 900},
}

// asaPorts are the interfaces; the first has ifIndex 2, as on the real device.
func asaPorts(*state) []port {
	var ports []port
	for i, n := range asaInterfaces {
		p := port{
			index: uint32(i + 2), name: n.name, descr: fmt.Sprintf("Adaptive Security Appliance '%s' interface", n.name),
			alias: n.alias, kind: 6, mtu: 1500, speed: 1_000_000_000, number: i + 1, physical: uint32(asaFirstPort + i),
			up: n.up, low: n.low, high: n.high, numbered: i == 0, connector: true,
		}
		if n.name == "Internal-Data0/1" {
			p.kind, p.mtu, p.speed, p.physical = 1, 0, 10_000_000_000, 0
		}
		ports = append(ports, p)
	}
	return ports
}

// Places in the ASA's entPhysicalTable.
const (
	asaFirstCPU    = 2
	asaFirstFan    = 12
	asaFirstSupply = 18
	asaSupplyParts = 6
	asaFirstHeat   = 30
	asaFirstPort   = 34
)

// buildASA adds all that the active unit of a failover pair has to say.
func buildASA(b *builder, s *state) {
	b.system("Cisco Adaptive Security Appliance Version "+s.version, "1.3.6.1.4.1.9.1.1407", 4, s)
	b.interfaces(asaPorts(s), s)
	asaEntities(b, s)
	for core := range asaCores {
		b.cpu(uint32(core+1), uint32(asaFirstCPU+core), 5, 60)
	}
	asaMemory(b)
	asaFailover(b, s)
	asaSessions(b, s)
	asaTunnels(b, s)
	asaLimits(b, s.contexts)
}

// asaMember is 1 for the primary unit and 2 for the secondary: which one answers.
func asaMember(s *state) int {
	if s.standby {
		return 2
	}
	return 1
}

func asaEntities(b *builder, s *state) {
	letter, member := s.letter(), asaMember(s)
	parts := []part{{
		index: 1, class: classChassis, descr: "ASA 5525-X with SW, 8 GE Data, 1 GE Mgmt", name: "Chassis", kind: "1.3.6.1.4.1.9.12.3.1.3.1116",
		hardware: "V02", software: s.version, model: "ASA5525", maker: "simulated", serial: func(m *moment) string { return serial(m, letter, 0, member) },
	}}
	for core := range asaCores {
		parts = append(parts, part{index: uint32(asaFirstCPU + core), parent: 1, class: classCPU, rel: int64(core), descr: "ASA 5525 CPU",
			name: fmt.Sprintf("Processor 0/%d", core), kind: "1.3.6.1.4.1.9.12.3.1.9.5.233"})
	}
	for fan := range 3 {
		index := uint32(asaFirstFan + 2*fan)
		parts = append(parts,
			part{index: index, parent: 1, class: classFan, rel: int64(fan), descr: fmt.Sprintf("Chassis Cooling Fan %d", fan+1), name: fmt.Sprintf("Chassis Fan %d", fan+1), kind: "1.3.6.1.4.1.9.12.3.1.7.167"},
			asaSensor(b, index+1, index, 10, 4600, 5100, fmt.Sprintf("Chassis Cooling Fan %d Sensor", fan+1)))
	}
	for n := range asaSupplies {
		parts = append(parts, asaSupply(b, s, n)...)
	}
	for i, name := range []string{"CPU Temperature 1 Sensor", "Chassis Ambient Temperature 1 Sensor", "Chassis Ambient Temperature 2 Sensor", "Chassis Ambient Temperature 3 Sensor"} {
		parts = append(parts, asaSensor(b, uint32(asaFirstHeat+i), 1, 8, 28, 60-float64(5*i), name))
	}
	for i := range 9 {
		name := fmt.Sprintf("Gi0/%d", i)
		if i == 8 {
			name = "Ma0/0"
		}
		parts = append(parts, part{index: uint32(asaFirstPort + i), parent: 1, class: classPort, rel: int64(i), descr: "10/100/1000BaseT", name: name, kind: "1.3.6.1.4.1.9.12.3.1.10.109"})
	}
	b.physical(parts)
}

// asaSupply is a power supply with its four sensors; a failed one keeps its presence and loses its input.
func asaSupply(b *builder, s *state, n int) []part {
	index := uint32(asaFirstSupply + n*asaSupplyParts)
	letter, member := s.letter(), asaMember(s)
	input, low, high := 1.0, 8200.0, 8900.0
	if s.supply == n {
		input, low, high = 2, 0, 0
	}
	title := fmt.Sprintf("Power Supply %d", n)
	return []part{
		{index: index, parent: 1, class: classSupply, rel: int64(n), descr: title, name: title, kind: "1.3.6.1.4.1.9.12.3.1.6.324", model: "ASA-PWR-AC", fru: true,
			serial: func(m *moment) string { return serial(m, letter, 1+n, member) }},
		asaSensor(b, index+1, index, 12, 1, 1, fmt.Sprintf("Power supply %d Presence Sensor", n)),
		asaSensor(b, index+2, index, 12, input, input, title+" Input Sensor"),
		{index: index + 3, parent: index, class: classFan, descr: fmt.Sprintf("Power Supply Fan %d", n), name: fmt.Sprintf("Power Supply Fan %d", n), kind: "1.3.6.1.4.1.9.12.3.1.7.167"},
		asaSensor(b, index+4, index+3, 10, low, high, title+" Fan Sensor"),
		asaSensor(b, index+5, index, 8, 22, 27, title+" Temperature Sensor"),
	}
}

// asaSensor adds a sensor of ENTITY-SENSOR-MIB and returns its part.
func asaSensor(b *builder, index, parent uint32, kind int64, low, high float64, name string) part {
	b.sensor("1.3.6.1.2.1.99.1.1.1", index, kind, 9, 0, func(m *moment) int64 {
		return int64(gauge(m.seed, uint64(index), m.uptime, low, high))
	})
	return part{index: index, parent: parent, class: classSensor, descr: name, name: name, kind: "1.3.6.1.4.1.9.12.3.1.8.110"}
}

// asaMemory adds CISCO-ENHANCED-MEMPOOL-MIB: more than 4 GB is free.
func asaMemory(b *builder) {
	for _, pool := range []struct {
		row         uint32
		name        string
		total, used uint64
	}{
		{1, "System memory", 8_589_934_592, 2_100_000_000}, {3, "MEMPOOL_MSGLYR", 4_194_304, 287_000},
		{4, "MEMPOOL_HEAPCACHE_0", 1_536_000_000, 565_000_000}, {5, "MEMPOOL_DMA", 1_073_741_824, 372_000_000},
		{6, "MEMPOOL_GLOBAL_SHARED", 654_311_424, 492_000_000},
	} {
		b.pool(1, pool.row, pool.name, pool.total, pool.used, float64(pool.total)/50)
	}
}
