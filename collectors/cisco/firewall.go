package cisco

// scalar returns the row of a group of scalars.
func (g *grid) scalar() int {
	if row, ok := g.at["0"]; ok {
		return row
	}
	return len(g.index)
}

// told reports whether any of some objects was read.
func (g *grid) told(row int, slots ...int) bool {
	for _, slot := range slots {
		if g.cell(row, slot) != 0 {
			return true
		}
	}
	return false
}

// lacking reports whether the device has none of some objects: it told so.
func (g *grid) lacking(row int, slots ...int) bool {
	for _, slot := range slots {
		if _, reason := g.value(row, slot); !isLack(reason) {
			return false
		}
	}
	return true
}
