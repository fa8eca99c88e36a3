package chunk

import (
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/zstd"

	"rackpost/hw"
)

// Decoder reads rows. It keeps its memory from row to row and is not safe for concurrent
// use; what it returns is the caller's. A row that no Encoder of this version wrote gives
// an error, which means: drop the twin and make it again. Whatever the row says, reading
// it takes at most some 20 MB.
type Decoder struct {
	zstd *zstd.Decoder
	crc  *crc32.Table
	head []byte
	skip []uint64
}

// NewDecoder returns a decoder. It starts no goroutine and need not be closed.
func NewDecoder() (*Decoder, error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxHead))
	if err != nil {
		return nil, fmt.Errorf("make zstd decoder: %w", err)
	}
	return &Decoder{zstd: z, crc: castagnoli()}, nil
}

// Times returns the columns of a times row.
func (d *Decoder) Times(row []byte) ([][]int64, error) {
	r, err := d.open(row, kindTimes)
	if err != nil {
		return nil, fmt.Errorf("decode times: %w", err)
	}
	columns, n := r.count(MaxColumns), r.count(MaxVisits)
	if columns*n > MaxPoints {
		r.fail()
		columns = 0
	}
	out := make([][]int64, columns)
	buf := d.scratch(n)
	for i := range out {
		r.column(buf, hw.Counter)
		if r.err != nil {
			break
		}
		out[i] = make([]int64, n)
		for j, x := range buf {
			out[i][j] = int64(x)
		}
	}
	if err := r.done(); err != nil {
		return nil, fmt.Errorf("decode times: %w", err)
	}
	return out, nil
}

// Component returns all series of a component's row.
func (d *Decoder) Component(row []byte) ([]Series, error) {
	return d.series(row, func(string) bool { return true })
}

// Sensor returns the series of one sensor of a component's row: none, one, or one for each
// type where the sensor changed its type.
func (d *Decoder) Sensor(row []byte, sensor string) ([]Series, error) {
	return d.series(row, func(name string) bool { return name == sensor })
}

func (d *Decoder) series(row []byte, want func(string) bool) ([]Series, error) {
	r, err := d.open(row, kindComponent)
	if err != nil {
		return nil, fmt.Errorf("decode component: %w", err)
	}
	shapes := r.shapes()
	var out []Series
	points := 0
	for range r.count(MaxColumns) {
		name := r.take(r.count(MaxName))
		typ := hw.SampleType(r.byte())
		shape := r.count(len(shapes) - 1)
		if r.err != nil {
			break
		}
		s := shapes[shape]
		if points += len(s.visits); points > MaxPoints || typ > hw.Counter {
			r.fail()
			break
		}
		if !want(string(name)) {
			r.values(d.scratch(len(s.visits)), typ, s)
			continue
		}
		bits := make([]uint64, len(s.visits))
		r.values(bits, typ, s)
		out = append(out, Series{string(name), typ, s.visits, bits, s.starts, s.reasons})
	}
	if err := r.done(); err != nil {
		return nil, fmt.Errorf("decode component: %w", err)
	}
	return out, nil
}

// scratch returns n numbers that hold anything.
func (d *Decoder) scratch(n int) []uint64 {
	if cap(d.skip) < n {
		d.skip = make([]uint64, n)
	}
	return d.skip[:n]
}

// shapes reads the reasons and shapes at the beginning of a component's head.
func (r *reader) shapes() []shape {
	visits := r.count(MaxVisits)
	words := []hw.Reason{""}
	for range r.count(MaxReasons) {
		words = append(words, hw.Reason(r.text()))
		if r.err != nil {
			return nil
		}
	}
	var shapes []shape
	total := 0
	for range r.count(MaxColumns) {
		shapes = append(shapes, r.shape(visits, words))
		if total += len(shapes[len(shapes)-1].visits); total > MaxPoints {
			r.fail()
		}
		if r.err != nil {
			return nil
		}
	}
	return shapes
}

// values reads the values of a series into dst, which has a place for every point.
func (r *reader) values(dst []uint64, typ hw.SampleType, s shape) {
	n := s.present()
	if n > 0 {
		r.column(dst[:n], typ)
	}
	if n == len(dst) {
		return
	}
	s.spread(dst, n)
}

// spread moves the first n values to the points that have one.
func (s shape) spread(dst []uint64, n int) {
	end := len(dst)
	for i := len(s.reasons) - 1; i >= -1; i-- {
		from, absent := 0, false
		if i >= 0 {
			from, absent = int(s.reasons[i].from), s.reasons[i].reason != ""
		}
		if !absent {
			n -= copy(dst[from:end], dst[n-(end-from):n])
		}
		end = from
	}
}

// column reads one column of values, the bits of gauges included.
func (r *reader) column(dst []uint64, typ hw.SampleType) {
	how := r.byte()
	transform, places := int(how&3), int(how>>2)
	if places > maxPlaces || typ == hw.Counter && (places > 0 || transform == planes) {
		r.fail()
	}
	if r.err != nil {
		return
	}
	if transform == planes {
		r.planes(dst)
		return
	}
	r.ints(transform, dst)
	if typ == hw.Gauge {
		undecimal(dst, places)
	}
}
