package sim

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"rackpost/collectors/sim/bmc"
)

// Rack is a set of named devices, each with what serves it.
type Rack struct {
	places []place
}

// server answers on one address: an [Agent] or a [bmc.Server].
type server interface {
	Run(ctx context.Context) error
	Close() error
	Addr() netip.AddrPort
}

// breakable has faults: a [Device] or a [bmc.BMC].
type breakable interface {
	Fault(name, arg string) error
	Faults() []string
	KnownFaults() []string
}

// place is one device of a rack.
type place struct {
	name, model, kind string
	servers           []server // the first one's address is the device's
	breakable
	device *Device  // what speaks SNMP; nil where nothing does
	bmc    *bmc.BMC // what speaks Redfish; nil where nothing does
}

// DeviceInfo is one device of a rack.
type DeviceInfo struct {
	Name    string   `json:"name"`
	Model   string   `json:"model"` // or "recording"
	Kind    string   `json:"kind"`  // the collector that speaks to it; empty for a recording
	Address string   `json:"address"`
	SNMP    string   `json:"snmp,omitempty"` // address of the agent beside Redfish
	User    string   `json:"user,omitempty"` // of Redfish
	Faults  []string `json:"faults"`         // switched on, with their arguments
	Known   []string `json:"known"`          // faults it can have
}

// NewRack returns an empty rack.
func NewRack() *Rack { return &Rack{} }

// Add listens on addr for d. It is not called once the rack runs.
func (r *Rack) Add(name string, d *Device, addr string, opt AgentOptions) (*Agent, error) {
	if err := r.unnamed(name); err != nil {
		return nil, err
	}
	a, err := Listen(addr, d, opt)
	if err != nil {
		return nil, err
	}
	r.places = append(r.places, place{name: name, model: d.Model(), kind: d.Kind(), servers: []server{a}, breakable: d, device: d})
	return a, nil
}

// BMCOptions say what stands beside a controller's Redfish service.
type BMCOptions struct {
	SNMP   string       // where its agent listens; empty: it has none
	Device *Device      // what the agent shows; nil: the controller as it is
	Agent  AgentOptions // how it answers
}

// AddBMC listens on addr for b, and for its agent. It is not called once the rack runs.
func (r *Rack) AddBMC(name string, b *bmc.BMC, addr string, opt BMCOptions) (*bmc.Server, error) {
	if err := r.unnamed(name); err != nil {
		return nil, err
	}
	s, err := bmc.Listen(addr, b)
	if err != nil {
		return nil, err
	}
	p := place{name: name, model: b.Model(), kind: b.Kind(), servers: []server{s}, breakable: b, bmc: b}
	if opt.SNMP != "" {
		if p.device = opt.Device; p.device == nil {
			p.device = NewController(b)
		}
		a, err := Listen(opt.SNMP, p.device, opt.Agent)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		p.servers, p.breakable = append(p.servers, a), both{b, p.device}
	}
	r.places = append(r.places, p)
	return s, nil
}

// unnamed refuses a name that is taken.
func (r *Rack) unnamed(name string) error {
	if name == "" || r.find(name) != nil {
		return fmt.Errorf("device %q: give every device of a rack a name of its own", name)
	}
	return nil
}

func (r *Rack) find(name string) *place {
	for i := range r.places {
		if r.places[i].name == name {
			return &r.places[i]
		}
	}
	return nil
}

// Device returns what speaks SNMP under that name, or nil.
func (r *Rack) Device(name string) *Device {
	if p := r.find(name); p != nil {
		return p.device
	}
	return nil
}

// BMC returns the controller of that name, or nil.
func (r *Rack) BMC(name string) *bmc.BMC {
	if p := r.find(name); p != nil {
		return p.bmc
	}
	return nil
}

// Devices returns the devices in the order they were added.
func (r *Rack) Devices() []DeviceInfo {
	infos := make([]DeviceInfo, len(r.places))
	for i := range r.places {
		p := &r.places[i]
		infos[i] = DeviceInfo{Name: p.name, Model: p.model, Kind: p.kind, Address: p.servers[0].Addr().String(), Faults: p.Faults(), Known: p.KnownFaults()}
		if p.bmc != nil {
			infos[i].User, _ = p.bmc.Account()
		}
		if len(p.servers) > 1 {
			infos[i].SNMP = p.servers[1].Addr().String()
		}
	}
	return infos
}

// Readings returns what was read over SNMP, by the name of the device.
func (r *Rack) Readings() map[string]Readings {
	m := make(map[string]Readings, len(r.places))
	for i := range r.places {
		if d := r.places[i].device; d != nil {
			m[r.places[i].name] = d.Readings()
		}
	}
	return m
}

// Counters returns what was asked over Redfish, by the name of the device.
func (r *Rack) Counters() map[string]bmc.Counters {
	m := map[string]bmc.Counters{}
	for i := range r.places {
		if b := r.places[i].bmc; b != nil {
			m[r.places[i].name] = b.Counters()
		}
	}
	return m
}

// Close closes the servers of a rack that is never run.
func (r *Rack) Close() error {
	var errs []error
	for i := range r.places {
		for _, s := range r.places[i].servers {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}

// Run serves all devices until ctx ends or one of them fails.
func (r *Rack) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		mu      sync.Mutex
		errs    []error
		running sync.WaitGroup
	)
	for i := range r.places {
		for _, s := range r.places[i].servers {
			running.Go(func() {
				if err := s.Run(ctx); err != nil {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
					cancel()
				}
			})
		}
	}
	running.Wait()
	return errors.Join(errs...)
}
