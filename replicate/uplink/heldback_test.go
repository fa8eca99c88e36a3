package uplink_test

import (
	"strings"
	"testing"
	"time"

	"rackpost/replicate/enroll"
	"rackpost/replicate/ship"
	"rackpost/replicate/uplink"
)

// pace asks the same of all lanes.
func (o *office) pace(p ship.Pace) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, l := range o.lines {
		l.Pace(p)
	}
}

// TestHeldBack: a site that headquarters holds back knows why and since when, and is as late as the oldest record that waits,
// whatever connections come and go meanwhile.
func TestHeldBack(t *testing.T) {
	t.Parallel()
	for _, p := range []ship.Pace{{Paused: true, Why: "a thin line"}, {FactsOnly: true, Why: "the quota"}} {
		w := newWorld(t, nil).run()
		w.arrives(w.write())
		w.connected("default")
		w.hq.pace(p)
		w.eventually("both lanes are told", func() bool { s := w.Status(); return s.Held.Pace == p && s.Live.Pace == p && s.Behind.Pace == p })
		if s := w.Status(); !s.Held.Since.IsZero() || s.LiveLag > 5 {
			t.Errorf("nothing waits, and it says %+v, %.1f s", s.Held, s.LiveLag)
		}
		first := time.Now().Truncate(time.Millisecond)
		k := w.write()
		w.eventually("it knows since when", func() bool { return !w.Status().Held.Since.IsZero() })
		w.hq.endAll()
		w.connected("default")
		w.hq.pace(p)
		w.write()
		var asked time.Time
		var s uplink.Status
		w.eventually("it is told again", func() bool {
			asked, s = time.Now(), w.Status()
			return s.Held.Pace == p && !s.Held.Since.IsZero()
		})
		if since := s.Held.Since.Sub(first); since < 0 || since > 5*time.Second {
			t.Errorf("%+v: since %v, the first was written at %v", p, s.Held.Since, first)
		}
		if least := asked.Sub(s.Held.Since).Seconds() - 0.5; s.LiveLag < least {
			t.Errorf("%+v: %.1f s late, and the first waits for %.1f s", p, s.LiveLag, least)
		}
		if s.Backlog.Records < 2 || !s.Backlog.Oldest.Equal(s.Held.Since) {
			t.Errorf("%+v: behind: %+v", p, s.Backlog)
		}
		w.hq.pace(ship.Pace{})
		w.arrives(k)
		w.eventually("all is well", func() bool { s := w.Status(); return s.Held == uplink.HeldBack{} && s.Backlog.Records == 0 })
	}
}

// TestHeldBackAndHalfCut: a site that is held back is as late as its oldest record also when the lane of what is new is just lost.
func TestHeldBackAndHalfCut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil).run()
	w.arrives(w.write())
	w.connected("default")
	w.hq.pace(ship.Pace{Paused: true, Why: "a thin line"})
	w.eventually("both lanes are told", func() bool { s := w.Status(); return s.Live.Pace.Paused && s.Behind.Pace.Paused })
	w.write()
	w.hq.end(uplink.PathLive) // what waits leaves the lane of what is new
	w.eventually("it has waited for a while", func() bool {
		s := w.Status()
		return !s.Held.Since.IsZero() && time.Since(s.Held.Since) > 2*time.Second
	})
	w.connected("default")
	w.hq.setRefuse(func(string) error { return &enroll.Refusal{Reason: enroll.Unavailable, What: "not now"} })
	w.hq.end(uplink.PathLive)
	var s uplink.Status
	w.eventually("one lane is lost", func() bool { s = w.Status(); return !s.Live.Connected && s.Behind.Connected && !s.Held.Since.IsZero() })
	if s.LiveLag < 1.5 {
		t.Errorf("%.1f s late, and the first waits since %v", s.LiveLag, s.Held.Since)
	}
}

// TestLateWhileCut: a site that headquarters cannot be told of anything is later with every second.
func TestLateWhileCut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil).run()
	w.arrives(w.write())
	w.eventually("all is there", func() bool { return len(w.Status().Unseen) == 0 })
	w.hq.setRefuse(func(string) error { return &enroll.Refusal{Reason: enroll.Unavailable, What: "not now"} })
	w.hq.endAll()
	w.eventually("nothing is connected", func() bool { return !w.Status().Connected })
	w.write()
	w.eventually("it is a second late, and then later", func() bool { return w.Status().LiveLag > 1 })
}

// TestProblemInWords: why a way does not answer is told in words, and where to look.
func TestProblemInWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.hq.close()
	w.run()
	w.eventually("it says that nobody listens", func() bool { return strings.HasPrefix(w.Status().Ways[0].Problem, "nobody listens at 127.0.0.1:") })
}
