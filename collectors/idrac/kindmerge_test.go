package idrac_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/idrac"
	"rackpost/collectors/redfish"
	"rackpost/hw"
	"rackpost/hw/raid"
)

// once fails the test where a part or a sample comes twice.
func (r seen) once(t *testing.T) {
	t.Helper()
	have := map[string]bool{}
	for _, c := range r.Components {
		key := c.Path + " of " + c.Section
		if have[key] {
			t.Errorf("%s comes twice", key)
		}
		have[key] = true
	}
	for _, s := range r.Samples {
		key := "sample " + s.Component + " " + s.Sensor
		if have[key] {
			t.Errorf("%s comes twice", key)
		}
		have[key] = true
	}
}

// What an iDRAC8 hides from Redfish is told by SNMP beside it: policies, levels, the battery. Each word says who told it.
func TestOldIDRACWithSNMPBeside(t *testing.T) {
	t.Parallel()
	s := newServer(t, "poweredge-r630")
	alone, both := s.visited(redfishOnly).visit(every...), s.visited(bothOver).visit(every...)
	both.once(t)
	for _, x := range both.Read {
		if x.Extent != hw.Complete {
			t.Errorf("section %s is %v: %v", x.Section, x.Extent, both.Gaps)
		}
	}
	if len(alone.paths("raid", raid.BatteryPath)) != 0 || len(both.paths("raid", raid.BatteryPath)) == 0 {
		t.Errorf("batteries: %v over Redfish, %v over both", alone.paths("raid", raid.BatteryPath), both.paths("raid", raid.BatteryPath))
	}
	if a, b := alone.paths("raid", raid.DrivePath), both.paths("raid", raid.DrivePath); !slices.Equal(a, b) {
		t.Errorf("drives: %v over Redfish, %v over both", a, b)
	}
	volumes := both.paths("raid", raid.VolumePath)
	if len(volumes) == 0 {
		t.Fatal("no volumes")
	}
	for _, path := range volumes {
		before, now := alone.part(path, "raid"), both.part(path, "raid")
		if before == nil || before.Attrs.Get(raid.KeyWritePolicy) != "" {
			t.Errorf("%s over Redfish: %+v", path, before)
		}
		if now.Attrs.Get(raid.KeyWritePolicy) == "" || now.Attrs.Get(raid.KeyDiskCache) == "" || now.Attrs.Get(raid.KeySource) != raid.SourceRedfish ||
			!strings.Contains(now.Attrs.Get(raid.KeyFromSNMP), raid.KeyWritePolicy) {
			t.Errorf("%s over both: %+v", path, now)
		}
	}
	if len(both.Verdicts) == 0 && len(alone.Verdicts) == 0 {
		t.Error("no verdict on a server of which Redfish alone tells half")
	}
}

// Without SNMP what it told is not known any more: the section is not whole, so no verdict is settled.
func TestSNMPBesideFails(t *testing.T) {
	t.Parallel()
	s := newServer(t, "poweredge-r630")
	target := s.target(bothOver)
	target.Timeout = 300 * time.Millisecond
	c := s.visitedAs(target)
	c.visit(every...)
	s.agent.stop()
	r := c.visit("heartbeat", "raid", "environment")
	if r.extent("raid") != hw.Partial || r.gap("raid/snmp") == nil || r.extent("environment") != hw.Complete {
		t.Errorf("read %v, gaps %v", r.Read, r.Gaps)
	}
	s.agent.serve(s.agents)
	if r := c.visit("raid"); r.extent("raid") != hw.Complete {
		t.Errorf("afterwards raid is %v: %v", r.extent("raid"), r.Gaps)
	}
	newer := newServer(t, "poweredge-r750")
	target = newer.target(bothOver)
	target.Timeout = 300 * time.Millisecond
	newer.agent.stop() // never answered: Redfish of an iDRAC9 tells all there is
	if r := newer.visitedAs(target).visit("raid"); r.extent("raid") != hw.Complete || r.gap("raid/snmp") == nil {
		t.Errorf("an iDRAC9 without SNMP: raid is %v: %v", r.extent("raid"), r.Gaps)
	}
}

// While Redfish fails SNMP tells the same parts, an alert says so, and Redfish is asked at growing distances.
func TestFallback(t *testing.T) {
	t.Parallel()
	for _, model := range []string{"poweredge-r740", "poweredge-r630"} {
		for fault, reason := range map[string]hw.Reason{"sessions-full": hw.NotReady, "silent redfish": hw.NoAnswer, "locked-out": hw.LockedOut, "busy 30s": hw.NotReady} {
			t.Run(model+" "+fault, func(t *testing.T) {
				t.Parallel()
				s := newServer(t, model)
				target := s.target(bothOver)
				target.Timeout = 300 * time.Millisecond
				c := s.visitedAs(target)
				whole := c.visit(every...)
				if whole.verdict(idrac.RedfishUnread) != nil {
					t.Fatal("an alert on a device that is read")
				}
				if strings.HasPrefix(fault, "sessions") || fault == "locked-out" {
					s.fault("sessions-lost")
				}
				s.fault(fault)
				r := c.visit(every...)
				r.once(t)
				v := r.verdict(idrac.RedfishUnread)
				if v == nil || v.Params.Get("why") != string(reason) || v.Component != "" {
					t.Errorf("the verdict is %+v, want %s", v, reason)
				}
				if g := r.gap("heartbeat/redfish"); g == nil || g.Reason != reason {
					t.Errorf("the gap is %+v, want %s", g, reason)
				}
				if r.Unit == nil || r.Unit.Serial != whole.Unit.Serial || r.Unit.Name != whole.Unit.Name {
					t.Errorf("the unit is %+v, was %+v", r.Unit, whole.Unit)
				}
				for _, section := range []string{"raid", "environment", "inventory"} {
					then, now := whole.paths(section, ""), r.paths(section, "")
					if r.extent(section) == hw.Complete && !slices.Equal(then, now) || len(now) == 0 {
						t.Errorf("section %s is %v with %d parts of %d", section, r.extent(section), len(now), len(then))
					}
				}
				if r.extent("raid") != hw.Complete {
					t.Errorf("raid is %v: %v", r.extent("raid"), r.Gaps)
				}
				before := s.bmc.Counters().Total
				c.visit("heartbeat")
				if n := s.bmc.Counters().Total - before; n > 1 {
					t.Errorf("%d requests to a Redfish that failed a moment ago", n)
				}
				s.fault("clear")
				s.clock.pass(20 * time.Minute)
				r = c.visit(every...)
				if r.verdict(idrac.RedfishUnread) != nil || r.gap("heartbeat/redfish") != nil || r.extent("heartbeat") != hw.Complete || r.part("system", "heartbeat").Attrs.Get("source") != "redfish" {
					t.Errorf("after the return: read %v, gaps %v, verdicts %v", r.Read, r.Gaps, r.Verdicts)
				}
			})
		}
	}
}

// Redfish logins stop after two, and stay stopped over a restart, while SNMP goes on; a person's visit allows one more.
func TestFallbackStopsLogins(t *testing.T) {
	t.Parallel()
	s := newServer(t, "poweredge-r740")
	s.fault("bad-login")
	c := s.visited(bothOver)
	for range 10 {
		r := c.visit("heartbeat", "raid")
		if v := r.verdict(idrac.RedfishUnread); v == nil || v.Level != hw.LevelHigh || v.Params.Get("why") != string(hw.AuthFailed) {
			t.Fatalf("the verdict is %+v", v)
		}
		if len(r.paths("raid", raid.DrivePath)) == 0 {
			t.Fatal("no drives")
		}
		s.clock.pass(50 * time.Second)
	}
	if n := s.bmc.Counters().FailedLogins; n != 2 {
		t.Errorf("%d logins, want 2", n)
	}
	c.visit("heartbeat")
	s.clock.pass(time.Hour)
	again := s.visited(bothOver) // the same memory, as after a restart
	again.visit("heartbeat")
	if n := s.bmc.Counters().FailedLogins; n != 2 {
		t.Errorf("after a restart %d logins, want 2", n)
	}
	s.memory.Set(collectors.MemoryAsked, 1)
	again.visit("heartbeat")
	again.visit("heartbeat")
	if n := s.bmc.Counters().FailedLogins; n != 3 {
		t.Errorf("after a person asked %d logins, want 3", n)
	}
	s.fault("clear")
	s.clock.pass(2 * time.Minute)
	s.memory.Set(collectors.MemoryAsked, 2)
	if r := again.visit("heartbeat"); r.verdict(idrac.RedfishUnread) != nil {
		t.Errorf("with the right password: %v", r.Gaps)
	}
	if text, ok := s.memory.Recall("redfish_logins"); ok {
		t.Errorf("a stop is remembered: %q", text)
	}
	other := s.target(bothOver)
	other.Credentials.Password = "another"
	if err := s.memory.Learn("redfish_logins", "2 ff"); err != nil {
		t.Fatal(err)
	}
	s.visitedAs(other).visit("heartbeat") // another password is tried
	if n := s.bmc.Counters().FailedLogins; n != 4 {
		t.Errorf("with another password %d logins, want 4", n)
	}
}

// A certificate that changed is not hidden by SNMP: its data are read, the alert and the gap stand, and nothing is sent to the stranger.
func TestFallbackShowsCertificate(t *testing.T) {
	t.Parallel()
	s := newServer(t, "poweredge-r740")
	c := s.visited(bothOver)
	c.visit(every...)
	s.fault("certificate-changed")
	before := s.bmc.Counters().Total
	for range 3 {
		r := c.visit(every...)
		v, g := r.verdict(idrac.RedfishUnread), r.gap("heartbeat/redfish")
		if v == nil || v.Level != hw.LevelHigh || v.Params.Get("why") != string(hw.CertChanged) || g == nil || g.Reason != hw.CertChanged || !strings.Contains(g.Detail, "rackpost trust") {
			t.Errorf("the verdict is %+v, the gap %+v", v, g)
		}
		s.clock.pass(time.Minute)
	}
	if n := s.bmc.Counters().Total; n != before {
		t.Errorf("%d requests were sent to the stranger", n-before)
	}
	found, _ := s.memory.Recall(redfish.CertificateSeen)
	if err := s.memory.Learn(redfish.CertificatePin, found); err != nil {
		t.Fatal(err)
	}
	if r := c.visit("heartbeat"); r.verdict(idrac.RedfishUnread) != nil { // at once
		t.Errorf("after trust: %v", r.Gaps)
	}
}

// A drive that goes while Redfish fails is gone; one that SNMP never tells is not.
func TestFallbackKnowsWhatIsGone(t *testing.T) {
	t.Parallel()
	s := newServer(t, "poweredge-r740")
	c := s.visited(bothOver)
	whole := c.visit(every...)
	s.fault("sessions-lost")
	s.fault("sessions-full")
	c.visit("heartbeat", "raid")
	s.fault("drive-pulled 1")
	r := c.visit("heartbeat", "raid")
	then, now := whole.paths("raid", raid.DrivePath), r.paths("raid", raid.DrivePath)
	if r.extent("raid") != hw.Complete || len(now) != len(then)-1 {
		t.Errorf("raid is %v with %d drives of %d", r.extent("raid"), len(now), len(then))
	}
	fresh := s.visited(bothOver) // never heard Redfish: nothing can be called gone
	r = fresh.visit("heartbeat", "raid")
	if r.extent("raid") != hw.Partial || r.gap("raid/redfish") == nil {
		t.Errorf("raid is %v: %v", r.extent("raid"), r.Gaps)
	}
	for _, x := range r.Components {
		if x.Expected {
			t.Errorf("%s is expected by a name that Redfish was not heard to use", x.Path)
		}
	}
}

// What only Redfish shows of RAID is neither given nor settled while SNMP stands in; what SNMP shows is settled.
func TestFallbackSettlesNothingUnseen(t *testing.T) {
	t.Parallel()
	s := newServer(t, "poweredge-r740")
	c := s.visited(bothOver)
	s.fault("media-errors 2 1000")
	s.fault("disk-cache-on 0")
	found := map[string]bool{}
	for range 30 { // counters are read by turns, and must rise
		r := c.visit("heartbeat", "raid")
		for _, v := range r.Verdicts {
			found[v.Code] = true
		}
		s.clock.pass(10 * time.Minute)
	}
	if !found[raid.CodeMediaErrors] {
		t.Fatalf("the verdicts are %v", found)
	}
	s.fault("sessions-lost")
	s.fault("sessions-full")
	r := c.visit("heartbeat", "raid")
	v := r.verdict(raid.CodeMediaErrors)
	if r.extent("raid") != hw.Complete || v == nil || v.Level != 0 {
		t.Errorf("raid is %v, the verdict on media errors %+v", r.extent("raid"), v)
	}
	if r.verdict(raid.CodeDiskCacheOn) == nil {
		t.Errorf("SNMP shows the disk cache: %+v", r.Verdicts)
	}
	s.fault("clear disk-cache-on")
	if r := c.visit("heartbeat", "raid"); r.verdict(raid.CodeDiskCacheOn) != nil {
		t.Errorf("the disk cache is off: %+v", r.Verdicts)
	}
}

// A section that Redfish fails to tell is told by SNMP; the others are Redfish's.
func TestSectionFromSNMP(t *testing.T) {
	t.Parallel()
	s := newServer(t, "poweredge-r740")
	c := s.visited(bothOver)
	whole := c.visit(every...)
	s.fault("fail-path /Thermal")
	s.fault("fail-path /Power")
	r := c.visit("heartbeat", "raid", "environment")
	r.once(t)
	if n := len(r.paths("environment", "fan/")); n != len(whole.paths("environment", "fan/")) || n == 0 {
		t.Errorf("%d fans: %v", n, r.Gaps)
	}
	if len(gapsUnder(r, "environment")) == 0 {
		t.Error("no gap says that Redfish fails")
	}
	if r.part("system", "heartbeat").Attrs.Get("source") != "redfish" || r.verdict(idrac.RedfishUnread) != nil {
		t.Error("the rest is not Redfish's")
	}
}

func gapsUnder(r seen, section string) (list []hw.Gap) {
	for _, g := range r.Gaps {
		if g.What == section || strings.HasPrefix(g.What, section+"/") {
			list = append(list, g)
		}
	}
	return list
}
