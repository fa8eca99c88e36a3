package cisco

import (
	"slices"
	"strconv"

	"rackpost/hw"
)

// ports are the interfaces of a device, and what of them does not move.
type ports struct {
	list     []port
	named    bool // the names were read whole once
	stale    bool // they must be read again
	failed   int  // visits in a row that could not read them whole
	nameless int  // interfaces that count and have no name at the last visit
	garbled  bool // the names and descriptions were read whole, and some were no text
}

// port is one interface.
type port struct {
	index string // ifIndex
	path  string // "port/Gi1/0/1"
	attrs hw.Attrs
	speed uint64 // bit/s; 0 is unknown

	admin, oper string
	told        hw.Attrs // what other sections say of its state: see tell
	state       hw.Attrs // made of the three
	mute        bool     // the device has no ifOperStatus for it
	unsure      bool     // it may have been shut by the switch: that was not read since it lost its link

	discontinuity uint64 // ifCounterDiscontinuityTime
	discontinued  bool   // it is known
	since         int64  // Unix ms: a discontinuity seen to happen; 0 is none
	tally         tally
	readAt        int64 // Unix ms of the last octets
}

// readPorts reads what moves of every interface, and the names of all when they are not
// known or the table changed. The counters are read once a visit, whatever comes of it.
func (c *collector) readPorts(v *visit) {
	c.needPortNames(v)
	named := !v.named
	g, ok := c.read(v, &portGroup)
	if !ok && v.stopped == "" {
		return
	}
	if moved := c.portsMoved(g); moved && named && v.stopped == "" {
		c.readPortNames(v)
	} else if named && v.stopped == "" && (v.labels || c.statesMoved(g)) {
		c.readLabels(v)
	}
	c.hastenChannels(v, g)
	consistent := c.sameBoot(v, sectionPorts)
	c.readErrDisabled(v, g)
	for i := range c.ports.list {
		p := &c.ports.list[i]
		row, known := g.at[p.index]
		if !known {
			row = len(g.index)
		}
		c.judge(p, g, row)
		v.component(hw.Component{
			Path: p.path, Section: sectionPorts, Health: portHealth(p), State: p.state, Attrs: p.attrs,
		})
		c.count(v, p, g, row, consistent)
	}
}

// portsMoved reports whether the table has interfaces whose name is not known, or lacks
// some whose name is.
func (c *collector) portsMoved(g *grid) bool {
	known, moved := 0, false
	whole := g.whole(portOper) && g.read(portOper) > 0
	for i := range c.ports.list {
		p := &c.ports.list[i]
		row, ok := g.at[p.index]
		if ok && g.present(row) {
			known++
		}
		if !whole {
			continue
		}
		if !ok || g.cell(row, portOper) == 0 {
			moved = moved || !p.mute
			p.mute = true
		} else {
			p.mute = false
		}
	}
	nameless := g.count() - known
	moved = moved || nameless > c.ports.nameless
	c.ports.nameless = nameless
	return moved
}

// statesMoved reports whether a port's link came or went: its speed may be another.
func (c *collector) statesMoved(g *grid) bool {
	for i := range c.ports.list {
		p := &c.ports.list[i]
		if row, ok := g.at[p.index]; ok && p.state != nil {
			if oper, reason := g.word(row, portOper); reason == "" && oper != p.oper {
				return true
			}
		}
	}
	return false
}

// sameBoot reports whether the device's clock ran on while the counters of the table walked
// last were read.
func (c *collector) sameBoot(v *visit, section string) bool {
	for _, u := range c.sheets.uptimes {
		if u.OK && c.clock.known && c.clock.ticks-u.Ticks > backwards && c.clock.ticks-u.Ticks < wrapTick/2 {
			v.limit(section, hw.Partial)
			v.gap(section, hw.Inconsistent, "the device started anew while its counters were read")
			return false
		}
	}
	return true
}

// judge takes the state of a port from the grid. Ports of one state share it.
func (c *collector) judge(p *port, g *grid, row int) {
	admin, _ := g.word(row, portAdmin)
	oper, _ := g.word(row, portOper)
	if oper != "up" {
		p.tell(toldDuplex, "") // these are of the link there was
		p.tell(toldTrunking, "")
		p.tell(toldTree, "")
		p.tell(toldInconsistent, "")
	}
	if p.state != nil && admin == p.admin && oper == p.oper {
		return
	}
	p.admin, p.oper, p.state = admin, oper, nil
	if admin == "" && oper == "" && len(p.told) == 0 {
		return
	}
	for i := range c.ports.list {
		if o := &c.ports.list[i]; o != p && o.state != nil && o.admin == admin && o.oper == oper && slices.Equal(o.told, p.told) {
			p.state = o.state
			return
		}
	}
	p.state = slices.Clone(p.told).With("admin", admin).With("oper", oper)
}

// What other sections tell of a port's state, and the words of it that are faults.
const (
	toldErrDisabled = "errdisabled" // the cause
	toldPoE         = "poe"
	toldDuplex      = "duplex"
)

// portHealth judges a port: a port without link is not faulty, its state tells; one whose
// state is not known is not known to be well. One that the switch itself shut or holds back, and one
// whose power is faulty, are, unless a person shut it.
func portHealth(p *port) hw.Health {
	if h, ok := judgeTold(p); !ok && p.admin != "down" {
		return h
	}
	switch p.oper {
	case "up", "dormant", "notPresent", "lowerLayerDown", "down":
		if p.admin == "testing" {
			return hw.Unknown
		}
		return hw.OK
	}
	if p.admin == "down" {
		return hw.OK
	}
	return hw.Unknown
}

// count adds the counters of a port.
func (c *collector) count(v *visit, p *port, g *grid, row int, consistent bool) {
	now := v.now.UnixMilli()
	base := p.base(g, row, c.start(), now)
	blind := p.blind(now)
	for i := range portCounterCount {
		o := &portGroup.objects[portCounters+i]
		s := hw.Sample{Component: p.path, Sensor: o.as, Type: hw.Counter}
		n, reason := g.number(row, portCounters+i)
		switch {
		case reason != "":
			s.Absent = reason
		case !consistent:
			s.Absent = hw.Inconsistent
		default:
			moved := p.tally.moved(i, n)
			s.Count, s.StartMS = n, p.tally.observe(i, n, base, now)
			if blind && moved && (i == counterRxBytes || i == counterTxBytes) && g.cols[portCounters+i].object.max == max32 {
				s.StartMS = p.tally.doubt(i, now)
			}
		}
		v.report.Samples = append(v.report.Samples, s)
	}
	p.readAt = now
}

// base returns since when a port's counters count: the device's start, or the
// discontinuity it tells of.
func (p *port) base(g *grid, row int, start, now int64) int64 {
	t, reason := g.number(row, portDiscontinuity)
	if reason == "" {
		if p.discontinued && t != p.discontinuity {
			p.since = other(now, p.since)
		}
		p.discontinuity, p.discontinued = t, true
	}
	return max(start, p.since)
}

// blind reports whether 32-bit octets can have wrapped unseen since the last visit: the
// whole range passes in 34 s at 1 Gb/s.
func (p *port) blind(now int64) bool {
	if p.readAt == 0 {
		return false
	}
	if p.speed == 0 {
		return true
	}
	return float64(now-p.readAt)/1000*float64(p.speed)/8 >= max32
}

// readLabels reads the descriptions and speeds of the ports known.
func (c *collector) readLabels(v *visit) {
	g, ok := c.read(v, &portLabelGroup)
	if !ok {
		return
	}
	for i := range c.ports.list {
		p := &c.ports.list[i]
		if row, ok := g.at[p.index]; ok {
			p.label(g, row, &c.shared.texts)
		}
	}
}

// label sets the attributes of a port that were read; what was not read stays. They are
// the same memory while nothing changed: others hold them too.
func (p *port) label(g *grid, row int, t *texts) {
	a := append(make(hw.Attrs, 0, len(p.attrs)+4), p.attrs...)
	for slot, key := range map[int]string{portDescr: "descr", portAlias: "alias"} {
		if s, reason := g.text(row, slot); reason == "" || reason == hw.NotSupported && g.cols[slot].object != nil {
			a = a.With(key, s)
		}
	}
	if n, reason := g.number(row, portType); reason == "" {
		a = a.With("type", typeName(n))
	}
	if n, ok := portBits(g, row); ok {
		p.speed = n
		if a = a.With("speed_bps", ""); n > 0 {
			a = a.With("speed_bps", strconv.FormatUint(n, 10))
		}
	}
	if slices.Equal(a, p.attrs) {
		return
	}
	for i, x := range a {
		if x.Key != "alias" { // people write another one at each port
			a[i].Value = t.one(x.Value)
		}
	}
	p.attrs = slices.Clone(a)
}

// portBits returns the speed of a port in bit/s; 0 is one that has none.
func portBits(g *grid, row int) (uint64, bool) {
	high, reason := g.number(row, portHighSpeed)
	if reason == "" && high > 0 {
		return high * 1_000_000, true
	}
	low, lowReason := g.number(row, portSpeed)
	return low, lowReason == "" || reason == "" && lowReason == hw.NotSupported
}

// typeName returns the name of an ifType (IANAifType-MIB), or its number.
func typeName(n uint64) string {
	switch n {
	case 1:
		return "other"
	case 6:
		return "ethernetCsmacd"
	case 24:
		return "softwareLoopback"
	case 53:
		return "propVirtual"
	case 131:
		return "tunnel"
	case 135:
		return "l2vlan"
	case 136:
		return "l3ipvlan"
	case 161:
		return "ieee8023adLag"
	}
	return strconv.FormatUint(n, 10)
}
