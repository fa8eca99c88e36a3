package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rackpost/collectors"
	"rackpost/hw"
	"rackpost/store"
	"rackpost/web"
)

// configuration is the component under which the journal tells how a device is configured: headquarters has no site.yaml.
const configuration = "configuration"

// The keys below it.
const (
	configuredKind     = "kind"
	configuredName     = "name"
	configuredAddress  = "address"
	configuredCustomer = "customer"
	configuredRack     = "rack"
	configuredPeriod   = "period_seconds"          // the shortest of its sections
	configuredSections = "section_periods_seconds" // of each section that is on: ports=60 raid=300
)

// configuredAs is what the journal is to tell of the devices of a site.
func configuredAs(site siteConfig) map[hw.DeviceID]hw.Attrs {
	out := map[hw.DeviceID]hw.Attrs{}
	for _, w := range site.devices {
		t := w.Target.Device
		var a hw.Attrs
		for _, x := range []hw.Attr{
			{Key: configuredKind, Value: t.Kind}, {Key: configuredName, Value: t.Name}, {Key: configuredAddress, Value: t.Address},
			{Key: configuredCustomer, Value: t.Customer}, {Key: configuredRack, Value: t.Rack},
			{Key: configuredPeriod, Value: secondsText(shortestPeriod(w))},
			{Key: configuredSections, Value: sectionsText(w)},
		} {
			if x.Value != "" {
				a = a.With(x.Key, hw.Clean(x.Value))
			}
		}
		out[t.ID] = a
	}
	return out
}

func secondsText(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }

func sectionsText(w collectors.Watched) string {
	var words []string
	for _, s := range w.Sections() {
		words = append(words, s.Name+"="+secondsText(s.Period))
	}
	return strings.Join(words, " ")
}

// toldPeriods returns at what periods the sections of a device are read, as the journal says. What is no period is passed over.
func toldPeriods(facts []hw.Fact) map[string]time.Duration {
	periods := map[string]time.Duration{}
	for word := range strings.FieldsSeq(toldConfiguration(facts).Get(configuredSections)) {
		name, text, _ := strings.Cut(word, "=")
		if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds > 0 && seconds <= maxToldPeriod {
			periods[name] = time.Duration(seconds * float64(time.Second))
		}
	}
	return periods
}

// maxToldPeriod is far beyond any period that a site.yaml may set, in seconds.
const maxToldPeriod = 365 * 24 * 3600

// toldConfiguration returns how the journal says that a device is configured.
func toldConfiguration(facts []hw.Fact) (a hw.Attrs) {
	for _, f := range facts {
		if v, ok := f.Value.(hw.LearnedValue); ok && f.Component == configuration {
			a = a.With(f.Group, v.Value)
		}
	}
	return a
}

// configuredBy fills in what the journal says of the configuration.
func configuredBy(d *web.Device, facts []hw.Fact) {
	a := toldConfiguration(facts)
	if a == nil {
		return
	}
	d.Configured = true
	d.Kind, d.Address, d.Customer, d.Rack = a.Get(configuredKind), a.Get(configuredAddress), a.Get(configuredCustomer), a.Get(configuredRack)
	if name := a.Get(configuredName); name != "" {
		d.Name = name
	}
	if p, err := strconv.ParseFloat(a.Get(configuredPeriod), 64); err == nil && p > 0 {
		d.Period = p
	}
}

// tellConfiguration has the journal say how each device is configured, where it says something else.
func tellConfiguration(ctx context.Context, s *store.Store, site siteConfig) error {
	want := configuredAs(site)
	for _, v := range s.Devices() {
		if _, configured := want[v.ID]; !configured && v.ID != "" && toldConfiguration(v.Facts) != nil {
			want[v.ID] = nil
		}
	}
	var facts []hw.Fact
	now := time.Now()
	for id, a := range want {
		view, _ := s.Device(id)
		before := toldConfiguration(view.Facts)
		put := func(key string, v hw.Value) {
			facts = append(facts, hw.Fact{Kind: hw.LearnedFact, Version: 1, Device: id, Component: configuration, Group: key, At: now, Removed: v == nil, Value: v})
		}
		for _, x := range a {
			if before.Get(x.Key) != x.Value {
				put(x.Key, hw.LearnedValue{Value: x.Value})
			}
		}
		for _, x := range before {
			if a.Get(x.Key) == "" {
				put(x.Key, nil)
			}
		}
	}
	const atOnce = 60
	for part := range slices.Chunk(facts, atOnce) {
		if err := s.Say(ctx, part); err != nil {
			return fmt.Errorf("write down how devices are configured: %w", err)
		}
	}
	return nil
}

// tellSiteEvery is how often it is looked whether the site changed.
const tellSiteEvery = 2 * time.Second

// tellSite keeps the journal saying how devices are configured, until ctx ends.
func (a *appliance) tellSite(ctx context.Context) error {
	var said *siteConfig
	tick := time.NewTicker(tellSiteEvery)
	defer tick.Stop()
	for {
		if site := a.site.Load(); site != said {
			err := tellConfiguration(ctx, a.store, *site)
			if err == nil {
				said = site
			} else if ctx.Err() == nil {
				a.logger.Warn("how devices are configured is not in the journal yet", "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
