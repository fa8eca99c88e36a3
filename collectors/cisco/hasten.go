package cisco

import "slices"

// movements are in how many visits in a row the times of change moved that hasten sections.
type movements struct{ parts, ports, config uint8 }

// maxMovements is from how many visits in a row a time that moves is taken for a clock, or
// for work under way: it hastens nothing more until it stands still, and then once.
const maxMovements = 5

// seen takes whether a time moved since the visit before, and reports whether what hangs on
// it is to be read soon.
func seen(count *uint8, moved bool) bool {
	before := *count
	if !moved {
		*count = 0
		return before >= maxMovements
	}
	*count = min(before+1, maxMovements)
	return before < maxMovements
}

// hasten asks for the sections that hold what the times of change say has changed. At the
// first visit there is no time before, and all sections are due.
func (c *collector) hasten(v *visit, before, now scalars, restarted bool) {
	m := &c.identity.movements
	if restarted {
		*m = movements{}
		for _, r := range c.readers {
			if r.period > fast {
				c.soon(v, r.section)
			}
		}
		return
	}
	if seen(&m.parts, differs(before.entChanged, now.entChanged)) {
		c.soon(v, sectionInventory, sectionEnvironment, sectionTransceivers, sectionPoE)
	}
	if seen(&m.ports, differs(before.portsChanged, now.portsChanged) || differs(before.stackChanged, now.stackChanged)) {
		c.soon(v, sectionVLANs, sectionNeighbours)
	}
	if seen(&m.config, differs(before.changed, now.changed) || differs(before.saved, now.saved) || differs(before.startup, now.startup)) {
		c.soon(v, sectionConfig, sectionVLANs)
	}
}

// soon asks for those of the sections that this kind has to be read soon.
func (c *collector) soon(v *visit, sections ...string) {
	for _, r := range c.readers {
		if slices.Contains(sections, r.section) && !slices.Contains(v.report.Hasten, r.section) {
			v.report.Hasten = append(v.report.Hasten, r.section)
		}
	}
}
