package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
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
	r := seriesReader{store: s, q: q, span: span{q.From.UnixMilli(), math.MaxInt64}}
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
		case errors.Is(err, errGone):
		case isDamaged(err):
			s.setAside(g, err)
		case err != nil:
			return fmt.Errorf("read the series of %s: %w", q.Device, err)
		}
	}
	slices.SortStableFunc(r.points, func(a, b Point) int {
		return cmp.Or(cmp.Compare(a.Component, b.Component), cmp.Compare(a.Sensor, b.Sensor), cmp.Compare(a.At, b.At))
	})
	for len(r.points) > 0 {
		n := 1
		for n < len(r.points) && r.points[n].Component == r.points[0].Component && r.points[n].Sensor == r.points[0].Sensor {
			n++
		}
		for _, p := range authoritative(r.points[:n]) {
			if err := fn(p); err != nil {
				return err
			}
		}
		r.points = r.points[n:]
	}
	return nil
}

// authoritative leaves out an island's points where others are. points are of one series, in
// order of time.
func authoritative(points []Point) []Point {
	islands := 0
	var times, steps []int64
	for _, p := range points {
		if p.Mode == journal.Island {
			islands++
			continue
		}
		if n := len(times); n > 0 && p.At > times[n-1] {
			steps = append(steps, p.At-times[n-1])
		}
		times = append(times, p.At)
	}
	if islands == 0 || len(times) == 0 {
		return points
	}
	step := int64(math.MaxInt64 / 4)
	for _, p := range points {
		if p.Mode != journal.Island && p.PeriodMS > 0 {
			step = min(step, p.PeriodMS)
		}
	}
	if len(steps) > 0 { // a section's own period is longer than that of the visits
		slices.Sort(steps)
		step = max(min(step, steps[len(steps)/2]), steps[len(steps)/4])
	}
	var out []Point
	for _, p := range points {
		if p.Mode != journal.Island || aloneAt(times, p.At, step+step/2) {
			out = append(out, p)
		}
	}
	return out
}

// aloneAt says whether at lies in a hole of times wider than width.
func aloneAt(times []int64, at, width int64) bool {
	i, _ := slices.BinarySearch(times, at)
	switch {
	case i == 0:
		return times[0]-at > width
	case i == len(times):
		return at-times[i-1] > width
	}
	return times[i]-times[i-1] > width
}

// seriesReader gathers points from segments.
type seriesReader struct {
	store   *Store
	q       SeriesQuery
	span    span
	points  []Point
	entries map[journal.LayoutID][]journal.Entry
	scratch []hw.Sample
	dec     *chunk.Decoder
}

func (r *seriesReader) segment(ctx context.Context, g *segment) error {
	r.store.state.RLock()
	ix, reach := r.store.tails[g], g.span
	var at []visitAt
	if ix != nil {
		at = ix.between(deviceKey{r.q.Site, r.q.Device}, r.span.first, r.span.last)
	}
	r.store.state.RUnlock()
	if ix != nil {
		return r.visits(ctx, g, at)
	}
	if !reach.overlaps(r.span) {
		return nil
	}
	g.use.RLock()
	_, err := os.Stat(g.twinPath())
	if err == nil && !g.gone {
		err = r.twin(ctx, g)
		g.use.RUnlock()
		return err
	}
	g.use.RUnlock()
	return r.scan(ctx, g)
}

func (r *seriesReader) add(p Point) error {
	if len(r.points) >= r.q.Limit {
		return ErrTooMany
	}
	r.points = append(r.points, p)
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
			b, err := journal.ParseBatch(raw)
			if err != nil {
				r.store.damaged(g, v.position, err)
				continue
			}
			if err := r.batch(ctx, db, &b, func(rec journal.Record) bool { return rec.Index == v.record }); err != nil {
				return err
			}
		}
		return nil
	})
}

// scan reads a segment that has neither an index nor a twin.
func (r *seriesReader) scan(ctx context.Context, g *segment) error {
	return g.read(func(db *sql.DB) error {
		return r.store.eachBatchOf(ctx, g, db, 0, func(_ int64, b *journal.Batch) error {
			if b.Stream != journal.Samples || b.Site != r.q.Site {
				return nil
			}
			return r.batch(ctx, db, b, func(journal.Record) bool { return true })
		})
	})
}

// batch takes the points of the visits that want names, where they are of the device.
func (r *seriesReader) batch(ctx context.Context, db *sql.DB, b *journal.Batch, want func(journal.Record) bool) error {
	body, err := r.store.pack.Body(b)
	if err != nil {
		return nil // counted when it came
	}
	return journal.Records(body, func(rec journal.Record) error {
		if rec.Type != journal.TypeVisit || !want(rec) {
			return nil
		}
		v, err := journal.ParseVisit(rec.Payload, b.WallMS)
		started := v.Started.UnixMilli()
		if err != nil || v.Device != r.q.Device || v.Layout >= len(b.Uses) || started < r.span.first || started > r.span.last {
			return nil
		}
		entries, err := r.layout(ctx, db, b.Uses[v.Layout])
		if err != nil {
			return err
		}
		if r.scratch, err = v.Samples(r.scratch[:0], entries); err != nil {
			return nil
		}
		for i := range r.scratch {
			x := &r.scratch[i]
			if !r.wants(x.Component, x.Sensor) {
				continue
			}
			p := Point{Component: x.Component, Sensor: x.Sensor, Type: x.Type, At: started, Gauge: x.Gauge, Count: x.Count, StartMS: x.StartMS,
				Absent: x.Absent, Origin: b.Origin, Mode: b.Mode, PeriodMS: v.Period.Milliseconds()}
			if err := r.add(p); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *seriesReader) wants(component, sensor string) bool {
	return (r.q.Component == "" || r.q.Component == component) && (r.q.Sensor == "" || r.q.Sensor == sensor)
}

// layout returns the entries of a layout; none when the layout is damaged.
func (r *seriesReader) layout(ctx context.Context, db *sql.DB, id journal.LayoutID) ([]journal.Entry, error) {
	if e, ok := r.entries[id]; ok {
		return e, nil
	}
	l := journal.Layout{ID: id}
	err := db.QueryRowContext(ctx, "SELECT bytes FROM layout WHERE name = ?", id[:]).Scan(&l.Bytes)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	var entries []journal.Entry
	if err == nil {
		if entries, err = r.store.pack.Entries(l); err != nil {
			entries = nil
		}
	}
	if r.entries == nil {
		r.entries = map[journal.LayoutID][]journal.Entry{}
	}
	r.entries[id] = entries
	return entries, nil
}
