package uplink_test

import (
	"testing"
	"time"

	"rackpost/replicate/uplink"
)

func twoWays(c *uplink.Config) { c.Ways = []uplink.Way{{Name: "fibre"}, {Name: "mobile"}} }

// TestFailOver: both lanes leave the way that is silent, and come back after the hold-down.
func TestFailOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, twoWays).run()
	w.writing(100 * time.Millisecond)
	w.connected("fibre")
	for range 2 {
		w.net.cut("fibre")
		cut := time.Now()
		w.connected("mobile")
		t.Logf("both lanes moved %v after the cut", time.Since(cut).Round(time.Millisecond))
		w.arrives(w.write())
		if h := w.Status().Ways; h[0].Answers != uplink.No || h[0].Problem == "" || h[1].Answers != uplink.Yes {
			t.Errorf("health: %+v", h)
		}
		w.net.heal("fibre")
		healed := time.Now()
		w.connected("fibre")
		if took := time.Since(healed); took < quick.HoldDown {
			t.Errorf("back after %v, before the hold-down of %v", took, quick.HoldDown)
		}
		w.arrives(w.write())
	}
	if n := w.hq.store.Doubles(); n > 0 {
		t.Errorf("%d records twice", n)
	}
}

// TestFlapping: a way that heals and fails again before the hold-down ends is not taken again meanwhile.
func TestFlapping(t *testing.T) {
	t.Parallel()
	w := newWorld(t, twoWays).run()
	w.writing(100 * time.Millisecond)
	w.connected("fibre")
	w.net.cut("fibre")
	w.connected("mobile")
	for range 4 {
		w.net.heal("fibre")
		time.Sleep(quick.HoldDown / 2)
		w.net.cut("fibre")
		time.Sleep(quick.Standby + quick.FailOver + 2*quick.Probe) // a way that is not in use is looked at once a Standby
		if s := w.Status(); s.Way == "fibre" {
			t.Fatalf("it took the way that flaps: %+v", s.Ways)
		}
	}
	w.connected("mobile")
	w.arrives(w.write())
}

// TestAllWaysCut: whichever is back first is taken at once, however long all were cut.
func TestAllWaysCut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, twoWays).run()
	w.writing(100 * time.Millisecond)
	w.connected("fibre")
	w.net.cut("fibre")
	w.net.cut("mobile")
	w.eventually("none is in use", func() bool { return w.Status().Way == "" })
	time.Sleep(6 * time.Second) // longer than a call lives
	k := w.write()
	if w.has(k) {
		t.Fatal("it is at headquarters, and all ways are cut")
	}
	w.net.heal("mobile")
	t.Logf("the first record was there %v after one way was back", w.arrives(k).Round(time.Millisecond))
	w.connected("mobile")
}

// TestCutAndBack: with one way there is nothing to fail over to; the first record is there soon after.
func TestCutAndBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *uplink.Config) { c.Timing = uplink.Timing{Patience: time.Second} }).run()
	stop := w.writing(200 * time.Millisecond)
	w.connected("default")
	for _, d := range []time.Duration{500 * time.Millisecond, 3 * time.Second, 7 * time.Second} {
		w.net.cut("default")
		time.Sleep(d)
		k := w.write()
		w.net.heal("default")
		took := w.arrives(k)
		t.Logf("cut for %v: the first record was there %v after it", d, took.Round(time.Millisecond))
		if took > 10*time.Second {
			t.Errorf("that is too long")
		}
		w.connected("default")
	}
	stop()
	w.eventually("all is there", func() bool { return w.hq.store.Held().Covers(w.store.Have()) })
	if n := w.hq.store.Doubles(); n > 0 {
		t.Errorf("%d records twice", n)
	}
}
