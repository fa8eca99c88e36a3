package parts_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rackpost/collectors/redfish"
	"rackpost/collectors/redfish/parts"
	"rackpost/hw"
)

// convertAll reads a document as each of the resources that become parts.
func convertAll(doc []byte) ([]parts.Part, error) {
	var list []parts.Part
	add := func(f parts.Found) { list = append(list, f.Parts...) }
	var err error
	for _, read := range []func() error{
		func() error { return into(doc, func(x redfish.Thermal) { add(parts.Thermal("s", x, parts.Names{})) }) },
		func() error { return into(doc, func(x redfish.Power) { add(parts.Power("s", x, parts.Names{})) }) },
		func() error {
			return into(doc, func(x redfish.ThermalSubsystem) { add(parts.FanRedundancy("s", x)) })
		},
		func() error { return into(doc, func(x redfish.Chassis) { add(parts.Intrusion("s", x)) }) },
		func() error {
			return into(doc, func(x redfish.ComputerSystem) { list = append(list, parts.System("s", x)) })
		},
		func() error { return into(doc, func(x redfish.Manager) { list = append(list, parts.Manager("s", x)) }) },
		func() error { return into(doc, func(x redfish.Processor) { add(parts.Processors("s", one(x))) }) },
		func() error {
			return into(doc, func(x redfish.Memory) { add(parts.Memory("s", one(x), parts.Names{})) })
		},
		func() error { return into(doc, func(x redfish.Fan) { add(parts.Fans("f", one(x))) }) },
		func() error { return into(doc, func(x redfish.ThermalMetrics) { add(parts.ThermalMetrics("m", x)) }) },
		func() error { return into(doc, func(x redfish.PowerSupply) { add(parts.Supplies("p", one(x), nil)) }) },
		func() error { return into(doc, func(x redfish.Sensor) { add(parts.Consumed("c", x)) }) },
		func() error { return into(doc, func(x redfish.NetworkAdapter) { add(parts.Adapters("s", one(x))) }) },
		func() error { return into(doc, func(x redfish.Port) { add(parts.Ports("s", "card", one(x))) }) },
		func() error {
			return into(doc, func(x redfish.EthernetInterface) { add(parts.Interfaces("i", one(x), nil)) })
		},
		func() error { return into(doc, func(x redfish.SoftwareInventory) { add(parts.Firmware("s", one(x))) }) },
	} {
		if e := read(); e != nil {
			err = e
		}
	}
	for i := range list { // each conversion in a section of its own: they are of one document here
		list[i].Section = "s"
	}
	return unique(list), err
}

// unique drops parts of a path that another has: a document is no fan and no card at once.
func unique(list []parts.Part) []parts.Part {
	seen, out := map[string]bool{}, list[:0]
	for _, p := range list {
		if !seen[p.Path] {
			seen[p.Path] = true
			out = append(out, p)
		}
	}
	return out
}

func into[T any](doc []byte, convert func(T)) error {
	var v T
	if _, err := redfish.Decode(doc, &v); err != nil {
		return err
	}
	convert(v)
	return nil
}

// one is a collection of one member, under its id.
func one[T any](v T) redfish.Members[T] {
	return redfish.Members[T]{Items: []redfish.Item[T]{{Path: "/redfish/v1/X/Y%2F1", Value: v}}, Complete: true}
}

// Whatever a document holds, it becomes parts that are stored as they are, twice the same, and no health but one that it says.
func FuzzConvert(f *testing.F) {
	for _, name := range []string{"poweredge-r740", "proliant-dl380"} {
		for _, doc := range model(f, name) {
			if len(doc) < 4000 {
				f.Add(doc)
			}
		}
	}
	f.Add([]byte(`{"Fans": [{"Name": "a/ b", "Reading": 1e308}, {"Name": "a/ b"}, null, 7], "Temperatures": {"Name": "\u0000", "ReadingCelsius": "NaN"}}`))
	f.Add([]byte(`{"PowerSupplies": [{"MemberId": "\ufffd"}], "PowerControl": [{}, {"Name": "x"}], "Status": {"State": "Absent"}}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		list, err := convertAll(doc)
		if err != nil {
			return
		}
		valid(t, list...)
		again, _ := convertAll(doc)
		if d := cmp.Diff(list, again); d != "" {
			t.Error(d)
		}
	})
}

// What is said in odd ways.
func TestOddValues(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		doc, path string
		health    hw.Health
		words     map[string]string // of State and Attrs
		samples   map[string]float64
		absent    []string
	}{
		"a health that is null":                    {doc: `{"Fans": [{"Name": "F 1", "Reading": 900, "ReadingUnits": "RPM", "Status": {"Health": null}}]}`, path: "fan/F1", samples: map[string]float64{"speed_rpm": 900}},
		"a reading that went":                      {doc: `{"Temperatures": [{"Name": "Inlet Temp", "Status": {"Health": "OK"}}]}`, path: "temperature/InletTemp", health: hw.OK, absent: []string{"temperature_celsius"}},
		"an empty slot without a state that fails": {doc: `{"CapacityMiB": 0, "Status": {"Health": "Critical"}}`, path: "dimm/Y-1", health: hw.Critical},
		"an efficiency as a fraction":              {doc: `{"PowerSupplies": [{"MemberId": "PSU.Slot.1", "EfficiencyPercent": 0.9}]}`, path: "psu/PSU.Slot.1", samples: map[string]float64{"efficiency_percent": 90}},
		"a supply that is off":                     {doc: `{"PowerSupplies": [{"MemberId": "1", "Status": {"State": "UnavailableOffline", "Health": "Critical"}}]}`, path: "psu/1", health: hw.Critical, words: map[string]string{"state": "unavailable-offline"}},
		"a Power without PowerControl":             {doc: `{"Voltages": [{"Name": "P 1"}]}`, path: "voltage/P1"},
		"what the processors draw":                 {doc: `{"PowerControl": [{"Name": "Server Power Control", "PowerConsumedWatts": 300}, {"MemberId": "1", "Name": "CPU Sub-system Power", "PowerConsumedWatts": 90}]}`, path: "power/CPUSub-systemPower", samples: map[string]float64{"consumed_watts": 90}},
		"an open chassis":                          {doc: `{"PhysicalSecurity": {"IntrusionSensor": "HardwareIntrusion"}}`, path: "intrusion/1", health: hw.Critical, words: map[string]string{"state": "open"}},
		"an intrusion nobody knows":                {doc: `{"PhysicalSecurity": {"IntrusionSensor": "?"}}`, path: "intrusion/1"},
		"a link that trains":                       {doc: `{"LinkStatus": "Training", "CurrentSpeedGbps": 25}`, path: "port/card-Y-1", words: map[string]string{"link": "training"}, samples: map[string]float64{"speed_mbps": 25000}},
		"a redundancy that is off":                 {doc: `{"Redundancy": [{"RedundancyEnabled": false, "Status": {"Health": "OK"}}]}`, path: "fan/redundancy", health: hw.OK, words: map[string]string{"redundancy": "not-redundant"}},
		"a redundancy that is not well":            {doc: `{"Redundancy": [{"Status": {"State": "Enabled", "Health": "Warning"}}]}`, path: "fan/redundancy", health: hw.Warning, words: map[string]string{"redundancy": ""}},
		"texts that tell nothing":                  {doc: `{"FirmwareVersion": " N/A ", "Model": "Not  Available", "Status": {"Health": "OK"}}`, path: "manager", health: hw.OK, words: map[string]string{"firmware": "", "model": ""}},
	} {
		list, err := convertAll([]byte(c.doc))
		if err != nil {
			t.Fatal(err)
		}
		p := part(t, list, c.path)
		if p.Health != c.health {
			t.Errorf("%s: %v, want %v", name, p.Health, c.health)
		}
		for key, word := range c.words {
			if got := p.State.Get(key) + p.Attrs.Get(key); got != word {
				t.Errorf("%s: %s is %q, want %q", name, key, got, word)
			}
		}
		for _, s := range p.Samples {
			if want, ok := c.samples[s.Sensor]; ok && s.Gauge != want {
				t.Errorf("%s: %+v, want %v", name, s, want)
			}
			delete(c.samples, s.Sensor)
			if len(c.absent) > 0 && s.Sensor == c.absent[0] && s.Absent != hw.NotReady {
				t.Errorf("%s: %+v", name, s)
			}
		}
		if len(c.samples) > 0 {
			t.Errorf("%s: not told: %v", name, c.samples)
		}
	}
}

// Places that are empty, and members without a name, are no parts; the second says that not all was read.
func TestNoParts(t *testing.T) {
	t.Parallel()
	for doc, unnamed := range map[string]int{
		`{"Fans": [{"Name": "F", "Status": {"State": "Absent", "Health": "OK"}}]}`: 0,
		`{"Fans": [{"Reading": 7, "MemberId": "0"}]}`:                              1,
		`{"Fans": [], "Fans@odata.count": 3}`:                                      1,
		`{"Temperatures": [{"Name": true}, {"MemberId": "iDRAC.Embedded.1#A"}]}`:   1,
	} {
		var x redfish.Thermal
		if _, err := redfish.Decode([]byte(doc), &x); err != nil {
			t.Fatal(err)
		}
		f := parts.Thermal("s", x, parts.Names{})
		if f.Unnamed != unnamed || len(paths(f.Parts, "fan/")) > 0 {
			t.Errorf("%s: %+v", doc, f)
		}
	}
}

// Dell's inventory lists an item up to four times.
func TestInventoryIDs(t *testing.T) {
	t.Parallel()
	m := redfish.Members[redfish.SoftwareInventory]{Complete: true}
	for _, id := range []string{
		"Previous-159-1.2.4__BIOS.Setup.1-1", "Current-159-1.8.2__BIOS.Setup.1-1", "Installed-159-1.8.2__BIOS.Setup.1-1", "Available-159-1.9.0__BIOS.Setup.1-1",
		"Current-7-2.0__CPLD.Embedded.1", "Installed-0-1__Disk.Bay.0:Enclosure.Internal.0-1", "12", "Installed-7",
	} {
		m.Items = append(m.Items, redfish.Item[redfish.SoftwareInventory]{Path: "/redfish/v1/UpdateService/FirmwareInventory/" + id, Value: redfish.SoftwareInventory{Version: id}})
	}
	f := parts.Firmware("s", m)
	want := []string{"firmware/12", "firmware/BIOS.Setup.1-1", "firmware/CPLD.Embedded.1", "firmware/Disk.Bay.0:Enclosure.Internal.0-1", "firmware/Installed-7"}
	if d := cmp.Diff(want, paths(f.Parts, "")); d != "" {
		t.Error(d)
	}
	if v := part(t, f.Parts, "firmware/BIOS.Setup.1-1").Attrs.Get("version"); v != "Installed-159-1.8.2__BIOS.Setup.1-1" {
		t.Errorf("the version is of %s", v)
	}
}
