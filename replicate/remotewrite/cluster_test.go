package remotewrite_test

import (
	"fmt"
	"hash/fnv"
	"maps"
	"strings"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/replicate/remotewrite"
)

// cluster is what Mimir and Thanos have in common: they store what they can of a request and refuse all of it for the rest. An exact
// repetition is no error. What they answer is that of their sources (pkg/distributor of Mimir, pkg/receive of Thanos).
type cluster struct {
	newest map[string]int64
	values map[key]float64
	window time.Duration
}

func newCluster(window time.Duration) *cluster {
	return &cluster{newest: map[string]int64{}, values: map[key]float64{}, window: window}
}

// put stores a sample, or says why not.
func (c *cluster) put(x sample) (fresh bool, why string) {
	k := key{x.series, x.atMS}
	newest := c.newest[x.series]
	before, there := c.values[k]
	switch {
	case x.stale:
		return false, ""
	case there && before != x.value:
		return false, "duplicate"
	case there:
		return false, ""
	case x.atMS < time.Now().Add(-c.window).UnixMilli():
		return false, "too old"
	case c.window == 0 && x.atMS < newest:
		return false, "out of order"
	}
	c.values[k], c.newest[x.series] = x.value, max(newest, x.atMS)
	return true, ""
}

// mimir answers as Mimir does.
type mimir struct {
	*cluster
	burst int
	busy  int // so many more requests are too many: 429, then 529
}

func (m *mimir) answer(_ int, s sent) reply {
	if s.header.Get("X-Scope-OrgID") == "" {
		return reply{code: 401, text: "no org id"}
	}
	if len(s.samples) > m.burst {
		return reply{code: 429, text: fmt.Sprintf("the request has been rejected because the tenant exceeded the ingestion burst size limit, set to %d, with %d items (err-mimir-tenant-max-ingestion-rate)", m.burst, len(s.samples))}
	}
	if m.busy > 0 && len(s.samples) > 0 {
		if m.busy--; m.busy%2 == 0 {
			return reply{code: 529, text: "the request has been rejected because the tenant exceeded the request rate limit (err-mimir-tenant-max-request-rate)"}
		}
		return reply{code: 429, text: "the request has been rejected because the tenant exceeded the ingestion rate limit (err-mimir-tenant-max-ingestion-rate)"}
	}
	r := reply{code: 200}
	for _, x := range s.samples {
		why := ""
		if len(x.series) > 2048 {
			why = "received a series whose label value length exceeds the limit of 2048 (err-mimir-label-value-too-long)"
		} else {
			var fresh bool
			if fresh, why = m.put(x); fresh {
				r.keep = append(r.keep, x)
			}
			switch why {
			case "too old":
				why = strings.Repeat("ingester-zone-a-", 8) + ": another sample with a more recent timestamp was ingested and this one is beyond the out-of-order time window of 2h (err-mimir-sample-timestamp-too-old)"
			case "duplicate":
				why = "another sample with the same timestamp, but a different value, was ingested (err-mimir-sample-duplicate-timestamp)"
			}
		}
		if why != "" {
			r.code, r.text = 400, "failed pushing to ingester: user=racks: "+why
		}
	}
	return r
}

// lost returns how many samples a Sender gave up, by reason.
func lost(s *running) map[remotewrite.Reason]uint64 {
	out := map[remotewrite.Reason]uint64{}
	for _, r := range s.Status().Refused {
		out[r.Reason] = r.Samples
	}
	return out
}

// unwanted writes what an engine refuses for ever beside what it takes.
func (w *world) unwanted(old int, long bool) {
	for i := range old {
		w.visit("sw-1", recent(5*time.Hour-time.Duration(i)*time.Minute), one("cpu/1", "busy_percent", float64(i)))
	}
	if long {
		// the last visit of its device: a later one would end the series, and what tells that is refused too
		w.visit("sw-2", recent(20*time.Second), one("disk/"+strings.Repeat("x", 3000), "busy_percent", 1), one("cpu/2", "busy_percent", 1))
		maps.DeleteFunc(w.want, func(k key, _ float64) bool { return len(k.series) > 2048 })
	}
	maps.DeleteFunc(w.want, func(k key, _ float64) bool { return k.atMS < time.Now().Add(-2*time.Hour).UnixMilli() })
}

// TestMimir: its limits of bursts and rates lose nothing, what it refuses for ever is counted with the reason, and all the rest is there.
func TestMimir(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := &mimir{newCluster(2 * time.Hour), 0, 40}
	r := newReceiver(t, m.answer)
	w.fill(60, 40)
	w.unwanted(7, true)
	c := w.config(r)
	s := w.run(c)
	await(t, "the tenant is missing", func() bool { return strings.Contains(s.Status().Held, "tenant's header") })
	s.stop()
	c.Headers = map[string]string{"X-Scope-OrgID": "racks"}
	s = w.run(c)
	await(t, "next to nothing is let in", func() bool { return strings.Contains(s.Status().Failure, "burst size") })
	time.Sleep(300 * time.Millisecond) // long enough to have given up
	r.mu.Lock()
	m.burst = 150
	r.mu.Unlock()
	w.all(r)
	at := time.Now().Truncate(time.Millisecond)
	w.visit("sw-1", at, one("cpu/1", "busy_percent", 1))
	w.all(r)
	want := map[remotewrite.Reason]uint64{remotewrite.TooOld: 7, remotewrite.Rejected: 1}
	await(t, "what it refuses is counted", func() bool { return maps.Equal(lost(s), want) })
	w.visit("sw-1", at, one("cpu/1", "busy_percent", 2)) // another box's, at the same time
	want[remotewrite.OutOfOrder] = 1
	await(t, "another value of the same time is counted", func() bool { return maps.Equal(lost(s), want) })
	s.stop()
}

// thanos answers as a Receive of three nodes does.
type thanos struct {
	*cluster
	down bool // one of the nodes is
}

func (h *thanos) answer(_ int, s sent) reply {
	r := reply{code: 200}
	refused := map[string]int{}
	for _, x := range s.samples {
		node := fnv.New32()
		_, _ = node.Write([]byte(x.series))
		if node.Sum32()%3 == 0 && h.down {
			return reply{code: 503, text: "2 errors: backing off forward request for endpoint receive-2: target not available", keep: r.keep}
		}
		fresh, why := h.put(x)
		if fresh {
			r.keep = append(r.keep, x)
		}
		refused[why]++
	}
	for why, words := range map[string]string{"too old": "too old sample", "out of order": "out of order sample", "duplicate": "duplicate sample for timestamp"} {
		if n := refused[why]; n > 0 {
			r.code, r.text = 409, fmt.Sprintf("store locally for endpoint receive-0: add %d samples: %s", n, words)
		}
	}
	return r
}

// TestThanos: while one of its nodes is away nothing of that node is given up, although the others take their part.
func TestThanos(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := &thanos{newCluster(2 * time.Hour), true}
	r := newReceiver(t, h.answer)
	w.fill(60, 40)
	w.unwanted(7, false)
	s := w.run(w.config(r))
	await(t, "it says that a part of it is away", func() bool { return strings.Contains(s.Status().Failure, "target not available") })
	await(t, "the other nodes take their part", func() bool { got, _ := r.got(); return len(got) > 500 })
	time.Sleep(500 * time.Millisecond) // long enough to have given up
	w.visit("sw-1", time.Now().Truncate(time.Millisecond), one("cpu/1", "busy_percent", 1))
	r.mu.Lock()
	h.down = false
	r.mu.Unlock()
	w.all(r)
	want := map[remotewrite.Reason]uint64{remotewrite.TooOld: 7}
	await(t, "what it refuses is counted", func() bool { return maps.Equal(lost(s), want) })
	s.stop()
}

// TestNotTheSamples: what refuses everything, an empty request too, is no matter of the samples; so is a page for people. Nothing is given up.
func TestNotTheSamples(t *testing.T) {
	for name, a := range map[string]reply{
		"a proxy":  {code: 400, text: "The SSL certificate error"},
		"a portal": {code: 200, header: map[string]string{"Content-Type": "text/html; charset=utf-8"}, text: "<html>log in</html>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, ill := range []bool{true, false} { // from the beginning, and later
				w := newWorld(t)
				r := newReceiver(t, nil)
				later := !ill
				r.answer = func(int, sent) reply {
					if ill {
						return a
					}
					return taken()
				}
				w.fill(2, 5)
				s := w.run(w.config(r))
				if later {
					w.all(r)
					r.mu.Lock()
					ill = true
					r.mu.Unlock()
					w.visit("sw-1", recent(2*time.Second), one("cpu/1", "busy_percent", 1))
				}
				await(t, "it says so", func() bool { return s.Status().Held != "" })
				r.mu.Lock()
				ill = false
				r.mu.Unlock()
				w.all(r)
				s.stop()
				if n := s.Status().Lost(); n > 0 {
					t.Errorf("%d samples were given up", n)
				}
			}
		})
	}
}

// TestFuture: what a clock far ahead read is not written, for an engine would take nothing of now behind it; its device goes on.
func TestFuture(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := newReceiver(t, nil)
	w.visit("sw-1", time.Now().Add(70*365*24*time.Hour).Truncate(time.Second), one("cpu/1", "busy_percent", 1), hw.Sample{Component: "psu/1", Sensor: "watts", Absent: hw.NotInstalled})
	clear(w.want)
	at := recent(50 * time.Second)
	w.visit("sw-1", at, one("port/a", "rx_watts", 1), count("port/b", "rx_bytes_total", 1, at.Add(time.Hour)))
	w.visit("sw-1", at.Add(10*time.Second), one("port/a", "rx_watts", 1))
	c := w.config(r)
	c.Protocol = remotewrite.V2
	s := w.run(c)
	w.all(r)
	await(t, "what has ended since is told", func() bool { return len(r.ends(at)) == 1 })
	s.stop()
	if got := lost(s); !maps.Equal(got, map[remotewrite.Reason]uint64{remotewrite.Future: 1}) {
		t.Errorf("given up: %v", got)
	}
	for _, q := range r.seen() {
		for _, x := range q.samples {
			if x.startMS > x.atMS {
				t.Errorf("a counter begins after it was read: %+v", x)
			}
		}
	}
}

// TestTellsNoSecret: neither the address with its query nor what a receiver says of the login is told.
func TestTellsNoSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := newReceiver(t, func(int, sent) reply { return reply{code: 401, text: "no such token: swordfish"} })
	w.fill(1, 1)
	c := w.config(r)
	c.Bearer = "swordfish"
	c.URL += "?key=kingfisher"
	s := w.run(c)
	await(t, "it is refused", func() bool { return strings.Contains(s.Status().Held, "no such token: ***") })
	r.Close()
	await(t, "it is away", func() bool { return s.Status().Failure != "" })
	s.stop()
	if x := fmt.Sprintf("%+v", s.Status()); strings.Contains(x, "kingfisher") || strings.Contains(x, "swordfish") {
		t.Error(x)
	}
}

// TestWrongClockGivesNothingUp: by a clock that is set wrong nothing is too old or of the future, also what came before it was seen.
func TestWrongClockGivesNothingUp(t *testing.T) {
	t.Parallel()
	for _, offset := range []time.Duration{-time.Hour, 50 * 365 * 24 * time.Hour} {
		w := newWorld(t)
		w.offset = offset
		r := newReceiver(t, nil)
		w.fill(3, 5)
		c := w.config(r)
		c.Window = 24 * time.Hour
		s := w.run(c)
		await(t, "it is held back", func() bool { return strings.Contains(s.Status().Held, "ours") })
		w.mu.Lock()
		w.offset = 0
		w.mu.Unlock()
		w.all(r)
		w.mu.Lock()
		w.offset = offset // as a machine that was asleep
		w.mu.Unlock()
		w.visit("sw-1", recent(time.Second), one("cpu/1", "busy_percent", 7))
		await(t, "it is held back again", func() bool { return strings.Contains(s.Status().Held, "ours") })
		w.mu.Lock()
		w.offset = 0
		w.mu.Unlock()
		w.all(r)
		s.stop()
		if got := s.Status(); got.Lost() > 0 {
			t.Errorf("%v off: %+v", offset, got.Refused)
		}
	}
}
