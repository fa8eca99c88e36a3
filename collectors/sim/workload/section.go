package workload

import (
	"math/rand/v2"

	"rackpost/hw"
)

// section is a part of a device's visits with its own period. Its components and samples
// hold the present state.
type section struct {
	name       string
	every      int   // visits
	last       int64 // when it was last read, Unix ms
	components []hw.Component
	samples    []hw.Sample
	signals    []signal
	ports      []port
	parts      []part // those that can fail
}

// part is a component that can fail; its samples are then absent.
type part struct {
	component   int
	from, to    int // its samples
	failedUntil int64
}

// builder fills a section.
type builder struct {
	*section
	rng   *rand.Rand
	names map[string]string // every path once for all devices
	boot  int64
}

// add begins a component; its samples follow.
func (b *builder) add(path string, health hw.Health, attrs ...string) {
	if known, ok := b.names[path]; ok {
		path = known
	} else {
		b.names[path] = path
	}
	c := hw.Component{Path: path, Section: b.name, Health: health}
	for i := 0; i+1 < len(attrs); i += 2 {
		c.Attrs = c.Attrs.With(attrs[i], attrs[i+1])
	}
	b.components = append(b.components, c)
}

// breakable says that the last component is expected and fails now and then.
func (b *builder) breakable() {
	i := len(b.components) - 1
	c := &b.components[i]
	c.Expected = true
	p := part{component: i, from: len(b.samples), to: len(b.samples)}
	for p.from > 0 && b.samples[p.from-1].Component == c.Path {
		p.from--
	}
	b.parts = append(b.parts, p)
}

func (b *builder) sample(sensor string, t hw.SampleType) *hw.Sample {
	path := b.components[len(b.components)-1].Path
	b.samples = append(b.samples, hw.Sample{Component: path, Sensor: sensor, Type: t})
	return &b.samples[len(b.samples)-1]
}

// gauge adds a gauge of the last component.
func (b *builder) gauge(sensor string, g signal) {
	s := b.sample(sensor, hw.Gauge)
	g.at, g.n = len(b.samples)-1, g.base
	s.Gauge = g.scaled()
	if g.law != still {
		b.signals = append(b.signals, g)
	}
}

// counter adds a counter of the last component that stands at n.
func (b *builder) counter(sensor string, n uint64, g signal) {
	s := b.sample(sensor, hw.Counter)
	s.Count = n
	if g.boots {
		s.StartMS = b.boot
	}
	g.at = len(b.samples) - 1
	if g.law != still {
		b.signals = append(b.signals, g)
	}
}

// missing adds a gauge that is never read.
func (b *builder) missing(sensor string, why hw.Reason) {
	b.sample(sensor, hw.Gauge).Absent = why
}

// port adds the counters of the last component, a port.
func (b *builder) port(busy bool, at int64) {
	p := newPort(b.rng, len(b.samples), len(b.components)-1, busy)
	for _, name := range counterNames() {
		b.sample(name, hw.Counter).StartMS = b.boot
	}
	p.fill(b.rng, float64(at-b.boot)/1000, b.samples[p.at:])
	b.ports = append(b.ports, p)
	b.components[p.component].State = portState(&p)
	if !busy {
		b.components[p.component].Health = hw.Unknown
	}
}

func portState(p *port) hw.Attrs {
	if p.carries() {
		return hw.Attrs{{Key: "admin", Value: "up"}, {Key: "oper", Value: "up"}}
	}
	return hw.Attrs{{Key: "admin", Value: "up"}, {Key: "oper", Value: "down"}}
}

// step moves the section to the moment.
func (s *section) step(m *moment) {
	m.dt = float64(m.ms-s.last) / 1000
	s.last = m.ms
	for i := range s.signals {
		g := &s.signals[i]
		g.step(m, &s.samples[g.at])
	}
	if len(s.ports) == 0 {
		return
	}
	flood := m.dt * (2 + 2*m.load) * (0.8 + 0.4*m.rng.Float64())
	for i := range s.ports {
		if p := &s.ports[i]; p.carries() {
			p.step(m, flood, s.samples[p.at:p.at+portCounters])
		}
	}
}

// restart begins the counters anew that do not outlive a start of the device.
func (s *section) restart(boot int64) {
	for i := range s.samples {
		if x := &s.samples[i]; x.StartMS != 0 {
			x.Count, x.StartMS = 0, boot
		}
	}
	s.last = max(s.last, boot)
}
