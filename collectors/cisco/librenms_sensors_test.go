package cisco_test

import (
	"strconv"
	"strings"
)

// words compares a state with the name of its number.
func (c *comparison) word(object, component, key string, n float64, words ...string) {
	theirs := strconv.FormatFloat(n, 'f', -1, 64)
	if i := int(n); i >= 0 && i < len(words) {
		theirs = words[i]
	}
	c.same(object, component, theirs, c.ours.parts[component].State.Get(key))
}

// place is where the objects under an OID stand here: component and sensor or state, with
// words for a state. An index is put in the place of #.
type place struct {
	oid, object, component, what string
	words                        []string
}

var (
	envWords    = []string{"", "normal", "warning", "critical", "shutdown", "notPresent", "notFunctioning"}
	moduleWords = []string{
		"", "unknown", "ok", "disabled", "okButDiagFailed", "boot", "selfTest", "failed", "missing", "mismatchWithParent", "mismatchConfig", "diagFailed", "dormant",
	}
	pairWords = []string{"", "other", "up", "down", "error", "overTemp", "busy", "noMedia", "backup", "active", "standby"}
)

// places are the objects of LibreNMS's sensors. No other may be read there.
var places = []place{
	{"1.3.6.1.4.1.9.9.13.1.3.1.3.#", "ciscoEnvMonTemperatureStatusValue", "temperature/#", "temperature_celsius", nil},
	{"1.3.6.1.4.1.9.9.13.1.3.1.6.#", "ciscoEnvMonTemperatureState", "temperature/#", "state", envWords},
	{"1.3.6.1.4.1.9.9.13.1.4.1.3.#", "ciscoEnvMonFanState", "fan/#", "state", envWords},
	{"1.3.6.1.4.1.9.9.13.1.5.1.3.#", "ciscoEnvMonSupplyState", "psu/#", "state", envWords},
	{"1.3.6.1.4.1.9.9.117.1.1.2.1.2.#", "cefcFRUPowerOperStatus", "fru/#", "power", []string{"", "offEnvOther", "on", "offAdmin"}},
	{"1.3.6.1.4.1.9.9.117.1.2.1.1.2.#", "cefcModuleOperStatus", "module/#", "oper", moduleWords},
	{"1.3.6.1.4.1.9.9.176.#", "cRFStatus", "", "", nil},
	{"1.3.6.1.4.1.9.9.402.1.4.1.#", "cpeExtPdStatsTotalDevices", "", "", nil},
	{"1.3.6.1.2.1.105.1.3.1.1.2.#", "pethMainPsePower", "poe/#", "budget_watts", nil},
	{"1.3.6.1.2.1.105.1.3.1.1.4.#", "pethMainPseConsumptionPower", "poe/#", "draw_watts", nil},
	{"1.3.6.1.4.1.9.9.500.1.1.3.#", "cswRingRedundant", "stack/ring", "redundant", []string{"", "yes", "no"}},
	{"1.3.6.1.4.1.9.9.500.1.2.1.1.3.#", "cswSwitchRole", "member/%", "role", []string{"", "master", "member", "notMember", "standby"}},
	{"1.3.6.1.4.1.9.9.500.1.2.1.1.6.#", "cswSwitchState", "member/%", "state", []string{"", "waiting", "progressing", "added", "ready"}},
	{"1.3.6.1.4.1.9.9.500.1.2.2.1.1.#", "cswStackPortOperStatus", "stack/ring", "down", []string{"", "up"}},
	{"1.3.6.1.4.1.9.9.147.1.2.1.1.1.3.4", "cfwHardwareStatusValue", "failover/link", "state", pairWords},
	{"1.3.6.1.4.1.9.9.147.1.2.1.1.1.3.6", "cfwHardwareStatusValue", "failover/primary", "role", pairWords},
	{"1.3.6.1.4.1.9.9.147.1.2.1.1.1.3.7", "cfwHardwareStatusValue", "failover/secondary", "role", pairWords},
	{"1.3.6.1.4.1.9.9.147.1.2.2.2.1.5.40.6", "cfwConnectionStatValue", "connections/total", "current_connections", nil},
	{"1.3.6.1.4.1.9.9.147.1.2.2.2.1.5.40.7", "cfwConnectionStatValue", "connections/total", "peak_connections", nil},
	{"1.3.6.1.4.1.9.9.392.1.3.26.0", "crasIPSecNumSessions", "vpn/ipsec-remote", "current_sessions", nil},
	{"1.3.6.1.4.1.9.9.392.1.3.29.0", "crasL2LNumSessions", "vpn/ipsec-l2l", "current_sessions", nil},
	{"1.3.6.1.4.1.9.9.392.1.3.32.0", "crasLBNumSessions", "vpn/load-balancing", "current_sessions", nil},
	{"1.3.6.1.4.1.9.9.392.1.3.35.0", "crasSVCNumSessions", "vpn/svc", "current_sessions", nil},
	{"1.3.6.1.4.1.9.9.392.1.3.38.0", "crasWebvpnNumSessions", "vpn/webvpn", "current_sessions", nil},
	{"1.3.6.1.4.1.3076.2.1.2.36.1.1.0", "alLBSSFRole", "vpn/cluster", "role", []string{"", "master", "slave"}},
	{"1.3.6.1.4.1.3076.2.1.2.36.1.3.0", "alLBSSFActive", "vpn/cluster", "active", []string{"no", "yes"}},
	{"1.3.6.1.4.1.3076.2.1.2.36.1.4.0", "alLBSSFPeers", "vpn/cluster", "peers", nil},
	{"1.3.6.1.4.1.3076.2.1.2.36.1.5.0", "alLBSSFLoad", "vpn/cluster", "load_percent", nil},
}

func (c *comparison) sensors() {
	for _, x := range c.theirs.rows("sensors", "sensors") {
		oid, now := strings.TrimPrefix(x.text("sensor_oid"), "."), x["sensor_current"].(float64)
		switch {
		case strings.HasPrefix(oid, ietfSensor+".4."):
			index := strings.TrimPrefix(oid, ietfSensor+".4.")
			component, sensor := "temperature/"+index, "temperature_celsius"
			if x.text("sensor_class") == "fanspeed" {
				component, sensor = "fan/"+index, "speed_rpm"
			}
			c.number("entPhySensorValue", component, now, component, sensor)
		case strings.HasPrefix(oid, ciscoSensor+".4."):
			c.optic(strings.TrimPrefix(oid, ciscoSensor+".4."), now)
		default:
			c.sensor(oid, now)
		}
	}
}

func (c *comparison) sensor(oid string, now float64) {
	for _, p := range places {
		prefix, any := strings.CutSuffix(p.oid, "#")
		index, below := strings.CutPrefix(oid, prefix)
		if oid != p.oid && (!any || !below) {
			continue
		}
		number := index
		if n, err := strconv.Atoi(index); err == nil && n >= 1000 {
			number = strconv.Itoa(n / 1000) // of a stack member
		}
		component := strings.NewReplacer("#", index, "%", number).Replace(p.component)
		if p.words == nil {
			c.number(p.object, oid, now, component, p.what)
		} else {
			c.word(p.object, component, p.what, now, p.words...)
		}
		return
	}
	c.Errorf("%s: LibreNMS reads %s, and nothing compares it", c.name, oid)
}

// optic compares a sensor of a transceiver.
func (c *comparison) optic(index string, now float64) {
	at, what, _ := strings.Cut(c.said[entRow+".7."+index], " ")
	sensor := map[string]string{
		"Module Temperature Sensor": "temperature_celsius", "Supply Voltage Sensor": "supply_volts", "Bias Current Sensor": "bias_amperes",
		"Transmit Power Sensor": "tx_power_dbm", "Receive Power Sensor": "rx_power_dbm",
	}[what]
	c.number("entSensorValue", at+" "+what, now, "transceiver/"+at, sensor)
}
