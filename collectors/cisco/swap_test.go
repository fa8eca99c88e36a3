package cisco_test

import (
	"slices"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/sim"
	"rackpost/hw"
)

// soon visits with the fast sections and those a report hastens.
func (v *visitor) soon(r report) report {
	v.Helper()
	if len(r.Hasten) == 0 {
		v.Fatal("nothing is hastened")
	}
	var due []collectors.Section
	for _, s := range v.kind.Sections {
		if slices.Contains(r.Hasten, s.Name) || s.Period == time.Minute {
			due = append(due, s)
		}
	}
	return v.visit(due)
}

// A pulled transceiver is seen by the next fast visit, and gone from what that hastens.
func TestTransceiverPulledOfModels(t *testing.T) {
	t.Parallel()
	for model, at := range map[string]struct{ port, part string }{
		"catalyst-3750-48ps": {"Gi1/0/1", "GigabitEthernet1/0/1"}, "catalyst-9300": {"Te1/1/1", "TenGigabitEthernet1/1/1"},
		"catalyst-9500-svl": {"Hu1/0/49", "HundredGigE1/0/49"},
	} {
		v := visiting(t, catalyst, modelled(t, model, sim.ModelOptions{}))
		before := v.all()
		serial := before.part(t, "transceiver/"+at.port).Attrs.Get("serial")
		v.fault("sfp-pulled", at.port)
		fast := v.fast()
		if !slices.Contains(fast.Hasten, "transceivers") || !slices.Contains(fast.Hasten, "inventory") {
			t.Errorf("%s: a pulled transceiver hastens %q", model, fast.Hasten)
		}
		r := v.soon(fast)
		r.complete(t)
		for _, path := range []string{"transceiver/" + at.port, "part/" + at.part} {
			if _, still := r.parts[path]; still {
				t.Errorf("%s: %s is still there", model, path)
			}
		}
		if c := fast.part(t, "port/"+at.port); c.State.Get("oper") != "down" {
			t.Errorf("%s: %v", model, c.State)
		}
		v.fault("clear", "sfp-pulled")
		r = v.soon(v.fast())
		if c := r.part(t, "transceiver/"+at.port); c.Attrs.Get("serial") != serial || c.Health != hw.OK {
			t.Errorf("%s: %+v after it is back", model, c)
		}
	}
}

// What leaves with a member comes back with it, under the same names.
func TestPartsOfALostMember(t *testing.T) {
	t.Parallel()
	for _, model := range []string{"catalyst-3750-48ps", "catalyst-9300"} {
		v := visiting(t, catalyst, modelled(t, model, sim.ModelOptions{}))
		whole := v.all().listed()
		v.fault("member-lost", "2")
		left := v.soon(v.fast())
		left.complete(t)
		for _, path := range left.listed() {
			if !slices.Contains(whole, path) {
				t.Errorf("%s: %s is new without member 2", model, path)
			}
		}
		if len(left.listed()) == len(whole) {
			t.Errorf("%s: all parts are there without member 2", model)
		}
		v.fault("clear", "member-lost")
		if got := v.soon(v.fast()).listed(); !slices.Equal(got, whole) {
			t.Errorf("%s: with member 2 again: %q, were %q", model, got, whole)
		}
	}
}

// Another unit has other parts, and none of the first one's.
func TestPartsOfAnotherUnit(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, modelled(t, "catalyst-3750-48ps", sim.ModelOptions{}))
	before := v.all()
	v.fault("other-unit", "")
	after := v.soon(v.fast())
	for path, c := range after.parts {
		if was, ok := before.parts[path]; ok && c.Section == "inventory" && c.Attrs.Get("serial") == was.Attrs.Get("serial") {
			t.Errorf("%s of both units has the serial %s", path, was.Attrs.Get("serial"))
		}
	}
	if !slices.Contains(after.listed(), "part/GigabitEthernet1/0/1") {
		t.Errorf("%q", after.listed())
	}
}

func TestNeighbourFaultsOfAModel(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, modelled(t, "catalyst-3750-48ps", sim.ModelOptions{}))
	v.all()
	v.fault("duplex-mismatch", "Fa1/0/5")
	if c := v.all().part(t, "neighbour/Fa1/0/5/SEP025300010005"); c.Health != hw.Warning || c.State.Get("mismatch") != "duplex" {
		t.Errorf("%+v", c)
	}
	v.fault("clear", "duplex-mismatch")
	v.fault("neighbour-lost", "Gi1/0/1")
	r := v.all()
	r.complete(t)
	if _, still := r.parts["neighbour/Gi1/0/1/sim-core-49"]; still {
		t.Error("a lost neighbour is still there")
	}
	if c := r.part(t, "neighbour/Fa1/0/5/SEP025300010005"); c.Health != hw.OK || len(c.State) > 0 {
		t.Errorf("%+v", c)
	}
}
