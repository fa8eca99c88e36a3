package cisco_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/sim"
	"rackpost/hw"
)

// mac visits with the section mac due, which is off unless it is configured.
func (v *visitor) mac() report {
	v.Helper()
	for _, s := range v.kind.Sections {
		if s.Name == "mac" {
			if s.Period != 0 {
				v.Error("the section mac is on by itself")
			}
			return v.visit([]collectors.Section{{Name: s.Name, Period: time.Hour}})
		}
	}
	v.Fatal("no section mac")
	return report{}
}

const fdbPort = "1.3.6.1.2.1.17.4.3.1.2."

// Without the context of a VLAN a switch tells of VLAN 1 alone.
func TestQuirkForwardingTablesNeedTheContextOfTheirVLAN(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, modelled(t, "catalyst-3750-48ps", sim.ModelOptions{}))
	all := v.all()
	r := v.mac()
	r.complete(t)
	learned := map[string]float64{} // by what the ports say of themselves
	for path, c := range all.parts {
		if !strings.HasPrefix(path, "port/") || c.State.Get("oper") != "up" || c.Attrs.Get("channel") != "" {
			continue
		}
		carried, _ := readList(t, "none")
		if list := c.Attrs.Get("allowed_vlans"); list != "" {
			carried, _ = readList(t, list)
		}
		for _, vlan := range []string{"60", "70", "80"} {
			switch {
			case c.State.Get("trunking") == "yes" && carried[map[string]int{"60": 60, "70": 70, "80": 80}[vlan]]:
				learned[vlan] += 4
			case c.Attrs.Get("vlan") == vlan:
				learned[vlan]++
			}
		}
		if c.State.Get("trunking") == "yes" && c.Attrs.Get("allowed_vlans") == "all" {
			learned["1"] += 4
		}
	}
	for _, vlan := range []string{"1", "60", "70", "80"} {
		if got := r.gauge(t, "mac/"+vlan, "learned_addresses"); got != learned[vlan] || got == 0 {
			t.Errorf("VLAN %s: %v addresses, want %v", vlan, got, learned[vlan])
		}
	}
	for _, path := range []string{"mac/1002", "spanning-tree/1", "spanning-tree/1002"} {
		if c, ok := r.parts[path]; ok {
			t.Errorf("%+v is there", c)
		}
	}
	for vlan, want := range map[string]string{"60": "ok is_root=no", "70": "ok is_root=yes root_port=", "80": "ok is_root=no"} {
		wantPart(t, nil, r.part(t, "spanning-tree/"+vlan), want)
		r.count(t, "spanning-tree/"+vlan, "topology_changes_total")
	}
	if port := r.part(t, "spanning-tree/60").State.Get("root_port"); all.part(t, "port/"+port).State.Get("trunking") != "yes" {
		t.Errorf("the root port of VLAN 60 is %q", port)
	}
	v.fast().complete(t) // in its own context again
}

// vlansOf are VLANs 1 and 20 on, and a forwarding table of VLAN 1.
func vlansOf(n, addresses int) script {
	s := join(twoPorts(), vlanRow(1, 1, 1, "default"))
	for id := 20; id < 20+n; id++ {
		s = join(s, vlanRow(id, 1, 1, fmt.Sprint("v", id)))
	}
	for i := range addresses {
		s = append(s, fmt.Sprintf("%s2.0.0.1.%d.%d|2|7", fdbPort, i/256, i%256))
	}
	return s
}

// A switch without contexts is silent: that costs two time-outs, and the visit goes on.
func TestContextsSilent(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, vlansOf(30, 3).device(t, iosHead))
	v.target.Timeout = 100 * time.Millisecond
	v.open()
	v.all()
	before := v.visit(nil).Requests
	r := v.mac()
	if got := r.gauge(t, "mac/1", "learned_addresses"); got != 3 {
		t.Errorf("VLAN 1: %v addresses", got)
	}
	if r.extent(t, "mac") != hw.Partial || r.Requests-before > 20 || r.Took > 2*time.Second {
		t.Errorf("%v after %d requests in %v", r.extent(t, "mac"), r.Requests-before, r.Took)
	}
	told := map[string]hw.Reason{}
	for _, g := range r.Gaps {
		told[g.What] = g.Reason
	}
	if len(told) != 3 || told["mac/20"] != hw.NoAnswer || told["mac/21"] != hw.NoAnswer || told["mac"] != hw.NotReady {
		t.Errorf("gaps %v", told)
	}
	v.fast().complete(t)
}

func TestAddressesTooMany(t *testing.T) {
	t.Parallel()
	for n, absent := range map[int]hw.Reason{4096: "", 4097: hw.TooMuch} {
		r := visiting(t, catalyst, vlansOf(0, n).device(t, iosHead)).mac()
		if s := r.samples["mac/1 learned_addresses"]; s.Absent != absent || absent == "" && s.Gauge != float64(n) {
			t.Errorf("%d addresses: %+v", n, s)
		}
		if (r.extent(t, "mac") == hw.Complete) != (absent == "") {
			t.Errorf("%d addresses: %v", n, r.extent(t, "mac"))
		}
	}
}

func TestAddressesUnread(t *testing.T) {
	t.Parallel()
	d := vlansOf(0, 3).device(t, iosHead)
	v := visiting(t, catalyst, d)
	v.fault("generr", strings.TrimSuffix(fdbPort, ".")+".2.0.0.1.0.1")
	r := v.mac()
	if s := r.samples["mac/1 learned_addresses"]; s.Absent != hw.DeviceError || r.part(t, "mac/1").Health != hw.Unknown {
		t.Errorf("%+v", s)
	}
	if r.extent(t, "mac") != hw.Partial {
		t.Errorf("%v", r.extent(t, "mac"))
	}
}

// Q-BRIDGE-MIB tells the counts of all VLANs at once; a table that VLANs share counts for
// none of them.
func TestAddressesOfQBridge(t *testing.T) {
	t.Parallel()
	const count, fdb = "1.3.6.1.2.1.17.7.1.2.1.1.2.", "1.3.6.1.2.1.17.7.1.4.2.1.3.0."
	s := join(twoPorts(), vlanRow(1, 1, 1, "default"), vlanRow(20, 1, 1, "a"), vlanRow(21, 1, 1, "b"), script{
		stpExtensions + "6.1.0|2|4", // mst: VLANs have no trees of their own
		count + "1|65|11", count + "5|65|22", count + "6|65|33", fdb + "1|66|1", fdb + "20|66|6", fdb + "21|66|5",
	})
	v := visiting(t, catalyst, s.device(t, iosHead))
	r := v.mac()
	r.complete(t)
	for path, want := range map[string]float64{"mac/1": 11, "mac/20": 33, "mac/21": 22} {
		if got := r.gauge(t, path, "learned_addresses"); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	v = visiting(t, catalyst, s.with(t, fdb+"21|66|6"))
	v.target.Timeout = 100 * time.Millisecond
	v.open()
	r = v.mac()
	for _, path := range []string{"mac/20", "mac/21"} {
		if s, ok := r.samples[path+" learned_addresses"]; ok && s.Absent == "" {
			t.Errorf("%s shares its table, and has %v addresses", path, s.Gauge)
		}
	}
}

// Only so many VLANs are asked, and only operational ones.
func TestManyVLANContexts(t *testing.T) {
	t.Parallel()
	s := join(vlansOf(300, 0), script{stpExtensions + "6.1.0|2|4"})
	for id := 20; id < 320; id++ {
		s = append(s, fmt.Sprintf("1.3.6.1.2.1.17.7.1.2.1.1.2.%d|65|%d", id, id), fmt.Sprintf("1.3.6.1.2.1.17.7.1.4.2.1.3.0.%d|66|%d", id, id))
	}
	r := visiting(t, catalyst, s.with(t, vtpState+"30|2|2")).mac()
	counts := 0
	for path := range r.parts {
		if strings.HasPrefix(path, "mac/") {
			counts++
		}
	}
	if _, suspended := r.parts["mac/30"]; counts != 256 || suspended || r.extent(t, "mac") != hw.Partial {
		t.Errorf("%d VLANs, %v", counts, r.extent(t, "mac"))
	}
}
