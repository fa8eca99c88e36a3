package cisco_test

import (
	"fmt"
	"testing"

	"rackpost/hw"
)

// within writes a part of the inventory.
func within(index, parent, class int, name string) script {
	return script{
		fmt.Sprintf("%s.4.%d|2|%d", phys, index, parent), fmt.Sprintf("%s.5.%d|2|%d", phys, index, class),
		fmt.Sprintf("%s.7.%d|4|%s", phys, index, name), fmt.Sprintf("%s.11.%d|4|", phys, index),
	}
}

// IOS-XE since 16.9 lists empty bays of supplies: notPresent in CISCO-ENVMON-MIB, and
// offEnvOther in CISCO-ENTITY-FRU-CONTROL-MIB under the same index.
func TestQuirkEmptyBayIsNoFault(t *testing.T) {
	t.Parallel()
	bays := func(env, power int) script {
		return join(member(1000, 1, 1, "SIM1"), within(1014, 1000, 6, "Switch 1 - Power Supply A"), within(1015, 1000, 6, "Switch 1 - Power Supply B"), script{
			envmon + "5.1.2.1014|4|Switch 1 - Power Supply A, Normal", envmon + "5.1.3.1014|2|1",
			envmon + "5.1.2.1015|4|Switch 1 - Power Supply B, NotExist", fmt.Sprintf("%s5.1.3.1015|2|%d", envmon, env),
			fru + "1.2.1.1.1014|2|1", fru + "1.2.1.2.1014|2|2",
			fru + "1.2.1.1.1015|2|1", fmt.Sprintf("%s1.2.1.2.1015|2|%d", fru, power),
		})
	}
	v := visiting(t, catalyst, bays(5, 1).device(t, iosHead))
	r := v.all()
	r.complete(t)
	for _, path := range []string{"psu/1015", "fru/1015"} {
		if p, told := r.parts[path]; told {
			t.Errorf("an empty bay is a part: %+v", p)
		}
	}
	if p := r.part(t, "fru/1014"); p.Health != hw.OK || p.Expected {
		t.Errorf("the supply: %+v", p)
	}
	v.becomes(bays(1, 2).device(t, iosHead))
	if p := v.all().part(t, "fru/1015"); p.Health != hw.OK {
		t.Errorf("a supply that was put in: %+v", p)
	}
	v.becomes(bays(5, 1).device(t, iosHead))
	if p, told := v.all().parts["fru/1015"]; told {
		t.Errorf("a supply that was pulled: %+v", p)
	}
}

// Without a row in CISCO-ENVMON-MIB a bay that was never seen to run is not known to be one
// with a supply; one that ran and stopped is faulty, unless a person switched it off.
func TestQuirkSupplyNeverSeenOn(t *testing.T) {
	t.Parallel()
	power := func(admin, oper int) script {
		return join(within(1, 0, 3, "Chassis"), within(14, 1, 6, "Power Supply 2"), script{
			fmt.Sprintf("%s1.2.1.1.14|2|%d", fru, admin), fmt.Sprintf("%s1.2.1.2.14|2|%d", fru, oper),
		})
	}
	v := visiting(t, catalyst, power(1, 1).device(t, iosHead))
	for _, x := range []struct {
		admin, oper int
		want        hw.Health
	}{{1, 1, hw.Unknown}, {1, 8, hw.Critical}, {2, 1, hw.OK}, {1, 2, hw.OK}, {1, 1, hw.Critical}, {2, 1, hw.OK}, {1, 3, hw.OK}} {
		v.becomes(power(x.admin, x.oper).device(t, iosHead))
		if p := v.all().part(t, "fru/14"); p.Health != x.want {
			t.Errorf("admin %d, power %d: %v, want %v", x.admin, x.oper, p.Health, x.want)
		}
	}
}

// A Catalyst 4500 has a row for each port that feeds others: offEnvOther while it feeds none.
func TestQuirkFeedingPortsAreNoParts(t *testing.T) {
	t.Parallel()
	r := visiting(t, catalyst, join(
		within(1, 0, 3, "Chassis"), within(3000, 1, 9, "Linecard(slot 3)"), within(3001, 3000, 10, "GigabitEthernet3/1"), within(3002, 3000, 10, "GigabitEthernet3/2"),
		port(31, "Gi3/1", "GigabitEthernet3/1", 1, 1), port(32, "Gi3/2", "GigabitEthernet3/2", 2, 1),
		script{
			fru + "1.2.1.1.3000|2|1", fru + "1.2.1.2.3000|2|2",
			fru + "1.2.1.1.3001|2|3", fru + "1.2.1.2.3001|2|2", fru + "1.2.1.1.3002|2|3", fru + "1.2.1.2.3002|2|1",
		},
	).device(t, iosHead)).all()
	r.complete(t)
	for _, path := range []string{"fru/3001", "fru/3002"} {
		if p, told := r.parts[path]; told {
			t.Errorf("a port is told as a part: %+v", p)
		}
	}
	if p := r.part(t, "fru/3000"); p.Health != hw.OK {
		t.Errorf("the line card: %v", p.Health)
	}
}
