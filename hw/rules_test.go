package hw_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/hw"
)

func TestAlertHealth(t *testing.T) {
	t.Parallel()
	in := func(section string, h hw.Health) hw.Component {
		return hw.Component{Path: "fan/1", Section: section, Health: h}
	}
	visit := func(c ...hw.Component) hw.Report { return read(0, hw.Partial, c...) }
	for _, c := range []struct {
		name  string
		steps []hw.Report
		level hw.Level // 0: not open
	}{
		{"critical", []hw.Report{visit(in("a", hw.Critical))}, hw.LevelHigh},
		{"warning", []hw.Report{visit(in("a", hw.Warning))}, hw.LevelAverage},
		{"unknown opens none", []hw.Report{visit(in("a", hw.Unknown))}, 0},
		{"worse", []hw.Report{visit(in("a", hw.Warning)), visit(in("a", hw.Critical))}, hw.LevelHigh},
		{"better", []hw.Report{visit(in("a", hw.Critical)), visit(in("a", hw.Warning))}, hw.LevelAverage},
		{"ok", []hw.Report{visit(in("a", hw.Critical)), visit(in("a", hw.OK))}, 0},
		{"unknown closes none", []hw.Report{visit(in("a", hw.Critical)), visit(in("a", hw.Unknown))}, hw.LevelHigh},
		{"unknown, then ok", []hw.Report{visit(in("a", hw.Critical)), visit(in("a", hw.Unknown)), visit(in("a", hw.OK))}, 0},
		{"ok of another section", []hw.Report{visit(in("a", hw.Critical)), visit(in("b", hw.OK))}, hw.LevelHigh},
		{"ok of another section while unknown", []hw.Report{visit(in("a", hw.Critical)), visit(in("a", hw.Unknown)), visit(in("b", hw.OK))}, hw.LevelHigh},
		{"worse in another section", []hw.Report{visit(in("a", hw.Warning), in("b", hw.Critical))}, hw.LevelHigh},
		{"handed to another section", []hw.Report{visit(in("a", hw.Critical), in("b", hw.Warning)), visit(in("a", hw.OK))}, hw.LevelAverage},
		{"handed on and closed", []hw.Report{visit(in("a", hw.Critical), in("b", hw.Warning)), visit(in("a", hw.OK)), visit(in("b", hw.OK))}, 0},
		{"less of another section", []hw.Report{visit(in("a", hw.Critical)), visit(in("b", hw.Warning))}, hw.LevelHigh},
		{"better, but worse in another", []hw.Report{visit(in("a", hw.Critical)), visit(in("b", hw.Critical)), visit(in("a", hw.Warning))}, hw.LevelHigh},
		{"the section that raised it sees it no more", []hw.Report{visit(in("fast", hw.Critical), in("b", hw.OK)), complete(0)}, 0},
		{"removed, but faulty in another", []hw.Report{visit(in("fast", hw.Critical), in("b", hw.Warning)), complete(0)}, hw.LevelAverage},
		{"removed in another", []hw.Report{visit(in("fast", hw.OK), in("b", hw.Warning)), complete(0)}, hw.LevelAverage},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &hw.State{}
			for i, r := range c.steps {
				r.Started = noon.Add(time.Duration(i) * minute)
				s.Visit(r)
			}
			a := alert(s, "fan/1", hw.AlertHealth)
			if a.Open != (c.level > 0) || a.Open && (a.Level != c.level || !a.Since.Equal(noon)) {
				t.Errorf("got %+v", a)
			}
			if !a.Open && !a.Since.IsZero() && !a.Closed.Equal(noon.Add(time.Duration(len(c.steps)-1)*minute)) {
				t.Errorf("closed at %v", a.Closed)
			}
		})
	}
}

func TestRemovedClosesWithItsReason(t *testing.T) {
	t.Parallel()
	s := after(complete(0, component("fan/1", hw.Critical)), complete(minute))
	want := hw.AlertValue{Level: hw.LevelHigh, Since: noon, Closed: noon.Add(minute), Params: attrs("reason", "removed", "section", "fast")}
	if d := cmp.Diff(want, alert(s, "fan/1", hw.AlertHealth)); d != "" {
		t.Error(d)
	}
}

func TestAlertLinkDown(t *testing.T) {
	t.Parallel()
	p := func(admin, oper string) hw.Component { return port("Gi1", admin, oper, "to core") }
	other := p("up", "up")
	other.Path = "tunnel/1"
	otherDown := p("up", "down")
	otherDown.Path = "tunnel/1"
	for _, c := range []struct {
		name  string
		steps []hw.Component
		open  bool
	}{
		{"lost", []hw.Component{p("up", "up"), p("up", "down")}, true},
		{"lost below", []hw.Component{p("up", "up"), p("up", "lowerLayerDown")}, true},
		{"never up", []hw.Component{p("up", "down"), p("up", "down")}, false},
		{"first sight", []hw.Component{p("up", "down")}, false},
		{"back", []hw.Component{p("up", "up"), p("up", "down"), p("up", "up")}, false},
		{"shut", []hw.Component{p("up", "up"), p("down", "down")}, false},
		{"lost, then shut", []hw.Component{p("up", "up"), p("up", "down"), p("down", "down")}, false},
		{"not told is not down", []hw.Component{p("up", "up"), p("up", "unknown"), p("up", "")}, false},
		{"lost while not told", []hw.Component{p("up", "up"), p("up", "unknown"), p("up", "down")}, true},
		{"not told is not up", []hw.Component{p("up", "up"), p("up", "down"), p("up", "unknown")}, true},
		{"nobody described it", []hw.Component{port("Gi1", "up", "up", ""), port("Gi1", "up", "down", "")}, false},
		{"not a port", []hw.Component{other, otherDown}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &hw.State{}
			for i, x := range c.steps {
				s.Visit(complete(time.Duration(i)*minute, x))
			}
			a := alert(s, c.steps[0].Path, hw.AlertLinkDown)
			if a.Open != c.open || a.Open && (a.Level != hw.LevelWarning || a.Params.Get("alias") != "to core") {
				t.Errorf("got %+v", a)
			}
			s.Visit(complete(time.Hour))
			if alert(s, c.steps[0].Path, hw.AlertLinkDown).Open {
				t.Error("open after the port was removed")
			}
		})
	}
}

// Two sections may tell of one port; the one that lost the link closes its alert.
func TestAlertLinkDownOfTwoSections(t *testing.T) {
	t.Parallel()
	up, down := port("Gi1", "up", "up", "core"), port("Gi1", "up", "down", "core")
	slow := up
	slow.Section = "slow"
	s := after(read(0, hw.Partial, up, slow), read(0, hw.Partial, down, slow))
	if !alert(s, "port/Gi1", hw.AlertLinkDown).Open {
		t.Error("closed by another section")
	}
	wantWords(t, s.Visit(read(0, hw.Partial, down, slow)))
	s.Visit(read(0, hw.Partial, up, slow))
	if alert(s, "port/Gi1", hw.AlertLinkDown).Open {
		t.Error("open still")
	}
}

func TestAlertUnreachable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		steps []hw.Report
		open  bool
	}{
		{"once", []hw.Report{silent(0, hw.NoAnswer)}, false},
		{"twice", []hw.Report{silent(0, hw.NoAnswer), silent(0, hw.NoAnswer)}, true},
		{"twice, for another reason", []hw.Report{silent(0, hw.NoAnswer), silent(0, hw.AuthFailed)}, true},
		{"answered between", []hw.Report{silent(0, hw.NoAnswer), read(0, hw.Partial), silent(0, hw.NoAnswer)}, false},
		{"answered", []hw.Report{silent(0, hw.NoAnswer), silent(0, hw.NoAnswer), read(0, hw.Partial)}, false},
		{"identified", []hw.Report{silent(0, hw.NoAnswer), withUnit(silent(0, hw.NoAnswer), hw.Unit{Serial: "A"})}, false},
		{"we stopped", []hw.Report{silent(0, hw.Cancelled), silent(0, hw.NoAnswer)}, false},
		{"not a word said", []hw.Report{read(0, hw.Failed), read(0, hw.Failed)}, true},
		{"said of the section", []hw.Report{withGaps(read(0, hw.Failed), hw.Gap{What: "fast", Reason: hw.NoAnswer}), silent(0, hw.NoAnswer)}, true},
		{"an error is an answer", []hw.Report{withGaps(read(0, hw.Failed), hw.Gap{What: "fast", Reason: hw.DeviceError}), silent(0, hw.NoAnswer)}, false},
		{"the box was down", []hw.Report{silent(0, hw.NoAnswer), {Gaps: []hw.Gap{{What: hw.VisitGap, Reason: hw.ApplianceDown, From: noon, To: noon.Add(minute)}}}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := after(c.steps...)
			if a := alert(s, "", hw.AlertUnreachable); a.Open != c.open || a.Open && a.Level != hw.LevelHigh {
				t.Errorf("got %+v", a)
			}
		})
	}
}

func TestUnit(t *testing.T) {
	t.Parallel()
	a := hw.Unit{Serial: "A", Model: "3750", Version: "12.2", Name: "sw1", Uptime: time.Hour}
	b := a
	b.Serial = "B"
	upgraded := a
	upgraded.Version = "15.0"
	s := &hw.State{}
	visit := func(after time.Duration, u hw.Unit, want ...string) {
		t.Helper()
		wantWords(t, s.Visit(withUnit(complete(after), u)), want...)
	}
	visit(0, a, " unit")
	a.Uptime = 2 * time.Hour
	visit(1*minute, a)
	visit(2*minute, hw.Unit{})
	visit(3*minute, upgraded, " unit")
	visit(4*minute, b, " unit", " alert unit-changed average")
	want := hw.UnitValue{Serial: "B", Model: "3750", Version: "12.2", Name: "sw1", Since: noon.Add(4 * minute), Previous: "A"}
	if got, _ := s.Unit(); got != want {
		t.Errorf("got %+v", got)
	}
	visit(5*minute, hw.Unit{Serial: "C"}, " unit", " alert unit-changed average")
	if got := alert(s, "", hw.AlertUnitChanged); !cmp.Equal(got.Params, attrs("new", "C", "old", "A")) || !got.Since.Equal(noon.Add(4*minute)) {
		t.Errorf("got %+v", got)
	}
	visit(6*minute, a, " unit", " alert unit-changed average closed")
}

// A failover pair is one device: when its other unit answers that is told, and no alarm.
func TestUnitOfAPair(t *testing.T) {
	t.Parallel()
	s := after(withUnit(complete(0), hw.Unit{Serial: "A", Pair: true}))
	wantWords(t, s.Visit(withUnit(complete(minute), hw.Unit{Serial: "B", Pair: true})), " unit")
	if got, _ := s.Unit(); got.Serial != "B" || got.Previous != "A" {
		t.Errorf("got %+v", got)
	}
	wantWords(t, s.Visit(withUnit(complete(2*minute), hw.Unit{Serial: "C"})), " unit", " alert unit-changed average")
}

func TestUnitLearnsItsSerial(t *testing.T) {
	t.Parallel()
	s := after(withUnit(complete(0), hw.Unit{Name: "sw1"}))
	wantWords(t, s.Visit(withUnit(complete(minute), hw.Unit{Serial: "A"})), " unit")
	if got, _ := s.Unit(); got != (hw.UnitValue{Serial: "A", Name: "sw1", Since: noon.Add(minute)}) {
		t.Errorf("got %+v", got)
	}
}

// A part named by its position stays expected when the unit is replaced; one named by the
// serial of the old unit is gone with it, in whatever later visit its section is read.
func TestUnitReplacedTakesItsOwnParts(t *testing.T) {
	t.Parallel()
	a, b := hw.Unit{Serial: "A"}, hw.Unit{Serial: "B"}
	parts := []hw.Component{expected(component("member/2", hw.OK)), expected(component("unit/A/fan/1", hw.OK))}

	s := after(withUnit(complete(0, parts...), a))
	wantWords(t, s.Visit(withUnit(complete(minute), b)), " unit", " alert unit-changed average",
		"member/2 fast critical missing", "unit/A/fan/1 fast removed", "member/2 alert missing high")

	s = after(withUnit(complete(0, parts...), a), withUnit(read(minute, hw.Partial), b))
	wantWords(t, s.Visit(withUnit(complete(2*minute), b)),
		"member/2 fast critical missing", "unit/A/fan/1 fast removed", "member/2 alert missing high")

	s = after(withUnit(complete(0, parts...), a))
	wantWords(t, s.Visit(withUnit(complete(minute, parts[0]), a)), "unit/A/fan/1 fast critical missing", "unit/A/fan/1 alert missing high")
}

func TestNormaliseBreaksCountersOfANewUnit(t *testing.T) {
	t.Parallel()
	swap := noon.Add(minute)
	s := after(withUnit(complete(0), hw.Unit{Serial: "A"}))
	samples := func() []hw.Sample {
		return []hw.Sample{
			{Component: "port/1", Sensor: "rx_bytes_total", Type: hw.Counter, Count: 5},
			{Component: "port/1", Sensor: "tx_bytes_total", Type: hw.Counter, Count: 5, StartMS: noon.UnixMilli()},
			{Component: "port/1", Sensor: "late_total", Type: hw.Counter, Count: 5, StartMS: swap.UnixMilli() + 7},
			{Component: "port/1", Sensor: "inlet_celsius", Gauge: 20},
		}
	}
	broken := samples()
	broken[0].StartMS, broken[1].StartMS = swap.UnixMilli(), swap.UnixMilli()

	check := func(name string, after time.Duration, u *hw.Unit, want []hw.Sample) {
		t.Helper()
		r := complete(after)
		r.Unit, r.Samples = u, samples()
		got := hw.Normalise(*s, r)
		if d := cmp.Diff(want, got.Samples); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if d := cmp.Diff(samples(), r.Samples); d != "" {
			t.Errorf("%s: the report itself was changed: %s", name, d)
		}
		s.Visit(got)
	}
	check("the same unit", 0, &hw.Unit{Serial: "A"}, samples())
	check("not identified", 0, nil, samples())
	check("another unit", minute, &hw.Unit{Serial: "B"}, broken)
	check("its counters in a later visit", 2*minute, nil, broken)
}

func TestNormaliseCopiesOnlyToChange(t *testing.T) {
	t.Parallel()
	r := complete(0)
	r.Samples = []hw.Sample{{Component: "port/1", Sensor: "rx_bytes_total", Type: hw.Counter}}
	if got := hw.Normalise(hw.State{}, r); &got.Samples[0] != &r.Samples[0] {
		t.Error("copied without need")
	}
	r.Samples[0].Component = "port/\xff"
	if got := hw.Normalise(hw.State{}, r); got.Samples[0].Component != "port/\ufffd" || r.Samples[0].Component != "port/\xff" {
		t.Errorf("got %q, report %q", got.Samples[0].Component, r.Samples[0].Component)
	}
}
