package collectors

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rackpost/hw"
)

// drawText makes names that clash, are empty, too long, not UTF-8, or right.
func drawText(t *rapid.T, label string) string {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"", "port/1", "port/2", "fast", "slow", "/x", "x//y", "rx_bytes_total", "inlet_celsius", "no-answer", "é", "a\xffb", "a\x00b", "visit"}),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 12), func(b []byte) string { return string(b) }),
		rapid.Map(rapid.IntRange(90, 9000), func(n int) string { return strings.Repeat("é", n) }),
	).Draw(t, label)
}

func drawAttrs(t *rapid.T) hw.Attrs {
	var out hw.Attrs
	for range rapid.IntRange(0, 4).Draw(t, "attrs") {
		out = append(out, hw.Attr{Key: drawText(t, "key"), Value: drawText(t, "value")})
	}
	return out
}

func drawReport(t *rapid.T) hw.Report {
	r := hw.Report{Requests: rapid.IntRange(-1, 3).Draw(t, "requests")}
	if rapid.Bool().Draw(t, "unit") {
		r.Unit = &hw.Unit{Serial: drawText(t, "serial"), Name: drawText(t, "name"), Uptime: -1}
	}
	n := func(label string) int { return rapid.IntRange(0, 4).Draw(t, label) }
	for range n("hasten") {
		r.Hasten = append(r.Hasten, drawText(t, "hastened"))
	}
	for range n("scopes") {
		r.Read = append(r.Read, hw.Scope{Section: drawText(t, "section"), Extent: hw.Extent(rapid.IntRange(0, 4).Draw(t, "extent"))})
	}
	for range n("components") {
		r.Components = append(r.Components, hw.Component{
			Path: drawText(t, "path"), Section: drawText(t, "section"), Health: hw.Health(rapid.IntRange(0, 5).Draw(t, "health")),
			State: drawAttrs(t), Attrs: drawAttrs(t),
		})
	}
	for range n("verdicts") {
		x := hw.Verdict{Component: drawText(t, "path"), Section: drawText(t, "section"), Code: drawText(t, "code"), Params: drawAttrs(t),
			Level: hw.Level(rapid.IntRange(0, 6).Draw(t, "level")), Within: time.Duration(n("within") - 1)}
		if len(r.Components) > 0 && rapid.Bool().Draw(t, "known") {
			x.Component, x.Section = r.Components[0].Path, r.Components[0].Section
		}
		r.Verdicts = append(r.Verdicts, x)
	}
	for range n("samples") {
		r.Samples = append(r.Samples, hw.Sample{
			Component: drawText(t, "component"), Sensor: drawText(t, "sensor"), Type: hw.SampleType(rapid.IntRange(0, 3).Draw(t, "type")),
			Gauge: rapid.SampledFrom([]float64{0, -1, math.NaN(), math.Inf(1)}).Draw(t, "gauge"), Absent: hw.Reason(drawText(t, "absent")),
		})
	}
	for range n("gaps") {
		r.Gaps = append(r.Gaps, hw.Gap{
			What: drawText(t, "what"), Reason: hw.Reason(drawText(t, "reason")), Detail: drawText(t, "detail"),
			From: time.Unix(int64(n("from")), 0), To: time.Unix(int64(n("to")), 0),
		})
	}
	for range n("lines") {
		r.Log = append(r.Log, hw.LogLine{Unit: drawText(t, "unit"), Log: drawText(t, "log"), Text: drawText(t, "text")})
		r.Cursors = append(r.Cursors, hw.LogCursor{Log: drawText(t, "log"), Cursor: drawText(t, "cursor")})
	}
	return r
}

// Whatever a collector returns, what is stored is valid, nothing is called complete that
// lost a component or a verdict, and whatever was dropped left a gap.
func TestTidiedReportsAreValid(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawReport(t)
		components, verdicts, samples, gaps := len(r.Components), len(r.Verdicts), len(r.Samples), len(r.Gaps)
		got := tidy(r)
		if err := CheckReport(got); err != nil {
			t.Fatalf("not valid: %v", err)
		}
		dropped := components + verdicts + samples - len(got.Components) - len(got.Verdicts) - len(got.Samples)
		if dropped > 0 && len(got.Gaps) == gaps {
			t.Fatalf("%d things dropped in silence", dropped)
		}
		for _, s := range got.Read {
			if len(got.Components)+len(got.Verdicts) < components+verdicts && s.Extent == hw.Complete {
				t.Fatalf("section %q lost a component or verdict and is complete", s.Section)
			}
		}
	})
}

// A report that is valid stays as it is.
func TestTidyLeavesValidReportsAlone(t *testing.T) {
	t.Parallel()
	r, want := ordinary(2), ordinary(2)
	for _, x := range []*hw.Report{&r, &want} { // a verdict on the device itself
		x.Verdicts = append(x.Verdicts, hw.Verdict{Section: "fast", Code: "redfish-unread", Level: hw.LevelHigh})
	}
	if err := CheckReport(r); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, tidy(r)); diff != "" {
		t.Error(diff)
	}
}

func TestCheckReportNamesTheFault(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		spil func(*hw.Report)
		want string
	}{
		{"sample twice", func(r *hw.Report) { r.Samples = append(r.Samples, r.Samples[0]) }, `"rx_bytes_total": twice`},
		{"component twice", func(r *hw.Report) { r.Components = append(r.Components, r.Components[0]) }, `twice in section "fast"`},
		{"component of a section not read", func(r *hw.Report) { r.Components[0].Section = "other" }, `section "other" was not read`},
		{"component of a failed section", func(r *hw.Report) { r.Read[0].Extent = hw.Failed }, "failed"},
		{"section twice", func(r *hw.Report) { r.Read = append(r.Read, r.Read[0]) }, "named twice"},
		{"empty path", func(r *hw.Report) { r.Components[0].Path = "" }, "empty"},
		{"empty segment", func(r *hw.Report) { r.Components[0].Path = "port/" }, "an empty segment"},
		{"control character", func(r *hw.Report) { r.Components[0].Path = "port/a\nb" }, "a control character"},
		{"not UTF-8", func(r *hw.Report) { r.Components[0].Attrs = hw.Attrs{{Key: "alias", Value: "a\xff"}} }, "not UTF-8"},
		{"attributes not in order", func(r *hw.Report) { r.Components[0].Attrs = hw.Attrs{{Key: "b", Value: "1"}, {Key: "a", Value: "1"}} }, "not in order"},
		{"not a number", func(r *hw.Report) { r.Samples[0].Gauge = math.NaN() }, "not a finite number"},
		{"sensor with a capital", func(r *hw.Report) { r.Samples[0].Sensor = "rxBytes" }, "a sensor is"},
		{"reason that is a text", func(r *hw.Report) { r.Samples[0].Absent = "No such name!" }, "not a code"},
		{"gap without reason", func(r *hw.Report) { r.Gaps = []hw.Gap{{What: "fast"}} }, "not a code"},
		{"gap backwards", func(r *hw.Report) {
			r.Gaps = []hw.Gap{{What: "fast", Reason: hw.Missed, From: time.Unix(2, 0), To: time.Unix(1, 0)}}
		}, "ends before it begins"},
		{"verdict twice", func(r *hw.Report) { r.Verdicts = append(r.Verdicts, r.Verdicts[0]) }, `of "port/Gi1/0/0": twice`},
		{"verdict on what was not read", func(r *hw.Report) { r.Verdicts[0].Section = "slow" }, `was not read by section "slow"`},
		{"verdict on the device of what was not read", func(r *hw.Report) { r.Verdicts[0].Component, r.Verdicts[0].Section = "", "slow" }, `component "" was not read by section "slow"`},
		{"verdict without a code", func(r *hw.Report) { r.Verdicts[0].Code = "" }, "the code is not"},
		{"verdict with a code of hw", func(r *hw.Report) { r.Verdicts[0].Code = hw.AlertMissing }, "one of hw's own"},
		{"verdict of no level", func(r *hw.Report) { r.Verdicts[0].Level = 9 }, "no such level"},
		{"verdict with bad parameters", func(r *hw.Report) { r.Verdicts[0].Params = hw.Attrs{{Key: "a"}} }, "without key or value"},
		{"too many verdicts", func(r *hw.Report) { r.Verdicts = make([]hw.Verdict, MaxVerdicts+1) }, "verdicts: at most"},
		{"section hastened twice", func(r *hw.Report) { r.Hasten = []string{"slow", "slow"} }, `"slow": named twice`},
		{"section hastened without a name", func(r *hw.Report) { r.Hasten = []string{""} }, `hasten section "": empty`},
		{"too many hastened", func(r *hw.Report) { r.Hasten = make([]string, MaxScopes+1) }, "sections to hasten: at most"},
		{"requests", func(r *hw.Report) { r.Requests = -1 }, "below zero"},
		{"uptime", func(r *hw.Report) { r.Unit.Uptime = -1 }, "below zero"},
		{"too many", func(r *hw.Report) { r.Gaps = make([]hw.Gap, MaxGaps+1) }, "gaps: at most"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := ordinary(2)
			c.spil(&r)
			err := CheckReport(r)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestPlainCutsBetweenCharacters(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, limit := rapid.String().Draw(t, "s"), rapid.IntRange(0, 40).Draw(t, "limit")
		got := plain(s, limit)
		if len(got) > limit || !utf8.ValidString(got) || !strings.HasPrefix(s, got) || len(got)+utf8.UTFMax <= min(len(s), limit) {
			t.Fatalf("%q cut to %d bytes is %q", s, limit, got)
		}
	})
}

// ordinary is a report as a switch of n ports yields it.
func ordinary(n int) hw.Report {
	r := hw.Report{Unit: &hw.Unit{Serial: "A1"}, Read: []hw.Scope{{Section: "fast", Extent: hw.Complete}}, Requests: 30}
	r.Verdicts = []hw.Verdict{{Component: "port/Gi1/0/0", Section: "fast", Code: "raid-level", Level: hw.LevelHigh, Params: hw.Attrs{{Key: "level", Value: "raid5"}}}}
	for i := range n {
		path := fmt.Sprintf("port/Gi1/0/%d", i)
		r.Components = append(r.Components, hw.Component{Path: path, Section: "fast", Health: hw.OK, Attrs: hw.Attrs{{Key: "alias", Value: "to the roof"}}})
		for _, sensor := range []string{"rx_bytes_total", "tx_bytes_total", "rx_errors_total", "tx_errors_total"} {
			r.Samples = append(r.Samples, hw.Sample{Component: path, Sensor: sensor, Type: hw.Counter, Count: 1})
		}
	}
	return r
}

// BenchmarkCheckReport is the cost of one visit's check: it is paid at every visit.
func BenchmarkCheckReport(b *testing.B) {
	r := ordinary(525) // 2,100 samples
	r.Verdicts = nil   // a switch has none
	b.ReportAllocs()
	for b.Loop() {
		if err := CheckReport(r); err != nil {
			b.Fatal(err)
		}
	}
}
