package sim

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"rackpost/collectors/sim/bmc"
)

// FleetOptions place a fleet.
type FleetOptions struct {
	Port  uint16 // 0 is 1161
	Model ModelOptions
	Agent AgentOptions
}

// MaxFleet is how many addresses a fleet has.
const MaxFleet = 10_000

// fleetAddress is the address of a fleet's device, from 0 on: 250 in each of the /24 networks of 127.NETWORK.0.0/16.
func fleetAddress(network byte, i int) netip.Addr {
	return netip.AddrFrom4([4]byte{127, network, byte(i / 250), byte(1 + i%250)})
}

// Fleet is n devices of a model with one view in memory, device-1 on 127.1.0.1, the next on 127.1.0.2
// and so on: 250 addresses in each of the /24 networks of 127.1.0.0/16.
func Fleet(n int, model string, opt FleetOptions) (*Rack, error) {
	if n < 1 || n > MaxFleet {
		return nil, fmt.Errorf("a fleet of %d: use 1 to %d", n, MaxFleet)
	}
	if opt.Port == 0 {
		opt.Port = DefaultPort
	}
	first, err := NewModel(model, opt.Model)
	if err != nil {
		return nil, err
	}
	r := NewRack()
	for i := range n {
		d := first
		if i > 0 {
			d, err = first.Another(i)
		}
		if err == nil {
			_, err = r.Add(fmt.Sprintf("device-%d", i+1), d, netip.AddrPortFrom(fleetAddress(1, i), opt.Port).String(), opt.Agent)
		}
		if err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	return r, nil
}

// ServersOptions place a fleet of servers.
type ServersOptions struct {
	Port  uint16        // of Redfish; 0 is 8443
	SNMP  uint16        // of the agent beside it; 0: there is none
	Delay time.Duration // of each answer over Redfish
	Dead  int           // how many of them, the first ones, are silent
	Model bmc.Options
}

// Servers is n controllers, of the models in turn: server-1 on 127.2.0.1, the next on 127.2.0.2 and so on, as in [Fleet].
func Servers(n int, models []string, opt ServersOptions) (*Rack, error) {
	if n < 1 || n > MaxFleet || len(models) == 0 || opt.Dead < 0 || opt.Dead > n {
		return nil, fmt.Errorf("a fleet of %d servers of %d models, %d of them dead: use 1 to %d of one model or more", n, len(models), opt.Dead, MaxFleet)
	}
	if opt.Port == 0 {
		opt.Port = DefaultRedfishPort
	}
	r := NewRack()
	for i := range n {
		model := opt.Model
		model.Number, model.Seed, model.Name = model.Number+i, model.Seed+uint64(i), ""
		b, err := bmc.New(models[i%len(models)], model)
		if err == nil {
			err = ailing(b, i < opt.Dead, opt.Delay)
		}
		if err == nil {
			at, beside := fleetAddress(2, i), BMCOptions{}
			if opt.SNMP != 0 {
				beside.SNMP = netip.AddrPortFrom(at, opt.SNMP).String()
			}
			_, err = r.AddBMC(fmt.Sprintf("server-%d", i+1), b, netip.AddrPortFrom(at, opt.Port).String(), beside)
		}
		if err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	return r, nil
}

// ailing makes a controller silent, or slow.
func ailing(b *bmc.BMC, dead bool, delay time.Duration) error {
	switch {
	case dead:
		return b.Fault("silent", "")
	case delay > 0:
		return b.Fault("slow", delay.String())
	}
	return nil
}
