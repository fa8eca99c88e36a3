package idrac

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rackpost/collectors/redfish"
)

// book is a log in memory, the oldest entry first, which a tail reads by pages.
type book struct {
	entries []redfish.LogEntry
	last    int // number given last
	skew    int // what $skip is wrong by: an iDRAC10 is off by one
	stuck   bool
}

func (b *book) write(n int, created string) {
	for range n {
		b.last++
		b.entries = append(b.entries, redfish.LogEntry{Resource: redfish.Resource{ID: strconv.Itoa(b.last)}, Created: created, Message: fmt.Sprint("entry ", b.last)})
	}
}

func (b *book) page(path string) redfish.LogPage {
	_, text, _ := strings.Cut(path, "?$skip=")
	skip, _ := strconv.Atoi(text)
	if skip > 0 {
		skip = max(skip+b.skew, 0)
	}
	from := min(skip, len(b.entries))
	to := min(from+50, len(b.entries))
	p := redfish.LogPage{Entries: slices.Clone(b.entries[len(b.entries)-to : len(b.entries)-from])}
	slices.Reverse(p.Entries)
	if to < len(b.entries) && to > from {
		p.Next = fmt.Sprintf("/log?$skip=%d", to-b.skew)
	}
	if b.stuck {
		p.Next = path
	}
	return p
}

// read is one visit: the numbers of the lines told, and what is said of the rest.
func (b *book) read(t *tail) (lines []string, lost, late int) {
	c := t.catch()
	pages := 0
	for path := "/log"; path != ""; path = c.next("/log") {
		p := b.page(path)
		var between []redfish.LogEntry
		for _, id := range c.between(p.Entries) {
			if i := slices.IndexFunc(b.entries, func(e redfish.LogEntry) bool { return e.ID == id }); i >= 0 {
				between = append(between, b.entries[i])
			}
		}
		p.Entries = slices.Concat(between, p.Entries)
		c.add(p)
		if pages++; pages > logPages {
			panic("more pages than a visit may read")
		}
	}
	lost, late = c.end()
	for i := range c.lines {
		lines = append(lines, c.lines[i].ID)
	}
	return lines, lost, late
}

// Whatever is written between visits, each entry is told once, or said to be left out.
func TestTailTellsEachEntryOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := &book{skew: rapid.IntRange(-1, 1).Draw(t, "skew")}
		b.write(rapid.IntRange(0, 130).Draw(t, "at first"), "d0")
		var at tail
		first, _, _ := b.read(&at)
		told := map[string]bool{}
		for _, id := range first {
			told[id] = true
		}
		begin, lost := b.last, 0
		visits := rapid.IntRange(1, 8).Draw(t, "visits")
		for v := range visits + 20 {
			if v < visits {
				b.write(rapid.OneOf(rapid.IntRange(0, 60), rapid.IntRange(0, 600), rapid.IntRange(2000, 3000)).Draw(t, "written"), fmt.Sprint("d", v/2))
			}
			lines, gone, late := b.read(&at)
			lost += gone
			for _, id := range lines {
				if told[id] {
					t.Fatalf("entry %s was told twice", id)
				}
				told[id] = true
			}
			if late < 0 || late > maxHole {
				t.Fatalf("%d entries are to be read later", late)
			}
		}
		missed := 0
		for n := begin + 1; n <= b.last; n++ {
			if !told[strconv.Itoa(n)] {
				missed++
			}
		}
		if missed > lost {
			t.Fatalf("%d entries of %d were not told, %d were said to be left out", missed, b.last-begin, lost)
		}
	})
}

// A log that was cleared is another log; one that numbers its entries anew is the same.
func TestTailOfAnotherLog(t *testing.T) {
	t.Parallel()
	b := &book{}
	b.write(100, "d0")
	var at tail
	b.read(&at)
	b.entries, b.last = nil, 0
	b.write(3, "d1")
	if lines, lost, late := b.read(&at); len(lines) != 3 || lost+late != 0 {
		t.Errorf("cleared and written: %v, %d, %d", lines, lost, late)
	}
	b.entries, b.last = nil, 0
	if lines, _, _ := b.read(&at); len(lines) != 0 {
		t.Errorf("cleared: %v", lines)
	}
	b.write(2, "d2")
	if lines, _, _ := b.read(&at); len(lines) != 2 {
		t.Errorf("the first lines after that: %v", lines)
	}
	full := &book{}
	full.write(1024, "d0")
	var wrapped tail
	full.read(&wrapped)
	full.write(5, "d1")
	full.entries = full.entries[5:]
	for i := range full.entries { // the newest is always the 1024th
		full.entries[i].ID = strconv.Itoa(i + 1)
	}
	if lines, lost, late := full.read(&wrapped); len(lines) != 5 || lost+late != 0 {
		t.Errorf("numbered anew: %d lines, %d, %d", len(lines), lost, late)
	}
	stuck := &book{stuck: true}
	stuck.write(60, "d0")
	var circle tail
	stuck.read(&circle)
	stuck.write(500, "d1")
	stuck.read(&circle)
}

// The numbers of entries are the device's, and may be any.
func TestTailOfHugeNumbers(t *testing.T) {
	t.Parallel()
	at := tail{known: true, newest: entryMark{id: "1"}, hole: hole{above: 1900, below: 2}}
	for _, id := range []string{"9223372036854775807", "9223372036854775806", "-9223372036854775808", "99999999999999999999"} {
		c := at.catch()
		c.add(redfish.LogPage{Entries: []redfish.LogEntry{{Resource: redfish.Resource{ID: id}, Message: "new"}}, Next: "/log?$skip=1"})
		if n, ok := number(id); ok {
			if lost, late := c.end(); lost <= 0 || late != 0 || n <= 0 {
				t.Errorf("entry %s: %d lost, %d later", id, lost, late)
			}
		} else if lost, late := c.end(); lost != 0 || late != 0 {
			t.Errorf("entry %s: %d lost, %d later", id, lost, late)
		}
		at = tail{known: true, newest: entryMark{id: "1"}, hole: hole{above: 1900, below: 2}}
	}
}
