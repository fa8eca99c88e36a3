package store

import (
	"bytes"
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// grid is the buckets of an aggregate, in Unix ms: the last may be shorter.
type grid struct{ from, to, step int64 }

func newGrid(from, to time.Time, step time.Duration, limit int) (grid, error) {
	g := grid{from.UnixMilli(), to.UnixMilli(), step.Milliseconds()}
	if step != 0 && step < time.Millisecond || g.from >= g.to || from.Year() < 1 || to.Year() > 9999 {
		return g, ErrRange
	}
	if step == 0 {
		g.step = g.to - g.from
	}
	if (g.to-g.from-1)/g.step >= int64(limit) {
		return g, ErrTooMany
	}
	return g, nil
}

func (g grid) len() int { return int((g.to-g.from-1)/g.step) + 1 }

// bucket returns in which bucket a time is; ok is false outside.
func (g grid) bucket(at int64) (i int, ok bool) {
	if at < g.from || at >= g.to {
		return 0, false
	}
	return int((at - g.from) / g.step), true
}

// spread calls fn for the buckets that [from, to) lies in, each with the ms of it.
func (g grid) spread(from, to int64, fn func(i int, ms int64)) {
	from, to = max(from, g.from), min(to, g.to)
	for from < to {
		i := (from - g.from) / g.step
		end := min(to, g.from+(i+1)*g.step)
		fn(int(i), end-from)
		from = end
	}
}

// groupKey names what is put together.
type groupKey struct {
	site      journal.ID
	device    hw.DeviceID
	component string
	sensor    string
	kind      hw.SampleType
}

func (k groupKey) compare(o groupKey) int {
	return cmp.Or(bytes.Compare(k.site[:], o.site[:]), cmp.Compare(k.device, o.device), cmp.Compare(k.component, o.component),
		cmp.Compare(k.sensor, o.sensor), cmp.Compare(k.kind, o.kind))
}

// group is the buckets of one group.
type group struct {
	series  int
	buckets []sums
}

// sums is a bucket as it grows.
type sums struct {
	min, max, sum, last        float64
	lastAt                     int64
	increase                   float64
	seconds, covered, expected float64
	count                      int
}

func (b *sums) add(at int64, v float64) {
	if b.count == 0 || v < b.min {
		b.min = v
	}
	if b.count == 0 || v > b.max {
		b.max = v
	}
	if b.count == 0 || at >= b.lastAt {
		b.last, b.lastAt = v, at
	}
	b.sum += v
	b.count++
}

// group returns the group a series belongs to.
func (a *aggregator) group(d deviceKey, name sampleName) (*group, error) {
	k := groupKey{sensor: name.sensor, kind: name.kind}
	if a.q.By != ByNone {
		k.site = d.site
	}
	if a.q.By == ByDevice || a.q.By == ByComponent {
		k.device = d.device
	}
	if a.q.By == ByComponent {
		k.component = name.component
	}
	g := a.groups[k]
	if g == nil {
		if a.buckets += a.grid.len(); a.buckets > a.q.Limit {
			return nil, ErrTooMany
		}
		g = &group{buckets: make([]sums, a.grid.len())}
		a.groups[k] = g
	}
	return g, nil
}

func (a *aggregator) emit(fn func(Bucket) error) error {
	for _, k := range slices.SortedFunc(maps.Keys(a.groups), groupKey.compare) {
		g := a.groups[k]
		for i := range g.buckets {
			b := &g.buckets[i]
			if b.count == 0 && b.seconds == 0 && b.expected == 0 {
				continue
			}
			start := a.grid.from + int64(i)*a.grid.step
			out := Bucket{Site: k.site, Device: k.device, Component: k.component, Sensor: k.sensor, Type: k.kind, Start: start,
				End: min(start+a.grid.step, a.grid.to), Min: nan(), Max: nan(), Mean: nan(), Last: nan(), LastAt: b.lastAt, Count: b.count,
				Increase: b.increase, Completeness: nan(), Series: g.series}
			if b.count > 0 {
				out.Min, out.Max, out.Last = b.min, b.max, b.last
			}
			switch {
			case k.kind == hw.Counter && b.seconds > 0:
				out.Mean = b.increase / b.seconds
			case k.kind != hw.Counter && b.count > 0:
				out.Mean = b.sum / float64(b.count)
			}
			if b.expected > 0 {
				out.Completeness = min(1, b.covered/b.expected)
			}
			if err := fn(out); err != nil {
				return err
			}
		}
	}
	return nil
}

// tally is what was taken of one device.
type tally struct {
	*aggregator
	device deviceKey
	due    Due
	series map[sampleName]*seriesTally
	err    error
}

func (a *aggregator) tallyOf(d deviceKey) tally {
	return tally{aggregator: a, device: d, series: map[sampleName]*seriesTally{}}
}

// seriesTally is what was taken of one sensor of a component.
type seriesTally struct {
	group       *group
	period      int64   // ms
	first, last int64   // of all readings but those that say that there is no such thing
	value       reading // the last with a value; no origin: none yet
	said        int64   // when something was last read, be it that there is no such thing
}

// take takes readings of a device, which are later than those taken before.
func (t *tally) take(all []*series) {
	for _, x := range all {
		if len(x.readings) == 0 || t.err != nil {
			continue
		}
		s := t.series[x.name]
		if s == nil {
			s = &seriesTally{period: t.period(x)}
			if s.group, t.err = t.aggregator.group(t.device, x.name); t.err != nil {
				return
			}
			t.series[x.name] = s
		}
		for i := range x.readings {
			s.read(t.grid, &x.readings[i], x.name.kind)
		}
	}
}

// period returns how far apart the readings of a series are to be: the longest period of a section that is no longer than they are
// apart, else as far as they are, by their median, and where there is but one by when the next visit was due.
func (t *tally) period(x *series) int64 {
	observed := observedPeriod(x)
	if t.due.Since.IsZero() || t.due.Set.UnixMilli() > t.grid.from {
		return observed
	}
	best := int64(0)
	for _, p := range t.due.Periods {
		if ms := p.Milliseconds(); ms > best && ms <= observed+observed/4 {
			best = ms
		}
	}
	return cmp.Or(best, observed)
}

func observedPeriod(x *series) int64 {
	var steps []int64
	for i := 1; i < len(x.readings); i++ {
		if d := x.readings[i].at - x.readings[i-1].at; d > 0 {
			steps = append(steps, d)
		}
	}
	if len(steps) == 0 {
		return max(1, x.readings[0].periodMS)
	}
	slices.Sort(steps)
	return steps[(len(steps)-1)/2] // of two the lesser: the other one may be an outage
}

// reach is how long a reading stands for the time before it.
func (s *seriesTally) reach(at, former int64) int64 {
	if former != 0 && at-former <= s.period+s.period/2 {
		return former
	}
	return at - s.period
}

// read takes one reading.
func (s *seriesTally) read(g grid, y *reading, kind hw.SampleType) {
	if y.absent == hw.NotSupported || y.absent == hw.NotInstalled { // made, and nothing was to be read
		g.spread(s.reach(y.at, s.said), y.at, func(i int, ms int64) { s.group.buckets[i].expected -= float64(ms) })
		s.said = y.at
		s.note(y.at)
		return
	}
	s.note(y.at)
	if y.absent != "" {
		s.said = y.at
		return
	}
	former := int64(0)
	if s.value.origin != nil {
		former = s.value.at
	}
	g.spread(s.reach(y.at, former), y.at, func(i int, ms int64) { s.group.buckets[i].covered += float64(ms) })
	s.said = y.at
	if kind != hw.Counter {
		if i, ok := g.bucket(y.at); ok {
			s.group.buckets[i].add(y.at, math.Float64frombits(y.bits))
		}
	} else if former != 0 {
		s.rate(g, &s.value, y)
	}
	s.value = *y
}

func (s *seriesTally) note(at int64) {
	if s.first == 0 {
		s.first = at
	}
	s.last = at
}

// rate takes the increase of a counter between two readings. There is none across boxes, nor across a restart of the counter.
func (s *seriesTally) rate(g grid, a, b *reading) {
	if *a.origin != *b.origin || a.startMS != b.startMS || b.bits < a.bits || b.at <= a.at {
		return
	}
	increase, ms := float64(b.bits-a.bits), float64(b.at-a.at)
	g.spread(a.at, b.at, func(i int, part int64) {
		x := &s.group.buckets[i]
		x.increase += increase * float64(part) / ms
		x.seconds += float64(part) / 1000
	})
	if i, ok := g.bucket(b.at); ok {
		s.group.buckets[i].add(b.at, increase*1000/ms)
	}
}

// finish adds what was expected of each series: a reading a period for all the time up to now, but for the time before or behind
// in which the device gave others of those asked for and not this one. A reading that is not yet late is not expected.
func (t *tally) finish() error {
	if t.err != nil {
		return t.err
	}
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for _, s := range t.series {
		first, last = min(first, s.first), max(last, s.last)
	}
	for _, s := range t.series {
		late := s.period + s.period/2
		from, to := t.grid.from, min(t.grid.to, t.now)
		if s.first-first > late {
			from = s.first - s.period
		}
		if last-s.last > late || (t.now >= s.last && t.now-s.last <= late) {
			to = min(to, s.last)
		}
		if t.inside(s, last-s.last <= late && to > from) {
			s.group.series++
			t.grid.spread(from, to, func(i int, ms int64) { s.group.buckets[i].expected += float64(ms) })
		}
	}
	return nil
}

// inside says whether a series has to do with the time asked for, and not with the margins alone. One that ended before with
// all of its device has: readings of it were due.
func (t *tally) inside(s *seriesTally, due bool) bool {
	return (s.last >= t.grid.from || due) && s.first-s.period < t.grid.to
}
