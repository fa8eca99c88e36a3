package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rackpost/collectors/sim"
	"rackpost/collectors/sim/bmc"
)

// serversNearby serves controllers of servers at 127.86.0.1 and on, all at one port, and the SNMP agents of those that have one.
func serversNearby(t *testing.T, all ...*bmc.BMC) (port string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	rack, done, running := sim.NewRack(), make(chan error), 1
	port = "0"
	for i, b := range all {
		at := fmt.Sprintf("127.86.0.%d", i+1)
		s, err := bmc.Listen(at+":"+port, b)
		if err != nil {
			t.Fatal(err)
		}
		port = fmt.Sprint(s.Addr().Port())
		running++
		go func() { done <- s.Run(ctx) }()
		if len(b.Rows()) > 0 {
			if _, err := rack.Add(at, sim.NewController(b), at+":"+port, sim.AgentOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	go func() { done <- rack.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		for range running {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
	return port
}

// Servers are found by both protocols, as one device each, and no controller is driven to bar us.
func TestDiscoverServers(t *testing.T) {
	t.Parallel()
	var all []*bmc.BMC
	for i, model := range []string{"poweredge-r740", "proliant-dl380", "poweredge-r630", "poweredge-r750"} {
		opt := bmc.Options{Number: i + 1, Name: fmt.Sprintf("node-%d", i+1)}
		if i == 3 {
			opt.Password = "something else"
		}
		b, err := bmc.New(model, opt)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	port := serversNearby(t, all...)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"community": "public\n", "wrong": "no such password\n", "right": bmc.DefaultPassword + "\n", "third": "nor this\n",
		"site.yaml": "site: {id: 6f1c0d3e-9c1b-4b5e-8f57-2d7b1f7a9a02, name: x}\ncredentials:\n" +
			"  a-wrong: {user: root, password: {file: wrong}}\n  b-right: {user: root, password: {file: right}}\n  c-third: {user: root, password: {file: third}}\n  d-snmp: {community: {file: community}}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	site := filepath.Join(dir, "site.yaml")
	var out, said bytes.Buffer
	args := []string{"discover", "-json", "-site", site, "-rate", "1000", "-port", port, "127.86.0.1-127.86.0.4"}
	if code := execute(t.Context(), terminal{out: &out, err: &said}, args); code != exitOK {
		t.Fatalf("exit code %d: %s", code, said.String())
	}
	var result discoverResult
	if err := json.Unmarshal(out.Bytes(), &result); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range result.Found {
		got = append(got, fmt.Sprintln(f.Found, f.Kind, f.Name, f.Credentials, f.Beside, f.Serial != "", f.Model != ""))
	}
	want := []string{
		"new dell-idrac node-1 b-right d-snmp true true\n",
		"new redfish node-2 b-right  true true\n",
		"new dell-idrac node-3 b-right d-snmp true true\n",
		"new dell-idrac node-4 d-snmp  false false\n", // its passwords are others: SNMP alone answers
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
	for i, b := range all {
		c := b.Counters()
		if c.FailedLogins > 2 || c.MostSessions > 1 || b.Sessions() != 0 {
			t.Errorf("%s: %d failed logins, %d sessions at once, %d left", got[i], c.FailedLogins, c.MostSessions, b.Sessions())
		}
	}
	written, err := os.ReadFile(site)
	if err != nil || strings.Count(string(written), "kind: dell-idrac") != 3 || strings.Count(string(written), "its SNMP answers to d-snmp") != 2 {
		t.Errorf("error %v, the site:\n%s", err, written)
	}
}
