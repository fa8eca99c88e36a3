package sim

import (
	"errors"
	"net/netip"
	"time"

	"rackpost/collectors/sim/bmc"
)

// DemoOptions place the demo rack.
type DemoOptions struct {
	Base    netip.Addr // of the first device, the others follow it; zero is 127.77.0.1
	Port    uint16     // of SNMP; 0 is 1161
	Redfish uint16     // 0 is 8443
	Seed    uint64
	Clock   func() time.Time // nil is time.Now
	Agent   AgentOptions
}

// Where agents and controllers listen that may not use 161 and 443.
const (
	DefaultPort        = 1161
	DefaultRedfishPort = 8443
)

// DemoRack is the rack of the demo, listening and ready to run: core-stack (a 3750-48PS stack of two), access-1 (a 2960X), firewall (an
// ASA failover pair), server-1 (an R740 whose drive in bay 3 predicts its failure) and server-2 (an R750).
func DemoRack(opt DemoOptions) (*Rack, error) {
	if !opt.Base.IsValid() {
		opt.Base = netip.AddrFrom4([4]byte{127, 77, 0, 1})
	}
	if opt.Port == 0 {
		opt.Port = DefaultPort
	}
	if opt.Redfish == 0 {
		opt.Redfish = DefaultRedfishPort
	}
	r := NewRack()
	at := opt.Base
	for i, u := range []struct{ name, model string }{
		{"core-stack", "catalyst-3750-48ps"}, {"access-1", "catalyst-2960x"}, {"firewall", "asa-5525-failover"},
	} {
		d, err := NewModel(u.model, ModelOptions{Name: u.name, Number: i + 1, Seed: opt.Seed + uint64(i), Clock: opt.Clock})
		if err == nil {
			_, err = r.Add(u.name, d, netip.AddrPortFrom(at, opt.Port).String(), opt.Agent)
		}
		if err != nil {
			return nil, errors.Join(err, r.Close())
		}
		at = at.Next()
	}
	for i, u := range []struct{ name, model, fault, arg string }{
		{"server-1", "poweredge-r740", "drive-predicted", "3"}, {"server-2", "poweredge-r750", "", ""},
	} {
		b, err := bmc.New(u.model, bmc.Options{Name: u.name, Number: i + 1, Seed: opt.Seed + uint64(i), Clock: opt.Clock})
		if err == nil && u.fault != "" {
			err = b.Fault(u.fault, u.arg)
		}
		if err == nil {
			_, err = r.AddBMC(u.name, b, netip.AddrPortFrom(at, opt.Redfish).String(), BMCOptions{SNMP: netip.AddrPortFrom(at, opt.Port).String(), Agent: opt.Agent})
		}
		if err != nil {
			return nil, errors.Join(err, r.Close())
		}
		at = at.Next()
	}
	return r, nil
}
