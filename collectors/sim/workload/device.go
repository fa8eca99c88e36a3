package workload

import (
	"math/rand/v2"
	"slices"
	"time"

	"rackpost/hw"
)

const (
	period    = time.Minute
	slowly    = 5  // visits between two of a slow section
	hourly    = 60 // of inventory
	lostAfter = 15 * time.Second
)

// device is one position and the state of what stands there.
type device struct {
	id     hw.DeviceID
	kind   string
	number int
	rng    *rand.Rand
	unit   hw.Unit
	boot   int64 // Unix ms

	sections []*section
	visits   int
	first    int64         // when visit 0 is due, Unix ms
	next     int64         // when the next visit starts, Unix ms
	took     time.Duration // of a visit of the fast sections, about

	flaps bool // its ports lose their links
	due   calendar
	entry int // of its log

	scopes     []hw.Scope
	components []hw.Component
	samples    []hw.Sample
}

// schedule sets when the next visit starts: on time but for a few ms.
func (d *device) schedule() {
	d.next = d.first + int64(d.visits)*period.Milliseconds() + d.rng.Int64N(6)
}

// visit returns the report of the visit that is due and schedules the next.
func (d *device) visit(reuse bool) hw.Report {
	now := d.next
	d.happen(now)
	r := hw.Report{
		Device: d.id, Kind: d.kind, Period: period,
		Started: time.UnixMilli(now).UTC(),
	}
	if now >= d.due.loss {
		d.due.loss = after(d.rng, now, betweenLosses)
		d.lose(&r)
	} else {
		d.read(now, &r, reuse)
		d.line(now, &r)
	}
	d.visits++
	d.schedule()
	return r
}

// lose makes r the report of a visit that got no answer.
func (d *device) lose(r *hw.Report) {
	r.Took, r.Requests = lostAfter, 3
	for _, s := range d.sections {
		if d.visits%s.every == 0 {
			r.Read = append(r.Read, hw.Scope{Section: s.name, Extent: hw.Failed})
		}
	}
	r.Gaps = []hw.Gap{{What: hw.VisitGap, Reason: hw.NoAnswer, Detail: "no answer to 3 requests", From: r.Started}}
}

// read makes r the report of a complete visit.
func (d *device) read(now int64, r *hw.Report, reuse bool) {
	m := moment{ms: now, load: load(now), since: d.boot, rng: d.rng}
	d.scopes, d.components, d.samples = d.scopes[:0], d.components[:0], d.samples[:0]
	for _, s := range d.sections {
		if d.visits%s.every != 0 {
			continue
		}
		s.step(&m)
		d.scopes = append(d.scopes, hw.Scope{Section: s.name, Extent: hw.Complete})
		d.components = append(d.components, s.components...)
		d.samples = append(d.samples, s.samples...)
	}
	unit := d.unit
	unit.Uptime = time.Duration(now-d.boot) * time.Millisecond
	r.Unit = &unit
	r.Requests = 2 + len(d.samples)/30
	r.Took = d.took + time.Duration(len(d.samples))*40*time.Microsecond + time.Duration(d.rng.Int64N(int64(d.took/20)))
	r.Read, r.Components, r.Samples = d.scopes, d.components, d.samples
	if !reuse {
		r.Read, r.Components, r.Samples = slices.Clone(d.scopes), slices.Clone(d.components), slices.Clone(d.samples)
	}
}
