package store

import (
	"slices"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// layoutCache remembers the layouts of each device's last visits, so that a visit that
// finds the same parts needs no sorting and no hashing, and those merged of late.
type layoutCache struct {
	devices map[hw.DeviceID][]*shape
	merged  map[journal.LayoutID]journal.Layout
	bytes   int // of merged
}

// mergedBytes bounds the layouts remembered for merging.
const mergedBytes = 4 << 20

func (c *layoutCache) remember(l journal.Layout) {
	if c.bytes += len(l.Bytes); c.bytes > mergedBytes {
		clear(c.merged)
		c.bytes = len(l.Bytes)
	}
	c.merged[l.ID] = l
}

// A device has one shape for each set of sections that fall due together; few do.
const shapesPerDevice = 6

// shape is the order of a report's samples and the layout they go into.
type shape struct {
	order   []sampleName // as in the report
	place   []int32      // layout place -> index in the report
	dropped int          // repeats left out
	repeat  string       // the component of the first of these
	layout  journal.Layout
}

type sampleName struct {
	component, sensor string
	kind              hw.SampleType
}

func newLayoutCache() layoutCache {
	return layoutCache{devices: map[hw.DeviceID][]*shape{}, merged: map[journal.LayoutID]journal.Layout{}}
}

// shapeOf returns the shape of the report's samples.
func (c *layoutCache) shapeOf(pack *journal.Compressor, device hw.DeviceID, samples []hw.Sample) (*shape, error) {
	known := c.devices[device]
	for i, sh := range known {
		if sh.fits(samples) {
			if i > 0 { // the newest first
				copy(known[1:i+1], known[:i])
				known[0] = sh
			}
			return sh, nil
		}
	}
	sh, err := c.alike(samples), error(nil)
	if sh == nil {
		sh, err = newShape(pack, samples)
	}
	if err != nil {
		return nil, err
	}
	c.devices[device] = slices.Insert(known[:min(len(known), shapesPerDevice-1)], 0, sh)
	return sh, nil
}

// alike returns the shape of another device that fits: a rack has many of one model, and
// one shape serves them all.
func (c *layoutCache) alike(samples []hw.Sample) *shape {
	for _, known := range c.devices {
		for _, sh := range known {
			if sh.fits(samples) {
				return sh
			}
		}
	}
	return nil
}

func (sh *shape) fits(samples []hw.Sample) bool {
	if len(samples) != len(sh.order) {
		return false
	}
	for i := range samples {
		s, o := &samples[i], &sh.order[i]
		if s.Sensor != o.sensor || s.Component != o.component || s.Type != o.kind {
			return false
		}
	}
	return true
}

func newShape(pack *journal.Compressor, samples []hw.Sample) (*shape, error) {
	sh := &shape{}
	entries := make([]journal.Entry, len(samples))
	for i, s := range samples {
		sh.order = append(sh.order, sampleName{s.Component, s.Sensor, s.Type})
		sh.place = append(sh.place, int32(i))
		entries[i] = journal.Entry{Component: s.Component, Sensor: s.Sensor, Type: s.Type}
	}
	slices.SortStableFunc(sh.place, func(a, b int32) int { return entries[a].Compare(entries[b]) })
	sh.place = slices.CompactFunc(sh.place, func(a, b int32) bool {
		same := entries[a] == entries[b]
		if same && sh.dropped == 0 {
			sh.dropped, sh.repeat = 1, entries[a].Component
		}
		return same
	})
	sh.dropped = len(samples) - len(sh.place)
	sorted := make([]journal.Entry, len(sh.place))
	for i, p := range sh.place {
		sorted[i] = entries[p]
	}
	var err error
	sh.layout, err = pack.NewLayout(sorted)
	return sh, err
}

// arrange puts samples into the layout's order, reusing dst.
func (sh *shape) arrange(dst, samples []hw.Sample) []hw.Sample {
	dst = dst[:0]
	for _, p := range sh.place {
		dst = append(dst, samples[p])
	}
	return dst
}
