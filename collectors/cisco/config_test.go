package cisco

import (
	"testing"

	"pgregory.net/rapid"
)

func TestQuirkConfigurationChangedAndSaved(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name                         string
		now, changed, saved, startup uint32
		none                         bool // no ccmHistoryStartupLastChanged
		wraps                        int64
		want                         string
	}{
		{"never a false alarm after a boot", 500000000, 16100, 0, 0, false, 0, "saved"},
		{"saved after the change", 700000000, 460000000, 570000000, 570000001, false, 0, "saved"},
		{"saved after the change, no third time", 700000000, 460000000, 570000000, 0, true, 0, "saved"},
		{"changed after it was saved", 700000000, 570000000, 460000000, 460000001, false, 0, "changed"},
		{"changed and never saved", 700000000, 570000000, 0, 0, false, 0, "changed"},
		{"only copied to a server", 700000000, 460000000, 570000000, 0, false, 0, "changed"},
		{"copied to a server after an older save", 700000000, 460000000, 570000000, 450000000, false, 0, "changed"},
		{"startup replaced by another one", 700000000, 460000000, 450000000, 570000000, false, 0, "changed"},
		{"saved, and copied to a server later", 700000000, 460000000, 570000000, 460000368, false, 0, "saved"},
		{"saved after sysUpTime wrapped", 5000, 1<<32 - 900, 200, 201, false, 1, "saved"},
		{"changed after sysUpTime wrapped", 5000, 200, 1<<32 - 900, 1<<32 - 899, false, 1, "changed"},
	} {
		times := configTimes{changed: x.changed, saved: x.saved, startup: x.startup, hasStartup: !x.none}
		if got := configState(times, x.now, x.wraps); got != x.want {
			t.Errorf("%s: %q, want %q", x.name, got, x.want)
		}
	}
	if _, ok := (&scalars{}).timesOf(); ok {
		t.Error("a device without CISCO-CONFIG-MAN-MIB has times")
	}
}

// A device up for more than 497 days that is seen for the first time does not say in which
// round of sysUpTime its times lie: only its history knows, else nobody.
func TestConfigFirstSeenAfterAWrap(t *testing.T) {
	t.Parallel()
	times := configTimes{changed: 700_000_000, saved: 900_000_000, startup: 900_000_100, hasStartup: true}
	var m configMemory
	if got := m.observe(times, 800_000_000, 1, ""); got != "" {
		t.Errorf("%q without anything that tells", got)
	}
	if got := m.observe(times, 800_006_000, 1, configIsSaved); got != configIsSaved {
		t.Errorf("%q, the history says saved", got)
	}
	times.changed = 800_010_000
	if got := m.observe(times, 800_012_000, 1, configIsSaved); got != configIsChanged {
		t.Errorf("%q after a change that was seen to happen", got)
	}
	boot := configTimes{changed: 16_144, hasStartup: true}
	m = configMemory{}
	if got := m.observe(boot, 800_000_000, 1, ""); got != configIsSaved {
		t.Errorf("%q of a configuration that was loaded at the start and never touched", got)
	}
}

// While nothing is changed or written the word stands, however long the device is up.
func TestConfigStandsThroughWraps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		when := rapid.Uint32Range(0, 400*dayTicks)
		times := configTimes{
			changed: when.Draw(t, "changed"), saved: when.Draw(t, "saved"), startup: when.Draw(t, "startup"), hasStartup: true,
		}
		now := uint64(max(times.changed, times.saved, times.startup))
		var m configMemory
		want := m.observe(times, uint32(now), 0, "")
		if want == "" {
			t.Fatal("not known in the first round")
		}
		for range 40 {
			now += uint64(rapid.Uint32Range(1, 100*dayTicks).Draw(t, "later"))
			if got := m.observe(times, uint32(now), int64(now>>32), ""); got != want {
				t.Fatalf("%q at %d ticks, %q before", got, now, want)
			}
		}
	})
}

const dayTicks = 24 * 3600 * 100
