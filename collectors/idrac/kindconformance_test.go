package idrac_test

import (
	"strings"
	"testing"
	"time"

	"rackpost/collectors/collectortest"
	"rackpost/collectors/idrac"
	"rackpost/collectors/redfish"
	"rackpost/hw"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		over   over
		model  string
		expect map[collectortest.Fault][]hw.Reason
	}{
		"redfish": {redfishOnly, "poweredge-r740", nil},
		"snmp":    {snmpOnly, "poweredge-r740", map[collectortest.Fault][]hw.Reason{collectortest.BadLogin: {hw.NoAnswer}}}, // what SNMP v2c says to a wrong community
		"both":    {bothOver, "poweredge-r740", map[collectortest.Fault][]hw.Reason{collectortest.BadLogin: {hw.NoAnswer}}}, // and what does not stop the visits
		"idrac8":  {bothOver, "poweredge-r630", map[collectortest.Fault][]hw.Reason{collectortest.BadLogin: {hw.NoAnswer}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var c clock
			collectortest.Run(t, collectortest.Suite{
				Kind:     idrac.Unhurried(c.now),
				Start:    func(tb testing.TB) collectortest.Device { return conformingServer(tb, x.model, x.over, &c) },
				Expect:   x.expect,
				Patience: time.Minute,
				Units:    []string{"hours", "mbps"},
				Seldom:   ofSMART,
			})
		})
	}
}

// conformingServer serves a model for the conformance suite. A fault that is mended is mended for an hour: no pause lasts that long.
func conformingServer(tb testing.TB, model string, o over, c *clock) collectortest.Device {
	tb.Helper()
	s := newServer(tb, model)
	target := s.target(o)
	target.Timeout = 300 * time.Millisecond
	set := func(redfish, snmp string) func() {
		return func() {
			if redfish != "" && o != snmpOnly {
				s.fault(redfish)
			}
			if name, arg, _ := strings.Cut(snmp, " "); name != "" && o != redfishOnly {
				if err := s.agents.Fault(name, arg); err != nil {
					tb.Error(err)
				}
			}
		}
	}
	dev := collectortest.Device{
		Target:   target,
		Silence:  set("silent", "silent"),
		Refuse:   func() { s.stopRedfish(); s.agent.stop() },
		BadLogin: func() { set("bad-login", "")(); s.agent.community = "other"; s.agent.serve(s.agents) },
		Slow:     func(d time.Duration) { set("slow "+d.String(), "slow "+d.String())() },
		Half:     set("half", "generr "+mib+"5.1.20.130.4.1.24,"+mib+"4.700,"+mib+"4.1100.50.1.26.1.2,"+mib+"2.3"),
		Garbage:  set("garbage", "garbage"),
		Swap: func() {
			s.fault("other-unit")
			if err := s.memory.Learn(redfish.CertificatePin, s.bmc.Fingerprint()); err != nil { // another unit has another certificate, which a person trusts
				tb.Error(err)
			}
		},
		InFlight: func() int { return max(s.bmc.MostInFlight(), s.agents.MostInFlight()) },
	}
	if o != snmpOnly {
		dev.Sessions = s.bmc.Sessions
	}
	if o == redfishOnly {
		dev.Huge = set("huge", "")
	}
	dev.Heal = func() {
		s.stopRedfish()
		s.startRedfish()
		s.agent.community = "public"
		for _, f := range s.bmc.Faults() {
			if name, _, _ := strings.Cut(f, " "); name != "other-unit" {
				s.fault("clear " + name)
			}
		}
		for _, f := range s.agents.Faults() {
			name, _, _ := strings.Cut(f, " ")
			if err := s.agents.Fault("clear", name); err != nil {
				tb.Error(err)
			}
		}
		s.agent.serve(s.agents)
		c.pass(time.Hour)
	}
	return dev
}

// ofSMART says of a sample that it is of a drive's SMART, which takes a request a drive.
func ofSMART(s hw.Sample) bool {
	switch s.Sensor {
	case "reallocated_sectors_total", "uncorrectable_errors_total", "uncorrectable_sectors_total", "program_failures_total", "erase_failures_total",
		"command_timeouts_total", "pending_sectors_count", "powered_hours", "temperature_celsius",
		"critical_warnings_count", "read_error_rate", "crc_errors_percent":
		return strings.HasPrefix(s.Component, "drive/")
	}
	return false
}
