package journal_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rackpost/hw"
	"rackpost/hw/journal"
)

func drawSamples(t *rapid.T, n int) ([]hw.Sample, []journal.Entry) {
	starts := []int64{0, 1, 1_700_000_000_000, 1_700_000_000_001, -5}
	reasons := []hw.Reason{"", "", "", hw.NoAnswer, hw.Garbage}
	var samples []hw.Sample
	var entries []journal.Entry
	for i := range n {
		s := hw.Sample{Component: fmt.Sprintf("port/%06d", i/3), Sensor: fmt.Sprintf("s%d", i%3)}
		s.Absent = rapid.SampledFrom(reasons).Draw(t, "absent")
		if rapid.Bool().Draw(t, "counter") {
			s.Type = hw.Counter
			if s.Absent == "" {
				s.Count = rapid.Uint64().Draw(t, "count")
				s.StartMS = rapid.SampledFrom(starts).Draw(t, "start")
			}
		} else if s.Absent == "" {
			s.Gauge = math.Float64frombits(rapid.Uint64().Draw(t, "bits"))
			if rapid.Bool().Draw(t, "decimal") {
				s.Gauge = float64(rapid.IntRange(-1e6, 1e6).Draw(t, "m")) / 1000
			}
		}
		samples = append(samples, s)
		entries = append(entries, journal.Entry{Component: s.Component, Sensor: s.Sensor, Type: s.Type})
	}
	return samples, entries
}

func TestVisitRoundTrip(t *testing.T) {
	sameBits := cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) })
	rapid.Check(t, func(t *rapid.T) {
		wall := rapid.Int64Range(-1e12, 4e12).Draw(t, "wall")
		samples, entries := drawSamples(t, rapid.IntRange(0, 40).Draw(t, "n"))
		r := hw.Report{Device: "sw-1", Started: time.UnixMilli(wall - 250).UTC(), Took: 40 * time.Millisecond,
			Period: time.Minute, Requests: 7, Read: []hw.Scope{{Section: "ports", Extent: hw.Partial}, {Section: "cpu"}}}
		body := journal.AppendVisit(nil, &r, 3, samples, wall)
		n := 0
		err := journal.Records(body, func(rec journal.Record) error {
			n++
			v, err := journal.ParseVisit(rec.Payload, wall)
			if err != nil {
				return err
			}
			if v.Device != r.Device || v.Layout != 3 || !v.Started.Equal(r.Started) || v.Took != r.Took || v.Period != r.Period || v.Requests != 7 {
				t.Fatalf("visit came back as %+v", v)
			}
			if d := cmp.Diff(r.Read, v.Read); d != "" {
				t.Fatal(d)
			}
			got, err := v.Samples(nil, entries)
			if err != nil {
				return err
			}
			if d := cmp.Diff(samples, got, sameBits); d != "" && len(samples) > 0 {
				t.Fatal(d)
			}
			return nil
		})
		if err != nil || n != 1 {
			t.Fatalf("%d records: %v", n, err)
		}
	})
}
