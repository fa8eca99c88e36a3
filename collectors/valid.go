package collectors

import (
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"rackpost/hw"
)

// The limits of one report. A collector stops at them with a TooMuch gap; the poller cuts
// what exceeds them.
const (
	MaxComponents = 50_000
	MaxVerdicts   = hw.MaxVerdicts
	MaxSamples    = 200_000
	MaxLogLines   = 20_000
	MaxGaps       = 10_000
	MaxScopes     = 64
	MaxAttrs      = 64   // of one component, State and Attrs each
	MaxPath       = 256  // bytes of a component's path, a section's name, a gap's What
	MaxSensor     = 100  // bytes of a sensor's name
	MaxText       = 1024 // bytes of an attribute, a gap's detail, a unit's texts
	MaxLine       = 8192 // bytes of a log line's text
	maxReason     = 40
	maxFindings   = 20
)

// CheckReport says what is wrong with a report, nil when nothing is. It does not look at
// what the poller fills in (Device, Kind, Started, Took, Period, Learned). Of many faults it names
// the first twenty.
//
// The rules: a section is named once in Read; a component names a section of Read that did
// not fail, and comes once a section; a verdict is on a component of the report in its section, or on the device, and
// comes once a code; a (component, sensor) comes once; a section to hasten is
// named once (the poller wants it to be one of the kind's, too); paths have no empty segment
// and no control character; sensors are [a-z][a-z0-9_]*; gauges are finite; all text is UTF-8;
// nothing exceeds its limit.
func CheckReport(r hw.Report) error {
	var f findings
	f.counts(r)
	f.unit(r.Unit)
	extents := f.scopes(r.Read)
	f.components(r.Components, extents)
	f.verdicts(r.Verdicts, r.Components)
	f.samples(r.Samples)
	f.gaps(r.Gaps)
	f.log(r)
	f.hasten(r.Hasten)
	return f.err()
}

// findings collects faults up to a bound.
type findings struct {
	errs []error
	more int
}

func (f *findings) addf(format string, args ...any) {
	if len(f.errs) >= maxFindings {
		f.more++
		return
	}
	f.errs = append(f.errs, fmt.Errorf(format, args...))
}

func (f *findings) err() error {
	if f.more > 0 {
		f.errs = append(f.errs, fmt.Errorf("and %d faults more", f.more))
	}
	return errors.Join(f.errs...)
}

// text reports what, when s has a fault as a text.
func (f *findings) text(what, s string, limit int) {
	if fault := textFault(s, limit); fault != "" {
		f.addf("%s %.40q: %s", what, s, fault)
	}
}

func (f *findings) counts(r hw.Report) {
	for _, c := range []struct {
		what    string
		n, most int
	}{
		{"scopes", len(r.Read), MaxScopes},
		{"components", len(r.Components), MaxComponents},
		{"verdicts", len(r.Verdicts), MaxVerdicts},
		{"samples", len(r.Samples), MaxSamples},
		{"log lines", len(r.Log), MaxLogLines},
		{"log cursors", len(r.Cursors), MaxScopes},
		{"gaps", len(r.Gaps), MaxGaps},
		{"sections to hasten", len(r.Hasten), MaxScopes},
	} {
		if c.n > c.most {
			f.addf("%d %s: at most %d", c.n, c.what, c.most)
		}
	}
	if r.Requests < 0 {
		f.addf("%d requests: below zero", r.Requests)
	}
}

func (f *findings) unit(u *hw.Unit) {
	if u == nil {
		return
	}
	for _, s := range []string{u.Serial, u.Model, u.Version, u.Name} {
		f.text("unit", s, MaxText)
	}
	if u.Uptime < 0 {
		f.addf("unit: uptime %v is below zero", u.Uptime)
	}
}

func (f *findings) scopes(read []hw.Scope) map[string]hw.Extent {
	extents := make(map[string]hw.Extent, len(read))
	for _, s := range read {
		if fault := pathFault(s.Section); fault != "" {
			f.addf("section %.40q: %s", s.Section, fault)
		}
		if _, twice := extents[s.Section]; twice {
			f.addf("section %q: named twice", s.Section)
		}
		if s.Extent > hw.Complete {
			f.addf("section %q: extent %d is none", s.Section, s.Extent)
		}
		extents[s.Section] = s.Extent
	}
	return extents
}

func (f *findings) components(cs []hw.Component, extents map[string]hw.Extent) {
	twice := newDoubles(len(cs))
	for i := range cs {
		c := &cs[i]
		if fault := pathFault(c.Path); fault != "" {
			f.addf("component %.60q: %s", c.Path, fault)
		}
		if extent, read := extents[c.Section]; !read {
			f.addf("component %q: section %q was not read", c.Path, c.Section)
		} else if extent == hw.Failed {
			f.addf("component %q: section %q failed", c.Path, c.Section)
		}
		if c.Health > hw.Critical {
			f.addf("component %q: health %d is none", c.Path, c.Health)
		}
		f.attrs(c.Path, c.State)
		f.attrs(c.Path, c.Attrs)
		if twice.seen(i, func(i int) (string, string) { return cs[i].Path, cs[i].Section }) {
			f.addf("component %q: twice in section %q", c.Path, c.Section)
		}
	}
}

func (f *findings) verdicts(vs []hw.Verdict, cs []hw.Component) {
	if len(vs) == 0 {
		return
	}
	parts := partsOf(cs)
	given := make(map[[2]string]bool, len(vs))
	for i := range vs {
		x := &vs[i]
		if !parts[[2]string{x.Component, x.Section}] {
			f.addf("verdict %.40q: component %.60q was not read by section %.40q", x.Code, x.Component, x.Section)
		}
		if fault := verdictFault(x); fault != "" {
			f.addf("verdict %.40q of %.60q: %s", x.Code, x.Component, fault)
		}
		about := [2]string{x.Component, x.Code}
		if given[about] {
			f.addf("verdict %.40q of %.60q: twice", x.Code, x.Component)
		}
		given[about] = true
	}
}

// partsOf returns the components by path and section.
func partsOf(cs []hw.Component) map[[2]string]bool {
	parts := make(map[[2]string]bool, len(cs))
	for i := range cs {
		parts[[2]string{cs[i].Path, cs[i].Section}] = true
		parts[[2]string{"", cs[i].Section}] = true // the device itself
	}
	return parts
}

// verdictFault says what is wrong with a verdict apart from what it is on, "" when nothing is.
func verdictFault(x *hw.Verdict) string {
	switch {
	case !isReason(hw.Reason(x.Code)):
		return "the code is not [a-z0-9-] of at most 40 bytes"
	case hw.OwnAlert(x.Code):
		return "the code is one of hw's own alerts"
	case x.Level > hw.LevelDisaster || x.Late > hw.LevelDisaster:
		return "no such level"
	case x.Within < 0:
		return "its time is below zero"
	}
	return attrsFault(x.Params)
}

func (f *findings) attrs(path string, attrs hw.Attrs) {
	if fault := attrsFault(attrs); fault != "" {
		f.addf("component %q: %s", path, fault)
	}
}

func (f *findings) samples(ss []hw.Sample) {
	twice := newDoubles(len(ss))
	for i := range ss {
		s := &ss[i]
		// Samples come grouped by component: a path is looked at once a group.
		if i == 0 || s.Component != ss[i-1].Component {
			if fault := pathFault(s.Component); fault != "" {
				f.addf("sample of component %.60q: %s", s.Component, fault)
			}
		}
		if fault := sampleFault(s); fault != "" {
			f.addf("sample %q %.60q: %s", s.Component, s.Sensor, fault)
		}
		if twice.seen(i, func(i int) (string, string) { return ss[i].Component, ss[i].Sensor }) {
			f.addf("sample %q %q: twice", s.Component, s.Sensor)
		}
	}
}

func (f *findings) gaps(gaps []hw.Gap) {
	for _, g := range gaps {
		if fault := gapFault(g); fault != "" {
			f.addf("gap %.60q: %s", g.What, fault)
		}
	}
}

func (f *findings) log(r hw.Report) {
	for _, l := range r.Log {
		for _, s := range []string{l.Unit, l.Log, l.Entry, l.Level, l.Code} {
			f.text("log line", s, MaxText)
		}
		f.text("log line", l.Text, MaxLine)
	}
	for _, c := range r.Cursors {
		f.text("log cursor", c.Log, MaxText)
		f.text("log cursor", c.Cursor, MaxText)
	}
}

func (f *findings) hasten(names []string) {
	for i, name := range names {
		if fault := pathFault(name); fault != "" {
			f.addf("hasten section %.40q: %s", name, fault)
		}
		if slices.Contains(names[:min(i, MaxScopes)], name) {
			f.addf("hasten section %.40q: named twice", name)
		}
	}
}

// checkHasten says which of names are no sections of k; CheckReport does not know the kind.
func checkHasten(k Kind, names []string) error {
	var f findings
	for _, name := range names {
		if !k.has(name) {
			f.addf("hasten section %.40q: kind %q has none of that name", name, k.Name)
		}
	}
	return f.err()
}

// sampleFault says what is wrong with a sample apart from its path, "" when nothing is.
func sampleFault(s *hw.Sample) string {
	switch {
	case !isSensor(s.Sensor):
		return "a sensor is [a-z][a-z0-9_]* of at most 100 bytes"
	case s.Type > hw.Counter:
		return "neither gauge nor counter"
	case s.Absent != "" && !isReason(s.Absent):
		return "the reason is not a code"
	case !isFinite(s.Gauge):
		return "not a finite number"
	}
	return ""
}

func isFinite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

func gapFault(g hw.Gap) string {
	switch {
	case pathFault(g.What) != "":
		return pathFault(g.What)
	case !isReason(g.Reason):
		return "the reason is not a code"
	case textFault(g.Detail, MaxText) != "":
		return "detail: " + textFault(g.Detail, MaxText)
	case !g.From.IsZero() && !g.To.IsZero() && g.To.Before(g.From):
		return "ends before it begins"
	}
	return ""
}

func attrsFault(attrs hw.Attrs) string {
	if len(attrs) > MaxAttrs {
		return fmt.Sprintf("%d attributes: at most %d", len(attrs), MaxAttrs)
	}
	for i, a := range attrs {
		switch {
		case a.Key == "" || a.Value == "":
			return "an attribute without key or value"
		case i > 0 && attrs[i-1].Key >= a.Key:
			return fmt.Sprintf("attribute %q: not in order, or twice", a.Key)
		case textFault(a.Key, MaxSensor) != "":
			return fmt.Sprintf("attribute %.40q: %s", a.Key, textFault(a.Key, MaxSensor))
		case textFault(a.Value, MaxText) != "":
			return fmt.Sprintf("attribute %q: %s", a.Key, textFault(a.Value, MaxText))
		}
	}
	return ""
}

// pathFault says what is wrong with a path, "" when nothing is. Spaces are allowed: some
// devices have them in interface names.
func pathFault(p string) string {
	if p == "" {
		return "empty"
	}
	if fault := textFault(p, MaxPath); fault != "" {
		return fault
	}
	if p[0] == '/' || p[len(p)-1] == '/' || strings.Contains(p, "//") {
		return "an empty segment"
	}
	if strings.ContainsFunc(p, unicode.IsControl) {
		return "a control character"
	}
	return ""
}

func textFault(s string, limit int) string {
	switch {
	case len(s) > limit:
		return fmt.Sprintf("longer than %d bytes", limit)
	case !utf8.ValidString(s):
		return "not UTF-8"
	}
	return ""
}

func isSensor(s string) bool {
	if s == "" || len(s) > MaxSensor || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := 1; i < len(s); i++ {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

func isReason(r hw.Reason) bool {
	if r == "" || len(r) > maxReason {
		return false
	}
	for i := range len(r) {
		if c := r[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// doubles finds pairs of names that come twice in a list. It holds positions, not names:
// a report is checked at every visit, and a map of 2,000 pairs would cost more than the
// walk that read them.
type doubles struct {
	seed  maphash.Seed
	table []int32 // position + 1; open addressing
	first string  // of the pair before: neighbours often share it
	hash  uint64  // of first
}

func newDoubles(n int) doubles {
	size := 8
	for size < 2*n {
		size *= 2
	}
	return doubles{seed: maphash.MakeSeed(), table: make([]int32, size)}
}

// seen adds position i and says whether an earlier one has the same pair.
func (d *doubles) seen(i int, pair func(int) (string, string)) bool {
	a, b := pair(i)
	if a != d.first || d.hash == 0 {
		d.first, d.hash = a, maphash.String(d.seed, a)
	}
	h := d.hash*31 + maphash.String(d.seed, b)
	mask := uint64(len(d.table) - 1)
	for slot := h & mask; ; slot = (slot + 1) & mask {
		p := d.table[slot]
		if p == 0 {
			d.table[slot] = int32(i) + 1
			return false
		}
		if x, y := pair(int(p) - 1); x == a && y == b {
			return true
		}
	}
}
