package idrac

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rackpost/collectors"
	"rackpost/hw"
)

// RedfishUnread is the code of the verdict on a server that is read over SNMP because Redfish failed. Its params are
// "why", a reason, and "detail".
const RedfishUnread = "redfish-unread"

// outage is how Redfish fails while SNMP goes on: the poller sees good visits, so the pause after a failure and the
// stop of logins, which docs/polling.md has for whole visits, are kept here.
type outage struct {
	err      *collectors.VisitError // nil: Redfish is read
	at       time.Time              // of the last failure
	until    time.Time              // it is not asked before
	failures int                    // in a row
	logins   int                    // refused, since the last good one
	asked    int64                  // how often a person had asked for a visit, when last looked
	said     string                 // the words for it, and what they are for: they stay the same as long as it does
	saidOf   string
}

const (
	loginPause = 90 * time.Second // between two logins that fail: an iDRAC bars the address at three within 60 s
	maxLogins  = 2
)

// learnedLogins is what survives a restart: how many logins were refused, and a mark of the credentials.
const learnedLogins = "redfish_logins"

// recall takes up refused logins of an earlier life. Those with other credentials count for the device too, which bars
// the address.
func (o *outage) recall(t collectors.Target, now time.Time) {
	o.asked, _ = t.Memory.Get(collectors.MemoryAsked)
	text, _ := t.Memory.Recall(learnedLogins)
	count, mark, _ := strings.Cut(text, " ")
	if n, err := strconv.Atoi(count); err == nil && n > 0 && mark == markOfLogin(t.Credentials) {
		o.logins = min(n, maxLogins)
	}
	o.until = now.Add(t.Memory.LoginPause(now, o.logins == 0))
	if o.logins > 0 || o.until.After(now) {
		o.err = &collectors.VisitError{Reason: hw.AuthFailed, Err: errors.New("the login was refused before"), Hint: "check user and password"}
	}
}

// markOfLogin tells credentials from others by 8 bits: enough to notice a change, too few to try guesses on.
func markOfLogin(c collectors.Credentials) string {
	h := sha256.Sum256([]byte(strconv.Quote(c.User) + c.Password))
	return hex.EncodeToString(h[:1])
}

func (o *outage) learn(t collectors.Target) {
	text := ""
	if o.logins > 0 {
		text = strconv.Itoa(o.logins) + " " + markOfLogin(t.Credentials)
	}
	if err := t.Memory.Learn(learnedLogins, text); err != nil {
		t.Logger.Warn("a stop of logins would not survive a restart", "err", err)
	}
}

// isRefusal says whether reason is that nobody was let in.
func isRefusal(reason hw.Reason) bool { return reason == hw.AuthFailed || reason == hw.LockedOut }

// refused says whether Redfish fails because it let us not in.
func (o *outage) refused() bool { return o.logins > 0 || o.err != nil && isRefusal(o.err.Reason) }

// wait returns why Redfish is not asked now, or nil.
func (o *outage) wait(m *collectors.Memory, now time.Time) *collectors.VisitError {
	if n, _ := m.Get(collectors.MemoryAsked); n != o.asked {
		o.asked = n
		o.logins = min(o.logins, maxLogins-1) // a person's wish allows one more
		if o.err == nil || !isRefusal(o.err.Reason) {
			o.until = time.Time{} // but no sooner after one that was refused
		}
	}
	switch {
	case o.err == nil:
		return nil
	case o.logins >= maxLogins:
		return &collectors.VisitError{Reason: o.err.Reason, Err: o.err.Err, Hint: "logins are stopped: the iDRAC locks us out after more; correct user and password"}
	case now.Before(o.until):
		return o.err
	}
	return nil
}

// begin notes a failure. A login that was refused before the device was asked is none.
func (o *outage) begin(t collectors.Target, err *collectors.VisitError, sent bool, now time.Time) {
	o.err, o.at = err, now
	o.failures++
	pause := [...]time.Duration{0, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute}[min(o.failures, 4)-1]
	switch err.Reason {
	case hw.CertChanged:
		pause = 0 // nothing but a handshake is tried, and a person may trust the new one any moment
	case hw.LockedOut:
		if sent {
			t.Memory.RefuseLogin(now)
		}
		pause = max(pause, loginPause)
	case hw.AuthFailed:
		if sent {
			o.logins++
			t.Memory.RefuseLogin(now)
		}
		pause = max(pause, loginPause)
		o.learn(t)
	}
	o.until = now.Add(max(pause, err.RetryAfter))
}

// words tell a failure. Errors of one sort differ in ports and times, and each change would be written to the journal.
func (o *outage) words(failure *collectors.VisitError) string {
	if of := string(failure.Reason) + " " + failure.Hint; of != o.saidOf {
		o.said, o.saidOf = clipped(failure.Error(), collectors.MaxText), of
	}
	return o.said
}

// end notes that Redfish was read.
func (o *outage) end(t collectors.Target) {
	refused := o.logins > 0
	*o = outage{asked: o.asked}
	if refused {
		o.learn(t)
	}
}

// both is the error of a visit that read nothing over either. A login that was refused must not stop SNMP, which knows
// no lock-out: the reason is SNMP's then. Redfish is tried again as soon as SNMP answers.
func (o *outage) both(overRedfish *collectors.VisitError, overSNMP error) error {
	v := &collectors.VisitError{Reason: overRedfish.Reason, Hint: overRedfish.Hint, RetryAfter: overRedfish.RetryAfter}
	v.Err = fmt.Errorf("over Redfish: %w; over SNMP: %w", cmp.Or(overRedfish.Err, error(overRedfish)), overSNMP)
	if overRedfish.Reason == hw.AuthFailed {
		v.Reason, v.RetryAfter = collectors.ReasonOf(overSNMP), 0
	} else {
		o.until = time.Time{}
	}
	return v
}

// instead is the report of a visit that was read over SNMP because Redfish failed.
func (c *collector) instead(over hw.Report, due []collectors.Section, failure *collectors.VisitError) hw.Report {
	r := over
	r.Read, r.Components, r.Samples, r.Gaps, r.Log, r.Cursors = nil, nil, nil, nil, nil, nil
	detail := c.outage.words(failure)
	if isDue(due, sectionHeartbeat) {
		r.Gaps = append(r.Gaps, hw.Gap{What: sectionHeartbeat + "/redfish", Reason: failure.Reason, Detail: detail})
	}
	for _, x := range due {
		switch {
		case x.Name == sectionLog && scopeOf(&over, x.Name) != nil:
			r.Read = append(r.Read, *scopeOf(&over, x.Name))
			r.Gaps = append(r.Gaps, gapsOf(&over, x.Name)...)
			r.Log, r.Cursors = c.unseen(over.Log), over.Cursors
			continue
		case scopeOf(&over, x.Name) != nil:
			r.Read = append(r.Read, hw.Scope{Section: x.Name})
			c.take(&r, &over, x.Name, failure.Reason)
			continue
		}
		r.Read = append(r.Read, hw.Scope{Section: x.Name})
		r.Gaps = append(r.Gaps, hw.Gap{What: x.Name, Reason: failure.Reason, Detail: detail})
	}
	c.alert(&r, failure)
	c.nameUnit(&r)
	return r
}

// alert makes it stand out that Redfish is not read. It is said of the device, no part of it: an alert of a part does not close while
// that part flaps, and this one is over with the next good visit.
func (c *collector) alert(r *hw.Report, failure *collectors.VisitError) {
	if !slices.ContainsFunc(r.Components, func(x hw.Component) bool { return x.Path == hw.ChassisPath && x.Section == sectionHeartbeat }) {
		return
	}
	level := hw.LevelWarning
	switch failure.Reason {
	case hw.CertChanged, hw.AuthFailed, hw.LockedOut, hw.AccessDenied, hw.WrongKind:
		level = hw.LevelHigh // nobody but a person mends it
	}
	r.Verdicts = append(r.Verdicts, hw.Verdict{
		Section: sectionHeartbeat, Code: RedfishUnread, Level: level,
		Params: hw.Attrs{}.With("why", string(failure.Reason)).With("detail", c.outage.words(failure)),
	})
}

// nameUnit gives the unit the names Redfish has for it: SNMP's name is that of the iDRAC.
func (c *collector) nameUnit(r *hw.Report) {
	if r.Unit == nil || c.unit == nil || r.Unit.Serial != c.unit.Serial {
		return
	}
	r.Unit.Name, r.Unit.Model = c.unit.Name, c.unit.Model
	if r.Unit.Version == "" {
		r.Unit.Version = c.unit.Version
	}
}

// unseen leaves out the lines that were read over Redfish before.
func (c *collector) unseen(lines []hw.LogLine) []hw.LogLine {
	until := c.redfish.logs.newest
	return slices.DeleteFunc(lines, func(l hw.LogLine) bool { return !l.At.IsZero() && !l.At.After(until) })
}

// inUpdate adds to an error that the iDRAC was seen updating firmware not long ago.
func (s *redfishSide) inUpdate(err error) error {
	var v *collectors.VisitError
	u := s.jobs.update
	if !errors.As(err, &v) || u.job == "" || s.now().Sub(u.at) > updateTime {
		return err
	}
	switch v.Reason {
	case hw.AuthFailed, hw.LockedOut, hw.CertChanged, hw.WrongKind, hw.Cancelled:
		return err
	}
	w := *v
	w.Hint = fmt.Sprintf("firmware update in progress: job %.40s (%.80s) ran at %s", u.job, u.name, u.at.UTC().Format("15:04 UTC"))
	return &w
}
