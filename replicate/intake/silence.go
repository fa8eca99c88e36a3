package intake

import (
	"slices"
	"time"

	"rackpost/hw/journal"
)

// silence says which sites are not heard, one by one or, when many fall silent at once, all in one: a
// line of headquarters that breaks is one fault and not a thousand. It does no I/O and knows no clock.
type silence struct {
	after time.Duration // a site not heard for so long is told of, no later
	sites map[journal.ID]*hearing
	last  time.Time // of tick
}

// hearing is what is known of one site's voice.
type hearing struct {
	heard time.Time
	fell  time.Time // when it was found silent; zero: it is heard
	told  telling
}

// telling is how people are told that a site is silent.
type telling uint8

const (
	untold telling = iota
	alone          // by its own alarm
	amongMany
)

// gather is how long a site that is not heard any more waits for company, and within how long sites
// that fall silent do so at once.
const (
	gather = 5 * time.Second
	within = 30 * time.Second
)

// LeastSilent is the shortest Limits.Silent that is kept: lanes say something every 5 s, and who is not heard waits for company.
const LeastSilent = 2 * gather

// fewest is how many sites that fall silent at once are told one by one, and a tenth of all if that is more.
const fewest = 3

func newSilence(after time.Duration) *silence {
	return &silence{after: max(after, LeastSilent), sites: map[journal.ID]*hearing{}}
}

// expect makes these the sites that are to be heard. One that is new counts as heard now.
func (s *silence) expect(now time.Time, sites []journal.ID) {
	want := make(map[journal.ID]struct{}, len(sites))
	for _, id := range sites {
		want[id] = struct{}{}
		if s.sites[id] == nil {
			s.sites[id] = &hearing{heard: now}
		}
	}
	for id := range s.sites {
		if _, ok := want[id]; !ok {
			delete(s.sites, id) // it may not send any more: nobody waits for it
		}
	}
}

// heard notes that a site was heard.
func (s *silence) heard(at time.Time, site journal.ID) {
	if h := s.sites[site]; h != nil && at.After(h.heard) {
		h.heard = at
	}
}

// silent says whether nothing is heard of a site.
func (s *silence) silent(site journal.ID) bool {
	h := s.sites[site]
	return h != nil && h.told != untold
}

// stall is how late a tick may be before it counts as headquarters' own standing still, of which no site
// is guilty.
const stall = 5 * time.Second

// tick looks at all sites. It is called every second.
func (s *silence) tick(now time.Time) {
	if late := now.Sub(s.last); !s.last.IsZero() && late > stall {
		for _, h := range s.sites {
			h.heard = h.heard.Add(late)
		}
	}
	s.last = now
	lately, group := 0, 0
	for _, h := range s.sites {
		switch quiet := now.Sub(h.heard) >= s.after-gather; {
		case !quiet:
			h.fell, h.told = time.Time{}, untold
		case h.fell.IsZero():
			h.fell = now
		}
		if h.lately(now) {
			lately++
		}
	}
	few := max(fewest, len(s.sites)/10)
	for _, h := range s.sites {
		switch {
		case h.fell.IsZero():
		case lately > few && h.lately(now):
			h.told = amongMany // also who was told of alone a moment ago
		case h.told == untold && now.Sub(h.fell) >= gather:
			h.told = alone
		}
		if h.told == amongMany {
			group++
		}
	}
	if group > few || lately > few {
		return
	}
	for _, h := range s.sites {
		if h.told == amongMany { // the others are back: these few have names
			h.told = alone
		}
	}
}

// lately says whether the site fell silent within what counts as at once.
func (h *hearing) lately(now time.Time) bool { return !h.fell.IsZero() && now.Sub(h.fell) <= within }

// quiet is a site that is silent.
type quiet struct {
	site  journal.ID
	heard time.Time
}

// open returns the sites to be told of one by one, and those to be told of together; each in order of id.
func (s *silence) open() (single, many []quiet) {
	for id, h := range s.sites {
		switch h.told {
		case alone:
			single = append(single, quiet{id, h.heard})
		case amongMany:
			many = append(many, quiet{id, h.heard})
		}
	}
	for _, q := range [][]quiet{single, many} {
		slices.SortFunc(q, func(a, b quiet) int { return slices.Compare(a.site[:], b.site[:]) })
	}
	return single, many
}
