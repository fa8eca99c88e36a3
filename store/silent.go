package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"rackpost/hw"
)

// silent is a device that is to be read, and of which nothing came in all the time asked for: it owes what it gave last.
type silent struct {
	device deviceKey
	due    Due
	last   int64 // Unix ms of its last good visit
}

const (
	// maxSilentBack bounds how far before its last good visit it is looked what a device gave.
	maxSilentBack = 2 * time.Hour
	// silentTogether is how far apart the last good visits are of devices that are looked at together: those of a site end together.
	silentTogether = 10 * time.Minute
)

// hush notes a device of which nothing that is asked for came in reach, if it owes something.
func (a *aggregator) hush(ctx context.Context, d deviceKey, reach span) error {
	v, ok := a.store.DeviceOf(d.site, d.device)
	if !ok || a.q.Due == nil || v.LastGood.IsZero() {
		return nil
	}
	x := silent{device: d, last: v.LastGood.UnixMilli()}
	if gave, err := a.gaveAnything(ctx, x, reach); gave || err != nil {
		return err
	}
	if x.due = a.q.Due(v); !x.due.Since.IsZero() {
		a.silent = append(a.silent, x)
	}
	return nil
}

// gaveAnything says whether a device gave any reading in reach, also none of those asked for. Of all sites, that would take long of
// devices that give something again: these are taken to have.
func (a *aggregator) gaveAnything(ctx context.Context, x silent, reach span) (bool, error) {
	switch {
	case x.last < reach.first:
		return false, nil
	case x.last <= reach.last || a.q.AllSites:
		return true, nil
	}
	_, err := a.store.gather(ctx, seriesWanted{devices: []deviceKey{x.device}, span: reach})
	if errors.Is(err, ErrTooMany) { // the first one is
		return true, nil
	}
	return false, err
}

// silences expects what the silent devices owe.
func (a *aggregator) silences(ctx context.Context) error {
	all := a.silent
	slices.SortFunc(all, func(x, y silent) int { return cmp.Compare(x.last, y.last) })
	for together := aggregateDevices; len(all) > 0; {
		n := 1
		for n < min(together, len(all)) && all[n].last-all[0].last <= silentTogether.Milliseconds() {
			n++
		}
		err := a.owing(ctx, all[:n])
		if errors.Is(err, ErrTooMany) && n > 1 {
			together = n / 2
			continue
		}
		if err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

// owing expects what some silent devices owe, in order of their last good visits.
func (a *aggregator) owing(ctx context.Context, some []silent) error {
	back := aggregateMargin
	var devices []deviceKey
	for _, x := range some {
		devices = append(devices, x.device)
		for _, p := range x.due.Periods {
			back = min(max(back, p+p/6), maxSilentBack)
		}
	}
	r, err := a.gather(ctx, devices, span{some[0].last - back.Milliseconds(), some[len(some)-1].last})
	if err != nil {
		return err
	}
	for _, x := range some {
		t := a.tallyOf(x.device)
		t.due = x.due
		for _, s := range r.devices[x.device].sorted() {
			if err := t.owed(s, x.last); err != nil {
				return fmt.Errorf("%s: %w", x.device.device, err)
			}
		}
	}
	return nil
}

// owed expects the readings of a series of which the last ones before last are known.
func (t *tally) owed(x *series, last int64) error {
	if len(x.readings) == 0 {
		return nil
	}
	y, period := &x.readings[len(x.readings)-1], t.period(x)
	from, to := max(t.grid.from, t.due.Since.UnixMilli()), min(t.grid.to, t.now)
	if y.at < t.grid.from {
		from = max(from, y.at)
	}
	late := period + period/2
	gone := y.absent == hw.NotSupported || y.absent == hw.NotInstalled || last-y.at > late
	if gone || from >= to || y.at < to && to-y.at <= late {
		return nil
	}
	g, err := t.aggregator.group(t.device, x.name)
	if err != nil {
		return err
	}
	g.series++
	t.grid.spread(from, to, func(i int, ms int64) { g.buckets[i].expected += float64(ms) })
	return nil
}
