package parts

import (
	"strconv"

	"rackpost/collectors/redfish"
	"rackpost/hw"
	"rackpost/hw/raid"
)

// System tells the server. Its health is the worst of itself and of what belongs to it.
func System(section string, s redfish.ComputerSystem) Part {
	p := made(section, "", "system", s.Status)
	p.Health = max(p.Health, healthWord(s.Status.HealthRollup))
	p.State = p.State.With("power", kebab(s.PowerState)).With("locator", locator(s))
	p.attr(hw.AttrHealthOf, hw.HealthOfAll, raid.KeyName, s.HostName, raid.KeyModel, s.Model, raid.KeyManufacturer, s.Manufacturer, raid.KeySerial, s.SerialNumber, raid.KeyPartNumber, s.PartNumber,
		"sku", s.SKU, "uuid", s.UUID, "asset_tag", s.AssetTag, "bios", s.BiosVersion)
	p.count("processors", s.ProcessorSummary.Count)
	if g := s.MemorySummary.TotalSystemMemoryGiB; g != nil && *g > 0 && *g < 1<<30 {
		p.Attrs = p.Attrs.With("memory_bytes", strconv.FormatInt(int64(*g*(1<<30)), 10))
	}
	return p
}

// locator says whether the LED that shows where the server stands is on. IndicatorLED alone says it by
// blinking: Lit is how some servers show that they are well.
func locator(s redfish.ComputerSystem) string {
	switch {
	case s.LocationIndicatorActive != nil && *s.LocationIndicatorActive, s.LocationIndicatorActive == nil && s.IndicatorLED == "Blinking":
		return "on"
	case s.LocationIndicatorActive != nil, s.IndicatorLED == "Off":
		return "off"
	}
	return ""
}

// Manager tells the BMC.
func Manager(section string, m redfish.Manager) Part {
	p := made(section, "", "manager", m.Status)
	p.attr(raid.KeyModel, m.Model, raid.KeyManufacturer, m.Manufacturer, raid.KeySerial, m.SerialNumber, raid.KeyFirmware, m.FirmwareVersion, "uuid", m.UUID)
	return p
}

// Intrusion tells whether somebody opened the chassis, where it has a sensor for that.
func Intrusion(section string, c redfish.Chassis) Found {
	var f Found
	word := c.PhysicalSecurity.IntrusionSensor
	if word == "" {
		return f
	}
	p := made(section, "intrusion/", "1", redfish.Status{})
	switch word {
	case "Normal":
		p.Health, p.State = hw.OK, p.State.With(raid.KeyState, "closed")
	case "HardwareIntrusion":
		p.Health, p.State = hw.Critical, p.State.With(raid.KeyState, "open")
	case "TamperingDetected":
		p.Health, p.State = hw.Critical, p.State.With(raid.KeyState, "tampered")
	}
	f.add(p, true)
	return f
}
