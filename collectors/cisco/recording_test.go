package cisco_test

import (
	"bytes"
	"encoding/hex"
	"maps"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rackpost/collectors"
	"rackpost/hw"
)

// walkOf is a recording read by other code than ours: values by OID.
type walkOf map[string]string

func parse(t testing.TB, lines []byte) walkOf {
	t.Helper()
	w := walkOf{}
	for line := range bytes.Lines(lines) {
		f := strings.SplitN(strings.TrimRight(string(line), "\r\n"), "|", 3)
		if len(f) != 3 {
			continue
		}
		if strings.HasSuffix(f[1], "x") {
			b, err := hex.DecodeString(f[2])
			if err != nil {
				t.Fatal(err)
			}
			f[2] = string(b)
		}
		w[f[0]] = f[2]
	}
	return w
}

// column returns the values under an OID by index.
func (w walkOf) column(oid string) map[string]string {
	c := map[string]string{}
	for k, v := range w {
		if index, ok := strings.CutPrefix(k, oid+"."); ok {
			c[index] = v
		}
	}
	return c
}

func kindOf(name string) collectors.Kind {
	if name == "asa" || strings.HasPrefix(name, "ftd") {
		return asa
	}
	return catalyst
}

// everyRecording are the real devices of the families.
var everyRecording = []string{"cisco_16_switch", "cisco-c3560", "ios_2960x", "ios_4506", "asa", "ftd_1140"}

// counterOIDs are the columns of the counters that every one of our recordings has in 64
// bits, or in 32 where there is no more.
var counterOIDs = map[string]string{
	"rx_bytes_total":             "1.3.6.1.2.1.31.1.1.1.6",
	"tx_bytes_total":             "1.3.6.1.2.1.31.1.1.1.10",
	"rx_unicast_packets_total":   "1.3.6.1.2.1.31.1.1.1.7",
	"tx_unicast_packets_total":   "1.3.6.1.2.1.31.1.1.1.11",
	"rx_multicast_packets_total": "1.3.6.1.2.1.31.1.1.1.8",
	"tx_multicast_packets_total": "1.3.6.1.2.1.31.1.1.1.12",
	"rx_broadcast_packets_total": "1.3.6.1.2.1.31.1.1.1.9",
	"tx_broadcast_packets_total": "1.3.6.1.2.1.31.1.1.1.13",
	"rx_errors_total":            "1.3.6.1.2.1.2.2.1.14",
	"tx_errors_total":            "1.3.6.1.2.1.2.2.1.20",
	"rx_discards_total":          "1.3.6.1.2.1.2.2.1.13",
	"tx_discards_total":          "1.3.6.1.2.1.2.2.1.19",
}

// Every interface of every recording is there under its ifName, with the state and the
// counters the device told, and nothing is there that it did not tell.
func TestRecordedPorts(t *testing.T) {
	t.Parallel()
	words := []string{"", "up", "down", "testing", "unknown", "dormant", "notPresent", "lowerLayerDown"}
	for _, name := range everyRecording {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines := raw(t, name)
			w := parse(t, lines)
			r := visiting(t, kindOf(name), recorded(t, lines)).all()
			r.complete(t)
			names := w.column("1.3.6.1.2.1.31.1.1.1.1")
			ports := 0
			for path := range r.parts {
				if strings.HasPrefix(path, "port/") {
					ports++
				}
			}
			if ports != len(names) {
				t.Errorf("%d ports, the device has %d", ports, len(names))
			}
			for index, ifName := range names {
				c := r.part(t, "port/"+ifName)
				for key, oid := range map[string]string{"admin": "1.3.6.1.2.1.2.2.1.7.", "oper": "1.3.6.1.2.1.2.2.1.8."} {
					want := ""
					if n, err := strconv.Atoi(w[oid+index]); err == nil {
						want = words[n]
					}
					if got := c.State.Get(key); got != want {
						t.Errorf("%s %s is %q, want %q", ifName, key, got, want)
					}
				}
				if got, want := c.Attrs.Get("alias"), strings.TrimSpace(w["1.3.6.1.2.1.31.1.1.1.18."+index]); got != want {
					t.Errorf("%s: alias %q, want %q", ifName, got, want)
				}
				for sensor, oid := range counterOIDs {
					s := r.samples["port/"+ifName+" "+sensor]
					want, told := w[oid+"."+index]
					switch {
					case told && (s.Absent != "" || strconv.FormatUint(s.Count, 10) != want):
						t.Errorf("%s %s: %+v, want %s", ifName, sensor, s, want)
					case !told && s.Absent != hw.NotSupported:
						t.Errorf("%s %s: %+v, the device tells none", ifName, sensor, s)
					}
				}
			}
		})
	}
}

// facts are what a person can read in a recording.
type facts struct {
	recording     string
	serial, model string // the objects they stand in; "" for one that has none
	uptime        string // the object, and what one of it is in seconds
	uptimeUnit    float64
	parts         map[string]string // path: health, then state and attributes wanted
	gauges        map[string]string // the object the value stands in
	none          []string          // components that must not be there
}

// The numbered objects below stand for what the recording says under them, read by the test
// itself: values of real devices are not for this repository.
const (
	entSerial   = "1.3.6.1.2.1.47.1.1.1.1.11."
	entModel    = "1.3.6.1.2.1.47.1.1.1.1.13."
	cpuBusy     = "1.3.6.1.4.1.9.9.109.1.1.1.1."
	memoryPool  = "1.3.6.1.4.1.9.9.48.1.1.1."
	bigPool     = "1.3.6.1.4.1.9.9.221.1.1.1.1."
	envCelsius  = "1.3.6.1.4.1.9.9.13.1.3.1.3."
	entSensor   = "1.3.6.1.2.1.99.1.1.1.4."
	memberMAC   = "1.3.6.1.4.1.9.9.500.1.2.1.1.7."
	connections = "1.3.6.1.4.1.9.9.147.1.2.2.2.1.5.40."
	upTicks     = "1.3.6.1.2.1.1.3.0"
	engineTime  = "1.3.6.1.6.3.10.2.1.3.0"
	engineBoots = "1.3.6.1.6.3.10.2.1.2.0"
)

func switchFacts() []facts {
	return []facts{
		{
			recording: "cisco_16_switch", serial: entSerial + "3001", model: entModel + "3001", uptime: upTicks, uptimeUnit: 0.01,
			parts: map[string]string{
				"member/3": "ok role=master state=ready priority=1 mac=@mac:" + memberMAC + "3001 serial=@" + entSerial + "3001",
				"fan/3004": "ok state=normal member=3", "psu/3003": "ok state=normal source=ac",
				"memory/Driver text": "ok fixed=true", "memory/Processor": "ok fixed=", "config/running": "ok config=saved",
			},
			gauges: map[string]string{
				"cpu/1 busy_5s_percent": cpuBusy + "6.1", "cpu/1 busy_1m_percent": cpuBusy + "7.1", "cpu/1 busy_5m_percent": cpuBusy + "8.1",
				"memory/Processor used_bytes": memoryPool + "5.1", "memory/Processor largest_free_bytes": memoryPool + "7.1",
			},
			none: []string{"stack/ring"}, // a lone switch says "not redundant" too
		},
		{
			recording: "cisco-c3560", serial: entSerial + "1001", model: entModel + "1001", uptime: upTicks, uptimeUnit: 0.01,
			parts: map[string]string{
				"temperature/1005": "warning state=warning name=SW#1, Sensor#1 threshold_celsius=@1.3.6.1.4.1.9.9.13.1.3.1.4.1005",
				"psu/1003":         "ok name=Sw1, PS1, RPS", "system": "ok engine_boots=@" + engineBoots, "config/running": "ok config=saved",
			},
			gauges: map[string]string{"temperature/1005 temperature_celsius": envCelsius + "1005", "cpu/1 busy_1m_percent": cpuBusy + "7.1"},
			none:   []string{"member/1", "stack/ring"},
		},
		{
			recording: "ios_2960x", serial: entSerial + "1001", model: entModel + "1001", uptime: upTicks, uptimeUnit: 0.01,
			parts: map[string]string{
				"member/1": "ok role=master state=ready", "member/2": "ok role=member state=ready serial=@" + entSerial + "2001 model=@" + entModel + "2001",
				"member/3": "ok role=member state=ready", "stack/ring": "ok redundant=yes",
			},
			gauges: map[string]string{"temperature/1008 temperature_celsius": envCelsius + "1008", "temperature/3008 temperature_celsius": envCelsius + "3008",
				"cpu/1 busy_5m_percent": cpuBusy + "8.1"},
		},
		{
			recording: "ios_4506", serial: entSerial + "1", model: entModel + "1",
			parts: map[string]string{
				"psu/1": "ok state=normal", "fan/1": "ok state=normal", "fru/1000": "ok power=on member= model=@" + entModel + "1000",
				"port/Gi1/1": "unknown",
			},
			gauges: map[string]string{"temperature/1 temperature_celsius": envCelsius + "1"},
			none:   []string{"psu/2", "fan/3"}, // an empty bay
		},
	}
}

func firewallFacts() []facts {
	return []facts{
		{
			recording: "asa", serial: entSerial + "1", model: entModel + "1", uptime: upTicks, uptimeUnit: 0.01,
			parts: map[string]string{
				"failover/primary": "ok role=active polled=yes failover=on", "failover/secondary": "ok role=standby polled=",
				"failover/link": "ok state=up", "psu/18": "ok presence=true input=true", "psu/24": "ok serial=@" + entSerial + "24",
			},
			gauges: map[string]string{
				"memory/Chassis/System memory free_bytes": bigPool + "20.1.1", "memory/Chassis/System memory used_bytes": bigPool + "18.1.1",
				"memory/Processor 0/0/System memory free_bytes": bigPool + "20.2.1",
				"connections/total current_connections":         connections + "6", "connections/total peak_connections": connections + "7",
				"fan/13 speed_rpm": entSensor + "13", "temperature/30 temperature_celsius": entSensor + "30",
			},
		},
		{
			recording: "ftd_1140", uptime: engineTime, uptimeUnit: 1,
			parts: map[string]string{"cpu/2": "ok", "cpu/8": "ok", "memory/System memory": "ok"},
			gauges: map[string]string{
				"cpu/2 busy_1m_percent": cpuBusy + "7.2", "cpu/3 busy_5m_percent": cpuBusy + "8.3", "memory/System memory free_bytes": bigPool + "20.1.1",
			},
			none: []string{"failover/primary", "connections/total"},
		},
	}
}

// One visit of each recording, by what a person can read in it.
func TestRecordedFacts(t *testing.T) {
	t.Parallel()
	for _, want := range slices.Concat(switchFacts(), firewallFacts()) {
		t.Run(want.recording, func(t *testing.T) {
			t.Parallel()
			lines := raw(t, want.recording)
			want.check(t, parse(t, lines), visiting(t, kindOf(want.recording), recorded(t, lines)).all())
		})
	}
}

func (f facts) check(t *testing.T, said walkOf, r report) {
	t.Helper()
	number := func(oid string) float64 {
		x, err := strconv.ParseFloat(said[oid], 64)
		if err != nil {
			t.Errorf("the recording says %q under %s", said[oid], oid)
		}
		return x
	}
	if u := r.Unit; u == nil || u.Serial != said[f.serial] || u.Model != said[f.model] || u.Version == "" || !strings.Contains(said["1.3.6.1.2.1.1.1.0"], "Version "+u.Version) {
		t.Errorf("unit %+v", u)
	} else if f.uptime != "" && math.Abs(u.Uptime.Seconds()-number(f.uptime)*f.uptimeUnit) > 60 {
		t.Errorf("up for %v, the recording says %v", u.Uptime, said[f.uptime])
	}
	for path, want := range f.parts {
		wantPart(t, said, r.part(t, path), want)
	}
	for key, oid := range f.gauges {
		i := strings.LastIndex(key, " ")
		if got, want := r.gauge(t, key[:i], key[i+1:]), number(oid); got != want {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	for _, path := range f.none {
		if c, ok := r.parts[path]; ok {
			t.Errorf("%+v is there", c)
		}
	}
}

// wantPart compares a component with "health key=value ...". A value @OID is what the
// recording says there, @mac:OID the same as an address is written.
func wantPart(t *testing.T, said walkOf, c hw.Component, want string) {
	t.Helper()
	health, rest, _ := strings.Cut(want, " ")
	if c.Health.String() != health {
		t.Errorf("%s is %v, want %s", c.Path, c.Health, health)
	}
	words := strings.Split(rest, " ")
	for i := 0; i < len(words); i++ {
		key, value, ok := strings.Cut(words[i], "=")
		if !ok {
			continue
		}
		for i+1 < len(words) && !strings.Contains(words[i+1], "=") {
			i++
			value += " " + words[i]
		}
		if oid, ok := strings.CutPrefix(value, "@mac:"); ok {
			value = net.HardwareAddr(said[oid]).String()
		} else if oid, ok := strings.CutPrefix(value, "@"); ok {
			value = said[oid]
		}
		if got := c.State.Get(key) + c.Attrs.Get(key); got != value {
			t.Errorf("%s: %s is %q, want %q", c.Path, key, got, value)
		}
	}
}

// The counters of a real device, read twice, have one start.
func TestRecordedTwice(t *testing.T) {
	t.Parallel()
	for _, name := range everyRecording {
		v := visiting(t, kindOf(name), recorded(t, raw(t, name)))
		first, second := v.all(), v.fast()
		second.complete(t)
		for _, key := range slices.Sorted(maps.Keys(second.samples)) {
			if a, b := first.samples[key], second.samples[key]; b.Type == hw.Counter && a != b {
				t.Fatalf("%s %s: %+v, then %+v", name, key, a, b)
			}
		}
	}
}
