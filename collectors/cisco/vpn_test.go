package cisco_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"rackpost/collectors/sim"
	"rackpost/hw"
)

// model writes the chassis of a firewall.
func model(name string) script {
	const phys = "1.3.6.1.2.1.47.1.1.1.1"
	return script{phys + ".4.1|2|0", phys + ".5.1|2|3", phys + ".7.1|4|Chassis", phys + ".11.1|4|S1", phys + ".13.1|4|" + name}
}

// inUse writes the connections in use.
func inUse(n int) script {
	return script{fmt.Sprintf("1.3.6.1.4.1.9.9.147.1.2.2.2.1.5.40.6|66|%d", n), "1.3.6.1.4.1.9.9.147.1.2.2.2.1.5.40.7|66|600000"}
}

func TestConnectionsOfPlatform(t *testing.T) {
	t.Parallel()
	v := visiting(t, asa, join(model("ASA5525"), inUse(100)).device(t, asaHead))
	v.all()
	for _, x := range []struct {
		used int
		want hw.Health
	}{{449_999, hw.OK}, {450_000, hw.Warning}, {426_000, hw.Warning}, {424_999, hw.OK}, {500_000, hw.Warning}} {
		v.becomes(join(model("ASA5525"), inUse(x.used)).device(t, asaHead))
		r := v.fast()
		if c := r.part(t, "connections/total"); c.Health != x.want || c.Attrs.Get("limit") != "platform" {
			t.Errorf("%d connections: %+v, want %v", x.used, c, x.want)
		}
		if limit, percent := r.gauge(t, "connections/total", "limit_connections"), r.gauge(t, "connections/total", "used_percent"); limit != 500_000 || math.Abs(percent-float64(x.used)/5000) > 1e-9 {
			t.Errorf("limit %v, %v %%", limit, percent)
		}
	}
	v.becomes(join(model("ASA5525"), inUse(500_001)).device(t, asaHead))
	r := v.fast()
	if s := r.samples["connections/total used_percent"]; s.Absent != hw.OutOfRange || r.part(t, "connections/total").Health != hw.OK {
		t.Errorf("more than the platform bears: %+v", s)
	}
	r = visiting(t, asa, join(model("ASA9999"), inUse(100)).device(t, asaHead)).all()
	if s, ok := r.samples["connections/total limit_connections"]; ok || r.part(t, "connections/total").Attrs.Get("limit") != "" {
		t.Errorf("a model nobody knows has a limit: %+v", s)
	}
}

// The MIB of the rates is not on every firewall, and then nothing is missing.
func TestConnectionRates(t *testing.T) {
	t.Parallel()
	const u = "1.3.6.1.4.1.9.9.491.1.1.1"
	rates := script{u + ".5.0|66|3", u + ".6.0|66|90", u + ".10.0|66|12", u + ".11.0|66|11"}
	for _, s := range []script{join(inUse(7), rates), rates} {
		r := visiting(t, asa, s.device(t, asaHead)).all()
		r.complete(t)
		for sensor, want := range map[string]float64{"half_open_connections": 3, "active_connections": 90, "setups_per_second_1m_connections": 12, "setups_per_second_5m_connections": 11} {
			if got := r.gauge(t, "connections/total", sensor); got != want {
				t.Errorf("%s: %v, want %v", sensor, got, want)
			}
		}
	}
	r := visiting(t, asa, inUse(7).device(t, asaHead)).all()
	r.complete(t)
	if s, ok := r.samples["connections/total active_connections"]; ok {
		t.Errorf("%+v", s)
	}
}

// ras writes scalars of CISCO-REMOTE-ACCESS-MONITOR-MIB: column, tag, value.
func ras(rows ...[3]any) script {
	var s script
	for _, r := range rows {
		s = append(s, fmt.Sprintf("1.3.6.1.4.1.9.9.392.1.%v.0|%v|%v", r[0], r[1], r[2]))
	}
	return s
}

func TestSessionsBySort(t *testing.T) {
	t.Parallel()
	at := func(sessions, ended int) *sim.Device {
		return ras([3]any{"1.1", 2, 750}, [3]any{"3.1", 66, sessions}, [3]any{"3.2", 65, ended}, [3]any{"3.3", 66, 40},
			[3]any{"3.35", 66, 30}, [3]any{"3.36", 65, 31}, [3]any{"3.37", 66, 32}, [3]any{"3.38", 66, 5},
			[3]any{"4.1.1", 70, 9}, [3]any{"4.1.2", 66, 8}, [3]any{"4.1.3", 70, 7}).device(t, asaHead)
	}
	v := visiting(t, asa, at(675, 10))
	r := v.all()
	r.complete(t)
	for key, want := range map[string]float64{
		"vpn/total current_sessions": 675, "vpn/total current_users": 40, "vpn/total limit_sessions": 750, "vpn/total used_percent": 90,
		"vpn/total declined_sessions": 8, "vpn/svc current_sessions": 30, "vpn/svc peak_sessions": 32, "vpn/webvpn current_sessions": 5,
	} {
		path, sensor, _ := strings.Cut(key, " ")
		if got := r.gauge(t, path, sensor); got != want {
			t.Errorf("%s: %v, want %v", key, got, want)
		}
	}
	for key, want := range map[string]uint64{
		"vpn/total sessions_total": 10, "vpn/total failures_total": 9, "vpn/total setup_no_resources_total": 7, "vpn/svc sessions_total": 31,
	} {
		path, sensor, _ := strings.Cut(key, " ")
		if got := r.count(t, path, sensor).Count; got != want {
			t.Errorf("%s: %v, want %v", key, got, want)
		}
	}
	if h := r.part(t, "vpn/total").Health; h != hw.Warning {
		t.Errorf("90 %% of the sessions: %v", h)
	}
	if c, ok := r.parts["vpn/ipsec-l2l"]; ok {
		t.Errorf("a sort that is not counted: %+v", c)
	}
	if s := r.samples["vpn/webvpn peak_sessions"]; s.Absent != hw.NotSupported {
		t.Errorf("%+v", s)
	}
	first := r.count(t, "vpn/total", "sessions_total").StartMS
	v.becomes(at(10, 11))
	r = v.fast()
	if s := r.count(t, "vpn/total", "sessions_total"); s.StartMS != first || r.part(t, "vpn/total").Health != hw.OK {
		t.Errorf("%+v", s)
	}
	v.becomes(at(10, 2))
	if s := v.fast().count(t, "vpn/total", "sessions_total"); s.StartMS == first {
		t.Error("a counter that fell goes on")
	}
}

// One scalar that is gone, as crasEmailNumSessions is, voids none of the others.
func TestQuirkScalarsGone(t *testing.T) {
	t.Parallel()
	r := visiting(t, asa, ras([3]any{"3.29", 66, 4}).device(t, asaHead)).all()
	r.complete(t)
	if got := r.gauge(t, "vpn/ipsec-l2l", "current_sessions"); got != 4 {
		t.Errorf("%v", got)
	}
	if s := r.samples["vpn/total current_sessions"]; s.Absent != hw.NotSupported {
		t.Errorf("%+v", s)
	}
	if _, ok := r.samples["vpn/total limit_sessions"]; ok {
		t.Error("a limit that is not told")
	}
}

func TestVPNCluster(t *testing.T) {
	t.Parallel()
	const lb = "1.3.6.1.4.1.3076.2.1.2.36.1"
	for _, x := range []struct {
		active       string
		state, role  string
		health       hw.Health
		loadInBounds int
	}{{"1", "yes", "slave", hw.OK, 100}, {"2", "no", "", hw.OK, 0}, {"0", "no", "", hw.OK, 7}, {"9", "", "", hw.Unknown, 7}} {
		r := visiting(t, asa, script{
			lb + ".1.0|2|2", lb + ".2.0|2|72", lb + ".3.0|2|" + x.active, lb + ".4.0|66|3", fmt.Sprintf("%s.5.0|66|%d", lb, x.loadInBounds),
		}.device(t, asaHead)).all()
		c := r.part(t, "vpn/cluster")
		if c.State.Get("active") != x.state || c.State.Get("role") != x.role || c.Health != x.health || c.Attrs.Get("device_type") != "72" {
			t.Errorf("active %s: %+v", x.active, c)
		}
		if r.gauge(t, "vpn/cluster", "peers") != 3 || r.gauge(t, "vpn/cluster", "load_percent") != float64(x.loadInBounds) {
			t.Errorf("active %s: %+v", x.active, r.samples)
		}
	}
}

func TestContexts(t *testing.T) {
	t.Parallel()
	const l = "1.3.6.1.4.1.9.9.480.1.1.2.1"
	row := func(index string, sort, most, used int) script {
		return script{
			fmt.Sprintf("%s.3.%s|2|%d", l, index, sort), fmt.Sprintf("%s.5.%s|66|%d", l, index, most),
			fmt.Sprintf("%s.8.%s|66|%d", l, index, used), fmt.Sprintf("%s.9.%s|66|%d", l, index, used+1), fmt.Sprintf("%s.10.%s|65|4", l, index),
		}
	}
	one := join(model("ASA5525"), inUse(500), row("2.97.98.3", 1, 1000, 500), row("2.97.98.8", 2, 10, 5), row("2.97.98.17", 1, 5, 5), row("2.97.98.20", 1, 100, 95))
	v := visiting(t, asa, one.device(t, asaHead))
	r := v.all()
	r.complete(t)
	if a, b := r.gauge(t, "context/ab/concurrentConns", "used_percent"), r.gauge(t, "context/ab/concurrentConns", "peak_count"); a != 50 || b != 501 {
		t.Errorf("%v %% used, peak %v", a, b)
	}
	for path, want := range map[string]hw.Health{"context/ab/concurrentConns": hw.OK, "context/ab/natTranslations": hw.OK, "context/ab/asdmSessions": hw.Warning, "context/ab/cpu": hw.OK} {
		if got := r.part(t, path).Health; got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	for _, key := range []string{"context/ab/natTranslations limit_count", "context/ab/cpu used_percent"} {
		if s, ok := r.samples[key]; ok {
			t.Errorf("%s: %+v", key, s)
		}
	}
	if got := v.fast().gauge(t, "connections/total", "limit_connections"); got != 1000 {
		t.Errorf("the only class allows 1000 connections, told are %v", got)
	}
	r = visiting(t, asa, modelled(t, "asa-5525-failover", sim.ModelOptions{Contexts: 3})).all()
	r.complete(t)
	if _, ok := r.parts["context/tenant-2/ipsecSessions"]; !ok {
		t.Errorf("%v", r.Components)
	}
	if c := r.part(t, "connections/total"); c.Attrs.Get("limit") != "platform" {
		t.Errorf("of three classes none is the firewall's limit: %+v", c)
	}
}
