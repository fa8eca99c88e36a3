package hw_test

import (
	"regexp"
	"testing"

	"pgregory.net/rapid"

	"rackpost/hw"
)

func TestMetricOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		component, sensor string
		kind              hw.SampleType
		name              string
		counter           bool
		value, want       float64
	}{
		{"port/Gi1/0/1", "rx_bytes_total", hw.Counter, "rackpost_port_rx_bytes_total", true, 7, 7},
		{"cpu/1", "busy_5m_percent", hw.Gauge, "rackpost_cpu_busy_5m_ratio", false, 57, 0.57},
		{"temperature/inlet", "temperature_celsius", hw.Gauge, "rackpost_temperature_celsius", false, 21.5, 21.5},
		{"drive/Disk.Bay.3", "powered_hours", hw.Gauge, "rackpost_drive_powered_seconds", false, 2, 7200},
		{"drive/Disk.Bay.3", "media_errors_total", hw.Gauge, "rackpost_drive_media_errors_total", true, 3, 3},
		{"port/Gi1/0/1", "speed_mbps", hw.Gauge, "rackpost_port_speed_bytes_per_second", false, 1000, 125e6},
		{"vpn/ipsec", "security_associations_count", hw.Gauge, "rackpost_vpn_security_associations", false, 4, 4},
		{"spanning-tree/1", "topology_changes_total", hw.Counter, "rackpost_spanning_tree_topology_changes_total", true, 1, 1},
		{"site/x", "count", hw.Gauge, "rackpost_site_part_number", false, 1, 1},
		{"", "uptime_seconds", hw.Gauge, "rackpost_whole_uptime_seconds", false, 1, 1},
		{"system", "made", hw.Counter, "rackpost_system_made_total", true, 1, 1},
	} {
		m := hw.MetricOf(c.component, c.sensor, c.kind)
		if m.Name != c.name || m.Counter != c.counter || m.Value(c.value) != c.want {
			t.Errorf("%s %s: %s, counter %v, %v; want %s, %v, %v", c.component, c.sensor, m.Name, m.Counter, m.Value(c.value), c.name, c.counter, c.want)
		}
	}
}

// TestMetricNames: whatever a component and a sensor are called, the name is one that every engine takes.
func TestMetricNames(t *testing.T) {
	t.Parallel()
	valid := regexp.MustCompile(`^rackpost(_[a-z0-9]+)+$`)
	rapid.Check(t, func(t *rapid.T) {
		m := hw.MetricOf(rapid.String().Draw(t, "component"), rapid.StringN(1, -1, -1).Draw(t, "sensor"), hw.SampleType(rapid.IntRange(0, 1).Draw(t, "type")))
		if !valid.MatchString(m.Name) {
			t.Fatalf("%q", m.Name)
		}
	})
}
