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
// authority are missing for one and a half times their usual distance.
func (s *Store) Series(ctx context.Context, q SeriesQuery, fn func(Point) error) error {
	r := seriesReader{store: s, q: q, span: span{q.From.UnixMilli(), math.MaxInt64}, series: map[sampleName]*series{}, layouts: map[journal.LayoutID]*layoutSpots{}}
	or(&r.q.Site, s.id.site)
	or(&r.q.Limit, defaultPoints)
	if !q.To.IsZero() {
		r.span.last = q.To.UnixMilli()
	}
	for _, g := range s.listed() {
		if g.damaged() != nil {
			continue
		}
		err := r.segment(ctx, g)
		switch {
		case errors.Is(err, errBadTwin): // what was gathered is in part from it
			return s.Series(ctx, q, fn)
		case errors.Is(err, errGone):
		case isDamaged(err):
			s.setAside(g, err)
		case err != nil:
			return fmt.Errorf("read the series of %s: %w", q.Device, err)
		}
	}
	return r.emit(fn)
}

// authoritative leaves out an island's points where others are. points are of one series, in
// order of time.
func authoritative(points []reading) []reading {
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
		if p.mode != journal.Island || aloneAt(times, p.at, step+step/2) {
			out = append(out, p)
		}
	}
	return out
}

// aloneAt says whether at lies in a hole of times wider than width.
func aloneAt(times []int64, at, width int64) bool {
	i, found := slices.BinarySearch(times, at)
	switch {
	case found:
		return false
	case i == 0:
		return times[0]-at > width
	case i == len(times):
		return at-times[i-1] > width
	}
	return times[i]-times[i-1] > width
}

// seriesReader gathers readings from segments.
type seriesReader struct {
	store   *Store
	q       SeriesQuery
	span    span
	count   int
	series  map[sampleName]*series
	layouts map[journal.LayoutID]*layoutSpots
	scratch []hw.Sample
	dec     *chunk.Decoder
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

// layoutSpots is a layout and the series its entries belong to, nil where not asked for.
type layoutSpots struct {
	entries []journal.Entry
	series  []*series
}

// of returns the series of a sensor, nil when it was not asked for.
func (r *seriesReader) of(component, sensor string, kind hw.SampleType) *series {
	if (r.q.Component != "" && r.q.Component != component) || (r.q.Sensor != "" && r.q.Sensor != sensor) {
		return nil
	}
	name := sampleName{component, sensor, kind}
	x := r.series[name]
	if x == nil {
		x = &series{name: name}
		r.series[name] = x
	}
	return x
}

// emit gives what was gathered to fn, in order.
func (r *seriesReader) emit(fn func(Point) error) error {
	all := slices.SortedFunc(maps.Values(r.series), func(a, b *series) int {
		return cmp.Or(cmp.Compare(a.name.component, b.name.component), cmp.Compare(a.name.sensor, b.name.sensor), cmp.Compare(a.name.kind, b.name.kind))
	})
	byTime := func(a, b reading) int { return cmp.Compare(a.at, b.at) }
	for _, x := range all {
		if !slices.IsSortedFunc(x.readings, byTime) {
			slices.SortStableFunc(x.readings, byTime)
		}
		for _, y := range authoritative(x.readings) {
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
	if g.left(r.q.Site) { // its twin may still tell of the site
		return nil
	}
	r.store.state.RLock()
	ix, reach := r.store.tails[g], g.span
	at := r.visitsIn(ix)
	r.store.state.RUnlock()
	if ix != nil {
		return r.visits(ctx, g, at)
	}
	if !reach.overlaps(r.span) {
		return nil
	}
	g.use.RLock()
	_, err := os.Stat(g.twinPath())
	if err != nil || g.gone {
		g.use.RUnlock()
		if ix, err = r.store.indexOf(ctx, g); err != nil {
			return err
		}
		return r.visits(ctx, g, r.visitsIn(ix))
	}
	err = r.twin(ctx, g)
	g.use.RUnlock()
	if err == nil || errors.Is(err, ErrTooMany) || ctx.Err() != nil {
		return err
	}
	return r.store.badTwin(g, err)
}

// take adds a reading to its series.
func (r *seriesReader) take(x *series, y reading) error {
	if r.count >= r.q.Limit {
		return ErrTooMany
	}
	r.count++
	x.readings = append(x.readings, y)
	return nil
}

// visits reads the visits an index names.
func (r *seriesReader) visits(ctx context.Context, g *segment, at []visitAt) error {
	if len(at) == 0 {
		return nil
	}
	return g.read(func(db *sql.DB) error {
		get, err := db.PrepareContext(ctx, "SELECT bytes FROM batch WHERE position = ?")
		if err != nil {
			return err
		}
		defer get.Close()
		for _, v := range at {
			var raw []byte
			err := get.QueryRowContext(ctx, v.position).Scan(&raw)
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			b, ok := r.store.parse(g, v.position, raw)
			if !ok {
				continue
			}
			if err := r.batch(ctx, db, &b, func(rec journal.Record) bool { return rec.Index == v.record }); err != nil {
				return err
			}
		}
		return nil
	})
}

// visitsIn returns where the visits asked for stand.
func (r *seriesReader) visitsIn(ix *index) []visitAt {
	if ix == nil {
		return nil
	}
	return ix.between(deviceKey{r.q.Site, r.q.Device}, r.span.first, r.span.last)
}

// batch takes the points of the visits that want names, where they are of the device.
func (r *seriesReader) batch(ctx context.Context, db *sql.DB, b *journal.Batch, want func(journal.Record) bool) error {
	body, err := r.store.pack.Body(b)
	if err != nil {
		return nil // counted when it came
	}
	err = journal.Records(body, func(rec journal.Record) error {
		if rec.Type != journal.TypeVisit || !want(rec) {
			return nil
		}
		v, err := journal.ParseVisit(rec.Payload, b.WallMS)
		started := v.Started.UnixMilli()
		if err != nil || v.Device != r.q.Device || v.Layout >= len(b.Uses) || started < r.span.first || started > r.span.last {
			return nil
		}
		l, err := r.layout(ctx, db, b.Uses[v.Layout])
		if err != nil {
			return err
		}
		if r.scratch, err = v.Samples(r.scratch[:0], l.entries); err != nil {
			return nil
		}
		origin := b.Origin
		for i := range r.scratch {
			if l.series[i] == nil {
				continue
			}
			y := reading{at: started, startMS: r.scratch[i].StartMS, periodMS: v.Period.Milliseconds(), absent: r.scratch[i].Absent, origin: &origin, mode: b.Mode}
			if y.bits = r.scratch[i].Count; r.scratch[i].Type != hw.Counter {
				y.bits = math.Float64bits(r.scratch[i].Gauge)
			}
			if err := r.take(l.series[i], y); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, journal.ErrCorrupt) {
		return nil // what comes before it is shown; counted when it came
	}
	return err
}

// layout returns a layout; an empty one when it is damaged.
func (r *seriesReader) layout(ctx context.Context, db *sql.DB, id journal.LayoutID) (*layoutSpots, error) {
	if l, ok := r.layouts[id]; ok {
		return l, nil
	}
	raw := journal.Layout{ID: id}
	err := db.QueryRowContext(ctx, "SELECT bytes FROM layout WHERE name = ?", id[:]).Scan(&raw.Bytes)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	l := &layoutSpots{}
	if err == nil {
		if l.entries, err = r.store.pack.Entries(raw); err != nil {
			l.entries = nil
		}
	}
	for _, e := range l.entries {
		l.series = append(l.series, r.of(e.Component, e.Sensor, e.Type))
	}
	r.layouts[id] = l
	return l, nil
}
