package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store/chunk"
)

// SeriesQuery asks for readings. An empty Component and Sensor asks for all of the device.
type SeriesQuery struct {
	Site      journal.ID // the store's own when zero
	Device    hw.DeviceID
	Component string
	Sensor    string
	From, To  time.Time // both included; a zero To is the end of time
	Limit     int       // points at most; 1,000,000 when 0
}

// ErrTooMany is returned by Series for a query with more points than its limit.
var ErrTooMany = errors.New("more points than the limit: ask for less time")

const defaultPoints = 1_000_000

// Series calls fn for the readings asked for, in order of component, sensor and time. Where
// two boxes visited, an island's readings are given only where those of the boxes with
// authority are missing for one and a half times their usual distance, as far as that is known
// from the time asked for.
func (s *Store) Series(ctx context.Context, q SeriesQuery, fn func(Point) error) error {
	or(&q.Site, s.id.site)
	or(&q.Limit, defaultPoints)
	reach := span{q.From.UnixMilli(), math.MaxInt64}
	if !q.To.IsZero() {
		reach.last = q.To.UnixMilli()
	}
	d := deviceKey{q.Site, q.Device}
	r, err := s.gather(ctx, seriesWanted{devices: []deviceKey{d}, component: exactly(q.Component), sensor: exactly(q.Sensor), span: reach, limit: q.Limit})
	if err != nil {
		return fmt.Errorf("read the series of %s: %w", q.Device, err)
	}
	return r.devices[d].emit(fn)
}

// seriesWanted says which readings are gathered.
type seriesWanted struct {
	devices           []deviceKey
	component, sensor pattern
	span              span
	limit             int
}

// gather reads what is wanted from all segments.
func (s *Store) gather(ctx context.Context, w seriesWanted) (*seriesReader, error) {
	r := &seriesReader{store: s, want: w, devices: map[deviceKey]*deviceSeries{}, entries: map[journal.LayoutID][]journal.Entry{}}
	for _, d := range w.devices {
		r.devices[d] = &deviceSeries{reader: r, series: map[sampleName]*series{}, layouts: map[journal.LayoutID][]*series{}}
	}
	for _, g := range s.listed() {
		if g.damaged() != nil {
			continue
		}
		err := r.segment(ctx, g)
		switch {
		case errors.Is(err, errBadTwin): // what was gathered is in part from it
			return s.gather(ctx, w)
		case errors.Is(err, errGone):
		case isDamaged(err):
			s.setAside(g, err)
		case err != nil:
			return nil, err
		}
	}
	return r, nil
}

// authoritative leaves out an island's points where others are. points are of one series, in
// order of time; from is where what was asked for begins.
func authoritative(points []reading, from int64) []reading {
	islands := 0
	var times, steps []int64
	for i := range points {
		if points[i].mode == journal.Island {
			islands++
		}
	}
	if islands == 0 || islands == len(points) {
		return points
	}
	for _, p := range points {
		if p.mode == journal.Island {
			continue
		}
		if n := len(times); n > 0 && p.at > times[n-1] {
			steps = append(steps, p.at-times[n-1])
		}
		times = append(times, p.at)
	}
	step := int64(math.MaxInt64 / 4)
	for _, p := range points {
		if p.mode != journal.Island && p.periodMS > 0 {
			step = min(step, p.periodMS)
		}
	}
	if len(steps) > 0 { // a section's own period is longer than that of the visits
		slices.Sort(steps)
		step = max(min(step, steps[len(steps)/2]), steps[len(steps)/4])
	}
	var out []reading
	for _, p := range points {
		if p.mode != journal.Island || aloneAt(times, p.at, step+step/2, span{from, points[len(points)-1].at}) {
			out = append(out, p)
		}
	}
	return out
}

// aloneAt says whether at lies in a hole of times wider than width. Of the holes at both ends as much counts as lies in all.
func aloneAt(times []int64, at, width int64, all span) bool {
	i, found := slices.BinarySearch(times, at)
	if found {
		return false
	}
	begin, end := all.first, all.last
	if i > 0 {
		begin = times[i-1]
	}
	if i < len(times) {
		end = times[i]
	}
	return end-begin > width
}

// seriesReader gathers readings from segments.
type seriesReader struct {
	store   *Store
	want    seriesWanted
	count   int
	devices map[deviceKey]*deviceSeries
	entries map[journal.LayoutID][]journal.Entry
	scratch []hw.Sample
	dec     *chunk.Decoder
}

// deviceSeries is what was gathered of a device.
type deviceSeries struct {
	reader  *seriesReader
	series  map[sampleName]*series
	layouts map[journal.LayoutID][]*series // which series a layout's entries belong to, nil where not asked for
}

// series is one sensor's readings.
type series struct {
	name     sampleName
	readings []reading
}

// reading is a Point less what its series knows.
type reading struct {
	at       int64
	bits     uint64 // the count, or the bits of the gauge
	startMS  int64
	periodMS int64
	absent   hw.Reason
	origin   *journal.ID
	mode     journal.Mode
}

// of returns the series of a sensor, nil when it was not asked for.
func (d *deviceSeries) of(component, sensor string, kind hw.SampleType) *series {
	w := &d.reader.want
	if !w.component.matches(component) || !w.sensor.matches(sensor) {
		return nil
	}
	name := sampleName{component, sensor, kind}
	x := d.series[name]
	if x == nil {
		x = &series{name: name}
		d.series[name] = x
	}
	return x
}

// sorted returns the series in order of component, sensor and type, each with the readings that count, in order of time.
func (d *deviceSeries) sorted() []*series {
	all := slices.SortedFunc(maps.Values(d.series), func(a, b *series) int {
		return cmp.Or(cmp.Compare(a.name.component, b.name.component), cmp.Compare(a.name.sensor, b.name.sensor), cmp.Compare(a.name.kind, b.name.kind))
	})
	byTime := func(a, b reading) int { return cmp.Compare(a.at, b.at) }
	for _, x := range all {
		if !slices.IsSortedFunc(x.readings, byTime) {
			slices.SortStableFunc(x.readings, byTime)
		}
		x.readings = authoritative(x.readings, d.reader.want.span.first)
	}
	return all
}

// emit gives what was gathered to fn, in order.
func (d *deviceSeries) emit(fn func(Point) error) error {
	for _, x := range d.sorted() {
		for _, y := range x.readings {
			p := Point{Component: x.name.component, Sensor: x.name.sensor, Type: x.name.kind, At: y.at, StartMS: y.startMS, Absent: y.absent,
				Origin: *y.origin, Mode: y.mode, PeriodMS: y.periodMS}
			if p.Type == hw.Counter {
				p.Count = y.bits
			} else {
				p.Gauge = math.Float64frombits(y.bits)
			}
			if err := fn(p); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *seriesReader) segment(ctx context.Context, g *segment) error {
	devices := slices.DeleteFunc(slices.Clone(r.want.devices), func(d deviceKey) bool { return g.left(d.site) }) // its twin may still tell of the site
	r.store.state.RLock()
	ix, reach := r.store.tails[g], g.span
	at := r.visitsIn(ix, devices)
	r.store.state.RUnlock()
	if ix != nil {
		return r.visits(ctx, g, at)
	}
	if !reach.overlaps(r.want.span) {
		return nil
	}
	g.use.RLock()
	_, err := os.Stat(g.twinPath())
	if err != nil || g.gone {
		g.use.RUnlock()
		if ix, err = r.store.indexOf(ctx, g); err != nil {
			return err
		}
		return r.visits(ctx, g, r.visitsIn(ix, devices))
	}
	err = r.twin(ctx, g, devices)
	g.use.RUnlock()
	if err == nil || errors.Is(err, ErrTooMany) || ctx.Err() != nil {
		return err
	}
	return r.store.badTwin(g, err)
}

// take adds a reading to its series.
func (r *seriesReader) take(x *series, y reading) error {
	if r.count >= r.want.limit {
		return ErrTooMany
	}
	r.count++
	x.readings = append(x.readings, y)
	return nil
}

// visits reads the batches that an index names.
func (r *seriesReader) visits(ctx context.Context, g *segment, at []int64) error {
	if len(at) == 0 {
		return nil
	}
	return g.read(func(db *sql.DB) error {
		get, err := db.PrepareContext(ctx, "SELECT bytes FROM batch WHERE position = ?")
		if err != nil {
			return err
		}
		defer get.Close()
		for _, position := range at {
			var raw []byte
			err := get.QueryRowContext(ctx, position).Scan(&raw)
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			b, ok := r.store.parse(g, position, raw)
			if !ok {
				continue
			}
			if err := r.batch(ctx, db, &b); err != nil {
				return err
			}
		}
		return nil
	})
}

// visitsIn returns the batches in which visits asked for stand, in order.
func (r *seriesReader) visitsIn(ix *index, devices []deviceKey) (at []int64) {
	if ix == nil {
		return nil
	}
	for _, d := range devices {
		for _, v := range ix.visits[d] {
			if v.startMS >= r.want.span.first && v.startMS <= r.want.span.last {
				at = append(at, int64(v.position))
			}
		}
	}
	slices.Sort(at)
	return slices.Compact(at)
}

// batch takes the points of the visits of the devices asked for.
func (r *seriesReader) batch(ctx context.Context, db *sql.DB, b *journal.Batch) error {
	body, err := r.store.pack.Body(b)
	if err != nil {
		return nil // counted when it came
	}
	origin := b.Origin
	err = journal.Records(body, func(rec journal.Record) error {
		if rec.Type != journal.TypeVisit {
			return nil
		}
		v, err := journal.ParseVisit(rec.Payload, b.WallMS)
		started := v.Started.UnixMilli()
		if err != nil || v.Layout >= len(b.Uses) || started < r.want.span.first || started > r.want.span.last {
			return nil
		}
		d := r.devices[deviceKey{b.Site, v.Device}]
		if d == nil {
			return nil
		}
		entries, err := r.layout(ctx, db, b.Uses[v.Layout])
		if err != nil {
			return err
		}
		return r.visit(d, &v, entries, b.Uses[v.Layout], reading{at: started, periodMS: v.Period.Milliseconds(), origin: &origin, mode: b.Mode})
	})
	if errors.Is(err, journal.ErrCorrupt) {
		return nil // what comes before it is shown; counted when it came
	}
	return err
}

// visit takes the points of one visit; of is what they have in common.
func (r *seriesReader) visit(d *deviceSeries, v *journal.Visit, entries []journal.Entry, id journal.LayoutID, of reading) (err error) {
	to, ok := d.layouts[id]
	if !ok {
		for _, e := range entries {
			to = append(to, d.of(e.Component, e.Sensor, e.Type))
		}
		d.layouts[id] = to
	}
	if r.scratch, err = v.Samples(r.scratch[:0], entries); err != nil {
		return nil // counted when it came
	}
	for i := range r.scratch {
		x := &r.scratch[i]
		if to[i] == nil {
			continue
		}
		y := of
		y.startMS, y.absent = x.StartMS, x.Absent
		if y.bits = x.Count; x.Type != hw.Counter {
			y.bits = math.Float64bits(x.Gauge)
		}
		if err := r.take(to[i], y); err != nil {
			return err
		}
	}
	return nil
}

// layout returns the entries of a layout; none when it is damaged.
func (r *seriesReader) layout(ctx context.Context, db *sql.DB, id journal.LayoutID) ([]journal.Entry, error) {
	if entries, ok := r.entries[id]; ok {
		return entries, nil
	}
	raw := journal.Layout{ID: id}
	err := db.QueryRowContext(ctx, "SELECT bytes FROM layout WHERE name = ?", id[:]).Scan(&raw.Bytes)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	var entries []journal.Entry
	if err == nil {
		if entries, err = r.store.pack.Entries(raw); err != nil {
			entries = nil
		}
	}
	r.entries[id] = entries
	return entries, nil
}

// pattern is a name, or with stars in it many: a star stands for any run of characters. The empty one is any.
type pattern string

// exactly returns the pattern that matches name alone, and any when it is empty. A name has no star.
func exactly(name string) pattern { return pattern(name) }

func (p pattern) any() bool { return strings.Trim(string(p), "*") == "" }

// name returns the only name that p matches, or "".
func (p pattern) name() string {
	if strings.Contains(string(p), "*") {
		return ""
	}
	return string(p)
}

func (p pattern) matches(s string) bool {
	first, rest, star := strings.Cut(string(p), "*")
	if p == "" || (!star && string(p) == s) {
		return true
	}
	if !star || !strings.HasPrefix(s, first) {
		return false
	}
	s = s[len(first):]
	for {
		part, more, again := strings.Cut(rest, "*")
		if !again {
			return strings.HasSuffix(s, part)
		}
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s, rest = s[i+len(part):], more
	}
}
