package cisco_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/cisco"
	"rackpost/collectors/sim"
	"rackpost/hw"
)

// recordings are real devices, kept outside the repository.
const recordings = "../../../shared/data/snmp"

// catalyst and asa are the kinds under test.
var (
	catalyst = cisco.Catalyst()
	asa      = cisco.ASA()
)

// raw returns a recording's lines, or skips the test.
func raw(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(recordings, name+".snmprec"))
	if err != nil {
		t.Skipf("no recordings of real devices here: %v", err)
	}
	return b
}

// recorded serves lines of a recording.
func recorded(t testing.TB, lines []byte) *sim.Device {
	t.Helper()
	rec, err := sim.ReadRecording(bytes.NewReader(lines), "recording")
	if err != nil {
		t.Fatal(err)
	}
	return sim.NewRecorded(rec)
}

// modelled makes a device of one of the simulator's models.
func modelled(t testing.TB, model string, opt sim.ModelOptions) *sim.Device {
	t.Helper()
	d, err := sim.NewModel(model, opt)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// visitor visits one simulated device.
type visitor struct {
	testing.TB
	server    *server
	kind      collectors.Kind
	collector collectors.Collector
	target    collectors.Target
	device    *sim.Device
}

// visiting serves a device on loopback and opens a collector on it.
func visiting(t testing.TB, kind collectors.Kind, d *sim.Device) *visitor {
	t.Helper()
	srv := &server{tb: t, device: d, community: "public"}
	srv.start(netip.MustParseAddrPort("127.0.0.1:0"))
	t.Cleanup(srv.stop)
	v := &visitor{TB: t, server: srv, kind: kind, device: d, target: collectors.Target{
		Device:      hw.Device{ID: "d1", Kind: kind.Name, Address: srv.addr.String()},
		Credentials: collectors.Credentials{Community: "public"},
		Timeout:     time.Second,
		Memory:      &collectors.Memory{},
		Logger:      slog.New(slog.DiscardHandler),
	}}
	v.open()
	return v
}

// open makes a new collector of the same device; what was learned is kept.
func (v *visitor) open() {
	v.Helper()
	c, err := v.kind.New(v.target)
	if err != nil {
		v.Fatal(err)
	}
	v.collector = c
	v.Cleanup(func() { _ = c.Close(context.Background()) })
}

// all visits with every section due that is not off.
func (v *visitor) all() report {
	v.Helper()
	var due []collectors.Section
	for _, s := range v.kind.Sections {
		if s.Period > 0 {
			due = append(due, s)
		}
	}
	return v.visit(due)
}

// fast visits with the sections of the shortest period.
func (v *visitor) fast() report {
	v.Helper()
	var due []collectors.Section
	for _, s := range v.kind.Sections {
		if s.Period == time.Minute {
			due = append(due, s)
		}
	}
	return v.visit(due)
}

func (v *visitor) visit(due []collectors.Section) report {
	v.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	r, err := v.collector.Collect(ctx, due)
	if err != nil {
		v.Fatalf("visit: %v", err)
	}
	return index(v, r)
}

// becomes puts another device, or the same one later, at the address.
func (v *visitor) becomes(d *sim.Device) {
	v.Helper()
	v.device = d
	v.server.serve(d)
}

// fault switches a fault of the device on.
func (v *visitor) fault(name, arg string) {
	v.Helper()
	if err := v.device.Fault(name, arg); err != nil {
		v.Fatal(err)
	}
}

// report is a report with its parts by name.
type report struct {
	hw.Report
	parts   map[string]hw.Component
	samples map[string]hw.Sample // "component sensor"
}

// index checks what holds of every report and makes its parts findable.
func index(t testing.TB, r hw.Report) report {
	t.Helper()
	out := report{Report: r, parts: map[string]hw.Component{}, samples: map[string]hw.Sample{}}
	for _, c := range r.Components {
		if _, twice := out.parts[c.Path]; twice {
			t.Errorf("component %s twice", c.Path)
		}
		if c.Path == "" || strings.HasSuffix(c.Path, "/") || c.Section == "" {
			t.Errorf("component %+v has no path or section", c)
		}
		out.parts[c.Path] = c
	}
	for _, s := range r.Samples {
		key := s.Component + " " + s.Sensor
		if _, twice := out.samples[key]; twice {
			t.Errorf("sample %s twice", key)
		}
		if s.Absent != "" && (s.Count != 0 || s.Gauge != 0 || s.StartMS != 0) {
			t.Errorf("sample %s is absent and has a value: %+v", key, s)
		}
		if _, ok := out.parts[s.Component]; !ok {
			t.Errorf("sample %s of no component", key)
		}
		out.samples[key] = s
	}
	for _, g := range r.Gaps {
		if g.What == "" || g.Reason == "" {
			t.Errorf("gap without name or reason: %+v", g)
		}
	}
	return out
}

// extent returns how much of a section was read; it fails the test when it was not tried.
func (r report) extent(t testing.TB, section string) hw.Extent {
	t.Helper()
	for _, s := range r.Read {
		if s.Section == section {
			return s.Extent
		}
	}
	t.Fatalf("section %s was not read: %v", section, r.Read)
	return hw.Failed
}

// complete fails the test unless every section was read whole and nothing is missing.
func (r report) complete(t testing.TB) {
	t.Helper()
	for _, s := range r.Read {
		if s.Extent != hw.Complete {
			t.Errorf("section %s: %v", s.Section, s.Extent)
		}
	}
	if len(r.Gaps) > 0 {
		t.Errorf("gaps: %+v", r.Gaps)
	}
}

// part returns a component; it fails the test when there is none.
func (r report) part(t testing.TB, path string) hw.Component {
	t.Helper()
	c, ok := r.parts[path]
	if !ok {
		t.Fatalf("no component %s", path)
	}
	return c
}

// count returns a counter; it fails the test when it has no value.
func (r report) count(t testing.TB, component, sensor string) hw.Sample {
	t.Helper()
	s, ok := r.samples[component+" "+sensor]
	if !ok || s.Absent != "" || s.Type != hw.Counter {
		t.Fatalf("%s %s: %+v", component, sensor, s)
	}
	return s
}

// gauge returns a gauge; it fails the test when it has no value.
func (r report) gauge(t testing.TB, component, sensor string) float64 {
	t.Helper()
	s, ok := r.samples[component+" "+sensor]
	if !ok || s.Absent != "" || s.Type != hw.Gauge {
		t.Fatalf("%s %s: %+v", component, sensor, s)
	}
	return s.Gauge
}
