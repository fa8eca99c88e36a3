package cisco

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"rackpost/hw"
)

// The entPhySensorTypes that are read.
const (
	typeCelsius = 8
	typeRPM     = 10
	typeTruth   = 12
)

// supply is what the truth sensors of one power supply say.
type supply struct {
	index           uint32 // entPhysicalIndex
	presence, input string // true, false, or "" when not told
}

// readEntitySensors reads temperatures and fans, and the supplies by their truth values.
func (c *collector) readEntitySensors(v *visit) {
	g, ok := c.read(v, &entitySensorGroup)
	if !ok {
		return
	}
	if g.any() && !c.entities.whole {
		c.nameless(v, sectionEnvironment) // which sensors sit in which supply is not known
	}
	for _, row := range g.rows() {
		if _, reason := g.number(row, sensorType); g.amiss(sensorType, reason) {
			v.limit(sectionEnvironment, hw.Partial)
			v.gap(sectionEnvironment+"/"+entitySensorGroup.objects[sensorType].name, reason, "what a sensor measures is not known")
			break
		}
	}
	supplies := c.supplies(g)
	for _, row := range g.rows() {
		index := g.index[row]
		within, settled := c.supplyAround(index)
		at := slices.IndexFunc(supplies, func(s supply) bool { return s.index == within })
		if within != 0 && at >= 0 && supplies[at].presence == "false" {
			continue // an empty bay
		}
		switch kind, _ := g.number(row, sensorType); kind {
		case typeCelsius:
			c.sensor(v, g, row, "temperature/"+index, "temperature_celsius", hw.OK)
		case typeRPM:
			still := hw.Critical
			around := supply{index: within}
			if at >= 0 {
				around = supplies[at]
			}
			if !settled || within != 0 && !c.powered(around) {
				still = hw.Unknown // a supply without input has a fault, its fan has none
			}
			c.sensor(v, g, row, "fan/"+index, "speed_rpm", still)
		}
	}
	for _, s := range supplies {
		if s.presence == "false" {
			continue
		}
		c.supply(v, s)
	}
}

// supplies gathers the truth sensors by the power supply they sit in.
func (c *collector) supplies(g *grid) []supply {
	var list []supply
	at := map[uint32]int{}
	for _, row := range g.rows() {
		index := g.index[row]
		if kind, _ := g.number(row, sensorType); kind != typeTruth {
			continue
		}
		within, _ := c.supplyAround(index)
		if within == 0 {
			continue
		}
		e, _ := c.entities.parts.at(index)
		i, ok := at[within]
		if !ok {
			i = len(list)
			at[within] = i
			list = append(list, supply{index: within})
		}
		value := truth(g, row)
		switch name := strings.ToLower(e.name + " " + e.descr); {
		case strings.Contains(name, "presence"):
			list[i].presence = value
		case strings.Contains(name, "input"):
			list[i].input = value
		}
	}
	return list
}

// truth returns the value of a truth sensor that works.
func truth(g *grid, row int) string {
	if word, _ := g.word(row, sensorStatus); word != "ok" {
		return ""
	}
	n, reason := g.signed(row, sensorValue)
	if reason != "" || n < 1 || n > 2 {
		return ""
	}
	return truthWords[n]
}

// powered reports whether a supply has input, or has no sensor that would tell.
func (c *collector) powered(s supply) bool {
	return s.input == "true" || s.input == "" && !c.hasInput(s.index)
}

// hasInput reports whether a supply has, or may have, a sensor of its input.
func (c *collector) hasInput(supply uint32) bool {
	for i, r := range c.entities.parts.rows {
		if r.parent != supply && r.parent != noParent {
			continue
		}
		if e := c.entities.parts.entity(i); e.unnamed || strings.Contains(strings.ToLower(e.name+" "+e.descr), "input") {
			return true
		}
	}
	return false
}

// maxDepth bounds how deep a part may sit in others.
const maxDepth = 8

// supplyAround returns the power supply a part sits in, at whatever depth; 0 is none. It
// is not settled while the inventory lacks parts that would tell.
func (c *collector) supplyAround(index string) (within uint32, settled bool) {
	e, ok := c.entities.parts.at(index)
	settled = true
	for range maxDepth {
		if !ok {
			return 0, settled && c.entities.whole
		}
		parent := e.parent
		if parent == 0 || parent == noParent {
			return 0, settled && parent == 0
		}
		if e, ok = c.entities.parts.find(parent); ok && e.class == classSupply {
			return parent, true
		}
		settled = settled && !e.unclassed
	}
	return 0, settled
}

// supply adds a power supply.
func (c *collector) supply(v *visit, s supply) {
	e, _ := c.entities.parts.find(s.index)
	health := hw.Unknown
	switch {
	case s.input == "false":
		health = hw.Critical
	case s.input == "true", s.presence == "true" && c.powered(s):
		health = hw.OK
	}
	v.component(hw.Component{
		Path: "psu/" + strconv.FormatUint(uint64(s.index), 10), Section: sectionEnvironment, Health: health, Expected: true,
		State: hw.Attrs{}.With("presence", s.presence).With("input", s.input),
		Attrs: hw.Attrs{}.With("name", e.name).With("serial", e.serial).With("model", e.model),
	})
}

// sensor adds a temperature or a fan. Still is the health of a fan that stands still, OK
// for what may read 0.
func (c *collector) sensor(v *visit, g *grid, row int, path, sensor string, still hw.Health) {
	status, statusReason := g.word(row, sensorStatus)
	value, reason := scaled(g, row)
	switch {
	case statusReason != "" && reason == "":
		reason = statusReason // whether the value holds is not known
	case status == "unavailable":
		reason = hw.NotReady
	case status == "nonoperational":
		reason = hw.DeviceError
	}
	health := hw.Unknown
	switch {
	case status == "nonoperational":
		health = hw.Warning
	case reason == "" && still != hw.OK && value <= 0:
		health = still
	case reason == "":
		health = hw.OK
	}
	name, _ := c.entityName(g.index[row])
	v.component(hw.Component{
		Path: path, Section: sectionEnvironment, Health: health, Expected: still != hw.OK,
		State: hw.Attrs{}.With("state", status), Attrs: hw.Attrs{}.With("name", name),
	})
	v.gauge(path, sensor, value, reason)
}

// The range of entPhySensorValue and of what is believed of a temperature or a fan.
const (
	maxSensorValue = 1e9
	maxScaled      = 1e6
	unitsScale     = 9 // of entPhySensorScale: 10^0
	yoctoScale     = 1 // 10^-24, in which nothing here is measured: what some ASA 5500-X write for units
)

// scaled returns value * 10^scale / 10^precision.
func scaled(g *grid, row int) (float64, hw.Reason) {
	n, reason := g.signed(row, sensorValue)
	if reason != "" {
		return 0, reason
	}
	power, reason := exponent(g, row)
	if reason != "" {
		return 0, reason
	}
	x := tens(float64(n), power)
	if n < -maxSensorValue || n > maxSensorValue || math.Abs(x) > maxScaled {
		return 0, hw.OutOfRange
	}
	return x, ""
}

// exponent returns the power of ten the values of a sensor are to be multiplied by.
func exponent(g *grid, row int) (int, hw.Reason) {
	scale, reason := g.number(row, sensorScale)
	if reason != "" {
		return 0, reason
	}
	precision, reason := g.signed(row, sensorPrecision)
	if reason != "" {
		return 0, reason
	}
	if scale == yoctoScale {
		scale = unitsScale
	}
	if scale < 1 || precision < -8 || precision > 9 {
		return 0, hw.OutOfRange
	}
	return 3*(int(scale)-unitsScale) - int(precision), ""
}

// tens returns x * 10^power, rounded once.
func tens(x float64, power int) float64 {
	if power < 0 {
		return x / math.Pow10(-power)
	}
	return x * math.Pow10(power)
}
