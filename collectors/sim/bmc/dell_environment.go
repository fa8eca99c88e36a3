package bmc

import "fmt"

// The limits of the inlet, degrees Celsius.
const (
	inletWarning  = 38.0
	inletCritical = 42.0
)

// temperature is a sensor of a server.
type temperature struct {
	name, context    string
	number           int
	low, high        float64
	warning, highest any
}

func temperatures(s *state) []temperature {
	all := []temperature{{"System Board Inlet Temp", "SystemBoard", 5, 21, 24, inletWarning, inletCritical}, {"System Board Exhaust Temp", "SystemBoard", 6, 31, 36, 70.0, 75.0}}
	for i := range s.sockets {
		all = append(all, temperature{fmt.Sprintf("CPU%d Temp", i+1), "CPU", 1 + i, 40, 61, nil, 93.0})
	}
	return all
}

// celsius is a sensor's reading and its health.
func (t *temperature) celsius(now *moment) (float64, string) {
	v := float64(int(now.gauge(uint64(0x7e00+t.number), t.low, t.high)))
	if t.number == 5 && now.s.hot > 0 {
		v = now.s.hot
	}
	switch {
	case t.highest != nil && v >= t.highest.(float64):
		return v, healthCritical
	case t.warning != nil && v >= t.warning.(float64):
		return v, healthWarning
	}
	return v, healthOK
}

// rpm is a fan's speed.
func (f *fan) rpm(now *moment, i int) (float64, string) {
	if f.failed {
		return 0, healthCritical
	}
	return float64(int(now.gauge(uint64(0xfa00+i), 110, 135))) * 60, healthOK
}

// consumed is what a server draws, in watts, and input what one of its supplies does.
func consumed(now *moment) float64 {
	return float64(int(now.gauge(0x9001, now.s.watts*0.9, now.s.watts*1.1)))
}

func input(now *moment, i int) float64 {
	working := 0
	for _, p := range now.s.supplies {
		if !p.out {
			working++
		}
	}
	if now.s.supplies[i].out || working == 0 {
		return 0
	}
	return float64(int(consumed(now) / float64(working)))
}

func (m *model) dellEnvironment(t tree, s *state) {
	t[chassisPath+"/Thermal"] = m.dellThermal
	t[chassisPath+"/Power"] = m.dellPower
	if m.dell > 8 {
		m.dellSubsystems(t, s)
	}
}

func (m *model) dellThermal(now *moment) object {
	const path = chassisPath + "/Thermal"
	var fans, temps []any
	redundancy := healthOK
	for i := range now.s.fans {
		f := &now.s.fans[i]
		v, health := f.rpm(now, i)
		redundancy = worst(redundancy, health)
		fans = append(fans, object{
			"@odata.id": fmt.Sprintf("%s#/Fans/%d", path, i), "@odata.type": "#Thermal.v1_7_1.Fan", "MemberId": fmt.Sprint(i), "Name": f.name, "FanName": f.name,
			"PhysicalContext": "SystemBoard", "Reading": v, "ReadingUnits": "RPM", "HotPluggable": true, "LowerThresholdCritical": 480, "LowerThresholdNonCritical": 840,
			"LowerThresholdFatal": nil, "UpperThresholdCritical": nil, "UpperThresholdNonCritical": nil, "UpperThresholdFatal": nil,
			"Status": object{"Health": health, "State": "Enabled"},
		})
	}
	for i, s := range temperatures(now.s) {
		v, health := s.celsius(now)
		temps = append(temps, object{
			"@odata.id": fmt.Sprintf("%s#/Temperatures/%d", path, i), "@odata.type": "#Thermal.v1_7_1.Temperature", "MemberId": fmt.Sprint(i), "Name": s.name,
			"PhysicalContext": s.context, "SensorNumber": s.number, "ReadingCelsius": v, "UpperThresholdCritical": s.highest, "UpperThresholdNonCritical": s.warning,
			"LowerThresholdCritical": -7.0, "LowerThresholdNonCritical": 3.0, "LowerThresholdFatal": nil, "UpperThresholdFatal": nil,
			"Status": object{"Health": health, "State": "Enabled"},
		})
	}
	return resource(path, "Thermal.v1_7_1.Thermal", "Thermal", "Thermal", object{
		"Fans": fans, "Fans@odata.count": len(fans), "Temperatures": temps, "Temperatures@odata.count": len(temps),
		"Redundancy": []any{redundant(path, "System Board Fan Redundancy", "N+m", redundancy)}, "Redundancy@odata.count": 1,
	})
}

func redundant(path, name, mode, health string) object {
	if health == healthCritical {
		health = healthWarning // redundancy is lost, nothing else
	}
	return object{
		"@odata.id": path + "#/Redundancy/0", "@odata.type": "#Redundancy.v1_4_0.Redundancy", "MemberId": "0", "Name": name, "Mode": mode,
		"MinNumNeeded": 1, "MaxNumSupported": 2, "RedundancyEnabled": true, "RedundancySet": []any{}, "RedundancySet@odata.count": 0,
		"Status": object{"Health": health, "State": "Enabled"},
	}
}

func (m *model) dellPower(now *moment) object {
	const path = chassisPath + "/Power"
	var supplies []any
	redundancy := healthOK
	for i := range now.s.supplies {
		supplies = append(supplies, m.dellSupply(now, i))
		if now.s.supplies[i].out {
			redundancy = healthCritical
		}
	}
	watts := consumed(now)
	o := object{
		"PowerSupplies": supplies, "PowerSupplies@odata.count": len(supplies),
		"PowerControl": []any{object{
			"@odata.id": path + "#/PowerControl/0", "@odata.type": "#Power.v1_7_1.PowerControl", "MemberId": "0", "Name": "System Power Control", "PowerConsumedWatts": watts,
			"PowerCapacityWatts": now.s.supplies[0].watts, "PowerAllocatedWatts": now.s.supplies[0].watts, "PowerAvailableWatts": 0,
			"PowerMetrics": object{"AverageConsumedWatts": now.s.watts, "IntervalInMin": 1, "MaxConsumedWatts": watts + 6, "MinConsumedWatts": watts - 6},
		}},
		"PowerControl@odata.count": 1,
		"Redundancy":               []any{redundant(path, "System Board PS Redundancy", "N+1", redundancy)}, "Redundancy@odata.count": 1,
		"Voltages": []any{object{
			"@odata.id": path + "#/Voltages/0", "@odata.type": "#Power.v1_7_1.Voltage", "MemberId": "0", "Name": "PS1 Voltage 1", "PhysicalContext": "PowerSupply", "ReadingVolts": 230.0,
			"Status": object{"Health": "OK", "State": "Enabled"},
		}},
		"Voltages@odata.count": 1,
	}
	return resource(path, "Power.v1_7_1.Power", "Power", "Power", o)
}

func (m *model) dellSupply(now *moment, i int) object {
	const path = chassisPath + "/Power"
	p, in := &now.s.supplies[i], input(now, i)
	id, health, volts := fmt.Sprintf("PSU.Slot.%d", i+1), healthOK, any(230)
	if p.out {
		health, volts = healthCritical, 0
	}
	o := object{
		"@odata.id": fmt.Sprintf("%s#/PowerSupplies/%d", path, i), "@odata.type": "#Power.v1_7_1.PowerSupply", "MemberId": id, "Name": fmt.Sprintf("PS%d Status", i+1),
		"Manufacturer": "DELL", "Model": fmt.Sprintf("PWR SPLY,%dW,RDNT,SIMULATED", p.watts), "PartNumber": "0SIM02A00", "SerialNumber": now.serial("PSU", i+1), "FirmwareVersion": "00.1B.53",
		"PowerCapacityWatts": p.watts, "PowerInputWatts": in, "PowerOutputWatts": float64(int(in * 0.93)), "LastPowerOutputWatts": float64(int(in * 0.93)), "EfficiencyPercent": 93.0,
		"LineInputVoltage": volts, "LineInputVoltageType": "AC240V", "PowerSupplyType": "AC", "HotPluggable": true, "Status": object{"Health": health, "State": "Enabled"},
		"Redundancy": []any{}, "Redundancy@odata.count": 0,
	}
	if m.dell > 8 {
		detail := "Presence Detected"
		if p.out {
			detail = "Presence Detected, Input Lost Or Out-Of-Range" // DetailedState joins what it sees
		}
		o["Oem"] = object{"Dell": object{"DellPowerSupply": object{"Id": id}, "DellPowerSupplyView": object{"Id": id, "DetailedState": detail, "PMBusMonitoring": "Capable"}}}
	}
	return o
}
