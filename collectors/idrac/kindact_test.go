package idrac_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"rackpost/collectors"
	"rackpost/hw"
	"rackpost/hw/raid"
)

func (c *client) act(component string, on bool) error {
	return c.Collector.(collectors.Actor).Act(context.Background(), hw.Action{Name: hw.Locate, Component: component, On: on})
}

// A drive and the server blink and stop, through the session of the visits.
func TestLocate(t *testing.T) {
	t.Parallel()
	for _, model := range []string{"poweredge-r740", "poweredge-r750", "poweredge-r630"} {
		for _, first := range []bool{true, false} { // an act may come before any visit
			s := newServer(t, model)
			c := s.visited(redfishOnly)
			drives := s.visited(redfishOnly).visit("raid").paths("raid", raid.DrivePath)
			if first {
				c.visit()
			}
			for _, on := range []bool{true, false} {
				if err := c.act("system", on); err != nil {
					t.Errorf("%s: the server: %v", model, err)
				}
				if _, lit := s.bmc.Blinking(); lit != on {
					t.Errorf("%s: the server's light is %v, want %v", model, lit, on)
				}
				r := c.visit("heartbeat")
				if is := r.part("system", "heartbeat").State.Get("locator"); is != map[bool]string{true: "on", false: "off"}[on] {
					t.Errorf("%s: the locator is told as %q after %v", model, is, on)
				}
				err := c.act(drives[0], on)
				lit, _ := s.bmc.Blinking()
				if model == "poweredge-r630" { // its simulation has no RAID service
					if collectors.ReasonOf(err) != hw.NotSupported {
						t.Errorf("%s: %v", model, err)
					}
					continue
				}
				if err != nil || slices.Contains(lit, strings.TrimPrefix(drives[0], raid.DrivePath)) != on {
					t.Errorf("%s: %s %v: blinking are %v, %v", model, drives[0], on, lit, err)
				}
			}
			if n := s.bmc.Counters().MostSessions; n > 2 {
				t.Errorf("%s: %d sessions for two collectors", model, n)
			}
		}
	}
}

// What cannot be done says why.
func TestLocateFails(t *testing.T) {
	t.Parallel()
	s := newServer(t, "poweredge-r740")
	c := s.visited(redfishOnly)
	drive := c.visit("raid").paths("raid", raid.DrivePath)[0]
	for component, want := range map[string]hw.Reason{
		"drive/Disk.Bay.99:Enclosure.Internal.0-1:RAID.Integrated.1-1": hw.NotSupported, "fan/Fan.Embedded.1": hw.NotSupported, "drive/": hw.NotSupported, "": hw.NotSupported,
	} {
		if err := c.act(component, true); collectors.ReasonOf(err) != want {
			t.Errorf("%q: %v, want %s", component, err, want)
		}
	}
	if err := c.Collector.(collectors.Actor).Act(t.Context(), hw.Action{Name: "reset", Component: "system"}); collectors.ReasonOf(err) != hw.NotSupported {
		t.Errorf("another act: %v", err)
	}
	s.fault("lockdown")
	for _, component := range []string{drive, "system"} {
		err := c.act(component, true)
		if collectors.ReasonOf(err) != hw.AccessDenied || !strings.Contains(err.Error(), "lockdown mode is on") {
			t.Errorf("%s in lockdown mode: %v", component, err)
		}
	}
	s.fault("clear")
	s.fault("silent")
	target := s.target(redfishOnly)
	target.Timeout = 300e6
	if err := s.visitedAs(target).act("system", true); collectors.ReasonOf(err) != hw.NoAnswer {
		t.Errorf("a silent device: %v", err)
	}
	if err := s.visited(snmpOnly).act("system", true); collectors.ReasonOf(err) != hw.NotSupported || !strings.Contains(err.Error(), "Redfish") {
		t.Errorf("over SNMP: %v", err)
	}
}

// An act does not try a login that was stopped.
func TestLocateAfterStopOfLogins(t *testing.T) {
	t.Parallel()
	s := newServer(t, "poweredge-r740")
	s.fault("bad-login")
	c := s.visited(bothOver)
	for range 3 {
		if err := c.act("system", true); collectors.ReasonOf(err) != hw.AccessDenied { // the poller counts what is auth-failed, and would stop SNMP too
			t.Errorf("%s: %v", collectors.ReasonOf(err), err)
		}
		s.clock.pass(2 * 60e9)
	}
	if n := s.bmc.Counters().FailedLogins; n != 2 {
		t.Errorf("%d logins, want 2", n)
	}
}

// Beside SNMP nobody let in is no failed visit, whatever the words: SNMP knows no lock-out and goes on.
func TestActRefusedBesideSNMP(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"bad-login", "locked-out"} {
		s := newServer(t, "poweredge-r740")
		c := s.visited(bothOver)
		s.fault(fault)
		for range 3 {
			if err := c.act("system", true); collectors.ReasonOf(err) != hw.AccessDenied {
				t.Errorf("%s: %v", fault, err)
			}
		}
		if n := s.bmc.Counters().FailedLogins; n != 1 {
			t.Errorf("%s: %d failed logins", fault, n)
		}
		if r := c.visit("heartbeat"); r.extent("heartbeat") == hw.Failed {
			t.Errorf("%s: SNMP does not go on: %v", fault, r.Gaps)
		}
	}
}
