package cisco

import (
	"slices"
	"strconv"

	"rackpost/hw"
)

// The classes of entPhysicalClass that are judged by.
const (
	classChassis = 3
	classSupply  = 6
)

// entities are the parts as the inventory found them.
type entities struct {
	read  bool // since the device started or its parts changed, or tried often enough
	tries int
	known bool
	whole bool // every row and name is here
	parts parts

	sensors chassisMemory

	serial, model, version string // of the unit
	serialOID              string // asked at every visit; another answer is another unit
	probed                 string // what it said
}

// chassis is one chassis of the device: several in a stack.
type chassis struct {
	index string
	entity
}

// unitMemory is the chassis a device is known by. It outlives a restart of the device.
type unitMemory struct {
	index   string
	serial  string
	serials []string // of all chassis then
}

// readInventory reads ENTITY-MIB: the units, and the names of the parts other tables
// speak of.
func (c *collector) readInventory(v *visit) {
	c.ports.stale = true
	c.entities.tries = 0
	c.entities.sensors.read = false
	clear(c.lacks)
	units, g, list := c.readEntities(v)
	for _, u := range units {
		u.Attrs = u.Attrs.With("failover", c.failover.polled)
		v.component(u)
	}
	if g == nil {
		return
	}
	if list.unserial() {
		v.limit(sectionInventory, hw.Partial)
		v.gap(sectionInventory+"/"+entityGroup.objects[entitySerial].name, hw.Garbage, "the serial or class of a part is none")
	}
	list.report(v, g)
}

// readEntities reads the parts and returns the units among them, and what was read of all;
// no grid is nothing. Parts known whole give way only to parts read whole.
func (c *collector) readEntities(v *visit) ([]hw.Component, *grid, parts) {
	g, ok := c.read(v, &entityGroup)
	c.entities.tries++
	c.entities.read = ok && g.wholeAll() || c.entities.tries >= maxNameTries
	if !ok {
		return nil, nil, parts{}
	}
	list := partsOf(g)
	if list.same(&c.entities.parts) {
		list = c.entities.parts // one copy, also of what others hold of its texts
	}
	units := list.chassis()
	var found []hw.Component
	for _, u := range units {
		if u.serial != "" && !slices.ContainsFunc(found, func(p hw.Component) bool { return p.Path == "unit/"+pathName(u.serial) }) {
			found = append(found, list.unitComponent(u, len(units) > 1))
		}
	}
	if whole := g.wholeAll(); whole || !c.entities.whole && len(list.rows) > 0 {
		c.entities.parts, c.entities.whole = list, whole
		c.settleUnit(units, whole)
	}
	return found, g, list
}

// needEntities reads the parts outside their section: a visit that has to name others by
// them does not wait for the hourly one. What was not read is no gap of this visit.
func (c *collector) needEntities(v *visit) {
	aside := visit{ctx: v.ctx, now: v.now, report: &hw.Report{}}
	c.readEntities(&aside)
	v.stopped = aside.stopped
}

// chassis returns the chassis in order of index. A device that tells no classes has one:
// what is contained in nothing.
func (p *parts) chassis() []chassis {
	var found, roots []chassis
	classes := false
	for i, r := range p.rows {
		classes = classes || r.class != 0
		u := chassis{strconv.FormatUint(uint64(r.index), 10), p.entity(i)}
		if r.class == classChassis {
			found = append(found, u)
		}
		if r.parent == 0 {
			roots = append(roots, u)
		}
	}
	if !classes {
		return roots
	}
	return found
}

// unitComponent is what the inventory says of one chassis.
func (p *parts) unitComponent(u chassis, stacked bool) hw.Component {
	a := hw.Attrs{}.With("serial", u.serial).With("model", u.model).With("version", u.version).
		With("hardware", u.hardware).With("name", u.name).With("descr", u.descr)
	if stacked {
		a = a.With("member", p.member(u.index))
	}
	return hw.Component{Path: "unit/" + pathName(u.serial), Section: sectionInventory, Health: hw.OK, Attrs: a}
}

// memberOf returns the stack member a part belongs to by its index, or "" on a device that
// is no stack.
func (c *collector) memberOf(index string) string {
	if !c.tables[&memberGroup].had || c.slotted && !c.entities.parts.slots {
		return ""
	}
	return c.entities.parts.member(index)
}

// thousands returns the stack member of an entPhysicalIndex or ENVMON index: 3 of 3004.
func thousands(index string) string {
	n, err := strconv.ParseUint(index, 10, 32)
	if err != nil || n < 1000 || n >= 100_000 {
		return ""
	}
	return strconv.FormatUint(n/1000, 10)
}

// settleUnit settles which chassis the device is known by. A stack stays known by the same
// one while that one is there, and while its place is merely empty: the loss of a member is
// not another unit.
func (c *collector) settleUnit(units []chassis, whole bool) {
	e := &c.entities
	e.known = e.known || whole || len(units) > 0
	var pick *chassis
	for i := range units {
		if u := &units[i]; u.serial != "" && (pick == nil || u.serial == c.known.serial) {
			pick = u
		}
	}
	if e.parts.unserial() && (pick == nil || pick.serial != c.known.serial) {
		return // the one it is known by may be among those whose serial was not read
	}
	if pick == nil {
		e.serial, e.serialOID, e.probed = "", "", ""
		if len(units) > 0 {
			e.model, e.version = units[0].model, units[0].version
		}
		return
	}
	e.serial, e.model, e.version = pick.serial, pick.model, pick.version
	e.serialOID, e.probed = entPhys+"11."+pick.index, pick.serial
	if c.memberGone(units) {
		e.serial = c.known.serial
		return
	}
	c.known = unitMemory{index: pick.index, serial: pick.serial}
	for _, u := range units {
		c.known.serials = append(c.known.serials, u.serial)
	}
}

// memberGone reports whether the chassis the device is known by left a stack of which
// others are still there, and nothing took its place.
func (c *collector) memberGone(units []chassis) bool {
	others := false
	for _, u := range units {
		if u.serial == c.known.serial || u.index == c.known.index {
			return false
		}
		others = others || slices.Contains(c.known.serials, u.serial)
	}
	return others && c.known.serial != ""
}

// entityName returns the name of a part. It is not settled while the inventory was not
// read whole and lacks it: a path must not change with what happened to be read.
func (c *collector) entityName(index string) (name string, settled bool) {
	e, ok := c.entities.parts.at(index)
	switch {
	case ok && e.unnamed:
		return "", false
	case ok && e.name != "":
		return e.name, true
	case ok && e.descr != "" && c.entities.whole:
		return e.descr, true
	}
	return "", c.entities.whole
}
