package sim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/collectors/sim"
)

const (
	disabled = "1.3.6.1.4.1.9.9.548.1.3.1.1"
	poe      = "1.3.6.1.2.1.105.1.1.1"
)

// faultsAre checks what is told to be switched on.
func (b *bench) faultsAre(want ...string) {
	b.Helper()
	if diff := cmp.Diff(want, b.device.Faults()); diff != "" {
		b.Errorf("faults (-want +got):\n%s", diff)
	}
}

// refused checks that a fault is not taken, and why.
func (b *bench) refused(name, arg, want string) {
	b.Helper()
	if err := b.device.Fault(name, arg); err == nil || !strings.Contains(err.Error(), want) {
		b.Errorf("%s %s: %v, want %q", name, arg, err, want)
	}
}

func TestPortFaultsAddUp(t *testing.T) {
	b := newBench(t, "catalyst-2960x", 0)
	before := b.rows(ifTable+".8", ifXTable+".14")
	b.fault("port-down", "Gi1/0/5")
	b.fault("port-down", "gi1/0/3, 10107")
	b.faultsAre("port-down Gi1/0/3,Gi1/0/5,Gi1/0/7")
	for _, p := range []string{"10103", "10105", "10107"} {
		b.want(ifTable+".8."+p, "Integer 2")
	}
	b.fault("clear", "port-down Gi1/0/3,10105")
	b.faultsAre("port-down Gi1/0/7")
	b.want(ifTable+".8.10105", "Integer 1")
	b.want(ifTable+".8.10107", "Integer 2")
	b.refused("clear", "port-down Gi1/0/3", "Gi1/0/3 is not hit by port-down")
	b.refused("port-down", "Gi1/0/3 now", `"now": write PORT[,PORT] only`)
	b.fault("clear", "")
	b.faultsAre()
	if diff := changed(before, b.rows(ifTable+".8", ifXTable+".14")); len(diff) > 0 {
		t.Errorf("still changed after clear: %v", diff)
	}
}

func TestErrDisabled(t *testing.T) {
	b := newBench(t, "catalyst-3750-48ps", 2)
	if rows := b.rows(disabled); len(rows) > 0 {
		t.Errorf("a healthy switch has err-disabled ports: %v", rows)
	}
	b.fault("err-disabled", "Fa1/0/3")
	b.fault("err-disabled", "Fa2/0/5 port-security-violation")
	b.fault("err-disabled", "Fa2/0/7 62")
	b.faultsAre("err-disabled Fa1/0/3 bpduGuard,Fa2/0/5 portSecurityViolation,Fa2/0/7 62")
	want := map[string]string{
		disabled + ".2.10003.0": "Integer 2", disabled + ".2.10505.0": "Integer 9", disabled + ".2.10507.0": "Integer 62",
	}
	if diff := cmp.Diff(want, b.rows(disabled+".2")); diff != "" {
		t.Errorf("causes (-want +got):\n%s", diff)
	}
	b.want(ifTable+".7.10003", "Integer 1")
	b.want(ifTable+".8.10003", "Integer 2")
	b.refused("err-disabled", "Fa1/0/9 rain", `no cause "rain": write 1 to 62, or udld, bpduGuard`)
	b.refused("err-disabled", "Vl60", "Vl60 is no port of a member")
	b.fault("port-down", "Fa1/0/3")
	b.fault("clear", "err-disabled Fa1/0/3")
	b.want(ifTable+".8.10003", "Integer 2") // the link is still lost
	b.fault("reboot", "")
	if rows := b.rows(disabled); len(rows) > 0 {
		t.Errorf("ports are err-disabled after a start: %v", rows)
	}
	b.faultsAre("port-down Fa1/0/3")
}

func TestPoEFault(t *testing.T) {
	b := newBench(t, "catalyst-3750-48ps", 1)
	all := []string{poe, "1.3.6.1.4.1.9.9.402.1.2.1", ifTable + ".8"}
	before := b.rows(all...)
	b.fault("poe-fault", "Fa1/0/5")
	after := changed(before, b.rows(all...))
	want := []string{poe + ".10.1.7: Integer 3 -> Integer 1", poe + ".6.1.7: Integer 3 -> Integer 4"}
	if diff := cmp.Diff(want, after[:2]); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	b.want("1.3.6.1.4.1.9.9.402.1.2.1.9.1.7", "Gauge32 0")
	b.refused("poe-fault", "Gi1/0/1", "Gi1/0/1 feeds no device")
}

func TestPoEOverload(t *testing.T) {
	b := newBench(t, "catalyst-2960x", 2)
	drawn := number(b, b.session, "1.3.6.1.2.1.105.1.3.1.1.4.1")
	b.fault("poe-overload", "2")
	if now, most := number(b, b.session, "1.3.6.1.2.1.105.1.3.1.1.4.2"), uint64(740); now < most*95/100 || now > most {
		t.Errorf("%d W of %d", now, most)
	}
	b.want("1.3.6.1.2.1.105.1.3.1.1.4.1", fmt.Sprintf("Gauge32 %d", drawn))
	b.want(poe+".12.2.2", "Counter32 3")
	b.want("1.3.6.1.4.1.9.9.402.1.2.1.5.2.2", `OctetString "\x80"`)
}

func TestTransceiverPulled(t *testing.T) {
	b := newBench(t, "catalyst-3750-48ps", 2)
	parts := "1.3.6.1.2.1.47.1.1.1.1.7"
	before := b.rows(parts, "1.3.6.1.4.1.9.9.91.1.1.1.1.4", "1.3.6.1.2.1.47.1.3.2.1.2")
	b.clock.Pass(time.Minute)
	b.fault("sfp-pulled", "Gi2/0/2")
	ticks := fmt.Sprintf("TimeTicks %d", number(b, b.session, upTime))
	gone := 0
	for _, d := range changed(before, b.rows(parts, "1.3.6.1.4.1.9.9.91.1.1.1.1.4", "1.3.6.1.2.1.47.1.3.2.1.2")) {
		if strings.HasSuffix(d, " gone") {
			gone++
		} else if !strings.Contains(d, ".91.") && d != "1.3.6.1.2.1.47.1.3.2.1.2.2007.0 new" {
			t.Errorf("changed: %s", d)
		}
	}
	if gone != 12 { // six parts, five sensors, one alias
		t.Errorf("%d rows are gone, want 12", gone)
	}
	b.want("1.3.6.1.2.1.47.1.4.1.0", ticks)
	b.want(ifTable+".8.10602", "Integer 2")
	b.want(ifTable+".9.10602", ticks)
	b.want("1.3.6.1.2.1.31.1.1.1.18.10602", `OctetString "uplink 2-2"`)
	b.fault("sfp-pulled", "1")
	b.faultsAre("sfp-pulled Gi1/0/1,Gi2/0/2")
	b.refused("sfp-pulled", "Gi2/0/3", "Gi2/0/3 has no transceiver to pull")
	b.fault("clear", "")
	b.want(ifTable+".8.10602", "Integer 1")
}

func TestDuplexMismatch(t *testing.T) {
	b := newBench(t, "catalyst-2960x", 0)
	const mode, late = "1.3.6.1.2.1.10.7.2.1.19.10103", "1.3.6.1.2.1.10.7.2.1.8.10103"
	b.want(late, "Counter32 0")
	b.fault("duplex-mismatch", "Gi1/0/3")
	b.want(mode, "Integer 2")
	b.clock.Pass(10 * time.Minute)
	rose := number(b, b.session, late)
	if rose == 0 {
		t.Error("no late collisions in ten minutes")
	}
	b.fault("clear", "duplex-mismatch")
	b.want(mode, "Integer 3")
	b.clock.Pass(time.Hour)
	b.want(late, fmt.Sprintf("Counter32 %d", rose))
	b.fault("duplex-mismatch", "Gi1/0/3")
	b.want(late, fmt.Sprintf("Counter32 %d", rose))
	b.clock.Pass(10 * time.Minute)
	if now := number(b, b.session, late); now <= rose || now > 5*rose+10 {
		t.Errorf("late collisions went from %d to %d", rose, now)
	}
}

func TestNeighbourLost(t *testing.T) {
	b := newBench(t, "catalyst-3750-48ps", 1)
	all := []string{"1.3.6.1.4.1.9.9.23.1.2.1.1.6", "1.0.8802.1.1.2.1.4.1.1.9", ifTable + ".8"}
	before := b.rows(all...)
	b.fault("neighbour-lost", "Gi1/0/1,Fa1/0/5")
	want := []string{
		"1.0.8802.1.1.2.1.4.1.1.9.0.49.1 gone", "1.3.6.1.4.1.9.9.23.1.2.1.1.6.10005.5 gone", "1.3.6.1.4.1.9.9.23.1.2.1.1.6.10101.49 gone",
	}
	if diff := cmp.Diff(want, changed(before, b.rows(all...))); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	b.refused("neighbour-lost", "Fa1/0/7", "Fa1/0/7 has no neighbour")
}

func TestTreeInconsistent(t *testing.T) {
	b := newBench(t, "catalyst-2960x", 1)
	const rows, state = "1.3.6.1.4.1.9.9.82.1.3.1.1.3", "1.3.6.1.2.1.17.2.15.1.3.50"
	if got := b.rows("1.3.6.1.4.1.9.9.82.1.3"); len(got) > 0 {
		t.Errorf("a healthy switch has inconsistent ports: %v", got)
	}
	b.fault("stp-inconsistent", "Gi1/0/50,Gi1/0/3")
	want := map[string]string{rows + ".60.3": `OctetString "@"`}
	for _, vlan := range []string{"1", "60", "70", "80"} {
		want[rows+"."+vlan+".50"] = `OctetString "@"`
	}
	if diff := cmp.Diff(want, b.rows(rows)); diff != "" {
		t.Errorf("inconsistent ports (-want +got):\n%s", diff)
	}
	b.want(state, "Integer 6")
	b.refused("stp-inconsistent", "Gi1/0/47", "Gi1/0/47 is not in the spanning tree")
	b.fault("clear", "stp-inconsistent")
	b.want(state, "Integer 5")
}

// TestPortChannelMemberDown takes the members out of a port-channel one by one.
func TestPortChannelMemberDown(t *testing.T) {
	b := newBench(t, "catalyst-2960x", 1)
	const stack = "1.3.6.1.2.1.31.1.2.1.3"
	b.clock.Pass(time.Minute)
	b.fault("port-down", "Gi1/0/43")
	ticks := fmt.Sprintf("TimeTicks %d", number(b, b.session, upTime))
	b.want("1.3.6.1.2.1.31.1.6.0", ticks)
	b.want("1.3.6.1.2.1.31.1.5.0", "TimeTicks 9157")
	b.want(stack+".5001.10143", "NoSuchInstance <nil>")
	b.want(stack+".5001.10147", "Integer 1")
	b.want("1.2.840.10006.300.43.1.2.1.1.13.10143", "Integer 0")
	b.want(ifTable+".8.5001", "Integer 1")
	b.want(ifTable+".9.5001", "TimeTicks 9700")
	b.clock.Pass(time.Minute)
	b.fault("port-down", "Gi1/0/47")
	b.want(ifTable+".8.5001", "Integer 2")
	b.want(ifTable+".9.5001", fmt.Sprintf("TimeTicks %d", number(b, b.session, upTime)))
	octets := number(b, b.session, ifXTable+".6.5001")
	b.clock.Pass(time.Hour)
	b.want(ifXTable+".6.5001", fmt.Sprintf("Counter64 %d", octets))
	b.fault("clear", "")
	b.want(ifTable+".8.5001", "Integer 1")
	b.want(stack+".5001.10143", "Integer 1")
}

// TestIdlePortDown takes a link that was never there: nothing happens.
func TestIdlePortDown(t *testing.T) {
	b := newBench(t, "catalyst-2960x", 1)
	before := b.rows(ifTable+".8", ifTable+".9", "1.3.6.1.2.1.17.2.4")
	b.fault("port-down", "Gi1/0/2")
	if diff := changed(before, b.rows(ifTable+".8", ifTable+".9", "1.3.6.1.2.1.17.2.4")); len(diff) > 0 {
		t.Errorf("changed: %v", diff)
	}
}

func TestFaultsOfTheModel(t *testing.T) {
	t.Parallel()
	asa := model(t, "asa-5525-failover", sim.ModelOptions{})
	for _, name := range []string{"err-disabled", "poe-fault", "sfp-pulled", "ring-broken", "neighbour-lost", "config-saved"} {
		if err := asa.Fault(name, ""); err == nil || !strings.Contains(err.Error(), "asa-5525-failover has no fault "+name) {
			t.Errorf("%s of a firewall: %v", name, err)
		}
	}
}
