package intake

import (
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/ship"
)

// The bounds of how often one site may come: two boxes dial two lanes again when their line comes and
// goes, and a broken one dials without end.
const (
	siteBurst     = 24
	sitePerSecond = 1
)

// Whoever is told to come again is told a time between these.
const (
	soonest = time.Second
	latest  = time.Minute
)

// patience is how long past its time a promise is kept.
const patience = 10 * time.Second

// visitor is a lane of a box of a site that wants to be let in.
type visitor struct {
	site, origin journal.ID
	lane         ship.Lane
}

// gate says who may come in, at which pace. Who cannot be let in at once gets a place in a queue that
// nobody stands in: a time at which it is let in before those who come then. So a thousand sites that come
// at once are spread over as many seconds as their number needs, in the order in which they came, and
// who asks before its time gains nothing. It does no I/O and knows no clock; its caller holds a lock.
type gate struct {
	perSecond float64
	places    int // that may be promised at once
	all       bucket
	next      time.Time // when the next place is free
	promised  map[visitor]time.Time
	swept     time.Time
}

func newGate(perSecond, places int) *gate {
	rate := float64(perSecond)
	return &gate{perSecond: rate, places: places, all: bucket{rate: rate, burst: rate}, promised: map[visitor]time.Time{}}
}

// admit says whether v may come in now, or after how long.
func (g *gate) admit(now time.Time, v visitor) (wait time.Duration, ok bool) {
	g.sweep(now)
	if at, waits := g.promised[v]; waits {
		if now.Before(at) {
			return between(at.Sub(now)), false
		}
		delete(g.promised, v) // its place was counted when it was promised
		return 0, true
	}
	g.all.fill(now)
	// Those who wait go before who comes now. What is behind can wait, so it leaves a quarter to what is new.
	least := 1.0
	if v.lane == ship.Behind {
		least += g.all.burst / 4
	}
	if !now.Before(g.next) && g.all.level >= least {
		g.all.level--
		return 0, true
	}
	if len(g.promised) >= g.places {
		return latest, false
	}
	at := g.next
	if at.Before(now) {
		at = now
	}
	at = at.Add(time.Duration(float64(time.Second) / g.perSecond))
	if at.Sub(now) > latest {
		return latest, false
	}
	g.next, g.promised[v] = at, at
	return between(at.Sub(now)), false
}

// sweep forgets the promises of those who did not come.
func (g *gate) sweep(now time.Time) {
	if now.Sub(g.swept) < patience {
		return
	}
	g.swept = now
	for v, at := range g.promised {
		if now.Sub(at) > patience {
			delete(g.promised, v)
		}
	}
}

func between(d time.Duration) time.Duration { return min(max(d, soonest), latest) }
