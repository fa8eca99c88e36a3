package main

import (
	"context"
	"errors"
	"fmt"
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

	"golang.org/x/sync/errgroup"

	"rackpost/collectors/sim"
	"rackpost/collectors/sim/bmc"
)

// The servers: 100 simulated PowerEdge R740 and R750 in a process of their own, visited as often as servers are.
const (
	serversSize   = 100
	serversDead   = 5
	serversDelay  = 190 * time.Millisecond // the mean of a recorded R750
	serversWarmUp = 45 * time.Second       // the first visits read everything
	serversCycle  = 5 * time.Minute        // in which all but the inventory is read
	serversShort  = time.Minute            // with -short
)

var serverModels = []string{"poweredge-r740", "poweredge-r750"}

// serversMain serves the servers until it is told to stop; its first argument is the control socket. With a second one,
// "ailing", they answer late, and some not at all; with "model" or "tree" and a third one it serves one alone.
func serversMain() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	rack, err := serversRack(os.Args[2:])
	if err == nil {
		group, ctx := errgroup.WithContext(ctx)
		group.Go(func() error { return rack.Run(ctx) })
		group.Go(func() error { return rack.Serve(ctx, os.Args[1]) })
		fmt.Println("serving")
		err = group.Wait()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serversRack(args []string) (*sim.Rack, error) {
	switch {
	case len(args) == 2 && args[0] == "model":
		return sim.Servers(1, args[1:], sim.ServersOptions{})
	case len(args) == 2:
		b, err := bmc.NewRecorded(args[1], bmc.Options{})
		if err != nil {
			return nil, err
		}
		rack := sim.NewRack()
		_, err = rack.AddBMC("server-1", b, address("127.2.0.1", sim.DefaultRedfishPort), sim.BMCOptions{})
		return rack, err
	case len(args) == 1:
		return sim.Servers(serversSize, serverModels, sim.ServersOptions{Delay: serversDelay, Dead: serversDead})
	}
	return sim.Servers(serversSize, serverModels, sim.ServersOptions{})
}

// serversRun is the real binary on the servers.
type serversRun struct {
	b        *testing.B
	dir      string
	box, sim *exec.Cmd
	control  *sim.Client
	from, to time.Time // what was measured
}

func serversTime() time.Duration {
	if testing.Short() {
		return serversShort
	}
	return serversCycle
}

// startServers starts servers and appliance, and returns when all were read once.
func startServers(b *testing.B, dir string, args ...string) *serversRun {
	socket := filepath.Join(dir, "sim.sock")
	r := &serversRun{b: b, dir: dir, control: sim.Control(socket)}
	var serving, said func(string)
	r.sim, serving = startProcess(b, dir, "servers", append([]string{socket}, args...)...)
	serving("serving")
	writeServers(b, dir, serversSize)
	r.box, said = startProcess(b, dir, "rackpost", "run", "-config", filepath.Join(dir, "box.yaml"))
	said("msg=started")
	time.Sleep(serversWarmUp)
	r.from = time.Now()
	return r
}

// writeServers writes a configuration of n servers.
func writeServers(b *testing.B, dir string, n int) {
	var site strings.Builder
	fmt.Fprintf(&site, "site:\n  id: 00000000-0000-4000-8000-000000000004\n  name: servers\ncredentials:\n  idrac: {user: %s, password: {file: password}}\ndevices:\n", bmc.DefaultUser)
	for i := range n {
		fmt.Fprintf(&site, "  - {id: server-%d, kind: dell-idrac, address: \"127.2.%d.%d:%d\", credentials: idrac}\n", i+1, i/250, 1+i%250, sim.DefaultRedfishPort)
	}
	for name, text := range map[string]string{
		"site.yaml": site.String(), "password": bmc.DefaultPassword + "\n",
		"box.yaml": "name: bench\ndata: data\nsite: site.yaml\nlisten: 127.0.0.1:0\nsocket: rackpost.sock\nbudget: 8GB\nlog:\n  format: text\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
}

// counters are those of all servers together; what was most at once is that of the worst.
func (r *serversRun) counters() (sum bmc.Counters) {
	each, err := r.control.Counters(context.Background())
	if err != nil || len(each) == 0 {
		r.b.Fatalf("counters of %d servers: %v", len(each), err)
	}
	for _, c := range each {
		sum.Total += c.Total
		sum.Bytes += c.Bytes
		sum.Logins += c.Logins
		sum.Sessions += c.Sessions
		sum.MostSessions = max(sum.MostSessions, c.MostSessions)
		sum.MostOpen = max(sum.MostOpen, c.MostOpen)
		sum.MostInFlight = max(sum.MostInFlight, c.MostInFlight)
	}
	return sum
}

// stop ends the appliance, looks at the sessions that it left, and ends the servers.
func (r *serversRun) stop() {
	r.to = time.Now()
	r.end(r.box)
	r.b.ReportMetric(float64(r.counters().Sessions), "sessions-left")
	r.end(r.sim)
}

func (r *serversRun) end(c *exec.Cmd) {
	if err := errors.Join(c.Process.Signal(syscall.SIGTERM), c.Wait()); err != nil {
		r.b.Fatal(err)
	}
}

// BenchmarkServers says what 100 servers cost at the default cadence: memory beyond that of an appliance without a device, and CPU
// and requests of one whole cycle of a server, five heartbeats with RAID sets, sensors, log and jobs once. With
// -short a minute is measured, in which one server in five has its turn.
func BenchmarkServers(b *testing.B) {
	for b.Loop() {
		dir := b.TempDir()
		buildRackpost(b, dir)
		idle := idleMB(b, dir)
		r := startServers(b, dir)
		before, cpu := r.counters(), cpuSeconds(b, r.box.Process.Pid)
		time.Sleep(serversTime())
		after := r.counters()
		cpu = cpuSeconds(b, r.box.Process.Pid) - cpu
		cycles := serversSize * serversTime().Seconds() / serversCycle.Seconds()
		b.ReportMetric(idle, "idle-MB")
		b.ReportMetric(memoryMB(b, r.box.Process.Pid, "VmRSS")-idle, "RSS-above-idle-MB")
		b.ReportMetric(memoryMB(b, r.box.Process.Pid, "VmHWM")-idle, "peak-above-idle-MB")
		b.ReportMetric(cpu*1000/cycles, "CPU-ms/cycle")
		b.ReportMetric(float64(after.Total-before.Total)/cycles, "requests/cycle")
		b.ReportMetric(float64(after.Logins)/serversSize, "logins/server")
		b.ReportMetric(float64(after.MostSessions), "most-sessions")
		b.ReportMetric(float64(after.MostOpen), "most-connections")
		b.ReportMetric(float64(after.MostInFlight), "most-in-flight")
		r.stop()
		r.reportRequests()
	}
}

// idleMB is the memory of an appliance that watches nothing.
func idleMB(b *testing.B, dir string) float64 {
	at := filepath.Join(dir, "idle")
	if err := os.Mkdir(at, 0o700); err != nil {
		b.Fatal(err)
	}
	writeServers(b, at, 0)
	box, said := startProcess(b, dir, "rackpost", "run", "-config", filepath.Join(at, "box.yaml"))
	said("msg=started")
	time.Sleep(5 * time.Second)
	mb := memoryMB(b, box.Process.Pid, "VmRSS")
	if err := errors.Join(box.Process.Signal(syscall.SIGTERM), box.Wait()); err != nil {
		b.Fatal(err)
	}
	return mb
}

// serverVisit is a visit as the journal has it.
type serverVisit struct {
	server   int // 1 is the first
	at       time.Time
	took     time.Duration
	next     time.Duration
	requests int
	sections string
}

// beat says whether the visit read a heartbeat and nothing else.
func (v *serverVisit) beat() bool { return v.sections == "heartbeat complete" }

// visits are all that the journal holds, in the order of their starts at each server.
func (r *serversRun) visits() (all []serverVisit) {
	out, err := exec.Command(filepath.Join(r.dir, "rackpost"), "journal", "dump", filepath.Join(r.dir, "data")).Output()
	if err != nil {
		r.b.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`visit server-(\d+) at (\S+) took (\S+), (\d+) requests, next in (\S+), (.*)`).FindAllStringSubmatch(string(out), -1) {
		v := serverVisit{sections: m[6]}
		var errs [5]error
		v.server, errs[0] = strconv.Atoi(m[1])
		v.at, errs[1] = time.Parse(time.RFC3339Nano, m[2])
		v.took, errs[2] = time.ParseDuration(m[3])
		v.requests, errs[3] = strconv.Atoi(m[4])
		v.next, errs[4] = time.ParseDuration(m[5])
		if err := errors.Join(errs[:]...); err != nil {
			r.b.Fatalf("%q: %v", m[0], err)
		}
		all = append(all, v)
	}
	return all
}

// reportRequests tells what a heartbeat takes and what a visit of RAID sets and sensors does.
func (r *serversRun) reportRequests() {
	var beats, full, beatRequests, fullRequests int
	for _, v := range r.visits() {
		switch {
		case v.at.Before(r.from) || v.at.After(r.to):
		case v.beat():
			beats, beatRequests = beats+1, beatRequests+v.requests
		case strings.Contains(v.sections, "raid complete") && strings.Contains(v.sections, "environment complete"):
			full, fullRequests = full+1, fullRequests+v.requests
		}
	}
	if beats == 0 || full == 0 {
		r.b.Fatalf("%d heartbeats and %d whole visits", beats, full)
	}
	r.b.ReportMetric(float64(beatRequests)/float64(beats), "requests/heartbeat")
	r.b.ReportMetric(float64(fullRequests)/float64(full), "requests/whole-visit")
}

// BenchmarkServerLateness says how late heartbeats are of servers that take 190 ms a request, while five of them are
// silent: from the time that the report before promised to the end of the visit.
func BenchmarkServerLateness(b *testing.B) {
	for b.Loop() {
		dir := b.TempDir()
		buildRackpost(b, dir)
		r := startServers(b, dir, "ailing")
		time.Sleep(serversTime())
		counters := r.counters()
		b.ReportMetric(float64(counters.MostSessions), "most-sessions")
		b.ReportMetric(float64(counters.MostInFlight), "most-in-flight")
		r.stop()
		beats, whole, dead := r.lateness()
		if len(beats) == 0 || len(whole) == 0 {
			b.Fatalf("%d heartbeats, %d whole visits", len(beats), len(whole))
		}
		b.ReportMetric(float64(len(beats)), "heartbeats")
		b.ReportMetric(float64(dead), "visits-of-dead")
		for _, p := range []struct {
			name string
			per  int
			of   []time.Duration
		}{{"p50-ms", 50, beats}, {"p95-ms", 95, beats}, {"max-ms", 100, beats}, {"whole-p95-ms", 95, whole}} {
			b.ReportMetric(float64(p.of[min(len(p.of)*p.per/100, len(p.of)-1)].Microseconds())/1000, p.name)
		}
	}
}

// lateness returns the lateness and duration together, sorted, of heartbeats of live servers and of the other visits to them, and how many
// visits of dead ones there were.
func (r *serversRun) lateness() (beats, whole []time.Duration, dead int) {
	due := map[int]time.Time{}
	for _, v := range r.visits() {
		promised, known := due[v.server]
		due[v.server] = v.at.Add(v.next)
		switch late := max(0, v.at.Sub(promised)) + v.took; {
		case v.at.Before(r.from) || v.at.After(r.to) || !known:
		case v.server <= serversDead:
			dead++
		case v.beat():
			beats = append(beats, late)
		default:
			whole = append(whole, late)
		}
	}
	slices.Sort(beats)
	slices.Sort(whole)
	return beats, whole, dead
}
