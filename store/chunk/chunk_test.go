package chunk_test

import (
	"flag"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rackpost/hw"
	"rackpost/store/chunk"
)

var update = flag.Bool("update", false, "write the golden rows anew")

func codec(t testing.TB) (*chunk.Encoder, *chunk.Decoder) {
	t.Helper()
	e, err := chunk.NewEncoder()
	if err != nil {
		t.Fatal(err)
	}
	d, err := chunk.NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	return e, d
}

// plainPoint is a point with a gauge as its bits, so that NaN can be compared.
type plainPoint struct {
	Visit   int
	Bits    uint64
	Count   uint64
	StartMS int64
	Absent  hw.Reason
}

type plainSeries struct {
	Sensor string
	Type   hw.SampleType
	Points []plainPoint
}

func bitwise(p chunk.Point) plainPoint {
	return plainPoint{p.Visit, math.Float64bits(p.Gauge), p.Count, p.StartMS, p.Absent}
}

func plainOf(list []chunk.Series) (out []plainSeries) {
	for i := range list {
		s := &list[i]
		p := plainSeries{Sensor: s.Sensor, Type: s.Type}
		for x := range s.All(0) {
			p.Points = append(p.Points, bitwise(x))
		}
		out = append(out, p)
	}
	return out
}

// drawSeries makes series of every law the encodings are made for, and of none.
func drawSeries(t *rapid.T, visits int) []chunk.Series {
	reasons := []hw.Reason{"", "", "", "", hw.NotSupported, hw.NoAnswer, "a reason of a later version"}
	list := make([]chunk.Series, rapid.IntRange(0, 5).Draw(t, "series"))
	for i := range list {
		list[i].Sensor = rapid.SampledFrom([]string{"rx_bytes_total", "inlet_celsius", "x", "", "\xff\xfe"}).Draw(t, "name")
		list[i].Type = rapid.SampledFrom([]hw.SampleType{hw.Gauge, hw.Counter}).Draw(t, "type")
		next := drawLaw(t)
		skip, start, absent := rapid.IntRange(0, 4).Draw(t, "skip"), int64(0), hw.Reason("")
		for v := 0; v < visits; v += 1 + skip {
			if rapid.IntRange(0, 9).Draw(t, "turn") == 0 {
				start = rapid.Int64().Draw(t, "start")
				absent = rapid.SampledFrom(reasons).Draw(t, "absent")
				skip = rapid.IntRange(0, 4).Draw(t, "skip")
			}
			count, gauge := next()
			p := chunk.Point{Visit: v, StartMS: start, Absent: absent}
			switch {
			case absent != "":
			case list[i].Type == hw.Counter:
				p.Count = count
			default:
				p.Gauge = gauge
			}
			list[i].Append(p)
		}
	}
	return list
}

func drawLaw(t *rapid.T) func() (uint64, float64) {
	n := rapid.Uint64().Draw(t, "first")
	step := rapid.Uint64Range(0, 1<<40).Draw(t, "step")
	places := math.Pow10(rapid.IntRange(0, 7).Draw(t, "places"))
	odd := []float64{0, math.Copysign(0, -1), math.Inf(1), math.NaN(), math.Float64frombits(0x7ff0000000000001), math.MaxFloat64, 5e-324, 0.1 + 0.2, 1 << 53, -1e15}
	switch rapid.SampledFrom([]string{"still", "linear", "jitter", "rare", "wild", "odd"}).Draw(t, "law") {
	case "still":
		return func() (uint64, float64) { return n, float64(int32(n)) / places }
	case "linear":
		return func() (uint64, float64) { n += step; return n, float64(int64(n)>>20) / places }
	case "jitter":
		return func() (uint64, float64) {
			x := rapid.IntRange(-20, 20).Draw(t, "noise")
			n += step + uint64(x)
			return n, float64(2300+x) / places
		}
	case "rare":
		return func() (uint64, float64) {
			if rapid.IntRange(0, 9).Draw(t, "moves") == 0 {
				n += rapid.Uint64().Draw(t, "jump")
			}
			return n, float64(int64(n)>>11) / places
		}
	case "odd":
		return func() (uint64, float64) { return n, rapid.SampledFrom(odd).Draw(t, "odd") }
	}
	return func() (uint64, float64) {
		x := rapid.Uint64().Draw(t, "any")
		return x, math.Float64frombits(x)
	}
}

func TestComponentComesBack(t *testing.T) {
	t.Parallel()
	e, d := codec(t)
	rapid.Check(t, func(t *rapid.T) {
		visits := rapid.IntRange(0, 70).Draw(t, "visits")
		list := drawSeries(t, visits)
		row, err := e.Component(nil, visits, list)
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.Component(row)
		if err != nil {
			t.Fatal(err)
		}
		want := plainOf(list)
		if !reflect.DeepEqual(plainOf(got), want) {
			t.Fatalf("%s", cmp.Diff(want, plainOf(got)))
		}
		for _, name := range []string{"rx_bytes_total", "", "none"} {
			one, err := d.Sensor(row, name)
			if err != nil {
				t.Fatal(err)
			}
			only := slices.DeleteFunc(slices.Clone(want), func(s plainSeries) bool { return s.Sensor != name })
			if !cmp.Equal(plainOf(one), only) && len(one)+len(only) > 0 {
				t.Fatalf("sensor %q: %s", name, cmp.Diff(only, plainOf(one)))
			}
		}
		for i := range got {
			for k := range got[i].Len() {
				p := got[i].At(k)
				if bitwise(p) != want[i].Points[k] || got[i].Search(p.Visit) != k {
					t.Fatalf("series %d point %d: %v, found at %d", i, k, p, got[i].Search(p.Visit))
				}
			}
		}
	})
}

func TestTimesComeBack(t *testing.T) {
	t.Parallel()
	e, d := codec(t)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 200).Draw(t, "visits")
		columns := make([][]int64, rapid.IntRange(0, 4).Draw(t, "columns"))
		for i := range columns {
			columns[i] = make([]int64, n)
			next := drawLaw(t)
			for k := range columns[i] {
				x, _ := next()
				columns[i][k] = int64(x)
			}
		}
		row, err := e.Times(nil, columns...)
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.Times(row)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, columns) {
			t.Fatal(cmp.Diff(columns, got))
		}
	})
}

// TestRowsStandAlone writes two rows into one buffer and appends to what was read.
func TestRowsStandAlone(t *testing.T) {
	t.Parallel()
	e, d := codec(t)
	s := chunk.Series{Sensor: "rx_bytes_total", Type: hw.Counter}
	for v := range 100 {
		s.Append(chunk.Point{Visit: v, Count: uint64(v * v), StartMS: int64(v / 50), Absent: hw.Reason(strings.Repeat("x", v/90))})
	}
	list := []chunk.Series{s, s}
	list[1].Sensor = "tx_bytes_total"
	first, err := e.Component([]byte("before"), 100, list)
	if err != nil {
		t.Fatal(err)
	}
	both, err := e.Component(first, 100, list[:1])
	if err != nil {
		t.Fatal(err)
	}
	a, err := d.Component(both[len("before"):len(first)])
	if err != nil {
		t.Fatal(err)
	}
	b, err := d.Component(both[len(first):])
	if err != nil {
		t.Fatal(err)
	}
	a[0].Append(chunk.Point{Visit: 100, StartMS: 7, Absent: "y"})
	a[1].Append(chunk.Point{Visit: 100, StartMS: 8, Absent: "z"})
	if p := a[0].At(100); p.StartMS != 7 || p.Absent != "y" {
		t.Errorf("a point appended to one series changed that of another: %v", p)
	}
	if d := cmp.Diff(plainOf(list[:1]), plainOf(b)); d != "" {
		t.Error(d)
	}
}

func TestEncoderRefuses(t *testing.T) {
	t.Parallel()
	e, _ := codec(t)
	series := func(visits ...int) chunk.Series {
		s := chunk.Series{Sensor: "x"}
		for _, v := range visits {
			s.Append(chunk.Point{Visit: v})
		}
		return s
	}
	long := series(0)
	long.Sensor = strings.Repeat("x", chunk.MaxName+1)
	reason := chunk.Series{Sensor: "x"}
	reason.Append(chunk.Point{Absent: hw.Reason(long.Sensor)})
	for name, x := range map[string]struct {
		visits int
		series []chunk.Series
	}{
		"visit out of range":  {3, []chunk.Series{series(0, 3)}},
		"visit below zero":    {3, []chunk.Series{series(-1)}},
		"visit twice":         {3, []chunk.Series{series(1, 1)}},
		"too many visits":     {chunk.MaxVisits + 1, nil},
		"too many sensors":    {1, make([]chunk.Series, chunk.MaxColumns+1)},
		"long name":           {1, []chunk.Series{long}},
		"long reason":         {1, []chunk.Series{reason}},
		"type of another age": {1, []chunk.Series{{Sensor: "x", Type: 2}}},
	} {
		if row, err := e.Component(nil, x.visits, x.series); err == nil || len(row) > 0 {
			t.Errorf("%s: %d bytes, error %v", name, len(row), err)
		}
	}
	if _, err := e.Times(nil, make([]int64, 3), make([]int64, 2)); err == nil {
		t.Error("columns of two lengths were taken")
	}
	if _, err := e.Times(nil, make([]int64, chunk.MaxVisits+1)); err == nil {
		t.Error("too many visits were taken")
	}
}

// TestDamagedRow changes every bit of a row: all of it is under the checksum.
func TestDamagedRow(t *testing.T) {
	t.Parallel()
	e, d := codec(t)
	row, err := e.Component(nil, 90, golden()["counter-delta"])
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(row) * 8 {
		bad := slices.Clone(row)
		bad[i/8] ^= 1 << (i % 8)
		if _, err := d.Component(bad); err == nil {
			t.Errorf("bit %d changed and no error", i)
		}
	}
	for n := range row {
		if _, err := d.Component(row[:n]); err == nil {
			t.Errorf("cut to %d bytes and no error", n)
		}
	}
	if _, err := d.Times(row); err == nil {
		t.Error("a component's row was read as times")
	}
}

// golden holds one component for every way a column is written.
func golden() map[string][]chunk.Series {
	const visits = 90
	one := func(typ hw.SampleType, at func(v int) chunk.Point) []chunk.Series {
		s := chunk.Series{Sensor: "sensor", Type: typ}
		for v := range visits {
			p := at(v)
			p.Visit = v
			s.Append(p)
		}
		return []chunk.Series{s}
	}
	noise := func(v int) int { return v * 7919 % 31 }
	count := func(f func(v int) uint64) []chunk.Series {
		return one(hw.Counter, func(v int) chunk.Point { return chunk.Point{Count: f(v), StartMS: 1_767_225_600_000} })
	}
	gauge := func(f func(v int) float64) []chunk.Series {
		return one(hw.Gauge, func(v int) chunk.Point { return chunk.Point{Gauge: f(v)} })
	}
	rows := map[string][]chunk.Series{
		"counter-still":  count(func(int) uint64 { return 1 << 63 }),
		"counter-plain":  count(func(v int) uint64 { return uint64(noise(v)) }),
		"counter-delta":  count(func(v int) uint64 { return uint64(v)*123456 + uint64(noise(v)) }),
		"counter-delta2": count(func(v int) uint64 { return uint64(v) * uint64(v) * 9_999_999 }),
		"counter-apart":  count(func(v int) uint64 { return uint64(v)*500 + uint64(noise(v)) + uint64(v/40)<<50 }),
		"counter-reset":  count(func(v int) uint64 { return 1<<60 + uint64(v%50)*1000 + uint64(noise(v)) - uint64(v/50)<<60 }),
		"gauge-integer":  gauge(func(v int) float64 { return float64(noise(v) - 15) }),
		"gauge-tenths":   gauge(func(v int) float64 { return float64(230+noise(v)/8) / 10 }),
		"gauge-millis":   gauge(func(v int) float64 { return float64(12000+noise(v)) / 1000 }),
		"gauge-xor":      gauge(func(v int) float64 { return math.Sqrt(float64(v)) }),
		"gauge-nan":      gauge(func(v int) float64 { return [...]float64{math.NaN(), 1, math.Copysign(0, -1)}[v/30] }),
	}
	rows["absent"] = one(hw.Gauge, func(v int) chunk.Point {
		if v%20 > 15 {
			return chunk.Point{Absent: []hw.Reason{hw.NoAnswer, hw.NotReady}[v/50]}
		}
		return chunk.Point{Gauge: float64(v)}
	})
	rows["all-absent"] = one(hw.Counter, func(int) chunk.Point { return chunk.Point{Absent: hw.NotSupported} })
	rows["starts"] = one(hw.Counter, func(v int) chunk.Point { return chunk.Point{Count: uint64(v % 30), StartMS: int64(v/30) * 1e12} })
	sparse := chunk.Series{Sensor: "slow_celsius"}
	for v := 2; v < visits; v += 5 {
		sparse.Append(chunk.Point{Visit: v, Gauge: float64(20 + v/30)})
	}
	rows["sparse"] = []chunk.Series{sparse}
	for _, name := range []string{"counter-delta", "counter-still", "gauge-tenths", "gauge-xor", "absent", "sparse"} {
		s := rows[name][0]
		s.Sensor = name
		rows["together"] = append(rows["together"], s)
	}
	rows["empty"] = nil
	return rows
}

// TestGolden reads rows written before: the format of version 1 does not change. What the
// encoder makes today must be no longer.
func TestGolden(t *testing.T) {
	t.Parallel()
	e, d := codec(t)
	for name, want := range golden() {
		row, err := e.Component(nil, 90, want)
		if err != nil {
			t.Fatal(err)
		}
		kept := keptRow(t, name, row)
		got, err := d.Component(kept)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !reflect.DeepEqual(plainOf(got), plainOf(want)) {
			t.Errorf("%s: %s", name, cmp.Diff(plainOf(want), plainOf(got)))
		}
	}
}

// keptRow returns the row kept under a name, which row of today must not be longer than.
func keptRow(t *testing.T, name string, row []byte) []byte {
	t.Helper()
	path := filepath.Join("testdata", name+".row")
	if *update {
		if err := os.WriteFile(path, row, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(row) > len(kept) {
		t.Errorf("%s: %d bytes now, %d before", name, len(row), len(kept))
	}
	return kept
}

func TestGoldenTimes(t *testing.T) {
	t.Parallel()
	e, d := codec(t)
	started, took := make([]int64, 128), make([]int64, 128)
	for i := range started {
		started[i] = 1_767_225_600_000 + int64(i)*60_000 + int64(i*7919%6)
		took[i] = 180 + int64(i*104729%13)
	}
	row, err := e.Times(nil, started, took)
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Times(keptRow(t, "times", row))
	if err != nil || !reflect.DeepEqual(got, [][]int64{started, took}) {
		t.Errorf("%v %s", err, cmp.Diff([][]int64{started, took}, got))
	}
}
