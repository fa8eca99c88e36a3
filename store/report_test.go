package store_test

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
)

// reading is what a series shows of one sample. The gauge is its bits: == does not tell zeros
// apart, and no NaN from another.
type reading struct {
	component, sensor string
	kind              hw.SampleType
	bits              uint64
	startMS           int64
	absent            hw.Reason
}

func readingOf(s hw.Sample) reading {
	r := reading{component: s.Component, sensor: s.Sensor, kind: s.Type, absent: s.Absent}
	switch {
	case s.Absent != "":
	case s.Type == hw.Counter:
		r.bits, r.startMS = s.Count, s.StartMS
	default:
		r.bits = math.Float64bits(s.Gauge)
	}
	return r
}

// readings returns what m shows of a device at a time, in order.
func (m *member) readings(device hw.DeviceID, at time.Time) (out []reading) {
	m.w.t.Helper()
	points(m.w.t, m.box, store.SeriesQuery{Device: device, From: at, To: at}, func(p store.Point) {
		out = append(out, readingOf(hw.Sample{Component: p.Component, Sensor: p.Sensor, Type: p.Type, Gauge: p.Gauge, Count: p.Count, StartMS: p.StartMS, Absent: p.Absent}))
	})
	return out
}

// many is a report of n samples.
func many(device hw.DeviceID, at time.Time, n int) hw.Report {
	r := visit(device, at, 1)
	r.Samples = nil
	for i := range n {
		r.Samples = append(r.Samples, hw.Sample{Component: fmt.Sprintf("port/%d", i/10), Sensor: fmt.Sprintf("s%d_total", i%10), Type: hw.Counter, Count: uint64(i) * 7919, StartMS: int64(i/10) * 1000})
	}
	return r
}

// oddReport is what a device or a collector may come up with.
type oddReport struct {
	change func(*hw.Report)
	want   []reading // nil: the samples as they are, in order of name
}

// readings returns what a store has to show of r once it is changed.
func (o oddReport) readings(r hw.Report) []reading {
	if o.want != nil {
		return o.want
	}
	var want []reading
	for _, s := range r.Samples {
		want = append(want, readingOf(s))
	}
	slices.SortStableFunc(want, func(x, y reading) int {
		return cmp.Or(strings.Compare(x.component, y.component), strings.Compare(x.sensor, y.sensor))
	})
	return want
}

func celsius(component string, v float64) hw.Sample {
	return hw.Sample{Component: component, Sensor: "x_celsius", Gauge: v}
}

// oddShapes are reports that lack something, or have more of it than others.
func oddShapes() map[string]oddReport {
	return map[string]oddReport{
		"no samples": {change: func(r *hw.Report) { r.Samples = nil }, want: []reading{}},
		"empty":      {change: func(r *hw.Report) { *r = hw.Report{Device: r.Device, Started: r.Started} }, want: []reading{}},
		"no period":  {change: func(r *hw.Report) { r.Period = 0 }},
		"a day long": {change: func(r *hw.Report) { r.Took, r.Period = 24*time.Hour, 10000*time.Hour }},
		"negative":   {change: func(r *hw.Report) { r.Took, r.Period, r.Requests = -1, -time.Hour, -5 }},
		"only gaps": {change: func(r *hw.Report) {
			*r = hw.Report{Device: r.Device, Started: r.Started, Read: []hw.Scope{{Section: "ports", Extent: hw.Failed}},
				Gaps: []hw.Gap{{What: "ports", Reason: hw.NoAnswer}, {What: hw.VisitGap, Reason: hw.Refused, Detail: strings.Repeat("x", 1<<20)}}}
		}, want: []reading{}},
		"logs": {change: func(r *hw.Report) {
			for i := range 3000 {
				r.Log = append(r.Log, hw.LogLine{Unit: "u\xff", Log: "sel", Entry: fmt.Sprint(i), At: r.Started, Level: "err", Code: "c", Text: strings.Repeat("said\xfe ", i%100)})
			}
			r.Log = append(r.Log, hw.LogLine{Log: "sel", Entry: "big", Text: strings.Repeat("y", 20<<20)}, hw.LogLine{})
			r.Cursors = []hw.LogCursor{{Log: "sel", Cursor: "3000"}, {}}
		}},
		"100k": {change: func(r *hw.Report) { r.Samples = many("", r.Started, 100_000).Samples }},
	}
}

// oddSamples are reports whose samples have odd names, values or types.
func oddSamples() map[string]oddReport {
	return map[string]oddReport{
		"twice": {change: func(r *hw.Report) { r.Samples = []hw.Sample{celsius("a", 1), celsius("b", 2), celsius("a", 3)} },
			want: []reading{readingOf(celsius("a", 1)), readingOf(celsius("b", 2))}},
		"odd numbers": {change: func(r *hw.Report) {
			r.Samples = nil
			for i, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), 0, math.MaxFloat64, math.SmallestNonzeroFloat64, 0.1, -273.15, math.Float64frombits(0x7ff8dead00000001)} {
				r.Samples = append(r.Samples, celsius(fmt.Sprintf("fan/%02d", i), v))
			}
		}},
		"odd counters": {change: func(r *hw.Report) {
			r.Samples = nil
			for i, v := range []uint64{0, math.MaxUint64, 1 << 63} {
				for j, since := range []int64{0, 1, -1, -60_000_000_000_000, 250_000_000_000_000} {
					r.Samples = append(r.Samples, hw.Sample{Component: fmt.Sprintf("port/%d%d", i, j), Sensor: "rx_total", Type: hw.Counter, Count: v, StartMS: since})
				}
			}
		}},
		"both types": {change: func(r *hw.Report) {
			r.Samples = []hw.Sample{{Component: "a", Sensor: "b"}, {Component: "a", Sensor: "b", Type: hw.Counter, Count: 3, StartMS: 4}}
		}},
		"all absent": {change: func(r *hw.Report) {
			for i := range r.Samples {
				r.Samples[i] = hw.Sample{Component: r.Samples[i].Component, Sensor: r.Samples[i].Sensor, Type: r.Samples[i].Type, Absent: []hw.Reason{hw.NoAnswer, hw.TooMuch, "a reason of its own"}[i%3]}
			}
			slices.SortFunc(r.Samples, func(a, b hw.Sample) int {
				return strings.Compare(a.Component+"\x00"+a.Sensor, b.Component+"\x00"+b.Sensor)
			})
		}},
		"bad names": {change: func(r *hw.Report) {
			r.Unit.Name = "sw\xff\x00itch"
			r.Components[0].Path, r.Components[0].State = "port/\xc3\x28", r.Components[0].State.With("oper", "\xff\xfe")
			r.Samples = []hw.Sample{celsius("", 0), celsius("port/\xff\xfe", 1), celsius("port/\x00\n", 2), celsius(strings.Repeat("long", 1000), 3), {Component: "p", Sensor: "\xf0\x28", Gauge: 4}}
			r.Samples[0].Component = "blank"
		}, want: []reading{
			readingOf(celsius("blank", 0)),
			readingOf(celsius(strings.Repeat("long", 256), 3)),
			readingOf(hw.Sample{Component: "p", Sensor: "\ufffd(", Gauge: 4}),
			readingOf(celsius("port/", 2)),
			readingOf(celsius("port/\ufffd\ufffd", 1))}},
	}
}

// TestOddReports: what a device or a collector may come up with is stored as what it is, read
// back from the open segment, from a twin and from a peer, and no file has a fault.
func TestOddReports(t *testing.T) {
	t.Parallel()
	cases := oddShapes()
	maps.Copy(cases, oddSamples())
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 1)
			a, b := w.join(nil), w.join(nil)
			r := visit("sw-1", a.o.Now(), 1)
			c.change(&r)
			want := c.readings(r)
			a.put(r)
			a.plain("sw-2") // the store goes on
			w.settle([2]*member{a, b})
			check := func() {
				t.Helper()
				for i, m := range []*member{a, b} {
					if got := m.readings("sw-1", r.Started); !slices.Equal(got, want) {
						t.Fatalf("store %d shows %d readings, want %d: %.600s\n%.600s", i, len(got), len(want), fmt.Sprint(got), fmt.Sprint(want))
					}
				}
				w.same(a, b)
			}
			check()
			a.seal()
			b.seal()
			a.reopen()
			check()
			a.sound()
			b.sound()
		})
	}
}

// TestOddTimes: a visit at any time is kept at that time.
func TestOddTimes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	a, b := w.join(nil), w.join(nil)
	times := []time.Time{{}, time.Unix(0, 0), time.Unix(-1, 0), time.Date(9999, 12, 31, 23, 0, 0, 0, time.UTC), start.Add(tenYears), time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC)}
	for i, at := range times {
		a.put(visit(hw.DeviceID(fmt.Sprint("sw-", i)), at, uint64(i)))
		a.put(visit(hw.DeviceID(fmt.Sprint("sw-", i)), start, uint64(i)))
	}
	w.settle([2]*member{a, b})
	for range 2 {
		for i, at := range times {
			for _, m := range []*member{a, b} {
				want := 8
				if at.IsZero() { // a query to time zero has no end
					want = 16
				}
				if got := m.readings(hw.DeviceID(fmt.Sprint("sw-", i)), at); len(got) != want {
					t.Errorf("%d readings at %v, want %d", len(got), at, want)
				}
			}
		}
		a.seal()
		b.seal()
		a.reopen()
		w.same(a, b)
	}
	a.sound()
	b.sound()
}

// TestOneFlush: reports of several devices, and several of one, share a flush: one turn, one
// batch a stream, one boot time.
func TestOneFlush(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	a := w.join(nil)
	a.stop()
	s, err := store.Open(t.Context(), a.o)
	if err != nil {
		t.Fatal(err)
	}
	var reports []hw.Report
	for i := range 10 {
		r := visit(hw.DeviceID(fmt.Sprint("sw-", i%4)), start.Add(time.Duration(i)*time.Second), uint64(i))
		r.Log = []hw.LogLine{{Log: "buffer", Entry: fmt.Sprint(i), Text: "said"}}
		reports = append(reports, r)
	}
	if err := s.PutTogether(reports); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	a.box = open(t, a.o)
	turns := map[uint64][]journal.Stream{}
	for _, x := range a.all(zero, 100) {
		turns[x.Turn] = append(turns[x.Turn], x.Stream)
	}
	if !slices.ContainsFunc(slices.Collect(maps.Values(turns)), func(s []journal.Stream) bool {
		return slices.Equal(s, []journal.Stream{journal.Facts, journal.Samples, journal.Logs})
	}) {
		t.Fatalf("batches by turn %v", turns)
	}
	for i, r := range reports {
		if n := len(a.readings(r.Device, r.Started)); n != 8 {
			t.Fatalf("%d readings of report %d", n, i)
		}
	}
	a.sound()
}

// TestLayoutsNeverTheSame: a device whose parts have other names at every visit costs room in
// the journal, but what is remembered of it stays bounded.
func TestLayoutsNeverTheSame(t *testing.T) {
	w := newWorld(t, 4)
	a, b := w.join(nil), w.join(nil)
	put := func(n int) {
		for range n {
			w.visit++
			r := visit("sw-1", a.o.Now(), w.visit)
			r.Components = r.Components[:1]
			for i := range 500 {
				r.Samples = append(r.Samples, hw.Sample{Component: fmt.Sprintf("tunnel/%d.%d.%s", w.visit, i, strings.Repeat("n", 50)), Sensor: "x_total", Type: hw.Counter, Count: 1})
			}
			a.put(r)
			w.pass(time.Minute)
		}
	}
	heap := func() uint64 {
		a.seal()
		b.seal()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	put(20)
	w.settle([2]*member{a, b})
	before := heap()
	put(60)
	w.settle([2]*member{a, b})
	if grown := int64(heap()) - int64(before); grown > 1<<20 { // each visit is 50 kB of names
		t.Fatalf("60 visits with new names are remembered with %d bytes", grown)
	}
	w.same(a, b)
	a.sound()
	b.sound()
}

// TestReportTooLarge: a report beyond the limits of a batch is stored without its samples,
// which a gap says; the store goes on.
func TestReportTooLarge(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 5)
	a := w.join(nil)
	r := many("sw-1", a.o.Now(), 1<<19+1)
	a.put(r)
	if got := a.readings("sw-1", r.Started); len(got) != 0 {
		t.Fatalf("%d readings", len(got))
	}
	if !slices.ContainsFunc(a.gaps("sw-1"), func(g hw.GapValue) bool { return g.Reason == hw.TooMuch }) {
		t.Fatalf("gaps %+v", a.gaps("sw-1"))
	}
	a.plain("sw-1")
	a.stop()
	if audit, err := store.Verify(t.Context(), a.o.Dir, io.Discard); err != nil || len(audit.Faults) > 0 {
		t.Fatalf("%v: %v", audit.Faults, err)
	}
}

// TestGapOfSamplesIsWrittenOnce: a device that names samples twice at every visit gets one gap
// for as long as it does, which ends with it, whatever other sections are read between.
func TestGapOfSamplesIsWrittenOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 6)
	a := w.join(nil)
	twice := func(n int) {
		r := visit("sw-1", a.o.Now(), 1)
		for range n {
			r.Samples = append(r.Samples, r.Samples[0])
		}
		a.put(r)
		w.pass(time.Minute)
		a.put(hw.Report{Device: "sw-1", Started: a.o.Now(), Period: time.Minute, Read: []hw.Scope{{Section: "env", Extent: hw.Complete}}})
		w.pass(time.Minute)
	}
	const of = "ports/samples"
	gap := func() (hw.GapValue, int) {
		facts, err := a.Facts(t.Context(), store.FactQuery{Device: "sw-1"})
		require(t, err)
		facts = slices.DeleteFunc(facts, func(f store.FactRecord) bool { return f.Group != of })
		if len(facts) == 0 {
			return hw.GapValue{}, 0
		}
		return facts[len(facts)-1].Value.(hw.GapValue), len(facts)
	}
	for n := range 5 {
		twice(1 + n%2)
	}
	if g, n := gap(); n != 1 || g.Reason != hw.Garbage || !g.To.IsZero() || !g.From.Equal(start) {
		t.Fatalf("%d facts of gaps, the last is %+v", n, g)
	}
	twice(0)
	if g, n := gap(); n != 2 || g.To.IsZero() {
		t.Fatalf("%d facts of gaps, the last is %+v", n, g)
	}
	twice(1)
	if g, n := gap(); n != 3 || !g.To.IsZero() {
		t.Fatalf("%d facts of gaps, the last is %+v", n, g)
	}
}
