package collectors

import (
	"time"

	"rackpost/hw"
)

// DeviceStatus is how the visits of one device stand. Times are by the box's clock, zero
// when there is none; they are for people. SinceGood does not suffer when the clock is set.
type DeviceStatus struct {
	Device        hw.Device
	LastVisit     time.Time     // start of the last finished visit
	LastGood      time.Time     // start of the last visit that read something
	SinceGood     time.Duration // age of LastGood's data; 0 when LastGood is zero
	NextDue       time.Time     // zero when the logins are stopped
	InFlightSince time.Time     // start of the visit being made
	Failures      int           // visits in a row that read nothing
	Reason        hw.Reason     // why the last visit read nothing; empty after a good one
	Detail        string        // the words for Reason: what to check
	Requests      int           // of the last visit
	Took          time.Duration // of the last visit, without storing it
	Unanswered    bool          // something that the last visit asked got no answer in time, or before it was cut short
	Missed        uint64        // visits that were due and not made, since the poller was made
	BackOffUntil  time.Time     // zero when the device is not backed off
	Stopped       bool          // logins failed too often; new credentials or VisitNow go on
}

// record is what a visitor remembers for its status, in monotonic time.
type record struct {
	lastVisit  time.Time
	lastGood   time.Time
	goodAt     instant
	inFlight   time.Time
	reason     hw.Reason
	detail     string
	requests   int
	took       time.Duration
	unanswered bool
	missed     uint64
}

// Status returns the state of every device in the order of the configuration.
func (p *Poller) Status() []DeviceStatus {
	p.mu.Lock()
	visitors := make([]*visitor, 0, len(p.order))
	for _, id := range p.order {
		visitors = append(visitors, p.visitors[id])
	}
	p.mu.Unlock()

	statuses := make([]DeviceStatus, 0, len(visitors))
	for _, v := range visitors {
		statuses = append(statuses, v.status())
	}
	return statuses
}

func (v *visitor) status() DeviceStatus {
	v.mu.Lock()
	defer v.mu.Unlock()
	now, wall := v.clock.now(), v.clock.wall()
	at := func(t instant) time.Time { return wall.Add(t - now) }
	s := DeviceStatus{
		Device:        v.watched.Target.Device,
		LastVisit:     v.rec.lastVisit,
		LastGood:      v.rec.lastGood,
		InFlightSince: v.rec.inFlight,
		Failures:      v.plan.failures,
		Reason:        v.rec.reason,
		Detail:        v.rec.detail,
		Requests:      v.rec.requests,
		Took:          v.rec.took,
		Unanswered:    v.rec.unanswered,
		Missed:        v.rec.missed,
		Stopped:       v.plan.stopped,
	}
	if !s.LastGood.IsZero() {
		s.SinceGood = now - v.rec.goodAt
	}
	due, going := v.plan.next()
	if going {
		s.NextDue = at(due)
	}
	if going && v.plan.failures > 0 && due > now {
		s.BackOffUntil = at(due)
	}
	return s
}
