package raid_test

import (
	"slices"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/raid"
)

// visit is a complete visit of the section raid, judged as a collector does it.
func visit(s server, after time.Duration) hw.Report {
	return hw.Report{Device: "r740", Started: noon.Add(after), Read: []hw.Scope{{Section: "raid", Extent: hw.Complete}},
		Components: s, Verdicts: raid.Audit(raid.Policy{}, s)}
}

// open returns the codes of the open alerts by component.
func open(s *hw.State) []string {
	var out []string
	for f := range s.All() {
		if a, ok := f.Value.(hw.AlertValue); ok && a.Open {
			out = append(out, f.Component+" "+f.Group)
		}
	}
	return out
}

// Of every server of the table: its verdicts are alerts; a visit that reads the same parts and no words of them
// closes none; a sound one closes all.
func TestVerdictsAreAlerts(t *testing.T) {
	t.Parallel()
	for _, c := range allCases() {
		var want []string
		for _, v := range faults(raid.Audit(raid.Policy{}, c.server)) {
			want = append(want, v.Component+" "+v.Code)
		}
		slices.Sort(want)
		var s hw.State
		s.Visit(visit(c.server, 0))
		if got := open(&s); !slices.Equal(got, want) {
			t.Errorf("%s: open %v, want %v", c.name, got, want)
		}
		mute := slices.Clone(c.server)
		for i := range mute {
			mute[i].State, mute[i].Attrs = nil, nil
		}
		s.Visit(visit(mute, time.Minute))
		for _, w := range want {
			if !slices.Contains(open(&s), w) {
				t.Errorf("%s: %s was closed by a visit that read nothing of it", c.name, w)
			}
		}
		s.Visit(visit(sound(), 2*time.Minute))
		if got := open(&s); len(got) > 0 {
			t.Errorf("%s: open after all is well: %v", c.name, got)
		}
	}
}

// A part that hw calls missing has old words only: it is neither judged nor a spare.
func TestAMissingPartIsNotJudged(t *testing.T) {
	t.Parallel()
	gone := func(path string, kv ...string) server {
		s := sound().set(path, kv...)
		i := slices.IndexFunc(s, func(c hw.Component) bool { return c.Path == path })
		s[i].State = s[i].State.With(raid.KeyPresence, raid.PresenceMissing)
		return s
	}
	if got := words(faults(raid.Audit(raid.Policy{}, gone(bay(1), "failure_predicted", "yes")))); len(got) > 0 {
		t.Errorf("the drive: %v", got)
	}
	want := []string{mirror + " raid-no-hot-spare warning", striped + " raid-no-hot-spare warning"}
	if got := words(faults(raid.Audit(raid.Policy{}, gone(spare)))); !slices.Equal(got, want) {
		t.Errorf("the spare: %v", got)
	}
	shown := map[string]bool{}
	for _, c := range raid.Arrange(gone(spare)) {
		paths(c, shown)
	}
	if !shown[spare] {
		t.Error("it is not shown either")
	}
}

// BenchmarkAudit is what a visit of a server with 24 drives pays for its verdicts.
func BenchmarkAudit(b *testing.B) {
	s := sound()
	for n := 7; n < 24; n++ {
		c := s[slices.IndexFunc(s, func(c hw.Component) bool { return c.Path == bay(3) })]
		c.Path = bay(n)
		s = append(s, c)
	}
	b.ReportAllocs()
	for b.Loop() {
		raid.Audit(raid.Policy{}, s)
	}
}
