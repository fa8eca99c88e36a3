package enginetest_test

import (
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/replicate/remotewrite"
)

// TestEngines: a day of an outage is written behind what is new, and the engine holds every sample of it, once.
func TestEngines(t *testing.T) {
	cases := []struct {
		name   string
		open   func(testing.TB) *engine
		change func(*remotewrite.Config)
	}{
		{"victoria", victoria, func(*remotewrite.Config) {}},
		{"victoria asked for 2.0", victoria, func(c *remotewrite.Config) { c.Protocol = remotewrite.V2 }},
		{"prometheus with a window", window, func(*remotewrite.Config) {}},
		{"prometheus asked for 2.0", window, func(c *remotewrite.Config) { c.Protocol = remotewrite.V2 }},
		{"prometheus in order", func(t testing.TB) *engine { return prometheus(t, "") }, func(c *remotewrite.Config) { c.InOrder = true }},
	}
	b := openBox(t)
	now := time.Now()
	gen := server(7, 24*time.Hour)
	b.put(gen, now.Add(-2*time.Minute))
	engines, senders := make([]*engine, len(cases)), make([]*sending, len(cases))
	for i, c := range cases {
		engines[i] = c.open(t)
		cfg := b.config(engines[i].write())
		c.change(&cfg)
		senders[i] = start(t, cfg)
	}
	b.put(gen, now)
	want := b.held()
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e, s := engines[i], senders[i]
			e.await("all is written", func() bool { return s.Status().Samples >= uint64(len(want)) })
			s.stop()
			got, twice := e.held()
			same(t, got, want, twice)
			x := s.Status()
			if x.Lost() > 0 || x.Protocol != remotewrite.V1 || (x.Fallback != "") != strings.Contains(c.name, "2.0") || !x.Clock {
				t.Errorf("%+v", x)
			}
			t.Logf("%d samples, %d requests, %.1f bytes a sample", x.Samples, x.Requests, float64(x.Bytes)/float64(x.Samples))
		})
	}
}

func window(t testing.TB) *engine { return prometheus(t, "72h") }

// TestNoWindow: a Prometheus without a window refuses what is behind once it has what is new; that is counted, not asked for ever, and what is
// new goes on.
func TestNoWindow(t *testing.T) {
	t.Parallel()
	e := prometheus(t, "")
	b := openBox(t)
	fresh := func(n int) { b.one("live", time.Now().Truncate(time.Millisecond), float64(n)) }
	fresh(1)
	cfg := b.config(e.write())
	s := start(t, cfg)
	e.await("the new one is there", func() bool { return s.Status().Samples == 1 })
	s.stop()
	live := b.held()
	b.put(server(7, 24*time.Hour), time.Now().Add(-22*time.Hour))
	old := len(b.held()) - len(live)
	s = start(t, cfg)
	fresh(2)
	e.await("the old ones are given up", func() bool { x := s.Status(); return x.Lost() == uint64(old) && x.Samples == 1 })
	fresh(3)
	e.await("the newest is there", func() bool { return s.Status().Samples == 2 })
	s.stop()
	got, twice := e.held()
	want := maps.Collect(func(yield func(key, float64) bool) {
		for k, v := range b.held() {
			if k.device == "live" && !yield(k, v) {
				return
			}
		}
	})
	same(t, got, want, twice)
	if x := s.Status().Refused; len(x) != 1 || x[0].Reason != remotewrite.TooOld || x[0].Words == "" || s.Status().Requests > 200 {
		t.Errorf("%+v after %d requests", x, s.Status().Requests)
	}
}

// TestTooOld: a Prometheus with a window answers 500 for a whole request in which one sample is older; that one alone is given up.
func TestTooOld(t *testing.T) {
	t.Parallel()
	e := prometheus(t, "72h")
	b := openBox(t)
	b.one("live", time.Now().Truncate(time.Millisecond), 1)
	cfg := b.config(e.write())
	s := start(t, cfg)
	e.await("the new one is there", func() bool { return s.Status().Samples == 1 })
	s.stop()
	b.one("lost", time.Now().Add(-80*time.Hour).Truncate(time.Millisecond), 1)
	b.put(server(7, 2*time.Hour), time.Now())
	want := b.held()
	maps.DeleteFunc(want, func(k key, _ float64) bool { return k.device == "lost" })
	s = start(t, cfg)
	e.await("the rest is there", func() bool { return s.Status().Samples >= uint64(len(want)-1) && s.Status().Lost() > 0 })
	s.stop()
	got, twice := e.held()
	same(t, got, want, twice)
	if x := s.Status().Refused; len(x) != 1 || x[0].Reason != remotewrite.TooOld || x[0].Samples != 1 {
		t.Errorf("%+v", x)
	}
}

// TestOddNames: whatever bytes a device names its parts with, and whatever it counts, engines take it.
func TestOddNames(t *testing.T) {
	t.Parallel()
	b := openBox(t)
	at := time.Now().Add(-time.Minute).Truncate(time.Millisecond)
	var samples []hw.Sample
	for _, name := range []string{"a\xff\xfeb", "line\nbreak\ttab", "zero\x00byte", `quote"back\slash{}`, "风扇 1", strings.Repeat("é", 150), " ", "\u202eright"} {
		for i, v := range []float64{0, math.NaN(), math.Inf(1), math.Inf(-1), -5, 1e300, 1e-300} {
			samples = append(samples, hw.Sample{Component: "fan/" + name, Sensor: fmt.Sprintf("odd %d\xff_watts", i), Gauge: v})
		}
		samples = append(samples, hw.Sample{Component: "fan/" + name, Sensor: "turns_total", Type: hw.Counter, Count: 1 << 50, StartMS: at.UnixMilli()})
	}
	for i := range 2 { // then the counters begin anew
		r := hw.Report{Device: "live", Started: at.Add(time.Duration(i) * 10 * time.Second), Period: 10 * time.Second, Read: []hw.Scope{{Section: "fans", Extent: hw.Complete}}, Samples: samples}
		if err := b.Put(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		for j := range samples {
			samples[j].Count = 1
		}
	}
	want := map[key]float64{}
	for k, v := range b.held() {
		if k.component = strings.ToValidUTF8(k.component, "\uFFFD"); !math.IsInf(v, 0) {
			want[k] = v
		}
	}
	for name, e := range map[string]*engine{"victoria": victoria(t), "prometheus": window(t)} {
		t.Run(name, func(t *testing.T) {
			s := start(t, b.config(e.write()))
			e.await("all is written", func() bool { return s.Status().Samples >= uint64(len(want)) })
			s.stop()
			got, twice := e.held()
			same(t, got, want, twice)
			if x := s.Status(); x.Lost() > 0 {
				t.Errorf("%+v", x)
			}
		})
	}
}

// one stores one reading of a device.
func (b *box) one(d hw.DeviceID, at time.Time, v float64) {
	b.t.Helper()
	r := hw.Report{Device: d, Started: at, Period: time.Minute, Read: []hw.Scope{{Section: "cpu", Extent: hw.Complete}},
		Samples: []hw.Sample{{Component: "cpu/1", Sensor: "busy_percent", Gauge: v}}}
	if err := b.Put(b.t.Context(), r); err != nil {
		b.t.Fatal(err)
	}
}
