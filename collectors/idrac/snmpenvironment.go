package idrac

import (
	"strconv"
	"strings"

	"rackpost/hw"
	"rackpost/hw/raid"
)

// readEnvironment reads power, cooling and temperatures in one walk.
func (s *snmpSide) readEnvironment(v *snmpVisit) {
	g := s.walk(v, &powerUnitTable, &supplyTable, &voltageTable, &amperageTable, &systemBatteryTable, &powerUsageTable, &coolingUnitTable, &fanTable, &temperatureTable, &intrusionTable)
	v.tell(g[0], nil)
	v.tell(g[1], v.supply)
	v.tell(g[2], nil)
	v.tell(g[5], v.usage)
	v.amperages(g[3], g[1])
	v.tell(g[4], cellState)
	v.tell(g[6], nil)
	v.tell(g[7], v.fan)
	v.tell(g[8], nil)
	v.tell(g[9], nil)
}

// supply tells PowerSupplySensorStateFlags: the faults, or that it is there. An empty bay is no part.
func (v *snmpVisit) supply(g *mibGrid, row int, c *hw.Component) bool {
	slot := supplyTable.slot("powerSupplySensorState")
	flags, reason := g.number(row, slot)
	if reason != "" {
		c.Expected = g.lacks(slot) // else it may be an empty bay
		return true
	}
	word := flagWords(flags, "present", "failed", "failure-predicted", "input-lost", "input-lost-or-out-of-range", "input-out-of-range", "configuration-error")
	c.State = c.State.With("state", word)
	return word != ""
}

// cellState tells SystemBatteryReadingFlags.
func cellState(g *mibGrid, row int, c *hw.Component) bool {
	flags, reason := g.number(row, systemBatteryTable.slot("systemBatteryReading"))
	if reason != "" {
		return true
	}
	bits := (flags&batteryThere)>>2 | (flags&3)<<1 // presence first, as of a supply
	word := flagWords(bits, "present", "failure-predicted", "failed")
	if word == "" {
		word = "absent"
	}
	c.State = c.State.With("state", word)
	return true
}

// flagWords returns the words of the bits that are set, parted by a blank: of bit 0, that it is there, only
// when no other is; "" when none is.
func flagWords(flags uint64, there string, faults ...string) string {
	var words []string
	for i, w := range faults {
		if flags>>(i+1)&1 != 0 {
			words = append(words, w)
		}
	}
	switch {
	case len(words) > 0:
		return strings.Join(words, " ")
	case flags&1 != 0:
		return there
	}
	return ""
}

// fan adds the speed of a fan that has one.
func (v *snmpVisit) fan(g *mibGrid, row int, c *hw.Component) bool {
	slot := fanTable.slot("coolingDeviceReading")
	switch sub, reason := g.number(row, fanTable.slot("coolingDeviceSubType")); {
	case reason == "" && (sub == 4 || sub == 6 || sub == 16):
	case reason != "" && !g.lacks(fanTable.slot("coolingDeviceSubType")):
		v.gauge(c.Path, g.table.objects[slot].as, 0, reason) // on and off are no speed
	default:
		n, reason := g.number(row, slot)
		v.gauge(c.Path, g.table.objects[slot].as, float64(n), reason)
	}
	return true
}

// The types of amperage probes whose reading is not in milliamperes.
const (
	probeDiscrete    = 16
	probeSupplyAmps  = 23
	probeSupplyWatts = 24
	probeSystemAmps  = 25
	probeSystemWatts = 26
)

// amperages tells the probes: the consumption of the system with power/system, the current of a supply with
// the supply too, the others by themselves.
func (v *snmpVisit) amperages(g, supplies *mibGrid) {
	kind, reading := amperageTable.slot("amperageProbeType"), amperageTable.slot("amperageProbeReading")
	system, fed := -1, map[string]bool{}
	var health hw.Health
	v.tell(g, func(g *mibGrid, row int, c *hw.Component) bool {
		t, amiss := g.number(row, kind)
		n, reason := g.signed(row, reading)
		switch {
		case amiss != "":
			v.partial(sectionEnvironment, "amperageProbeType", amiss, "without it a reading has no unit")
			return false
		case t == probeDiscrete:
		case t == probeSystemWatts && system < 0:
			system, health = row, c.Health
			return false
		case t == probeSystemWatts, t == probeSupplyWatts:
			v.gauge(c.Path, "consumed_watts", float64(n), reason)
		case t == probeSupplyAmps, t == probeSystemAmps:
			v.gauge(c.Path, "current_amperes", scaled(n, 0.1), reason)
			if psu := supplyOf(supplies, g, row); t == probeSupplyAmps && psu != "" && !fed[psu] && v.part(psu) != nil {
				fed[psu] = true
				v.gauge(psu, "input_amperes", scaled(n, 0.1), reason)
			}
		default:
			v.gauge(c.Path, "current_amperes", scaled(n, 0.001), reason)
		}
		return true
	})
	if system >= 0 {
		v.consumed(g, system, health)
	}
}

const powerSystem = "power/system"

// consumed tells the probe of the whole system as power/system, with what powerUsageTable tells of it.
func (v *snmpVisit) consumed(g *mibGrid, row int, health hw.Health) {
	p := v.part(powerSystem)
	if p == nil {
		v.report.Components = append(v.report.Components, hw.Component{Path: powerSystem, Section: sectionEnvironment, Attrs: hw.Attrs{}.With(raid.KeySource, raid.SourceSNMP)})
		p = &v.report.Components[len(v.report.Components)-1]
	}
	p.Health = max(p.Health, health)
	for name, as := range map[string]string{"amperageProbeUpperCriticalThreshold": "upper_critical_watts", "amperageProbeUpperNonCriticalThreshold": "upper_warning_watts"} {
		if n, reason := g.number(row, amperageTable.slot(name)); reason == "" {
			p.Attrs = p.Attrs.With(as, strconv.FormatUint(n, 10))
		}
	}
	n, reason := g.signed(row, amperageTable.slot("amperageProbeReading"))
	v.gauge(powerSystem, "consumed_watts", float64(n), reason)
}

// part returns a component of this visit, or nil.
func (v *snmpVisit) part(path string) *hw.Component {
	for i := range v.report.Components {
		if c := &v.report.Components[i]; c.Path == path {
			return c
		}
	}
	return nil
}

// supplyOf returns the path of the supply a probe belongs to: PS1 Current 1 to PS1 Status. "" where none
// has that name.
func supplyOf(supplies, probes *mibGrid, row int) string {
	name, reason := probes.text(row, amperageTable.slot("amperageProbeLocationName"))
	if reason != "" || name == "" {
		return ""
	}
	word := strings.Fields(name)[0]
	for row := range supplies.index {
		at, reason := supplies.text(row, supplyTable.slot("powerSupplyLocationName"))
		if reason != "" || at == "" || strings.Fields(at)[0] != word {
			continue
		}
		if id, reason := supplies.named(row); reason == "" {
			return supplyTable.prefix + id
		}
	}
	return ""
}

// usage adds the energy used since the date the iDRAC counts from.
func (v *snmpVisit) usage(g *mibGrid, row int, c *hw.Component) bool {
	slot := powerUsageTable.slot("powerUsageCumulativeWattage")
	n, reason := g.number(row, slot)
	if reason == hw.NotSupported {
		return true
	}
	s := hw.Sample{Component: c.Path, Sensor: g.table.objects[slot].as, Type: hw.Counter, Absent: reason}
	if reason == "" {
		s.Count = n * joulesPerWattHour
		since, _ := g.text(row, powerUsageTable.slot("powerUsageCumulativeWattageStartDateName"))
		if t := dateOf(since); !t.IsZero() {
			s.StartMS = t.UnixMilli()
		}
	}
	v.report.Samples = append(v.report.Samples, s)
	return true
}

const joulesPerWattHour = 3600
