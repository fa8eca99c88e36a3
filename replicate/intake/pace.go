package intake

import (
	"strings"
	"time"

	"rackpost/replicate/ship"
)

// Merging does not keep up when what is new waits so long, or what is behind: a site whose records
// are not answered for within 30 s is taken over by the other box of its pair, for nothing.
const (
	freshWaits  = time.Second
	behindWaits = 8 * time.Second
)

// calmAfter is how long merging must keep up before nobody is slowed any more.
const calmAfter = 10 * time.Second

// leastRate is what each lane of what is behind may always send, in bytes a second.
const leastRate = 4 << 10

// brake slows the lanes of what is behind while merging does not keep up. It does no I/O.
type brake struct {
	on    bool
	since time.Time // on
	calm  time.Time // since when merging keeps up
	rate  uint64    // bytes a second that each lane of what is behind may send
}

// step takes how the committer is and how many lanes of what is behind there are.
func (b *brake) step(now time.Time, l load, lanes int) {
	late := l.fresh >= freshWaits || l.behind >= behindWaits
	switch {
	case late:
		b.calm = time.Time{}
	case b.calm.IsZero():
		b.calm = now
	}
	was := b.on
	b.on = late || (b.on && now.Sub(b.calm) < calmAfter)
	if b.on && !was {
		b.since = now
	}
	if !b.on {
		b.rate = 0
		return
	}
	part := 0.9
	if l.fresh >= freshWaits {
		part = 0.5
	}
	b.rate = max(leastRate, uint64(part*l.rate)/uint64(max(1, lanes)))
}

// wishes are all that holds a site back.
type wishes struct {
	operator ship.Pace
	quota    string // why only facts are taken; empty: all is
	slow     uint64 // bytes a second; 0: not slowed
}

// of returns the pace of a lane.
func (w wishes) of(lane ship.Lane) ship.Pace {
	p := w.operator
	if lane == ship.Live {
		p.BytesPerSecond = 0 // what is new is never choked: it is paused or it is not
	} else if w.slow > 0 && (p.BytesPerSecond == 0 || w.slow < p.BytesPerSecond) {
		p.BytesPerSecond = w.slow
	}
	p.FactsOnly = p.FactsOnly || w.quota != ""
	p.Why = strings.Join(w.reasons(lane), "; ")
	return p
}

// reasons are the words for it.
func (w wishes) reasons(lane ship.Lane) (why []string) {
	if o := w.operator; o.Paused || o.FactsOnly || (o.BytesPerSecond > 0 && lane != ship.Live) {
		text := "by the operator of headquarters"
		if o.Why != "" {
			text += ": " + o.Why
		}
		why = append(why, text)
	}
	if w.quota != "" {
		why = append(why, w.quota)
	}
	if w.slow > 0 && lane != ship.Live {
		why = append(why, "headquarters does not keep up with what all sites send")
	}
	return why
}
