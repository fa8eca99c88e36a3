package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rackpost/collectors"
	"rackpost/hw"
)

// FuzzDeviceLines: whatever a device says of itself, the file that is made of it is right and
// says what was meant.
func FuzzDeviceLines(f *testing.F) {
	for _, s := range [][3]string{
		{"core-1.example.org", "Cisco IOS Software, C2960X Software\r\nCopyright", "FOC1"}, {"", "", ""}, {"true", "- id: x\n- {", "a b"},
		{"\"quoted\\", "# \u2028 \x00\xff", "'"}, {strings.Repeat("ä", 200), strings.Repeat("w", 500), "\t"}, {"12:30", "a: b", "~"}, {"---", "...", "&a *a !b"},
	} {
		f.Add(s[0], s[1], s[2], "192.0.2.10")
	}
	f.Add("x", "y", "z", "[2001:db8::1%eth0]:1161")
	f.Fuzz(func(t *testing.T, name, descr, serial, address string) {
		host, port, err := splitAddress(address)
		if err != nil {
			return
		}
		a := collectors.Answer{Kind: "cisco-catalyst", Name: name, Descr: descr, Serial: serial}
		base := []byte(siteHead + "devices:\n  - {id: core-1, kind: cisco-asa, address: name.invalid, credentials: c}\n")
		site := parsedSite(t, base)
		found := []finding{foundBy(askedAt(host, port), a), foundBy(askedAt("192.0.2.99", ""), collectors.Answer{Name: name, Descr: descr})}
		w := newWritten(base, site, nil)
		w.settle(found)
		blocks, ids := w.blocks(found, "2026-01-02")
		if len(ids) != 1 || len(blocks) != 2 {
			t.Fatalf("ids %v, lines %q", ids, blocks)
		}
		after, err := addToDevices("f.yaml", base, blocks, true)
		if err != nil {
			t.Fatal(err)
		}
		then := parsedSite(t, after)
		if err := sameDevices(site, then, ids); err != nil {
			t.Fatalf("%v\n%s", err, after)
		}
		d := then.devices[1].Target.Device
		if want := (hw.Device{ID: hw.DeviceID(ids[0]), Kind: "cisco-catalyst", Name: d.Name, Address: joinAddress(host, port)}); d != want || d.Name == "" {
			t.Fatalf("%+v, want %+v\n%s", d, want, after)
		}
		if again := newWritten(after, then, nil); !again.noted[addressKey("192.0.2.99")] {
			t.Fatalf("the noted address is not found again:\n%s", after)
		}
	})
}

// foundBy is the finding of an answer to the credentials c.
func foundBy(a asked, answer collectors.Answer) finding {
	f := finding{asked: a, Address: a.Address, Found: foundForeign, Credentials: "c"}
	f.Name, f.Serial, f.Description = printable(answer.Name), printable(answer.Serial), printable(answer.Descr)
	f.pair, f.standby = answer.Pair, answer.Standby
	if f.Kind = answer.Kind; f.Kind != "" {
		f.Found = foundNew
	}
	return f
}

func TestNewID(t *testing.T) {
	t.Parallel()
	var taken []string
	for _, test := range []struct{ name, address, want string }{
		{"Core-1.example.org", "192.0.2.1", "core-1"},
		{"core-1.example.net", "192.0.2.2", "core-1.example.net"},
		{"core-1.example.net", "192.0.2.3", "core-1-2"},
		{"core-1", "192.0.2.4", "core-1-3"},
		{"", "192.0.2.5:1161", "device-192.0.2.5-1161"},
		{"机房", "2001:db8::1", "device-2001-db8--1"},
		{"Switch im Büro", "192.0.2.6", "switch-im-b-ro"},
		{strings.Repeat("x", 80), "192.0.2.7", strings.Repeat("x", 64)},
		{strings.Repeat("x", 80), "192.0.2.8", strings.Repeat("x", 58) + "-2"},
	} {
		got := newID(test.name, test.address, taken)
		if got != test.want || !idPattern.MatchString(got) {
			t.Errorf("%q at %s: %q, want %q", test.name, test.address, got, test.want)
		}
		taken = append(taken, got)
	}
}

// One device under several addresses, and the two units of a pair.
func TestSettle(t *testing.T) {
	t.Parallel()
	at := func(address, kind, name, serial string) finding {
		return foundBy(askedAt(address, ""), collectors.Answer{Kind: kind, Name: name, Serial: serial})
	}
	unit := func(address, name, serial string, standby bool) finding {
		return foundBy(askedAt(address, ""), collectors.Answer{Kind: "cisco-asa", Name: name, Serial: serial, Pair: true, Standby: standby})
	}
	base := []byte(siteHead + "devices:\n  # found 2026-01-02: Cisco, serial OLD1\n  - {id: edge, kind: cisco-asa, name: edge, address: 192.0.2.1, credentials: c}\n" +
		"  # found 2026-01-02: Cisco, serial OLD2\n  - id: core\n    kind: cisco-catalyst\n    address: 192.0.2.2\n    credentials: c\n")
	w := newWritten(base, parsedSite(t, base), []knownUnit{{"edge", collectors.Answer{Kind: "cisco-asa", Name: "edge-fw", Serial: "S9", Pair: true}}})
	found := []finding{
		at("192.0.2.10", "cisco-catalyst", "a", "S1"), at("192.0.2.11", "cisco-catalyst", "other", "S1"),
		at("192.0.2.12", "cisco-catalyst", "b", ""), at("192.0.2.13", "cisco-catalyst", "b", ""),
		unit("192.0.2.14", "fw", "S2", true), unit("192.0.2.15", "fw", "S3", false), unit("192.0.2.16", "edge-fw", "S4", false),
		at("192.0.2.17", "cisco-catalyst", "core", "OLD2"), at("192.0.2.18", "cisco-asa", "fw", "S5"), at("192.0.2.19", "cisco-asa", "x", "S1"), at("192.0.2.20", "cisco-asa", "edge-fw", "S9"),
	}
	w.settle(found)
	var got []string
	for _, f := range found {
		got = append(got, f.says()+" "+f.Device)
	}
	want := []string{"new a", "same as a a", "new b", "new b-2", "pair of fw fw", "new fw", "pair of edge edge", "same as core core", "new fw-2", "new x", "same as edge edge"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
	blocks, ids := w.blocks(found, "2026-01-02")
	if diff := cmp.Diff([]string{"a", "b", "b-2", "fw", "fw-2", "x"}, ids); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"# found 2026-01-02 at 192.0.2.14: the other unit of the failover pair fw"}, blocks[4]); diff != "" {
		t.Errorf("comment (-want +got):\n%s", diff)
	}
}
