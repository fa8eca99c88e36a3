package cisco_test

import (
	"fmt"
	"strings"
	"testing"

	"rackpost/collectors/sim"
	"rackpost/hw"
)

// script is a device written down: "OID type value" a line, with $ for the head of an OID.
type script []string

const (
	iosHead = "1.3.6.1.2.1.1.1.0|4|Cisco IOS Software, C3750 Software, Version 12.2(55)SE10, RELEASE"
	asaHead = "1.3.6.1.2.1.1.1.0|4|Cisco Adaptive Security Appliance Version 9.12(2)"
)

// device makes a simulated device of the script, up for ten days.
func (s script) device(t testing.TB, head string) *sim.Device {
	t.Helper()
	const startup = "1.3.6.1.4.1.9.9.43.1.1.3.0|" // nothing of Cisco's at all is a view that hides it
	lines := append([]string{head, "1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.9.1.516"}, s...)
	if !strings.Contains(strings.Join(s, "\n"), startup) {
		lines = append(lines, startup+"67|0")
	}
	if !strings.Contains(strings.Join(s, "\n"), "1.3.6.1.2.1.1.3.0|") {
		lines = append(lines, "1.3.6.1.2.1.1.3.0|67|86400000")
	}
	return recorded(t, []byte(strings.Join(lines, "\n")+"\n"))
}

// port writes the rows of one interface.
func port(index int, name, descr string, oper int, octets uint64) script {
	const e, x = "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1"
	return script{
		fmt.Sprintf("%s.1.%d|4x|%x", x, index, name), fmt.Sprintf("%s.2.%d|4x|%x", e, index, descr),
		fmt.Sprintf("%s.7.%d|2|1", e, index), fmt.Sprintf("%s.8.%d|2|%d", e, index, oper),
		fmt.Sprintf("%s.6.%d|70|%d", x, index, octets), fmt.Sprintf("%s.15.%d|66|1000", x, index),
	}
}

func join(parts ...script) script {
	var all script
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func TestPortNamesNotUniqueEmptyOrNoText(t *testing.T) {
	t.Parallel()
	r := visiting(t, catalyst, join(
		port(1, "Gi0/1", "GigabitEthernet0/1", 1, 11),
		port(2, "Gi0/2", "GigabitEthernet0/2", 2, 12), port(3, "Gi0/2", "GigabitEthernet0/3", 1, 13),
		port(4, "", "Null0", 1, 14), port(5, "", "", 1, 15),
		port(6, "Gi\xff0/6", "x", 9, 16), port(7, "/a//b/", "y", 7, 17),
	).device(t, iosHead)).all()
	r.complete(t)
	for path, octets := range map[string]uint64{
		"port/Gi0/1": 11, "port/GigabitEthernet0/2": 12, "port/GigabitEthernet0/3": 13,
		"port/Null0": 14, "port/#5": 15, "port/Gi\uFFFD0/6": 16, "port/a/b": 17,
	} {
		if got := r.count(t, path, "rx_bytes_total").Count; got != octets {
			t.Errorf("%s: %d bytes, want %d", path, got, octets)
		}
	}
	if c := r.part(t, "port/Gi\uFFFD0/6"); c.Health != hw.Unknown || c.State.Get("oper") != "" {
		t.Errorf("a state the MIB does not have is taken for one: %+v", c)
	}
	if c := r.part(t, "port/a/b"); c.Health != hw.OK || c.State.Get("oper") != "lowerLayerDown" {
		t.Errorf("lowerLayerDown: %+v", c)
	}
}

// An interface that comes between two inventories is read at once, under its name.
func TestPortAdded(t *testing.T) {
	t.Parallel()
	one := port(1, "Gi0/1", "GigabitEthernet0/1", 1, 11)
	v := visiting(t, catalyst, one.device(t, iosHead))
	v.all()
	v.becomes(join(one, port(2, "Gi0/2", "GigabitEthernet0/2", 1, 12)).device(t, iosHead))
	r := v.fast()
	r.complete(t)
	if got := r.count(t, "port/Gi0/2", "rx_bytes_total").Count; got != 12 {
		t.Errorf("%d bytes, want 12", got)
	}
	v.becomes(one.device(t, iosHead))
	r = v.fast()
	r.complete(t)
	if c, ok := r.parts["port/Gi0/2"]; ok {
		t.Errorf("an interface that went is still there: %+v", c)
	}
}

// A table that was there and is empty is not believed at once.
func TestEmptiedTable(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, port(1, "Gi0/1", "GigabitEthernet0/1", 1, 11).device(t, iosHead))
	v.all()
	v.becomes(script{}.device(t, iosHead))
	if r := v.all(); r.extent(t, "ports") == hw.Complete {
		t.Error("the first empty table is believed")
	}
	if r := v.all(); r.extent(t, "ports") == hw.Complete {
		t.Error("the second empty table is believed")
	}
	if r := v.all(); r.extent(t, "ports") != hw.Complete || len(r.parts) != 1 {
		t.Errorf("the third empty table is not believed: %v %v", r.Read, r.parts)
	}
}

func TestQuirkDiscontinuityAndCountersThatFall(t *testing.T) {
	t.Parallel()
	disc := func(ticks int) script { return script{fmt.Sprintf("1.3.6.1.2.1.31.1.1.1.19.1|67|%d", ticks)} }
	at := func(octets uint64, ticks int) *sim.Device {
		return join(port(1, "Gi0/1", "GigabitEthernet0/1", 1, octets), disc(ticks)).device(t, iosHead)
	}
	v := visiting(t, catalyst, at(100, 50))
	start := func(r report) int64 { return r.count(t, "port/Gi0/1", "rx_bytes_total").StartMS }
	first := start(v.all())
	v.becomes(at(200, 50))
	if got := start(v.fast()); got != first {
		t.Errorf("the start moved from %d to %d", first, got)
	}
	v.becomes(at(300, 99))
	second := start(v.fast())
	if second == first {
		t.Error("a discontinuity does not break the counter")
	}
	v.becomes(at(7, 99))
	third := start(v.fast())
	if third == second {
		t.Error("a counter that fell goes on")
	}
	v.becomes(at(8, 99))
	if got := start(v.fast()); got != third {
		t.Errorf("the start moved from %d to %d", third, got)
	}
}

// 32-bit columns are read only where there is no 64-bit one.
func TestQuirkNarrowCountersOnlyWithoutWideOnes(t *testing.T) {
	t.Parallel()
	narrow := script{
		"1.3.6.1.2.1.31.1.1.1.1.1|4|Fa0/1", "1.3.6.1.2.1.2.2.1.8.1|2|1",
		"1.3.6.1.2.1.2.2.1.10.1|65|4294967295", "1.3.6.1.2.1.2.2.1.5.1|66|100000000",
	}
	v := visiting(t, catalyst, narrow.device(t, iosHead))
	r := v.all()
	if s := r.count(t, "port/Fa0/1", "rx_bytes_total"); s.Count != 4294967295 {
		t.Errorf("%+v", s)
	}
	if s := r.samples["port/Fa0/1 tx_bytes_total"]; s.Absent != hw.NotSupported {
		t.Errorf("%+v", s)
	}
	if got := r.part(t, "port/Fa0/1").Attrs.Get("speed_bps"); got != "100000000" {
		t.Errorf("speed %s", got)
	}
	wide := append(narrow, "1.3.6.1.2.1.31.1.1.1.6.1|70|9000000000")
	if s := visiting(t, catalyst, wide.device(t, iosHead)).all().count(t, "port/Fa0/1", "rx_bytes_total"); s.Count != 9000000000 {
		t.Errorf("%+v", s)
	}
}

func TestQuirkCPUOfTheOldest(t *testing.T) {
	t.Parallel()
	r := visiting(t, catalyst, script{
		"1.3.6.1.4.1.9.2.1.56.0|2|34", "1.3.6.1.4.1.9.2.1.57.0|2|17", "1.3.6.1.4.1.9.2.1.58.0|2|11",
	}.device(t, iosHead)).all()
	if a, b, c := r.gauge(t, "cpu/1", "busy_5s_percent"), r.gauge(t, "cpu/1", "busy_1m_percent"), r.gauge(t, "cpu/1", "busy_5m_percent"); a != 34 || b != 17 || c != 11 {
		t.Errorf("%v %v %v", a, b, c)
	}
}

// CPUs are named by their part, one a member on IOS-XE, whatever their index.
func TestQuirkCPUIndexDiffersByFamily(t *testing.T) {
	t.Parallel()
	const p = "1.3.6.1.4.1.9.9.109.1.1.1.1"
	r := visiting(t, catalyst, script{
		p + ".2.19|2|1000", p + ".2.20|2|2000", p + ".7.19|66|5", p + ".7.20|66|101", p + ".8.19|66|6", p + ".8.20|66|7",
		"1.3.6.1.2.1.47.1.1.1.1.7.1000|4|Switch 1", "1.3.6.1.2.1.47.1.1.1.1.7.2000|4|Switch 2",
	}.device(t, iosHead)).all()
	if got := r.gauge(t, "cpu/Switch 1", "busy_1m_percent"); got != 5 {
		t.Errorf("Switch 1: %v", got)
	}
	if s := r.samples["cpu/Switch 2 busy_1m_percent"]; s.Absent != hw.OutOfRange {
		t.Errorf("101 percent: %+v", s)
	}
	if s := r.samples["cpu/Switch 1 busy_5s_percent"]; s.Absent != hw.NotSupported {
		t.Errorf("no 5 s column: %+v", s)
	}
}

func TestQuirkASAMemoryOverflows(t *testing.T) {
	t.Parallel()
	const m, old = "1.3.6.1.4.1.9.9.221.1.1.1.1", "1.3.6.1.4.1.9.9.48.1.1.1"
	narrow := script{
		m + ".3.1.1|4|System memory", m + ".7.1.1|66|5", m + ".17.1.1|66|0", m + ".8.1.1|66|920000000", m + ".19.1.1|66|1",
	}
	oldPool := script{old + ".2.1|4|Processor", old + ".5.1|66|70", old + ".6.1|66|4294967295"}
	r := visiting(t, asa, join(narrow, oldPool).device(t, asaHead)).all()
	if got := r.gauge(t, "memory/System memory", "free_bytes"); got != 920000000+1<<32 {
		t.Errorf("free %v: the overflow is not counted", got)
	}
	if c, ok := r.parts["memory/Processor"]; ok {
		t.Errorf("the old table is read although there is a better one: %+v", c)
	}
	r = visiting(t, asa, oldPool.device(t, asaHead)).all()
	if got := r.gauge(t, "memory/Processor", "used_bytes"); got != 70 {
		t.Errorf("used %v", got)
	}
	if s := r.samples["memory/Processor free_bytes"]; s.Absent != hw.OutOfRange {
		t.Errorf("a Gauge32 at its top: %+v", s)
	}
}

// failoverRows writes the rows of a pair: information, value and detail of link and units.
func failoverRows(rows ...[3]string) script {
	const f = "1.3.6.1.4.1.9.9.147.1.2.1.1.1"
	index := []string{"4", "6", "7"}
	var s script
	for i, r := range rows {
		if r[0] != "" {
			s = append(s, f+".2."+index[i]+"|4|"+r[0], f+".3."+index[i]+"|2|"+r[1], f+".4."+index[i]+"|4|"+r[2])
		}
	}
	return s
}

func TestFailoverStates(t *testing.T) {
	t.Parallel()
	pair := failoverRows(
		[3]string{"Failover LAN Interface", "2", "foverlan GigabitEthernet0/3"},
		[3]string{"Primary unit (this device)", "9", "Active unit"},
		[3]string{"Secondary unit", "10", "Standby unit"})
	v := visiting(t, asa, pair.device(t, asaHead))
	v.all()

	v.becomes(failoverRows(
		[3]string{"Failover LAN Interface", "3", "foverlan GigabitEthernet0/3"},
		[3]string{"Primary unit (this device)", "9", "Active unit"},
		[3]string{"Secondary unit", "4", "Failed"}).device(t, asaHead))
	r := v.fast()
	if r.part(t, "failover/secondary").Health != hw.Critical || r.part(t, "failover/link").Health != hw.Critical {
		t.Errorf("a failed unit and link: %+v", r.parts)
	}

	v.becomes(failoverRows(
		[3]string{"Failover LAN Interface", "2", "foverlan GigabitEthernet0/3"},
		[3]string{"Primary unit (this device)", "9", "Active unit"}).device(t, asaHead))
	if c := v.fast().part(t, "failover/secondary"); c.Health != hw.Unknown || !c.Expected {
		t.Errorf("a row that vanished once: %+v", c)
	}
	if c, ok := v.fast().parts["failover/secondary"]; ok {
		t.Errorf("a row that stays away: %+v", c)
	}
}

// A firewall without failover is not a failed one.
func TestQuirkFailoverOff(t *testing.T) {
	t.Parallel()
	r := visiting(t, asa, failoverRows(
		[3]string{"Failover LAN Interface", "3", "not Configured"},
		[3]string{"Primary unit (this device)", "3", "Failover Off"},
		[3]string{"Secondary unit", "3", "Failover Off"}).device(t, asaHead)).all()
	for _, path := range []string{"failover/primary", "failover/secondary", "failover/link"} {
		if c := r.part(t, path); c.Health != hw.OK || c.State.Get("failover") != "off" || c.Expected {
			t.Errorf("%+v", c)
		}
	}
}

// stackOf writes a stack's members, ring and ring ports.
func stackOf(ring int, ports int, states ...int) script {
	s := script{fmt.Sprintf("1.3.6.1.4.1.9.9.500.1.1.3.0|2|%d", ring)}
	for i, state := range states {
		index := (i+1)*1000 + 1
		s = append(s, fmt.Sprintf("1.3.6.1.4.1.9.9.500.1.2.1.1.3.%d|2|2", index), fmt.Sprintf("1.3.6.1.4.1.9.9.500.1.2.1.1.6.%d|2|%d", index, state))
	}
	for i := range ports {
		s = append(s, fmt.Sprintf("1.3.6.1.4.1.9.9.500.1.2.2.1.1.%d|2|1", 5180+i))
	}
	return s
}

func TestQuirkRingOnlyWhereOneCanBe(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name   string
		device script
		ring   string // health of stack/ring; "" is none
		two    string // health of member/2; "" is none
	}{
		{"a closed ring", stackOf(1, 4, 4, 4), "ok", "ok"},
		{"a broken ring", stackOf(2, 4, 4, 4), "warning", "ok"},
		{"StackWise Virtual has no ring", stackOf(2, 0, 4, 4), "", "ok"},
		{"a lone switch has no ring", stackOf(2, 2, 4), "", ""},
		{"a provisioned member is none", stackOf(2, 2, 4, 9), "", ""},
		{"a removed member is none", stackOf(2, 2, 4, 11), "", ""},
		{"a member that starts", stackOf(1, 4, 4, 2), "ok", "warning"},
		{"a member of another version", stackOf(1, 4, 4, 6), "ok", "critical"},
	} {
		r := visiting(t, catalyst, x.device.device(t, iosHead)).all()
		r.complete(t)
		for path, want := range map[string]string{"stack/ring": x.ring, "member/2": x.two} {
			c, ok := r.parts[path]
			if got := c.Health.String(); ok && got != want || !ok && want != "" {
				t.Errorf("%s: %s is %q, want %q", x.name, path, got, want)
			}
		}
	}
}

// An empty bay is no part; one whose supply was pulled stays expected, so that it is missed.
func TestQuirkEnvironmentStates(t *testing.T) {
	t.Parallel()
	const p = "1.3.6.1.4.1.9.9.13.1.5.1"
	words := []string{"", "ok", "warning", "critical", "critical", "", "critical", "unknown"}
	for state := 1; state <= 7; state++ {
		r := visiting(t, catalyst, script{p + ".2.1003|4|Sw1, PS1 Normal", fmt.Sprintf("%s.3.1003|2|%d", p, state)}.device(t, iosHead)).all()
		c, ok := r.parts["psu/1003"]
		if got := c.Health.String(); ok && got != words[state] || ok != (words[state] != "") {
			t.Errorf("state %d: %v %s, want %q", state, ok, got, words[state])
		}
		if ok && c.Expected != (state < 7) {
			t.Errorf("state %d: expected %v", state, c.Expected)
		}
	}
}

// A sensor's value is scaled, and only told when the sensor works.
func TestQuirkSensorsThatDoNotWork(t *testing.T) {
	t.Parallel()
	const e = "1.3.6.1.2.1.99.1.1.1"
	row := func(index string, kind, scale, precision, value, status int) script {
		var s script
		for i, n := range []int{kind, scale, precision, value, status} {
			s = append(s, fmt.Sprintf("%s.%d.%s|2|%d", e, i+1, index, n))
		}
		return s
	}
	const phys = "1.3.6.1.2.1.47.1.1.1.1"
	r := visiting(t, asa, join(
		row("30", 8, 9, 1, 346, 1), row("31", 8, 8, 0, 41500, 1), row("32", 8, 9, 0, 25, 2), row("33", 8, 9, 0, 25, 3),
		row("34", 8, 9, 0, -5, 1), row("13", 10, 9, 0, 4864, 1), row("14", 10, 9, 0, 0, 1),
		row("20", 12, 9, 0, 1, 1), row("21", 12, 9, 0, 2, 1), row("26", 12, 9, 0, 2, 1), row("27", 10, 9, 0, 0, 1),
		script{
			phys + ".5.18|2|6", phys + ".7.18|4|Power Supply 0", phys + ".4.20|2|18", phys + ".7.20|4|Power Supply 0 Presence Sensor",
			phys + ".4.21|2|18", phys + ".7.21|4|Power Supply 0 Input Sensor",
			phys + ".5.24|2|6", phys + ".4.26|2|24", phys + ".7.26|4|Power Supply 1 Presence Sensor", phys + ".4.27|2|24",
		},
	).device(t, asaHead)).all()
	for path, want := range map[string]float64{"temperature/30": 34.6, "temperature/31": 41.5, "temperature/34": -5} {
		if got := r.gauge(t, path, "temperature_celsius"); got < want-1e-9 || got > want+1e-9 {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	for path, want := range map[string]hw.Reason{"temperature/32": hw.NotReady, "temperature/33": hw.DeviceError} {
		if s := r.samples[path+" temperature_celsius"]; s.Absent != want {
			t.Errorf("%s: %+v, want %s", path, s, want)
		}
	}
	for path, want := range map[string]hw.Health{
		"temperature/32": hw.Unknown, "temperature/33": hw.Warning, "fan/13": hw.OK, "fan/14": hw.Critical, "psu/18": hw.Critical,
	} {
		if got := r.part(t, path).Health; got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	for _, path := range []string{"psu/24", "fan/27"} {
		if c, ok := r.parts[path]; ok {
			t.Errorf("%+v sits in an empty bay", c)
		}
	}
}

// A device that tells no uptime is read all the same; its counters' start is unknown.
func TestQuirkNoUptime(t *testing.T) {
	t.Parallel()
	s := join(port(1, "Gi0/1", "x", 1, 5), script{"1.3.6.1.2.1.1.3.0|5|"})
	r := visiting(t, catalyst, s.device(t, iosHead)).all()
	if c := r.count(t, "port/Gi0/1", "rx_bytes_total"); c.Count != 5 || c.StartMS != 0 {
		t.Errorf("%+v", c)
	}
	if u := r.samples["system uptime_seconds"]; u.Absent != hw.NotSupported {
		t.Errorf("%+v", u)
	}
}
