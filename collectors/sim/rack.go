package sim

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// Rack is a set of named devices, each with its agent.
type Rack struct {
	agents []*Agent
	names  []string
}

// DeviceInfo is one device of a rack.
type DeviceInfo struct {
	Name    string   `json:"name"`
	Model   string   `json:"model"` // or "recording"
	Kind    string   `json:"kind"`  // the collector that speaks to it; empty for a recording
	Address string   `json:"address"`
	Faults  []string `json:"faults"` // switched on, with their arguments
	Known   []string `json:"known"`  // faults it can have
}

// NewRack returns an empty rack.
func NewRack() *Rack { return &Rack{} }

// Add listens on addr for d. It is not called once the rack runs.
func (r *Rack) Add(name string, d *Device, addr string, opt AgentOptions) (*Agent, error) {
	if name == "" || r.Device(name) != nil {
		return nil, fmt.Errorf("device %q: give every device of a rack a name of its own", name)
	}
	a, err := Listen(addr, d, opt)
	if err != nil {
		return nil, err
	}
	r.agents, r.names = append(r.agents, a), append(r.names, name)
	return a, nil
}

// Device returns the device of that name, or nil.
func (r *Rack) Device(name string) *Device {
	for i, n := range r.names {
		if n == name {
			return r.agents[i].device
		}
	}
	return nil
}

// Devices returns the devices in the order they were added.
func (r *Rack) Devices() []DeviceInfo {
	infos := make([]DeviceInfo, len(r.agents))
	for i, a := range r.agents {
		infos[i] = DeviceInfo{
			Name: r.names[i], Model: a.device.Model(), Kind: a.device.Kind(), Address: a.Addr().String(),
			Faults: a.device.Faults(), Known: a.device.KnownFaults(),
		}
	}
	return infos
}

// Readings returns what was read, by the name of the device.
func (r *Rack) Readings() map[string]Readings {
	m := make(map[string]Readings, len(r.agents))
	for i, a := range r.agents {
		m[r.names[i]] = a.device.Readings()
	}
	return m
}

// Close closes the agents of a rack that is never run.
func (r *Rack) Close() error {
	var errs []error
	for _, a := range r.agents {
		errs = append(errs, a.Close())
	}
	return errors.Join(errs...)
}

// Run serves all agents until ctx ends or one of them fails.
func (r *Rack) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, len(r.agents))
	var running sync.WaitGroup
	for i, a := range r.agents {
		running.Go(func() {
			if errs[i] = a.Run(ctx); errs[i] != nil {
				cancel()
			}
		})
	}
	running.Wait()
	return errors.Join(errs...)
}

// DemoOptions place the demo rack.
type DemoOptions struct {
	Base  netip.Addr // of the first device, the others follow it; zero is 127.77.0.1
	Port  uint16     // 0 is 1161
	Seed  uint64
	Clock func() time.Time // nil is time.Now
	Agent AgentOptions
}

// DefaultPort is where agents listen that may not use 161.
const DefaultPort = 1161

// DemoRack is the rack of the demo, listening and ready to run: core-stack (a 3750-48PS stack of
// two), access-1 (a 2960X) and firewall (an ASA failover pair).
func DemoRack(opt DemoOptions) (*Rack, error) {
	if !opt.Base.IsValid() {
		opt.Base = netip.AddrFrom4([4]byte{127, 77, 0, 1})
	}
	if opt.Port == 0 {
		opt.Port = DefaultPort
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
	return r, nil
}

// FleetOptions place a fleet.
type FleetOptions struct {
	Port  uint16 // 0 is 1161
	Model ModelOptions
	Agent AgentOptions
}

// MaxFleet is how many addresses a fleet has.
const MaxFleet = 10_000

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
			addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 1, byte(i / 250), byte(1 + i%250)}), opt.Port)
			_, err = r.Add(fmt.Sprintf("device-%d", i+1), d, addr.String(), opt.Agent)
		}
		if err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	return r, nil
}
