package intake_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/intake"
	"rackpost/replicate/ship"
)

// finder notes the looks at what is missing, and what they are to find.
type finder struct {
	mu    sync.Mutex
	looks []intake.Look
	finds intake.Missing
}

func (f *finder) look(_ journal.ID, l intake.Look) (intake.Missing, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looks = append(f.looks, l)
	return f.finds, nil
}

// last returns the last look, and forgets all.
func (f *finder) last() (l intake.Look, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.looks) == 0 {
		return l, false
	}
	l, f.looks = f.looks[len(f.looks)-1], nil
	return l, true
}

func (f *finder) find(m intake.Missing) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.finds, f.looks = m, nil
}

// TestMissingIsLookedFor: what nobody has is looked for when all boxes that are connected have given all they have; what one look suspects the next
// one is told, and what is lost is told to people.
func TestMissingIsLookedFor(t *testing.T) {
	t.Parallel()
	f := &finder{}
	h := newHQ(t, 1, func(c *intake.Config) { c.Missing = f.look })
	b := newBox(t, 0)
	b.writes(journal.Facts, 1, 0)
	b.writes(journal.Samples, 3, 100)
	seen := func(what string, is func(intake.Look) bool) {
		t.Helper()
		until(t, what, func() bool { l, ok := f.last(); return ok && is(l) })
	}
	seen("nobody is there", func(l intake.Look) bool { return len(l.Present) == 0 })
	suspect := journal.Vector{{Site: b.site(), Origin: b.Origin(), Incarnation: 3, Stream: journal.Samples}: {{First: 2, Last: 4}}}
	f.find(intake.Missing{Awaited: 3, Suspect: suspect})
	b.connect(h)
	here := func(l intake.Look) bool { return slices.Equal(l.Present, []journal.ID{b.Origin()}) }
	seen("the box has given all", func(l intake.Look) bool { return here(l) && l.Firsts })
	if !b.there(h) {
		t.Error("it had not given all")
	}
	seen("what was suspected", func(l intake.Look) bool { return here(l) && l.Suspect.Equal(suspect) })
	until(t, "the row says so", func() bool { return h.row(b.name).Awaited == 3 })
	f.find(intake.Missing{Lost: 3})
	until(t, "it is lost", func() bool { return h.row(b.name).Lost == 3 && h.row(b.name).Awaited == 0 })
	f.find(intake.Missing{})
	if err := h.SetPace(b.site(), ship.Pace{Paused: true, Why: "a test"}); err != nil {
		t.Fatal(err)
	}
	until(t, "it is paused", func() bool { return b.behind.Progress().Pace.Paused })
	b.writes(journal.Facts, 1, 0)
	b.writes(journal.Samples, 3, 100)
	seen("it keeps something", func(l intake.Look) bool { return len(l.Present) == 0 })
}

// TestLostIsToldOverAStart: that records of a site are lost is told for a day, also when headquarters starts anew meanwhile.
func TestLostIsToldOverAStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &teller{}
		h := simulateHQ(t, 2, func(c *intake.Config) {
			c.Teller = l
			c.Lost = func(site journal.ID) (at time.Time) {
				if site == siteID(0) {
					at = time.Now().Add(-23 * time.Hour)
				}
				return at
			}
		})
		defer h.stop()
		time.Sleep(time.Minute)
		if got := l.told(intake.CodeLost); len(got) != 1 || got[0].Params.Get("site") != siteName(0) {
			t.Errorf("within the day %+v is told", got)
		}
		time.Sleep(time.Hour)
		if got := l.told(intake.CodeLost); len(got) != 0 {
			t.Errorf("after the day %+v is told", got)
		}
	})
}
