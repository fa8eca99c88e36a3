package sim

import (
	"fmt"
	"slices"
	"time"
)

// model is a sort of device that the simulator makes up.
type model struct {
	name, short, kind string
	version           string
	lag               time.Duration // by which snmpEngineTime is younger than sysUpTime: a process that was started again
	members, most     int           // of a stack: by default, and at most
	contexts          int           // at most; 0 has none
	units             int           // power supplies, where they are not one a member
	supplies          int           // number of the first power supply
	uptime            time.Duration
	faults            []string
	ports             func(s *state) []port // of all members, those that are away too
	build             func(b *builder, s *state)
}

func (m *model) view(s *state) (*view, error) {
	var b builder
	m.build(&b, s)
	v, err := b.view()
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", m.name, err)
	}
	return v, nil
}

// models are all there are.
var models = []model{
	{
		name: "catalyst-3750-48ps", short: "3750", kind: "cisco-catalyst", version: c3750.version, members: 2, most: MaxMembers, supplies: 1,
		uptime: 81 * day, faults: catalystFaults, ports: c3750.ports, build: c3750.build,
	},
	{
		name: "catalyst-2960x", short: "2960x", kind: "cisco-catalyst", version: c2960x.version, members: 1, most: MaxMembers, supplies: 1,
		uptime: 83 * day, faults: catalystFaults, ports: c2960x.ports, build: c2960x.build,
	},
	{
		name: "catalyst-9300", short: "9300", kind: "cisco-catalyst", version: c9300.version, members: 2, most: MaxMembers, supplies: 1,
		uptime: 120 * day, lag: 250_443 * time.Second, faults: catalystFaults, ports: c9300.ports, build: c9300.build,
	},
	{
		name: "catalyst-9500-svl", short: "9500", kind: "cisco-catalyst", version: c9500.version, members: 2, most: 2, supplies: 1,
		uptime: 44 * day, lag: 723 * time.Second, faults: without(catalystFaults, "ring-broken", poeFault, "poe-overload"),
		ports: c9500.ports, build: c9500.build,
	},
	{
		name: "asa-5525-failover", short: "asa", kind: "cisco-asa", version: asaVersion, members: 1, most: 1, contexts: MaxContexts, units: asaSupplies, supplies: 0,
		uptime: 199 * day, faults: asaFaults,
		ports: asaPorts, build: buildASA,
	},
}

var (
	catalystFaults = []string{
		"port-down", "err-disabled", "poe-fault", "poe-overload", "sfp-pulled", "duplex-mismatch", "neighbour-lost", "stp-inconsistent", "topology-change",
		"psu-failed", "member-lost", "ring-broken", "config-changed", "config-saved", "reboot", "upgrade", "wrap", "wrap-uptime", "other-unit",
	}
	asaFaults = []string{
		"port-down", "psu-failed", "failover", "failover-in-progress", "vpn-limit", tunnelDown, "tunnel-rekey", "reboot", "upgrade", "wrap", "wrap-uptime", "other-unit",
	}
)

// without returns the faults but some.
func without(all []string, some ...string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(name string) bool { return slices.Contains(some, name) })
}

// serial is a serial number of ours: part 0 is the chassis of the member, the others stand in it.
func serial(m *moment, letter byte, part, member int) string {
	return fmt.Sprintf("SIM%04d%c%d%02d", m.number, letter, part, member)
}

// mac is a locally administered address of ours.
func mac(m *moment, letter byte, member, port int) string {
	return string([]byte{0x02, letter, byte(m.number >> 8), byte(m.number), byte(member), byte(port)})
}

// ticks are hundredths of a second in 32 bits, as TimeTicks are: they wrap after 497 days.
func ticks(t time.Duration) uint64 { return uint64(uint32(max(t, 0) / (10 * time.Millisecond))) }

// system adds SNMPv2-MIB's system group and the engine's scalars.
func (b *builder) system(descr, object string, services int64, s *state) {
	const sys, engine = "1.3.6.1.2.1.1", "1.3.6.1.6.3.10.2.1"
	letter, lag := s.letter(), s.lag
	served := func(clock time.Duration) time.Duration { return max(clock-lag, 0) }
	b.text(sys+".1", descr, 0)
	b.oid(sys+".2", object, 0)
	b.moving(sys+".3", tagTimeTicks, func(m *moment) uint64 { return ticks(m.clock) }, 0)
	b.text(sys+".4", "", 0)
	b.named(sys+".5", func(m *moment) string { return m.name }, 0)
	b.text(sys+".6", "simulated", 0)
	b.int(sys+".7", services, 0)
	b.uint(sys+".8", tagTimeTicks, 0, 0)
	b.named(engine+".1", func(m *moment) string { return "\x80\x00\x00\x09\x03\x00" + mac(m, letter, 0, 1) }, 0)
	b.moving(engine+".2", tagInteger, func(m *moment) uint64 { return m.boots }, 0)
	b.moving(engine+".3", tagInteger, func(m *moment) uint64 { return uint64(served(m.clock) / time.Second) }, 0)
	b.int(engine+".4", 1500, 0)
}

// part is one row of entPhysicalTable.
type part struct {
	index, parent uint32
	class, rel    int64
	descr, name   string
	kind          string // entPhysicalVendorType
	hardware      string
	software      string
	model         string
	maker         string
	serial        func(*moment) string // nil is none
	fru           bool
	alias         string
}

// The values of entPhysicalClass.
const (
	classContainer = 5
	classChassis   = 3
	classSupply    = 6
	classFan       = 7
	classSensor    = 8
	classModule    = 9
	classPort      = 10
	classStack     = 11
	classCPU       = 12
)

// physical adds ENTITY-MIB's entPhysicalTable.
func (b *builder) physical(parts []part) {
	const e = "1.3.6.1.2.1.47.1.1.1.1"
	for _, p := range parts {
		b.text(e+".2", p.descr, p.index)
		b.oid(e+".3", p.kind, p.index)
		b.int(e+".4", int64(p.parent), p.index)
		b.int(e+".5", p.class, p.index)
		b.int(e+".6", p.rel, p.index)
		b.text(e+".7", p.name, p.index)
		b.text(e+".8", p.hardware, p.index)
		b.text(e+".9", p.software, p.index)
		b.text(e+".10", p.software, p.index)
		if p.serial == nil {
			b.text(e+".11", "", p.index)
		} else {
			b.named(e+".11", p.serial, p.index)
		}
		b.text(e+".12", p.maker, p.index)
		b.text(e+".13", p.model, p.index)
		b.text(e+".14", p.alias, p.index)
		b.text(e+".15", "", p.index)
		b.int(e+".16", truth(p.fru), p.index)
	}
}

// truth is a TruthValue: 1 is true, 2 is false.
func truth(v bool) int64 {
	if v {
		return 1
	}
	return 2
}

// cpuLoad is the load of a processor in percent.
func cpuLoad(row uint32, window uint64, low, high float64) func(*moment) uint64 {
	return func(m *moment) uint64 {
		return uint64(gauge(m.seed, 0xc0<<8|uint64(row)<<4|window, m.uptime, low, high))
	}
}

// cpu adds a row of cpmCPUTotalTable. physical is entPhysicalIndex, or 0.
func (b *builder) cpu(row, physical uint32, low, high float64) {
	const c = "1.3.6.1.4.1.9.9.109.1.1.1.1"
	load := func(window uint64) func(*moment) uint64 { return cpuLoad(row, window, low, high) }
	b.int(c+".2", int64(physical), row)
	for i, window := range []uint64{0, 1, 2} {
		b.moving(fmt.Sprintf("%s.%d", c, 3+i), tagGauge32, func(m *moment) uint64 { return max(1, load(window)(m)) }, row)
		b.moving(fmt.Sprintf("%s.%d", c, 6+i), tagGauge32, load(window), row)
	}
	b.gauge(c+".9", 5, row)
	b.moving(c+".10", tagGauge32, load(0), row)
	b.gauge(c+".11", 1, row)
}

// processes adds the process table of CISCO-PROCESS-MIB, which no poller should walk.
func (b *builder) processes(n int) {
	const p = "1.3.6.1.4.1.9.9.109.1.2"
	for i := 1; i <= n; i++ {
		pid := uint32(i)
		b.gauge(p+".1.1.1", uint64(pid), 1, pid)
		b.text(p+".1.1.2", fmt.Sprintf("Sim Process %d", i), 1, pid)
		b.gauge(p+".1.1.4", 0, 1, pid)
		b.uint(p+".1.1.5", tagTimeTicks, uint64(900+10*i), 1, pid)
		b.gauge(p+".1.1.6", uint64(i%7), 1, pid)
		for column := uint64(1); column <= 8; column++ {
			tag := byte(tagGauge32)
			switch column {
			case 3, 4:
				tag = tagCounter32
			case 8:
				tag = tagInteger
			}
			b.uint(fmt.Sprintf("%s.3.1.%d", p, column), tag, mix(uint64(i)<<4|column)%20_000, 1, pid)
		}
	}
}
