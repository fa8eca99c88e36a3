package workload

import (
	"fmt"

	"rackpost/hw"
)

// buildSwitch makes a Catalyst 3750-48PS.
func buildSwitch(d *device, open func(string, int) *builder) {
	d.kind, d.flaps, d.took = "cisco-catalyst", true, 180e6
	d.unit.Serial, d.unit.Model, d.unit.Version = fmt.Sprintf("SIMSW%06d", d.number), "WS-C3750-48PS-S", "12.2(55)SE10"
	b := open("ports", 1)
	for i := range 52 {
		path, speed := fmt.Sprintf("port/Fa1/0/%d", i+1), "100000000"
		if i >= 48 {
			path, speed = fmt.Sprintf("port/Gi1/0/%d", i-47), "1000000000"
		}
		b.add(path, hw.OK, "alias", fmt.Sprintf("outlet %d-%02d", d.number, i+1), "speed_bps", speed)
		b.port(i%2 == 0, d.first)
	}
	b = open("cpu", 1)
	b.cpu("cpu/1")
	b = open("environment", slowly)
	for i := range 3 {
		b.add(fmt.Sprintf("temperature/100%d", i+1), hw.OK)
		b.gauge("temperature_celsius", b.celsius(30+5*int64(i)))
	}
	for i := range 3 {
		b.add(fmt.Sprintf("fan/%d", i+1), hw.OK)
		b.gauge("speed_rpm", signal{law: walk, unit: 60, base: 60 + b.rng.Int64N(40), spread: 6, gain: 0.1})
		b.breakable()
	}
	for i := range 2 {
		b.psu(fmt.Sprintf("psu/%d", i+1), 190)
	}
	b.add("poe/1", hw.OK)
	b.gauge("used_watts", signal{law: noisy, unit: 0.1, base: 1500, spread: 40, gain: 300})
	for i := range 2 {
		b.optics(fmt.Sprintf("optic/Gi1/0/%d", i+1))
	}
	b = open("memory", slowly)
	b.pool("memory/Processor", 70<<20, 30<<20)
	b.pool("memory/I-O", 8<<20, 4<<20)
	d.inventory(open, 6)
}

// buildASA makes a failover pair of ASA 5500-X, one device.
func buildASA(d *device, open func(string, int) *builder) {
	d.kind, d.took = "cisco-asa", 90e6
	d.unit.Serial, d.unit.Model, d.unit.Version = fmt.Sprintf("SIMFW%06d", d.number), "ASA5555", "9.12(2)"
	b := open("ports", 1)
	for i := range 10 {
		b.add(fmt.Sprintf("port/GigabitEthernet0/%d", i), hw.OK, "speed_bps", "1000000000")
		b.port(i < 6, d.first)
	}
	b = open("cpu", 1)
	b.cpu("cpu/primary")
	b.cpu("cpu/secondary")
	b = open("failover", 1)
	for i, role := range [...]string{"active", "standby"} {
		b.add([...]string{"failover/primary", "failover/secondary"}[i], hw.OK)
		c := &b.components[i]
		c.State, c.Expected = hw.Attrs{{Key: "role", Value: role}}, true
	}
	b = open("connections", 1)
	b.add("connections", hw.OK)
	b.gauge("connections", signal{law: noisy, unit: 1, base: 1500, spread: 200, gain: 6000})
	b.gauge("peak_connections", signal{unit: 1, base: 72363})
	b.gauge("setups_per_second", signal{law: noisy, unit: 1, base: 5, spread: 6, gain: 80})
	b.gauge("half_open_connections", signal{law: noisy, unit: 1, base: 2, spread: 2, gain: 6})
	b.gauge("vpn_sessions", signal{law: walk, unit: 1, base: 12, spread: 8, gain: 0.2})
	b.missing("email_sessions", hw.NotSupported)
	b = open("environment", slowly)
	for _, unit := range [...]string{"primary", "secondary"} {
		for i := range 5 {
			b.add(fmt.Sprintf("temperature/%s-%d", unit, i+1), hw.OK)
			b.gauge("temperature_celsius", b.celsius(28+6*int64(i)))
		}
		for i := range 4 {
			b.add(fmt.Sprintf("fan/%s-%d", unit, i+1), hw.OK)
			b.gauge("speed_rpm", signal{law: walk, unit: 120, base: 50 + b.rng.Int64N(20), spread: 5, gain: 0.15})
			b.breakable()
		}
		for i := range 2 {
			b.add(fmt.Sprintf("psu/%s-%d", unit, i+1), hw.OK)
			b.gauge("output_watts", signal{law: noisy, unit: 1, base: 120, spread: 4, gain: 30})
			b.breakable()
		}
	}
	b = open("memory", slowly)
	for _, unit := range [...]string{"primary", "secondary"} {
		b.pool("memory/"+unit+"/System memory", 5<<30, 3<<30)
		b.pool("memory/"+unit+"/MEMPOOL_DMA", 200<<20, 60<<20)
		b.pool("memory/"+unit+"/MEMPOOL_GLOBAL_SHARED", 900<<20, 400<<20)
	}
	d.inventory(open, 4)
}

// inventory adds the section that has parts but no numbers.
func (d *device) inventory(open func(string, int) *builder, modules int) {
	b := open("inventory", hourly)
	b.add("chassis", hw.OK, "model", d.unit.Model, "serial", d.unit.Serial, "version", d.unit.Version)
	for i := range modules {
		b.add(fmt.Sprintf("module/%d", i+1), hw.OK, "serial", fmt.Sprintf("%s-%d", d.unit.Serial, i+1))
	}
}

func (b *builder) cpu(path string) {
	b.add(path, hw.OK)
	b.gauge("busy_5s_percent", signal{law: noisy, unit: 1, base: 6, spread: 4, gain: 25})
	b.gauge("busy_1m_percent", signal{law: noisy, unit: 1, base: 7, spread: 2, gain: 24})
	b.gauge("busy_5m_percent", signal{law: noisy, unit: 1, base: 7, spread: 1, gain: 24})
}

// celsius is a temperature in whole degrees.
func (b *builder) celsius(base int64) signal {
	return signal{law: walk, unit: 1, base: base + b.rng.Int64N(4), spread: 3, gain: 0.1}
}

func (b *builder) psu(path string, watts int64) {
	b.add(path, hw.OK)
	b.gauge("output_watts", signal{law: noisy, unit: 1, base: watts, spread: 5, gain: 60})
	b.gauge("input_volts", signal{law: noisy, unit: 0.1, base: 2300, spread: 8, gain: -15})
	b.gauge("input_amps", signal{law: noisy, unit: 0.01, base: watts / 2, spread: 3, gain: 25})
	b.breakable()
}

func (b *builder) optics(path string) {
	b.add(path, hw.OK)
	b.gauge("temperature_celsius", signal{law: walk, unit: 0.1, base: 330 + b.rng.Int64N(40), spread: 20, gain: 0.6})
	b.gauge("tx_power_dbm", signal{law: noisy, unit: 0.1, base: -25, spread: 1})
	b.gauge("rx_power_dbm", signal{law: noisy, unit: 0.1, base: -42, spread: 2})
}

func (b *builder) pool(path string, used, free int64) {
	b.add(path, hw.OK)
	b.gauge("used_bytes", signal{law: noisy, unit: 1, base: used, spread: used >> 10, gain: float64(used >> 6)})
	b.gauge("free_bytes", signal{law: noisy, unit: 1, base: free, spread: used >> 10, gain: -float64(used >> 6)})
	b.gauge("largest_free_bytes", signal{law: walk, unit: 1024, base: free >> 11, spread: 500, gain: 0.05})
}
