package hw_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"rackpost/hw"
)

func TestComponentFacts(t *testing.T) {
	t.Parallel()
	fan := component("fan/1", hw.OK, "rpm", "normal")
	label := fan
	label.Attrs = attrs("serial", "X1")
	other := fan
	other.Section = "inventory"
	psu := expected(component("psu/1", hw.OK))
	for _, c := range []struct {
		name   string
		before []hw.Report
		then   hw.Report
		want   []string
	}{
		{"first sight", nil, complete(0, fan), []string{"fan/1 fast ok"}},
		{"unchanged", []hw.Report{complete(0, fan)}, complete(minute, fan), nil},
		{"health", []hw.Report{complete(0, fan)}, complete(minute, component("fan/1", hw.Unknown, "rpm", "normal")), []string{"fan/1 fast unknown"}},
		{"state", []hw.Report{complete(0, fan)}, complete(minute, component("fan/1", hw.OK, "rpm", "low")), []string{"fan/1 fast ok"}},
		{"attrs", []hw.Report{complete(0, fan)}, complete(minute, label), []string{"fan/1 fast ok"}},
		{"expected", []hw.Report{complete(0, fan)}, complete(minute, expected(fan)), []string{"fan/1 fast ok"}},
		{"another section has its own register", []hw.Report{complete(0, fan)}, complete(minute, fan, other), []string{"fan/1 inventory ok"}},
		{"the first of two is taken", []hw.Report{complete(0, fan)}, complete(minute, fan, component("fan/1", hw.Critical)), nil},
		{"the first of two new ones is taken", nil, complete(0, fan, component("fan/1", hw.Critical)), []string{"fan/1 fast ok"}},
		{"removed", []hw.Report{complete(0, fan)}, complete(minute), []string{"fan/1 fast removed"}},
		{"removed once", []hw.Report{complete(0, fan), complete(minute)}, complete(2 * minute), nil},
		{"not removed by a partial reading", []hw.Report{complete(0, fan)}, read(minute, hw.Partial, psu), []string{"psu/1 fast ok"}},
		{"not removed by a failed reading", []hw.Report{complete(0, fan)}, withGaps(read(minute, hw.Failed), hw.Gap{What: "fast", Reason: hw.Garbage}), []string{"gap fast garbage"}},
		{"not removed by another section", []hw.Report{complete(0, other)}, complete(minute), nil},
		{"not removed by a section read twice, once in part", []hw.Report{complete(0, fan)}, hw.Report{Started: noon, Read: []hw.Scope{{"fast", hw.Complete}, {"fast", hw.Partial}}}, nil},
		{"missing", []hw.Report{complete(0, psu)}, complete(minute), []string{"psu/1 fast critical missing", "psu/1 alert missing high"}},
		{"missing, still", []hw.Report{complete(0, psu), complete(minute)}, complete(2 * minute), nil},
		{"missing, back", []hw.Report{complete(0, psu), complete(minute)}, complete(2*minute, psu), []string{"psu/1 fast ok", "psu/1 alert missing high closed"}},
		{"removed with its alert", []hw.Report{complete(0, component("fan/1", hw.Warning))}, complete(minute), []string{"fan/1 fast removed", "fan/1 alert health average closed"}},
		{"no such health", nil, complete(0, component("fan/1", 77)), []string{"fan/1 fast unknown"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			wantWords(t, after(c.before...).Visit(c.then), c.want...)
		})
	}
}

func TestMissingKeepsTheRest(t *testing.T) {
	t.Parallel()
	psu := expected(component("psu/1", hw.OK, "output", "on"))
	psu.Attrs = attrs("serial", "X1")
	s := after(complete(0, psu), complete(minute))
	want := hw.ComponentValue{Health: hw.Critical, State: attrs("output", "on", "presence", "missing"), Attrs: psu.Attrs, Expected: true, Missing: true}
	if d := cmp.Diff(want, part(t, s, "psu/1")); d != "" {
		t.Error(d)
	}
}

func TestTextsAreCleaned(t *testing.T) {
	t.Parallel()
	dirty := component("port/Gi\xff1", hw.OK, "a\x00b", "x\r\ny\x1b[2J", "empty", "\x01", "long", strings.Repeat("é", 2000))
	dirty.Attrs = hw.Attrs{{"z", "1"}, {"a", "2"}, {"z", "3"}}
	s := after(complete(0, dirty))
	wantWords(t, s.Visit(complete(minute, dirty)))
	c := part(t, s, "port/Gi\ufffd1")
	if d := cmp.Diff(attrs("ab", "xy[2J", "long", strings.Repeat("é", 512)), c.State); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(attrs("a", "2", "z", "1"), c.Attrs); d != "" {
		t.Error(d)
	}
	for f := range s.All() {
		if !utf8.ValidString(f.Component) {
			t.Errorf("component %q", f.Component)
		}
	}
}

// What a report says of a part is kept in its memory, and never written to: the next report
// may hold the same.
func TestAReportIsNotChanged(t *testing.T) {
	t.Parallel()
	psu := component("psu/1", hw.OK, "output", "on")
	psu.Expected = true
	port := component("port/1", hw.OK, "oper", "up", "alias\x00", "x")
	psus, ports := slices.Clone(psu.State), slices.Clone(port.State)
	s := after(complete(0, psu, port))
	for i := range 3 * hw.MaxFlaps {
		if i%2 == 0 {
			s.Visit(complete(time.Duration(i+1) * minute)) // both are gone
		} else {
			s.Visit(complete(time.Duration(i+1)*minute, psu, port))
		}
	}
	if !slices.Equal(psu.State, psus) || !slices.Equal(port.State, ports) {
		t.Errorf("the report was changed: %v, %v", psu.State, port.State)
	}
}

func TestComponentsAreBounded(t *testing.T) {
	t.Parallel()
	var s hw.State
	for i := range 5 {
		r := read(time.Duration(i)*minute, hw.Partial)
		for j := range 2000 {
			r.Components = append(r.Components, component(fmt.Sprintf("port/%d-%d", i, j), hw.OK))
		}
		s.Visit(r)
	}
	n := 0
	for f := range s.All() {
		if f.Kind == hw.ComponentFact {
			n++
		}
	}
	if n != hw.MaxComponents || gap(&s, "fast/components").Reason != hw.TooMuch {
		t.Errorf("%d registers, gap %+v", n, gap(&s, "fast/components"))
	}
}

func TestTheClockIsSetBack(t *testing.T) {
	t.Parallel()
	bad, good := component("fan/1", hw.Critical), component("fan/1", hw.OK)
	s := after(withGaps(complete(0, bad), hw.Gap{What: "slow", Reason: hw.NoAnswer}), silent(minute, hw.NoAnswer))
	r := complete(-87600*time.Hour, good)
	r.Read = append(r.Read, hw.Scope{Section: "slow", Extent: hw.Complete})
	s.Visit(r)
	if a := alert(s, "fan/1", hw.AlertHealth); a.Open || a.Closed.Before(a.Since) {
		t.Errorf("alert %+v", a)
	}
	for _, what := range []string{"slow", hw.VisitGap} {
		if g := gap(s, what); g.To.IsZero() || g.To.Before(g.From) {
			t.Errorf("gap %s %+v", what, g)
		}
	}
}
