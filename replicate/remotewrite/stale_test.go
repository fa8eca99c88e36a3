package remotewrite_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/remotewrite"
)

// ends returns the markers a receiver got, "component@seconds" with the seconds since a moment.
func (r *receiver) ends(since time.Time) (out []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, x := range r.stored {
		if x.stale {
			var name, part string
			_, _ = fmt.Sscanf(x.series, "__name__=%q component=%q", &name, &part)
			out = append(out, fmt.Sprintf("%s@%d", part, (x.atMS-since.UnixMilli())/1000))
		}
	}
	slices.Sort(out)
	return out
}

// TestEnded: a series that has ended is marked where it did, and one that is only not due is not.
func TestEnded(t *testing.T) {
	t.Parallel()
	at := recent(time.Hour)
	fast, slow := hw.Scope{Section: "fast", Extent: hw.Complete}, hw.Scope{Section: "slow", Extent: hw.Complete}
	partly := hw.Scope{Section: "fast", Extent: hw.Partial}
	failed := hw.Scope{Section: "fast", Extent: hw.Failed}
	a, b, s := one("port/a", "rx_watts", 1), one("port/b", "rx_watts", 1), one("psu/1", "watts", 1)
	no := hw.Sample{Component: "port/a", Sensor: "rx_watts", Absent: hw.NotInstalled}
	type step struct {
		at      int
		read    []hw.Scope
		samples []hw.Sample
	}
	for name, c := range map[string]struct {
		steps []step
		want  []string
	}{
		"not due":      {[]step{{0, []hw.Scope{fast, slow}, []hw.Sample{a, s}}, {60, []hw.Scope{fast}, []hw.Sample{a}}, {120, []hw.Scope{fast, slow}, []hw.Sample{a, s}}}, nil},
		"taken out":    {[]step{{0, []hw.Scope{fast}, []hw.Sample{a, b}}, {60, []hw.Scope{fast}, []hw.Sample{b}}, {120, []hw.Scope{fast}, []hw.Sample{b}}}, []string{"port/a@60"}},
		"not read":     {[]step{{0, []hw.Scope{fast}, []hw.Sample{a, b}}, {60, []hw.Scope{partly}, []hw.Sample{b}}}, nil},
		"absent":       {[]step{{0, []hw.Scope{fast}, []hw.Sample{a, b}}, {60, []hw.Scope{fast}, []hw.Sample{no, b}}, {120, []hw.Scope{fast}, []hw.Sample{no, b}}}, []string{"port/a@60"}},
		"back again":   {[]step{{0, []hw.Scope{fast}, []hw.Sample{a}}, {60, []hw.Scope{fast}, []hw.Sample{no}}, {120, []hw.Scope{fast}, []hw.Sample{a}}, {180, []hw.Scope{fast}, []hw.Sample{no}}}, []string{"port/a@180", "port/a@60"}},
		"one failure":  {[]step{{0, []hw.Scope{fast}, []hw.Sample{a, b}}, {60, []hw.Scope{failed}, nil}, {120, []hw.Scope{fast}, []hw.Sample{a, b}}}, nil},
		"answers none": {[]step{{0, []hw.Scope{fast, slow}, []hw.Sample{a, s}}, {120, []hw.Scope{failed}, nil}, {200, []hw.Scope{failed}, nil}, {260, []hw.Scope{failed}, nil}}, []string{"port/a@200", "psu/1@200"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := newReceiver(t, nil)
			for _, x := range c.steps {
				next := time.Minute
				if x.read[0].Extent == hw.Failed { // the device is left alone for a while
					next = 15 * time.Minute
				}
				w.report(siteA, hw.Report{Device: "sw-1", Started: at.Add(time.Duration(x.at) * time.Second), Period: next, Read: x.read, Samples: slices.Clone(x.samples)})
			}
			s := w.run(w.config(r))
			w.all(r)
			await(t, "all is read", func() bool { return !s.Status().Behind.Reached.IsZero() })
			s.stop()
			if got := r.ends(at); !slices.Equal(got, c.want) {
				t.Errorf("ended %q, want %q", got, c.want)
			}
		})
	}
}

// TestDeviceGone: the series of a device that is configured no more have ended, and those of one that moved end under the old labels.
func TestDeviceGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := newReceiver(t, nil)
	s := w.run(w.config(r))
	at := recent(20 * time.Second)
	w.visit("sw-1", at, one("cpu/1", "busy_percent", 1))
	w.visit("sw-2", at, one("cpu/1", "busy_percent", 1))
	w.all(r)
	w.mu.Lock()
	w.places = map[journal.ID]remotewrite.Place{siteA: {Site: "FRA-3", Devices: map[hw.DeviceID]remotewrite.Device{"sw-1": {Customer: "acme", Rack: "r8"}}}}
	w.mu.Unlock()
	time.Sleep(30 * time.Millisecond) // what is known of the site is old then
	w.visit("sw-1", at.Add(10*time.Second), one("cpu/1", "busy_percent", 2))
	await(t, "both have ended", func() bool { return len(r.ends(at)) >= 2 })
	w.all(r)
	s.stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	var ended []string
	for _, x := range r.stored {
		if x.stale {
			ended = append(ended, x.series)
		}
	}
	slices.Sort(ended)
	want := []string{
		`__name__="rackpost_cpu_busy_ratio" component="cpu/1" customer="acme" device="sw-1" rack="r7" site="FRA-3"`,
		`__name__="rackpost_cpu_busy_ratio" component="cpu/1" device="sw-2" rack="r7" site="FRA-3"`,
	}
	if !slices.Equal(ended, want) {
		t.Errorf("ended %q", ended)
	}
}

// TestTracksAgain: what was kept of devices that are configured no more leaves its room to others; of more than there is room for, the
// first are known.
func TestTracksAgain(t *testing.T) {
	t.Parallel()
	const quarter = remotewrite.MaxTrackedBytes / 4
	if n := remotewrite.TrackedInTurn(12, quarter, true); n != 12 {
		t.Errorf("of 12 devices, one after the other, %d are known", n)
	}
	if n := remotewrite.TrackedInTurn(12, quarter, false); n != 4 {
		t.Errorf("of 12 devices at once %d are known, there is room for 4", n)
	}
}

// TestLabels: labels of the configuration stand with the others, in order, and a text that is no UTF-8 is made such.
func TestLabels(t *testing.T) {
	t.Parallel()
	for _, v := range []remotewrite.Protocol{remotewrite.V1, remotewrite.V2} {
		w := newWorld(t)
		r := newReceiver(t, nil)
		w.places[siteA] = remotewrite.Place{Site: "FRA\xff", Devices: map[hw.DeviceID]remotewrite.Device{"sw": {Rack: "r"}}}
		w.visit("sw", recent(time.Minute), hw.Sample{Sensor: "uptime_seconds", Gauge: 5}, one("port/\"1\\", "rx_watts", 1))
		c := w.config(r)
		c.Protocol, c.Labels = v, map[string]string{"aa": "1", "cz": "2", "zz": "3"}
		s := w.run(c)
		await(t, "it is there", func() bool { return s.Status().Samples == 2 })
		s.stop()
		got, _ := r.got()
		for _, want := range []string{
			`__name__="rackpost_whole_uptime_seconds" aa="1" cz="2" device="sw" rack="r" site="FRA` + "\uFFFD" + `" zz="3"`,
			`__name__="rackpost_port_rx_watts" aa="1" component="port/\"1\\" cz="2" device="sw" rack="r" site="FRA` + "\uFFFD" + `" zz="3"`,
		} {
			if !slices.ContainsFunc(keys(got), func(k key) bool { return k.series == want }) {
				t.Errorf("%s: no %s in %v", v, want, got)
			}
		}
	}
}

func keys(m map[key]float64) (out []key) {
	for k := range m {
		out = append(out, k)
	}
	return out
}
