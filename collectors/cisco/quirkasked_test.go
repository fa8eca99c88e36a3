package cisco_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rackpost/collectors/sim"
	"rackpost/hw"
)

// A state of yellow below the threshold is the device's own judgement: it warns.
func TestQuirkTemperatureStateWithoutFault(t *testing.T) {
	t.Parallel()
	r := visiting(t, catalyst, script{
		envmon + "3.1.2.1005|4|SW#1, Sensor#1, YELLOW", envmon + "3.1.3.1005|66|61", envmon + "3.1.4.1005|2|66", envmon + "3.1.6.1005|2|2",
	}.device(t, iosHead)).all()
	c := r.part(t, "temperature/1005")
	if c.Health != hw.Warning || c.State.Get("state") != "warning" || c.Attrs.Get("threshold_celsius") != "66" || c.Attrs.Get("name") != "SW#1, Sensor#1" {
		t.Errorf("%+v", c)
	}
	if got := r.gauge(t, c.Path, "temperature_celsius"); got != 61 {
		t.Errorf("%v", got)
	}
}

// Old columns of CPU load are read only where the new ones are not there.
func TestQuirkCPUColumnsDeprecated(t *testing.T) {
	t.Parallel()
	old := script{cpm + ".1.1.3.1|66|31", cpm + ".1.1.4.1|66|41", cpm + ".1.1.5.1|66|51"}
	for _, x := range []struct {
		rows script
		want [3]float64
	}{{old, [3]float64{31, 41, 51}}, {join(old, script{cpm + ".1.1.6.1|66|3", cpm + ".1.1.7.1|66|0", cpm + ".1.1.8.1|66|5"}), [3]float64{3, 0, 5}}} {
		r := visiting(t, catalyst, x.rows.device(t, iosHead)).all()
		for i, sensor := range []string{"busy_5s_percent", "busy_1m_percent", "busy_5m_percent"} {
			if got := r.gauge(t, "cpu/1", sensor); got != x.want[i] {
				t.Errorf("%s is %v, want %v", sensor, got, x.want[i])
			}
		}
	}
}

// IOS numbers the chassis of a stack 1001, 2001, IOS-XE 1000, 2000; roles and serials are
// found by either.
func TestQuirkStackNumberedFrom1001Or1000(t *testing.T) {
	t.Parallel()
	for first, roles := range map[int][2]int{1001: {1, 2}, 1000: {1, 4}} {
		r := visiting(t, catalyst, join(member(first, 1, roles[0], "SIM1"), member(first+1000, 2, roles[1], "SIM2")).device(t, iosHead)).all()
		words := map[int]string{1: "master", 2: "member", 4: "standby"}
		for i, role := range roles {
			c := r.part(t, fmt.Sprintf("member/%d", i+1))
			if c.State.Get("role") != words[role] || c.Attrs.Get("serial") != fmt.Sprintf("SIM%d", i+1) || c.Health != hw.OK {
				t.Errorf("from %d: %+v", first, c)
			}
		}
	}
}

// An ASA tells the name a person gave an interface as ifName, and where there is none the
// port's; its ifDescr is a sentence.
func TestQuirkASAInterfaceNames(t *testing.T) {
	t.Parallel()
	r := visiting(t, asa, join(
		port(2, "outside", "Adaptive Security Appliance 'outside' interface", 1, 7), script{"1.3.6.1.2.1.31.1.1.1.18.2|4|to the provider"},
		port(3, "GigabitEthernet0/3", "Adaptive Security Appliance 'GigabitEthernet0/3' interface", 2, 8),
	).device(t, asaHead)).all()
	if c := r.part(t, "port/outside"); c.Attrs.Get("alias") != "to the provider" || c.State.Get("oper") != "up" {
		t.Errorf("%+v", c)
	}
	if got := r.count(t, "port/GigabitEthernet0/3", "rx_bytes_total").Count; got != 8 {
		t.Errorf("%d bytes", got)
	}
}

// ifHighSpeed is 0 below 1 Mb/s and on what has no speed: ifSpeed tells, or nothing does.
func TestQuirkHighSpeedOfZero(t *testing.T) {
	t.Parallel()
	slow := func(index, speed int) script {
		return script{
			fmt.Sprintf("1.3.6.1.2.1.31.1.1.1.1.%d|4|Tu%d", index, index), fmt.Sprintf("1.3.6.1.2.1.2.2.1.8.%d|2|1", index),
			fmt.Sprintf("1.3.6.1.2.1.31.1.1.1.15.%d|66|0", index), fmt.Sprintf("1.3.6.1.2.1.2.2.1.5.%d|66|%d", index, speed),
		}
	}
	r := visiting(t, catalyst, join(slow(1, 100_000), slow(2, 0)).device(t, iosHead)).all()
	for path, want := range map[string]string{"port/Tu1": "100000", "port/Tu2": ""} {
		if got := r.part(t, path).Attrs.Get("speed_bps"); got != want {
			t.Errorf("%s: %q bit/s, want %q", path, got, want)
		}
	}
}

// neverAsked are the tables that load a device or never end: processes, flash files, ARP,
// routes, TCP connections, forwarding tables, and what stalls a C6800.
var neverAsked = []string{
	"1.3.6.1.4.1.9.9.109.1.2", "1.3.6.1.4.1.9.9.10.1.1.4.2", "1.3.6.1.2.1.3", "1.3.6.1.2.1.4.20", "1.3.6.1.2.1.4.21", "1.3.6.1.2.1.4.22", "1.3.6.1.2.1.4.24",
	"1.3.6.1.2.1.4.34", "1.3.6.1.2.1.4.35", "1.3.6.1.2.1.6.13", "1.3.6.1.2.1.17.4.3", "1.3.6.1.2.1.17.7.1.2.2", "1.3.6.1.4.1.9.9.661",
}

// What is asked, by the requests themselves: columns, and none of the tables nobody should
// walk. Only the last answer of a column may lie in one.
func TestQuirkBigTablesAreNotAsked(t *testing.T) {
	t.Parallel()
	for _, name := range everyRecording {
		v := visiting(t, kindOf(name), recorded(t, raw(t, name)))
		s := v.watched()
		v.all()
		v.all()
		for _, oid := range neverAsked {
			if n := s.below(oid); n > 0 {
				t.Errorf("%s: %d requests below %s", name, n, oid)
			}
		}
		for _, root := range []string{"1.3.6.1.2.1", "1.3.6.1.4.1.9.9", "1.3.6.1.2.1.2.2.1", "1.3.6.1.4.1.9.9.109", "1.3.6.1.4.1.9.9.10"} {
			if n := s.exactly(root); n > 0 {
				t.Errorf("%s: %s is walked", name, root)
			}
		}
		if s.below("1.3.6.1.2.1.31.1.1.1.6") == 0 {
			t.Fatalf("%s: the spy saw nothing", name)
		}
	}
}

// The address table of old firewalls repeats one row for ever. It is not asked, so that
// nothing is lost when it does.
func TestQuirkAddressTableLoops(t *testing.T) {
	t.Parallel()
	v := visiting(t, asa, modelled(t, "asa-5525-failover", sim.ModelOptions{}))
	s := v.watched()
	s.hold("1.3.6.1.2.1.4", 0)
	v.all().complete(t)
	if n := s.held(); n > 0 {
		t.Errorf("%d requests for addresses", n)
	}
}

// An agent that needs 20 s a request for one subtree costs the visit that subtree: the rest
// is read, what is missing is said, and it is not asked on and on.
func TestQuirkSubtreeThatStalls(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, modelled(t, "catalyst-3750-48ps", sim.ModelOptions{}))
	v.target.Timeout = 80 * time.Millisecond
	s := v.watched()
	whole := v.all()
	whole.complete(t)
	s.hold("1.3.6.1.4.1.9.9.13.1.4", 20*time.Second)
	for n := range 3 {
		s.hold("1.3.6.1.4.1.9.9.13.1.4", 20*time.Second)
		r := v.all()
		if r.extent(t, "environment") == hw.Complete || len(r.Gaps) == 0 {
			t.Errorf("visit %d: nothing is missing: %+v", n, r.Gaps)
		}
		for _, section := range []string{"ports", "cpu", "memory", "stack", "flash"} {
			if r.extent(t, section) != hw.Complete {
				t.Errorf("visit %d: %s was not read whole", n, section)
			}
		}
		if asked := s.held(); asked == 0 || asked > 12 {
			t.Errorf("visit %d: asked %d times", n, asked)
		}
		for path := range whole.parts {
			if _, ok := r.parts[path]; !ok && !strings.HasPrefix(path, "fan/") {
				t.Errorf("visit %d: %s is gone", n, path)
			}
		}
	}
	s.hold("", 0)
	v.all().complete(t)
}

// Netdata's profile asks for cpeExtPsePort at a path with one .1 too many, and takes the
// columns of memory for those of load. The recording says what is right.
func TestQuirkNetdataReadsPoEAndLoadFromTheWrongObjects(t *testing.T) {
	t.Parallel()
	const ext, load = "1.3.6.1.4.1.9.9.402.1.2.1", "1.3.6.1.4.1.9.9.109.1.1.1.1"
	lines := raw(t, "cisco_16_switch")
	said := parse(t, lines)
	v := visiting(t, catalyst, recorded(t, lines))
	s := v.watched()
	r := v.all()
	if s.below(ext+".1") > 0 || s.below(ext+".9") == 0 {
		t.Errorf("%d requests below .1, %d below cpeExtPsePortPwrConsumption", s.below(ext+".1"), s.below(ext+".9"))
	}
	for _, column := range []string{".24", ".25", ".26", ".27"} {
		if s.below(load+column) > 0 {
			t.Errorf("%s%s is taken for a load", load, column)
		}
	}
	told := 0
	for index, milliwatts := range said.column(ext + ".9") {
		entity := said[ext+".11."+index]
		path := "port/" + said.shortName(said[entRow+".7."+entity])
		if got := fmt.Sprint(r.gauge(t, path, "poe_watts") * 1000); got != milliwatts {
			t.Errorf("%s: %s mW, want %s", path, got, milliwatts)
		}
		told++
	}
	if told == 0 {
		t.Error("the recording has no port that gives power")
	}
}

// shortName returns the ifName of the interface with that ifDescr or ifName.
func (w walkOf) shortName(name string) string {
	for index, descr := range w.column("1.3.6.1.2.1.2.2.1.2") {
		if short := w["1.3.6.1.2.1.31.1.1.1.1."+index]; descr == name || short == name {
			return short
		}
	}
	return name
}
