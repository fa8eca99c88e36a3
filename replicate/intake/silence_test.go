package intake_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rackpost/hw/journal"
	"rackpost/replicate/intake"
)

// hearing plays seconds: each is heard every second unless it is quiet.
type hearing struct {
	intake.Silence
	now   time.Time
	sites []journal.ID
	quiet map[journal.ID]bool
}

func newHearing(sites int) *hearing {
	h := &hearing{Silence: intake.NewSilence(30 * time.Second), now: noon, quiet: map[journal.ID]bool{}}
	for n := range sites {
		h.sites = append(h.sites, siteID(n))
	}
	h.Expect(h.now, h.sites...)
	return h
}

func (h *hearing) pass(seconds int) {
	for range seconds {
		h.now = h.now.Add(time.Second)
		for _, id := range h.sites {
			if !h.quiet[id] {
				h.Heard(h.now, id)
			}
		}
		h.Tick(h.now)
	}
}

func (h *hearing) fall(sites ...int) {
	for _, n := range sites {
		h.quiet[siteID(n)] = true
	}
}

func (h *hearing) want(t *testing.T, what string, single []journal.ID, many int) {
	t.Helper()
	one, all := h.Open()
	if diff := cmp.Diff(single, one); diff != "" || len(all) != many {
		t.Errorf("%s: %d together, want %d; one by one (-want +got):\n%s", what, len(all), many, diff)
	}
}

func TestOneFallsSilent(t *testing.T) {
	t.Parallel()
	h := newHearing(50)
	h.pass(100)
	h.want(t, "all are heard", nil, 0)
	h.fall(7)
	h.pass(29)
	h.want(t, "29 s", nil, 0)
	h.pass(1)
	h.want(t, "30 s", []journal.ID{siteID(7)}, 0)
	h.fall(8)
	h.pass(300)
	h.want(t, "another, on its own", []journal.ID{siteID(7), siteID(8)}, 0)
	delete(h.quiet, siteID(7))
	h.pass(1)
	h.want(t, "the first is back", []journal.ID{siteID(8)}, 0)
}

func TestManyFallSilent(t *testing.T) {
	t.Parallel()
	h := newHearing(50)
	h.pass(10)
	h.fall(1, 2, 3, 4, 5) // a tenth of all: still one by one
	h.pass(20)
	h.fall(6) // the sixth within 30 s
	h.pass(10)
	h.want(t, "five of fifty", []journal.ID{siteID(1), siteID(2), siteID(3), siteID(4), siteID(5)}, 0)
	h.pass(15)
	h.want(t, "a sixth", nil, 6)
	for n := range 50 {
		h.fall(n)
	}
	h.pass(31)
	h.want(t, "all of them", nil, 50)
	h.pass(1000)
	h.want(t, "all of them for long", nil, 50)
	for n := range 46 {
		delete(h.quiet, siteID(n))
	}
	h.pass(2)
	h.want(t, "all but four are back", []journal.ID{siteID(46), siteID(47), siteID(48), siteID(49)}, 0)
	clear(h.quiet)
	h.pass(1)
	h.want(t, "all are back", nil, 0)
}

// TestHeadquartersStoodStill: who was not listened to is not silent.
func TestHeadquartersStoodStill(t *testing.T) {
	t.Parallel()
	h := newHearing(10)
	h.pass(10)
	h.now = h.now.Add(10 * time.Minute)
	h.Tick(h.now)
	h.pass(5)
	h.want(t, "after standing still", nil, 0)
	h.fall(0)
	h.pass(30)
	h.want(t, "then one falls silent", []journal.ID{siteID(0)}, 0)
}

func TestWhoMayNotSendIsNotMissed(t *testing.T) {
	t.Parallel()
	h := newHearing(5)
	h.fall(0, 1)
	h.pass(40)
	h.sites = h.sites[1:]
	h.Expect(h.now, h.sites...)
	h.pass(1)
	h.want(t, "one was revoked", []journal.ID{siteID(1)}, 0)
	h.Expect(h.now, append(h.sites, siteID(9))...)
	h.pass(20)
	h.want(t, "one that joined and does not come yet", []journal.ID{siteID(1)}, 0)
	h.pass(15)
	h.want(t, "nor does later", []journal.ID{siteID(1), siteID(9)}, 0)
}

// TestSilence: whoever is not heard for the time set is told of, one by one or together, never both and never
// one that is heard.
func TestSilence(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(t, "sites")
		h := newHearing(n)
		heard := map[journal.ID]time.Time{}
		for _, id := range h.sites {
			heard[id] = h.now
		}
		for range rapid.IntRange(1, 120).Draw(t, "steps") {
			for range rapid.IntRange(0, 10).Draw(t, "changes") {
				id := siteID(rapid.IntRange(0, n-1).Draw(t, "site"))
				h.quiet[id] = !h.quiet[id]
			}
			h.pass(rapid.IntRange(1, 4).Draw(t, "seconds"))
			for _, id := range h.sites {
				if !h.quiet[id] {
					heard[id] = h.now
				}
			}
			told := map[journal.ID]int{}
			single, many := h.Open()
			for _, id := range append(single, many...) {
				told[id]++
			}
			for _, id := range h.sites {
				switch quiet := h.now.Sub(heard[id]); {
				case told[id] > 1, quiet < 25*time.Second && told[id] > 0, quiet > 35*time.Second && told[id] == 0:
					t.Fatalf("%v, not heard for %v, is told of %d times", id, quiet, told[id])
				}
			}
		}
	})
}
