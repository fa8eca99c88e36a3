package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rackpost/hw"
	"rackpost/web"
)

// The bounds of looking for what was meant.
const (
	maxLooking = 5 * time.Second
	maxAsked   = 64 // devices, whose sensors are looked at
)

// nothing says so where readings were found of nothing because what is asked for is nowhere known: it is misspelt. Where that cannot be
// told in time, there is nothing in the time asked for.
func (c *call) nothing(sites []Site, q AggregateQuery) error {
	ctx, cancel := context.WithTimeout(c.r.Context(), maxLooking)
	defer cancel()
	names, err := c.sensorsOf(ctx, sites, q.Device)
	known := len(names) == 0 || slices.ContainsFunc(names, func(x sensor) bool { return like(q.Component, x.component) && like(q.Sensor, x.name) })
	if err == nil && !known && c.api.Readings != nil {
		known, err = c.api.Readings.Known(ctx, q)
	}
	if gone := c.r.Context().Err(); gone != nil {
		return gone
	}
	if err != nil || known || c.api.Readings == nil {
		return nil
	}
	return noSensor(names, q)
}

// noSensor names what was most likely meant instead of what is asked for.
func noSensor(names []sensor, q AggregateQuery) error {
	var components, sensors []string
	for _, x := range names {
		components = append(components, x.component)
		if like(q.Component, x.component) {
			sensors = append(sensors, x.name)
		}
	}
	of := ""
	if q.Device != "" {
		of = fmt.Sprintf(" of %q", q.Device)
	}
	if len(sensors) == 0 {
		return notFound(fmt.Sprintf("no readings are known of component %q%s", q.Component, of), nearestOf(q.Component, distinct(components)))
	}
	if q.Component != "" {
		of = fmt.Sprintf(" of component %q%s", q.Component, of)
	}
	return notFound(fmt.Sprintf("no sensor %q is known%s", q.Sensor, of), nearestOf(q.Sensor, distinct(sensors)))
}

func distinct(names []string) []string { return slices.Compact(slices.Sorted(slices.Values(names))) }

// sensorsOf returns the sensors that were read last of a device, or of the first devices of the sites.
func (c *call) sensorsOf(ctx context.Context, sites []Site, device hw.DeviceID) (names []sensor, err error) {
	asked := 0
	each := func(s Site, p Place, _ func(any) error) error {
		ids := []hw.DeviceID{device}
		if device == "" {
			devices, err := p.Devices(ctx)
			if err != nil {
				return err
			}
			ids = ids[:0]
			for _, d := range devices {
				ids = append(ids, d.ID)
			}
		}
		for _, id := range ids[:min(len(ids), maxAsked-asked)] {
			asked++
			readings, err := p.Latest(ctx, id)
			if err != nil && !errors.Is(err, web.ErrUnknownDevice) {
				return err
			}
			for _, r := range readings {
				names = append(names, sensor{r.Component, r.Sensor})
			}
		}
		return ctx.Err()
	}
	for _, s := range sites {
		if err == nil && asked < maxAsked {
			err = c.listOf(s, each, nil)
		}
	}
	slices.SortFunc(names, func(a, b sensor) int {
		return cmp.Or(cmp.Compare(a.component, b.component), cmp.Compare(a.name, b.name))
	})
	return slices.Compact(names), err
}

// like says whether a name is one of a pattern, in which a star stands for any run of characters; the empty one is any.
func like(pattern, name string) bool {
	if pattern == "" {
		return true
	}
	parts := strings.Split(pattern, "*")
	last := parts[len(parts)-1]
	if len(parts) == 1 {
		return pattern == name
	}
	name, ok := strings.CutPrefix(name, parts[0])
	for _, part := range parts[1 : len(parts)-1] {
		if ok {
			_, name, ok = strings.Cut(name, part)
		}
	}
	return ok && strings.HasSuffix(name, last)
}
