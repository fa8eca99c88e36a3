package sim_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"rackpost/collectors/sim"
	"rackpost/collectors/sim/bmc"
)

// The state of the third drive of a server's RAID sets in IDRAC-MIB: 3 online, 7 failed.
const driveState = "1.3.6.1.4.1.674.10892.5.5.1.20.130.4.1.4.3"

// server puts an R740 with its agent into a rack of its own, beside a switch, and runs it.
func server(t *testing.T, opt bmc.Options) (r *sim.Rack, c *sim.Client, agent string) {
	t.Helper()
	b, err := bmc.New("poweredge-r740", opt)
	if err != nil {
		t.Fatal(err)
	}
	r = sim.NewRack()
	if _, err = r.AddBMC("server", b, "127.0.0.1:0", sim.BMCOptions{SNMP: "127.0.0.1:0"}); err != nil {
		t.Fatal(err)
	}
	if _, err = r.Add("switch", model(t, "catalyst-2960x", sim.ModelOptions{}), "127.0.0.1:0", sim.AgentOptions{}); err != nil {
		t.Fatal(err)
	}
	return r, sim.Control(control(t, r)), r.Devices()[0].SNMP
}

// ask reads a document of a BMC over Redfish, with or without a session's token.
func ask(t *testing.T, method, url, token string, body any) (int, http.Header) {
	t.Helper()
	var b bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&b).Encode(body); err != nil {
			t.Fatal(err)
		}
	}
	q, err := http.NewRequestWithContext(t.Context(), method, url, &b)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("X-Auth-Token", token)
	c := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	resp, err := c.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode, resp.Header
}

func TestServerOfARack(t *testing.T) {
	t.Parallel()
	r, c, agent := server(t, bmc.Options{Password: "another"})
	info := r.Devices()[0]
	if info.Kind != "dell-idrac" || info.Model != "poweredge-r740" || info.User != bmc.DefaultUser || info.Address == agent {
		t.Errorf("%+v", info)
	}
	if r.BMC("server") == nil || r.BMC("switch") != nil || r.Device("server") == nil || r.Device("none") != nil {
		t.Error("the parts of the rack are not found by name")
	}
	base := "https://" + info.Address + "/redfish/v1"
	code, header := ask(t, http.MethodPost, base+"/SessionService/Sessions", "", map[string]string{"UserName": "root", "Password": "another"})
	if code != http.StatusCreated {
		t.Fatalf("login: %d", code)
	}
	for end := time.Now().Add(10 * time.Second); r.BMC("server").Counters().Open > 0 && time.Now().Before(end); time.Sleep(time.Millisecond) {
	} // the server hears of the end of a connection after its client
	if code, _ := ask(t, http.MethodGet, base+"/Systems/System.Embedded.1", header.Get("X-Auth-Token"), nil); code != http.StatusOK {
		t.Errorf("system: %d", code)
	}
	counters, err := c.Counters(context.Background())
	got := counters["server"]
	if err != nil || len(counters) != 1 || got.Sessions != 1 || got.Requests["system"] != 1 || got.Requests["session"] != 1 || got.MostInFlight != 1 || got.MostOpen != 1 {
		t.Errorf("counters %+v, %v", counters, err)
	}
}

// TestFaultsOfAServer switches faults by the control socket and looks at the agent.
func TestFaultsOfAServer(t *testing.T) {
	t.Parallel()
	clk := newClock()
	r, c, agent := server(t, bmc.Options{Clock: clk.Now})
	ctx, s := context.Background(), client(t, agent, gosnmp.Version2c)
	fault := func(name, arg string) {
		t.Helper()
		if err := c.Fault(ctx, "server", name, arg); err != nil {
			t.Fatal(err)
		}
	}
	if n := number(t, s, driveState); n != 3 {
		t.Errorf("the drive is %d at first", n)
	}
	fault("drive-failed", "2")
	fault("snmp-toobig", "1000")
	if n := number(t, s, driveState); n != 7 {
		t.Errorf("the drive is %d when it failed", n)
	}
	if got := r.Devices()[0].Faults; !slices.Equal(got, []string{"drive-failed 2", "snmp-toobig 1000"}) {
		t.Errorf("faults %q", got)
	}
	fault("clear", "snmp-toobig")
	fault("clear", "drive-failed")
	if n := number(t, s, driveState); n != 3 || len(r.Devices()[0].Faults) != 0 {
		t.Errorf("the drive is %d when it is mended, faults %q", n, r.Devices()[0].Faults)
	}
	for _, name := range []string{"snmp-silent", "silent"} {
		fault(name, "")
		mute(t, s, name)
		fault("clear", "")
		number(t, s, driveState)
	}
	fault("silent", "redfish")
	number(t, s, driveState)
	for _, q := range [][3]string{{"server", "port-down", `has no fault "port-down"`}, {"server", "snmp-clear", "no fault"}, {"switch", "drive-failed", "no fault"}} {
		if err := c.Fault(ctx, q[0], q[1], ""); err == nil || !strings.Contains(err.Error(), q[2]) {
			t.Errorf("%s of the %s: %v", q[1], q[0], err)
		}
	}
}

// mute wants the agent to be silent.
func mute(t *testing.T, s *gosnmp.GoSNMP, why string) {
	t.Helper()
	timeout := s.Timeout
	s.Timeout, s.Retries = 50*time.Millisecond, 0
	if _, err := s.Get([]string{driveState}); err == nil {
		t.Errorf("the agent answers under %s", why)
	}
	s.Timeout = timeout
}

// TestAgentGoesWithTime shows a rebuild and its end without a fault between.
func TestAgentGoesWithTime(t *testing.T) {
	t.Parallel()
	clk := newClock()
	_, c, agent := server(t, bmc.Options{Clock: clk.Now})
	s := client(t, agent, gosnmp.Version2c)
	const percent = "1.3.6.1.4.1.674.10892.5.5.1.20.130.4.1.51.3"
	if err := c.Fault(context.Background(), "server", "rebuild", "2 100m"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []uint64{0, 25, 50, 75, 0} { // at the end there is no operation
		if n := number(t, s, percent); n != want {
			t.Errorf("the rebuild is at %d%%, want %d%%", n, want)
		}
		clk.Pass(25 * time.Minute)
	}
}

func TestServers(t *testing.T) {
	t.Parallel()
	r, err := sim.Servers(4, []string{"poweredge-r740", "poweredge-r750"}, sim.ServersOptions{Port: 21643, SNMP: 21644, Delay: time.Millisecond, Dead: 1, Model: bmc.Options{Number: 7}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range r.Devices() {
		got = append(got, strings.Join([]string{i.Name, i.Model, i.Address, i.SNMP, strings.Join(i.Faults, ",")}, " "))
	}
	want := []string{
		"server-1 poweredge-r740 127.2.0.1:21643 127.2.0.1:21644 silent", "server-2 poweredge-r750 127.2.0.2:21643 127.2.0.2:21644 slow 1ms",
		"server-3 poweredge-r740 127.2.0.3:21643 127.2.0.3:21644 slow 1ms", "server-4 poweredge-r750 127.2.0.4:21643 127.2.0.4:21644 slow 1ms",
	}
	if !slices.Equal(got, want) {
		t.Errorf("servers\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if a, b := r.BMC("server-1").Fingerprint(), r.BMC("server-3").Fingerprint(); a == b {
		t.Error("two servers have one certificate")
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	for _, n := range []int{0, sim.MaxFleet + 1} {
		if _, err := sim.Servers(n, bmc.Models(), sim.ServersOptions{}); err == nil {
			t.Errorf("%d servers", n)
		}
	}
}

// TestServerWithItsOwnAgent puts a recording beside a recorded tree, as a capture writes them.
func TestServerWithItsOwnAgent(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	at := filepath.Join(folder, "redfish", "v1")
	if err := os.MkdirAll(at, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(at, "index.json"), []byte(`{"@odata.id":"/redfish/v1","Name":"Root"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := bmc.NewRecorded(folder, bmc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := sim.NewRack()
	if _, err := r.AddBMC("recorded", b, "127.0.0.1:0", sim.BMCOptions{SNMP: "127.0.0.1:0", Device: recorded(t, table)}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.AddBMC("recorded", b, "127.0.0.1:0", sim.BMCOptions{}); err == nil {
		t.Error("two devices have one name")
	}
	if _, err := r.AddBMC("other", b, "127.0.0.1:0", sim.BMCOptions{SNMP: "nowhere"}); err == nil || len(r.Devices()) != 1 {
		t.Errorf("an agent listens nowhere: %v", err)
	}
	control(t, r)
	number(t, client(t, r.Devices()[0].SNMP, gosnmp.Version2c), upTime)
}
