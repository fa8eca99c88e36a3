package cisco_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"rackpost/hw"
)

// Rows of a switch with neighbours, transceivers and parts are dropped, or become of a type
// they are not: what is left is what the whole switch says. What is missing that still has
// rows is missing from a section that is not complete.
func TestSomeRowsOfNeighboursTransceiversAndParts(t *testing.T) {
	t.Parallel()
	lines := join(fittedSFP(1, five(ciscoSensor, -50)),
		cdp(7, 1, "core.example.net", "Gi1", 1, 3), cdp(8, 2, "phone", "Port 1", 1, 3),
		lldpLocal(1, "Te1/1/4", "TenGigabitEthernet1/1/4"), lldp(0, 1, 1, "core", "Gi1"),
		lldpLocal(2, "Te1/1/3", "TenGigabitEthernet1/1/3"), lldp(0, 2, 9, "host", "eth0"),
		entPart(1006, 1000, 5, "Power Supply A Container", "Container", "", ""), entPart(1013, 1006, 6, "Power Supply A", "Power Supply A", "SIMPSU1", "PWR"))
	whole := visiting(t, catalyst, lines.device(t, iosHead)).all()
	whole.complete(t)
	for seed := range uint64(60) {
		some := spoiling{drop: 12, corrupt: 12, only: func(oid string) bool {
			return !strings.HasPrefix(oid, "1.3.6.1.2.1.31.") && !strings.HasPrefix(oid, "1.3.6.1.2.1.2.") && oid != entRow+".11.1000"
		}}
		r := visiting(t, catalyst, script(some.spoil(lines, rand.New(rand.NewPCG(seed, 5)))).device(t, iosHead)).all()
		for key, s := range r.samples {
			if was, ok := whole.samples[key]; strings.HasPrefix(key, "transceiver/") && (!ok || s.Absent == "" && s.Gauge != was.Gauge) {
				t.Errorf("seed %d: %+v, was %+v", seed, s, was)
			}
		}
		for _, prefix := range []string{"neighbour/", "transceiver/", "part/"} {
			wantNothingElse(t, seed, prefix, whole, r)
		}
	}
}

// wantNothingElse compares the components under prefix.
func wantNothingElse(t *testing.T, seed uint64, prefix string, whole, r report) {
	t.Helper()
	for path, c := range r.parts {
		was, ok := whole.parts[path]
		if !strings.HasPrefix(path, prefix) {
			continue
		}
		if !ok || c.Health > hw.OK {
			t.Errorf("seed %d: %+v, was %+v", seed, c, was)
		}
		for _, a := range c.Attrs {
			// Of two protocols that tell of one neighbour, either may be left.
			if was.Attrs.Get(a.Key) != a.Value && prefix != "neighbour/" {
				t.Errorf("seed %d: %s: %s is %q, was %q", seed, path, a.Key, a.Value, was.Attrs.Get(a.Key))
			}
		}
	}
	for path, c := range whole.parts {
		if _, ok := r.parts[path]; strings.HasPrefix(path, prefix) && !ok && r.extent(t, c.Section) == hw.Complete {
			t.Errorf("seed %d: %s is gone, and %s is called complete", seed, path, c.Section)
		}
	}
}
