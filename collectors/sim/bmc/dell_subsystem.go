package bmc

import "fmt"

const (
	thermalSubsystem = chassisPath + "/ThermalSubsystem"
	powerSubsystem   = chassisPath + "/PowerSubsystem"
)

// dellSubsystems adds the newer form of what Thermal and Power tell.
func (m *model) dellSubsystems(t tree, s *state) {
	t[thermalSubsystem] = func(now *moment) object {
		_, _, _, fans, temperature := rollups(now)
		return resource(thermalSubsystem, "ThermalSubsystem.v1_0_0.ThermalSubsystem", "ThermalSubsystem", "Thermal Subsystem for Chassis", object{
			"Fans": link(thermalSubsystem + "/Fans"), "ThermalMetrics": link(thermalSubsystem + "/ThermalMetrics"), "Status": object{"Health": worst(fans, temperature), "State": "Enabled"},
			"FanRedundancy": []any{object{"RedundancyType": "NPlusM", "MaxSupportedInGroup": nil, "MinNeededInGroup": nil, "Status": redundant("", "", "", fans)["Status"]}},
		})
	}
	t[thermalSubsystem+"/ThermalMetrics"] = thermalMetrics
	var fans, supplies []string
	for i := range s.fans {
		id := fmt.Sprintf("Fan.Embedded.%d", i+1)
		path := thermalSubsystem + "/Fans/" + id
		fans = append(fans, path)
		t[path] = func(now *moment) object {
			f := &now.s.fans[i]
			rpm, health := f.rpm(now, i)
			return resource(path, "Fan.v1_1_0.Fan", id, fmt.Sprintf("Fan %d", i+1), object{
				"SpeedPercent": object{"SpeedRPM": rpm}, "PhysicalContext": "SystemBoard", "HotPluggable": true, "Status": object{"Health": health, "State": "Enabled"},
				"Location": object{"PartLocation": object{"ServiceLabel": f.name, "LocationType": "Bay"}},
			})
		}
	}
	t.collection(thermalSubsystem+"/Fans", "Fan", "Fan Collection", fans)
	t[powerSubsystem] = func(now *moment) object {
		_, _, power, _, _ := rollups(now)
		return resource(powerSubsystem, "PowerSubsystem.v1_0_0.PowerSubsystem", "PowerSubsystem", "Power Subsystem for Chassis", object{
			"PowerSupplies": link(powerSubsystem + "/PowerSupplies"), "CapacityWatts": now.s.supplies[0].watts, "PowerSupplyRedundancy": []any{},
			"Allocation": object{"AllocatedWatts": now.s.supplies[0].watts, "RequestedWatts": now.s.watts * 1.6}, "Status": object{"Health": power, "State": "Enabled"},
		})
	}
	for i := range s.supplies {
		path := fmt.Sprintf("%s/PowerSupplies/PSU.Slot.%d", powerSubsystem, i+1)
		supplies = append(supplies, path)
		m.dellPowerSupply(t, path, i)
	}
	t.collection(powerSubsystem+"/PowerSupplies", "PowerSupply", "Power Supply Collection", supplies)
}

// dellPowerSupply adds a supply and its readings.
func (m *model) dellPowerSupply(t tree, path string, i int) {
	t[path] = func(now *moment) object {
		o := m.dellSupply(now, i)
		for _, reading := range []string{"PowerInputWatts", "PowerOutputWatts", "LastPowerOutputWatts", "LineInputVoltage", "LineInputVoltageType", "EfficiencyPercent", "MemberId", "Redundancy", "Redundancy@odata.count"} {
			delete(o, reading)
		}
		o["Metrics"], o["InputNominalVoltageType"] = link(path+"/Metrics"), "AC240V"
		return resource(path, "PowerSupply.v1_1_0.PowerSupply", fmt.Sprintf("PSU.Slot.%d", i+1), fmt.Sprintf("PS%d Status", i+1), o)
	}
	t[path+"/Metrics"] = func(now *moment) object {
		o := m.dellSupply(now, i)
		return resource(path+"/Metrics", "PowerSupplyMetrics.v1_0_0.PowerSupplyMetrics", "Metrics", fmt.Sprintf("Metrics for Power Supply %d", i+1), object{
			"InputVoltage": object{"Reading": o["LineInputVoltage"]}, "InputPowerWatts": object{"Reading": o["PowerInputWatts"]}, "OutputPowerWatts": object{"Reading": o["PowerOutputWatts"]},
			"Status": o["Status"],
		})
	}
}

func thermalMetrics(now *moment) object {
	readings, inlet, exhaust := []any{}, 0.0, 0.0
	for _, s := range temperatures(now.s) {
		v, _ := s.celsius(now)
		switch s.number {
		case 5:
			inlet = v
		case 6:
			exhaust = v
		}
		readings = append(readings, object{"DeviceName": s.name, "PhysicalContext": s.context, "Reading": v})
	}
	return resource(thermalSubsystem+"/ThermalMetrics", "ThermalMetrics.v1_0_0.ThermalMetrics", "ThermalMetrics", "Thermal Metrics for Chassis", object{
		"TemperatureReadingsCelsius": readings, "TemperatureReadingsCelsius@odata.count": len(readings),
		"TemperatureSummaryCelsius": object{"Intake": object{"Reading": inlet}, "Exhaust": object{"Reading": exhaust}},
	})
}
