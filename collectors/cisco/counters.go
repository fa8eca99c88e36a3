package cisco

import "rackpost/hw"

// counted names one counter.
type counted struct{ component, sensor string }

// maxCounted bounds the counters of a device besides those of its ports' traffic.
const maxCounted = 16_384

// counter adds a sample of a counter that is not among the ports' own, or its absence. base
// is since when it counts, in Unix ms: that of the device (start) or of its port.
func (c *collector) counter(v *visit, component, sensor string, value uint64, base int64, absent hw.Reason) {
	s := hw.Sample{Component: component, Sensor: sensor, Type: hw.Counter, Absent: absent}
	if absent == "" {
		s.Count, s.StartMS = value, c.follows(counted{component, sensor}, value, base, v.now.UnixMilli())
	}
	v.report.Samples = append(v.report.Samples, s)
}

// follows returns the start of a counter that has value at now.
func (c *collector) follows(k counted, value uint64, base, now int64) (start int64) {
	if c.counted == nil || len(c.counted) >= maxCounted {
		c.counted = map[counted]series{}
	}
	s := c.counted[k]
	start = s.observe(value, base, now)
	c.counted[k] = s
	return start
}

// portStart returns since when the counters of a port count, in Unix ms.
func (c *collector) portStart(p *port) int64 { return max(c.start(), p.since) }
