package sim

import (
	"math"
	"time"
)

// moment is when, and of which device, a dynamic object is read. All objects of one answer share it.
type moment struct {
	uptime time.Duration // of the unit that answers, as its counters know it
	clock  time.Duration // what sysUpTime says, before it wraps
	boots  uint64        // snmpEngineBoots
	number int           // of the device
	seed   uint64
	name   string // sysName
	given  uint64 // value of the last numbered reading
}

// line is the time in which the counters of one interface run: it stands still while the interface
// is down and begins again when its unit was away.
type line struct {
	lost    time.Duration // uptime that did not count
	stopped bool
	at      time.Duration // uptime when it stopped
	changed time.Duration // uptime of the last change of ifOperStatus
}

func (l line) elapsed(uptime time.Duration) time.Duration {
	if l.stopped {
		uptime = l.at
	}
	return max(uptime-l.lost, 0)
}

// mix is splitmix64: a well spread function of its argument.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// unit maps a hash to [0, 1).
func unit(h uint64) float64 { return float64(h>>11) / (1 << 53) }

// flow is something countable at a rate between low and high a second, set by the seed.
type flow struct {
	key       uint64
	low, high float64
}

const (
	day    = 24 * time.Hour
	bucket = 30 * time.Second
)

// count is how many there were after t: steadily more, faster by day than by night, and never
// slower than a third of the mean rate.
func (f flow) count(seed uint64, t time.Duration) uint64 {
	if f.high <= 0 || t <= 0 {
		return 0
	}
	h := mix(seed ^ mix(f.key))
	rate := f.low * math.Pow(f.high/f.low, unit(h))
	return uint64(rate * (t.Seconds() + wave(h, t) + jitter(h, t)))
}

// wave is the surplus of the day over the night in seconds of the mean rate; its slope is within
// 0.5, and it is 0 at 0.
func wave(h uint64, t time.Duration) float64 {
	phase := 2 * math.Pi * unit(mix(h))
	turn := 2 * math.Pi * float64(t%day) / float64(day)
	return 0.5 * day.Seconds() / (2 * math.Pi) * (math.Sin(turn+phase) - math.Sin(phase))
}

// jitter is noise from one bucket to the next, its slope within 0.15, and 0 at 0.
func jitter(h uint64, t time.Duration) float64 {
	k := uint64(t / bucket)
	height := func(k uint64) float64 {
		if k == 0 {
			return 0
		}
		return 0.15 * bucket.Seconds() * unit(mix(h^k))
	}
	part := float64(t%bucket) / float64(bucket)
	return height(k)*(1-part) + height(k+1)*part
}

// gauge wanders between low and high, changing every bucket.
func gauge(seed, key uint64, t time.Duration, low, high float64) float64 {
	h := mix(seed ^ mix(key))
	k, part := uint64(t/bucket), float64(t%bucket)/float64(bucket)
	u := unit(mix(h^k))*(1-part) + unit(mix(h^(k+1)))*part
	return low + (high-low)*u
}

// counter is a counter that runs on a line.
type counter struct {
	flow  flow
	line  line
	wraps time.Duration // not 0: uptime at which it passes zero
}

func (c counter) read(m *moment) uint64 {
	n := c.flow.count(m.seed, c.line.elapsed(m.uptime))
	if c.wraps > 0 {
		n -= c.flow.count(m.seed, line{lost: c.line.lost}.elapsed(c.wraps))
	}
	return n
}
