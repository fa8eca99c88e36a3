package remotewrite_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/remotewrite"
)

// recent is some whole second a while ago.
func recent(ago time.Duration) time.Time { return time.Now().Add(-ago).Truncate(time.Second) }

// fill writes n visits of each of two devices, a minute apart, the last one a minute ago.
func (w *world) fill(n, samples int) {
	for i := range n {
		at := recent(time.Duration(n-i) * time.Minute)
		for _, d := range []hw.DeviceID{"sw-1", "sw-2"} {
			var s []hw.Sample
			for j := range samples {
				s = append(s, count(fmt.Sprintf("port/%d", j), "rx_bytes_total", uint64(1000*i+j), at.Add(-time.Hour)))
			}
			w.visit(d, at, s...)
		}
	}
}

// TestWrites: what is in the journal and what comes is written once, with the labels it is to have, in both versions.
func TestWrites(t *testing.T) {
	for _, v := range []remotewrite.Protocol{remotewrite.V1, remotewrite.V2} {
		t.Run(string(v), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := newReceiver(t, nil)
			begun := recent(72 * time.Hour)
			w.fill(3, 5)
			c := w.config(r)
			c.Protocol, c.Bearer, c.Headers = v, "secret", map[string]string{"X-Scope-OrgID": "racks"}
			s := w.run(c)
			w.all(r)
			at := recent(5 * time.Second)
			w.visit("sw-1", at, count("port/1", "rx_bytes_total", 1<<40, begun), one("cpu/1", "busy_percent", 57),
				hw.Sample{Component: "psu/1", Sensor: "watts", Absent: hw.NotInstalled})
			w.all(r)
			s.stop()
			if got := s.Status(); got.Samples-got.Ended != 32 || got.Protocol != v || got.Fallback != "" || len(got.Refused) > 0 {
				t.Errorf("%+v", got)
			}
			for _, q := range r.seen() {
				if q.header.Get("Authorization") != "Bearer secret" || q.header.Get("X-Scope-OrgID") != "racks" || q.v2 != (v == remotewrite.V2) {
					t.Errorf("headers %v", q.header)
				}
			}
			last := r.seen()[len(r.seen())-1].samples
			if i := slices.IndexFunc(last, func(x sample) bool { return x.value == 1<<40 }); i < 0 || v == remotewrite.V2 && (last[i].startMS != begun.UnixMilli() || last[i].kind != 1) {
				t.Errorf("the counter came as %+v", last)
			}
			if i := slices.IndexFunc(last, func(x sample) bool { return x.value == 0.57 }); i < 0 || v == remotewrite.V2 && last[i].kind != 2 {
				t.Errorf("the gauge came as %+v", last)
			}
		})
	}
}

// TestFallsBack: a receiver that does not know 2.0 gets 1.0, whether it says so or only keeps silent and stores nothing.
func TestFallsBack(t *testing.T) {
	for name, a := range map[string]reply{"silent": {code: 204}, "says so": {code: 415}, "says nonsense": {code: 200, header: map[string]string{"X-Prometheus-Remote-Write-Samples-Written": "some"}}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := newReceiver(t, func(_ int, s sent) reply {
				if s.v2 {
					return a
				}
				return taken()
			})
			w.fill(4, 5)
			c := w.config(r)
			c.Protocol = remotewrite.V2
			s := w.run(c)
			w.all(r)
			s.stop()
			if got := s.Status(); got.Protocol != remotewrite.V1 || got.Fallback == "" || got.Samples != 40 {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestBisects: one bad sample does not take the others with it, whatever code it is answered with, and is counted.
func TestBisects(t *testing.T) {
	for _, a := range []struct {
		reply
		why remotewrite.Reason
	}{
		{reply{code: 400, text: "out of bounds"}, remotewrite.TooOld},
		{reply{code: 400, text: "label value too long"}, remotewrite.Rejected},
		{reply{code: 422, text: "out of order sample"}, remotewrite.OutOfOrder},
		{reply{code: 500, text: "too old sample"}, remotewrite.TooOld},
		{reply{code: 500, text: "panic"}, remotewrite.Failing},
	} {
		t.Run(fmt.Sprint(a.code, a.text), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			bad := recent(80 * time.Hour)
			r := newReceiver(t, func(_ int, s sent) reply {
				if slices.ContainsFunc(s.samples, func(x sample) bool { return x.atMS == bad.UnixMilli() }) {
					return a.reply
				}
				return taken()
			})
			w.visit("sw-1", bad, one("cpu/1", "busy_percent", 1))
			for k := range w.want {
				delete(w.want, k)
			}
			w.fill(10, 50)
			s := w.run(w.config(r))
			w.all(r)
			await(t, "the bad one is counted", func() bool { return len(s.Status().Refused) > 0 })
			s.stop()
			got := s.Status()
			if x := got.Refused; len(x) != 1 || x[0].Reason != a.why || x[0].Samples != 1 || !x[0].First.Equal(bad) || !x[0].Last.Equal(bad) {
				t.Errorf("refused: %+v", x)
			}
			if got.Requests > 80 {
				t.Errorf("%d requests", got.Requests)
			}
		})
	}
}

// TestAllRefused: a receiver that takes nothing of what is old neither stops what is new nor is asked again and again.
func TestAllRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := time.Now().Add(-30 * time.Second).UnixMilli()
	r := newReceiver(t, func(_ int, s sent) reply {
		if slices.ContainsFunc(s.samples, func(x sample) bool { return x.atMS < old }) {
			return reply{code: 400, text: "out of order sample"}
		}
		return taken()
	})
	w.fill(200, 50)
	clear(w.want)
	s := w.run(w.config(r))
	await(t, "the old ones are given up", func() bool { return s.Status().Lost() == 20_000 })
	w.visit("sw-1", time.Now().Truncate(time.Millisecond), one("cpu/1", "busy_percent", 1))
	w.all(r)
	s.stop()
	if got := s.Status(); got.Requests > 120 || got.Lost() != 20_000 {
		t.Errorf("%d requests, %d lost", got.Requests, got.Lost())
	}
}

// TestIllReceiver: one that fails at everything loses nothing, however long.
func TestIllReceiver(t *testing.T) {
	for _, code := range []int{500, 502, 503, 429, 401, 403, 404, 302, 408} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ill := time.Now().Add(400 * time.Millisecond)
			r := newReceiver(t, func(int, sent) reply {
				if time.Now().Before(ill) {
					return reply{code: code, text: "no"}
				}
				return taken()
			})
			w.fill(5, 20)
			s := w.run(w.config(r))
			await(t, "it says what is wrong", func() bool { return s.Status().Failure+s.Status().Held != "" })
			w.all(r)
			s.stop()
			if got := s.Status(); got.Lost() > 0 || got.Failure+got.Held != "" {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestBounds: no request is larger than its bounds, whatever the names.
func TestBounds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := newReceiver(t, nil)
	long := strings.Repeat("x", 3000)
	at := recent(time.Minute)
	var many []hw.Sample
	for i := range 25_000 {
		many = append(many, one(fmt.Sprintf("disk/%05d", i), "busy_percent", float64(i)))
	}
	w.visit("sw-1", at, many...)
	many = nil
	for i := range 2000 {
		many = append(many, one(fmt.Sprintf("disk/%s%d", long, i), "busy_percent", float64(i)))
	}
	w.visit("sw-2", at, many...)
	w.run(w.config(r))
	w.all(r)
	for _, q := range r.seen() {
		if len(q.samples) > remotewrite.MaxSamples || q.raw > remotewrite.MaxBody {
			t.Errorf("a request of %d samples in %d bytes", len(q.samples), q.raw)
		}
	}
}

// TestRetryAfter: nothing is sent before the time a receiver asks for.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for _, code := range []int{429, 503} {
		w := newWorld(t)
		var asked time.Time
		r := newReceiver(t, func(n int, s sent) reply {
			if len(s.samples) > 0 && asked.IsZero() {
				asked = time.Now()
				return reply{code: code, header: map[string]string{"Retry-After": "1"}}
			}
			if since := time.Since(asked); len(s.samples) > 0 && since < 990*time.Millisecond {
				t.Errorf("%d: %d samples after %s", code, len(s.samples), since)
			}
			return taken()
		})
		w.fill(3, 5)
		s := w.run(w.config(r))
		w.all(r)
		s.stop()
	}
}

// TestClockGuard: while the receiver's clock is another, nothing is sent, and that is said.
func TestClockGuard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.offset = -70 * time.Second
	r := newReceiver(t, nil)
	w.fill(3, 5)
	s := w.run(w.config(r))
	await(t, "it is held back", func() bool { return strings.Contains(s.Status().Held, "ahead of ours") })
	if n := len(r.seen()); n > 0 {
		t.Errorf("%d requests with samples", n)
	}
	w.mu.Lock()
	w.offset = 0
	w.mu.Unlock()
	w.all(r)
	await(t, "it is held back no more", func() bool { return s.Status().Held == "" })
	if got := s.Status(); !got.Clock || got.Offset.Abs() > 2*time.Second {
		t.Errorf("%+v", got)
	}
}

// TestNoClock: a receiver that tells no time is written to.
func TestNoClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := newReceiver(t, func(int, sent) reply { return reply{code: 200, store: true, noDate: true} })
	w.fill(3, 5)
	s := w.run(w.config(r))
	w.all(r)
	if s.Status().Clock {
		t.Error("its clock is known")
	}
}

// TestResumes: whenever it is stopped, it goes on where it was.
func TestResumes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var now *running
	r := newReceiver(t, func(n int, _ sent) reply {
		time.Sleep(2 * time.Millisecond)
		return taken()
	})
	w.fill(60, 500)
	for i := range 12 {
		now = w.run(w.config(r))
		time.Sleep(time.Duration(3+5*i) * time.Millisecond)
		at := time.Now().Truncate(time.Millisecond)
		w.visit("sw-1", at, one("cpu/1", "busy_percent", float64(i)))
		now.stop()
	}
	w.run(w.config(r))
	w.all(r)
}

// TestLiveBeforeBehind: what is new is there at once while what an outage has left is still being written.
func TestLiveBeforeBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := newReceiver(t, func(_ int, s sent) reply {
		time.Sleep(time.Duration(len(s.samples)/100) * time.Millisecond)
		return taken()
	})
	w.limit = 100
	w.fill(1500, 20)
	s := w.run(w.config(r))
	await(t, "it writes what is behind", func() bool { return s.Status().Behind.Samples > 0 })
	late := 0
	for i := range 5 {
		at := time.Now().Truncate(time.Millisecond)
		w.visit("sw-1", at, one("cpu/1", "busy_percent", float64(i)))
		await(t, "the new one is there", func() bool {
			got, _ := r.got()
			_, ok := got[key{w.name(siteA, "rackpost_cpu_busy_ratio", "cpu/1", "sw-1"), at.UnixMilli()}]
			return ok
		})
		if s.Status().Behind.Oldest.IsZero() {
			late++
		}
	}
	if late == 5 {
		t.Error("nothing was behind: the test shows nothing")
	}
	w.all(r)
}

// TestInOrder: for a receiver that takes nothing out of order every series comes in order of time.
func TestInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	last := map[string]int64{}
	r := newReceiver(t, func(_ int, s sent) reply {
		for _, x := range s.samples {
			if x.atMS <= last[x.series] {
				return reply{code: 400, text: "out of order sample"}
			}
			last[x.series] = x.atMS
		}
		return taken()
	})
	w.limit = 30
	w.fill(300, 5)
	c := w.config(r)
	c.InOrder = true
	s := w.run(c)
	await(t, "the first are there", func() bool { return s.Status().Samples > 0 })
	w.visit("sw-1", recent(2*time.Second), one("cpu/1", "busy_percent", 1))
	w.all(r)
	if got := s.Status(); got.Lost() > 0 {
		t.Errorf("%+v", got)
	}
}

// TestOutage: while a receiver is away nothing is lost, and when it is back what is new comes first.
func TestOutage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	away := true
	r := newReceiver(t, nil)
	r.answer = func(int, sent) reply {
		if away {
			panic(errAbort())
		}
		return taken()
	}
	s := w.run(w.config(r))
	for i := range 30 {
		w.visit("sw-1", recent(time.Duration(100-i)*time.Second), one("cpu/1", "busy_percent", float64(i)))
		time.Sleep(10 * time.Millisecond)
	}
	await(t, "it says that there is no answer", func() bool { return s.Status().Failure != "" })
	r.mu.Lock()
	away = false
	r.mu.Unlock()
	w.all(r)
	await(t, "nothing fails any more", func() bool { return s.Status().Failure == "" })
	if got := s.Status(); got.Lost() > 0 {
		t.Errorf("%+v", got)
	}
}

// TestTrimmed: what the journal dropped before it was written is a gap that is told, and the rest is written.
func TestTrimmed(t *testing.T) {
	for _, otherLife := range []bool{false, true} {
		w := newWorld(t)
		r := newReceiver(t, nil)
		w.fill(4, 5)
		s := w.run(w.config(r))
		w.all(r)
		s.stop()
		w.fill(10, 7)
		w.mu.Lock()
		if w.first = 15; otherLife {
			w.life, w.first = "b", 0
		}
		w.mu.Unlock()
		s = w.run(w.config(r))
		await(t, "it is told", func() bool { x := s.Status().Refused; return len(x) == 1 && x[0].Reason == remotewrite.Trimmed })
		await(t, "the rest is written", func() bool { return s.Status().Samples > 0 && !s.Status().Behind.Reached.IsZero() })
		s.stop()
	}
}

// TestWindow: what is older than the window of the configuration is not sent, and counted.
func TestWindow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := newReceiver(t, nil)
	w.visit("sw-1", recent(3*time.Hour), one("cpu/1", "busy_percent", 1))
	clear(w.want)
	w.fill(3, 5)
	c := w.config(r)
	c.Window = time.Hour
	s := w.run(c)
	w.all(r)
	if x := s.Status().Refused; len(x) != 1 || x[0].Reason != remotewrite.BeyondWindow || x[0].Samples != 1 {
		t.Errorf("%+v", x)
	}
}

// TestAnotherBox: a box that goes on for another writes what that one has not, and nothing twice.
func TestAnotherBox(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := newReceiver(t, nil)
	w.fill(20, 5)
	c := w.config(r)
	c.Shared = true
	first := w.run(c)
	w.all(r)
	first.stop()
	c.File += "-b"
	second, err := remotewrite.New(c)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		w.visit("sw-1", recent(time.Duration(50-i)*time.Second), one("cpu/1", "busy_percent", float64(i)))
	}
	second.Join(first.Done())
	if err := second.Skim(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := second.Save(); err != nil {
		t.Fatal(err)
	}
	s := w.run(c)
	w.all(r)
	s.stop()
	if n := s.Status().Samples; n != 10 {
		t.Errorf("the other box wrote %d samples, want 10", n)
	}
}

// TestOrderChanged: whoever changes the order goes on where the lanes were: nothing is left out, and nothing is written twice.
func TestOrderChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	slow := true
	r := newReceiver(t, nil)
	r.answer = func(_ int, s sent) reply {
		if slow && len(s.samples) > 0 && s.samples[0].atMS < time.Now().Add(-50*time.Second).UnixMilli() {
			return reply{code: 503}
		}
		return taken()
	}
	w.limit = 7
	w.fill(40, 5)
	s := w.run(w.config(r))
	await(t, "what is behind waits", func() bool { return s.Status().Failure != "" })
	w.visit("sw-1", recent(5*time.Second), one("cpu/1", "busy_percent", 1))
	await(t, "what is new is there", func() bool { return s.Status().Live.Samples > 0 })
	s.stop()
	r.mu.Lock()
	slow = false
	r.mu.Unlock()
	c := w.config(r)
	c.InOrder = true
	s = w.run(c)
	w.all(r)
	await(t, "it is at the end", func() bool { return !s.Status().Live.Reached.IsZero() })
	s.stop()
	w.visit("sw-1", recent(2*time.Second), one("cpu/1", "busy_percent", 2))
	s = w.run(w.config(r))
	w.all(r)
	await(t, "nothing is behind", func() bool { return !s.Status().Behind.Reached.IsZero() })
	s.stop()
	w.all(r)
}

// TestDamagedFile: positions that cannot be read are set aside.
func TestDamagedFile(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{", `{"version":9}`, `{"version":1,"done":"AAAA"}`} {
		w := newWorld(t)
		r := newReceiver(t, nil)
		if err := os.WriteFile(w.file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		w.fill(3, 5)
		s := w.run(w.config(r))
		w.all(r)
		s.stop()
		if b, err := os.ReadFile(w.file + ".damaged"); err != nil || string(b) != text {
			t.Errorf("%q was not set aside: %q %v", text, b, err)
		}
	}
}

// TestIsland: of an island only what counts is written.
func TestIsland(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := newReceiver(t, nil)
	w.mode = journal.Island
	covered := recent(9 * time.Minute)
	w.counted = func(component, _ string, at time.Time) bool { return component == "port/1" && !at.Equal(covered) }
	w.visit("sw-1", covered, one("port/1", "rx_watts", 1))
	w.visit("sw-1", recent(8*time.Minute), one("port/2", "rx_watts", 1))
	clear(w.want)
	w.visit("sw-1", recent(7*time.Minute), one("port/1", "rx_watts", 1))
	w.mode = journal.Leader
	w.visit("sw-1", recent(6*time.Minute), one("port/2", "rx_watts", 1))
	c := w.config(r)
	c.Counted = w
	s := w.run(c)
	w.all(r)
	s.stop()
	w.all(r)
}

// TestRefusesConfig: what cannot work is refused with words.
func TestRefusesConfig(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := newReceiver(t, nil)
	for want, change := range map[string]func(*remotewrite.Config){
		"no address":       func(c *remotewrite.Config) { c.URL = "victoria:8428" },
		"holds a password": func(c *remotewrite.Config) { c.URL = "http://a:b@h/" },
		"protocol":         func(c *remotewrite.Config) { c.Protocol = "3.0" },
		"set by rackpost":  func(c *remotewrite.Config) { c.Labels = map[string]string{"site": "x"} },
		"no name":          func(c *remotewrite.Config) { c.Labels = map[string]string{"a-b": "x"} },
		"set by the proto": func(c *remotewrite.Config) { c.Headers = map[string]string{"content-type": "x"} },
		"no header":        func(c *remotewrite.Config) { c.Headers = map[string]string{"X-A": "x\r\nY: z"} },
		"write bearer":     func(c *remotewrite.Config) { c.Headers = map[string]string{"authorization": "x"} },
	} {
		c := w.config(r)
		change(&c)
		if _, err := remotewrite.New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
