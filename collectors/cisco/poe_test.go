package cisco_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"rackpost/collectors"
	"rackpost/collectors/sim"
	"rackpost/hw"
)

const (
	peth    = "1.3.6.1.2.1.105.1.1.1"
	pethPSE = "1.3.6.1.2.1.105.1.3.1.1"
	cpe     = "1.3.6.1.4.1.9.9.402.1.2.1"
	phys    = "1.3.6.1.2.1.47.1.1.1.1"
)

// pse writes a group: its budget, state, draw and threshold.
func pse(group, budget, oper, draw, threshold int) script {
	return script{
		fmt.Sprintf("%s.2.%d|66|%d", pethPSE, group, budget), fmt.Sprintf("%s.3.%d|2|%d", pethPSE, group, oper),
		fmt.Sprintf("%s.4.%d|66|%d", pethPSE, group, draw), fmt.Sprintf("%s.5.%d|2|%d", pethPSE, group, threshold),
	}
}

// powered writes the rows of a port that can give power: what it detects, its class as in
// the MIB, its draw in mW, and its part; a part below zero is none.
func powered(index string, detection, class, draw, part int) script {
	s := script{
		fmt.Sprintf("%s.6.%s|2|%d", peth, index, detection), fmt.Sprintf("%s.10.%s|2|%d", peth, index, class),
		fmt.Sprintf("%s.12.%s|65|3", peth, index), fmt.Sprintf("%s.13.%s|65|4", peth, index),
		fmt.Sprintf("%s.9.%s|66|%d", cpe, index, draw), fmt.Sprintf("%s.7.%s|66|15400", cpe, index),
	}
	if part < 0 {
		return s
	}
	return append(s, fmt.Sprintf("%s.11.%s|2|%d", cpe, index, part))
}

// part writes an entity: its name, and what contains it.
func part(index int, name string, parent int) script {
	return script{fmt.Sprintf("%s.4.%d|2|%d", phys, index, parent), fmt.Sprintf("%s.7.%d|4|%s", phys, index, name)}
}

func TestQuirkPoEThresholdOutsideTheMIB(t *testing.T) {
	t.Parallel()
	r := visiting(t, catalyst, join(pse(1, 370, 1, 30, 0), pse(2, 370, 1, 30, 80), pse(3, 370, 1, 30, 100)).device(t, iosHead)).all()
	for path, want := range map[string]string{"poe/1": "", "poe/2": "80", "poe/3": ""} {
		c := r.part(t, path)
		if got := c.Attrs.Get("usage_threshold_percent"); got != want || c.Health != hw.OK {
			t.Errorf("%s: threshold %q, want %q; %v", path, got, want, c.Health)
		}
	}
	if budget, draw := r.gauge(t, "poe/1", "budget_watts"), r.gauge(t, "poe/1", "draw_watts"); budget != 370 || draw != 30 {
		t.Errorf("%v of %v W", draw, budget)
	}
}

// A draw about the border is not told at every visit, and what is not read is not well.
func TestPoEUsage(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, pse(1, 400, 1, 359, 0).device(t, iosHead))
	for _, x := range []struct {
		oper, budget, draw int
		health             hw.Health
		usage              string
	}{
		{1, 400, 359, hw.OK, ""},
		{1, 400, 360, hw.Warning, "high"},
		{1, 400, 341, hw.Warning, "high"},
		{1, 400, 339, hw.OK, ""},
		{1, 400, 359, hw.OK, ""},
		{1, 400, 401, hw.Warning, "high"}, // a draw above the budget, as rounding makes it
		{3, 400, 401, hw.Critical, "high"},
		{2, 0, 0, hw.OK, ""},
		{9, 400, 1, hw.Unknown, ""},
	} {
		v.becomes(pse(1, x.budget, x.oper, x.draw, 0).device(t, iosHead))
		if c := v.all().part(t, "poe/1"); c.Health != x.health || c.State.Get("usage") != x.usage {
			t.Errorf("%+v: %v %v", x, c.Health, c.State)
		}
	}
	v.becomes(pse(1, 400, 1, 390, 0).device(t, iosHead))
	v.all()
	v.fault("generr", pethPSE+".4")
	r := v.all()
	if c := r.part(t, "poe/1"); c.Health != hw.Unknown || r.extent(t, "poe") != hw.Partial {
		t.Errorf("a draw that is not read: %v", c.Health)
	}
}

// A row that does not tell its part, though others do, is left out: it would be another part.
func TestPoEPortNotTold(t *testing.T) {
	t.Parallel()
	r := visiting(t, catalyst, join(
		port(10103, "Fa3/0/8", "FastEthernet3/0/8", 1, 1), port(10104, "Fa3/0/9", "FastEthernet3/0/9", 1, 1),
		part(3001, "Switch 3", 0), part(3011, "FastEthernet3/0/8", 3001), part(3012, "FastEthernet3/0/9", 3001),
		powered("3.5", 3, 4, 6950, 3011), powered("3.6", 4, 1, 0, -1),
	).device(t, iosHead)).all()
	if c, ok := r.parts["poe-port/3.6"]; ok || r.extent(t, "poe") != hw.Partial {
		t.Errorf("%+v", c)
	}
	if c := r.part(t, "port/Fa3/0/8"); c.State.Get("poe") != "delivering" {
		t.Errorf("%+v", c)
	}
}

// The numbers of a row are no part of a port's name: only the part it speaks of tells.
func TestQuirkPoEPortByEntity(t *testing.T) {
	t.Parallel()
	const index = "3.5"
	r := visiting(t, catalyst, join(
		port(10103, "Fa3/0/8", "FastEthernet3/0/8", 1, 1), port(10104, "Fa3/0/5", "FastEthernet3/0/5", 2, 1),
		port(10105, "Fa3/0/9", "FastEthernet3/0/9", 1, 1), port(10106, "Fa3/0/10", "FastEthernet3/0/10", 1, 1),
		part(3001, "Switch 3", 0), part(3011, "FastEthernet3/0/8", 3001), part(3012, "Fa3/0/9", 3001), part(3013, "Jack", 3012),
		part(3014, "Fa3/0/10", 3001), part(3015, "Fan", 3001),
		powered(index, 3, 4, 6950, 3011), powered("3.6", 2, 1, 0, 3013), powered("3.7", 2, 1, 0, 0),
		powered("3.9", 1, 1, 0, 3014), powered("3.10", 1, 1, 0, 3014), powered("3.11", 5, 1, 0, 3015),
	).device(t, iosHead)).all()
	r.complete(t)
	c := r.part(t, "port/Fa3/0/8")
	if c.State.Get("poe") != "delivering" || c.Attrs.Get("poe_class") != "3" || c.Health != hw.OK {
		t.Errorf("%+v", c)
	}
	if draw, set := r.gauge(t, c.Path, "poe_watts"), r.gauge(t, c.Path, "poe_allocated_watts"); draw != 6.95 || set != 15.4 {
		t.Errorf("%v of %v W", draw, set)
	}
	if denied, over := r.count(t, c.Path, "poe_denied_total"), r.count(t, c.Path, "poe_overload_total"); denied.Count != 3 || over.Count != 4 {
		t.Errorf("%+v %+v", denied, over)
	}
	if c := r.part(t, "port/Fa3/0/9"); c.State.Get("poe") != "searching" || c.Attrs.Get("poe_class") != "" {
		t.Errorf("a part in a part: %+v", c)
	}
	for _, path := range []string{"port/Fa3/0/5", "port/Fa3/0/10"} {
		if c := r.part(t, path); c.State.Get("poe") != "" {
			t.Errorf("no row, or more than one, is this port's: %+v", c)
		}
	}
	for path, want := range map[string]string{
		"poe-port/3.7": "searching ok", "poe-port/3.9": "disabled ok", "poe-port/3.10": "disabled ok", "poe-port/3.11": "test ok",
	} {
		if c := r.part(t, path); c.State.Get("poe")+" "+c.Health.String() != want || c.Attrs.Get("poe_class") != "" {
			t.Errorf("%s: %+v, want %s", path, c, want)
		}
	}
}

// Rows whose index is not that of the MIB are of nothing.
func TestPoEHostileIndex(t *testing.T) {
	t.Parallel()
	long := "1.2" + strings.Repeat(".4294967295", 60)
	r := visiting(t, catalyst, join(
		powered("1.1", 3, 1, 5000, 0), powered(long, 3, 1, 5000, 0), pse(1, 370, 1, 30, 80),
		script{pethPSE + ".3." + long + "|2|1", pethPSE + ".2." + long + "|66|1", partitions + ".10." + long + "|4|flash"},
	).device(t, iosHead)).all()
	for path := range r.parts {
		if path != "poe/1" && path != "poe-port/1.1" && path != "system" {
			t.Errorf("%s", path)
		}
	}
	if err := collectors.CheckReport(r.Report); err != nil {
		t.Error(err)
	}
}

// While the inventory is not whole, a row is left out: it would have another name.
func TestPoEPortUnsettled(t *testing.T) {
	t.Parallel()
	device := join(
		port(1, "Fa1/0/1", "FastEthernet1/0/1", 1, 1), port(2, "Fa1/0/2", "FastEthernet1/0/2", 1, 1),
		part(1001, "Switch", 0), part(1003, "Fa1/0/1", 1001), part(1004, "Fa1/0/2", 1001),
		powered("1.1", 3, 1, 5000, 1003), powered("1.2", 3, 1, 5000, 1004),
	)
	for _, subtree := range []string{phys + ".7", cpe + ".11"} {
		v := visiting(t, catalyst, device.device(t, iosHead))
		v.fault("generr", subtree)
		r := v.all()
		if r.extent(t, "poe") != hw.Partial {
			t.Errorf("%s: the section is %v", subtree, r.extent(t, "poe"))
		}
		for path, c := range r.parts {
			if strings.HasPrefix(path, "poe-port/") || c.State.Get("poe") != "" {
				t.Errorf("%s: %+v", subtree, c)
			}
		}
		v.fault("clear", "generr")
		if c := v.all().part(t, "port/Fa1/0/2"); c.State.Get("poe") != "delivering" {
			t.Errorf("%s, healed: %+v", subtree, c)
		}
	}
}

// Some switches serve Cisco's table alone.
func TestQuirkPoEWithoutTheStandardTable(t *testing.T) {
	t.Parallel()
	var s script
	for _, line := range powered("1.1", 3, 1, 6952, 1003) {
		if strings.HasPrefix(line, cpe) {
			s = append(s, line)
		}
	}
	r := visiting(t, catalyst, join(port(1, "Gi1/0/1", "GigabitEthernet1/0/1", 1, 1), part(1003, "Gi1/0/1", 0), s).device(t, iosHead)).all()
	r.complete(t)
	if got := r.gauge(t, "port/Gi1/0/1", "poe_watts"); got != 6.952 {
		t.Errorf("%v W", got)
	}
	if c := r.part(t, "port/Gi1/0/1"); c.State.Get("poe") != "" || c.Health != hw.OK {
		t.Errorf("%+v", c)
	}
	if s, ok := r.samples["port/Gi1/0/1 poe_denied_total"]; ok {
		t.Errorf("a column the device lacks: %+v", s)
	}
}

// A fault of a port's power is an alert until the device says that it is over.
func TestPoEFault(t *testing.T) {
	t.Parallel()
	at := func(admin, detection int) *sim.Device {
		rows := port(1, "Fa1/0/1", "FastEthernet1/0/1", 2, 1)
		for i, line := range rows {
			if strings.HasPrefix(line, "1.3.6.1.2.1.2.2.1.7.1|") {
				rows[i] = "1.3.6.1.2.1.2.2.1.7.1|2|" + strconv.Itoa(admin)
			}
		}
		return join(rows, part(1003, "Fa1/0/1", 0), powered("1.1", detection, 1, 0, 1003)).device(t, iosHead)
	}
	v := visiting(t, catalyst, at(1, 2))
	watch := alerting{TB: t}
	watch.wants("port/Fa1/0/1", v.all(), hw.OK, 0)
	v.becomes(at(1, 4))
	watch.wants("port/Fa1/0/1", v.all(), hw.Warning, hw.LevelAverage)
	watch.wants("port/Fa1/0/1", v.fast(), hw.Warning, hw.LevelAverage)
	v.fault("generr", peth+".6")
	for range 2 {
		r := v.all()
		watch.wants("port/Fa1/0/1", r, hw.Unknown, hw.LevelAverage)
		if got := r.part(t, "port/Fa1/0/1").State.Get("poe"); got != "unknown" {
			t.Errorf("not read: %q", got)
		}
	}
	v.fault("clear", "generr")
	v.fault("generr", cpe+".11") // nobody knows whose row it is
	watch.wants("port/Fa1/0/1", v.all(), hw.Unknown, hw.LevelAverage)
	v.becomes(at(1, 6))
	watch.wants("port/Fa1/0/1", v.all(), hw.Warning, hw.LevelAverage)
	v.becomes(join(unpowered(), script{"1.3.6.1.2.1.1.3.0|67|100"}).device(t, iosHead)) // started anew, not read yet
	watch.wants("port/Fa1/0/1", v.fast(), hw.Unknown, hw.LevelAverage)
	v.becomes(at(2, 6)) // a person shut it
	watch.wants("port/Fa1/0/1", v.all(), hw.OK, 0)
}

// unpowered is the port of TestPoEFault without its power.
func unpowered() script {
	return join(port(1, "Fa1/0/1", "FastEthernet1/0/1", 2, 1), part(1003, "Fa1/0/1", 0))
}

// alerting judges reports as the store does.
type alerting struct {
	testing.TB
	state hw.State
}

// wants takes a report and wants the health of a part, and its open alert; level 0 is none.
func (a *alerting) wants(path string, r report, health hw.Health, level hw.Level) {
	a.Helper()
	if got := r.part(a, path).Health; got != health {
		a.Errorf("%s is %v, want %v: %v", path, got, health, r.parts[path].State)
	}
	a.state.Visit(r.Report)
	f, _ := a.state.Get(hw.RegisterKey{Kind: hw.AlertFact, Component: path, Group: hw.AlertHealth})
	got, _ := f.Value.(hw.AlertValue)
	if got.Open != (level > 0) || got.Open && got.Level != level {
		a.Errorf("%s: alert %+v, want level %v", path, got, level)
	}
}

func TestModelPoE(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, modelled(t, "catalyst-3750-48ps", sim.ModelOptions{}))
	due := only(t, catalyst, "poe", "ports")
	v.all().complete(t)
	v.fault("poe-fault", "Fa1/0/1")
	v.fault("poe-overload", "2")
	r := v.visit(due)
	r.complete(t)
	if c := r.part(t, "port/Fa1/0/1"); c.Health != hw.Warning || !strings.HasSuffix(strings.ToLower(c.State.Get("poe")), "fault") {
		t.Errorf("%+v", c)
	}
	for path, want := range map[string]hw.Health{"poe/1": hw.OK, "poe/2": hw.Warning} {
		if c := r.part(t, path); c.Health != want {
			t.Errorf("%+v, want %v", c, want)
		}
	}
	if r.Requests > 60 {
		t.Errorf("%d requests", r.Requests)
	}
	v.fault("clear", "")
	r = v.visit(due)
	for _, path := range []string{"poe/2", "port/Fa1/0/1"} {
		if c := r.part(t, path); c.Health != hw.OK {
			t.Errorf("after it: %+v", c)
		}
	}
}

// Every port of a real switch that can give power is told what its row says, by its part.
func TestRecordedPoE(t *testing.T) {
	t.Parallel()
	words := []string{"", "disabled", "searching", "delivering", "fault", "test", "otherFault"}
	for _, name := range []string{"cisco_16_switch", "ios_2960x"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines := raw(t, name)
			w := parse(t, lines)
			r := visiting(t, catalyst, recorded(t, lines)).all()
			r.complete(t)
			ports := map[string]string{} // by ifDescr and ifName, what the recording calls the part
			for index, ifName := range w.column("1.3.6.1.2.1.31.1.1.1.1") {
				ports[ifName], ports[w["1.3.6.1.2.1.2.2.1.2."+index]] = "port/"+ifName, "port/"+ifName
			}
			rows := w.column(cpe + ".11")
			if len(rows) == 0 {
				t.Fatal("the recording has no ports with power")
			}
			for index, entity := range rows {
				path := ports[w[phys+".7."+entity]]
				c := r.part(t, path)
				word := ""
				if n, err := strconv.Atoi(w[peth+".6."+index]); err == nil {
					word = words[n]
				}
				if got := c.State.Get("poe"); got != word {
					t.Errorf("%s is %q, want %q", path, got, word)
				}
				if got := r.gauge(t, path, "poe_watts"); fmt.Sprint(got*1000) != w[cpe+".9."+index] {
					t.Errorf("%s: %v W, the recording says %s mW", path, got, w[cpe+".9."+index])
				}
			}
			for group, watts := range w.column(pethPSE + ".2") {
				if got := r.gauge(t, "poe/"+group, "budget_watts"); fmt.Sprint(got) != watts {
					t.Errorf("poe/%s: %v W, want %s", group, got, watts)
				}
			}
			for path := range r.parts {
				if strings.HasPrefix(path, "poe-port/") {
					t.Errorf("%s has no port", path)
				}
			}
		})
	}
}
