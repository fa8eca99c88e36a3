package sim_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRingBroken(t *testing.T) {
	b := newBench(t, "catalyst-3750-48ps", 3)
	const ring, cables = "1.3.6.1.4.1.9.9.500.1.1.3.0", "1.3.6.1.4.1.9.9.500.1.2.2.1"
	before := b.rows(cables, ifTable+".8", "1.3.6.1.4.1.9.9.500.1.2.1.1")
	b.want(ring, "Integer 1")
	b.clock.Pass(time.Minute)
	b.fault("ring-broken", "3")
	b.want(ring, "Integer 2")
	want := []string{ // cable 1 of member 3 leads to cable 2 of member 1
		ifTable + ".8.5181: Integer 1 -> Integer 2", ifTable + ".8.5186: Integer 1 -> Integer 2",
		cables + ".1.5181: Integer 1 -> Integer 2", cables + ".1.5186: Integer 1 -> Integer 2",
		cables + ".2.5181: Integer 3001 -> Integer 0", cables + ".2.5186: Integer 1001 -> Integer 0",
	}
	if diff := cmp.Diff(want, changed(before, b.rows(cables, ifTable+".8", "1.3.6.1.4.1.9.9.500.1.2.1.1"))); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	b.want(ifTable+".9.5186", fmt.Sprintf("TimeTicks %d", number(b, b.session, upTime)))
	b.want("1.3.6.1.2.1.17.2.4.0", "Counter32 6")
	b.fault("clear", "ring-broken")
	b.want(ring, "Integer 1")
}

func TestRingOfOne(t *testing.T) {
	b := newBench(t, "catalyst-2960x", 1)
	b.refused("ring-broken", "", "a stack of one has no ring to break: make it of two")
	b.faultsAre()
}

func TestConfigChanged(t *testing.T) {
	b := newBench(t, "catalyst-2960x", 0)
	const man = "1.3.6.1.4.1.9.9.43.1.1"
	changedAt, savedAt := number(b, b.session, man+".1.0"), number(b, b.session, man+".2.0")
	if changedAt >= savedAt {
		t.Errorf("the configuration of a healthy switch was changed at %d and saved at %d", changedAt, savedAt)
	}
	b.clock.Pass(time.Minute)
	b.fault("config-changed", "ruth")
	at := fmt.Sprintf("TimeTicks %d", number(b, b.session, upTime))
	b.want(man+".1.0", at)
	b.want(man+".2.0", fmt.Sprintf("TimeTicks %d", savedAt))
	b.want(man+".6.1.2.15", at)
	b.want(man+".6.1.5.15", "Integer 3")
	b.want(man+".6.1.8.15", `OctetString "ruth"`)
	b.want(man+".6.1.2.5", "NoSuchInstance <nil>")
	b.clock.Pass(time.Minute)
	b.fault("config-saved", "")
	b.want(man+".2.0", fmt.Sprintf("TimeTicks %d", number(b, b.session, upTime)))
	b.want(man+".1.0", at)
	b.want(man+".6.1.4.16", "Integer 3")
	b.want(man+".6.1.5.16", "Integer 4")
	for range 12 {
		b.fault("config-changed", "")
	}
	if rows := b.rows(man + ".6.1.2"); len(rows) != 10 || rows[man+".6.1.2.28"] == "" {
		t.Errorf("the history is %v", rows)
	}
	b.refused("config-changed", strings.Repeat("r", 65), "write up to 64")
	b.fault("reboot", "")
	b.clock.Pass(10 * time.Minute)
	b.want(man+".1.0", "TimeTicks 16100")
	b.want(man+".2.0", "TimeTicks 0")
	if rows := b.rows(man + ".6.1.2"); len(rows) > 0 {
		t.Errorf("the history after a start is %v", rows)
	}
}

func TestUpgrade(t *testing.T) {
	b := newBench(t, "catalyst-2960x", 0)
	const descr, rev, image = "1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.47.1.1.1.1.10.1001", "1.3.6.1.4.1.9.9.25.1.1.1.2"
	b.want(rev, `OctetString "15.2(7)E4"`)
	b.want("1.3.6.1.4.1.9.2.1.2.0", `OctetString "power-on"`)
	b.fault("upgrade", "")
	b.want(rev, `OctetString "15.2(7)E5"`)
	b.fault("upgrade", "15.2(8)E")
	b.want(rev, `OctetString "15.2(8)E"`)
	b.want(image+".5", `OctetString "CW_VERSION$15.2(8)E$"`)
	b.want("1.3.6.1.4.1.9.2.1.2.0", `OctetString "reload"`)
	b.want("1.3.6.1.4.1.9.9.117.1.2.1.1.3.1001", "Integer 13")
	b.want("1.3.6.1.6.3.10.2.1.2.0", "Integer 9")
	b.want(upTime, "TimeTicks 0")
	if got := text(get(b, b.session, descr)); !strings.Contains(got, "Version 15.2(8)E, ") {
		t.Errorf("sysDescr is %s", got)
	}
	b.refused("upgrade", strings.Repeat("9", 33), "write up to 32")
}

func TestUpgradeASA(t *testing.T) {
	b := newBench(t, "asa-5525-failover", 0)
	b.fault("upgrade", "")
	b.want("1.3.6.1.2.1.47.1.1.1.1.10.1", `OctetString "9.12(5)"`)
	b.want("1.3.6.1.2.1.1.1.0", `OctetString "Cisco Adaptive Security Appliance Version 9.12(5)"`)
}

// TestUptimeWrapFault lets sysUpTime pass zero: nothing else starts again.
func TestUptimeWrapFault(t *testing.T) {
	b := newBench(t, "catalyst-2960x", 0)
	octets := number(b, b.session, ifXTable+".6.10103")
	since := number(b, b.session, "1.3.6.1.2.1.17.2.3.0")
	b.fault("port-down", "Gi1/0/5")
	b.fault("wrap-uptime", "10s")
	if up := number(b, b.session, upTime); up != math.MaxUint32-999 {
		t.Errorf("sysUpTime is %d, want 10 s before its end", up)
	}
	if again := number(b, b.session, ifXTable+".6.10103"); again != octets {
		t.Errorf("octets jumped from %d to %d", octets, again)
	}
	b.want(ifTable+".9.10105", fmt.Sprintf("TimeTicks %d", uint64(math.MaxUint32-999)))
	b.clock.Pass(30 * time.Second)
	b.want(upTime, "TimeTicks 2000")
	b.want("1.3.6.1.6.3.10.2.1.3.0", "Integer 42949692")
	b.want("1.3.6.1.6.3.10.2.1.2.0", "Integer 7")
	b.want("1.3.6.1.2.1.17.2.3.0", "TimeTicks 3000") // since the port went down
	if since <= 3000 {
		t.Errorf("the spanning tree changed %d ticks before", since)
	}
	b.refused("wrap-uptime", "", "reboot it first")
	b.fault("reboot", "")
	b.want(upTime, "TimeTicks 0")
}

func TestTopologyChange(t *testing.T) {
	b := newBench(t, "catalyst-3750-48ps", 1)
	b.fault("topology-change", "")
	b.clock.Pass(time.Second)
	b.want("1.3.6.1.2.1.17.2.4.0", "Counter32 7")
	b.want("1.3.6.1.2.1.17.2.3.0", "TimeTicks 100")
}

func TestFailoverInProgress(t *testing.T) {
	b := newBench(t, "asa-5525-failover", 0)
	const rows = "1.3.6.1.4.1.9.9.147.1.2.1.1.1"
	before := b.rows(rows)
	b.fault("failover-in-progress", "")
	if n := len(b.rows(rows)); n != 3 {
		t.Errorf("%d cells, want those of the LAN interface", n)
	}
	b.fault("failover-in-progress", "empty")
	b.want(rows+".2.6", `OctetString ""`)
	b.fault("failover-in-progress", "busy")
	b.want(rows+".3.6", "Integer 9")
	b.want(rows+".3.7", "Integer 6")
	b.refused("failover-in-progress", "x", "write absent, empty, busy")
	b.fault("clear", "")
	if diff := changed(before, b.rows(rows)); len(diff) > 0 {
		t.Errorf("still changed after clear: %v", diff)
	}
}

func TestTunnels(t *testing.T) {
	b := newBench(t, "asa-5525-failover", 0)
	const peer, age, tx, active = "1.3.6.1.4.1.9.9.171.1.2.3.1.7", "1.3.6.1.4.1.9.9.171.1.2.3.1.16", "1.3.6.1.4.1.9.9.171.1.3.2.1.40", "1.3.6.1.4.1.9.9.171.1.3.1.1.0"
	before := b.rows(peer)
	octets := number(b, b.session, tx+".8209")
	b.fault("tunnel-down", "2")
	if diff := cmp.Diff([]string{peer + ".8192 gone"}, changed(before, b.rows(peer))); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	b.want(active, "Gauge32 2")
	b.refused("tunnel-rekey", "2", "the tunnel to peer 2 is down")
	b.fault("clear", "tunnel-down")
	b.clock.Pass(time.Minute)
	b.want(peer+".8256", `OctetString "198.51.100.12"`)
	b.want(age+".8256", "Integer 6000")
	b.want("1.3.6.1.4.1.9.9.171.1.3.2.1.2.8273", "Integer 8256")
	if now := number(b, b.session, tx+".8273"); now == 0 || now >= octets {
		t.Errorf("the new tunnel sent %d octets, the old one %d", now, octets)
	}
	b.want(active, "Gauge32 3")
	b.fault("tunnel-rekey", "1")
	b.want(age+".4160", "Integer 0")
	b.refused("tunnel-down", "4", "write a number from 1 to 3")
}

func TestVPNLimit(t *testing.T) {
	b := newBench(t, "asa-5525-failover", 0)
	if n := number(b, b.session, "1.3.6.1.4.1.9.9.392.1.3.1.0"); n >= 750 {
		t.Errorf("%d sessions of a healthy firewall", n)
	}
	b.fault("vpn-limit", "")
	b.want("1.3.6.1.4.1.9.9.392.1.3.1.0", "Gauge32 750")
	b.fault("clear", "vpn-limit")
	if n := number(b, b.session, "1.3.6.1.4.1.9.9.392.1.3.1.0"); n >= 750 {
		t.Errorf("%d sessions after clear", n)
	}
}
