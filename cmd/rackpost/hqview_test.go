package main

import (
	"slices"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/enroll"
	"rackpost/replicate/intake"
	"rackpost/replicate/ship"
	"rackpost/store"
	"rackpost/web"
	"rackpost/web/api"
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

// TestSiteRow: what headquarters tells of a site is what is known: how late it is while it is held back, and nothing where nothing is.
func TestSiteRow(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	lane := func(since time.Duration) intake.Lane { return intake.Lane{Connected: true, Since: now.Add(-since)} }
	known := intake.SiteStatus{Live: lane(time.Hour), Behind: lane(time.Hour), LastHeard: now, LagMS: 5}
	change := func(f func(*intake.SiteStatus)) intake.SiteStatus { x := known; f(&x); return x }
	waits := func(s *intake.SiteStatus) { s.Lacks, s.LacksBytes, s.LacksSince = 3, 7000, now.Add(-90*time.Second) }
	for name, x := range map[string]struct {
		row                intake.SiteStatus
		lag, behind, heard string
	}{
		"live":                     {known, "0.0 s", "nothing", "0 s ago"},
		"live, and some is behind": {change(waits), "0.0 s", "3 (7.0 kB), of 1 min ago", "0 s ago"},
		"paused":                   {change(func(s *intake.SiteStatus) { waits(s); s.Pace.Paused = true }), "1 min", "3 (7.0 kB), of 1 min ago", "0 s ago"},
		"facts only, its clock a minute ahead": {change(func(s *intake.SiteStatus) {
			waits(s)
			s.Pace.FactsOnly, s.ClockKnown, s.ClockOffsetMS = true, true, 60_000
		}), "2 min", "3 (7.0 kB), of 2 min ago", "0 s ago"},
		"paused, nothing waits":     {change(func(s *intake.SiteStatus) { s.Pace.Paused = true }), "0.0 s", "nothing", "0 s ago"},
		"just connected":            {change(func(s *intake.SiteStatus) { s.Behind = lane(time.Second) }), "0.0 s", "-", "0 s ago"},
		"not heard since the start": {intake.SiteStatus{}, "-", "-", "not yet"},
	} {
		s := api.Site{State: api.SiteJoined}
		takenSite(&s, x.row, now)
		if lag, behind, heard := lagText(s), behindText(s, now), heardText(s); lag != x.lag || behind != x.behind || heard != x.heard {
			t.Errorf("%s: lag %s, behind %s, heard %s; want %s, %s, %s", name, lag, behind, heard, x.lag, x.behind, x.heard)
		}
	}
}

// TestSiteNotes: what is most important of a site is told, and what a person is to see to.
func TestSiteNotes(t *testing.T) {
	off := int64(90_000)
	for want, s := range map[string]api.Site{
		"":             {State: api.SiteJoined},
		"revoked sold": {State: api.SiteRevoked, Why: "sold", Paused: true},
		"forgotten; what it sent is here until rackpost hq forget 7 -data": {State: api.SiteForgotten, ID: "7"},
		"silent: it stops; paused, by Eve":                                 {State: api.SiteJoined, Unheard: true, Ended: "it stops", Paused: true, HeldBack: "by Eve"},
		"1.0 kB a second at most, by Eve":                                  {State: api.SiteJoined, Slowed: 1000, HeldBack: "by Eve", Reason: "corrupt"},
		"corrupt":                                                          {State: api.SiteJoined, Reason: "corrupt"},
	} {
		if got := noteOf(s); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	v := hqView{Sites: []api.Site{
		{Name: "A", State: api.SiteJoined, FactsOnly: true, Today: 7, QuotaDay: 7}, {Name: "B", State: api.SiteJoined, FactsOnly: true},
		{Name: "C", State: api.SiteRevoked, Unheard: true}, {Name: "D", State: api.SiteJoined, OffsetMS: &off},
	}}
	want := []string{"A has used its quota: only facts are taken of it", "the clock of D is off by +90.0 s"}
	if got := v.troubles(); !slices.Equal(got, want) {
		t.Errorf("troubles %q, want %q", got, want)
	}
}

// TestVersions: headquarters keeps which version each box of a site said it runs, whoever is connected.
func TestVersions(t *testing.T) {
	now := time.Now()
	said := func(origin, text string, ago time.Duration) hw.Fact {
		return hw.Fact{Kind: hw.LearnedFact, Version: 1, Component: "box/" + origin, Group: runningVersion, At: now.Add(-ago), Value: hw.LearnedValue{Value: text}}
	}
	told := toldVersions([]hw.Fact{said("a", "v1.2.0", time.Hour), said("b", "v1.3.0\x1b[31m", time.Minute), said("old", "v0.1.0", 9*time.Hour), learned(configuredKind, "x")[0]})
	for want, s := range map[string]api.Site{
		"v1.3.0[31m":         {},
		"v1.2.0":             {Boxes: []api.SiteBox{{Origin: "a"}}},
		"v1.3.0[31m, v1.2.0": {Boxes: []api.SiteBox{{Origin: "a"}, {Origin: "b", Live: api.SiteLane{Connected: true}}}},
	} {
		versions(&s, told)
		if s.Version != want {
			t.Errorf("%q, want %q", s.Version, want)
		}
	}
}

// TestAtTheSite: headquarters says of what only a box can do that it is done there.
func TestAtTheSite(t *testing.T) {
	if got := locateAdvice("FRA-3/db-1", "bay 3"); got != "at FRA-3: rackpost locate db-1 bay 3 on" {
		t.Error(got)
	}
	if got := locateAdvice("db-1", "bay 3"); got != "rackpost locate db-1 bay 3 on" {
		t.Error(got)
	}
	gap := hw.Fact{Kind: hw.GapFact, Version: 1, Device: "db-1", Group: hw.VisitGap, Value: hw.GapValue{Reason: hw.CertChanged, Detail: "it changed: `rackpost trust DEVICE` accepts the new one"}}
	d := siteDevice(journal.ID{7}, store.DeviceView{ID: "db-1", Facts: []hw.Fact{gap}}, time.Now())
	if len(d.Gaps) != 1 || d.Gaps[0].Detail != "it changed: at the site `rackpost trust DEVICE` accepts the new one" {
		t.Errorf("%+v", d.Gaps)
	}
}

// TestStarted: a box of a pair does not say how many devices it has before it knows.
func TestStarted(t *testing.T) {
	a := &appliance{box: boxConfig{name: "a"}}
	a.site.Store(&siteConfig{devices: make([]collectors.Watched, 3)})
	if got := a.startedAs("page"); !slices.Equal(got[len(got)-2:], []any{"devices", 3}) {
		t.Errorf("a lone box: %v", got)
	}
	a.pair = &pairing{}
	if got := a.startedAs("page"); slices.Contains(got, any("devices")) {
		t.Errorf("a box of a pair: %v", got)
	}
}

// TestFullDiskIsNoStandstill: a headquarters whose disk is full is not killed by the watchdog, one whose disk fails is.
func TestFullDiskIsNoStandstill(t *testing.T) {
	for _, x := range []struct {
		failed string
		full   bool
		alive  bool
	}{
		{"", false, true},
		{"", true, true},
		{"write to the journal: database or disk is full", true, true},
		{"write to the journal: disk I/O error", false, false},
	} {
		if err := cannotStore(x.failed, x.full); (err == nil) != x.alive {
			t.Errorf("%q, full %v: %v", x.failed, x.full, err)
		}
	}
}

// TestIdleQuotas: a quota whose name no site has is told: it may be misspelt.
func TestIdleQuotas(t *testing.T) {
	c := hqConfig{quotas: map[string]intake.Quota{"OSL-2": {}, "FRA-3": {}, "BER-1": {}}}
	if got := c.idleQuotas([]enroll.Site{{Name: "FRA-3"}, {Name: "OSL-1"}}); !slices.Equal(got, []string{"BER-1", "OSL-2"}) {
		t.Errorf("%q", got)
	}
}
