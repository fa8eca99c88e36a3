package journal_test

import (
	"slices"
	"testing"
	"time"

	"rackpost/collectors/sim/workload"
	"rackpost/hw"
	"rackpost/hw/journal"
)

// arranged is what the store hands to AppendVisit: the samples in the layout's order.
type arranged struct {
	report  hw.Report
	samples []hw.Sample
	layout  journal.Layout
}

func arrange(tb testing.TB, c *journal.Compressor, r hw.Report, known map[hw.DeviceID]map[int]journal.Layout) arranged {
	samples := slices.Clone(r.Samples)
	slices.SortFunc(samples, func(a, b hw.Sample) int { return entryOf(&a).Compare(entryOf(&b)) })
	byLength := known[r.Device]
	if byLength == nil {
		byLength = map[int]journal.Layout{}
		known[r.Device] = byLength
	}
	l, ok := byLength[len(samples)]
	if !ok {
		entries := make([]journal.Entry, len(samples))
		for i := range samples {
			entries[i] = entryOf(&samples[i])
		}
		var err error
		if l, err = c.NewLayout(entries); err != nil {
			tb.Fatal(err)
		}
		byLength[len(samples)] = l
	}
	return arranged{r, samples, l}
}

func entryOf(s *hw.Sample) journal.Entry {
	return journal.Entry{Component: s.Component, Sensor: s.Sensor, Type: s.Type}
}

// flushes returns the visits of the reference site, one element a second as the store
// flushes them.
func flushes(tb testing.TB, c *journal.Compressor, seconds int) (out [][]arranged) {
	o := workload.Site()
	g := workload.New(1, o)
	known := map[hw.DeviceID]map[int]journal.Layout{}
	var end time.Time
	for len(out) <= seconds {
		r := g.Next()
		if r.Started.After(end) || len(out) == 0 {
			out, end = append(out, nil), r.Started.Add(time.Second)
		}
		last := len(out) - 1
		out[last] = append(out[last], arrange(tb, c, r, known))
	}
	return out[:seconds]
}

// packFlush writes one flush as a batch of samples.
func packFlush(tb testing.TB, c *journal.Compressor, dst, body []byte, visits []arranged, seq uint64) (batch, raw []byte, samples int) {
	wall := visits[len(visits)-1].report.Started.UnixMilli() + 700
	h := journal.Header{Key: journal.Key{StreamKey: journal.StreamKey{Site: journal.ID{1, 2, 3}, Origin: journal.ID{0x9e, 0x37, 0x79, 0xb9, 0x7f, 0x4a, 0x7c, 0x15, 0xf3, 0x9c, 0xc0, 0x60, 0x5c, 0xed, 0xc8, 0x34},
		Incarnation: 0x2545f4914f6cdd1d, Stream: journal.Samples}, Seq: seq}, Turn: uint64(wall), WallMS: wall, SinceBootMS: uint64(1_000_000 + seq*1000),
		Boot: [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, Mode: journal.Leader, Clock: journal.ClockTrusted, Previous: 0xdeadbeef, Records: len(visits)}
	for i := range visits {
		at := slices.Index(h.Uses, visits[i].layout.ID)
		if at < 0 {
			at = len(h.Uses)
			h.Uses = append(h.Uses, visits[i].layout.ID)
		}
		body = journal.AppendVisit(body, &visits[i].report, at, visits[i].samples, wall)
		samples += len(visits[i].samples)
	}
	batch, err := c.AppendBatch(dst, h, body)
	if err != nil {
		tb.Fatal(err)
	}
	return batch, body, samples
}

// rowOverhead is what SQLite adds to a batch: row header, key index.
const rowOverhead = 40

// BenchmarkBatch packs an hour of the reference site, one batch a second.
func BenchmarkBatch(b *testing.B) {
	var c journal.Compressor
	all := flushes(b, &c, 3600)
	var dst, body []byte
	bytes, raw, samples, n := 0, 0, 0, 0
	b.ResetTimer()
	for b.Loop() {
		var count int
		dst, body, count = packFlush(b, &c, dst[:0], body[:0], all[n%len(all)], uint64(n+1))
		bytes, raw, samples = bytes+len(dst)+rowOverhead, raw+len(body), samples+count
		n++
	}
	b.ReportMetric(float64(bytes)/float64(samples), "B/sample")
	b.ReportMetric(float64(raw)/float64(samples), "rawB/sample")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(samples), "ns/sample")
}

// switchVisit is one visit of all sections of a Catalyst: 756 samples.
func switchVisit(tb testing.TB) ([]journal.Entry, arranged) {
	var c journal.Compressor
	g := workload.New(1, workload.Catalysts(1))
	a := arrange(tb, &c, g.Next(), map[hw.DeviceID]map[int]journal.Layout{})
	entries, err := c.Entries(a.layout)
	if err != nil {
		tb.Fatal(err)
	}
	return entries, a
}

func perSample(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/sample")
}

func BenchmarkEncodeVisit(b *testing.B) {
	entries, a := switchVisit(b)
	wall := a.report.Started.UnixMilli()
	var body []byte
	b.ReportAllocs()
	for b.Loop() {
		body = journal.AppendVisit(body[:0], &a.report, 0, a.samples, wall)
	}
	b.ReportMetric(float64(len(body))/float64(len(entries)), "rawB/sample")
	perSample(b, len(entries))
}

func BenchmarkDecodeVisit(b *testing.B) {
	entries, a := switchVisit(b)
	body := journal.AppendVisit(nil, &a.report, 0, a.samples, goldenWall)
	var dst []hw.Sample
	b.ReportAllocs()
	for b.Loop() {
		err := journal.Records(body, func(r journal.Record) error {
			v, err := journal.ParseVisit(r.Payload, goldenWall)
			if err == nil {
				dst, err = v.Samples(dst[:0], entries)
			}
			return err
		})
		if err != nil || len(dst) != len(entries) {
			b.Fatalf("%d samples: %v", len(dst), err)
		}
	}
	perSample(b, len(entries))
}

// BenchmarkUnpackBatch reads the batches BenchmarkBatch writes, values included.
func BenchmarkUnpackBatch(b *testing.B) {
	var c journal.Compressor
	var packed [][]byte
	entries := map[journal.LayoutID][]journal.Entry{}
	for i, visits := range flushes(b, &c, 120) {
		raw, _, _ := packFlush(b, &c, nil, nil, visits, uint64(i+1))
		packed = append(packed, raw)
		for _, v := range visits {
			entries[v.layout.ID] = entriesOf(v.samples)
		}
	}
	var dst []hw.Sample
	samples, n := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		batch, err := journal.ParseBatch(packed[n%len(packed)])
		if err != nil {
			b.Fatal(err)
		}
		body, err := c.Body(&batch)
		if err != nil {
			b.Fatal(err)
		}
		err = journal.Records(body, func(r journal.Record) error {
			v, err := journal.ParseVisit(r.Payload, batch.WallMS)
			if err == nil {
				dst, err = v.Samples(dst[:0], entries[batch.Uses[v.Layout]])
				samples += len(dst)
			}
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(samples), "ns/sample")
}
