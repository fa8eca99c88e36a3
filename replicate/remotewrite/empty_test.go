package remotewrite_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rackpost/replicate/remotewrite"
)

// TestTakesNothingEmpty: one that refuses every empty request is not taken for one that refuses everything, for ever, because it refuses the
// first samples it gets.
func TestTakesNothingEmpty(t *testing.T) {
	old := func(x sample) bool { return time.Since(time.UnixMilli(x.atMS)) > 40*time.Hour }
	of := func(device string) func(x sample) bool {
		return func(x sample) bool { return strings.Contains(x.series, fmt.Sprintf("device=%q", device)) }
	}
	for name, a := range map[string]struct {
		bad     func(x sample) bool
		code    int
		inOrder bool
		wait    time.Duration
		why     remotewrite.Reason
	}{
		"a device":               {of("sw-1"), 400, true, time.Hour, remotewrite.Rejected},
		"a device it fails at":   {of("sw-1"), 500, true, time.Hour, remotewrite.Failing},
		"what is behind":         {old, 400, false, time.Hour, remotewrite.Rejected},
		"all before, one by one": {old, 400, true, 300 * time.Millisecond, remotewrite.Rejected},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := newReceiver(t, func(_ int, s sent) reply {
				switch {
				case len(s.samples) == 0:
					return reply{code: 400, text: "nothing is written"}
				case slices.ContainsFunc(s.samples, a.bad):
					return reply{code: a.code, text: "no"}
				}
				return taken()
			})
			w.visit("sw-1", recent(50*time.Hour), one("cpu/1", "busy_percent", 1))
			clear(w.want)
			if a.wait == time.Hour && a.inOrder { // else nothing of the request is taken
				w.visit("sw-2", recent(50*time.Hour), one("cpu/1", "busy_percent", 1))
			}
			c := w.config(r)
			c.InOrder = a.inOrder
			c.WaitForAny(a.wait)
			s := w.run(c)
			if !a.inOrder || a.wait < time.Hour {
				await(t, "it says so", func() bool { return strings.Contains(s.Status().Held, "empty") })
				await(t, "it tries again", func() bool { return s.Status().Requests > 20 })
				if n := s.Status().Lost(); n > 0 && !a.inOrder {
					t.Errorf("%d samples were given up", n)
				}
				w.visit("sw-2", recent(time.Second), one("cpu/1", "busy_percent", 1))
			}
			w.all(r)
			await(t, "the bad one is counted", func() bool { return s.Status().Lost() == 1 })
			s.stop()
			if x := s.Status().Refused; len(x) != 1 || x[0].Reason != a.why {
				t.Errorf("refused: %+v", x)
			}
		})
	}
}
