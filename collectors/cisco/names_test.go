package cisco

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestQuirkLabelsHoldTheState(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ in, want string }{
		{"SW#1, Sensor#1, GREEN", "SW#1, Sensor#1"},
		{"SW#1, Sensor#1, YELLOW ", "SW#1, Sensor#1"},
		{"Sw1, PS1 Normal, RPS NotExist", "Sw1, PS1, RPS"},
		{"Sw1, PS1 Faulty, RPS Normal", "Sw1, PS1, RPS"},
		{"Switch 1 - FAN - T1 1, Normal", "Switch 1 - FAN - T1 1"},
		{"Chassis Fan Tray 1", "Chassis Fan Tray 1"},
		{"Sw1, PS2 Not Present", "Sw1, PS2"},
		{"", ""},
		{"GREEN", ""},
	} {
		if got := cleanName(x.in); got != x.want {
			t.Errorf("cleanName(%q) = %q, want %q", x.in, got, x.want)
		}
	}
}

func TestKindOf(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ descr, oid, want string }{
		{"Cisco IOS Software, C3750 Software (C3750-IPSERVICESK9-M), Version 12.2(55)SE10, RELEASE", "1.3.6.1.4.1.9.1.516", CatalystKind},
		{"Cisco Internetwork Operating System Software IOS (tm) C2950 Software (C2950-I6Q4L2-M), Version 12.1(22)EA14", "1.3.6.1.4.1.9.1.359", CatalystKind},
		{"Cisco IOS Software [Everest], Catalyst L3 Switch Software (CAT3K_CAA), Version 16.9.6", "", CatalystKind},
		{"Cisco Adaptive Security Appliance Version 9.12(2)", "1.3.6.1.4.1.9.1.2404", ASAKind},
		{"Cisco Firepower Threat Defense, Version 6.4.0 (Build 102), ASA Version 9.12(1)6", "1.3.6.1.4.1.9.1.2662", ASAKind},
		{"Cisco NX-OS(tm) n9000, Software (n9000-dk9), Version 7.0(3)I7(7)", "1.3.6.1.4.1.9.12.3.1.3.1084", foreign},
		{"Cisco IOS XR Software (Cisco ASR9K Series),  Version 6.4.2[Default]", "1.3.6.1.4.1.9.1.1639", foreign},
		{"Cisco IOS Software [Fuji], Catalyst L3 Switch Software (CAT9K_IOSXE), Version 16.9.4, RELEASE SOFTWARE (fc2)", "1.3.6.1.4.1.9.1.2494", CatalystKind},
		{"Cisco IOS Software, IOS-XE Software, Catalyst L3 Switch Software (CAT3K_CAA-UNIVERSALK9-M), Version 03.07.05E RELEASE", "1.3.6.1.4.1.9.1.2066", CatalystKind},
		{"Cisco IOS Software, Catalyst 4500 L3 Switch Software (cat4500e-UNIVERSALK9-M), Version 15.2(2)E8", "1.3.6.1.4.1.9.1.875", CatalystKind},
		{"Cisco PIX Security Appliance Version 8.0(4)", "1.3.6.1.4.1.9.1.451", ASAKind},
		{"Cisco PIX Firewall Version 6.3(5)", "1.3.6.1.4.1.9.1.451", ASAKind},
		{"Cisco FX-OS", "1.3.6.1.4.1.9.1.2294", foreign},
		{"Linux box 6.1", "1.3.6.1.4.1.8072.3.2.10", foreign},
		{"Cisco IOS Software, says who", "1.3.6.1.4.1.674.10892.5", foreign},
		{"", "", unsaid},
		{"", "1.3.6.1.4.1.9.1.516", unsaid},
	} {
		if got := kindOf(x.descr, x.oid); got != x.want {
			t.Errorf("kindOf(%q, %s) = %q, want %q", x.descr, x.oid, got, x.want)
		}
	}
}

// A device that is refused is told what it is, where that is known.
func TestAdvice(t *testing.T) {
	t.Parallel()
	for descr, want := range map[string]string{
		"Cisco NX-OS(tm) n9000, Software (n9000-dk9), Version 7.0(3)I7(7)": "Nexus",
		"Cisco FX-OS": "firewall that runs on it",
		"Cisco Firepower Extensible Operating System (FX-OS) Software":           "firewall that runs on it",
		"Cisco IOS XR Software (Cisco ASR9K Series),  Version 6.4.2[Default]":    "IOS XR",
		"Cisco Firepower FPR-1140 Security Appliance, System Version 2.7(1.115)": "firewall that runs on it",
		"Linux box 6.1": "check the address",
	} {
		for _, kind := range []string{CatalystKind, ASAKind} {
			if got := refuse(kind, descr, "1.3.6.1.4.1.9.1.1"); !strings.Contains(got, want) {
				t.Errorf("a %s that says %q: %s", kind, descr, got)
			}
		}
	}
}

func TestSoftwareVersion(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Cisco IOS Software, C3750 Software (C3750-IPSERVICESK9-M), Version 12.2(55)SE10, RELEASE SOFTWARE (fc2)": "12.2(55)SE10",
		"Cisco Adaptive Security Appliance Version 9.12(2)":                                                       "9.12(2)",
		"Cisco Firepower Threat Defense, Version 6.4.0 (Build 102), ASA Version 9.12(1)6":                         "6.4.0",
		"nothing": "",
	} {
		if got := softwareVersion(in); got != want {
			t.Errorf("softwareVersion(%q) = %q, want %q", in, got, want)
		}
	}
}

// Names end unique whatever they were, and what one becomes does not depend on the order.
func TestDistinguish(t *testing.T) {
	t.Parallel()
	type row struct{ name, descr, index string }
	run := func(rows []row) map[string]string {
		names := make([]string, len(rows))
		for i := range rows {
			names[i] = rows[i].name
		}
		distinguish(names, func(i int) []string { return []string{rows[i].descr, "#" + rows[i].index} })
		got := map[string]string{}
		for i, n := range names {
			got[rows[i].index] = n
		}
		return got
	}
	got := run([]row{{"Gi1", "GigabitEthernet1", "1"}, {"", "Null0", "2"}, {"x", "X one", "3"}, {"x", "X two", "4"}, {"y", "same", "5"}, {"y", "same", "6"}, {"", "", "7"}})
	want := map[string]string{"1": "Gi1", "2": "Null0", "3": "X one", "4": "X two", "5": "y#5", "6": "y#6", "7": "#7"}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("index %s: %q, want %q", k, got[k], v)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom([]string{"", "a", "b", "c", "d"})
		n := rapid.IntRange(0, 12).Draw(t, "n")
		rows := make([]row, n)
		for i := range rows {
			rows[i] = row{word.Draw(t, "name"), word.Draw(t, "descr"), string(rune('A' + i))}
		}
		forward := run(rows)
		seen := map[string]bool{}
		for _, name := range forward {
			if name == "" || seen[name] {
				t.Fatalf("%q twice or empty in %v of %v", name, forward, rows)
			}
			seen[name] = true
		}
		slices.Reverse(rows)
		for k, v := range run(rows) {
			if forward[k] != v {
				t.Fatalf("index %s is %q in one order and %q in the other", k, forward[k], v)
			}
		}
	})
}

// The tables are the documentation: every object is named, asked under a sane OID, and
// belongs where its group says.
func TestTables(t *testing.T) {
	t.Parallel()
	sections := map[string]bool{}
	for _, k := range append(Catalyst().Sections, ASA().Sections...) {
		sections[k.Name] = true
	}
	for _, g := range groups() {
		if !sections[g.section] || g.mib == "" || g.component == "" || len(g.kinds) == 0 {
			t.Errorf("group %s %s: incomplete", g.mib, g.component)
		}
		for i := range g.objects {
			for o := &g.objects[i]; o != nil; o = o.other {
				if o.name == "" || o.use != helper && o.as == "" || o.use == helper && o.as != "" {
					t.Errorf("%s: object %d (%s) is not documented", g.mib, i, o.name)
				}
			}
		}
	}
	if n := len(portGroup.objects) - portCounters; n != portCounterCount {
		t.Errorf("%d counters of a port, want %d", n, portCounterCount)
	}
}
