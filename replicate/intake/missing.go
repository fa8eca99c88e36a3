package intake

import (
	"context"
	"slices"
	"time"

	"rackpost/hw/journal"
)

// How often it is looked whether something is missing of a site that is settled, and how long after it was first found so.
const (
	missingPeriod = 5 * time.Second
	calm          = 3 * time.Second
	firstsAgain   = time.Minute // looks at first visits of which it was not known what lies before
)

// lostLately is how long it is told that records of a site are lost.
const lostLately = 24 * time.Hour

// absence is what is known of what is missing of a site. The site's mu guards it.
type absence struct {
	came    bool      // something, since the last look
	facts   time.Time // when the first facts came since the last look at first visits; zero: none did
	open    bool      // that look was not the last word
	firsts  time.Time // when it was
	present []journal.ID
	since   time.Time // present: these boxes, of which each has given all it has
	looked  time.Time
	found   Missing
	lost    uint64    // batches, since the intake was made
	lostAt  time.Time // when it was last told that something is lost
}

// seek looks at all sites for what is missing of them, until ctx ends. It waits for the store, so it has a goroutine of its own.
func (in *Intake) seek(ctx context.Context) error {
	if in.cfg.Missing == nil {
		return nil
	}
	tick := time.NewTicker(pulse)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for _, s := range in.all() {
			if ctx.Err() != nil {
				return nil
			}
			if look, due := s.lookDue(time.Now()); due {
				m, err := in.cfg.Missing(s.id, look)
				s.missing(look, m, err)
			}
		}
	}
}

// lookDue says whether it is time to look for what is missing of the site. One box that is there by itself cannot be overtaken by another, so
// what lies before its first visits is looked for at once.
func (s *site) lookDue(now time.Time) (look Look, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &s.absence
	present, changed := s.givers(), false
	if !slices.Equal(present, a.present) {
		a.present, a.since, a.came, changed = present, now, true, true
	}
	settled := now.Sub(a.since) >= calm
	alone := len(present) == 1
	look.Present = present
	switch {
	case !a.facts.IsZero():
		look.Firsts = alone || settled && now.Sub(a.facts) >= calm
	case a.open:
		look.Firsts = changed && alone || settled && now.Sub(a.firsts) >= firstsAgain
	}
	if settled {
		look.Suspect = a.found.Suspect
	}
	waits := a.came || len(a.found.Suspect) > 0
	if !look.Firsts && (!waits || now.Sub(a.looked) < missingPeriod) {
		return Look{}, false
	}
	a.looked, a.came = now, false
	if look.Firsts {
		a.facts, a.firsts = time.Time{}, now
	}
	return look, true
}

// givers returns the boxes that are connected, in order of origin, when each has given all it has: none else. The caller holds mu.
func (s *site) givers() (out []journal.ID) {
	if s.leaving || !s.lastAt.IsZero() && s.in.now().Sub(s.lastAt) < refusedLong {
		return nil // a box keeps what was refused, and does not count it
	}
	for _, b := range s.boxes {
		live, behind := &b.lanes[0], &b.lanes[1]
		if !live.open && !behind.open {
			continue
		}
		for _, l := range []*lane{live, behind} {
			if !l.open || l.line == nil || !l.line.Progress().Given {
				return nil
			}
		}
		out = append(out, b.origin)
	}
	slices.SortFunc(out, func(a, b journal.ID) int { return slices.Compare(a[:], b[:]) })
	return out
}

// refusedLong is longer than a box waits before it tries again what was refused.
const refusedLong = 2 * time.Hour

// missing notes what a look found.
func (s *site) missing(look Look, m Missing, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &s.absence
	if look.Firsts {
		a.open = m.Open || err != nil
	}
	if err != nil {
		a.came = true
		s.in.cfg.Logger.Error("what is missing of a site cannot be told: it is tried again", "site", s.name, "err", err)
		return
	}
	a.found = m
	if m.Lost+m.Visits == 0 {
		return
	}
	s.in.cfg.Logger.Warn("what no box of the site has any more is told as gaps", "site", s.name, "batches", m.Lost, "gaps_between_visits", m.Visits)
	a.lost += m.Lost
	a.lostAt = s.in.now()
}
