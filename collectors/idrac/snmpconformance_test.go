package idrac_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/collectortest"
	"rackpost/collectors/idrac"
	"rackpost/hw"
)

func TestSNMPConformance(t *testing.T) {
	t.Parallel()
	collectortest.Run(t, collectortest.Suite{
		Kind:  overSNMP,
		Start: conformingAgent,
		Expect: map[collectortest.Fault][]hw.Reason{
			collectortest.BadLogin: {hw.NoAnswer}, // SNMP v2c answers a wrong community with silence
		},
	})
}

// conformingAgent serves a model for the conformance suite.
func conformingAgent(tb testing.TB) collectortest.Device {
	tb.Helper()
	rows := withLog(modelRows(tb, "poweredge-r740"), 5, false)
	d := rows.device(tb)
	set := func(name, arg string) func() {
		return func() {
			if err := d.Fault(name, arg); err != nil {
				tb.Error(err)
			}
		}
	}
	a := &agent{tb: tb, community: "public"}
	a.serve(d)
	tb.Cleanup(a.stop)
	dev := collectortest.Device{
		Target: collectors.Target{
			Device:      hw.Device{ID: "conforming", Kind: overSNMP.Name, Address: a.addr.String()},
			Credentials: collectors.Credentials{Community: "public"},
			Timeout:     200 * time.Millisecond,
		},
		Silence:  set("silent", ""),
		Refuse:   a.stop,
		BadLogin: func() { a.community = "other"; a.serve(d) },
		Slow:     func(x time.Duration) { set("slow", x.String())() },
		Half:     set("generr", mib+"5.1.20.130.4.1.24,"+mib+"4.700,"+mib+"4.1100.50.1.26.1.2,"+mib+"2.3,"+mib+"4.300.40.1.8.1.5"),
		Garbage:  set("garbage", ""),
		Swap: func() {
			d = rows.with("1.3.2.0", "4|OTHER12").device(tb)
			a.serve(d)
		},
		Huge:     func() { a.serve(hugeRows(rows).device(tb)) },
		InFlight: func() int { return d.MostInFlight() },
	}
	dev.Heal = func() {
		a.community = "public"
		for _, f := range d.Faults() {
			name, _, _ := strings.Cut(f, " ")
			set("clear", name)()
		}
		a.serve(d)
	}
	return dev
}

// hugeRows is an iDRAC with more drives and probes than anybody reads.
func hugeRows(rows mibRows) mibRows {
	kv := []string{"4.300.1.0", "2|2147483000"}
	for i := range 20_000 {
		kv = append(kv, fmt.Sprintf("5.1.20.130.4.1.54.%d", i+100), fmt.Sprintf("4|Disk.Bay.%d:Enclosure.Internal.0-1:RAID.Slot.1-1", i), fmt.Sprintf("4.700.20.1.8.1.%d", i+100), fmt.Sprintf("4|Probe %d", i))
	}
	return rows.with(kv...)
}

// Whatever a visit yields stands in docs/idrac-sensors.md, which is written from the tables.
func TestEveryReadingIsDocumented(t *testing.T) {
	t.Parallel()
	sensors, words := idrac.Documented()
	for name, rows := range map[string]mibRows{"r740": modelRows(t, "poweredge-r740", "rebuild 0 1h"), "r750": modelRows(t, "poweredge-r750"), "r630": old(t), "r540": r540OrNothing(t)} {
		if rows == nil {
			continue
		}
		r := visitingRows(t, rows).visit()
		r.complete(t)
		for _, s := range r.Samples {
			if !sensors[s.Sensor] {
				t.Errorf("%s: %s: no table says sensor %s", name, s.Component, s.Sensor)
			}
		}
		for _, c := range r.Components {
			for _, x := range append(c.State[:len(c.State):len(c.State)], c.Attrs...) {
				if !words[x.Key] {
					t.Errorf("%s: %s: no table says %s", name, c.Path, x.Key)
				}
			}
		}
	}
}
