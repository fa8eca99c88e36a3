package cisco_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/cisco"
	"rackpost/collectors/collectortest"
	"rackpost/collectors/sim"
	"rackpost/hw"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		kind  collectors.Kind
		model string
	}{
		{catalyst, "catalyst-3750-48ps"},
		{asa, "asa-5525-failover"},
	} {
		t.Run(x.kind.Name, func(t *testing.T) {
			t.Parallel()
			collectortest.Run(t, collectortest.Suite{
				Kind:  x.kind,
				Start: func(tb testing.TB) collectortest.Device { return conforming(tb, x.kind, x.model) },
				Expect: map[collectortest.Fault][]hw.Reason{
					// SNMP v2c answers a wrong community with silence.
					collectortest.BadLogin: {hw.NoAnswer},
				},
			})
		})
	}
}

// conforming serves a model for the conformance suite.
func conforming(tb testing.TB, kind collectors.Kind, model string) collectortest.Device {
	tb.Helper()
	d := modelled(tb, model, sim.ModelOptions{})
	set := func(name, arg string) func() {
		return func() {
			if err := d.Fault(name, arg); err != nil {
				tb.Error(err)
			}
		}
	}
	s := &server{tb: tb, device: d, community: "public"}
	s.start(netip.MustParseAddrPort("127.0.0.1:0"))
	tb.Cleanup(s.stop)
	dev := collectortest.Device{
		Target: collectors.Target{
			Device:      hw.Device{ID: "conforming", Kind: kind.Name, Address: s.addr.String()},
			Credentials: collectors.Credentials{Community: "public"},
			Timeout:     200 * time.Millisecond,
		},
		Silence:  set("silent", ""),
		Refuse:   s.stop,
		BadLogin: func() { s.restart("other") },
		Slow:     func(d time.Duration) { set("slow", d.String())() },
		Half:     set("generr", "1.3.6.1.2.1.2.2.1.10,1.3.6.1.2.1.31,1.3.6.1.2.1.47.1.1.1.1.11.2003,1.3.6.1.4.1.9.9.13.1.5,1.3.6.1.4.1.9.9.221"),
		Garbage:  set("garbage", ""),
		Swap:     set("other-unit", ""),
		Huge:     func() { s.serve(endless(tb, kind.Name)) },
		InFlight: d.MostInFlight,
	}
	dev.Heal = func() {
		s.serve(d)
		for _, f := range d.Faults() {
			if name, _, _ := strings.Cut(f, " "); name != "other-unit" {
				set("clear", name)()
			}
		}
	}
	return dev
}

// server is an agent that can be stopped and started again on one address.
type server struct {
	tb        testing.TB
	device    *sim.Device
	community string
	addr      netip.AddrPort

	mu     sync.Mutex
	cancel context.CancelFunc
	done   chan error
}

func (s *server) start(addr netip.AddrPort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var agent *sim.Agent
	var err error
	for range 50 { // the port is ours a moment ago: another test may hold it for another
		if agent, err = sim.Listen(addr.String(), s.device, sim.AgentOptions{Community: s.community}); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		s.tb.Error(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.addr, s.cancel, s.done = agent.Addr(), cancel, make(chan error, 1)
	go func() { s.done <- agent.Run(ctx) }()
}

func (s *server) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel == nil {
		return
	}
	s.cancel()
	if err := <-s.done; err != nil {
		s.tb.Error(err)
	}
	s.cancel = nil
}

// restart serves with another community.
func (s *server) restart(community string) {
	s.stop()
	s.community = community
	s.start(s.addr)
}

// serve serves d, with the right community.
func (s *server) serve(d *sim.Device) {
	s.stop()
	s.device, s.community = d, "public"
	s.start(s.addr)
}

// endless is a device with more interfaces than anybody reads.
func endless(tb testing.TB, kind string) *sim.Device {
	tb.Helper()
	descr := "Cisco IOS Software, Version 1.0"
	if kind == cisco.ASAKind {
		descr = "Cisco Adaptive Security Appliance Version 1.0"
	}
	b := []byte("1.3.6.1.2.1.1.1.0|4|" + descr + "\n1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.9.1.1\n1.3.6.1.2.1.1.3.0|67|500000000\n")
	for i := range 70_000 {
		b = fmt.Appendf(b, "1.3.6.1.2.1.31.1.1.1.1.%d|4|Gi%d\n", i+1, i+1)
	}
	return recorded(tb, b)
}
