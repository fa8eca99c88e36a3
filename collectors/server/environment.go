package server

import (
	"strconv"

	"rackpost/collectors/redfish"
	"rackpost/collectors/redfish/parts"
	"rackpost/hw"
)

// The bounds of what is read of the parts of a server.
const (
	maxFans       = 64
	maxSupplies   = 32
	maxProcessors = 64
	maxDIMMs      = 256
	maxAdapters   = 64
	maxPorts      = 64 // of a card
)

// readEnvironment reads fans, temperatures, power supplies and what is drawn, of each box of the server.
func (s *server) readEnvironment(v *visit) {
	boxes := 0
	for i := range s.places.chassis {
		c := &s.places.chassis[i]
		if v.Stopped != "" {
			v.Partial(sectionEnvironment, c.ID, v.Stopped, "")
			return
		}
		if c.Thermal.Path+c.ThermalSubsystem.Path+c.Power.Path+c.PowerSubsystem.Path == "" {
			continue
		}
		boxes++
		from := len(v.Components)
		s.readThermal(v, c)
		s.readPower(v, c)
		s.distinguish(v, from, c)
	}
	if err := s.places.unread; err != nil {
		v.Missed(sectionEnvironment, "chassis", err)
	} else if boxes == 0 {
		v.Fail(sectionEnvironment, hw.NotSupported, "no box of the server tells fans, temperatures or power")
	}
}

// distinguish gives the parts that were added from a place on the name of their box, where another box has parts of
// the same name.
func (s *server) distinguish(v *visit, from int, c *redfish.Chassis) {
	taken := map[string]bool{}
	for _, x := range v.Components[:from] {
		taken[x.Path] = true
	}
	for i := from; i < len(v.Components); i++ {
		path := v.Components[i].Path
		if !taken[path] {
			continue
		}
		v.Components[i].Path = path + "#" + parts.Name(c.ID)
		for j := len(v.Samples) - 1; j >= 0; j-- { // its own are the last of that name
			if v.Samples[j].Component != path {
				continue
			}
			for ; j >= 0 && v.Samples[j].Component == path; j-- {
				v.Samples[j].Component = v.Components[i].Path
			}
			break
		}
	}
}

// readThermal reads fans and temperatures: the older form, which is one resource, where there is one that answers.
func (s *server) readThermal(v *visit, c *redfish.Chassis) {
	if c.Thermal.Path != "" && (c.ThermalSubsystem.Path == "" || !s.failed[c.Thermal.Path]) {
		var t redfish.Thermal
		a, err := s.client.Get(v.ctx, c.Thermal.Path, &t)
		if err == nil {
			v.Odd(sectionEnvironment, "thermal", a.Odd)
			v.Take(sectionEnvironment, "thermal", parts.Thermal(sectionEnvironment, t, names()))
			s.settled(v, sectionEnvironment, c.Thermal.Path, len(t.Fans)+len(t.Temperatures))
			return
		}
		if redfish.Over(err) || c.ThermalSubsystem.Path == "" {
			v.Missed(sectionEnvironment, "thermal", err)
			return
		}
		s.failed[c.Thermal.Path] = true // names differ between the forms: it stays with the other one
	}
	if c.ThermalSubsystem.Path == "" {
		return
	}
	var t redfish.ThermalSubsystem
	if !s.get(v, sectionEnvironment, "thermal", c.ThermalSubsystem.Path, &t) {
		return
	}
	if t.Fans.Path != "" {
		fans, _ := list[redfish.Fan](s, v, sectionEnvironment, t.Fans.Path, "Members", maxFans)
		v.Take(sectionEnvironment, "fans", parts.Fans(sectionEnvironment, fans))
	}
	v.Take(sectionEnvironment, "fans", parts.FanRedundancy(sectionEnvironment, t))
	var m redfish.ThermalMetrics
	if t.ThermalMetrics.Path != "" && s.get(v, sectionEnvironment, "temperatures", t.ThermalMetrics.Path, &m) {
		v.Take(sectionEnvironment, "temperatures", parts.ThermalMetrics(sectionEnvironment, m))
	}
}

// readPower reads supplies and what is drawn.
func (s *server) readPower(v *visit, c *redfish.Chassis) {
	if c.Power.Path != "" && (c.PowerSubsystem.Path == "" || !s.failed[c.Power.Path]) {
		var p redfish.Power
		a, err := s.client.Get(v.ctx, c.Power.Path, &p)
		if err == nil {
			v.Odd(sectionEnvironment, "power", a.Odd)
			v.Take(sectionEnvironment, "power", parts.Power(sectionEnvironment, p, names()))
			s.settled(v, sectionEnvironment, c.Power.Path, len(p.PowerSupplies)+len(p.PowerControl))
			return
		}
		if redfish.Over(err) || c.PowerSubsystem.Path == "" {
			v.Missed(sectionEnvironment, "power", err)
			return
		}
		s.failed[c.Power.Path] = true
	}
	if c.PowerSubsystem.Path == "" {
		return
	}
	var p redfish.PowerSubsystem
	if !s.get(v, sectionEnvironment, "power", c.PowerSubsystem.Path, &p) {
		return
	}
	v.Take(sectionEnvironment, "supplies", parts.SupplyRedundancy(sectionEnvironment, p))
	if p.PowerSupplies.Path == "" {
		return
	}
	supplies, _ := list[redfish.PowerSupply](s, v, sectionEnvironment, p.PowerSupplies.Path, "Members", maxSupplies)
	metrics := map[string]redfish.PowerSupplyMetrics{}
	for _, item := range supplies.Items {
		var m redfish.PowerSupplyMetrics
		if path := item.Value.Metrics.Path; path != "" && v.Stopped == "" && s.get(v, sectionEnvironment, parts.Last(item.Path)+"/metrics", path, &m) {
			metrics[item.Path] = m
		}
	}
	v.Take(sectionEnvironment, "supplies", parts.Supplies(sectionEnvironment, supplies, metrics))
}

// names are standard Redfish's, but for supplies of HPE, which all have the same name and a number on the metal.
func names() parts.Names {
	return parts.Names{Supply: func(p redfish.PowerSupply) string {
		var oem struct {
			Hpe struct{ BayNumber *int64 }
		}
		if _, err := p.Oem.Decode(&oem); err == nil && oem.Hpe.BayNumber != nil {
			return strconv.FormatInt(*oem.Hpe.BayNumber, 10)
		}
		if name := parts.Text(p.Name); name != "" {
			return name
		}
		return parts.Last(p.MemberID)
	}}
}

// readInventory reads the processors, the memory and the controller itself.
func (s *server) readInventory(v *visit) {
	if path := s.places.control; path != "" {
		var m redfish.Manager
		if s.get(v, sectionInventory, "manager", path, &m) {
			s.places.manager.FirmwareVersion = m.FirmwareVersion
			v.Add(parts.Manager(sectionInventory, m))
		}
	}
	for i := range s.places.chassis {
		if f := parts.Intrusion(sectionInventory, s.places.chassis[i]); len(f.Parts) > 0 {
			var c redfish.Chassis
			if s.get(v, sectionInventory, "chassis", s.places.chassis[i].Path, &c) {
				v.Take(sectionInventory, "chassis", parts.Intrusion(sectionInventory, c))
			}
			break
		}
	}
	if path := v.system.Processors.Path; path != "" && v.Stopped == "" {
		m, _ := list[redfish.Processor](s, v, sectionInventory, path, "Members", maxProcessors)
		v.Take(sectionInventory, "processors", parts.Processors(sectionInventory, m))
	}
	if path := v.system.Memory.Path; path != "" && v.Stopped == "" {
		m, _ := list[redfish.Memory](s, v, sectionInventory, path, "Members", maxDIMMs)
		v.Take(sectionInventory, "memory", parts.Memory(sectionInventory, m, parts.Names{}))
	}
	if v.Stopped != "" {
		v.Partial(sectionInventory, "rest", v.Stopped, "")
	}
}

// readNetwork reads the network cards and their ports.
func (s *server) readNetwork(v *visit) {
	cards := 0
	for i := range s.places.chassis {
		path := s.places.chassis[i].NetworkAdapters.Path
		if path == "" {
			continue
		}
		cards++
		m, _ := list[redfish.NetworkAdapter](s, v, sectionNetwork, path, "Members", maxAdapters)
		v.Take(sectionNetwork, "adapters", parts.Adapters(sectionNetwork, m))
		for _, item := range m.Items {
			ports := parts.PortsOf(item.Value)
			if ports == "" {
				continue
			}
			if v.Stopped != "" {
				v.Partial(sectionNetwork, parts.Last(item.Path), v.Stopped, "")
				return
			}
			m, _ := list[redfish.Port](s, v, sectionNetwork, ports, "Members", maxPorts)
			v.Take(sectionNetwork, "ports", parts.Ports(sectionNetwork, parts.Last(item.Path), m))
		}
	}
	if err := s.places.unread; err != nil {
		v.Missed(sectionNetwork, "chassis", err)
	} else if cards == 0 {
		v.Fail(sectionNetwork, hw.NotSupported, "no box of the server tells its network cards")
	}
}
