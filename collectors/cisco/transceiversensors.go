package cisco

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"rackpost/hw"
)

// The readings of a transceiver.
const (
	opticTemperature = iota
	opticSupply
	opticBias
	opticTx
	opticRx
	opticReadings
)

// The sensor types of CISCO-ENTITY-SENSOR-MIB that are read besides typeCelsius.
const (
	typeVoltsAC = 3
	typeVoltsDC = 4
	typeAmperes = 5
	typeWatts   = 6
	typeDBm     = 14
)

// opticReading is one sort of reading: its sensor, the types it may have, and the values
// that are believed.
type opticReading struct {
	sensor    string
	types     []uint64
	low, high float64
	limits    [limitCount]string // the attributes of its thresholds
}

var opticKinds = [opticReadings]opticReading{
	opticTemperature: reads("temperature_celsius", -100, 200, typeCelsius),
	opticSupply:      reads("supply_volts", 0, 100, typeVoltsDC, typeVoltsAC),
	opticBias:        reads("bias_amperes", 0, 10, typeAmperes),
	opticTx:          reads("tx_power_dbm", -100, 50, typeDBm, typeWatts),
	opticRx:          reads("rx_power_dbm", -100, 50, typeDBm, typeWatts),
}

func reads(sensor string, low, high float64, types ...uint64) opticReading {
	return opticReading{sensor: sensor, types: types, low: low, high: high, limits: [limitCount]string{
		sensor + "_high_major", sensor + "_high_minor", sensor + "_low_minor", sensor + "_low_major",
	}}
}

// opticKind tells by its name what a sensor of a transceiver reads, or -1. A type alone does
// not: firmware in trouble gives all sensors of a transceiver one type.
func opticKind(name string) int {
	words := strings.Fields(strings.ToLower(name))
	has := func(list ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(list, w) })
	}
	switch {
	case has("laser") && has("temperature"):
		return -1 // of a tunable laser, besides the module's
	case has("temperature", "temp"):
		return opticTemperature
	case has("voltage"):
		return opticSupply
	case has("bias", "current"):
		return opticBias
	case has("receive", "rx"):
		return opticRx
	case has("transmit", "tx"):
		return opticTx
	}
	return -1
}

// opticLane returns the lane the name of a sensor tells, or 1: "Lane 2" anywhere in it, or a
// number at its end.
func opticLane(names ...string) int {
	for _, name := range names {
		words := strings.Fields(strings.ToLower(name))
		if len(words) == 0 {
			continue
		}
		number := words[len(words)-1]
		if i := slices.Index(words, "lane"); i >= 0 && i+1 < len(words) {
			number = words[i+1]
		}
		if n, err := strconv.ParseUint(number, 10, 8); err == nil && n > 0 {
			return int(n)
		}
	}
	return 1
}

// measured is one reading of a transceiver.
type measured struct {
	there  bool
	value  float64
	absent hw.Reason
	broken bool // the device calls the sensor nonoperational
	limits limits
}

// opticValue reads one row of a sensor table as a reading of a kind.
func opticValue(g *grid, row, kind int, raw rawLimits) measured {
	m := measured{there: true}
	k := &opticKinds[kind]
	sort, reason := g.number(row, sensorType)
	if reason == "" && !slices.Contains(k.types, sort) {
		reason = hw.Garbage
	}
	status, statusReason := g.word(row, sensorStatus)
	silent := g.whole(sensorStatus) && g.read(sensorStatus) == 0
	switch {
	case status == "unavailable":
		reason = hw.NotReady
	case status == "nonoperational":
		reason, m.broken = hw.DeviceError, true
	case reason == "" && statusReason != "" && !silent:
		reason = statusReason // whether the value holds is not known
	}
	power, scaleReason := exponent(g, row)
	x, valueReason := scaled(g, row)
	for _, r := range []hw.Reason{scaleReason, valueReason} {
		if reason == "" {
			reason = r
		}
	}
	if reason == "" {
		m.limits = raw.scaled(power)
		if sort == typeWatts {
			x, m.limits = dBm(x), m.limits.with(dBm)
		}
		if !(x >= k.low && x <= k.high) {
			reason = hw.OutOfRange
		}
	}
	if m.absent = reason; reason == "" {
		m.value = x
	}
	return m
}

// dBm returns a power in W as one in dBm; no power is -Inf.
func dBm(watts float64) float64 { return 10 * math.Log10(watts*1000) }

// judge judges a reading and names what it is beyond. link is the state of the port's link:
// without one the light that is received may be none, and the laser may be off.
func (m *measured) judge(kind int, link string, whole bool) (h hw.Health, alarm string) {
	switch {
	case m.broken:
		return hw.Warning, opticKinds[kind].sensor + " nonoperational"
	case m.absent == hw.NotReady:
		return hw.OK, "" // the device itself says that it does not measure
	case m.absent != "":
		return hw.Unknown, ""
	}
	beyond, ok := m.limits.beyond(m.value)
	if ok && beyond >= lowMinor && kind >= opticBias && link != "up" {
		if ok = link == ""; ok {
			return hw.Unknown, ""
		}
	}
	switch minor := beyond == highMinor || beyond == lowMinor; {
	case (!ok || minor) && (!whole || m.limits.unread):
		return hw.Unknown, "" // a threshold it is beyond may not have been read
	case !ok:
		return hw.OK, ""
	case beyond == highMajor || beyond == lowMajor:
		h = hw.Critical
	default:
		h = hw.Warning
	}
	return h, opticKinds[kind].sensor + " " + limitWords[beyond]
}
