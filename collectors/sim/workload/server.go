package workload

import (
	"fmt"

	"rackpost/hw"
)

// buildServer makes a PowerEdge that is read over Redfish, fully equipped.
func buildServer(d *device, open func(string, int) *builder) {
	d.kind, d.took = "dell-idrac", 350e6
	d.unit.Serial, d.unit.Model, d.unit.Version = fmt.Sprintf("SIM%04d", d.number), "PowerEdge R750", "6.00.30.00"
	b := open("heartbeat", 1)
	b.add("system", hw.OK)
	b.components[0].State = hw.Attrs{{Key: "power", Value: "on"}}
	b.gauge("power_watts", signal{law: noisy, unit: 1, base: 310, spread: 12, gain: 180})
	b.gauge("inlet_celsius", b.celsius(21))
	b.gauge("exhaust_celsius", b.celsius(34))
	b.gauge("cpu_percent", signal{law: noisy, unit: 1, base: 4, spread: 5, gain: 50})
	b.gauge("memory_percent", signal{law: noisy, unit: 1, base: 30, spread: 1, gain: 10})
	b.gauge("io_percent", signal{law: noisy, unit: 1, base: 1, spread: 1, gain: 8})
	b.gauge("airflow_cfm", signal{law: walk, unit: 1, base: 44, spread: 4, gain: 0.2})
	b.gauge("power_limit_watts", signal{unit: 1, base: 1400})
	b.gauge("fan_duty_percent", signal{law: walk, unit: 1, base: 28, spread: 4, gain: 0.15})
	b.gauge("uptime_seconds", signal{law: uptime, unit: 1})
	b.counter("energy_joules_total", 1<<33+b.rng.Uint64N(1<<33), signal{law: flow, gain: 800})
	b.counter("faults_total", b.rng.Uint64N(9), signal{law: rare, gain: 0.0002})
	buildSensors(open("sensors", slowly))
	buildStorage(open("storage", slowly))
	b = open("network", slowly)
	for i := range 8 {
		port := fmt.Sprintf("Integrated.1-%d", i+1)
		b.add("port/NIC."+port, hw.OK, "speed_bps", "25000000000")
		b.port(i%2 == 0, d.first)
		b.optics("optic/NIC." + port)
	}
	d.inventory(open, 24)
}

// buildSensors adds fans, processors, memory modules, voltages, power supplies, slots and
// temperatures.
func buildSensors(b *builder) {
	for i := range 12 {
		b.add(fmt.Sprintf("fan/Fan.Embedded.%d", i+1), hw.OK)
		b.gauge("speed_rpm", signal{law: walk, unit: 120, base: 50 + b.rng.Int64N(6), spread: 8, gain: 0.3})
		b.gauge("duty_percent", signal{law: walk, unit: 1, base: 28, spread: 4, gain: 0.15})
		b.breakable()
	}
	for i := range 2 {
		b.add(fmt.Sprintf("processor/CPU.Socket.%d", i+1), hw.OK)
		b.gauge("temperature_celsius", signal{law: noisy, unit: 1, base: 46, spread: 2, gain: 22})
		b.gauge("busy_percent", signal{law: noisy, unit: 1, base: 4, spread: 5, gain: 50})
		b.gauge("power_watts", signal{law: noisy, unit: 0.1, base: 650, spread: 60, gain: 900})
		b.gauge("frequency_mhz", signal{law: noisy, unit: 100, base: 20, spread: 3, gain: 8})
		b.counter("throttles_total", 0, signal{law: rare, gain: 0.002, boots: true})
	}
	for i := range 32 {
		b.add(fmt.Sprintf("dimm/DIMM.Socket.%c%d", 'A'+i/16, 1+i%16), hw.OK)
		b.gauge("temperature_celsius", b.celsius(36))
		b.counter("correctable_errors_total", 0, signal{law: rare, gain: 0.0005, boots: true})
		b.counter("uncorrectable_errors_total", 0, signal{boots: true})
	}
	for i := range 24 {
		b.add(fmt.Sprintf("voltage/iDRAC.Embedded.1#Rail%d", i+1), hw.OK)
		base := [...]int64{12100, 5020, 3310, 1800, 1050, 850}[i%6] + b.rng.Int64N(60)
		if i%3 == 0 {
			b.gauge("volts", signal{unit: 0.001, base: base})
		} else {
			b.gauge("volts", signal{law: noisy, unit: 0.001, base: base, spread: 4})
		}
	}
	for i := range 2 {
		b.supply(fmt.Sprintf("psu/PSU.Slot.%d", i+1))
	}
	for i := range 8 {
		b.add(fmt.Sprintf("slot/PCIe.Slot.%d", i+1), hw.Unknown)
		if i < 3 {
			b.gauge("temperature_celsius", b.celsius(40))
		} else {
			b.missing("temperature_celsius", hw.NotInstalled)
		}
	}
	for i := range 10 {
		b.add(fmt.Sprintf("temperature/iDRAC.Embedded.1#Board%d", i+1), hw.OK)
		b.gauge("temperature_celsius", b.celsius(25+2*int64(i)))
	}
}

func (b *builder) supply(path string) {
	b.add(path, hw.OK)
	b.gauge("output_watts", signal{law: noisy, unit: 1, base: 150, spread: 8, gain: 90})
	b.gauge("input_watts", signal{law: noisy, unit: 1, base: 162, spread: 8, gain: 95})
	b.gauge("input_volts", signal{law: noisy, unit: 1, base: 230, spread: 1, gain: -2})
	b.gauge("input_amps", signal{law: noisy, unit: 0.1, base: 7, spread: 1, gain: 4})
	b.gauge("temperature_celsius", b.celsius(30))
	b.gauge("fan_rpm", signal{law: walk, unit: 60, base: 100, spread: 8, gain: 0.2})
	b.gauge("efficiency_percent", signal{unit: 1, base: 92})
	b.counter("energy_joules_total", 1<<32+b.rng.Uint64N(1<<32), signal{law: flow, gain: 400})
	b.breakable()
}

// buildStorage adds drives, volumes, controllers and the battery.
func buildStorage(b *builder) {
	for i := range 24 {
		b.drive(fmt.Sprintf("drive/Disk.Bay.%d:Enclosure.Internal.0-1", i), i < 16)
	}
	for i := range 4 {
		b.add(fmt.Sprintf("volume/Disk.Virtual.%d:RAID.SL.3-1", i), hw.OK, "raid", "RAID6")
		b.gauge("capacity_bytes", signal{unit: 1, base: 7_681_501_126_656})
		b.missing("rebuild_percent", hw.NotReady)
		b.gauge("cache_hit_percent", signal{law: noisy, unit: 1, base: 60, spread: 8, gain: 20})
		b.gauge("bad_blocks", signal{unit: 1})
		b.traffic(float64(i + 1))
	}
	for i := range 2 {
		b.add(fmt.Sprintf("controller/RAID.SL.%d-1", i+3), hw.OK)
		b.gauge("temperature_celsius", b.celsius(52))
		b.gauge("cache_bytes", signal{unit: 1, base: 8 << 30})
		b.gauge("dirty_percent", signal{law: noisy, unit: 1, base: 2, spread: 3, gain: 10})
		b.counter("correctable_errors_total", 0, signal{law: rare, gain: 0.001})
		b.counter("resets_total", 1, signal{})
		b.gauge("patrol_percent", signal{law: walk, unit: 1, base: 50, spread: 45, gain: 0.4})
	}
	b.add("battery/RAID.SL.3-1", hw.OK)
	b.gauge("charge_percent", signal{law: walk, unit: 1, base: 97, spread: 2, gain: 0.02})
	b.gauge("temperature_celsius", b.celsius(33))
	b.gauge("volts", signal{law: noisy, unit: 0.01, base: 812, spread: 1})
	b.gauge("capacity_percent", signal{unit: 1, base: 88})
	b.breakable()
}

// drive adds an SSD; one that is a spare does nothing.
func (b *builder) drive(path string, active bool) {
	b.add(path, hw.OK, "serial", fmt.Sprintf("SIMD%08d", b.rng.IntN(1e8)))
	b.gauge("temperature_celsius", b.celsius(29))
	b.gauge("life_left_percent", signal{unit: 1, base: 90 + b.rng.Int64N(10)})
	b.gauge("spare_percent", signal{unit: 1, base: 100})
	if active {
		b.gauge("busy_percent", signal{law: noisy, unit: 1, base: 1, spread: 2, gain: 20})
		b.traffic(0.1 + b.rng.Float64())
	} else {
		b.gauge("busy_percent", signal{unit: 1})
		b.traffic(0)
	}
	for _, name := range [...]string{"media_errors_total", "other_errors_total", "predictive_failures_total", "reallocated_sectors_total", "crc_errors_total", "command_timeouts_total"} {
		b.counter(name, b.rng.Uint64N(2), signal{law: rare, gain: 0.0002})
	}
	b.counter("power_cycles_total", 20+b.rng.Uint64N(30), signal{})
	b.counter("power_on_seconds_total", 0, signal{law: hours, base: -1_700_000_000 + b.rng.Int64N(3600)})
}

// traffic adds the counters of reads and writes; rate 1 is some 20 MB/s at full load.
func (b *builder) traffic(rate float64) {
	l := flow
	if rate == 0 {
		l = still
	}
	b.counter("read_bytes_total", b.rng.Uint64N(1<<44), signal{law: l, gain: 14e6 * rate})
	b.counter("written_bytes_total", b.rng.Uint64N(1<<43), signal{law: l, gain: 6e6 * rate})
	b.counter("reads_total", b.rng.Uint64N(1<<32), signal{law: l, gain: 420 * rate})
	b.counter("writes_total", b.rng.Uint64N(1<<31), signal{law: l, gain: 260 * rate})
}
