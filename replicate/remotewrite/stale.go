package remotewrite

import (
	"slices"
	"strings"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// tracker knows the series that were written last of each device, to say of one that has ended that it has: an engine would go on
// with its last value for minutes.
//
// Visits that read the same sections are compared with each other. A series that the one before had has ended when the section was
// read whole without it, or when the device says that there is no value. Of a device that no visit reads any more, and of one that
// is no more configured, all have.
type tracker struct {
	pack    *journal.Compressor
	devices map[deviceKey]*tracked
	raw     map[journal.LayoutID]journal.Layout
	bytes   int  // of raw
	loose   bool // of raw some may be used no more
}

// tracked is a device.
type tracked struct {
	labels *deviceLabels
	reads  map[string]trackedRead // by the sections that were read
	lastMS int64                  // of the newest visit
	goodMS int64                  // of the newest that read something
	period time.Duration          // as that one told it: of a visit that failed it is how long the device is left alone
	silent bool                   // all its series have ended
}

type trackedRead struct {
	layout journal.LayoutID
	absent []uint64 // a bit an entry; nil: none is
}

// The bounds: a device beyond them is written without markers.
const (
	maxTracked      = 1 << 16
	maxTrackedBytes = 32 << 20
	maxReads        = 16 // of a device
	silentPeriods   = 3  // without a good visit, after which all series have ended
)

// ended is a series that has ended.
type ended struct {
	labels *deviceLabels
	layout *layout
	entry  int
	atMS   int64
}

// take takes a visit and returns the series that have ended with it.
func (t *tracker) take(k deviceKey, labels *deviceLabels, v *visit, samples []hw.Sample) (out []ended) {
	d := t.devices[k]
	if d == nil {
		if len(t.devices) >= maxTracked || t.full() {
			return nil
		}
		d = &tracked{labels: labels, reads: map[string]trackedRead{}}
		if t.devices == nil {
			t.devices, t.raw = map[deviceKey]*tracked{}, map[journal.LayoutID]journal.Layout{}
		}
		t.devices[k] = d
	}
	if v.startedMS <= d.lastMS { // an older one that came later
		return nil
	}
	d.lastMS = v.startedMS
	if !d.labels.equal(labels) {
		out = t.endAll(d, v.startedMS)
		d.reads, t.loose = map[string]trackedRead{}, true
	}
	d.labels = labels
	if !v.Good() {
		if !d.silent && d.goodMS > 0 && v.startedMS-d.goodMS > silentPeriods*max(d.period, time.Second).Milliseconds() {
			d.silent = true
			out = append(out, t.endAll(d, v.startedMS)...)
		}
		return out
	}
	d.goodMS, d.period, d.silent = v.startedMS, v.Period, false
	return append(out, t.compare(d, v, samples)...)
}

// compare returns what has ended since the last visit that read the same sections.
func (t *tracker) compare(d *tracked, v *visit, samples []hw.Sample) (out []ended) {
	sections, whole := sectionsOf(v.Read)
	before, known := d.reads[sections]
	now := trackedRead{layout: v.id}
	for i := range samples {
		if absent(&v.layout.names[i], &samples[i]) {
			if now.absent == nil {
				now.absent = make([]uint64, (len(samples)+63)/64)
			}
			now.absent[i/64] |= 1 << (i % 64)
		}
	}
	if known && (before.layout != now.layout || now.absent != nil) {
		out = t.differ(d, v, before, now, whole)
	}
	if !known && len(d.reads) >= maxReads {
		d.reads, t.loose = map[string]trackedRead{}, true
	}
	t.loose = t.loose || known && before.layout != now.layout
	d.reads[sections] = now
	t.keep(v.raw)
	return out
}

func (t *tracker) differ(d *tracked, v *visit, before, now trackedRead, whole bool) (out []ended) {
	was := v.layout
	if before.layout != now.layout {
		if was = t.layout(before.layout); was == nil {
			return nil
		}
	}
	at := make(map[label]int, len(v.layout.names))
	for i := range v.layout.names {
		n := &v.layout.names[i]
		if !n.twin {
			at[label{n.metric.Name, n.part}] = i
		}
	}
	for i := range was.names {
		n := &was.names[i]
		if n.twin || before.isAbsent(i) {
			continue
		}
		j, there := at[label{n.metric.Name, n.part}]
		if there && now.isAbsent(j) || !there && whole {
			out = append(out, ended{d.labels, was, i, v.startedMS})
		}
	}
	return out
}

func (r *trackedRead) isAbsent(i int) bool { return r.absent != nil && r.absent[i/64]&(1<<(i%64)) != 0 }

// endAll ends every series of a device.
func (t *tracker) endAll(d *tracked, atMS int64) (out []ended) {
	seen := map[label]struct{}{}
	for _, r := range d.reads {
		l := t.layout(r.layout)
		if l == nil {
			continue
		}
		for i := range l.names {
			n := &l.names[i]
			key := label{n.metric.Name, n.part}
			if _, again := seen[key]; again || n.twin || r.isAbsent(i) {
				continue
			}
			seen[key] = struct{}{}
			out = append(out, ended{d.labels, l, i, atMS})
		}
	}
	return out
}

// gone ends the series of the devices that the configuration knows no more.
func (t *tracker) gone(is func(deviceKey) bool, atMS int64) (out []ended) {
	for k, d := range t.devices {
		if is(k) {
			if !d.silent {
				out = append(out, t.endAll(d, max(atMS, d.lastMS+1))...)
			}
			delete(t.devices, k)
			t.loose = true
		}
	}
	return out
}

// adopt takes over what the tracker of the lane behind knew when that had nothing more to write, and returns the series that have ended
// since.
func (t *tracker) adopt(o *tracker) (out []ended) {
	if t.devices == nil {
		t.devices, t.raw = map[deviceKey]*tracked{}, map[journal.LayoutID]journal.Layout{}
	}
	for k, old := range o.devices {
		d := t.devices[k]
		switch {
		case d == nil && len(t.devices) >= maxTracked:
			continue
		case d == nil:
			t.devices[k] = old
		case !d.labels.equal(old.labels):
			if !old.silent {
				out = append(out, o.endAll(old, d.lastMS)...)
			}
			continue
		default:
			for sections, r := range old.reads {
				if _, known := d.reads[sections]; !known && len(d.reads) < maxReads {
					d.reads[sections] = r
				}
			}
		}
		for _, r := range old.reads {
			t.keep(o.raw[r.layout])
		}
	}
	return out
}

// keep keeps a layout as it is packed.
func (t *tracker) keep(l journal.Layout) {
	if _, known := t.raw[l.ID]; known || l.Bytes == nil {
		return
	}
	t.full()
	t.raw[l.ID] = journal.Layout{ID: l.ID, Bytes: slices.Clone(l.Bytes)}
	t.bytes += len(l.Bytes)
}

// full says whether there is no room for another layout, when those that nobody uses are let go of.
func (t *tracker) full() bool {
	if t.bytes >= maxTrackedBytes && t.loose {
		t.sweep()
	}
	return t.bytes >= maxTrackedBytes
}

func (t *tracker) sweep() {
	t.loose = false
	used := map[journal.LayoutID]journal.Layout{}
	t.bytes = 0
	for _, d := range t.devices {
		for _, r := range d.reads {
			if l, ok := t.raw[r.layout]; ok {
				if _, again := used[r.layout]; !again {
					t.bytes += len(l.Bytes)
				}
				used[r.layout] = l
			}
		}
	}
	t.raw = used
}

func (t *tracker) layout(id journal.LayoutID) *layout {
	raw, ok := t.raw[id]
	if !ok {
		return nil
	}
	entries, err := t.pack.Entries(raw)
	if err != nil {
		return nil
	}
	return newLayout(entries)
}

// sectionsOf names the sections of a visit, and says whether all of them were read whole.
func sectionsOf(read []hw.Scope) (sections string, whole bool) {
	names := make([]string, len(read))
	whole = true
	for i, s := range read {
		names[i] = s.Section
		whole = whole && s.Extent == hw.Complete
	}
	slices.Sort(names)
	return strings.Join(names, "\x00"), whole
}
