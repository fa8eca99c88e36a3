package workload

import (
	"math"
	"math/rand/v2"

	"rackpost/hw"
)

// law is how a number moves from visit to visit.
type law uint8

const (
	still   law = iota // never changes
	walk               // now and then one step up or down, held around base
	noisy              // around base, higher under load
	flow               // a counter that follows the load
	rare               // a counter that moves once in many visits
	hours              // a counter of seconds that moves by full hours
	uptime             // seconds since the device started
	absence            // no value
)

// signal is the law of one sample of a section.
type signal struct {
	at     int // index of the sample in its section
	law    law
	unit   float64 // value of one step: 1, 0.1, 0.001, 60
	n      int64   // the present value, in units
	base   int64
	spread int64   // greatest distance from base
	gain   float64 // walk: chance of a step; noisy: units at full load; rare: chance; flow: a second at full load
	boots  bool    // the counter begins anew when the device starts
}

// moment is what all signals of a visit share.
type moment struct {
	ms    int64   // when it is
	dt    float64 // seconds since this section was last read
	load  float64 // of the hour, 0 to 1
	since int64   // when the device started, Unix ms
	rng   *rand.Rand
}

// step moves the signal to the moment and writes it to s.
func (g *signal) step(m *moment, s *hw.Sample) {
	switch g.law {
	case walk:
		g.stroll(m.rng)
	case noisy:
		g.n = g.base + int64(g.gain*m.load) + m.rng.Int64N(g.spread+1) + m.rng.Int64N(g.spread+1) - g.spread
	case flow:
		s.Count += uint64(g.gain * m.dt * m.load * (0.75 + 0.5*m.rng.Float64()))
		return
	case rare:
		if m.rng.Float64() < g.gain {
			s.Count += 1 + m.rng.Uint64N(3)
		}
		return
	case hours:
		s.Count = uint64((m.ms/1000 + g.base) / 3600 * 3600)
		return
	case uptime:
		g.n = (m.ms - m.since) / 1000
	default:
		return
	}
	s.Gauge = g.scaled()
}

// stroll makes a step with the chance gain, rather back to base than away from it.
func (g *signal) stroll(rng *rand.Rand) {
	if rng.Float64() >= g.gain {
		return
	}
	back := 0.5 + 0.5*float64(g.n-g.base)/float64(g.spread+1)
	if rng.Float64() < back {
		g.n--
	} else {
		g.n++
	}
}

// scaled returns the value as the nearest float64 to the decimal a device would print.
func (g *signal) scaled() float64 {
	if g.unit >= 1 {
		return float64(g.n) * g.unit
	}
	return float64(g.n) / math.Round(1/g.unit)
}

// load is the share of the day's greatest traffic at ms: low at night and at weekends.
func load(ms int64) float64 {
	const day, week = 86_400_000, 7 * 86_400_000
	hour := float64(ms%day) / 3_600_000
	l := 0.2 + 0.8*math.Exp(-(hour-14)*(hour-14)/18)
	if (ms+3*day)%week >= 5*day { // 1 January 1970 was a Thursday
		l *= 0.4
	}
	return l
}
