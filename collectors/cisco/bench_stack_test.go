package cisco_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/sim"
)

// BenchmarkStack is a visit of one 3750-48PS, of two, and of a stack of eight with 400 ports and
// more, each answering after 10 ms: the fast sections, those that are on by default, all, and
// all by a collector that knows nothing of the device yet.
func BenchmarkStack(b *testing.B) {
	for _, members := range []int{1, 2, sim.MaxMembers} {
		d := modelled(b, "catalyst-3750-48ps", sim.ModelOptions{Members: members})
		if err := d.Fault("slow", "10ms"); err != nil {
			b.Fatal(err)
		}
		v := visiting(b, catalyst, d)
		fast, usual, all := tiers(v.kind)
		b.Run(fmt.Sprintf("members=%d/first", members), func(b *testing.B) {
			visits(b, all, func() collectors.Collector { v.open(); return v.collector })
		})
		for _, c := range []struct {
			name string
			due  []collectors.Section
		}{{"fast", fast}, {"default", usual}, {"all", all}} {
			b.Run(fmt.Sprintf("members=%d/%s", members, c.name), func(b *testing.B) {
				visits(b, c.due, func() collectors.Collector { return v.collector })
			})
		}
	}
}

// tiers returns the sections of a kind that are fast, those that are on, and all of them.
func tiers(kind collectors.Kind) (fast, usual, all []collectors.Section) {
	for _, s := range kind.Sections {
		switch s.Period {
		case 0:
			s.Period = time.Hour
		case time.Minute:
			fast = append(fast, s)
			usual = append(usual, s)
		default:
			usual = append(usual, s)
		}
		all = append(all, s)
	}
	return fast, usual, all
}

func visits(b *testing.B, due []collectors.Section, by func() collectors.Collector) {
	var requests, samples int
	for b.Loop() {
		r, err := by().Collect(context.Background(), due)
		if err != nil {
			b.Fatal(err)
		}
		for _, g := range r.Gaps {
			b.Logf("not read: %s, %s", g.What, g.Reason)
		}
		requests += r.Requests
		samples += len(r.Samples)
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/visit")
	b.ReportMetric(float64(requests)/float64(b.N), "requests")
	b.ReportMetric(float64(samples)/float64(b.N), "samples")
}
