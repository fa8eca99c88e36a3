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

// BenchmarkMergeSites merges what 1,000 sites of 20 devices bring in a minute, 90 samples a second each, by one merge a second: as
// headquarters has it. It says what that costs, and what it takes on disk and in memory; then what sealing costs, with bases and twins.
func BenchmarkMergeSites(b *testing.B) {
	const sites, kinds, seconds = 1000, 5, 60
	var second [kinds][][]journal.Batch
	perSecond, allSamples := 0.0, 0.0
	for k := range kinds {
		var n, before int
		second[k], n, before = secondsOf(b, uint64(k), sitesOptions(), seconds, 400)
		perSecond += float64(n) / seconds / kinds
		allSamples += float64(n+before) * sites / kinds
	}
	for b.Loop() {
		b.StopTimer()
		dir := b.TempDir()
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		o := store.Options{Dir: dir, Site: hqSite(), ManySites: true, Ballast: -1, Budget: 64 << 30}
		hq, err := store.Open(b.Context(), o)
		if err != nil {
			b.Fatal(err)
		}
		var cpu float64
		var took time.Duration
		merge := func(n int) {
			var together []journal.Batch
			for site := range sites {
				of := second[site%kinds]
				for i := range of[n] {
					together = append(together, ofSite(&of[n][i], site))
				}
			}
			c, began := cpuSeconds(), time.Now()
			for len(together) > 0 { // no merge takes more than 64 MB
				m := min(len(together), 4000)
				if err := hq.Merge(b.Context(), together[:m]); err != nil {
					b.Fatal(err)
				}
				together = together[m:]
			}
			cpu, took = cpu+cpuSeconds()-c, took+time.Since(began)
		}
		merge(0) // what each site did before: every device, and its facts
		sizeBefore := bytesOf(b, dir, ".open")
		cpu, took = 0, 0
		wrote := bytesWritten(b)
		for n := 1; n <= seconds; n++ {
			merge(n)
		}
		total := perSecond * seconds * sites
		wrote = bytesWritten(b) - wrote
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(total/took.Seconds(), "samples/s")
		b.ReportMetric(cpu/total*1e6, "cpu-s/Msamples")
		b.ReportMetric(float64(wrote)/total, "written-B/sample")
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "heap-MB")
		b.ReportMetric(putTogether(b, hq), "tail-aggregate-s")
		if err := hq.Close(); err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		if hq, err = store.Open(b.Context(), o); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(began).Seconds()/float64(bytesOf(b, dir, ".open"))*512e6, "start-s/512MB")
		c := cpuSeconds()
		if err := hq.Seal(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric((cpuSeconds()-c)/allSamples*1e6, "seal-cpu-s/Msamples")
		b.ReportMetric(float64(bytesOf(b, dir, ".sealed")-sizeBefore)/total, "journal-B/sample")
		b.ReportMetric(float64(bytesOf(b, dir, ".twin"))/allSamples, "twin-B/sample")
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
