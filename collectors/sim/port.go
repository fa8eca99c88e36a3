package sim

import (
	"fmt"
	"slices"
)

// rowset says which rows an interface has.
type rowset uint8

const (
	ethernet rowset = iota // all of them
	virtual                // a VLAN: octets and unicast packets
	bare                   // no counters: StackPort, Null0
	channel                // a port-channel: all but EtherLike-MIB's
)

// port is one interface.
type port struct {
	index       uint32
	rows        rowset
	name, descr string
	alias       string
	kind        int64  // ifType
	mtu         int64  // 0: no such column
	speed       uint64 // bits a second
	member      int
	number      int    // as printed, for the address
	physical    uint32 // entPhysicalIndex of it
	up          bool   // when nothing is wrong
	low, high   float64
	numbered    bool
	connector   bool
	cable       int    // of a stack port: 1 or 2
	joint       bool   // a link of StackWise Virtual
	within      uint32 // ifIndex of the port-channel it is a member of
	of          []port // members of a port-channel
}

// live says whether the link is up; a port-channel's is while that of a member is.
func (p *port) live(s *state) bool {
	switch {
	case p.of != nil:
		return slices.ContainsFunc(p.of, func(q port) bool { return q.live(s) })
	case p.cable > 0:
		return s.neighbour(p.member, p.cable) > 0
	}
	return p.up && s.present(p.member) && !s.held(p.index) && (!p.joint || s.lost == 0 && s.members > 1)
}

// bundled says whether the port carries traffic of a port-channel.
func (p *port) bundled(s *state) bool { return p.within > 0 && p.live(s) }

// interfaces adds IF-MIB and EtherLike-MIB rows for the ports of members that are there.
func (b *builder) interfaces(ports []port, s *state) {
	n := 0
	for i := range ports {
		p := &ports[i]
		if !s.present(p.member) {
			continue
		}
		n++
		b.ifTable(p, s)
		b.ifXTable(p, s)
		if p.rows != bare {
			b.counters(p, s)
		}
		if p.rows == ethernet {
			b.duplex(p, s)
		}
	}
	b.int("1.3.6.1.2.1.2.1", int64(n), 0)
	b.uint("1.3.6.1.2.1.31.1.5", tagTimeTicks, s.stamp(s.ifChanged, 9157), 0)
	b.uint("1.3.6.1.2.1.31.1.6", tagTimeTicks, s.stamp(max(s.ifChanged, s.stackChanged), 9157), 0)
}

func (b *builder) ifTable(p *port, s *state) {
	const c = "1.3.6.1.2.1.2.2.1"
	i, letter := p.index, s.letter()
	b.int(c+".1", int64(i), i)
	b.text(c+".2", p.descr, i)
	b.int(c+".3", p.kind, i)
	if p.mtu > 0 {
		b.int(c+".4", p.mtu, i)
	}
	b.gauge(c+".5", min(p.speed, 1<<32-1), i)
	if p.rows == bare {
		b.text(c+".6", "", i)
	} else {
		member, number := p.member, p.number
		b.named(c+".6", func(m *moment) string { return mac(m, letter, member, number) }, i)
	}
	oper := int64(2)
	if p.live(s) {
		oper = 1
	}
	b.int(c+".7", 1, i)
	b.int(c+".8", oper, i)
	b.uint(c+".9", tagTimeTicks, s.stamp(s.lines[i].changed, 9700), i)
}

func (b *builder) ifXTable(p *port, s *state) {
	const x = "1.3.6.1.2.1.31.1.1.1"
	i := p.index
	b.text(x+".1", p.name, i)
	b.int(x+".14", truth(p.live(s)), i)
	b.gauge(x+".15", p.speed/1_000_000, i)
	b.int(x+".16", 2, i)
	b.int(x+".17", truth(p.connector), i)
	b.text(x+".18", p.alias, i)
	b.uint(x+".19", tagTimeTicks, 0, i)
}

// direction is one half of an interface's traffic.
type direction struct {
	unicast, multicast, broadcast func(*moment) uint64
	octets                        func(*moment) uint64
	discards, errors              func(*moment) uint64
}

// counters adds the moving columns. The 32-bit ones are the low half of the 64-bit ones.
func (b *builder) counters(p *port, s *state) {
	const c, x = "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1"
	for way, first := range []struct{ octets, packets, wide, narrow int }{{10, 11, 6, 2}, {16, 17, 10, 4}} {
		d := p.traffic(s, way)
		column := func(base string, n int, tag byte, f func(*moment) uint64) {
			b.moving(fmt.Sprintf("%s.%d", base, n), tag, f, p.index)
		}
		column(c, first.octets, tagCounter32, d.octets)
		column(c, first.packets, tagCounter32, d.unicast)
		column(c, first.packets+2, tagCounter32, d.discards)
		column(c, first.packets+3, tagCounter32, d.errors)
		column(x, first.wide, tagCounter64, d.octets)
		if way == 0 && p.numbered {
			column(x, first.wide+1, tagCounter64, func(m *moment) uint64 { m.given++; return m.given })
		} else {
			column(x, first.wide+1, tagCounter64, d.unicast)
		}
		if p.rows == virtual {
			continue
		}
		column(x, first.narrow, tagCounter32, d.multicast)
		column(x, first.narrow+1, tagCounter32, d.broadcast)
		column(x, first.wide+2, tagCounter64, d.multicast)
		column(x, first.wide+3, tagCounter64, d.broadcast)
	}
	b.moving(c+".15", tagCounter32, func(*moment) uint64 { return 0 }, p.index)
}

// numberedOctets is the size of the packets the numbered sensor counts.
const numberedOctets = 512

// traffic makes the counters of one way, 0 in and 1 out. The octets are those of the packets, each sort
// of one size, so that no packet is shorter than 64 octets or longer than 1,518.
func (p *port) traffic(s *state, way int) direction {
	none := func(*moment) uint64 { return 0 }
	if p.numbered && way == 0 {
		return direction{
			unicast: func(m *moment) uint64 { return m.given }, multicast: none, broadcast: none, discards: none, errors: none,
			octets: func(m *moment) uint64 { return m.given * numberedOctets },
		}
	}
	h := mix(uint64(p.index)<<1 | uint64(way))
	size := 64 + h%960
	if !p.up {
		return p.idle(s, h, size)
	}
	base := uint64(way) * 8
	u := s.counter(p, base+1, p.low, p.high)
	m := s.counter(p, base+2, 0.5, 4)
	bc := s.counter(p, base+3, 0.2, 2)
	drops, faulty := counter{}, counter{}
	if h>>20%4 == 0 {
		drops = s.counter(p, base+4, 0.001, 0.2)
	}
	if h>>30%8 == 0 {
		faulty = s.counter(p, base+5, 0.0001, 0.01)
	}
	d := direction{unicast: u.read, multicast: m.read, broadcast: bc.read, discards: drops.read, errors: faulty.read}
	d.octets = func(at *moment) uint64 { return size*u.read(at) + 128*m.read(at) + 64*bc.read(at) }
	if p.rows == virtual {
		d.multicast, d.broadcast, d.discards, d.errors = none, none, none, none
		d.octets = func(at *moment) uint64 { return size * u.read(at) }
	}
	return d
}

// idle is a port that stands still; two of three carried something once, before the last start.
func (p *port) idle(s *state, h, size uint64) direction {
	var u, m, bc uint64
	if s.restarts == 0 && s.lines[p.index].lost == 0 && !s.standby && h>>40%3 > 0 {
		u, m, bc = h>>10%5_000_000, h>>33%90_000, h>>50%9_000
	}
	fix := func(v uint64) func(*moment) uint64 { return func(*moment) uint64 { return v } }
	octets := size*u + 128*m + 64*bc
	return direction{unicast: fix(u), multicast: fix(m), broadcast: fix(bc), octets: fix(octets), discards: fix(0), errors: fix(0)}
}

// duplex adds the EtherLike-MIB row.
func (b *builder) duplex(p *port, s *state) {
	const c = "1.3.6.1.2.1.10.7.2.1"
	b.int(c+".1", int64(p.index), p.index)
	for _, column := range []int{2, 4, 5, 6, 7, 9, 10, 11, 13, 16, 18} {
		b.uint(fmt.Sprintf("%s.%d", c, column), tagCounter32, 0, p.index)
	}
	crc := counter{}
	if h := mix(uint64(p.index) << 1); p.up && !p.numbered && h>>30%8 == 0 {
		crc = s.counter(p, 5, 0.0001, 0.01) // the input errors of this port are all of this sort
	}
	b.moving(c+".3", tagCounter32, crc.read, p.index)
	b.oid(c+".17", "0.0", p.index)
	mode := int64(1) // unknown, without a link
	switch {
	case !p.live(s):
	case s.has(duplexMismatch, p.index):
		mode = 2
	default:
		mode = 3
	}
	b.int(c+".19", mode, p.index)
	late := counter{}
	if l, ever := s.late[p.index]; ever {
		late = counter{flow: flow{key: uint64(p.index)<<8 | 0x1a, low: 0.1, high: 1}, line: l}
	}
	b.moving(c+".8", tagCounter32, late.read, p.index)
}
