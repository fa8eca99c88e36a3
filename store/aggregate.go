package store

import (
	"context"
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
	Step      time.Duration                                                                     // length of a bucket; 0: one for all the time
	From, To  time.Time                                                                         // From included, To not
	Period    func(site journal.ID, device hw.DeviceID, component, sensor string) time.Duration // as configured; 0 or nil: as observed
	Limit     int                                                                               // buckets at most; 100,000 when 0
}

// Bucket is what the readings of one group in one stretch of time come to. Of gauges the values are what was read; of
// counters they are rates a second.
type Bucket struct {
	Site         journal.ID  // zero where sites are put together
	Device       hw.DeviceID // empty where devices are put together
	Component    string      // empty where components are put together
	Sensor       string
	Type         hw.SampleType
	Start, End   int64   // Unix ms, Start included, End not
	Min, Max     float64 // not a number when Count is 0
	Mean         float64
	Last         float64
	LastAt       int64   // Unix ms of what Last says
	Count        int     // readings with a value; of counters those that give a rate
	Increase     float64 // of counters
	Completeness float64 // 0 to 1
	Series       int     // how many sensors of components are in it
}

// Aggregate calls fn for the buckets asked for that have a reading or lack one, in order of site, device,
// component, sensor and time.
func (s *Store) Aggregate(ctx context.Context, q AggregateQuery, fn func(Bucket) error) error {
	return nil
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
