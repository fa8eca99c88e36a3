package parts

import (
	"strconv"
	"strings"

	"rackpost/collectors/redfish"
	"rackpost/hw/raid"
)

// Thermal tells the fans, temperatures and the redundancy of the fans of the older form.
func Thermal(section string, t redfish.Thermal, n Names) Found {
	var f Found
	for _, x := range t.Fans {
		f.add(thermalFan(section, x, n), !absent(x.Status))
	}
	for _, x := range t.Temperatures {
		p := made(section, "temperature/", Member(x.MemberID, x.Name), x.Status)
		p.limits("celsius", x.UpperThresholdCritical, x.UpperThresholdNonCritical, x.LowerThresholdNonCritical, x.LowerThresholdCritical)
		p.number("upper_fatal_celsius", x.UpperThresholdFatal, -maxCelsius)
		p.gauge("temperature_celsius", x.ReadingCelsius, -maxCelsius, maxCelsius)
		f.add(p, !absent(x.Status))
	}
	f.redundancy(section, "fan/redundancy", t.Redundancy)
	f.whole(t.FansCount, len(t.Fans))
	f.whole(t.RedundancyCount, len(t.Redundancy))
	f.whole(t.TemperaturesCount, len(t.Temperatures))
	return f
}

func thermalFan(section string, x redfish.ThermalFan, n Names) Part {
	id := Member(x.MemberID, x.Name, x.FanName)
	if n.Fan != nil {
		id = n.Fan(x)
	}
	p := made(section, "fan/", id, x.Status)
	p.Expected = true
	p.attr(raid.KeyName, first(x.Name, x.FanName))
	switch {
	case strings.EqualFold(x.ReadingUnits, "RPM"):
		p.gauge("speed_rpm", x.Reading, 0, maxRPM)
		p.limits("rpm", x.UpperThresholdCritical, x.UpperThresholdNonCritical, x.LowerThresholdNonCritical, x.LowerThresholdCritical)
	case strings.EqualFold(x.ReadingUnits, "Percent"):
		p.gauge("speed_percent", x.Reading, 0, 1000)
		p.limits("percent", x.UpperThresholdCritical, x.UpperThresholdNonCritical, x.LowerThresholdNonCritical, x.LowerThresholdCritical)
	}
	return p
}

// limits sets the thresholds of a sensor.
func (p *Part) limits(unit string, upperCritical, upperWarning, lowerWarning, lowerCritical *float64) {
	p.number("upper_critical_"+unit, upperCritical, -noLimit)
	p.number("upper_warning_"+unit, upperWarning, -noLimit)
	p.number("lower_warning_"+unit, lowerWarning, -noLimit)
	p.number("lower_critical_"+unit, lowerCritical, -noLimit)
}

func first(texts ...string) string {
	for _, s := range texts {
		if s = Text(s); s != "" {
			return s
		}
	}
	return ""
}

// redundancy tells how a set of parts can do with less: the first of them at path, others below it.
func (f *Found) redundancy(section, path string, list []redfish.Redundancy) {
	for i, x := range list {
		end := ""
		if i > 0 {
			end = "/" + strconv.Itoa(i+1)
		}
		p := made(section, "", "redundancy", x.Status)
		p.Path = path + end
		p.State = p.State.With("redundancy", redundancyWord(x))
		p.attr(raid.KeyName, x.Name, "mode", strings.Replace(first(x.Mode, x.RedundancyType), "NPlusM", "N+m", 1))
		p.count("needed", firstCount(x.MinNumNeeded, x.MinNeededInGroup))
		f.add(p, !absent(x.Status))
	}
}

func firstCount(list ...*int64) *int64 {
	for _, v := range list {
		if v != nil {
			return v
		}
	}
	return nil
}

// redundancyWord is what is proven of a redundancy: a health that is not good does not say how much is left.
func redundancyWord(x redfish.Redundancy) string {
	switch {
	case x.RedundancyEnabled != nil && !*x.RedundancyEnabled, x.Status.State == "Disabled":
		return "not-redundant"
	case x.Status.Health == "OK" && x.Status.State == "Enabled":
		return "full"
	}
	return ""
}

// Fans tells the fans of a ThermalSubsystem.
func Fans(section string, m redfish.Members[redfish.Fan]) Found {
	return Members(m, func(path string, x redfish.Fan) (Part, bool) {
		p := made(section, "fan/", idOf(path, x.Resource), x.Status)
		p.Expected = true
		p.attr(raid.KeyName, first(x.Location.PartLocation.ServiceLabel, x.Name))
		speed := x.SpeedPercent
		if speed.SpeedRPM != nil || speed.Reading == nil {
			p.gauge("speed_rpm", speed.SpeedRPM, 0, maxRPM)
		}
		p.told("speed_percent", speed.Reading, 0, 1000)
		return p, !absent(x.Status)
	})
}

// FanRedundancy tells the redundancy of the fans of a ThermalSubsystem.
func FanRedundancy(section string, t redfish.ThermalSubsystem) Found {
	var f Found
	f.redundancy(section, "fan/redundancy", t.FanRedundancy)
	return f
}

// ThermalMetrics tells the temperatures of a ThermalSubsystem. They have no health of their own.
func ThermalMetrics(section string, t redfish.ThermalMetrics) Found {
	var f Found
	for _, x := range t.TemperatureReadingsCelsius {
		p := made(section, "temperature/", Member("", Last(x.DataSourceURI), x.DeviceName), redfish.Status{})
		p.gauge("temperature_celsius", x.Reading, -maxCelsius, maxCelsius)
		f.add(p, true)
	}
	f.whole(t.Count, len(t.TemperatureReadingsCelsius))
	return f
}

// Sensors tells the sensors of a chassis of a ReadingType: Temperature, Voltage or Current.
func Sensors(section, kind string, m redfish.Members[redfish.Sensor]) Found {
	prefix, sensor, unit := "temperature/", "temperature_celsius", "celsius"
	switch kind {
	case "Voltage":
		prefix, sensor, unit = "voltage/", "voltage_volts", "volts"
	case "Current":
		prefix, sensor, unit = "current/", "current_amperes", "amperes"
	}
	return Members(m, func(path string, x redfish.Sensor) (Part, bool) {
		p := made(section, prefix, Member("", x.Name, idOf(path, x.Resource)), x.Status)
		t := x.Thresholds
		p.limits(unit, t.UpperCritical.Reading, t.UpperCaution.Reading, t.LowerCaution.Reading, t.LowerCritical.Reading)
		p.gauge(sensor, x.Reading, -maxAmperes, maxAmperes)
		return p, x.ReadingType == kind && !absent(x.Status)
	})
}
