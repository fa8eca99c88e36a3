package workload

import (
	"math"
	"math/rand/v2"

	"rackpost/hw"
)

// The counters of a port, in the order of their samples.
const (
	rxBytes = iota
	txBytes
	rxUnicast
	txUnicast
	rxMulticast
	txMulticast
	rxBroadcast
	txBroadcast
	rxErrors
	txErrors
	rxDiscards
	txDiscards
	rxUnknown
	rxFCS
	portCounters
)

// counterNames returns the sensors of a port.
func counterNames() [portCounters]string {
	return [portCounters]string{
		"rx_bytes_total", "tx_bytes_total", "rx_unicast_packets_total", "tx_unicast_packets_total",
		"rx_multicast_packets_total", "tx_multicast_packets_total",
		"rx_broadcast_packets_total", "tx_broadcast_packets_total",
		"rx_errors_total", "tx_errors_total", "rx_discards_total", "tx_discards_total",
		"rx_unknown_protocols_total", "rx_fcs_errors_total",
	}
}

// port is a port's traffic. Its counters stand in its section's samples from at on.
type port struct {
	at        int
	component int // index in its section
	busy      bool
	downUntil int64 // Unix ms; 0: it has its link

	rx, tx         float64 // unicast packets a second at full load
	rxSize, txSize float64 // bytes of the mean packet
	multicast      float64 // packets a second received
	bad            float64 // chance of errors between two visits
	full           float64 // chance of discards between two visits
	drift          float64 // of the traffic, around 1
}

func newPort(rng *rand.Rand, at, component int, busy bool) port {
	p := port{at: at, component: component, busy: busy, drift: 1}
	p.rx = math.Exp(rng.Float64()*8 + 1.5) // 4 to 13,000 packets a second
	p.tx = p.rx * (0.5 + 1.5*rng.Float64())
	p.rxSize, p.txSize = 120+rng.Float64()*1200, 120+rng.Float64()*1200
	p.multicast = 0.2 + 3*rng.Float64()
	if rng.IntN(20) == 0 {
		p.bad = 0.05
	}
	if p.rx > 3000 {
		p.full = 0.02
	}
	return p
}

// carries reports whether traffic passes.
func (p *port) carries() bool { return p.busy && p.downUntil == 0 }

// step moves the port's counters to the moment. flood is the number of broadcasts that
// every port with a link sends.
func (p *port) step(m *moment, flood float64, s []hw.Sample) {
	r := m.rng
	p.drift += (1-p.drift)*0.1 + (r.Float64()-0.5)*0.2
	l := m.load * m.dt * p.drift
	rx := p.rx * l * (0.85 + 0.3*r.Float64())
	tx := p.tx * l * (0.85 + 0.3*r.Float64())
	mc := p.multicast * m.dt * (0.8 + 0.4*r.Float64())
	bc := flood * (0.98 + 0.04*r.Float64())
	s[rxUnicast].Count += uint64(rx)
	s[txUnicast].Count += uint64(tx)
	s[rxMulticast].Count += uint64(mc)
	s[txMulticast].Count += uint64(flood*0.6 + mc*r.Float64())
	s[rxBroadcast].Count += uint64(0.05 * m.dt * r.Float64())
	s[txBroadcast].Count += uint64(bc)
	s[rxBytes].Count += uint64(rx*p.rxSize*(0.9+0.2*r.Float64()) + mc*90)
	s[txBytes].Count += uint64(tx*p.txSize*(0.9+0.2*r.Float64()) + bc*80)
	if p.bad > 0 && r.Float64() < p.bad {
		n := 1 + r.Uint64N(20)
		s[rxErrors].Count += n
		s[rxFCS].Count += n
	}
	if p.full > 0 && r.Float64() < p.full*m.load {
		s[txDiscards].Count += 1 + r.Uint64N(500)
	}
}

// fill gives the counters what they counted in the seconds since the device started.
func (p *port) fill(rng *rand.Rand, seconds float64, s []hw.Sample) {
	if !p.busy {
		if rng.IntN(2) == 0 { // it was in use once
			for i := range rxErrors {
				s[i].Count = rng.Uint64N(1 << 30)
			}
		}
		return
	}
	m := moment{dt: seconds, load: 0.4, rng: rng}
	p.step(&m, 3*seconds, s)
	p.drift = 1
}
