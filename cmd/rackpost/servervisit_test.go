package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/idrac"
	"rackpost/collectors/sim"
	"rackpost/collectors/sim/bmc"
	"rackpost/hw"
)

// recordedServer is an R750 as it was recorded, kept outside the repository.
const recordedServer = "../../../shared/data/redfish/r750-idrac9-6.00"

// BenchmarkServerVisit says what a visit of one server takes: requests and bytes of RAID sets and sensors, without log and jobs and
// with them, of a heartbeat and of the first visit, which reads all; and the CPU of the collector alone, TLS, decoding and judging included.
func BenchmarkServerVisit(b *testing.B) {
	for _, c := range []struct{ name, sort, of string }{
		{"recorded-r750", "tree", recordedServer}, {"poweredge-r740", "model", "poweredge-r740"}, {"poweredge-r750", "model", "poweredge-r750"}, {"poweredge-r630", "model", "poweredge-r630"}, {"poweredge-r770", "model", "poweredge-r770"},
	} {
		b.Run(c.name, func(b *testing.B) {
			if _, err := os.Stat(c.of); c.sort == "tree" && err != nil {
				b.Skipf("no recorded server here: %v", err)
			}
			benchServer(b, c.sort, c.of)
		})
	}
}

func benchServer(b *testing.B, sort, of string) {
	of, dir := absolute(b, sort, of), b.TempDir()
	socket := filepath.Join(dir, "sim.sock")
	server, serving := startProcess(b, dir, "servers", socket, sort, of)
	serving("serving")
	r := &serversRun{b: b, dir: dir, sim: server, control: sim.Control(socket)}
	kind := idrac.Kind()
	c, err := kind.New(collectors.Target{
		Device:      hw.Device{ID: "server-1", Kind: kind.Name, Address: address("127.2.0.1", sim.DefaultRedfishPort)},
		Credentials: collectors.Credentials{User: bmc.DefaultUser, Password: bmc.DefaultPassword},
		Rate:        1e6, Memory: collectors.NewMemory(nil), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	visit := func(names string) (requests float64) {
		return float64(serverSections(b, c, kind, names).Requests)
	}
	first := visit("")
	visit("") // what $expand is good for is known from here on
	beat, most := visit("heartbeat"), visit("heartbeat raid environment log jobs")
	requests, cpu, before := 0.0, processCPU(b), r.counters()
	b.ResetTimer()
	for b.Loop() {
		requests += visit("heartbeat raid environment")
	}
	b.StopTimer()
	n := float64(b.N)
	after := r.counters()
	b.ReportMetric(float64((processCPU(b)-cpu).Microseconds())/1000/n, "CPU-ms/visit")
	b.ReportMetric(float64(after.Bytes-before.Bytes)/1000/n, "kB/visit")
	b.ReportMetric(requests/n, "requests/visit")
	b.ReportMetric(most, "requests/with-log-and-jobs")
	b.ReportMetric(beat, "requests/heartbeat")
	b.ReportMetric(first, "requests/first")
	b.ReportMetric(float64(after.MostInFlight), "most-in-flight")
	b.ReportMetric(float64(after.MostOpen), "connections")
	if err := c.Close(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(r.counters().Sessions), "sessions-left")
	r.end(server)
}

// serverSections makes a visit of the sections named, of all where none is.
func serverSections(b *testing.B, c collectors.Collector, kind collectors.Kind, names string) hw.Report {
	var due []collectors.Section
	for _, s := range kind.Sections {
		if names == "" || strings.Contains(" "+names+" ", " "+s.Name+" ") {
			due = append(due, s)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := c.Collect(ctx, due)
	if err != nil {
		b.Fatal(err)
	}
	for _, s := range r.Read {
		if s.Extent == hw.Failed && names != "" { // of all some may be what the server does not have
			b.Fatalf("%s was not read: %v", s.Section, r.Gaps)
		}
	}
	return r
}

// absolute makes the path of a tree one for another folder.
func absolute(b *testing.B, sort, of string) string {
	if sort != "tree" {
		return of
	}
	path, err := filepath.Abs(of)
	if err != nil {
		b.Fatal(err)
	}
	return path
}

// processCPU is the user and system time of this process.
func processCPU(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
