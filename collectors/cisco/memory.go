package cisco

import (
	"strings"

	"rackpost/hw"
)

// pools returns the pool tables of a kind in the order they are tried; the first with a
// value is taken. An ASA is asked for the old table last, and only when it has no other:
// reading it stalls its CPU, and its 32 bits wrap.
func pools(kind string) []*group {
	if kind == ASAKind {
		return []*group{&enhancedPoolGroup, &enhancedPool32Group, &poolGroup}
	}
	return []*group{&poolGroup, &enhancedPoolGroup, &enhancedPool32Group}
}

// readMemory reads the memory pools out of the best table the device has.
func (c *collector) readMemory(v *visit) {
	for _, grp := range pools(c.kind) {
		g, ok := c.read(v, grp)
		if !ok {
			return
		}
		if g.rows(poolUsed) > 0 || g.rows(poolFree) > 0 {
			c.poolRows(v, grp, g)
			return
		}
		if !g.wholeAll() {
			return
		}
	}
}

// poolRows adds the pools of a table.
func (c *collector) poolRows(v *visit, grp *group, g *grid) {
	var rows []int
	var names, indexes []string
	for row, index := range g.index {
		if !g.present(row) {
			continue
		}
		name, reason := g.text(row, poolName)
		if reason != "" && !isLack(reason) {
			v.limit(sectionMemory, hw.Partial)
			continue
		}
		rows, names, indexes = append(rows, row), append(names, name), append(indexes, index)
	}
	labels := append([]string(nil), names...)
	distinguish(names, func(i int) []string { return []string{c.poolOf(indexes[i], labels[i]), "#" + indexes[i]} })
	for i, row := range rows {
		c.pool(v, grp, g, row, names[i], labels[i])
	}
}

// poolOf names a pool with the part it belongs to: "Processor 0/0/System memory".
func (c *collector) poolOf(index, name string) string {
	part, _, found := strings.Cut(index, ".")
	if !found {
		return ""
	}
	if of, _ := c.entityName(part); of != "" {
		return of + "/" + name
	}
	return part + "/" + name
}

// fixedPool is the pool IOS fills by design.
const fixedPool = "Driver text"

func (c *collector) pool(v *visit, grp *group, g *grid, row int, path, name string) {
	invalid := hw.Reason("")
	if word, _ := g.word(row, poolValid); word == "false" {
		invalid = hw.NotReady
	}
	p := hw.Component{Path: "memory/" + path, Section: sectionMemory, Attrs: hw.Attrs{}.With("name", name)}
	if name == fixedPool {
		p.Attrs = p.Attrs.With("fixed", "true")
	}
	for slot := poolUsed; slot <= poolLargest; slot++ {
		n, reason := poolBytes(grp, g, row, slot)
		if invalid != "" && reason == "" {
			reason = invalid
		}
		if reason == "" {
			p.Health = hw.OK
		}
		v.gauge(p.Path, grp.objects[slot].as, float64(n), reason)
	}
	v.component(p)
}

// poolBytes returns a number of bytes; the 32-bit columns of the enhanced table are told
// with how often they overflowed.
func poolBytes(grp *group, g *grid, row, slot int) (uint64, hw.Reason) {
	n, reason := g.number(row, slot)
	if reason != "" || grp != &enhancedPool32Group {
		return n, reason
	}
	over, reason := g.number(row, slot-poolUsed+poolUsedOverflow)
	switch {
	case reason == "":
		return over<<32 + n, ""
	case isLack(reason):
		return n, ""
	}
	return 0, reason
}
