package cisco_test

import (
	"fmt"
	"strings"
	"testing"

	"rackpost/hw"
)

// within writes a part of the inventory.
func within(index, parent, class int, name string, serial ...string) script {
	return script{
		fmt.Sprintf("%s.4.%d|2|%d", phys, index, parent), fmt.Sprintf("%s.5.%d|2|%d", phys, index, class),
		fmt.Sprintf("%s.7.%d|4|%s", phys, index, name), fmt.Sprintf("%s.11.%d|4|%s", phys, index, strings.Join(serial, "")),
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
	}{{2, 1, hw.OK}, {1, 1, hw.Unknown}, {1, 8, hw.Critical}, {2, 1, hw.OK}, {1, 2, hw.OK}, {1, 1, hw.Critical}, {2, 1, hw.OK}, {1, 3, hw.OK}} {
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

// slotted writes StackWise Virtual of two Catalyst 9400: the thousands of an index are the
// slot, and the chassis are 2 and 500. Numbers of members may be told, or not.
func slotted() script {
	s := join(
		within(1, 0, 11, "Virtual Stack"), within(2, 1, 3, "Switch 1 Chassis", "SIM1"), within(500, 1, 3, "Switch 2 Chassis", "SIM2"),
		within(13, 2, 6, "Switch 1 Power Supply Module 1"), within(511, 500, 6, "Switch 2 Power Supply Module 1"),
		within(5, 2, 5, "Switch 1 Slot 3"), within(3000, 5, 9, "Switch 1 Slot 3 Supervisor", "SIM3"),
		within(503, 500, 5, "Switch 2 Slot 3"), within(13000, 503, 9, "Switch 2 Slot 3 Supervisor", "SIM4"),
	)
	for index, role := range map[int]int{2: 1, 500: 4} {
		s = join(s, script{fmt.Sprintf("%s2.1.1.3.%d|2|%d", csw, index, role), fmt.Sprintf("%s2.1.1.6.%d|2|4", csw, index)})
	}
	return s
}

// Where members have slots the thousands of an index are no member.
func TestQuirkMembersWithSlots(t *testing.T) {
	t.Parallel()
	r := visiting(t, catalyst, join(slotted(), script{
		csw + "1.3.0|2|2",
		fru + "1.2.1.1.511|2|1", fru + "1.2.1.2.511|2|2", fru + "2.1.1.2.3000|2|2", fru + "2.1.1.2.13000|2|2",
	}).device(t, iosHead)).all()
	r.complete(t)
	for path, member := range map[string]string{
		"unit/SIM1": "1", "unit/SIM2": "2", "fru/511": "2", "module/3000": "1", "module/13000": "2",
		"part/Switch 1 Slot 3 Supervisor": "1", "part/Switch 2 Slot 3 Supervisor": "2",
	} {
		if got := r.part(t, path).Attrs.Get("member"); got != member {
			t.Errorf("%s is of member %q, want %s", path, got, member)
		}
	}
	for path, role := range map[string]string{"member/1": "master", "member/2": "standby"} {
		if p := r.part(t, path); p.Health != hw.OK || p.State.Get("role") != role {
			t.Errorf("%s: %v %v", path, p.Health, p.State)
		}
	}
	if ring, told := r.parts["stack/ring"]; told {
		t.Errorf("a ring is shown where none can be: %+v", ring)
	}
}

// A Catalyst 9200L has ring ports of members that are not there: they are no open ring.
func TestQuirkRingPortsOfNobody(t *testing.T) {
	t.Parallel()
	ring := func(redundant, last int) script {
		s := join(member(1000, 1, 1, "SIM1"), member(2000, 2, 4, "SIM2"), script{fmt.Sprintf("%s1.3.0|2|%d", csw, redundant)})
		for i, name := range []string{"StackSub-St1-1", "StackSub-St1-2", "StackSub-St2-1", "StackSub-St2-2", "StackSub-St4-1", "StackSub-St4-2"} {
			oper := 1
			if i == 3 {
				oper = last
			} else if i > 3 {
				oper = 2
			}
			s = join(s, port(62+i, name, name, oper, 1), script{fmt.Sprintf("%s2.2.1.1.%d|2|%d", csw, 62+i, oper)})
		}
		return s
	}
	v := visiting(t, catalyst, ring(1, 1).device(t, iosHead))
	if p := v.all().part(t, "stack/ring"); p.Health != hw.OK || p.State.Get("down") != "" {
		t.Errorf("a closed ring: %v %v", p.Health, p.State)
	}
	v.becomes(ring(2, 2).device(t, iosHead))
	if p := v.fast().part(t, "stack/ring"); p.Health != hw.Warning || p.State.Get("down") != "StackSub-St2-2" {
		t.Errorf("an open ring: %v %v", p.Health, p.State)
	}
}

// IOS-XE 3 has the 64-bit columns of the memory by CPU, and leaves them at 0.
func TestQuirkMemoryByMemberInNarrowColumns(t *testing.T) {
	t.Parallel()
	const cpm = "1.3.6.1.4.1.9.9.109.1.1.1.1"
	cpu := func(column string) report {
		r := visiting(t, catalyst, join(within(1000, 0, 3, "Switch 1"), script{
			cpm + ".2.1000|2|1000", cpm + ".7.1000|66|3", cpm + ".12.1000|66|1500", cpm + ".13.1000|66|" + column,
			cpm + ".17.1000|70|0", cpm + ".19.1000|70|0",
		}).device(t, iosHead)).all()
		r.complete(t)
		return r
	}
	r := cpu("2500")
	if used, free := r.gauge(t, "memory/system/Switch 1", "used_bytes"), r.gauge(t, "memory/system/Switch 1", "free_bytes"); used != 1500<<10 || free != 2500<<10 {
		t.Errorf("%v used, %v free", used, free)
	}
	if p := r.part(t, "memory/system/Switch 1"); p.Health != hw.OK {
		t.Errorf("%v", p.Health)
	}
	if p := cpu("100").part(t, "memory/system/Switch 1"); p.Health != hw.Warning {
		t.Errorf("a full memory: %v", p.Health)
	}
}

// FTD 7 has two pools that fill, with names of its own.
func TestQuirkPoolsOfSnort(t *testing.T) {
	t.Parallel()
	const pool = "1.3.6.1.4.1.9.9.221.1.1.1.1"
	var s script
	for i, name := range []string{"DP System memory", "Snort System memory", "MEMPOOL_DMA"} {
		s = append(s, fmt.Sprintf("%s.3.1.%d|4|%s", pool, i+1, name), fmt.Sprintf("%s.6.1.%d|2|1", pool, i+1),
			fmt.Sprintf("%s.18.1.%d|70|%d", pool, i+1, 50+45*i), fmt.Sprintf("%s.20.1.%d|70|%d", pool, i+1, max(0, 50-45*i)))
	}
	r := visiting(t, asa, s.device(t, asaHead)).all()
	for path, want := range map[string]string{"DP System memory": "ok ", "Snort System memory": "warning ", "MEMPOOL_DMA": "ok true"} {
		if p := r.part(t, "memory/"+path); p.Health.String()+" "+p.Attrs.Get("fixed") != want {
			t.Errorf("%s: %v fixed=%q, want %s", path, p.Health, p.Attrs.Get("fixed"), want)
		}
	}
}

// A list of VLANs that is longer than the MIB allows is text somebody made of one: no VLANs
// are read out of it.
func TestQuirkVLANListTooLong(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("46", 140)
	r := visiting(t, catalyst, join(port(1, "Gi0/1", "", 1, 1), trunkPortRow(1, 1, 1, 1, long)).device(t, iosHead)).all()
	if got := r.part(t, "port/Gi0/1").Attrs.Get("allowed_vlans"); got != "" {
		t.Errorf("VLANs %q", got)
	}
}

// LACP bundles eight ports of a channel: the others wait in hot standby, and are not missed.
func TestQuirkHotStandbyIsNotMissed(t *testing.T) {
	t.Parallel()
	channel := func(oper int) report {
		return visiting(t, catalyst, join(
			bundlePorts()[:len(port(501, "Po1", "", 1, 1))+1], script{"1.3.6.1.2.1.2.2.1.3.1|2|6", "1.3.6.1.2.1.2.2.1.3.2|2|6"},
			port(1, "Gi0/1", "", 1, 1), port(2, "Gi0/2", "", oper, 1), each(lagAttached, 501, 0), each(lagSelected, 501, 501),
		).device(t, iosHead)).all()
	}
	wantChannel(t, "hot standby", channel(5), "ok", "yes", "Gi0/1,Gi0/2", 1)
	wantChannel(t, "link lost", channel(2), "warning", "no", "Gi0/1,Gi0/2", 1)
}

// A slot that is configured for a module which is not there is no module; one that was there
// is missed.
func TestQuirkConfiguredModuleIsNotThere(t *testing.T) {
	t.Parallel()
	modules := func(state int) script {
		return script{fru + "2.1.1.2.1000|2|2", fmt.Sprintf("%s2.1.1.2.2000|2|%d", fru, state)}
	}
	v := visiting(t, catalyst, modules(8).device(t, iosHead))
	if p, told := v.all().parts["module/2000"]; told {
		t.Errorf("%+v", p)
	}
	v.becomes(modules(2).device(t, iosHead))
	if p := v.all().part(t, "module/2000"); !p.Expected || p.Health != hw.OK {
		t.Errorf("%+v", p)
	}
	v.becomes(modules(8).device(t, iosHead))
	r := v.all()
	if p, told := r.parts["module/2000"]; told {
		t.Errorf("%+v", p)
	}
	r.complete(t)
}

// IOS-XE tells a fan in two tables under one index: one that is pulled is missed once.
func TestQuirkFanInTwoTables(t *testing.T) {
	t.Parallel()
	fan := func(env, tray int) script {
		return join(within(1000, 0, 3, "Switch 1"), within(1017, 1000, 7, "Switch 1 - FAN 1"), script{
			envmon + "4.1.2.1017|4|Switch 1 - FAN - T1 1, Normal", fmt.Sprintf("%s4.1.3.1017|2|%d", envmon, env),
			fmt.Sprintf("%s4.1.1.1.1017|2|%d", fru, tray),
		})
	}
	v := visiting(t, catalyst, fan(1, 2).device(t, iosHead))
	r := v.all()
	if p, tray := r.part(t, "fan/1017"), r.part(t, "fan-tray/1017"); !p.Expected || tray.Expected || tray.Health != hw.OK {
		t.Errorf("%+v %+v", p, tray)
	}
	v.becomes(fan(5, 3).device(t, iosHead))
	if p, told := v.all().parts["fan-tray/1017"]; told {
		t.Errorf("a fan that is not there: %+v", p)
	}
}

// A stack member that is provisioned and not there is a module of unknown state: it is not
// missed when nobody provisions it any more.
func TestQuirkProvisionedMemberIsUnknown(t *testing.T) {
	t.Parallel()
	r := visiting(t, catalyst, script{fru + "2.1.1.2.1000|2|2", fru + "2.1.1.2.2000|2|1"}.device(t, iosHead)).all()
	if p := r.part(t, "module/2000"); p.Health != hw.Unknown || p.Expected {
		t.Errorf("%+v", p)
	}
	if p := r.part(t, "module/1000"); p.Health != hw.OK || !p.Expected {
		t.Errorf("%+v", p)
	}
}

// Some ASA 5500-X write yocto for the scale of everything.
func TestQuirkYoctoIsUnits(t *testing.T) {
	t.Parallel()
	const sensor = "1.3.6.1.2.1.99.1.1.1."
	r := visiting(t, asa, join(within(1, 0, 3, "Chassis"), within(9, 1, 8, "Chassis Ambient Temperature Sensor"), script{
		sensor + "1.9|2|8", sensor + "2.9|2|1", sensor + "3.9|2|0", sensor + "4.9|2|37", sensor + "5.9|2|1",
	}).device(t, asaHead)).all()
	if got := r.gauge(t, "temperature/9", "temperature_celsius"); got != 37 {
		t.Errorf("%v degrees", got)
	}
}

// What is wrong with the redundant power system stands in the text of a supply alone, whose
// own state is normal.
func TestQuirkRedundantPowerIsInTheText(t *testing.T) {
	t.Parallel()
	var s script
	for i, rps := range []string{"Critical", "Normal", "NotExist", "Zzz"} {
		s = append(s, fmt.Sprintf("%s5.1.2.100%d|4|Sw1, PS1 Normal, RPS %s", envmon, i, rps), fmt.Sprintf("%s5.1.3.100%d|2|1", envmon, i))
	}
	r := visiting(t, catalyst, s.device(t, iosHead)).all()
	for i, want := range []string{"warning critical", "ok normal", "ok ", "ok "} {
		if p := r.part(t, fmt.Sprintf("psu/100%d", i)); p.Health.String()+" "+p.State.Get("rps") != want {
			t.Errorf("psu/100%d: %v %v, want %s", i, p.Health, p.State, want)
		}
	}
}

// A temperature sensor that does not work is no overheated switch.
func TestQuirkBrokenTemperatureSensor(t *testing.T) {
	t.Parallel()
	r := visiting(t, catalyst, script{envmon + "3.1.6.1|2|6", envmon + "4.1.3.2|2|6"}.device(t, iosHead)).all()
	if p, fan := r.part(t, "temperature/1"), r.part(t, "fan/2"); p.Health != hw.Warning || fan.Health != hw.Critical {
		t.Errorf("%v, a fan %v", p.Health, fan.Health)
	}
}

// Some transceivers have a low alarm above the low warning (0 and -30 dBm): they were never
// told one, and what is below it is no fault. Their high ones hold.
func TestQuirkAlarmBeforeItsWarning(t *testing.T) {
	t.Parallel()
	limited := func(highMajor, highMinor, lowMinor, lowMajor int) hw.Component {
		return visiting(t, catalyst, fittedSFP(1, five(ciscoSensor, -60),
			limitRow(1118, 1, 20, 4, highMajor), limitRow(1118, 2, 10, 4, highMinor), limitRow(1118, 3, 10, 2, lowMinor), limitRow(1118, 4, 20, 2, lowMajor),
		).device(t, iosHead)).all().part(t, sfpPath)
	}
	if p := limited(20, 0, -300, 0); p.Health != hw.OK || p.Attrs.Get("tx_power_dbm_low_major") != "" || p.Attrs.Get("tx_power_dbm_high_major") != "2" {
		t.Errorf("%v %v %v", p.Health, p.State, p.Attrs)
	}
	if p := limited(-300, -60, -80, -90); p.Health != hw.OK {
		t.Errorf("a high alarm below its warning: %v %v", p.Health, p.State)
	}
	if p := limited(20, 0, -40, -70); p.Health != hw.Warning || p.State.Get("alarm") != "tx_power_dbm low minor" {
		t.Errorf("%v %v", p.Health, p.State)
	}
}

// Without the inventory the member of a part of a modular stack is not known.
func TestMembersWithSlotsAndNoInventory(t *testing.T) {
	t.Parallel()
	var s script
	for _, line := range slotted() {
		if strings.HasPrefix(line, csw) {
			s = append(s, line)
		}
	}
	r := visiting(t, catalyst, join(s, script{envmon + "3.1.2.3022|4|Switch 1 Slot 3 Temp: UADP", envmon + "3.1.6.3022|2|1"}).device(t, iosHead)).all()
	if p := r.part(t, "temperature/3022"); p.Attrs.Get("member") != "" {
		t.Errorf("%v", p.Attrs)
	}
	if p := r.part(t, "member/#500"); p.State.Get("role") != "standby" {
		t.Errorf("%v", p.State)
	}
}
