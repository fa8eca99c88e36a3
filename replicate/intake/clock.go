package intake

import "time"

// offset is how far a site's clock is from ours, as far as its batches tell. A way only delays, so the
// batch that seems the least old tells the most: of the last minute or two the best one counts. What is called
// lag is how much longer than that one another was on its way.
type offset struct {
	now, before time.Duration // the greatest of (written by the site's clock) - (taken by ours)
	since       time.Time
	known, old  bool // of now, of before
}

const offsetTime = time.Minute

// note takes a batch of the live lane, and returns by how much it was late.
func (o *offset) note(now, written time.Time) (lag time.Duration) {
	if age := now.Sub(o.since); !o.known || age >= offsetTime {
		o.before, o.old = o.now, o.known && age < 2*offsetTime
		o.known, o.since = false, now
	}
	d := written.Sub(now)
	if !o.known || d > o.now {
		o.now, o.known = d, true
	}
	best, _ := o.best()
	return max(0, best-d)
}

// best returns the site's clock less ours.
func (o *offset) best() (time.Duration, bool) {
	if o.old {
		return max(o.now, o.before), o.known
	}
	return o.now, o.known
}
