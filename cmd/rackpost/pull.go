package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rackpost/hw/journal"
	"rackpost/store"
	"rackpost/web"
	"rackpost/web/api"
)

// pulled is a store as those who pull see it: api.Records, api.Registers and api.Readings.
type pulled struct{ store *store.Store }

// Changes implements api.Records.
func (p pulled) Changes(ctx context.Context, q api.ChangesQuery) (api.Changes, error) {
	after, err := positionOf(q.After)
	if err != nil {
		return api.Changes{}, err
	}
	got, err := p.store.Changes(ctx, store.ChangesQuery{After: after, Site: q.Site, Streams: q.Streams, Batches: q.Batches, Bytes: q.Bytes})
	if errors.Is(err, store.ErrTrimmed) || errors.Is(err, store.ErrOtherLife) {
		return api.Changes{}, fmt.Errorf("%w: %w", api.ErrGone, err)
	}
	if err != nil {
		return api.Changes{}, err
	}
	out := api.Changes{Batches: got.Batches, Next: given(got.Next), Oldest: given(got.Oldest), Head: given(got.Head)}
	for _, b := range got.Behind {
		out.Behind = append(out.Behind, given(b))
	}
	return out, nil
}

// positionOf reads what a consumer was given.
func positionOf(s api.Position) (store.Position, error) {
	if s == "" {
		return store.Position{}, nil
	}
	p, err := store.ParsePosition(string(s))
	if err != nil {
		return p, fmt.Errorf("%w: %w", api.ErrPosition, err)
	}
	return p, nil
}

func given(p store.Position) api.Position { return api.Position(p.String()) }

// Ends implements api.Records.
func (p pulled) Ends(ctx context.Context) (oldest, head api.Position) {
	o, h := p.store.Ends(ctx)
	return given(o), given(h)
}

// Watch implements api.Records.
func (p pulled) Watch(site journal.ID) <-chan struct{} {
	if site == (journal.ID{}) {
		return p.store.Watch()
	}
	return p.store.WatchOf(site)
}

// Snapshot implements api.Registers.
func (p pulled) Snapshot(ctx context.Context, site journal.ID, fn func(api.Register) error) (api.Position, error) {
	at, err := p.store.Snapshot(ctx, site, func(r store.SnapshotRow) error {
		return fn(api.Register{Site: r.Site, Order: r.Order, Mode: r.Mode, Fact: r.Fact, Shown: r.Shown})
	})
	return given(at), err
}

// Aggregate implements api.Readings.
func (p pulled) Aggregate(ctx context.Context, q api.AggregateQuery, fn func(api.Bucket) error) error {
	by := map[string]store.Grouping{"": store.ByComponent, "none": store.ByNone, "site": store.BySite, "device": store.ByDevice, "component": store.ByComponent}[q.By]
	err := p.store.Aggregate(ctx, store.AggregateQuery{
		Site: q.Site, AllSites: q.Site == (journal.ID{}), Device: q.Device, Component: q.Component, Sensor: q.Sensor,
		By: by, Step: q.Step, From: q.From, To: q.To, Limit: q.Limit,
	}, func(b store.Bucket) error {
		out := api.Bucket{Site: b.Site, Device: b.Device, Component: b.Component, Sensor: b.Sensor, Type: b.Type,
			Start: time.UnixMilli(b.Start).UTC(), End: time.UnixMilli(b.End).UTC(), Min: b.Min, Max: b.Max, Mean: b.Mean, Last: b.Last,
			Count: b.Count, Increase: b.Increase, Completeness: b.Completeness, Series: b.Series}
		if b.LastAt != 0 {
			out.LastAt = time.UnixMilli(b.LastAt).UTC()
		}
		return fn(out)
	})
	if errors.Is(err, store.ErrTooMany) {
		return web.ErrTooMany
	}
	return err
}
