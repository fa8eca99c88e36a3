package cisco

import (
	"context"
	"errors"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/snmp"
	"rackpost/hw"
)

// visit is one visit under way.
type visit struct {
	ctx     context.Context
	report  *hw.Report
	now     time.Time // when the device's clock was read
	stopped hw.Reason // why nothing more is asked; empty while the device answers
	labels  bool      // descriptions and speeds are due: with the slow sections
	ports   bool      // the section of the ports is due
	named   bool      // the names of the ports were read, or tried
}

// begin opens the scope of a section, once.
func (v *visit) begin(section string) {
	for _, s := range v.report.Read {
		if s.Section == section {
			return
		}
	}
	v.report.Read = append(v.report.Read, hw.Scope{Section: section, Extent: hw.Complete})
}

// limit lowers the extent of a section.
func (v *visit) limit(section string, e hw.Extent) {
	for i := range v.report.Read {
		if s := &v.report.Read[i]; s.Section == section && s.Extent > e {
			s.Extent = e
		}
	}
}

// gap names what should have been read and was not.
func (v *visit) gap(what string, reason hw.Reason, detail string) {
	v.report.Gaps = append(v.report.Gaps, hw.Gap{What: what, Reason: reason, Detail: detail})
}

// fail says that a section could not be read at all.
func (v *visit) fail(section string, reason hw.Reason, detail string) {
	v.limit(section, hw.Failed)
	v.gap(section, reason, detail)
}

// nameless says that a section has rows whose names the inventory did not yield: they are
// left out, since another name would be another part.
func (c *collector) nameless(v *visit, section string) {
	what := section + "/entPhysicalName"
	for _, g := range v.report.Gaps {
		if g.What == what {
			return
		}
	}
	v.limit(section, hw.Partial)
	v.gap(what, hw.NotReady, "the inventory, which names these parts, was not read whole yet")
}

// gauge adds a sample, or its absence.
func (v *visit) gauge(component, sensor string, value float64, absent hw.Reason) {
	s := hw.Sample{Component: component, Sensor: sensor, Type: hw.Gauge, Absent: absent}
	if absent == "" {
		s.Gauge = value
	}
	v.report.Samples = append(v.report.Samples, s)
}

// component adds a component of a section.
func (v *visit) component(c hw.Component) {
	v.report.Components = append(v.report.Components, c)
}

// table is what a collector remembers of one group: whether it had rows.
type table struct {
	had     bool // it had rows at an earlier visit
	empties int  // complete readings without a row since
}

// emptyVisits is how often a table that had rows must be read empty before it is believed:
// agents serve no rows for a while after a stack's master or a firewall's role changed.
const emptyVisits = 3

// read reads the objects of grp the device is not known to lack and joins them. It
// reports whether the answer may be taken for what the device has; if not, the section's
// extent and gaps say why.
func (c *collector) read(v *visit, grp *group) (*grid, bool) {
	g := c.sheets.grid(grp)
	g.begin(len(grp.objects))
	if v.stopped != "" {
		for slot := range grp.objects {
			g.miss(slot, nil, v.stopped)
		}
		v.limit(grp.section, hw.Partial)
		return g, false
	}
	for round := 0; round < maxRounds && c.round(v, grp, g, round == 0); round++ {
	}
	if c.lost(grp, g) {
		c.askAgain(grp)
		v.limit(grp.section, hw.Partial)
		v.gap(grp.section+"/"+grp.objects[0].name, hw.Inconsistent, "the table had rows and has none; believed when it stays so")
		return g, false
	}
	return g, true
}

// lost reports whether a table that had rows is read empty, and not often enough yet to be
// believed.
func (c *collector) lost(grp *group, g *grid) bool {
	t := c.tables[grp]
	switch {
	case grp.sparse:
		return false
	case g.any():
		t = table{had: true}
	case t.had && g.wholeAll():
		t.empties++
	default:
		return false
	}
	c.tables[grp] = t
	return t.empties > 0 && t.empties < emptyVisits
}

// maxRounds bounds the chain of fall-backs of one object.
const maxRounds = 3

// round asks once: first every object, then those whose column proved absent and that
// have a fall-back. It reports whether another round can add something.
func (c *collector) round(v *visit, grp *group, g *grid, first bool) bool {
	slots, oids := c.sheets.slots[:0], c.sheets.oids[:0]
	for i := range grp.objects {
		if !first && (g.cols[i].object == nil || g.read(i) > 0 || !g.whole(i)) {
			continue
		}
		o := c.choose(&grp.objects[i])
		if o == nil || o == g.cols[i].object {
			continue
		}
		g.cols[i].object = o
		slots, oids = append(slots, i), append(oids, o.oid)
	}
	c.sheets.slots, c.sheets.oids = slots, oids
	if len(oids) == 0 {
		return false
	}
	columns, err := c.walk(v, grp, oids)
	if err != nil {
		reason := collectors.ReasonOf(err)
		for _, slot := range slots {
			g.miss(slot, g.cols[slot].object, reason)
		}
		c.unread(v, grp.section, reason, err)
		return false
	}
	return c.take(v, grp, g, columns)
}

// take fills the grid with the columns of one round.
func (c *collector) take(v *visit, grp *group, g *grid, columns snmp.Table) (more bool) {
	silent := false
	for i := range columns {
		if i >= len(c.sheets.slots) {
			break
		}
		slot, col := c.sheets.slots[i], &columns[i]
		o := g.cols[slot].object
		g.fill(slot, o, col)
		switch {
		case !g.whole(slot):
			v.limit(grp.section, hw.Partial)
			v.gap(grp.section+"/"+o.name, g.cols[slot].reason, text(col.Err))
			silent = silent || col.Reason == hw.NoAnswer
		case len(col.Rows) == 0 && grp.sparse:
		case len(col.Rows) == 0:
			c.lack(o)
			more = more || c.choose(&grp.objects[slot]) != nil
		}
	}
	if silent {
		c.alive(v)
	}
	return more
}

// unread notes a walk that yielded nothing.
func (c *collector) unread(v *visit, section string, reason hw.Reason, err error) {
	v.limit(section, hw.Partial)
	v.gap(section, reason, err.Error())
	c.alive(v)
}

// alive asks for one object after a silence, so that a dead device costs one time-out
// more and not one a table, and a device silent on one table only is still read.
func (c *collector) alive(v *visit) {
	if err := v.ctx.Err(); err != nil {
		v.stopped = collectors.ReasonOf(err)
		return
	}
	if _, err := c.session.Get(v.ctx, sysUpTime); err != nil {
		v.stopped = collectors.ReasonOf(err)
	}
}

// walk walks the columns of a group, timed where they hold counters.
func (c *collector) walk(v *visit, grp *group, oids []string) (snmp.Table, error) {
	if !grp.timed {
		return c.session.Walk(v.ctx, oids...)
	}
	t, clocks, err := c.session.WalkTimed(v.ctx, oids...)
	if err != nil {
		return nil, err
	}
	c.sheets.uptimes = clocks
	return t, nil
}

// choose returns the object to read for o: itself, or the first fall-back that the device
// is not known to lack; nil when it lacks them all.
func (c *collector) choose(o *object) *object {
	for ; o != nil; o = o.other {
		if o.oid != "" && !c.lacks[o.oid] {
			return o
		}
	}
	return nil
}

// lack remembers that the device has no row of o. The inventory and every restart of the
// device ask anew; a device that has just started is not believed.
func (c *collector) lack(o *object) {
	c.lacks[o.oid] = true
}

// askAgain forgets that the device lacks the objects of a group.
func (c *collector) askAgain(grp *group) {
	for i := range grp.objects {
		for o := &grp.objects[i]; o != nil; o = o.other {
			delete(c.lacks, o.oid)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// wrongKind is the error of a visit to another sort of device.
func wrongKind(hint string) error {
	return &collectors.VisitError{Reason: hw.WrongKind, Hint: hint, Err: errors.New("the device is of another kind")}
}
