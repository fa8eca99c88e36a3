package cisco

import (
	"cmp"
	"slices"
	"strconv"

	"rackpost/collectors"
	"rackpost/collectors/snmp"
	"rackpost/hw"
)

const (
	carriedTogether = 2   // ports in one request: eight objects of 128 bytes fit a packet
	maxCarried      = 128 // ports a visit whose list is read: 64 requests

	carriedOctets = 128  // of one column: 1,024 VLANs
	basicVLANs    = 1005 // those of a switch without extended VLANs
	maxVLANList   = 240  // bytes of a list; what is beyond is counted
)

// readCarried reads the VLANs that trunks carry, of so many ports a visit: those whose list
// is not known first, then in turn.
func (c *collector) readCarried(v *visit, trunks []*port) {
	if len(trunks) > maxCarried {
		trunks = c.inTurn(v, trunks)
	}
	columns := len(carriedGroup.objects)
	lists := make([][]snmp.Var, 0, len(trunks))
	told, extended := false, false
	for part := range slices.Chunk(trunks, carriedTogether) {
		oids := make([]string, 0, carriedTogether*columns)
		for _, p := range part {
			for i := range columns {
				oids = append(oids, carriedGroup.objects[i].oid+"."+p.index)
			}
		}
		vars, ok := c.fetch(v, sectionVLANs, oids)
		if !ok {
			return
		}
		for row := range slices.Chunk(vars, columns) {
			lists = append(lists, row)
			told = told || row[0].Reason != hw.NotSupported
			extended = extended || slices.ContainsFunc(row[1:carriedLists], snmp.Var.OK)
		}
	}
	for i, p := range trunks {
		if n := lists[i][carriedNative]; n.Reason == "" && n.Type == snmp.TypeInteger && n.Int > 0 && n.Int <= maxVLAN {
			p.mark("native_vlan", vlanNumber(uint64(n.Int)))
		}
	}
	if told { // else the switch has no such column
		c.markCarried(v, trunks, lists, extended || len(trunks) > 0 && !c.basicOnly(v))
	}
}

// basicOnly reports whether the switch has no column for VLANs above 1023: one request for
// its first row tells, where no trunk has one.
func (c *collector) basicOnly(v *visit) bool {
	oid := carriedGroup.objects[1].oid
	if c.lacks[oid] {
		return true
	}
	c.session.MostRows(1)
	defer c.session.MostRows(0)
	t, err := c.session.Walk(v.ctx, oid)
	if err != nil {
		c.unread(v, sectionVLANs, collectors.ReasonOf(err), err)
		return false
	}
	c.lacks[oid] = t[0].Complete && len(t[0].Rows) == 0
	return c.lacks[oid]
}

// markCarried marks each trunk with its list.
func (c *collector) markCarried(v *visit, trunks []*port, lists [][]snmp.Var, extended bool) {
	var missing hw.Reason
	for i, p := range trunks {
		list, reason := vlanList(lists[i], extended)
		if reason != "" {
			missing = reason
			continue
		}
		p.mark("allowed_vlans", c.shared.texts.one(list))
	}
	if missing != "" {
		v.limit(sectionVLANs, hw.Partial)
		v.gap(sectionVLANs+"/"+carriedGroup.objects[0].name, missing, "")
	}
}

// inTurn returns as many of the trunks as one visit reads.
func (c *collector) inTurn(v *visit, trunks []*port) []*port {
	known := func(p *port) int { return min(1, len(p.attrs.Get("allowed_vlans"))) }
	start := c.channels.turn % len(trunks)
	ring := slices.Concat(trunks[start:], trunks[:start])
	slices.SortStableFunc(ring, func(a, b *port) int { return cmp.Compare(known(a), known(b)) })
	c.channels.turn = start + maxCarried
	if known(ring[maxCarried]) == 0 {
		v.limit(sectionVLANs, hw.Partial)
		v.gap(sectionVLANs+"/"+carriedGroup.objects[0].name, hw.TooMuch, "more trunks than are read at one visit; the others are read at the next")
	}
	return ring[:maxCarried]
}

// vlanList writes the VLANs of the columns of a port, or says why they are not known.
// A device that has the extended columns of any port has them of all.
func vlanList(columns []snmp.Var, extended bool) (list string, reason hw.Reason) {
	var octets [carriedLists * carriedOctets]byte
	for i, x := range columns[:carriedLists] {
		switch {
		case x.OK() && x.Type == snmp.TypeOctetString && len(x.Bytes) <= carriedOctets:
			copy(octets[i*carriedOctets:(i+1)*carriedOctets], x.Bytes) // octets that are not told are zero
		case i > 0 && !extended && x.Reason == hw.NotSupported:
		case x.OK():
			return "", hw.Garbage
		default:
			return "", x.Reason
		}
	}
	all := basicVLANs
	if extended {
		all = maxVLAN
	}
	return vlanText(func(id int) bool { return octets[id/8]&(0x80>>(id%8)) != 0 }, all), ""
}

// vlanText writes a set of VLANs as 1,10-20: all when it has every one up to a number, and
// none when it is empty.
func vlanText(has func(id int) bool, all int) string {
	var b []byte
	count, beyond := 0, 0
	for id := 1; id <= maxVLAN; id++ {
		if !has(id) {
			continue
		}
		first := id
		for id < maxVLAN && has(id+1) {
			id++
		}
		if first == 1 && id >= all {
			return "all"
		}
		count += id - first + 1
		if len(b) > maxVLANList-len("4094-4094") {
			beyond += id - first + 1
			continue
		}
		if len(b) > 0 {
			b = append(b, ',')
		}
		if b = strconv.AppendInt(b, int64(first), 10); id > first {
			b = strconv.AppendInt(append(b, '-'), int64(id), 10)
		}
	}
	switch {
	case count == 0:
		return "none"
	case beyond > 0:
		b = append(strconv.AppendInt(append(b, " and "...), int64(beyond), 10), " more"...)
	}
	return string(b)
}
