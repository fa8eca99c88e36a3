package remotewrite

import (
	"cmp"
	"slices"
	"strings"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// deviceKey names a device of a site.
type deviceKey struct {
	site   journal.ID
	device hw.DeviceID
}

type label struct{ name, value string }

// deviceLabels are the labels that all series of a device have, in order of name.
type deviceLabels struct {
	labels        []label
	split         int    // so many come before component
	before, after []byte // as 1.0 writes them
}

// labelsOf makes the labels of a device. A label without a value is none.
func labelsOf(common map[string]string, p Place, id hw.DeviceID, d Device) *deviceLabels {
	out := &deviceLabels{}
	add := func(name, value string) {
		if value != "" {
			value = strings.ToValidUTF8(value, "\uFFFD")
			if len(value) > maxValue {
				value = strings.ToValidUTF8(value[:maxValue], "")
			}
			out.labels = append(out.labels, label{name, value})
		}
	}
	add("site", p.Site)
	add("device", string(id))
	add("customer", d.Customer)
	add("rack", d.Rack)
	for k, v := range common {
		add(k, v)
	}
	slices.SortFunc(out.labels, func(a, b label) int { return cmp.Compare(a.name, b.name) })
	for i, l := range out.labels {
		if l.name < "component" {
			out.split = i + 1
			out.before = appendLabel(out.before, l.name, l.value)
		} else {
			out.after = appendLabel(out.after, l.name, l.value)
		}
	}
	return out
}

// equal says whether two sets of labels are the same.
func (d *deviceLabels) equal(o *deviceLabels) bool { return slices.Equal(d.labels, o.labels) }

// sensorName is what of a series its layout tells.
type sensorName struct {
	metric          hw.Metric
	part            string // the component
	name, component []byte // the labels of both, as 1.0 writes them
	twin            bool   // an entry before it has the same name: two samples of one series at one time are refused
	kind            hw.SampleType
}

// layout is a layout with the names of its series.
type layout struct {
	entries []journal.Entry
	names   []sensorName
}

// layouts keeps the layouts that were used lately.
type layouts struct {
	pack    *journal.Compressor
	known   map[journal.LayoutID]*layout
	entries int
}

// maxEntries bounds what is kept of layouts: 300 bytes an entry.
const maxEntries = 1 << 17

// of returns a layout that came with b.
func (l *layouts) of(b *journal.Batch, id journal.LayoutID) (*layout, error) {
	if x := l.known[id]; x != nil {
		return x, nil
	}
	i := slices.IndexFunc(b.Layouts, func(x journal.Layout) bool { return x.ID == id })
	if i < 0 {
		return nil, journal.ErrNoLayout
	}
	entries, err := l.pack.Entries(b.Layouts[i])
	if err != nil {
		return nil, err
	}
	x := newLayout(entries)
	if l.known == nil || l.entries+len(entries) > maxEntries {
		l.known, l.entries = map[journal.LayoutID]*layout{}, 0
	}
	l.known[id] = x
	l.entries += len(entries)
	return x, nil
}

func newLayout(entries []journal.Entry) *layout {
	x := &layout{entries: entries, names: make([]sensorName, len(entries))}
	seen := make(map[label]struct{}, len(entries))
	for i, e := range entries {
		n := &x.names[i]
		n.metric, n.kind = hw.MetricOf(e.Component, e.Sensor, e.Type), e.Type
		n.part = strings.ToValidUTF8(e.Component, "\uFFFD")
		n.name = appendLabel(nil, "__name__", n.metric.Name)
		if n.part != "" {
			n.component = appendLabel(nil, "component", n.part)
		}
		_, n.twin = seen[label{n.metric.Name, n.part}]
		seen[label{n.metric.Name, n.part}] = struct{}{}
	}
	return x
}
