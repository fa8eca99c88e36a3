package cisco_test

import (
	"bytes"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rackpost/collectors/sim"
	"rackpost/hw"
)

func (w walkOf) number(t testing.TB, oid string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(w[oid], 64)
	if err != nil {
		t.Fatalf("the recording says %q under %s", w[oid], oid)
	}
	return x
}

// What a real ASA says of its sessions, tunnels and balancing, by OID.
func TestRecordedASA(t *testing.T) {
	t.Parallel()
	lines := raw(t, "asa")
	said, r := parse(t, lines), visiting(t, asa, recorded(t, lines)).all()
	r.complete(t)
	const ras, flow, lb = "1.3.6.1.4.1.9.9.392.1.", "1.3.6.1.4.1.9.9.171.1.", "1.3.6.1.4.1.3076.2.1.2.36.1."
	for key, oid := range map[string]string{
		"vpn/total current_sessions": ras + "3.1.0", "vpn/total current_users": ras + "3.3.0", "vpn/total limit_sessions": ras + "1.1.0",
		"vpn/ipsec-remote current_sessions": ras + "3.26.0", "vpn/ipsec-remote peak_sessions": ras + "3.28.0",
		"vpn/ipsec-l2l current_sessions": ras + "3.29.0", "vpn/ipsec-l2l peak_sessions": ras + "3.31.0",
		"vpn/load-balancing current_sessions": ras + "3.32.0", "vpn/svc current_sessions": ras + "3.35.0", "vpn/webvpn current_sessions": ras + "3.38.0",
		"vpn/svc peak_sessions": ras + "3.37.0", "vpn/cluster peers": lb + "4.0", "vpn/cluster load_percent": lb + "5.0", "ipsec/global active_tunnels": flow + "3.1.1.0",
	} {
		path, sensor, _ := strings.Cut(key, " ")
		if got, want := r.gauge(t, path, sensor), said.number(t, oid); got != want {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	for key, oid := range map[string]string{
		"vpn/total sessions_total": ras + "3.2.0", "vpn/svc sessions_total": ras + "3.36.0", "ipsec/global rx_bytes_total": flow + "3.1.4.0", "ipsec/global no_sa_total": flow + "3.1.29.0",
	} {
		path, sensor, _ := strings.Cut(key, " ")
		if got, want := r.count(t, path, sensor).Count, said.number(t, oid); float64(got) != want {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	if c := r.part(t, "vpn/cluster"); c.State.Get("active") != "yes" || c.State.Get("role") != "master" || said[lb+"3.0"] != "1" || said[lb+"1.0"] != "1" {
		t.Errorf("%+v", c)
	}
	if c := r.part(t, "failover/pair"); c.Health != hw.OK || c.State.Get("active") != "primary" {
		t.Errorf("%+v", c)
	}
	if limit, percent := r.gauge(t, "connections/total", "limit_connections"), r.gauge(t, "connections/total", "used_percent"); math.Abs(percent-100*said.number(t, connections+"6")/limit) > 1e-9 {
		t.Errorf("%v %% of %v", percent, limit)
	}
	sameTunnelsAs(t, said, r)
}

// sameTunnelsAs adds the rows of phase 2 up by the address they tell.
func sameTunnelsAs(t *testing.T, said walkOf, r report) {
	t.Helper()
	const inner, outer = "1.3.6.1.4.1.9.9.171.1.3.2.1.", "1.3.6.1.4.1.9.9.171.1.2.3.1."
	rows, rx, tx, age := map[string]float64{}, map[string]float64{}, map[string]float64{}, map[string]float64{}
	for index, bytes := range said.column(inner + "5") {
		a, ok := netip.AddrFromSlice([]byte(bytes))
		if !ok {
			t.Fatalf("%q is no address", bytes)
		}
		path := "tunnel/" + a.String()
		rows[path]++
		rx[path] += said.number(t, inner+"27."+index)
		tx[path] += said.number(t, inner+"40."+index)
		age[path] = max(age[path], said.number(t, outer+"16."+said[inner+"2."+index])/100)
	}
	for path := range r.parts {
		if strings.HasPrefix(path, "tunnel/") && rows[path] == 0 {
			t.Errorf("%s is no peer of the device", path)
		}
	}
	for path := range rows {
		if got := r.gauge(t, path, "security_associations_count"); got != rows[path] {
			t.Errorf("%s: %v tunnels, want %v", path, got, rows[path])
		}
		if a, b := r.count(t, path, "rx_bytes_total").Count, r.count(t, path, "tx_bytes_total").Count; float64(a) != rx[path] || float64(b) != tx[path] {
			t.Errorf("%s: %d and %d, want %v and %v", path, a, b, rx[path], tx[path])
		}
		if got := r.gauge(t, path, "active_seconds"); got != age[path] {
			t.Errorf("%s: up for %v s, want %v", path, got, age[path])
		}
	}
	if len(rows) == 0 {
		t.Error("the recording has no tunnels")
	}
}

// What a real FTD says of its CPUs: five seconds out of the monitoring interval.
func TestRecordedFTD(t *testing.T) {
	t.Parallel()
	lines := raw(t, "ftd_1140")
	said, r := parse(t, lines), visiting(t, asa, recorded(t, lines)).all()
	r.complete(t)
	fives := said.column(cpm + ".1.1.10")
	if len(fives) == 0 || slices.Contains([]string{"", "0"}, said[cpm+".1.1.9.1"]) {
		t.Fatal("the recording has no monitoring interval")
	}
	for index := range fives {
		if got, want := r.gauge(t, "cpu/"+index, "busy_5s_percent"), said.number(t, cpm+".1.1.10."+index); got != want {
			t.Errorf("cpu/%s: %v, want %v", index, got, want)
		}
	}
	for path := range r.parts {
		for _, none := range []string{"failover/", "vpn/", "tunnel/", "context/", "ipsec/", "connections/", "standby/"} {
			if strings.HasPrefix(path, none) {
				t.Errorf("%s: the device has none", path)
			}
		}
	}
}

// The requests a firewall is asked, for all sections and for the fast ones.
func TestRequestsOfFirewall(t *testing.T) {
	t.Parallel()
	v := visiting(t, asa, recorded(t, raw(t, "asa")))
	first := v.all().Requests
	all, fast := v.all().Requests, v.fast().Requests
	t.Logf("%d requests at first, %d for all sections, %d for the fast ones", first, all, fast)
	if first > 80 || all > 60 || fast > 25 {
		t.Errorf("%d requests at first, %d for all sections, %d for the fast ones", first, all, fast)
	}
}

// replaced returns lines with some objects changed, and without those that are set to "".
func replaced(lines []byte, values map[string]string) []byte {
	var out []byte
	for line := range bytes.Lines(lines) {
		oid, _, _ := strings.Cut(string(line), "|")
		switch value, ok := values[oid]; {
		case !ok:
			out = append(out, line...)
		case value != "":
			out = append(out, oid+"|"+value+"\n"...)
		}
	}
	return out
}

// A real ASA whose units change their roles: before, in between, with the address moved,
// and back.
func TestRecordedASAFailsOver(t *testing.T) {
	t.Parallel()
	const f = "1.3.6.1.4.1.9.9.147.1.2.1.1.1"
	lines := raw(t, "asa")
	away := map[string]string{}
	for _, row := range []string{"6", "7"} {
		for _, column := range []string{".2.", ".3.", ".4."} {
			away[f+column+row] = ""
		}
	}
	moved := map[string]string{
		f + ".2.6": "4|Primary unit", f + ".3.6": "2|10", f + ".4.6": "4|Standby unit",
		f + ".2.7": "4|Secondary unit (this device)", f + ".3.7": "2|9", f + ".4.7": "4|Active unit", entSerial + "1": "4|ANOTHER1",
	}
	v := visiting(t, asa, recorded(t, lines))
	before := v.all()
	for i, x := range []struct {
		values map[string]string
		active string
		want   hw.Health
	}{{away, "", hw.Unknown}, {moved, "secondary", hw.OK}, {nil, "primary", hw.OK}} {
		v.becomes(recorded(t, replaced(lines, x.values)))
		r := v.fast()
		if c := r.part(t, "failover/pair"); c.Health != x.want || c.State.Get("active") != x.active {
			t.Errorf("step %d: %+v, want %v active=%q", i, c, x.want, x.active)
		}
		if !r.Unit.Pair {
			t.Errorf("step %d: no pair any more", i)
		}
		if i > 0 {
			broken(t, before, r)
		}
		before = r
	}
}

// All sessions of the licence in use are a warning, and nothing else is.
func TestSessionsAtTheLimit(t *testing.T) {
	t.Parallel()
	v := visiting(t, asa, modelled(t, "asa-5525-failover", sim.ModelOptions{}))
	v.all()
	v.fault("vpn-limit", "")
	for _, c := range v.all().Components {
		if want := c.Path == "vpn/total"; (c.Health > hw.OK) != want {
			t.Errorf("%+v", c)
		}
	}
}
