package intake

import (
	"time"

	"rackpost/hw/journal"
)

// Days keeps what the sites brought today over a restart, which must not lift a quota.
type Days interface {
	// Load returns what Save kept last; nothing was ever kept: the zero Day.
	Load() (Day, error)

	// Save keeps d, durably and whole or not at all.
	Save(d Day) error
}

// Day is what the sites brought on one day.
type Day struct {
	Day   int64                `json:"day"` // since 1970, UTC
	Bytes map[journal.ID]int64 `json:"bytes"`
}

// keepPeriod is how often that is kept: a crash forgets so much of it.
const keepPeriod = 10 * time.Second

// loadDay takes what was kept. What cannot be read is begun anew, and said.
func (in *Intake) loadDay() {
	in.used = map[journal.ID]usage{}
	if in.cfg.Days == nil {
		return
	}
	d, err := in.cfg.Days.Load()
	if err != nil {
		in.cfg.Logger.Error("what the sites brought today is not known any more: the quotas of the day begin anew", "err", err)
		return
	}
	for id, n := range d.Bytes {
		in.used[id] = usage{day: d.Day, bytes: n}
	}
	in.kept = d
}

// keepDay keeps what the sites brought today, if that is other than what is kept. Run alone calls it.
func (in *Intake) keepDay() {
	if in.cfg.Days == nil {
		return
	}
	now := in.now()
	d := Day{Day: dayOf(now), Bytes: map[journal.ID]int64{}}
	note := func(id journal.ID, u usage) {
		if u.turn(now); u.bytes > 0 {
			d.Day, d.Bytes[id] = u.day, u.bytes // a clock that was set back by a day goes on with the later one
		}
	}
	all := in.all()
	in.mu.Lock()
	for id, u := range in.used {
		if u.turn(now); u.bytes == 0 {
			delete(in.used, id)
		}
		note(id, u)
	}
	in.mu.Unlock()
	for _, s := range all {
		s.mu.Lock()
		note(s.id, s.today)
		s.mu.Unlock()
	}
	if d.equal(in.kept) {
		return
	}
	err := in.cfg.Days.Save(d)
	if err == nil {
		in.kept = d
	}
	if failed := err != nil; failed != in.unkept {
		if in.unkept = failed; failed {
			in.cfg.Logger.Error("what the sites brought today cannot be kept: a restart would begin the quotas of the day anew", "err", err)
		}
	}
}

func (d Day) equal(o Day) bool {
	if d.Day != o.Day || len(d.Bytes) != len(o.Bytes) {
		return len(d.Bytes) == 0 && len(o.Bytes) == 0
	}
	for id, n := range d.Bytes {
		if o.Bytes[id] != n {
			return false
		}
	}
	return true
}

// usage returns what the site brought today.
func (s *site) usage() usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.today
}
