package snmp

import (
	"slices"
)

// doubt looks for columns whose end cannot be true and reopens them, to be asked again from
// their last row. An agent that mixes up answers, or another's answer, can end a column
// early without any name being out of order; but the object after a column's end is the
// next in the MIB, so no later column may have a row before it. All ends of an answer that
// ended one column wrongly are doubted.
func (w *walk) doubt() bool {
	order := make([]*progress, 0, len(w.cols))
	for i := range w.cols {
		order = append(order, &w.cols[i])
	}
	slices.SortFunc(order, func(a, b *progress) int { return compareOID(a.prefix, b.prefix) })
	doubted := map[uint32]bool{} // answers
	next := ""                   // first row of the nearest later column that has rows
	for _, c := range slices.Backward(order) {
		if c.Complete && !c.alone && c.passes(next) {
			doubted[c.endedBy] = true
		}
		if len(c.Rows) > 0 {
			next = c.prefix + c.Rows[0].Index
		}
	}
	found := false
	for _, c := range order {
		if c.Complete && !c.alone && (c.suspect || doubted[c.endedBy]) {
			c.done, c.Complete, c.alone, c.probe, found = false, false, true, true, true
			c.after, c.beyond = "", ""
		}
	}
	return found
}

// passes reports whether c's end lies beyond the row next.
func (c *progress) passes(next string) bool {
	return next != "" && (c.after == "" || compareOID(c.after, next) > 0)
}

// emptyBefore reports whether c had no row and ended in another column of the same request:
// an answer with one varbind left out looks like that.
func (w *walk) emptyBefore(c *progress) bool {
	return len(c.Rows) == 0 && slices.ContainsFunc(w.batch, func(d *progress) bool { return under(c.after, d.prefix) })
}
