package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rackpost/collectors/sim/workload"
	"rackpost/hw"
	"rackpost/store"
)

// site fills a store with the reference site of the seeded generator, one flush a second of
// simulated time.
type site struct {
	*store.Store
	gen     *workload.Generator
	now     time.Time
	next    hw.Report
	samples int
}

func newSite(b testing.TB, dir string, opt store.Options) *site {
	b.Helper()
	s := &site{now: start}
	w := workload.Site()
	w.Start = start
	s.gen = workload.New(1, w)
	opt.Dir, opt.Site = dir, testSite
	opt.Now = func() time.Time { return s.now }
	opt.Boot = func() ([8]byte, time.Duration) { return [8]byte{1}, s.now.Sub(start) }
	var err error
	if s.Store, err = store.Open(b.Context(), opt); err != nil {
		b.Fatal(err)
	}
	s.next = s.gen.Next()
	return s
}

// second puts the reports of the next second.
func (s *site) second(b testing.TB) {
	s.now = s.now.Add(time.Second)
	var together []hw.Report
	for s.next.Started.Add(s.next.Took).Before(s.now) {
		together = append(together, s.next)
		s.samples += len(s.next.Samples)
		s.next = s.gen.Next()
	}
	if err := s.PutTogether(together); err != nil {
		b.Fatal(err)
	}
}

func bytesOf(b testing.TB, dir string, suffixes ...string) (n int64) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		b.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue
		}
		for _, x := range suffixes {
			if strings.HasSuffix(e.Name(), x) {
				n += info.Size()
			}
		}
	}
	return n
}

// BenchmarkFill writes an hour of the reference site, one flush a second, and seals it.
func BenchmarkFill(b *testing.B) {
	samples := 0
	for b.Loop() {
		dir := b.TempDir()
		s := newSite(b, dir, store.Options{Ballast: -1})
		for range 3600 {
			s.second(b)
		}
		b.StopTimer()
		if err := s.Seal(b.Context()); err != nil {
			b.Fatal(err)
		}
		samples += s.samples
		b.ReportMetric(float64(bytesOf(b, dir, ".sealed"))/float64(s.samples), "journal-B/sample")
		b.ReportMetric(float64(bytesOf(b, dir, ".twin"))/float64(s.samples), "twin-B/sample")
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(samples)/b.Elapsed().Seconds(), "samples/s")
}

// BenchmarkFillFast is the same in flushes of 256 KB: a backlog coming in.
func BenchmarkFillFast(b *testing.B) {
	samples := 0
	for b.Loop() {
		b.StopTimer()
		s := newSite(b, b.TempDir(), store.Options{Ballast: -1})
		b.StartTimer()
		for range 60 {
			var together []hw.Report
			n := 0
			for n < 40_000 {
				together = append(together, s.next)
				n += len(s.next.Samples)
				s.next = s.gen.Next()
			}
			s.now = s.next.Started
			if err := s.PutTogether(together); err != nil {
				b.Fatal(err)
			}
			samples += n
		}
		b.StopTimer()
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(samples)/b.Elapsed().Seconds(), "samples/s")
}

// BenchmarkRead reads, from a store opened anew each time, one device's hour and one series'
// week. RACKPOST_BENCH_DIR keeps the filled folder for the next run.
func BenchmarkRead(b *testing.B) {
	dir := os.Getenv("RACKPOST_BENCH_DIR")
	if dir == "" {
		dir = b.TempDir()
	}
	s := newSite(b, dir, store.Options{Ballast: -1})
	device := hw.DeviceID("")
	for _, d := range s.gen.Devices() {
		if strings.HasPrefix(d.Kind, "cisco-catalyst") {
			device = d.ID
			break
		}
	}
	if len(s.Devices()) == 0 {
		for range 28 {
			for range 6 * 3600 {
				s.second(b)
			}
			if err := s.Seal(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
	var component, sensor string
	last, _ := s.Device(device)
	query := func(q store.SeriesQuery) int {
		n := 0
		q.Device = device
		err := s.Series(context.Background(), q, func(p store.Point) error {
			n++
			if strings.HasPrefix(p.Component, "port/") && p.Sensor == "rx_bytes_total" {
				component, sensor = p.Component, p.Sensor
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		return n
	}
	end := last.LastVisit
	b.Run("device-hour", func(b *testing.B) {
		n := 0
		for b.Loop() {
			n = query(store.SeriesQuery{From: end.Add(-25 * time.Hour), To: end.Add(-24 * time.Hour)})
		}
		b.ReportMetric(float64(n), "points")
	})
	b.Run("series-week", func(b *testing.B) {
		n := 0
		for b.Loop() {
			n = query(store.SeriesQuery{Component: component, Sensor: sensor, From: end.Add(-7 * 24 * time.Hour), To: end})
		}
		b.ReportMetric(float64(n), "points")
	})
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkMonth fills a store with 30 days of the reference site, one flush a second, and
// says what it takes. It needs RACKPOST_BENCH_MONTH, a folder with 8 GB, best in memory.
func BenchmarkMonth(b *testing.B) {
	dir := os.Getenv("RACKPOST_BENCH_MONTH")
	if dir == "" {
		b.Skip("set RACKPOST_BENCH_MONTH to a folder with 8 GB; the fill takes about half an hour")
	}
	dir = filepath.Join(dir, "month")
	b.Cleanup(func() { os.RemoveAll(dir) })
	for b.Loop() {
		s := newSite(b, dir, store.Options{Ballast: -1, Budget: 8 << 30})
		for day := range 30 {
			for range 4 {
				for range 6 * 3600 {
					s.second(b)
				}
				if err := s.Seal(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			fmt.Fprintf(os.Stderr, "day %d: %d samples, journal %d MB, twins %d MB\n", day+1, s.samples, bytesOf(b, dir, ".sealed")>>20, bytesOf(b, dir, ".twin")>>20)
		}
		st, err := s.Stats()
		if err != nil || st.Shed > 0 {
			b.Fatalf("shed %d: %v", st.Shed, err)
		}
		b.ReportMetric(float64(bytesOf(b, dir, ".sealed"))/float64(s.samples), "journal-B/sample")
		b.ReportMetric(float64(bytesOf(b, dir, ".twin"))/float64(s.samples), "twin-B/sample")
		b.ReportMetric(float64(st.Used)/1e9, "GB")
		b.ReportMetric(float64(s.samples)/1e6, "Msamples")
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
