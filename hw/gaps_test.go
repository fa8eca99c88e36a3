package hw_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/hw"
)

func TestGapFacts(t *testing.T) {
	t.Parallel()
	no := hw.Gap{What: "fast/ifTable", Reason: hw.NoAnswer}
	why := no
	why.Detail = "in other words"
	bad := hw.Gap{What: "fast/ifTable", Reason: hw.Garbage}
	done := hw.Gap{What: hw.VisitGap, Reason: hw.Missed, From: noon.Add(-time.Hour), To: noon}
	with := func(after time.Duration, e hw.Extent, g ...hw.Gap) hw.Report { return withGaps(read(after, e), g...) }
	for _, c := range []struct {
		name   string
		before []hw.Report
		then   hw.Report
		want   []string
	}{
		{"opened", nil, with(0, hw.Partial, no), []string{"gap fast/ifTable no-answer"}},
		{"open still", []hw.Report{with(0, hw.Partial, no)}, with(minute, hw.Partial, why), nil},
		{"open still in a complete reading", []hw.Report{with(0, hw.Complete, no)}, with(minute, hw.Complete, no), nil},
		{"not listed by a partial reading", []hw.Report{with(0, hw.Partial, no)}, with(minute, hw.Partial), nil},
		{"closed", []hw.Report{with(0, hw.Partial, no)}, with(minute, hw.Complete), []string{"gap fast/ifTable no-answer over"}},
		{"closed once", []hw.Report{with(0, hw.Partial, no), with(minute, hw.Complete)}, with(2*minute, hw.Complete), nil},
		{"another reason", []hw.Report{with(0, hw.Partial, no)}, with(minute, hw.Partial, bad),
			[]string{"gap fast/ifTable no-answer over", "gap fast/ifTable garbage"}},
		{"two reasons at once", nil, with(0, hw.Partial, no, bad), []string{"gap fast/ifTable no-answer", "gap fast/ifTable|garbage garbage"}},
		{"two reasons, the other way round", []hw.Report{with(0, hw.Partial, no, bad)}, with(minute, hw.Partial, bad, no), nil},
		{"two reasons, one over", []hw.Report{with(0, hw.Partial, no, bad)}, with(minute, hw.Complete, bad), []string{"gap fast/ifTable no-answer over"}},
		{"finished", nil, with(0, hw.Complete, done), []string{"gap visit#missed missed over"}},
		{"finished, said again", []hw.Report{with(0, hw.Complete, done)}, with(minute, hw.Complete, done), nil},
		{"finished does not end an open one", []hw.Report{silent(0, hw.NoAnswer)}, hw.Report{Started: noon, Gaps: []hw.Gap{done}}, []string{"gap visit#missed missed over"}},
		{"visit", []hw.Report{silent(0, hw.NoAnswer)}, with(minute, hw.Partial), []string{"gap visit no-answer over"}},
		{"visit, failed still", []hw.Report{silent(0, hw.NoAnswer), silent(minute, hw.NoAnswer)}, silent(2*minute, hw.NoAnswer), nil},
		{"marks in a name", nil, with(0, hw.Partial, hw.Gap{What: "fast/a#1|b", Reason: hw.NoAnswer}), []string{"gap fast/a_1_b no-answer"}},
		{"no name", nil, with(0, hw.Partial, hw.Gap{Reason: hw.NoAnswer}), []string{"gap visit no-answer"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			wantWords(t, after(c.before...).Visit(c.then), c.want...)
		})
	}
}

func TestGapTimes(t *testing.T) {
	t.Parallel()
	at := func(m int) time.Time { return noon.Add(time.Duration(m) * minute) }
	no := hw.Gap{What: "fast", Reason: hw.NoAnswer}
	bad := hw.Gap{What: "fast", Reason: hw.Garbage}
	told := no
	told.From = at(-9)
	for _, c := range []struct {
		name  string
		steps []hw.Report
		group string
		want  hw.GapValue
	}{
		{"nothing known before", []hw.Report{withGaps(read(0, hw.Partial), no)}, "fast", hw.GapValue{Reason: hw.NoAnswer, From: noon}},
		{"since the last good reading", []hw.Report{complete(0), withGaps(read(minute, hw.Partial), no)}, "fast", hw.GapValue{Reason: hw.NoAnswer, From: noon}},
		{"the visit, since anything was read", []hw.Report{complete(0), read(minute, hw.Partial), silent(2*minute, hw.NoAnswer)}, hw.VisitGap, hw.GapValue{Reason: hw.NoAnswer, From: at(1)}},
		{"as told", []hw.Report{complete(0), withGaps(read(minute, hw.Partial), told)}, "fast", hw.GapValue{Reason: hw.NoAnswer, From: at(-9)}},
		{"over", []hw.Report{complete(0), withGaps(read(minute, hw.Partial), no), complete(5 * minute)}, "fast", hw.GapValue{Reason: hw.NoAnswer, From: noon, To: at(5)}},
		{"another reason begins where the first ends", []hw.Report{complete(0), withGaps(read(minute, hw.Partial), no), withGaps(read(5*minute, hw.Partial), bad)},
			"fast", hw.GapValue{Reason: hw.Garbage, From: at(5)}},
		{"finished before it began", []hw.Report{withGaps(read(0, hw.Partial), hw.Gap{What: "fast", Reason: hw.Missed, From: at(3), To: at(1)})},
			"fast#missed", hw.GapValue{Reason: hw.Missed, From: at(3), To: at(3)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(c.want, gap(after(c.steps...), c.group)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestGapsBeginAtTheLastDurableVisit(t *testing.T) {
	t.Parallel()
	var s hw.State
	s.SetRead(hw.VisitGap, noon.Add(-time.Hour))
	s.Visit(silent(0, hw.NoAnswer))
	if got := gap(&s, hw.VisitGap).From; !got.Equal(noon.Add(-time.Hour)) {
		t.Errorf("from %v", got)
	}
}

func TestOpenGapsAreBounded(t *testing.T) {
	t.Parallel()
	var s hw.State
	for i := range 3000 {
		r := withGaps(read(0, hw.Partial), hw.Gap{What: "fast/" + time.Duration(i).String(), Reason: hw.NoAnswer})
		s.Visit(r)
	}
	n := 0
	for range s.All() {
		n++
	}
	if n > 1100 || gap(&s, "fast").Reason != hw.NoAnswer {
		t.Errorf("%d registers, gap of the section %+v", n, gap(&s, "fast"))
	}
}
