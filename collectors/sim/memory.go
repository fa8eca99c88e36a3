package sim

import "fmt"

// pool adds a row of cempMemPoolTable, whose use swings by so many bytes. The 32-bit columns wrap at 4 GB; the
// 64-bit ones are typed Counter64 but are gauges.
func (b *builder) pool(physical, row uint32, name string, total, least uint64, swing float64) {
	const p = "1.3.6.1.4.1.9.9.221.1.1.1.1"
	key := uint64(physical-1)<<16 | 0x5e<<8 | uint64(row)
	used := func(m *moment) uint64 {
		return least + uint64(gauge(m.seed, key, m.uptime, 0, swing))
	}
	free := func(m *moment) uint64 { return total - used(m) }
	index := []uint32{physical, row}
	b.int(p+".2", 2, index...)
	b.text(p+".3", name, index...)
	b.int(p+".5", 0, index...)
	b.int(p+".6", 1, index...)
	largest := func(m *moment) uint64 { return free(m) / 10 * 9 }
	for i, v := range []func(*moment) uint64{used, free, largest} {
		b.moving(fmt.Sprintf("%s.%d", p, 7+i), tagGauge32, v, index...)
		b.moving(fmt.Sprintf("%s.%d", p, 17+2*i), tagGauge32, func(m *moment) uint64 { return v(m) >> 32 }, index...)
		b.moving(fmt.Sprintf("%s.%d", p, 18+2*i), tagCounter64, v, index...)
	}
}
