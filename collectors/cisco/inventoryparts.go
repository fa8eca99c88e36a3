package cisco

import (
	"strconv"
	"strings"

	"rackpost/hw"
)

// The other classes of entPhysicalClass that are judged by.
const (
	classFan   = 7
	classStack = 11
)

// partClass names a class whose parts are listed, or returns "".
func partClass(class uint8) string {
	switch class {
	case classSupply:
		return "powerSupply"
	case classFan:
		return "fan"
	case classModule:
		return "module"
	case classPort:
		return "port"
	}
	return ""
}

// report adds the parts one can hold in the hand: what has a serial or a model. A bay
// that is empty has neither. One that was exchanged shows as another serial; one of which
// not all was read is left out, since what it lacks would look like a change.
func (p *parts) report(v *visit, g *grid) {
	stacked := p.stacked()
	var found []int
	var names []string
	ragged := false
	for i, r := range p.rows {
		e := p.entity(i)
		listed := partClass(r.class) != ""
		if r.ragged && (listed || r.class == 0 && g.read(entityClass) > 0) {
			ragged = true
			continue
		}
		if !listed || e.serial == "" && e.model == "" {
			continue
		}
		found, names = append(found, i), append(names, p.label(i, stacked))
	}
	if ragged && g.wholeAll() {
		v.limit(sectionInventory, hw.Partial)
		v.gap(sectionInventory+"/entPhysicalEntry", hw.Inconsistent, "rows without all of their objects: parts that came or went while they were read")
	}
	index := func(i int) string { return strconv.FormatUint(uint64(p.rows[i].index), 10) }
	distinguish(names, func(n int) []string { return []string{"#" + index(found[n])} })
	for n, i := range found {
		e := p.entity(i)
		a := hw.Attrs{}.With("serial", e.serial).With("model", e.model).With("version", e.version).
			With("hardware", e.hardware).With("descr", e.descr).With("class", partClass(e.class))
		if stacked {
			a = a.With("member", p.member(index(i)))
		}
		v.component(hw.Component{Path: "part/" + names[n], Section: sectionInventory, Health: hw.OK, Attrs: a})
	}
}

// stacked reports whether the inventory is that of a stack, be it of one.
func (p *parts) stacked() bool {
	units := 0
	for _, r := range p.rows {
		switch r.class {
		case classStack:
			return true
		case classChassis:
			units++
		}
	}
	return units > 1
}

// label returns the name of a part for its path. In a stack several members have parts of
// one name: where the name does not begin with its member, the index makes it one, and so
// it stays when the others leave.
func (p *parts) label(i int, stacked bool) string {
	e := p.entity(i)
	name := e.name
	if name == "" {
		name = e.descr
	}
	index := strconv.FormatUint(uint64(p.rows[i].index), 10)
	if member := p.member(index); stacked && member != "" && name != "" && firstNumber(name) != member {
		return pathName(name) + "#" + index
	}
	return name
}

// firstNumber returns the first digits in s.
func firstNumber(s string) string {
	const digits = "0123456789"
	i := strings.IndexAny(s, digits)
	if i < 0 {
		return ""
	}
	return s[i : len(s)-len(strings.TrimLeft(s[i:], digits))]
}
