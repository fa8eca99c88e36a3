package cisco

import "rackpost/hw"

// readCPU reads the load of every CPU: one a stack member on IOS-XE, one a core on ASA,
// and a lone one on IOS. The oldest switches know only the scalars of OLD-CISCO-CPU-MIB.
func (c *collector) readCPU(v *visit) {
	g, ok := c.read(v, &cpuGroup)
	if !ok {
		return
	}
	if !g.any() && c.kind == CatalystKind && g.wholeAll() {
		if g, ok = c.read(v, &oldCPUGroup); !ok {
			return
		}
	}
	rows, names := c.cpuNames(v, g, sectionCPU)
	fives := c.intervals(v, g)
	byIndex := make(map[string]string, len(rows))
	for i, row := range rows {
		byIndex[g.index[row]] = names[i]
		c.loads(v, g, row, cpuLoads, "cpu/"+names[i], fives)
	}
	c.readCores(v, byIndex, g.wholeAll())
}

// cpuNames names the rows by the part they belong to, else by their index.
func (c *collector) cpuNames(v *visit, g *grid, section string) (rows []int, names []string) {
	var indexes []string
	for _, row := range g.rows() {
		index := g.index[row]
		name, ok := c.cpuName(g, row)
		if !ok {
			c.nameless(v, section)
			continue
		}
		rows, names, indexes = append(rows, row), append(names, name), append(indexes, index)
	}
	distinguish(names, func(i int) []string { return []string{"#" + indexes[i]} })
	return rows, names
}

func (c *collector) cpuName(g *grid, row int) (string, bool) {
	index := g.index[row]
	if index == "0" {
		index = "1" // of the old scalars
	}
	part, reason := g.text64(row, cpuPhysical)
	switch {
	case reason == "" && part != "0":
		name, settled := c.entityName(part)
		if name != "" {
			return name, true
		}
		return index, settled
	case reason == "":
		return index, true
	case isLack(reason) || reason == hw.OutOfRange || reason == hw.Garbage:
		return index, !namesParts(g)
	}
	return "", false
}

// namesParts reports whether any CPU tells the part it belongs to: one that does not is
// then one of which that was not read.
func namesParts(g *grid) bool {
	for row := range g.index {
		if part, reason := g.number(row, cpuPhysical); reason == "" && part != 0 {
			return true
		}
	}
	return false
}

// loads adds the loads of one CPU or core, which stand from first on in the grid. Fives,
// if any, tells the one of five seconds.
func (c *collector) loads(v *visit, g *grid, row, first int, path string, fives *grid) {
	health := hw.Unknown
	for slot := first; slot < len(g.cols); slot++ {
		n, reason := g.number(row, slot)
		if slot == first && fives != nil {
			n, reason = fives.busy(g.index[row])
		}
		if reason == "" {
			health = hw.OK
		}
		v.gauge(path, cpuGroup.objects[cpuLoads+slot-first].as, float64(n), reason)
	}
	v.component(hw.Component{Path: path, Section: sectionCPU, Health: health})
}
