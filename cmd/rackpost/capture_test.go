package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/collectors"
	"rackpost/collectors/all"
	"rackpost/collectors/capture"
	"rackpost/collectors/capture/scrub"
	"rackpost/collectors/sim"
	"rackpost/collectors/snmp"
	"rackpost/hw"
)

var captureTestKey = bytes.Repeat([]byte("key "), 8)

// spy is a session that remembers what it read.
type spy struct {
	*snmp.Session
	objects []scrub.Object
}

func (s *spy) Walk(ctx context.Context, columns ...string) (snmp.Table, error) {
	t, err := s.Session.Walk(ctx, columns...)
	for i := range t {
		for _, r := range t[i].Rows {
			o := scrub.Object{OID: t[i].OID + "." + r.Index, Type: byte(r.Type), Value: slices.Clone(r.Bytes)}
			if a, ok := netip.AddrFromSlice(r.Bytes); ok && r.Type == snmp.TypeIPAddress {
				o.Value = []byte(a.String())
			}
			s.objects = append(s.objects, o)
		}
	}
	return t, err
}

// simulated serves a device until the test ends and returns what to visit.
func simulated(t *testing.T, kind string, d *sim.Device) (collectors.Kind, collectors.Target) {
	t.Helper()
	k, err := findKind(all.Kinds(), kind)
	if err != nil {
		t.Fatal(err)
	}
	agent, err := sim.Listen("127.0.0.1:0", d, sim.AgentOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- agent.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	var f probeFlags
	_, target, err := f.target([]string{kind, agent.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	target.Timeout = 5 * time.Second // for a busy machine
	return k, target
}

// captured records a device, and returns a scrubber that knows all it knew.
func captured(t *testing.T, kind collectors.Kind, target collectors.Target, everything bool) (*capture.Result, []scrub.Object, *scrub.Scrubber) {
	t.Helper()
	session, err := snmp.New(target, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	s := &spy{Session: session}
	plan, err := capture.Plan(kind, everything)
	if err != nil {
		t.Fatal(err)
	}
	r, err := capture.Record(t.Context(), s, capture.Options{Subtrees: plan, Key: captureTestKey})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Whole() || r.Counts.Collided > 0 {
		t.Errorf("not whole: %q, %d collided", r.Stopped, r.Counts.Collided)
	}
	scrubber, err := scrub.New(captureTestKey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := scrubber.Scrub(s.objects); err != nil {
		t.Fatal(err)
	}
	return r, s.objects, scrubber
}

// ofContext are lines that a switch tells only in the context of a VLAN, which no capture reads.
var ofContext = regexp.MustCompile(`^(gap )?(mac|spanning-tree)(/([2-9]|1[0-9])| |$)`)

// clockMinute is a time told to the minute and reckoned from an uptime: two readings may lie on the two sides of one.
var clockMinute = regexp.MustCompile(`\bat=[0-9T:-]+Z`)

// outline is what of a visit a capture must not change. Texts go through hide.
func outline(p probeResult, hide func(string) string, moving func(sensor string) bool) []string {
	var lines []string
	for _, c := range p.Components {
		var keys []string
		for _, a := range c.Attrs {
			keys = append(keys, a.Key)
		}
		lines = append(lines, fmt.Sprintf("%s %s %s %v", hide(c.Path), c.Health, hide(clockMinute.ReplaceAllString(attrsText(c.State), "at=")), keys))
	}
	for _, s := range p.Samples {
		value := "absent: " + string(s.Absent)
		if s.Value != nil && !moving(s.Sensor) {
			value = s.Value.String()
		}
		lines = append(lines, fmt.Sprintf("%s %s %s", hide(s.Component), s.Sensor, value))
	}
	for _, g := range p.Gaps {
		lines = append(lines, fmt.Sprintf("gap %s %s", g.What, g.Reason))
	}
	slices.Sort(lines)
	return slices.DeleteFunc(lines, ofContext.MatchString)
}

// sameReport visits the device and the replay of its capture, and fails unless they say the same.
func sameReport(t *testing.T, kind collectors.Kind, target collectors.Target, r *capture.Result, objects []scrub.Object, s *scrub.Scrubber, moving func(string) bool) {
	t.Helper()
	kind.Sections = slices.DeleteFunc(slices.Clone(kind.Sections), func(s collectors.Section) bool { return s.Period == 0 })
	report, visitErr, err := visitOnce(t.Context(), kind, target)
	if err != nil || visitErr != nil {
		t.Fatal(err, visitErr)
	}
	replayed, unread, err := replay(t.Context(), kind, r.Recording)
	if err != nil || unread != nil {
		t.Fatal(err, unread)
	}
	names := portNames(objects, r)
	hide := func(v string) string {
		if to, ok := names[strings.TrimPrefix(v, "port/")]; ok && strings.HasPrefix(v, "port/") {
			return "port/" + to
		}
		return s.Text(v)
	}
	want := outline(probeResultOf(target.Device, report, nil), hide, moving)
	got := outline(replayed, func(v string) string { return v }, moving)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the replay says otherwise (-device +replay):\n%s", diff)
	}
	if len(want) < 30 {
		t.Errorf("only %d lines to compare", len(want))
	}
}

// portNames returns what became of each ifName.
func portNames(objects []scrub.Object, r *capture.Result) map[string]string {
	const ifName = "1.3.6.1.2.1.31.1.1.1.1."
	to := map[string]string{}
	for _, row := range r.Recording.Rows() {
		if strings.HasPrefix(row.OID, ifName) {
			to[row.OID] = string(row.Value)
		}
	}
	names := map[string]string{}
	for i := range objects {
		if o := &objects[i]; strings.HasPrefix(o.OID, ifName) {
			names[string(o.Value)] = to[o.OID]
		}
	}
	return names
}

func TestCaptureOfModels(t *testing.T) {
	t.Parallel()
	for model, kind := range map[string]string{"catalyst-3750-48ps": "cisco-catalyst", "asa-5525-failover": "cisco-asa"} {
		t.Run(model, func(t *testing.T) {
			t.Parallel()
			now := time.Now()
			d, err := sim.NewModel(model, sim.ModelOptions{Number: 7, Name: "paris-edge-7", Clock: func() time.Time { return now }})
			if err != nil {
				t.Fatal(err)
			}
			k, target := simulated(t, kind, d)
			r, objects, s := captured(t, k, target, true)
			nothingLeft(t, r, identifiers(objects))
			// One sensor of a model counts how often it was read.
			sameReport(t, k, target, r, objects, s, func(sensor string) bool { return strings.HasPrefix(sensor, "rx_") })
		})
	}
}

func TestCaptureOfRecordings(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "..", "shared", "data", "snmp")
	for name, kind := range map[string]string{
		"cisco_16_switch": "cisco-catalyst", "cisco-c3560": "cisco-catalyst", "ios_2960x": "cisco-catalyst", "ios_4506": "cisco-catalyst",
		"asa": "cisco-asa", "ftd_1140": "cisco-asa",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, err := os.Open(filepath.Join(dir, name+".snmprec"))
			if err != nil {
				t.Skipf("recorded devices are not here: %v", err)
			}
			defer file.Close()
			rec, err := sim.ReadRecording(file, name)
			if err != nil {
				t.Fatal(err)
			}
			k, target := simulated(t, kind, sim.NewRecorded(rec))
			r, objects, s := captured(t, k, target, true)
			var rows []scrub.Object // all the device said, what no capture reads too
			for _, row := range rec.Rows() {
				rows = append(rows, scrub.Object{OID: row.OID, Type: row.Type, Value: row.Value})
			}
			nothingLeft(t, r, identifiers(rows))
			sameReport(t, k, target, r, objects, s, func(string) bool { return false })
		})
	}
}

// identifiers are the octets by which a device and its neighbours can be known: serial numbers,
// names, MAC addresses and IPv4 addresses, found by their objects and not by the scrubber.
func identifiers(objects []scrub.Object) [][]byte {
	found := map[string]bool{}
	for i := range objects {
		o := &objects[i]
		v := bytes.TrimSpace(bytes.TrimRight(o.Value, "\x00"))
		if o.Type == 64 {
			if a := netip.MustParseAddr(string(o.Value)).As4(); a[0] != 0 && a[0] != 127 && a[0] != 255 {
				found[string(a[:])] = true
			}
			continue
		}
		if o.Type != 4 || len(v) < 5 {
			continue
		}
		for _, column := range []string{
			"1.3.6.1.2.1.1.5.0", "1.3.6.1.2.1.47.1.1.1.1.11.", "1.3.6.1.2.1.2.2.1.6.", "1.3.6.1.2.1.17.1.1.0", "1.3.6.1.4.1.9.3.6.3.0",
			"1.3.6.1.4.1.9.9.23.1.2.1.1.6.", "1.0.8802.1.1.2.1.4.1.1.9.", "1.3.6.1.2.1.4.22.1.2.",
			"1.3.6.1.2.1.17.4.3.1.1.", "1.3.6.1.4.1.9.9.500.1.2.1.1.7.",
		} {
			if strings.HasPrefix(o.OID, column) && string(v) != "\x00\x00\x00\x00\x00\x00" {
				found[string(v)] = true
			}
		}
	}
	var list [][]byte
	for v := range maps.Keys(found) {
		list = append(list, []byte(v))
	}
	return list
}

// nothingLeft fails if an identifier stands in a value, in a text as hexadecimal, or in an OID.
func nothingLeft(t *testing.T, r *capture.Result, list [][]byte) {
	t.Helper()
	var told bytes.Buffer
	if err := r.WriteNotes(&told, capture.About{}); err != nil {
		t.Fatal(err)
	}
	var values, oids bytes.Buffer
	for _, row := range r.Recording.Rows() {
		fmt.Fprintf(&oids, ".%s.\n", row.OID)
		fmt.Fprintf(&values, "%s\n", row.Value)
		if row.Type == 64 || row.Type == 6 {
			fmt.Fprintf(&oids, ".%s.\n", row.Value)
		}
	}
	low := bytes.ToLower(append(values.Bytes(), told.Bytes()...))
	for _, id := range list {
		dotted := strings.Trim(strings.ReplaceAll(fmt.Sprint(id), " ", "."), "[]")
		forms := map[string]bool{
			"octets": len(id) > 4 && bytes.Contains(values.Bytes(), id), "name": len(id) > 6 && bytes.Contains(low, bytes.ToLower(id)),
			"hexadecimal": len(id) > 4 && bytes.Contains(low, []byte(hex.EncodeToString(id))), "index": bytes.Contains(oids.Bytes(), []byte("."+dotted+".")),
			"text": len(id) == 4 && bytes.Contains(low, []byte("\n"+dotted+"\n")),
		}
		for name, is := range forms {
			if is {
				t.Errorf("%q is left as %s", id, name)
			}
		}
	}
	if len(list) < 1 {
		t.Error("no identifier to look for")
	}
}

// Every kind of network device can be captured, and the replay of just its subtrees says the same.
func TestCaptureOfKinds(t *testing.T) {
	t.Parallel()
	models := map[string]string{"cisco-catalyst": "catalyst-2960x", "cisco-asa": "asa-5525-failover"}
	for _, k := range all.Kinds() {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			if k.Protocol != "snmp" {
				t.Skip("it is captured as a tree")
			}
			now := time.Now()
			d, err := sim.NewModel(models[k.Name], sim.ModelOptions{Clock: func() time.Time { return now }})
			if err != nil {
				t.Fatal(err)
			}
			k, target := simulated(t, k.Name, d)
			r, objects, s := captured(t, k, target, false)
			sameReport(t, k, target, r, objects, s, func(sensor string) bool { return strings.HasPrefix(sensor, "rx_") })
		})
	}
}

// A file that cannot be written leaves no folder that looks whole.
func TestCaptureNotWritten(t *testing.T) {
	t.Parallel()
	d, err := sim.NewModel("catalyst-2960x", sim.ModelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	k, target := simulated(t, "cisco-catalyst", d)
	r, _, _ := captured(t, k, target, false)
	path := filepath.Join(t.TempDir(), "out")
	folder, err := capture.Prepare(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := folder.Add("NOTES.txt", func(io.Writer) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := writeCapture(t.Context(), folder, k, r, capture.About{}); err == nil || !strings.Contains(err.Error(), "write NOTES.txt") {
		t.Errorf("%v, want that NOTES.txt is not written", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the folder is there")
	}
	if err := folder.Discard(); err != nil {
		t.Error(err)
	}
}

func TestCaptureSecrets(t *testing.T) {
	t.Parallel()
	got := secretsOf(collectors.Target{Device: hw.Device{Address: "192.0.2.7:1161"}, Credentials: collectors.Credentials{Community: "c", V3: &collectors.V3{User: "u", Context: "x", AuthKey: "never"}}})
	if diff := cmp.Diff([]string{"192.0.2.7", "c", "u", "x"}, got); diff != "" {
		t.Error(diff)
	}
}
