package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/idrac"
	"rackpost/collectors/redfish"
	"rackpost/collectors/sim/bmc"
	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
)

// serverBox is a box that watches one simulated server, without what serves people.
type serverBox struct {
	*appliance
	bmc  *bmc.BMC
	stop func() // in order, and wants no error
}

// server is a simulated PowerEdge and what a box needs to watch it, over one life or more.
type server struct {
	t        *testing.T
	bmc      *bmc.BMC
	dir      string
	addr     string
	password string

	configured []collectors.Watched // at the next start; nil: devices
}

func newServer(t *testing.T) *server {
	return newServerAs(t, bmc.Options{Password: bmc.DefaultPassword})
}

func newServerAs(t *testing.T, opt bmc.Options) *server {
	b, err := bmc.New("poweredge-r740", opt)
	if err != nil {
		t.Fatal(err)
	}
	l, err := bmc.Listen("127.0.0.1:0", b)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return &server{t: t, bmc: b, dir: t.TempDir(), addr: l.Addr().String(), password: opt.Password}
}

func (s *server) devices() []collectors.Watched {
	return []collectors.Watched{{Kind: idrac.Kind(), Target: collectors.Target{
		Device: hw.Device{ID: "srv-1", Kind: idrac.KindName, Address: s.addr}, Rate: 1000,
		Credentials: collectors.Credentials{User: bmc.DefaultUser, Password: s.password}}}}
}

// start begins a life of the box.
func (s *server) start() *serverBox {
	s.t.Helper()
	site := siteConfig{id: journal.ID{7}, devices: s.configured}
	if site.devices == nil {
		site.devices = s.devices()
	}
	a, err := openAppliance(s.t.Context(), boxConfig{data: s.dir, budget: 1 << 30}, site, store.Options{Ballast: -1, FlushAge: 10 * time.Millisecond}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		s.t.Fatal(err)
	}
	storing, endStore := context.WithCancel(context.Background())
	feeding, endFeed := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- a.store.Run(storing) }()
	go func() { defer endStore(); done <- a.feed(feeding) }()
	stopped := false
	b := &serverBox{appliance: a, bmc: s.bmc}
	b.stop = func() {
		if stopped {
			return
		}
		stopped = true
		endFeed()
		if err := errors.Join(<-done, <-done, a.store.Close()); err != nil {
			s.t.Error(err)
		}
	}
	s.t.Cleanup(b.stop)
	return b
}

// until waits until ok, and fails the test when that takes too long.
func (s *server) until(what string, ok func() bool) {
	s.t.Helper()
	for range 1000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Fatalf("%s: waited in vain", what)
}

func (b *serverBox) status() collectors.DeviceStatus { return b.poller.Status()[0] }

// part returns the first part whose path begins so, empty when none was read.
func (b *serverBox) part(prefix string) string {
	for _, f := range b.store.Registers("srv-1") {
		if f.Kind == hw.ComponentFact && strings.HasPrefix(f.Component, prefix) {
			return f.Component
		}
	}
	return ""
}

func (s *server) blinking() int {
	drives, _ := s.bmc.Blinking()
	return len(drives)
}

// TestLocateADrive: it blinks, also over a restart of the box, through one session, and ends by itself.
func TestLocateADrive(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	b := s.start()
	s.until("the first visit", func() bool { return b.part("drive/") != "" })
	drive := b.part("drive/")
	got, err := b.acts.Locate(t.Context(), "engineer", "srv-1", drive, true, 3*time.Second)
	if err != nil || got.Phase != hw.ActDone || s.blinking() != 1 {
		t.Fatalf("located %+v: %v; %d drives blink", got, err, s.blinking())
	}
	fan := b.part("fan/")
	if got, err := b.acts.Locate(t.Context(), "engineer", "srv-1", fan, true, 0); err != nil || got.Phase != hw.ActFailed || got.Reason != hw.NotSupported {
		t.Errorf("%q blinks: %+v: %v", fan, got, err)
	}
	if most := s.bmc.Counters().MostSessions; most != 1 {
		t.Errorf("%d sessions at once", most)
	}
	b.stop()
	if s.blinking() != 1 || s.bmc.Sessions() != 0 {
		t.Fatalf("after the stop %d drives blink and %d sessions are open", s.blinking(), s.bmc.Sessions())
	}
	b = s.start()
	s.until("the end of the light", func() bool { return s.blinking() == 0 })
	s.until("the word of it", func() bool {
		acts := b.store.Acts()
		v, ok := acts[0].Value.(hw.ActValue)
		return ok && v.Phase == hw.ActDone && !v.On
	})
	facts, err := b.store.Facts(t.Context(), store.FactQuery{Device: "srv-1"})
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, f := range facts {
		if v, ok := f.Value.(hw.ActValue); ok && f.Component == drive {
			said = append(said, fmt.Sprintf("%s %t %s", v.Phase, v.On, v.Who))
		}
	}
	if want := []string{"intended true engineer", "done true engineer", "intended false ", "done false "}; !slices.Equal(said, want) {
		t.Errorf("said %q, want %q", said, want)
	}
	b.stop()
	if n := s.bmc.Sessions(); n != 0 {
		t.Errorf("%d sessions are open", n)
	}
}

// TestTrustAnotherCertificate: over a restart a device is known by its certificate; with another one nothing is
// asked of it until a person trusts that.
func TestTrustAnotherCertificate(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	b := s.start()
	s.until("the first visit", func() bool { return b.store.Learned("srv-1").Get(redfish.CertificatePin) != "" })
	first := s.bmc.Fingerprint()
	b.stop()
	if err := s.bmc.Fault("certificate-changed", ""); err != nil {
		t.Fatal(err)
	}
	logins := s.bmc.Counters().Logins
	b = s.start()
	s.until("the other certificate", func() bool { return b.store.Learned("srv-1").Get(redfish.CertificateSeen) != "" })
	if st := b.status(); st.Reason != hw.CertChanged || s.bmc.Counters().Logins != logins {
		t.Errorf("status %+v; %d logins", st, s.bmc.Counters().Logins-logins)
	}
	if _, err := b.acts.Locate(t.Context(), "e", "srv-1", hw.ChassisPath, true, 0); err != nil {
		t.Error(err)
	}
	if acts := b.store.Acts(); len(acts) != 1 || acts[0].Value.(hw.ActValue).Phase != hw.ActFailed {
		t.Errorf("acts on a device nobody knows: %v", acts)
	}
	got, err := b.acts.Trust(t.Context(), "e", "srv-1", s.bmc.Fingerprint())
	if err != nil || got.Former != first {
		t.Fatalf("trusted %+v: %v", got, err)
	}
	s.until("a good visit", func() bool { return !b.status().LastGood.IsZero() })
	s.until("the end of the alarm", func() bool { return b.store.Learned("srv-1").Get(redfish.CertificateSeen) == "" })
	b.stop()
	b = s.start()
	s.until("a good visit after another start", func() bool { return !b.status().LastGood.IsZero() })
	if pin := b.store.Learned("srv-1").Get(redfish.CertificatePin); pin != s.bmc.Fingerprint() {
		t.Errorf("pinned %s, want %s", pin, s.bmc.Fingerprint())
	}
}

// TestFailedLoginIsCountedOverRestarts: a box that starts again and again with a wrong password logs in no more often than one
// that runs.
func TestFailedLoginIsCountedOverRestarts(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.password = "wrong"
	for range 4 {
		b := s.start()
		s.until("the refusal", func() bool { return b.store.Learned("srv-1").Get(collectors.LearnedLogins) == "1" })
		if err := b.poller.VisitNow("srv-1"); err != nil {
			t.Fatal(err)
		}
		got, err := b.acts.Locate(t.Context(), "e", "srv-1", hw.ChassisPath, true, 0)
		if err != nil || got.Phase != hw.ActFailed || got.Reason != hw.AuthFailed {
			t.Errorf("located %+v: %v", got, err)
		}
		b.stop()
	}
	if n := s.bmc.Counters().FailedLogins; n != 1 {
		t.Errorf("%d failed logins in 90 s", n)
	}
	s.password = bmc.DefaultPassword
	b := s.start()
	s.until("a good visit with the right password", func() bool { return !b.status().LastGood.IsZero() })
	s.until("the word of it", func() bool { return b.store.Learned("srv-1").Get(collectors.LearnedLogins) == "" })
}
