package intake

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/enroll"
)

// pulse is how often all sites are looked at.
const pulse = time.Second

// watcher is what the watching goroutine alone knows.
type watcher struct {
	*Intake
	silence  *silence
	enrolled map[journal.ID]enroll.Site // who may send, when that was last asked
	since    map[alarmKey]time.Time     // when an alarm was first found open
}

type alarmKey struct{ component, code string }

// watch looks at all sites once a second: who is heard, who is over its quota, whether merging keeps up.
func (in *Intake) watch(ctx context.Context) error {
	w := &watcher{Intake: in, silence: newSilence(in.cfg.Limits.Silent), since: map[alarmKey]time.Time{}}
	tick := time.NewTicker(pulse)
	defer tick.Stop()
	kept := time.Now()
	for {
		changed := in.cfg.Door.Watch()
		w.roll()
		for waiting := true; waiting; { // many changes within a second are looked at once
			w.look(time.Now())
			if time.Since(kept) >= keepPeriod {
				w.keepDay()
				kept = time.Now()
			}
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
			select {
			case <-changed:
				waiting = false
			default:
			}
		}
	}
}

// roll takes who may send, and ends the connections of who may not any more.
func (w *watcher) roll() {
	former := w.enrolled
	w.enrolled = map[journal.ID]enroll.Site{}
	for _, s := range w.cfg.Door.List() {
		if s.Revoked.IsZero() {
			w.enrolled[s.ID] = s
			w.site(s.ID, s.Name)
		}
	}
	w.silence.expect(time.Now(), slices.Collect(maps.Keys(w.enrolled)))
	w.mu.Lock()
	w.expect = 2 * len(w.enrolled)
	w.mu.Unlock()
	for _, s := range w.all() {
		now, ok := w.enrolled[s.id]
		if !ok || now != former[s.id] {
			s.check()
		}
		if live, behind := s.connected(); !ok && live+behind == 0 {
			w.mu.Lock()
			w.used[s.id] = s.usage()
			delete(w.sites, s.id)
			w.mu.Unlock()
		}
	}
}

// all returns all sites, in order of id.
func (in *Intake) all() []*site {
	in.mu.Lock()
	all := slices.Collect(maps.Values(in.sites))
	in.mu.Unlock()
	slices.SortFunc(all, func(a, b *site) int { return slices.Compare(a.id[:], b.id[:]) })
	return all
}

// look looks at all sites.
func (w *watcher) look(now time.Time) {
	all := w.all()
	lanes := 0
	for _, s := range all {
		if at := s.voice.Load(); at > 0 {
			w.silence.heard(w.start.Add(time.Duration(at)), s.id)
		}
		_, behind := s.connected()
		lanes += behind
	}
	if h := w.large.overdue(now); h != nil {
		h.giveBack()
	}
	w.silence.tick(now)
	w.mu.Lock()
	w.brake.step(now, w.commit.load(), lanes)
	slow := w.brake.rate
	w.mu.Unlock()
	var open []Alarm
	for _, s := range all {
		s.quiet.Store(w.silence.silent(s.id))
		s.measure(slow)
		open = append(open, w.alarmsOf(s)...)
	}
	w.show(append(append(open, w.silences(now)...), w.outgrown(now)...))
}

// What says that headquarters is too small: sites are slowed for so long, or connections were refused for want of
// room within the last fullLately.
const (
	slowedLong = 5 * time.Minute
	fullLately = 15 * time.Minute
)

// outgrown returns the alarm that headquarters is too small.
func (w *watcher) outgrown(now time.Time) []Alarm {
	w.mu.Lock()
	defer w.mu.Unlock()
	reason := ""
	switch {
	case !w.full.IsZero() && now.Sub(w.full) < fullLately:
		reason = "connections"
	case w.brake.on && now.Sub(w.brake.since) >= slowedLong:
		reason = "merging"
	default:
		return nil
	}
	return []Alarm{{Component: AllSites, Code: CodeOutgrown, Level: hw.LevelAverage, Params: attrs("reason", reason)}}
}

func (in *Intake) quotaOf(site journal.ID, name string) Quota {
	if in.cfg.Quota != nil {
		if q, ok := in.cfg.Quota(site, name); ok {
			return q
		}
	}
	return in.cfg.Limits.Quota
}

// refusedLately is how long it is told that batches of a site could not be taken.
const refusedLately = 15 * time.Minute

// alarmsOf returns what is to be told of a site, except that it is silent.
func (w *watcher) alarmsOf(s *site) (open []Alarm) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wishes.quota != "" {
		open = append(open, Alarm{Component: Component(s.id), Code: CodeQuota, Level: hw.LevelAverage,
			Params: attrs("site", s.name, "reason", s.wishes.quota)})
	}
	if !s.lastAt.IsZero() && s.in.now().Sub(s.lastAt) < refusedLately {
		open = append(open, Alarm{Component: Component(s.id), Code: CodeRefused, Level: hw.LevelAverage,
			Params: attrs("site", s.name, "reason", s.class)})
	}
	if !s.absence.lostAt.IsZero() && s.in.now().Sub(s.absence.lostAt) < lostLately {
		open = append(open, Alarm{Component: Component(s.id), Code: CodeLost, Level: hw.LevelAverage, Params: attrs("site", s.name)})
	}
	return open
}

// maxNamed bounds the sites that an alarm about many names.
const maxNamed = 10

// silences returns what is to be told of sites that are not heard.
func (w *watcher) silences(now time.Time) (open []Alarm) {
	single, many := w.silence.open()
	wall := func(at time.Time) time.Time { return w.now().Add(-now.Sub(at)).Truncate(time.Second) }
	for _, q := range single {
		open = append(open, Alarm{Component: Component(q.site), Code: CodeSilent, Level: hw.LevelHigh, Since: wall(q.heard),
			Params: attrs("site", w.nameOf(q.site))})
	}
	if len(many) == 0 {
		return open
	}
	first, names := many[0].heard, []string{}
	for _, q := range many {
		if q.heard.Before(first) {
			first = q.heard
		}
		if len(names) < maxNamed {
			names = append(names, w.nameOf(q.site))
		}
	}
	return append(open, Alarm{Component: AllSites, Code: CodeSilent, Level: hw.LevelDisaster, Since: wall(first),
		Params: attrs("count", strconv.Itoa(len(many)), "of", strconv.Itoa(len(w.silence.sites)), "sites", strings.Join(names, ", "))})
}

// attrs returns pairs of a key and a value.
func attrs(pairs ...string) (a hw.Attrs) {
	for i := 0; i+1 < len(pairs); i += 2 {
		a = a.With(pairs[i], pairs[i+1])
	}
	return a
}

func (in *Intake) nameOf(id journal.ID) string {
	in.mu.Lock()
	s := in.sites[id]
	in.mu.Unlock()
	if s == nil {
		return id.String()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.name
}

// show makes these the open alarms.
func (w *watcher) show(open []Alarm) {
	kept := make(map[alarmKey]time.Time, len(open))
	for i := range open {
		a := &open[i]
		k := alarmKey{a.Component, a.Code}
		if since, ok := w.since[k]; ok { // it does not begin anew because a clock or a count moved
			a.Since = since
		} else if a.Since.IsZero() {
			a.Since = w.now().Truncate(time.Second)
		}
		kept[k] = a.Since
	}
	w.since = kept
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.EqualFunc(open, w.alarms, Alarm.equal) {
		w.alarms = open
		poke(w.changed)
	}
}

func (a Alarm) equal(b Alarm) bool {
	return a.Component == b.Component && a.Code == b.Code && a.Level == b.Level && a.Since.Equal(b.Since) && slices.Equal(a.Params, b.Params)
}

// tellAgain is how long after an error the teller is told again.
const tellAgain = 10 * time.Second

// tell tells the teller what is open, when it is known and whenever it changes.
func (in *Intake) tell(ctx context.Context) error {
	if in.cfg.Teller == nil {
		return nil
	}
	wait := in.cfg.Limits.Silent + 2*pulse
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		select {
		case <-in.changed: // that is told now
		default:
		}
		in.mu.Lock()
		open := slices.Clone(in.alarms)
		in.mu.Unlock()
		if err := in.cfg.Teller.Tell(ctx, open); err != nil {
			if ctx.Err() == nil {
				in.cfg.Logger.Error("alarms about the sites cannot be told: it is tried again", "err", err)
			}
			wait = tellAgain
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-in.changed:
			wait = pulse // what changes together is told together
		}
	}
}
