package idrac

import (
	"context"
	"strconv"
	"strings"

	"rackpost/collectors"
	"rackpost/collectors/redfish/parts"
	"rackpost/collectors/snmp"
	"rackpost/hw"
	"rackpost/hw/raid"
)

// snmpVisit is one visit under way.
type snmpVisit struct {
	ctx     context.Context
	report  *hw.Report
	beat    *mibGrid  // the scalars of the first request
	young   bool      // the iDRAC started a moment ago: a table without rows may be one not filled yet
	stopped hw.Reason // why nothing more is asked; empty while the device answers
	broken  bool      // a walk or a GET of this section yielded nothing
	gaps    map[string]bool
}

// begin opens the scope of a section.
func (v *snmpVisit) begin(section string) {
	v.report.Read = append(v.report.Read, hw.Scope{Section: section, Extent: hw.Complete})
}

// limit lowers the extent of a section.
func (v *snmpVisit) limit(section string, e hw.Extent) {
	for i := range v.report.Read {
		if s := &v.report.Read[i]; s.Section == section && s.Extent > e {
			s.Extent = e
		}
	}
}

// partial says that a section was not read whole, and names what is missing, once.
func (v *snmpVisit) partial(section, what string, reason hw.Reason, detail string) {
	v.limit(section, hw.Partial)
	v.gap(section+"/"+what, reason, detail)
}

func (v *snmpVisit) gap(what string, reason hw.Reason, detail string) {
	if v.gaps[what] {
		return
	}
	if v.gaps == nil {
		v.gaps = map[string]bool{}
	}
	v.gaps[what] = true
	v.report.Gaps = append(v.report.Gaps, hw.Gap{What: what, Reason: reason, Detail: detail})
}

// fail says that a section could not be read at all.
func (v *snmpVisit) fail(section string, reason hw.Reason, detail string) {
	v.limit(section, hw.Failed)
	v.gap(section, reason, detail)
}

// gauge adds a sample, or its absence.
func (v *snmpVisit) gauge(component, sensor string, value float64, absent hw.Reason) {
	s := hw.Sample{Component: component, Sensor: sensor, Absent: absent}
	if absent == "" {
		s.Gauge = value
	}
	v.report.Samples = append(v.report.Samples, s)
}

// tableMemory is what is remembered of one table.
type tableMemory struct {
	had     bool // it had rows at an earlier visit
	empties int  // complete readings without a row since
	namer   int  // 1 + the place of the object that named its rows; 0 is not known
}

// emptyVisits is how often a table that had rows must be read empty before it is believed: after a
// racreset the agent answers before the storage tables are filled.
const emptyVisits = 3

// walk reads tables of one section in one walk. What could not be read is said in the section's
// extent and gaps.
func (s *snmpSide) walk(v *snmpVisit, tables ...*mibTable) []*mibGrid {
	grids := make([]*mibGrid, len(tables))
	type place struct {
		g    *mibGrid
		slot int
	}
	var oids []string
	var places []place
	for i, t := range tables {
		grids[i] = newGrid(t)
		for slot := range t.objects {
			oids, places = append(oids, t.oid(&t.objects[slot])), append(places, place{grids[i], slot})
			grids[i].miss(slot, hw.NoAnswer)
		}
	}
	section := tables[0].section
	columns, err := s.session.Walk(v.ctx, oids...)
	if err != nil {
		s.unread(v, section, err)
		return grids
	}
	silent := false
	for i := range min(len(columns), len(places)) {
		places[i].g.fill(places[i].slot, &columns[i])
		silent = silent || columns[i].Reason == hw.NoAnswer
	}
	if silent {
		s.alive(v)
	}
	for _, g := range grids {
		s.judge(v, section, g)
	}
	return grids
}

// unread notes a walk or a GET that yielded nothing.
func (s *snmpSide) unread(v *snmpVisit, section string, err error) {
	v.broken = true
	v.limit(section, hw.Partial)
	v.gap(section, collectors.ReasonOf(err), err.Error())
	s.alive(v)
}

// judge says what is not whole of a table, and remembers whether it has rows.
func (s *snmpSide) judge(v *snmpVisit, section string, g *mibGrid) {
	for slot := range g.cols {
		if !g.whole(slot) {
			v.partial(section, g.table.name, g.cols[slot].reason, "")
		}
	}
	m := s.tables[g.table]
	switch {
	case len(g.index) > 0:
		m = tableMemory{had: true, namer: m.namer}
		if m.namer == 0 {
			m.namer = g.namedBy()
		}
		g.namer = m.namer
	case !g.wholeAll():
		return
	case v.young:
		v.partial(section, g.table.name, hw.NotReady, "the iDRAC started a moment ago, and the table has no rows yet")
	case m.had:
		if m.empties++; m.empties < emptyVisits {
			v.partial(section, g.table.name, hw.Inconsistent, "the table had rows and has none; believed when it stays so")
		}
	}
	s.tables[g.table] = m
}

// settled reports whether a table was read whole and what it shows is believed, were it nothing.
func (s *snmpSide) settled(v *snmpVisit, g *mibGrid) bool {
	if !g.wholeAll() || v.young {
		return false
	}
	m := s.tables[g.table]
	return len(g.index) > 0 || !m.had || m.empties >= emptyVisits
}

// alive asks for one object after a silence, so that a dead device costs one time-out more and not
// one a table.
func (s *snmpSide) alive(v *snmpVisit) {
	if err := v.ctx.Err(); err != nil {
		v.stopped = collectors.ReasonOf(err)
		return
	}
	if _, err := s.session.Get(v.ctx, sysUpTimeOID); err != nil {
		v.stopped = collectors.ReasonOf(err)
	}
}

// rowCode is what a table adds to a row's component by hand; false leaves the row out.
type rowCode func(g *mibGrid, row int, c *hw.Component) bool

// tell makes a component of every row of a table that has a name, by what its objects say.
func (v *snmpVisit) tell(g *mibGrid, more rowCode) {
	t, seen := g.table, map[string]bool{}
	for row, index := range g.index {
		id, reason := g.named(row)
		if reason != "" {
			v.partial(t.section, t.name, reason, "a row has no name that can be read: it is left out")
			continue
		}
		if seen[id] {
			id += "#" + index
		}
		seen[id] = true
		c := hw.Component{Path: t.prefix + id, Section: t.section, Expected: t.expected}
		c.Attrs = c.Attrs.With(raid.KeySource, raid.SourceSNMP)
		first := len(v.report.Samples)
		for slot := range t.objects {
			v.cell(g, row, slot, &c)
		}
		if more != nil && !more(g, row, &c) {
			v.report.Samples = v.report.Samples[:first]
			continue
		}
		v.report.Components = append(v.report.Components, c)
	}
}

// named returns what names the component of a row: the first of the table's names the device has. Not the
// next where only this row's cannot be read: it would be another part.
func (g *mibGrid) named(row int) (string, hw.Reason) {
	for slot := range g.table.objects {
		if g.table.objects[slot].use != mibName || g.lacks(slot) && g.namer != slot+1 {
			continue
		}
		s, reason := g.text(row, slot)
		switch {
		case reason == hw.NotSupported, reason == "" && s == "" && !g.table.indexed:
			return "", hw.NotReady
		case reason != "":
			return "", reason
		case s == "":
			return g.ordinal(row), ""
		}
		if g.table.section == sectionRAID {
			return raid.ID(s), ""
		}
		return nameOf(s), ""
	}
	if g.table.indexed {
		return g.ordinal(row), ""
	}
	return "", hw.NotSupported
}

// namedBy returns 1 + the place of the object that names the rows, 0 where none does.
func (g *mibGrid) namedBy() int {
	for slot := range g.table.objects {
		if g.table.objects[slot].use == mibName && g.cols[slot].rows > 0 {
			return slot + 1
		}
	}
	return 0
}

// ordinal returns the index of a row without the chassis: a server has one.
func (g *mibGrid) ordinal(row int) string {
	index := strings.TrimPrefix(g.index[row], "1.")
	switch {
	case !g.table.solo:
		return index
	case index == "1":
		return ""
	}
	return "/" + index
}

// nameOf makes a path's end of a name: an FQDD stays as it is, "System Board Inlet Temp" becomes
// SystemBoardInletTemp, as Redfish writes it in MemberId.
func nameOf(s string) string { return parts.Name(s) }

// cell tells one cell of a row.
func (v *snmpVisit) cell(g *mibGrid, row, slot int, c *hw.Component) {
	o := &g.table.objects[slot]
	if _, reason := g.value(row, slot); reason == hw.Garbage {
		v.partial(g.table.section, o.name, hw.Garbage, "")
	}
	if o.byHand || g.lacks(slot) && o.use != mibSensor {
		return
	}
	switch o.use {
	case mibHealth:
		n, reason := g.number(row, slot)
		switch {
		case reason == hw.Garbage:
			v.partial(g.table.section, o.name, reason, "")
		case o.probe:
			c.Health = probeHealthOf(n)
		default:
			c.Health = healthOf(n)
		}
	case mibSensor:
		v.sensor(g, row, slot, c.Path)
	case mibState:
		c.State = c.State.With(o.as, v.said(g, row, slot))
	case mibAttribute:
		c.Attrs = c.Attrs.With(o.as, v.said(g, row, slot))
	}
}

// sensor tells a cell as a sample. A row that tells none of an object only some rows have is
// no absence.
func (v *snmpVisit) sensor(g *mibGrid, row, slot int, path string) {
	o := &g.table.objects[slot]
	n, reason := g.signed(row, slot)
	if reason == hw.NotSupported && o.sparse {
		return
	}
	v.gauge(path, o.as, scaled(n, o.scale), reason)
}

func scaled(n int64, scale float64) float64 {
	switch {
	case scale == 0:
		return float64(n)
	case scale < 1:
		return float64(n) / float64(int64(1/scale+0.5)) // 0.1 is no binary number: 460 tenths are 46
	}
	return float64(n) * scale
}

// said returns a cell as the text of a state or attribute, "" where nothing is told.
func (v *snmpVisit) said(g *mibGrid, row, slot int) string {
	o := &g.table.objects[slot]
	val, reason := g.value(row, slot)
	if reason != "" {
		return ""
	}
	text := len(o.words) == 0 && o.scale == 0
	if text {
		s, reason := g.text(row, slot)
		if reason == hw.Garbage {
			v.partial(g.table.section, o.name, reason, "")
		}
		return strings.Clone(s)
	}
	if val.Type == snmp.TypeOctetString {
		v.partial(g.table.section, o.name, hw.Garbage, "")
		return ""
	}
	if len(o.words) > 0 {
		w, _ := g.word(row, slot)
		return w
	}
	n, reason := g.signed(row, slot)
	if reason != "" {
		return ""
	}
	return strconv.FormatFloat(scaled(n, o.scale), 'f', -1, 64)
}
