package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"rackpost/hw"
	"rackpost/store"
	"rackpost/web"
)

// Series implements web.History.
func (a *appliance) Series(ctx context.Context, q web.SeriesQuery, fn func(web.Point) error) error {
	if !a.knows(q.Device) {
		return web.ErrUnknownDevice
	}
	sq := store.SeriesQuery{Device: q.Device, Component: q.Component, Sensor: q.Sensor, From: q.From, To: q.To}
	err := a.store.Series(ctx, sq, func(p store.Point) error { return fn(pointOf(p)) })
	if errors.Is(err, store.ErrTooMany) {
		return web.ErrTooMany
	}
	return err
}

func pointOf(p store.Point) web.Point {
	value, absent := web.NumberOf(hw.Sample{Type: p.Type, Gauge: p.Gauge, Count: p.Count, Absent: p.Absent})
	x := web.Point{At: time.UnixMilli(p.At).UTC(), Value: value, Absent: absent}
	if value != nil && p.Type == hw.Counter && p.StartMS != 0 {
		x.Start = time.UnixMilli(p.StartMS).UTC()
	}
	return x
}

// Facts implements web.History.
func (a *appliance) Facts(ctx context.Context, q web.FactQuery) ([]web.Fact, error) {
	if q.Device != "" && !a.knows(q.Device) {
		return nil, web.ErrUnknownDevice
	}
	records, err := a.store.Facts(ctx, store.FactQuery{Device: q.Device, Kind: q.Kind, From: q.From, To: q.To, Limit: q.Limit})
	facts := make([]web.Fact, len(records))
	for i, r := range records {
		facts[i] = web.FactOf(r.Fact, r.Order.Turn)
	}
	return facts, err
}

// maxLatest bounds how far back the latest readings are looked for, and with it how many
// are read to find them.
const maxLatest = 70 * time.Minute

// Latest implements web.History. It looks back from the last good visit by the longest
// period of the device, and a little more, so that each section is met once.
func (a *appliance) Latest(ctx context.Context, id hw.DeviceID) ([]web.Reading, error) {
	d, err := a.Device(ctx, id)
	if err != nil || d.LastGood.IsZero() {
		return nil, err
	}
	back := maxLatest
	for _, w := range a.site.Load().devices {
		if p := longestPeriod(w); w.Target.Device.ID == id && p > 0 {
			back = min(back, p+p/6)
		}
	}
	var readings []web.Reading
	// Points come in order of component, sensor and time: the last of each sensor stays.
	q := store.SeriesQuery{Device: id, From: d.LastGood.Add(-back), To: d.LastGood.Add(time.Minute)}
	err = a.store.Series(ctx, q, func(p store.Point) error {
		r := web.Reading{Component: p.Component, Sensor: p.Sensor, Point: pointOf(p)}
		if n := len(readings); n > 0 && readings[n-1].Component == r.Component && readings[n-1].Sensor == r.Sensor {
			readings[n-1] = r
		} else {
			readings = append(readings, r)
		}
		return nil
	})
	if errors.Is(err, store.ErrTooMany) {
		err = web.ErrTooMany
	}
	slices.SortStableFunc(readings, func(a, b web.Reading) int { return compareNatural(a.Component, b.Component) })
	return readings, err
}
