package sim_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gosnmp/gosnmp"

	"rackpost/collectors/collectortest"
	"rackpost/collectors/sim"
)

// bench is one device with its clock and a session.
type bench struct {
	*testing.T
	clock   *collectortest.Clock
	device  *sim.Device
	session *gosnmp.GoSNMP
}

func newBench(t *testing.T, name string, members int) *bench {
	t.Helper()
	t.Parallel()
	clk := newClock()
	d := model(t, name, sim.ModelOptions{Members: members, Number: 1, Clock: clk.Now})
	return &bench{T: t, clock: clk, device: d, session: client(t, serve(t, d, sim.AgentOptions{}), gosnmp.Version2c)}
}

func (b *bench) fault(name, arg string) {
	b.Helper()
	if err := b.device.Fault(name, arg); err != nil {
		b.Fatal(err)
	}
}

// rows reads subtrees.
func (b *bench) rows(roots ...string) map[string]string {
	b.Helper()
	all := map[string]string{}
	for _, r := range roots {
		for k, v := range walk(b, b.session, r) {
			all[k] = v
		}
	}
	return all
}

func (b *bench) want(oid, value string) {
	b.Helper()
	if got := text(get(b, b.session, oid)); got != value {
		b.Errorf("%s is %s, want %s", oid, got, value)
	}
}

// changed lists what is different, as "OID: before -> after".
func changed(before, after map[string]string) []string {
	var diff []string
	for k, v := range before {
		if w, ok := after[k]; !ok {
			diff = append(diff, k+" gone")
		} else if v != w {
			diff = append(diff, fmt.Sprintf("%s: %s -> %s", k, v, w))
		}
	}
	for k := range after {
		if _, ok := before[k]; !ok {
			diff = append(diff, k+" new")
		}
	}
	slices.Sort(diff)
	return diff
}

func TestPortDown(t *testing.T) {
	b := newBench(t, "catalyst-2960x", 0)
	state := []string{ifTable + ".7", ifTable + ".8", ifTable + ".9", ifXTable + ".14", "1.3.6.1.2.1.10.7.2.1.19", "1.3.6.1.2.1.105.1.1.1.6",
		"1.3.6.1.2.1.17.2.4", "1.3.6.1.4.1.9.9.23.1.2.1.1.6"}
	before := b.rows(state...)
	octets := number(b, b.session, ifXTable+".6.10105")
	b.clock.Pass(time.Minute)
	b.fault("port-down", "gi1/0/5")
	down := number(b, b.session, ifXTable+".6.10105")
	if down <= octets {
		t.Errorf("octets went from %d to %d in a minute with a link", octets, down)
	}
	ticks := number(b, b.session, upTime)
	want := []string{
		"1.3.6.1.2.1.10.7.2.1.19.10105: Integer 3 -> Integer 1",
		"1.3.6.1.2.1.105.1.1.1.6.1.5: Integer 3 -> Integer 2",
		"1.3.6.1.2.1.17.2.4.0: Counter32 6 -> Counter32 7",
		"1.3.6.1.2.1.2.2.1.8.10105: Integer 1 -> Integer 2",
		fmt.Sprintf("1.3.6.1.2.1.2.2.1.9.10105: TimeTicks 9700 -> TimeTicks %d", ticks),
		"1.3.6.1.2.1.31.1.1.1.14.10105: Integer 1 -> Integer 2",
		"1.3.6.1.4.1.9.9.23.1.2.1.1.6.10105.5 gone",
	}
	if diff := cmp.Diff(want, changed(before, b.rows(state...))); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	b.clock.Pass(time.Hour)
	if now := number(b, b.session, ifXTable+".6.10105"); now != down {
		t.Errorf("octets went from %d to %d without a link", down, now)
	}
	b.want("1.3.6.1.2.1.17.2.3.0", "TimeTicks 360000")
	b.fault("clear", "port-down")
	if now := number(b, b.session, ifXTable+".6.10105"); now != down {
		t.Errorf("octets jumped from %d to %d when the link came back", down, now)
	}
	b.clock.Pass(time.Minute)
	if now := number(b, b.session, ifXTable+".6.10105"); now <= down || now-down > 2*(down-octets)+1000 {
		t.Errorf("octets went from %d to %d in a minute, before by %d", down, now, down-octets)
	}
	if err := b.device.Fault("port-down", "Gi9/9/9"); err == nil || !strings.Contains(err.Error(), `no port "Gi9/9/9": write an ifName`) {
		t.Errorf("unknown port: %v", err)
	}
}

// TestUplinkDown takes the light off a transceiver and the neighbours off a trunk.
func TestUplinkDown(t *testing.T) {
	b := newBench(t, "catalyst-3750-48ps", 1)
	b.want("1.3.6.1.4.1.9.9.46.1.6.1.1.14.10102", "Integer 1")
	b.fault("port-down", "GigabitEthernet1/0/2,10104")
	b.want("1.3.6.1.4.1.9.9.91.1.1.1.1.4.1073", "Integer -400")
	b.want("1.3.6.1.4.1.9.9.46.1.6.1.1.14.10102", "Integer 2")
	b.want("1.3.6.1.4.1.9.9.23.1.2.1.1.6.10102.50", "NoSuchObject <nil>")
	if n := len(b.rows("1.0.8802.1.1.2.1.4.1.1.9")); n != 1 {
		t.Errorf("%d LLDP neighbours, want the other uplink's", n)
	}
}

func TestSupplyFailed(t *testing.T) {
	b := newBench(t, "catalyst-3750-48ps", 2)
	all := []string{"1.3.6.1.4.1.9.9.13", "1.3.6.1.4.1.9.9.117"}
	before := b.rows(all...)
	b.fault("psu-failed", "2")
	want := []string{
		"1.3.6.1.4.1.9.9.117.1.1.2.1.2.2003: Integer 2 -> Integer 8",
		`1.3.6.1.4.1.9.9.13.1.5.1.2.2003: OctetString "Sw2, PS1 Normal, RPS NotExist" -> OctetString "Sw2, PS1 Faulty, RPS NotExist"`,
		"1.3.6.1.4.1.9.9.13.1.5.1.3.2003: Integer 1 -> Integer 3",
	}
	if diff := cmp.Diff(want, changed(before, b.rows(all...))); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	b.fault("clear", "")
	if diff := changed(before, b.rows(all...)); len(diff) > 0 {
		t.Errorf("still changed after clear: %v", diff)
	}
}

func TestSupplyFailedASA(t *testing.T) {
	b := newBench(t, "asa-5525-failover", 0)
	b.fault("psu-failed", "1")
	b.want("1.3.6.1.2.1.99.1.1.1.4.25", "Integer 1")
	b.want("1.3.6.1.2.1.99.1.1.1.4.26", "Integer 2")
	b.want("1.3.6.1.2.1.99.1.1.1.4.28", "Integer 0")
	b.want("1.3.6.1.2.1.99.1.1.1.4.20", "Integer 1")
}

func TestMemberLost(t *testing.T) {
	b := newBench(t, "catalyst-3750-48ps", 3)
	b.want("1.3.6.1.4.1.9.9.500.1.1.3.0", "Integer 1")
	ports, members := len(b.rows(ifTable+".2")), b.rows("1.3.6.1.4.1.9.9.500.1.2.1.1.6")
	grown := number(b, b.session, ifXTable+".6.10501")
	b.clock.Pass(time.Minute)
	b.fault("member-lost", "2")
	ticks := number(b, b.session, upTime)
	want := []string{"1.3.6.1.4.1.9.9.500.1.2.1.1.6.2001 gone"}
	if diff := cmp.Diff(want, changed(members, b.rows("1.3.6.1.4.1.9.9.500.1.2.1.1.6"))); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	b.want("1.3.6.1.4.1.9.9.500.1.1.3.0", "Integer 2")
	b.want("1.3.6.1.4.1.9.9.500.1.2.2.1.1.5180", "Integer 2") // member 1, towards the lost one
	b.want("1.3.6.1.4.1.9.9.500.1.2.2.1.1.5181", "Integer 1")
	b.want("1.3.6.1.4.1.9.9.500.1.2.2.1.2.5181", "Integer 3001")
	b.want("1.3.6.1.4.1.9.9.500.1.2.2.1.1.5187", "Integer 2")
	b.want(ifTable+".8.5180", "Integer 2")
	b.want("1.3.6.1.2.1.31.1.5.0", fmt.Sprintf("TimeTicks %d", ticks))
	b.want("1.3.6.1.2.1.47.1.4.1.0", fmt.Sprintf("TimeTicks %d", ticks))
	if now := len(b.rows(ifTable + ".2")); now != ports-55 {
		t.Errorf("%d interfaces of %d, want 55 less", now, ports)
	}
	for oid := range b.rows("1.3.6.1.2.1.47.1.1.1.1.2", "1.3.6.1.4.1.9.9.13", "1.3.6.1.4.1.9.9.117", "1.3.6.1.4.1.9.9.91") {
		if last := oid[strings.LastIndex(oid, ".")+1:]; len(last) == 4 && last[0] == '2' {
			t.Errorf("%s of the lost member is still there", oid)
		}
	}
	if n := len(b.rows("1.3.6.1.4.1.9.9.109.1.1.1.1.6")); n != 2 {
		t.Errorf("%d CPU rows, want 2", n)
	}
	b.clock.Pass(time.Minute)
	b.fault("clear", "")
	b.clock.Pass(time.Minute)
	if now := number(b, b.session, ifXTable+".6.10501"); now >= grown {
		t.Errorf("octets of the returned member are %d, before it left %d: it did not start again", now, grown)
	}
	b.want("1.3.6.1.4.1.9.9.500.1.1.3.0", "Integer 1")
}

func TestMemberLostOfOne(t *testing.T) {
	t.Parallel()
	d := model(t, "catalyst-2960x", sim.ModelOptions{})
	if err := d.Fault("member-lost", ""); err == nil || len(d.Faults()) > 0 {
		t.Errorf("a stack of one lost a member: %v, faults %v", err, d.Faults())
	}
}

func TestFailover(t *testing.T) {
	b := newBench(t, "asa-5525-failover", 0)
	rows := "1.3.6.1.4.1.9.9.147.1.2.1.1.1"
	before := b.rows(rows, chassis)
	up := number(b, b.session, upTime)
	read := number(b, b.session, ifXTable+".7.2")
	b.fault("failover", "")
	want := []string{
		`1.3.6.1.2.1.47.1.1.1.1.11.18: OctetString "SIM0001A101" -> OctetString "SIM0001A102"`,
		`1.3.6.1.2.1.47.1.1.1.1.11.1: OctetString "SIM0001A001" -> OctetString "SIM0001A002"`,
		`1.3.6.1.2.1.47.1.1.1.1.11.24: OctetString "SIM0001A201" -> OctetString "SIM0001A202"`,
		rows + `.2.6: OctetString "Primary unit (this device)" -> OctetString "Primary unit"`,
		rows + `.2.7: OctetString "Secondary unit" -> OctetString "Secondary unit (this device)"`,
		rows + ".3.6: Integer 9 -> Integer 10",
		rows + ".3.7: Integer 10 -> Integer 9",
		rows + `.4.6: OctetString "Active unit" -> OctetString "Standby unit"`,
		rows + `.4.7: OctetString "Standby unit" -> OctetString "Active unit"`,
	}
	if diff := cmp.Diff(want, changed(before, b.rows(rows, chassis))); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	if now := number(b, b.session, upTime); now >= up {
		t.Errorf("the secondary is up for %d ticks, the primary for %d", now, up)
	}
	if got := number(b, b.session, ifXTable+".7.2"); got != 1 || read != 1 {
		t.Errorf("the secondary's first reading is %d, the primary's %d", got, read)
	}
	b.fault("clear", "failover")
	if got := number(b, b.session, ifXTable+".7.2"); got != 2 {
		t.Errorf("the primary goes on with reading %d, want 2", got)
	}
	if diff := changed(before, b.rows(rows, chassis)); len(diff) > 0 {
		t.Errorf("still changed after clear: %v", diff)
	}
	if r := b.device.Readings(); r.Given != 3 || r.Value != 2 {
		t.Errorf("readings %+v, want 3 given, the last 2", r)
	}
}

func TestReboot(t *testing.T) {
	b := newBench(t, "catalyst-2960x", 0)
	octets, boots := number(b, b.session, ifXTable+".6.10103"), number(b, b.session, "1.3.6.1.6.3.10.2.1.2.0")
	b.fault("reboot", "90s")
	b.session.Timeout, b.session.Retries = 100*time.Millisecond, 0
	if p, err := b.session.Get([]string{upTime}); err == nil {
		t.Errorf("an answer while it boots: %s", shown(p))
	}
	b.session.Timeout = 5 * time.Second
	b.clock.Pass(100 * time.Second)
	b.want(upTime, "TimeTicks 1000")
	b.want("1.3.6.1.6.3.10.2.1.2.0", fmt.Sprintf("Integer %d", boots+1))
	b.want("1.3.6.1.6.3.10.2.1.3.0", "Integer 10")
	b.want(ifXTable+".7.10101", "Counter64 1")
	b.clock.Pass(5 * time.Minute)
	if now := number(b, b.session, ifXTable+".6.10103"); now >= octets || now == 0 {
		t.Errorf("octets are %d, before the start %d", now, octets)
	}
	b.want("1.3.6.1.4.1.9.9.43.1.1.1.0", "TimeTicks 16100")
	b.want("1.3.6.1.4.1.9.9.43.1.1.2.0", "TimeTicks 0")
}

func TestWrap(t *testing.T) {
	b := newBench(t, "asa-5525-failover", 0)
	b.fault("wrap", "20s")
	wide, narrow := number(b, b.session, ifXTable+".6.3"), number(b, b.session, ifTable+".10.3")
	if wide < math.MaxUint64-1<<40 || narrow != wide&math.MaxUint32 {
		t.Errorf("64-bit octets %d and 32-bit ones %d are not near their end", wide, narrow)
	}
	b.clock.Pass(40 * time.Second)
	after := number(b, b.session, ifXTable+".6.3")
	if after > 1<<40 || after == 0 || number(b, b.session, ifTable+".10.3") != after&math.MaxUint32 {
		t.Errorf("64-bit octets after the wrap are %d", after)
	}
	if before, past := -wide, after; before > 4*past || past > 4*before {
		t.Errorf("%d octets in the 20 s before the wrap, %d in those after", before, past)
	}
	b.want(ifXTable+".7.2", "Counter64 1")
}

func TestUptimeWraps(t *testing.T) {
	t.Parallel()
	clk := newClock()
	d := model(t, "catalyst-2960x", sim.ModelOptions{Clock: clk.Now, Uptime: 1<<32*10*time.Millisecond - time.Second})
	c := client(t, serve(t, d, sim.AgentOptions{}), gosnmp.Version2c)
	if v := number(t, c, upTime); v != math.MaxUint32-99 {
		t.Errorf("sysUpTime %d, want 1 s before its end", v)
	}
	clk.Pass(2 * time.Second)
	if v, engine := number(t, c, upTime), number(t, c, "1.3.6.1.6.3.10.2.1.3.0"); v != 100 || engine != 42_949_673 {
		t.Errorf("sysUpTime %d and engine time %d after the wrap", v, engine)
	}
}

func TestOtherUnit(t *testing.T) {
	b := newBench(t, "catalyst-3750-48ps", 2)
	mac, engine := text(get(b, b.session, ifTable+".6.10001")), text(get(b, b.session, "1.3.6.1.6.3.10.2.1.1.0"))
	b.want(chassis+".2001", `OctetString "SIM0001A002"`)
	b.fault("other-unit", "")
	b.clock.Pass(time.Second)
	b.want(chassis+".1001", `OctetString "SIM0001B001"`)
	b.want(chassis+".2001", `OctetString "SIM0001B002"`)
	b.want(upTime, "TimeTicks 100")
	b.want("1.3.6.1.6.3.10.2.1.2.0", "Integer 1")
	if text(get(b, b.session, ifTable+".6.10001")) == mac || text(get(b, b.session, "1.3.6.1.6.3.10.2.1.1.0")) == engine {
		t.Error("another unit has the same address or engine ID")
	}
	b.fault("clear", "")
	b.want(chassis+".1001", `OctetString "SIM0001A001"`)
	b.want("1.3.6.1.6.3.10.2.1.2.0", "Integer 8")
	b.want("1.3.6.1.6.3.10.2.1.1.0", engine)
}

func TestGenErr(t *testing.T) {
	b := newBench(t, "asa-5525-failover", 0)
	b.fault("generr", "1.3.6.1.2.1.31, .1.3.6.1.2.1.99")
	for what, ask := range map[string]func() (*gosnmp.SnmpPacket, error){
		"get":  func() (*gosnmp.SnmpPacket, error) { return b.session.Get([]string{upTime, ifXTable + ".6.2"}) },
		"next": func() (*gosnmp.SnmpPacket, error) { return b.session.GetNext([]string{upTime, ifXTable + ".6"}) },
		"bulk": func() (*gosnmp.SnmpPacket, error) {
			return b.session.GetBulk([]string{upTime, ifXTable + ".6"}, 0, 10)
		},
	} {
		p, err := ask()
		if err != nil || p.Error != gosnmp.GenErr || p.ErrorIndex != 2 {
			t.Errorf("%s: %v, error %v", what, p, err)
		}
	}
	b.want(ifTable+".8.2", "Integer 1")
}

func TestTooBigFault(t *testing.T) {
	b := newBench(t, "asa-5525-failover", 0)
	b.fault("toobig", "10")
	for repetitions, want := range map[uint32]gosnmp.SNMPError{10: gosnmp.NoError, 11: gosnmp.TooBig} {
		p, err := b.session.GetBulk([]string{ifTable}, 0, repetitions)
		if err != nil || p.Error != want {
			t.Errorf("%d repetitions: %v, %v; want %v", repetitions, p.Error, err, want)
		}
	}
}

func TestSilentAndSlow(t *testing.T) {
	b := newBench(t, "asa-5525-failover", 0)
	b.session.Timeout, b.session.Retries = 100*time.Millisecond, 0
	for _, f := range [][2]string{{"silent", ""}, {"slow", "1h"}} {
		b.fault(f[0], f[1])
		if p, err := b.session.Get([]string{upTime}); err == nil {
			t.Errorf("%s: answered with %s", f[0], shown(p))
		}
		b.fault("clear", "")
		b.want(upTime, fmt.Sprintf("TimeTicks %d", 199*24*3600*100))
	}
}

func TestGarbage(t *testing.T) {
	b := newBench(t, "asa-5525-failover", 0)
	b.session.Timeout, b.session.Retries = 100*time.Millisecond, 0
	for _, sort := range []string{"truncated", "noise", "wrong-id", "wrong-oid", "wrong-tag"} {
		b.fault("garbage", sort)
		p, err := b.session.Get([]string{upTime})
		if err == nil && len(p.Variables) == 1 && p.Variables[0].Name == "."+upTime && p.Variables[0].Type == gosnmp.TimeTicks {
			t.Errorf("%s: a good answer: %s", sort, shown(p))
		}
	}
	if err := b.device.Fault("garbage", "x"); err == nil {
		t.Error("an unknown sort of garbage was taken")
	}
}

// TestClearOne ends one fault of several.
func TestClearOne(t *testing.T) {
	t.Parallel()
	d := model(t, "catalyst-3750-48ps", sim.ModelOptions{})
	for _, f := range [][2]string{{"psu-failed", "1"}, {"slow", "5ms"}, {"toobig", "7"}} {
		if err := d.Fault(f[0], f[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Fault("clear", "slow"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"psu-failed 1", "toobig 7"}, d.Faults()); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestUnknownFaults(t *testing.T) {
	t.Parallel()
	asa, rec := model(t, "asa-5525-failover", sim.ModelOptions{}), recorded(t, table)
	for _, c := range []struct {
		d         *sim.Device
		name, arg string
		want      string
	}{
		{asa, "fire", "", `no fault "fire": use port-down, psu-failed, failover, failover-in-progress, vpn-limit, tunnel-down, tunnel-rekey, reboot, upgrade, wrap, wrap-uptime, other-unit, slow, silent, generr, toobig, garbage, clear`},
		{asa, "member-lost", "", "asa-5525-failover has no fault member-lost: use"},
		{rec, "reboot", "", "recording has no fault reboot: use slow, silent, generr, toobig, garbage, clear"},
		{asa, "psu-failed", "2", `psu-failed: "2": write a number from 0 to 1`},
		{asa, "slow", "5", `slow: "5": write a duration of 0s to 24h, as 500ms or 30s`},
		{asa, "generr", "", `generr: "" is not an object identifier`},
		{asa, "clear", "slow", `clear: "slow" is not switched on`},
	} {
		if err := c.d.Fault(c.name, c.arg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %v, want %q", c.name, c.arg, err, c.want)
		}
	}
	if got := sim.Faults(); len(got) != 30 {
		t.Errorf("faults %v", got)
	}
}
