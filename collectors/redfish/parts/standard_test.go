package parts_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rackpost/collectors/redfish"
	"rackpost/collectors/redfish/parts"
	"rackpost/hw"
)

// ilo are servers of another maker: what is standard in Redfish is told of them too.
func ilo(t *testing.T) map[string]func(testing.TB) docs {
	t.Helper()
	return map[string]func(testing.TB) docs{
		"model":    func(t testing.TB) docs { return model(t, "proliant-dl380", "fan-failed 2", "psu-out 1") },
		"recorded": func(t testing.TB) docs { return recorded(t, "dl385-ilo5") },
	}
}

// everyILO runs a test on each of them. Their paths are below redfish/v1.
func everyILO(t *testing.T, test func(t *testing.T, d docs)) {
	t.Parallel()
	for name, load := range ilo(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, load(t))
		})
	}
}

const (
	iloSystem  = "/redfish/v1/Systems/1"
	iloChassis = "/redfish/v1/Chassis/1"
)

// paths returns the paths of parts below a prefix, sorted.
func paths(list []parts.Part, prefix string) []string {
	var out []string
	for _, p := range list {
		if strings.HasPrefix(p.Path, prefix) {
			out = append(out, p.Path)
		}
	}
	slices.Sort(out)
	return out
}

func part(t testing.TB, list []parts.Part, path string) parts.Part {
	t.Helper()
	for _, p := range list {
		if p.Path == path {
			return p
		}
	}
	t.Errorf("no %s in %v", path, paths(list, ""))
	return parts.Part{}
}

// judged compares the health of a part with its document's.
func judged(t testing.TB, p parts.Part, doc any) {
	t.Helper()
	want := strings.ToLower(text(doc, "Status", "Health"))
	if want == "" {
		want = "unknown"
	}
	if p.Health.String() != want {
		t.Errorf("%s is %v, want %s", p.Path, p.Health, want)
	}
}

// reads compares a sample with a number of a document.
func reads(t testing.TB, p parts.Part, sensor string, doc any, names ...string) {
	t.Helper()
	for _, s := range p.Samples {
		if s.Sensor != sensor {
			continue
		}
		if n, ok := at(doc, names...).(float64); s.Gauge != n || ok != (s.Absent == "") {
			t.Errorf("%s %s: %+v, want %v", p.Path, sensor, s, at(doc, names...))
		}
		return
	}
	t.Errorf("%s has no %s", p.Path, sensor)
}

func TestThermalOfOthers(t *testing.T) {
	everyILO(t, func(t *testing.T, d docs) {
		f := parts.Thermal("s", decoded[redfish.Thermal](t, d, iloChassis+"/Thermal"), parts.Names{})
		doc := plain(t, d, iloChassis+"/Thermal")
		fans := elements(doc, "Fans")
		if got := len(paths(f.Parts, "fan/")); got != len(fans) || f.Unnamed != 0 {
			t.Errorf("%d fans of %d, %d without a name", got, len(fans), f.Unnamed)
		}
		for _, x := range fans {
			p := part(t, f.Parts, "fan/"+strings.ReplaceAll(text(x, "Name"), " ", ""))
			judged(t, p, x)
			reads(t, p, "speed_percent", x, "Reading")
		}
		temperatures, seen := elements(doc, "Temperatures"), map[string]bool{}
		if got := len(paths(f.Parts, "temperature/")); got != len(temperatures) {
			t.Errorf("%d temperatures of %d", got, len(temperatures))
		}
		for _, x := range temperatures {
			name := "temperature/" + strings.NewReplacer(" ", "", "/", "-").Replace(text(x, "Name"))
			if !seen[name] { // the second of a name has a number
				p := part(t, f.Parts, name)
				judged(t, p, x)
				reads(t, p, "temperature_celsius", x, "ReadingCelsius")
			}
			seen[name] = true
		}
		valid(t, f.Parts...)
	})
}

func TestPowerOfOthers(t *testing.T) {
	everyILO(t, func(t *testing.T, d docs) {
		f := parts.Power("s", decoded[redfish.Power](t, d, iloChassis+"/Power"), parts.Names{})
		doc := plain(t, d, iloChassis+"/Power")
		for _, x := range elements(doc, "PowerSupplies") {
			p := part(t, f.Parts, "psu/"+text(x, "MemberId"))
			judged(t, p, x)
			reads(t, p, "output_watts", x, "LastPowerOutputWatts")
			reads(t, p, "input_volts", x, "LineInputVoltage")
			if !p.Expected || p.Attrs.Get("serial") != text(x, "SerialNumber") {
				t.Errorf("%+v", p.Component)
			}
		}
		p := part(t, f.Parts, parts.PowerSystem)
		reads(t, p, "consumed_watts", elements(doc, "PowerControl")[0], "PowerConsumedWatts")
		reads(t, p, "average_watts", elements(doc, "PowerControl")[0], "PowerMetrics", "AverageConsumedWatts")
		valid(t, f.Parts...)
	})
}

func TestComputeOfOthers(t *testing.T) {
	everyILO(t, func(t *testing.T, d docs) {
		f := parts.Memory("s", collection[redfish.Memory](t, d, iloSystem+"/Memory"), parts.Names{})
		dimms := members(t, d, iloSystem+"/Memory")
		var want []string
		for id, x := range dimms {
			want = append(want, "dimm/"+id)
			p := part(t, f.Parts, "dimm/"+id)
			judged(t, p, x)
			if p.Attrs.Get("size_bytes") == "" || !p.Expected {
				t.Errorf("%+v", p.Component)
			}
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, paths(f.Parts, "")); diff != "" || len(want) == 0 {
			t.Errorf("DIMMs: %s", diff)
		}
		cpus := parts.Processors("s", collection[redfish.Processor](t, d, iloSystem+"/Processors"))
		for id, x := range members(t, d, iloSystem+"/Processors") {
			p := part(t, cpus.Parts, "cpu/"+id)
			judged(t, p, x)
			if p.Attrs.Get("model") != strings.Join(strings.Fields(text(x, "Model")), " ") {
				t.Errorf("%+v", p.Component)
			}
		}
		valid(t, append(f.Parts, cpus.Parts...)...)
	})
}

func TestNetworkOfOthers(t *testing.T) {
	everyILO(t, func(t *testing.T, d docs) {
		cards := collection[redfish.NetworkAdapter](t, d, iloChassis+"/NetworkAdapters")
		f := parts.Adapters("s", cards)
		if len(f.Parts) != len(members(t, d, iloChassis+"/NetworkAdapters")) || len(f.Parts) == 0 {
			t.Errorf("%v", paths(f.Parts, ""))
		}
		all := f.Parts
		for _, c := range cards.Items {
			where := strings.TrimSuffix(parts.PortsOf(c.Value), "/")
			if d[where] == nil {
				continue
			}
			id := parts.Last(c.Path)
			ports := parts.Ports("s", id, collection[redfish.Port](t, d, where))
			for n, x := range members(t, d, where) {
				p := part(t, ports.Parts, "port/"+id+"-"+n)
				judged(t, p, x)
				if want := strings.ToLower(strings.TrimPrefix(text(x, "LinkStatus"), "Link")); want != "" && p.State.Get("link") != want && want != "nolink" {
					t.Errorf("%+v, want %s", p.Component, want)
				}
			}
			all = append(all, ports.Parts...)
		}
		valid(t, all...)
	})
}

func TestFirmwareOfOthers(t *testing.T) {
	everyILO(t, func(t *testing.T, d docs) {
		const inventory = "/redfish/v1/UpdateService/FirmwareInventory"
		f := parts.Firmware("s", collection[redfish.SoftwareInventory](t, d, inventory))
		want := members(t, d, inventory)
		if len(f.Parts) != len(want) {
			t.Errorf("%d of %d", len(f.Parts), len(want))
		}
		for id, x := range want {
			p := part(t, f.Parts, "firmware/"+id)
			if p.Attrs.Get("version") != text(x, "Version") {
				t.Errorf("%+v", p.Component)
			}
		}
		valid(t, f.Parts...)
	})
}

func TestSystemOfOthers(t *testing.T) {
	everyILO(t, func(t *testing.T, d docs) {
		p := parts.System("s", decoded[redfish.ComputerSystem](t, d, iloSystem))
		doc := plain(t, d, iloSystem)
		if p.Attrs.Get("model") != text(doc, "Model") || p.Attrs.Get("sku") != strings.TrimSpace(text(doc, "SKU")) || p.State.Get("power") != strings.ToLower(text(doc, "PowerState")) {
			t.Errorf("%+v", p.Component)
		}
		worst := map[string]hw.Health{"OK": hw.OK, "Warning": hw.Warning, "Critical": hw.Critical}
		if want := max(worst[text(doc, "Status", "Health")], worst[text(doc, "Status", "HealthRollup")]); p.Health != want {
			t.Errorf("%v, want %v", p.Health, want)
		}
		m := parts.Manager("s", decoded[redfish.Manager](t, d, "/redfish/v1/Managers/1"))
		if m.Attrs.Get("firmware") == "" || m.Health != hw.OK {
			t.Errorf("%+v", m.Component)
		}
		valid(t, p, m)
	})
}

// The recorded fragments of other firmware: what is JSON is read, what is not is an error, and nothing is worse.
func TestFragments(t *testing.T) {
	t.Parallel()
	read, broken := 0, 0
	for _, folder := range []string{"r640-thermal-power", "r640-idrac9-7.00", "r640-idrac9-3.34", "bmclib-dell", "bmclib-wrapper"} {
		d := recorded(t, folder)
		for _, path := range slices.Sorted(maps.Keys(d)) {
			list, err := convertAll(d[path])
			if err != nil {
				broken++
				continue
			}
			read++
			valid(t, list...)
		}
	}
	if read < 20 {
		t.Errorf("only %d documents are read, %d are not", read, broken)
	}
	d := recorded(t, "r640-thermal-power")
	thermal := "/redfish/v1/Chassis/System.Embedded.1/Thermal"
	f := parts.Thermal("s", decoded[redfish.Thermal](t, d, thermal), parts.Names{})
	want := len(elements(plain(t, d, thermal), "Fans"))
	if got := len(paths(f.Parts, "fan/System")); got != want || want == 0 {
		t.Errorf("%d fans, want %d", got, want)
	}
}
