package sim_test

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gosnmp/gosnmp"

	"rackpost/collectors/sim"
)

// control runs a rack with its control socket and returns the socket's path.
func control(t *testing.T, r *sim.Rack) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sim.sock")
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- r.Run(ctx) }()
	go func() { done <- r.Serve(ctx, path) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, <-done); err != nil {
			t.Errorf("rack: %v", err)
		}
	})
	for range 200 {
		if _, err := sim.Control(path).Devices(ctx); err == nil {
			return path
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the control socket does not answer")
	return ""
}

func TestDemoRack(t *testing.T) {
	t.Parallel()
	base := netip.MustParseAddr("127.77.41.1")
	r, err := sim.DemoRack(sim.DemoOptions{Base: base, Port: 21611, Redfish: 21613})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	c := sim.Control(control(t, r))
	infos, err := c.Devices(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := [][4]string{
		{"core-stack", "catalyst-3750-48ps", "cisco-catalyst", "127.77.41.1:21611"},
		{"access-1", "catalyst-2960x", "cisco-catalyst", "127.77.41.2:21611"},
		{"firewall", "asa-5525-failover", "cisco-asa", "127.77.41.3:21611"},
		{"server-1", "poweredge-r740", "dell-idrac", "127.77.41.4:21613"},
		{"server-2", "poweredge-r750", "dell-idrac", "127.77.41.5:21613"},
	}
	var got [][4]string
	for _, i := range infos {
		got = append(got, [4]string{i.Name, i.Model, i.Kind, i.Address})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("devices (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"drive-predicted 3"}, infos[3].Faults); diff != "" || infos[3].SNMP != "127.77.41.4:21611" {
		t.Errorf("server-1 is %+v", infos[3])
	}
	s := client(t, "127.77.41.3:21611", gosnmp.Version2c)
	if v := text(get(t, s, "1.3.6.1.2.1.1.5.0")); v != `OctetString "firewall"` {
		t.Errorf("sysName is %s", v)
	}
	checkControl(t, c, s)
}

func checkControl(t *testing.T, c *sim.Client, s *gosnmp.GoSNMP) {
	t.Helper()
	ctx := context.Background()
	if err := c.Fault(ctx, "firewall", "failover", ""); err != nil {
		t.Fatal(err)
	}
	if v := number(t, s, "1.3.6.1.4.1.9.9.147.1.2.1.1.1.3.7"); v != 9 {
		t.Errorf("the secondary is %d after the failover", v)
	}
	number(t, s, ifXTable+".7.2")
	readings, err := c.Readings(ctx)
	if err != nil || readings["firewall"].Given != 1 || len(readings) != 5 {
		t.Errorf("readings %v, %v", readings, err)
	}
	infos, err := c.Devices(ctx)
	if err != nil || cmp.Diff([]string{"failover"}, infos[2].Faults) != "" {
		t.Errorf("devices %v, %v", infos, err)
	}
	for _, q := range []struct{ device, name, want string }{
		{"firewall", "fire", `no fault "fire": use port-down, psu-failed`},
		{"fire", "failover", `no device "fire": use core-stack, access-1, firewall`},
		{"", "silent", `no device ""`},
	} {
		if err := c.Fault(ctx, q.device, q.name, ""); err == nil || !strings.Contains(err.Error(), q.want) {
			t.Errorf("%s %s: %v, want %q", q.device, q.name, err, q.want)
		}
	}
}

func TestControlSocket(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	r := sim.NewRack()
	if _, err := r.Add("only", recorded(t, table), "127.0.0.1:0", sim.AgentOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Add("only", recorded(t, table), "127.0.0.1:0", sim.AgentOptions{}); err == nil {
		t.Error("two devices have one name")
	}
	path := control(t, r)
	if err := sim.Control(path).Fault(ctx, "", "silent", ""); err != nil {
		t.Errorf("the only device: %v", err)
	}
	if err := sim.NewRack().Serve(ctx, path); err == nil || !strings.Contains(err.Error(), "another simulator serves it") {
		t.Errorf("a served socket was taken: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket %v, %v", info.Mode(), err)
	}
	if _, err := sim.Control(path + "x").Devices(ctx); err == nil || !strings.Contains(err.Error(), "is the simulator running?") {
		t.Errorf("no simulator: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.Serve(ctx, file); err == nil {
		t.Error("a file that is no socket was taken")
	}
}

// TestTakeOverSocket starts where a simulator that was killed left its socket.
func TestTakeOverSocket(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "sim.sock")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for range 2 {
		if err := sim.NewRack().Serve(ctx, path); err != nil {
			t.Error(err)
		}
	}
}

func TestFleet(t *testing.T) {
	t.Parallel()
	r, err := sim.Fleet(20, "catalyst-3750-48ps", sim.FleetOptions{Port: 21612, Model: sim.ModelOptions{Members: 1, Number: 100}})
	if err != nil {
		t.Fatal(err)
	}
	control(t, r)
	if !sim.SharesView(r.Device("device-1"), r.Device("device-20")) {
		t.Error("the fleet does not share its view")
	}
	if v := text(get(t, client(t, "127.1.0.20:21612", gosnmp.Version2c), chassis+".1001")); v != `OctetString "SIM0119A001"` {
		t.Errorf("the last serial is %s", v)
	}
	for _, n := range []int{0, sim.MaxFleet + 1} {
		if _, err := sim.Fleet(n, "catalyst-2960x", sim.FleetOptions{}); err == nil {
			t.Errorf("a fleet of %d", n)
		}
	}
}

func TestListen(t *testing.T) {
	t.Parallel()
	d := recorded(t, table)
	for addr, opt := range map[string]sim.AgentOptions{"127.0.0.1": {}, "127.0.0.1:0": {MaxSize: 100}, "no.such.host.invalid:1": {}} {
		if _, err := sim.Listen(addr, d, opt); err == nil {
			t.Errorf("listens on %s with %+v", addr, opt)
		}
	}
	a, err := sim.Listen("127.0.0.1:0", d, sim.AgentOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sim.Listen(a.Addr().String(), d, sim.AgentOptions{}); err == nil {
		t.Error("two agents on one address")
	}
	if err := errors.Join(a.Close(), a.Close()); err != nil {
		t.Errorf("close: %v", err)
	}
}

func TestCommunity(t *testing.T) {
	t.Parallel()
	c := client(t, serve(t, recorded(t, table), sim.AgentOptions{Community: "secret"}), gosnmp.Version2c)
	c.Timeout, c.Retries = 100*time.Millisecond, 0
	if p, err := c.Get([]string{upTime}); err == nil {
		t.Errorf("answered to the wrong community: %s", shown(p))
	}
	c.Community, c.Timeout = "secret", 5*time.Second
	number(t, c, upTime)
}

// netSNMP runs a tool of net-snmp and returns what it prints.
func netSNMP(t *testing.T, tool string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(tool); err != nil {
		if os.Getenv("RACKPOST_REQUIRE_TOOLS") == "1" {
			t.Fatalf("%s is not installed: install Debian's package snmp", tool)
		}
		t.Skipf("%s is not installed (Debian: snmp)", tool)
	}
	cmd := exec.CommandContext(t.Context(), tool, args...)
	cmd.Env = append(os.Environ(), "MIBS=", "SNMPCONFPATH="+t.TempDir(), "SNMP_PERSISTENT_DIR="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil && len(out) == 0 {
		t.Fatalf("%s: %v", tool, err)
	}
	return string(out)
}

func TestNetSNMP(t *testing.T) {
	t.Parallel()
	clk := newClock()
	d := model(t, "catalyst-3750-48ps", sim.ModelOptions{Clock: clk.Now})
	addr := serve(t, d, sim.AgentOptions{})
	for _, c := range []struct{ tool, args, want string }{
		{"snmpget", "-v2c -c public -On " + addr + " 1.3.6.1.2.1.1.2.0 1.3.6.1.2.1.47.1.1.1.1.11.2001",
			".1.3.6.1.2.1.1.2.0 = OID: .1.3.6.1.4.1.9.1.516\n.1.3.6.1.2.1.47.1.1.1.1.11.2001 = STRING: \"SIM0000A002\"\n"},
		{"snmpget", "-v1 -c public -On " + addr + " 1.3.6.1.2.1.31.1.1.1.6.10001", "There is no such variable name in this MIB."},
		{"snmpgetnext", "-v1 -c public -On " + addr + " 1.3.6.1.2.1.31.1.1.1.5.14501", ".1.3.6.1.2.1.31.1.1.1.14.1 = INTEGER: 1"},
		{"snmpset", "-v2c -c public -On " + addr + " 1.3.6.1.2.1.1.5.0 s x", "Reason: noAccess"},
	} {
		if out := netSNMP(t, c.tool, strings.Fields(c.args)...); !strings.Contains(out, c.want) {
			t.Errorf("%s %s: %s, want %s", c.tool, c.args, out, c.want)
		}
	}
	out := netSNMP(t, "snmpbulkwalk", "-v2c", "-c", "public", "-On", "-Cr60", addr, ".1")
	objects := strings.Count("\n"+out, "\n.1.") - 1 // the last line says that there is no more
	if !strings.Contains(out, "No more variables left") || objects != sim.Objects(d) {
		t.Errorf("snmpbulkwalk prints %d objects of %d", objects, sim.Objects(d))
	}
}
