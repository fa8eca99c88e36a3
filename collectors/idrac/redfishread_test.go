package idrac_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"rackpost/collectors/idrac"
	"rackpost/collectors/sim/bmc"
)

// sections are all that a visit may read.
var sections = []string{"heartbeat", "raid", "environment", "log", "jobs", "inventory", "network", "firmware"}

// Whatever a server tells over Redfish is in docs/idrac-sensors.md, and nothing is in it that none tells but what is marked.
func TestRedfishIsDocumented(t *testing.T) {
	t.Parallel()
	documented, told := idrac.RedfishDocumented(), map[string]bool{}
	for _, b := range documentedBMCs(t) {
		v := visitingBMC(t, b)
		for range 2 { // a learning of $expand, and a reading after it
			for _, s := range sections {
				note(told, v.visit(s))
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(told)) {
		if _, ok := documented[key]; !ok {
			t.Errorf("not in docs/idrac-sensors.md: %s", key)
		}
	}
	if _, err := os.Stat(redfishRecordings); err != nil {
		t.Skipf("no recordings of real devices here: %v", err)
	}
	for _, key := range slices.Sorted(maps.Keys(documented)) {
		if told[key] == documented[key] && !strings.HasPrefix(key, "raid ") { // the words of hw/raid are tried with their own reader
			t.Errorf("in docs/idrac-sensors.md %s is told by a server: %v", key, told[key])
		}
	}
}

// note notes the keys of a report: "section prefix kind key".
func note(told map[string]bool, r redfishReport) {
	section := map[string]string{}
	for _, c := range r.Components {
		section[c.Path] = c.Section
		in := c.Section + " " + idrac.RedfishPrefix(c.Section, c.Path)
		for _, a := range c.State {
			told[in+" state "+a.Key] = true
		}
		for _, a := range c.Attrs {
			if a.Key != "source" && a.Key != "health_of" {
				told[in+" attribute "+a.Key] = true
			}
		}
	}
	for _, s := range r.Samples {
		told[section[s.Component]+" "+idrac.RedfishPrefix(section[s.Component], s.Component)+" gauge "+s.Sensor] = true
	}
}

// documentedBMCs are the servers of the tests: the models, well and with faults, and the recorded one where it is.
func documentedBMCs(t *testing.T) []*bmc.BMC {
	t.Helper()
	list := []*bmc.BMC{
		frozenBMC(t, "poweredge-r740"), frozenBMC(t, "poweredge-r750"), frozenBMC(t, "poweredge-r630"),
		frozenBMC(t, "poweredge-r740", "psu-out 1", "fan-failed 1", "rebuild 3", "media-errors 4", "battery-learning", "firmware-update"),
	}
	if _, err := os.Stat(redfishRecordings); err == nil {
		list = append(list, recordedBMC(t, "r750-idrac9-6.00"))
		fallen := recordedBMC(t, "r750-idrac9-6.00")
		for _, fault := range []string{"/Chassis/System.Embedded.1/Power"} {
			if err := fallen.Fault("fail-path", fault); err != nil {
				t.Fatal(err)
			}
		}
		list = append(list, fallen, withoutOlderForm(t))
	}
	return list
}

// What each section costs once the device is known, the request for the system included.
func TestRequestsOfSections(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]func(testing.TB) *bmc.BMC{
		"r740":          func(t testing.TB) *bmc.BMC { return frozenBMC(t, "poweredge-r740") },
		"recorded r750": func(t testing.TB) *bmc.BMC { return recordedBMC(t, "r750-idrac9-6.00") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := visitingBMC(t, b(t))
			for range 2 {
				v.visit(sections...)
			}
			// The inventory reads chassis and manager too, the network a collection a card.
			for section, most := range map[string]int{"heartbeat": 1, "environment": 3, "inventory": 5, "network": 6, "firmware": 2} {
				if got := v.visit(section).Requests; got > most {
					t.Errorf("%s takes %d requests, at most %d are allowed", section, got, most)
				}
			}
			got := v.visit("raid", "environment").Requests
			t.Logf("raid and environment: %d requests", got)
			if got > 15 {
				t.Errorf("raid and environment take %d requests, at most 15 are allowed", got)
			}
			if c := v.bmc.Counters(); c.MostInFlight > 1 || c.MostSessions > 1 || c.Connections > 1 {
				t.Errorf("%+v", c)
			}
		})
	}
}
