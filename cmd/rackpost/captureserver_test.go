package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/collectors/all"
	"rackpost/collectors/capture"
	"rackpost/collectors/sim"
	"rackpost/collectors/sim/bmc"
)

// capturedServer serves a controller, with its agent if it has one, and captures it into dir.
func capturedServer(t *testing.T, kind string, b *bmc.BMC, dir string) (device probeResult, told string) {
	t.Helper()
	s, err := bmc.Listen("127.0.0.1:0", b)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	running := []func(context.Context) error{s.Run}
	user, password := b.Account()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-timeout", "5s", "-user", user, "-password-file", file}
	if len(b.Rows()) > 0 {
		agent, err := sim.Listen("127.0.0.1:0", sim.NewController(b), sim.AgentOptions{})
		if err != nil {
			t.Fatal(err)
		}
		running = append(running, agent.Run)
		args = append(args, "-snmp", agent.Addr().String())
	}
	done := make(chan error, len(running))
	for _, run := range running {
		go func() { done <- run(ctx) }()
	}
	t.Cleanup(func() {
		cancel()
		for range running {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if n := b.Sessions(); n != 0 || b.Counters().MostSessions > 1 {
			t.Errorf("%d sessions are left, at most %d were open", n, b.Counters().MostSessions)
		}
	})
	var f captureFlags
	rest, err := parseFlags(f.set(), append(args, kind, s.Addr().String()))
	if err != nil {
		t.Fatal(err)
	}
	k, target, err := f.target(rest)
	if err != nil {
		t.Fatal(err)
	}
	target.Rate = replayRate
	opt, err := f.options(k, target)
	if err != nil {
		t.Fatal(err)
	}
	folder, err := capture.Prepare(dir)
	if err != nil {
		t.Fatal(err)
	}
	f.dir = dir
	var out, said bytes.Buffer
	if err := captureServer(t.Context(), terminal{out: &out, err: &said}, &f, k, target, opt, folder); err != nil {
		t.Error(err)
	}
	report, visitErr, err := visitOnce(t.Context(), k, target)
	if err != nil || visitErr != nil {
		t.Fatal(err, visitErr)
	}
	return probeResultOf(target.Device, report, nil), out.String() + said.String()
}

// serverOutline is what of a visit the capture of a server must not change.
func serverOutline(p probeResult, gaps bool) []string {
	var lines []string
	for _, c := range p.Components {
		var keys []string
		for _, a := range c.Attrs {
			keys = append(keys, a.Key)
			if slices.Contains([]string{"model", "manufacturer", "firmware", "level", "media", "bus", "bay", "size_bytes", "controller", "volumes", "part_number"}, a.Key) {
				keys = append(keys, a.Value)
			}
		}
		lines = append(lines, fmt.Sprintf("%s %s %s %v", c.Path, c.Health, attrsText(c.State), keys))
	}
	for _, s := range p.Samples {
		value := "absent: " + string(s.Absent)
		if s.Value != nil {
			value = s.Value.String()
		}
		lines = append(lines, fmt.Sprintf("%s %s %s", s.Component, s.Sensor, value))
	}
	for _, g := range p.Gaps {
		if gaps {
			lines = append(lines, fmt.Sprintf("gap %s %s", g.What, g.Reason))
		}
	}
	slices.Sort(lines)
	return lines
}

// What rackpost reads from the capture of a server is what it reads from the server.
func TestCaptureOfServers(t *testing.T) {
	t.Parallel()
	const recordings = "../../../shared/data/redfish"
	for name, kind := range map[string]string{
		"poweredge-r740": "dell-idrac", "poweredge-r750": "dell-idrac", "poweredge-r630": "dell-idrac", "proliant-dl380": "redfish",
		"r750-idrac9-6.00": "dell-idrac", "dl385-ilo5": "redfish",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := time.Now()
			opt := bmc.Options{Number: 9, Name: "paris-node-9", Password: "no-word-of-the-device", Clock: func() time.Time { return now }}
			b, err := bmc.New(name, opt)
			if !slices.Contains(bmc.Models(), name) {
				if _, err := os.Stat(filepath.Join(recordings, name)); err != nil {
					t.Skipf("no recording of a real device here: %v", err)
				}
				b, err = bmc.NewRecorded(filepath.Join(recordings, name), opt)
			}
			if err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join(t.TempDir(), "captured")
			device, told := capturedServer(t, kind, b, dir)
			k, err := findKind(all.Kinds(), kind)
			if err != nil {
				t.Fatal(err)
			}
			var beside *sim.Recording
			if file, err := os.Open(filepath.Join(dir, "device.snmprec")); err == nil {
				if beside, err = sim.ReadRecording(file, "capture"); err != nil {
					t.Fatal(err)
				}
				file.Close()
			}
			replayed, unread, err := replayServer(t.Context(), k, dir, beside)
			if err != nil || unread != nil {
				t.Fatal(err, unread, told)
			}
			ofModel := slices.Contains(bmc.Models(), name) // what a device answers with an error is not in its capture
			if diff := cmp.Diff(serverOutline(device, ofModel), serverOutline(replayed, ofModel)); diff != "" {
				t.Errorf("the replay says otherwise (-device +replay):\n%s", diff)
			}
			if len(device.Components) < 20 {
				t.Errorf("only %d components to compare", len(device.Components))
			}
			notes, err := os.ReadFile(filepath.Join(dir, "NOTES.txt"))
			if err != nil || !strings.Contains(string(notes), "NEVER READ") || strings.Contains(string(notes), "paris-node") {
				t.Errorf("%v, the notes:\n%s", err, notes)
			}
		})
	}
}
