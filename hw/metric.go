package hw

import "strings"

// Metric is a sensor by the conventions of Prometheus: the name begins with the program and the sort of component, and ends with
// the base unit. Everybody who hands readings to such an engine takes the same names from here.
type Metric struct {
	Name    string
	Counter bool // it only goes up; else it is a gauge
	scale   float64
	divide  bool
}

// baseUnits are the ends of sensors' names that become others, with what makes base units of the numbers. Division by a hundred is
// exact where multiplication by a hundredth is not.
var baseUnits = []struct {
	end, base string
	scale     float64
	divide    bool
}{
	{"_percent", "_ratio", 100, true},
	{"_hours", "_seconds", 3600, false},
	{"_minutes", "_seconds", 60, false},
	{"_mbps", "_bytes_per_second", 125_000, false},
	{"_bps", "_bytes_per_second", 8, true},
	{"_mhz", "_hertz", 1_000_000, false},
	{"_count", "", 1, false}, // the end of a histogram's
}

// ownMetrics are the words behind rackpost_ that are the program's own.
var ownMetrics = []string{"box", "build", "journal", "pair", "uplink", "site", "device", "alert", "consumer", "remote"}

// MetricOf returns the metric of a sensor.
func MetricOf(component, sensor string, t SampleType) Metric {
	m := Metric{Counter: t == Counter, scale: 1}
	class, _, _ := strings.Cut(component, "/")
	if class = metricWord(class); class == "" {
		class = "whole"
	}
	for _, own := range ownMetrics {
		if class == own {
			class += "_part"
		}
	}
	name, total := strings.CutSuffix(metricWord(sensor), "_total")
	m.Counter = m.Counter || total
	if name == "" || name == "count" {
		name = "number"
	}
	for _, u := range baseUnits {
		if base, ok := strings.CutSuffix(name, u.end); ok {
			name, m.scale, m.divide = base+u.base, u.scale, u.divide
			break
		}
	}
	if !strings.HasPrefix(name+"_", class+"_") {
		name = class + "_" + name
	}
	if m.Name = "rackpost_" + name; m.Counter {
		m.Name += "_total"
	}
	return m
}

// Value returns a number of the sensor in the unit of the metric.
func (m Metric) Value(f float64) float64 {
	if m.divide {
		return f / m.scale
	}
	return f * m.scale
}

// metricWord makes of s a part of a metric's name: small letters, digits and single underscores.
func metricWord(s string) string {
	var b strings.Builder
	for _, c := range []byte(strings.ToLower(s)) {
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			b.WriteByte(c)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
	}
	return strings.TrimSuffix(b.String(), "_")
}
