package cisco_test

import (
	"fmt"
	"strings"
	"testing"

	"rackpost/collectors/sim"
	"rackpost/hw"
)

const (
	errDisable   = "1.3.6.1.4.1.9.9.548.1"
	portSecurity = "1.3.6.1.4.1.9.9.315.1.2.1.1.2"
)

// disabled writes the row of a port that the switch shut; VLAN 0 is the whole port.
func disabled(index, vlan, cause int) script {
	return script{fmt.Sprintf("%s.3.1.1.2.%d.%d|2|%d", errDisable, index, vlan, cause)}
}

// tellsCauses is what a switch with CISCO-ERR-DISABLE-MIB has in any state.
var tellsCauses = script{errDisable + ".1.1.0|66|300"}

// threePorts are one that is up and two that are down.
func threePorts() script {
	return join(port(1, "Fa0/1", "FastEthernet0/1", 1, 1), port(2, "Fa0/2", "FastEthernet0/2", 2, 1), port(3, "Fa0/3", "FastEthernet0/3", 2, 1))
}

// A table that is empty because no port is shut is whole, and says that all are well.
func TestQuirkErrDisableTableEmpty(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, join(threePorts(), tellsCauses).device(t, iosHead))
	first := v.all()
	first.complete(t)
	if c := first.part(t, "port/Fa0/2"); c.Health != hw.OK || c.State.Get("errdisabled") != "" {
		t.Errorf("%+v", c)
	}
	before := v.fast().Requests
	v.becomes(join(threePorts(), tellsCauses, disabled(2, 0, 9)).device(t, iosHead))
	r := v.fast()
	r.complete(t)
	if c := r.part(t, "port/Fa0/2"); c.Health != hw.Critical || c.State.Get("errdisabled") != "portSecurityViolation" {
		t.Errorf("the first row there ever was: %+v", c)
	}
	if r.Requests > before+1 {
		t.Errorf("%d requests, %d before", r.Requests, before)
	}
}

func TestErrDisabledCauses(t *testing.T) {
	t.Parallel()
	for want, rows := range map[string]script{
		"udld":                           disabled(2, 0, 1),
		"loopDetect":                     disabled(2, 0, 62),
		"ipQosCompatCheckFailure":        disabled(2, 0, 61),
		"stormControl":                   disabled(2, 0, 14),
		"cause-63":                       disabled(2, 0, 63),
		"bpduGuard vlan 5":               disabled(2, 5, 2),
		"bpduGuard vlan 9 10 100":        join(disabled(2, 100, 2), disabled(2, 9, 2), disabled(2, 10, 2)),
		"bpduGuard vlan 9, udld vlan 10": join(disabled(2, 9, 2), disabled(2, 10, 1)),
		"linkFlap, bpduGuard vlan 7 8":   join(disabled(2, 0, 6), disabled(2, 7, 2), disabled(2, 8, 2)),
		"udld vlan 1, bpduGuard vlan 2":  join(disabled(2, 1, 1), disabled(2, 2, 2)),
		"linkFlap, udld vlan 7":          join(disabled(2, 0, 6), disabled(2, 7, 1)),
		"arpInspection vlan 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 ...": manyVLANs(40),
	} {
		r := visiting(t, catalyst, join(threePorts(), tellsCauses, rows, disabled(99, 0, 2)).device(t, iosHead)).all()
		if c := r.part(t, "port/Fa0/2"); c.State.Get("errdisabled") != want || c.Health != hw.Critical {
			t.Errorf("%v %v, want %s", c.Health, c.State, want)
		}
		if c := r.part(t, "port/Fa0/3"); c.State.Get("errdisabled") != "" || c.Health != hw.OK {
			t.Errorf("another port: %v %v", c.Health, c.State)
		}
	}
}

func manyVLANs(n int) script {
	var s script
	for vlan := 1; vlan <= n; vlan++ {
		s = append(s, disabled(2, vlan, 16)...)
	}
	return s
}

// However many rows a port has, and whatever their index, what is told of it is short.
func TestErrDisabledBounded(t *testing.T) {
	t.Parallel()
	var rows script
	for vlan := 1; vlan <= 400; vlan++ {
		rows = append(rows, fmt.Sprintf("%s.3.1.1.2.2.%d%s|2|%d", errDisable, vlan, strings.Repeat(".4294967295", 60), 1+vlan%61))
	}
	r := visiting(t, catalyst, join(threePorts(), tellsCauses, rows).device(t, iosHead)).all()
	if c := r.part(t, "port/Fa0/2"); len(c.State.Get("errdisabled")) > 1024 || c.Health != hw.Critical {
		t.Errorf("%d bytes, %v", len(c.State.Get("errdisabled")), c.Health)
	}
}

// What could not be read closes no alert, and what may be shut is not well.
func TestErrDisabledNotRead(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, join(threePorts(), tellsCauses, disabled(2, 0, 6)).device(t, iosHead))
	watch := alerting{TB: t}
	watch.wants("port/Fa0/2", v.all(), hw.Critical, hw.LevelHigh)
	v.fault("generr", errDisable+".3")
	for range 2 {
		r := v.fast()
		watch.wants("port/Fa0/2", r, hw.Unknown, hw.LevelHigh)
		if got := r.part(t, "port/Fa0/2").State.Get("errdisabled"); got != "unknown" || r.extent(t, "ports") != hw.Partial {
			t.Errorf("%q, %v", got, r.extent(t, "ports"))
		}
		for path, want := range map[string]hw.Health{"port/Fa0/1": hw.OK, "port/Fa0/3": hw.OK} {
			if got := r.part(t, path).Health; got != want {
				t.Errorf("%s was well and did not change: %v", path, got)
			}
		}
	}
	lost := join(port(1, "Fa0/1", "FastEthernet0/1", 2, 1), threePorts()[6:], tellsCauses)
	v.becomes(join(lost, disabled(2, 0, 6)).device(t, iosHead))
	v.fault("generr", errDisable+".3")
	for _, visit := range []func() report{v.fast, v.fast, v.all} {
		if got := visit().part(t, "port/Fa0/1").Health; got != hw.Unknown {
			t.Errorf("a port that lost its link, nobody knows why: %v", got)
		}
	}
	v.becomes(lost.device(t, iosHead))
	r := v.fast()
	watch.wants("port/Fa0/2", r, hw.OK, 0)
	if got := r.part(t, "port/Fa0/1").Health; got != hw.OK {
		t.Errorf("read at last: %v", got)
	}
}

// A cause that is no number is no cause, but the port is not well.
func TestErrDisabledGarbage(t *testing.T) {
	t.Parallel()
	r := visiting(t, catalyst, join(threePorts(), tellsCauses, script{
		errDisable + ".3.1.1.2.2.0|4|udld", errDisable + ".3.1.1.2.3|2|1", errDisable + ".3.1.1.2.1.0|5|",
	}).device(t, iosHead)).all()
	for path, want := range map[string]string{"port/Fa0/2": "unknown unknown", "port/Fa0/3": "udld critical", "port/Fa0/1": "unknown unknown"} {
		if c := r.part(t, path); c.State.Get("errdisabled")+" "+c.Health.String() != want {
			t.Errorf("%s: %v %v, want %s", path, c.Health, c.State, want)
		}
	}
}

// A port that a person shut is no fault, whatever the table still says.
func TestErrDisabledAndShut(t *testing.T) {
	t.Parallel()
	rows := join(threePorts(), tellsCauses, disabled(2, 0, 6))
	for i, line := range rows {
		if line == "1.3.6.1.2.1.2.2.1.7.2|2|1" {
			rows[i] = "1.3.6.1.2.1.2.2.1.7.2|2|2"
		}
	}
	if c := visiting(t, catalyst, rows.device(t, iosHead)).all().part(t, "port/Fa0/2"); c.Health != hw.OK || c.State.Get("admin") != "down" {
		t.Errorf("%+v", c)
	}
}

// Older IOS does not say why a port is shut: only port security tells.
func TestQuirkErrDisableInferred(t *testing.T) {
	t.Parallel()
	secured := func(status ...int) *sim.Device {
		s := threePorts()
		for i, n := range status {
			s = append(s, fmt.Sprintf("%s.%d|2|%d", portSecurity, i+1, n))
		}
		return s.device(t, iosHead)
	}
	v := visiting(t, catalyst, secured(3, 3, 2))
	watch := alerting{TB: t}
	first := v.all()
	first.complete(t)
	watch.wants("port/Fa0/2", first, hw.Critical, hw.LevelHigh)
	if got := first.part(t, "port/Fa0/2").State.Get("errdisabled"); got != "portSecurityViolation" {
		t.Errorf("%q", got)
	}
	for _, path := range []string{"port/Fa0/1", "port/Fa0/3"} {
		if c := first.part(t, path); c.Health != hw.OK {
			t.Errorf("up, or down without a violation: %+v", c)
		}
	}
	v.fault("generr", portSecurity)
	watch.wants("port/Fa0/2", v.fast(), hw.Unknown, hw.LevelHigh)
	v.becomes(secured(1, 2, 2))
	watch.wants("port/Fa0/2", v.fast(), hw.OK, 0)
	v.becomes(join(threePorts(), tellsCauses, disabled(3, 0, 1)).device(t, iosHead)) // another IOS, found hourly
	if c := v.all().part(t, "port/Fa0/3"); c.State.Get("errdisabled") != "udld" {
		t.Errorf("%+v", c)
	}
}

// A switch with neither is asked for neither, once that is known.
func TestErrDisableLacking(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, threePorts().device(t, iosHead))
	v.all().complete(t)
	r := v.fast()
	r.complete(t)
	with := visiting(t, catalyst, join(threePorts(), tellsCauses).device(t, iosHead))
	with.all()
	if n := with.fast().Requests; n != r.Requests+1 {
		t.Errorf("%d requests without the tables, %d with", r.Requests, n)
	}
}

func TestModelErrDisabled(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, modelled(t, "catalyst-3750-48ps", sim.ModelOptions{}))
	v.all()
	v.fault("err-disabled", "Fa1/0/1,Fa2/0/3 linkFlap")
	v.fault("err-disabled", "Fa2/0/5")
	r := v.fast()
	r.complete(t)
	for path, want := range map[string]string{"port/Fa1/0/1": "linkFlap", "port/Fa2/0/3": "linkFlap", "port/Fa2/0/5": "bpduGuard", "port/Fa1/0/2": ""} {
		if c := r.part(t, path); c.State.Get("errdisabled") != want || (c.Health == hw.Critical) != (want != "") {
			t.Errorf("%+v, want %q", c, want)
		}
	}
	v.fault("clear", "err-disabled")
	if c := v.fast().part(t, "port/Fa1/0/1"); c.Health != hw.OK || c.State.Get("errdisabled") != "" {
		t.Errorf("after it: %+v", c)
	}
}

func TestRecordedErrDisable(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"cisco_16_switch", "cisco-c3560", "ios_2960x", "ios_4506"} {
		r := visiting(t, catalyst, recorded(t, raw(t, name))).all()
		for path, c := range r.parts {
			if c.State.Get("errdisabled") != "" {
				t.Errorf("%s: %s is %v; the recording has no row", name, path, c.State)
			}
		}
	}
}
