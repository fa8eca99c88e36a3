package collectors

import (
	"cmp"
	"hash/fnv"
	"slices"
	"time"

	"rackpost/hw"
)

// instant is a point of monotonic time: the duration since the poller was made. No wall
// clock ever enters a schedule.
type instant = time.Duration

const (
	// joinShare: a section due within this share (1/10) of its period joins the visit.
	joinShare = 10
	// rampStep and rampWindow bound how fast overdue devices are started.
	rampStep   = 20 * time.Millisecond
	rampWindow = 10 * time.Second
)

// backoff returns the wait after the n-th failure in a row: 30 s, 2, 5, 15 min, up to a
// tenth more by seed, so that devices that died together do not return together.
func backoff(n int, seed uint64) time.Duration {
	ladder := [...]time.Duration{30 * time.Second, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute}
	d := ladder[min(max(n, 1), len(ladder))-1]
	return d + time.Duration(seed%1000)*d/10_000
}

// retries is how often a failed section of a visit that read others is tried again before
// its period is due.
const retries = 4

// hastenPause is the least time between two readings of a section of which the later one was
// hastened, where the shortest period is not longer: a change counter that flaps makes no loop.
const hastenPause = 30 * time.Second

// timed is a section and when it is due.
type timed struct {
	Section
	due      instant
	failures int // in a row, in visits that read something else
	hastened bool
	early    instant // when it is due where it is hastened and that is sooner
	taken    instant // when it was read last
}

// schedule says when one device is visited and with which sections. It is pure: every
// method is told the time.
//
// Each section is due on a grid: seed modulo the period, and every period from there. Grids
// of periods that divide each other share their points, so the slow sections ride on the
// visits of the fast ones.
type schedule struct {
	seed       uint64
	limited    bool // failed logins stop the visits
	sections   []timed
	floor      instant // back-off or ramp: no visit before
	loginFloor instant // no login before
	failures   int     // visits in a row that read nothing
	logins     int     // failed logins since the last good visit
	stopped    bool
	lead       instant // start of the last visit that others wait behind
	follows    bool    // those are next
}

// missed is the visits that were due, could have been made, and were not.
type missed struct {
	count int
	from  instant // when the first of them was due
}

func newSchedule(id hw.DeviceID, sections []Section, limited bool) schedule {
	s := schedule{seed: hash(id), limited: limited}
	for _, sec := range sections {
		s.sections = append(s.sections, timed{Section: sec})
	}
	return s
}

func hash(id hw.DeviceID) uint64 {
	h := fnv.New64a()
	h.Write([]byte(id))
	return h.Sum64()
}

// after returns the first point of the grid of period later than t.
func (s *schedule) after(t instant, period time.Duration) instant {
	offset := time.Duration(s.seed % uint64(period))
	if t < offset {
		return offset
	}
	return offset + ((t-offset)/period+1)*period
}

// next returns when the next visit is due; false when the logins are stopped.
func (s *schedule) next() (instant, bool) {
	due := s.sections[0].soonest()
	for i := range s.sections {
		due = min(due, s.sections[i].soonest())
	}
	return s.ready(due), !s.stopped
}

func (t *timed) soonest() instant {
	if t.hastened {
		return min(t.due, t.early)
	}
	return t.due
}

// promised returns when a visit is due whatever is hastened: a visit that comes sooner is
// never late, and its absence is none.
func (s *schedule) promised() (instant, bool) {
	due := slices.MinFunc(s.sections, func(a, b timed) int { return cmp.Compare(a.due, b.due) }).due
	return s.ready(due), !s.stopped
}

// ready returns when a section due at due may be read at the earliest.
func (s *schedule) ready(due instant) instant { return max(due, s.floor, s.loginFloor) }

// list returns the sections.
func (s *schedule) list() []Section {
	out := make([]Section, 0, len(s.sections))
	for _, t := range s.sections {
		out = append(out, t.Section)
	}
	return out
}

// shortest returns the shortest period.
func (s *schedule) shortest() time.Duration {
	return slices.MinFunc(s.sections, func(a, b timed) int { return cmp.Compare(a.Period, b.Period) }).Period
}

// take starts a visit: it returns the sections that are due or nearly so and moves each to
// its next point. Points that went by since the section could have been read are missed.
// Where some of them are First it returns these, and the others are due at once.
func (s *schedule) take(now instant) ([]Section, missed) {
	var due []Section
	var lost missed
	ripe := s.ripe(now)
	first := slices.ContainsFunc(ripe, func(t *timed) bool { return t.First })
	s.follows = false
	for _, t := range ripe {
		if n, from := s.passed(*t, now); n > lost.count {
			lost = missed{count: n, from: from}
		}
		t.due = s.after(now+t.Period/joinShare, t.Period)
		if first && !t.First {
			t.hastened, t.early = true, now
			s.lead, s.follows = now, true
			continue
		}
		due = append(due, t.Section)
		t.hastened, t.taken = false, now
	}
	return due, lost
}

// ripe returns the sections that are due or nearly so.
func (s *schedule) ripe(now instant) []*timed {
	var ripe []*timed
	for i := range s.sections {
		if t := &s.sections[i]; t.due <= now+t.Period/joinShare || t.soonest() <= now {
			ripe = append(ripe, t)
		}
	}
	return ripe
}

// spent returns what a visit at now has used up of its budget before it began: where it follows
// another, both share one.
func (s *schedule) spent(now instant) time.Duration {
	if s.follows {
		return now - s.lead
	}
	return 0
}

// passed counts the points of t's grid between the time it could have been read and now.
func (s *schedule) passed(t timed, now instant) (int, instant) {
	ready := s.ready(t.due)
	first := s.after(ready, t.Period)
	if first > now {
		return 0, 0
	}
	return int((now-first)/t.Period) + 1, ready
}

// giveBack makes sections taken at start due again: they were not read.
func (s *schedule) giveBack(start instant, due []Section) {
	for i := range s.sections {
		t := &s.sections[i]
		if slices.ContainsFunc(due, func(d Section) bool { return d.Name == t.Name }) {
			t.due = min(t.due, start)
		}
	}
}

// failed ends a visit that read nothing. Its sections stay due until the device answers.
func (s *schedule) failed(start, end instant, due []Section, reason hw.Reason) {
	s.giveBack(start, due)
	s.follows = false
	s.failures++
	s.floor = max(start+s.shortest(), end+backoff(s.failures, s.seed+uint64(s.failures)))
	if isRefusal(reason) {
		s.loginFloor = end + loginPause
	}
	if !isLogin(reason) {
		return
	}
	s.logins++
	s.stopped = s.limited && s.logins >= maxLogins
}

// succeeded ends a visit that read something. A section that failed in it is tried again
// with a coming visit of the others, a few times sooner than its period asks.
func (s *schedule) succeeded(end instant, read []hw.Scope) {
	s.failures, s.logins, s.floor, s.loginFloor, s.stopped = 0, 0, 0, 0, false
	s.went(end, read)
}

// went ends a visit of a device that answered, were it that nothing could be read of what was due.
func (s *schedule) went(end instant, read []hw.Scope) {
	for _, scope := range read {
		i := slices.IndexFunc(s.sections, func(t timed) bool { return t.Name == scope.Section })
		if i < 0 {
			continue
		}
		t := &s.sections[i]
		if scope.Extent != hw.Failed {
			t.failures = 0
			continue
		}
		if t.failures++; t.failures <= retries {
			t.due = min(t.due, s.after(end+backoff(t.failures, 0), s.shortest()))
		}
	}
}

// hasten makes the sections of names due at end, or when they may be read again. Those of
// read, the visit that ends, are what they are: a section that failed has its own retries.
func (s *schedule) hasten(end instant, read []hw.Scope, names []string) {
	pause := max(s.shortest(), hastenPause)
	for i := range s.sections {
		t := &s.sections[i]
		if !t.hastened && slices.Contains(names, t.Name) && scopeOf(read, t.Name) == nil {
			t.hastened, t.early = true, max(end, t.taken+pause)
		}
	}
}

// hurry makes every section due now and ends a back-off, but not a pause of logins. A
// person's wish also allows one more login after a stop.
func (s *schedule) hurry(now instant, person bool) {
	s.floor = 0
	for i := range s.sections {
		s.sections[i].due = min(s.sections[i].due, now)
		s.sections[i].failures = 0
	}
	// Without this, points that went by during the back-off would count as missed.
	s.hold(now)
	if person && s.stopped {
		s.stopped, s.logins = false, maxLogins-1
	}
}

// hold puts the next visit off until t.
func (s *schedule) hold(t instant) { s.floor = max(s.floor, t) }

// resume makes the schedule remember failed logins of an earlier life, and for how long it lets
// no other follow.
func (s *schedule) resume(now instant, logins int, pause time.Duration) {
	if !s.limited {
		return
	}
	s.loginFloor = max(s.loginFloor, now+pause)
	if logins > 0 {
		s.logins, s.stopped = logins, logins >= maxLogins
	}
}

// adopt takes over the sections of another configuration; those it knows keep their due
// time unless the new period asks for them sooner.
func (s *schedule) adopt(now instant, sections []Section) {
	old := s.sections
	s.sections = nil
	for _, sec := range sections {
		t := timed{Section: sec, due: now}
		if i := slices.IndexFunc(old, func(o timed) bool { return o.Name == sec.Name }); i >= 0 {
			t.due = min(old[i].due, s.after(now, sec.Period))
			t.failures, t.taken = old[i].failures, old[i].taken
			t.hastened, t.early = old[i].hastened, old[i].early
		}
		s.sections = append(s.sections, t)
	}
	s.hold(now)
}

// isLogin says whether reason is a login refused.
func isLogin(reason hw.Reason) bool {
	switch reason {
	case hw.AuthFailed, hw.UnknownUser, hw.WrongAuthKey, hw.WrongPrivKey:
		return true
	}
	return false
}

// isRefusal says whether reason is that nobody was let in: another login at once makes it worse.
func isRefusal(reason hw.Reason) bool { return isLogin(reason) || reason == hw.LockedOut }

// ramp returns how far apart n overdue devices are started: 20 ms, less where that would
// take longer than 10 s or the shortest period.
func ramp(n int, shortest time.Duration) time.Duration {
	return min(rampStep, min(rampWindow, shortest)/time.Duration(max(n, 1)))
}
