package cisco

import "rackpost/hw"

const dot3Stats = mib2 + "10.7.2.1."

func linkGroups() []*group { return []*group{&linkGroup} }

// The places of the objects of linkGroup; the counters follow.
const (
	linkDuplex = iota
	linkCounters
)

var linkGroup = group{
	section: sectionLinks, component: "port/<ifName>", mib: "EtherLike-MIB", kinds: catalystOnly, timed: true,
	objects: []object{
		{
			name: "dot3StatsDuplexStatus", oid: dot3Stats + "19", use: state, as: toldDuplex,
			words: []string{"", "unknown", "halfDuplex", "fullDuplex"},
			note:  "unknown, and what is said of a port without link, is not told",
		},
		counter("dot3StatsFCSErrors", dot3Stats+"3", "rx_fcs_errors_total", "", ""),
		counter("dot3StatsAlignmentErrors", dot3Stats+"2", "rx_alignment_errors_total", "", ""),
		counter("dot3StatsLateCollisions", dot3Stats+"8", "tx_late_collisions_total", "", ""),
	},
}

// readLinks reads what finds a bad cable and two ends of a link that do not agree. The
// ports, read after it, drop the duplex of those without link.
func (c *collector) readLinks(v *visit) {
	c.needPortNames(v)
	g, ok := c.read(v, &linkGroup)
	consistent := ok && c.sameBoot(v, sectionLinks)
	for i := range c.ports.list {
		p := &c.ports.list[i]
		row, known := g.at[p.index]
		if !ok || !known || !g.present(row) {
			p.tell(toldDuplex, "")
			continue
		}
		duplex, _ := g.word(row, linkDuplex)
		if duplex == "unknown" {
			duplex = ""
		}
		p.tell(toldDuplex, duplex)
		for slot := linkCounters; slot < len(linkGroup.objects); slot++ {
			c.count32(v, g, row, slot, p.path, c.portStart(p), consistent)
		}
	}
	if g.any() && !c.ports.named {
		v.limit(sectionLinks, hw.Partial)
	}
}

// count32 adds a counter of a row, if the device has its column. Without one clock for all
// of the table its value cannot be placed.
func (c *collector) count32(v *visit, g *grid, row, slot int, path string, base int64, consistent bool) {
	if g.lacks(slot) {
		return
	}
	n, reason := g.number(row, slot)
	if reason == "" && !consistent {
		reason = hw.Inconsistent
	}
	c.counter(v, path, g.cols[slot].object.as, n, base, reason)
}
