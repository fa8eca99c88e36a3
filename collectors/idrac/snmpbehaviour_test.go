package idrac_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/collectors"
	"rackpost/hw"
)

// Tables that are gone are believed at the third visit: an iDRAC that was reset answers before it has
// seen its storage.
func TestEmptyTables(t *testing.T) {
	t.Parallel()
	rows := old(t)
	v := visitingRows(t, rows)
	v.visit("raid").complete(t)
	v.becomes(rows.without("5.1.20"))
	for i, want := range []hw.Extent{hw.Partial, hw.Partial, hw.Complete, hw.Complete} {
		if r := v.visit("raid"); r.extent(t, "raid") != want || len(r.Components) > 0 {
			t.Errorf("visit %d without tables: %v, %d parts, gaps %+v", i, r.Read, len(r.Components), r.Gaps)
		}
	}
}

// An iDRAC that has just started is not believed when it shows nothing.
func TestYoung(t *testing.T) {
	t.Parallel()
	rows := old(t).without("5.1.20")
	rows["1.3.6.1.2.1.1.3.0"] = "67|30000" // five minutes
	v := visitingRows(t, rows)
	for range 4 {
		if r := v.visit("raid"); r.extent(t, "raid") != hw.Partial {
			t.Errorf("a young iDRAC without drives: %v", r.Read)
		}
	}
	rows["1.3.6.1.2.1.1.3.0"] = "67|90001"
	v.becomes(rows)
	v.visit("raid").complete(t)
}

// A column that only some hours has rows, as that of the errors of supplies, is asked for every time.
func TestColumnThatComes(t *testing.T) {
	t.Parallel()
	rows := old(t)
	v := visitingRows(t, rows)
	v.visit("environment")
	psu := "psu/" + rows.said("4.600.12.1.15.1.1")
	v.becomes(rows.with("4.600.12.1.12.1.1", "2|1", "4.600.12.1.11.1.1", "2|65", "4.600.12.1.5.1.1", "2|5"))
	v.visit("environment").wants(t, psu, "critical state=configuration-error configuration_error=vendor-mismatch")
}

// What a roll-up or the log moved is read sooner, and nothing else is.
func TestHasten(t *testing.T) {
	t.Parallel()
	rows := withLog(old(t), 3, false).with("4.200.10.1.21.1", "2|3", "2.3.0", "2|3", "2.1.0", "2|3", "4.200.10.1.27.1", "2|3")
	for _, x := range []struct {
		name string
		rows mibRows
		want []string
	}{
		{"nothing", rows, nil},
		{"storage", rows.with("2.3.0", "2|4"), []string{"raid"}},
		{"a fan", rows.with("4.200.10.1.21.1", "2|5"), []string{"environment"}},
		{"memory", rows.with("4.200.10.1.27.1", "2|4"), []string{"inventory"}},
		{"all", rows.with("2.1.0", "2|5"), []string{"environment", "log", "raid"}},
		{"the log", withLog(rows, 4, false), []string{"log"}},
		{"not told any more", rows.with("2.3.0", "", "4.200.10.1.21.1", "2|2"), nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			v := visitingRows(t, rows)
			if r := v.visit("heartbeat"); r.Hasten != nil || r.Requests != 1 {
				t.Errorf("at first: %v in %d requests", r.Hasten, r.Requests)
			}
			v.becomes(x.rows)
			if d := cmp.Diff(x.want, v.visit("heartbeat").Hasten); d != "" {
				t.Error(d)
			}
			if got := v.visit("heartbeat").Hasten; got != nil {
				t.Errorf("again: %v", got)
			}
		})
	}
}

// A part that is not told for a visit and then as it was is no change.
func TestHastenAfterSilence(t *testing.T) {
	t.Parallel()
	rows := old(t).with("2.3.0", "2|3")
	v := visitingRows(t, rows)
	v.visit("heartbeat")
	v.becomes(rows.with("2.3.0", "2|2"))
	v.visit("heartbeat")
	v.becomes(rows.with("2.3.0", "2|5"))
	if d := cmp.Diff([]string{"raid"}, v.visit("heartbeat").Hasten); d != "" {
		t.Error(d)
	}
}

// A device of another sort is refused with a word that says so.
func TestWrongKind(t *testing.T) {
	t.Parallel()
	for name, rows := range map[string]mibRows{
		"a switch":         {"1.3.6.1.2.1.1.1.0": "4|Cisco IOS", "1.3.6.1.2.1.1.2.0": "6|1.3.6.1.4.1.9.1.1", "1.3.6.1.2.1.1.3.0": "67|5000"},
		"the server's own": {"1.3.6.1.2.1.1.1.0": "4|Linux", "1.3.6.1.2.1.1.3.0": "67|5000"},
	} {
		a := visitingRows(t, rows)
		_, err := a.collector.Collect(context.Background(), overSNMP.Sections)
		var v *collectors.VisitError
		if !errors.As(err, &v) || v.Reason != hw.WrongKind || v.Hint == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The scalars of server and iDRAC.
func TestScalars(t *testing.T) {
	t.Parallel()
	rows := old(t).with("1.3.1.0", "4|node1.example.net", "1.3.2.0", "4|ABC1234", "1.3.3.0", "", "1.3.4.0", "4|A-77", "1.3.6.0", "4|Proxmox VE", "1.3.20.0", "2|1", "1.1.7.0", "2|32", "1.1.8.0", "4|2.85.85.85",
		"2.2.0", "2|4", "2.4.0", "2|4", "2.5.0", "2|3600", "4.200.10.1.27.1", "2|2", "1.3.5.0", "4|")
	r := visitingRows(t, rows).visit()
	r.complete(t)
	r.wants(t, "system inventory", "unknown name=node1.example.net express_service_code=22453156048 asset_tag=A-77 os=Proxmox~VE lockdown=enabled blade_slot=")
	r.wants(t, "system heartbeat", "ok front_panel=warning power=on memory= service_tag=ABC1234")
	r.wants(t, "manager", "unknown generation=iDRAC8 firmware=2.85.85.85")
	if u := r.Unit; u.Serial != "ABC1234" || u.Version != "2.85.85.85" || u.Uptime != time.Hour {
		t.Errorf("unit %+v", u)
	}
	if s := r.samples["system uptime_seconds"]; s.Gauge != 3600 {
		t.Errorf("%+v", s)
	}
	r = visitingRows(t, rows.with("2.4.0", "2|3")).visit("heartbeat")
	if s := r.samples["system uptime_seconds"]; s.Absent != hw.NotReady || r.Unit.Uptime != 0 {
		t.Errorf("off: %+v, up %v", s, r.Unit.Uptime)
	}
}

// The tables no recording of ours has: network, firmware, redundancy, energy, and supplies in every
// state.
func TestOtherTables(t *testing.T) {
	t.Parallel()
	rows := old(t).without("4.600.12.1").with(
		"4.1100.90.1.30.1.1", "4|NIC.Integrated.1-1-1", "4.1100.90.1.3.1.1", "2|3", "4.1100.90.1.4.1.1", "2|2", "4.1100.90.1.6.1.1", "4|Ethernet 10G 4P X550", "4.1100.90.1.15.1.1", "4x|0200000000a1",
		"4.1100.90.1.30.1.2", "4|NIC.Integrated.1-2-1", "4.1100.90.1.3.1.2", "2|1", "4.1100.90.1.4.1.2", "2|0", "4.1100.90.1.15.1.2", "4|",
		"4.300.50.1.5.1.1", "2|3", "4.300.50.1.7.1.1", "4|20210512000000.000000+000", "4.300.50.1.8.1.1", "4|2.13.0", "4.300.60.1.8.1.1", "4|iDRAC8", "4.300.60.1.7.1.1", "2|22", "4.300.60.1.11.1.1", "4|2.85.85.85",
		"4.600.10.1.5.1.1", "2|5", "4.600.10.1.8.1.1", "2|5", "4.600.10.1.6.1.1", "2|2", "4.700.10.1.5.1.1", "2|3", "4.700.10.1.8.1.1", "2|3",
		"4.600.60.1.5.1.1", "2|3", "4.600.60.1.7.1.1", "2|1000", "4.600.60.1.8.1.1", "4|20260101000000.000000+000", "4.600.60.1.9.1.1", "2|812", "4.600.60.1.12.1.1", "2|37", "4.600.60.1.18.1.1", "2|0",
		"4.600.12.1.15.1.1", "4|PSU.Slot.1", "4.600.12.1.11.1.1", "2|9", "4.600.12.1.5.1.1", "2|5", "4.600.12.1.6.1.1", "2|11000",
		"4.600.12.1.15.1.2", "4|PSU.Slot.2", "4.600.12.1.11.1.2", "2|7", "4.600.12.1.5.1.2", "2|4",
		"4.600.12.1.15.1.3", "4|PSU.Slot.3", "4.600.12.1.11.1.3", "2|0", "4.600.12.1.5.1.3", "2|2")
	r := visitingRows(t, rows).visit()
	r.complete(t)
	r.wants(t, "port/NIC.Integrated.1-1", "ok link=down mac=02:00:00:00:00:a1 model=Ethernet~10G~4P~X550")
	r.wants(t, "port/NIC.Integrated.1-2", "unknown link= mac=")
	r.wants(t, "firmware/BIOS.Setup.1-1", "ok version=2.13.0 released=2021-05-12")
	r.wants(t, "firmware/iDRAC.Embedded.1-1", "unknown version=2.85.85.85 type=idrac8")
	r.wants(t, "psu/redundancy", "critical redundancy=lost needed=2")
	r.wants(t, "fan/redundancy", "ok redundancy=full")
	r.wants(t, "psu/PSU.Slot.1", "critical state=input-lost rated_watts=1100")
	r.wants(t, "psu/PSU.Slot.2", "warning state=failed~failure-predicted")
	r.wants(t, "power/system", "ok power_cap=off")
	if _, ok := r.parts["psu/PSU.Slot.3"]; ok {
		t.Error("an empty bay is a part")
	}
	if s := r.samples["power/system energy_joules_total"]; s.Count != 3_600_000 || s.Type != hw.Counter || s.StartMS != time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() {
		t.Errorf("%+v", s)
	}
	if s := r.samples["power/system peak_amperes"]; s.Gauge != 3.7 {
		t.Errorf("%+v", s)
	}
	if _, ok := r.samples["power/system consumed_watts"]; !ok {
		t.Error("the consumption is not beside it")
	}
}

// A fan that reads on or off, a probe that is good or bad, an empty DIMM slot.
func TestReadingsOfAnotherSort(t *testing.T) {
	t.Parallel()
	rows := old(t).with("4.700.12.1.16.1.1", "2|4", "4.700.12.1.6.1.1", "2|1", "4.700.12.1.16.1.2", "2|3", "4.700.20.1.5.1.1", "2|8", "4.700.20.1.6.1.1", "2|-55", "4.1100.50.1.14.1.1", "2|0", "4.1100.50.1.14.1.2", "2|2147483647",
		"4.600.30.1.7.1.1", "2|7", "4.600.30.1.6.1.1", "2|1250", "4.600.30.1.8.1.1", "4|System Board 12V")
	r := visitingRows(t, rows).visit()
	r.complete(t)
	fan := "fan/" + rows.said("4.700.12.1.19.1.1")
	if s, ok := r.samples[fan+" speed_rpm"]; ok {
		t.Errorf("%+v", s)
	}
	probe := "temperature/" + strings.ReplaceAll(rows.said("4.700.20.1.8.1.1"), " ", "")
	r.wants(t, probe, "critical")
	if s := r.samples[probe+" temperature_celsius"]; s.Gauge != -5.5 || s.Absent != "" {
		t.Errorf("%+v", s)
	}
	if _, ok := r.parts["dimm/"+rows.said("4.1100.50.1.26.1.1")]; ok {
		t.Error("an empty slot is a part")
	}
	r.wants(t, "dimm/"+rows.said("4.1100.50.1.26.1.2"), "ok size_bytes=")
	if s := r.samples["current/SystemBoard12V current_amperes"]; s.Gauge != 1.25 {
		t.Errorf("%+v", s)
	}
}

// Another unit at the address is another device: nothing is remembered of the one before.
func TestAnotherUnit(t *testing.T) {
	t.Parallel()
	rows := withLog(old(t), 10, false)
	v := visitingRows(t, rows)
	v.visit()
	v.becomes(withLog(old(t).without("5.1.20.140"), 10, false).with("1.3.2.0", "4|OTHER12"))
	r := v.visit()
	r.complete(t)
	if r.Unit.Serial != "OTHER12" || len(r.Log) != 10 {
		t.Errorf("%+v, %d lines", r.Unit, len(r.Log))
	}
}

// Where the agent has no FQDDs a part is known by its place; one whose FQDD is not told for a visit is not
// another part.
func TestNamesWithoutFQDD(t *testing.T) {
	t.Parallel()
	rows := old(t)
	bare := rows.without("4.700.12.1.19")
	place := "fan/" + strings.ReplaceAll(rows.said("4.700.12.1.8.1.1"), " ", "")
	r := visitingRows(t, bare).visit("environment")
	r.complete(t)
	r.part(t, place)
	v := visitingRows(t, rows)
	v.visit("environment").complete(t)
	v.becomes(bare)
	r = v.visit("environment")
	if _, ok := r.parts[place]; ok || r.extent(t, "environment") != hw.Partial {
		t.Errorf("a fan was renamed: %v", r.Read)
	}
}

// Two probes of one name are two parts.
func TestSameNameTwice(t *testing.T) {
	t.Parallel()
	rows := old(t).with("4.700.20.1.8.1.1", "4|GPU Temp", "4.700.20.1.8.1.2", "4|GPU Temp")
	r := visitingRows(t, rows).visit("environment")
	r.complete(t)
	r.part(t, "temperature/GPUTemp")
	r.part(t, "temperature/GPUTemp#1.2")
}
