package cisco_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/sim"
	"rackpost/hw"
)

func TestModelsAreReadWhole(t *testing.T) {
	t.Parallel()
	for _, model := range sim.Models() {
		t.Run(model, func(t *testing.T) {
			t.Parallel()
			d := modelled(t, model, sim.ModelOptions{})
			kind := catalyst
			if d.Kind() == asa.Name {
				kind = asa
			}
			v := visiting(t, kind, d)
			first := v.all()
			first.complete(t)
			if first.Unit == nil || first.Unit.Serial == "" || first.Unit.Model == "" || first.Unit.Version == "" || first.Unit.Name == "" {
				t.Errorf("the unit is not told: %+v", first.Unit)
			}
			for _, c := range first.Components {
				if c.Health != hw.OK {
					t.Errorf("%s of a healthy device is %v: %v", c.Path, c.Health, c.State)
				}
			}
			v.fast().complete(t)
		})
	}
}

// The requests of a visit to one switch are few and stay so.
func TestRequests(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, modelled(t, "catalyst-3750-48ps", sim.ModelOptions{Members: 1}))
	v.all()
	if r := v.fast(); r.Requests > 40 {
		t.Errorf("%d requests for the fast sections, at most 40", r.Requests)
	}
	if r := v.all(); r.Requests > 120 {
		t.Errorf("%d requests for all sections, at most 120", r.Requests)
	}
	if first := visiting(t, catalyst, v.device).all(); first.Requests > 120 {
		t.Errorf("%d requests for the first visit, at most 120", first.Requests)
	}
}

// Each visit reads each counter once: a poller that read twice would lose a number.
func TestEveryReadingIsKept(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, modelled(t, "catalyst-3750-48ps", sim.ModelOptions{}))
	for n := uint64(1); n <= 12; n++ {
		visit := v.fast
		if n%4 == 1 {
			visit = v.all
		}
		if n == 6 {
			v.fault("port-down", "Gi1/0/3") // labels are read again
		}
		if n == 8 {
			v.fault("member-lost", "2") // names are read again
		}
		if got := visit().count(t, "port/Gi1/0/1", "rx_unicast_packets_total").Count; got != n {
			t.Fatalf("visit %d holds reading %d", n, got)
		}
	}
	if given := v.device.Readings().Given; given != 12 {
		t.Errorf("%d readings were given in 12 visits", given)
	}
}

func TestStartStandsStill(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, modelled(t, "catalyst-3750-48ps", sim.ModelOptions{}))
	first := v.all()
	for range 3 {
		next := v.fast()
		for key, s := range next.samples {
			if was := first.samples[key]; s.Type == hw.Counter && s.StartMS != was.StartMS {
				t.Fatalf("%s: the start moved from %d to %d", key, was.StartMS, s.StartMS)
			}
		}
	}
	v.open() // the poller gave the collector up and made another
	start := first.count(t, "port/Gi1/0/1", "rx_bytes_total").StartMS
	if again := v.all().count(t, "port/Gi1/0/1", "rx_bytes_total"); again.StartMS != start {
		t.Errorf("a second collector has the start %d, the first had %d", again.StartMS, start)
	}
	if start == 0 {
		t.Error("the start is not known")
	}
}

func TestPortDown(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, modelled(t, "catalyst-3750-48ps", sim.ModelOptions{}))
	if c := v.all().part(t, "port/Gi1/0/1"); c.State.Get("oper") != "up" {
		t.Fatalf("Gi1/0/1 is %v before the fault", c.State)
	}
	v.fault("port-down", "Gi1/0/1")
	c := v.fast().part(t, "port/Gi1/0/1")
	if c.State.Get("oper") != "down" || c.State.Get("admin") != "up" || c.Health != hw.OK {
		t.Errorf("Gi1/0/1: %v, %v", c.Health, c.State)
	}
}

func TestSupplyFailed(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		kind  collectors.Kind
		model string
	}{{catalyst, "catalyst-3750-48ps"}, {asa, "asa-5525-failover"}} {
		v := visiting(t, x.kind, modelled(t, x.model, sim.ModelOptions{}))
		v.all()
		v.fault("psu-failed", "")
		var failed []string
		for _, c := range v.all().Components {
			if c.Health > hw.OK && strings.HasPrefix(c.Path, "psu/") {
				failed = append(failed, c.Path)
				if !c.Expected {
					t.Errorf("%s: %s is not expected", x.model, c.Path)
				}
			}
		}
		if len(failed) != 1 {
			t.Errorf("%s: failed supplies %q, want one", x.model, failed)
		}
	}
}

func TestMemberLost(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, modelled(t, "catalyst-3750-48ps", sim.ModelOptions{}))
	before := v.all()
	for _, m := range []string{"member/1", "member/2"} {
		if c := before.part(t, m); c.State.Get("state") != "ready" || !c.Expected || c.Health != hw.OK {
			t.Errorf("%s: %+v", m, c)
		}
	}
	if ring := before.part(t, "stack/ring"); ring.State.Get("redundant") != "yes" {
		t.Errorf("ring: %v", ring.State)
	}
	v.fault("member-lost", "2")
	after := v.all()
	if after.extent(t, "stack") != hw.Complete {
		t.Error("the stack was not read whole")
	}
	if c, still := after.parts["member/2"]; still {
		t.Errorf("the lost member is still there: %+v", c)
	}
	if _, ring := after.parts["stack/ring"]; ring {
		t.Error("a stack of one has a ring")
	}
	if after.Unit.Serial != before.Unit.Serial {
		t.Errorf("the unit was %s and is %s", before.Unit.Serial, after.Unit.Serial)
	}
}

// The loss of the member a stack is known by is not another unit.
func TestFirstMemberLost(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, modelled(t, "catalyst-3750-48ps", sim.ModelOptions{}))
	before := v.all()
	v.fault("member-lost", "1")
	after := v.all()
	if _, still := after.parts["member/1"]; still {
		t.Error("the lost member is still there")
	}
	if after.Unit.Serial != before.Unit.Serial {
		t.Errorf("the unit was %s and is %s", before.Unit.Serial, after.Unit.Serial)
	}
}

func TestFailover(t *testing.T) {
	t.Parallel()
	v := visiting(t, asa, modelled(t, "asa-5525-failover", sim.ModelOptions{}))
	before := v.all()
	if p, s := before.part(t, "failover/primary"), before.part(t, "failover/secondary"); p.State.Get("role") != "active" ||
		s.State.Get("role") != "standby" || p.State.Get("polled") != "yes" || s.State.Get("polled") != "" {
		t.Errorf("before: primary %v, secondary %v", p.State, s.State)
	}
	v.fault("failover", "")
	after := v.fast()
	if p, s := after.part(t, "failover/primary"), after.part(t, "failover/secondary"); s.State.Get("role") != "active" ||
		s.State.Get("polled") != "yes" || p.State.Get("polled") != "" {
		t.Errorf("after: primary %v, secondary %v", p.State, s.State)
	}
	if before.Unit.Serial == after.Unit.Serial {
		t.Errorf("both units have the serial %s", after.Unit.Serial)
	}
	if !after.Unit.Pair {
		t.Error("the pair does not say that it is one")
	}
	broken(t, before, after)
}

// broken wants every counter of two reports to have another start.
func broken(t *testing.T, before, after report) {
	t.Helper()
	counters := 0
	for key, s := range after.samples {
		was, had := before.samples[key]
		if s.Type != hw.Counter || s.Absent != "" || !had || was.Absent != "" {
			continue
		}
		counters++
		if s.StartMS == was.StartMS {
			t.Fatalf("%s: %d, then %d, under one start", key, was.Count, s.Count)
		}
	}
	if counters == 0 {
		t.Error("no counters in both reports")
	}
}

func TestReboot(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, modelled(t, "catalyst-3750-48ps", sim.ModelOptions{}))
	before := v.all()
	v.fault("reboot", "")
	after := v.fast()
	broken(t, before, after)
	if after.Unit.Uptime > time.Minute {
		t.Errorf("uptime %v after a reboot", after.Unit.Uptime)
	}
	if before.Unit.Serial != after.Unit.Serial {
		t.Errorf("a reboot changed the serial from %s to %s", before.Unit.Serial, after.Unit.Serial)
	}
}

func TestOtherUnit(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, modelled(t, "catalyst-3750-48ps", sim.ModelOptions{}))
	before := v.all()
	v.fault("other-unit", "")
	after := v.fast()
	if before.Unit.Serial == after.Unit.Serial {
		t.Errorf("both units have the serial %s", after.Unit.Serial)
	}
	broken(t, before, after)
}

// shifted is a clock that tests move.
type shifted struct{ by atomic.Int64 }

func (s *shifted) now() time.Time { return time.Now().Add(time.Duration(s.by.Load())) }

// Whatever wraps: two values under one start never fall.
func TestWrap(t *testing.T) {
	t.Parallel()
	var clock shifted
	v := visiting(t, catalyst, modelled(t, "catalyst-3750-48ps", sim.ModelOptions{Clock: clock.now}))
	v.all()
	v.fault("wrap", "15s")
	reports := []report{v.fast()}
	for range 3 {
		clock.by.Add(int64(10 * time.Second)) // within what a clock may be off
		reports = append(reports, v.fast())
	}
	fell := 0
	for i, r := range reports[1:] {
		for key, s := range r.samples {
			was := reports[i].samples[key]
			if s.Type != hw.Counter || s.Absent != "" || was.Absent != "" || s.Count >= was.Count {
				continue
			}
			fell++
			if s.StartMS == was.StartMS {
				t.Fatalf("%s fell from %d to %d under one start", key, was.Count, s.Count)
			}
		}
	}
	if fell == 0 {
		t.Error("nothing wrapped")
	}
}

func TestSilent(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, modelled(t, "catalyst-3750-48ps", sim.ModelOptions{}))
	v.target.Timeout = 50 * time.Millisecond
	v.open()
	v.all()
	v.fault("silent", "")
	r, err := v.collector.Collect(context.Background(), v.kind.Sections)
	var e *collectors.VisitError
	if !errors.As(err, &e) || e.Reason != hw.NoAnswer || r.Requests == 0 {
		t.Fatalf("error %v after %d requests, want a VisitError with %s after some", err, r.Requests, hw.NoAnswer)
	}
	v.fault("clear", "")
	v.all().complete(t)
}

// A visit that ran out of its time holds what was read, and names the rest.
func TestOutOfTime(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, modelled(t, "catalyst-3750-48ps", sim.ModelOptions{}))
	whole := v.all()
	v.fault("slow", "5ms") // some 70 requests are 350 ms
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	got, err := v.collector.Collect(ctx, v.kind.Sections)
	if err != nil {
		if collectors.ReasonOf(err) != hw.OutOfTime {
			t.Fatal(err)
		}
		return // a busy machine: nothing was read in time
	}
	r := index(t, got)
	if err := collectors.CheckReport(got); err != nil {
		t.Error(err)
	}
	if last := r.extent(t, "memory"); last != hw.Failed {
		t.Errorf("memory, read last, is %v", last)
	}
	for key, s := range r.samples {
		if s.Absent != "" && s.Absent != whole.samples[key].Absent && s.Absent != hw.OutOfTime && s.Absent != hw.Cancelled {
			t.Errorf("%s: %+v", key, s)
		}
	}
	for path := range r.parts {
		if _, ok := whole.parts[path]; !ok {
			t.Errorf("%s is invented", path)
		}
	}
	v.fault("clear", "")
	v.all().complete(t)
}

// What a genErr cuts off is missing and said to be; the rest is there.
func TestGenErr(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, modelled(t, "catalyst-3750-48ps", sim.ModelOptions{}))
	whole := v.all()
	v.fault("generr", "1.3.6.1.2.1.31.1.1.1.6")
	r := v.all()
	if r.extent(t, "ports") != hw.Partial {
		t.Error("ports were not read whole and are called complete")
	}
	if len(r.Gaps) != 1 || r.Gaps[0].What != "ports/ifHCInOctets" || r.Gaps[0].Reason != hw.DeviceError {
		t.Errorf("gaps: %+v", r.Gaps)
	}
	for key, s := range r.samples {
		if strings.HasPrefix(key, "port/") && strings.HasSuffix(key, "rx_bytes_total") && s.Absent != hw.DeviceError {
			t.Fatalf("%s: %+v", key, s)
		}
	}
	for path := range whole.parts {
		if _, ok := r.parts[path]; !ok {
			t.Errorf("%s is gone", path)
		}
	}
	v.fault("clear", "")
	v.all().complete(t)
}

// A cut table of names takes no port away and renames none.
func TestNamesCut(t *testing.T) {
	t.Parallel()
	d := modelled(t, "catalyst-3750-48ps", sim.ModelOptions{})
	whole := visiting(t, catalyst, d).all()
	v := visiting(t, catalyst, d)
	v.fault("generr", "1.3.6.1.2.1.31.1.1.1.1")
	r := v.all() // the first visit: nothing is known yet
	if r.extent(t, "ports") != hw.Partial {
		t.Error("ports without names are called complete")
	}
	for path := range r.parts {
		if _, ok := whole.parts[path]; !ok {
			t.Errorf("%s is invented", path)
		}
	}
	v.fault("clear", "")
	v.all().complete(t)
	v.fault("generr", "1.3.6.1.2.1.31.1.1.1.1")
	r = v.all() // now they are known
	for path := range whole.parts {
		if _, ok := r.parts[path]; !ok {
			t.Errorf("%s is gone", path)
		}
	}
}

func TestWrongKind(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		kind        collectors.Kind
		model, want string
	}{
		{asa, "catalyst-2960x", "use kind cisco-catalyst"},
		{catalyst, "asa-5525-failover", "use kind cisco-asa"},
	} {
		v := visiting(t, x.kind, modelled(t, x.model, sim.ModelOptions{}))
		wantWrongKind(t, v, x.want)
	}
	linux := []byte("1.3.6.1.2.1.1.1.0|4|Linux box 6.1\n1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.8072.3.2.10\n1.3.6.1.2.1.1.3.0|67|500\n")
	wantWrongKind(t, visiting(t, catalyst, recorded(t, linux)), "neither a Catalyst switch nor an ASA firewall")
	wantWrongKind(t, visiting(t, asa, recorded(t, linux)), "neither a Catalyst switch nor an ASA firewall")
}

func wantWrongKind(t *testing.T, v *visitor, hint string) {
	t.Helper()
	_, err := v.collector.Collect(context.Background(), v.kind.Sections)
	var e *collectors.VisitError
	if !errors.As(err, &e) || e.Reason != hw.WrongKind || !strings.Contains(e.Hint, hint) {
		t.Errorf("error %v, want %s and the hint %q", err, hw.WrongKind, hint)
	}
}
