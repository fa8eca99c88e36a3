package idrac_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rackpost/collectors/sim/bmc"
	"rackpost/hw"
	"rackpost/hw/raid"
)

const (
	recordedTrees = "../../../shared/data/redfish"

	r750Recorded = "r750-idrac9-6.00"
)

// recordedRAID serves a recorded tree, or skips the test.
func recordedRAID(t *testing.T, name string, l *raidLab) *bmc.BMC {
	t.Helper()
	folder := filepath.Join(recordedTrees, name)
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("no recordings of real devices here: %v", err)
	}
	b, err := bmc.NewRecorded(folder, bmc.Options{Clock: l.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// recordedDrives are the documents of the drives of a recorded server, by id.
func recordedDrives(t *testing.T, name string) map[string]map[string]any {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(recordedTrees, name, "redfish/v1/Systems/*/Storage/*/Drives/*/index.json"))
	if err != nil || len(files) == 0 {
		t.Skip("no recorded drives")
	}
	all := map[string]map[string]any{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var doc map[string]any
		if err := json.Unmarshal(b, &doc); err != nil {
			t.Fatal(err)
		}
		all[doc["Id"].(string)] = doc
	}
	return all
}

// Each drive of the recorded server is told with what its document says, nothing is at fault, and no drive is taken for a set.
func TestRecordedR750(t *testing.T) {
	t.Parallel()
	drives := recordedDrives(t, r750Recorded)
	l := newRAIDLab()
	l.bmc = recordedRAID(t, r750Recorded, l)
	l.serve(t, l.bmc.Handler(), "")
	r := l.longVisits(t)
	if raidExtent(r) != hw.Complete {
		t.Fatalf("%v %v", r.Read, r.Gaps)
	}
	for _, c := range r.Components {
		kind, id, _ := strings.Cut(c.Path, "/")
		switch kind + "/" {
		case raid.VolumePath:
			t.Errorf("a set on a server without RAID: %+v", c)
		case raid.DrivePath:
			doc := drives[id]
			delete(drives, id)
			text := func(key string) string { s, _ := doc[key].(string); return strings.TrimSpace(s) }
			for key, want := range map[string]string{
				raid.KeySerial: text("SerialNumber"), raid.KeyModel: text("Model"), raid.KeyFirmware: text("Revision"), raid.KeyMedia: strings.ToLower(text("MediaType")),
				raid.KeyBus: raid.BusNVMe, raid.KeySpare: strings.ToLower(text("HotspareType")), raid.KeySizeBytes: strconv.FormatFloat(doc["CapacityBytes"].(float64), 'f', 0, 64),
				raid.KeyVolumes: "", raid.KeyState: raid.StateNonRAID, raid.KeyBay: strings.TrimPrefix(strings.Split(id, ":")[0], "Disk.Bay."),
				raid.KeyPredicted: map[bool]string{true: raid.Yes, false: raid.No}[doc["FailurePredicted"] == true],
			} {
				if got := c.Attrs.Get(key) + c.State.Get(key); got != want {
					t.Errorf("%s: %s is %q, the document says %q", c.Path, key, got, want)
				}
			}
			if want := doc["Status"].(map[string]any)["Health"]; c.Health.String() != strings.ToLower(want.(string)) {
				t.Errorf("%s: %v", c.Path, c.Health)
			}
		}
	}
	if len(drives) > 0 {
		t.Errorf("drives not told: %v", drives)
	}
	if faults := said(r, false); len(faults) > 0 {
		t.Errorf("a sound server: %v", faults)
	}
	if !slices.ContainsFunc(r.Gaps, func(g hw.Gap) bool { return g.What == "raid/smart" && g.Reason == hw.AccessDenied }) {
		t.Errorf("the missing licence is not told: %v", r.Gaps)
	}
}

// The counters of drives are asked for once, not by each visit, where the licence does not cover them.
func TestRequestsOfRecordedR750(t *testing.T) {
	t.Parallel()
	l := newRAIDLab()
	l.bmc = recordedRAID(t, r750Recorded, l)
	l.serve(t, l.bmc.Handler(), "")
	for range 3 {
		l.clock.Pass(5 * time.Minute)
		l.visit(t)
	}
	before := l.Requests()
	r := l.visit(t)
	alone := l.Requests() - before
	l.Sections("environment")
	l.visit(t)
	l.clock.Pass(5 * time.Minute)
	before = l.Requests()
	both := l.visit(t)
	cycle := l.Requests() - before
	t.Logf("raid alone %d requests, with environment %d", alone, cycle)
	if raidExtent(r) != hw.Complete || raidExtent(both) != hw.Complete || alone > 12 || cycle > 15 {
		t.Errorf("raid alone %d requests, with environment %d; %v", alone, cycle, both.Read)
	}
}

// A visit of the RAID parts of a model costs this many requests at most, the system and two drives' counters included, once $expand
// is believed.
func TestRequestsOfModels(t *testing.T) {
	t.Parallel()
	for model, most := range map[string]int{"poweredge-r740": 8, "poweredge-r750": 9, "poweredge-r630": 5} {
		t.Run(model, func(t *testing.T) {
			t.Parallel()
			l := openRAID(t, model)
			for range 3 {
				l.visit(t)
				l.clock.Pass(5 * time.Minute)
			}
			before := l.Requests()
			r := l.visit(t)
			if n := l.Requests() - before; n > most || raidExtent(r) != hw.Complete {
				t.Errorf("%d requests, %v", n, r.Read)
			}
			if c := l.bmc.Counters(); c.Sessions != 1 || c.MostInFlight != 1 || c.Logins != 1 {
				t.Errorf("%+v", c)
			}
		})
	}
}
