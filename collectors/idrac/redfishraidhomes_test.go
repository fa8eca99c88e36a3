package idrac_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/hw"
	"rackpost/hw/raid"
)

// moved is a device that has what Dell adds in other places than the model has it.
type moved struct {
	device http.Handler
	edit   func(doc map[string]any)      // of every resource
	more   func(path string) (any, bool) // what is at another path
	asked  func(path string)             // nil: nobody wants to know
}

func (m *moved) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if m.asked != nil {
		m.asked(q.URL.Path)
	}
	if doc, ok := m.more(q.URL.Path); ok {
		b, _ := json.Marshal(doc)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(b)
		return
	}
	rec := httptest.NewRecorder()
	m.device.ServeHTTP(rec, q)
	body := rec.Body.Bytes()
	var doc any
	if q.Method == http.MethodGet && json.Unmarshal(body, &doc) == nil {
		m.walk(doc)
		body, _ = json.Marshal(doc)
	}
	maps.Copy(w.Header(), rec.Header())
	w.Header().Del("Content-Length")
	w.WriteHeader(rec.Code)
	_, _ = w.Write(body)
}

func (m *moved) walk(x any) {
	switch x := x.(type) {
	case []any:
		for _, y := range x {
			m.walk(y)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(x)) {
			m.walk(x[k])
		}
		m.edit(x)
	}
}

// nowhere is of a device that has nothing at other paths.
func nowhere(string) (any, bool) { return nil, false }

const raidSystem, raidChassis = "/redfish/v1/Systems/System.Embedded.1", "/redfish/v1/Chassis/System.Embedded.1"

// collection is one of the members, which stand below it.
func collection(path string, members map[string]map[string]any) func(string) (any, bool) {
	return func(at string) (any, bool) {
		if at == path {
			links := []any{}
			for _, id := range slices.Sorted(maps.Keys(members)) {
				links = append(links, map[string]any{"@odata.id": path + "/" + id})
			}
			return map[string]any{"@odata.id": path, "@odata.type": "#Collection.Collection", "Members": links, "Members@odata.count": len(links)}, true
		}
		id, ok := strings.CutPrefix(at, path+"/")
		doc := members[id]
		if !ok || doc == nil {
			return nil, false
		}
		doc["@odata.id"], doc["@odata.type"], doc["Id"] = at, "#Dell.v1_0_0.Dell", id
		return doc, true
	}
}

func (l *raidLab) openMoved(t *testing.T, m *moved) {
	t.Helper()
	l.bmc = l.model(t, "poweredge-r740")
	m.device = l.bmc.Handler()
	if m.more == nil {
		m.more = nowhere
	}
	l.serve(t, m, "")
}

func partOf(t *testing.T, r hw.Report, path string) hw.Component {
	t.Helper()
	i := slices.IndexFunc(r.Components, func(c hw.Component) bool { return c.Path == path })
	if i < 0 {
		t.Fatalf("no %s", path)
	}
	return r.Components[i]
}

const percID = "RAID.Integrated.1-1"

// The battery of a controller is found in each of the places firmware has it.
func TestBatteriesAtHome(t *testing.T) {
	t.Parallel()
	inline := func(doc map[string]any) { delete(doc, "DellControllerBattery") }
	link := func(doc map[string]any) {
		if b, ok := doc["DellControllerBattery"].(map[string]any); ok {
			doc["DellControllerBattery"] = map[string]any{"@odata.id": b["@odata.id"]}
		}
	}
	list := func(doc map[string]any) {
		if b, ok := doc["DellControllerBattery"].(map[string]any); ok {
			doc["DellControllerBattery"] = []any{b}
		}
	}
	pack := func(id string) map[string]map[string]any {
		return map[string]map[string]any{id + ":" + percID: {"RAIDState": "Charging", "PrimaryStatus": "OK", "Name": "DellControllerBattery"}}
	}
	for name, c := range map[string]struct {
		home  moved
		path  string
		state string
	}{
		"inline":    {moved{edit: func(map[string]any) {}}, "Battery.Integrated.1", "ready"},
		"link":      {moved{edit: link}, "Battery.Integrated.1", "ready"},
		"list":      {moved{edit: list}, "Battery.Integrated.1", "ready"},
		"chassis":   {moved{edit: inline, more: collection(raidChassis+"/Oem/Dell/DellControllerBattery", pack("Battery.Integrated.1"))}, "Battery.Integrated.1", "charging"},
		"subsystem": {moved{edit: inline, more: collection(raidChassis+"/PowerSubsystem/Oem/Dell/DellControllerBattery", pack("Energypack.Integrated.1"))}, "Energypack.Integrated.1", "charging"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newRAIDLab()
			l.openMoved(t, &c.home)
			r := l.visit(t)
			b := partOf(t, r, "battery/"+c.path+":"+percID)
			if b.State.Get(raid.KeyState) != c.state || b.Attrs.Get(raid.KeyController) != percID || b.Health != hw.OK || raidExtent(r) != hw.Complete {
				t.Errorf("%+v, %v %v", b, raidExtent(r), r.Gaps)
			}
			if s := partOf(t, r, "controller/"+percID).State.Get(raid.KeyBattery); s != raid.BatteryPresent {
				t.Errorf("battery %q", s)
			}
		})
	}
}

// That a controller has no battery is said when it was read three times, the section is not whole before, and a place that is not there is asked for once a day.
func TestNoBattery(t *testing.T) {
	t.Parallel()
	var homes atomic.Int32
	l := newRAIDLab()
	l.openMoved(t, &moved{edit: func(doc map[string]any) { delete(doc, "DellControllerBattery") }, asked: func(path string) {
		if strings.HasSuffix(path, "/DellControllerBattery") {
			homes.Add(1)
		}
	}})
	for n, want := range []string{"", "", raid.BatteryNone, raid.BatteryNone} {
		r := l.visit(t)
		if s := partOf(t, r, "controller/"+percID).State.Get(raid.KeyBattery); s != want || raidExtent(r) == hw.Complete != (want != "") {
			t.Errorf("visit %d: battery %q, %v", n+1, s, r.Gaps)
		}
		l.clock.Pass(5 * time.Minute)
	}
	if n := homes.Load(); n != 2 {
		t.Errorf("%d requests for batteries elsewhere", n)
	}
	l.clock.Pass(25 * time.Hour)
	if l.visit(t); homes.Load() != 4 {
		t.Errorf("%d requests for batteries elsewhere a day later", homes.Load())
	}
}

// What is not told because the place of the battery does not answer is not told as none.
func TestBatteryHomesThatFail(t *testing.T) {
	t.Parallel()
	l := newRAIDLab()
	l.openMoved(t, &moved{edit: func(doc map[string]any) { delete(doc, "DellControllerBattery") }})
	l.fault(t, "fail-path /Oem/Dell/DellControllerBattery")
	for range 4 {
		r := l.visit(t)
		if s := partOf(t, r, "controller/"+percID).State.Get(raid.KeyBattery); s != "" || raidExtent(r) != hw.Partial {
			t.Fatalf("battery %q, %v", s, r.Read)
		}
	}
}

// An iDRAC10 has what Dell tells of drives and sets in collections of its own: the words are the same.
func TestDellCollections(t *testing.T) {
	t.Parallel()
	whole := openRAID(t, "poweredge-r740").visit(t)
	drives, volumes := map[string]map[string]any{}, map[string]map[string]any{}
	l := newRAIDLab()
	inner := newRAIDLab() // tells the parts once
	seen := &moved{more: nowhere, edit: func(doc map[string]any) {
		for _, key := range []string{"DellPhysicalDisk", "DellVolume"} {
			if part, ok := doc[key].(map[string]any); ok {
				list := map[string]map[string]map[string]any{"DellPhysicalDisk": drives, "DellVolume": volumes}[key]
				list[part["Id"].(string)] = maps.Clone(part)
			}
		}
	}}
	inner.openMoved(t, seen)
	inner.visit(t)
	inDrives, inVolumes := collection(raidSystem+"/Oem/Dell/DellDrives", drives), collection(raidSystem+"/Oem/Dell/DellVolumes", volumes)
	l.openMoved(t, &moved{
		edit: func(doc map[string]any) {
			for _, key := range []string{"DellPhysicalDisk", "DellVolume", "DellVirtualDisk"} {
				delete(doc, key)
			}
		},
		more: func(path string) (any, bool) {
			if doc, ok := inDrives(path); ok {
				return doc, true
			}
			return inVolumes(path)
		},
	})
	r := l.visit(t)
	words := func(r hw.Report) map[string]string {
		out := map[string]string{}
		for _, c := range r.Components {
			for _, key := range []string{raid.KeyState, raid.KeyWritePolicy, raid.KeyDiskCache, raid.KeyRedundancyLeft, raid.KeyPredicted, raid.KeyOperation, raid.KeyBay, raid.KeyCertified} {
				out[c.Path+" "+key] = c.State.Get(key) + c.Attrs.Get(key)
			}
		}
		return out
	}
	if d := cmp.Diff(words(whole), words(r)); d != "" || len(drives) != 7 || raidExtent(r) != hw.Complete {
		t.Errorf("%d drives, %v: %s", len(drives), r.Gaps, d)
	}
}

// iDRAC9 before 4.40 has no RAIDType and no policies: the sort of the volume tells the level, and the rest is not proven.
func TestBeforeRAIDType(t *testing.T) {
	t.Parallel()
	l := newRAIDLab()
	l.openMoved(t, &moved{edit: func(doc map[string]any) {
		for _, key := range []string{"RAIDType", "WriteCachePolicy", "ReadCachePolicy", "WriteCacheState", "DellVolume", "DellVirtualDisk", "WriteCacheEnabled", "Controllers"} {
			delete(doc, key)
		}
	}})
	r := l.longVisits(t)
	levels := partOf(t, r, "volume/Disk.Virtual.0:"+percID).Attrs.Get(raid.KeyLevel) + " " + partOf(t, r, "volume/Disk.Virtual.1:"+percID).Attrs.Get(raid.KeyLevel)
	want := []string{
		"volume/0 raid-disk-cache-unproven warning", oneSpare, "volume/0 raid-write-policy-unproven warning",
		"volume/1 raid-disk-cache-unproven warning", "volume/1 raid-write-policy-unproven warning",
	}
	if d := cmp.Diff(want, brief(said(r, false))); d != "" || levels != "raid1 raid10" || raidExtent(r) != hw.Complete {
		t.Errorf("levels %s, %v: %s", levels, r.Gaps, d)
	}
}

// Host bus adapters and the PERC that has no cache say what they cannot have.
func TestOtherControllers(t *testing.T) {
	t.Parallel()
	l := newRAIDLab()
	rename := strings.NewReplacer("RAID.Integrated.1-1", "NonRAID.Slot.3-1")
	b := l.model(t, "poweredge-r740")
	l.bmc = b
	device := b.Handler()
	l.serve(t, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		q.URL.Path = strings.ReplaceAll(q.URL.Path, "NonRAID.Slot.3-1", "RAID.Integrated.1-1")
		rec := httptest.NewRecorder()
		device.ServeHTTP(rec, q)
		maps.Copy(w.Header(), rec.Header())
		w.Header().Del("Content-Length")
		w.WriteHeader(rec.Code)
		_, _ = w.Write([]byte(rename.Replace(rec.Body.String())))
	}), "")
	c := partOf(t, l.visit(t), "controller/NonRAID.Slot.3-1")
	if c.Attrs.Get(raid.KeyMode) != raid.ModeHBA || c.Attrs.Get(raid.KeyPatrolRead) == "" {
		t.Errorf("%+v", c)
	}
}
