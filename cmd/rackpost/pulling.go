package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
	"rackpost/web"
	"rackpost/web/api"
)

// consumersFile is where a box keeps who may pull from it.
const consumersFile = "consumers.json"

// pulling is what programs ask a box for.
func (a *appliance) pulling(turns web.Turns) (*api.API, error) {
	consumers, err := api.OpenConsumers(filepath.Join(a.box.data, consumersFile), time.Now)
	if err != nil {
		return nil, err
	}
	a.shared = shareConsumers(a.pair, consumers)
	return api.New(api.Config{
		Own: a.site.Load().id, Box: a, Sites: ownSite{a}, Records: storeRecords{a.store}, Registers: storeRegisters{a.store}, Readings: storeReadings{a.store},
		Consumers: consumers, Turns: turns, Logger: a.logger,
	}), nil
}

// beside is the pages for people and what programs ask for.
func beside(pages, pull http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", pages)
	mux.Handle("/api/", pull)
	mux.Handle("/metrics", pull)
	return mux
}

// ownSite is the one site of a box.
type ownSite struct{ *appliance }

// Sites implements api.Sites.
func (o ownSite) Sites(context.Context) ([]api.Site, error) {
	site, j := o.site.Load(), o.journalOf()
	missing := uint64(0)
	x := api.Site{ID: site.id.String(), Name: site.name, State: api.SiteOwn, Missing: &missing, Connected: true, Heard: j.LastFlush, Bytes: j.Bytes, Quota: j.Budget, Version: versionText()}
	if !j.LastFlush.IsZero() {
		silent := max(time.Since(j.LastFlush).Seconds(), 0)
		x.Silent = &silent
	}
	for _, w := range o.store.Awaited(site.id) {
		for _, iv := range w {
			missing += iv.Last - iv.First + 1
		}
	}
	return []api.Site{x}, nil
}

// Place implements api.Sites.
func (o ownSite) Place(_ context.Context, id journal.ID) (api.Place, error) {
	if id != o.site.Load().id {
		return nil, api.ErrUnknownSite
	}
	return o.appliance, nil
}

// storeRecords are the records of a store for whoever pulls.
type storeRecords struct{ store *store.Store }

// Changes implements api.Records.
func (s storeRecords) Changes(ctx context.Context, q api.ChangesQuery) (api.Changes, error) {
	after, err := s.position(q)
	if err != nil {
		return api.Changes{}, err
	}
	var before journal.Vector
	if q.Tell {
		if before, err = s.store.Before(ctx, after, q.Site, q.Streams, api.MaxSeen); err != nil {
			return api.Changes{}, err
		}
	}
	got, err := s.store.Changes(ctx, store.ChangesQuery{After: after, Site: q.Site, Streams: q.Streams, Seen: q.Seen, Batches: q.Batches, Bytes: q.Bytes})
	if errors.Is(err, store.ErrTrimmed) || errors.Is(err, store.ErrOtherLife) {
		err = fmt.Errorf("%w: %w", api.ErrGone, err)
	}
	if err != nil {
		return api.Changes{}, err
	}
	out := api.Changes{Batches: got.Batches, Behind: make([]api.Position, len(got.Behind)), Before: before, Next: positionText(got.Next), Oldest: positionText(got.Oldest), Head: positionText(got.Head)}
	for i, p := range got.Behind {
		out.Behind[i] = positionText(p)
	}
	return out, nil
}

func (s storeRecords) position(q api.ChangesQuery) (store.Position, error) {
	switch {
	case q.After == "" && q.Since.IsZero():
		return store.Position{}, nil
	case q.After == "":
		return s.store.At(q.Since), nil
	}
	p, err := store.ParsePosition(string(q.After))
	if err != nil {
		return p, fmt.Errorf("%w: %w", api.ErrPosition, err)
	}
	return p, nil
}

func positionText(p store.Position) api.Position { return api.Position(p.String()) }

// Ends implements api.Records.
func (s storeRecords) Ends(ctx context.Context) (oldest, head api.Position) {
	o, h := s.store.Ends(ctx)
	return positionText(o), positionText(h)
}

// Watch implements api.Records.
func (s storeRecords) Watch(site journal.ID) <-chan struct{} {
	if site == (journal.ID{}) {
		return s.store.Watch()
	}
	return s.store.WatchOf(site)
}

// storeRegisters are the registers of a store for whoever pulls.
type storeRegisters struct{ store *store.Store }

// Snapshot implements api.Registers.
func (s storeRegisters) Snapshot(ctx context.Context, site journal.ID, fn func(api.Register) error) (api.Position, error) {
	p, err := s.store.Snapshot(ctx, site, func(r store.SnapshotRow) error {
		return fn(api.Register{Site: r.Site, Order: r.Order, Mode: r.Mode, Fact: r.Fact, Shown: r.Shown})
	})
	return positionText(p), err
}

// storeReadings are the readings of a store put together.
type storeReadings struct{ store *store.Store }

// Aggregate implements api.Readings.
func (s storeReadings) Aggregate(ctx context.Context, q api.AggregateQuery, fn func(api.Bucket) error) error {
	err := s.store.Aggregate(ctx, aggregateQuery(q), func(b store.Bucket) error {
		x := api.Bucket{Site: b.Site, Device: b.Device, Component: b.Component, Sensor: b.Sensor, Type: b.Type, Start: time.UnixMilli(b.Start).UTC(), End: time.UnixMilli(b.End).UTC(),
			Min: b.Min, Max: b.Max, Mean: b.Mean, Last: b.Last, Count: b.Count, Increase: b.Increase, Completeness: b.Completeness, Series: b.Series}
		if b.Count > 0 {
			x.LastAt = time.UnixMilli(b.LastAt).UTC()
		}
		return fn(x)
	})
	if errors.Is(err, store.ErrTooMany) {
		err = web.ErrTooMany
	}
	return err
}

// Known implements api.Readings.
func (s storeReadings) Known(ctx context.Context, q api.AggregateQuery) (bool, error) {
	return s.store.Known(ctx, aggregateQuery(q))
}

func aggregateQuery(q api.AggregateQuery) store.AggregateQuery {
	by := map[string]store.Grouping{"none": store.ByNone, "site": store.BySite, "device": store.ByDevice, "component": store.ByComponent}
	return store.AggregateQuery{Site: q.Site, AllSites: q.Site == (journal.ID{}), Device: q.Device, Component: q.Component, Sensor: q.Sensor,
		By: by[q.By], Step: q.Step, From: q.From, To: q.To, Limit: q.Limit, Due: toldDue}
}

// toldDue is what is to come of a device, by how the journal says that it is configured.
func toldDue(v store.DeviceView) (d store.Due) {
	for _, f := range v.Facts {
		if _, ok := f.Value.(hw.LearnedValue); !ok || f.Component != configuration {
			continue
		}
		if d.Since.IsZero() || f.At.Before(d.Since) {
			d.Since = f.At
		}
		if f.Group == configuredSections {
			d.Set = f.At
		}
	}
	for _, p := range toldPeriods(v.Facts) {
		d.Periods = append(d.Periods, p)
	}
	return d
}
