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
	for i, row := range rows {
		c.cpu(v, g, row, "cpu/"+names[i])
	}
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
	case reason == "" || isLack(reason) || reason == hw.OutOfRange || reason == hw.Garbage:
		return index, true
	}
	return "", false
}

func (c *collector) cpu(v *visit, g *grid, row int, path string) {
	health := hw.Unknown
	for slot := cpuLoads; slot < len(g.cols); slot++ {
		if _, reason := g.number(row, slot); reason == "" {
			health = hw.OK
		}
	}
	v.component(hw.Component{Path: path, Section: sectionCPU, Health: health})
	for slot := cpuLoads; slot < len(g.cols); slot++ {
		n, reason := g.number(row, slot)
		v.gauge(path, cpuGroup.objects[slot].as, float64(n), reason)
	}
}
