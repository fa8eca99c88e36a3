package chunk

import (
	"iter"
	"math"
	"sort"

	"rackpost/hw"
)

// Point is one reading of a sensor.
type Point struct {
	Visit   int // index into the times row of the chunk
	Gauge   float64
	Count   uint64
	StartMS int64
	Absent  hw.Reason // not empty: there is no value
}

// Series is what one sensor of a component read at the visits of a chunk, in order of
// visit. A visit that did not look at the sensor has no point.
type Series struct {
	Sensor string
	Type   hw.SampleType

	visits  []uint32
	bits    []uint64 // a count, or the IEEE 754 bits of a gauge; anything where absent
	starts  []startRun
	reasons []reasonRun
}

// startRun says that the counter's start is ms from point from on. Before the first it is 0.
type startRun struct {
	from uint32
	ms   int64
}

// reasonRun says that the points are absent for reason from point from on; "" ends that.
type reasonRun struct {
	from   uint32
	reason hw.Reason
}

// Append adds a point after the others. Its visit must be greater than that of the point
// before. Of the values only the one of the series' type is kept, and none of an absent point.
func (s *Series) Append(p Point) {
	n := uint32(len(s.visits))
	start, reason := int64(0), hw.Reason("")
	if k := len(s.starts); k > 0 {
		start = s.starts[k-1].ms
	}
	if k := len(s.reasons); k > 0 {
		reason = s.reasons[k-1].reason
	}
	if p.StartMS != start {
		s.starts = append(s.starts, startRun{n, p.StartMS})
	}
	if p.Absent != reason {
		s.reasons = append(s.reasons, reasonRun{n, p.Absent})
	}
	s.visits = append(s.visits, uint32(p.Visit))
	s.bits = append(s.bits, s.word(p))
}

func (s *Series) word(p Point) uint64 {
	switch {
	case p.Absent != "":
		return 0
	case s.Type == hw.Counter:
		return p.Count
	}
	return math.Float64bits(p.Gauge)
}

// Len returns the number of points.
func (s *Series) Len() int { return len(s.visits) }

// Search returns the index of the first point whose visit is not before visit.
func (s *Series) Search(visit int) int {
	return sort.Search(len(s.visits), func(i int) bool { return int(s.visits[i]) >= visit })
}

// At returns point i, 0 <= i < Len.
func (s *Series) At(i int) Point {
	p := Point{Visit: int(s.visits[i])}
	if k := sort.Search(len(s.starts), func(k int) bool { return int(s.starts[k].from) > i }); k > 0 {
		p.StartMS = s.starts[k-1].ms
	}
	if k := sort.Search(len(s.reasons), func(k int) bool { return int(s.reasons[k].from) > i }); k > 0 {
		p.Absent = s.reasons[k-1].reason
	}
	s.value(i, &p)
	return p
}

// All yields the points from index from on, in order.
func (s *Series) All(from int) iter.Seq[Point] {
	return func(yield func(Point) bool) {
		var start, reason int
		for i := from; i < len(s.visits); i++ {
			p := Point{Visit: int(s.visits[i])}
			for start < len(s.starts) && int(s.starts[start].from) <= i {
				start++
			}
			for reason < len(s.reasons) && int(s.reasons[reason].from) <= i {
				reason++
			}
			if start > 0 {
				p.StartMS = s.starts[start-1].ms
			}
			if reason > 0 {
				p.Absent = s.reasons[reason-1].reason
			}
			s.value(i, &p)
			if !yield(p) {
				return
			}
		}
	}
}

func (s *Series) value(i int, p *Point) {
	switch {
	case p.Absent != "":
	case s.Type == hw.Counter:
		p.Count = s.bits[i]
	default:
		p.Gauge = math.Float64frombits(s.bits[i])
	}
}

// values appends to dst the bits of the points that have a value.
func (s *Series) values(dst []uint64) []uint64 {
	s.shape().spans(func(from, to int) { dst = append(dst, s.bits[from:to]...) })
	return dst
}
