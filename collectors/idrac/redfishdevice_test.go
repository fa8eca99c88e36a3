package idrac_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/idrac"
	"rackpost/collectors/sim/bmc"
	"rackpost/hw"
)

// redfishRecordings are real devices, kept outside the repository.
const redfishRecordings = "../../../shared/data/redfish"

var overRedfish = idrac.RedfishUnhurried()

// redfishVisitor visits one simulated BMC.
type redfishVisitor struct {
	testing.TB
	bmc       *bmc.BMC
	collector collectors.Collector
}

// visitingBMC serves a BMC over TLS.
func visitingBMC(t testing.TB, b *bmc.BMC) *redfishVisitor {
	t.Helper()
	server, err := bmc.Listen("127.0.0.1:0", b)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	user, password := b.Account()
	c, err := overRedfish.New(collectors.Target{
		Device:      hw.Device{ID: "d1", Kind: overRedfish.Name, Address: server.Addr().String()},
		Credentials: collectors.Credentials{User: user, Password: password},
		Timeout:     10 * time.Second, Memory: &collectors.Memory{}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Close(context.Background())
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return &redfishVisitor{TB: t, bmc: b, collector: c}
}

// recordedBMC is a recorded server, or skips the test.
func recordedBMC(t testing.TB, folder string) *bmc.BMC {
	t.Helper()
	folder = filepath.Join(redfishRecordings, folder)
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("no recordings of real devices here: %v", err)
	}
	b, err := bmc.NewRecorded(folder, bmc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// visit reads the sections, and checks what holds of every report.
func (v *redfishVisitor) visit(sections ...string) redfishReport {
	v.Helper()
	var due []collectors.Section
	for _, s := range overRedfish.Sections {
		if slices.Contains(sections, s.Name) {
			due = append(due, s)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := v.collector.Collect(ctx, due)
	if err != nil {
		v.Fatalf("visit: %v", err)
	}
	if err := collectors.CheckReport(r); err != nil {
		v.Errorf("report: %v", err)
	}
	out := redfishReport{Report: r, parts: map[string]hw.Component{}, samples: map[string]hw.Sample{}}
	for _, c := range r.Components {
		if c.Attrs.Get("source") != "redfish" {
			v.Errorf("component %s: source %q", c.Path, c.Attrs.Get("source"))
		}
		out.parts[c.Path] = c
	}
	for _, s := range r.Samples {
		if _, ok := out.parts[s.Component]; !ok {
			v.Errorf("sample %s %s of no component", s.Component, s.Sensor)
		}
		out.samples[s.Component+" "+s.Sensor] = s
	}
	return out
}

// redfishReport is a report with its parts and samples by name.
type redfishReport struct {
	hw.Report
	parts   map[string]hw.Component
	samples map[string]hw.Sample
}

func (r redfishReport) extent(section string) hw.Extent {
	for _, s := range r.Read {
		if s.Section == section {
			return s.Extent
		}
	}
	return hw.Failed
}

// complete fails the test unless every section was read whole and nothing is missing.
func (r redfishReport) complete(t testing.TB) {
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

// paths returns the components below any of the prefixes, sorted.
func (r redfishReport) paths(prefixes ...string) []string {
	var list []string
	for p := range r.parts {
		if slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(p, prefix) }) {
			list = append(list, p)
		}
	}
	slices.Sort(list)
	return list
}
