package clustertest

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"rackpost/store/crashtest"
)

var (
	oneSeed  = flag.Uint64("seed", 0, "the only seed to run")
	fromFile = flag.String("schedule", "", "a file with the schedule to run instead of the seed's")
	tries    = flag.Int("tries", 1, "how often to run the seed: Raft's own chance differs each time")
	first    = flag.Uint64("first", 1, "the first seed of the sweep")
	seeds    = flag.Int("seeds", 0, "how many seeds the sweep has")
)

// sizeOf says how many members a seed's world has.
func sizeOf(seed uint64) int { return 2 + int(seed%2) }

// TestSeed runs one seed, or a schedule from a file, and tells everything.
func TestSeed(t *testing.T) {
	if *oneSeed == 0 {
		t.Skip("for one seed: -seed N, and perhaps -schedule FILE -tries N")
	}
	size := sizeOf(*oneSeed)
	s := draw(*oneSeed, size)
	if *fromFile != "" {
		text, err := os.ReadFile(*fromFile)
		if err != nil {
			t.Fatal(err)
		}
		if s, err = parseSchedule(string(text)); err != nil {
			t.Fatal(err)
		}
	}
	disks := makeTemplates(t)
	for range *tries {
		out := disks.run(t, *oneSeed, size, s, func(w *World) { w.log = &recorder{w: w} })
		if out.judge(t, *oneSeed, s); t.Failed() {
			return
		}
	}
}

// TestSchedules runs many seeds. What is wrong in one of them is to be found by TestSeed.
func TestSchedules(t *testing.T) {
	disks := makeTemplates(t)
	count := crashtest.Rounds(normalSeeds, 10_000)
	if *seeds > 0 {
		count = *seeds
	}
	var next, hands, gone, readings, proposals, acts atomic.Uint64
	next.Store(*first - 1)
	began := time.Now()
	for range runtime.GOMAXPROCS(0) {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			for {
				seed := next.Add(1)
				if seed >= *first+uint64(count) {
					return
				}
				size := sizeOf(seed)
				s := draw(seed, size)
				late := time.AfterFunc(time.Minute, func() { fmt.Fprintf(os.Stderr, "seed %d does not end: its clock stands still\n", seed) })
				out := disks.run(t, seed, size, s, nil)
				late.Stop()
				out.judge(t, seed, s)
				readings.Add(uint64(out.acks))
				proposals.Add(uint64(out.agreed))
				acts.Add(uint64(out.acts))
				if out.gone {
					gone.Add(1)
				}
				if out.byHand {
					hands.Add(1)
				}
			}
		})
	}
	t.Cleanup(func() {
		t.Logf("%d seeds in %v: %d readings, %d proposals, %d acts, %d takeovers by hand after the end, %d begun anew", count,
			time.Since(began).Round(time.Second), readings.Load(), proposals.Load(), acts.Load(), hands.Load(), gone.Load())
	})
}

// judge fails the test with all that is needed to see it again.
func (out outcome) judge(t *testing.T, seed uint64, s schedule) {
	t.Helper()
	for _, p := range out.problems {
		t.Errorf("seed %d: %s", seed, p)
	}
	if len(out.problems) > 0 {
		t.Logf("to see it again: go test ./replicate/clustertest -run TestSeed -seed %d -tries 20; its schedule, for -schedule:\n%s", seed, s)
		for _, line := range out.log {
			t.Log(line)
		}
	}
}

func makeTemplates(t *testing.T) *templates {
	t.Helper()
	var disks templates
	disks.make(t, 2)
	disks.make(t, 3)
	return &disks
}
