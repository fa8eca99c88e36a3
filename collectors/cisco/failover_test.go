package cisco_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"rackpost/collectors/sim"
	"rackpost/hw"
)

// pairOf writes the rows of a pair by the values of its units; this is the unit that
// answers: primary, secondary or neither.
func pairOf(primary, secondary int, this string) script {
	mark := map[string]string{this: " (this device)"}
	return failoverRows(
		[3]string{"Failover LAN Interface", "2", "folink Ethernet1/6"},
		[3]string{"Primary unit" + mark["primary"], fmt.Sprint(primary), "a"},
		[3]string{"Secondary unit" + mark["secondary"], fmt.Sprint(secondary), "b"})
}

// A pair is well with one active and one standby unit.
func TestPairStates(t *testing.T) {
	t.Parallel()
	const up, down, failed, hot, busy, other, active, standby = 2, 3, 4, 5, 6, 1, 9, 10
	for _, x := range []struct {
		primary, secondary int
		active             string
		want               hw.Health
	}{
		{active, standby, "primary", hw.OK}, {standby, active, "secondary", hw.OK},
		{active, failed, "primary", hw.Warning}, {down, active, "secondary", hw.Warning}, {hot, active, "secondary", hw.Warning},
		{active, busy, "primary", hw.Warning}, {active, up, "primary", hw.Warning}, {active, other, "primary", hw.Unknown}, {active, 77, "primary", hw.Unknown},
		{standby, standby, "none", hw.Critical}, {failed, standby, "none", hw.Critical}, {failed, down, "none", hw.Critical},
		{active, active, "both", hw.Critical}, {77, standby, "", hw.Unknown},
	} {
		c := visiting(t, asa, pairOf(x.primary, x.secondary, "primary").device(t, asaHead)).all().part(t, "failover/pair")
		if c.Health != x.want || c.State.Get("active") != x.active || c.State.Get("failover") != "on" {
			t.Errorf("%d and %d: %v %v, want %v active=%s", x.primary, x.secondary, c.Health, c.State, x.want, x.active)
		}
	}
}

// A firewall that stands alone has no pair; one whose failover is off is no faulty one.
func TestNoPair(t *testing.T) {
	t.Parallel()
	if c, ok := visiting(t, asa, script{}.device(t, asaHead)).all().parts["failover/pair"]; ok {
		t.Errorf("%+v", c)
	}
	v := visiting(t, asa, pairOf(9, 10, "primary").device(t, asaHead))
	v.all()
	v.becomes(failoverRows(
		[3]string{"Failover LAN Interface", "3", "not Configured"},
		[3]string{"Primary unit (this device)", "3", "Failover Off"},
		[3]string{"Secondary unit", "3", "Failover Off"}).device(t, asaHead))
	r := v.fast()
	if c := r.part(t, "failover/pair"); c.Health != hw.OK || c.State.Get("failover") != "off" || c.Expected {
		t.Errorf("%+v", c)
	}
	if r.Unit.Pair {
		t.Error("a firewall without failover says that it is one of a pair")
	}
}

// The roles change while the polled address stays with the active unit, and while it stays
// with the same unit: both tell who is active, and only the first breaks the counters.
func TestRolesChange(t *testing.T) {
	t.Parallel()
	one := port(2, "outside", "x", 1, 100)
	for _, x := range []struct {
		this  string
		moves bool
	}{{"secondary", true}, {"primary", false}} {
		v := visiting(t, asa, join(one, pairOf(9, 10, "primary")).device(t, asaHead))
		before := v.all()
		v.becomes(join(one, pairOf(10, 9, x.this)).device(t, asaHead))
		after := v.fast()
		if a, b := before.part(t, "failover/pair").State.Get("active"), after.part(t, "failover/pair").State.Get("active"); a != "primary" || b != "secondary" {
			t.Errorf("active was %q and is %q", a, b)
		}
		if got := after.part(t, "failover/"+x.this).State.Get("polled"); got != "yes" {
			t.Errorf("%s answers and is told %q", x.this, got)
		}
		if !after.Unit.Pair {
			t.Error("no pair any more")
		}
		if !slices.Contains(after.Hasten, "standby") || !slices.Contains(after.Hasten, "inventory") || slices.Contains(v.fast().Hasten, "standby") {
			t.Errorf("hastened: %q", after.Hasten)
		}
		moved := before.count(t, "port/outside", "rx_bytes_total").StartMS != after.count(t, "port/outside", "rx_bytes_total").StartMS
		if moved != x.moves {
			t.Errorf("%s answers: the start moved: %v", x.this, moved)
		}
	}
}

// Around a failover all rows are empty for a visit: unknown, then missed, and back.
func TestQuirkRowsEmptyAroundFailover(t *testing.T) {
	t.Parallel()
	const serial = "1.3.6.1.2.1.47.1.1.1.1.11.1|4|"
	chassis := script{"1.3.6.1.2.1.47.1.1.1.1.5.1|2|3", "1.3.6.1.2.1.47.1.1.1.1.4.1|2|0"}
	for _, unit := range []string{"A", "B"} { // the same unit answers, or the other one
		v := visiting(t, asa, join(chassis, script{serial + "A"}, pairOf(9, 10, "primary")).device(t, asaHead))
		v.all()
		v.becomes(join(chassis, script{serial + unit}).device(t, asaHead))
		r := v.fast()
		for _, path := range []string{"failover/primary", "failover/secondary", "failover/link", "failover/pair"} {
			if c := r.part(t, path); c.Health != hw.Unknown || c.Expected == (path == "failover/pair") || c.State.Get("role") != "" || c.State.Get("active") != "" {
				t.Errorf("%s answers nothing of it: %+v", unit, c)
			}
		}
		if !r.Unit.Pair {
			t.Errorf("%s: rows that are away for a moment end the pair", unit)
		}
		for range 2 {
			r = v.fast()
		}
		if _, ok := r.parts["failover/primary"]; ok && r.extent(t, "failover") == hw.Complete {
			t.Errorf("%s: a row that stays away is still there: %+v", unit, r.parts)
		}
		v.becomes(join(chassis, script{serial + unit}, pairOf(10, 9, "secondary")).device(t, asaHead))
		if c := v.fast().part(t, "failover/pair"); c.Health != hw.OK || c.State.Get("active") != "secondary" {
			t.Errorf("%s: rows that came back: %+v", unit, c)
		}
	}
}

// One row away: the pair is not judged at once, then it has no standby.
func TestStandbyRowAway(t *testing.T) {
	t.Parallel()
	v := visiting(t, asa, pairOf(9, 10, "primary").device(t, asaHead))
	v.all()
	var alone script
	for _, line := range pairOf(9, 10, "primary") {
		if !strings.Contains(line, ".7|") {
			alone = append(alone, line)
		}
	}
	v.becomes(alone.device(t, asaHead))
	for i, want := range []hw.Health{hw.Unknown, hw.Warning, hw.Warning} {
		if c := v.fast().part(t, "failover/pair"); c.Health != want || c.State.Get("active") != "primary" {
			t.Errorf("visit %d without the row: %+v, want %v", i, c, want)
		}
	}
}

// A column that breaks off tells less, and no other state.
func TestFailoverHalfRead(t *testing.T) {
	t.Parallel()
	v := visiting(t, asa, modelled(t, "asa-5525-failover", sim.ModelOptions{}))
	v.all()
	v.fault("generr", "1.3.6.1.4.1.9.9.147.1.2.1.1.1.3")
	for range 3 {
		r := v.fast()
		for _, path := range []string{"failover/primary", "failover/secondary", "failover/pair"} {
			if c, ok := r.parts[path]; ok && c.Health > hw.OK {
				t.Errorf("%+v", c)
			}
		}
		if r.extent(t, "failover") == hw.Complete {
			t.Error("a column broke off and the section is complete")
		}
	}
}

// The simulator's failover in progress, in each of its sorts: nothing is a fault that is
// only not known.
func TestFailoverInProgress(t *testing.T) {
	t.Parallel()
	for sort, want := range map[string]hw.Health{"absent": hw.Unknown, "empty": hw.Unknown, "busy": hw.Warning} {
		v := visiting(t, asa, modelled(t, "asa-5525-failover", sim.ModelOptions{}))
		v.all()
		v.fault("failover-in-progress", sort)
		if c := v.fast().part(t, "failover/pair"); c.Health != want {
			t.Errorf("%s: %+v, want %v", sort, c, want)
		}
		v.fault("failover", "")
		v.fault("clear", "failover-in-progress")
		r := v.fast()
		if c := r.part(t, "failover/pair"); c.Health != hw.OK || c.State.Get("active") != "secondary" || !r.Unit.Pair {
			t.Errorf("%s: %+v, want a pair whose secondary unit is active", sort, c)
		}
	}
}
