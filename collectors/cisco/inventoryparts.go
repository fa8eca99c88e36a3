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
	for i, r := range p.rows {
		e := p.entity(i)
		unclassed := r.class == 0 && g.read(entityClass) > 0 // a part by what is read, unless its class says other
		if partClass(r.class) == "" && !unclassed || e.serial == "" && e.model == "" || !wholePart(v, g, r.index) || unclassed {
			continue
		}
		found, names = append(found, i), append(names, p.label(i, stacked))
	}
	index := func(i int) string { return strconv.FormatUint(uint64(p.rows[i].index), 10) }
	distinguish(names, func(n int) []string { return []string{"#" + index(found[n])} })
	for n, i := range found {
		e := p.entity(i)
		a := hw.Attrs{}.With("serial", e.serial).With("model", e.model).With("version", e.version).
			With("hardware", e.hardware).With("descr", e.descr).With("class", partClass(e.class))
		if stacked {
			a = a.With("member", thousands(index(i)))
		}
		v.component(hw.Component{Path: "part/" + names[n], Section: sectionInventory, Health: hw.OK, Attrs: a})
	}
}

// wholePart reports whether all that was to be read of a part was. A row of which a column
// that has rows lacks one came or went while the table was read.
func wholePart(v *visit, g *grid, index uint32) bool {
	row, ok := g.at[strconv.FormatUint(uint64(index), 10)]
	if !ok {
		return false
	}
	for slot := range g.cols {
		switch {
		case g.cell(row, slot) != 0 || g.whole(slot) && g.read(slot) == 0:
		case !g.whole(slot):
			return false
		default:
			v.limit(sectionInventory, hw.Partial)
			v.gap(sectionInventory+"/"+g.cols[slot].object.name, hw.Inconsistent, "not told of row "+g.index[row]+", a part")
			return false
		}
	}
	return true
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
	if member := thousands(index); stacked && member != "" && name != "" && firstNumber(name) != member {
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
