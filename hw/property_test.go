package hw_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rackpost/hw"
)

var (
	sections = []string{"fast", "slow"}
	paths    = []string{"port/1", "port/2", "psu/1", "unit/A/fan", "unit/B/fan", "bad\xff"}
	codes    = []string{"raid-level", "battery", hw.AlertHealth, "bad\xff"}
	reasons  = []hw.Reason{hw.NoAnswer, hw.Garbage, hw.Cancelled, hw.Missed, hw.DeviceError}
)

func anyComponent(t *rapid.T) hw.Component {
	c := hw.Component{
		Path:     rapid.SampledFrom(paths).Draw(t, "path"),
		Section:  rapid.SampledFrom(sections).Draw(t, "section"),
		Health:   hw.Health(rapid.IntRange(0, 3).Draw(t, "health")),
		Expected: rapid.Bool().Draw(t, "expected"),
	}
	if strings.HasPrefix(c.Path, "port/") {
		c.State = attrs("admin", rapid.SampledFrom([]string{"up", "down"}).Draw(t, "admin"),
			"oper", rapid.SampledFrom([]string{"up", "down", "unknown"}).Draw(t, "oper"))
		c.Attrs = attrs("alias", rapid.SampledFrom([]string{"", "core"}).Draw(t, "alias"))
	}
	return c
}

func anyVerdict(t *rapid.T) hw.Verdict {
	return hw.Verdict{
		Component: rapid.SampledFrom(paths).Draw(t, "path"),
		Section:   rapid.SampledFrom(sections).Draw(t, "section"),
		Code:      rapid.SampledFrom(codes).Draw(t, "code"),
		Level:     hw.Level(rapid.IntRange(0, 5).Draw(t, "level")),
		Params:    attrs("level", rapid.SampledFrom([]string{"", "raid5", "\x00"}).Draw(t, "param")),
		Within:    time.Duration(rapid.SampledFrom([]int{-1, 0, 0, 5, 1 << 40}).Draw(t, "within")) * minute / 2,
		Late:      hw.Level(rapid.IntRange(0, 5).Draw(t, "late")),
	}
}

func anyGap(t *rapid.T) hw.Gap {
	g := hw.Gap{
		What:   rapid.SampledFrom([]string{hw.VisitGap, "fast", "slow", "fast/ifTable", "slow/x"}).Draw(t, "what"),
		Reason: rapid.SampledFrom(reasons).Draw(t, "reason"),
	}
	if rapid.Bool().Draw(t, "from") {
		g.From = noon.Add(time.Duration(rapid.IntRange(-60, 60).Draw(t, "from_minutes")) * minute)
	}
	if rapid.IntRange(0, 3).Draw(t, "to") == 0 {
		g.To = noon.Add(time.Duration(rapid.IntRange(-60, 60).Draw(t, "to_minutes")) * minute)
	}
	return g
}

func anyReport(t *rapid.T, at time.Time) hw.Report {
	r := hw.Report{Device: "sw1", Started: at}
	for _, section := range sections {
		if rapid.IntRange(0, 3).Draw(t, "due") > 0 {
			r.Read = append(r.Read, hw.Scope{Section: section, Extent: hw.Extent(rapid.IntRange(0, 2).Draw(t, "extent"))})
		}
	}
	r.Components = rapid.SliceOfN(rapid.Custom(anyComponent), 0, 6).Draw(t, "components")
	r.Verdicts = rapid.SliceOfN(rapid.Custom(anyVerdict), 0, 5).Draw(t, "verdicts")
	r.Gaps = rapid.SliceOfN(rapid.Custom(anyGap), 0, 3).Draw(t, "gaps")
	if serial := rapid.SampledFrom([]string{"none", "", "A", "B", "C"}).Draw(t, "serial"); serial != "none" {
		r.Unit = &hw.Unit{Serial: serial, Name: "sw1"}
	}
	r.Samples = []hw.Sample{{Component: "port/1", Sensor: "rx_bytes_total", Type: hw.Counter,
		StartMS: int64(rapid.IntRange(0, 1).Draw(t, "start")) * noon.UnixMilli()}}
	return r
}

// history draws a state after some visits, and the time of the next; now and then the clock
// jumps, and now and then a report comes many times in turn with another, so that it flaps.
func history(t *rapid.T) (*hw.State, time.Time) {
	s, at := &hw.State{}, noon
	visit := func(r hw.Report) {
		at = at.Add(time.Duration(rapid.SampledFrom([]int{30, 60, 60, 1800, -600, -1 << 28}).Draw(t, "step")) * time.Second)
		r.Started = at
		s.Visit(r)
	}
	for range rapid.IntRange(0, 4).Draw(t, "visits") {
		a := anyReport(t, at)
		visit(a)
		if rapid.IntRange(0, 3).Draw(t, "flap") > 0 {
			continue
		}
		b := anyReport(t, at)
		for range 13 {
			b.Started = at.Add(30 * time.Second)
			s.Visit(b)
			at = at.Add(time.Minute)
			a.Started = at
			s.Visit(a)
		}
	}
	return s, at.Add(minute)
}

func registers(s *hw.State) []hw.Fact { return slices.Collect(s.All()) }

func TestNeverLosesAGap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, at := history(t)
		r := anyReport(t, at)
		facts := s.Visit(r)
		for _, g := range r.Gaps {
			covers := func(f hw.Fact) bool {
				x, ok := f.Value.(hw.GapValue)
				if !ok || x.Reason != g.Reason || strings.TrimRight(strings.TrimSuffix(f.Group, string(g.Reason)), "#|") != g.What {
					return false
				}
				if g.To.IsZero() {
					return x.To.IsZero()
				}
				return !x.To.IsZero() && !x.To.Before(g.To) && (g.From.IsZero() || x.From.Equal(g.From))
			}
			if !slices.ContainsFunc(registers(s), covers) && !slices.ContainsFunc(facts, covers) {
				t.Fatalf("gap %+v is not in %v", g, words(registers(s)))
			}
		}
		for _, f := range registers(s) {
			if g, ok := f.Value.(hw.GapValue); ok && (g.From.IsZero() || !g.To.IsZero() && g.To.Before(g.From)) {
				t.Fatalf("gap %s from %v to %v", f.Group, g.From, g.To)
			}
			if a, ok := f.Value.(hw.AlertValue); ok && !a.Open && a.Closed.Before(a.Since) {
				t.Fatalf("alert %s since %v, closed %v", f.Group, a.Since, a.Closed)
			}
		}
	})
}

// saidOK tells whether a report says that a path is well.
func saidOK(r hw.Report, path string) bool {
	return slices.ContainsFunc(r.Components, func(c hw.Component) bool {
		return strings.ToValidUTF8(c.Path, "\ufffd") == path && c.Health == hw.OK
	})
}

func TestUnknownIsNeverOK(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, at := history(t)
		r := anyReport(t, at)
		for _, f := range hw.Next(*s, r) {
			switch x := f.Value.(type) {
			case hw.ComponentValue:
				// The absence of a part that flaps is written with the healths it was read with.
				if x.Health == hw.OK && x.Flaps == 0 && !saidOK(r, f.Component) {
					t.Fatalf("%s became ok, and the report did not say so", f.Component)
				}
			case hw.AlertValue:
				if f.Group == hw.AlertHealth && !x.Open && x.Params.Get("reason") != "removed" && !saidOK(r, f.Component) {
					t.Fatalf("the alert of %s was closed without ok", f.Component)
				}
			}
		}
	})
}

func TestNextIsPure(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, at := history(t)
		r := anyReport(t, at)
		before, report := registers(s), fmt.Sprintf("%+v", r)
		first := hw.Next(*s, r)
		if d := cmp.Diff(first, hw.Next(*s, r)); d != "" {
			t.Fatalf("the second time: %s", d)
		}
		if d := cmp.Diff(before, registers(s)); d != "" {
			t.Fatalf("the state was changed: %s", d)
		}
		if fmt.Sprintf("%+v", r) != report {
			t.Fatal("the report was changed")
		}
		if d := cmp.Diff(first, s.Visit(r)); d != "" {
			t.Fatalf("visit: %s", d)
		}
	})
}

func TestTheOrderOfRegistersDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, at := history(t)
		all := registers(s)
		var a, b hw.State
		for _, f := range all {
			a.Set(f)
		}
		for _, f := range rapid.Permutation(all).Draw(t, "order") {
			b.Set(f)
		}
		r := anyReport(t, at)
		if d := cmp.Diff(a.Visit(r), b.Visit(r)); d != "" {
			t.Fatal(d)
		}
		if d := cmp.Diff(registers(&a), registers(&b)); d != "" {
			t.Fatal(d)
		}
	})
}

func TestOnlyACompleteScopeRemoves(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, at := history(t)
		r := anyReport(t, at)
		facts := hw.Next(*s, r)
		for _, f := range facts {
			x, _ := f.Value.(hw.ComponentValue)
			scope := slices.IndexFunc(r.Read, func(x hw.Scope) bool { return x.Section == f.Group && x.Extent == hw.Complete })
			if f.Kind == hw.ComponentFact && (f.Removed || x.Missing) && scope < 0 {
				t.Fatalf("%s of %s is gone: %v", f.Component, f.Group, r.Read)
			}
			a, _ := f.Value.(hw.AlertValue)
			if a.Params.Get("reason") == "removed" && !slices.ContainsFunc(r.Read, func(x hw.Scope) bool { return x.Extent == hw.Complete }) {
				t.Fatalf("alert %s of %s closed as removed", f.Group, f.Component)
			}
		}
		for _, f := range registers(s) {
			read := slices.ContainsFunc(r.Components, func(c hw.Component) bool {
				return c.Section == f.Group && strings.ToValidUTF8(c.Path, "\ufffd") == f.Component
			})
			changed := slices.ContainsFunc(facts, func(x hw.Fact) bool { return x.Register() == f.Register() })
			if f.Kind == hw.ComponentFact && changed && !read && !slices.Contains(r.Read, hw.Scope{Section: f.Group, Extent: hw.Complete}) {
				t.Fatalf("%s of %s was not read and changed", f.Component, f.Group)
			}
		}
	})
}

func TestANewUnitBreaksCounters(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, at := history(t)
		r := anyReport(t, at)
		old, _ := s.Unit()
		got := hw.Normalise(*s, r)
		if r.Unit != nil && r.Unit.Serial != "" && old.Serial != "" && r.Unit.Serial != old.Serial && got.Samples[0].StartMS < at.UnixMilli() {
			t.Fatalf("the unit changed at %d, its counter starts at %d", at.UnixMilli(), got.Samples[0].StartMS)
		}
		if d := cmp.Diff(hw.Next(*s, r), hw.Next(*s, got)); d != "" {
			t.Fatalf("normalised reports say other facts: %s", d)
		}
	})
}

// A report that comes twice says nothing new, but for two things: the second silent one makes
// the device unreachable, and of several finished gaps with one name and reason the register
// holds the last only, so that each is written again.
func TestTheSameReportTwice(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, at := history(t)
		r := anyReport(t, at)
		s.Visit(r)
		for _, f := range s.Visit(r) {
			if f.Group != hw.AlertUnreachable && !strings.Contains(f.Group, "#") {
				t.Fatalf("said again: %v", words([]hw.Fact{f}))
			}
		}
	})
}

func TestFactsFoldToTheState(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var s, fold hw.State
		at := noon
		for range rapid.IntRange(1, 8).Draw(t, "visits") {
			r := anyReport(t, at)
			at = at.Add(minute)
			facts := s.Visit(r)
			if n, most := len(facts), 5*(len(r.Components)+len(paths)*len(sections))+len(r.Verdicts)+len(paths)*len(codes)+3*len(r.Gaps)+20; n > most {
				t.Fatalf("%d facts of a report that may say %d", n, most)
			}
			for _, f := range facts {
				fold.Set(f)
			}
		}
		if d := cmp.Diff(registers(&s), registers(&fold)); d != "" {
			t.Fatal(d)
		}
	})
}
