package cisco

import (
	"math"
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
	supplies := c.supplies(g)
	for _, row := range g.rows() {
		index := g.index[row]
		if c.inEmptyBay(index, supplies) {
			continue
		}
		switch kind, _ := g.number(row, sensorType); kind {
		case typeCelsius:
			c.sensor(v, g, row, "temperature/"+index, "temperature_celsius", false)
		case typeRPM:
			c.sensor(v, g, row, "fan/"+index, "speed_rpm", true)
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
		e, ok := c.entities.parts.at(index)
		if !ok {
			continue
		}
		if parent, _ := c.entities.parts.find(e.parent); parent.class != classSupply {
			continue
		}
		i, ok := at[e.parent]
		if !ok {
			i = len(list)
			at[e.parent] = i
			list = append(list, supply{index: e.parent})
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

// inEmptyBay reports whether a sensor sits in a supply that is not there.
func (c *collector) inEmptyBay(index string, supplies []supply) bool {
	e, ok := c.entities.parts.at(index)
	for _, s := range supplies {
		if ok && s.index == e.parent && s.presence == "false" {
			return true
		}
	}
	return false
}

// supply adds a power supply.
func (c *collector) supply(v *visit, s supply) {
	e, _ := c.entities.parts.find(s.index)
	health := hw.Unknown
	switch {
	case s.input == "false":
		health = hw.Critical
	case s.input == "true", s.input == "" && s.presence == "true":
		health = hw.OK
	}
	v.component(hw.Component{
		Path: "psu/" + strconv.FormatUint(uint64(s.index), 10), Section: sectionEnvironment, Health: health, Expected: true,
		State: hw.Attrs{}.With("presence", s.presence).With("input", s.input),
		Attrs: hw.Attrs{}.With("name", e.name).With("serial", e.serial).With("model", e.model),
	})
}

// sensor adds a temperature or a fan.
func (c *collector) sensor(v *visit, g *grid, row int, path, sensor string, fan bool) {
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
	case reason == "" && fan && value <= 0:
		health = hw.Critical
	case reason == "":
		health = hw.OK
	}
	name, _ := c.entityName(g.index[row])
	v.component(hw.Component{
		Path: path, Section: sectionEnvironment, Health: health, Expected: fan,
		State: hw.Attrs{}.With("state", status), Attrs: hw.Attrs{}.With("name", name),
	})
	v.gauge(path, sensor, value, reason)
}

// The range of entPhySensorValue and of what is believed of a temperature or a fan.
const (
	maxSensorValue = 1e9
	maxScaled      = 1e6
	unitsScale     = 9 // of entPhySensorScale: 10^0
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
