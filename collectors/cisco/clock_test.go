package cisco

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestQuirkUptimeWrapsAndEngineTimeDoesNot(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name   string
		ticks  uint32
		engine int64
		want   int64
	}{
		{"no wrap, same clock", 700000000, 6999925, 0},
		{"two wraps, drift of 8,069 s", 3200000000, 117907415, 2},
		{"engine younger: the SNMP process restarted", 400000000, 4000000 - 250000, 0},
		{"clocks that disagree prove nothing", 3400000000, 184000000, 0},
		{"no engine", 5, 0, 0},
		{"an engine no agent can have", 5, 1 << 40, 0},
	} {
		if got := engineWraps(x.ticks, x.engine); got != x.want {
			t.Errorf("%s: engineWraps(%d, %d) = %d, want %d", x.name, x.ticks, x.engine, got, x.want)
		}
	}
}

func TestClockFollows(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	const hour = 360000 // ticks
	for _, x := range []struct {
		name          string
		first, second uint32
		after         time.Duration
		restarted     bool
		uptime        time.Duration
	}{
		{"a minute later", 10 * hour, 10*hour + 6000, time.Minute, false, 10*time.Hour + time.Minute},
		{"sysUpTime wraps after 497 days", wrapTick - 3000, 3000, time.Minute, false, wrapTick*tick + 30*time.Second},
		{"a reboot", 10 * hour, 2000, time.Minute, true, 20 * time.Second},
		{"a reboot near the wrap", wrapTick - 3000, 60 * hour, time.Minute, true, 60 * time.Hour},
		{"a reboot that was long ago when we came back", 1000, 2 * hour, 10 * time.Hour, true, 2 * time.Hour},
		{"another unit, longer up", 10 * hour, 90 * hour, time.Minute, true, 90 * time.Hour},
		{"a clock that stands still", 10 * hour, 10 * hour, time.Hour, false, 10 * time.Hour},
		{"an agent's clock steps back by half a second", 10 * hour, 10*hour - 50, 100 * time.Millisecond, false, 10*time.Hour - 500*time.Millisecond},
	} {
		var c clock
		if c.observe(reading{at: at, ticks: x.first, hasTicks: true}) {
			t.Errorf("%s: the first reading is a restart", x.name)
		}
		boot := c.boot
		got := c.observe(reading{at: at.Add(x.after), ticks: x.second, hasTicks: true})
		if got != x.restarted {
			t.Errorf("%s: restarted = %v", x.name, got)
		}
		if c.uptime() != x.uptime {
			t.Errorf("%s: uptime %v, want %v", x.name, c.uptime(), x.uptime)
		}
		if moved := !c.boot.Equal(boot); moved != x.restarted {
			t.Errorf("%s: the start moved: %v", x.name, moved)
		}
	}
}

func TestQuirkEngineTimeYoungerIsNoRestart(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_700_000_000, 0)
	var c clock
	c.observe(reading{at: at, ticks: 3200000000, hasTicks: true, engine: 117907415})
	if want := time.Duration(2*wrapTick+3200000000) * tick; c.uptime() != want {
		t.Fatalf("uptime %v, want %v", c.uptime(), want)
	}
	// The SNMP process restarts: engineTime falls, the device runs on.
	if c.observe(reading{at: at.Add(time.Minute), ticks: 3200006000, hasTicks: true, engine: 30}) {
		t.Error("a restart of the SNMP process is taken for one of the device")
	}
	if want := time.Duration(2*wrapTick+3200006000) * tick; c.uptime() != want {
		t.Errorf("uptime %v, want %v", c.uptime(), want)
	}
}

// The start of a device that runs on never moves, whatever its clock's drift below 1 %.
func TestBootStandsStill(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.Uint64Range(0, 1<<33).Draw(t, "ticks at start")
		drift := rapid.Float64Range(0.99, 1.01).Draw(t, "drift")
		at := time.Unix(1_700_000_000, 0)
		var c clock
		c.observe(reading{at: at, ticks: uint32(start), hasTicks: true})
		boot, passed := c.boot, time.Duration(0)
		for range rapid.IntRange(1, 40).Draw(t, "visits") {
			passed += time.Duration(rapid.Int64Range(int64(time.Second), int64(10*time.Hour)).Draw(t, "gap"))
			ticks := start + uint64(float64(passed)*drift/float64(tick))
			if c.observe(reading{at: at.Add(passed), ticks: uint32(ticks), hasTicks: true}) {
				t.Fatalf("restart after %v", passed)
			}
			if !c.boot.Equal(boot) {
				t.Fatalf("the start moved from %v to %v", boot, c.boot)
			}
		}
	})
}

func TestSeries(t *testing.T) {
	t.Parallel()
	var s series
	for i, x := range []struct {
		value     uint64
		base, now int64
		want      int64
	}{
		{100, 10, 1000, 10},
		{200, 10, 2000, 10},
		{5, 10, 3000, 3000}, // wrapped or cleared
		{6, 10, 4000, 3000},
		{7, 50, 5000, 50}, // restarted
		{8, 50, 6000, 50},
	} {
		if got := s.observe(x.value, x.base, x.now); got != x.want {
			t.Errorf("step %d: start %d, want %d", i, got, x.want)
		}
	}
}

// Two values under one start never fall, so no rate is negative or of a wrap.
func TestSeriesNeverFalls(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var s series
		var last uint64
		var start int64
		now := int64(1000)
		for i := range rapid.IntRange(1, 50).Draw(t, "visits") {
			now += 60_000
			v := rapid.Uint64().Draw(t, "value")
			got := s.observe(v, rapid.SampledFrom([]int64{0, 100}).Draw(t, "base"), now)
			if i > 0 && got == start && v < last {
				t.Fatalf("%d after %d under the start %d", v, last, got)
			}
			last, start = v, got
		}
	})
}

// 32-bit octets that can have wrapped unseen between two visits yield no rate.
func TestBlind(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		speed  uint64
		passed int64 // ms
		want   bool
	}{
		{1_000_000_000, 60_000, true}, // the range passes in 34 s
		{1_000_000_000, 30_000, false},
		{100_000_000, 60_000, false},
		{100_000_000, 600_000, true},
		{0, 60_000, true},
	} {
		p := port{speed: x.speed, readAt: 1000}
		if got := p.blind(1000 + x.passed); got != x.want {
			t.Errorf("%d bit/s after %d ms: %v", x.speed, x.passed, got)
		}
	}
}

// A reboot within minutes of a wrap is one, although the device's clock seems to have run on.
func TestRebootSoonAfterAWrap(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var c clock
	for i, x := range []struct {
		ticks     uint32
		after     time.Duration
		restarted bool
	}{
		{wrapTick - 3000, 0, false},
		{2000, 50 * time.Second, false},    // wrapped 20 s ago
		{3000, 10 * time.Minute, true},     // up for 30 s
		{9000, 11 * time.Minute, false},    // and running
		{15_000, 12 * time.Minute, false},  //
		{9_000, 13*time.Minute + 30, true}, // started again
	} {
		if got := c.observe(reading{at: at.Add(x.after), ticks: x.ticks, hasTicks: true}); got != x.restarted {
			t.Errorf("reading %d: restarted = %v", i, got)
		}
	}
	if c.uptime() != 90*time.Second {
		t.Errorf("up for %v", c.uptime())
	}
}
