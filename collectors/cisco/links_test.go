package cisco_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"rackpost/collectors"
	"rackpost/collectors/sim"
	"rackpost/hw"
)

const dot3 = "1.3.6.1.2.1.10.7.2.1"

// line writes the EtherLike-MIB row of a port.
func line(index, duplex int, alignment, fcs, late uint64) script {
	return script{
		fmt.Sprintf("%s.2.%d|65|%d", dot3, index, alignment), fmt.Sprintf("%s.3.%d|65|%d", dot3, index, fcs),
		fmt.Sprintf("%s.8.%d|65|%d", dot3, index, late), fmt.Sprintf("%s.19.%d|2|%d", dot3, index, duplex),
	}
}

// only returns one section of a kind.
func only(t testing.TB, kind collectors.Kind, names ...string) []collectors.Section {
	t.Helper()
	var due []collectors.Section
	for _, s := range kind.Sections {
		for _, name := range names {
			if s.Name == name {
				due = append(due, s)
			}
		}
	}
	if len(due) != len(names) {
		t.Fatalf("%s has not all of %q", kind.Name, names)
	}
	return due
}

// What a device says of a port without link is of the link there was, or of none.
func TestQuirkDuplexOfADownPort(t *testing.T) {
	t.Parallel()
	at := func(oper, duplex int) *sim.Device {
		return join(port(1, "Fa0/1", "FastEthernet0/1", oper, 1), line(1, duplex, 0, 0, 0)).device(t, iosHead)
	}
	v := visiting(t, catalyst, at(2, 2))
	wants := func(r report, want, when string) {
		t.Helper()
		if got := r.part(t, "port/Fa0/1").State.Get("duplex"); got != want {
			t.Errorf("%s: %q, want %q", when, got, want)
		}
	}
	wants(v.all(), "", "without link")
	v.becomes(at(1, 2))
	wants(v.all(), "halfDuplex", "half")
	v.becomes(at(2, 2))
	wants(v.fast(), "", "the link went")
	v.becomes(at(1, 3))
	wants(v.fast(), "", "it came back, and its duplex was not read")
	wants(v.all(), "fullDuplex", "full")
	v.becomes(at(1, 1))
	wants(v.all(), "", "unknown is no duplex")
	v.becomes(at(1, 3))
	v.all()
	v.fault("generr", dot3+".19")
	r := v.all()
	wants(r, "", "not read")
	if got := r.extent(t, "links"); got != hw.Partial {
		t.Errorf("half a table: %v", got)
	}
	if s := r.count(t, "port/Fa0/1", "rx_fcs_errors_total"); s.Count != 0 {
		t.Errorf("the columns that were read: %+v", s)
	}
}

func TestLineErrors(t *testing.T) {
	t.Parallel()
	at := func(fcs uint64) *sim.Device {
		return join(port(1, "Fa0/1", "FastEthernet0/1", 1, 1), line(1, 3, 21, fcs, 23), port(2, "Vl1", "Vlan1", 1, 1)).device(t, iosHead)
	}
	v := visiting(t, catalyst, at(4_294_967_290))
	r := v.all()
	first := r.count(t, "port/Fa0/1", "rx_fcs_errors_total")
	if a, l := r.count(t, "port/Fa0/1", "rx_alignment_errors_total"), r.count(t, "port/Fa0/1", "tx_late_collisions_total"); first.Count != 4_294_967_290 || a.Count != 21 || l.Count != 23 {
		t.Errorf("%+v %+v %+v", first, a, l)
	}
	if s, ok := r.samples["port/Vl1 rx_fcs_errors_total"]; ok {
		t.Errorf("a port without the table's row: %+v", s)
	}
	v.becomes(at(4))
	if s := v.all().count(t, "port/Fa0/1", "rx_fcs_errors_total"); s.Count != 4 || s.StartMS == first.StartMS {
		t.Errorf("a wrap: %+v, before %+v", s, first)
	}
	v.fault("generr", dot3+".3")
	if s := v.all().samples["port/Fa0/1 rx_fcs_errors_total"]; s.Absent != hw.DeviceError {
		t.Errorf("not read: %+v", s)
	}
	garbage := join(port(1, "Fa0/1", "FastEthernet0/1", 1, 1), script{dot3 + ".19.1|4|full", dot3 + ".3.1|4|many", dot3 + ".2.1|65|7"})
	r = visiting(t, catalyst, garbage.device(t, iosHead)).all()
	if s := r.samples["port/Fa0/1 rx_fcs_errors_total"]; s.Absent != hw.Garbage {
		t.Errorf("text for a number: %+v", s)
	}
	if got := r.part(t, "port/Fa0/1").State.Get("duplex"); got != "" {
		t.Errorf("text for a duplex: %q", got)
	}
	if s, ok := r.samples["port/Fa0/1 tx_late_collisions_total"]; ok {
		t.Errorf("a column the device lacks: %+v", s)
	}
}

// The counters of a line are another's after a reboot and in another unit.
func TestLineErrorsStartAnew(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"reboot", "other-unit"} {
		v := visiting(t, catalyst, modelled(t, "catalyst-3750-48ps", sim.ModelOptions{}))
		before := v.all()
		v.fault(fault, "")
		after := v.all()
		for _, sensor := range []string{"rx_fcs_errors_total", "poe_denied_total"} {
			was, is := before.count(t, "port/Fa1/0/1", sensor), after.count(t, "port/Fa1/0/1", sensor)
			if was.StartMS == is.StartMS {
				t.Errorf("%s: %s goes on: %+v, then %+v", fault, sensor, was, is)
			}
		}
	}
}

func TestModelDuplexMismatch(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, modelled(t, "catalyst-3750-48ps", sim.ModelOptions{}))
	if got := v.all().part(t, "port/Fa1/0/1").State.Get("duplex"); got != "fullDuplex" {
		t.Errorf("before: %q", got)
	}
	v.fault("duplex-mismatch", "Fa1/0/1")
	r := v.visit(only(t, catalyst, "links", "ports"))
	r.complete(t)
	if c := r.part(t, "port/Fa1/0/1"); c.State.Get("duplex") != "halfDuplex" {
		t.Errorf("%+v", c)
	}
}

// A port that kept its name and has another ifIndex counts anew, even if its counters grew.
func TestLineErrorsOfARenumberedPort(t *testing.T) {
	t.Parallel()
	at := func(index int, fcs uint64) *sim.Device {
		return join(port(index, "Fa0/1", "FastEthernet0/1", 1, 1), line(index, 3, 0, fcs, 0)).device(t, iosHead)
	}
	v := visiting(t, catalyst, at(1, 100))
	start := func() int64 { return v.all().count(t, "port/Fa0/1", "rx_fcs_errors_total").StartMS }
	first := start()
	if again := start(); again != first {
		t.Errorf("the start moved from %d to %d", first, again)
	}
	v.becomes(at(7, 200))
	second := start()
	if second == first {
		t.Error("the counter goes on under another ifIndex")
	}
	v.becomes(at(7, 300))
	if again := start(); again != second {
		t.Errorf("the start moved from %d to %d", second, again)
	}
}

// Duplex and errors of every port of the real devices are what the recording says.
func TestRecordedLinks(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"cisco_16_switch", "cisco-c3560", "ios_2960x"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines := raw(t, name)
			w := parse(t, lines)
			r := visiting(t, catalyst, recorded(t, lines)).all()
			for index, ifName := range w.column("1.3.6.1.2.1.31.1.1.1.1") {
				path, want := "port/"+ifName, ""
				if w["1.3.6.1.2.1.2.2.1.8."+index] == "1" {
					want = map[string]string{"2": "halfDuplex", "3": "fullDuplex"}[w[dot3+".19."+index]]
				}
				if got := r.part(t, path).State.Get("duplex"); got != want {
					t.Errorf("%s: duplex %q, want %q", ifName, got, want)
				}
				for sensor, column := range map[string]string{"rx_fcs_errors_total": ".3.", "rx_alignment_errors_total": ".2.", "tx_late_collisions_total": ".8."} {
					s, ok := r.samples[path+" "+sensor]
					if want, told := w[dot3+column+index]; told != ok || told && strconv.FormatUint(s.Count, 10) != want {
						t.Errorf("%s %s: %+v, want %q", ifName, sensor, s, want)
					}
				}
			}
		})
	}
}

// Whatever rows of a device are missing or are nonsense: nothing that is told is another
// thing than the whole device tells.
func TestDamagedRows(t *testing.T) {
	t.Parallel()
	device := join(
		port(10101, "Fa1/0/1", "FastEthernet1/0/1", 1, 1), port(10102, "Fa1/0/2", "FastEthernet1/0/2", 1, 1), port(10103, "Fa1/0/3", "FastEthernet1/0/3", 2, 1),
		part(1001, "Switch", 0), part(1003, "Fa1/0/1", 1001), part(1004, "Fa1/0/2", 1001), part(1005, "Fa1/0/3", 1001),
		line(10101, 3, 5, 6, 7), line(10102, 2, 8, 9, 10), line(10103, 1, 11, 12, 13),
		pse(1, 370, 1, 30, 80), powered("1.1", 3, 2, 4000, 1003), powered("1.2", 3, 5, 6000, 1004), powered("1.3", 2, 1, 0, 1005),
		disabled(10103, 0, 2), partition("1.1", "flash1", 16_000_000, 1_000_000), partition("2.1", "flash2", 32_000_000, 2_000_000),
	)
	whole := visiting(t, catalyst, device.device(t, iosHead)).all()
	for seed := range uint64(40) {
		some := spoiling{drop: 17, corrupt: 33, only: func(oid string) bool {
			return !namesRows(oid) && !strings.HasPrefix(oid, phys) && !strings.HasPrefix(oid, cpe+".11.")
		}}
		r := visiting(t, catalyst, script(some.spoil(device, rand.New(rand.NewPCG(seed, 7)))).device(t, iosHead)).all()
		for key, s := range r.samples {
			if was, ok := whole.samples[key]; s.Absent == "" && (!ok || s.Count != was.Count || s.Gauge != was.Gauge) {
				t.Errorf("seed %d: %s: %+v, whole %+v", seed, key, s, was)
			}
		}
		for path, c := range r.parts {
			was := whole.parts[path]
			for _, a := range append(append(hw.Attrs{}, c.State...), c.Attrs...) {
				if want := was.State.Get(a.Key) + was.Attrs.Get(a.Key); a.Value != want && a.Value != "unknown" {
					t.Errorf("seed %d: %s %s is %q, want %q", seed, path, a.Key, a.Value, want)
				}
			}
			if c.Health > hw.OK && c.Health != was.Health {
				t.Errorf("seed %d: %s is %v, want %v", seed, path, c.Health, was.Health)
			}
		}
	}
}
