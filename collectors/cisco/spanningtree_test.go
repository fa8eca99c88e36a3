package cisco_test

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rackpost/collectors"
	"rackpost/collectors/sim"
	"rackpost/hw"
)

const (
	bridgeAddress = "1.3.6.1.2.1.17.1.1.0"
	basePort      = "1.3.6.1.2.1.17.1.4.1.2."
	stp           = "1.3.6.1.2.1.17.2."
	stpPortState  = "1.3.6.1.2.1.17.2.15.1.3."
	stpExtensions = "1.3.6.1.4.1.9.9.82.1."
)

// treeRows write a spanning tree seen from bridge 0253ffff00aa: ports 7 and 8 are Gi0/1 and
// Gi0/2.
func treeRows(root string, cost, rootPort, changes int) script {
	return script{
		bridgeAddress + "|4x|0253ffff00aa", basePort + "7|2|1", basePort + "8|2|2",
		stp + "3.0|67|12345", fmt.Sprintf("%s4.0|65|%d", stp, changes), stp + "5.0|4x|" + root,
		fmt.Sprintf("%s6.0|2|%d", stp, cost), fmt.Sprintf("%s7.0|2|%d", stp, rootPort), stpExtensions + "6.1.0|2|5",
	}
}

const (
	otherRoot = "80000253ffff0001"
	ownRoot   = "60010253ffff00aa"
)

func twoPorts() script { return join(port(1, "Gi0/1", "", 1, 1), port(2, "Gi0/2", "", 1, 1)) }

// netdata reads the count at .4 as the time since the last change, and the root at .5 as
// the count.
func TestQuirkNetdataReadsTopologyChangesFromTheWrongObjects(t *testing.T) {
	t.Parallel()
	r := visiting(t, catalyst, join(twoPorts(), treeRows(otherRoot, 4, 7, 6)).device(t, iosHead)).all()
	r.complete(t)
	if got := r.count(t, "spanning-tree/1", "topology_changes_total").Count; got != 6 {
		t.Errorf("%d changes, want 6", got)
	}
	if got := r.gauge(t, "spanning-tree/1", "since_topology_change_seconds"); got != 123.45 {
		t.Errorf("%v s since, want 123.45", got)
	}
	wantPart(t, nil, r.part(t, "spanning-tree/1"), "ok root=8000.0253ffff0001 root_cost=4 is_root=no root_port=Gi0/1 mode=rapid-pvst stp_inconsistent=")
	lines := raw(t, "cisco_16_switch")
	w := parse(t, lines)
	real := visiting(t, catalyst, recorded(t, lines)).all()
	if got := strconv.FormatUint(real.count(t, "spanning-tree/1", "topology_changes_total").Count, 10); got != w[stp+"4.0"] {
		t.Errorf("%s changes, the recording says %s", got, w[stp+"4.0"])
	}
	root := hex.EncodeToString([]byte(w[stp+"5.0"]))
	if got := real.part(t, "spanning-tree/1").State.Get("root"); got != root[:4]+"."+root[4:] {
		t.Errorf("root %s, the recording says %s", got, root)
	}
}

// Another root is a change of state; another count of changes is none, and a count that
// fell starts anew.
func TestTopologyChanges(t *testing.T) {
	t.Parallel()
	at := func(root string, cost, rootPort, changes int) *sim.Device {
		return join(twoPorts(), treeRows(root, cost, rootPort, changes)).device(t, iosHead)
	}
	v := visiting(t, catalyst, at(otherRoot, 4, 7, 6))
	before := v.all()
	v.becomes(at(otherRoot, 4, 7, 60))
	after := v.fast()
	if a, b := before.part(t, "spanning-tree/1"), after.part(t, "spanning-tree/1"); !slices.Equal(a.State, b.State) || !slices.Equal(a.Attrs, b.Attrs) {
		t.Errorf("changes alone change the state: %v, then %v", a, b)
	}
	start := after.count(t, "spanning-tree/1", "topology_changes_total").StartMS
	if got := before.count(t, "spanning-tree/1", "topology_changes_total").StartMS; got != start {
		t.Errorf("the count starts anew while it rises")
	}
	v.becomes(at(otherRoot, 8, 8, 3))
	r := v.fast()
	if got := r.count(t, "spanning-tree/1", "topology_changes_total"); got.StartMS == start || got.Count != 3 {
		t.Errorf("a count that fell goes on: %+v", got)
	}
	wantPart(t, nil, r.part(t, "spanning-tree/1"), "ok root=8000.0253ffff0001 root_cost=8 is_root=no root_port=Gi0/2")
	v.becomes(at(ownRoot, 0, 0, 4))
	wantPart(t, nil, v.fast().part(t, "spanning-tree/1"), "ok root=6001.0253ffff00aa root_cost=0 is_root=yes root_port=")
}

// A root port whose number is not known is looked up at once; one the switch does not map is
// told by its number, and not under another's name.
func TestRootPort(t *testing.T) {
	t.Parallel()
	s := join(twoPorts(), treeRows(otherRoot, 4, 9, 6))
	v := visiting(t, catalyst, s.device(t, iosHead))
	r := v.all()
	r.complete(t)
	if got := r.part(t, "spanning-tree/1").State.Get("root_port"); got != "#9" {
		t.Errorf("root port %q", got)
	}
	v = visiting(t, catalyst, s.device(t, iosHead))
	v.fault("generr", strings.TrimSuffix(basePort, "."))
	r = v.all()
	if got := r.part(t, "spanning-tree/1").State.Get("root_port"); got != "" || r.extent(t, "spanning-tree") != hw.Partial {
		t.Errorf("root port %q while the ports are not known: %v", got, r.extent(t, "spanning-tree"))
	}
}

// Scalars that are missing or garbage leave the others alone, and what is not known is not
// well.
func TestTreeInPart(t *testing.T) {
	t.Parallel()
	whole := join(twoPorts(), treeRows(otherRoot, 4, 7, 6))
	for oid, want := range map[string]string{
		bridgeAddress: "ok root=8000.0253ffff0001 is_root= root_port=Gi0/1", stp + "3.0": "ok root=8000.0253ffff0001 is_root=no",
		stp + "4.0": "ok root=8000.0253ffff0001", stp + "5.0": "unknown root= is_root= root_port=Gi0/1", stp + "7.0": "ok root_port= is_root=no",
	} {
		gone := slices.DeleteFunc(slices.Clone(whole), func(row string) bool { return strings.HasPrefix(row, oid+"|") })
		r := visiting(t, catalyst, gone.device(t, iosHead)).all()
		wantPart(t, nil, r.part(t, "spanning-tree/1"), want)
		r = visiting(t, catalyst, whole.with(t, oid+"|4x|00ff")).all()
		wantPart(t, nil, r.part(t, "spanning-tree/1"), want)
		for key, sensor := range map[string]string{stp + "3.0": "since_topology_change_seconds", stp + "4.0": "topology_changes_total"} {
			if s := r.samples["spanning-tree/1 "+sensor]; key == oid && s.Absent != hw.Garbage {
				t.Errorf("%s: %+v", oid, s)
			}
		}
	}
	none := visiting(t, catalyst, join(twoPorts(), script{bridgeAddress + "|4x|0253ffff00aa"}).device(t, iosHead)).all()
	none.complete(t)
	if c, ok := none.parts["spanning-tree/1"]; ok {
		t.Errorf("a tree is invented: %+v", c)
	}
}

// What the tree does to a port is its state; a port held back is a warning until it is read
// that it is no more.
func TestTreePorts(t *testing.T) {
	t.Parallel()
	s := join(twoPorts(), port(3, "Gi0/3", "", 2, 1), treeRows(otherRoot, 4, 7, 6),
		script{stpPortState + "7|2|5", stpPortState + "8|2|2", basePort + "9|2|3", stpPortState + "9|2|1"})
	v := visiting(t, catalyst, s.device(t, iosHead))
	r := v.all()
	r.complete(t)
	wantPart(t, nil, r.part(t, "port/Gi0/1"), "ok stp=forwarding stp_inconsistent=")
	wantPart(t, nil, r.part(t, "port/Gi0/2"), "ok stp=blocking stp_inconsistent=")
	wantPart(t, nil, r.part(t, "port/Gi0/3"), "ok stp= oper=down")
	for oid, value := range map[string]string{
		"3.1.1.3.20.8": "4x|40", "3.2.1.3.0.8": "4x|80", "5.2.1.3.20.8": "2|1", "8.2.1.3.20.8": "2|1",
	} {
		v.becomes(join(s, script{stpExtensions + oid + "|" + value}).with(t, stpPortState+"8|2|6"))
		r = v.all()
		r.complete(t)
		wantPart(t, nil, r.part(t, "port/Gi0/2"), "warning stp=broken stp_inconsistent=yes")
		v.fault("generr", strings.TrimSuffix(stpExtensions, "."))
		r = v.all()
		wantPart(t, nil, r.part(t, "port/Gi0/2"), "unknown stp_inconsistent=unknown")
		v.becomes(s.device(t, iosHead))
		wantPart(t, nil, v.all().part(t, "port/Gi0/2"), "ok stp=blocking stp_inconsistent=")
	}
	v.becomes(join(s, script{stpExtensions + "3.1.1.3.20.8|4x|00", stpExtensions + "5.2.1.3.20.8|2|2"}).device(t, iosHead))
	wantPart(t, nil, v.all().part(t, "port/Gi0/2"), "ok stp_inconsistent=")
	v.becomes(join(s, script{stpExtensions + "5.2.1.3.20.77|2|1"}).device(t, iosHead)) // no port that is known
	wantPart(t, nil, v.all().part(t, "spanning-tree/1"), "warning stp_inconsistent=yes")
	v.becomes(s.with(t, ifOper+"1|2|2"))
	if got := v.fast().part(t, "port/Gi0/1").State.Get("stp"); got != "" {
		t.Errorf("a port without link is %s", got)
	}
}

// A port that the switch holds back is seen within five minutes, and is well when it is free.
func TestPortHeldBack(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, modelled(t, "catalyst-2960x", sim.ModelOptions{}))
	v.all()
	v.fault("stp-inconsistent", "Gi1/0/50,Gi1/0/3")
	r := v.all()
	r.complete(t)
	wantPart(t, nil, r.part(t, "port/Gi1/0/50"), "warning stp=broken stp_inconsistent=yes")
	wantPart(t, nil, r.part(t, "port/Gi1/0/3"), "warning stp_inconsistent=yes")
	v.fault("clear", "stp-inconsistent")
	wantPart(t, nil, v.all().part(t, "port/Gi1/0/50"), "ok stp=forwarding stp_inconsistent=")
}

// A fast visit asks once for the tree, and not for its ports.
func TestTreeIsCheap(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, modelled(t, "catalyst-3750-48ps", sim.ModelOptions{}))
	v.all()
	none := v.visit(nil).Requests
	for _, s := range v.kind.Sections {
		if s.Name == "spanning-tree" {
			if got := v.visit([]collectors.Section{s}).Requests - none; got != 1 {
				t.Errorf("%d requests", got)
			}
		}
	}
}

// The spanning trees of real switches, by what a person reads in the recording.
func TestRecordedTrees(t *testing.T) {
	t.Parallel()
	words := []string{"", "", "blocking", "listening", "learning", "forwarding", "broken"}
	for _, name := range []string{"cisco_16_switch", "ios_2960x", "cisco-c3560"} {
		lines := raw(t, name)
		w := parse(t, lines)
		r := visiting(t, catalyst, recorded(t, lines)).all()
		names := w.column("1.3.6.1.2.1.31.1.1.1.1")
		c, told := r.parts["spanning-tree/1"]
		if _, has := w[stp+"5.0"]; has != told {
			t.Errorf("%s has a tree: %v, told %v", name, has, told)
			continue
		}
		for n, state := range w.column(strings.TrimSuffix(stpPortState, ".")) {
			p := r.part(t, "port/"+names[w[basePort+n]])
			if i, _ := strconv.Atoi(state); p.State.Get("oper") == "up" && p.State.Get("stp") != words[i] {
				t.Errorf("%s: %s is %v, want %s", name, p.Path, p.State, words[i])
			}
		}
		if n := w[stp+"7.0"]; told && n != "0" && c.State.Get("root_port") != names[w[basePort+n]] {
			t.Errorf("%s: root port %q, want that of bridge port %s", name, c.State.Get("root_port"), n)
		}
	}
}
