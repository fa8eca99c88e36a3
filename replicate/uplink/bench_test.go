package uplink_test

import (
	"syscall"
	"testing"
	"time"

	"rackpost/replicate/uplink"
)

// BenchmarkIdle is what both lanes cost while nothing is written: processor of box and headquarters.
func BenchmarkIdle(b *testing.B) {
	w := newWorld(b, func(c *uplink.Config) { c.Timing, c.Dial = uplink.Timing{}, nil }).run()
	w.connected("default")
	for b.Loop() {
		const long = 5 * time.Second
		before := processor(b)
		time.Sleep(long)
		b.ReportMetric(100*(processor(b)-before).Seconds()/long.Seconds(), "%_of_a_core")
	}
}

func processor(b testing.TB) time.Duration {
	b.Helper()
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

// BenchmarkConnect is a box that connects both lanes anew and is answered for a record.
func BenchmarkConnect(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		w := newWorld(b, func(c *uplink.Config) { c.Dial = nil })
		k := w.write()
		b.StartTimer()
		w.run()
		w.arrives(k)
		b.StopTimer()
		w.stop()
		w.hq.close()
		b.StartTimer()
	}
}
