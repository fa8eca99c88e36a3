package sim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gosnmp/gosnmp"

	"rackpost/collectors/sim"
)

const (
	fdbPort  = "1.3.6.1.2.1.17.4.3.1.2"
	basePort = "1.3.6.1.2.1.17.1.4.1.2"
)

// TestVLANContexts asks for VLANs by the community, as IOS is asked.
func TestVLANContexts(t *testing.T) {
	t.Parallel()
	d := model(t, "catalyst-2960x", sim.ModelOptions{})
	addr := serve(t, d, sim.AgentOptions{})
	in := func(community string) *gosnmp.GoSNMP {
		c := client(t, addr, gosnmp.Version2c)
		c.Community = community
		return c
	}
	learned := map[string]int{}
	for _, community := range []string{"public", "public@1", "public@60", "public@70", "public@80"} {
		c := in(community)
		learned[community] = len(walk(t, c, fdbPort))
		ports := walk(t, c, basePort)
		for oid, port := range walk(t, c, fdbPort) {
			n := port[strings.LastIndex(port, " ")+1:]
			if _, ok := ports[basePort+"."+n]; !ok {
				t.Errorf("%s: %s is on bridge port %s, which is not in the VLAN", community, oid, n)
			}
		}
	}
	want := map[string]int{"public": 8, "public@1": 8, "public@60": 28, "public@70": 14, "public@80": 12}
	if diff := cmp.Diff(want, learned); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
	same := []string{upTime, chassis + ".1001", ifTable + ".8.10103"}
	plain, vlan := in("public"), in("public@70")
	for _, oid := range same {
		if oid != upTime && text(get(t, plain, oid)) != text(get(t, vlan, oid)) {
			t.Errorf("%s differs in the context of a VLAN", oid)
		}
	}
	if got := text(get(t, vlan, "1.3.6.1.2.1.17.2.2.0")); got != "Integer 32838" {
		t.Errorf("the priority in VLAN 70 is %s", got)
	}
	if got := number(t, vlan, "1.3.6.1.2.1.17.2.7.0"); got != 0 {
		t.Errorf("the root of VLAN 70 is behind port %d, want this switch", got)
	}
	for _, community := range []string{"public@99", "public@", "public@0", "public@70@1", "public@99999", "private@70"} {
		c := in(community)
		c.Timeout, c.Retries = 50*time.Millisecond, 0
		if p, err := c.Get([]string{upTime}); err == nil {
			t.Errorf("%s was answered: %s", community, shown(p))
		}
	}
}

// TestPortChannel checks that all tables name the same members.
func TestPortChannel(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		members int
		ports   []int
	}{{"catalyst-3750-48ps", 2, []int{10047, 10547}}, {"catalyst-2960x", 1, []int{10143, 10147}}} {
		d := model(t, c.name, sim.ModelOptions{Members: c.members})
		s := client(t, serve(t, d, sim.AgentOptions{}), gosnmp.Version2c)
		want := map[string]string{}
		for _, p := range c.ports {
			want[fmt.Sprintf("1.3.6.1.2.1.31.1.2.1.3.5001.%d", p)] = "Integer 1"
		}
		if diff := cmp.Diff(want, walk(t, s, "1.3.6.1.2.1.31.1.2.1.3.5001")); diff != "" {
			t.Errorf("%s: ifStackTable (-want +got):\n%s", c.name, diff)
		}
		groups := walk(t, s, "1.2.840.10006.300.43.1.2.1.1.13")
		for k, v := range walk(t, s, "1.3.6.1.4.1.9.9.98.1.1.1.1.8") {
			groups[k] = v
		}
		var in []string
		for oid, group := range groups {
			if group == "Integer 5001" {
				in = append(in, oid[strings.LastIndex(oid, ".")+1:])
			}
		}
		if len(in) != 2 || len(groups) != 52*c.members {
			t.Errorf("%s: %d rows, in the port-channel %v", c.name, len(groups), in)
		}
		if got := text(get(t, s, ifTable+".8.5001")); got != "Integer 1" {
			t.Errorf("%s: Po1 is %s", c.name, got)
		}
		if got := text(get(t, s, basePort+".456")); got != "Integer 5001" {
			t.Errorf("%s: bridge port 456 is %s", c.name, got)
		}
	}
}

// TestContextsOfFirewall reads the resource limits of a firewall of three contexts.
func TestContextsOfFirewall(t *testing.T) {
	t.Parallel()
	const usage = "1.3.6.1.4.1.9.9.480.1.1.2.1.8"
	d := model(t, "asa-5525-failover", sim.ModelOptions{Contexts: 3})
	c := client(t, serve(t, d, sim.AgentOptions{}), gosnmp.Version2c)
	if n := len(walk(t, c, usage)); n != 15 {
		t.Errorf("%d resources of three contexts, want 15", n)
	}
	name := "116.101.110.97.110.116.45.50" // tenant-2
	if n, most := number(t, c, usage+".8."+name+".3"), number(t, c, strings.TrimSuffix(usage, "8")+"5.8."+name+".3"); n == 0 || n > most {
		t.Errorf("%d connections of %d", n, most)
	}
	if _, err := sim.NewModel("catalyst-2960x", sim.ModelOptions{Contexts: 1}); err == nil {
		t.Error("a switch with contexts was made")
	}
}
