package server_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rackpost/hw"
	"rackpost/hw/raid"
)

// tree is a recorded device as a plain decoder reads it.
type tree struct {
	tb     testing.TB
	folder string
}

func (x tree) doc(path string) map[string]any {
	x.tb.Helper()
	b, err := os.ReadFile(filepath.Join(x.folder, filepath.FromSlash(strings.TrimPrefix(path, "/")), "index.json"))
	var doc map[string]any
	if err == nil {
		err = json.Unmarshal(b, &doc)
	}
	if err != nil {
		x.tb.Fatal(err)
	}
	return doc
}

// linked returns the paths a property links to.
func (x tree) linked(path, property string) (paths []string) {
	list, _ := x.doc(path)[property].([]any)
	for _, m := range list {
		paths = append(paths, m.(map[string]any)["@odata.id"].(string))
	}
	return paths
}

func health(doc map[string]any) hw.Health {
	status, _ := doc["Status"].(map[string]any)
	return map[any]hw.Health{"OK": hw.OK, "Warning": hw.Warning, "Critical": hw.Critical}[status["Health"]]
}

func last(path string) string {
	path = strings.TrimRight(path, "/")
	return path[strings.LastIndexByte(path, '/')+1:]
}

func text(v any) string {
	s, _ := v.(string)
	return strings.TrimSpace(s)
}

// An iLO 5: what is read is what the tree holds, and costs no more than said.
func TestRecordedILO(t *testing.T) {
	t.Parallel()
	d, folder := recorded(t, "dl385-ilo5")
	x, c := tree{t, folder}, d.collector()
	r := visit(t, c)
	for _, s := range r.Read {
		if s.Extent != hw.Complete {
			t.Errorf("section %s is %v: %v", s.Section, s.Extent, r.Gaps)
		}
	}
	system := x.doc("/redfish/v1/Systems/1")
	if r.Unit == nil || r.Unit.Serial != text(system["SerialNumber"]) || r.Unit.Model != text(system["Model"]) {
		t.Errorf("unit %+v", r.Unit)
	}
	drives := 0
	for _, store := range x.linked("/redfish/v1/Systems/1/Storage", "Members") {
		controller := component(t, r, raid.ControllerPath+last(store))
		if want := health(x.doc(store)); controller.Health != want {
			t.Errorf("%s is %v, want %v", controller.Path, controller.Health, want)
		}
		for _, path := range x.linked(store, "Drives") {
			drives++
			id := last(path) + ":" + last(store)
			if last(path) == last(store) {
				id = last(path)
			}
			doc, got := x.doc(path), component(t, r, raid.DrivePath+id)
			predicted := map[any]string{true: raid.Yes, false: raid.No}[doc["FailurePredicted"]]
			if got.Health != health(doc) || got.Attrs.Get(raid.KeySerial) != text(doc["SerialNumber"]) || got.State.Get(raid.KeyPredicted) != predicted {
				t.Errorf("%s: %v %v %v, the tree has %v, %v, %v", got.Path, got.Health, got.Attrs, got.State, health(doc), doc["SerialNumber"], doc["FailurePredicted"])
			}
			if said := slices.ContainsFunc(r.Verdicts, func(v hw.Verdict) bool {
				return v.Component == got.Path && v.Code == "raid-drive-predicted" && v.Level > 0
			}); said != (predicted == raid.Yes) {
				t.Errorf("%s: said to be predicted: %v, want %v", got.Path, said, predicted)
			}
		}
	}
	if drives < 10 {
		t.Errorf("%d drives", drives)
	}
	thermal := x.doc("/redfish/v1/Chassis/1/Thermal")
	if fans := thermal["Fans"].([]any); count(r, "fan/") < len(fans) {
		t.Errorf("%d fans, the tree has %d", count(r, "fan/"), len(fans))
	}
	lines := 0
	for _, service := range []string{"Systems/1/LogServices/IML", "Systems/1/LogServices/Event", "Systems/1/LogServices/SL", "Managers/1/LogServices/IEL"} {
		lines += len(x.linked("/redfish/v1/"+service+"/Entries", "Members"))
	}
	if len(r.Log) != lines {
		t.Errorf("%d lines of logs, want %d", len(r.Log), lines)
	}
	again := visit(t, c)
	if len(again.Log) != 0 {
		t.Errorf("%d lines were read again", len(again.Log))
	}
	n := d.bmc.Counters()
	t.Logf("17 controllers: %d requests at first, %d then", r.Requests, again.Requests)
	if again.Requests > 35 || n.Logins != 1 || n.Connections != 1 || n.MostInFlight != 1 || len(visit(t, c, "heartbeat").Components) == 0 {
		t.Errorf("%d requests, %+v", again.Requests, n)
	}
}

func count(r hw.Report, prefix string) (n int) {
	for _, c := range r.Components {
		if strings.HasPrefix(c.Path, prefix) {
			n++
		}
	}
	return n
}

// A Dell asked as any server is read, under the names its own kind has, and told to be better read as that.
func TestDellAsPlainServer(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"poweredge-r740", "r750-idrac9-6.00"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var d *device
			if name == "poweredge-r740" {
				d = simulated(t, name)
			} else {
				d, _ = recorded(t, name)
			}
			r := visit(t, d.collector())
			if !slices.ContainsFunc(r.Gaps, func(g hw.Gap) bool { return g.What == "heartbeat/oem" && strings.Contains(g.Detail, "dell-idrac") }) {
				t.Errorf("nothing names dell-idrac: %v", r.Gaps)
			}
			for _, s := range r.Read {
				if s.Extent != hw.Complete {
					t.Errorf("section %s is %v: %v", s.Section, s.Extent, r.Gaps)
				}
			}
			for _, c := range r.Components {
				if id, ok := strings.CutPrefix(c.Path, raid.DrivePath); ok && (!strings.HasPrefix(id, "Disk.") || strings.Count(id, c.Attrs.Get(raid.KeyController)) > 1) {
					t.Errorf("%s is no FQDD", c.Path)
				}
			}
			if count(r, raid.DrivePath) == 0 {
				t.Error("no drives")
			}
		})
	}
}

// Other makers' recordings, where there are any: nothing invented, nothing hurt.
func TestRecordedOthers(t *testing.T) {
	t.Parallel()
	found, _ := filepath.Glob(filepath.Join(recordings, "*"))
	for _, folder := range found {
		name := filepath.Base(folder)
		if !strings.HasPrefix(name, "lenovo") && !strings.HasPrefix(name, "supermicro") && !strings.HasPrefix(name, "hpe") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, _ := recorded(t, name)
			c := d.collector()
			r := visit(t, c)
			again := visit(t, c)
			t.Logf("%d components, %d samples, %d requests at first, %d then: %v %v", len(r.Components), len(r.Samples), r.Requests, again.Requests, r.Read, r.Gaps)
			if len(r.Components) < 10 || len(again.Components) != len(r.Components) || d.bmc.Counters().MostInFlight > 1 {
				t.Errorf("%d components, then %d", len(r.Components), len(again.Components))
			}
		})
	}
}
