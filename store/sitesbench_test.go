package store_test

import (
	"encoding/binary"
	"hash/crc32"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"rackpost/collectors/sim/workload"
	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
)

// sitesOptions is a site of 20 devices.
func sitesOptions() workload.Options { return workload.Options{Servers: 12, Switches: 7, ASAPairs: 1} }

// secondsOf writes seconds of a site's work by one store and returns the batches of each: with their layouts, the first time.
func secondsOf(b testing.TB, seed uint64, o workload.Options, seconds, warm int) (out [][]journal.Batch, samples, before int) {
	b.Helper()
	now := start
	o.Start = start
	gen := workload.New(seed, o)
	s, err := store.Open(b.Context(), store.Options{Dir: b.TempDir(), Site: testSite, Ballast: -1, Now: func() time.Time { return now },
		Boot: func() ([8]byte, time.Duration) { return [8]byte{1}, now.Sub(start) }, SegmentAge: 1000 * time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	next := gen.Next()
	var p store.Position
	for n := range seconds + warm {
		now = now.Add(time.Second)
		var together []hw.Report
		for next.Started.Add(next.Took).Before(now) {
			together = append(together, next)
			if n >= warm {
				samples += len(next.Samples)
			} else {
				before += len(next.Samples)
			}
			next = gen.Next()
		}
		if err := s.PutTogether(together); err != nil {
			b.Fatal(err)
		}
		batches, to, err := s.Since(b.Context(), p, 100)
		if err != nil {
			b.Fatal(err)
		}
		if p = to; n == warm-1 || (warm == 0 && n == 0) { // what came before is one piece
			batches = append(slices.Concat(out...), batches...)
			out = [][]journal.Batch{batches}
			continue
		}
		out = append(out, batches)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	return out, samples, before
}

// ofSite returns a batch as another site would have written it.
func ofSite(x *journal.Batch, n int) journal.Batch {
	raw := slices.Clone(x.Bytes)
	binary.BigEndian.PutUint32(raw[4:], uint32(n)+1)
	binary.BigEndian.PutUint32(raw[20:], uint32(n)+1)
	end := len(raw) - 4
	binary.BigEndian.PutUint32(raw[end:], crc32.Checksum(raw[:end], crc32.MakeTable(crc32.Castagnoli)))
	return journal.Batch{Bytes: raw, Layouts: x.Layouts}
}

func cpuSeconds() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// bytesWritten returns how many bytes the process has written.
func bytesWritten(b testing.TB) (n int64) {
	raw, err := os.ReadFile("/proc/self/io")
	if err != nil {
		b.Skip("the system does not tell what is written: ", err)
	}
	for line := range strings.Lines(string(raw)) {
		if text, ok := strings.CutPrefix(line, "wchar: "); ok {
			n, err = strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		}
	}
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// manySites is what 1,000 sites of 20 devices bring in a minute, 90 samples a second each: a few kinds of sites, many times.
type manySites struct {
	seconds          [][][]journal.Batch // of each kind; the first is all that was before
	minute, all      float64             // samples of all sites
	cpu, took, wrote float64             // of the merges
}

const benchSites, benchSeconds = 1000, 60

func newManySites(b *testing.B) *manySites {
	const kinds = 5
	m := &manySites{}
	for k := range kinds {
		seconds, n, before := secondsOf(b, uint64(k), sitesOptions(), benchSeconds, 400)
		m.seconds = append(m.seconds, seconds)
		m.minute += float64(n) * benchSites / kinds
		m.all += float64(n+before) * benchSites / kinds
	}
	return m
}

// merge merges the n-th second of all sites.
func (m *manySites) merge(b *testing.B, hq *store.Store, n int) {
	var together []journal.Batch
	for site := range benchSites {
		of := m.seconds[site%len(m.seconds)]
		for i := range of[n] {
			together = append(together, ofSite(&of[n][i], site))
		}
	}
	cpu, began, wrote := cpuSeconds(), time.Now(), bytesWritten(b)
	for len(together) > 0 { // no merge takes more than 64 MB
		k := min(len(together), 4000)
		if err := hq.Merge(b.Context(), together[:k]); err != nil {
			b.Fatal(err)
		}
		together = together[k:]
	}
	m.cpu, m.took, m.wrote = m.cpu+cpuSeconds()-cpu, m.took+time.Since(began).Seconds(), m.wrote+float64(bytesWritten(b)-wrote)
}

func heapBytes() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// BenchmarkMergeSites merges what 1,000 sites bring, by one merge a second: as headquarters has it. It says what that costs, and
// what it takes on disk and in memory; then what a start and sealing cost, with bases and twins, and what an aggregate.
func BenchmarkMergeSites(b *testing.B) {
	m := newManySites(b)
	for b.Loop() {
		b.StopTimer()
		dir, heap := b.TempDir(), heapBytes()
		o := store.Options{Dir: dir, Site: hqSite(), ManySites: true, Ballast: -1, Budget: 64 << 30}
		hq, err := store.Open(b.Context(), o)
		if err != nil {
			b.Fatal(err)
		}
		m.merge(b, hq, 0) // what each site did before: every device, and its facts
		size := bytesOf(b, dir, ".open")
		m.cpu, m.took, m.wrote = 0, 0, 0
		b.StartTimer()
		for n := range benchSeconds {
			m.merge(b, hq, n+1)
		}
		b.StopTimer()
		b.ReportMetric(m.minute/m.took, "samples/s")
		b.ReportMetric(m.cpu/m.minute*1e6, "cpu-s/Msamples")
		b.ReportMetric(m.wrote/m.minute, "written-B/sample")
		b.ReportMetric((heapBytes()-heap)/1e6, "heap-MB")
		b.ReportMetric(putTogether(b, hq), "tail-aggregate-s")
		if err := hq.Close(); err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		if hq, err = store.Open(b.Context(), o); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(began).Seconds()/float64(bytesOf(b, dir, ".open"))*512e6, "start-s/512MB")
		cpu := cpuSeconds()
		if err := hq.Seal(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric((cpuSeconds()-cpu)/m.all*1e6, "seal-cpu-s/Msamples")
		b.ReportMetric(float64(bytesOf(b, dir, ".sealed")-size)/m.minute, "journal-B/sample")
		b.ReportMetric(float64(bytesOf(b, dir, ".twin"))/m.all, "twin-B/sample")
		b.ReportMetric(putTogether(b, hq), "twin-aggregate-s")
		if err := hq.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// putTogether returns how long it takes to have one sensor of 12,000 servers of 1,000 sites, five minutes of it, by site and minute.
func putTogether(b *testing.B, hq *store.Store) float64 {
	b.Helper()
	began, n := time.Now(), 0
	q := store.AggregateQuery{AllSites: true, Component: "temperature/*", Sensor: "*_celsius", By: store.BySite, Step: time.Minute, From: start, To: start.Add(5 * time.Minute)}
	if err := hq.Aggregate(b.Context(), q, func(x store.Bucket) error { n += x.Count; return nil }); err != nil || n == 0 {
		b.Fatalf("%d readings: %v", n, err)
	}
	b.ReportMetric(float64(n), "aggregated")
	return time.Since(began).Seconds()
}
