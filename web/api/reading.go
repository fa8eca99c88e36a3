package api

import (
	"slices"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/web"
)

// reading is the newest sample of a sensor.
type reading struct {
	hw.Sample
	atMS int64
}

// sensor names what was read.
type sensor struct{ component, name string }

// readings calls fn for the newest reading of every sensor of a device that still says something about now. A sensor whose newest
// reading is too old, or says that there is no value, is left out, and so is what a complete reading does not find any more.
func (s *siteNewest) readings(pack *journal.Compressor, device hw.DeviceID, now time.Time, fn func(reading)) {
	d := s.devices[device]
	if d == nil {
		return
	}
	seen := map[sensor]bool{}
	var samples []hw.Sample
	for _, v := range slices.Backward(d.visits) {
		entries, err := pack.Entries(s.layouts[v.layout])
		if err != nil {
			continue
		}
		whole, err := journal.ParseVisit(v.payload, v.wallMS)
		if err == nil {
			samples, err = whole.Samples(samples[:0], entries)
		}
		if err != nil {
			continue
		}
		j := s.judge(pack, d, &v, now)
		for _, x := range samples {
			name := sensor{x.Component, x.Sensor}
			if seen[name] {
				continue
			}
			seen[name] = true
			if _, absent := web.NumberOf(x); absent == "" && j.fresh(name) {
				fn(reading{x, v.startedMS})
			}
		}
	}
}

// judge says which samples of one visit say something about now.
type judge struct {
	fresh func(sensor) bool
}

func (s *siteNewest) judge(pack *journal.Compressor, d *deviceNewest, v *lastVisit, now time.Time) judge {
	alive := d.alive(v)
	var fresh []string
	for _, x := range alive {
		if d.sections[x].fresh(now) {
			fresh = append(fresh, x)
		}
	}
	if len(fresh) == 0 || len(fresh) == len(alive) {
		all := len(fresh) > 0
		return judge{func(sensor) bool { return all }}
	}
	return judge{s.partly(pack, d, alive, fresh)}
}

// partly tells the samples of the fresh sections of a visit from those of the others. Which section a sensor is of the other layouts
// tell: those that have it, and those that would have it.
func (s *siteNewest) partly(pack *journal.Compressor, d *deviceNewest, alive, fresh []string) func(sensor) bool {
	type known struct {
		layoutSections
		has map[sensor]bool
	}
	var all []known
	for id, sections := range d.read {
		entries, err := pack.Entries(s.layouts[id])
		if err != nil {
			continue
		}
		k := known{sections, map[sensor]bool{}}
		for _, e := range entries {
			k.has[sensor{e.Component, e.Sensor}] = true
		}
		all = append(all, k)
	}
	return func(x sensor) bool {
		of := slices.Clone(alive)
		for _, k := range all {
			of = slices.DeleteFunc(of, func(section string) bool {
				if k.has[x] {
					return !slices.Contains(k.tried, section)
				}
				return slices.Contains(k.complete, section)
			})
		}
		return !slices.ContainsFunc(of, func(section string) bool { return !slices.Contains(fresh, section) })
	}
}
