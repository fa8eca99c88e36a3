package idrac

import (
	"context"
	"slices"

	"rackpost/collectors"
	"rackpost/collectors/redfish/parts"
	"rackpost/hw"
	"rackpost/hw/raid"
)

// besideLog is the event log as SNMP tells it of a device that is read over Redfish too: the numbers of its entries are
// others.
const besideLog = "sel-snmp"

// telling is what either protocol told of a section.
type telling struct {
	redfish map[string]bool // the parts, at the last complete reading; nil before the first
	sensors map[string]bool // of their samples
	snmp    map[string]bool // the parts, at any complete reading
}

// beside adds to what Redfish told what SNMP tells besides: words of RAID that Redfish hides, and the sections of
// which Redfish told nothing.
func (c *collector) beside(ctx context.Context, due []collectors.Section, r *hw.Report) {
	defer c.remember(r)
	var want []collectors.Section
	clear(c.failed)
	for _, x := range due {
		s := scopeOf(r, x.Name)
		silent := s == nil || s.Extent == hw.Failed
		c.failed[x.Name] = silent
		if x.Name == sectionRAID || silent && x.Name != sectionLog && snmpKnows(x.Name) {
			want = append(want, x)
		}
	}
	if len(want) == 0 {
		return
	}
	more, err := c.snmp.read(ctx, want)
	r.Requests += more.Requests
	for _, x := range want {
		switch s := scopeOf(r, x.Name); {
		case x.Name == sectionRAID && err != nil:
			c.withoutSNMP(r, err)
		case x.Name == sectionRAID && s != nil && s.Extent != hw.Failed:
			c.fill(r, &more)
		case err == nil && reasonOf(r, x.Name) == hw.NotSupported:
			c.adopt(r, &more, x.Name)
		case err == nil:
			c.take(r, &more, x.Name, reasonOf(r, x.Name))
		}
	}
}

func snmpKnows(section string) bool {
	return slices.ContainsFunc(sectionReaders(), func(rd sectionReader) bool { return rd.section == section })
}

// remember notes what is told of the sections that were read whole.
func (c *collector) remember(r *hw.Report) {
	for _, s := range r.Read {
		if s.Extent != hw.Complete || !snmpKnows(s.Section) || c.failed[s.Section] {
			continue
		}
		t := c.telling(s.Section)
		t.redfish, t.sensors = pathsOf(r.Components, s.Section), map[string]bool{}
		for i := range r.Samples {
			if t.redfish[r.Samples[i].Component] {
				t.sensors[r.Samples[i].Sensor] = true
			}
		}
	}
}

func (c *collector) telling(section string) *telling {
	t := c.told[section]
	if t == nil {
		t = &telling{snmp: map[string]bool{}}
		c.told[section] = t
	}
	return t
}

func pathsOf(list []hw.Component, section string) map[string]bool {
	paths := map[string]bool{}
	for i := range list {
		if list[i].Section == section {
			paths[list[i].Path] = true
		}
	}
	return paths
}

// withoutSNMP says that the words of SNMP are missing. The section is not whole without them where they were told before, or
// an iDRAC 7 or 8 hides them.
func (c *collector) withoutSNMP(r *hw.Report, err error) {
	s := scopeOf(r, sectionRAID)
	if g := c.redfish.places.generation; s != nil && s.Extent == hw.Complete && (c.fills || g > 0 && g < 9) {
		s.Extent = hw.Partial
	}
	r.Gaps = append(r.Gaps, hw.Gap{What: sectionRAID + "/snmp", Reason: collectors.ReasonOf(err), Detail: clipped(err.Error(), collectors.MaxText)})
}

// fill adds to the parts of RAID that Redfish told what SNMP tells of them.
func (c *collector) fill(r, more *hw.Report) {
	own, others := ofSection(r.Components, sectionRAID)
	extra, _ := ofSection(more.Components, sectionRAID)
	c.audited.alone(extra, c.target.Policy)
	merged := fillFromSNMP(own, extra)
	for i := range merged {
		c.fills = c.fills || merged[i].Attrs.Get(raid.KeyFromSNMP) != "" || merged[i].Attrs.Get(raid.KeySource) == raid.SourceSNMP
	}
	r.Components = append(others, merged...)
	r.Samples = withSamples(r.Samples, more.Samples, pathsOf(merged, sectionRAID))
	s, m := scopeOf(r, sectionRAID), scopeOf(more, sectionRAID)
	if m == nil || m.Extent != hw.Complete {
		r.Gaps = append(r.Gaps, gapsOf(more, sectionRAID)...)
		if c.fills || c.redfish.places.generation < 9 {
			s.Extent = min(s.Extent, hw.Partial)
		}
	}
}

// adopt takes a section from SNMP that this iDRAC does not have over Redfish: it is SNMP's.
func (c *collector) adopt(r, more *hw.Report, section string) {
	m, s := scopeOf(more, section), scopeOf(r, section)
	if m == nil || s == nil || m.Extent == hw.Failed {
		return
	}
	r.Gaps = slices.DeleteFunc(r.Gaps, func(g hw.Gap) bool { return g.What == section && g.Reason == hw.NotSupported })
	read, _ := ofSection(more.Components, section)
	r.Components = append(r.Components, read...)
	r.Samples = withSamples(r.Samples, more.Samples, pathsOf(read, section))
	r.Gaps = append(r.Gaps, gapsOf(more, section)...)
	s.Extent, c.failed[section] = m.Extent, false
}

// take takes a section from SNMP that Redfish told nothing of: of what SNMP tells, that which Redfish tells when it is read.
// It is whole only if SNMP tells every part that Redfish told: a part it never tells is not gone.
func (c *collector) take(r, more *hw.Report, section string, why hw.Reason) {
	m := scopeOf(more, section)
	r.Gaps = append(r.Gaps, gapsOf(more, section)...)
	if m == nil || m.Extent == hw.Failed {
		return
	}
	t := c.telling(section)
	read, _ := ofSection(more.Components, section)
	told := pathsOf(read, section)
	if t.redfish != nil {
		read = slices.DeleteFunc(read, func(x hw.Component) bool { return !t.redfish[x.Path] })
	}
	for i := range read {
		read[i].Expected = read[i].Expected && t.redfish != nil // else it may have another name over Redfish
	}
	r.Components = append(r.Components, read...)
	c.audited.blind = c.audited.blind || section == sectionRAID
	samples := slices.DeleteFunc(slices.Clone(more.Samples), func(x hw.Sample) bool { return t.redfish != nil && !t.sensors[x.Sensor] })
	r.Samples = withSamples(r.Samples, samples, pathsOf(read, section))
	s := scopeOf(r, section)
	if s == nil {
		r.Read = append(r.Read, hw.Scope{Section: section})
		s = &r.Read[len(r.Read)-1]
	}
	if s.Extent = m.Extent; s.Extent == hw.Complete && !t.covered(told) {
		s.Extent = hw.Partial
		if what := section + "/redfish"; !slices.ContainsFunc(r.Gaps, func(g hw.Gap) bool { return g.What == what }) {
			r.Gaps = append(r.Gaps, hw.Gap{What: what, Reason: why, Detail: "read over SNMP, which does not tell all that Redfish does"})
		}
	}
}

// covered says whether SNMP, which now told these parts, ever told each one that Redfish did.
func (t *telling) covered(now map[string]bool) bool {
	for path := range now {
		t.snmp[path] = true
	}
	for path := range t.redfish {
		if !t.snmp[path] {
			return false
		}
	}
	return t.redfish != nil
}

// ofSection parts the components of a section from the others.
func ofSection(list []hw.Component, section string) (own, others []hw.Component) {
	for _, c := range list {
		if c.Section == section {
			own = append(own, c)
		} else {
			others = append(others, c)
		}
	}
	return own, others
}

// withSamples adds the samples of some parts that are not there, or are there without a value.
func withSamples(list, more []hw.Sample, of map[string]bool) []hw.Sample {
	type sensor struct{ component, name string }
	at := map[sensor]int{}
	for i := range list {
		at[sensor{list[i].Component, list[i].Sensor}] = i
	}
	for _, x := range more {
		if !of[x.Component] {
			continue
		}
		i, there := at[sensor{x.Component, x.Sensor}]
		switch {
		case !there:
			list = append(list, x)
		case list[i].Absent != "" && x.Absent == "":
			list[i] = x
		}
	}
	return list
}

// gapsOf returns the gaps of a section.
func gapsOf(r *hw.Report, section string) (list []hw.Gap) {
	for _, g := range r.Gaps {
		if g.What == section || len(g.What) > len(section) && g.What[:len(section)+1] == section+"/" {
			list = append(list, g)
		}
	}
	return list
}

// reasonOf returns why a section was not read.
func reasonOf(r *hw.Report, section string) hw.Reason {
	if gaps := gapsOf(r, section); len(gaps) > 0 {
		return gaps[0].Reason
	}
	return hw.DeviceError
}

// audited is what the audit of RAID says that SNMP alone does not show: while Redfish fails it is neither given nor
// settled.
type audited struct {
	shown map[verdictOf]bool // what SNMP alone gives, in this visit; nil: it was not read beside Redfish
	blind bool               // the parts of this visit are SNMP's
	only  []hw.Verdict       // what only Redfish gave, when both were read last
}

type verdictOf struct{ component, code string }

func (a *audited) begin() { a.shown, a.blind = nil, false }

// alone notes what the audit says of the parts as SNMP tells them.
func (a *audited) alone(list []hw.Component, policy raid.Policy) {
	r := hw.Report{Read: []hw.Scope{{Section: sectionRAID, Extent: hw.Complete}}, Components: list}
	parts.Judge(&r, sectionRAID, policy)
	a.shown = map[verdictOf]bool{}
	for _, v := range r.Verdicts {
		a.shown[verdictOf{v.Component, v.Code}] = v.Level > 0
	}
}

// settle notes what only Redfish gives, or keeps it from being settled.
func (a *audited) settle(r *hw.Report) {
	if s := scopeOf(r, sectionRAID); s == nil || s.Extent != hw.Complete {
		return
	}
	if a.shown != nil {
		a.only = nil
		for _, v := range r.Verdicts {
			if v.Section == sectionRAID && v.Level > 0 && !a.shown[verdictOf{v.Component, v.Code}] {
				a.only = append(a.only, hw.Verdict{Component: v.Component, Section: v.Section, Code: v.Code})
			}
		}
		return
	}
	if !a.blind {
		return
	}
	there, given := pathsOf(r.Components, sectionRAID), map[verdictOf]bool{}
	for _, v := range r.Verdicts {
		given[verdictOf{v.Component, v.Code}] = true
	}
	for _, v := range a.only {
		if there[v.Component] && !given[verdictOf{v.Component, v.Code}] {
			r.Verdicts = append(r.Verdicts, v) // of level 0: it could not be judged
		}
	}
}
