package idrac_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/collectors/sim/bmc"
	"rackpost/hw"
)

// sorts are the parts of the sections environment and inventory that both protocols tell.
var sorts = []string{"fan/", "temperature/", "psu/PSU", "cpu/", "dimm/", "power/", "manager"}

// One device has one set of names: what is told over Redfish and over SNMP has the same path, the same sensors, and where
// both tell a word or a number, the same one.
func TestNamesOfBothProtocols(t *testing.T) {
	t.Parallel()
	for _, model := range []string{"poweredge-r740", "poweredge-r750", "poweredge-r630"} {
		for _, fault := range []string{"", "psu-out 2", "fan-failed 1"} {
			t.Run(model+" "+fault, func(t *testing.T) {
				t.Parallel()
				var faults []string
				if fault != "" {
					faults = []string{fault}
				}
				snmp := visitingRows(t, modelRows(t, model, faults...)).visit("environment", "inventory")
				redfish := visitingBMC(t, frozenBMC(t, model, faults...)).visit("environment", "inventory")
				redfish.complete(t)
				compareNames(t, snmp, redfish)
			})
		}
	}
}

// frozenBMC is a server whose clock stands still: its readings are those of modelRows.
func frozenBMC(t testing.TB, model string, faults ...string) *bmc.BMC {
	t.Helper()
	began := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	b, err := bmc.New(model, bmc.Options{Clock: func() time.Time { return began }})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		name, arg, _ := strings.Cut(f, " ")
		if err := b.Fault(name, arg); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func compareNames(t *testing.T, snmp snmpReport, redfish redfishReport) {
	t.Helper()
	var over []string
	for path := range snmp.parts {
		if slices.ContainsFunc(sorts, func(s string) bool { return strings.HasPrefix(path, s) }) {
			over = append(over, path)
		}
	}
	slices.Sort(over)
	if d := cmp.Diff(over, slices.DeleteFunc(redfish.paths(sorts...), func(p string) bool { return strings.HasSuffix(p, "/redundancy") })); d != "" {
		t.Errorf("components over SNMP and Redfish: %s", d)
	}
	shared := 0
	for _, path := range over {
		a, b := snmp.parts[path], redfish.parts[path]
		if path != "power/system" && path != "manager" && a.Health != b.Health {
			t.Errorf("%s is %v over SNMP and %v over Redfish", path, a.Health, b.Health)
		}
		if a.Section != b.Section || a.Expected != b.Expected {
			t.Errorf("%s: %+v over SNMP, %+v over Redfish", path, a, b)
		}
		shared += sameWords(t, path, a.State, b.State) + sameWords(t, path, a.Attrs, b.Attrs)
	}
	for _, key := range slices.Sorted(maps.Keys(snmp.samples)) {
		x := snmp.samples[key]
		y, ok := redfish.samples[key]
		switch {
		case strings.HasPrefix(x.Component, "current/"), x.Sensor == "input_amperes": // Redfish tells them as sensors only
		case !ok:
			t.Errorf("%s is told over SNMP only", key)
		case x.Absent != y.Absent || x.Gauge != y.Gauge:
			t.Errorf("%s: %v %v over SNMP, %v %v over Redfish", key, x.Gauge, x.Absent, y.Gauge, y.Absent)
		default:
			shared++
		}
	}
	if shared < 30 {
		t.Errorf("only %d values are told by both", shared)
	}
}

// sameWords compares the keys that both tell, and returns how many there are.
func sameWords(t *testing.T, path string, a, b hw.Attrs) int {
	t.Helper()
	n := 0
	for _, x := range a {
		y := b.Get(x.Key)
		switch {
		case x.Key == "source" || y == "":
		case x.Key == "state" && strings.HasPrefix(y, x.Value): // input-lost: Redfish leaves open whether it is out of range
		case y != x.Value:
			t.Errorf("%s: %s is %q over SNMP and %q over Redfish", path, x.Key, x.Value, y)
		default:
			n++
		}
	}
	return n
}
