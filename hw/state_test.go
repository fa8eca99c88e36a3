package hw_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/hw"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const minute = time.Minute

func component(path string, h hw.Health, state ...string) hw.Component {
	return hw.Component{Path: path, Section: "fast", Health: h, State: attrs(state...)}
}

func attrs(kv ...string) hw.Attrs {
	var a hw.Attrs
	for i := 0; i+1 < len(kv); i += 2 {
		a = a.With(kv[i], kv[i+1])
	}
	return a
}

func expected(c hw.Component) hw.Component {
	c.Expected = true
	return c
}

func port(name, admin, oper, alias string) hw.Component {
	c := component("port/"+name, hw.Unknown, "admin", admin, "oper", oper)
	c.Attrs = attrs("alias", alias)
	return c
}

// read is a visit after noon that read the section fast as far as extent.
func read(after time.Duration, extent hw.Extent, c ...hw.Component) hw.Report {
	return hw.Report{Device: "sw1", Started: noon.Add(after), Read: []hw.Scope{{Section: "fast", Extent: extent}}, Components: c}
}

func complete(after time.Duration, c ...hw.Component) hw.Report {
	return read(after, hw.Complete, c...)
}

func silent(after time.Duration, why hw.Reason) hw.Report {
	r := read(after, hw.Failed)
	r.Gaps = []hw.Gap{{What: hw.VisitGap, Reason: why}}
	return r
}

func withUnit(r hw.Report, u hw.Unit) hw.Report {
	r.Unit = &u
	return r
}

func withGaps(r hw.Report, g ...hw.Gap) hw.Report {
	r.Gaps = g
	return r
}

func after(r ...hw.Report) *hw.State {
	s := &hw.State{}
	for _, x := range r {
		s.Visit(x)
	}
	return s
}

func part(t *testing.T, s *hw.State, path string) hw.ComponentValue {
	t.Helper()
	f, ok := s.Get(hw.RegisterKey{Kind: hw.ComponentFact, Component: path, Group: "fast"})
	if !ok {
		t.Fatalf("no register of %s", path)
	}
	return f.Value.(hw.ComponentValue)
}

func alert(s *hw.State, component, code string) hw.AlertValue {
	f, _ := s.Get(hw.RegisterKey{Kind: hw.AlertFact, Component: component, Group: code})
	a, _ := f.Value.(hw.AlertValue)
	return a
}

func gap(s *hw.State, group string) hw.GapValue {
	f, _ := s.Get(hw.RegisterKey{Kind: hw.GapFact, Group: group})
	g, _ := f.Value.(hw.GapValue)
	return g
}

// words says what a list of facts sets, one text each.
func words(facts []hw.Fact) []string {
	var w []string
	for _, f := range facts {
		s := f.Component + " " + f.Group
		switch x := f.Value.(type) {
		case nil:
			s += " removed"
		case hw.ComponentValue:
			s += " " + x.Health.String()
			if x.Missing {
				s += " missing"
			}
			if x.Flaps > 0 {
				s += " flapping"
			}
		case hw.AlertValue:
			s = f.Component + " alert " + f.Group + " " + x.Level.String()
			if !x.Open {
				s += " closed"
			}
		case hw.GapValue:
			s = "gap " + f.Group + " " + string(x.Reason)
			if !x.To.IsZero() {
				s += " over"
			}
		}
		w = append(w, s)
	}
	return w
}

func wantWords(t *testing.T, got []hw.Fact, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, words(got)); d != "" {
		t.Errorf("facts (-want +got):\n%s", d)
	}
}

func TestStateOrder(t *testing.T) {
	t.Parallel()
	s := after(complete(0, component("c", hw.OK), component("a", hw.Critical), component("b", hw.OK)))
	wantWords(t, slices.Collect(s.All()), "a fast critical", "b fast ok", "c fast ok", "a alert health high")
	s.Visit(complete(minute, component("c", hw.OK), component("b", hw.OK)))
	wantWords(t, slices.Collect(s.All()), "b fast ok", "c fast ok", "a alert health high closed")
	if _, ok := s.Get(hw.RegisterKey{Kind: hw.ComponentFact, Component: "a", Group: "fast"}); ok {
		t.Error("a removed register is still there")
	}
}

func TestStateTakesRegistersFromTheStore(t *testing.T) {
	t.Parallel()
	first := after(complete(0, component("a", hw.OK), expected(component("b", hw.OK))))
	var s hw.State
	for f := range first.All() {
		s.Set(f)
	}
	wantWords(t, s.Visit(complete(minute, component("a", hw.OK))), "b fast critical missing", "b alert missing high")
	s.Set(hw.Fact{Kind: hw.ComponentFact, Component: "b", Group: "fast", Removed: true})
	wantWords(t, s.Visit(complete(2*minute, component("a", hw.OK))), "b alert missing high closed")
	s.Set(hw.Fact{Kind: hw.ComponentFact, Component: "never seen", Group: "fast", Removed: true})
	wantWords(t, s.Visit(complete(3*minute, component("a", hw.OK))))
}

func TestStateKeepsKindsItDoesNotKnow(t *testing.T) {
	t.Parallel()
	var s hw.State
	f := hw.Fact{Kind: 900, Component: "a", Group: "fast", Value: hw.Opaque{Kind: 900, Bytes: []byte{1}}}
	s.Set(f)
	newer := hw.Fact{Kind: hw.ComponentFact, Version: 9, Component: "b", Group: "fast", Value: hw.Opaque{Kind: hw.ComponentFact}}
	s.Set(newer)
	wantWords(t, s.Visit(complete(0, component("a", hw.OK))), "a fast ok")
	if got, _ := s.Get(f.Register()); !cmp.Equal(got, f) {
		t.Errorf("register of an unknown kind: %v", got)
	}
	if _, ok := s.Get(newer.Register()); !ok {
		t.Error("a register of a newer version was removed: it may be an expected part")
	}
}

func TestStateIsBounded(t *testing.T) {
	t.Parallel()
	var s hw.State
	for i := range 5000 {
		name := time.Duration(i).String()
		s.Visit(complete(time.Duration(i)*minute, component(name, hw.Critical)))
	}
	n := 0
	for range s.All() {
		n++
	}
	if n > 1100 {
		t.Errorf("%d registers after 5,000 components that came and went", n)
	}
}

// What the store told at a start is a second copy of what the collector holds: the first visit
// that finds a part unchanged lets go of it.
func TestVisitSharesAttributes(t *testing.T) {
	t.Parallel()
	var s hw.State
	s.Visit(complete(0, port("1", "up", "up", "server")))
	c := port("1", "up", "up", "server")
	if facts := s.Visit(complete(minute, c)); len(facts) > 0 {
		t.Fatalf("unchanged, yet %v", facts)
	}
	f, _ := s.Get(hw.RegisterKey{Kind: hw.ComponentFact, Component: c.Path, Group: c.Section})
	got := f.Value.(hw.ComponentValue)
	if &got.State[0] != &c.State[0] || &got.Attrs[0] != &c.Attrs[0] {
		t.Error("the state keeps its own copy of the attributes")
	}
	if !f.At.Equal(noon) {
		t.Errorf("observed at %v, want %v", f.At, noon)
	}
}
