package parts

import (
	"strconv"
	"strings"

	"rackpost/collectors/redfish"
	"rackpost/hw/raid"
)

// PowerSystem is the path of what the whole server draws.
const PowerSystem = "power/system"

// Power tells the supplies with their redundancy, what the server draws, and voltages, of the older form.
func Power(section string, x redfish.Power, n Names) Found {
	var f Found
	for _, s := range x.PowerSupplies {
		f.add(powerSupply(section, supplyName(s, n), s), !absent(s.Status))
	}
	f.redundancy(section, "psu/redundancy", x.Redundancy)
	shorter := x.PowerControlCount != nil && *x.PowerControlCount > int64(len(x.PowerControl))
	for i, c := range x.PowerControl {
		n, err := strconv.Atoi(c.MemberID)
		first := i == 0 && (!shorter || err == nil && n == 0) // else the first may be the one that is not in the list
		f.add(powerControl(section, first, c), !absent(c.Status))
	}
	for _, v := range x.Voltages {
		p := made(section, "voltage/", Member(v.MemberID, v.Name), v.Status)
		p.limits("volts", v.UpperThresholdCritical, nil, nil, v.LowerThresholdCritical)
		p.told("voltage_volts", v.ReadingVolts, -maxVolts, maxVolts) // one that is good or bad has no reading
		f.add(p, !absent(v.Status))
	}
	f.whole(x.PowerSuppliesCount, len(x.PowerSupplies))
	f.whole(x.PowerControlCount, len(x.PowerControl))
	f.whole(x.VoltagesCount, len(x.Voltages))
	f.whole(x.RedundancyCount, len(x.Redundancy))
	return f
}

// supplyName is the name of a supply in a list: its number where the vendor has no other.
func supplyName(s redfish.PowerSupply, n Names) string {
	switch {
	case n.Supply != nil:
		return n.Supply(s)
	case isName(s.MemberID):
		return s.MemberID
	case strings.HasPrefix(s.Path, "/"):
		return Last(s.Path) // its number
	}
	return s.MemberID
}

func powerSupply(section, id string, s redfish.PowerSupply) Part {
	p := made(section, "psu/", id, s.Status)
	p.Expected = true
	p.attr(raid.KeyName, s.Name, raid.KeyModel, s.Model, raid.KeyManufacturer, s.Manufacturer, raid.KeySerial, s.SerialNumber, raid.KeyPartNumber, s.PartNumber,
		raid.KeyFirmware, s.FirmwareVersion, "type", strings.ToLower(s.PowerSupplyType), "input", first(s.LineInputVoltageType, s.InputNominalVoltageType))
	p.number("rated_watts", s.PowerCapacityWatts, 1)
	if s.Metrics.Path != "" {
		return p // the readings stand there
	}
	out := s.PowerOutputWatts
	if out == nil {
		out = s.LastPowerOutputWatts
	}
	p.gauge("input_volts", s.LineInputVoltage, 0, maxVolts)
	p.gauge("output_watts", out, 0, maxWatts)
	p.told("input_watts", s.PowerInputWatts, 0, maxWatts)
	p.told("efficiency_percent", percent(s.EfficiencyPercent), 0, 100)
	return p
}

// percent reads an efficiency: some firmware gives it as a fraction.
func percent(v *float64) *float64 {
	if v == nil || *v <= 0 || *v > 1 {
		return v
	}
	p := *v * 100
	return &p
}

// powerControl tells what the server draws; the controls after the first are of parts of it.
func powerControl(section string, first bool, c redfish.PowerControl) Part {
	id := "system"
	if !first {
		id = Member(c.MemberID, c.Name)
	}
	p := made(section, "power/", id, c.Status)
	p.attr(raid.KeyName, c.Name)
	p.number("capacity_watts", c.PowerCapacityWatts, 1)
	p.number("power_cap_watts", c.PowerLimit.LimitInWatts, 1)
	p.number("interval_minutes", c.PowerMetrics.IntervalInMin, 0)
	p.gauge("consumed_watts", c.PowerConsumedWatts, 0, maxWatts)
	p.told("average_watts", c.PowerMetrics.AverageConsumedWatts, 0, maxWatts)
	p.told("min_watts", c.PowerMetrics.MinConsumedWatts, 0, maxWatts)
	p.told("max_watts", c.PowerMetrics.MaxConsumedWatts, 0, maxWatts)
	return p
}

// Supplies tells the supplies of a PowerSubsystem. Their readings are in Metrics, by the path of each supply.
func Supplies(section string, m redfish.Members[redfish.PowerSupply], metrics map[string]redfish.PowerSupplyMetrics) Found {
	return Members(m, func(path string, s redfish.PowerSupply) (Part, bool) {
		p := powerSupply(section, idOf(path, s.Resource), s)
		if x, ok := metrics[path]; ok {
			p.metrics(x)
		}
		return p, !absent(s.Status)
	})
}

func (p *Part) metrics(x redfish.PowerSupplyMetrics) {
	p.Samples = nil
	p.gauge("input_volts", x.InputVoltage.Reading, 0, maxVolts)
	p.gauge("output_watts", x.OutputPowerWatts.Reading, 0, maxWatts)
	p.told("input_watts", x.InputPowerWatts.Reading, 0, maxWatts)
	p.told("input_amperes", x.InputCurrentAmps.Reading, 0, maxAmperes)
	p.told("efficiency_percent", percent(x.EfficiencyPercent.Reading), 0, 100)
	p.told("temperature_celsius", x.TemperatureC.Reading, -maxCelsius, maxCelsius)
}

// SupplyRedundancy tells the redundancy of the supplies of a PowerSubsystem.
func SupplyRedundancy(section string, x redfish.PowerSubsystem) Found {
	var f Found
	f.redundancy(section, "psu/redundancy", x.PowerSupplyRedundancy)
	return f
}

// Consumed tells what the server draws as one sensor says it, where there is no PowerControl.
func Consumed(section string, s redfish.Sensor) Found {
	var f Found
	p := made(section, "power/", "system", s.Status)
	p.gauge("consumed_watts", s.Reading, 0, maxWatts)
	f.add(p, !absent(s.Status))
	return f
}
