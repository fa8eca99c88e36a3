package workload_test

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/collectors/sim/workload"
	"rackpost/hw"
)

func small() workload.Options {
	return workload.Options{Servers: 3, Switches: 2, ASAPairs: 1}
}

func TestSameSeedSameReports(t *testing.T) {
	t.Parallel()
	a, b := workload.New(7, small()), workload.New(7, small())
	other := workload.New(8, small())
	differs := false
	for i := range 3000 {
		ra, rb := a.Next(), b.Next()
		if !reflect.DeepEqual(ra, rb) {
			t.Fatalf("report %d:\n%s", i, cmp.Diff(ra, rb))
		}
		differs = differs || !reflect.DeepEqual(ra, other.Next())
	}
	if !differs {
		t.Error("another seed gives the same reports")
	}
}

func TestReuseChangesNoReport(t *testing.T) {
	t.Parallel()
	o := small()
	own := workload.New(1, o)
	o.Reuse = true
	shared := workload.New(1, o)
	for i := range 1000 {
		if a, b := own.Next(), shared.Next(); !reflect.DeepEqual(a, b) {
			t.Fatalf("report %d:\n%s", i, cmp.Diff(a, b))
		}
	}
}

func TestReportIsTheCallersForEver(t *testing.T) {
	t.Parallel()
	g, again := workload.New(1, small()), workload.New(1, small())
	var kept []hw.Report
	for range 500 {
		kept = append(kept, g.Next())
	}
	for i := range kept {
		if a := again.Next(); !reflect.DeepEqual(a, kept[i]) {
			t.Fatalf("report %d changed after it was given out:\n%s", i, cmp.Diff(a, kept[i]))
		}
	}
}

func TestReferenceRate(t *testing.T) {
	t.Parallel()
	o := workload.Site()
	o.Reuse = true
	g := workload.New(1, o)
	if r := g.SamplesPerSecond(); math.Abs(r-520) > 0.001 {
		t.Errorf("the sections and their periods give %.4f samples/s, want 520", r)
	}
	const span = 2 * time.Hour
	var first, last time.Time
	samples := 0
	for {
		r := g.Next()
		if first.IsZero() {
			first = r.Started
		}
		if r.Started.Sub(first) >= span {
			break
		}
		if r.Started.Before(last) {
			t.Fatalf("report at %v after one at %v", r.Started, last)
		}
		last = r.Started
		samples += len(r.Samples)
	}
	rate := float64(samples) / span.Seconds()
	t.Logf("%.2f samples/s", rate)
	if math.Abs(rate-520) > 5.2 {
		t.Errorf("%.2f samples/s, want 520 within 1 %%", rate)
	}
}

type key struct {
	device hw.DeviceID
	component,
	sensor string
}

func TestCountersOnlyGoUp(t *testing.T) {
	t.Parallel()
	site := small()
	site.Servers = 10
	if n := restarts(t, workload.New(3, site), 24*time.Hour); n > 2*1000 {
		t.Errorf("%d counters began anew in a day of 13 devices", n)
	}
	if n := restarts(t, workload.New(3, workload.Options{ASAPairs: 50}), 3*24*time.Hour); n == 0 {
		t.Error("no counter began anew in 150 days of a device")
	}
}

// restarts returns how many counters began anew, and fails where one went back without.
func restarts(t *testing.T, g *workload.Generator, span time.Duration) (n int) {
	t.Helper()
	type visit struct {
		device  hw.DeviceID
		samples int
	}
	last := map[visit][]hw.Sample{} // of the last visit of the same sections
	end := g.Next().Started.Add(span)
	for r := g.Next(); r.Started.Before(end); r = g.Next() {
		before := last[visit{r.Device, len(r.Samples)}]
		last[visit{r.Device, len(r.Samples)}] = r.Samples
		for i, b := range before {
			s := r.Samples[i]
			if s.Component != b.Component || s.Sensor != b.Sensor {
				t.Fatalf("%s: sample %d is %s/%s and was %s/%s", r.Device, i, s.Component, s.Sensor, b.Component, b.Sensor)
			}
			switch {
			case s.Type != hw.Counter || s.Absent != "" || b.Absent != "":
			case s.StartMS != b.StartMS:
				n++
			case s.Count < b.Count:
				t.Fatalf("%s: %s/%s went from %d to %d", r.Device, s.Component, s.Sensor, b.Count, s.Count)
			}
		}
	}
	return n
}

func TestHalfOfThePortsAreIdle(t *testing.T) {
	t.Parallel()
	o := workload.Catalysts(4)
	o.Calm = true
	g := workload.New(1, o)
	seen := map[key]uint64{}
	moved := map[key]bool{}
	for range 4 * 30 {
		r := g.Next()
		for _, s := range r.Samples {
			k := key{r.Device, s.Component, ""}
			if s.Sensor != "rx_bytes_total" {
				continue
			}
			if v, ok := seen[k]; ok && v != s.Count {
				moved[k] = true
			}
			seen[k] = s.Count
		}
	}
	if len(seen) != 4*52 || len(moved) != 4*26 {
		t.Errorf("%d of %d ports are busy, want %d of %d", len(moved), len(seen), 4*26, 4*52)
	}
}

func TestSectionsAndTheirParts(t *testing.T) {
	t.Parallel()
	g := workload.New(1, small())
	visits := map[hw.DeviceID]int{}
	for range 6 * 61 {
		r := g.Next()
		visits[r.Device]++
		read := map[string]bool{}
		for _, s := range r.Read {
			read[s.Section] = s.Extent == hw.Complete
		}
		if want := visits[r.Device]%60 == 1; read["inventory"] != want && len(r.Gaps) == 0 {
			t.Errorf("%s visit %d: inventory read: %v", r.Device, visits[r.Device], read["inventory"])
		}
		components := map[string]bool{}
		for _, c := range r.Components {
			if !read[c.Section] || components[c.Path] {
				t.Errorf("%s: component %s twice or of section %s, which was not read", r.Device, c.Path, c.Section)
			}
			components[c.Path] = true
		}
		for _, s := range r.Samples {
			if !components[s.Component] {
				t.Errorf("%s: sample of %s, which is no component of the report", r.Device, s.Component)
			}
			if s.Type == hw.Counter != strings.HasSuffix(s.Sensor, "_total") {
				t.Errorf("%s is a %s", s.Sensor, s.Type)
			}
		}
	}
}

// TestEvents counts what a fold would write as facts: changes of a component, and lost visits.
func TestEvents(t *testing.T) {
	t.Parallel()
	o := workload.Site()
	o.Reuse = true
	g := workload.New(5, o)
	type section struct {
		device hw.DeviceID
		name   string
	}
	type judged struct {
		health hw.Health
		oper   string
	}
	last := map[section][]judged{}
	changes, gaps, lines, absent := 0, 0, 0, 0
	const days = 1
	end := g.Next().Started.Add(days * 24 * time.Hour)
	for r := g.Next(); r.Started.Before(end); r = g.Next() {
		gaps += len(r.Gaps)
		lines += len(r.Log)
		for rest := r.Components; len(rest) > 0; {
			k := section{r.Device, rest[0].Section}
			before := last[k]
			last[k] = last[k][:0]
			for len(rest) > 0 && rest[0].Section == k.name {
				now := judged{rest[0].Health, rest[0].State.Get("oper")}
				if i := len(last[k]); i < len(before) && before[i] != now {
					changes++
				}
				last[k] = append(last[k], now)
				rest = rest[1:]
			}
		}
		if r.Started.Hour() == 3 && r.Started.Minute() < 5 {
			for _, s := range r.Samples {
				if s.Absent != "" {
					absent++
				}
			}
		}
	}
	t.Logf("a day: %d changes, %d lost visits, %d log lines", changes, gaps, lines)
	if changes < 100 || changes > 300 || gaps == 0 || lines < 100 || lines > 400 || absent == 0 {
		t.Errorf("%d changes, %d lost visits, %d log lines, %d absences in %d day", changes, gaps, lines, absent, days)
	}
}

func BenchmarkNext(b *testing.B) {
	for _, reuse := range []bool{false, true} {
		b.Run(map[bool]string{false: "own", true: "reuse"}[reuse], func(b *testing.B) {
			o := workload.Site()
			o.Reuse = reuse
			g := workload.New(1, o)
			samples := 0
			for b.Loop() {
				samples += len(g.Next().Samples)
			}
			b.ReportMetric(float64(samples)/b.Elapsed().Seconds(), "samples/s")
		})
	}
}
