package idrac_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rackpost/collectors/sim/bmc"
	"rackpost/hw"
)

const (
	thermalFile = "redfish/v1/Chassis/System.Embedded.1/Thermal/index.json"
	powerFile   = "redfish/v1/Chassis/System.Embedded.1/Power/index.json"
	chassisFile = "redfish/v1/Chassis/System.Embedded.1/index.json"
)

// documentOf reads a document of a recorded tree, nil where it is not JSON.
func documentOf(t testing.TB, folder, file string) map[string]any {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(folder, file))
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	_ = json.Unmarshal(b, &doc)
	return doc
}

// Of these servers somebody recorded a few documents: what there is, is read.
func TestFragmentsAreRead(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{"bmclib-dell", "bmclib-wrapper", "r640-idrac9-3.34", "r640-idrac9-7.00/PowerEdge-R640", "r640-thermal-power"} {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			b := recordedBMC(t, folder)
			system := documentOf(t, filepath.Join(redfishRecordings, folder), "redfish/v1/Systems/System.Embedded.1/index.json")
			r := visitingBMC(t, b).visit("heartbeat", "raid", "environment", "network")
			if r.Unit == nil || r.Unit.Model != system["Model"] || r.Unit.Serial != system["SKU"] {
				t.Errorf("unit %+v; want model %v and tag %v", r.Unit, system["Model"], system["SKU"])
			}
			if c := r.parts["system"]; c.State.Get("power") != strings.ToLower(system["PowerState"].(string)) {
				t.Errorf("system: %+v", c)
			}
			if r.extent("heartbeat") != hw.Complete {
				t.Errorf("heartbeat: %v", r.extent("heartbeat"))
			}
			if folder == "r640-thermal-power" {
				return
			}
			if r.extent("raid") == hw.Complete && len(r.paths("drive/")) == 0 {
				t.Error("raid is complete, and nothing of it was recorded")
			}
			if r.extent("environment") == hw.Complete {
				t.Error("environment is complete, and half of it at most was recorded")
			}
		})
	}
}

// A document that is no JSON costs what it holds, and nothing else.
func TestBrokenDocumentsCostThemselves(t *testing.T) {
	t.Parallel()
	original := filepath.Join(redfishRecordings, "r640-thermal-power")
	thermal, power := "fan/ temperature/", "psu/ voltage/ power/"
	for _, c := range []struct{ name, broken, at, lost, kept string }{
		{"nothing", "", "", "", thermal + " " + power},
		{"thermal", "dell_thermalinvalid.json", thermalFile, thermal, power},
		{"power", "dell_powerinvalid.json", powerFile, power, thermal},
		{"chassis", "dell_chassisinvalid.json", chassisFile, "", thermal + " " + power},
		{"system", "dell_systemsinvalid.json", "redfish/v1/Systems/System.Embedded.1/index.json", "", thermal + " " + power},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			whole := visitingBMC(t, recordedBMC(t, "r640-thermal-power")).visit("heartbeat", "environment")
			folder := t.TempDir()
			if err := os.CopyFS(folder, os.DirFS(original)); err != nil {
				t.Fatal(err)
			}
			if c.broken != "" {
				bytes, err := os.ReadFile(filepath.Join(original, "_unplaced", c.broken))
				if err == nil {
					err = os.WriteFile(filepath.Join(folder, c.at), bytes, 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			b, err := bmc.NewRecorded(folder, bmc.Options{})
			if err != nil {
				t.Fatal(err)
			}
			r := visitingBMC(t, b).visit("heartbeat", "environment")
			for _, prefix := range strings.Fields(c.kept) {
				want, got := whole.paths(prefix), r.paths(prefix)
				if len(want) == 0 || len(got) != len(want) {
					t.Errorf("%s: %v; want %v", prefix, got, want)
				}
			}
			for _, prefix := range strings.Fields(c.lost) {
				if got := r.paths(prefix); len(got) == len(whole.paths(prefix)) {
					t.Errorf("%s: %v, and environment is complete", prefix, got)
				}
			}
			if c.name == "system" && (r.Unit != nil || r.extent("heartbeat") != hw.Partial || r.parts["system"].Health != hw.Unknown || r.extent("environment") == hw.Failed) {
				t.Errorf("unit %+v, heartbeat %v, environment %v", r.Unit, r.extent("heartbeat"), r.extent("environment"))
			} else if c.lost != "" && (r.extent("environment") == hw.Complete || len(r.Gaps) == 0) {
				t.Errorf("environment: %v, gaps %+v; want it partial, with the reason", r.extent("environment"), r.Gaps)
			}
		})
	}
}
