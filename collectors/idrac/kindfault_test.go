package idrac_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/idrac"
	"rackpost/collectors/redfish"
	"rackpost/hw"
)

var every = []string{"heartbeat", "raid", "environment", "log", "jobs", "inventory", "network", "firmware"}

func TestKindIsOfTwoProtocols(t *testing.T) {
	t.Parallel()
	k := idrac.Kind()
	for name, x := range map[string]struct {
		credentials collectors.Credentials
		ok          bool
	}{
		"redfish": {collectors.Credentials{User: "root", Password: "x"}, true}, "snmp": {collectors.Credentials{Community: "public"}, true},
		"both":    {collectors.Credentials{User: "root", Password: "x", Community: "public"}, true},
		"nothing": {}, "no password": {credentials: collectors.Credentials{User: "root"}},
	} {
		c, err := k.New(collectors.Target{Device: hw.Device{Address: "192.0.2.1"}, Credentials: x.credentials, Memory: &collectors.Memory{}})
		if (err == nil) != x.ok {
			t.Errorf("%s: %v", name, err)
		}
		if c != nil {
			_ = c.Close(t.Context())
		}
	}
}

// A heartbeat is one request, on one connection and in one session, which ends with the collector.
func TestHeartbeatIsOneRequest(t *testing.T) {
	t.Parallel()
	for _, model := range []string{"poweredge-r740", "poweredge-r750", "poweredge-r630"} {
		s := newServer(t, model)
		c := s.visited(redfishOnly)
		c.visit()
		for range 3 {
			before := s.bmc.Counters()
			r := c.visit("heartbeat")
			if n := s.bmc.Counters().Total - before.Total; n != 1 || r.Requests != 1 {
				t.Errorf("%s: a heartbeat took %d requests, and says %d", model, n, r.Requests)
			}
			system := r.part("system", "heartbeat")
			if system == nil || system.Health != hw.OK || system.State.Get("power") != "on" || system.Attrs.Get("service_tag") != r.Unit.Serial || system.Attrs.Get("express_service_code") == "" {
				t.Errorf("%s: the system is %+v", model, system)
			}
			if r.Unit.Serial == "" || r.Unit.Version == "" || r.Unit.Model == "" {
				t.Errorf("%s: the unit is %+v", model, r.Unit)
			}
		}
		if n := s.bmc.Counters(); n.MostSessions != 1 || n.Connections != 1 || n.MostInFlight != 1 {
			t.Errorf("%s: %d sessions, %d connections, %d in flight", model, n.MostSessions, n.Connections, n.MostInFlight)
		}
		if err := c.Close(t.Context()); err != nil || s.bmc.Sessions() != 0 {
			t.Errorf("%s: %d sessions left after Close: %v", model, s.bmc.Sessions(), err)
		}
	}
}

// What a roll-up tells of is read soon.
func TestRollupsHasten(t *testing.T) {
	t.Parallel()
	s := newServer(t, "poweredge-r740")
	c := s.visited(redfishOnly)
	if r := c.visit("heartbeat"); len(r.Hasten) > 0 {
		t.Errorf("the first heartbeat hastens %v", r.Hasten)
	}
	for fault, want := range map[string]string{"drive-predicted 0": "raid", "psu-out 1": "environment", "fan-failed 2": "environment"} {
		s.fault(fault)
		if r := c.visit("heartbeat"); !slices.Contains(r.Hasten, want) || !slices.Contains(r.Hasten, "log") {
			t.Errorf("%s: hastened are %v, want %s and log", fault, r.Hasten, want)
		}
		if r := c.visit("heartbeat"); len(r.Hasten) > 0 {
			t.Errorf("%s: hastened twice: %v", fault, r.Hasten)
		}
		s.fault("clear")
		c.visit("heartbeat")
	}
}

// What is wrong with the way to the BMC is told for what it is, with what to do.
func TestFaultsOfTheWay(t *testing.T) {
	t.Parallel()
	for fault, x := range map[string]struct {
		reason hw.Reason
		hint   string
	}{
		"bad-login": {hw.AuthFailed, "password"}, "locked-out": {hw.LockedOut, "wait"}, "sessions-full": {hw.NotReady, "session"},
		"busy 30s": {hw.NotReady, ""}, "not-ready": {hw.NotReady, "starting"}, "plain-http": {hw.Garbage, "HTTPS"},
		"html": {hw.WrongKind, "Redfish"}, "silent": {hw.NoAnswer, ""}, "old-tls": {hw.Garbage, "legacy_tls"},
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, "poweredge-r740")
			s.fault(fault)
			target := s.target(redfishOnly)
			target.Timeout = 500 * time.Millisecond
			v := s.visitedAs(target).failing(x.reason)
			if !strings.Contains(v.Error(), x.hint) {
				t.Errorf("%q does not say %q", v, x.hint)
			}
			if fault == "busy 30s" && v.RetryAfter != 30*time.Second {
				t.Errorf("to be left alone for %v", v.RetryAfter)
			}
			s.fault("clear")
			s.clock.pass(time.Hour)
			if r := s.visited(redfishOnly).visit(every...); r.extent("raid") != hw.Complete {
				t.Errorf("afterwards raid is %v: %v", r.extent("raid"), r.Gaps)
			}
		})
	}
}

// A BMC of somebody else is told from an iDRAC, before it is sent the password where it says so.
func TestNotADell(t *testing.T) {
	t.Parallel()
	s := newServer(t, "proliant-dl380")
	v := s.visited(redfishOnly).failing(hw.WrongKind)
	if !strings.Contains(v.Hint, redfish.PlainKind) || s.bmc.Counters().Logins != 0 {
		t.Errorf("%v after %d logins", v, s.bmc.Counters().Logins)
	}
	printer := httptest.NewTLSServer(http.NotFoundHandler())
	defer printer.Close()
	target := s.target(redfishOnly)
	target.Device.Address, target.Memory = strings.TrimPrefix(printer.URL, "https://"), &collectors.Memory{}
	s.visitedAs(target).failing(hw.WrongKind)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	target.Device.Address = l.Addr().String()
	_ = l.Close()
	s.visitedAs(target).failing(hw.Refused)
}

// Another certificate ends the visit before anything is sent; a person who trusts it sees the device again.
func TestCertificateChanged(t *testing.T) {
	t.Parallel()
	s := newServer(t, "poweredge-r740")
	c := s.visited(redfishOnly)
	c.visit()
	s.fault("certificate-changed")
	before := s.bmc.Counters().Total
	for range 2 {
		v := c.failing(hw.CertChanged)
		if !strings.Contains(v.Hint, "rackpost trust") {
			t.Errorf("the hint is %q", v.Hint)
		}
	}
	if n := s.bmc.Counters().Total; n != before {
		t.Errorf("%d requests were sent to the stranger", n-before)
	}
	found, ok := s.memory.Recall(redfish.CertificateSeen)
	if !ok || found != s.bmc.Fingerprint() {
		t.Errorf("seen is %q, shown was %q", found, s.bmc.Fingerprint())
	}
	if err := s.memory.Learn(redfish.CertificatePin, found); err != nil {
		t.Fatal(err)
	}
	if r := c.visit(every...); r.extent("raid") != hw.Complete {
		t.Errorf("after trust raid is %v: %v", r.extent("raid"), r.Gaps)
	}
}

// A restart of the iDRAC in the middle of a visit loses sections, never parts; what is empty after it is not ready.
func TestRacresetInMidVisit(t *testing.T) {
	t.Parallel()
	s := newServer(t, "poweredge-r740")
	c := s.visited(redfishOnly)
	whole := c.visit(every...)
	s.fault("racreset 2m 6") // after six more requests
	r, err := c.try(every...)
	if err == nil && !slices.ContainsFunc(r.Read, func(x hw.Scope) bool { return x.Extent != hw.Complete }) {
		t.Error("a visit cut in the middle is whole")
	}
	for range 40 {
		s.clock.pass(15 * time.Second)
		r, err := c.try(every...)
		if err != nil {
			continue
		}
		now := seen{r}
		for _, section := range []string{"raid", "inventory", "network", "firmware", "environment"} {
			if now.extent(section) == hw.Complete && len(now.paths(section, "")) < len(whole.paths(section, "")) {
				t.Fatalf("section %s is called whole with %d of %d parts", section, len(now.paths(section, "")), len(whole.paths(section, "")))
			}
		}
		if now.extent("raid") == hw.Complete && now.extent("inventory") == hw.Complete {
			return
		}
	}
	t.Error("the device did not come back")
}

// Refusals that come and go, answers of 18 s and an error object before each document cost what they cost and no more.
func TestAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	s := newServer(t, "poweredge-r740")
	c := s.visited(redfishOnly)
	whole := c.visit(every...)
	s.fault("error-first")
	r, err := c.try(every...)
	if err == nil {
		for _, x := range r.Read {
			if x.Extent == hw.Complete && x.Section != "heartbeat" && len(seen{r}.paths(x.Section, "")) < len(whole.paths(x.Section, "")) {
				t.Errorf("section %s is whole: %v", x.Section, r.Gaps)
			}
		}
	}
	s.fault("clear")
	s.clock.pass(time.Hour)
	c.visit("heartbeat")
	for range 3 { // a storm: every visit is told to come back later
		s.fault("busy 30s")
		before := s.bmc.Counters().Total
		c.failing(hw.NotReady)
		if n := s.bmc.Counters().Total - before; n > 1 {
			t.Errorf("%d requests to a device that asks to be left alone", n)
		}
		s.fault("clear")
		s.clock.pass(31 * time.Second)
		c.visit("heartbeat")
	}
	s.fault("slow 700ms /Storage") // more than the time-out of this target
	target := s.target(redfishOnly)
	target.Timeout = 400 * time.Millisecond
	slow := s.visitedAs(target)
	r2, err := slow.try("heartbeat", "raid", "environment")
	if err != nil {
		t.Fatalf("a slow part: %v", err)
	}
	if got := (seen{r2}); got.extent("heartbeat") != hw.Complete || got.extent("raid") == hw.Complete {
		t.Errorf("a slow part: read %v", r2.Read)
	}
}

// A password that is wrong is tried once a visit, never three times in a minute.
func TestWrongPasswordIsNotRepeated(t *testing.T) {
	t.Parallel()
	s := newServer(t, "poweredge-r740")
	s.fault("bad-login")
	c := s.visited(redfishOnly)
	for range 5 {
		c.failing(hw.AuthFailed)
		s.clock.pass(10 * time.Second)
	}
	if n := s.bmc.Counters().FailedLogins; n != 1 {
		t.Errorf("%d logins in 50 s", n)
	}
}

// A firmware update is told as a job, and as the reason why the iDRAC fails during it.
func TestFirmwareUpdateInProgress(t *testing.T) {
	t.Parallel()
	s := newServer(t, "poweredge-r740")
	c := s.visited(redfishOnly)
	c.visit()
	s.fault("firmware-update 10m")
	r := c.visit("jobs")
	jobs := r.paths("jobs", "job/")
	if len(jobs) != 1 || r.part(jobs[0], "jobs").Attrs.Get("type") != "firmware-update" || r.part(jobs[0], "jobs").State.Get("state") != "running" {
		t.Fatalf("the jobs are %+v", r.Components)
	}
	s.fault("not-ready")
	if v := c.failing(hw.NotReady, "heartbeat"); !strings.Contains(v.Hint, "firmware update in progress") {
		t.Errorf("the hint is %q", v.Hint)
	}
	s.fault("clear not-ready")
	s.clock.pass(20 * time.Minute)
	r = c.visit("jobs")
	if p := r.part(jobs[0], "jobs"); p == nil || p.State.Get("state") != "completed" || p.Health != hw.OK || p.Expected {
		t.Errorf("the job is %+v", p)
	}
	s.fault("not-ready")
	if v := c.failing(hw.NotReady, "heartbeat"); strings.Contains(v.Hint, "firmware update") {
		t.Errorf("after the update the hint is %q", v.Hint)
	}
}
