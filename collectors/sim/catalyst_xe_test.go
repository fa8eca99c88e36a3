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
	stackRole  = "1.3.6.1.4.1.9.9.500.1.2.1.1.3"
	engineTime = "1.3.6.1.6.3.10.2.1.3.0"
)

// TestIOSXE checks what differs from IOS: indexes, roles, CPU rows and their memory, supplies, and an engine that is
// younger than the unit.
func TestIOSXE(t *testing.T) {
	b := newBench(t, "catalyst-9300", 3)
	for root, want := range map[string]map[string]string{
		stackRole: {stackRole + ".1000": "Integer 1", stackRole + ".2000": "Integer 4", stackRole + ".3000": "Integer 2"},
		"1.3.6.1.4.1.9.9.109.1.1.1.1.2": {
			"1.3.6.1.4.1.9.9.109.1.1.1.1.2.19": "Integer 1000", "1.3.6.1.4.1.9.9.109.1.1.1.1.2.20": "Integer 2000",
			"1.3.6.1.4.1.9.9.109.1.1.1.1.2.21": "Integer 3000",
		},
	} {
		if diff := cmp.Diff(want, b.rows(root)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", root, diff)
		}
	}
	b.want(chassis+".1000", `OctetString "SIM0001A001"`)
	if used, free := number(b, b.session, "1.3.6.1.4.1.9.9.109.1.1.1.1.17.20"), number(b, b.session, "1.3.6.1.4.1.9.9.109.1.1.1.1.19.20"); used+free != 7_711_356 {
		t.Errorf("%d kB used and %d free", used, free)
	}
	if up, engine := number(b, b.session, upTime), number(b, b.session, engineTime); up/100-engine != 250_443 {
		t.Errorf("the unit is up for %d ticks and its engine for %d s", up, engine)
	}
	if n := len(b.rows("1.3.6.1.4.1.9.9.117.1.1.2.1.2")); n != 6 {
		t.Errorf("%d power supplies of three members, want 6", n)
	}
	b.want("1.3.6.1.4.1.9.9.10.1.1.4.1.1.4.2.1", "Gauge32 4294967295")
	b.want("1.3.6.1.4.1.9.9.10.1.1.4.1.1.13.2.1", "Counter64 11353194496")
	b.want("1.3.6.1.4.1.9.9.500.1.3.2.1.4.1000.1", "Gauge32 2")
	b.want("1.3.6.1.4.1.9.9.500.1.3.2.1.4.1000.2", "Gauge32 3")
	b.fault("psu-failed", "2")
	b.want("1.3.6.1.4.1.9.9.117.1.1.2.1.2.2003", "Integer 8")
	b.want("1.3.6.1.4.1.9.9.13.1.5.1.2.2003", `OctetString "Switch 2 - Power Supply A, Faulty"`)
	b.want("1.3.6.1.4.1.9.9.13.1.5.1.3.2004", "Integer 1")
	b.fault("reboot", "")
	b.clock.Pass(time.Minute)
	b.want(upTime, "TimeTicks 6000")
	b.want(engineTime, "Integer 60")
}

// TestEveryIndexIsAPart checks that tables by entPhysicalIndex name parts that are there, and that no two
// parts have one serial.
func TestEveryIndexIsAPart(t *testing.T) {
	t.Parallel()
	for _, name := range sim.Models() {
		d := model(t, name, sim.ModelOptions{})
		c := client(t, serve(t, d, sim.AgentOptions{}), gosnmp.Version2c)
		parts := walk(t, c, "1.3.6.1.2.1.47.1.1.1.1.5")
		known := func(index string) bool { _, ok := parts["1.3.6.1.2.1.47.1.1.1.1.5."+index]; return ok }
		for _, root := range []string{
			"1.3.6.1.4.1.9.9.91.1.1.1.1.4", "1.3.6.1.2.1.99.1.1.1.4", "1.3.6.1.4.1.9.9.13.1.3.1.6", "1.3.6.1.4.1.9.9.13.1.4.1.3", "1.3.6.1.4.1.9.9.13.1.5.1.3",
			"1.3.6.1.4.1.9.9.117.1.1.2.1.2", "1.3.6.1.4.1.9.9.117.1.2.1.1.2", "1.3.6.1.4.1.9.9.117.1.4.1.1.1", "1.3.6.1.4.1.9.9.500.1.2.1.1.3",
			"1.3.6.1.2.1.47.1.3.2.1.2", "1.3.6.1.4.1.9.9.91.1.2.1.1.4", "1.3.6.1.4.1.9.9.221.1.1.1.1.3",
		} {
			for oid := range walk(t, c, root) {
				if index, _, _ := strings.Cut(strings.TrimPrefix(oid, root+"."), "."); !known(index) {
					t.Errorf("%s: %s is of no part", name, oid)
				}
			}
		}
		parents := walk(t, c, "1.3.6.1.2.1.47.1.1.1.1.4")
		for oid, parent := range parents {
			if index := strings.TrimPrefix(parent, "Integer "); index != "0" && !known(index) {
				t.Errorf("%s: %s is in %s, which is no part", name, oid, index)
			}
		}
		owners := map[string]string{}
		for oid, serial := range walk(t, c, chassis) {
			if was := owners[serial]; was != "" && serial != `OctetString ""` {
				t.Errorf("%s: %s and %s have the serial %s", name, was, oid, serial)
			}
			owners[serial] = oid
		}
	}
}

// TestVirtualStack has two members and no ring at all.
func TestVirtualStack(t *testing.T) {
	b := newBench(t, "catalyst-9500-svl", 0)
	b.want("1.3.6.1.4.1.9.9.500.1.1.3.0", "Integer 2")
	if n := len(b.rows("1.3.6.1.4.1.9.9.500.1.2.1.1.6")); n != 2 {
		t.Errorf("%d members, want 2", n)
	}
	if rows := b.rows("1.3.6.1.4.1.9.9.500.1.2.2"); len(rows) > 0 {
		t.Errorf("ring ports: %v", rows)
	}
	if rows := b.rows("1.3.6.1.2.1.105"); len(rows) > 0 {
		t.Errorf("%d rows of PoE", len(rows))
	}
	const bundle, phy = "1.3.6.1.4.1.9.9.500.1.2.3.1.2", "1.3.6.1.4.1.9.9.500.1.2.4.1"
	if n := len(b.rows(phy + ".2")); n != 4 {
		t.Errorf("%d ports of the link, want 4", n)
	}
	b.fault("port-down", "Hu1/0/51")
	b.want(bundle+".1000.1", "Integer 1")
	b.want(phy+".2.1000.1.63", "Integer 2")
	b.want(phy+".3.1000.1.64", `OctetString "HundredGigE2/0/52"`)
	b.fault("port-down", "Hu1/0/52")
	b.want(bundle+".1000.1", "Integer 2")
	b.fault("clear", "")
	b.refused("ring-broken", "", "catalyst-9500-svl has no fault ring-broken")
	if _, err := sim.NewModel("catalyst-9500-svl", sim.ModelOptions{Members: 3}); err == nil {
		t.Error("a StackWise Virtual of three was made")
	}
	b.fault("member-lost", "1")
	b.want(stackRole+".2000", "Integer 1")
	b.want(bundle+".2000.1", "Integer 2")
	b.want(ifTable+".8.135", "Integer 2")
}

// TestGreatestStack has at least 400 ports, every one with its own address and index.
func TestGreatestStack(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"catalyst-3750-48ps", "catalyst-2960x", "catalyst-9300"} {
		d := model(t, name, sim.ModelOptions{Members: sim.MaxMembers})
		c := client(t, serve(t, d, sim.AgentOptions{}), gosnmp.Version2c)
		ports, names := 0, map[string]bool{}
		for _, kind := range walk(t, c, ifTable+".3") {
			if kind == "Integer 6" {
				ports++
			}
		}
		for _, name := range walk(t, c, ifXTable+".1") {
			names[name] = true
		}
		if ports != 52*sim.MaxMembers || len(names) != 52*sim.MaxMembers+3*sim.MaxMembers+5 {
			t.Errorf("%s: %d ports, %s", name, ports, fmt.Sprint(len(names), " names"))
		}
	}
}
