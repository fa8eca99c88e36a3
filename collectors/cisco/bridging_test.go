package cisco_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"rackpost/hw"
)

// bridged is a switch with VLANs, a trunk, a port-channel and a spanning tree.
func bridged() script {
	return join(bundlePorts(), each(lagAttached, 501, 501, 0, 0), each(lagSelected, 501, 501, 0, 0), each(pagpGroup, 0, 0, 0, 4), stacked(501, 501, 0, 0),
		vlanRow(1, 1, 1, "default"), vlanRow(20, 1, 1, "servers"), vlanRow(30, 2, 1, "parked"), vlanRow(1002, 1, 2, "fddi-default"),
		trunkPortRow(501, 1, 1, 99, bits(0, 20, 30), bits(1024, 1500), "", ""), trunkPortRow(1, 1, 1, 99, bits(0, 20, 30), bits(1024, 1500), "", ""),
		trunkPortRow(2, 1, 1, 99, bits(0, 20, 30), bits(1024, 1500), "", ""),
		trunkPortRow(3, 2, 2, 1, full(), full(), full(), full()), trunkPortRow(4, 2, 2, 1, full(), full(), full(), full()),
		script{accessVLAN + "3|2|20", accessVLAN + "4|2|20"},
		treeRows(otherRoot, 4, 9, 6), script{basePort + "9|2|501", stpPortState + "9|2|5", stpPortState + "7|2|2", stpExtensions + "3.1.1.3.1.8|4x|40"})
}

// Whatever rows are dropped, come in another order or turn to garbage: what is told of
// VLANs, channels and trees is what the whole switch tells, or nothing.
func TestBridgingInPart(t *testing.T) {
	t.Parallel()
	whole := visiting(t, catalyst, bridged().device(t, iosHead)).all()
	whole.complete(t)
	for seed := range uint64(40) {
		some := spoiling{drop: 15, corrupt: 10, only: func(oid string) bool { return !namesRows(oid) }}
		s := script(some.spoil(bridged(), rand.New(rand.NewPCG(seed, 3))))
		r := visiting(t, catalyst, s.device(t, iosHead)).all()
		for path, c := range r.parts {
			if c.State.Get("stp_inconsistent") == "yes" && path == "spanning-tree/1" { // of a port that lost its number
				c.Health, c.State = hw.OK, slices.Clone(c.State).With("stp_inconsistent", "")
			}
			wantNoMore(t, fmt.Sprintf("seed %d: %s", seed, path), c, whole.parts[path])
		}
		for key, x := range r.samples {
			if was, ok := whole.samples[key]; ok && x.Absent == "" && was.Absent == "" && (x.Gauge != was.Gauge || x.Count != was.Count) {
				t.Errorf("seed %d: %s is %v %d, was %v %d", seed, key, x.Gauge, x.Count, was.Gauge, was.Count)
			}
		}
	}
}

// wantNoMore wants a component to say nothing that the whole one does not.
func wantNoMore(t *testing.T, what string, c, whole hw.Component) {
	t.Helper()
	if c.Section != "vlans" && c.Section != "spanning-tree" && c.Section != "ports" {
		return
	}
	if c.Health > hw.OK && c.Health != whole.Health {
		t.Errorf("%s is %v, was %v", what, c.Health, whole.Health)
	}
	if whole.Path == "" && !strings.HasPrefix(c.Path, "vlan/") {
		t.Errorf("%s is invented: %+v", what, c)
	}
	for _, pair := range [][2]hw.Attrs{{c.State, whole.State}, {c.Attrs, whole.Attrs}} {
		for _, a := range pair[0] {
			if was := pair[1].Get(a.Key); a.Value != was && !strings.HasPrefix(a.Value, "#") {
				t.Errorf("%s: %s is %q, was %q", what, a.Key, a.Value, was)
			}
		}
	}
}
