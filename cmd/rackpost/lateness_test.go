package main

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"rackpost/collectors/sim"
)

// Of an ailing fleet the first devices are dead, those after them answer after slowAnswer.
const (
	fleetDead  = 10
	fleetSlow  = 10
	slowAnswer = 4 * time.Second
)

func isSlow(device int) bool { return device >= fleetDead && device < fleetDead+fleetSlow }

func ail(rack *sim.Rack) error {
	var errs []error
	for i := range fleetDead + fleetSlow {
		name, arg := "silent", ""
		if isSlow(i) {
			name, arg = "slow", slowAnswer.String()
		}
		errs = append(errs, rack.Fault(fmt.Sprintf("device-%d", i+1), name, arg))
	}
	return errors.Join(errs...)
}

// BenchmarkLateness says how late the visits of the live devices of an ailing fleet start: the
// time between the start that the report before promised and the one that came. The slow
// devices are given up with the default timeout, and read with one of 5 s.
func BenchmarkLateness(b *testing.B) {
	for _, c := range []struct{ name, extra string }{{"timeout=default", ""}, {"timeout=5s", ", timeout: 5s"}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				measureLateness(b, c.extra)
			}
		})
	}
}

func measureLateness(b *testing.B, extra string) {
	dir := b.TempDir()
	buildRackpost(b, dir)
	fleet, serving := startProcess(b, dir, "fleet", "ailing")
	serving("serving")
	writeFleet(b, dir, extra)
	box, said := startProcess(b, dir, "rackpost", "run", "-config", filepath.Join(dir, "box.yaml"))
	said("msg=started")
	time.Sleep(fleetWarmUp)
	from := time.Now()
	time.Sleep(fleetTime)
	for _, c := range []*exec.Cmd{box, fleet} {
		if err := c.Process.Signal(syscall.SIGTERM); err != nil {
			b.Fatal(err)
		}
		if err := c.Wait(); err != nil {
			b.Fatal(err)
		}
	}
	live, slow := latenesses(b, filepath.Join(dir, "data"), from)
	if len(live) == 0 {
		b.Fatal("no visit of a live device")
	}
	slices.Sort(live)
	for _, p := range []struct {
		name string
		at   int
	}{{"p50", len(live) / 2}, {"p99", len(live) * 99 / 100}, {"max", len(live) - 1}} {
		b.ReportMetric(float64(live[p.at].Microseconds())/1000, p.name+"-ms")
	}
	b.ReportMetric(float64(len(live)), "visits")
	b.ReportMetric(float64(slow), "slow-visits-that-read")
}

// latenesses returns how late each visit of a live device since from started, and how many visits
// of slow devices read anything. Overdue ones before from are those of the start.
func latenesses(b *testing.B, dir string, from time.Time) (late []time.Duration, slow int) {
	out, err := exec.Command(filepath.Join(filepath.Dir(dir), "rackpost"), "journal", "dump", dir).Output()
	if err != nil {
		b.Fatal(err)
	}
	due := map[int]time.Time{}
	for _, m := range regexp.MustCompile(`visit switch-(\d+) at (\S+) took \S+, \d+ requests, next in (\S+), (.*)`).FindAllStringSubmatch(string(out), -1) {
		n, err1 := strconv.Atoi(m[1])
		at, err2 := time.Parse(time.RFC3339Nano, m[2])
		next, err3 := time.ParseDuration(m[3])
		if err := errors.Join(err1, err2, err3); err != nil {
			b.Fatalf("%q: %v", m[0], err)
		}
		switch promised, known := due[n]; {
		case isSlow(n-1) && at.After(from) && strings.Contains(m[4], "complete"):
			slow++
		case n-1 >= fleetDead+fleetSlow && known && at.After(from):
			late = append(late, max(0, at.Sub(promised)))
		}
		due[n] = at.Add(next)
	}
	return late, slow
}
