package idrac_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"rackpost/hw"
)

// libreReading is one sensor as LibreNMS reads it out of the recording.
type libreReading struct {
	Class   string  `json:"sensor_class"`
	Type    string  `json:"sensor_type"`
	OID     string  `json:"sensor_oid"`
	Current float64 `json:"sensor_current"`
}

// libreDevice is what it says of the device itself.
type libreDevice struct {
	Version  string `json:"version"`
	Hardware string `json:"hardware"`
	Serial   string `json:"serial"`
}

func libreR540(t *testing.T) (device libreDevice, sensors []libreReading) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(snmpRecordings, "drac_r540.expected.json"))
	if err != nil {
		t.Skipf("no results of LibreNMS here: %v", err)
	}
	var all struct {
		OS struct {
			Discovery struct {
				Devices []libreDevice `json:"devices"`
			} `json:"discovery"`
		} `json:"os"`
		Sensors struct {
			Discovery struct {
				Sensors []libreReading `json:"sensors"`
			} `json:"discovery"`
		} `json:"sensors"`
	}
	if err := json.Unmarshal(b, &all); err != nil || len(all.OS.Discovery.Devices) != 1 {
		t.Fatalf("%v, %d devices", err, len(all.OS.Discovery.Devices))
	}
	return all.OS.Discovery.Devices[0], all.Sensors.Discovery.Sensors
}

// librePlaces say where we tell what LibreNMS reads from a column: the path, the column that names the part, and the
// sensor; or the state and its words by number; or neither: the health by ObjectStatusEnum.
var librePlaces = map[string]struct{ prefix, names, sensor, state, words string }{
	"4.600.30.1.5":      {prefix: "current/", names: "4.600.30.1.8"},
	"4.700.12.1.6":      {prefix: "fan/", names: "4.700.12.1.19", sensor: "speed_rpm"},
	"4.700.20.1.6":      {prefix: "temperature/", names: "4.700.20.1.8", sensor: "temperature_celsius"},
	"4.600.12.1.16":     {prefix: "psu/", names: "4.600.12.1.15", sensor: "input_volts"},
	"5.1.20.130.4.1.51": {prefix: "drive/", names: "5.1.20.130.4.1.54", sensor: "operation_percent"},
	"5.1.20.130.4.1.49": {prefix: "drive/", names: "5.1.20.130.4.1.54", sensor: "life_left_percent"},
	"5.1.20.130.4.1.4":  {prefix: "drive/", names: "5.1.20.130.4.1.54", state: "state", words: "unknown ready online foreign offline blocked failed non-raid removed read-only"},
	"5.1.20.140.1.1.4":  {prefix: "volume/", names: "5.1.20.140.1.1.35", state: "state", words: "unknown online failed degraded"},
	"5.1.20.130.1.1.38": {prefix: "controller/", names: "5.1.20.130.1.1.78"},
	"4.300.70.1.6":      {prefix: "intrusion/", state: "state", words: "closed open was-open sensor-failed"},
	"4.300.70.1.5":      {prefix: "intrusion/"},
	"4.1100.50.1.5":     {prefix: "dimm/", names: "4.1100.50.1.26"},
	"4.1100.30.1.5":     {prefix: "cpu/", names: "4.1100.30.1.26"},
	"4.600.50.1.5":      {prefix: "cell/", names: "4.600.50.1.7"},
	"4.600.20.1.5":      {prefix: "voltage/", names: "4.600.20.1.8"},
}

// Everything LibreNMS reads out of the recording we read too, and the same; but the percent of an operation
// that does not run, which is no 0.
func TestLibreNMS(t *testing.T) {
	t.Parallel()
	rows := r540(t)
	device, sensors := libreR540(t)
	r := visitingRows(t, rows).visit()
	if u := r.Unit; u.Version != device.Version || u.Model != device.Hardware || u.Serial != device.Serial {
		t.Errorf("unit %+v, LibreNMS says %+v", u, device)
	}
	if len(sensors) < 90 {
		t.Errorf("%d sensors", len(sensors))
	}
	for _, s := range sensors {
		theirs, ours, ok := compared(r, rows, s)
		switch {
		case !ok:
			t.Errorf("%s %s: nothing says where we tell it", s.Type, s.OID)
		case theirs != ours && !(strings.Contains(s.OID, ".130.4.1.51.") && theirs == "0" && ours == "not told"):
			t.Errorf("%s %s: we say %s, LibreNMS %s", s.Type, s.OID, ours, theirs)
		}
	}
}

// compared returns a reading as both say it.
func compared(r snmpReport, rows mibRows, s libreReading) (theirs, ours string, ok bool) {
	oid, below := strings.CutPrefix(s.OID, "."+mib)
	theirs = strconv.FormatFloat(s.Current, 'f', -1, 64)
	index, isAmpere := strings.CutPrefix(oid, "4.600.30.1.6.")
	switch {
	case !below:
		return healthWord(s.Current), r.parts["system heartbeat"].Health.String(), s.Type == "drsGlobalSystemStatus"
	case isAmpere && s.Class == "power":
		return theirs, gaugeText(r, "power/system consumed_watts"), true
	case isAmpere:
		return theirs, gaugeText(r, "psu/PSU.Slot."+strings.TrimPrefix(index, "1.")+" input_amperes"), true
	}
	for column, p := range librePlaces {
		index, ok := strings.CutPrefix(oid, column+".")
		if !ok {
			continue
		}
		path := p.prefix + strings.ReplaceAll(rows.said(p.names+"."+index), " ", "")
		if p.names == "" {
			path = p.prefix + strings.TrimPrefix(index, "1.")
		}
		if path == "current/SystemBoardPwrConsumption" {
			path = "power/system"
		}
		switch {
		case p.sensor != "":
			return theirs, gaugeText(r, path+" "+p.sensor), true
		case p.state != "":
			return strings.Fields(p.words)[int(s.Current)-1], r.parts[path].State.Get(p.state), true
		}
		return healthWord(s.Current), r.parts[path].Health.String(), true
	}
	return "", "", false
}

func gaugeText(r snmpReport, key string) string {
	s, ok := r.samples[key]
	switch {
	case !ok:
		return "not told"
	case s.Absent != "":
		return fmt.Sprint("absent: ", s.Absent)
	}
	return strconv.FormatFloat(s.Gauge, 'f', -1, 64)
}

func healthWord(status float64) string {
	switch status {
	case 3:
		return hw.OK.String()
	case 4:
		return hw.Warning.String()
	case 5, 6:
		return hw.Critical.String()
	}
	return hw.Unknown.String()
}
