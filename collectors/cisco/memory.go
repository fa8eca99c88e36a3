package cisco

import (
	"slices"
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

// readMemory reads the memory pools out of the best table the device has, and the memory of
// every member of an IOS-XE stack, whose pools are those of the active member alone.
func (c *collector) readMemory(v *visit) {
	if c.kind == CatalystKind {
		c.readSystemMemory(v)
	}
	for _, grp := range pools(c.kind) {
		g, ok := c.read(v, grp)
		if !ok {
			return
		}
		if g.read(poolUsed) > 0 || g.read(poolFree) > 0 {
			c.poolRows(v, grp, g)
			return
		}
		if !g.wholeAll() {
			return
		}
	}
}

// readSystemMemory reads the memory by CPU.
func (c *collector) readSystemMemory(v *visit) {
	g, ok := c.read(v, &systemMemoryGroup)
	if !ok {
		return
	}
	rows, names := c.cpuNames(v, g, sectionMemory)
	var narrow *grid
	for i, row := range rows {
		used, free, usedReason, freeReason := systemBytes(g, row)
		if usedReason == "" && freeReason == "" && used+free == 0 {
			if narrow == nil {
				narrow, _ = c.read(v, &systemMemory32Group)
			}
			used, free, usedReason, freeReason = systemBytes(narrow, rowOf(narrow, g.index[row]))
		}
		if isLack(usedReason) && isLack(freeReason) || usedReason == "" && freeReason == "" && used+free == 0 {
			continue
		}
		p := hw.Component{Path: "memory/system/" + names[i], Section: sectionMemory}
		if usedReason == "" && freeReason == "" {
			p.Health = c.fullness(p.Path, used, used+free)
		}
		v.gauge(p.Path, "used_bytes", float64(used<<10), usedReason)
		v.gauge(p.Path, "free_bytes", float64(free<<10), freeReason)
		v.component(p)
	}
}

// systemBytes returns what a CPU has used and free, in kilobytes.
func systemBytes(g *grid, row int) (used, free uint64, noUsed, noFree hw.Reason) {
	used, noUsed = g.number(row, systemUsed)
	free, noFree = g.number(row, systemFree)
	return used, free, noUsed, noFree
}

// poolRows adds the pools of a table.
func (c *collector) poolRows(v *visit, grp *group, g *grid) {
	var rows []int
	var names, indexes []string
	nameless := 0
	for _, row := range g.rows() {
		name, reason := g.text(row, poolName)
		if reason != "" || name == "" {
			nameless++
			if reason != "" && !isLack(reason) || g.read(poolName) > 0 {
				continue
			}
		}
		rows, names, indexes = append(rows, row), append(names, name), append(indexes, g.index[row])
	}
	if nameless > 0 && g.read(poolName) > 0 {
		v.limit(sectionMemory, hw.Partial)
		if grp != &poolGroup {
			// Which names come twice, and so what the pools are called, is not known.
			v.gap(sectionMemory+"/"+grp.objects[poolName].name, hw.Inconsistent, "not every pool has a name")
			return
		}
	}
	if twins(names) && !c.ownersKnown(indexes) {
		c.nameless(v, sectionMemory)
		return
	}
	labels := append([]string(nil), names...)
	distinguish(names, func(i int) []string { return []string{c.poolOf(indexes[i], labels[i]), "#" + indexes[i]} })
	narrow := c.narrowPools(v, grp, g, rows)
	for i, row := range rows {
		at, told := narrow.at[indexes[i]]
		if !told {
			at = len(narrow.index)
		}
		if blank(g, row) && (told || !narrow.wholeAll()) {
			c.pool(v, &enhancedPool32Group, narrow, at, names[i], labels[i])
			continue
		}
		c.pool(v, grp, g, row, names[i], labels[i])
	}
}

// narrowPools reads the 32-bit columns where a firewall leaves the 64-bit ones of some
// pools at 0. The grid is empty where nothing of it is needed.
func (c *collector) narrowPools(v *visit, grp *group, g *grid, rows []int) *grid {
	if c.kind != ASAKind || grp != &enhancedPoolGroup || !slices.ContainsFunc(rows, func(row int) bool { return blank(g, row) }) {
		return &grid{}
	}
	narrow, _ := c.read(v, &enhancedPool32Group)
	return narrow
}

// blank reports whether a pool has neither used nor free bytes.
func blank(g *grid, row int) bool {
	used, usedReason := g.number(row, poolUsed)
	free, freeReason := g.number(row, poolFree)
	return usedReason == "" && freeReason == "" && used == 0 && free == 0
}

// twins reports whether a name comes twice.
func twins(names []string) bool {
	sorted := slices.Sorted(slices.Values(names))
	return len(slices.Compact(sorted)) < len(names)
}

// ownersKnown reports whether the name of the part is known that each pool belongs to.
func (c *collector) ownersKnown(indexes []string) bool {
	for _, index := range indexes {
		if part, _, found := strings.Cut(index, "."); found {
			if _, settled := c.entityName(part); !settled {
				return false
			}
		}
	}
	return c.entities.whole
}

// poolOf names a pool with the part it belongs to: "Processor 0/0/System memory".
func (c *collector) poolOf(index, name string) string {
	part, _, found := strings.Cut(index, ".")
	if !found {
		return ""
	}
	if of, _ := c.entityName(part); of != "" {
		return pathName(of) + "/" + pathName(name)
	}
	return part + "/" + pathName(name)
}

func (c *collector) pool(v *visit, grp *group, g *grid, row int, path, name string) {
	invalid := hw.Reason("")
	if word, _ := g.word(row, poolValid); word == "false" {
		invalid = hw.NotReady
	}
	p := hw.Component{Path: "memory/" + path, Section: sectionMemory, Attrs: hw.Attrs{}.With("name", name)}
	if !c.fills(name) {
		p.Attrs = p.Attrs.With("fixed", "true")
	}
	var read [poolLargest + 1]uint64
	known := 0
	for slot := poolUsed; slot <= poolLargest; slot++ {
		n, reason := poolBytes(grp, g, row, slot)
		if invalid != "" && reason == "" {
			reason = invalid
		}
		if reason == "" {
			p.Health = hw.OK
			read[slot], known = n, known|1<<slot
		}
		v.gauge(p.Path, grp.objects[slot].as, float64(n), reason)
	}
	const both = 1<<poolUsed | 1<<poolFree
	if known&both == both && c.fills(name) {
		p.Health = c.fullness(p.Path, read[poolUsed], read[poolUsed]+read[poolFree])
	}
	v.component(p)
}

// fills reports whether a pool that is full is a fault. Others are set aside for one use and
// are full by design: "Driver text", "lsmpi_io", the pools of an ASA besides the system's.
func (c *collector) fills(pool string) bool {
	if c.kind == ASAKind {
		return strings.HasSuffix(pool, "System memory") // FTD has one of its data plane and one of Snort
	}
	return pool == "Processor" || pool == "I/O"
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
