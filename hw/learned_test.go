package hw_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rackpost/hw"
)

func learning(at time.Duration, learned hw.Attrs) hw.Report {
	r := complete(at, component("fan/1", hw.OK))
	r.Learned = learned
	return r
}

func TestLearnedFacts(t *testing.T) {
	t.Parallel()
	pin := attrs("certificate", "b5bb9d80")
	both := attrs("certificate", "b5bb9d80", "session", "/s/1")
	many := hw.Attrs{}
	for i := range hw.MaxLearned + 1 {
		many = many.With(string(rune('a'+i)), "x")
	}
	failed := hw.Report{Device: "sw1", Started: noon.Add(minute), Read: []hw.Scope{{Section: "fast"}},
		Gaps: []hw.Gap{{What: hw.VisitGap, Reason: hw.AuthFailed}}, Learned: attrs("certificate", "b5bb9d80", "failed_logins", "1")}
	for _, c := range []struct {
		name   string
		before hw.Attrs
		then   hw.Report
		want   hw.Attrs // after it
		facts  int      // of this kind
	}{
		{"first", nil, learning(minute, both), both, 2},
		{"unchanged", both, learning(minute, both), both, 0},
		{"changed", both, learning(minute, attrs("certificate", "b5bb9d80", "session", "/s/2")), attrs("certificate", "b5bb9d80", "session", "/s/2"), 1},
		{"forgotten", both, learning(minute, pin), pin, 1},
		{"all forgotten", both, learning(minute, hw.Attrs{}), nil, 2},
		{"nothing said of it", both, learning(minute, nil), both, 0},
		{"a failed visit", pin, failed, failed.Learned, 1},
		{"half a pin is none", pin, learning(minute, hw.Attrs{{"certificate", strings.Repeat("x", 1025)}}), pin, 0},
		{"a pin that would be cleaned", pin, learning(minute, hw.Attrs{{"certificate", "a\x00"}}), pin, 0},
		{"an empty text", pin, learning(minute, hw.Attrs{{"certificate", ""}}), pin, 0},
		{"out of order", pin, learning(minute, hw.Attrs{{"z", "1"}, {"a", "2"}}), pin, 0},
		{"too many", pin, learning(minute, many), pin, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := after(learning(0, c.before))
			n := 0
			for _, f := range s.Visit(c.then) {
				if f.Kind == hw.LearnedFact {
					n++
				}
			}
			if d := cmp.Diff(c.want, s.Learned()); d != "" || n != c.facts {
				t.Errorf("%d facts, want %d; learned %s", n, c.facts, d)
			}
		})
	}
}

// TestLearnedRoundTrip: whatever is learned in whatever order, the state knows the last of it, and the same
// again writes nothing.
func TestLearnedRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, want := hw.State{}, hw.Attrs(nil)
		s.Set(hw.Fact{Kind: hw.ActFact, Component: "x", Group: "locate", Value: hw.ActValue{}})
		s.Set(hw.Fact{Kind: 9, Group: "later", Value: hw.Opaque{Kind: 9}})
		for i := range rapid.IntRange(1, 6).Draw(t, "visits") {
			var learned hw.Attrs
			for key, value := range rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c", "d"}), rapid.SampledFrom([]string{"1", "2"}), 0, 4).Draw(t, "learned") {
				learned = learned.With(key, value)
			}
			r := learning(time.Duration(i)*minute, learned)
			before := slices.Collect(s.All())
			facts := hw.Next(s, r)
			if !cmp.Equal(before, slices.Collect(s.All())) {
				t.Fatal("Next changed the state")
			}
			if learned != nil {
				want = learned
			}
			if got := s.Visit(r); !cmp.Equal(facts, got) {
				t.Fatal(cmp.Diff(facts, got))
			}
			if d := cmp.Diff(want, s.Learned()); d != "" {
				t.Fatal(d)
			}
			if again := hw.Next(s, r); len(again) > 0 {
				t.Fatalf("the same again wrote %v", again)
			}
		}
		for _, k := range []hw.RegisterKey{{hw.ActFact, "x", "locate"}, {9, "", "later"}} {
			if _, ok := s.Get(k); !ok {
				t.Fatalf("%v is gone", k)
			}
		}
	})
}

func TestLearnedUnchangedCostsNothing(t *testing.T) { // AllocsPerRun wants no test beside it
	with := learning(0, attrs("certificate", "b5bb9d80", "learned_at", "dell-idrac 192.0.2.1", "session", "/redfish/v1/SessionService/Sessions/1"))
	without := with
	without.Learned = nil
	s, plain := after(with), after(without)
	a := testing.AllocsPerRun(100, func() { s.Visit(with) })
	if b := testing.AllocsPerRun(100, func() { plain.Visit(without) }); a != b {
		t.Errorf("%v allocations with what was learned, %v without", a, b)
	}
}

func TestCheckSaid(t *testing.T) {
	t.Parallel()
	act := hw.Fact{Kind: hw.ActFact, Version: 1, Device: "srv", Component: "drive/1", Group: hw.ActGroup(hw.Locate, ""), At: noon,
		Value: hw.ActValue{Phase: hw.ActDone, On: true, Who: "操作员", Params: attrs("a", "b")}}
	with := func(change func(*hw.Fact)) hw.Fact { f := act; change(&f); return f }
	good := []hw.Fact{act,
		with(func(f *hw.Fact) { f.Device, f.Component = "", "" }),
		with(func(f *hw.Fact) { f.Removed, f.Value = true, nil }),
		with(func(f *hw.Fact) { f.Kind, f.Group, f.Value = hw.LearnedFact, "pin", hw.LearnedValue{Value: "x"} }),
		with(func(f *hw.Fact) { f.Group = hw.ActGroup(hw.ActAcknowledge, "health") }),
		with(func(f *hw.Fact) {
			f.Device, f.Kind, f.Group, f.Value = "", hw.AlertFact, "site-silent", hw.AlertValue{Open: true, Params: attrs("site", "FRA-3")}
		}),
	}
	for _, f := range good {
		if err := f.CheckSaid(); err != nil {
			t.Errorf("%+v: %v", f, err)
		}
	}
	long := strings.Repeat("x", 1025)
	for name, f := range map[string]hw.Fact{
		"a component":       with(func(f *hw.Fact) { f.Kind, f.Value = hw.ComponentFact, hw.ComponentValue{} }),
		"no value":          with(func(f *hw.Fact) { f.Value = nil }),
		"removed and not":   with(func(f *hw.Fact) { f.Removed = true }),
		"another's value":   with(func(f *hw.Fact) { f.Value = hw.LearnedValue{} }),
		"opaque":            with(func(f *hw.Fact) { f.Value = hw.Opaque{Kind: hw.ActFact} }),
		"no group":          with(func(f *hw.Fact) { f.Group = "" }),
		"a long group":      with(func(f *hw.Fact) { f.Group = long }),
		"a dirty component": with(func(f *hw.Fact) { f.Component = "a\x1b[2J" }),
		"a long text":       with(func(f *hw.Fact) { f.Value = hw.ActValue{Detail: long} }),
		"a dirty who":       with(func(f *hw.Fact) { f.Value = hw.ActValue{Who: "\xff"} }),
		"odd parameters":    with(func(f *hw.Fact) { f.Value = hw.ActValue{Params: hw.Attrs{{"b", "1"}, {"a", "2"}}} }),
		"a device's alert":  with(func(f *hw.Fact) { f.Kind, f.Value = hw.AlertFact, hw.AlertValue{Open: true} }),
		"an odd alert": with(func(f *hw.Fact) {
			f.Device, f.Kind, f.Value = "", hw.AlertFact, hw.AlertValue{Params: hw.Attrs{{"b", "1"}, {"a", "2"}}}
		}),
		"a dirty learned": with(func(f *hw.Fact) { f.Kind, f.Value = hw.LearnedFact, hw.LearnedValue{Value: "a\nb"} }),
	} {
		if f.CheckSaid() == nil {
			t.Errorf("%s was taken: %+v", name, f)
		}
	}
	if name, about := hw.CutAct("acknowledge#health"); name != hw.ActAcknowledge || about != "health" {
		t.Errorf("cut into %q and %q", name, about)
	}
	if name, about := hw.CutAct(hw.Locate); name != hw.Locate || about != "" {
		t.Errorf("cut into %q and %q", name, about)
	}
}
