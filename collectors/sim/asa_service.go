package sim

import (
	"fmt"
	"math"
	"time"
)

// asaFailover adds CISCO-FIREWALL-MIB: the failover rows and the connections. The addresses belong to the
// active unit: it is the one that answers.
func asaFailover(b *builder, s *state) {
	const f, conn = "1.3.6.1.4.1.9.9.147.1.2.1.1.1", "1.3.6.1.4.1.9.9.147.1.2.2.2.1"
	row := func(index uint32, name string, value int64, detail string) {
		b.text(f+".2", name, index)
		b.int(f+".3", value, index)
		b.text(f+".4", detail, index)
	}
	link := int64(2)
	if s.held(asaFailoverPort) {
		link = 3
	}
	row(4, "Failover LAN Interface", link, "foverlan GigabitEthernet0/5")
	units := s.pairing
	switch {
	case units == rowsAbsent:
	case units == rowsEmpty:
		row(6, "", 0, "")
		row(7, "", 0, "")
	case units == rowsBusy && s.standby:
		row(6, "Primary unit", 6, "Bulk sync")
		row(7, "Secondary unit (this device)", 9, "Active unit")
	case units == rowsBusy:
		row(6, "Primary unit (this device)", 9, "Active unit")
		row(7, "Secondary unit", 6, "Bulk sync")
	case s.standby:
		row(6, "Primary unit", 10, "Standby unit")
		row(7, "Secondary unit (this device)", 9, "Active unit")
	default:
		row(6, "Primary unit (this device)", 9, "Active unit")
		row(7, "Secondary unit", 10, "Standby unit")
	}
	b.text(conn+".3", "number of connections currently in use by the entire firewall", 40, 6)
	b.text(conn+".3", "highest number of connections in use at any one time since system startup", 40, 7)
	b.moving(conn+".5", tagGauge32, func(m *moment) uint64 { return uint64(gauge(m.seed, 0xc6, m.uptime, 6000, 9000)) }, 40, 6)
	b.gauge(conn+".5", 72_363, 40, 7)
	asaRates(b)
}

// asaRates adds the scalars of CISCO-UNIFIED-FIREWALL-MIB: half-open and active connections, and how many are set
// up a second over the last minute and the last five.
func asaRates(b *builder) {
	const g = "1.3.6.1.4.1.9.9.491.1.1.1"
	for _, v := range []struct {
		column    int
		low, high float64
	}{{5, 3, 40}, {6, 6000, 9000}, {10, 80, 260}, {11, 120, 200}} {
		key := uint64(0x49<<8 | v.column)
		if v.column == 6 {
			key = 0xc6 // what CISCO-FIREWALL-MIB says
		}
		b.moving(fmt.Sprintf("%s.%d", g, v.column), tagGauge32, func(m *moment) uint64 {
			return uint64(gauge(m.seed, key, m.uptime, v.low, v.high))
		}, 0)
	}
}

// asaLimits adds CISCO-L4L7MODULE-RESOURCE-LIMIT-MIB, which only a firewall of several contexts has: a row for each
// resource of each class.
func asaLimits(b *builder, contexts int) {
	const l = "1.3.6.1.4.1.9.9.480.1.1.2.1"
	for n := range contexts {
		class := "default"
		if n > 0 {
			class = fmt.Sprintf("tenant-%d", n)
		}
		index := []uint32{uint32(len(class))}
		for _, c := range []byte(class) {
			index = append(index, uint32(c))
		}
		for _, v := range []struct {
			resource         uint32 // crlResourceLimitType
			most             uint64
			low, high, peaks float64
		}{{3, 100_000, 2000, 6000, 40_000}, {8, 65_536, 1500, 5000, 30_000}, {16, 750, 10, 60, 120}, {17, 5, 0, 2, 3}, {18, 5, 0, 3, 4}} {
			row := append(index[:len(index):len(index)], v.resource)
			key := uint64(0x48<<16) | uint64(n)<<8 | uint64(v.resource)
			b.int(l+".3", 1, row...)
			b.gauge(l+".4", 0, row...)
			b.gauge(l+".5", v.most, row...)
			b.moving(l+".8", tagGauge32, func(m *moment) uint64 { return uint64(gauge(m.seed, key, m.uptime, v.low, v.high)) }, row...)
			b.gauge(l+".9", uint64(v.peaks), row...)
			b.uint(l+".10", tagCounter32, 0, row...)
		}
	}
}

// asaFailoverPort is the ifIndex of foverlan.
const asaFailoverPort = 7

// asaMostSessions is what the licence allows.
const asaMostSessions = 750

// asaSessions adds CISCO-REMOTE-ACCESS-MONITOR-MIB, without the e-mail sessions that newer versions
// no longer have, and Altiga's load balancing.
func asaSessions(b *builder, s *state) {
	const r, lb = "1.3.6.1.4.1.9.9.392.1", "1.3.6.1.4.1.3076.2.1.2.36.1"
	for i, v := range []int64{asaMostSessions, 0, asaMostSessions, 0} {
		b.int(fmt.Sprintf("%s.1.%d", r, 1+i), v, 0)
	}
	wander := func(column int, low, high float64) {
		b.moving(fmt.Sprintf("%s.3.%d", r, column), tagGauge32, func(m *moment) uint64 {
			return uint64(gauge(m.seed, 0x38<<8|uint64(column), m.uptime, low, high))
		}, 0)
	}
	total := func(column int, tag byte) {
		b.moving(fmt.Sprintf("%s.3.%d", r, column), tag, func(m *moment) uint64 {
			return flow{key: 0x39<<8 | uint64(column), low: 0.001, high: 0.01}.count(m.seed, m.uptime)
		}, 0)
	}
	if _, full := s.on["vpn-limit"]; full {
		b.gauge(r+".3.1", asaMostSessions, 0)
		b.gauge(r+".3.3", asaMostSessions, 0)
	} else {
		wander(1, 60, 120)
		wander(3, 55, 110)
	}
	total(2, tagCounter32)
	b.gauge(r+".3.4", 2, 0)
	for column := 5; column <= 12; column++ {
		total(column, tagCounter64)
	}
	for _, group := range []struct {
		first     int
		low, high float64
	}{{26, 2, 6}, {29, 3, 4}, {32, 0, 0}, {35, 50, 100}, {38, 1, 5}} {
		wander(group.first, group.low, group.high)
		total(group.first+1, tagCounter32)
		b.gauge(fmt.Sprintf("%s.3.%d", r, group.first+2), uint64(group.high)+20, 0)
	}
	for column := 1; column <= 3; column++ {
		b.uint(fmt.Sprintf("%s.4.1.%d", r, column), tagCounter64, uint64(30/column), 0)
	}
	for column, v := range []int64{1, 72, 1} {
		b.int(fmt.Sprintf("%s.%d", lb, column+1), v, 0)
	}
	b.gauge(lb+".4", 1, 0)
	b.gauge(lb+".5", 0, 0)
}

// asaTunnels adds CISCO-IPSEC-FLOW-MONITOR-MIB: the sums and three tunnels.
func asaTunnels(b *builder, s *state) {
	const ike, ipsec = "1.3.6.1.4.1.9.9.171.1.2", "1.3.6.1.4.1.9.9.171.1.3"
	wraps := s.wraps
	sum := func(base string, column int, tag byte, low, high float64) {
		c := counter{flow: flow{key: 0x1b<<8 | uint64(column), low: low, high: high}, wraps: wraps}
		b.moving(fmt.Sprintf("%s.%d", base, column), tag, c.read, 0)
	}
	up := uint64(0)
	for n := 1; n <= asaPeers; n++ {
		if t := s.tunnel(n); !t.down {
			up++
			asaTunnel(b, ike+".3.1", ipsec+".2.1", uint32(n), t, wraps)
		}
	}
	b.gauge(ike+".1.1", up, 0)
	b.gauge(ike+".1.2", 12, 0)
	sum(ike+".1", 3, tagCounter32, 10, 900)
	sum(ike+".1", 11, tagCounter32, 10, 900)
	b.gauge(ipsec+".1.1", up, 0)
	for column := 2; column <= 30; column++ {
		switch column {
		case 4, 7, 17, 20:
			sum(ipsec+".1", column, tagCounter64, 5000, 500_000)
		case 3, 6, 9, 16, 19, 22:
			sum(ipsec+".1", column, tagCounter32, 10, 900)
		default:
			b.uint(fmt.Sprintf("%s.1.%d", ipsec, column), tagCounter32, 0, 0)
		}
	}
}

// tunnel is the state of a tunnel to one peer.
type tunnel struct {
	down  bool
	since time.Duration // uptime when it was set up
	keys  uint32        // how often it was set up anew: each time it has other indexes, and counts from zero
}

// tunnel returns that to peer n: set up some hours after the first start, or minutes after a later one.
func (s *state) tunnel(n int) tunnel {
	if t, changed := s.tunnels[n]; changed {
		return t
	}
	if s.restarts > 0 || s.standby {
		return tunnel{since: time.Duration(n) * time.Minute}
	}
	return tunnel{since: time.Duration(n) * 3 * time.Hour}
}

// asaPeers is how many peers there are.
const asaPeers = 3

// asaTunnel is an IKE tunnel and the IPsec tunnel in it, which has an index of its own and names the first.
func asaTunnel(b *builder, ike, ipsec string, n uint32, t tunnel, wraps time.Duration) {
	outer := 4096*n + 64*(t.keys%32)
	inner := outer + 17
	here, peer := uint32(0xcb007101), 0xc6336400|(10+n)
	age := func(m *moment) uint64 {
		return uint64(min(max(m.uptime-t.since, 0)/(10*time.Millisecond), math.MaxInt32))
	}
	b.int(ike+".2", 1, outer)
	b.text(ike+".3", "203.0.113.1", outer)
	b.ip(ike+".4", here, outer)
	b.int(ike+".6", 1, outer)
	b.text(ike+".7", fmt.Sprintf("198.51.100.%d", 10+n), outer)
	b.ip(ike+".8", peer, outer)
	b.text(ike+".9", "", outer)
	b.moving(ike+".16", tagInteger, age, outer)
	b.int(ike+".35", 1, outer)
	b.int(ipsec+".2", int64(outer), inner)
	b.int(ipsec+".3", 1, inner)
	b.ip(ipsec+".4", here, inner)
	b.ip(ipsec+".5", peer, inner)
	b.moving(ipsec+".10", tagInteger, age, inner)
	for _, column := range []int{27, 40} {
		c := counter{flow: flow{key: uint64(n)<<20 | uint64(column), low: 5000, high: 50_000}, line: line{lost: t.since}, wraps: wraps}
		b.moving(fmt.Sprintf("%s.%d", ipsec, column-1), tagCounter32, c.read, inner)
		b.moving(fmt.Sprintf("%s.%d", ipsec, column), tagCounter64, c.read, inner)
	}
	b.int(ipsec+".51", 1, inner)
}
