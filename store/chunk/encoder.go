package chunk

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/klauspost/compress/zstd"

	"rackpost/hw"
)

// Encoder writes rows. It keeps its memory from row to row and is not safe for concurrent
// use; it starts no goroutine and need not be closed.
type Encoder struct {
	zstd  *zstd.Encoder
	crc   *crc32.Table
	head  []byte // of the row being made
	body  []byte
	small []byte // the head, compressed
	apart []byte

	seeds, res, sorted []int64
	bits, scaled       []uint64
	words              []hw.Reason // "" and the reasons of the row
	shapes             []shape
}

// NewEncoder returns an encoder.
func NewEncoder() (*Encoder, error) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false),
		zstd.WithSingleSegment(true), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(1<<17))
	if err != nil {
		return nil, fmt.Errorf("make zstd encoder: %w", err)
	}
	return &Encoder{zstd: z, crc: castagnoli()}, nil
}

// Times appends to dst a row of columns of integers, such as the beginnings of visits in
// ms and what each took. The columns are of one length, at most MaxVisits.
func (e *Encoder) Times(dst []byte, columns ...[]int64) ([]byte, error) {
	if len(columns) > MaxColumns {
		return dst, fmt.Errorf("encode times: %d columns, more than %d", len(columns), MaxColumns)
	}
	n := 0
	if len(columns) > 0 {
		n = len(columns[0])
	}
	if n > MaxVisits || n*len(columns) > MaxPoints {
		return dst, fmt.Errorf("encode times: %d visits in %d columns are too many", n, len(columns))
	}
	e.begin()
	e.head = binary.AppendUvarint(e.head, uint64(len(columns)))
	e.head = binary.AppendUvarint(e.head, uint64(n))
	for _, c := range columns {
		if len(c) != n {
			return dst, fmt.Errorf("encode times: columns of %d and %d visits", n, len(c))
		}
		e.bits = e.bits[:0]
		for _, x := range c {
			e.bits = append(e.bits, uint64(x))
		}
		e.appendColumn(e.bits, 0)
	}
	return e.appendRow(dst, kindTimes), nil
}

// Component appends to dst the row of a component's sensors over a chunk of so many visits.
// Series come back in the order they are given in.
func (e *Encoder) Component(dst []byte, visits int, series []Series) ([]byte, error) {
	if err := check(visits, series); err != nil {
		return dst, fmt.Errorf("encode component: %w", err)
	}
	e.begin()
	if err := e.collect(series); err != nil {
		return dst, fmt.Errorf("encode component: %w", err)
	}
	e.head = binary.AppendUvarint(e.head, uint64(visits))
	e.head = binary.AppendUvarint(e.head, uint64(len(e.words)-1))
	for _, w := range e.words[1:] {
		e.appendText(string(w))
	}
	e.head = binary.AppendUvarint(e.head, uint64(len(e.shapes)))
	for _, s := range e.shapes {
		e.appendShape(s)
	}
	e.head = binary.AppendUvarint(e.head, uint64(len(series)))
	for i := range series {
		e.appendSeries(&series[i])
	}
	return e.appendRow(dst, kindComponent), nil
}

func (e *Encoder) begin() {
	e.head, e.body = e.head[:0], e.body[:0]
	e.words, e.shapes = append(e.words[:0], ""), e.shapes[:0]
}

// collect lists the reasons and the shapes of the row.
func (e *Encoder) collect(series []Series) error {
	for i := range series {
		for _, r := range series[i].reasons {
			if !slices.Contains(e.words, r.reason) {
				e.words = append(e.words, r.reason)
			}
			if len(e.words) > MaxReasons {
				return fmt.Errorf("more than %d different reasons", MaxReasons)
			}
		}
		if e.shapeIndex(series[i].shape()) < 0 {
			e.shapes = append(e.shapes, series[i].shape())
		}
	}
	return nil
}

func (e *Encoder) shapeIndex(s shape) int { return slices.IndexFunc(e.shapes, s.equal) }

func (e *Encoder) appendText(s string) {
	e.head = binary.AppendUvarint(e.head, uint64(len(s)))
	e.head = append(e.head, s...)
}

func (e *Encoder) appendSeries(s *Series) {
	e.appendText(s.Sensor)
	e.head = append(e.head, byte(s.Type))
	e.head = binary.AppendUvarint(e.head, uint64(e.shapeIndex(s.shape())))
	e.bits = s.values(e.bits[:0])
	if len(e.bits) == 0 {
		return
	}
	if s.Type == hw.Counter {
		e.appendColumn(e.bits, 0)
		return
	}
	var places int
	var ok bool
	e.scaled, places, ok = decimals(e.scaled[:0], e.bits)
	if ok {
		e.appendColumn(e.scaled, places)
		return
	}
	e.head = append(e.head, planes)
	e.appendPlanes(e.bits)
}

// appendColumn writes integers as they take the fewest bytes, after a byte that says how.
func (e *Encoder) appendColumn(v []uint64, places int) {
	t, w := e.bestTransform(v)
	e.head = append(e.head, byte(t|places<<2))
	e.appendInts(t, w, v)
}

// check refuses what a decoder would refuse.
func check(visits int, series []Series) error {
	if visits < 0 || visits > MaxVisits {
		return fmt.Errorf("%d visits, want at most %d", visits, MaxVisits)
	}
	if len(series) > MaxColumns {
		return fmt.Errorf("%d sensors, more than %d", len(series), MaxColumns)
	}
	points := 0
	for i := range series {
		s := &series[i]
		points += s.Len()
		if len(s.Sensor) > MaxName || s.Type > hw.Counter {
			return fmt.Errorf("sensor %.64q: name too long or type %d not known", s.Sensor, s.Type)
		}
		for j, v := range s.visits {
			if int(v) >= visits || j > 0 && v <= s.visits[j-1] {
				return fmt.Errorf("sensor %.64q: point %d at visit %d is out of order or range", s.Sensor, j, v)
			}
		}
		for _, r := range s.reasons {
			if len(r.reason) > MaxName {
				return fmt.Errorf("sensor %.64q: reason of %d bytes", s.Sensor, len(r.reason))
			}
		}
	}
	if points > MaxPoints {
		return fmt.Errorf("%d points, more than %d", points, MaxPoints)
	}
	return nil
}
