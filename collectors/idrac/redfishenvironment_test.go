package idrac_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rackpost/collectors/idrac"
	"rackpost/collectors/sim/bmc"
	"rackpost/hw"
)

const (
	systemAt  = "/redfish/v1/Systems/System.Embedded.1"
	chassisAt = "/redfish/v1/Chassis/System.Embedded.1"
)

// trees are servers as documents: models of ours with faults, and the recorded one where it is.
func trees(t *testing.T) map[string]func(testing.TB) map[string]any {
	t.Helper()
	return map[string]func(testing.TB) map[string]any{
		"r740":          func(t testing.TB) map[string]any { return modelTree(t, "poweredge-r740", "psu-out 2", "link-down 1") },
		"r750":          func(t testing.TB) map[string]any { return modelTree(t, "poweredge-r750", "fan-failed 1") },
		"r630":          func(t testing.TB) map[string]any { return modelTree(t, "poweredge-r630", "temperature-high 45") },
		"recorded r750": func(t testing.TB) map[string]any { return recordedTree(t, "r750-idrac9-6.00") },
	}
}

// fact is what a part must be: its health and some of what it tells.
type fact struct {
	health  string
	samples map[string]any // a number, or nil where there is none
	words   map[string]string
}

// What is read is what the documents say, read here in another way.
func TestReadings(t *testing.T) {
	t.Parallel()
	for name, docs := range trees(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			docs := docs(t)
			v, _ := treeVisitor(t, docs)
			r := v.visit("environment", "inventory", "network", "firmware")
			want := wanted(docs)
			got := r.paths("fan/Fan", "temperature/", "psu/PSU", "voltage/", "cpu/", "dimm/", "nic/", "port/", "firmware/")
			if d := cmp.Diff(slices.Sorted(maps.Keys(want)), got); d != "" {
				t.Errorf("components: %s", d)
			}
			for path, f := range want {
				f.check(t, path, r)
			}
			if len(want) < 30 {
				t.Errorf("only %d parts", len(want))
			}
			power := list(docs[chassisAt+"/Power"], "PowerControl")[0]
			fact{health: "unknown", samples: map[string]any{"consumed_watts": at(power, "PowerConsumedWatts"), "max_watts": at(power, "PowerMetrics", "MaxConsumedWatts")}}.check(t, "power/system", r)
			if s := at(docs[chassisAt], "PhysicalSecurity", "IntrusionSensor"); s == "Normal" {
				fact{health: "ok", words: map[string]string{"state": "closed"}}.check(t, "intrusion/1", r)
			}
			express := text(docs[systemAt], "Oem", "Dell", "DellSystem", "ExpressServiceCode")
			if got := r.parts["system"].Attrs.Get("express_service_code"); express != "" && got != express || got == "" {
				t.Errorf("express service code %q, want %q", got, express)
			}
			if _, ok := r.parts["air/system"]; ok {
				t.Error("255 is taken for a reading")
			}
		})
	}
}

func (f fact) check(t *testing.T, path string, r redfishReport) {
	t.Helper()
	c := r.parts[path]
	if c.Health.String() != f.health {
		t.Errorf("%s is %v, want %s", path, c.Health, f.health)
	}
	for sensor, value := range f.samples {
		s, told := r.samples[path+" "+sensor]
		switch number, ok := value.(float64); {
		case !told, ok && (s.Absent != "" || s.Gauge != number), !ok && s.Absent == "":
			t.Errorf("%s %s: %+v, want %v", path, sensor, s, value)
		}
	}
	for key, word := range f.words {
		if got := c.State.Get(key) + c.Attrs.Get(key); got != word {
			t.Errorf("%s: %s is %q, want %q", path, key, got, word)
		}
	}
}

// wanted reads the documents in a way of its own.
func wanted(docs map[string]any) map[string]fact {
	want := map[string]fact{}
	of := func(doc any) string {
		if h := strings.ToLower(text(doc, "Status", "Health")); h != "" {
			return h
		}
		return "unknown"
	}
	thermal, power := docs[chassisAt+"/Thermal"], docs[chassisAt+"/Power"]
	for _, x := range list(thermal, "Fans") {
		id := "fan/" + strings.Replace(text(x, "Name"), "System Board Fan", "Fan.Embedded.", 1)
		want[id] = fact{health: of(x), samples: map[string]any{"speed_rpm": at(x, "Reading")}, words: map[string]string{"name": text(x, "FanName")}}
	}
	for _, x := range list(thermal, "Temperatures") {
		want["temperature/"+strings.ReplaceAll(text(x, "Name"), " ", "")] = fact{health: of(x), samples: map[string]any{"temperature_celsius": at(x, "ReadingCelsius")}}
	}
	for _, x := range list(power, "PowerSupplies") {
		id := "psu/PSU.Slot." + strings.Fields(text(x, "Name"))[0][2:]
		want[id] = fact{health: of(x), samples: map[string]any{"input_volts": at(x, "LineInputVoltage"), "output_watts": at(x, "PowerOutputWatts")}, words: map[string]string{"serial": text(x, "SerialNumber")}}
	}
	for _, x := range list(power, "Voltages") {
		f := fact{health: of(x)}
		if v := at(x, "ReadingVolts"); v != nil {
			f.samples = map[string]any{"voltage_volts": v}
		}
		want["voltage/"+strings.ReplaceAll(text(x, "Name"), " ", "")] = f
	}
	for id, x := range members(docs, systemAt+"/Processors") {
		if text(x, "ProcessorType") == "CPU" {
			want["cpu/"+id] = fact{health: of(x), words: map[string]string{"model": strings.TrimSpace(text(x, "Model")), "state": strings.ToLower(text(x, "Status", "State"))}}
		}
	}
	for id, x := range members(docs, systemAt+"/Memory") {
		want["dimm/"+id] = fact{health: of(x), words: map[string]string{"serial": text(x, "SerialNumber"), "type": strings.ToLower(text(x, "MemoryDeviceType"))}}
	}
	for card, x := range members(docs, chassisAt+"/NetworkAdapters") {
		want["nic/"+card] = fact{health: of(x)}
		for id, p := range members(docs, chassisAt+"/NetworkAdapters/"+card+"/NetworkPorts") {
			f := fact{health: of(p), words: map[string]string{"link": strings.ToLower(text(p, "LinkStatus"))}}
			if speed := at(p, "CurrentLinkSpeedMbps"); speed != nil {
				f.samples = map[string]any{"speed_mbps": speed}
			}
			want["port/"+id] = f
		}
	}
	for id, x := range members(docs, "/redfish/v1/UpdateService/FirmwareInventory") {
		if target, ok := strings.CutPrefix(id, "Installed-"); ok {
			_, target, _ = strings.Cut(target, "__")
			want["firmware/"+target] = fact{health: of(x), words: map[string]string{"version": text(x, "Version")}}
		}
	}
	return want
}

// An iDRAC that has no Thermal and Power is read by their newer forms, whole; one that fails at them is read so too, and its
// section is partial: nothing is taken for gone, and no name, limit or word comes or goes.
func TestNewerForm(t *testing.T) {
	t.Parallel()
	for name, docs := range trees(t) {
		if name == "r630" {
			continue // an iDRAC8 has no newer form
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			docs := docs(t)
			v, x := treeVisitor(t, docs)
			before := v.visit("environment")
			thermal, power := docs[chassisAt+"/Thermal"], docs[chassisAt+"/Power"]
			x.set(chassisAt+"/Thermal", "no document")
			x.set(chassisAt+"/Power", "no document")
			r := v.visit("environment")
			if r.extent("environment") != hw.Partial {
				t.Errorf("the section is %v", r.extent("environment"))
			}
			sameParts(t, before, r, "fan/", "psu/PSU")
			x.set(chassisAt+"/Thermal", thermal)
			x.set(chassisAt+"/Power", power)
			if d := cmp.Diff(before.Components, v.visit("environment").Components); d != "" {
				t.Errorf("back again: %s", d)
			}
			x.set(chassisAt+"/Thermal", nil)
			x.set(chassisAt+"/Power", nil)
			if r := v.visit("environment"); r.extent("environment") != hw.Partial {
				t.Errorf("the documents were there a moment ago, and the section is %v", r.extent("environment"))
			}
			fresh, _ := treeVisitor(t, docs)
			for range 2 {
				r = fresh.visit("environment")
				r.complete(t)
				for _, p := range before.paths("fan/Fan", "psu/PSU") {
					if r.parts[p].Health != before.parts[p].Health || !r.parts[p].Expected {
						t.Errorf("%s: %+v, over the older form %+v", p, r.parts[p], before.parts[p])
					}
				}
				for _, key := range []string{"fan/Fan.Embedded.2 speed_rpm", "psu/PSU.Slot.1 input_volts", "temperature/SystemBoardInletTemp temperature_celsius"} {
					if old, ok := before.samples[key]; ok && r.samples[key] != old {
						t.Errorf("%s: %+v, over the older form %+v", key, r.samples[key], old)
					}
				}
			}
		})
	}
}

// withoutOlderForm is the recorded server as one that has neither Thermal nor Power, and expands links.
func withoutOlderForm(t testing.TB) *bmc.BMC {
	t.Helper()
	docs := recordedTree(t, "r750-idrac9-6.00")
	delete(docs, chassisAt+"/Thermal")
	delete(docs, chassisAt+"/Power")
	dir := t.TempDir()
	for at, doc := range docs {
		folder := filepath.Join(dir, filepath.FromSlash(at))
		b, err := json.Marshal(doc)
		if err == nil {
			err = os.MkdirAll(folder, 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, "index.json"), b, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	b, err := bmc.NewRecorded(dir, bmc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// An iDRAC that has neither Thermal nor Power tells temperatures, voltages and currents by its sensors, with one request. When it
// expands them no more, they are not read one by one, and none is taken for gone.
func TestSensors(t *testing.T) {
	t.Parallel()
	docs := recordedTree(t, "r750-idrac9-6.00")
	v := visitingBMC(t, withoutOlderForm(t))
	v.visit("environment").complete(t)
	r := v.visit("environment")
	r.complete(t)
	if r.Requests > 9 {
		t.Errorf("%d requests", r.Requests)
	}
	for id, x := range members(docs, chassisAt+"/Sensors") {
		name := strings.ReplaceAll(text(x, "Name"), " ", "")
		var path, sensor string
		switch text(x, "ReadingType") {
		case "Temperature":
			path, sensor = "temperature/"+name, "temperature_celsius"
		case "Voltage":
			path, sensor = "voltage/"+name, "voltage_volts"
		case "Current":
			path, sensor = "current/"+name, "current_amperes"
		default:
			continue
		}
		f := fact{health: strings.ToLower(text(x, "Status", "Health")), samples: map[string]any{sensor: at(x, "Reading")}}
		f.check(t, path, r)
		if limit, ok := at(x, "Thresholds", "UpperCritical", "Reading").(float64); ok && r.parts[path].Attrs.Get("upper_critical_celsius") != fmt.Sprint(limit) && sensor == "temperature_celsius" {
			t.Errorf("%s (%s): %v, want %v", path, id, r.parts[path].Attrs, limit)
		}
	}
	drawn := docs[chassisAt+"/Sensors/SystemBoardPwrConsumption"]
	fact{health: "ok", samples: map[string]any{"consumed_watts": at(drawn, "Reading")}}.check(t, "power/system", r)
	if err := v.bmc.Fault("expand-wrong", "short"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if r := v.visit("environment"); r.extent("environment") == hw.Complete && r.Requests < 40 {
			t.Errorf("the sensors are not read, and the section is complete: %d requests", r.Requests)
		}
	}
}

// sameParts compares components but for what only one form tells.
func sameParts(t *testing.T, a, b redfishReport, prefixes ...string) {
	t.Helper()
	for _, path := range a.paths(prefixes...) {
		x, y := a.parts[path], b.parts[path]
		if x.Health != y.Health || cmp.Diff(x.Attrs, y.Attrs) != "" {
			t.Errorf("%s was %+v, is %+v", path, x, y)
		}
	}
	for _, path := range b.paths("fan/", "psu/", "temperature/", "power/") {
		if _, ok := a.parts[path]; !ok {
			t.Errorf("%s is new", path)
		}
	}
}

// Lists that had members and have none are believed at the third visit.
func TestEmptyIsNotBelievedAtOnce(t *testing.T) {
	t.Parallel()
	docs := modelTree(t, "poweredge-r740")
	v, x := treeVisitor(t, docs)
	v.visit("environment", "inventory", "network", "firmware").complete(t)
	thermal := clone(docs[chassisAt+"/Thermal"]).(map[string]any)
	thermal["Fans"], thermal["Fans@odata.count"] = []any{}, 0.0
	x.set(chassisAt+"/Thermal", thermal)
	for section, at := range map[string]string{"inventory": systemAt + "/Memory", "network": chassisAt + "/NetworkAdapters", "firmware": "/redfish/v1/UpdateService/FirmwareInventory"} {
		c := clone(docs[at]).(map[string]any)
		c["Members"], c["Members@odata.count"] = []any{}, 0.0
		x.set(at, c)
		for i := range 3 {
			r := v.visit(section)
			if whole := r.extent(section) == hw.Complete; whole != (i == 2) {
				t.Errorf("%s, visit %d: %v", section, i+1, r.Read)
			}
		}
	}
	for i := range 3 {
		if r := v.visit("environment"); (r.extent("environment") == hw.Complete) != (i == 2) {
			t.Errorf("fans, visit %d: %v", i+1, r.Read)
		}
	}
}

// What the server estimates is told where it is told, and is absent when it goes.
func TestAir(t *testing.T) {
	t.Parallel()
	docs := modelTree(t, "poweredge-r740")
	v, x := treeVisitor(t, docs)
	estimate := func(cfm any) {
		d := clone(docs[systemAt])
		at(d, "Oem", "Dell", "DellSystem").(map[string]any)["EstimatedSystemAirflowCFM"] = cfm
		x.set(systemAt, d)
	}
	estimate(42.0)
	if s := v.visit("environment").samples["air/system airflow_cfm"]; s.Gauge != 42 {
		t.Errorf("%+v", s)
	}
	for _, none := range []any{255.0, nil} {
		estimate(none)
		if s := v.visit("environment").samples["air/system airflow_cfm"]; s.Absent != hw.NotReady {
			t.Errorf("%v: %+v", none, s)
		}
	}
}

// The odd things of firmware before 4.0: a DIMM with a # in its path, supplies whose rating stands as what they draw,
// 1 V of probes that have none, an efficiency as a fraction.
func TestOldFirmware(t *testing.T) {
	t.Parallel()
	docs := modelTree(t, "poweredge-r740")
	memory := clone(docs[systemAt+"/Memory"])
	for i, m := range list(memory, "Members") {
		link := text(m, "@odata.id")
		d := clone(docs[link]).(map[string]any)
		slot := strings.TrimPrefix(text(d, "Id"), "DIMM.Socket.")
		d["Id"] = "iDRAC.Embedded.1#DIMMSLOT" + slot
		d["@odata.id"] = systemAt + "/Memory/iDRAC.Embedded.1#DIMMSLOT" + slot
		docs[systemAt+"/Memory/iDRAC.Embedded.1#DIMMSLOT"+slot] = d
		list(memory, "Members")[i] = map[string]any{"@odata.id": d["@odata.id"]}
	}
	docs[systemAt+"/Memory"] = memory
	power := docs[chassisAt+"/Power"]
	first := list(power, "PowerSupplies")[0].(map[string]any)
	first["EfficiencyPercent"], first["PowerInputWatts"] = 0.91, 900.0
	at(first, "Oem", "Dell", "DellPowerSupplyView").(map[string]any)["Range1MaxInputPowerWatts"] = 900.0
	probe := list(power, "Voltages")[0].(map[string]any)
	probe["Name"], probe["ReadingVolts"] = "CPU1 VCORE PG", 1.0
	v, _ := treeVisitor(t, docs)
	before, r := modelTree(t, "poweredge-r740"), v.visit("environment", "inventory")
	if d := cmp.Diff(len(list(before[systemAt+"/Memory"], "Members")), len(r.paths("dimm/DIMM.Socket."))); d != "" {
		t.Errorf("DIMMs: %s %v", d, r.Gaps)
	}
	if s := r.samples["psu/PSU.Slot.1 efficiency_percent"]; s.Gauge != 91 {
		t.Errorf("%+v", s)
	}
	if s, ok := r.samples["psu/PSU.Slot.1 input_watts"]; ok {
		t.Errorf("%+v", s)
	}
	if c := r.parts["psu/PSU.Slot.1"]; c.Attrs.Get("rated_input_watts") != "900" {
		t.Errorf("%+v", c)
	}
	if s, ok := r.samples["voltage/CPU1VCOREPG voltage_volts"]; ok || r.parts["voltage/CPU1VCOREPG"].Health != hw.OK {
		t.Errorf("%+v", s)
	}
}

// What Dell says of a supply, in the words SNMP has.
func TestSupplyState(t *testing.T) {
	t.Parallel()
	for detail, want := range map[string]string{
		"":                  "",
		"Presence Detected": "present",
		"Presence Detected, Input Lost Or Out-Of-Range":           "input-lost-or-out-of-range",
		"Presence Detected, Power Supply AC Lost":                 "input-lost",
		"Presence Detected, Failure Detected, Input Out-Of-Range": "failed input-out-of-range",
		"Predictive Failure, Configuration Error":                 "configuration-error failure-predicted",
		"Presence Detected, a word that nobody knows":             "present",
	} {
		if got := idrac.SupplyState(detail); got != want {
			t.Errorf("%q is %q, want %q", detail, got, want)
		}
	}
}
