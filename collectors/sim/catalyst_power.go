package sim

import "fmt"

// feed is what a PoE port gives: nothing when there is no draw.
type feed struct {
	detection int64  // pethPsePortDetectionStatus: searching(2), deliveringPower(3), fault(4)
	class     int64  // class 0 is 1
	draw      uint64 // mW
	allocated uint64 // mW
	denied    bool
}

// power adds POWER-ETHERNET-MIB and CISCO-POWER-ETHERNET-EXT-MIB: every fourth port feeds a phone.
func (c *catalyst) power(b *builder, s *state) {
	const psu = "1.3.6.1.2.1.105.1.3.1.1"
	b.gauge("1.3.6.1.4.1.9.9.402.1.1", 0, 0)
	for _, m := range s.alive() {
		var drawn uint64
		for n := 1; n <= copperPorts; n++ {
			f := c.feed(s, m, n)
			drawn += f.draw
			c.powerPortRow(b, uint32(m), n, f)
		}
		b.gauge(psu+".2", c.budget, uint32(m))
		b.int(psu+".3", 1, uint32(m))
		b.gauge(psu+".4", (drawn+999)/1000, uint32(m))
		b.int(psu+".5", 0, uint32(m)) // outside the MIB's 1..99, as the real one answers
	}
}

// feed is the state of a port. In an overload every live port has a hungry device, together 97 % of the budget, and
// one that comes next is denied.
func (c *catalyst) feed(s *state, m, n int) feed {
	p := c.copperIndex + c.stride*uint32(m-1) + uint32(n)
	live := n%2 == 1 && !s.held(p)
	switch {
	case s.has(poeFault, p):
		return feed{detection: 4, class: 1}
	case live && s.overload == m:
		f := feed{detection: 3, class: 4, draw: c.budget * 970 / (copperPorts / 2), allocated: 15_400}
		if f.draw > f.allocated {
			f.class, f.allocated = 5, 30_000
		}
		return f
	case live && n%4 == 1:
		return feed{detection: 3, class: 3, draw: 4200 + mix(uint64(m)<<8|uint64(n))%2100, allocated: 7000}
	}
	return feed{detection: 2, class: 1, denied: s.overload == m && n == 2}
}

// powerPortRow adds both rows of a port.
func (c *catalyst) powerPortRow(b *builder, group uint32, n int, f feed) {
	const std, ext = "1.3.6.1.2.1.105.1.1.1", "1.3.6.1.4.1.9.9.402.1.2.1"
	row := []uint32{group, uint32(n + c.powerPort)}
	delivers := f.draw > 0
	for i, v := range []int64{1, 2, 1, f.detection, 3} {
		b.int(fmt.Sprintf("%s.%d", std, 3+i), v, row...)
	}
	b.uint(std+".8", tagCounter32, 0, row...)
	b.text(std+".9", "", row...)
	b.int(std+".10", f.class, row...)
	denials, status := uint64(0), "\x00"
	if f.denied {
		denials, status = 3, "\x80"
	}
	for i, v := range []uint64{0, denials, 0, 0} {
		b.uint(fmt.Sprintf("%s.%d", std, 11+i), tagCounter32, v, row...)
	}
	for i, v := range []int64{1, 2, truth(delivers), truth(delivers)} {
		b.int(fmt.Sprintf("%s.%d", ext, 1+i), v, row...)
	}
	b.text(ext+".5", status, row...)
	most := uint64(15_400)
	if c.budget > copperPorts*most/2 {
		most = 30_000 // PoE+
	}
	for i, v := range []uint64{most, f.allocated, f.allocated, f.draw, f.draw * 11 / 10} {
		b.gauge(fmt.Sprintf("%s.%d", ext, 6+i), v, row...)
	}
	b.int(ext+".11", int64(at(int(group), c.copperPart(n))), row...)
	for i, v := range []int64{truth(delivers), 2, 1} {
		b.int(fmt.Sprintf("%s.%d", ext, 12+i), v, row...)
	}
	b.gauge(ext+".15", 0, row...)
}
