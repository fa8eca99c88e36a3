package scrub_test

import (
	"fmt"
	"testing"

	"rackpost/collectors/capture/scrub"
)

// A large device: 2,000 neighbours, 2,000 serial numbers, 50,000 texts of an unknown MIB.
func BenchmarkScrub(b *testing.B) {
	var in []scrub.Object
	for i := range 2000 {
		in = append(in, text(fmt.Sprintf("%s%d", cdpDevice, i), fmt.Sprintf("site-%d-switch.acme%d.example", i*7919, i%9)),
			text(fmt.Sprintf("%s%d", entSerial, i), fmt.Sprintf("FOC%04dX%03d", i, i%1000)))
	}
	for i := range 50_000 {
		in = append(in, text(fmt.Sprintf("1.3.6.1.4.1.9.9.888.1.%d.1.2.%d", i%20, i), fmt.Sprintf("link to host %d of port %d", i%20000, i)))
	}
	for b.Loop() {
		s, err := scrub.New(key)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Scrub(in); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(in)), "us/object")
}
