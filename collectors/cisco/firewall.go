package cisco

// scalar returns the row of a group of scalars.
func (g *grid) scalar() int {
	if row, ok := g.at["0"]; ok {
		return row
	}
	return len(g.index)
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
