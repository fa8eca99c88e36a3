package idrac

import (
	"strconv"
	"strings"

	"rackpost/collectors/redfish"
)

// tail is how far a log was read: to its newest entry, but for a hole of entries that came faster than they are read.
type tail struct {
	known  bool
	newest entryMark // the zero mark while the log is empty
	hole   hole
}

// entryMark tells an entry from others: logs give numbers again after they were cleared.
type entryMark struct{ id, created, message string }

func markOf(e *redfish.LogEntry) entryMark { return entryMark{e.ID, e.Created, e.Message} }

// hole are entries that were not read: the numbers of those around it. Above 0: there is none.
type hole struct{ above, below int64 }

// maxHole is how many entries are read later. What is more is left out: a log of 500,000 entries takes 10,000 requests.
const maxHole = 2000

// maxLost is how many entries are said to be left out: numbers are the device's.
const maxLost = 1_000_000_000

// catch is one visit's reading of a log, newest first: the pages down to the newest entry of before, then the hole.
type catch struct {
	tail  *tail
	was   tail
	lines []redfish.LogEntry // new ones
	pages int
	seen  map[string]bool

	link    string // the page that follows, as the service names it
	twin    int    // 1 + the place in lines of an entry that is like the newest of before, under another number
	reached bool   // the newest of before
	ended   bool   // the log has no more
	first   entryMark
	last    string // id of the entry read last
	inHole  bool
	left    hole // what is left of the hole of before
}

func (t *tail) catch() *catch {
	return &catch{tail: t, was: *t, seen: map[string]bool{}, left: t.hole}
}

// next returns the path of the page to read next, "" when enough was read.
func (c *catch) next(entries string) string {
	switch {
	case c.pages >= logPages || !c.was.known:
		return ""
	case !c.reached && !c.ended, c.inHole && c.left.above > 0:
		return c.link
	case c.left.above == 0 || c.inHole || !c.reached:
		return ""
	}
	newest, ok := number(c.first.id)
	if !ok || newest < c.left.above || strings.Contains(entries, "?") {
		return ""
	}
	c.inHole, c.last = true, ""
	return entries + "?$skip=" + strconv.FormatInt(max(newest-c.left.above-overlap, 0), 10)
}

// overlap is how many entries before the hole its first page repeats: entries come while pages are read.
const overlap = 2

// between returns the numbers of entries that are missing between the page before and this one.
func (c *catch) between(page []redfish.LogEntry) []string {
	if c.last == "" || len(page) == 0 {
		return nil
	}
	from, ok1 := number(c.last)
	to, ok2 := number(page[0].ID)
	if !ok1 || !ok2 || from-to-1 > maxBridge {
		return nil
	}
	var ids []string
	for n := from - 1; n > to; n-- {
		ids = append(ids, strconv.FormatInt(n, 10))
	}
	return ids
}

// add takes a page.
func (c *catch) add(p redfish.LogPage) {
	if c.pages == 0 && len(p.Entries) > 0 {
		c.first = markOf(&p.Entries[0])
	}
	c.pages++
	c.link = p.Next
	fresh := 0
	for i := range p.Entries {
		e := &p.Entries[i]
		c.last = e.ID
		if e.ID == "" || c.seen[e.ID] {
			continue
		}
		c.seen[e.ID] = true
		fresh++
		switch {
		case c.inHole:
			c.fill(e)
		case !c.reached:
			c.take(e)
		}
	}
	if fresh == 0 {
		c.link = "" // the pages do not end
	}
	c.ended = c.link == ""
}

// take takes an entry above the newest of before.
func (c *catch) take(e *redfish.LogEntry) {
	m := markOf(e)
	switch {
	case c.was.known && m == c.was.newest:
		c.reached = true
		return
	case c.was.known && c.twin == 0 && m.created == c.was.newest.created && m.message == c.was.newest.message:
		c.twin = len(c.lines) + 1
	}
	c.lines = append(c.lines, *e)
}

// fill takes an entry of the hole.
func (c *catch) fill(e *redfish.LogEntry) {
	n, ok := number(e.ID)
	switch {
	case !ok || c.left.above == 0 || n >= c.left.above:
	case n <= c.left.below:
		c.left = hole{}
	default:
		c.lines = append(c.lines, *e)
		if c.left.above = n; n == c.left.below+1 {
			c.left = hole{}
		}
	}
}

// end remembers how far the log was read. It returns how many entries are left out, and how many are read later.
func (c *catch) end() (lost, late int) {
	t := c.tail
	t.known, t.newest, t.hole = true, c.first, c.left
	switch {
	case !c.was.known, c.reached:
	case c.twin > 0: // numbered anew: what is below is known
		c.lines, t.hole = c.lines[:c.twin-1], hole{}
	default:
		lost = c.dig()
	}
	if t.hole.above > 0 {
		late = int(t.hole.above - t.hole.below - 1)
	}
	return lost, late
}

// dig remembers the hole between what was read and the newest entry of before, where that is further down. It returns how
// many entries are left out.
func (c *catch) dig() (lost int) {
	older := int64(0) // of two holes the upper one is kept
	if c.left.above > 0 {
		older = c.left.above - c.left.below - 1
	}
	c.tail.hole = hole{}
	newest, ok1 := number(c.first.id)
	above, ok2 := number(c.last)
	before, ok3 := number(c.was.newest.id)
	ok3 = ok3 || c.was.newest == entryMark{}                // it was empty
	if !ok1 || !ok2 || !ok3 || newest < before || c.ended { // cleared, or without numbers: it is another log
		return 0
	}
	missing := above - before - 1
	switch {
	case missing > maxHole:
		return int(min(missing, maxLost) + older)
	case missing > 0:
		c.tail.hole = hole{above: above, below: before}
	}
	return int(older)
}

func number(id string) (int64, bool) {
	n, err := strconv.ParseInt(id, 10, 64)
	return n, err == nil && n > 0
}
