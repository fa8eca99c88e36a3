package bmc_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"rackpost/collectors/sim/bmc"
)

// every collects the links in a document.
func every(v any, found map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		if id, ok := v["@odata.id"].(string); ok && len(v) == 1 {
			found[id] = true
		}
		for key, inner := range v {
			if key != "@Redfish.Settings" { // Settings take PATCH alone
				every(inner, found)
			}
		}
	case []any:
		for _, inner := range v {
			every(inner, found)
		}
	}
}

// TestModelsAreWhole walks each model from its root: every link leads to a document of that id, and all are reached.
func TestModelsAreWhole(t *testing.T) {
	t.Parallel()
	for _, model := range bmc.Models() {
		t.Run(model, func(t *testing.T) {
			t.Parallel()
			l := start(t, model)
			at := sessions
			if model == "poweredge-r630" {
				at = "/redfish/v1/Sessions"
			}
			l.login(at)
			seen, todo := map[string]bool{}, []string{"/redfish/v1"}
			for len(todo) > 0 {
				path := todo[0]
				todo = todo[1:]
				base, fragment, _ := strings.Cut(path, "#")
				if seen[base] || fragment != "" {
					continue
				}
				seen[base] = true
				o := l.get(base)
				if o["@odata.id"] != base {
					t.Errorf("%s calls itself %v", base, o["@odata.id"])
				}
				found := map[string]bool{}
				every(o, found)
				for id := range found {
					todo = append(todo, id)
				}
			}
			for _, path := range l.bmc.Paths() {
				if !seen[path] && !strings.Contains(path, "Jobs") && !strings.Contains(path, "DellControllerBattery/") {
					t.Errorf("no way leads to %s", path)
				}
			}
			if c := l.bmc.Counters(); c.Connections != 1 || c.Handshakes != 1 || c.MostInFlight != 1 || c.Sessions != 1 {
				t.Errorf("counters %+v", c)
			}
		})
	}
}

func TestSameSeedSameDevice(t *testing.T) {
	t.Parallel()
	for _, model := range bmc.Models() {
		a, b := start(t, model), start(t, model)
		if a.bmc.Fingerprint() != b.bmc.Fingerprint() {
			t.Errorf("%s: two certificates of one seed", model)
		}
		at := sessions
		if model == "poweredge-r630" {
			at = "/redfish/v1/Sessions"
		}
		a.login(at)
		b.login(at)
		for _, path := range a.bmc.Paths() {
			if x, y := a.do("GET", path, nil), b.do("GET", path, nil); string(x.body) != string(y.body) {
				t.Errorf("%s: %s differs:\n%s\n%s", model, path, x.body, y.body)
			}
		}
	}
}

func TestR740IsAsAsked(t *testing.T) {
	t.Parallel()
	l := start(t, "poweredge-r740")
	l.login(sessions)
	const base = "/redfish/v1/Systems/System.Embedded.1/Storage/RAID.Integrated.1-1"
	ctl := l.get(base + "?$expand=*($levels=1)")
	drives := ctl["Drives"].([]any)
	if len(drives) != 7 {
		t.Fatalf("%d drives", len(drives))
	}
	if got := at(drives[6].(map[string]any), "HotspareType"); got != "Global" {
		t.Errorf("drive 6 is %v", got)
	}
	if got := at(ctl, "Oem/Dell/DellControllerBattery/RAIDState"); got != "Ready" {
		t.Errorf("battery %v", got)
	}
	volumes := members(l.get(base + "/Volumes?$expand=*($levels=1)"))
	for i, want := range []string{"RAID1 ProtectedWriteBack Disabled 1", "RAID10 ProtectedWriteBack Disabled 1"} {
		v := volumes[i].(map[string]any)
		got := strings.Join([]string{v["RAIDType"].(string), v["WriteCachePolicy"].(string), at(v, "Oem/Dell/DellVolume/DiskCachePolicy").(string), text(at(v, "Oem/Dell/DellVolume/RemainingRedundancy"))}, " ")
		if got != want {
			t.Errorf("volume %d is %s, want %s", i, got, want)
		}
	}
	system := l.get("/redfish/v1/Systems/System.Embedded.1")
	if at(system, "Oem/Dell/DellSystem/CurrentRollupStatus") != "OK" || at(system, "Status/HealthRollup") != "OK" {
		t.Errorf("the default device is not healthy: %v", at(system, "Oem/Dell/DellSystem"))
	}
}

func text(v any) string {
	b, _ := json.Marshal(v)
	return strings.Trim(string(b), `"`)
}

func TestIDRAC8HasWhatItHas(t *testing.T) {
	t.Parallel()
	l := start(t, "poweredge-r630")
	if a := l.do("POST", sessions, credentials(bmc.DefaultPassword)); a.code != http.StatusMethodNotAllowed {
		t.Errorf("POST to the collection of iDRAC9: %d", a.code)
	}
	location := l.login("/redfish/v1/Sessions")
	if !strings.HasPrefix(location, "/redfish/v1/Sessions/") {
		t.Errorf("session at %s", location)
	}
	const base = "/redfish/v1/Systems/System.Embedded.1/Storage/RAID.Integrated.1-1"
	v := l.get(base + "/Volumes/Disk.Virtual.0:RAID.Integrated.1-1")
	for _, key := range []string{"RAIDType", "WriteCachePolicy", "ReadCachePolicy", "Oem"} {
		if _, ok := v[key]; ok {
			t.Errorf("a volume of iDRAC8 has %s", key)
		}
	}
	if v["VolumeType"] != "Mirrored" {
		t.Errorf("volume type %v", v["VolumeType"])
	}
	if _, ok := l.get(base)["Oem"]; ok {
		t.Error("the storage of iDRAC8 has Oem")
	}
	l.get("/redfish/v1/Systems/System.Embedded.1/Storage/Drives/Disk.Bay.0:Enclosure.Internal.0-1:RAID.Integrated.1-1")
	l.get("/redfish/v1/Managers/iDRAC.Embedded.1/Logs/Sel")
}

func TestQueries(t *testing.T) {
	t.Parallel()
	l := start(t, "poweredge-r740")
	l.login(sessions)
	const memory = "/redfish/v1/Systems/System.Embedded.1/Memory"
	if o := l.get(memory + "?$top=5&$skip=10"); len(members(o)) != 2 || o["Members@odata.count"] != 12.0 {
		t.Errorf("the last page: %v", o)
	}
	if o := l.get(memory + "?$top=5"); len(members(o)) != 5 || o["Members@odata.nextLink"] != memory+"?$skip=5" {
		t.Errorf("the first page: %v", o)
	}
	if o := l.get("/redfish/v1/Systems?only"); o["Id"] != "System.Embedded.1" {
		t.Errorf("only: %v", o["Id"])
	}
	if o := l.get("/redfish/v1/Systems/System.Embedded.1?$select=PowerState,Status"); o["PowerState"] != "On" || o["Model"] != nil || at(o, "Status/Health") == nil {
		t.Errorf("select: %v", o)
	}
	if o := l.get(memory + "?$expand=.($levels=1)"); at(members(o)[0].(map[string]any), "CapacityMiB") == nil {
		t.Errorf("expand: %v", members(o)[0])
	}
	for _, bad := range []string{"?$expand=*($levels=2)", "?$expand=x", "?$top=-1", "?$skip=x"} {
		if a := l.do("GET", memory+bad, nil); a.code != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, a.code)
		}
	}
	first := l.do("GET", memory, nil)
	tag := first.header.Get("ETag")
	if again := l.do("GET", memory, nil, "If-None-Match", tag); again.code != http.StatusNotModified || len(again.body) != 0 {
		t.Errorf("conditional: %d", again.code)
	}
	for method, path := range map[string]string{"GET": "/redfish/v1/Nothing", "DELETE": memory, "POST": "/redfish/v1/Systems"} {
		a := l.do(method, path, map[string]any{})
		want := http.StatusNotFound
		if method != "GET" {
			want = http.StatusMethodNotAllowed
		}
		if a.code != want || !strings.Contains(string(a.body), `"MessageId":"IDRAC.2.8.SYS40`) {
			t.Errorf("%s %s: %d %s", method, path, a.code, a.body)
		}
	}
}

func TestRebuildRunsByTime(t *testing.T) {
	t.Parallel()
	l := start(t, "poweredge-r740")
	l.login(sessions)
	const base = "/redfish/v1/Systems/System.Embedded.1/Storage/RAID.Integrated.1-1"
	const volume = base + "/Volumes/Disk.Virtual.1:RAID.Integrated.1-1"
	l.fault("drive-replaced", "3 100m")
	percent := func() float64 {
		ops := l.get(volume)["Operations"].([]any)
		if len(ops) == 0 {
			return 100
		}
		return at(ops[0].(map[string]any), "PercentageComplete").(float64)
	}
	var seen []float64
	for range 5 {
		seen = append(seen, percent())
		l.clock.Pass(25 * time.Minute)
	}
	if want := []float64{0, 25, 50, 75, 100}; !slices.Equal(seen, want) {
		t.Errorf("percent %v, want %v", seen, want)
	}
	if at(l.get(volume), "Status/Health") != "OK" {
		t.Error("the volume is not whole after the rebuild")
	}
}

func TestHotSpareTakesOver(t *testing.T) {
	t.Parallel()
	l := start(t, "poweredge-r740")
	l.login(sessions)
	const base = "/redfish/v1/Systems/System.Embedded.1/Storage/RAID.Integrated.1-1"
	const volume = base + "/Volumes/Disk.Virtual.1:RAID.Integrated.1-1"
	const spare = base + "/Drives/Disk.Bay.6:Enclosure.Internal.0-1:RAID.Integrated.1-1"
	l.fault("drive-failed", "2")
	if at(l.get(volume), "Oem/Dell/DellVolume/RaidStatus") != "Degraded" || l.get(spare)["HotspareType"] != "None" || len(l.get(spare)["Operations"].([]any)) != 1 {
		t.Error("the spare did not take over")
	}
	l.clock.Pass(5 * time.Hour)
	l.login(sessions)
	if at(l.get(volume), "Oem/Dell/DellVolume/RaidStatus") != "Online" {
		t.Error("the set is not whole after the rebuild")
	}
	l.fault("drive-failed", "0")
	l.fault("drive-failed", "1")
	if got := at(l.get(base+"/Volumes/Disk.Virtual.0:RAID.Integrated.1-1"), "Oem/Dell/DellVolume/RaidStatus"); got != "Failed" {
		t.Errorf("a mirror that lost both drives is %v", got)
	}
	l.fault("clear", "")
	if l.get(spare)["HotspareType"] != "Global" || at(l.get(volume), "Oem/Dell/DellVolume/RaidStatus") != "Online" || len(l.bmc.Faults()) != 0 {
		t.Error("clear did not undo it")
	}
}
