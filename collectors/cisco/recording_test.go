package cisco_test

import (
	"bytes"
	"encoding/hex"
	"maps"
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
	recording              string
	serial, model, version string
	uptime                 float64
	parts                  map[string]string // path: health, then state and attributes wanted
	gauges                 map[string]float64
	none                   []string // components that must not be there
}

func switchFacts() []facts {
	return []facts{
		{
			recording: "cisco_16_switch", serial: "SERIAL0001", model: "WS-C3750-48PS-S", version: "12.2(55)SE10", uptime: 1.01,
			parts: map[string]string{
				"member/3": "ok role=master state=ready priority=1 mac=02:00:00:00:00:01 serial=SERIAL0001",
				"fan/3004": "ok state=normal member=3", "psu/3003": "ok state=normal source=ac",
				"memory/Driver text": "ok fixed=true", "memory/Processor": "ok fixed=", "system": "ok config=saved",
			},
			gauges: map[string]float64{
				"cpu/1 busy_5s_percent": 90, "cpu/1 busy_1m_percent": 53, "cpu/1 busy_5m_percent": 25,
				"memory/Processor used_bytes": 1001, "memory/Processor largest_free_bytes": 1002,
			},
			none: []string{"stack/ring"}, // a lone switch says "not redundant" too
		},
		{
			recording: "cisco-c3560", serial: "SERIAL0002", model: "WS-C3560G-48TS-E", version: "12.2(55)SE3", uptime: 1.02,
			parts: map[string]string{
				"temperature/1005": "warning state=warning name=SW#1, Sensor#1 threshold_celsius=66",
				"psu/1003":         "ok name=Sw1, PS1, RPS", "system": "ok config=saved engine_boots=93",
			},
			gauges: map[string]float64{"temperature/1005 temperature_celsius": 61, "cpu/1 busy_1m_percent": 58},
			none:   []string{"member/1", "stack/ring"},
		},
		{
			recording: "ios_2960x", serial: "SERIAL0003", model: "WS-C2960X-48FPS-L", version: "15.0(2a)EX5", uptime: 1.03,
			parts: map[string]string{
				"member/1": "ok role=master state=ready", "member/2": "ok role=member state=ready model=WS-C2960X-24PS-L",
				"member/3": "ok role=member state=ready", "stack/ring": "ok redundant=yes",
				"unit/SERIAL0004": "ok member=2 model=WS-C2960X-24PS-L",
			},
			gauges: map[string]float64{"temperature/1008 temperature_celsius": 44, "temperature/3008 temperature_celsius": 43, "cpu/1 busy_5m_percent": 53},
		},
		{
			recording: "ios_4506", serial: "<private>", model: "WS-C4506-E", version: "12.2(31)SGA8",
			parts: map[string]string{
				"psu/1": "ok state=normal", "fan/1": "ok state=normal", "fru/1000": "ok power=on member= model=WS-X4013+",
				"port/Gi1/1": "unknown",
			},
			gauges: map[string]float64{"temperature/1 temperature_celsius": 30},
			none:   []string{"psu/2", "fan/3"}, // an empty bay
		},
	}
}

func firewallFacts() []facts {
	return []facts{
		{
			recording: "asa", serial: "SERIAL0005", model: "ASA5555", version: "9.12(2)", uptime: 1.04,
			parts: map[string]string{
				"failover/primary": "ok role=active polled=yes failover=on", "failover/secondary": "ok role=standby polled=",
				"failover/link": "ok state=up", "psu/18": "ok presence=true input=true", "psu/24": "ok serial=SERIAL0006",
			},
			gauges: map[string]float64{
				"memory/Chassis/System memory free_bytes": 1_003, "memory/Chassis/System memory used_bytes": 1_004,
				"memory/Processor 0/0/System memory free_bytes": 1_005,
				"connections/total current_connections":         7756, "connections/total peak_connections": 72363,
				"fan/13 speed_rpm": 4864, "temperature/30 temperature_celsius": 67,
			},
		},
		{
			recording: "ftd_1140", version: "6.4.0", uptime: 10351152,
			parts: map[string]string{"cpu/2": "ok", "cpu/8": "ok", "memory/System memory": "ok"},
			gauges: map[string]float64{
				"cpu/2 busy_1m_percent": 13, "cpu/3 busy_5m_percent": 13, "memory/System memory free_bytes": 1_006,
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
			want.check(t, visiting(t, kindOf(want.recording), recorded(t, raw(t, want.recording))).all())
		})
	}
}

func (f facts) check(t *testing.T, r report) {
	t.Helper()
	if u := r.Unit; u == nil || u.Serial != f.serial || u.Model != f.model || u.Version != f.version || u.Uptime.Seconds() != f.uptime {
		t.Errorf("unit %+v", u)
	}
	for path, want := range f.parts {
		wantPart(t, r.part(t, path), want)
	}
	for key, want := range f.gauges {
		i := strings.LastIndex(key, " ")
		if got := r.gauge(t, key[:i], key[i+1:]); got != want {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	for _, path := range f.none {
		if c, ok := r.parts[path]; ok {
			t.Errorf("%+v is there", c)
		}
	}
}

// wantPart compares a component with "health key=value ...".
func wantPart(t *testing.T, c hw.Component, want string) {
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
		if got := c.State.Get(key) + c.Attrs.Get(key); got != value {
			t.Errorf("%s: %s is %q, want %q", c.Path, key, got, value)
		}
	}
}

// A device of which rows are missing, or cut short, tells less and nothing else: every
// sample that is there is one of the whole device, and every port is one of its ports.
func TestRowsDropped(t *testing.T) {
	t.Parallel()
	for _, name := range everyRecording {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines := raw(t, name)
			whole := visiting(t, kindOf(name), recorded(t, lines)).all()
			for seed := range uint64(6) {
				r := visiting(t, kindOf(name), recorded(t, thinned(lines, seed))).all()
				for key, s := range r.samples {
					if was, ok := whole.samples[key]; s.Absent == "" && ok && was.Absent == "" && (s.Count != was.Count || s.Gauge != was.Gauge) {
						t.Errorf("seed %d: %s is %d %v, was %d %v", seed, key, s.Count, s.Gauge, was.Count, was.Gauge)
					}
				}
				for path, c := range r.parts {
					if was, ok := whole.parts[path]; ok && c.Health > hw.OK && c.Health != was.Health {
						t.Errorf("seed %d: %s is %v, was %v", seed, path, c.Health, was.Health)
					}
				}
			}
		})
	}
}

// thinned drops some rows of the tables, what identifies the device left alone. Names stay:
// a device that tells another name has another port.
func thinned(lines []byte, seed uint64) []byte {
	var out []byte
	keep := []string{"1.3.6.1.2.1.1.", "1.3.6.1.2.1.31.1.1.1.1.", "1.3.6.1.2.1.2.2.1.2.", "1.3.6.1.2.1.47.", "1.3.6.1.4.1.9.9.109.1.1.1.1.2.", "1.3.6.1.4.1.9.9.221.1.1.1.1.3."}
	x := seed*2 + 1
	for line := range bytes.Lines(lines) {
		x = x*6364136223846793005 + 1442695040888963407
		kept := slices.ContainsFunc(keep, func(p string) bool { return bytes.HasPrefix(line, []byte(p)) })
		if kept || x>>33%5 != 0 {
			out = append(out, line...)
		}
	}
	return out
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
