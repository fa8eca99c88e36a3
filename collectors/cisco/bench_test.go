package cisco_test

import (
	"context"
	"runtime"
	"syscall"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/sim"
)

// BenchmarkFastVisit is a visit of the fast sections of a Catalyst 3750-48PS over UDP on
// loopback. CPU-s/1000 is of the whole process, the simulated switch included: a quarter of
// it, by the profile.
func BenchmarkFastVisit(b *testing.B) {
	for _, members := range []struct {
		name string
		n    int
	}{{"one", 1}, {"stack of two", 2}} {
		b.Run(members.name, func(b *testing.B) {
			v := visiting(b, catalyst, modelled(b, "catalyst-3750-48ps", sim.ModelOptions{Members: members.n}))
			v.all()
			var due []collectors.Section
			for _, s := range v.kind.Sections {
				if s.Period == time.Minute {
					due = append(due, s)
				}
			}
			runtime.GC()
			var requests, samples int
			b.ReportAllocs()
			before := cpu(b)
			b.ResetTimer()
			for b.Loop() {
				r, err := v.collector.Collect(context.Background(), due)
				if err != nil || len(r.Gaps) > 0 {
					b.Fatal(err, r.Gaps)
				}
				requests += r.Requests
				samples += len(r.Samples)
			}
			b.StopTimer()
			b.ReportMetric((cpu(b)-before).Seconds()/float64(b.N)*1000, "CPU-s/1000")
			b.ReportMetric(float64(requests)/float64(b.N), "requests")
			b.ReportMetric(float64(samples)/float64(b.N), "samples")
		})
	}
}

// cpu returns the CPU time of the process.
func cpu(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
