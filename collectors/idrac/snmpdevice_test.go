package idrac_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/idrac"
	"rackpost/collectors/sim"
	"rackpost/collectors/sim/bmc"
	"rackpost/hw"
)

// snmpRecordings are real devices, kept outside the repository.
const snmpRecordings = "../../../shared/data/snmp"

// mib is outOfBandGroup of IDRAC-MIB-SMIv2.
const mib = "1.3.6.1.4.1.674.10892.5."

var overSNMP = idrac.SNMPAlone()

// mibRows are the objects of an agent: "type|value" by OID.
type mibRows map[string]string

// r540 returns the rows of the recorded device, or skips the test.
func r540(t testing.TB) mibRows {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(snmpRecordings, "drac_r540.snmprec"))
	if err != nil {
		t.Skipf("no recordings of real devices here: %v", err)
	}
	rows := mibRows{}
	for line := range bytes.Lines(b) {
		if oid, value, ok := strings.Cut(strings.TrimRight(string(line), "\r\n"), "|"); ok {
			rows[oid] = value
		}
	}
	return rows
}

// modelRows returns the rows of one of the simulator's servers, up for a month.
func modelRows(t testing.TB, model string, faults ...string) mibRows {
	t.Helper()
	began := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	b, err := bmc.New(model, bmc.Options{Clock: func() time.Time { return began }})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		name, arg, _ := strings.Cut(f, " ")
		if err := b.Fault(name, arg); err != nil {
			t.Fatal(err)
		}
	}
	rows := mibRows{}
	for _, r := range b.Rows() {
		rows[r.OID] = fmt.Sprintf("%d|%s", r.Type, r.Value)
	}
	return rows
}

// with returns a copy with other rows; a key is below outOfBandGroup, an empty value removes it.
func (m mibRows) with(kv ...string) mibRows {
	out := mibRows{}
	for k, v := range m {
		out[k] = v
	}
	for i := 0; i+1 < len(kv); i += 2 {
		if kv[i+1] == "" {
			delete(out, mib+kv[i])
			continue
		}
		out[mib+kv[i]] = kv[i+1]
	}
	return out
}

// without removes everything below the OIDs, which are below outOfBandGroup.
func (m mibRows) without(below ...string) mibRows {
	out := mibRows{}
	for k, v := range m {
		if !slices.ContainsFunc(below, func(b string) bool { return strings.HasPrefix(k, mib+b+".") }) {
			out[k] = v
		}
	}
	return out
}

// said returns the value of an object below outOfBandGroup.
func (m mibRows) said(oid string) string {
	_, v, _ := strings.Cut(m[mib+oid], "|")
	return v
}

// column returns the values of a column by index.
func (m mibRows) column(oid string) map[string]string {
	out := map[string]string{}
	for k, v := range m {
		if index, ok := strings.CutPrefix(k, mib+oid+"."); ok {
			_, out[index], _ = strings.Cut(v, "|")
		}
	}
	return out
}

func (m mibRows) device(t testing.TB) *sim.Device {
	t.Helper()
	var b bytes.Buffer
	for oid, v := range m {
		fmt.Fprintf(&b, "%s|%s\n", oid, v)
	}
	rec, err := sim.ReadRecording(&b, "rows")
	if err != nil {
		t.Fatal(err)
	}
	return sim.NewRecorded(rec)
}

// agent serves a device on loopback; it can be stopped and started again on one address.
type agent struct {
	tb        testing.TB
	community string
	addr      netip.AddrPort

	mu     sync.Mutex
	cancel context.CancelFunc
	done   chan error
}

func (a *agent) serve(d *sim.Device) {
	a.stop()
	a.mu.Lock()
	defer a.mu.Unlock()
	at := "127.0.0.1:0"
	if a.addr.IsValid() {
		at = a.addr.String()
	}
	var ag *sim.Agent
	var err error
	for range 50 { // the port was ours a moment ago: another test may hold it for another
		if ag, err = sim.Listen(at, d, sim.AgentOptions{Community: a.community}); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		a.tb.Error(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	a.addr, a.cancel, a.done = ag.Addr(), cancel, make(chan error, 1)
	go func() { a.done <- ag.Run(ctx) }()
}

func (a *agent) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cancel == nil {
		return
	}
	a.cancel()
	if err := <-a.done; err != nil {
		a.tb.Error(err)
	}
	a.cancel = nil
}

// snmpVisitor visits one simulated agent.
type snmpVisitor struct {
	testing.TB
	agent     *agent
	collector collectors.Collector
}

func visitingRows(t testing.TB, rows mibRows) *snmpVisitor {
	t.Helper()
	a := &agent{tb: t, community: "public"}
	a.serve(rows.device(t))
	t.Cleanup(a.stop)
	c, err := overSNMP.New(collectors.Target{
		Device:      hw.Device{ID: "d1", Kind: overSNMP.Name, Address: a.addr.String()},
		Credentials: collectors.Credentials{Community: "public"},
		Timeout:     time.Second, Memory: &collectors.Memory{}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return &snmpVisitor{TB: t, agent: a, collector: c}
}

// becomes puts other rows at the address.
func (v *snmpVisitor) becomes(rows mibRows) {
	v.Helper()
	v.agent.serve(rows.device(v))
}

// visit reads the sections, all without any.
func (v *snmpVisitor) visit(sections ...string) snmpReport {
	v.Helper()
	var due []collectors.Section
	for _, s := range overSNMP.Sections {
		if len(sections) == 0 || slices.Contains(sections, s.Name) {
			due = append(due, s)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	r, err := v.collector.Collect(ctx, due)
	if err != nil {
		v.Fatalf("visit: %v", err)
	}
	return indexReport(v, r)
}

// snmpReport is a report with its parts by name.
type snmpReport struct {
	hw.Report
	parts   map[string]hw.Component
	samples map[string]hw.Sample // "component sensor"
}

// indexReport checks what holds of every report and makes its parts findable.
func indexReport(t testing.TB, r hw.Report) snmpReport {
	t.Helper()
	out := snmpReport{Report: r, parts: map[string]hw.Component{}, samples: map[string]hw.Sample{}}
	for _, c := range r.Components {
		key := c.Path
		if c.Path == "system" {
			key += " " + c.Section
		}
		if _, twice := out.parts[key]; twice {
			t.Errorf("component %s twice", c.Path)
		}
		if c.Path == "" || strings.HasSuffix(c.Path, "/") || c.Section == "" || c.Attrs.Get("source") != "snmp" {
			t.Errorf("component %+v has no path, section or source", c)
		}
		out.parts[key], out.parts[c.Path] = c, c
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
	return out
}

func (r snmpReport) extent(t testing.TB, section string) hw.Extent {
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
func (r snmpReport) complete(t testing.TB) {
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
func (r snmpReport) part(t testing.TB, path string) hw.Component {
	t.Helper()
	c, ok := r.parts[path]
	if !ok {
		t.Fatalf("no component %s", path)
	}
	return c
}

// wants compares a component with "health key=value ...": a value that is empty must not be told. Words
// without = continue the value before.
func (r snmpReport) wants(t testing.TB, path, want string) {
	t.Helper()
	c, ok := r.parts[path]
	if !ok {
		t.Errorf("no component %s", path)
		return
	}
	health, rest, _ := strings.Cut(want, " ")
	if c.Health.String() != health {
		t.Errorf("%s is %v, want %s", path, c.Health, health)
	}
	for _, word := range strings.Split(rest, " ") {
		key, value, _ := strings.Cut(word, "=")
		if got := c.State.Get(key) + c.Attrs.Get(key); got != strings.ReplaceAll(value, "~", " ") {
			t.Errorf("%s: %s is %q, want %q", path, key, got, value)
		}
	}
}
