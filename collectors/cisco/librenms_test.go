package cisco_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"rackpost/hw"
)

// expected is what LibreNMS makes of a recording.
type expected struct {
	Ports struct {
		Poller struct {
			Ports []struct {
				Name        string  `json:"ifName"`
				Oper        string  `json:"ifOperStatus"`
				Admin       string  `json:"ifAdminStatus"`
				Speed       *uint64 `json:"ifSpeed"`
				InOctets    *uint64 `json:"ifInOctets"`
				OutOctets   *uint64 `json:"ifOutOctets"`
				InUcastPkts *uint64 `json:"ifInUcastPkts"`
				InErrors    *uint64 `json:"ifInErrors"`
				Duplex      string  `json:"ifDuplex"`
			} `json:"ports"`
		} `json:"poller"`
	} `json:"ports"`
	Processors struct {
		Discovery struct {
			Processors []struct {
				Index string  `json:"processor_index"`
				Usage float64 `json:"processor_usage"`
			} `json:"processors"`
		} `json:"discovery"`
	} `json:"processors"`
	Pools struct {
		Discovery struct {
			Pools []struct {
				OID  string  `json:"mempool_used_oid"`
				Used float64 `json:"mempool_used"`
				Free float64 `json:"mempool_free"`
			} `json:"mempools"`
		} `json:"discovery"`
	} `json:"mempools"`
	Sensors struct {
		Discovery struct {
			Sensors []struct {
				Class   string  `json:"sensor_class"`
				OID     string  `json:"sensor_oid"`
				Current float64 `json:"sensor_current"`
			} `json:"sensors"`
		} `json:"discovery"`
	} `json:"sensors"`
}

func oracle(t *testing.T, name string) expected {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(recordings, name+".expected.json"))
	if err != nil {
		t.Skipf("no results of LibreNMS here: %v", err)
	}
	var e expected
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// elsewhere are the subtrees LibreNMS reads that this issue does not; nothing else may be
// missing here.
var elsewhere = map[string]string{
	"1.3.6.1.4.1.9.9.91.":        "transceivers: compared in TestTransceiversLikeLibreNMS",
	"1.3.6.1.4.1.9.9.402.1.4.":   "a count of powered devices: the ports that deliver power are told one by one",
	"1.3.6.1.4.1.9.9.176.":       "supervisor redundancy",
	"1.3.6.1.4.1.9.9.117.1.2.1.": "module state",
	"1.3.6.1.4.1.9.9.500.1.2.2.": "stack ports: they only say whether a ring can be",
}

// What LibreNMS reads of a device and we read too is the same.
func TestLikeLibreNMS(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"asa", "ftd_1140", "ios_2960x", "ios_4506"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := oracle(t, name)
			r := visiting(t, kindOf(name), recorded(t, raw(t, name))).all()
			compared := len(want.Ports.Poller.Ports) + len(want.Processors.Discovery.Processors) + len(want.Sensors.Discovery.Sensors)
			if compared < 20 {
				t.Fatalf("only %d things to compare", compared)
			}
			samePorts(t, want, r)
			for _, p := range want.Processors.Discovery.Processors {
				if got := r.gauge(t, "cpu/"+p.Index, "busy_5m_percent"); got != p.Usage {
					t.Errorf("cpu %s: %v, LibreNMS %v", p.Index, got, p.Usage)
				}
			}
			samePools(t, want, r)
			for _, s := range want.Sensors.Discovery.Sensors {
				sameSensor(t, r, s.Class, strings.TrimPrefix(s.OID, "."), s.Current)
			}
		})
	}
}

func samePorts(t *testing.T, want expected, r report) {
	t.Helper()
	for _, p := range want.Ports.Poller.Ports {
		c := r.part(t, "port/"+p.Name)
		if c.State.Get("oper") != p.Oper || c.State.Get("admin") != p.Admin {
			t.Errorf("%s: %v, LibreNMS %s %s", p.Name, c.State, p.Admin, p.Oper)
		}
		if p.Speed != nil && *p.Speed > 0 && c.Attrs.Get("speed_bps") != strconv.FormatUint(*p.Speed, 10) {
			t.Errorf("%s: %s bit/s, LibreNMS %d", p.Name, c.Attrs.Get("speed_bps"), *p.Speed)
		}
		duplex := p.Duplex
		if duplex == "unknown" || p.Oper != "up" {
			duplex = "" // we tell none that is not known
		}
		if c.State.Get("duplex") != duplex {
			t.Errorf("%s: %v, LibreNMS %s", p.Name, c.State, p.Duplex)
		}
		for sensor, n := range map[string]*uint64{
			"rx_bytes_total": p.InOctets, "tx_bytes_total": p.OutOctets,
			"rx_unicast_packets_total": p.InUcastPkts, "rx_errors_total": p.InErrors,
		} {
			s := r.samples["port/"+p.Name+" "+sensor]
			switch {
			case s.Absent == hw.NotSupported && (n == nil || *n == 0):
				// A stack's ring port has no such counter; LibreNMS stores 0.
			case n == nil || s.Absent != "" || s.Count != *n:
				t.Errorf("%s %s: %+v, LibreNMS %v", p.Name, sensor, s, n)
			}
		}
	}
}

// samePools finds each of LibreNMS's pools by its bytes: it names them in another way.
func samePools(t *testing.T, want expected, r report) {
	t.Helper()
	type bytes struct{ used, free float64 }
	have := map[bytes]int{}
	for path := range r.parts {
		if strings.HasPrefix(path, "memory/") {
			have[bytes{r.gauge(t, path, "used_bytes"), r.gauge(t, path, "free_bytes")}]++
		}
	}
	for _, p := range want.Pools.Discovery.Pools {
		b := bytes{p.Used, p.Free}
		if have[b]--; have[b] < 0 {
			t.Errorf("no pool of %v and %v bytes (%s)", p.Used, p.Free, p.OID)
		}
	}
}

// sameSensor compares a sensor of LibreNMS with the component its OID stands for.
func sameSensor(t *testing.T, r report, class, oid string, current float64) {
	t.Helper()
	for prefix := range elsewhere {
		if strings.HasPrefix(oid, prefix) {
			return
		}
	}
	index := oid[strings.LastIndex(oid, ".")+1:]
	at := func(prefix string) bool { return strings.HasPrefix(oid, prefix) }
	gauge := func(component, sensor string) {
		if got := r.gauge(t, component, sensor); got != current {
			t.Errorf("%s %s is %v, LibreNMS %v", component, sensor, got, current)
		}
	}
	word := func(component, key string, words ...string) {
		if got := r.part(t, component).State.Get(key); got != words[int(current)] {
			t.Errorf("%s %s is %q, LibreNMS %v", component, key, got, current)
		}
	}
	env := []string{"", "normal", "warning", "critical", "shutdown", "notPresent", "notFunctioning"}
	switch {
	case at("1.3.6.1.4.1.9.9.13.1.3.1.3."):
		gauge("temperature/"+index, "temperature_celsius")
	case at("1.3.6.1.4.1.9.9.13.1.3.1.6."):
		word("temperature/"+index, "state", env...)
	case (at("1.3.6.1.4.1.9.9.13.1.4.") || at("1.3.6.1.4.1.9.9.13.1.5.")) && current == 5:
		// An empty bay is a part that is not present to LibreNMS, and none to us.
		if _, ok := r.parts["psu/"+index]; ok && at("1.3.6.1.4.1.9.9.13.1.5.") {
			t.Errorf("psu/%s is not present and is there", index)
		}
	case at("1.3.6.1.4.1.9.9.13.1.4."):
		word("fan/"+index, "state", env...)
	case at("1.3.6.1.4.1.9.9.13.1.5."):
		word("psu/"+index, "state", env...)
	case at("1.3.6.1.2.1.99.") && class == "fanspeed":
		gauge("fan/"+index, "speed_rpm")
	case at("1.3.6.1.2.1.99.") && class == "temperature":
		gauge("temperature/"+index, "temperature_celsius")
	case at("1.3.6.1.4.1.9.9.117.1.1.2.1.2."):
		word("fru/"+index, "power", "", "offEnvOther", "on", "offAdmin")
	case at("1.3.6.1.2.1.105.1.3.1.1.2."):
		gauge("poe/"+index, "budget_watts")
	case at("1.3.6.1.2.1.105.1.3.1.1.4."):
		gauge("poe/"+index, "draw_watts")
	case at("1.3.6.1.4.1.9.9.500.1.2.1.1.3."):
		word("member/"+index[:1], "role", "", "master", "member", "notMember", "standby")
	case at("1.3.6.1.4.1.9.9.500.1.2.1.1.6."):
		word("member/"+index[:1], "state", "", "waiting", "progressing", "added", "ready")
	case at("1.3.6.1.4.1.9.9.500.1.1.3."):
		word("stack/ring", "redundant", "", "yes", "no")
	case at("1.3.6.1.4.1.9.9.147.1.2.1.1.1.3."):
		path := map[string]string{"4": "link", "6": "primary", "7": "secondary"}[index]
		words := []string{"", "other", "up", "down", "error", "overTemp", "busy", "noMedia", "backup", "active", "standby"}
		c := r.part(t, "failover/"+path)
		if got := c.State.Get("role") + c.State.Get("state"); got != words[int(current)] {
			t.Errorf("failover/%s is %q, LibreNMS %v", path, got, current)
		}
	case at("1.3.6.1.4.1.9.9.147.1.2.2.2.1.5.40."):
		gauge("connections/total", map[string]string{"6": "current_connections", "7": "peak_connections"}[index])
	case vpnSensors[oid] == "vpn/cluster active":
		word("vpn/cluster", "active", "no", "yes")
	case vpnSensors[oid] == "vpn/cluster role":
		word("vpn/cluster", "role", "", "master", "slave")
	case vpnSensors[oid] != "":
		gauge(vpnSensors[oid], vpnSensor(oid))
	default:
		t.Errorf("LibreNMS reads %s %s, we do not", class, oid)
	}
}

// vpnSensor names the sensor of a scalar of vpnSensors.
func vpnSensor(oid string) string {
	switch {
	case strings.HasPrefix(oid, "1.3.6.1.4.1.9.9.392."):
		return "current_sessions"
	case strings.HasSuffix(oid, ".36.1.4.0"):
		return "peers"
	}
	return "load_percent"
}

// vpnSensors are the scalars of VPN that LibreNMS reads, and the components they are here.
var vpnSensors = map[string]string{
	"1.3.6.1.4.1.9.9.392.1.3.26.0": "vpn/ipsec-remote", "1.3.6.1.4.1.9.9.392.1.3.29.0": "vpn/ipsec-l2l", "1.3.6.1.4.1.9.9.392.1.3.32.0": "vpn/load-balancing",
	"1.3.6.1.4.1.9.9.392.1.3.35.0": "vpn/svc", "1.3.6.1.4.1.9.9.392.1.3.38.0": "vpn/webvpn",
	"1.3.6.1.4.1.3076.2.1.2.36.1.1.0": "vpn/cluster role", "1.3.6.1.4.1.3076.2.1.2.36.1.3.0": "vpn/cluster active",
	"1.3.6.1.4.1.3076.2.1.2.36.1.4.0": "vpn/cluster", "1.3.6.1.4.1.3076.2.1.2.36.1.5.0": "vpn/cluster",
}
