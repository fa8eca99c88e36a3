package workload

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"

	"rackpost/hw"
)

// Generator makes the reports of all devices of a site in the order of their beginning. It
// is not safe for concurrent use; the same seed and options give the same reports.
type Generator struct {
	queue queue
	all   []*device
	reuse bool
}

// New returns a generator. Options without any device mean the reference site.
func New(seed uint64, o Options) *Generator {
	if o.Servers+o.Switches+o.ASAPairs == 0 {
		site := Site()
		o.Servers, o.Switches, o.ASAPairs = site.Servers, site.Switches, site.ASAPairs
	}
	if o.Start.IsZero() {
		o.Start = defaultStart()
	}
	g := &Generator{reuse: o.Reuse}
	names := map[string]string{}
	add := func(n int, prefix string, build func(*device, func(string, int) *builder)) {
		for i := 1; i <= n; i++ {
			g.all = append(g.all, newDevice(seed, o, fmt.Sprintf("%s-%03d", prefix, i), i, names, build))
		}
	}
	add(o.Servers, "server", buildServer)
	add(o.Switches, "switch", buildSwitch)
	add(o.ASAPairs, "asa", buildASA)
	g.queue = append(g.queue, g.all...)
	for i := len(g.queue)/2 - 1; i >= 0; i-- {
		g.queue.down(i)
	}
	return g
}

// Next returns the next report. There is always one.
func (g *Generator) Next() hw.Report {
	d := g.queue[0]
	r := d.visit(g.reuse)
	g.queue.down(0)
	return r
}

// Devices returns what is visited, in the order servers, switches, ASA pairs.
func (g *Generator) Devices() []hw.Device {
	out := make([]hw.Device, len(g.all))
	for i, d := range g.all {
		out[i] = hw.Device{ID: d.id, Kind: d.kind, Name: d.unit.Name, Rack: fmt.Sprintf("R%02d", 1+i/20), Address: fmt.Sprintf("192.0.2.%d", 1+i%250)}
	}
	return out
}

// SamplesPerSecond returns the rate that the sections and their periods give, events apart.
func (g *Generator) SamplesPerSecond() float64 {
	rate := 0.0
	for _, d := range g.all {
		for _, s := range d.sections {
			rate += float64(len(s.samples)) / (float64(s.every) * period.Seconds())
		}
	}
	return rate
}

func newDevice(seed uint64, o Options, id string, number int, names map[string]string, build func(*device, func(string, int) *builder)) *device {
	h := fnv.New64a()
	h.Write([]byte(id))
	d := &device{id: hw.DeviceID(id), number: number, rng: rand.New(rand.NewPCG(seed, h.Sum64()))}
	start := o.Start.UnixMilli()
	d.first = start + int64(h.Sum64()>>1)%period.Milliseconds()
	d.boot = start - int64((1+300*d.rng.Float64())*day)
	d.unit.Name = id
	build(d, func(name string, every int) *builder {
		s := &section{name: name, every: every, last: d.first - int64(every)*period.Milliseconds()}
		d.sections = append(d.sections, s)
		return &builder{section: s, rng: d.rng, names: names, boot: d.boot}
	})
	d.due = newCalendar(d.rng, start, o.Calm)
	d.schedule()
	return d
}

// queue is a heap of devices, the next visit first.
type queue []*device

// down lets device i sink to its place.
func (q queue) down(i int) {
	for {
		first := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(q); child++ {
			if q[child].before(q[first]) {
				first = child
			}
		}
		if first == i {
			return
		}
		q[i], q[first] = q[first], q[i]
		i = first
	}
}

func (d *device) before(o *device) bool {
	if d.next != o.next {
		return d.next < o.next
	}
	return d.id < o.id
}
