package cisco

import (
	"time"
)

const (
	tick      = 10 * time.Millisecond // of sysUpTime
	wrapTick  = 1 << 32               // sysUpTime starts again here: 497.1 days
	backwards = 100                   // ticks an agent's clock may seem to step back
)

// reading is the device's clock as one answer told it.
type reading struct {
	at       time.Time
	ticks    uint32 // SNMPv2-MIB sysUpTime
	hasTicks bool
	engine   int64 // SNMP-FRAMEWORK-MIB snmpEngineTime in seconds; 0 is not told
}

// clock follows a device's uptime from visit to visit: through the wraps of sysUpTime, and
// to the moment it starts anew. It never takes snmpEngineTime alone for a restart: that one
// also begins anew when only the SNMP process does.
type clock struct {
	known bool
	ticks uint32
	wraps int64
	at    time.Time
	boot  time.Time // of the first reading since the start; not moved by drift
}

// observe takes a reading and reports whether the device started, or became another
// device, since the one before. The first reading is no start.
func (c *clock) observe(r reading) (restarted bool) {
	if !r.hasTicks {
		return false
	}
	wraps := engineWraps(r.ticks, r.engine)
	if c.known {
		own, same := c.follow(r)
		if restarted = !same; same {
			wraps = max(own, wraps)
		}
	}
	if !c.known || restarted {
		c.boot = r.at.Add(-ticksOf(wraps, r.ticks)).Round(0)
	}
	c.known, c.ticks, c.wraps, c.at = true, r.ticks, wraps, r.at
	return restarted
}

// follow tells whether r continues the reading before it, and the wraps if so.
func (c *clock) follow(r reading) (wraps int64, same bool) {
	elapsed := r.at.Sub(c.at)
	slack := 30*time.Second + elapsed/50
	gained := time.Duration(r.ticks-c.ticks) * tick // modulo the wrap
	if c.ticks-r.ticks <= backwards {
		gained = 0
	}
	if r.ticks < c.ticks && c.ticks-r.ticks > backwards {
		// It fell: a wrap if the time between accounts for it, else a start.
		return c.wraps + 1, (gained - elapsed).Abs() <= slack
	}
	switch {
	case gained > elapsed+slack:
		return 0, false // no clock runs ahead like that: another unit answers
	case gained < elapsed-slack && time.Duration(r.ticks)*tick <= elapsed+slack:
		return 0, false // it rose, but the device can have started since, also soon after a wrap
	}
	return c.wraps, true
}

// uptime returns how long the device has been up at its last reading.
func (c *clock) uptime() time.Duration { return ticksOf(c.wraps, c.ticks) }

func ticksOf(wraps int64, ticks uint32) time.Duration {
	return time.Duration(wraps*wrapTick+int64(ticks)) * tick
}

// engineWraps returns how often sysUpTime wrapped if snmpEngineTime proves it: the two
// then differ by a multiple of the wrap but for their drift (0.01 % seen, 0.02 % allowed).
// Else it is 0.
func engineWraps(ticks uint32, engine int64) int64 {
	const wrapSeconds = wrapTick / 100
	ahead := engine - int64(ticks)/100
	if ahead < wrapSeconds/2 || engine > 1<<31 {
		return 0
	}
	n := (ahead + wrapSeconds/2) / wrapSeconds
	off := ahead - n*wrapSeconds
	if off < 0 {
		off = -off
	}
	if off > max(120, engine/5000) {
		return 0
	}
	return n
}

// series is the last value of one counter and the start it counts from.
type series struct {
	value uint64
	base  int64 // plus one; 0 is no value yet. A box holds a hundred thousand of these
	start int64
}

// known reports whether there was a value.
func (s *series) known() bool { return s.base != 0 }

// observe takes a value read at now (Unix ms) of a counter whose device or port counts
// from base (Unix ms, 0 unknown), and returns its start. A value that fell although base
// did not move wrapped or was cleared; both end the series.
func (s *series) observe(value uint64, base, now int64) (start int64) {
	switch {
	case !s.known():
		s.start = base
	case base+1 != s.base:
		s.start = other(base, s.start)
	case value < s.value:
		s.start = other(now, s.start)
	}
	s.value, s.base = value, base+1
	return s.start
}

// doubt starts the series anew at now: what lies between the last value and this one
// cannot be told.
func (s *series) doubt(now int64) (start int64) {
	s.start = other(now, s.start)
	return s.start
}

// other returns t, or the millisecond after it when that was the start already.
func other(t, start int64) int64 {
	if t == start {
		return t + 1
	}
	return t
}
