package uplink_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"rackpost/replicate/uplink"
)

const s = time.Second

var usual = uplink.Timing{Stagger: s, Quiet: 2 * s, FailOver: 3 * s, HoldDown: 60 * s, Probe: 5 * s, Standby: 60 * s, Patience: 7 * s, Retry: s, MostWait: 60 * s}

// The ways of a plan.
var (
	fine = func(now time.Duration) uplink.Seen {
		return uplink.Seen{Link: uplink.Yes, Answered: now, Waiting: uplink.Never}
	}
	silent = func(since time.Duration) func(time.Duration) uplink.Seen {
		return func(time.Duration) uplink.Seen { return uplink.Seen{Link: uplink.Yes, Answered: since, Waiting: since} }
	}
	pulled = func(time.Duration) uplink.Seen {
		return uplink.Seen{Link: uplink.No, Answered: uplink.Never, Waiting: uplink.Never}
	}
	unknown = func(time.Duration) uplink.Seen { return uplink.Seen{Answered: uplink.Never, Waiting: uplink.Never} }
)

// plan goes through times, second by second, in which the ways are as said, and returns the state at the end.
func plan(st uplink.State, from, to time.Duration, ways ...func(time.Duration) uplink.Seen) uplink.State {
	for now := from; now <= to; now += s / 4 {
		seen := make([]uplink.Seen, len(ways))
		for i, w := range ways {
			seen[i] = w(now)
		}
		st = uplink.Step(st, now, seen, usual)
	}
	return st
}

func TestStep(t *testing.T) {
	t.Parallel()
	using := func(st uplink.State, want int, when string) uplink.State {
		t.Helper()
		if st.Using != want {
			t.Errorf("%s: way %d, want %d", when, st.Using, want)
		}
		return st
	}
	st := using(plan(uplink.Begin(2), 0, 10*s, unknown, unknown), -1, "nothing answers yet")
	st = using(plan(st, 10*s, 11*s, unknown, fine), 1, "the second answers first")
	st = using(plan(st, 11*s, 70*s, fine, fine), 1, "the better one is not proven yet")
	st = using(plan(st, 70*s, 72*s, fine, fine), 0, "the better one is proven")
	st = using(plan(st, 72*s, 74*s, silent(72*s), fine), 0, "silent for 2 s")
	st = using(plan(st, 74*s, 76*s, silent(72*s), fine), 1, "silent for 3 s: the other answers")
	using(plan(st, 76*s, 77*s, pulled, pulled), -1, "all links are down")
	st = using(plan(st, 76*s, 79*s, pulled, silent(76*s)), -1, "none answers")
	using(plan(st, 79*s, 79*s, pulled, silent(76*s)), -1, "what answered before it was left does not count")
	st = using(plan(st, 80*s, 81*s, fine, silent(76*s)), 0, "the first that answers")
	using(plan(st, 81*s, 81*s, pulled, fine), 1, "a link that goes down is left at once")
}

// TestHoldDownGrows: a better way that does not last is waited for twice as long.
func TestHoldDownGrows(t *testing.T) {
	t.Parallel()
	now := time.Duration(0)
	st := plan(uplink.Begin(2), now, now+s, silent(0), fine)
	var waited []time.Duration
	for range 6 {
		for end := now + time.Hour; st.Using != 0 && now < end; now += s {
			st = uplink.Step(st, now, []uplink.Seen{fine(now), fine(now)}, usual)
		}
		at := now
		for ; st.Using == 0; now += s {
			st = uplink.Step(st, now, []uplink.Seen{silent(at)(now), fine(now)}, usual)
		}
		st = uplink.Step(st, now, []uplink.Seen{silent(at)(now), fine(now)}, usual)
		began := now
		for st.Using != 0 {
			now += s
			st = uplink.Step(st, now, []uplink.Seen{fine(now), fine(now)}, usual)
		}
		waited = append(waited, (now - began).Round(s))
	}
	want := []time.Duration{120 * s, 240 * s, 480 * s, 480 * s, 480 * s, 480 * s}
	for i, w := range want {
		if d := waited[i] - w; d.Abs() > 3*s {
			t.Errorf("return %d after %v, want %v", i+1, waited[i], w)
		}
	}
	for end := now + 11*time.Minute; now < end; now += s {
		st = uplink.Step(st, now, []uplink.Seen{fine(now), fine(now)}, usual)
	}
	if st.Failed != 0 {
		t.Error("a way that lasts is not forgiven")
	}
}

// TestStepProperties: whatever happens, a way in use is left only for a reason, and none that has no link is taken.
func TestStepProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(t, "ways")
		st, now := uplink.Begin(n), time.Duration(0)
		failing := make([]time.Duration, n)
		answered := make([]time.Duration, n)
		for i := range failing {
			failing[i], answered[i] = uplink.Never, uplink.Never
		}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			now += time.Duration(rapid.IntRange(50, 4000).Draw(t, "ms")) * time.Millisecond
			seen := make([]uplink.Seen, n)
			for i := range seen {
				switch rapid.IntRange(0, 3).Draw(t, "what") {
				case 0:
					answered[i], failing[i] = now, uplink.Never
				case 1:
					if failing[i] == uplink.Never {
						failing[i] = now
					}
				}
				seen[i] = uplink.Seen{Link: rapid.SampledFrom([]uplink.Tri{uplink.Yes, uplink.Unknown, uplink.Yes, uplink.No}).Draw(t, "link"), Answered: answered[i], Waiting: failing[i]}
			}
			before := st
			st = uplink.Step(st, now, seen, usual)
			if st.Using >= 0 && seen[st.Using].Link == uplink.No {
				t.Fatal("a way without a link is in use")
			}
			if before.Using < 0 || st.Using == before.Using {
				continue
			}
			was := seen[before.Using]
			left := was.Link == uplink.No || was.Waiting != uplink.Never && now-was.Waiting >= usual.FailOver
			back := st.Using >= 0 && st.Using < before.Using && now-st.Proven[st.Using] >= usual.HoldDown
			if !left && !back {
				t.Fatalf("way %d was left for %d without a reason: %+v", before.Using, st.Using, seen)
			}
		}
	})
}

func TestDecide(t *testing.T) {
	t.Parallel()
	good := uplink.Report{Sending: true, Connected: true, For: time.Minute}
	for _, c := range []struct {
		name  string
		sends bool
		view  uplink.View
		want  bool
	}{
		{"nothing", false, uplink.View{}, false},
		{"alone", false, uplink.View{Part: uplink.Lone}, true},
		{"leader", false, uplink.View{Part: uplink.Leader}, true},
		{"island", false, uplink.View{Part: uplink.Island}, true},
		{"all is well", false, uplink.View{Part: uplink.Follower, Heard: true, Report: good}, false},
		{"the leader is proven again", true, uplink.View{Part: uplink.Follower, Heard: true, Report: good}, false},
		{"just connected", true, uplink.View{Part: uplink.Follower, Heard: true, Report: uplink.Report{Connected: true, For: s}}, true},
		{"just disconnected", false, uplink.View{Part: uplink.Follower, Heard: true, Report: uplink.Report{For: 9 * s}}, false},
		{"no uplink", false, uplink.View{Part: uplink.Follower, Heard: true, Report: uplink.Report{For: 10 * s}}, true},
		{"no uplink, told a while ago", false, uplink.View{Part: uplink.Follower, Heard: true, Report: uplink.Report{For: 6 * s}, Age: 4 * s}, true},
		{"stands still", false, uplink.View{Part: uplink.Follower, Heard: true, Report: uplink.Report{Connected: true, For: time.Hour, StoodStill: true}}, true},
		{"not heard yet", false, uplink.View{Part: uplink.Follower, Age: s}, false},
		{"not heard", false, uplink.View{Part: uplink.Follower, Age: 10 * s}, true},
		{"not heard any more", false, uplink.View{Part: uplink.Follower, Heard: true, Report: good, Age: 10 * s}, true},
	} {
		if got, why := uplink.Decide(c.sends, c.view); got != c.want {
			t.Errorf("%s: %v (%s)", c.name, got, why)
		}
	}
}

func TestCheckWays(t *testing.T) {
	t.Parallel()
	for _, bad := range [][]uplink.Way{
		{{Name: ""}}, {{Name: "a"}, {Name: "a"}}, {{Name: "a", Interface: "eth0/1"}}, {{Name: "a", Interface: "a-name-that-is-too-long"}},
		{{Name: "a", Proxy: "socks5://x:1"}}, {{Name: "a", Proxy: "http://"}}, {{Name: "a", Proxy: "http://x:1/y"}}, {{Name: "a", Proxy: "http://u:p%zz@x"}}, make([]uplink.Way, 9),
	} {
		if err := uplink.CheckWays(bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	if err := uplink.CheckWays([]uplink.Way{{Name: "fibre", Interface: "eth2", Proxy: "http://me:p%40ss@proxy:3128"}, {Name: "mobile"}}); err != nil {
		t.Error(err)
	}
}
