package remotewrite

import (
	"encoding/binary"
	"math"
)

// Of the two messages so much is written as samples need: prometheus.WriteRequest of 1.0 and io.prometheus.write.v2.Request of 2.0.

// staleMarker is the value that says that a series has ended.
const staleMarker = 0x7ff0000000000002

// point is one sample of a series.
type point struct {
	atMS    int64
	bits    uint64 // of the float64
	startMS int64  // of a counter; 0: not known
}

// series is one series of a request.
type series struct {
	device   *deviceLabels
	sensor   *sensorName
	first, n int // its points
}

// request is a body to be: series and their points, in the order of the series. A part of it is a range of points.
type request struct {
	series []series
	points []point
	marks  map[deviceKey]int64 // how far each device is done once the request is
}

// part is points from to of a request.
type part struct {
	*request
	from, to int
}

func (r *request) whole() part { return part{r, 0, len(r.points)} }

func (p part) samples() int { return p.to - p.from }

// each calls fn for the series of the part with their points in it.
func (p part) each(fn func(s *series, points []point)) {
	for i := range p.series {
		s := &p.series[i]
		if from, to := max(s.first, p.from), min(s.first+s.n, p.to); from < to {
			fn(s, p.points[from:to])
		}
	}
}

// span returns the times of the oldest and the newest point.
func (p part) span() (first, last int64) {
	first, last = math.MaxInt64, math.MinInt64
	for _, x := range p.points[p.from:p.to] {
		first, last = min(first, x.atMS), max(last, x.atMS)
	}
	return first, last
}

func uvarintSize(v uint64) int {
	n := 1
	for ; v >= 0x80; v >>= 7 {
		n++
	}
	return n
}

// appendLabel writes a Label of 1.0 as a field of its series.
func appendLabel(b []byte, name, value string) []byte {
	size := 2 + uvarintSize(uint64(len(name))) + len(name) + uvarintSize(uint64(len(value))) + len(value)
	b = binary.AppendUvarint(append(b, 1<<3|2), uint64(size))
	b = binary.AppendUvarint(append(b, 1<<3|2), uint64(len(name)))
	b = binary.AppendUvarint(append(append(b, name...), 2<<3|2), uint64(len(value)))
	return append(b, value...)
}

// sampleSize is that of a Sample, without its head; it is the same in both messages.
func sampleSize(x *point) int {
	n := 9
	if x.atMS != 0 {
		n += 1 + uvarintSize(uint64(x.atMS))
	}
	return n
}

// appendSample writes a Sample as field 2 of its series.
func appendSample(b []byte, x *point) []byte {
	b = append(b, 2<<3|2, byte(sampleSize(x)), 1<<3|1)
	b = binary.LittleEndian.AppendUint64(b, x.bits)
	if x.atMS != 0 {
		b = binary.AppendUvarint(append(b, 2<<3), uint64(x.atMS))
	}
	return b
}

// appendV1 writes a part as a WriteRequest.
func (p part) appendV1(b []byte) []byte {
	p.each(func(s *series, points []point) {
		d, n := s.device, s.sensor
		size := len(n.name) + len(d.before) + len(n.component) + len(d.after)
		for i := range points {
			size += 2 + sampleSize(&points[i])
		}
		b = binary.AppendUvarint(append(b, 1<<3|2), uint64(size))
		b = append(append(append(append(b, n.name...), d.before...), n.component...), d.after...)
		for i := range points {
			b = appendSample(b, &points[i])
		}
	})
	return b
}

// symbols are the texts of a request of 2.0.
type symbols struct {
	known   map[string]uint32
	texts   []string
	devices map[*deviceLabels][]uint32 // the references of a device's labels
}

func newSymbols() *symbols {
	return &symbols{known: map[string]uint32{"": 0}, texts: []string{""}, devices: map[*deviceLabels][]uint32{}}
}

func (s *symbols) of(text string) uint32 {
	n, ok := s.known[text]
	if !ok {
		n = uint32(len(s.texts))
		s.known[text] = n
		s.texts = append(s.texts, text)
	}
	return n
}

// refs are the references of a series' labels, in order of their names.
func (s *symbols) refs(to []uint32, d *deviceLabels, n *sensorName) []uint32 {
	of, ok := s.devices[d]
	if !ok {
		for _, l := range d.labels {
			of = append(of, s.of(l.name), s.of(l.value))
		}
		s.devices[d] = of
	}
	to = append(to, s.of("__name__"), s.of(n.metric.Name))
	to = append(to, of[:2*d.split]...)
	if n.part != "" {
		to = append(to, s.of("component"), s.of(n.part))
	}
	return append(to, of[2*d.split:]...)
}

// appendV2 writes a part as a Request of 2.0. A counter that began anew is a series of its own from there: the start belongs to the series.
func (p part) appendV2(b []byte) []byte {
	s := newSymbols()
	var body, packed []byte
	var refs []uint32
	p.each(func(x *series, points []point) {
		refs = s.refs(refs[:0], x.device, x.sensor)
		packed = packed[:0]
		for _, r := range refs {
			packed = binary.AppendUvarint(packed, uint64(r))
		}
		for len(points) > 0 {
			n := 1
			for n < len(points) && points[n].startMS == points[0].startMS {
				n++
			}
			body = appendSeriesV2(body, packed, x.sensor.metric.Counter, points[:n])
			points = points[n:]
		}
	})
	for _, t := range s.texts {
		b = binary.AppendUvarint(append(b, 4<<3|2), uint64(len(t)))
		b = append(b, t...)
	}
	return append(b, body...)
}

func appendSeriesV2(b, refs []byte, counter bool, points []point) []byte {
	start := points[0].startMS
	size := 1 + uvarintSize(uint64(len(refs))) + len(refs) + 4
	for i := range points {
		size += 2 + sampleSize(&points[i])
	}
	if counter && start != 0 {
		size += 1 + uvarintSize(uint64(start))
	}
	kind := byte(2) // METRIC_TYPE_GAUGE
	if counter {
		kind = 1
	}
	b = binary.AppendUvarint(append(b, 5<<3|2), uint64(size))
	b = append(binary.AppendUvarint(append(b, 1<<3|2), uint64(len(refs))), refs...)
	for i := range points {
		b = appendSample(b, &points[i])
	}
	b = append(b, 5<<3|2, 2, 1<<3, kind)
	if counter && start != 0 {
		b = binary.AppendUvarint(append(b, 6<<3), uint64(start))
	}
	return b
}
