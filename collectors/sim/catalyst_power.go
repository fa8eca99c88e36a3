package sim

import "fmt"

// feed is what a PoE port gives: nothing when there is no draw.
type feed struct {
	detection int64  // pethPsePortDetectionStatus: searching(2), deliveringPower(3), fault(4)
	class     int64  // class 0 is 1
	draw      uint64 // mW
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

// phones is how many ports of a member feed a phone.
const phones = copperPorts / 4

// feed is the state of a port. In an overload the phones take 97 % of the budget, and the one that comes next is denied.
func (c *catalyst) feed(s *state, m, n int) feed {
	p := c.copperIndex + c.stride*uint32(m-1) + uint32(n)
	f := feed{detection: 2, class: 1}
	switch {
	case s.has(poeFault, p):
		f.detection = 4
	case n%4 == 1 && !s.held(p):
		f = feed{detection: 3, class: 3, draw: 4200 + mix(uint64(m)<<8|uint64(n))%2100}
		if s.overload == m {
			f.class, f.draw = 5, c.budget*970/phones
		}
	case s.overload == m && n == 2:
		f.denied = true
	}
	return f
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
	most := max(uint64(15_400), (f.draw+999)/1000*1000)
	for i, v := range []uint64{most, f.draw / 1000 * 1000, f.draw / 1000 * 1000, f.draw, f.draw * 11 / 10} {
		b.gauge(fmt.Sprintf("%s.%d", ext, 6+i), v, row...)
	}
	b.int(ext+".11", int64(at(int(group), c.copperPart(n))), row...)
	for i, v := range []int64{truth(delivers), 2, 1} {
		b.int(fmt.Sprintf("%s.%d", ext, 12+i), v, row...)
	}
	b.gauge(ext+".15", 0, row...)
}
