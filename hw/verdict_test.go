package hw_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rackpost/hw"
)

const raidLevel = "raid-level"

func verdict(section string, level hw.Level) hw.Verdict {
	return hw.Verdict{Component: "volume/1", Section: section, Code: raidLevel, Level: level, Params: attrs("level", "raid5")}
}

func withVerdicts(r hw.Report, x ...hw.Verdict) hw.Report {
	r.Verdicts = x
	return r
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	volume := component("volume/1", hw.OK)
	other := volume
	other.Section = "slow"
	whole := func(x ...hw.Verdict) hw.Report { return withVerdicts(complete(0, volume, other), x...) }
	part := func(x ...hw.Verdict) hw.Report { return withVerdicts(read(0, hw.Partial, volume, other), x...) }
	bad, worse, open := verdict("fast", hw.LevelAverage), verdict("fast", hw.LevelHigh), verdict("fast", 0)
	slow, slowWorse := verdict("slow", hw.LevelWarning), verdict("slow", hw.LevelHigh)
	both := whole()
	both.Read = append(both.Read, hw.Scope{Section: "slow", Extent: hw.Complete})
	of := func(r hw.Report, x ...hw.Verdict) hw.Report { return withVerdicts(r, x...) }
	for _, c := range []struct {
		name  string
		steps []hw.Report
		level hw.Level // 0: not open
	}{
		{"raised", []hw.Report{whole(bad)}, hw.LevelAverage},
		{"raised by a partial reading", []hw.Report{part(bad)}, hw.LevelAverage},
		{"settled by a complete reading", []hw.Report{whole(bad), whole()}, 0},
		{"not settled by a partial reading", []hw.Report{whole(bad), part()}, hw.LevelAverage},
		{"not settled by another section", []hw.Report{part(slow), whole()}, hw.LevelWarning},
		{"undecided raises nothing", []hw.Report{whole(open)}, 0},
		{"undecided settles nothing", []hw.Report{whole(bad), whole(open)}, hw.LevelAverage},
		{"undecided, then well", []hw.Report{whole(bad), whole(open), whole()}, 0},
		{"undecided in another section settles nothing of ours", []hw.Report{whole(bad), whole(verdict("slow", 0))}, 0},
		{"worse", []hw.Report{whole(bad), part(worse)}, hw.LevelHigh},
		{"better", []hw.Report{whole(worse), part(bad)}, hw.LevelAverage},
		{"the gravest of two", []hw.Report{whole(bad, worse, bad)}, hw.LevelHigh},
		{"less of another section", []hw.Report{whole(bad), part(slow)}, hw.LevelAverage},
		{"worse in another section", []hw.Report{whole(bad), part(slowWorse)}, hw.LevelHigh},
		{"worse in another section, which settles it", []hw.Report{part(bad), part(slowWorse), of(both)}, 0},
		{"handed to another section", []hw.Report{whole(bad), of(both, slow)}, hw.LevelWarning},
		{"no code", []hw.Report{whole(hw.Verdict{Component: "volume/1", Section: "fast", Level: 1})}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &hw.State{}
			for i, r := range c.steps {
				r.Started = noon.Add(time.Duration(i) * minute)
				s.Visit(r)
			}
			a := alert(s, "volume/1", raidLevel)
			if a.Open != (c.level > 0) || a.Open && (a.Level != c.level || !a.Since.Equal(noon) || a.Params.Get("level") != "raid5") {
				t.Errorf("got %+v", a)
			}
			if again := s.Visit(c.steps[len(c.steps)-1]); len(again) > 0 {
				t.Errorf("said again: %v", words(again))
			}
		})
	}
}

// An audit can not raise or close what hw judges by itself.
func TestVerdictsLeaveOtherAlertsAlone(t *testing.T) {
	t.Parallel()
	sick := component("volume/1", hw.Critical)
	s := after(complete(0, sick))
	mine := verdict("fast", hw.LevelWarning)
	mine.Code = hw.AlertHealth
	wantWords(t, s.Visit(withVerdicts(complete(minute, sick), mine)))
	wantWords(t, s.Visit(withVerdicts(complete(2*minute, sick), verdict("fast", 99))), "volume/1 alert raid-level disaster")
	wantWords(t, s.Visit(complete(3*minute, sick)), "volume/1 alert raid-level disaster closed")
}

func TestVerdictOfAPartThatIsGone(t *testing.T) {
	t.Parallel()
	volume := component("volume/1", hw.OK)
	for name, part := range map[string]hw.Component{"removed": volume, "missing": expected(volume)} {
		s := after(withVerdicts(complete(0, part), verdict("fast", hw.LevelHigh)))
		s.Visit(complete(minute))
		if a := alert(s, "volume/1", raidLevel); a.Open || a.Params.Get("reason") != "removed" {
			t.Errorf("%s: %+v", name, a)
		}
	}
	var s hw.State // a merge brought the alert of a part that is not there
	s.Set(hw.Fact{Kind: hw.AlertFact, Component: "volume/1", Group: raidLevel, Value: hw.AlertValue{Open: true, Level: hw.LevelHigh, Since: noon, Params: attrs("section", "fast")}})
	wantWords(t, s.Visit(read(minute, hw.Partial)))
	wantWords(t, s.Visit(complete(2*minute)), "volume/1 alert raid-level high closed")
	if a := alert(&s, "volume/1", raidLevel); a.Params.Get("reason") != "removed" {
		t.Errorf("%+v", a)
	}
}

func TestVerdictIsOverdue(t *testing.T) {
	t.Parallel()
	learning := verdict("fast", hw.LevelWarning)
	learning.Within, learning.Late = time.Hour, hw.LevelHigh
	s := after(withVerdicts(complete(0), learning))
	want := hw.AlertValue{Open: true, Level: hw.LevelWarning, Since: noon, Params: attrs("level", "raid5", "section", "fast", "until", "2026-03-01T13:00:00Z")}
	if d := cmp.Diff(want, alert(s, "volume/1", raidLevel)); d != "" {
		t.Error(d)
	}
	wantWords(t, s.Visit(withVerdicts(complete(59*minute), learning)))
	wantWords(t, s.Visit(withVerdicts(complete(60*minute), learning)), "volume/1 alert raid-level high")
	wantWords(t, s.Visit(withVerdicts(complete(90*minute), learning)))
	wantWords(t, s.Visit(complete(91*minute)), "volume/1 alert raid-level high closed")
	wantWords(t, s.Visit(withVerdicts(complete(92*minute), learning)), "volume/1 alert raid-level warning")
}

func TestVerdictWhileItsPartFlaps(t *testing.T) {
	t.Parallel()
	s := &hw.State{}
	at := time.Duration(0)
	visit := func(word string, x ...hw.Verdict) {
		at += minute
		s.Visit(withVerdicts(complete(at, component("volume/1", hw.OK, "state", word)), x...))
	}
	visit("a", verdict("fast", hw.LevelHigh))
	for i := range 2 * hw.MaxFlaps {
		visit(fmt.Sprint(i%2), verdict("fast", hw.LevelHigh))
	}
	visit("ok")
	if !alert(s, "volume/1", raidLevel).Open {
		t.Error("closed while its part flaps")
	}
	for range 90 {
		visit("ok")
	}
	if alert(s, "volume/1", raidLevel).Open {
		t.Error("open when its part is quiet")
	}
}

func TestVerdictTextsAreCleaned(t *testing.T) {
	t.Parallel()
	x := hw.Verdict{Component: "volume/\xff", Section: "fast", Code: "raid\x00", Level: 1, Params: hw.Attrs{{"z\x01", "\x1b1"}, {"a", ""}, {"section", "forged"}, {"until", "never"}, {"reason", "none"}}}
	for i := range 100 {
		x.Params = append(x.Params, hw.Attr{Key: fmt.Sprintf("zz%03d", i), Value: strings.Repeat("x", 2000)})
	}
	s := after(withVerdicts(complete(0, component("volume/\xff", hw.OK)), x))
	a := alert(s, "volume/\ufffd", "raid")
	if !a.Open || a.Params.Get("z") != "1" || a.Params.Get("section") != "fast" || a.Params.Get("until") != "" || a.Params.Get("reason") != "" || len(a.Params) > 64 {
		t.Errorf("%+v", a)
	}
	for _, p := range a.Params {
		if len(p.Value) > 1024 {
			t.Errorf("%s has %d bytes", p.Key, len(p.Value))
		}
	}
}

func TestVerdictsAreBounded(t *testing.T) {
	t.Parallel()
	var all []hw.Verdict
	for i := range hw.MaxVerdicts + 10 {
		x := verdict("fast", hw.LevelWarning)
		x.Code = fmt.Sprint("raid-", i)
		all = append(all, x)
	}
	s := after(withVerdicts(complete(0), all...))
	if alert(s, "volume/1", fmt.Sprint("raid-", hw.MaxVerdicts)).Open || gap(s, "fast/verdicts").Reason != hw.TooMuch {
		t.Errorf("gap %+v", gap(s, "fast/verdicts"))
	}
	slices.Reverse(all)
	for _, f := range s.Visit(withVerdicts(complete(minute), all...)) {
		if a, ok := f.Value.(hw.AlertValue); ok && !a.Open {
			t.Fatalf("%s was settled, and perhaps not all of its section was looked at", f.Group)
		}
	}
}

// Only what was read completely settles a verdict, and never while a verdict of the report says it.
func TestOnlyACompleteScopeSettles(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, at := history(t)
		r := anyReport(t, at)
		before := map[hw.RegisterKey]hw.AlertValue{}
		for _, f := range registers(s) {
			if a, ok := f.Value.(hw.AlertValue); ok {
				before[f.Register()] = a
			}
		}
		for _, f := range hw.Next(*s, r) {
			a, ok := f.Value.(hw.AlertValue)
			if !ok || a.Open || f.Group != raidLevel && f.Group != "battery" {
				continue
			}
			section := before[f.Register()].Params.Get("section")
			if !slices.Contains(r.Read, hw.Scope{Section: section, Extent: hw.Complete}) {
				t.Fatalf("%s of %s was settled by %v", f.Group, f.Component, r.Read)
			}
			if slices.ContainsFunc(r.Verdicts, func(x hw.Verdict) bool {
				return strings.ToValidUTF8(x.Component, "\ufffd") == f.Component && x.Code == f.Group && (x.Level > 0 || x.Section == section)
			}) {
				t.Fatalf("%s of %s was settled, and the report says it", f.Group, f.Component)
			}
		}
	})
}

// An alert of this package that is not in its list would be closed as a verdict nobody gives.
func TestEveryAlertIsOwn(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "alert.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	ast.Inspect(file, func(x ast.Node) bool {
		c, ok := x.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(c.Names[0].Name, "Alert") {
			return true
		}
		n++
		if code, err := strconv.Unquote(c.Values[0].(*ast.BasicLit).Value); err != nil || !hw.OwnAlert(code) {
			t.Errorf("%s is missing in ownAlerts (verdict.go)", c.Names[0].Name)
		}
		return true
	})
	if n < 7 || hw.OwnAlert(raidLevel) {
		t.Errorf("%d alerts found", n)
	}
}
