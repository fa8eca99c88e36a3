package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/idrac"
	plainserver "rackpost/collectors/server"
	"rackpost/collectors/sim"
	"rackpost/hw"
	"rackpost/hw/raid"
)

// mistyped is a server of which a site knows nothing but wrong passwords.
type mistyped struct {
	*server
	kind  collectors.Kind
	agent string // empty: Redfish alone
	began time.Time
	tries int
}

func newMistyped(t *testing.T, kind collectors.Kind, withSNMP bool) *mistyped {
	m := &mistyped{server: newServer(t), kind: kind, began: time.Now()}
	if withSNMP {
		m.agent = serveAgent(t, sim.NewController(m.bmc))
	}
	return m
}

// serveAgent serves an SNMP agent until the test ends, and returns its address.
func serveAgent(t *testing.T, d *sim.Device) string {
	a, err := sim.Listen("127.0.0.1:0", d, sim.AgentOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return a.Addr().String()
}

// site is a configuration like none before: another policy, and another wrong password where one is asked for.
func (m *mistyped) site(another bool) []collectors.Watched {
	m.tries++
	if another {
		m.password = fmt.Sprintf("wrong %d", m.tries)
	}
	d := m.devices()
	w := &d[0].Target
	d[0].Kind, w.Device.Kind = m.kind, m.kind.Name
	w.Policy = raid.Policy{Levels: []string{raid.Level1, raid.Level10}[:1+m.tries%2]}
	if w.SNMP = m.agent; m.agent != "" {
		w.Credentials.Community = "public"
	}
	return d
}

// insist has the device asked in every way a running box knows.
func (m *mistyped) insist(b *serverBox) {
	for range 2 {
		if err := b.poller.VisitNow("srv-1"); err != nil {
			m.t.Fatal(err)
		}
		if _, err := b.acts.Locate(m.t.Context(), "e", "srv-1", hw.ChassisPath, true, 0); err != nil {
			m.t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond)
	}
	b.poller.DueAll()
}

// TestNoThirdFailedLogin: whatever people do to a box with a wrong password, a server is never asked a third time within the
// 60 s after which an iDRAC bars the address.
func TestNoThirdFailedLogin(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		kind collectors.Kind
		snmp bool
	}{"idrac": {idrac.Kind(), false}, "idrac and SNMP": {idrac.Kind(), true}, "redfish": {plainserver.Kind(), false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMistyped(t, test.kind, test.snmp)
			m.configured = m.site(true)
			for range 3 {
				b := m.start()
				m.until("a refusal", func() bool { return m.bmc.Counters().FailedLogins > 0 })
				m.insist(b)
				for _, another := range []bool{false, true, true, false} {
					if err := b.poller.Replace(m.site(another)); err != nil {
						t.Fatal(err)
					}
					m.insist(b)
				}
				b.stop()
				m.configured = m.site(true)
			}
			m.judge()
		})
	}
}

func (m *mistyped) judge() {
	m.t.Helper()
	if took := time.Since(m.began); took > time.Minute {
		m.t.Skipf("it took %v: nothing can be told of a minute", took)
	}
	if n := m.bmc.Counters().FailedLogins; n == 0 || n > 2 {
		m.t.Errorf("%d failed logins within a minute", n)
	}
}

// TestNoLoginsWhileLockedOut: a server that bars the address is left alone, or it goes on doing so.
func TestNoLoginsWhileLockedOut(t *testing.T) {
	t.Parallel()
	for name, withSNMP := range map[string]bool{"Redfish": false, "and SNMP": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMistyped(t, idrac.Kind(), withSNMP)
			if err := m.bmc.Fault("locked-out", ""); err != nil {
				t.Fatal(err)
			}
			m.configured = m.site(true)
			b := m.start()
			m.until("a refusal", func() bool { return m.bmc.Counters().FailedLogins > 0 })
			for _, another := range []bool{false, true, true, false} {
				m.insist(b)
				if err := b.poller.Replace(m.site(another)); err != nil {
					t.Fatal(err)
				}
			}
			m.insist(b)
			m.judge()
		})
	}
}

// TestNoThirdFailedLoginOfPrograms: those beside the appliance keep to it as well, at its devices and elsewhere; also one that
// the appliance reads well.
func TestNoThirdFailedLoginOfPrograms(t *testing.T) {
	m := newMistyped(t, idrac.Kind(), false)
	m.configured = m.site(true)
	b := m.start()
	c := b.serve(t)
	t.Setenv("RACKPOST_SOCKET", c.socket)
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("wrong\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	stranger := newServer(t)
	m.until("a refusal", func() bool { return m.bmc.Counters().FailedLogins > 0 })
	n := 0
	program := func(at string, args ...string) {
		var out, said bytes.Buffer
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "NEW", fmt.Sprint(t.TempDir(), n))
		}
		n++
		code := execute(t.Context(), terminal{out: &out, err: &said}, append(args, "-user", "root", "-password-file", password, "-timeout", "3s"))
		t.Logf("%s %s: %d %s", args[0], at, code, said.String())
	}
	for range 3 {
		for _, s := range []*server{m.server, stranger} {
			host, port, _ := strings.Cut(s.addr, ":")
			program(s.addr, "probe", "dell-idrac", s.addr)
			program(s.addr, "capture", "dell-idrac", s.addr, "NEW")
			program(s.addr, "discover", "-port", port, host)
		}
		m.insist(b)
		if err := b.poller.Replace(m.site(true)); err != nil {
			t.Fatal(err)
		}
	}
	m.judge()
	if f := stranger.bmc.Counters().FailedLogins; f == 0 || f > 2 {
		t.Errorf("%d failed logins at a device the site does not have", f)
	}
}

// TestProgramsKnowTheCertificate: those beside the appliance send no password to what shows another one than it trusts.
func TestProgramsKnowTheCertificate(t *testing.T) {
	s := newServer(t)
	b := s.start()
	t.Setenv("RACKPOST_SOCKET", b.serve(t).socket)
	s.until("the first visit", func() bool { return b.part("drive/") != "" })
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte(s.password), 0o600); err != nil {
		t.Fatal(err)
	}
	host, port, _ := strings.Cut(s.addr, ":")
	run := func(args ...string) string {
		var out, said bytes.Buffer
		execute(t.Context(), terminal{out: &out, err: &said}, append(args, "-user", "root", "-password-file", password, "-timeout", "3s"))
		return out.String() + said.String()
	}
	if said := run("discover", "-port", port, host); !strings.Contains(said, "dell-idrac") {
		t.Errorf("with the right certificate: %s", said)
	}
	if err := s.bmc.Fault("certificate-changed", ""); err != nil {
		t.Fatal(err)
	}
	logins := s.bmc.Counters().Logins
	for name, said := range map[string]string{
		"probe": run("probe", "dell-idrac", s.addr), "capture": run("capture", "dell-idrac", s.addr, filepath.Join(t.TempDir(), "new")),
		"discover": run("discover", "-json", "-port", port, host),
	} {
		if !strings.Contains(said, "cert-changed") {
			t.Errorf("%s: %s", name, said)
		}
	}
	if n := s.bmc.Counters().Logins - logins; n > 0 {
		t.Errorf("%d logins at what shows another certificate", n)
	}
}

func TestStrangersAreBounded(t *testing.T) {
	t.Parallel()
	var s strangers
	now := time.Now()
	for i := range 3 * maxStrangers {
		s.of(fmt.Sprint(i), now).RefuseLogin(now)
	}
	if n := len(s.at); n > maxStrangers+1 {
		t.Errorf("%d are remembered", n)
	}
	if s.of("another", now).LoginPause(now, true) == 0 {
		t.Error("beyond the bound nothing is known any more")
	}
	s.of("another", now.Add(time.Hour))
	if n := len(s.at); n != 1 {
		t.Errorf("an hour later %d are remembered", n)
	}
}
