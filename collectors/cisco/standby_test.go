package cisco_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/cisco"
	"rackpost/collectors/sim"
	"rackpost/hw"
)

// unit writes one unit of a pair: its serial, model and version, and what it says of both.
func unit(t testing.TB, serial, model, version string, rows script) *sim.Device {
	t.Helper()
	const phys = "1.3.6.1.2.1.47.1.1.1.1"
	return join(rows, script{
		phys + ".4.1|2|0", phys + ".5.1|2|3", phys + ".7.1|4|Chassis", phys + ".11.1|4|" + serial, phys + ".13.1|4|" + model,
		"1.3.6.1.6.3.10.2.1.3.0|2|864000",
	}).device(t, "1.3.6.1.2.1.1.1.0|4|Cisco Adaptive Security Appliance Version "+version)
}

// standing serves the other unit and gives its address to the collector.
func standing(t testing.TB, v *visitor, other *sim.Device) *server {
	t.Helper()
	srv := &server{tb: t, device: other, community: "public"}
	srv.start(netip.MustParseAddrPort("127.0.0.1:0"))
	t.Cleanup(srv.stop)
	v.target.Device.Standby = srv.addr.String()
	v.target.Timeout = 50 * time.Millisecond
	v.open()
	return srv
}

func TestStandbyUnit(t *testing.T) {
	t.Parallel()
	primary, secondary := pairOf(9, 10, "primary"), pairOf(9, 10, "secondary")
	for name, x := range map[string]struct {
		other   *sim.Device
		want    hw.Health
		problem string
	}{
		"well":            {unit(t, "B", "ASA5525", "9.12(4)", secondary), hw.OK, ""},
		"another version": {unit(t, "B", "ASA5525", "9.14(1)", secondary), hw.Warning, "another version"},
		"another model":   {unit(t, "B", "ASA5545", "9.12(4)", secondary), hw.Warning, "another model"},
		"the same unit":   {unit(t, "A", "ASA5525", "9.12(4)", primary), hw.Critical, "both addresses are the same unit's"},
		"both active":     {unit(t, "B", "ASA5525", "9.12(4)", pairOf(4, 9, "secondary")), hw.Critical, "both units are active"},
		"another pair's":  {unit(t, "C", "ASA5525", "9.12(4)", primary), hw.Critical, "it is not the other unit of this pair"},
		"failed":          {unit(t, "B", "ASA5525", "9.12(4)", pairOf(9, 4, "secondary")), hw.Critical, ""},
		"no rows":         {unit(t, "B", "ASA5525", "9.12(4)", nil), hw.Unknown, ""},
		"failover off": {unit(t, "B", "ASA5525", "9.12(4)", failoverRows([3]string{"", "", ""},
			[3]string{"Primary unit", "3", "Failover Off"}, [3]string{"Secondary unit (this device)", "3", "Failover Off"})), hw.Warning, "failover is off"},
		"a switch": {script{}.device(t, iosHead), hw.Critical, "the address is not a firewall's"},
	} {
		v := visiting(t, asa, unit(t, "A", "ASA5525", "9.12(4)", primary))
		standing(t, v, x.other)
		r := v.all()
		r.complete(t)
		c := r.part(t, "standby/unit")
		if c.Health != x.want || c.State.Get("problem") != x.problem || c.State.Get("reachable") != "yes" {
			t.Errorf("%s: %+v, want %v %q", name, c, x.want, x.problem)
		}
		_, words := cisco.Documented(asa.Name)
		for _, a := range append(c.State[:len(c.State):len(c.State)], c.Attrs...) {
			if !words[a.Key] {
				t.Errorf("no table says %s", a.Key)
			}
		}
		if name == "well" && (c.Attrs.Get("serial") != "B" || c.Attrs.Get("model") != "ASA5525" || c.Attrs.Get("version") != "9.12(4)" ||
			c.State.Get("unit") != "secondary" || c.State.Get("role") != "standby" || r.gauge(t, "standby/unit", "uptime_seconds") != 864000) {
			t.Errorf("%+v", c)
		}
		if got := r.part(t, "unit/A").Attrs.Get("failover"); got != "primary" {
			t.Errorf("%s: the unit that answers is the %q one", name, got)
		}
	}
}

// A standby unit that does not answer is told, and keeps nothing else from being read.
func TestStandbySilent(t *testing.T) {
	t.Parallel()
	v := visiting(t, asa, unit(t, "A", "ASA5525", "9.12(4)", pairOf(9, 10, "primary")))
	srv := standing(t, v, unit(t, "B", "ASA5525", "9.12(4)", pairOf(9, 10, "secondary")))
	v.all()
	srv.stop()
	r := v.all()
	r.complete(t)
	if c := r.part(t, "standby/unit"); c.Health != hw.Critical || c.State.Get("reachable") != "no" || c.State.Get("reason") == "" {
		t.Errorf("%+v", c)
	}
	if s := r.samples["standby/unit uptime_seconds"]; s.Absent == "" {
		t.Errorf("%+v", s)
	}
	srv.start(srv.addr)
	if c := v.all().part(t, "standby/unit"); c.Health != hw.OK {
		t.Errorf("it answers again: %+v", c)
	}
}

// The units change their roles, and their addresses with them: each address tells of the
// unit that stands there now.
func TestStandbyAfterFailover(t *testing.T) {
	t.Parallel()
	v := visiting(t, asa, unit(t, "A", "ASA5525", "9.12(4)", pairOf(9, 10, "primary")))
	srv := standing(t, v, unit(t, "B", "ASA5525", "9.12(4)", pairOf(9, 10, "secondary")))
	v.all()
	v.becomes(unit(t, "B", "ASA5525", "9.12(4)", pairOf(10, 9, "secondary")))
	srv.serve(unit(t, "A", "ASA5525", "9.12(4)", pairOf(10, 9, "primary")))
	r := v.all()
	if c := r.part(t, "standby/unit"); c.Health != hw.OK || c.Attrs.Get("serial") != "A" || c.State.Get("unit") != "primary" || c.State.Get("role") != "standby" {
		t.Errorf("%+v", c)
	}
	if got := r.part(t, "unit/B").Attrs.Get("failover"); got != "secondary" || r.Unit.Serial != "B" {
		t.Errorf("%s answers and is %q", r.Unit.Serial, got)
	}
}

// Without an address nothing is asked and nothing told.
func TestNoStandbyAddress(t *testing.T) {
	t.Parallel()
	v := visiting(t, asa, unit(t, "A", "ASA5525", "9.12(4)", pairOf(9, 10, "primary")))
	v.all()
	r := v.visit([]collectors.Section{{Name: "standby", Period: time.Minute}})
	r.complete(t)
	if len(r.Components) != 0 || r.Requests != 1 {
		t.Errorf("%d requests, %+v", r.Requests, r.Components)
	}
}

func TestStandbyAddressRefused(t *testing.T) {
	t.Parallel()
	v := visiting(t, asa, script{}.device(t, asaHead))
	target := v.target
	target.Device.Standby = "no address:"
	if _, err := asa.New(target); err == nil {
		t.Error("a wrong address is taken")
	}
	target.Device.Standby = "192.0.2.1"
	if _, err := cisco.Catalyst().New(target); err == nil {
		t.Error("a switch with a standby unit is taken")
	}
	if c, err := asa.New(target); err != nil {
		t.Error(err)
	} else if err := c.Close(context.Background()); err != nil {
		t.Error(err)
	}
}
