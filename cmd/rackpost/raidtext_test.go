package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rackpost/hw"
	"rackpost/hw/raid"
	"rackpost/web"
)

var raidNow = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// ailingServer has a set that is rebuilt, a spare, a drive of which nothing is known, and policies that lose data.
func ailingServer() web.Device {
	age := 42.0
	part := func(path string, h hw.Health, words ...string) web.Component {
		c := web.Component{Path: path, Section: raidSection, Health: h}
		for i := 0; i < len(words); i += 2 {
			c.Attrs = c.Attrs.With(words[i], words[i+1])
		}
		return c
	}
	const perc, disk = "RAID.Integrated.1-1", ":Enclosure.Internal.0-1:RAID.Integrated.1-1"
	drive := func(bay string, h hw.Health, words ...string) web.Component {
		words = append(words, raid.KeyBay, bay, raid.KeyController, perc, raid.KeyMedia, raid.MediaHDD, raid.KeyBus, raid.BusSAS, raid.KeySizeBytes, "4000000000000",
			raid.KeyModel, "SIM-NL-4T", raid.KeySerial, "SIM000"+bay, raid.KeySource, raid.SourceRedfish)
		return part("drive/Disk.Bay."+bay+disk, h, words...)
	}
	d := web.Device{ID: "db-1", Name: "Database 1", Unit: &web.Unit{Model: "PowerEdge R740", Serial: "SIM0001"}, RaidAge: &age, Components: []web.Component{
		part("controller/"+perc, hw.OK, raid.KeyModel, "PERC H740P Mini", raid.KeyFirmware, "51.16.0-5150", raid.KeyCacheBytes, "8589934592", raid.KeyPatrolRead, raid.PatrolOff, raid.KeySource, raid.SourceRedfish),
		part("battery/Battery.Integrated.1:"+perc, hw.Critical, raid.KeyState, raid.BatteryFailed, raid.KeyController, perc, raid.KeyFromSNMP, raid.KeyState),
		part("volume/Disk.Virtual.0:"+perc, hw.Warning, raid.KeyName, "data", raid.KeyController, perc, raid.KeyLevel, raid.Level6, raid.KeyState, raid.StateDegraded, raid.KeySizeBytes, "8000000000000",
			raid.KeyWritePolicy, raid.WriteBackForced, raid.KeyDiskCache, raid.CacheDefault, raid.KeyRedundancyLeft, "1"),
		drive("10", hw.OK, raid.KeyVolumes, "Disk.Virtual.0:"+perc, raid.KeyState, raid.StateOnline),
		drive("9", hw.Warning, raid.KeyVolumes, "Disk.Virtual.0:"+perc, raid.KeyState, raid.StateOnline, raid.KeyPredicted, raid.Yes, raid.KeyMediaErrors, raid.ErrorsRising),
		drive("2", hw.OK, raid.KeyVolumes, "Disk.Virtual.0:"+perc, raid.KeyState, raid.StateDegraded, raid.KeyOperation, raid.OperationRebuild),
		drive("3", hw.OK, raid.KeySpare, raid.SpareGlobal, raid.KeyState, raid.StateReady),
		drive("4", hw.Unknown, raid.KeyState, raid.StateReady),
		drive("5", hw.Unknown, raid.KeyPresence, raid.PresenceMissing, raid.KeyState, raid.StateOnline),
		{Path: "fan/1", Health: hw.Critical},
	}}
	titles := web.Titles(d.Components)
	for _, v := range raid.Audit(raid.Default(), componentsOf(d)) {
		if v.Level == 0 {
			continue
		}
		a := web.AlertOf(v.Component, v.Code, hw.AlertValue{Open: true, Level: v.Level, Params: v.Params, Since: raidNow.Add(-2*time.Hour - 5*time.Minute)})
		a.Name = titles[v.Component]
		d.Alerts = append(d.Alerts, a)
	}
	d.Alerts = append(d.Alerts, web.Alert{Component: "drive/Disk.Bay.9" + disk, Name: "bay 9", Code: hw.AlertHealth, Level: "average", Since: raidNow.Add(-time.Hour)},
		web.Alert{Component: "drive/Disk.Bay.5" + disk, Name: "bay 5", Code: hw.AlertMissing, Level: "high", Since: raidNow.Add(-time.Hour)})
	d.Gaps = []web.Gap{{What: "raid/smart", Reason: hw.NotReady, Detail: "503"}, {What: "log", Reason: hw.NoAnswer}}
	d.Acts = []web.Act{{Component: "drive/Disk.Bay.9" + disk, Act: hw.Locate, Phase: hw.ActDone.String(), Who: "ann"}}
	return d
}

func componentsOf(d web.Device) []hw.Component {
	var parts []hw.Component
	for _, c := range d.Components {
		parts = append(parts, hw.Component{Path: c.Path, Section: c.Section, Health: c.Health, State: c.State, Attrs: c.Attrs})
	}
	return parts
}

// TestRaidText compares what a person reads of an ailing server with testdata/raid.golden.
func TestRaidText(t *testing.T) {
	t.Parallel()
	progress := map[string][]raid.Point{"drive/Disk.Bay.2:Enclosure.Internal.0-1:RAID.Integrated.1-1": {{At: raidNow.Add(-time.Hour), Percent: 10}, {At: raidNow, Percent: 35}}}
	tree := web.RaidOf(ailingServer(), progress)
	var b strings.Builder
	if err := printRAID(&b, []web.Raid{tree, {Device: "new", Stale: true}}, raidNow); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "raid.golden")
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("what is printed changed (-update writes it anew):\n%s", diff)
	}
	for l := range strings.Lines(b.String()) {
		if utf8.RuneCountInString(strings.TrimSuffix(l, "\n")) > wideness && !strings.Contains(l, "rackpost locate") { // a command is copied whole
			t.Errorf("a line of more than %d columns: %q", wideness, l)
		}
	}
}

// TestRaidTextIsWhole: whatever a device says, each part stands in the text, and nothing in it moves the terminal.
func TestRaidTextIsWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var d web.Device
		words := rapid.SampledFrom([]string{"", "x", "RAID.1", "\x1b[2J", "a b", "raid1", "rebuild", "global", "\xff"})
		n := rapid.IntRange(0, 6).Draw(t, "parts")
		for i := range n {
			kind := rapid.SampledFrom([]string{"controller", "battery", "volume", "drive", "enclosure"}).Draw(t, "kind")
			c := web.Component{Path: kind + "/P" + string(rune('a'+i)), Health: hw.Health(rapid.IntRange(0, 3).Draw(t, "health"))}
			for _, key := range []string{raid.KeyController, raid.KeyState, raid.KeyModel, raid.KeyVolumes, raid.KeySpare, raid.KeyOperation, raid.KeySizeBytes} {
				if w := words.Draw(t, key); w != "" {
					c.Attrs = c.Attrs.With(key, w)
				}
			}
			d.Components = append(d.Components, c)
		}
		var b strings.Builder
		if err := printRAID(&b, []web.Raid{web.RaidOf(d, nil)}, raidNow); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsRune(b.String(), '\x1b') {
			t.Errorf("an escape sequence gets to the terminal: %q", b.String())
		}
		lines := 0
		for l := range strings.Lines(b.String()) {
			for _, h := range []string{"unknown ", "ok ", "warning ", "critical "} {
				if strings.HasPrefix(l, h) {
					lines++
				}
			}
		}
		if lines < n {
			t.Errorf("%d parts of %d:\n%s", lines, n, b.String())
		}
	})
}

// TestRaidCode: the exit code tells the worst of what is known.
func TestRaidCode(t *testing.T) {
	t.Parallel()
	known := web.Raid{Controllers: []web.RaidController{{}}}
	with := func(r web.Raid, levels ...string) web.Raid {
		for _, l := range levels {
			r.Alerts = append(r.Alerts, web.Alert{Level: l})
		}
		return r
	}
	old := known
	old.Stale = true
	gap := known
	gap.Gaps = []web.Gap{{What: raidSection}}
	for name, c := range map[string]struct {
		devices []web.Raid
		want    int
	}{
		"none":                 {nil, exitOK},
		"well":                 {[]web.Raid{known}, exitOK},
		"a warning":            {[]web.Raid{known, with(known, "warning")}, exitWarning},
		"average":              {[]web.Raid{with(known, "warning"), with(known, "average")}, exitFault},
		"a fault that is old":  {[]web.Raid{with(old, "high")}, exitFault},
		"old":                  {[]web.Raid{with(known, "warning"), old}, exitUnknown},
		"not all read":         {[]web.Raid{gap}, exitUnknown},
		"no controller at all": {[]web.Raid{{}}, exitUnknown},
	} {
		if got := raidCode(c.devices); got != c.want {
			t.Errorf("%s: exit code %d; want %d", name, got, c.want)
		}
	}
}
