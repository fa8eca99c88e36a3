package uplink

import (
	"context"
	"math/rand/v2"
	"net/url"
	"slices"
	"time"

	"rackpost/replicate/enroll"
)

// way is what is known of one way. The uplink's mu guards it.
type way struct {
	answered time.Time   // headquarters last answered; zero: never
	failing  time.Time   // when the first of the calls began that failed since; zero: none did
	flying   []time.Time // when the calls began that are under way
	answers  Tri
	since    time.Time // answers is what it is
	problem  string
	took     time.Duration // the last call that was answered
	told     Tri           // of answers, in the log
	link     Tri
	look     time.Time // when to look next whether it answers
}

// calling notes that a call begins.
func (u *Uplink) calling(i int, at time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ways[i].flying = append(u.ways[i].flying, at)
}

// called notes how a call ended. One that we gave up ourselves says nothing.
func (u *Uplink) called(ctx context.Context, a *attempt) {
	now := time.Now()
	u.mu.Lock()
	defer u.mu.Unlock()
	w := &u.ways[a.way]
	if i := slices.Index(w.flying, a.began); i >= 0 {
		w.flying = slices.Delete(w.flying, i, i+1)
	}
	switch {
	case a.err == nil:
		w.answered, w.failing, w.problem, w.took = now, time.Time{}, "", now.Sub(a.began)
		w.say(Yes, now)
		u.url = a.reached.url.String()
		u.nudge()
	case ctx.Err() != nil:
	default:
		if w.failing.IsZero() || a.began.Before(w.failing) {
			w.failing = a.began
		}
		w.problem = a.err.Error()
		w.say(No, now)
	}
}

func (w *way) say(t Tri, now time.Time) {
	if w.answers != t {
		w.answers, w.since = t, now
	}
}

// linkOf says whether the interface of a way has a carrier.
func (u *Uplink) linkOf(i int) Tri {
	name := u.cfg.Ways[i].Interface
	if name == "" || u.cfg.Links == nil {
		return Unknown
	}
	links, known := u.cfg.Links.Links()
	if !known {
		return Unknown
	}
	for _, l := range links {
		if l.Name == name && l.Carrier {
			return Yes
		}
	}
	return No
}

// linksChanged is closed at the next change of an interface.
func (u *Uplink) linksChanged() <-chan struct{} {
	if u.cfg.Links == nil {
		return nil
	}
	return u.cfg.Links.Watch()
}

// judge looks at all ways and says which is to be taken.
func (u *Uplink) judge(now time.Time) {
	conns := u.live.on()
	u.mu.Lock()
	defer u.mu.Unlock()
	seen := make([]Seen, len(u.ways))
	for i := range u.ways {
		u.ways[i].link = u.linkOf(i)
		seen[i] = u.seen(i, conns, now)
	}
	u.logHealth()
	before := u.state
	u.state = Step(before, now.Sub(u.began), seen, u.cfg.Timing)
	if u.state.Using == before.Using {
		return
	}
	u.onWay = now
	if to := u.wayName(u.state.Using); to != "" {
		u.cfg.Logger.Info("the way to headquarters", "way", to)
	} else {
		u.cfg.Logger.Warn("the way to headquarters is given up: all are tried", "way", u.wayName(before.Using))
	}
	u.tell()
	u.nudge()
}

// logHealth tells of ways that answer, or do not answer any more. The caller holds mu.
func (u *Uplink) logHealth() {
	for i := range u.ways {
		w := &u.ways[i]
		if w.answers == w.told {
			continue
		}
		if w.told = w.answers; w.answers == Yes {
			u.cfg.Logger.Info("headquarters answers", "way", u.wayName(i))
		} else {
			u.cfg.Logger.Warn("headquarters does not answer", "way", u.wayName(i), "problem", w.problem)
		}
	}
}

func (u *Uplink) wayName(i int) string {
	if i == noWay {
		return ""
	}
	return u.cfg.Ways[i].Name
}

// seen is what Step is told of a way. A live lane on it knows best. The caller holds mu.
func (u *Uplink) seen(i int, conn session, now time.Time) Seen {
	w := &u.ways[i]
	waiting := w.failing
	for _, at := range w.flying {
		if now.Sub(at) >= u.cfg.Timing.FailOver && (waiting.IsZero() || at.Before(waiting)) {
			waiting = at
		}
	}
	if conn.pulse != nil && conn.way == i {
		var heard time.Time
		heard, waiting = conn.pulse.look(now)
		if heard.After(w.answered) {
			w.answered = heard
		}
		switch {
		case waiting.IsZero():
			w.failing, w.problem = time.Time{}, ""
			w.say(Yes, now)
		case now.Sub(waiting) >= u.cfg.Timing.FailOver:
			w.problem = "what is sent over it is not acknowledged"
			w.say(No, now)
		}
	}
	if w.link == No {
		w.problem = "the interface has no link"
		w.say(No, now)
	}
	return Seen{Link: w.link, Answered: u.mark(w.answered), Waiting: u.mark(waiting)}
}

// mark is a time as Step has it.
func (u *Uplink) mark(t time.Time) time.Duration {
	if t.IsZero() {
		return Never
	}
	return max(t.Sub(u.began), 0)
}

// places are headquarters' addresses, the one that answered last first.
func (u *Uplink) places() []*url.URL {
	c := u.cfg.Holder.Credential()
	u.mu.Lock()
	last := u.url
	u.mu.Unlock()
	var list []*url.URL
	for _, s := range c.URLs {
		if p, err := enroll.ParseURL(s); err == nil {
			if s == last {
				list = slices.Insert(list, 0, p)
			} else {
				list = append(list, p)
			}
		}
	}
	return list
}

// targets are the ways to call over: the one in use, or all that may work.
func (u *Uplink) targets() []int {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.state.Using != noWay {
		return []int{u.state.Using}
	}
	var list []int
	for i := range u.ways {
		if u.linkOf(i) != No {
			list = append(list, i)
		}
	}
	return list
}

// steady is how often the way in use is looked at, for headquarters' clock alone: its health shows anyway.
const steady = 10 * time.Minute

// probe looks at the ways that no lane is on, one after the other, and now and then at the one in use.
func (u *Uplink) probe(ctx context.Context) error {
	for {
		i, wait := u.nextLook(time.Now())
		if wait > 0 {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(min(wait, time.Second)):
			}
			continue
		}
		u.look(ctx, i)
	}
}

// nextLook returns the way to look at next, and how long until then.
func (u *Uplink) nextLook(now time.Time) (way int, wait time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	wait = u.cfg.Timing.Standby
	for i := range u.ways {
		every := u.cfg.Timing.Standby
		switch {
		case u.sending && u.state.Using == noWay:
			continue // all are called anyway
		case u.sending && i == u.state.Using:
			if every = steady; u.clock.few() {
				every = u.cfg.Timing.Probe
			}
		case u.sending && i < u.state.Using:
			every = u.cfg.Timing.Probe
		}
		due := u.ways[i].look.Add(every)
		if u.ways[i].look.IsZero() {
			u.ways[i].look = now.Add(-rand.N(every)) // the first time soon, not all at once
			due = u.ways[i].look.Add(every)
		}
		if d := due.Sub(now); d < wait {
			way, wait = i, d
		}
	}
	if wait <= 0 {
		u.ways[way].look = now.Add(rand.N(u.cfg.Timing.Probe / 5))
	}
	return way, wait
}
