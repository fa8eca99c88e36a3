package enginetest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"rackpost/collectors/sim/workload"
	"rackpost/replicate/remotewrite"
)

// BenchmarkWrite writes six hours of the reference site, 11 M samples, to a receiver that takes all and keeps nothing, and to VictoriaMetrics:
// samples a second, and CPU seconds of this process for a million, the reading of the journal among them.
func BenchmarkWrite(b *testing.B) {
	nothing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		if r.Header.Get("X-Prometheus-Remote-Write-Version") == "2.0.0" && n > 0 {
			w.Header().Set("X-Prometheus-Remote-Write-Samples-Written", "10000000")
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer nothing.Close()
	box := openBox(b)
	o := workload.Site()
	o.Calm, o.Start = true, time.Now().Add(-6*time.Hour)
	box.put(workload.New(1, o), time.Now())
	for _, c := range []struct {
		name     string
		protocol remotewrite.Protocol
	}{{"nothing-1.0", remotewrite.V1}, {"nothing-2.0", remotewrite.V2}, {"victoria", remotewrite.V1}} {
		b.Run(c.name, func(b *testing.B) {
			cpu, samples, bytes, seconds := 0.0, 0.0, 0.0, 0.0
			for b.Loop() {
				address := nothing.URL
				if c.name == "victoria" {
					address = victoria(b).write()
				}
				cfg := box.config(address)
				cfg.Protocol = c.protocol
				before, began := cpuSeconds(b), time.Now()
				s := start(b, cfg)
				for s.Status().Behind.Reached.IsZero() {
					time.Sleep(5 * time.Millisecond)
				}
				seconds += time.Since(began).Seconds()
				cpu += cpuSeconds(b) - before
				s.stop()
				x := s.Status()
				samples, bytes = samples+float64(x.Samples), bytes+float64(x.Bytes)
			}
			b.ReportMetric(samples/seconds, "samples/s")
			b.ReportMetric(cpu/samples*1e6, "cpu-s/Msample")
			b.ReportMetric(bytes/samples, "B/sample")
		})
	}
}

func cpuSeconds(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
