package cisco_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/gosnmp/gosnmp"

	"rackpost/collectors"
	"rackpost/collectors/sim"
	"rackpost/hw"
	"rackpost/store/crashtest"
)

// snapshot returns the rows of a simulated device as they stand: a device that does not
// move can be compared with itself.
func snapshot(t testing.TB, model string, faults ...string) []string {
	t.Helper()
	now := time.Now()
	d := modelled(t, model, sim.ModelOptions{Clock: func() time.Time { return now }}) // all its rows are of one moment
	for _, f := range faults {
		name, arg, _ := strings.Cut(f, " ")
		if err := d.Fault(name, arg); err != nil {
			t.Fatal(err)
		}
	}
	srv := visiting(t, kindOfModel(d), d).server
	x := &gosnmp.GoSNMP{Target: "127.0.0.1", Port: srv.addr.Port(), Community: "public", Version: gosnmp.Version2c, Timeout: 5e9, MaxRepetitions: 50}
	if err := x.Connect(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = x.Conn.Close() }()
	var rows []string
	err := x.BulkWalk("1.3.6.1", func(p gosnmp.SnmpPDU) error {
		oid, value := strings.TrimPrefix(p.Name, "."), fmt.Sprint(p.Value)
		if b, ok := p.Value.([]byte); ok {
			rows = append(rows, fmt.Sprintf("%s|4x|%x", oid, b))
			return nil
		}
		rows = append(rows, fmt.Sprintf("%s|%d|%s", oid, p.Type, strings.TrimPrefix(value, ".")))
		return nil
	})
	if err != nil || len(rows) == 0 {
		t.Fatalf("%d rows: %v", len(rows), err)
	}
	return rows
}

func kindOfModel(d *sim.Device) collectors.Kind {
	if d.Kind() == asa.Name {
		return asa
	}
	return catalyst
}

// subject is a device a property is tried on.
type subject struct {
	name  string
	kind  collectors.Kind
	seeds uint64 // how often it is spoiled anew
	rows  func(t testing.TB) []string
}

// subjects are all recordings, and the models, well and with faults.
func subjects() []subject {
	var all []subject
	seeds := uint64(crashtest.Rounds(9, 30)) // nine: each way to spoil it, by one who knows it and by one who does not
	for _, name := range everyRecording {
		kind := kindOf(name)
		all = append(all, subject{name, kind, seeds, func(t testing.TB) []string {
			return rowsOf(raw(t, name), append(slices.Clone(kind.Subtrees), "1.3.6.1.2.1.1", "1.3.6.1.6.3.10"))
		}})
	}
	for model, faults := range map[string][]string{
		"catalyst-3750-48ps": {"err-disabled Fa1/0/7", "poe-fault Fa1/0/8", "psu-failed 2", "ring-broken 1", "stp-inconsistent Fa1/0/9", "config-changed"},
		"catalyst-2960x":     {"poe-overload 1", "duplex-mismatch Gi1/0/5"},
		"catalyst-9300":      {"psu-failed 1", "poe-fault Gi2/0/5", "sfp-pulled Te1/1/1", "err-disabled Gi1/0/7 linkFlap"},
		"catalyst-9500-svl":  {"psu-failed 2"},
		"asa-5525-failover":  {"failover", "psu-failed 1", "vpn-limit"},
	} {
		kind := catalyst
		if strings.HasPrefix(model, "asa") {
			kind = asa
		}
		all = append(all, subject{model, kind, seeds, func(t testing.TB) []string { return snapshot(t, model) }})
		all = append(all, subject{model + "-faulty", kind, seeds, func(t testing.TB) []string { return snapshot(t, model, faults...) }})
	}
	return all
}

// spoiled is one way to spoil a device.
type spoiled struct {
	what    string
	device  *sim.Device
	dropped bool // rows are gone, and nothing tells that they were there
	fresh   bool // the collector knows nothing of the device yet
}

// spoil makes the device of a seed: rows lost, rows that are nonsense, or subtrees and long
// answers that end in an error.
func (x subject) spoil(t testing.TB, rows []string, seed uint64) spoiled {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	lost := spoiling{drop: 10, only: func(oid string) bool { return !namesRows(oid) }}
	broken := spoiling{corrupt: 1 + rng.IntN(10)}
	switch seed % 3 {
	case 0:
		return spoiled{what: fmt.Sprintf("seed %d, rows lost", seed), device: recorded(t, text(lost.spoil(rows, rng))), dropped: true}
	case 1:
		return spoiled{what: fmt.Sprintf("seed %d, rows broken", seed), device: recorded(t, text(broken.spoil(rows, rng)))}
	}
	d := recorded(t, text(rows))
	var failing []string
	for range 1 + rng.IntN(4) {
		tree := x.kind.Subtrees[rng.IntN(len(x.kind.Subtrees))]
		if rng.IntN(2) == 0 { // the table ends in its middle
			oid, _, _ := strings.Cut(rows[rng.IntN(len(rows))], "|")
			if tree = oid; strings.HasPrefix(oid, "1.3.6.1.2.1.1.") {
				continue
			}
		}
		failing = append(failing, tree)
	}
	if len(failing) > 0 {
		if err := d.Fault("generr", strings.Join(failing, ",")); err != nil {
			t.Fatal(err)
		}
	}
	if rng.IntN(3) == 0 {
		if err := d.Fault("toobig", fmt.Sprint(1+rng.IntN(20))); err != nil {
			t.Fatal(err)
		}
	}
	return spoiled{what: fmt.Sprintf("seed %d, errors below %v", seed, failing), device: d}
}

// Whatever is lost or broken of a device: what is told of the rest is what the whole device
// tells, what is missing is known to be, and no alert comes or goes but with what was lost.
func TestSpoiledDevicesTellNothingWrong(t *testing.T) {
	t.Parallel()
	for _, x := range subjects() {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			rows := x.rows(t)
			sound := recorded(t, text(rows))
			v := visiting(t, x.kind, sound)
			whole := v.all()
			for seed := range x.seeds {
				s := x.spoil(t, rows, seed)
				if s.fresh = seed/3%3 > 0; s.fresh {
					nothingWrong(t, s, whole, visiting(t, x.kind, s.device).all())
					continue
				}
				var state hw.State
				state.Visit(whole.Report)
				before := kept(&state)
				v.becomes(s.device)
				r := v.all()
				state.Visit(r.Report)
				nothingWrong(t, s, whole, r)
				sameAlerts(t, s, before, kept(&state), r)
				v.becomes(sound)
				state.Visit(v.all().Report)
				if d := cmp.Diff(before, kept(&state), twice); d != "" {
					t.Fatalf("%s: after it is whole again: %s", s.what, d)
				}
			}
		})
	}
}

// twice leaves out the alert of a fault that is told twice, of which the part that judges it
// was lost for a while: it is true, and stays until the fault ends.
var twice = cmpopts.IgnoreMapEntries(func(key, _ string) bool { return strings.HasPrefix(key, "alert fru/") })

// kept are the components and open alerts of a state, by their registers.
func kept(s *hw.State) map[string]string {
	all := map[string]string{}
	for f := range s.All() {
		key := f.Component + " " + f.Group
		switch x := f.Value.(type) {
		case hw.ComponentValue:
			all[key] = fmt.Sprintf("%v %v %v %v", x.Health, x.Missing, x.State, x.Attrs)
		case hw.AlertValue:
			if x.Open {
				all["alert "+key] = fmt.Sprintf("%v %v", x.Level, x.Params)
			}
		}
	}
	return all
}

// sameAlerts wants the alerts of a spoiled device to be those of the whole one. A part of
// which every row is lost is missing, or has no faults any more.
func sameAlerts(t *testing.T, s spoiled, before, after map[string]string, r report) {
	t.Helper()
	for key, was := range before {
		path := strings.Fields(key)
		if c, there := r.parts[path[1]]; path[0] == "alert" && after[key] != was && (!s.dropped || there && c.Health == hw.Unknown) {
			t.Errorf("%s: %s is %q, was %q", s.what, key, after[key], was)
		}
	}
	for key, is := range after {
		if _, was := before[key]; strings.HasPrefix(key, "alert ") && !was && !(s.dropped && strings.HasSuffix(key, " "+hw.AlertMissing)) && !strings.HasPrefix(key, "alert fru/") {
			t.Errorf("%s: %s is new: %q", s.what, key, is)
		}
	}
}

// excuses reports whether a health that differs is what the device now tells: a fault whose
// only row is lost; a fault told twice, of which the part that judges it is lost; a port held
// back that is told of its tree, since which port it is is not known; a port that a new
// collector cannot tell the power of, since whose row it is was not read.
func (s spoiled) excuses(c, was hw.Component) bool {
	held := was.State.Get("stp_inconsistent") != "" || c.State.Get("stp_inconsistent") != ""
	return held || s.fresh && was.State.Get("poe") == "fault" && c.State.Get("poe") == "" || s.dropped && was.Health > hw.OK || strings.HasPrefix(c.Path, "fru/") && slices.Equal(c.State, was.State)
}

// unsure reports whether an attribute says that it is not known, or says so much as is: the
// number of a bridge port, a time to the minute of a start that each visit finds anew.
func unsure(a hw.Attr) bool {
	return a.Value == "unknown" || strings.HasPrefix(a.Value, "#") || a.Key == "stp_inconsistent" || a.Key == "at"
}

// nothingWrong wants a report to tell nothing that the one of the whole device does not, and
// to say of which sections something is missing.
func nothingWrong(t *testing.T, s spoiled, whole, r report) {
	t.Helper()
	for path, c := range r.parts {
		was, ok := whole.parts[path]
		if !ok {
			t.Errorf("%s: %s is no part of the device: %+v", s.what, path, c)
			continue
		}
		if c.Health != hw.Unknown && c.Health != was.Health && !s.excuses(c, was) {
			t.Errorf("%s: %s is %v, was %v: %v %v", s.what, path, c.Health, was.Health, c.State, was.State)
		}
		for _, pair := range [][2]hw.Attrs{{c.State, was.State}, {c.Attrs, was.Attrs}} {
			for _, a := range pair[0] {
				if b := pair[1].Get(a.Key); a.Value != b && !unsure(a) {
					t.Errorf("%s: %s: %s is %q, was %q", s.what, path, a.Key, a.Value, b)
				}
			}
		}
	}
	for key, x := range r.samples {
		was, ok := whole.samples[key]
		if x.Absent == "" && (!ok || was.Absent != "" || x.Count != was.Count || x.Gauge != was.Gauge) {
			t.Errorf("%s: %s is %d %v, was %+v", s.what, key, x.Count, x.Gauge, was)
		}
	}
	for path, c := range whole.parts {
		if _, ok := r.parts[path]; !ok && !s.dropped && r.extent(t, c.Section) == hw.Complete {
			t.Errorf("%s: %s is gone, and %s is called complete", s.what, path, c.Section)
		}
	}
}

// A device that is silent for one subtree at a time, wherever that is: the rest is read and
// is what the whole device tells, and no alert comes or goes.
func TestSilentSubtreesTellNothingWrong(t *testing.T) {
	t.Parallel()
	for _, x := range subjects() {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			v := visiting(t, x.kind, recorded(t, text(x.rows(t))))
			v.target.Timeout = 60 * time.Millisecond
			s := v.watched()
			whole := v.all()
			var state hw.State
			state.Visit(whole.Report)
			before := kept(&state)
			rng := rand.New(rand.NewPCG(9, 9))
			for range 2 {
				tree := x.kind.Subtrees[rng.IntN(len(x.kind.Subtrees))]
				s.hold(tree, 0)
				r := v.all()
				state.Visit(r.Report)
				what := spoiled{what: "silent below " + tree}
				nothingWrong(t, what, whole, r)
				sameAlerts(t, what, before, kept(&state), r)
			}
		})
	}
}
