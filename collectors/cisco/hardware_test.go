package cisco_test

import (
	"fmt"
	"testing"

	"rackpost/hw"
)

const (
	csw    = "1.3.6.1.4.1.9.9.500.1."
	fru    = "1.3.6.1.4.1.9.9.117.1."
	envmon = "1.3.6.1.4.1.9.9.13.1."
)

// member writes a chassis and its row as a stack member.
func member(index, number, role int, serial string) script {
	const ent = "1.3.6.1.2.1.47.1.1.1.1"
	return script{
		fmt.Sprintf("%s.4.%d|2|0", ent, index), fmt.Sprintf("%s.5.%d|2|3", ent, index),
		fmt.Sprintf("%s.7.%d|4|Switch %d", ent, index, number), fmt.Sprintf("%s.11.%d|4|%s", ent, index, serial),
		fmt.Sprintf("%s2.1.1.1.%d|66|%d", csw, index, number), fmt.Sprintf("%s2.1.1.3.%d|2|%d", csw, index, role),
		fmt.Sprintf("%s2.1.1.6.%d|2|4", csw, index),
	}
}

// StackWise Virtual has two members, no ring ports, and says "ring not redundant": no ring
// is shown. Its links are.
func TestQuirkVirtualStackHasNoRing(t *testing.T) {
	t.Parallel()
	virtual := func(link int) script {
		return join(
			member(1000, 1, 1, "SIM1"), member(2000, 2, 4, "SIM2"),
			script{csw + "1.3.0|2|2"},
			script{
				csw + "2.3.1.2.1000.1|2|1", fmt.Sprintf("%s2.3.1.2.2000.1|2|%d", csw, link),
				csw + "2.4.1.1.1000.1.7|4|Twe1/0/1", csw + "2.4.1.2.1000.1.7|2|1", csw + "2.4.1.3.1000.1.7|4|Twe2/0/1",
				csw + "2.4.1.1.2000.1.8|4|Twe2/0/1", fmt.Sprintf("%s2.4.1.2.2000.1.8|2|%d", csw, link),
			},
			port(7, "Twe1/0/1", "TwentyFiveGigE1/0/1", 1, 1),
		)
	}
	v := visiting(t, catalyst, virtual(1).device(t, iosHead))
	r := v.all()
	if _, ring := r.parts["stack/ring"]; ring {
		t.Error("a ring is shown where none can be")
	}
	for _, path := range []string{"stack/link/1/1", "stack/link/2/1", "stack/port/Twe1/0/1", "stack/port/Twe2/0/1"} {
		if p := r.part(t, path); p.Health != hw.OK || p.State.Get("link") != "up" {
			t.Errorf("%s: %v %v", path, p.Health, p.State)
		}
	}
	if got := r.part(t, "stack/port/Twe1/0/1").State.Get("neighbour"); got != "Twe2/0/1" {
		t.Errorf("the neighbour of Twe1/0/1 is %q", got)
	}
	v.becomes(virtual(2).device(t, iosHead))
	r = v.fast()
	if p := r.part(t, "stack/link/2/1"); p.Health != hw.Critical {
		t.Errorf("a link that is down: %v %v", p.Health, p.State)
	}
	if p := r.part(t, "stack/port/Twe2/0/1"); p.Health != hw.Warning {
		t.Errorf("a port of it that is down: %v %v", p.Health, p.State)
	}
}

// A broken ring warns, and names the ports whose cable is missing.
func TestQuirkRingNamesItsOpenPorts(t *testing.T) {
	t.Parallel()
	ring := func(redundant, last int) script {
		s := join(member(1001, 1, 1, "SIM1"), member(2001, 2, 2, "SIM2"), script{
			fmt.Sprintf("%s1.3.0|2|%d", csw, redundant),
			csw + "2.2.1.1.51|2|1", csw + "2.2.1.1.52|2|1", csw + "2.2.1.1.53|2|1", fmt.Sprintf("%s2.2.1.1.54|2|%d", csw, last),
		})
		for i, name := range []string{"StackSub-St1-1", "StackSub-St1-2", "StackSub-St2-1", "StackSub-St2-2"} {
			s = join(s, port(51+i, name, name, 1, 1))
		}
		return s
	}
	v := visiting(t, catalyst, ring(1, 1).device(t, iosHead))
	if p := v.all().part(t, "stack/ring"); p.Health != hw.OK || p.State.Get("redundant") != "yes" || p.State.Get("down") != "" {
		t.Errorf("a closed ring: %v %v", p.Health, p.State)
	}
	v.becomes(ring(2, 2).device(t, iosHead))
	p := v.fast().part(t, "stack/ring")
	if p.Health != hw.Warning || p.State.Get("redundant") != "no" || p.State.Get("down") != "StackSub-St2-2" {
		t.Errorf("a broken ring: %v %v", p.Health, p.State)
	}
}

// StackPower's watts are told where there is StackPower, and 0 is none.
func TestStackPower(t *testing.T) {
	t.Parallel()
	r := visiting(t, catalyst, join(member(1000, 1, 1, "SIM1"), member(2000, 2, 4, "SIM2"), script{
		csw + "2.1.1.9.1000|66|1100", csw + "2.1.1.10.1000|66|350", csw + "2.1.1.9.2000|66|0", csw + "2.1.1.10.2000|66|0",
	}).device(t, iosHead)).all()
	if got := r.samples["member/1 power_budget_watts"].Gauge; got != 1100 {
		t.Errorf("%v W for member 1", got)
	}
	if got := r.samples["member/1 power_committed_watts"].Gauge; got != 350 {
		t.Errorf("%v W committed of member 1", got)
	}
	if s, told := r.samples["member/2 power_budget_watts"]; told {
		t.Errorf("member 2 without StackPower: %+v", s)
	}
}

// A dead power supply stands in two tables; one of them raises the fault.
func TestQuirkDeadSupplyIsOneFault(t *testing.T) {
	t.Parallel()
	supplies := func(env, power int) script {
		return join(member(1000, 1, 1, "SIM1"), member(2000, 2, 4, "SIM2"), script{
			envmon + "5.1.2.1013|4|Switch 1 - Power Supply A, Normal", envmon + "5.1.3.1013|2|1",
			envmon + "5.1.2.2013|4|Switch 2 - Power Supply A, Critical", fmt.Sprintf("%s5.1.3.2013|2|%d", envmon, env),
			"1.3.6.1.2.1.47.1.1.1.1.5.2011|2|6", "1.3.6.1.2.1.47.1.1.1.1.7.2011|4|Switch 2 - Power Supply A", "1.3.6.1.2.1.47.1.1.1.1.4.2011|2|2000",
			fru + "1.2.1.1.2011|2|1", fmt.Sprintf("%s1.2.1.2.2011|2|%d", fru, power),
		})
	}
	r := visiting(t, catalyst, supplies(3, 8).device(t, iosHead)).all()
	if p := r.part(t, "psu/2013"); p.Health != hw.Critical {
		t.Errorf("the supply: %v", p.Health)
	}
	if p := r.part(t, "fru/2011"); p.Health != hw.Unknown || p.State.Get("power") != "failed" {
		t.Errorf("the same supply again: %v %v", p.Health, p.State)
	}
	r = visiting(t, catalyst, supplies(1, 8).device(t, iosHead)).all()
	if p := r.part(t, "fru/2011"); p.Health != hw.Critical {
		t.Errorf("a supply that only one table calls failed: %v", p.Health)
	}
}

func TestModulesAndFanTrays(t *testing.T) {
	t.Parallel()
	r := visiting(t, catalyst, script{
		fru + "2.1.1.2.1000|2|2", fru + "2.1.1.3.1000|2|6",
		fru + "2.1.1.2.2000|2|13", fru + "2.1.1.3.2000|2|1",
		fru + "2.1.1.2.3000|2|7", fru + "2.1.1.2.4000|2|99",
		fru + "4.1.1.1.1014|2|2", fru + "4.1.1.1.1015|2|3", fru + "4.1.1.1.1016|2|4", fru + "4.1.1.1.1017|2|1",
	}.device(t, iosHead)).all()
	for path, want := range map[string]hw.Health{
		"module/1000": hw.OK, "module/2000": hw.OK, "module/3000": hw.Critical, "module/4000": hw.Unknown,
		"fan-tray/1014": hw.OK, "fan-tray/1015": hw.Critical, "fan-tray/1016": hw.Warning, "fan-tray/1017": hw.Unknown,
	} {
		if got := r.part(t, path).Health; got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	if got := r.part(t, "module/1000").State.Get("reset_reason"); got != "watchDogTimeoutReset" {
		t.Errorf("module 1000 was reset by %q", got)
	}
	if got := r.part(t, "module/2000").State.Get("reset_reason"); got != "" {
		t.Errorf("module 2000 was reset by %q, the switch does not know", got)
	}
}

// The memory of an IOS-XE stack is told by member, in kilobytes; "Driver text" is full by
// design.
func TestQuirkMemoryByMemberAndDriverText(t *testing.T) {
	t.Parallel()
	const cpm, pool = "1.3.6.1.4.1.9.9.109.1.1.1.1", "1.3.6.1.4.1.9.9.48.1.1.1"
	r := visiting(t, catalyst, join(member(1000, 1, 1, "SIM1"), member(2000, 2, 4, "SIM2"), script{
		cpm + ".2.19|2|1000", cpm + ".17.19|70|1000", cpm + ".19.19|70|3000", cpm + ".7.19|66|3",
		cpm + ".2.20|2|2000", cpm + ".17.20|70|9500000", cpm + ".19.20|70|500000", cpm + ".7.20|66|4",
		pool + ".2.1|4|Processor", pool + ".5.1|66|50", pool + ".6.1|66|50",
		pool + ".2.20|4|Driver text", pool + ".5.20|66|1048576", pool + ".6.20|66|0",
	}).device(t, iosHead)).all()
	if got := r.samples["memory/system/Switch 1 used_bytes"].Gauge; got != 1000*1024 {
		t.Errorf("%v bytes used on member 1", got)
	}
	if got := r.samples["memory/system/Switch 2 free_bytes"].Gauge; got != 500000*1024 {
		t.Errorf("%v bytes free on member 2", got)
	}
	for path, want := range map[string]hw.Health{
		"memory/system/Switch 1": hw.OK, "memory/system/Switch 2": hw.Warning, "memory/Processor": hw.OK, "memory/Driver text": hw.OK,
	} {
		if got := r.part(t, path).Health; got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
}
