package cisco

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"rackpost/collectors/snmp"
	"rackpost/hw"
)

// grid is one group as read at one visit: columns joined by index. A cell is a value, or
// the reason there is none; nothing stands in a row that was not read under its index. Its
// texts may be parts of whole answers: what outlives the visit is copied.
type grid struct {
	index []string       // of the rows, in the order they first appeared
	at    map[string]int // row by index
	cols  []column       // one an object of the group
	tree  []int          // the rows in the order of the OID tree, whatever order they came in
	rowed []int          // scratch of rows
}

// column is what was read of one object.
type column struct {
	object *object // that was read: the group's, or its fall-back
	cells  []snmp.Row
	has    []int32   // by row of the grid: 1 + the place in cells; 0 is none
	reason hw.Reason // why a row may be missing; NotSupported when all rows are here
}

// begin empties the grid for n columns; only its memory stays.
func (g *grid) begin(n int) {
	clear(g.index)
	clear(g.at)
	g.index, g.tree, g.rowed = g.index[:0], g.tree[:0], g.rowed[:0]
	if len(g.cols) != n {
		g.cols = make([]column, n)
	}
	for i := range g.cols {
		c := &g.cols[i]
		c.object, c.cells, c.has, c.reason = nil, nil, c.has[:0], hw.NotSupported
	}
}

// fill takes a column that was read for o.
func (g *grid) fill(slot int, o *object, col *snmp.Column) {
	c := &g.cols[slot]
	c.object, c.cells, c.reason = o, col.Rows, hw.NotSupported
	if !col.Complete {
		if c.reason = col.Reason; c.reason == "" {
			c.reason = hw.DeviceError
		}
	}
	next := 0
	for i := range col.Rows {
		row := g.row(col.Rows[i].Index, next)
		if row < 0 {
			c.reason = hw.TooMuch
			return
		}
		for len(c.has) <= row {
			c.has = append(c.has, 0)
		}
		c.has[row] = int32(i + 1)
		next = row + 1
	}
}

// miss says that a column could not be read, and why.
func (g *grid) miss(slot int, o *object, reason hw.Reason) {
	c := &g.cols[slot]
	c.object, c.cells, c.reason = o, nil, reason
}

// maxRows bounds a table: what is beyond is TooMuch.
const maxRows = 4096

// row returns the row of an index and makes it if it is new, or -1 when there are too many.
// Columns run through the same rows in the same order, so the guess is nearly always right.
func (g *grid) row(index string, guess int) int {
	if guess < len(g.index) && g.index[guess] == index {
		return guess
	}
	if row, ok := g.at[index]; ok {
		return row
	}
	if g.at == nil {
		g.at = map[string]int{}
	}
	row := len(g.index)
	if row >= maxRows {
		return -1
	}
	g.index = append(g.index, index)
	g.at[index] = row
	return row
}

// cell returns 1 + the place of a cell in its column, or 0 where there is none.
func (g *grid) cell(row, slot int) int32 {
	if has := g.cols[slot].has; row < len(has) {
		return has[row]
	}
	return 0
}

// value returns a cell, or why it is empty.
func (g *grid) value(row, slot int) (snmp.Value, hw.Reason) {
	c, place := &g.cols[slot], g.cell(row, slot)
	if place == 0 {
		return snmp.Value{}, c.reason
	}
	v := c.cells[place-1].Value
	if !v.OK() {
		return snmp.Value{}, hw.Garbage // a NULL: there should be a value
	}
	return v, ""
}

// number returns a cell as a number within the object's range.
func (g *grid) number(row, slot int) (uint64, hw.Reason) {
	v, reason := g.value(row, slot)
	if reason != "" {
		return 0, reason
	}
	n := v.Uint
	switch v.Type {
	case snmp.TypeInteger:
		if v.Int < 0 {
			return 0, hw.OutOfRange
		}
		n = uint64(v.Int)
	case snmp.TypeCounter32, snmp.TypeGauge32, snmp.TypeCounter64, snmp.TypeTimeTicks:
	default:
		return 0, hw.Garbage
	}
	o := g.cols[slot].object
	if o.max > 0 && n > o.max || o.latch && n == max32 {
		return 0, hw.OutOfRange
	}
	return n, ""
}

// signed is number for an object that may be negative. It has no range.
func (g *grid) signed(row, slot int) (int64, hw.Reason) {
	v, reason := g.value(row, slot)
	if reason != "" {
		return 0, reason
	}
	switch v.Type {
	case snmp.TypeInteger:
		return v.Int, ""
	case snmp.TypeGauge32:
		return int64(v.Uint), ""
	}
	return 0, hw.Garbage
}

// word returns a cell as the name of its enumeration.
func (g *grid) word(row, slot int) (string, hw.Reason) {
	n, reason := g.number(row, slot)
	if reason == hw.OutOfRange {
		reason = hw.Garbage // a negative number names nothing in any MIB
	}
	if reason != "" {
		return "", reason
	}
	w := g.cols[slot].object.word(n)
	if w == "" {
		return "", hw.OutOfRange
	}
	return w, ""
}

// text returns a cell as clean text, or why there is none. Text may be empty.
func (g *grid) text(row, slot int) (string, hw.Reason) {
	v, reason := g.value(row, slot)
	if reason != "" {
		return "", reason
	}
	if v.Type != snmp.TypeOctetString {
		return "", hw.Garbage
	}
	return v.Text(), ""
}

// whole reports whether every row of a column is here.
func (g *grid) whole(slot int) bool { return g.cols[slot].reason == hw.NotSupported }

// read returns how many rows of a column were read.
func (g *grid) read(slot int) int { return len(g.cols[slot].cells) }

// lacks reports whether the device has no row of a column.
func (g *grid) lacks(slot int) bool { return g.read(slot) == 0 && g.whole(slot) }

// rows returns the rows that hold anything, in the order of the OID tree. The slice is
// good until the next call.
func (g *grid) rows() []int {
	if len(g.tree) != len(g.index) {
		g.tree = g.tree[:0]
		for row := range g.index {
			g.tree = append(g.tree, row)
		}
		slices.SortFunc(g.tree, func(a, b int) int { return compareIndex(g.index[a], g.index[b]) })
	}
	g.rowed = g.rowed[:0]
	for _, row := range g.tree {
		if g.present(row) {
			g.rowed = append(g.rowed, row)
		}
	}
	return g.rowed
}

// compareIndex orders indexes as the OID tree does: by number, part by part.
func compareIndex(a, b string) int {
	for a != "" && b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if c := cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y)); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

// any reports whether any column has a row.
func (g *grid) any() bool {
	for i := range g.cols {
		if len(g.cols[i].cells) > 0 {
			return true
		}
	}
	return false
}

// count returns how many rows hold anything.
func (g *grid) count() int { return len(g.rows()) }

// present reports whether any column holds the row.
func (g *grid) present(row int) bool {
	for i := range g.cols {
		if g.cell(row, i) != 0 {
			return true
		}
	}
	return false
}

// wholeAll reports whether every column was read to its end.
func (g *grid) wholeAll() bool {
	for i := range g.cols {
		if !g.whole(i) {
			return false
		}
	}
	return true
}

// text64 returns a number as decimal text.
func (g *grid) text64(row, slot int) (string, hw.Reason) {
	n, reason := g.number(row, slot)
	if reason != "" {
		return "", reason
	}
	return strconv.FormatUint(n, 10), ""
}
