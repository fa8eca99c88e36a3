package remotewrite_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/replicate/remotewrite"
)

// TestTooLarge: what is too large at once goes in less.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := newReceiver(t, func(_ int, s sent) reply {
		if len(s.samples) > 300 {
			return reply{code: 413}
		}
		return taken()
	})
	w.fill(20, 100)
	s := w.run(w.config(r))
	w.all(r)
	s.stop()
	if got := s.Status(); got.Lost() > 0 {
		t.Errorf("%+v", got)
	}
}

// TestTooLargeAfterFailing: what a receiver failed at goes in less when it is well again and takes less at once; nothing is given up for that.
func TestTooLargeAfterFailing(t *testing.T) {
	t.Parallel()
	for name, small := range map[string]reply{"too large": {code: 413}, "a burst": {code: 429, text: "the request exceeds the burst size"}} {
		w := newWorld(t)
		type piece struct {
			first sample
			of    int
		}
		failed, less := map[piece]int{}, false
		r := newReceiver(t, func(_ int, s sent) reply {
			if len(s.samples) == 0 || !strings.Contains(s.samples[len(s.samples)-1].series, "sw-1") {
				return taken()
			}
			x := piece{s.samples[0], len(s.samples)}
			if failed[x]++; x.of > 1000 || failed[x] <= 2 { // a small one as often as it is tried before it is put aside
				return reply{code: 500, text: "no"}
			}
			if x.of > remotewrite.LeastSamples {
				less = true
				return small
			}
			return taken()
		})
		at := recent(time.Minute)
		for _, device := range []hw.DeviceID{"sw-0", "sw-1"} {
			var many []hw.Sample
			for i := range 4500 {
				many = append(many, one(fmt.Sprintf("disk/%05d", i), "busy_percent", float64(i)))
			}
			w.visit(device, at, many...)
		}
		s := w.run(w.config(r))
		await(t, "all is decided", func() bool { return s.Status().Samples+s.Status().Lost() >= 9000 })
		s.stop()
		if got := s.Status(); got.Lost() > 0 || !less {
			t.Errorf("%s: %d samples are given up: %+v", name, got.Lost(), got.Refused)
		}
	}
}
