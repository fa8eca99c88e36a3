package uplink_test

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/enroll"
	"rackpost/replicate/uplink"
)

// TestOddAnswers: what headquarters, or a machine in its place, may do instead of answering. The box goes on,
// calls at a bounded rate, and sends when it is answered well again.
func TestOddAnswers(t *testing.T) {
	t.Parallel()
	raw := func(says string, stay time.Duration) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer c.Close()
			_, _ = io.WriteString(c, says)
			_ = c.SetReadDeadline(time.Now().Add(stay))
			_, _ = c.Read(make([]byte, 1))
		}
	}
	for name, odd := range map[string]http.HandlerFunc{
		"ends at once":         raw("", 0),
		"ends within":          raw("HTTP/1.1 101 Switch", 0),
		"no switch":            raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", 0),
		"no HTTP":              raw("\x00\x01\x02\x03\r\n\r\n", 0),
		"endless head":         raw("HTTP/1.1 500 x\r\nA: "+strings.Repeat("a", 200<<10), 0),
		"endless body":         raw("HTTP/1.1 500 x\r\nContent-Length: 99999999\r\n\r\n"+strings.Repeat("a", 200<<10), 0),
		"body that never is":   raw("HTTP/1.1 503 x\r\nContent-Length: 100\r\n\r\n{", time.Minute),
		"a session of rubbish": raw("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+uplink.Upgrade+"\r\n\r\n"+strings.Repeat("rubbish", 100), time.Second),
		"an error":             func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://example.net/", http.StatusFound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			good := w.hq.server.Handler
			odd := odd
			var on = make(chan struct{})
			w.hq.server.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				select {
				case <-on:
					good.ServeHTTP(rw, r)
				default:
					w.hq.requests.Add(1)
					odd(rw, r)
				}
			})
			w.run()
			k := w.write()
			time.Sleep(1500 * time.Millisecond)
			if n := w.hq.requests.Load(); n == 0 || n > 25 {
				t.Errorf("asked %d times", n)
			}
			close(on)
			w.arrives(k)
		})
	}
}

// TestBusyHeadquarters: one that takes its time is not called again: its machine acknowledges.
func TestBusyHeadquarters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *uplink.Config) {
		c.Dial = nil
		c.Timing.Patience = 0
		c.Timing.Standby = time.Hour
	})
	w.hq.store.Fsync = func(ctx context.Context) error {
		select {
		case <-ctx.Done():
		case <-time.After(2 * time.Second):
		}
		return ctx.Err()
	}
	w.run()
	w.connected("default")
	stop := w.writing(100 * time.Millisecond)
	time.Sleep(5 * time.Second)
	stop()
	if n := w.hq.requests.Load(); n != 2 {
		t.Errorf("asked for a lane %d times", n)
	}
	if s := w.Status(); s.Way != "default" || s.Ways[0].Answers != uplink.Yes {
		t.Errorf("the way is given up: %+v", s.Ways)
	}
}

// TestChaos: two boxes of a site with one credential send at once over two ways each, and everything is cut, healed, ended and
// refused at random. In the end headquarters has every record once.
func TestChaos(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	a := newWorld(t, twoWays)
	b := &world{t: t, hq: a.hq, net: newWires(), origin: journal.ID{2}}
	b.holds(a.holder.Credential(), twoWays)
	a.run()
	b.run()
	boxes := []*world{a, b}
	var stops []func()
	for _, w := range boxes {
		stops = append(stops, w.writing(5*time.Millisecond))
	}
	for end := time.Now().Add(8 * time.Second); time.Now().Before(end); time.Sleep(time.Duration(r.IntN(300)) * time.Millisecond) {
		n, way := boxes[r.IntN(2)].net, twoNames[r.IntN(2)]
		switch r.IntN(6) {
		case 0, 1:
			n.cut(way)
		case 2, 3:
			n.heal(way)
		case 4:
			a.hq.endAll()
		case 5:
			refuse := r.IntN(2) == 0
			a.hq.setRefuse(func(string) error {
				if refuse {
					return &enroll.Refusal{Reason: enroll.Unavailable, What: "not now"}
				}
				return nil
			})
		}
	}
	for _, stop := range stops {
		stop()
	}
	a.hq.setRefuse(nil)
	for _, w := range boxes {
		for _, way := range twoNames {
			w.net.heal(way)
		}
	}
	for _, w := range boxes {
		w.eventually("all is there", func() bool { return w.hq.store.Held().Covers(w.store.Have()) })
	}
	if n := a.hq.store.Doubles(); n > 0 {
		t.Errorf("%d records twice", n)
	}
	at, wrote := a.hq.store.Content(), a.number.Load()+b.number.Load()
	if uint64(len(at)) != wrote {
		t.Errorf("headquarters has %d records, %d were written", len(at), wrote)
	}
	t.Logf("%d records; came twice to headquarters' store and were recognised: %d", wrote, a.hq.store.Repeats())
}

var twoNames = []string{"fibre", "mobile"}
