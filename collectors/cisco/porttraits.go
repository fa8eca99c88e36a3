package cisco

import (
	"slices"
	"strings"

	"rackpost/hw"
)

// needPortNames reads the names of the ports if they are not known or may have changed,
// once a visit. Where the ports themselves are not due, what was not read is no gap.
func (c *collector) needPortNames(v *visit) {
	if v.named || c.ports.named && !c.ports.stale || v.stopped != "" {
		return
	}
	v.named = true
	if v.ports {
		v.begin(sectionPorts)
		c.readPortNames(v)
		return
	}
	aside := visit{ctx: v.ctx, now: v.now, report: &hw.Report{}}
	c.readPortNames(&aside)
	v.stopped = aside.stopped
}

// port returns the port of an ifIndex, or nil.
func (c *collector) port(ifIndex string) *port {
	i, ok := slices.BinarySearchFunc(c.ports.list, ifIndex, func(p port, index string) int { return compareIndex(p.index, index) })
	if !ok {
		return nil
	}
	return &c.ports.list[i]
}

// portNamed returns the port of an ifName, an ifDescr or a name as ENTITY-MIB and LLDP write
// it, or nil when there is none or more than one.
func (c *collector) portNamed(name string) *port {
	var found *port
	for i := range c.ports.list {
		p := &c.ports.list[i]
		if name == "" || p.name() != name && !strings.EqualFold(p.attrs.Get("descr"), name) {
			continue
		}
		if found != nil {
			return nil
		}
		found = p
	}
	return found
}

// name returns the name of a port as its path has it.
func (p *port) name() string { return strings.TrimPrefix(p.path, "port/") }

// containmentDepth bounds the way from a part to the port it sits in.
const containmentDepth = 8

// portOf returns the port a part is, or sits in, by its entPhysicalIndex: its own name or
// that of what contains it is the port's. nil is none, if that is known: it is not while a
// part on the way, or the name of a port, was not read.
func (c *collector) portOf(entity string) (p *port, known bool) {
	e, ok := c.entities.parts.at(entity)
	known = c.entities.whole && c.portsKnown()
	for depth := 0; ok && depth < containmentDepth; depth++ {
		for _, name := range []string{e.name, e.descr} {
			if p := c.portNamed(name); p != nil {
				return p, true
			}
		}
		known = known && !e.unnamed && e.parent != noParent
		if e.parent == 0 || e.parent == noParent {
			return nil, known
		}
		e, ok = c.entities.parts.find(e.parent)
	}
	return nil, known
}

// tell sets what another section says of the state of a port; "" takes it back.
func (p *port) tell(key, value string) {
	if p.told.Get(key) == value {
		return
	}
	p.told = with(p.told, key, value)
	p.state = nil
}

// mark sets what another section says of how a port is configured; "" takes it back.
// Reports already made hold the former attributes, so they are not touched.
func (p *port) mark(key, value string) {
	if p.attrs.Get(key) != value {
		p.attrs = with(p.attrs, key, value)
	}
}

// with is With on a copy that takes no more memory than it needs.
func with(a hw.Attrs, key, value string) hw.Attrs {
	return append(make(hw.Attrs, 0, len(a)+1), a...).With(key, value)
}
