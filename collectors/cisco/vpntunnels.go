package cisco

import (
	"math/bits"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"rackpost/collectors/snmp"
	"rackpost/hw"
)

// maxTunnels bounds the peers that are told.
const maxTunnels = 256

// tunnel is what two tables say of the tunnels to one peer.
type tunnel struct {
	peer         netip.Addr
	outer, inner []int // rows of phase 1 and of phase 2
}

// tunnelMemory is what the last visit saw of the tunnels to one peer.
type tunnelMemory struct {
	ages  map[string]time.Duration // of phase 2, by index
	at    time.Time                // when they were read
	since int64                    // Unix ms: the octets count from here
}

// readTunnels reads the IPsec tunnels by peer. A peer that has none any more goes: that is
// told, and no fault, since tunnels come up when there is something to send.
func (c *collector) readTunnels(v *visit) {
	outer, ok := c.read(v, &ikeTunnelGroup)
	if !ok {
		return
	}
	inner, ok := c.read(v, &ipsecTunnelGroup)
	if !ok {
		return
	}
	consistent := c.sameBoot(v, sectionTunnels)
	tunnels, loose := joinTunnels(outer, inner)
	if loose {
		v.limit(sectionTunnels, hw.Partial)
		v.gap(sectionTunnels+"/"+ipsecTunnelGroup.objects[ipsecAddress].name, hw.Inconsistent, "rows of a peer that is not known")
	}
	if len(tunnels) > maxTunnels {
		tunnels = tunnels[:maxTunnels]
		v.limit(sectionTunnels, hw.Partial)
		v.gap(sectionTunnels, hw.TooMuch, "more than "+strconv.Itoa(maxTunnels)+" peers; the first by address are told")
	}
	kept := make(map[netip.Addr]tunnelMemory, len(tunnels))
	for _, t := range tunnels {
		path := "tunnel/" + t.peer.String()
		v.component(hw.Component{
			Path: path, Section: sectionTunnels, Health: hw.OK,
			State: hw.Attrs{}.With("state", "up"), Attrs: hw.Attrs{}.With("identity", identityOf(outer, t)),
		})
		c.tunnelAge(v, path, outer, t, loose)
		kept[t.peer] = c.tunnelOctets(v, path, inner, t, loose, consistent)
	}
	c.tunnels = kept
}

// joinTunnels gathers the rows of both phases by peer, in order of address. Loose says that
// rows of a phase belong to a peer that is not known, so that no sum is sure to be whole.
func joinTunnels(outer, inner *grid) (list []tunnel, loose bool) {
	at := map[netip.Addr]int{}
	find := func(peer netip.Addr) *tunnel {
		i, ok := at[peer]
		if !ok {
			i = len(list)
			at[peer] = i
			list = append(list, tunnel{peer: peer})
		}
		return &list[i]
	}
	peers := outerPeers(outer, inner)
	for _, row := range inner.rows() {
		peer, ok := addressAt(inner, row, ipsecAddress)
		if link, reason := inner.text64(row, ipsecOuter); !ok && reason == "" {
			peer, ok = peers[link]
		}
		if !ok {
			loose = true
			continue
		}
		t := find(peer)
		t.inner = append(t.inner, row)
	}
	for _, row := range outer.rows() {
		peer, ok := peers[outer.index[row]]
		if !ok {
			loose = true
			continue
		}
		t := find(peer)
		t.outer = append(t.outer, row)
	}
	slices.SortFunc(list, func(a, b tunnel) int { return a.peer.Compare(b.peer) })
	return list, loose
}

// outerPeers returns the peers of phase 1 by index: the address they have, the one of the
// phase 2 in them, else what they call themselves where that is an address.
func outerPeers(outer, inner *grid) map[string]netip.Addr {
	within := map[string]netip.Addr{}
	for _, row := range inner.rows() {
		link, reason := inner.text64(row, ipsecOuter)
		peer, ok := addressAt(inner, row, ipsecAddress)
		if reason != "" || !ok {
			continue
		}
		if first, twice := within[link]; twice && first != peer {
			peer = netip.Addr{}
		}
		within[link] = peer
	}
	peers := map[string]netip.Addr{}
	for _, row := range outer.rows() {
		index := outer.index[row]
		peer, ok := addressAt(outer, row, ikeAddress)
		if !ok {
			peer = within[index]
		}
		if !peer.IsValid() {
			value, _ := outer.text(row, ikeValue)
			peer, _ = netip.ParseAddr(value)
			peer = peer.Unmap().WithZone("")
		}
		if peer.IsValid() {
			peers[index] = peer
		}
	}
	return peers
}

// addressAt returns a cell that holds an address of 4 or 16 bytes.
func addressAt(g *grid, row, slot int) (netip.Addr, bool) {
	cell, reason := g.value(row, slot)
	if reason != "" || cell.Type != snmp.TypeOctetString && cell.Type != snmp.TypeIPAddress {
		return netip.Addr{}, false
	}
	a, ok := netip.AddrFromSlice(cell.Bytes)
	if !ok || a.IsUnspecified() {
		return netip.Addr{}, false
	}
	return a.Unmap(), true
}

// identityOf returns what the peer calls itself, where that says more than its address.
func identityOf(outer *grid, t tunnel) string {
	name := ""
	for _, row := range t.outer {
		value, reason := outer.text(row, ikeValue)
		if reason != "" || name != "" && value != name {
			return ""
		}
		name = value
	}
	if name == t.peer.String() {
		return ""
	}
	return name
}

// tunnelAge adds how long the oldest phase 1 to a peer is up.
func (c *collector) tunnelAge(v *visit, path string, outer *grid, t tunnel, loose bool) {
	if len(t.outer) == 0 {
		reason := hw.NotSupported // IKEv2, on some releases; or phase 1 ended before phase 2
		if !outer.wholeAll() {
			reason = hw.Inconsistent
		}
		v.gauge(path, "active_seconds", 0, reason)
		return
	}
	var oldest uint64
	lack := unsure(outer, loose)
	for _, row := range t.outer {
		n, reason := outer.number(row, ikeAge)
		if reason != "" {
			lack = reason
		}
		oldest = max(oldest, n)
	}
	v.gauge(path, "active_seconds", float64(oldest)/100, lack)
}

// unsure says why rows of a peer may be missing.
func unsure(g *grid, loose bool) hw.Reason {
	for i := range g.cols {
		if !g.whole(i) {
			return g.cols[i].reason
		}
	}
	if loose {
		return hw.Inconsistent
	}
	return ""
}

// tunnelOctets adds the octets of all phase 2 tunnels to a peer. They count from the moment
// any of them became another tunnel.
func (c *collector) tunnelOctets(v *visit, path string, inner *grid, t tunnel, loose, consistent bool) tunnelMemory {
	lack := unsure(inner, loose)
	before, known := c.tunnels[t.peer]
	v.gauge(path, "security_associations_count", float64(len(t.inner)), lack)
	now, lackAges := tunnelAges(inner, t)
	switch {
	case lack != "" || lackAges:
		now = before // what is missing is not another tunnel
	case !known || before.at.IsZero():
		now.since = now.at.Add(-oldest(now.ages)).UnixMilli()
	case sameTunnels(before, now):
		now.since = before.since
	default:
		now.since = other(v.now.UnixMilli(), before.since)
	}
	if lack == "" && !consistent {
		lack = hw.Inconsistent
	}
	for slot := ipsecRx; slot <= ipsecTx; slot++ {
		sum, reason := inner.sum(t.inner, slot)
		switch {
		case lack != "":
			reason = lack
		case lackAges && reason == "":
			reason = hw.Inconsistent
		case len(t.inner) == 0:
			reason = hw.NotReady
		}
		c.counter(v, path, ipsecTunnelGroup.objects[slot].as, sum, max(c.start(), now.since), reason)
	}
	return now
}

// tunnelAges returns the ages of the phase 2 tunnels to a peer. Lacking says that one is
// missing that the device tells of others.
func tunnelAges(inner *grid, t tunnel) (m tunnelMemory, lacking bool) {
	m = tunnelMemory{ages: make(map[string]time.Duration, len(t.inner)), at: time.Now()}
	for _, row := range t.inner {
		n, reason := inner.number(row, ipsecAge)
		lacking = lacking || reason != "" && inner.read(ipsecAge) > 0
		m.ages[inner.index[row]] = time.Duration(n) * tick
	}
	return m, lacking
}

func oldest(ages map[string]time.Duration) time.Duration {
	most := time.Duration(0)
	for _, age := range ages {
		most = max(most, age)
	}
	return most
}

// sameTunnels reports whether the tunnels to a peer are those of the visit before: the
// index of one that ended is used again, but then its age tells.
func sameTunnels(before, now tunnelMemory) bool {
	if len(before.ages) != len(now.ages) {
		return false
	}
	elapsed := now.at.Sub(before.at)
	slack := 10*time.Second + elapsed/50
	for index, age := range now.ages {
		was, ok := before.ages[index]
		if !ok || age < was || was+age > 0 && age < was+elapsed-slack {
			return false
		}
	}
	return true
}

// sum adds up cells; one that is missing voids the sum.
func (g *grid) sum(rows []int, slot int) (total uint64, reason hw.Reason) {
	for _, row := range rows {
		n, reason := g.number(row, slot)
		if reason != "" {
			return 0, reason
		}
		var carry uint64
		if total, carry = bits.Add64(total, n, 0); carry != 0 {
			return 0, hw.OutOfRange
		}
	}
	return total, ""
}
