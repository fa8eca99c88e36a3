package cisco_test

import (
	"fmt"
	"strings"
	"testing"

	"rackpost/collectors/sim"
	"rackpost/hw"
)

const (
	entRow      = "1.3.6.1.2.1.47.1.1.1.1"
	ciscoSensor = "1.3.6.1.4.1.9.9.91.1.1.1.1"
	ietfSensor  = "1.3.6.1.2.1.99.1.1.1"
	sensorLimit = "1.3.6.1.4.1.9.9.91.1.2.1.1"
)

// entPart writes one row of ENTITY-MIB.
func entPart(index, parent, class int, name, descr, serial, model string) script {
	s := script{fmt.Sprintf("%s.4.%d|2|%d", entRow, index, parent), fmt.Sprintf("%s.5.%d|2|%d", entRow, index, class)}
	for column, text := range map[int]string{2: descr, 7: name, 8: "", 10: "", 11: serial, 13: model} {
		s = append(s, fmt.Sprintf("%s.%d.%d|4x|%x", entRow, column, index, text))
	}
	return s
}

// sensorRow writes one sensor: its row of ENTITY-MIB and of a sensor table.
func sensorRow(table string, index, parent int, name string, kind, scale, precision, value, status int) script {
	s := entPart(index, parent, 8, name, name, "", "")
	for i, n := range []int{kind, scale, precision, value, status} {
		s = append(s, fmt.Sprintf("%s.%d.%d|2|%d", table, i+1, index, n))
	}
	return s
}

// limitRow writes a threshold of a sensor.
func limitRow(index, n, severity, relation, value int) script {
	at := fmt.Sprintf("%d.%d", index, n)
	return script{
		fmt.Sprintf("%s.2.%s|2|%d", sensorLimit, at, severity), fmt.Sprintf("%s.3.%s|2|%d", sensorLimit, at, relation),
		fmt.Sprintf("%s.4.%s|2|%d", sensorLimit, at, value),
	}
}

// fittedSFP is a switch with an SFP in Te1/1/4, whose link is up (1) or down (2).
func fittedSFP(oper int, more ...script) script {
	all := join(port(7, "Te1/1/4", "TenGigabitEthernet1/1/4", oper, 1), port(8, "Te1/1/3", "TenGigabitEthernet1/1/3", 1, 1),
		entPart(1000, 0, 3, "Switch", "C9200L-48P-4X", "SIM00000001", "C9200L-48P-4X"),
		entPart(1109, 1000, 9, "Fixed Uplink Module", "Fixed Uplink Module", "", ""),
		entPart(1113, 1109, 5, "Te1/1/4 Container", "Te1/1/4 Container", "", ""),
		entPart(1114, 1113, 10, "TenGigabitEthernet1/1/4", "SFP-10GBase-SR", "SIM00000002", "SFP-10G-SR"))
	return join(append([]script{all}, more...)...)
}

// five are the sensors of an SFP; rx is in tenths of dBm.
func five(table string, rx int) script {
	const te = "TenGigabitEthernet1/1/4 "
	return join(
		sensorRow(table, 1115, 1114, te+"Module Temperature Sensor", 8, 9, 1, 346, 1),
		sensorRow(table, 1116, 1114, te+"Supply Voltage Sensor", 4, 9, 2, 332, 1),
		sensorRow(table, 1117, 1114, te+"Bias Current Sensor", 5, 8, 1, 61, 1),
		sensorRow(table, 1118, 1114, te+"Transmit Power Sensor", 14, 9, 1, -50, 1),
		sensorRow(table, 1119, 1114, te+"Receive Power Sensor", 14, 9, 1, rx, 1),
		limitRow(1119, 1, 20, 4, 0), limitRow(1119, 2, 10, 4, -10), limitRow(1119, 3, 10, 2, -170), limitRow(1119, 4, 20, 2, -180),
	)
}

const sfpPath = "transceiver/Te1/1/4"

func TestTransceiversOfAModel(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, modelled(t, "catalyst-3750-48ps", sim.ModelOptions{}))
	r := v.all()
	r.complete(t)
	c := r.part(t, "transceiver/Gi1/0/1")
	if c.Health != hw.OK || c.Expected || c.Attrs.Get("model") != "GLC-SX-MMD" || c.Attrs.Get("serial") == "" ||
		c.Attrs.Get("serial") != r.part(t, "part/GigabitEthernet1/0/1").Attrs.Get("serial") {
		t.Errorf("%+v", c)
	}
	for key, want := range map[string]string{
		"rx_power_dbm_high_major": "0", "rx_power_dbm_high_minor": "-1", "rx_power_dbm_low_minor": "-17", "rx_power_dbm_low_major": "-18",
		"temperature_celsius_high_major": "90", "supply_volts_low_major": "3", "bias_amperes_high_major": "0.011",
	} {
		if got := c.Attrs.Get(key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	for sensor, within := range map[string][2]float64{
		"temperature_celsius": {30, 36}, "supply_volts": {3.28, 3.34}, "bias_amperes": {0.0055, 0.0065}, "tx_power_dbm": {-5.6, -4.6}, "rx_power_dbm": {-7.5, -4.5},
	} {
		if x := r.gauge(t, c.Path, sensor); x < within[0] || x > within[1] {
			t.Errorf("%s is %v", sensor, x)
		}
	}
	v.fault("port-down", "Gi1/0/1")
	if dark := v.all().part(t, c.Path); dark.Health != hw.OK || len(dark.State) > 0 {
		t.Errorf("no light without link is taken for a fault: %+v", dark)
	}
}

func TestTransceiverThresholds(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		oper, rx int
		health   hw.Health
		alarm    string
	}{
		{1, -50, hw.OK, ""},
		{1, -170, hw.Warning, "rx_power_dbm low minor"},
		{1, -179, hw.Warning, "rx_power_dbm low minor"},
		{1, -180, hw.Critical, "rx_power_dbm low major"},
		{1, -10, hw.Warning, "rx_power_dbm high minor"},
		{1, 3, hw.Critical, "rx_power_dbm high major"},
		{2, -400, hw.OK, ""},
		{2, 3, hw.Critical, "rx_power_dbm high major"},
	} {
		r := visiting(t, catalyst, fittedSFP(x.oper, five(ciscoSensor, x.rx)).device(t, iosHead)).all()
		r.complete(t)
		if c := r.part(t, sfpPath); c.Health != x.health || c.State.Get("alarm") != x.alarm {
			t.Errorf("rx %d, oper %d: %v %v, want %v %q", x.rx, x.oper, c.Health, c.State, x.health, x.alarm)
		}
		if got := r.gauge(t, sfpPath, "rx_power_dbm"); got != float64(x.rx)/10 {
			t.Errorf("rx %d is %v dBm", x.rx, got)
		}
	}
}

// An SFP that is pulled is gone, and its port is still there: a change, and no fault.
func TestQuirkTransceiverRowsComeAndGo(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, fittedSFP(1, five(ciscoSensor, -50)).device(t, iosHead))
	before := v.all().part(t, sfpPath)
	pulled := fittedSFP(2)
	pulled = pulled[:len(pulled)-8]
	v.becomes(pulled.device(t, iosHead))
	r := v.all()
	r.complete(t)
	if c, still := r.parts[sfpPath]; still || before.Expected {
		t.Errorf("%+v, then %+v", before, c)
	}
	if _, still := r.parts["part/TenGigabitEthernet1/1/4"]; still {
		t.Error("the part is still there")
	}
	v.becomes(join(pulled, entPart(1114, 1113, 10, "TenGigabitEthernet1/1/4", "SFP-10GBase-SR", "SIM00000009", "SFP-10G-SR")).device(t, iosHead))
	r = v.all()
	if c := r.part(t, sfpPath); c.Attrs.Get("serial") != "SIM00000009" || c.Health != hw.OK {
		t.Errorf("%+v", c)
	}
}

// A transceiver that says its own supply is 0 V has no readings: 0 dBm would be much light.
func TestQuirkTransceiverOfZeros(t *testing.T) {
	t.Parallel()
	zeros := script{}
	for _, line := range five(ciscoSensor, 0) {
		if at := strings.Index(line, "|2|"); strings.HasPrefix(line, ciscoSensor+".4.") {
			line = line[:at] + "|2|0"
		}
		zeros = append(zeros, line)
	}
	r := visiting(t, catalyst, fittedSFP(1, zeros).device(t, iosHead)).all()
	if c := r.part(t, sfpPath); c.Health != hw.OK || len(c.State) > 0 {
		t.Errorf("%+v", c)
	}
	for _, sensor := range []string{"temperature_celsius", "supply_volts", "rx_power_dbm"} {
		if s := r.samples[sfpPath+" "+sensor]; s.Absent != hw.NotReady {
			t.Errorf("%+v", s)
		}
	}
}

// Firmware in trouble calls all sensors of an SFP temperatures, of -866,597,556 degrees.
func TestQuirkTransceiverOfOneType(t *testing.T) {
	t.Parallel()
	broken := script{}
	for _, line := range five(ciscoSensor, 0) {
		at := strings.Index(line, "|2|")
		switch {
		case strings.HasPrefix(line, ciscoSensor+".1."):
			line = line[:at] + "|2|8"
		case strings.HasPrefix(line, ciscoSensor+".4."):
			line = line[:at] + "|2|-866597556"
		}
		broken = append(broken, line)
	}
	r := visiting(t, catalyst, fittedSFP(1, broken).device(t, iosHead)).all()
	if c := r.part(t, sfpPath); c.Health != hw.Unknown {
		t.Errorf("%+v", c)
	}
	for sensor, want := range map[string]hw.Reason{"temperature_celsius": hw.OutOfRange, "supply_volts": hw.Garbage, "rx_power_dbm": hw.Garbage} {
		if s := r.samples[sfpPath+" "+sensor]; s.Absent != want {
			t.Errorf("%+v, want %s", s, want)
		}
	}
}

func TestTransceiverSensorStates(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]struct {
		reason hw.Reason
		health hw.Health
	}{2: {hw.NotReady, hw.OK}, 3: {hw.DeviceError, hw.Warning}, 9: {hw.OutOfRange, hw.Unknown}} {
		lines := fittedSFP(1, five(ciscoSensor, -50))
		for i, line := range lines {
			if strings.HasPrefix(line, ciscoSensor+".5.1119|") {
				lines[i] = fmt.Sprintf("%s.5.1119|2|%d", ciscoSensor, status)
			}
		}
		r := visiting(t, catalyst, lines.device(t, iosHead)).all()
		if s, c := r.samples[sfpPath+" rx_power_dbm"], r.part(t, sfpPath); s.Absent != want.reason || c.Health != want.health {
			t.Errorf("status %d: %+v, %v; want %s, %v", status, s, c.Health, want.reason, want.health)
		}
	}
}

func TestTransceiverLanesAndOtherTables(t *testing.T) {
	t.Parallel()
	const te = "TenGigabitEthernet1/1/4 "
	lanes := visiting(t, catalyst, fittedSFP(1,
		sensorRow(ciscoSensor, 1115, 1114, te+"Lane 1 Transceiver Receive Power Sensor", 14, 9, 1, -21, 1),
		sensorRow(ciscoSensor, 1116, 1114, te+"Lane 2 Transceiver Receive Power Sensor", 14, 9, 1, -32, 1),
		sensorRow(ciscoSensor, 1117, 1114, te+"Lane 2 Transceiver Transmit Power Sensor", 6, 7, 0, 500, 1),
		sensorRow(ciscoSensor, 1118, 1114, te+"Lane 2 Laser Temperature", 8, 9, 0, 50, 1),
		sensorRow(ciscoSensor, 1119, 1114, te+"Receive Power Sensor 3", 14, 9, 1, -43, 1),
	).device(t, iosHead)).all()
	lanes.complete(t)
	if a, b := lanes.gauge(t, sfpPath, "rx_power_dbm"), lanes.gauge(t, sfpPath+"/lane-2", "rx_power_dbm"); a != -2.1 || b != -3.2 {
		t.Errorf("lanes: %v and %v", a, b)
	}
	if x := lanes.gauge(t, sfpPath+"/lane-3", "rx_power_dbm"); x != -4.3 {
		t.Errorf("lane 3: %v", x)
	}
	if x := lanes.gauge(t, sfpPath+"/lane-2", "tx_power_dbm"); x < -3.02 || x > -3.01 {
		t.Errorf("500 uW are %v dBm", x)
	}
	twice := visiting(t, catalyst, fittedSFP(1,
		sensorRow(ciscoSensor, 1115, 1114, te+"Receive Power Sensor", 14, 9, 1, -21, 1), sensorRow(ciscoSensor, 1116, 1114, te+"Receive Power Sensor", 14, 9, 1, -32, 1),
	).device(t, iosHead)).all()
	if s := twice.samples[sfpPath+" rx_power_dbm"]; s.Absent != hw.Inconsistent {
		t.Errorf("two sensors of one reading: %+v", s)
	}
	ietf := visiting(t, catalyst, fittedSFP(1, five(ietfSensor, -50)).device(t, iosHead)).all()
	if x := ietf.gauge(t, sfpPath, "temperature_celsius"); x != 34.6 {
		t.Errorf("ENTITY-SENSOR-MIB: %v", x)
	}
}

// Where no name tells the port, entAliasMappingTable does; where that does not either, the
// transceiver keeps the name the inventory gives it.
func TestTransceiverPort(t *testing.T) {
	t.Parallel()
	router := join(port(7, "Te0/0/0", "TenGigabitEthernet0/0/0", 1, 1), entPart(1, 0, 3, "Chassis", "Chassis", "SIM00000001", "C8500"),
		entPart(2, 1, 5, "subslot 0/0 transceiver container 0", "SFP", "", ""),
		entPart(3, 2, 9, "subslot 0/0 transceiver 0", "SFP+", "SIM00000002", "SFP-10G-SR"))
	r := visiting(t, catalyst, router.device(t, iosHead)).all()
	r.complete(t)
	r.part(t, "transceiver/subslot 0/0 transceiver 0")
	r = visiting(t, catalyst, join(router, script{"1.3.6.1.2.1.47.1.3.2.1.2.3.0|6|1.3.6.1.2.1.2.2.1.1.7"}).device(t, iosHead)).all()
	r.part(t, "transceiver/Te0/0/0")
	old := join(port(7, "Te5/4", "TenGigabitEthernet5/4", 1, 1), entPart(1, 0, 3, "Chassis", "Chassis", "SIM00000001", "WS-C6509"),
		entPart(2, 1, 5, "Transceiver Slot 4", "Slot", "", ""), entPart(3, 2, 9, "Transceiver Te5/4", "X2", "SIM00000002", "X2-10GB-SR"))
	visiting(t, catalyst, old.device(t, iosHead)).all().part(t, "transceiver/Te5/4")
}

// What was cut off is missing; what was not known to be beyond nothing is not called well.
func TestTransceiversCut(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, modelled(t, "catalyst-3750-48ps", sim.ModelOptions{}))
	whole := v.all()
	for _, cut := range []string{ciscoSensor + ".4", ciscoSensor + ".5", ciscoSensor + ".1", ciscoSensor, sensorLimit + ".4", sensorLimit, entRow + ".7", "1.3.6.1.2.1.31.1.1.1.1"} {
		w := visiting(t, catalyst, v.device)
		w.fault("generr", cut)
		r := w.all()
		if r.extent(t, "transceivers") == hw.Complete && cut != "1.3.6.1.2.1.31.1.1.1.1" {
			t.Errorf("%s: transceivers are called complete", cut)
		}
		for _, c := range r.Components {
			if !strings.HasPrefix(c.Path, "transceiver/") {
				continue
			}
			if _, ok := whole.parts[c.Path]; !ok || c.Health > hw.OK {
				t.Errorf("%s: %+v", cut, c)
			}
			if strings.HasPrefix(cut, sensorLimit) && c.Health != hw.Unknown {
				t.Errorf("%s: %s is %v without its thresholds", cut, c.Path, c.Health)
			}
		}
		w.fault("clear", "")
	}
}

// A chassis whose temperatures only CISCO-ENTITY-SENSOR-MIB tells. Its low minor threshold
// is where the warning ends: 25 degrees at an inlet of 31 are fine.
func TestQuirkChassisTemperatureWithoutEnvmon(t *testing.T) {
	t.Parallel()
	at := func(celsius int) *sim.Device {
		return fittedSFP(1, five(ciscoSensor, -50),
			sensorRow(ciscoSensor, 1010, 1000, "Switch 1 - Temp Inlet Sensor 0", 8, 9, 0, celsius, 1),
			limitRow(1010, 1, 20, 4, 56), limitRow(1010, 2, 10, 4, 46), limitRow(1010, 3, 10, 2, 31), limitRow(1010, 4, 20, 2, -10),
		).device(t, iosHead)
	}
	v := visiting(t, catalyst, at(25))
	for celsius, want := range map[int]hw.Health{25: hw.OK, 46: hw.Warning, 57: hw.Critical, -10: hw.Critical} {
		r := visiting(t, catalyst, at(celsius)).all()
		r.complete(t)
		c := r.part(t, "temperature/1010")
		if c.Health != want || c.Attrs.Get("threshold_celsius") != "56" || r.gauge(t, c.Path, "temperature_celsius") != float64(celsius) {
			t.Errorf("%d: %+v, want %v", celsius, c, want)
		}
		if _, ok := r.parts["temperature/1115"]; ok {
			t.Error("the temperature of a transceiver is the chassis's")
		}
	}
	for _, step := range []struct {
		celsius int
		want    hw.Health
	}{{46, hw.Warning}, {45, hw.Warning}, {46, hw.Warning}, {43, hw.OK}, {45, hw.OK}, {56, hw.Critical}, {55, hw.Critical}, {53, hw.Warning}, {45, hw.Warning}, {20, hw.OK}} {
		v.becomes(at(step.celsius))
		if c := v.all().part(t, "temperature/1010"); c.Health != step.want || c.Attrs.Get("threshold_celsius") != "56" {
			t.Errorf("%d after others: %+v, want %v", step.celsius, c, step.want)
		}
	}
	const env = "1.3.6.1.4.1.9.9.13.1.3.1"
	told := visiting(t, catalyst, join(script{env + ".2.1010|4|Inlet, GREEN", env + ".3.1010|66|24", env + ".6.1010|2|1"},
		fittedSFP(1, sensorRow(ciscoSensor, 1010, 1000, "Temp Inlet", 8, 9, 0, 99, 1))).device(t, iosHead)).all()
	if x := told.gauge(t, "temperature/1010", "temperature_celsius"); x != 24 {
		t.Errorf("CISCO-ENVMON-MIB says 24, we %v", x)
	}
}
