package collectortest

import (
	"slices"
	"strings"
)

// Units returns the words a sensor's name may end in: its unit. Counters end in total, after
// the unit or the noun they count. A number of things ends in what is counted.
func Units() []string {
	return []string{
		"celsius", "percent", "ratio", "rpm", "hertz",
		"volts", "amperes", "watts", "joules", "dbm",
		"bytes", "bits", "bps", "bytes_per_second", "seconds",
		"total", "count",
		"connections", "sessions", "tunnels", "packets", "errors", "entries",
		"members", "ports", "peers", "neighbors", "addresses", "vlans", "users", "devices", "contexts",
	}
}

// endsInUnit says whether a sensor is a unit or ends in _ and one.
func endsInUnit(sensor string, units []string) bool {
	return slices.ContainsFunc(units, func(u string) bool {
		return sensor == u || strings.HasSuffix(sensor, "_"+u)
	})
}
