package uplink

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"rackpost/replicate/ship"
)

// Report is what the other box of a pair is told.
func (u *Uplink) Report() Report {
	l := u.live
	l.mu.Lock()
	r := Report{Connected: l.now.pulse != nil, For: time.Since(l.down)}
	if r.Connected {
		r.For = time.Since(l.up)
	}
	l.mu.Unlock()
	// A connection over a way that was given up lasts on, and nothing goes over it.
	u.mu.Lock()
	if u.state.Using == noWay && (r.Connected || time.Since(u.onWay) > r.For) {
		r.Connected, r.For = false, time.Since(u.onWay)
	}
	u.mu.Unlock()
	r.Sending = u.isSending()
	r.StoodStill = r.Sending && u.cfg.Ship.Known.StoodStill(stillFor)
	return r
}

// Status returns how the uplink is.
func (u *Uplink) Status() Status {
	c := u.cfg.Holder.Credential()
	now, wall := time.Now(), u.cfg.Now()
	s := Status{Site: c.Site.String(), Name: c.Name, HQ: c.HQ.String(), Certificate: c.Expires(),
		Live: u.live.status(), Behind: u.behind.status()}
	s.Connected = s.Live.Connected
	s.Backlog, s.Unseen = u.lacks(s.Behind)
	s.Held = heldBack(s)
	if offset, known := u.clock.offset(now, wall); known {
		s.ClockOffset, s.ClockKnown = offset.Seconds(), true
	}
	s.Refusal = newest(u.live.refusalNow(), u.behind.refusalNow())
	u.mu.Lock()
	defer u.mu.Unlock()
	s.Sending, s.Why, s.URL, s.Since = u.sending, u.why, cmp.Or(u.url, c.URLs[0]), u.onWay
	s.Way, s.LiveLag = u.wayName(u.state.Using), lag(s, now, wall)
	for i, w := range u.ways {
		s.Ways = append(s.Ways, u.health(i, w))
	}
	return s
}

// heldBack is how headquarters holds the site back over the lanes that are connected.
func heldBack(s Status) (h HeldBack) {
	for _, l := range []Lane{s.Behind, s.Live} { // the words of what is new count
		if l.Connected && (l.Pace.Paused || l.Pace.FactsOnly || l.Pace.BytesPerSecond > 0) {
			h.Pace = l.Pace
		}
	}
	if h.Pace != (ship.Pace{}) {
		h.Since = s.Backlog.Oldest
	}
	return h
}

// lag is how long what is new waits for headquarters' answer: while it may not be sent, or cannot, as long as the oldest of it does.
func lag(s Status, now, wall time.Time) float64 {
	if !s.Sending {
		return 0 // the other box knows
	}
	worst := s.Live.Lag
	if !s.Live.Connected && s.Backlog.Records > 0 {
		worst = max(worst, now.Sub(s.Live.Since).Seconds())
	}
	if (s.Held.Paused || s.Held.FactsOnly) && !s.Held.Since.IsZero() {
		worst = max(worst, wall.Sub(s.Held.Since).Seconds())
	}
	return worst
}

func (u *Uplink) health(i int, w way) WayHealth {
	cfg := u.cfg.Ways[i]
	h := WayHealth{Name: cfg.Name, Interface: cfg.Interface, InUse: i == u.state.Using, Link: w.link, Answers: w.answers,
		Since: w.since, Problem: w.problem, Connect: w.took.Seconds()}
	if p, err := cfg.proxy(); err == nil && p != nil {
		h.Proxy = proxyAddress(p)
	}
	return h
}

// status is how a lane is, with the counts of its lines over all ways.
func (l *lane) status() Lane {
	l.mu.Lock()
	at, until := l.last, l.wait
	connected := l.now.pulse != nil
	l.mu.Unlock()
	out := Lane{Progress: l.lines[at].Progress()}
	for i, line := range l.lines {
		if i != at {
			out.add(line.Progress())
		}
	}
	if connected {
		out.Way = l.u.cfg.Ways[at].Name
	} else if left := time.Until(until); left > 0 {
		out.NextTry = l.u.cfg.Now().Add(left)
	}
	return out
}

// add adds what another line of the lane counted.
func (l *Lane) add(p ship.Progress) {
	l.Sent += p.Sent
	l.Received += p.Received
	l.Repeated += p.Repeated
	l.Refused += p.Refused
	l.Returned += p.Returned
	l.GivenUp += p.GivenUp
	l.Conflicts += p.Conflicts
	l.BytesOut += p.BytesOut
	l.BytesIn += p.BytesIn
}

// lacks compares what is here with what headquarters said it holds, also while it is not reached.
func (u *Uplink) lacks(behind Lane) (Backlog, []Unseen) {
	lacks := u.cfg.Ship.Known.Lacks(u.cfg.Store.Have())
	b := Backlog{Known: !u.cfg.Ship.Known.Moved().IsZero(), Records: lacks.Records, Bytes: lacks.Bytes}
	if behind.Connected {
		b.Oldest, b.Drain = behind.PeerLacks.Oldest, behind.Drain
	}
	var list []Unseen
	for stream, n := range lacks.Batches {
		list = append(list, Unseen{Stream: stream.String(), Batches: n})
	}
	slices.SortFunc(list, func(a, b Unseen) int { return strings.Compare(a.Stream, b.Stream) })
	return b, list
}

// refusalNow is the last refusal, while it stands.
func (l *lane) refusalNow() *Refusal {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refusal
}

func newest(a, b *Refusal) *Refusal {
	if a == nil || b != nil && b.At.After(a.At) {
		return b
	}
	return a
}
