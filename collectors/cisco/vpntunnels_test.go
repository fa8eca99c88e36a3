package cisco_test

import (
	"fmt"
	"testing"

	"rackpost/collectors"
	"rackpost/collectors/sim"
	"rackpost/hw"
)

const ike, ipsec = "1.3.6.1.4.1.9.9.171.1.2.3.1", "1.3.6.1.4.1.9.9.171.1.3.2.1"

// outerRow writes phase 1 to 198.51.100.<peer>, up for some seconds.
func outerRow(index, peer, age int) script {
	return script{
		fmt.Sprintf("%s.7.%d|4|198.51.100.%d", ike, index, peer), fmt.Sprintf("%s.8.%d|4x|c63364%02x", ike, index, peer), fmt.Sprintf("%s.16.%d|2|%d", ike, index, age*100),
	}
}

// innerRow writes phase 2.
func innerRow(index, outer, peer, age, rx int) script {
	return script{
		fmt.Sprintf("%s.2.%d|2|%d", ipsec, index, outer), fmt.Sprintf("%s.5.%d|4x|c63364%02x", ipsec, index, peer), fmt.Sprintf("%s.10.%d|2|%d", ipsec, index, age*100),
		fmt.Sprintf("%s.27.%d|70|%d", ipsec, index, rx), fmt.Sprintf("%s.40.%d|70|%d", ipsec, index, 2*rx),
	}
}

// Several phase 2 tunnels to one peer add up; the index of neither phase is a name.
func TestTunnelsByPeer(t *testing.T) {
	t.Parallel()
	r := visiting(t, asa, join(
		outerRow(900, 11, 50), outerRow(17, 12, 70), innerRow(31, 900, 11, 50, 100), innerRow(4, 900, 11, 40, 30), innerRow(900, 17, 12, 70, 7),
	).device(t, asaHead)).all()
	r.complete(t)
	if a, b := r.count(t, "tunnel/198.51.100.11", "rx_bytes_total").Count, r.count(t, "tunnel/198.51.100.11", "tx_bytes_total").Count; a != 130 || b != 260 {
		t.Errorf("%d in, %d out", a, b)
	}
	if a, b := r.gauge(t, "tunnel/198.51.100.11", "security_associations_count"), r.gauge(t, "tunnel/198.51.100.11", "active_seconds"); a != 2 || b != 50 {
		t.Errorf("%v tunnels, up for %v s", a, b)
	}
	if got := r.count(t, "tunnel/198.51.100.12", "rx_bytes_total").Count; got != 7 {
		t.Errorf("%d", got)
	}
	if c := r.part(t, "tunnel/198.51.100.12"); c.Expected || c.Health != hw.OK || c.Attrs.Get("identity") != "" {
		t.Errorf("%+v", c)
	}
}

// A tunnel that ends goes: it is no missing part. IKEv2 has no phase 1 on some releases.
func TestTunnelEnds(t *testing.T) {
	t.Parallel()
	v := visiting(t, asa, join(innerRow(31, 900, 11, 50, 100), outerRow(7, 12, 5), innerRow(32, 7, 12, 50, 100)).device(t, asaHead))
	r := v.all()
	r.complete(t)
	if s := r.samples["tunnel/198.51.100.11 active_seconds"]; s.Absent != hw.NotSupported {
		t.Errorf("without phase 1: %+v", s)
	}
	v.becomes(innerRow(31, 900, 11, 60, 110).device(t, asaHead))
	r = v.all()
	r.complete(t)
	if c, ok := r.parts["tunnel/198.51.100.12"]; ok {
		t.Errorf("%+v", c)
	}
	v.becomes(script{}.device(t, asaHead))
	r = v.all()
	r.complete(t)
	if c, ok := r.parts["tunnel/198.51.100.11"]; ok {
		t.Errorf("the last tunnel: %+v", c)
	}
}

// The octets of a peer start anew when any of its tunnels is another one.
func TestQuirkTunnelIndexUsedAgain(t *testing.T) {
	t.Parallel()
	start := func(r report) int64 { return r.count(t, "tunnel/198.51.100.11", "rx_bytes_total").StartMS }
	two := func(age, rx int) *sim.Device {
		return join(innerRow(31, 1, 11, age, rx), innerRow(4, 1, 11, 5000, rx)).device(t, asaHead)
	}
	v := visiting(t, asa, two(4000, 100))
	first := start(v.all())
	v.becomes(two(4001, 200))
	if got := start(v.all()); got != first {
		t.Errorf("the start moved from %d to %d", first, got)
	}
	v.becomes(two(3, 300)) // the same index, and more octets
	second := start(v.all())
	if second == first {
		t.Error("another tunnel under the same index goes on")
	}
	v.becomes(join(innerRow(31, 1, 11, 4, 400), innerRow(4, 1, 11, 5002, 400), innerRow(9, 1, 11, 1, 400)).device(t, asaHead))
	third := start(v.all())
	if third == second {
		t.Error("with one tunnel more the sum goes on")
	}
}

// What a row does not tell is not made up: without its octets there is no sum, and a row
// whose peer nobody names voids every sum.
func TestTunnelsNotWhole(t *testing.T) {
	t.Parallel()
	both := join(innerRow(31, 1, 11, 50, 100), innerRow(4, 1, 11, 40, 30))
	without := func(drop string) *sim.Device {
		var s script
		for _, line := range both {
			if len(line) < len(drop) || line[:len(drop)] != drop {
				s = append(s, line)
			}
		}
		return s.device(t, asaHead)
	}
	for drop, want := range map[string]hw.Reason{
		ipsec + ".27.4|": hw.NotSupported, ipsec + ".5.4|": hw.Inconsistent, ipsec + ".10.4|": hw.Inconsistent,
	} {
		r := visiting(t, asa, without(drop)).all()
		if s := r.samples["tunnel/198.51.100.11 rx_bytes_total"]; s.Absent != want {
			t.Errorf("without %s: %+v, want %s", drop, s, want)
		}
	}
	v := visiting(t, asa, both.device(t, asaHead))
	v.all()
	v.fault("generr", ipsec+".40.4")
	r := v.all()
	if s := r.samples["tunnel/198.51.100.11 rx_bytes_total"]; s.Absent == "" || r.extent(t, "tunnels") == hw.Complete {
		t.Errorf("a column broke off: %+v", s)
	}
}

// The peer's address is where either phase tells it; what it calls itself is told besides.
func TestTunnelPeer(t *testing.T) {
	t.Parallel()
	r := visiting(t, asa, join(
		script{ike + ".7.1|4|branch-7", ike + ".8.1|4x|c633640b", ike + ".16.1|2|100"},
		script{ike + ".7.2|4|198.51.100.12", ike + ".16.2|2|200"},
		script{ike + ".7.3|4|10.0.0.1", ike + ".16.3|2|300"}, innerRow(9, 3, 13, 5, 1),
		script{ike + ".7.4|4x|2a2a2a", ike + ".8.4|4x|2a2a2a", ike + ".16.4|2|400"},
		script{ike + ".8.5|4x|20010db8000000000000000000000001", ike + ".16.5|2|500"},
	).device(t, asaHead)).all()
	for path, identity := range map[string]string{
		"tunnel/198.51.100.11": "branch-7", "tunnel/198.51.100.12": "", "tunnel/198.51.100.13": "10.0.0.1", "tunnel/2001:db8::1": "",
	} {
		if c := r.part(t, path); c.Attrs.Get("identity") != identity {
			t.Errorf("%+v, want %q", c, identity)
		}
	}
	if s := r.samples["tunnel/198.51.100.11 active_seconds"]; s.Absent != hw.Inconsistent {
		t.Errorf("one phase 1 is of nobody knows whom, and %+v", s)
	}
}

// More peers than are told, as remote access clients are, cost no more.
func TestTunnelsBounded(t *testing.T) {
	t.Parallel()
	var s script
	for i := range 300 {
		s = append(s, fmt.Sprintf("%s.5.%d|4x|0a00%04x", ipsec, i+1, i), fmt.Sprintf("%s.27.%d|70|1", ipsec, i+1))
	}
	v := visiting(t, asa, s.device(t, asaHead))
	var r report
	for _, sec := range v.kind.Sections {
		if sec.Name == "tunnels" {
			r = v.visit([]collectors.Section{sec})
		}
	}
	if n := len(r.Components); n != 256 || r.extent(t, "tunnels") != hw.Partial || len(r.Gaps) != 1 || r.Gaps[0].Reason != hw.TooMuch {
		t.Errorf("%d components, %v, %+v", n, r.Read, r.Gaps)
	}
}

// A tunnel of the simulator that is set up anew, goes, and comes back: one part all the
// while, and only its own counters break.
func TestTunnelRekeyedAndLost(t *testing.T) {
	t.Parallel()
	const one, two = "tunnel/198.51.100.11", "tunnel/198.51.100.12"
	start := func(r report, path string) int64 { return r.count(t, path, "rx_bytes_total").StartMS }
	v := visiting(t, asa, modelled(t, "asa-5525-failover", sim.ModelOptions{}))
	before := v.all()
	if again := v.all(); start(again, one) != start(before, one) {
		t.Error("the start moves by itself")
	}
	v.fault("tunnel-rekey", "1")
	rekeyed := v.all()
	if start(rekeyed, one) == start(before, one) || start(rekeyed, two) != start(before, two) {
		t.Errorf("starts before %d and %d, after %d and %d", start(before, one), start(before, two), start(rekeyed, one), start(rekeyed, two))
	}
	v.fault("tunnel-down", "1")
	r := v.all()
	r.complete(t)
	if c, ok := r.parts[one]; ok {
		t.Errorf("%+v", c)
	}
	v.fault("clear", "tunnel-down")
	if back := v.all(); start(back, one) == start(rekeyed, one) {
		t.Error("the tunnel that came back counts on from the one before")
	}
}
