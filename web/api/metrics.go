package api

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/web"
)

// maxSeries bounds an answer of metrics.
const maxSeries = 1 << 20

// family is all series of one metric: they stand together.
type family struct {
	name, help string
	counter    bool
	series     []series
}

// series is one line. The labels are those of whom, with the component where there is one.
type series struct {
	labels    string // as they are written, without braces
	component string // empty: not a label
	value     float64
	atMS      int64 // 0: now
}

// families are the metrics of an answer, in the order in which they came.
type families struct {
	all   []*family
	named map[string]*family
	count int
}

// metrics answers GET /metrics.
func (c *call) metrics() error {
	leave, err := c.turnOf(c.api.scrapes)
	if err != nil {
		return err
	}
	defer leave()
	c.allow(maxMaking + blockTime)
	named := c.args.text("site") != "" || c.args.text("device") != ""
	f := &families{named: map[string]*family{}}
	if !named {
		if err := c.ownMetrics(f); err != nil {
			return err
		}
	}
	if id, err := c.site(); err != nil {
		return err
	} else if id != (journal.ID{}) {
		if err := c.siteMetrics(f, id); err != nil {
			return err
		}
	}
	if f.count > maxSeries {
		return refusal(400, fmt.Sprintf("there are %d series, and at most %d in an answer", f.count, maxSeries), "ask for one device at a time: /metrics?device=ID")
	}
	out, err := c.stream(asMetrics)
	if err != nil {
		return err
	}
	if err := f.write(out); err != nil {
		return err
	}
	return out.end()
}

// siteMetrics are the devices of a site with their readings.
func (c *call) siteMetrics(f *families, id journal.ID) error {
	ctx := c.r.Context()
	sites, err := c.places(id)
	if err != nil {
		return err
	}
	p, err := c.api.Sites.Place(ctx, id)
	if err != nil {
		return err
	}
	devices, err := p.Devices(ctx)
	if err != nil {
		return err
	}
	if only := hw.DeviceID(c.args.text("device")); only != "" {
		if _, err := p.Device(ctx, only); err != nil {
			return c.unknown(p, only, err)
		}
		devices = slices.DeleteFunc(slices.Clone(devices), func(d web.Device) bool { return d.ID != only })
	}
	now := c.api.Now()
	if ahead := sites[0].OffsetMS; ahead != nil { // its times are by its clock
		now = now.Add(time.Duration(*ahead) * time.Millisecond)
	}
	f.devices(sites[0].Name, devices)
	if c.api.Records == nil {
		return nil
	}
	s, done, err := c.api.newest.of(ctx, c.api.Records, id)
	if err != nil {
		return err
	}
	defer done()
	for _, d := range devices {
		if d.Stale {
			continue
		}
		labels := labelsOf("site", sites[0].Name, "device", string(d.ID))
		s.readings(&c.api.pack, d.ID, now, func(r reading) { f.reading(labels, r) })
	}
	return nil
}

// reading adds a reading.
func (f *families) reading(labels string, r reading) {
	m := hw.MetricOf(r.Component, r.Sensor, r.Type)
	to := f.named[m.Name]
	if to == nil {
		class, _, _ := strings.Cut(r.Component, "/")
		to = f.family(m.Name, fmt.Sprintf("What devices tell of %s: sensor %s.", class, r.Sensor), m.Counter)
	}
	value := r.Gauge
	if r.Type == hw.Counter {
		value = float64(r.Count)
	}
	f.add(to, series{labels, r.Component, m.Value(value), r.atMS})
}

// family returns the family of a name, a new one where there is none yet.
func (f *families) family(name, help string, counter bool) *family {
	if known := f.named[name]; known != nil {
		return known
	}
	x := &family{name: name, help: help, counter: counter}
	f.all, f.named[name] = append(f.all, x), x
	return x
}

func (f *families) add(to *family, s series) {
	if f.count++; f.count <= maxSeries {
		to.series = append(to.series, s)
	}
}

// gauge adds one number of a gauge.
func (f *families) gauge(name, help string, value float64, labels ...string) {
	f.add(f.family(name, help, false), series{labels: labelsOf(labels...), value: value})
}

// counter adds one number of a counter.
func (f *families) counter(name, help string, value uint64, labels ...string) {
	f.add(f.family(name, help, true), series{labels: labelsOf(labels...), value: float64(value)})
}

// states adds one number for each state that there may be: 1 for the one that is.
func (f *families) states(name, help, label, is string, all []string, labels ...string) {
	for _, s := range all {
		f.gauge(name, help, truth(s == is), append(slices.Clone(labels), label, s)...)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// labelsOf writes pairs of names and values as labels.
func labelsOf(pairs ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(pairs[i])
		b.WriteString(`="`)
		b.WriteString(labelValue(pairs[i+1]))
		b.WriteByte('"')
	}
	return b.String()
}

// labelValue writes a value as it stands between quotes.
func labelValue(s string) string {
	if !strings.ContainsAny(s, "\\\"\n") {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(strings.ToValidUTF8(s, "\uFFFD"))
}

// write writes the text format of Prometheus, version 0.0.4.
func (f *families) write(w io.Writer) error {
	var line []byte
	for _, x := range f.all {
		kind := "gauge"
		if x.counter {
			kind = "counter"
		}
		help := strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(strings.ToValidUTF8(x.help, "\uFFFD"))
		if _, err := fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", x.name, help, x.name, kind); err != nil {
			return err
		}
		for i := range x.series {
			line = x.series[i].append(line[:0], x.name)
			if _, err := w.Write(line); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *series) append(dst []byte, name string) []byte {
	dst = append(dst, name...)
	if s.labels != "" || s.component != "" {
		dst = append(append(dst, '{'), s.labels...)
		if s.component != "" {
			dst = append(append(append(dst, `,component="`...), labelValue(s.component)...), '"')
		}
		dst = append(dst, '}')
	}
	dst = append(dst, ' ')
	switch {
	case math.IsNaN(s.value):
		dst = append(dst, "NaN"...)
	case math.IsInf(s.value, 0):
		dst = append(dst, map[bool]string{true: "+Inf", false: "-Inf"}[s.value > 0]...)
	default:
		dst = strconv.AppendFloat(dst, s.value, 'g', -1, 64)
	}
	if s.atMS != 0 {
		dst = strconv.AppendInt(append(dst, ' '), s.atMS, 10)
	}
	return append(dst, '\n')
}
