package remotewrite

import (
	"math"

	"rackpost/hw"
)

// builder puts visits together to requests. The readings of one series stand together in a request, in order of time, so its labels
// are written once.
type builder struct {
	send  func(*request) error // takes a request that is full, and may keep it
	limit func() int           // samples of a request

	series []series
	tagged []tagged
	marks  map[deviceKey]int64
	raw    int // about so many bytes, before they are packed

	// Of the device that is added.
	device *deviceLabels
	slots  map[*layout][]int32 // the series of each entry; -1: none yet
	named  map[label]int32     // the series by metric and component, when there is more than one layout
	last   *layout             // whose slots were looked up last
	latest []int32
}

// tagged is a point of a series of the request.
type tagged struct {
	slot int32
	point
}

// begin begins a device.
func (b *builder) begin(d *deviceLabels) {
	b.device, b.slots, b.named, b.last = d, nil, nil, nil
}

// slot returns the series of an entry, a new one where there is none yet.
func (b *builder) slot(l *layout, i int) int32 {
	if b.last == l && b.latest[i] >= 0 {
		return b.latest[i]
	}
	of := b.slots[l]
	if of == nil {
		of = make([]int32, len(l.names))
		for j := range of {
			of[j] = -1
		}
		if b.slots == nil {
			b.slots = map[*layout][]int32{}
		}
		b.slots[l] = of
	}
	b.last, b.latest = l, of
	if of[i] >= 0 {
		return of[i]
	}
	n := &l.names[i]
	if len(b.slots) > 1 && b.named == nil {
		b.named = map[label]int32{}
		for known, slots := range b.slots {
			for j, s := range slots {
				if s >= 0 {
					b.named[label{known.names[j].metric.Name, known.names[j].part}] = s
				}
			}
		}
	}
	key := label{n.metric.Name, n.part}
	s, ok := b.named[key]
	if !ok {
		s = int32(len(b.series))
		b.series = append(b.series, series{device: b.device, sensor: n})
		b.raw += 8 + len(n.name) + len(n.component) + len(b.device.before) + len(b.device.after)
		if b.named != nil {
			b.named[key] = s
		}
	}
	of[i] = s
	return s
}

// pointBytes is about what a point takes before it is packed.
const pointBytes = 20

// add adds a point, and sends what there is when that is full.
func (b *builder) add(l *layout, i int, x point) error {
	if len(b.tagged) >= b.limit() || b.raw > MaxBody-maxSeriesBytes {
		if err := b.flush(); err != nil {
			return err
		}
	}
	b.tagged = append(b.tagged, tagged{b.slot(l, i), x})
	b.raw += pointBytes
	return nil
}

// maxSeriesBytes is more than one series with one point takes: names have 4 KB at most, texts of the configuration 64 bytes or 1 KB each.
const maxSeriesBytes = 64 << 10

// visit adds the samples of a visit; only, unless it is nil, says of each entry whether it counts.
func (b *builder) visit(v *visit, samples []hw.Sample, only func(i int) bool) error {
	if room := b.limit() - len(b.tagged); len(samples) > room && len(samples) <= b.limit() {
		if err := b.flush(); err != nil { // a visit stands in one request where it can
			return err
		}
	}
	for i := range samples {
		s := &samples[i]
		value, ok := valueOf(&v.layout.names[i], s)
		if !ok || only != nil && !only(i) {
			continue
		}
		start := s.StartMS
		if start > v.startedMS { // by a clock that was set back since
			start = 0
		}
		if err := b.add(v.layout, i, point{v.startedMS, math.Float64bits(value), start}); err != nil {
			return err
		}
	}
	return nil
}

// valueOf returns a number as it is written; ok is false when there is none.
func valueOf(n *sensorName, s *hw.Sample) (value float64, ok bool) {
	switch {
	case s.Absent != "" || n.twin:
		return 0, false
	case s.Type == hw.Counter:
		value = float64(s.Count)
	default:
		value = s.Gauge
	}
	return n.metric.Value(value), !math.IsNaN(value) && !math.IsInf(value, 0)
}

// mark notes how far the device is done with what was added.
func (b *builder) mark(d deviceKey, atMS int64) {
	if b.marks == nil {
		b.marks = map[deviceKey]int64{}
	}
	b.marks[d] = atMS
}

// flush sends what there is.
func (b *builder) flush() error {
	r := b.take()
	if r == nil {
		return nil
	}
	return b.send(r)
}

// take makes a request of what there is, nil when there is nothing.
func (b *builder) take() *request {
	if len(b.tagged) == 0 {
		return nil
	}
	r := &request{series: b.series, points: make([]point, len(b.tagged)), marks: b.marks}
	for _, x := range b.tagged {
		r.series[x.slot].n++
	}
	at := 0
	for i := range r.series {
		r.series[i].first = at
		at += r.series[i].n
		r.series[i].n = 0
	}
	for _, x := range b.tagged {
		s := &r.series[x.slot]
		r.points[s.first+s.n] = x.point
		s.n++
	}
	b.series, b.tagged, b.marks, b.raw = nil, b.tagged[:0], nil, 0
	b.begin(b.device)
	return r
}
