package collectors

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"rackpost/hw"
)

// settle ends a visit: it turns what the collector returned into the report to be stored,
// moves the plan on and says so when the device went silent or came back.
func (v *visitor) settle(o outing, r hw.Report, err error) hw.Report {
	end := v.clock.now()
	if err == nil {
		err = judge(o, r)
	}
	if err != nil && !errors.Is(err, errUnread) {
		r = failure(o, r, err)
	} else {
		r = v.mend(o, complete(o, r))
	}
	if v.owed.count > 0 {
		r.Gaps = append([]hw.Gap{v.owed.gap(o)}, r.Gaps...)
	}
	r.Device, r.Kind = o.device.ID, o.kind.Name
	r.Started, r.Took = o.started, end-o.start

	r.Period, r.Shortest, r.Learned = v.conclude(o, r, err)
	return r
}

// conclude moves the plan on and returns how long after this visit the next one is due, 0
// when none is, the shortest period, and what is learned of the device. A hastened one may come sooner: who waits for the next visit waits for the one
// that comes in any case. Changes of state are logged, with the lock released.
func (v *visitor) conclude(o outing, r hw.Report, err error) (next, shortest time.Duration, learned hw.Attrs) {
	v.mu.Lock()
	before := v.plan
	switch end := o.start + r.Took; {
	case errors.Is(err, errUnread):
		v.plan.went(end, r.Read)
	case err != nil:
		v.plan.failed(o.start, end, o.due, ReasonOf(err))
		v.plan.hold(end + retryAfter(err))
	default:
		v.plan.succeeded(end, r.Read)
		v.plan.hasten(end, r.Read, r.Hasten)
	}
	if v.plan.limited {
		v.keepLogins(err != nil && isRefusal(ReasonOf(err)))
	}
	v.note(o, r, err)
	due, going := v.plan.promised()
	shortest = v.plan.shortest()
	now, rec := v.plan, v.rec
	learned = v.learned()
	v.mu.Unlock()

	v.tell(before, now, rec)
	if going {
		next = max(due-o.start, 0)
	}
	return next, shortest, learned
}

// retryAfter returns how long the device asked to be left alone.
func retryAfter(err error) time.Duration {
	const most = time.Hour
	var v *VisitError
	if !errors.As(err, &v) {
		return 0
	}
	return min(max(v.RetryAfter, 0), most)
}

// errUnread is what becomes of a visit of First sections that read nothing of a device that answers: the
// others tell whether anything can be read of it.
var errUnread = errors.New("the device answers, and what is read first could not be read")

// answered says whether gaps show that the device answered, each of them.
func answered(gaps []hw.Gap) bool {
	return len(gaps) > 0 && !slices.ContainsFunc(gaps, func(g hw.Gap) bool { return g.Reason.Mute() })
}

// unanswered says whether a gap is there because no answer came in time, or none had come when the visit was cut short.
func unanswered(g hw.Gap) bool {
	return g.Reason == hw.NoAnswer || g.Reason == hw.Unreachable || g.Reason == hw.OutOfTime || g.Reason == hw.Cancelled
}

// judge returns why a report without error is none, or nil.
func judge(o outing, r hw.Report) error {
	if r.Device != "" && r.Device != o.device.ID {
		return &VisitError{Reason: hw.Garbage, Err: fmt.Errorf("the report is of device %.60q", r.Device)}
	}
	if r.Unit != nil || len(r.Components)+len(r.Samples)+len(r.Log) > 0 {
		return nil
	}
	for _, s := range r.Read {
		if s.Extent > hw.Failed {
			return nil
		}
	}
	if o.leads() && answered(r.Gaps) {
		return errUnread
	}
	reason := hw.DeviceError
	if len(r.Gaps) > 0 && isReason(r.Gaps[0].Reason) {
		reason = r.Gaps[0].Reason
	}
	return &VisitError{Reason: reason, Err: errors.New("the visit read nothing")}
}

// failure is the report of a visit that read nothing: every section failed, and why.
func failure(o outing, r hw.Report, err error) hw.Report {
	f := hw.Report{Requests: max(r.Requests, 0), Gaps: tidyGaps(r.Gaps)}
	for _, s := range o.due {
		f.Read = append(f.Read, hw.Scope{Section: s.Name})
	}
	reason := ReasonOf(err)
	if !isReason(reason) {
		reason = hw.DeviceError
	}
	f.Gaps = append(f.Gaps, hw.Gap{What: hw.VisitGap, Reason: reason, Detail: plain(err.Error(), MaxText)})
	return f
}

// complete adds the sections that were due and are not mentioned, as failed.
func complete(o outing, r hw.Report) hw.Report {
	for _, s := range o.due {
		if scopeOf(r.Read, s.Name) == nil {
			r.Read = append(r.Read, hw.Scope{Section: s.Name})
			r.Gaps = append(r.Gaps, hw.Gap{What: s.Name, Reason: hw.DeviceError, Detail: "the collector did not say what it read"})
		}
	}
	return r
}

// mend makes the report valid. What was wrong is logged once a device: it is a fault of the
// collector and comes back at every visit.
func (v *visitor) mend(o outing, r hw.Report) hw.Report {
	err := errors.Join(CheckReport(r), checkHasten(o.kind, r.Hasten))
	if err == nil {
		return r
	}
	r.Hasten = slices.DeleteFunc(r.Hasten, func(name string) bool { return !o.kind.has(name) })
	if !v.mended {
		v.mended = true
		v.logger.Warn("the report was not valid and was mended", "err", err)
	}
	return tidy(r)
}

// gap is what tells of the visits that were not made.
func (m missed) gap(o outing) hw.Gap {
	return hw.Gap{
		What:   hw.VisitGap,
		Reason: hw.Missed,
		Detail: fmt.Sprintf("%d visits", m.count),
		From:   o.started.Add(m.from - o.start),
		To:     o.started,
	}
}

// note keeps the visit for the status. v.mu is held.
func (v *visitor) note(o outing, r hw.Report, err error) {
	v.rec.lastVisit, v.rec.inFlight = o.started, time.Time{}
	v.rec.took, v.rec.requests = r.Took, r.Requests
	v.rec.unanswered = slices.ContainsFunc(r.Gaps, unanswered)
	if errors.Is(err, errUnread) {
		return
	}
	v.rec.reason, v.rec.detail = "", ""
	if err != nil {
		gap := r.Gaps[len(r.Gaps)-1]
		v.rec.reason, v.rec.detail = gap.Reason, gap.Detail
		return
	}
	v.rec.lastGood, v.rec.goodAt = o.started, o.start
}

// tell logs changes only: a dead device costs one line, not one a visit.
func (v *visitor) tell(before, now schedule, rec record) {
	switch {
	case now.failures == 0 && before.failures > 0:
		v.logger.Info("visits read the device again", "failed_visits", before.failures)
	case now.failures > 0 && before.failures == 0:
		v.logger.Warn("visits of the device fail", "reason", string(rec.reason), "err", rec.detail)
	}
	if now.stopped && !before.stopped {
		v.logger.Error("visits stopped: the device locks us out after more failed logins; correct its credentials",
			"failed_logins", now.logins)
	}
}
