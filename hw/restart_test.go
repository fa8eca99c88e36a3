package hw_test

import (
	"testing"
	"time"

	"rackpost/hw"
)

// A restart is told since the moment it happened, once, and over after half an hour.
func TestRestart(t *testing.T) {
	t.Parallel()
	s := &hw.State{}
	up := func(after, uptime time.Duration, want ...string) {
		t.Helper()
		wantWords(t, s.Visit(withUnit(complete(after), hw.Unit{Serial: "A", Uptime: uptime})), want...)
	}
	up(0, 400*24*time.Hour, " unit")
	up(5*minute, 2*minute, " alert restarted warning")
	if got := alert(s, "", hw.AlertRestarted); !got.Open || !got.Since.Equal(noon.Add(3*minute)) {
		t.Errorf("got %+v, the unit started at %v", got, noon.Add(3*minute))
	}
	up(6*minute, 3*minute+10*time.Second) // its clock is a little off
	up(7*minute, time.Minute, " alert restarted warning")
	if got := alert(s, "", hw.AlertRestarted); !got.Since.Equal(noon.Add(6 * minute)) {
		t.Errorf("the second restart is told since %v", got.Since)
	}
	up(8*minute, 0) // it did not tell its uptime
	wantWords(t, s.Visit(complete(9*minute)))
	up(36*minute, hw.RestartShown, " alert restarted warning closed")
	up(37*minute, hw.RestartShown+minute)
}

// A device that has just started when it is first seen says so too.
func TestRestartBeforeTheFirstVisit(t *testing.T) {
	t.Parallel()
	s := after(withUnit(complete(0), hw.Unit{Serial: "A", Uptime: minute}))
	if got := alert(s, "", hw.AlertRestarted); !got.Open || !got.Since.Equal(noon.Add(-minute)) {
		t.Errorf("got %+v", got)
	}
}
