package cisco

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"rackpost/hw"
)

// entity is one row of ENTITY-MIB entPhysicalTable. The zero entity is none.
type entity struct {
	descr, name, hardware, version, serial, model string
	parent                                        uint32 // entPhysicalIndex; 0 is contained in nothing
	class                                         uint8
	unnamed                                       bool // it has a name that was not read
	unclassed                                     bool // it has a class that was not read
}

// noParent is the parent of a part that does not say what contains it.
const noParent = 1<<32 - 1

// parts are the rows of an inventory in order of index, held for as long as a device is
// watched: all texts in one.
type parts struct {
	rows  []partRow
	text  string
	slots bool // the thousands of an index are a slot, not a member: see member
}

// partRow is where the texts of a row stand: one after the other, from at.
type partRow struct {
	index, parent, at uint32
	lengths           [6]uint8 // of texts; snmp.MaxText is the most
	class             uint8
	ragged            bool // some of it was not read, or not told though others of its column were
	unnamed           bool // so it is with its name, or with the description that stands for one
	unserial          bool // its serial is no text, or its class none: it may be the chassis the device is known by
}

// partTexts are the objects of the texts of a part.
var partTexts = [6]int{entityDescr, entityName, entityHardware, entitySoftware, entitySerial, entityModel}

// partsOf takes the parts out of the grid. A row whose index is no entPhysicalIndex is none.
func partsOf(g *grid) parts {
	list := parts{rows: make([]partRow, 0, len(g.index))}
	var all strings.Builder
	for _, row := range g.rows() {
		index, err := strconv.ParseUint(g.index[row], 10, 32)
		if err != nil {
			continue
		}
		p := partRow{index: uint32(index), parent: noParent, at: uint32(all.Len())}
		for i, slot := range partTexts {
			s, reason := g.text(row, slot)
			amiss := g.amiss(slot, reason)
			p.ragged = p.ragged || amiss
			switch slot {
			case entityName:
				p.unnamed = amiss || s == "" && p.unnamed
			case entityDescr:
				p.unnamed = amiss
			case entitySerial:
				p.unserial = reason == hw.Garbage
			}
			if slot >= entityHardware && placeholder(s) {
				s = ""
			}
			p.lengths[i] = uint8(len(s))
			all.WriteString(s)
		}
		class, reason := g.number(row, entityClass)
		p.class = uint8(class)
		p.unserial = p.unserial && (p.class == classChassis || p.class == 0) || reason == hw.Garbage || reason == hw.OutOfRange
		p.ragged = p.ragged || g.amiss(entityClass, reason)
		n, reason := g.number(row, entityParent)
		if p.ragged = p.ragged || g.amiss(entityParent, reason); reason == "" {
			p.parent = uint32(n)
		}
		p.unserial = p.unserial || p.class == 0 && (reason == hw.Garbage || reason == hw.OutOfRange)
		list.rows = append(list.rows, p)
		list.slots = list.slots || p.index < 1000 && (p.class == classChassis || p.class == classSupply || p.class == classFan || p.class == classModule)
	}
	list.text = strings.Clone(all.String())
	return list
}

// amiss reports whether a cell without a value, for that reason, should have one: its column
// has rows, or was not read to its end.
func (g *grid) amiss(slot int, reason hw.Reason) bool {
	return reason != "" && (g.read(slot) > 0 || !g.whole(slot))
}

// placeholder reports whether a serial, model or revision is what agents write where a part
// tells none.
func placeholder(s string) bool {
	switch strings.ToLower(s) {
	case "n/a", "na", "none", "null", "unknown", "unspecified", "not specified", "not available", "not applicable", "-":
		return true
	}
	return s != "" && strings.Trim(s, "0") == ""
}

// unserial reports whether a row may be a chassis whose serial was not read.
func (p *parts) unserial() bool {
	return slices.ContainsFunc(p.rows, func(r partRow) bool { return r.unserial })
}

// same reports whether two inventories say the same.
func (p *parts) same(o *parts) bool { return p.text == o.text && slices.Equal(p.rows, o.rows) }

// entity returns a row.
func (p *parts) entity(i int) entity {
	r := p.rows[i]
	rest := p.text[r.at:]
	next := func(text int) string {
		s := rest[:r.lengths[text]]
		rest = rest[len(s):]
		return s
	}
	return entity{
		descr: next(0), name: next(1), hardware: next(2), version: next(3), serial: next(4), model: next(5),
		parent: r.parent, class: r.class, unnamed: r.unnamed, unclassed: r.class == 0 && r.unserial,
	}
}

// find returns the part of an entPhysicalIndex.
func (p *parts) find(index uint32) (entity, bool) {
	i, ok := slices.BinarySearchFunc(p.rows, index, func(r partRow, index uint32) int { return cmp.Compare(r.index, index) })
	if !ok {
		return entity{}, false
	}
	return p.entity(i), true
}

// at is find for the index of another table's row.
func (p *parts) at(index string) (entity, bool) {
	n, err := strconv.ParseUint(index, 10, 32)
	if err != nil {
		return entity{}, false
	}
	return p.find(uint32(n))
}

// member returns the stack member a part belongs to, or "". The thousands of the index of a
// part are its member, but where members have slots: there they are the slot (1000 is slot 1
// of one chassis, 11000 that of the other), chassis and supplies stand below 1000, and the
// member is in the name of the chassis: "Switch 1 Chassis".
func (p *parts) member(index string) string {
	if !p.slots {
		return thousands(index)
	}
	e, ok := p.at(index)
	for depth := 0; ok && depth < maxDepth; depth++ {
		if e.class == classChassis {
			return firstNumber(e.name)
		}
		e, ok = p.find(e.parent)
	}
	return ""
}
