package main

import (
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/ship"
	"rackpost/store"
	"rackpost/web"
)

// TestToldPeriods: headquarters learns from the journal of a site which sections are on, and what is damaged in it does no harm.
func TestToldPeriods(t *testing.T) {
	w := collectors.Watched{Kind: collectors.Kind{Sections: []collectors.Section{
		{Name: "ports", Period: time.Minute}, {Name: "raid", Period: 5 * time.Minute}, {Name: "mac"},
	}}, Periods: map[string]time.Duration{"ports": 1500 * time.Millisecond}}
	if got, want := sectionsText(w), "ports=1.5 raid=300"; got != want {
		t.Errorf("told %q, not %q", got, want)
	}
	for text, want := range map[string]map[string]time.Duration{
		sectionsText(w):                        {"ports": 1500 * time.Millisecond, "raid": 5 * time.Minute},
		"":                                     {},
		"raid raid= =5 raid=x raid=-1 raid=0":  {"": 5 * time.Second},
		"raid=NaN log=1e300 ports=Inf jobs=60": {"jobs": time.Minute},
	} {
		got := toldPeriods(learned(configuredSections, text))
		if len(got) != len(want) {
			t.Errorf("%q: %v, not %v", text, got, want)
		}
		for name, period := range want {
			if got[name] != period {
				t.Errorf("%q: %s every %v, not %v", text, name, got[name], period)
			}
		}
	}
}

func learned(key, text string) []hw.Fact {
	return []hw.Fact{{Kind: hw.LearnedFact, Version: 1, Device: "db-1", Component: configuration, Group: key, Value: hw.LearnedValue{Value: text}}}
}

// TestSiteDevice: headquarters calls nothing well of which a section is not read, and knows which devices have RAID sets.
func TestSiteDevice(t *testing.T) {
	now := time.Now()
	good := hw.Fact{Kind: hw.ComponentFact, Version: 1, Device: "db-1", Component: "fan/1", Group: "environment", Value: hw.ComponentValue{Health: hw.OK}}
	gap := func(group string, age time.Duration) hw.Fact {
		return hw.Fact{Kind: hw.GapFact, Version: 1, Device: "db-1", Group: group, Value: hw.GapValue{Reason: hw.OutOfTime, From: now.Add(-age)}}
	}
	periods := learned(configuredSections, "environment=60 raid=300")
	for name, x := range map[string]struct {
		facts  []hw.Fact
		health hw.Health
		raid   bool
		stale  bool
	}{
		"all is read":                     {append(periods, good), hw.OK, true, false},
		"a section is not read of late":   {append(periods, good, gap("environment", time.Minute)), hw.OK, true, false},
		"a section is not read":           {append(periods, good, gap("environment", time.Hour)), hw.Unknown, true, false},
		"RAID sets are not read":          {append(periods, good, gap("raid", time.Hour)), hw.Unknown, true, true},
		"for a second reason":             {append(periods, good, gap("raid|x", time.Hour)), hw.Unknown, true, true},
		"no RAID sets are wanted":         {append(learned(configuredSections, "environment=60"), good), hw.OK, false, false},
		"a box that tells of no sections": {[]hw.Fact{good}, hw.OK, false, false},
		"and has a volume": {[]hw.Fact{good, {Kind: hw.ComponentFact, Version: 1, Device: "db-1", Component: "volume/1", Group: "raid", Value: hw.ComponentValue{Health: hw.OK}}},
			hw.OK, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := siteDevice(journal.ID{7}, store.DeviceView{ID: "db-1", LastVisit: now, LastGood: now, Period: time.Minute, Facts: x.facts}, now)
			if d.Health != x.health || d.HasRaid != x.raid || d.RaidStale != x.stale {
				t.Errorf("health %v, RAID sets %v, stale %v; not %v, %v, %v", d.Health, d.HasRaid, d.RaidStale, x.health, x.raid, x.stale)
			}
		})
	}
}

// TestUplinkWords: what people read has a sign, a plural and a cause only where there is one.
func TestUplinkWords(t *testing.T) {
	for got, want := range map[string]string{
		secondsOff(-0.002):                       "0.0 s",
		secondsOff(-0.06):                        "-0.1 s",
		secondsOff(61):                           "+61.0 s",
		clockOffText(-0.5):                       "clock: as that of headquarters, as far as can be told (0.5 s)",
		clockOffText(-61.04):                     "clock: headquarters' is -61.0 s from this one",
		paceText(ship.Pace{Paused: true}):        "paused",
		paceText(ship.Pace{FactsOnly: true}):     "facts only",
		paceText(ship.Pace{BytesPerSecond: 5e4}): "50.0 kB a second at most",
		requestsText(web.Device{}):               "-",
		requestsText(web.Device{Requests: 12}):   "12",
	} {
		if got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
