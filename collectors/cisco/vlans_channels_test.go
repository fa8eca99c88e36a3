package cisco_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"rackpost/collectors/sim"
	"rackpost/hw"
)

const (
	lagAttached = "1.2.840.10006.300.43.1.2.1.1.13."
	lagSelected = "1.2.840.10006.300.43.1.2.1.1.12."
	pagpGroup   = "1.3.6.1.4.1.9.9.98.1.1.1.1.8."
	ifStack     = "1.3.6.1.2.1.31.1.2.1.3."
	ifAdmin     = "1.3.6.1.2.1.2.2.1.7."
	ifOper      = "1.3.6.1.2.1.2.2.1.8."
)

// bundlePorts are four Ethernet ports and Po1.
func bundlePorts() script {
	s := join(port(501, "Po1", "Port-channel1", 1, 1), script{"1.3.6.1.2.1.2.2.1.3.501|2|53"})
	for i := 1; i <= 4; i++ {
		s = join(s, port(i, fmt.Sprintf("Gi0/%d", i), "", 1, 1), script{fmt.Sprintf("1.3.6.1.2.1.2.2.1.3.%d|2|6", i)})
	}
	return s
}

// each writes a row for each of the four ports.
func each(column string, values ...int) script {
	var s script
	for i, v := range values {
		s = append(s, fmt.Sprintf("%s%d|2|%d", column, i+1, v))
	}
	return s
}

// stacked writes ifStackTable: what is above each of the four ports and Po1.
func stacked(above ...int) script {
	s := script{ifStack + "0.501|2|1"}
	for i, a := range above {
		s = append(s, fmt.Sprintf("%s%d.%d|2|1", ifStack, a, i+1), fmt.Sprintf("%s%d.0|2|1", ifStack, i+1))
	}
	return s
}

// wantChannel compares channel/Po1; up -1 is a count that is not known.
func wantChannel(t *testing.T, what string, r report, health, complete, members string, up int) {
	t.Helper()
	c, ok := r.parts["channel/Po1"]
	if !ok {
		t.Errorf("%s: no channel", what)
		return
	}
	s := r.samples["channel/Po1 up_members"]
	if c.Health.String() != health || c.State.Get("complete") != complete || c.Attrs.Get("members") != members ||
		(s.Absent != "") != (up < 0) || up >= 0 && s.Gauge != float64(up) {
		t.Errorf("%s: %v %v %v, %v %s; want %s complete=%s members=%s, %d up", what, c.Health, c.State, c.Attrs, s.Gauge, s.Absent, health, complete, members, up)
	}
	for _, name := range strings.Split(members, ",") {
		if name != "" && r.part(t, "port/"+name).Attrs.Get("channel") != "Po1" {
			t.Errorf("%s: %s does not say that it is in Po1", what, name)
		}
	}
}

// Who is in a channel is said by LACP, by PAgP or by what is stacked on what.
func TestQuirkChannelMembersBySource(t *testing.T) {
	t.Parallel()
	for what, x := range map[string]struct {
		rows              script
		health, complete  string
		members, notThere string
		up                int
	}{
		"LACP":                   {join(each(lagAttached, 501, 501, 0, 0), each(lagSelected, 501, 501, 0, 0)), "ok", "yes", "Gi0/1,Gi0/2", "Gi0/3", 2},
		"LACP and an own number": {join(each(lagAttached, 501, 2, 0, 501), each(pagpGroup, 0, 2, 3, 0)), "ok", "yes", "Gi0/1,Gi0/4", "Gi0/2", 2},
		"LACP, not bundled":      {join(each(lagAttached, 501, 0, 0, 0), each(lagSelected, 501, 501, 0, 0)), "warning", "no", "Gi0/1,Gi0/2", "Gi0/3", 1},
		"PAgP":                   {each(pagpGroup, 1, 501, 501, 0), "ok", "yes", "Gi0/2,Gi0/3", "Gi0/1", 2},
		"PAgP beside idle LACP":  {join(each(lagAttached, 0, 0, 0, 0), each(lagSelected, 0, 0, 0, 0), each(pagpGroup, 501, 2, 501, 4)), "ok", "yes", "Gi0/1,Gi0/3", "Gi0/2", 2},
		"stacked":                {stacked(501, 0, 0, 501), "ok", "yes", "Gi0/1,Gi0/4", "Gi0/2", 2},
		"stacked, LACP idle":     {join(each(lagAttached, 0, 0, 0, 0), stacked(501, 501, 0, 0)), "ok", "yes", "Gi0/1,Gi0/2", "Gi0/3", 2},
		"stacked, PAgP lacks it": {join(each(pagpGroup, 501, 0, 0), stacked(501, 0, 0, 501)), "ok", "yes", "Gi0/1,Gi0/4", "Gi0/2", 2},
		"no members":             {join(each(lagAttached, 0, 0, 0, 0), stacked(0, 0, 0, 0)), "unknown", "", "", "Gi0/1", 0}, // but it is up
	} {
		r := visiting(t, catalyst, join(bundlePorts(), x.rows).device(t, iosHead)).all()
		r.complete(t)
		wantChannel(t, what, r, x.health, x.complete, x.members, x.up)
		if got := r.part(t, "port/"+x.notThere).Attrs.Get("channel"); got != "" {
			t.Errorf("%s: %s is in %s", what, x.notThere, got)
		}
	}
}

// A table that lacks a port's row does not say that the port is in no channel.
func TestChannelRowMissing(t *testing.T) {
	t.Parallel()
	lacp := join(bundlePorts(), each(lagAttached, 501, 501, 0, 0), each(lagSelected, 501, 501, 0, 0))
	stack := join(bundlePorts(), stacked(501, 501, 0, 0))
	without := func(s script, oid string) *sim.Device {
		return slices.DeleteFunc(slices.Clone(s), func(row string) bool { return strings.HasPrefix(row, oid+"|") }).device(t, iosHead)
	}
	for oid, d := range map[string]*sim.Device{
		lagAttached + "2": without(lacp, lagAttached+"2"), lagSelected + "3": without(lacp, lagSelected+"3"), ifStack + "501.2": without(stack, ifStack+"501.2"),
	} {
		r := visiting(t, catalyst, d).all()
		if c, ok := r.parts["channel/Po1"]; ok && (c.Health > hw.OK || c.Attrs.Get("members") != "Gi0/1,Gi0/2") {
			t.Errorf("without %s: %+v", oid, c)
		}
	}
	for oid, health := range map[string]string{ifOper + "2": "unknown", ifAdmin + "2": "unknown", ifAdmin + "501": "unknown"} {
		r := visiting(t, catalyst, without(lacp, oid)).all()
		if c := r.part(t, "channel/Po1"); c.Health.String() != health || c.State.Get("complete") != "" {
			t.Errorf("without %s: %+v", oid, c)
		}
	}
}

// A port for management is in no table of channels, and keeps nothing from being told.
func TestChannelBesideManagementPort(t *testing.T) {
	t.Parallel()
	s := join(bundlePorts(), each(lagAttached, 501, 501, 0, 0), each(lagSelected, 501, 501, 0, 0), each(accessVLAN, 1, 1, 1, 1),
		port(9, "Fa0", "FastEthernet0", 2, 1), script{"1.3.6.1.2.1.2.2.1.3.9|2|6"})
	r := visiting(t, catalyst, s.device(t, iosHead)).all()
	r.complete(t)
	wantChannel(t, "beside Fa0", r, "ok", "yes", "Gi0/1,Gi0/2", 2)
	if got := r.part(t, "port/Fa0").Attrs.Get("channel"); got != "" {
		t.Errorf("Fa0 is in %s", got)
	}
	gone := slices.DeleteFunc(slices.Clone(s), func(row string) bool {
		return strings.HasPrefix(row, lagAttached+"2|") || strings.HasPrefix(row, lagSelected+"2|")
	})
	r = visiting(t, catalyst, gone.device(t, iosHead)).all()
	if c, ok := r.parts["channel/Po1"]; ok || r.extent(t, "vlans") != hw.Partial {
		t.Errorf("without the rows of a switch port: %+v, %v", c, r.extent(t, "vlans"))
	}
}

// The life of a channel: whole, a member lost, all lost, shut, taken apart.
func TestChannelLife(t *testing.T) {
	t.Parallel()
	lacp := join(bundlePorts(), each(lagAttached, 501, 501, 0, 0), each(lagSelected, 501, 501, 0, 0))
	both := "Gi0/1,Gi0/2"
	v := visiting(t, catalyst, lacp.device(t, iosHead))
	wantChannel(t, "whole", v.all(), "ok", "yes", both, 2)
	for _, x := range []struct {
		what, health, complete, members string
		up                              int
		rows                            []string
	}{
		{"a member without link", "warning", "no", both, 1, []string{ifOper + "2|2|2", lagAttached + "2|2|0"}},
		{"and not selected", "warning", "no", both, 1, []string{ifOper + "2|2|2", lagAttached + "2|2|0", lagSelected + "2|2|0"}},
		{"still attached", "warning", "no", both, 1, []string{ifOper + "2|2|2"}},
		{"a member shut", "ok", "yes", both, 1, []string{ifOper + "2|2|2", ifAdmin + "2|2|2", lagAttached + "2|2|0", lagSelected + "2|2|0"}},
		{"all without link", "critical", "no", both, 0, []string{ifOper + "1|2|2", ifOper + "2|2|2", ifOper + "501|2|2", lagAttached + "1|2|0", lagAttached + "2|2|0"}},
		{"the channel shut", "ok", "", both, 0, []string{ifOper + "1|2|2", ifOper + "2|2|2", ifAdmin + "501|2|2", ifOper + "501|2|2", lagAttached + "1|2|0", lagAttached + "2|2|0"}},
		{"a member that works alone", "warning", "no", both, 1, []string{lagAttached + "2|2|0"}},
		{"a member taken out", "ok", "yes", "Gi0/1", 1, []string{lagAttached + "2|2|0", lagSelected + "2|2|0"}},
		{"whole again", "ok", "yes", both, 2, nil},
	} {
		v.becomes(lacp.with(t, x.rows...))
		r := v.all()
		r.complete(t)
		wantChannel(t, x.what, r, x.health, x.complete, x.members, x.up)
	}
	gone := slices.DeleteFunc(slices.Clone(lacp), func(row string) bool { return strings.Contains(row, ".501|") })
	v.becomes(gone.device(t, iosHead))
	r := v.all()
	if c, ok := r.parts["channel/Po1"]; ok || r.part(t, "port/Gi0/1").Attrs.Get("channel") != "" {
		t.Errorf("the channel is gone and told of: %+v", c)
	}
}

// A channel that was never up is no more than a warning.
func TestChannelNeverUp(t *testing.T) {
	t.Parallel()
	lacp := join(bundlePorts(), each(lagAttached, 0, 0, 0, 0), each(lagSelected, 501, 501, 0, 0))
	v := visiting(t, catalyst, lacp.with(t, ifOper+"1|2|2", ifOper+"2|2|2", ifOper+"501|2|2"))
	wantChannel(t, "never up", v.all(), "warning", "no", "Gi0/1,Gi0/2", 0)
}

// Half a table: nothing is told of the channels, and what the ports say stays.
func TestChannelTableCut(t *testing.T) {
	t.Parallel()
	lacp := join(bundlePorts(), each(lagAttached, 501, 501, 0, 0), each(lagSelected, 501, 501, 0, 0))
	v := visiting(t, catalyst, lacp.device(t, iosHead))
	v.all()
	for _, column := range []string{lagAttached + "2", strings.TrimSuffix(lagSelected, ".")} {
		v.fault("generr", column)
		r := v.all()
		if c, ok := r.parts["channel/Po1"]; ok || r.extent(t, "vlans") != hw.Partial {
			t.Errorf("%s: %+v, the section is %v", column, c, r.extent(t, "vlans"))
		}
		if got := r.part(t, "port/Gi0/2").Attrs.Get("channel"); got != "Po1" {
			t.Errorf("%s: Gi0/2 is in %q", column, got)
		}
		v.fault("clear", "generr")
	}
	v.fault("generr", ifOper+"2")
	r := v.all()
	if wantChannel(t, "a link that is not known", r, "unknown", "", "Gi0/1,Gi0/2", -1); r.extent(t, "vlans") != hw.Partial {
		t.Errorf("a link that is not known: %v", r.extent(t, "vlans"))
	}
	v.fault("clear", "generr")
	wantChannel(t, "whole again", v.all(), "ok", "yes", "Gi0/1,Gi0/2", 2)
}

// The link of a member that comes or goes has the channels read soon.
func TestChannelHastened(t *testing.T) {
	t.Parallel()
	for _, model := range []string{"catalyst-3750-48ps", "catalyst-2960x"} {
		v := visiting(t, catalyst, modelled(t, model, sim.ModelOptions{}))
		before := v.all()
		members := strings.Split(before.part(t, "channel/Po1").Attrs.Get("members"), ",")
		wantChannel(t, model, before, "ok", "yes", strings.Join(members, ","), len(members))
		if len(members) < 2 {
			t.Fatalf("%s: members %q", model, members)
		}
		if r := v.fast(); slices.Contains(r.Hasten, "vlans") {
			t.Errorf("%s: hastened without need: %q", model, r.Hasten)
		}
		v.fault("port-down", members[0])
		if r := v.fast(); !slices.Contains(r.Hasten, "vlans") {
			t.Errorf("%s: a member lost its link: hastened %q", model, r.Hasten)
		}
		wantChannel(t, model, v.all(), "warning", "no", strings.Join(members, ","), len(members)-1)
	}
}

// The port-channel of a real stack, by what is stacked: the ring's ports are stacked too.
func TestRecordedChannel(t *testing.T) {
	t.Parallel()
	lines := raw(t, "ios_2960x")
	w := parse(t, lines)
	names := w.column("1.3.6.1.2.1.31.1.1.1.1")
	r := visiting(t, catalyst, recorded(t, lines)).all()
	want := map[string][]string{}
	for index := range w.column(strings.TrimSuffix(ifStack, ".")) {
		higher, lower, _ := strings.Cut(index, ".")
		if strings.HasPrefix(names[higher], "Po") && lower != "0" {
			want[names[higher]] = append(want[names[higher]], names[lower])
		}
	}
	if len(want) == 0 {
		t.Fatal("the recording has no port-channel")
	}
	for path, c := range r.parts {
		if name, ok := strings.CutPrefix(path, "channel/"); ok {
			got := strings.Split(c.Attrs.Get("members"), ",")
			slices.Sort(got)
			slices.Sort(want[name])
			if !slices.Equal(got, want[name]) {
				t.Errorf("%s has %q, want %q", path, got, want[name])
			}
			delete(want, name)
		}
	}
	if len(want) > 0 {
		t.Errorf("not told of: %v", want)
	}
}
