package idrac

import (
	"slices"
	"strings"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
	"rackpost/collectors/redfish/parts"
	"rackpost/hw"
	"rackpost/hw/raid"
)

// redfishEnvironment is what is remembered of section environment between visits.
type redfishEnvironment struct {
	lacks  map[string]bool     // documents the iDRAC has not: it is asked again with the inventory
	had    map[string]bool     // documents that were read once
	traits map[string]hw.Attrs // by path: what the older form said of a part, for when only the newer one answers
	air    map[string]bool     // estimates that were told once

	sensors     *redfish.Members[redfish.Sensor] // read in this visit
	quick, slow bool                             // they were read with one request; they take one each
}

// readEnvironment reads cooling, power and intrusion: Thermal and Power, two requests, or their newer forms where
// an iDRAC lacks them or fails at them.
func (s *redfishSide) readEnvironment(v *redfishVisit) {
	if s.environment.lacks == nil {
		s.environment = redfishEnvironment{lacks: map[string]bool{}, had: map[string]bool{}, traits: map[string]hw.Attrs{}, air: map[string]bool{}}
	}
	if v.fresh {
		clear(s.environment.lacks)
	}
	s.environment.sensors = nil
	defer func() { s.environment.sensors = nil }()
	for _, read := range []func(*redfishVisit){s.readThermal, s.readPower, s.readIntrusion, s.readAir} {
		if v.Stopped != "" {
			return
		}
		read(v)
	}
}

func (s *redfishSide) readThermal(v *redfishVisit) {
	var t redfish.Thermal
	if s.older(v, "Thermal", s.places.chassis.Thermal, s.places.chassis.ThermalSubsystem, &t) {
		f := parts.Thermal(sectionEnvironment, t, dellNames)
		s.take(v, "Thermal", f, "fan/", "temperature/", "fan/redundancy")
		s.remember(f)
		return
	}
	if v.Stopped == "" && s.places.chassis.ThermalSubsystem.Path != "" {
		s.readThermalSubsystem(v)
	}
}

func (s *redfishSide) readPower(v *redfishVisit) {
	var p redfish.Power
	if s.older(v, "Power", s.places.chassis.Power, s.places.chassis.PowerSubsystem, &p) {
		f := parts.Power(sectionEnvironment, p, dellNames)
		for _, x := range p.PowerSupplies {
			addSupply(f.Parts, "psu/"+parts.Name(supplyName(x)), powerOf(x.Oem))
		}
		discrete(f.Parts)
		s.cap(v, f.Parts)
		s.take(v, "Power", f, "psu/", "voltage/", "power/", "psu/redundancy")
		s.remember(f)
		return
	}
	if v.Stopped == "" && s.places.chassis.PowerSubsystem.Path != "" {
		s.readPowerSubsystem(v)
	}
}

// older reads a document of the older form; false where the newer one is to be read. The section is partial then, unless the
// iDRAC never had such a document: the newer form tells less.
func (s *redfishSide) older(v *redfishVisit, what string, at, newer redfish.Link, into any) bool {
	if s.environment.lacks[what] {
		return false
	}
	a, err := s.client.Get(v.ctx, at.Path, into)
	switch {
	case err == nil:
		v.Odd(sectionEnvironment, what, a.Odd)
		s.environment.had[what] = true
		return true
	case newer.Path != "" && !redfish.Over(err) && collectors.ReasonOf(err) == hw.NotSupported && !s.environment.had[what] && !v.young:
		s.environment.lacks[what] = true
	default:
		v.Missed(sectionEnvironment, what, err)
	}
	return false
}

// take adds what was found. A sort of parts of which there were some is not believed to be gone at once.
func (s *redfishSide) take(v *redfishVisit, what string, f parts.Found, sorts ...string) {
	for _, sort := range sorts {
		n := 0
		for _, p := range f.Parts {
			if strings.HasPrefix(p.Path, sort) && (strings.Contains(sort, redundancyPart) || !strings.Contains(p.Path, redundancyPart)) {
				n++
			}
		}
		s.settled(v, sectionEnvironment, strings.TrimSuffix(sort, "/"), n)
	}
	v.Take(sectionEnvironment, what, f)
}

const redundancyPart = "/redundancy"

// remember keeps what the older form says of each part.
func (s *redfishSide) remember(f parts.Found) {
	for _, p := range f.Parts {
		s.environment.traits[p.Path] = slices.Clone(p.Attrs)
	}
}

// recall adds to parts of the newer form what the older one said of them: their limits and names do not come and go.
func (s *redfishSide) recall(f parts.Found) {
	for i := range f.Parts {
		p := &f.Parts[i]
		for _, a := range s.environment.traits[p.Path] {
			if p.Attrs.Get(a.Key) == "" {
				p.Attrs = p.Attrs.With(a.Key, a.Value)
			}
		}
	}
}

// findPart returns a part, or nil.
func findPart(list []parts.Part, path string) *parts.Part {
	i := slices.IndexFunc(list, func(p parts.Part) bool { return p.Path == path })
	if i < 0 {
		return nil
	}
	return &list[i]
}

// supplyWords are what DetailedState joins, in small letters, and the words SNMP has for them. One that holds another stands before it.
var supplyWords = []struct{ dell, word string }{
	{"predictive failure", "failure-predicted"}, {"failure detected", "failed"},
	{"input lost or out of range", "input-lost-or-out-of-range"}, {"input out of range", "input-out-of-range"}, {"input lost", "input-lost"}, {"ac lost", "input-lost"},
	{"configuration error", "configuration-error"}, {"presence detected", "present"},
}

// addSupply adds to a supply what Dell tells of it.
func addSupply(list []parts.Part, path string, x dellPower) {
	p := findPart(list, path)
	if p == nil {
		return
	}
	if word := supplyState(x.DellPowerSupplyView.DetailedState); word != "" {
		p.State = p.State.With(raid.KeyState, word)
	}
	limit := x.DellPowerSupplyView.MaxInputWatts
	if limit == nil || *limit <= 0 {
		return
	}
	p.Attrs = p.Attrs.With("rated_input_watts", wattage(*limit))
	// iDRAC9 before 4.0 gives the rating as what is drawn.
	p.Samples = slices.DeleteFunc(p.Samples, func(x hw.Sample) bool { return x.Sensor == "input_watts" && x.Gauge == *limit })
}

func supplyState(detail string) string {
	detail = strings.ReplaceAll(strings.ToLower(detail), "-", " ")
	var words []string
	for _, w := range supplyWords {
		switch {
		case !strings.Contains(detail, w.dell):
		case w.word == "present" && len(words) > 0:
		case !slices.Contains(words, w.word):
			words = append(words, w.word)
			detail = strings.ReplaceAll(detail, w.dell, "")
		}
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

// discrete takes the reading from probes that are good or bad: iDRAC9 before 4.0 reads 1 V of them.
func discrete(list []parts.Part) {
	for i := range list {
		if p := &list[i]; strings.HasPrefix(p.Path, "voltage/") && (strings.HasSuffix(p.Path, "PG") || strings.HasSuffix(p.Path, "PGFAIL") || strings.HasSuffix(p.Path, "FailSafe")) {
			p.Samples = nil
		}
	}
}

// readIntrusion tells whether the chassis is open, where it has a sensor for that. The roll-up of every visit says that it
// is closed; the chassis is read where it does not.
func (s *redfishSide) readIntrusion(v *redfishVisit) {
	chassis := s.places.chassis
	rollup := rollupHealth(v.dell.IntrusionRollup)
	if chassis.PhysicalSecurity.IntrusionSensor == "" && rollup <= hw.OK {
		s.settled(v, sectionEnvironment, "intrusion", 0)
		return
	}
	if !v.fresh && rollup != hw.OK {
		chassis = redfish.Chassis{}
		if !s.get(v, sectionEnvironment, "intrusion", s.places.chassis.Path, &chassis) {
			return
		}
	}
	if rollup == hw.OK && v.fresh {
		rollup = hw.Unknown // the sensor itself was read
	} else if rollup == hw.OK {
		chassis.PhysicalSecurity.IntrusionSensor = "Normal"
	}
	f := parts.Intrusion(sectionEnvironment, chassis)
	if len(f.Parts) == 0 && rollup > hw.OK { // the sensor is not told, and what it said is
		chassis.PhysicalSecurity.IntrusionSensor = "unknown"
		f = parts.Intrusion(sectionEnvironment, chassis)
	}
	for i := range f.Parts {
		f.Parts[i].Health = max(f.Parts[i].Health, rollup)
	}
	s.settled(v, sectionEnvironment, "intrusion", len(f.Parts))
	v.Take(sectionEnvironment, "intrusion", f)
}

// rollupHealth is Dell's word for a health.
func rollupHealth(w string) hw.Health {
	for _, h := range []hw.Health{hw.OK, hw.Warning, hw.Critical} {
		if rollupWord(w) == h.String() {
			return h
		}
	}
	return hw.Unknown
}

// noEstimate is what DellSystem says where it has no estimate.
const noEstimate = 255

// readAir tells how much air the server moves and how warm it leaves, where the iDRAC estimates it.
func (s *redfishSide) readAir(v *redfishVisit) {
	x := traitsOf(v.system)
	p := parts.Part{Component: hw.Component{Path: "air/system", Section: sectionEnvironment, Attrs: fromRedfish()}}
	for _, e := range []struct {
		sensor string
		value  *float64
	}{{"airflow_cfm", x.Airflow}, {"exhaust_celsius", x.Exhaust}} {
		value := e.value
		if value != nil && *value == noEstimate {
			value = nil
		}
		if value == nil && !s.environment.air[e.sensor] {
			continue
		}
		s.environment.air[e.sensor] = true
		p.Samples = append(p.Samples, parts.Gauge(p.Path, e.sensor, value, hw.NotReady))
	}
	if len(p.Samples) > 0 {
		v.Add(p)
	}
}
