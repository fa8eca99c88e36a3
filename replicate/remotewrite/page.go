package remotewrite

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// visit is a visit of a page, its samples still packed.
type visit struct {
	journal.Visit
	startedMS int64
	wallMS    int64
	layout    *layout
	id        journal.LayoutID
	raw       journal.Layout
	island    bool
	origin    journal.ID
}

// page is what is read of the journal at once.
type page struct {
	batches []journal.Key // to be done with it
	devices map[deviceKey][]visit
	next    Position
	head    Position
	oldest  int64 // wall clock of the oldest batch; 0: none
	unread  int   // visits that could not be read
}

// read makes a page of changes. done says what was written before; until, where a page ended that was begun before, or empty.
func (l *lane) read(c Changes, until Position, done func(journal.Key) bool) page {
	p := page{devices: map[deviceKey][]visit{}, next: c.Next, head: c.Head}
	for i := range c.Batches {
		b := &c.Batches[i]
		if b.Stream == journal.Samples && !done(b.Key) && !l.s.holds(b) {
			p.batches = append(p.batches, b.Key)
			if p.oldest == 0 || b.WallMS < p.oldest {
				p.oldest = b.WallMS
			}
			l.unpack(&p, b)
		}
		if until != "" && c.Behind[i] == until {
			p.next = until
			break
		}
	}
	p.sort()
	return p
}

// sort puts the visits of each device in order of time.
func (p *page) sort() {
	for _, visits := range p.devices {
		slices.SortStableFunc(visits, func(a, b visit) int { return cmp.Compare(a.startedMS, b.startedMS) })
	}
}

// unpack puts the visits of a batch into the page. What cannot be read was counted by the store when it came.
func (l *lane) unpack(p *page, b *journal.Batch) {
	body, err := l.pack.Body(b)
	if err != nil {
		p.unread++
		return
	}
	err = journal.Records(body, func(r journal.Record) error {
		if r.Type != journal.TypeVisit {
			return nil
		}
		v, err := journal.ParseVisit(r.Payload, b.WallMS)
		if err != nil || v.Layout >= len(b.Uses) {
			p.unread++
			return nil
		}
		id := b.Uses[v.Layout]
		x, err := l.layouts.of(b, id)
		if err != nil {
			p.unread++
			return nil
		}
		key := deviceKey{b.Site, v.Device}
		of := visit{Visit: v, startedMS: v.Started.UnixMilli(), wallMS: b.WallMS, layout: x, id: id, island: b.Mode == journal.Island, origin: b.Origin}
		if i := slices.IndexFunc(b.Layouts, func(x journal.Layout) bool { return x.ID == id }); i >= 0 {
			of.raw = b.Layouts[i]
		}
		p.devices[key] = append(p.devices[key], of)
		return nil
	})
	if err != nil {
		p.unread++
	}
}

// keys returns the devices of the page in order.
func (p *page) keys() []deviceKey {
	keys := make([]deviceKey, 0, len(p.devices))
	for k := range p.devices {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b deviceKey) int {
		return cmp.Or(slices.Compare(a.site[:], b.site[:]), strings.Compare(string(a.device), string(b.device)))
	})
	return keys
}

// reading names one reading of a device.
type reading struct {
	origin            journal.ID
	component, sensor string
	atMS              int64
}

// islandGroup bounds how many readings of an island are judged at once.
const islandGroup = 20_000

// countedOf returns which readings of the island's visits among the first of visits count, and of how many visits it tells: they are
// judged a few at a time.
func (l *lane) countedOf(ctx context.Context, k deviceKey, visits []visit) (counted map[reading]struct{}, n int, err error) {
	total := 0
	for n < len(visits) && (n == 0 || total+len(visits[n].layout.entries) <= islandGroup) {
		total += len(visits[n].layout.entries)
		n++
	}
	counted = map[reading]struct{}{}
	from, to := visits[0].Started, visits[n-1].Started
	err = l.cfg.Counted.Counted(ctx, k.site, k.device, from, to, func(origin journal.ID, component, sensor string, at time.Time) {
		if len(counted) < 4*islandGroup {
			counted[reading{origin, component, sensor, at.UnixMilli()}] = struct{}{}
		}
	})
	return counted, n, err
}

// addDevice adds the visits of a device to the requests, in order of time. What was done before is passed over.
func (l *lane) addDevice(ctx context.Context, k deviceKey, visits []visit, doneMS int64, known bool) error {
	labels := l.labels.of(k)
	l.build.begin(labels)
	var counted map[reading]struct{}
	judged := 0
	for i := range visits {
		v := &visits[i]
		if known && (v.startedMS < doneMS || v.startedMS == doneMS && !beside(visits, i)) {
			continue
		}
		if v.island && l.cfg.Counted != nil && i >= judged {
			var n int
			var err error
			if counted, n, err = l.countedOf(ctx, k, visits[i:]); err != nil {
				return err
			}
			judged = i + n
		}
		if err := l.addVisit(ctx, k, labels, v, counted); err != nil {
			return err
		}
	}
	return nil
}

// untimely says why a visit is not to be written at all; empty: it is. Before anything is given up by the clock here, that of the
// receiver is asked, once a page: one that was set wrong would make all that is right look like this.
func (l *lane) untimely(ctx context.Context, v *visit) (why Reason, err error) {
	for {
		now := l.cfg.Now()
		switch w := l.cfg.Window; {
		case w > 0 && v.startedMS < now.Add(-w).UnixMilli():
			why = BeyondWindow
		case v.startedMS > now.Add(maxAhead).UnixMilli():
			why = Future
		default:
			return "", nil
		}
		if l.agreed {
			return why, nil
		}
		if err := l.s.agree(ctx, &l.poster); err != nil {
			return "", err
		}
		l.agreed = true
	}
}

// beside says whether another visit, of another box, has the time of visits[i]: it cannot be told which of them was done.
func beside(visits []visit, i int) bool {
	at := visits[i].startedMS
	return i > 0 && visits[i-1].startedMS == at || i+1 < len(visits) && visits[i+1].startedMS == at
}

// numbers counts the samples that have one.
func (v *visit) numbers(samples []hw.Sample) (n int) {
	for i := range samples {
		if !absent(&v.layout.names[i], &samples[i]) {
			n++
		}
	}
	return n
}

// addVisit adds one visit with the markers of what has ended with it.
func (l *lane) addVisit(ctx context.Context, k deviceKey, labels *deviceLabels, v *visit, counted map[reading]struct{}) error {
	samples, err := v.Samples(l.scratch[:0], v.layout.entries)
	if err != nil {
		l.s.note(func(s *Status) { s.Unread++ })
		return nil
	}
	l.scratch = samples
	why, err := l.untimely(ctx, v)
	if err != nil {
		return err
	}
	if why != "" {
		l.s.refuse(why, v.numbers(samples), v.startedMS, v.startedMS, "")
		return nil
	}
	var only func(int) bool
	if v.island && counted != nil {
		only = func(i int) bool {
			e := &v.layout.entries[i]
			_, ok := counted[reading{v.origin, e.Component, e.Sensor, v.startedMS}]
			return ok
		}
	}
	if !l.quiet {
		for _, e := range l.track.take(k, labels, v, samples) {
			if err := l.end(e, labels); err != nil {
				return err
			}
		}
	}
	if err := l.build.visit(v, samples, only); err != nil {
		return err
	}
	l.build.mark(k, v.startedMS)
	return nil
}

// end adds the marker of a series that has ended.
func (l *lane) end(e ended, now *deviceLabels) error {
	if !e.labels.equal(now) { // they were other series
		l.build.begin(e.labels)
		defer l.build.begin(now)
	}
	l.s.note(func(s *Status) { s.Ended++ })
	return l.build.add(e.layout, e.entry, point{atMS: e.atMS, bits: staleMarker})
}

// places are the labels of the devices that were met.
type places struct {
	cfg   *Config
	known map[deviceKey]*deviceLabels
	sites map[journal.ID]place
}

type place struct {
	Place
	ok bool
	at time.Time
}

// maxDevices bounds of how many devices the labels are kept.
const maxDevices = 1 << 18

// site returns what is known of a site.
func (p *places) site(id journal.ID) place {
	now := p.cfg.Now()
	if x, ok := p.sites[id]; ok && now.Sub(x.at).Abs() < p.cfg.pace.place {
		return x
	}
	x := place{at: now}
	if x.Place, x.ok = p.cfg.Places(id); !x.ok {
		x.Place = p.sites[id].Place // as it was
	}
	if x.Site == "" {
		x.Site = id.String()
	}
	if p.sites == nil {
		p.sites = map[journal.ID]place{}
	}
	p.sites[id] = x
	return x
}

// of returns the labels of a device.
func (p *places) of(k deviceKey) *deviceLabels {
	at := p.site(k.site)
	now := labelsOf(p.cfg.Labels, at.Place, k.device, at.Devices[k.device])
	if known := p.known[k]; known != nil && known.equal(now) {
		return known
	}
	if p.known == nil || len(p.known) >= maxDevices {
		p.known = map[deviceKey]*deviceLabels{}
	}
	p.known[k] = now
	return now
}

// gone says that the configuration of a site knows the device no more.
func (p *places) gone(k deviceKey) bool {
	at := p.site(k.site)
	_, there := at.Devices[k.device]
	return at.ok && !there
}

// absent says whether there is no number to write.
func absent(n *sensorName, s *hw.Sample) bool {
	_, ok := valueOf(n, s)
	return !ok
}
