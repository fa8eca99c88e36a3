package intake_test

import (
	"testing"

	"pgregory.net/rapid"

	"rackpost/hw/journal"
	"rackpost/replicate/intake"
)

// TestOneGreedySite: a site whose lane always has something waiting gets no more than its turn, and what is new
// of others waits for one bundle at most.
func TestOneGreedySite(t *testing.T) {
	t.Parallel()
	f := intake.NewFair()
	const big, small, limit = 256 << 10, 1 << 10, 512 << 10
	greedy := siteID(0)
	served := map[journal.ID]int{}
	f.Add(intake.Turn{Site: greedy, Bytes: big})
	for n := 1; n <= 8; n++ {
		f.Add(intake.Turn{Site: siteID(n), Bytes: 64 << 10})
	}
	for range 200 {
		for n := 1; n <= 100; n++ {
			f.Add(intake.Turn{Site: siteID(n), Live: true, Bytes: small})
		}
		fresh := 0
		for _, r := range f.Next(limit) {
			if r.Live {
				fresh++
				continue
			}
			served[r.Site] += r.Bytes
			f.Add(r) // it has the next one ready
		}
		if fresh != 100 {
			t.Fatalf("%d of 100 live records were merged at once", fresh)
		}
	}
	for n := 1; n <= 8; n++ {
		if got := served[siteID(n)]; got < served[greedy]*9/10 {
			t.Errorf("site %d got %d, the greedy one %d", n, got, served[greedy])
		}
	}
	if served[greedy] == 0 {
		t.Error("the greedy one got nothing")
	}
}

// TestBehindIsNotStarved: what is behind comes on although what is new fills every bundle.
func TestBehindIsNotStarved(t *testing.T) {
	t.Parallel()
	f := intake.NewFair()
	const limit = 256 << 10
	f.Add(intake.Turn{Site: siteID(0), Bytes: limit})
	for n := range 40 {
		f.Add(intake.Turn{Site: siteID(n), Live: true, Bytes: 64 << 10})
	}
	for round := range 10 {
		for _, r := range f.Next(limit) {
			if !r.Live {
				if round > 5 {
					t.Errorf("it came in round %d", round)
				}
				return
			}
			f.Add(r)
		}
	}
	t.Error("what is behind never came")
}

// TestFair: everything is served once, bundles keep to their bound, and none is empty while something waits.
func TestFair(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := intake.NewFair()
		left := map[intake.Turn]int{}
		waiting, count := 0, 0
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "add") {
				turn := intake.Turn{Site: siteID(rapid.IntRange(0, 5).Draw(t, "site")), Live: rapid.Bool().Draw(t, "live"), Bytes: rapid.IntRange(1, 3000).Draw(t, "bytes")}
				f.Add(turn)
				left[turn]++
				waiting += turn.Bytes
				count++
				continue
			}
			total := 0
			got := f.Next(1000)
			if count > 0 && len(got) == 0 {
				t.Fatal("nothing is served although something waits")
			}
			for _, turn := range got {
				if left[turn]--; left[turn] < 0 {
					t.Fatalf("%+v is served twice", turn)
				}
				total += turn.Bytes
				count--
			}
			// The first of each kind may be larger than what is left for it.
			if len(got) > 1 && total > 1000+2*3000 {
				t.Fatalf("%d bytes at once", total)
			}
			if waiting -= total; waiting != f.Waiting() {
				t.Fatalf("%d bytes wait, counted are %d", waiting, f.Waiting())
			}
		}
	})
}
