package collectors

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"rackpost/hw"
)

// The Whats of the gaps tidy leaves, so that nothing is dropped in silence.
const (
	gapComponents = "report/components"
	gapVerdicts   = "report/verdicts"
	gapSamples    = "report/samples"
	gapLog        = "report/log"
	gapGaps       = "report/gaps"
)

// tidy makes a report pass CheckReport: what exceeds a limit is cut, what is not valid is
// mended where that loses nothing and dropped where it would, and gaps name what was
// dropped. A number that is none becomes an absence. Where a component or a verdict was dropped no
// scope stays complete, so that nothing is taken for removed or settled.
func tidy(r hw.Report) hw.Report {
	r.Requests = max(r.Requests, 0)
	r.Unit = tidyUnit(r.Unit)
	r.Gaps = tidyGaps(r.Gaps)
	r.Read = tidyScopes(r.Read)
	r.Components = tidyComponents(&r)
	r.Verdicts = tidyVerdicts(&r)
	r.Samples = tidySamples(&r)
	tidyLog(&r)
	r.Hasten = tidyHasten(r.Hasten)
	return r
}

// drop notes that n things were dropped for reason.
func drop(r *hw.Report, what string, reason hw.Reason, n int) {
	if n <= 0 {
		return
	}
	r.Gaps = append(r.Gaps, hw.Gap{What: what, Reason: reason, Detail: fmt.Sprintf("%d dropped", n)})
}

func tidyUnit(u *hw.Unit) *hw.Unit {
	if u == nil {
		return nil
	}
	return &hw.Unit{
		Serial:  plain(u.Serial, MaxText),
		Model:   plain(u.Model, MaxText),
		Version: plain(u.Version, MaxText),
		Name:    plain(u.Name, MaxText),
		Uptime:  max(u.Uptime, 0),
	}
}

// tidyGaps leaves room for the gaps that tidy and the poller add.
func tidyGaps(gaps []hw.Gap) []hw.Gap {
	const room = 16
	cut := 0
	if most := MaxGaps - room; len(gaps) > most {
		cut = len(gaps) - most
		gaps = gaps[:most]
	}
	for i := range gaps {
		g := &gaps[i]
		if pathFault(g.What) != "" {
			g.What = gapGaps
		}
		if !isReason(g.Reason) {
			g.Reason = hw.Garbage
		}
		g.Detail = plain(g.Detail, MaxText)
		if !g.From.IsZero() && !g.To.IsZero() && g.To.Before(g.From) {
			g.From = g.To
		}
	}
	if cut > 0 {
		gaps = append(gaps, hw.Gap{What: gapGaps, Reason: hw.TooMuch, Detail: fmt.Sprintf("%d dropped", cut)})
	}
	return gaps
}

func tidyScopes(read []hw.Scope) []hw.Scope {
	named := map[string]bool{}
	read = slices.DeleteFunc(read, func(s hw.Scope) bool {
		bad := pathFault(s.Section) != "" || named[s.Section] || len(named) >= MaxScopes
		named[s.Section] = true
		return bad
	})
	for i := range read {
		if read[i].Extent > hw.Complete {
			read[i].Extent = hw.Failed
		}
	}
	return read
}

func tidyComponents(r *hw.Report) []hw.Component {
	cut := max(0, len(r.Components)-MaxComponents)
	cs := r.Components[:len(r.Components)-cut]
	all, kept := newDoubles(len(cs)), cs[:0]
	for _, c := range cs {
		scope := scopeOf(r.Read, c.Section)
		if pathFault(c.Path) != "" || scope == nil {
			continue
		}
		kept = append(kept, c)
		at := len(kept) - 1
		if all.seen(at, func(i int) (string, string) { return kept[i].Path, kept[i].Section }) {
			kept = kept[:at]
			continue
		}
		if scope.Extent == hw.Failed {
			scope.Extent = hw.Partial
		}
		tidyComponent(&kept[at])
	}
	bad := len(cs) - len(kept)
	drop(r, gapComponents, hw.Garbage, bad)
	drop(r, gapComponents, hw.TooMuch, cut)
	if bad+cut > 0 {
		notWhole(r)
	}
	return kept
}

func notWhole(r *hw.Report) {
	for i := range r.Read {
		r.Read[i].Extent = min(r.Read[i].Extent, hw.Partial)
	}
}

// tidyVerdicts builds anew: an audit may share its parameters between visits.
func tidyVerdicts(r *hw.Report) []hw.Verdict {
	if len(r.Verdicts) == 0 {
		return nil
	}
	cut := max(0, len(r.Verdicts)-MaxVerdicts)
	parts, given := partsOf(r.Components), map[[2]string]bool{}
	var kept []hw.Verdict
	for _, x := range r.Verdicts[:len(r.Verdicts)-cut] {
		about := [2]string{x.Component, x.Code}
		if attrsFault(x.Params) != "" {
			x.Params = tidyAttrs(x.Params)
		}
		x.Within = max(x.Within, 0)
		if verdictFault(&x) != "" || given[about] || !parts[[2]string{x.Component, x.Section}] {
			continue
		}
		given[about] = true
		kept = append(kept, x)
	}
	bad := len(r.Verdicts) - cut - len(kept)
	drop(r, gapVerdicts, hw.Garbage, bad)
	drop(r, gapVerdicts, hw.TooMuch, cut)
	if bad+cut > 0 {
		notWhole(r)
	}
	return kept
}

// tidyHasten drops in silence: at worst a section is read at its period.
func tidyHasten(names []string) []string {
	var kept []string
	for _, name := range names {
		if pathFault(name) == "" && !slices.Contains(kept, name) && len(kept) < MaxScopes {
			kept = append(kept, name)
		}
	}
	return kept
}

func scopeOf(read []hw.Scope, section string) *hw.Scope {
	if i := slices.IndexFunc(read, func(s hw.Scope) bool { return s.Section == section }); i >= 0 {
		return &read[i]
	}
	return nil
}

func tidyComponent(c *hw.Component) {
	if c.Health > hw.Critical {
		c.Health = hw.Unknown
	}
	if attrsFault(c.State) != "" {
		c.State = tidyAttrs(c.State)
	}
	if attrsFault(c.Attrs) != "" {
		c.Attrs = tidyAttrs(c.Attrs)
	}
}

// tidyAttrs builds anew: a collector may share its attributes between visits.
func tidyAttrs(attrs hw.Attrs) hw.Attrs {
	var out hw.Attrs
	for _, a := range attrs {
		if key := plain(a.Key, MaxSensor); key != "" && len(out) < MaxAttrs {
			out = out.With(key, plain(a.Value, MaxText))
		}
	}
	return out
}

func tidySamples(r *hw.Report) []hw.Sample {
	cut := max(0, len(r.Samples)-MaxSamples)
	ss := r.Samples[:len(r.Samples)-cut]
	all, kept := newDoubles(len(ss)), ss[:0]
	for _, s := range ss {
		if !isFinite(s.Gauge) {
			s.Gauge, s.Absent = 0, hw.OutOfRange
		}
		if s.Absent != "" && !isReason(s.Absent) {
			s.Absent = hw.Garbage
		}
		if pathFault(s.Component) != "" || sampleFault(&s) != "" {
			continue
		}
		kept = append(kept, s)
		at := len(kept) - 1
		if all.seen(at, func(i int) (string, string) { return kept[i].Component, kept[i].Sensor }) {
			kept = kept[:at]
		}
	}
	drop(r, gapSamples, hw.Garbage, len(ss)-len(kept))
	drop(r, gapSamples, hw.TooMuch, cut)
	return kept
}

func tidyLog(r *hw.Report) {
	drop(r, gapLog, hw.TooMuch, len(r.Log)-MaxLogLines)
	drop(r, gapLog, hw.TooMuch, len(r.Cursors)-MaxScopes)
	// A cursor that is further than its lines would hide the rest for ever.
	if len(r.Log) > MaxLogLines {
		r.Log, r.Cursors = r.Log[:MaxLogLines], nil
	}
	r.Cursors = r.Cursors[:min(len(r.Cursors), MaxScopes)]
	for i := range r.Log {
		l := &r.Log[i]
		for _, s := range []*string{&l.Unit, &l.Log, &l.Entry, &l.Level, &l.Code} {
			*s = plain(*s, MaxText)
		}
		l.Text = plain(l.Text, MaxLine)
	}
	for i := range r.Cursors {
		c := &r.Cursors[i]
		c.Log, c.Cursor = plain(c.Log, MaxText), plain(c.Cursor, MaxText)
	}
}

// plain returns s as UTF-8 of at most limit bytes, cut between characters.
func plain(s string, limit int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}
