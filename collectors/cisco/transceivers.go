package cisco

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"rackpost/hw"
)

// The classes of entPhysicalClass a transceiver and what is around it may have.
const (
	classContainer = 5
	classSensor    = 8
	classModule    = 9
	classPort      = 10
)

// optic is one transceiver.
type optic struct {
	index uint32 // entPhysicalIndex
	entity
	port   *port  // nil is not known
	placed bool   // that it sits in no port that is known by the inventory is certain
	path   string // without "transceiver/"
	lanes  []lane // in order
}

// lane is what is read of one lane of a transceiver; lane 1 stands for the whole.
type lane struct {
	number   int
	readings [opticReadings]measured
}

// maxLanes is more lanes than any transceiver has.
const maxLanes = 16

// readTransceivers reads the transceivers, their sensors and thresholds. Which part is one,
// and in which port it sits, the inventory tells.
func (c *collector) readTransceivers(v *visit) {
	c.needPortNames(v)
	if !c.entities.whole {
		if c.entities.parts.rows != nil || !c.entities.known {
			c.nameless(v, sectionTransceivers)
		}
		return
	}
	if !c.mayHaveOptics(v) {
		return
	}
	g, ok := c.read(v, &opticGroup)
	if ok && !g.any() && g.wholeAll() {
		g, _ = c.read(v, &opticIETFGroup)
	}
	optics, ok := c.settleOptics(v, c.optics(g))
	if !ok {
		return
	}
	limits, whole := map[string]rawLimits{}, true
	if g.any() && len(optics) > 0 {
		t, ok := c.read(v, &opticLimitGroup)
		limits, whole = limitsOf(t), ok && t.wholeAll()
	}
	c.measure(g, optics, limits)
	for i := range optics {
		optics[i].report(v, whole)
	}
}

// mayHaveOptics reports whether the inventory has anything that could be a transceiver.
func (c *collector) mayHaveOptics(v *visit) bool {
	p := &c.entities.parts
	classes := slices.ContainsFunc(p.rows, func(r partRow) bool { return r.class != 0 })
	may := false
	for i, r := range p.rows {
		may = may || r.class == classSensor || p.pluggable(i)
		if classes && p.doubtful(i) {
			unsettled(v, "entPhysicalEntry", "whether a part is a transceiver")
		}
	}
	return may
}

// doubtful reports whether something of a part that may be a transceiver, or of what contains
// it, was not read: it could be one, or another one.
func (p *parts) doubtful(i int) bool {
	r := &p.rows[i]
	if r.class != 0 && r.class != classPort && r.class != classModule {
		return false
	}
	parent, ok := slices.BinarySearchFunc(p.rows, r.parent, func(r partRow, index uint32) int { return cmp.Compare(r.index, index) })
	return r.ragged || ok && p.rows[parent].ragged
}

// unsettled says that transceivers are left out, since what tells of them was not read.
func unsettled(v *visit, object, what string) {
	v.limit(sectionTransceivers, hw.Partial)
	gap := sectionTransceivers + "/" + object
	if !slices.ContainsFunc(v.report.Gaps, func(g hw.Gap) bool { return g.What == gap }) {
		v.gap(gap, hw.NotReady, what+" is not known yet")
	}
}

// pluggable reports whether a part is a transceiver by what the inventory says alone: it
// sits in a container, and it is a port with a serial or model, or a module that says so.
func (p *parts) pluggable(i int) bool {
	r := &p.rows[i]
	if r.class != classPort && r.class != classModule {
		return false
	}
	e := p.entity(i)
	parent, ok := p.find(r.parent)
	if !ok || parent.class != classContainer || e.serial == "" && e.model == "" {
		return false
	}
	return r.class == classPort || strings.Contains(strings.ToLower(e.name+" "+e.descr+" "+parent.name), "transceiver")
}

// optics returns the transceivers in order of index: what is pluggable, and any port or
// module that has a sensor of light.
func (c *collector) optics(g *grid) []optic {
	p := &c.entities.parts
	lit := map[uint32]bool{}
	for _, row := range g.rows() {
		sort, _ := g.number(row, sensorType)
		if e, ok := p.at(g.index[row]); ok && sort == typeDBm {
			lit[e.parent] = true
		}
	}
	var list []optic
	for i, r := range p.rows {
		if p.pluggable(i) || lit[r.index] && (r.class == classPort || r.class == classModule) {
			list = append(list, optic{index: r.index, entity: p.entity(i)})
		}
	}
	return list
}

// settleOptics finds the ports of the transceivers and names them. It is not ok while it
// cannot: one whose port is not known yet would be another part later.
func (c *collector) settleOptics(v *visit, optics []optic) ([]optic, bool) {
	strangers := false
	for i := range optics {
		o := &optics[i]
		o.port, o.placed = c.portOf(strconv.FormatUint(uint64(o.index), 10))
		if o.port == nil {
			o.port = c.portLabelled(o.index)
		}
		strangers = strangers || o.port == nil
	}
	if strangers && !c.portsKnown() {
		unsettled(v, "ifName", "the port of a transceiver")
		return nil, false
	}
	if strangers {
		alias, ok := c.read(v, &entityAliasGroup)
		if !ok || !alias.wholeAll() {
			v.limit(sectionTransceivers, hw.Partial)
			return nil, false
		}
		for i := range optics {
			if o := &optics[i]; o.port == nil {
				o.port = c.portAliased(alias, o.index)
			}
		}
	}
	nameless := func(o optic) bool { return o.port == nil && (o.name == "" || !o.placed) }
	if slices.ContainsFunc(optics, nameless) {
		unsettled(v, "entPhysicalName", "the name of a transceiver")
		optics = slices.DeleteFunc(optics, nameless)
	}
	nameOptics(optics)
	return optics, true
}

// nameOptics names the transceivers after their ports, or as the inventory does.
func nameOptics(optics []optic) {
	names := make([]string, len(optics))
	for i, o := range optics {
		if names[i] = o.name; o.port != nil {
			names[i] = o.port.name()
		}
	}
	distinguish(names, func(i int) []string { return []string{"#" + strconv.FormatUint(uint64(optics[i].index), 10)} })
	for i := range optics {
		optics[i].path = names[i]
	}
}

// portLabelled returns the port whose name stands in that of a part or of what contains it:
// "GigabitEthernet1/0/52 Container", "Transceiver Te5/4".
func (c *collector) portLabelled(index uint32) *port {
	for depth := range containmentDepth {
		e, ok := c.entities.parts.find(index)
		if !ok || depth > 0 && e.class != classContainer && e.class != classPort {
			return nil // a line card or a chassis: it contains many ports
		}
		for _, name := range []string{e.name, e.descr} {
			first, last := name, name
			if i := strings.IndexByte(name, ' '); i > 0 {
				first, last = name[:i], name[strings.LastIndexByte(name, ' ')+1:]
			}
			for _, word := range []string{first, last} {
				if p := c.portNamed(word); p != nil && strings.Contains(word, "/") {
					return p
				}
			}
		}
		index = e.parent
	}
	return nil
}

// portAliased returns the port entAliasMappingTable tells of a part.
func (c *collector) portAliased(alias *grid, index uint32) *port {
	row, ok := alias.at[strconv.FormatUint(uint64(index), 10)+".0"]
	if !ok {
		return nil
	}
	v, reason := alias.value(row, 0)
	ifIndex, found := strings.CutPrefix(v.Text(), ifEntry+"1.")
	if reason != "" || !found {
		return nil
	}
	return c.port(ifIndex)
}

// measure puts each sensor where it belongs: a transceiver, a lane, a reading. What two
// sensors of one lane tell at once is told by neither.
func (c *collector) measure(g *grid, optics []optic, limits map[string]rawLimits) {
	for _, row := range g.rows() {
		index := g.index[row]
		o := c.opticOf(index, optics)
		if o == nil {
			continue
		}
		e, _ := c.entities.parts.at(index)
		kind, number := opticKind(e.name+" "+e.descr), opticLane(e.name, e.descr)
		if kind < 0 || number > maxLanes {
			continue
		}
		m := &o.lane(number).readings[kind]
		if m.there {
			*m = measured{there: true, absent: hw.Inconsistent}
			continue
		}
		*m = opticValue(g, row, kind, limits[index])
	}
	for i := range optics {
		if o := &optics[i]; o.unpowered() {
			o.silence()
		}
	}
}

// opticOf returns the transceiver a sensor sits in, or nil.
func (c *collector) opticOf(index string, optics []optic) *optic {
	e, ok := c.entities.parts.at(index)
	for depth := 0; ok && depth < 3; depth++ {
		i, found := slices.BinarySearchFunc(optics, e.parent, func(o optic, index uint32) int { return int(int64(o.index) - int64(index)) })
		if found {
			return &optics[i]
		}
		e, ok = c.entities.parts.find(e.parent)
	}
	return nil
}

// lane returns a lane of a transceiver, which it makes.
func (o *optic) lane(number int) *lane {
	i, ok := slices.BinarySearchFunc(o.lanes, number, func(l lane, n int) int { return l.number - n })
	if !ok {
		o.lanes = slices.Insert(o.lanes, i, lane{number: number})
	}
	return &o.lanes[i]
}

// unpowered reports whether a transceiver says that its own supply is 0 V: firmware that
// has no readings of it writes zeros, and 0 dBm would be much light.
func (o *optic) unpowered() bool {
	for i := range o.lanes {
		if m := &o.lanes[i].readings[opticSupply]; m.there && m.absent == "" && m.value == 0 {
			return true
		}
	}
	return false
}

// silence takes what a transceiver without readings says for none.
func (o *optic) silence() {
	for i := range o.lanes {
		for kind := range o.lanes[i].readings {
			if m := &o.lanes[i].readings[kind]; m.there && m.absent == "" {
				*m = measured{there: true, absent: hw.NotReady}
			}
		}
	}
}

// report adds a transceiver and its lanes. whole says that all thresholds were read.
func (o *optic) report(v *visit, whole bool) {
	a := hw.Attrs{}.With("serial", o.serial).With("model", o.model).With("descr", o.descr).
		With("name", o.name).With("hardware", o.hardware)
	var first lane
	if len(o.lanes) > 0 && o.lanes[0].number == 1 {
		first = o.lanes[0]
	}
	o.reportLane(v, &first, "transceiver/"+o.path, a, whole)
	for i := range o.lanes {
		if l := &o.lanes[i]; l.number > 1 {
			o.reportLane(v, l, "transceiver/"+o.path+"/lane-"+strconv.Itoa(l.number), nil, whole)
		}
	}
}

func (o *optic) reportLane(v *visit, l *lane, path string, a hw.Attrs, whole bool) {
	p := hw.Component{Path: path, Section: sectionTransceivers, Health: hw.OK, Attrs: a}
	link, unknown := "", false
	if o.port != nil {
		link = o.port.oper
	}
	var alarms []string
	for kind := range l.readings {
		m := &l.readings[kind]
		if !m.there {
			continue
		}
		p.Attrs = m.limits.mark(p.Attrs, &opticKinds[kind].limits)
		v.gauge(path, opticKinds[kind].sensor, m.value, m.absent)
		h, alarm := m.judge(kind, link, whole)
		p.Health = max(p.Health, h)
		unknown = unknown || h == hw.Unknown
		if alarm != "" {
			alarms = append(alarms, alarm)
		}
	}
	if unknown && p.Health == hw.OK {
		p.Health = hw.Unknown
	}
	p.State = p.State.With("alarm", strings.Join(alarms, ", "))
	v.component(p)
}
