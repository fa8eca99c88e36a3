package main

import (
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/hw"
	"rackpost/store"
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
