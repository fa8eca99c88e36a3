package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/hw"
	"rackpost/hw/raid"
	"rackpost/store"
	"rackpost/web"
)

// TestUnreadSectionIsNeverOK requires that what a section said last is not shown as ok when it
// could not be read for three of its periods, though the device answers to others.
func TestUnreadSectionIsNeverOK(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	w := collectors.Watched{Kind: collectors.Kind{Sections: []collectors.Section{{Name: "ports", Period: time.Minute}, {Name: "environment", Period: 5 * time.Minute}}}}
	part := func(path, section string, h hw.Health) hw.Fact {
		return hw.Fact{Kind: hw.ComponentFact, Component: path, Group: section, Value: hw.ComponentValue{Health: h}}
	}
	for name, c := range map[string]struct {
		gap       string
		since     time.Duration
		over      bool
		supply    hw.Health
		psu, want hw.Health
	}{
		"read":            {"environment", 20 * time.Minute, true, hw.OK, hw.OK, hw.OK},
		"not long":        {"environment", 15 * time.Minute, false, hw.OK, hw.OK, hw.OK},
		"long":            {"environment", 15*time.Minute + 1, false, hw.OK, hw.Unknown, hw.Unknown},
		"a second reason": {"environment|no-answer", time.Hour, false, hw.OK, hw.Unknown, hw.Unknown},
		"one object":      {"environment/source", time.Hour, false, hw.OK, hw.OK, hw.OK},
		"its object":      {"environment/state", time.Second, false, hw.Unknown, hw.Unknown, hw.Unknown},
		"another's":       {"ports/ifOperStatus", time.Second, false, hw.Unknown, hw.Unknown, hw.OK},
		"a fault stays":   {"environment", time.Hour, false, hw.Critical, hw.Critical, hw.Critical},
	} {
		gap := hw.GapValue{Reason: hw.DeviceError, From: now.Add(-c.since)}
		if c.over {
			gap.To = now
		}
		v := store.DeviceView{ID: "sw", LastGood: now, Facts: []hw.Fact{
			part("port/1", "ports", hw.OK), part("psu/1", "environment", c.supply), {Kind: hw.GapFact, Group: c.gap, Value: gap},
		}}
		d := present(v, collectors.DeviceStatus{}, &w, now)
		if d.Health != c.want || d.Components[0].Health != hw.OK || d.Components[1].Health != c.psu {
			t.Errorf("%s: device %s, parts %v; want %s, ok and %s", name, d.Health, d.Components, c.want, c.psu)
		}
	}
}

// TestGravestAlertFirst requires that a grave alert is told before others, with the name and the
// state of what it is about, and that an alert of the device itself has no empty part.
func TestGravestAlertFirst(t *testing.T) {
	t.Parallel()
	alert := func(path, code string, l hw.Level) hw.Fact {
		return hw.Fact{Kind: hw.AlertFact, Component: path, Group: code, Value: hw.AlertValue{Open: true, Level: l, Since: time.Now()}}
	}
	v := store.DeviceView{ID: "sw", Facts: []hw.Fact{
		{Kind: hw.ComponentFact, Component: "psu/18", Group: "environment", Value: hw.ComponentValue{
			Attrs: hw.Attrs{{Key: "name", Value: "Power Supply 0"}}, State: hw.Attrs{{Key: "state", Value: "no input"}},
		}},
		alert("", hw.AlertUnitChanged, hw.LevelAverage),
		alert("psu/18", hw.AlertHealth, hw.LevelHigh),
		{Kind: hw.ComponentFact, Component: "fan/1", Group: "environment", Value: hw.ComponentValue{Missing: true, State: hw.Attrs{{Key: "state", Value: "normal"}}}},
		alert("fan/1", hw.AlertMissing, hw.LevelHigh),
	}}
	for i := range 30 {
		v.Facts = append(v.Facts, alert(fmt.Sprintf("port/%d", i), hw.AlertLinkDown, hw.LevelWarning))
	}
	var b strings.Builder
	printAlerts(&b, []web.Device{deviceOf(v, collectors.DeviceStatus{}, time.Now())}, true)
	want := "high sw: psu/18 (Power Supply 0): the device calls it faulty (state=\"no input\"), for 0 s\nhigh sw: fan/1: it is gone, for 0 s\naverage sw: another unit stands here, for 0 s\nwarning sw: port/0: the link is down"
	if got := b.String(); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "and 13 alerts more\n") {
		t.Errorf("alerts:\n%s", got)
	}
}

// TestRollupsTellTheCulprit: of what the system of a server rolls up, its alert tells what is bad; two sections that read it make one part.
func TestRollupsTellTheCulprit(t *testing.T) {
	t.Parallel()
	v := store.DeviceView{ID: "db", Facts: []hw.Fact{
		{Kind: hw.ComponentFact, Component: "system", Group: "inventory", Value: hw.ComponentValue{Attrs: hw.Attrs{{Key: "bios", Value: "1.2"}}}},
		{Kind: hw.ComponentFact, Component: "system", Group: "heartbeat", Value: hw.ComponentValue{
			Health: hw.Warning, State: hw.Attrs{{Key: "fans", Value: "ok"}, {Key: "power", Value: "on"}, {Key: "storage", Value: "warning"}},
		}},
		{Kind: hw.AlertFact, Component: "system", Group: hw.AlertHealth, Value: hw.AlertValue{Open: true, Level: hw.LevelAverage, Since: time.Now()}},
	}}
	d := deviceOf(v, collectors.DeviceStatus{}, time.Now())
	var b strings.Builder
	printAlerts(&b, []web.Device{d}, true)
	if got, want := b.String(), "average db: system: the device calls it faulty (storage=warning), for 0 s\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if len(d.Components) != 1 || d.Components[0].Health != hw.Warning || len(d.Components[0].State) != 3 || d.Components[0].Attrs.Get("bios") != "1.2" {
		t.Errorf("want one system with all that is known: %+v", d.Components)
	}
}

// TestUnreachableTellsWhy: a device that cannot be read says why, also one that is no server.
func TestUnreachableTellsWhy(t *testing.T) {
	t.Parallel()
	d := web.Device{ID: "sw", Gaps: []web.Gap{{What: hw.VisitGap, Reason: hw.WrongKind, Detail: "it is a printer"}, {What: "ports", Reason: hw.NoAnswer}}, Alerts: []web.Alert{
		{Code: hw.AlertUnreachable, Level: "high", Since: time.Now(), Params: hw.Attrs{{Key: "reason", Value: string(hw.WrongKind)}}},
	}}
	var b strings.Builder
	printAlerts(&b, []web.Device{d}, true)
	printUnread(&b, []web.Device{d}, true)
	want := "high sw: two visits in a row read nothing: another sort of device than configured, for 0 s\nnot read sw: another sort of device than configured: it is a printer\n"
	if got := b.String(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestVerdictIsToldOnce: a drive that its device calls faulty and the audit too stands once, with what to do; the device is as bad
// as the verdict says, also where no part calls itself faulty.
func TestVerdictIsToldOnce(t *testing.T) {
	t.Parallel()
	now := time.Now()
	const path = "drive/Disk.Bay.2:RAID.1"
	alert := func(code string, l hw.Level) hw.Fact {
		return hw.Fact{Kind: hw.AlertFact, Component: path, Group: code, Value: hw.AlertValue{Open: true, Level: l, Since: now}}
	}
	part := hw.Fact{Kind: hw.ComponentFact, Component: path, Group: raidSection, Value: hw.ComponentValue{Health: hw.OK, Attrs: hw.Attrs{{Key: "bay", Value: "2"}}}}
	v := store.DeviceView{ID: "db", LastGood: now, Period: time.Minute, Facts: []hw.Fact{part, alert(hw.AlertHealth, hw.LevelAverage), alert(raid.CodeDrivePredicted, hw.LevelHigh)}}
	d := present(v, collectors.DeviceStatus{}, nil, now)
	var b strings.Builder
	printAlerts(&b, []web.Device{d}, true)
	if got, want := b.String(), "high db: "+path+" (bay 2): the drive predicts its failure, for 0 s\n    If the set is whole"; !strings.HasPrefix(got, want) || strings.Contains(got, "calls it faulty") {
		t.Errorf("alerts:\n%s", got)
	}
	b.Reset()
	printAlerts(&b, []web.Device{d}, false)
	if got := b.String(); strings.Contains(got, "If the set") {
		t.Errorf("without advice:\n%s", got)
	}
	for level, want := range map[hw.Level]hw.Health{hw.LevelWarning: hw.OK, hw.LevelAverage: hw.Warning, hw.LevelHigh: hw.Critical, hw.LevelDisaster: hw.Critical} {
		v.Facts = []hw.Fact{part, alert(raid.CodeDriveCacheOn, level)}
		if d := present(v, collectors.DeviceStatus{}, nil, now); d.Health != want {
			t.Errorf("a verdict of level %s makes the device %s; want %s", level, d.Health, want)
		}
	}
}

// TestPartsStandAsPeopleCount requires that port 2 is listed before port 10.
func TestPartsStandAsPeopleCount(t *testing.T) {
	t.Parallel()
	var v store.DeviceView
	for _, path := range []string{"cpu/1", "port/Fa1/0/1", "port/Fa1/0/10", "port/Fa1/0/2"} {
		v.Facts = append(v.Facts, hw.Fact{Kind: hw.ComponentFact, Component: path, Value: hw.ComponentValue{}})
	}
	var got []string
	d := deviceOf(v, collectors.DeviceStatus{}, time.Now())
	inOrder(&d)
	for _, c := range d.Components {
		got = append(got, c.Path)
	}
	if want := "cpu/1 port/Fa1/0/1 port/Fa1/0/2 port/Fa1/0/10"; strings.Join(got, " ") != want {
		t.Errorf("components %v; want %s", got, want)
	}
}

// TestPartThatMustBeThereIsKnown requires that a device is not called ok while a part whose absence
// would be a fault, such as a unit of a failover pair, does not tell its state; of others that is
// usual: ports that only some MIBs know.
func TestPartThatMustBeThereIsKnown(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, c := range map[string]struct {
		parts []hw.ComponentValue
		want  hw.Health
	}{
		"known":           {[]hw.ComponentValue{{Health: hw.OK}, {Health: hw.OK, Expected: true}}, hw.OK},
		"unknown":         {[]hw.ComponentValue{{Health: hw.OK}, {Health: hw.Unknown, Expected: true}}, hw.Unknown},
		"any part":        {[]hw.ComponentValue{{Health: hw.OK}, {Health: hw.Unknown}}, hw.OK},
		"a fault stays":   {[]hw.ComponentValue{{Health: hw.Warning}, {Health: hw.Unknown, Expected: true}}, hw.Warning},
		"nothing is told": {nil, hw.Unknown},
	} {
		v := store.DeviceView{ID: "fw", LastGood: now, Period: time.Minute}
		for i, x := range c.parts {
			v.Facts = append(v.Facts, hw.Fact{Kind: hw.ComponentFact, Component: fmt.Sprintf("part/%d", i), Value: x})
		}
		if d := present(v, collectors.DeviceStatus{}, nil, now); d.Health != c.want {
			t.Errorf("%s: device %s; want %s", name, d.Health, c.want)
		}
	}
}
