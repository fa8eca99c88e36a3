package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// Grouping is what readings are put together by. Different sensors are never put together.
type Grouping uint8

// The groupings.
const (
	ByNone      Grouping = iota // one group for all
	BySite                      // one a site
	ByDevice                    // one a device
	ByComponent                 // one a component
)

// AggregateQuery asks for readings put together. Component and Sensor are names or patterns: a star stands for any
// run of characters, also of slashes; empty ones are any.
type AggregateQuery struct {
	Site      journal.ID  // the store's own when zero
	AllSites  bool        // instead of Site
	Device    hw.DeviceID // all when empty
	Component string
	Sensor    string
	By        Grouping
	Step      time.Duration        // length of a bucket; 0: one for all the time
	From, To  time.Time            // From included, To not; a zero To is now
	Due       func(DeviceView) Due // what is to come of a device; nil: nothing is known of that
	Limit     int                  // buckets at most; 100,000 when 0
}

// Due is what is to come of a device that is to be read.
type Due struct {
	Since   time.Time       // it is to be read; zero: it is not, or nobody knows
	Periods []time.Duration // of its sections
	Set     time.Time       // when these were set
}

// Bucket is what the readings of one group in one stretch of time come to. Of gauges the values are what was read; of
// counters they are rates a second, each of the time between two readings of one box that no restart of the counter parts.
type Bucket struct {
	Site         journal.ID  // zero where sites are put together
	Device       hw.DeviceID // empty where devices are put together
	Component    string      // empty where components are put together
	Sensor       string
	Type         hw.SampleType
	Start, End   int64   // Unix ms, Start included, End not
	Min, Max     float64 // of the values read in the bucket, of counters the rates that end in it; not a number when Count is 0
	Mean         float64 // of a counter Increase by the time it covers: also of rates that end later; not a number when nothing is known
	Last         float64 // not a number when Count is 0
	LastAt       int64   // Unix ms of what Last says; 0 when Count is 0
	Count        int     // readings with a value; of counters those that give a rate
	Increase     float64 // of counters: an increase over the border of two buckets is shared by time
	Completeness float64 // 0 to 1, see docs/store.md; not a number where nothing is expected
	Series       int     // how many sensors of components are in it
}

// ErrRange is returned by Aggregate for a time that ends before it begins, or a step below a millisecond.
var ErrRange = errors.New("no such stretch of time")

const (
	defaultBuckets = 100_000
	// aggregateMargin is how far before and behind the time asked for readings are looked for that reach into it.
	aggregateMargin = 15 * time.Minute
	// aggregateReadings is how many readings are in memory at once, about 64 bytes each.
	aggregateReadings = 300_000
	// aggregateDevices is how many devices are read at once at first.
	aggregateDevices = 64
)

// Aggregate calls fn for the buckets asked for of which anything is known or expected, in order of site, device,
// component, sensor and time. Where two boxes visited, it goes by the readings that Series gives. The error is ErrTooMany for more
// buckets than the limit.
func (s *Store) Aggregate(ctx context.Context, q AggregateQuery, fn func(Bucket) error) error {
	return s.aggregate(ctx, q, aggregateReadings, fn)
}

func (s *Store) aggregate(ctx context.Context, q AggregateQuery, readings int, fn func(Bucket) error) error {
	or(&q.Limit, defaultBuckets)
	or(&q.Site, s.id.site)
	now := s.opt.Now()
	if q.To.IsZero() {
		q.To = now
	}
	grid, err := newGrid(q.From, q.To, q.Step, q.Limit)
	if err != nil {
		return fmt.Errorf("aggregate from %s to %s: %w", q.From, q.To, err)
	}
	a := aggregator{store: s, q: q, grid: grid, now: now.UnixMilli(), groups: map[groupKey]*group{}, together: aggregateDevices, readings: readings}
	sites := []journal.ID{q.Site}
	if q.AllSites {
		sites = s.Sites()
	}
	for _, site := range sites {
		devices := s.deviceKeys(site, q.Device)
		for len(devices) > 0 {
			n, err := a.some(ctx, devices)
			if err != nil {
				return fmt.Errorf("aggregate: %w", err)
			}
			devices = devices[n:]
		}
	}
	if err := a.silences(ctx); err != nil {
		return fmt.Errorf("aggregate: %w", err)
	}
	return a.emit(fn)
}

// deviceKeys returns the devices of a site, or one of them.
func (s *Store) deviceKeys(site journal.ID, device hw.DeviceID) (out []deviceKey) {
	if device != "" {
		return []deviceKey{{site, device}}
	}
	s.state.RLock()
	defer s.state.RUnlock()
	if f := s.folds[site]; f != nil {
		for _, d := range f.Devices() {
			out = append(out, deviceKey{site, d})
		}
	}
	return out
}

// aggregator reads devices, a few at once, and puts their readings together.
type aggregator struct {
	store    *Store
	q        AggregateQuery
	grid     grid
	now      int64
	groups   map[groupKey]*group
	buckets  int // of all groups
	together int // devices that are read at once
	readings int // that are in memory at once
	silent   []silent
}

// some takes the first of devices, as many as can be read at once, and returns how many these are.
func (a *aggregator) some(ctx context.Context, devices []deviceKey) (int, error) {
	all := span{a.grid.from - aggregateMargin.Milliseconds(), a.grid.to + aggregateMargin.Milliseconds()}
	for {
		n := min(a.together, len(devices))
		r, err := a.gather(ctx, devices[:n], all)
		switch {
		case err == nil:
			for _, d := range devices[:n] {
				if err := a.one(ctx, d, r.devices[d], all); err != nil {
					return n, err
				}
			}
			return n, nil
		case !errors.Is(err, ErrTooMany):
			return n, err
		case n > 1:
			a.together = n / 2
			continue
		}
		t := a.tallyOf(devices[0])
		t.due = a.due(devices[0])
		if err := a.pieces(ctx, &t, all); err != nil {
			return 1, err
		}
		return 1, t.finish()
	}
}

// one puts together what was gathered of a device in reach.
func (a *aggregator) one(ctx context.Context, d deviceKey, got *deviceSeries, reach span) error {
	t := a.tallyOf(d)
	all := slices.DeleteFunc(got.sorted(), func(x *series) bool { return len(x.readings) == 0 })
	if len(all) == 0 {
		return a.hush(ctx, d, reach)
	}
	t.due = a.due(d)
	t.take(all)
	return t.finish()
}

// due returns what is to come of a device.
func (a *aggregator) due(d deviceKey) Due {
	if a.q.Due == nil {
		return Due{}
	}
	v, ok := a.store.DeviceOf(d.site, d.device)
	if !ok {
		return Due{}
	}
	return a.q.Due(v)
}

// pieces takes the readings of one device that are too many to be read at once, in order of time.
func (a *aggregator) pieces(ctx context.Context, t *tally, reach span) error {
	margin := aggregateMargin.Milliseconds()
	r, err := a.gather(ctx, []deviceKey{t.device}, span{reach.first - margin, reach.last + margin})
	if err == nil {
		all := r.devices[t.device].sorted()
		for _, x := range all { // with what is beside it, to tell whose reading counts
			kept := x.readings[:0]
			for _, y := range x.readings {
				if y.at >= reach.first && y.at <= reach.last {
					kept = append(kept, y)
				}
			}
			x.readings = kept
		}
		t.take(all)
		return nil
	}
	if half := (reach.last - reach.first) / 2; errors.Is(err, ErrTooMany) && half > margin {
		if err := a.pieces(ctx, t, span{reach.first, reach.first + half}); err != nil {
			return err
		}
		return a.pieces(ctx, t, span{reach.first + half + 1, reach.last})
	}
	return err
}

func (a *aggregator) gather(ctx context.Context, devices []deviceKey, reach span) (*seriesReader, error) {
	return a.store.gather(ctx, seriesWanted{devices: devices, component: pattern(a.q.Component), sensor: pattern(a.q.Sensor), span: reach, limit: a.readings})
}

// Known says whether any reading is here of the sensors that are asked for, of whatever time; Step, From and To do not matter.
func (s *Store) Known(ctx context.Context, q AggregateQuery) (bool, error) {
	or(&q.Site, s.id.site)
	sites := []journal.ID{q.Site}
	if q.AllSites {
		sites = s.Sites()
	}
	for _, site := range sites {
		for some := range slices.Chunk(s.deviceKeys(site, q.Device), aggregateDevices) {
			_, err := s.gather(ctx, seriesWanted{devices: some, component: pattern(q.Component), sensor: pattern(q.Sensor), span: span{math.MinInt64, math.MaxInt64}})
			if errors.Is(err, ErrTooMany) { // the first one is
				return true, nil
			}
			if err != nil {
				return false, fmt.Errorf("look for readings of %s: %w", q.Sensor, err)
			}
		}
	}
	return false, nil
}

// Latest calls fn for the last reading of every sensor of a device that was read within back before its last good
// visit, in order of component and sensor.
func (s *Store) Latest(ctx context.Context, site journal.ID, device hw.DeviceID, back time.Duration, fn func(Point) error) error {
	v, ok := s.DeviceOf(site, device)
	if !ok || v.LastGood.IsZero() {
		return nil
	}
	var last Point
	q := SeriesQuery{Site: site, Device: device, From: v.LastGood.Add(-back), To: v.LastGood.Add(time.Minute)}
	err := s.Series(ctx, q, func(p Point) error {
		if last.Sensor != "" && (last.Component != p.Component || last.Sensor != p.Sensor) {
			if err := fn(last); err != nil {
				return err
			}
		}
		last = p
		return nil
	})
	if err == nil && last.Sensor != "" {
		err = fn(last)
	}
	return err
}

// nan is what is not known.
func nan() float64 { return math.NaN() }
