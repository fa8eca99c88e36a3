package cisco_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gosnmp/gosnmp"

	"rackpost/collectors"
	"rackpost/collectors/sim"
	"rackpost/hw"
)

// snapshot returns the rows of a simulated device as they stand: a device that does not
// move can be compared with itself.
func snapshot(t testing.TB, model string, opt sim.ModelOptions) []string {
	t.Helper()
	d := modelled(t, model, opt)
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
	name string
	kind collectors.Kind
	rows func(t testing.TB) []string
}

func subjects() []subject {
	var all []subject
	for _, name := range everyRecording {
		kind := kindOf(name)
		all = append(all, subject{name, kind, func(t testing.TB) []string {
			return rowsOf(raw(t, name), append(slices.Clone(kind.Subtrees), "1.3.6.1.2.1.1", "1.3.6.1.6.3.10"))
		}})
	}
	for _, model := range sim.Models() {
		kind := catalyst
		if strings.HasPrefix(model, "asa") {
			kind = asa
		}
		all = append(all, subject{model, kind, func(t testing.TB) []string { return snapshot(t, model, sim.ModelOptions{}) }})
	}
	return all
}

const seeds = 30

func TestSpoiledDevicesTellNothingWrong(t *testing.T) {
	t.Parallel()
	for _, x := range subjects() {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			rows := x.rows(t)
			whole := visiting(t, x.kind, recorded(t, text(rows))).all()
			for seed := range uint64(seeds) {
				rng := rand.New(rand.NewPCG(seed, 1))
				s := spoiling{corrupt: 5}
				if seed%2 == 0 {
					s = spoiling{drop: 10, only: func(oid string) bool { return !namesRows(oid) }}
				}
				r := visiting(t, x.kind, recorded(t, text(s.spoil(rows, rng)))).all()
				nothingWrong(t, fmt.Sprintf("seed %d drop %d", seed, s.drop), whole, r)
			}
		})
	}
}

// nothingWrong wants a report to tell nothing that the one of the whole device does not.
func nothingWrong(t *testing.T, what string, whole, r report) {
	t.Helper()
	for path, c := range r.parts {
		was, ok := whole.parts[path]
		if !ok {
			t.Errorf("%s: %s is no part of the device: %+v", what, path, c)
			continue
		}
		if c.Health != hw.Unknown && c.Health != was.Health {
			t.Errorf("%s: %s is %v, was %v: %v %v", what, path, c.Health, was.Health, c.State, was.State)
		}
		for _, pair := range [][2]hw.Attrs{{c.State, was.State}, {c.Attrs, was.Attrs}} {
			for _, a := range pair[0] {
				numbered := strings.HasPrefix(a.Value, "#") // a bridge port whose interface the device does not tell
				if b := pair[1].Get(a.Key); a.Value != b && !numbered {
					t.Errorf("%s: %s: %s is %q, was %q", what, path, a.Key, a.Value, b)
				}
			}
		}
	}
	for key, s := range r.samples {
		was, ok := whole.samples[key]
		if s.Absent == "" && (!ok || was.Absent != "" || s.Count != was.Count || s.Gauge != was.Gauge) {
			t.Errorf("%s: %s is %d %v, was %+v", what, key, s.Count, s.Gauge, was)
		}
	}
}
