package chunk_test

import (
	"bufio"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rackpost/collectors/sim/workload"
	"rackpost/hw"
	"rackpost/store/chunk"
)

// sqlRow and pageFill are what a row of SQLite costs beside its blob.
const (
	sqlRow   = 20.0
	pageFill = 0.95
)

// gathered are the visits of one device on their way into chunks.
type gathered struct {
	started, took []int64
	order         []string
	series        map[string][]chunk.Series
}

// twin encodes reports as a store would and sums up what it costs.
type twin struct {
	t       testing.TB
	visits  int // a chunk
	devices map[hw.DeviceID]*gathered
	enc     *chunk.Encoder
	buf     []byte
	rows    [][]byte // kept when keep is set
	keep    bool
	check   *chunk.Decoder // reads every row again when set

	samples, rowCount, bytes int
	encoding                 time.Duration
}

func newTwin(t testing.TB, visits int) *twin {
	enc, err := chunk.NewEncoder()
	if err != nil {
		t.Fatal(err)
	}
	return &twin{t: t, visits: visits, enc: enc, devices: map[hw.DeviceID]*gathered{}}
}

func (w *twin) add(r hw.Report) {
	g := w.devices[r.Device]
	if g == nil {
		g = &gathered{series: map[string][]chunk.Series{}}
		w.devices[r.Device] = g
	}
	visit := len(g.started)
	g.started = append(g.started, r.Started.UnixMilli())
	g.took = append(g.took, r.Took.Milliseconds())
	for i := 0; i < len(r.Samples); {
		path := r.Samples[i].Component
		list, known := g.series[path]
		if !known {
			g.order = append(g.order, path)
		}
		for k := 0; i < len(r.Samples) && r.Samples[i].Component == path; i, k = i+1, k+1 {
			s := &r.Samples[i]
			if k == len(list) {
				list = append(list, chunk.Series{Sensor: s.Sensor, Type: s.Type})
			}
			list[k].Append(chunk.Point{Visit: visit, Gauge: s.Gauge, Count: s.Count, StartMS: s.StartMS, Absent: s.Absent})
		}
		g.series[path] = list
	}
	w.samples += len(r.Samples)
	if visit+1 == w.visits {
		w.flush(g)
	}
}

func (w *twin) flush(g *gathered) {
	n := len(g.started)
	if n == 0 {
		return
	}
	start := time.Now()
	var err error
	if w.buf, err = w.enc.Times(w.buf[:0], g.started, g.took); err != nil {
		w.t.Fatal(err)
	}
	w.count()
	for _, path := range g.order {
		list := g.series[path]
		if list[0].Len() == 0 {
			continue
		}
		if w.buf, err = w.enc.Component(w.buf[:0], n, list); err != nil {
			w.t.Fatal(err)
		}
		w.count()
		w.compare(list)
		for i := range list {
			list[i] = chunk.Series{Sensor: list[i].Sensor, Type: list[i].Type}
		}
	}
	if w.check == nil {
		w.encoding += time.Since(start)
	}
	g.started, g.took = g.started[:0], g.took[:0]
}

// compare reads the last row again and expects list.
func (w *twin) compare(list []chunk.Series) {
	if w.check == nil {
		return
	}
	got, err := w.check.Component(w.buf)
	if err != nil || len(got) != len(list) {
		w.t.Fatalf("%d series, want %d: %v", len(got), len(list), err)
	}
	for i := range list {
		if got[i].Sensor != list[i].Sensor || got[i].Type != list[i].Type || got[i].Len() != list[i].Len() {
			w.t.Fatalf("%s with %d points, want %s with %d", got[i].Sensor, got[i].Len(), list[i].Sensor, list[i].Len())
		}
		for k := range list[i].Len() {
			if a, b := got[i].At(k), list[i].At(k); bitwise(a) != bitwise(b) {
				w.t.Fatalf("%s: point %d is %v, want %v", list[i].Sensor, k, a, b)
			}
		}
	}
}

func (w *twin) count() {
	w.rowCount++
	w.bytes += len(w.buf)
	if w.keep {
		w.rows = append(w.rows, append([]byte(nil), w.buf...))
	}
}

func (w *twin) end() {
	for _, g := range w.devices {
		w.flush(g)
	}
}

// perSample is what the twin takes on disk, bytes a sample.
func (w *twin) perSample() float64 {
	return (float64(w.bytes) + sqlRow*float64(w.rowCount)) / pageFill / float64(w.samples)
}

func (w *twin) report() {
	w.t.Logf("%d samples in %d rows: %.3f B a sample in rows, %.3f B with SQLite",
		w.samples, w.rowCount, float64(w.bytes)/float64(w.samples), w.perSample())
}

// fill runs a site for a time through a twin.
func fill(w *twin, o workload.Options, span time.Duration) {
	o.Reuse = true
	g := workload.New(1, o)
	r := g.Next()
	for end := r.Started.Add(span); r.Started.Before(end); r = g.Next() {
		w.add(r)
	}
	w.end()
}

func TestBytesASample(t *testing.T) {
	t.Parallel()
	for _, visits := range []int{128, 360} {
		w := newTwin(t, visits)
		_, w.check = codec(t)
		fill(w, workload.Options{Servers: 5, Switches: 1, Start: time.Date(2026, 1, 5, 6, 0, 0, 0, time.UTC)}, 6*time.Hour)
		t.Logf("chunks of %d visits:", visits)
		w.report()
		if c := w.perSample(); c > 2.3 {
			t.Errorf("%.2f B a sample, want at most 2.3", c)
		}
	}
}

// TestBusyPort measures the row of a port that is never idle, which no idle neighbour
// flatters.
func TestBusyPort(t *testing.T) {
	t.Parallel()
	w := newTwin(t, 360)
	w.keep = true
	fill(w, workload.Catalysts(1), 6*time.Hour)
	const row, samples = 1, 14 * 360 // after the times row
	c := (float64(len(w.rows[row])) + sqlRow) / pageFill / samples
	t.Logf("%.3f B a sample of a busy port", c)
	if c > 2.3 {
		t.Errorf("%.2f B a sample, want at most 2.3", c)
	}
}

// TestRecordedCounters takes the counters of a recorded Catalyst and lets them go on at the
// mean rate they had since it started.
func TestRecordedCounters(t *testing.T) {
	t.Parallel()
	ports, uptime := recordedPorts(t, "../../../shared/data/snmp/cisco_16_switch.snmprec")
	rng := rand.New(rand.NewPCG(1, 1))
	w := newTwin(t, 128)
	_, w.check = codec(t)
	r := hw.Report{Device: "switch", Took: 200 * time.Millisecond}
	start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	mean := make([]float64, len(ports))
	for i, s := range ports {
		mean[i] = float64(s.Count) / uptime.Minutes()
	}
	for v := range 360 {
		r.Started = start.Add(time.Duration(v)*time.Minute + time.Duration(rng.IntN(6))*time.Millisecond)
		for i := range ports {
			step := mean[i] * (0.6 + 0.8*rng.Float64())
			ports[i].Count += uint64(step)
			if rng.Float64() < step-float64(uint64(step)) {
				ports[i].Count++
			}
		}
		r.Samples = ports
		w.add(r)
	}
	w.end()
	t.Logf("%d counters:", len(ports))
	w.report()
	if c := w.perSample(); c > 2.3 {
		t.Errorf("%.2f B a sample, want at most 2.3", c)
	}
}

// recordedPorts reads the port counters of a recording, by port, and the device's uptime.
func recordedPorts(t *testing.T, path string) ([]hw.Sample, time.Duration) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("no recorded devices here: %v", err)
	}
	defer f.Close()
	columns := map[string]string{}
	for i, name := range [...]string{"rx_bytes_total", "rx_unicast_packets_total", "rx_multicast_packets_total", "rx_broadcast_packets_total", "tx_bytes_total", "tx_unicast_packets_total", "tx_multicast_packets_total", "tx_broadcast_packets_total"} {
		columns["1.3.6.1.2.1.31.1.1.1."+strconv.Itoa(6+i)] = name
	}
	for column, name := range map[int]string{13: "rx_discards_total", 14: "rx_errors_total", 15: "rx_unknown_protocols_total", 19: "tx_discards_total", 20: "tx_errors_total"} {
		columns["1.3.6.1.2.1.2.2.1."+strconv.Itoa(column)] = name
	}
	var out []hw.Sample
	var uptime time.Duration
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		oid, rest, _ := strings.Cut(lines.Text(), "|")
		typ, value, _ := strings.Cut(rest, "|")
		n, err := strconv.ParseUint(value, 10, 64)
		if oid == "1.3.6.1.2.1.1.3.0" {
			uptime = time.Duration(n) * 10 * time.Millisecond
		}
		dot := strings.LastIndexByte(oid, '.')
		name := columns[oid[:max(dot, 0)]]
		if err != nil || name == "" || typ != "65" && typ != "70" {
			continue
		}
		out = append(out, hw.Sample{Component: "port/" + oid[dot+1:], Sensor: name, Type: hw.Counter, Count: n, StartMS: 1})
	}
	if err := lines.Err(); err != nil || len(out) < 500 || uptime == 0 {
		t.Fatalf("%d counters, uptime %v: %v", len(out), uptime, err)
	}
	slices.SortStableFunc(out, func(a, b hw.Sample) int { return strings.Compare(a.Component, b.Component) })
	return out, uptime
}

// BenchmarkEncode makes the twin of 6 h of the reference site.
func BenchmarkEncode(b *testing.B) {
	for _, visits := range []int{128, 360} {
		b.Run(strconv.Itoa(visits), func(b *testing.B) {
			for b.Loop() {
				w := newTwin(b, visits)
				fill(w, workload.Site(), 6*time.Hour)
				b.ReportMetric(float64(w.samples)/w.encoding.Seconds(), "samples/s")
				b.ReportMetric(w.perSample(), "B/sample")
				b.ReportMetric(float64(w.bytes)/float64(w.samples), "blob-B/sample")
				b.ReportMetric(float64(w.rowCount), "rows")
			}
		})
	}
}

// switchRows are the rows of one switch's chunk: times, ports, and the rest.
func switchRows(b *testing.B, visits int) *twin {
	w := newTwin(b, visits)
	w.keep = true
	fill(w, workload.Catalysts(1), time.Duration(visits)*time.Minute)
	return w
}

// BenchmarkDevice reads all rows of a chunk of a switch: what a view of one hour of the
// device reads of the twin, one chunk or two.
func BenchmarkDevice(b *testing.B) {
	for _, visits := range []int{128, 360} {
		b.Run(strconv.Itoa(visits), func(b *testing.B) {
			w := switchRows(b, visits)
			_, d := codec(b)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Times(w.rows[0]); err != nil {
					b.Fatal(err)
				}
				for _, row := range w.rows[1:] {
					if _, err := d.Component(row); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(w.samples*b.N)/b.Elapsed().Seconds(), "samples/s")
		})
	}
}

// BenchmarkSeriesWeek reads one counter of one busy port for 168 h: 28 segments.
func BenchmarkSeriesWeek(b *testing.B) {
	for _, visits := range []int{128, 360} {
		b.Run(strconv.Itoa(visits), func(b *testing.B) {
			w := switchRows(b, visits)
			_, d := codec(b)
			b.ReportAllocs()
			for b.Loop() {
				for points := 0; points < 168*60; {
					if _, err := d.Times(w.rows[0]); err != nil {
						b.Fatal(err)
					}
					list, err := d.Sensor(w.rows[1], "tx_bytes_total")
					if err != nil || len(list) != 1 {
						b.Fatal(len(list), err)
					}
					sum := uint64(0)
					for p := range list[0].All(0) {
						sum += p.Count
						points++
					}
					if sum == 0 {
						b.Fatal("no counts")
					}
				}
			}
		})
	}
}
