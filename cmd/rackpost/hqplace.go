package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"rackpost/collectors"
	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
	"rackpost/web"
	"rackpost/web/api"
)

// pulling is what the API of headquarters stands on.
func (h *headquarters) pulling() api.Config {
	return api.Config{Box: h, Sites: h, Records: storeRecords{h.store}, Registers: storeRegisters{h.store}, Readings: storeReadings{h.store}, Consumers: h.consumers, Logger: h.logger}
}

// Status implements api.Box.
func (h *headquarters) Status(context.Context) (web.Status, error) {
	s := web.Status{
		Name: h.cfg.name, Version: versionText(), Site: web.Site{ID: h.registry.HQ().String(), Name: h.cfg.name},
		Time: time.Now(), Started: h.started, Journal: journalOf(h.store, h.cfg.data, h.logger), Notices: []string{},
	}
	s.RemoteWrite = h.writes.glance()
	if why := h.refused.Load(); why != nil {
		s.Notices = append(s.Notices, *why)
	}
	if t := h.intake.Status().Totals; t.Failed != "" {
		s.Notices = append(s.Notices, t.Failed)
	}
	if h.intake.Status().Totals.Slowed {
		s.Notices = append(s.Notices, outgrown)
	}
	if s.Journal.Full {
		s.Notices = append(s.Notices, diskFull+": make room in "+h.cfg.data)
	}
	return s, nil
}

// Place implements api.Sites.
func (h *headquarters) Place(_ context.Context, id journal.ID) (api.Place, error) {
	if _, joined := h.registry.Site(id); !joined && !slices.Contains(h.store.Sites(), id) {
		return nil, api.ErrUnknownSite
	}
	return &sitePlace{hq: h, site: id}, nil
}

// sitePlace is what headquarters knows of one site: by its journal alone.
type sitePlace struct {
	hq   *headquarters
	site journal.ID
}

// Status implements web.Source.
func (p *sitePlace) Status(ctx context.Context) (web.Status, error) {
	s, err := p.hq.Status(ctx)
	if err != nil {
		return s, err
	}
	devices, err := p.Devices(ctx)
	s.Site = web.Site{ID: p.site.String(), Name: p.hq.nameOf(p.site)}
	s.Devices = web.CountOf(devices)
	return s, err
}

// Devices implements web.Source.
func (p *sitePlace) Devices(ctx context.Context) ([]web.Device, error) {
	if err := ctx.Err(); err != nil { // of 1,000 sites, nobody waits for the others any more
		return nil, err
	}
	now := time.Now()
	views := p.hq.store.OutlinesOf(p.site, func(facts []hw.Fact) func(string) bool { return lookedInto(facts, now) })
	out := make([]web.Device, 0, len(views))
	for _, v := range views {
		if v.ID == "" {
			continue // the boxes
		}
		d := siteDevice(p.site, v, now)
		d.Components = nil
		out = append(out, d)
	}
	return out, nil
}

// lookedInto says which components of a device have to be known whole for a list of devices: those that alerts and acts are about, and of RAID parts all,
// which are named after each other.
func lookedInto(facts []hw.Fact, now time.Time) func(component string) bool {
	about, raid := map[string]bool{}, false
	for _, f := range facts {
		a, ok := f.Value.(hw.AlertValue)
		if _, lasts := web.ActOf(f, now); lasts || ok && a.Open {
			about[f.Component] = true
			raid = raid || web.IsRaidPart(f.Component)
		}
	}
	return func(component string) bool { return about[component] || raid && web.IsRaidPart(component) }
}

// present is what a box shows of the device, as far as the journal tells it.
func (p *sitePlace) present(v store.DeviceView) web.Device { return siteDevice(p.site, v, time.Now()) }

func siteDevice(site journal.ID, v store.DeviceView, now time.Time) web.Device {
	periods := toldPeriods(v.Facts)
	unread := doubt(v.Facts, periods, now)
	d := deviceOf(v, collectors.DeviceStatus{}, now)
	d.Site = site.String()
	configuredBy(&d, v.Facts)
	dateToldRAID(&d, periods[raidSection], now)
	judge(&d)
	if unread && d.Health == hw.OK {
		d.Health = hw.Unknown
	}
	for i := range d.Gaps { // what a box can be told, and headquarters cannot
		d.Gaps[i].Detail = strings.ReplaceAll(d.Gaps[i].Detail, "`rackpost ", "at the site `rackpost ")
	}
	return d
}

// dateToldRAID tells whether a device has RAID sets, and how old the knowledge of them is, as far as a journal tells: not when they
// were read, but when the device was, and since when they are not. period is that of the section, 0 if it is not known or off.
func dateToldRAID(d *web.Device, period time.Duration, now time.Time) {
	d.HasRaid = period > 0 || slices.ContainsFunc(d.Components, func(c web.Component) bool { return web.IsRaidPart(c.Path) })
	if !d.HasRaid || d.Age == nil {
		return
	}
	d.RaidRead, d.RaidAge = d.LastGood, d.Age
	for _, g := range d.Gaps {
		if what, _, _ := strings.Cut(g.What, "|"); what != raidSection || !g.From.Before(d.RaidRead) {
			continue
		}
		age := max(now.Sub(g.From).Seconds(), 0)
		d.RaidRead, d.RaidAge, d.RaidStale = g.From, &age, age > stalePeriods*period.Seconds()
	}
}

// Device implements web.Source.
func (p *sitePlace) Device(_ context.Context, id hw.DeviceID) (web.Device, error) {
	v, ok := p.hq.store.DeviceOf(p.site, id)
	if !ok || id == "" {
		return web.Device{}, web.ErrUnknownDevice
	}
	d := p.present(v)
	inOrder(&d)
	return d, nil
}

// Latest implements web.History.
func (p *sitePlace) Latest(ctx context.Context, id hw.DeviceID) ([]web.Reading, error) {
	if _, err := p.Device(ctx, id); err != nil {
		return nil, err
	}
	var out []web.Reading
	err := p.hq.store.Latest(ctx, p.site, id, maxLatest, func(x store.Point) error {
		out = append(out, web.Reading{Component: x.Component, Sensor: x.Sensor, Point: pointOf(x)})
		return nil
	})
	if errors.Is(err, store.ErrTooMany) {
		err = web.ErrTooMany
	}
	slices.SortStableFunc(out, func(a, b web.Reading) int { return compareNatural(a.Component, b.Component) })
	return out, err
}

// Series implements web.History.
func (p *sitePlace) Series(ctx context.Context, q web.SeriesQuery, fn func(web.Point) error) error {
	if _, err := p.Device(ctx, q.Device); err != nil {
		return err
	}
	sq := store.SeriesQuery{Site: p.site, Device: q.Device, Component: q.Component, Sensor: q.Sensor, From: q.From, To: q.To}
	err := p.hq.store.Series(ctx, sq, func(x store.Point) error { return fn(pointOf(x)) })
	if errors.Is(err, store.ErrTooMany) {
		return web.ErrTooMany
	}
	return err
}

// Facts implements web.History.
func (p *sitePlace) Facts(ctx context.Context, q web.FactQuery) ([]web.Fact, error) {
	if q.Device != "" {
		if _, err := p.Device(ctx, q.Device); err != nil {
			return nil, err
		}
	}
	records, err := p.hq.store.Facts(ctx, store.FactQuery{Site: p.site, Device: q.Device, Kind: q.Kind, From: q.From, To: q.To, Limit: q.Limit})
	facts := make([]web.Fact, len(records))
	for i, r := range records {
		facts[i] = web.FactOf(r.Fact, r.Order.Turn)
	}
	return facts, err
}
