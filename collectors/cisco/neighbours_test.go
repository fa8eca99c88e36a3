package cisco_test

import (
	"fmt"
	"strings"
	"testing"

	"rackpost/collectors/sim"
	"rackpost/hw"
)

const (
	cdpRow         = "1.3.6.1.4.1.9.9.23.1.2.1.1"
	lldpRow        = "1.0.8802.1.1.2.1.4.1.1"
	lldpPorts      = "1.0.8802.1.1.2.1.3.7.1"
	dot3Duplex     = "1.3.6.1.2.1.10.7.2.1.19"
	trunkPortTable = "1.3.6.1.4.1.9.9.46.1.6.1.1"
)

// cdp writes one row of the CDP cache.
func cdp(ifIndex, n int, id, far string, native, duplex int) script {
	at := fmt.Sprintf("%d.%d", ifIndex, n)
	return script{
		cdpRow + ".3." + at + "|2|1", cdpRow + ".4." + at + "|4x|c0000207",
		fmt.Sprintf("%s.5.%s|4x|%x", cdpRow, at, "Cisco IOS Software, Version 15.2(2)E3, RELEASE"),
		fmt.Sprintf("%s.6.%s|4x|%x", cdpRow, at, id), fmt.Sprintf("%s.7.%s|4x|%x", cdpRow, at, far),
		cdpRow + ".8." + at + "|4|cisco WS-C3750", cdpRow + ".9." + at + "|4x|00000029",
		fmt.Sprintf("%s.11.%s|2|%d", cdpRow, at, native), fmt.Sprintf("%s.12.%s|2|%d", cdpRow, at, duplex),
	}
}

// lldp writes one row of the LLDP table.
func lldp(mark, local, n int, name, far string) script {
	at := fmt.Sprintf("%d.%d.%d", mark, local, n)
	return script{
		lldpRow + ".4." + at + "|2|4", lldpRow + ".5." + at + "|4x|0253ff000102",
		lldpRow + ".6." + at + "|2|5", fmt.Sprintf("%s.7.%s|4x|%x", lldpRow, at, far), fmt.Sprintf("%s.8.%s|4x|", lldpRow, at),
		fmt.Sprintf("%s.9.%s|4x|%x", lldpRow, at, name), lldpRow + ".10." + at + "|4|Linux 6.1", lldpRow + ".12." + at + "|4x|2800",
	}
}

func lldpLocal(number int, id, descr string) script {
	return script{
		fmt.Sprintf("%s.2.%d|2|5", lldpPorts, number), fmt.Sprintf("%s.3.%d|4x|%x", lldpPorts, number, id),
		fmt.Sprintf("%s.4.%d|4x|%x", lldpPorts, number, descr),
	}
}

// neighbours returns the paths of the neighbours of a report.
func (r report) neighbours() (paths []string) {
	for _, c := range r.Components {
		if strings.HasPrefix(c.Path, "neighbour/") {
			paths = append(paths, strings.TrimPrefix(c.Path, "neighbour/"))
		}
	}
	return paths
}

// near is one switch with three ports whose links are up.
func near(more ...script) script {
	all := join(port(10, "Gi0/1", "GigabitEthernet0/1", 1, 1), port(20, "Gi0/2", "GigabitEthernet0/2", 1, 1), port(30, "Gi0/3", "GigabitEthernet0/3", 2, 1))
	return join(append([]script{all}, more...)...)
}

func TestNeighboursOfAModel(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, modelled(t, "catalyst-3750-48ps", sim.ModelOptions{}))
	r := v.all()
	c := r.part(t, "neighbour/Gi1/0/1/sim-core-49")
	for key, want := range map[string]string{
		"via": "cdp, lldp", "address": "192.0.2.49", "capabilities": "router, switch", "platform": "cisco WS-C4500X-16",
		"port": "TenGigabitEthernet1/49", "native_vlan": "1", "duplex": "fullDuplex", "name": "sim-core-49", "chassis_id": "02:53:ff:ff:01:31",
	} {
		if got := c.Attrs.Get(key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if c.Health != hw.OK || len(c.State) != 0 || c.Expected {
		t.Errorf("%+v", c)
	}
	if phone := r.part(t, "neighbour/Fa1/0/5/SEP025300010005"); phone.Attrs.Get("via") != "cdp" || phone.Attrs.Get("capabilities") != "host, phone" {
		t.Errorf("%+v", phone)
	}
	v.fault("port-down", "Gi1/0/1")
	r = v.all()
	r.complete(t)
	if _, still := r.parts["neighbour/Gi1/0/1/sim-core-49"]; still {
		t.Error("a neighbour nobody hears is still there")
	}
}

func TestQuirkLLDPPortNumberIsNotIfIndex(t *testing.T) {
	t.Parallel()
	r := visiting(t, catalyst, near(
		lldpLocal(10, "Gi0/2", "x"), lldp(0, 10, 1, "by-name", "eth0"),
		lldpLocal(1, "02:53:ff:00:00:01", "GigabitEthernet0/1"), lldp(0, 1, 2, "by-descr", "eth0"),
		lldpLocal(20, "slot 7", "unlike any"), lldp(0, 20, 3, "by-number", "eth0"),
	).device(t, iosHead)).all()
	r.complete(t)
	want := []string{"#20/by-number", "Gi0/1/by-descr", "Gi0/2/by-name"}
	if got := r.neighbours(); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%q, want %q", got, want)
	}
}

// A host that tells no name is known by its chassis id: an address is written as one.
func TestNeighbourWithoutName(t *testing.T) {
	t.Parallel()
	address := lldp(0, 2, 3, "", "ignored")
	for i, line := range address {
		switch {
		case strings.HasPrefix(line, lldpRow+".4."):
			address[i] = strings.TrimSuffix(line, "4") + "5"
		case strings.HasPrefix(line, lldpRow+".5."):
			address[i] = line[:strings.LastIndex(line, "|")+1] + "01c0000209"
		}
	}
	r := visiting(t, catalyst, near(lldpLocal(1, "Gi0/1", ""), lldp(0, 1, 1, "", "eth0"), lldpLocal(2, "Gi0/2", ""), address, cdp(30, 1, "", "Gi1", 0, 1)).device(t, iosHead)).all()
	r.complete(t)
	want := []string{"Gi0/1/02:53:ff:00:01:02", "Gi0/2/192.0.2.9", "Gi0/3/192.0.2.7"}
	if got := r.neighbours(); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%q, want %q", got, want)
	}
}

// The time mark of an LLDP row moves, and the number of a CDP row too: neither is a name.
func TestQuirkNeighbourIndexMoves(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, near(cdp(10, 4, "far", "Gi1", 1, 3), lldpLocal(2, "Gi0/2", ""), lldp(100, 2, 1, "host", "eth0")).device(t, iosHead))
	before := v.all()
	v.becomes(near(cdp(10, 9, "far", "Gi1", 1, 3), lldpLocal(2, "Gi0/2", ""), lldp(9000, 2, 7, "host", "eth0")).device(t, iosHead))
	after := v.all()
	if a, b := before.neighbours(), after.neighbours(); len(a) != 2 || strings.Join(a, " ") != strings.Join(b, " ") {
		t.Errorf("%q, then %q", a, b)
	}
}

// CDP adds a serial to the name and LLDP a domain: it is one neighbour all the same.
func TestQuirkNeighbourToldByBothProtocols(t *testing.T) {
	t.Parallel()
	both := near(cdp(10, 1, "Core-1.example.net(SIM0001)", "Ethernet1/1", 1, 3), lldpLocal(1, "Gi0/1", ""), lldp(0, 1, 1, "core-1", "Eth1/1"))
	r := visiting(t, catalyst, both.device(t, iosHead)).all()
	r.complete(t)
	c := r.part(t, "neighbour/Gi0/1/Core-1")
	if len(r.neighbours()) != 1 || c.Attrs.Get("via") != "cdp, lldp" || c.Attrs.Get("port") != "Ethernet1/1" || c.Attrs.Get("version") != "15.2(2)E3" {
		t.Errorf("%q: %v", r.neighbours(), c.Attrs)
	}
}

// A switch that is not managed lets CDP through: several neighbours on a port, one of them
// with two ports there.
func TestQuirkNeighboursBehindASwitch(t *testing.T) {
	t.Parallel()
	r := visiting(t, catalyst, near(
		script{dot3Duplex + ".10|2|3"},
		cdp(10, 1, "one", "Gi2", 1, 2), cdp(10, 2, "one", "Gi1", 1, 2), cdp(10, 3, "two", "Gi1", 1, 2),
	).device(t, iosHead)).all()
	r.complete(t)
	one, two := r.part(t, "neighbour/Gi0/1/one"), r.part(t, "neighbour/Gi0/1/two")
	if one.Attrs.Get("port") != "Gi1, Gi2" || one.Health != hw.OK || two.Health != hw.OK {
		t.Errorf("%v %v, %v", one.Attrs, one.Health, two.Health)
	}
}

func TestNeighbourMismatch(t *testing.T) {
	t.Parallel()
	r := visiting(t, catalyst, near(
		script{dot3Duplex + ".10|2|3", dot3Duplex + ".20|2|2", dot3Duplex + ".30|2|3"},
		script{trunkPortTable + ".13.20|2|1", trunkPortTable + ".14.20|2|1", trunkPortTable + ".5.20|2|7", trunkPortTable + ".4.20|4x|" + strings.Repeat("ff", 128)},
		cdp(10, 1, "half", "Gi1", 0, 2), cdp(20, 1, "other", "Gi1", 1, 3), cdp(30, 1, "down", "Gi1", 1, 2),
	).device(t, iosHead)).all()
	for path, want := range map[string]struct {
		health   hw.Health
		mismatch string
	}{
		"neighbour/Gi0/1/half":  {hw.Warning, "duplex"},
		"neighbour/Gi0/2/other": {hw.Warning, "duplex, native_vlan"},
		"neighbour/Gi0/3/down":  {hw.OK, ""},
	} {
		if c := r.part(t, path); c.Health != want.health || c.State.Get("mismatch") != want.mismatch {
			t.Errorf("%s: %v %v, want %v %q", path, c.Health, c.State, want.health, want.mismatch)
		}
	}
}

// A neighbour whose name was cut off is not shown under another, and not taken for gone.
func TestNeighboursCut(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, modelled(t, "catalyst-3750-48ps", sim.ModelOptions{}))
	whole := v.all()
	for _, cut := range []string{cdpRow + ".6", lldpRow + ".9", lldpPorts + ".3", cdpRow + ".12", cdpRow} {
		v.fault("generr", cut)
		r := v.all()
		if r.extent(t, "neighbours") != hw.Partial {
			t.Errorf("%s: neighbours are %v", cut, r.extent(t, "neighbours"))
		}
		for _, n := range r.neighbours() {
			path := "neighbour/" + n
			was, ok := whole.parts[path]
			if !ok {
				t.Errorf("%s: %s is invented", cut, path)
			}
			for _, a := range r.parts[path].Attrs {
				if a.Value != was.Attrs.Get(a.Key) {
					t.Errorf("%s: %s: %s is %q, was %q", cut, path, a.Key, a.Value, was.Attrs.Get(a.Key))
				}
			}
		}
		v.fault("clear", "")
	}
	r := v.all()
	r.complete(t)
	if len(r.neighbours()) != len(whole.neighbours()) {
		t.Errorf("%d neighbours, were %d", len(r.neighbours()), len(whole.neighbours()))
	}
}

// Every row of the CDP cache of a real device is there, by what the recording says.
func TestRecordedNeighbours(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"cisco_16_switch", "cisco-c3560", "ios_2960x"} {
		lines := raw(t, name)
		w := parse(t, lines)
		r := visiting(t, catalyst, recorded(t, lines)).all()
		heard := 0
		for index, id := range w.column(cdpRow + ".6") {
			ifIndex, _, _ := strings.Cut(index, ".")
			host, _, _ := strings.Cut(id, ".")
			c := r.part(t, "neighbour/"+w["1.3.6.1.2.1.31.1.1.1.1."+ifIndex]+"/"+host)
			for key, column := range map[string]string{"port": ".7.", "platform": ".8."} {
				if got, want := c.Attrs.Get(key), strings.TrimSpace(w[cdpRow+column+index]); got != want {
					t.Errorf("%s %s: %s is %q, want %q", name, c.Path, key, got, want)
				}
			}
			heard++
		}
		if heard == 0 || heard != len(r.neighbours()) {
			t.Errorf("%s: %d neighbours, the recording has %d", name, len(r.neighbours()), heard)
		}
	}
}
