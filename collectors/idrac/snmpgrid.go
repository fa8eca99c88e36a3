package idrac

import (
	"slices"

	"rackpost/collectors/snmp"
	"rackpost/hw"
)

// mibGrid is one table as read at one visit: columns joined by index. Nothing stands in a row that
// was not read under its index. Its texts may be parts of whole answers: what outlives the visit
// is copied.
type mibGrid struct {
	table *mibTable
	index []string       // of the rows, in the order they first appeared
	at    map[string]int // row by index
	cols  []mibColumn    // one an object of the table
	namer int            // 1 + the place of the object that named the rows before; 0 is not known
}

// mibColumn is what was read of one object.
type mibColumn struct {
	cells  []mibCell // by row
	rows   int
	reason hw.Reason // why a cell may be missing; NotSupported when all are here
}

type mibCell struct {
	value snmp.Value
	there bool
}

// maxTableRows bounds a table: what is beyond is TooMuch.
const maxTableRows = 1024

func newGrid(t *mibTable) *mibGrid {
	g := &mibGrid{table: t, at: map[string]int{}, cols: make([]mibColumn, len(t.objects))}
	for i := range g.cols {
		g.cols[i].reason = hw.NotSupported
	}
	return g
}

// fill takes a column that was read.
func (g *mibGrid) fill(slot int, col *snmp.Column) {
	c := &g.cols[slot]
	c.reason = hw.NotSupported
	if !col.Complete {
		if c.reason = col.Reason; c.reason == "" {
			c.reason = hw.DeviceError
		}
	}
	for i := range col.Rows {
		if !g.put(slot, col.Rows[i].Index, col.Rows[i].Value) {
			c.reason = hw.TooMuch
			return
		}
	}
}

// put takes one cell; false when there are too many rows.
func (g *mibGrid) put(slot int, index string, v snmp.Value) bool {
	row, ok := g.at[index]
	if !ok {
		if row = len(g.index); row >= maxTableRows {
			return false
		}
		g.index = append(g.index, index)
		g.at[index] = row
	}
	c := &g.cols[slot]
	if len(c.cells) <= row {
		c.cells = append(c.cells, make([]mibCell, row+1-len(c.cells))...)
	}
	c.cells[row] = mibCell{value: v, there: true}
	c.rows++
	return true
}

// miss says that a column could not be read, and why.
func (g *mibGrid) miss(slot int, reason hw.Reason) { g.cols[slot].reason = reason }

// value returns a cell, or why it is empty.
func (g *mibGrid) value(row, slot int) (snmp.Value, hw.Reason) {
	c := &g.cols[slot]
	if row >= len(c.cells) || !c.cells[row].there {
		return snmp.Value{}, c.reason
	}
	v := c.cells[row].value
	if !v.OK() {
		return snmp.Value{}, hw.Garbage // a NULL: there should be a value
	}
	return v, ""
}

// maxInteger is Unsigned32BitRange's greatest number.
const maxInteger = 1<<31 - 1

// signed returns a cell as a number the object can have. A row that says it has none is not there.
func (g *mibGrid) signed(row, slot int) (int64, hw.Reason) {
	v, reason := g.value(row, slot)
	if reason != "" {
		return 0, reason
	}
	n := v.Int
	switch v.Type {
	case snmp.TypeInteger:
	case snmp.TypeGauge32, snmp.TypeCounter32, snmp.TypeTimeTicks:
		n = int64(v.Uint)
	default:
		return 0, hw.Garbage
	}
	o := &g.table.objects[slot]
	most := int64(maxInteger)
	if o.most > 0 {
		most = int64(o.most)
	}
	switch {
	case n == maxInteger, o.none > 0 && n == int64(o.none):
		return 0, hw.NotSupported // what agents say for "none", and the MIB for an unknown size
	case n < 0 && !o.signed, n > most, n < -most:
		return 0, hw.OutOfRange
	}
	return n, ""
}

// number is signed for an object that is not below zero.
func (g *mibGrid) number(row, slot int) (uint64, hw.Reason) {
	n, reason := g.signed(row, slot)
	if reason == "" && n < 0 {
		reason = hw.OutOfRange
	}
	if reason != "" {
		return 0, reason
	}
	return uint64(n), ""
}

// word returns a cell as the name of its enumeration.
func (g *mibGrid) word(row, slot int) (string, hw.Reason) {
	n, reason := g.number(row, slot)
	if reason != "" {
		return "", reason
	}
	if w := g.table.objects[slot].word(n); w != "" {
		return w, ""
	}
	return "", hw.OutOfRange
}

// text returns a cell as clean text, or why there is none. What agents write where there is
// nothing is "".
func (g *mibGrid) text(row, slot int) (string, hw.Reason) {
	v, reason := g.value(row, slot)
	if reason != "" {
		return "", reason
	}
	if v.Type != snmp.TypeOctetString {
		return "", hw.Garbage
	}
	if s := v.Text(); !placeholder(s) {
		return s, ""
	}
	return "", ""
}

// placeholder says whether a text is what agents write where there is nothing to tell.
func placeholder(s string) bool {
	return slices.Contains([]string{"Not Applicable", "Not Available", "N/A", "NA", "Unknown", "UNKNOWN", "unknown", "None", "Not Specified"}, s)
}

// whole reports whether every row of a column is here.
func (g *mibGrid) whole(slot int) bool { return g.cols[slot].reason == hw.NotSupported }

// wholeAll reports whether every column was read to its end.
func (g *mibGrid) wholeAll() bool {
	for i := range g.cols {
		if !g.whole(i) {
			return false
		}
	}
	return true
}

// lacks reports whether the device has no row of a column.
func (g *mibGrid) lacks(slot int) bool { return g.cols[slot].rows == 0 && g.whole(slot) }
