package cisco_test

import (
	"slices"
	"strings"
	"testing"

	"rackpost/collectors/sim"
	"rackpost/hw"
)

// listed returns the paths of the parts and units of a report.
func (r report) listed() (paths []string) {
	for _, c := range r.Components {
		if strings.HasPrefix(c.Path, "part/") || strings.HasPrefix(c.Path, "unit/") {
			paths = append(paths, c.Path)
		}
	}
	slices.Sort(paths)
	return paths
}

// stackWithParts is a stack of members with an uplink module and a supply each; serials end in mark.
func stackWithParts(mark string, members ...int) script {
	all := entPart(1, 0, 11, "c93xx Stack", "c93xx Stack", "", "")
	for _, m := range members {
		at, n := m*1000, string(rune('0'+m))
		all = join(all,
			entPart(at, 1, 3, "Switch "+n, "C9300-48P", "SIMCHASSIS"+n, "C9300-48P"),
			entPart(at+7, at, 5, "Switch "+n+" - Power Supply A Container", "Power Supply A Container", "", ""),
			entPart(at+8, at, 5, "Switch "+n+" - Power Supply B Container", "Power Supply B Container", "", ""),
			entPart(at+13, at+7, 6, "Switch "+n+" - Power Supply A", "Switch "+n+" - Power Supply A", "SIMPSU"+n+mark, "PWR-C1-715WAC"),
			entPart(at+14, at+8, 6, "Switch "+n+" - Power Supply B", "Switch "+n+" - Power Supply B", "N/A", "Unspecified"),
			entPart(at+15, at, 7, "Switch "+n+" - FAN 1", "Switch "+n+" - FAN 1", "", ""),
			entPart(at+109, at, 9, "4x10G Uplink Module", "4x10G Uplink Module", "SIMMODULE"+n, "C9300-NM-4G"),
		)
	}
	return all
}

func TestPartsOfAStack(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, stackWithParts("", 1, 2).device(t, iosHead))
	r := v.all()
	r.complete(t)
	want := []string{
		"part/4x10G Uplink Module#1109", "part/4x10G Uplink Module#2109", "part/Switch 1 - Power Supply A", "part/Switch 2 - Power Supply A",
		"unit/SIMCHASSIS1", "unit/SIMCHASSIS2",
	}
	if got := r.listed(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	c := r.part(t, "part/4x10G Uplink Module#2109")
	if c.Attrs.Get("serial") != "SIMMODULE2" || c.Attrs.Get("member") != "2" || c.Attrs.Get("class") != "module" || c.Expected {
		t.Errorf("%+v", c)
	}
	v.becomes(stackWithParts("", 1).device(t, iosHead)) // member 2 is lost: what is left keeps its names
	if got := v.all().listed(); !slices.Equal(got, []string{want[0], want[2], want[4]}) {
		t.Errorf("without member 2: %q", got)
	}
	v.becomes(stackWithParts("X", 1, 2).device(t, iosHead)) // it is back, and its supply was exchanged
	r = v.all()
	if got := r.listed(); !slices.Equal(got, want) {
		t.Errorf("with member 2 again: %q", got)
	}
	if serial := r.part(t, "part/Switch 2 - Power Supply A").Attrs.Get("serial"); serial != "SIMPSU2X" {
		t.Errorf("the exchanged supply has the serial %q", serial)
	}
}

// Parts of one name are told apart by their index, and a part without a name by its
// description.
func TestPartsOfOneName(t *testing.T) {
	t.Parallel()
	r := visiting(t, asa, join(
		entPart(1, 0, 3, "Chassis", "ASA 5525-X", "SIMCHASSIS1", "ASA5525"),
		entPart(18, 1, 6, "Power Supply", "supply", "SIMPSU0", ""), entPart(24, 1, 6, "Power Supply", "supply", "SIMPSU1", ""),
		entPart(30, 1, 9, "", "IPS module", "0000", "ASA-IPS"), entPart(31, 1, 9, "", "", "SIM2", "X"),
	).device(t, asaHead)).all()
	want := []string{"part/#31", "part/IPS module", "part/Power Supply#18", "part/Power Supply#24", "unit/SIMCHASSIS1"}
	if got := r.listed(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if serial := r.part(t, "part/IPS module").Attrs.Get("serial"); serial != "" {
		t.Errorf("the serial %q is none", serial)
	}
}

// A chassis that answers a placeholder for its serial for a while is not another unit.
func TestQuirkPlaceholderSerial(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, stackWithParts("", 1).device(t, iosHead))
	before := v.all()
	lost := stackWithParts("", 1)
	for i, line := range lost {
		if strings.HasPrefix(line, entRow+".11.1000|") {
			lost[i] = entRow + ".11.1000|4|Unspecified"
		}
	}
	v.becomes(lost.device(t, iosHead))
	after := v.fast()
	if after.Unit == nil || after.Unit.Serial != before.Unit.Serial || len(after.Hasten) > 0 {
		t.Errorf("unit %+v, hastens %q", after.Unit, after.Hasten)
	}
}

// A part of which something was not read is left out of a reading that is not complete:
// it neither changes nor goes.
func TestPartsCut(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, modelled(t, "catalyst-3750-48ps", sim.ModelOptions{}))
	whole := v.all()
	for _, column := range []string{".2", ".4", ".5", ".7", ".8", ".11", ".13"} {
		v.fault("generr", entRow+column+".2003")
		r := v.all()
		if r.extent(t, "inventory") != hw.Partial {
			t.Errorf("column %s: the inventory is %v", column, r.extent(t, "inventory"))
		}
		for _, path := range r.listed() {
			if !strings.HasPrefix(path, "part/") {
				continue
			}
			if was, ok := whole.parts[path]; !ok || !slices.Equal(was.Attrs, r.parts[path].Attrs) {
				t.Errorf("column %s: %s is %v, was %v", column, path, r.parts[path].Attrs, was.Attrs)
			}
		}
		v.fault("clear", "")
	}
	v.all().complete(t)
	unnamed := stackWithParts("", 1)
	unnamed = slices.DeleteFunc(unnamed, func(line string) bool { return strings.HasPrefix(line, entRow+".7.1109|") })
	r := visiting(t, catalyst, unnamed.device(t, iosHead)).all()
	if r.extent(t, "inventory") != hw.Partial || len(r.listed()) != 2 {
		t.Errorf("a row without its name: %v, %q", r.extent(t, "inventory"), r.listed())
	}
}

// Every part of a real device is listed with the serial the recording says, and no more.
func TestRecordedParts(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"cisco_16_switch", "cisco-c3560", "ios_2960x", "asa"} {
		lines := raw(t, name)
		w := parse(t, lines)
		r := visiting(t, kindOf(name), recorded(t, lines)).all()
		serials := map[string]bool{}
		for path, c := range r.parts {
			if strings.HasPrefix(path, "part/") {
				serials[c.Attrs.Get("serial")] = true
			}
		}
		for index, serial := range w.column(strings.TrimSuffix(entSerial, ".")) {
			serial = strings.TrimSpace(serial)
			if class := w[entRow+".5."+index]; serial != "" && class != "3" && !serials[serial] {
				t.Errorf("%s: no part has the serial of row %s", name, index)
			}
			delete(serials, serial)
		}
		delete(serials, "")
		if len(serials) > 0 {
			t.Errorf("%s: %d serials the recording does not have", name, len(serials))
		}
	}
}
