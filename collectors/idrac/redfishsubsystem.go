package idrac

import (
	"cmp"
	"slices"

	"rackpost/collectors/redfish"
	"rackpost/collectors/redfish/parts"
	"rackpost/hw"
	"rackpost/hw/raid"
)

// The most members that are read of collections.
const (
	maxFans     = 64
	maxSupplies = 16
	maxSensors  = 256
)

// maxSensorRequests is how many requests all sensors may take: a few while it is tried how the iDRAC expands links.
const maxSensorRequests = 8

// readSensors reads all sensors of an iDRAC that has no Thermal or no Power, once a visit; false where that would take
// a request each.
func (s *redfishSide) readSensors(v *redfishVisit, lacking string) (redfish.Members[redfish.Sensor], bool) {
	e, none := &s.environment, redfish.Members[redfish.Sensor]{}
	at := s.places.chassis.Sensors.Path
	switch {
	case e.sensors != nil:
		return *e.sensors, true
	case at == "" || !e.lacks[lacking] || v.Stopped != "":
		return none, false
	case e.slow && e.quick:
		v.Partial(sectionEnvironment, "sensors", hw.NotReady, "the iDRAC does not expand them rightly any more")
		return none, false
	case e.slow:
		return none, false
	}
	before := s.client.Counters().Requests
	m, ok := readMembers[redfish.Sensor](s, v, sectionEnvironment, "sensors", at, maxSensors)
	if !ok {
		return none, false
	}
	e.slow = s.client.Counters().Requests-before > maxSensorRequests
	if e.slow && !e.quick {
		return none, false
	}
	e.quick, e.sensors = true, &m
	return m, true
}

// readThermalSubsystem reads fans and temperatures where there is no Thermal: of the sensors or, where those would take a
// request each, of ThermalMetrics, which tells neither limits nor a health: the roll-up of the heartbeat does.
func (s *redfishSide) readThermalSubsystem(v *redfishVisit) {
	var t redfish.ThermalSubsystem
	if !s.get(v, sectionEnvironment, "ThermalSubsystem", s.places.chassis.ThermalSubsystem.Path, &t) {
		return
	}
	f := parts.FanRedundancy(sectionEnvironment, t)
	if m, ok := readMembers[redfish.Fan](s, v, sectionEnvironment, "fans", t.Fans.Path, maxFans); ok {
		found := parts.Fans(sectionEnvironment, m)
		s.recall(found)
		s.take(v, "fans", found, "fan/")
	}
	s.recall(f)
	s.take(v, "ThermalSubsystem", f, "fan/redundancy")
	if m, ok := s.readSensors(v, "Thermal"); ok {
		s.take(v, "temperatures", parts.Sensors(sectionEnvironment, "Temperature", m), "temperature/")
		return
	}
	var metrics redfish.ThermalMetrics
	if v.Stopped != "" {
		return
	}
	if !s.get(v, sectionEnvironment, "ThermalMetrics", t.ThermalMetrics.Path, &metrics) {
		return
	}
	f = parts.ThermalMetrics(sectionEnvironment, metrics)
	s.recall(f)
	s.take(v, "ThermalMetrics", f, "temperature/")
}

// readPowerSubsystem reads supplies and what the server draws where there is no Power.
func (s *redfishSide) readPowerSubsystem(v *redfishVisit) {
	var p redfish.PowerSubsystem
	if !s.get(v, sectionEnvironment, "PowerSubsystem", s.places.chassis.PowerSubsystem.Path, &p) {
		return
	}
	if m, ok := readMembers[redfish.PowerSupply](s, v, sectionEnvironment, "psu", p.PowerSupplies.Path, maxSupplies); ok {
		f := parts.Supplies(sectionEnvironment, m, s.supplyMetrics(v, m))
		for _, item := range m.Items {
			addSupply(f.Parts, "psu/"+parts.Name(parts.Last(item.Path)), powerOf(item.Value.Oem))
		}
		s.recall(f)
		s.take(v, "psu", f, "psu/")
	}
	f := parts.SupplyRedundancy(sectionEnvironment, p)
	s.recall(f)
	s.take(v, "PowerSubsystem", f, "psu/redundancy")
	if m, ok := s.readSensors(v, "Power"); ok {
		s.take(v, "voltages", parts.Sensors(sectionEnvironment, "Voltage", m), "voltage/")
		s.take(v, "currents", parts.Sensors(sectionEnvironment, "Current", m), "current/")
		i := slices.IndexFunc(m.Items, func(x redfish.Item[redfish.Sensor]) bool { return parts.Last(x.Path) == consumption })
		if i >= 0 {
			s.consumed(v, m.Items[i].Value)
		}
		return
	}
	sensors := s.places.chassis.Sensors.Path
	var drawn redfish.Sensor
	if v.Stopped != "" || sensors == "" || !s.get(v, sectionEnvironment, "consumption", sensors+"/"+consumption, &drawn) {
		return
	}
	s.consumed(v, drawn)
}

// consumption is the sensor of what the server draws.
const consumption = "SystemBoardPwrConsumption"

func (s *redfishSide) consumed(v *redfishVisit, drawn redfish.Sensor) {
	f := parts.Consumed(sectionEnvironment, drawn)
	s.cap(v, f.Parts)
	s.recall(f)
	s.take(v, "consumption", f, "power/")
}

// supplyMetrics reads the readings of supplies, one request each.
func (s *redfishSide) supplyMetrics(v *redfishVisit, m redfish.Members[redfish.PowerSupply]) map[string]redfish.PowerSupplyMetrics {
	out := map[string]redfish.PowerSupplyMetrics{}
	for _, item := range m.Items {
		if v.Stopped != "" || item.Value.Metrics.Path == "" {
			continue
		}
		var x redfish.PowerSupplyMetrics
		if s.get(v, sectionEnvironment, "psu/"+parts.Name(parts.Last(item.Path)), item.Value.Metrics.Path, &x) {
			out[item.Path] = x
		}
	}
	return out
}

// cap adds whether the power cap is on: PowerLimit is told of one that is off too.
func (s *redfishSide) cap(v *redfishVisit, list []parts.Part) {
	p := findPart(list, parts.PowerSystem)
	if p == nil {
		return
	}
	switch traitsOf(v.system).PowerCap {
	case "Enabled":
		p.Attrs = p.Attrs.With("power_cap", "on")
	case "Disabled":
		p.Attrs = p.Attrs.With("power_cap", "off")
	}
}

// readMembers reads a collection of a section, and notes what of it could not be read.
func readMembers[T any](s *redfishSide, v *redfishVisit, section, what, path string, limit int) (redfish.Members[T], bool) {
	m, err := redfish.ReadMembers[T](v.ctx, s.client, path, limit)
	if err != nil {
		v.Missed(section, what, err)
		return m, false
	}
	for _, f := range m.Failed {
		v.Missed(section, what+"/"+cmp.Or(parts.Name(parts.Last(f.Path)), "member"), f.Err)
	}
	for i := range m.Items {
		v.Odd(section, what+"/"+cmp.Or(parts.Name(parts.Last(m.Items[i].Path)), "member"), m.Items[i].Odd)
	}
	if !m.Complete && len(m.Failed) == 0 {
		v.Partial(section, what, hw.Inconsistent, "")
	}
	return m, true
}

// dellTraits is what Dell adds to the system beside its roll-ups.
type dellTraits struct {
	SystemGeneration string
	BIOSReleaseDate  string
	DIMMSlots        *int64   `json:"MaxDIMMSlots"`
	PowerCap         string   `json:"PowerCapEnabledState"`
	Airflow          *float64 `json:"EstimatedSystemAirflowCFM"`
	Exhaust          *float64 `json:"EstimatedExhaustTemperatureCelsius"`
}

func traitsOf(system redfish.ComputerSystem) dellTraits {
	var x struct {
		Dell struct{ DellSystem dellTraits }
	}
	_, _ = system.Oem.Decode(&x) // the heartbeat tells what is odd in it
	return x.Dell.DellSystem
}

// fromRedfish begins the attributes of a part.
func fromRedfish() hw.Attrs { return hw.Attrs{}.With(raid.KeySource, raid.SourceRedfish) }
