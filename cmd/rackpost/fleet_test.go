package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"rackpost/collectors/cisco"
	"rackpost/collectors/sim"
)

// The fleet: 200 simulated Catalyst 3750-48PS, one view in the memory of a process of its
// own, so that the CPU of the appliance can be told from theirs.
const (
	fleetSize   = 200
	fleetPeriod = 10 * time.Second
	fleetWarmUp = 25 * time.Second // the first visits read everything
	fleetTime   = 60 * time.Second
)

// fleetMain serves the fleet until it is told to stop. With the argument "ailing" some of it is
// dead and some of it slow.
func fleetMain() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	rack, err := sim.Fleet(fleetSize, "catalyst-3750-48ps", sim.FleetOptions{Model: sim.ModelOptions{Members: 1}})
	if err == nil && slices.Contains(os.Args, "ailing") {
		err = ail(rack)
	}
	if err == nil {
		fmt.Println("serving")
		err = rack.Run(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// BenchmarkFleet runs the real appliance on the fleet for a minute, fast sections only, and
// says what a poll costs, all included: decoding, judging, storing, serving.
func BenchmarkFleet(b *testing.B) {
	for b.Loop() {
		dir := b.TempDir()
		buildRackpost(b, dir)
		_, serving := startProcess(b, dir, "fleet")
		serving("serving")
		writeFleet(b, dir, "")
		box, said := startProcess(b, dir, "rackpost", "run", "-config", filepath.Join(dir, "box.yaml"))
		said("msg=started")
		time.Sleep(fleetWarmUp)
		cpu, from := cpuSeconds(b, box.Process.Pid), time.Now()
		time.Sleep(fleetTime)
		cpu, to := cpuSeconds(b, box.Process.Pid)-cpu, time.Now()
		b.ReportMetric(memoryMB(b, box.Process.Pid, "VmRSS"), "RSS-MB")
		b.ReportMetric(memoryMB(b, box.Process.Pid, "VmHWM"), "peak-MB")
		if err := box.Process.Signal(syscall.SIGTERM); err != nil {
			b.Fatal(err)
		}
		if err := box.Wait(); err != nil {
			b.Fatal(err)
		}
		polls, requests := pollsBetween(b, filepath.Join(dir, "data"), from, to)
		b.ReportMetric(float64(polls), "polls")
		b.ReportMetric(float64(requests)/float64(polls), "requests/poll")
		b.ReportMetric(cpu*1000/float64(polls), "CPU-s/1000polls")
	}
}

// buildRackpost builds the program as it is installed, without what only tests hold.
func buildRackpost(b *testing.B, dir string) {
	const tags = "gosnmp_nodebug,osusergo,netgo,sqlite_omit_load_extension" // those of the Makefile
	out, err := exec.Command(cmp.Or(os.Getenv("GO"), "go"), "build", "-trimpath", "-tags", tags, "-o", filepath.Join(dir, "rackpost"), ".").CombinedOutput()
	if err != nil {
		b.Fatalf("build rackpost: %v\n%s", err, out)
	}
}

// startProcess runs the program of that name in dir; where there is none, this test binary
// under that name. The function it returns waits for a line of its output that has the text.
func startProcess(b *testing.B, dir, name string, args ...string) (*exec.Cmd, func(text string)) {
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	link := filepath.Join(dir, name)
	if err := os.Symlink(self, link); err != nil && !errors.Is(err, fs.ErrExist) {
		b.Fatal(err)
	}
	c := exec.Command(link, args...)
	out, err := c.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	c.Stderr = c.Stdout
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if c.ProcessState == nil {
			_ = c.Process.Kill()
			_ = c.Wait()
		}
	})
	lines := bufio.NewScanner(out)
	return c, func(text string) {
		for lines.Scan() {
			if strings.Contains(lines.Text(), text) {
				return
			}
			b.Log(lines.Text())
		}
		b.Fatalf("%s ended without %q", name, text)
	}
}

// writeFleet writes the configuration; slow is added to the lines of the slow devices.
func writeFleet(b *testing.B, dir, slow string) {
	var site strings.Builder
	fmt.Fprintf(&site, "site:\n  id: 00000000-0000-4000-8000-000000000002\n  name: fleet\ncredentials:\n  public:\n    community: {file: community}\n")
	fmt.Fprintf(&site, "policy:\n  periods:\n")
	for _, section := range cisco.Catalyst().Sections {
		switch section.Period {
		case 0: // off
		case time.Minute:
			fmt.Fprintf(&site, "    %s: %s\n", section.Name, fleetPeriod)
		default:
			fmt.Fprintf(&site, "    %s: 1h\n", section.Name)
		}
	}
	fmt.Fprintf(&site, "devices:\n")
	for i := range fleetSize {
		extra := ""
		if isSlow(i) {
			extra = slow
		}
		fmt.Fprintf(&site, "  - {id: switch-%d, kind: cisco-catalyst, address: \"127.1.%d.%d:%d\", credentials: public%s}\n", i+1, i/250, 1+i%250, sim.DefaultPort, extra)
	}
	for name, text := range map[string]string{
		"site.yaml": site.String(), "community": "public\n",
		"box.yaml": "name: bench\ndata: data\nsite: site.yaml\nlisten: 127.0.0.1:0\nsocket: rackpost.sock\nbudget: 8GB\nlog:\n  format: text\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
}

// cpuSeconds returns the user and system time of a process.
func cpuSeconds(b *testing.B, pid int) float64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	f := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	const ticks = 100 // USER_HZ, the same on every Linux that Go runs on
	user, err1 := strconv.ParseFloat(f[11], 64)
	system, err2 := strconv.ParseFloat(f[12], 64)
	if err1 != nil || err2 != nil {
		b.Fatalf("stat %q", raw)
	}
	return (user + system) / ticks
}

func memoryMB(b *testing.B, pid int, name string) float64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	m := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(raw)
	if m == nil {
		b.Fatalf("no %s in %q", name, raw)
	}
	kb, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		b.Fatal(err)
	}
	return kb / 1000
}

// pollsBetween counts the visits the journal holds, and their requests.
func pollsBetween(b *testing.B, dir string, from, to time.Time) (polls, requests int) {
	out, err := exec.Command(filepath.Join(filepath.Dir(dir), "rackpost"), "journal", "dump", dir).Output()
	if err != nil {
		b.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`visit \S+ at (\S+) took \S+, (\d+) requests`).FindAllSubmatch(out, -1) {
		at, err1 := time.Parse(time.RFC3339Nano, string(m[1]))
		n, err2 := strconv.Atoi(string(m[2]))
		if err1 != nil || err2 != nil {
			b.Fatalf("%q", m[0])
		}
		if at.After(from) && at.Before(to) {
			polls++
			requests += n
		}
	}
	return polls, requests
}
