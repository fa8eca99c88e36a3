package idrac

import (
	"cmp"
	"context"
	"errors"
	"net"
	"slices"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/redfish/parts"
	"rackpost/collectors/snmp"
	"rackpost/hw"
)

// collector visits one server: over Redfish where a user is known, over SNMP where that has credentials. Where both
// are given Redfish comes first; SNMP adds what Redfish hides, and stands in where Redfish fails.
type collector struct {
	target  collectors.Target
	now     func() time.Time
	redfish *redfishSide // nil: without
	snmp    *snmpSide    // nil: without
	outage  outage       // of Redfish beside SNMP
	told    map[string]*telling
	failed  map[string]bool // sections of this visit that Redfish told nothing of
	fills   bool            // SNMP told words of RAID that Redfish does not
	audited audited
	unit    *hw.Unit // as Redfish told it last
}

func open(t collectors.Target, pool *snmp.Pool, now func() time.Time) (collectors.Collector, error) {
	c := &collector{target: t, now: now, told: map[string]*telling{}, failed: map[string]bool{}}
	var err error
	if t.Credentials.User == "" && !t.Credentials.SNMP() {
		return nil, errors.New("a user and a password for Redfish, or a community or user of SNMP, are needed")
	}
	if t.Credentials.User != "" {
		if c.redfish, err = openRedfishAt(t, now); err != nil {
			return nil, err
		}
	}
	if t.Credentials.SNMP() {
		if c.snmp, err = openSNMP(t, agentAddress(t), pool); err != nil {
			return nil, err
		}
	}
	if c.redfish != nil && c.snmp != nil {
		c.snmp.logName = besideLog
		c.outage.recall(t, now())
	}
	return c, nil
}

// agentAddress returns where the SNMP agent of a target is: where it says, or at the host of Redfish.
func agentAddress(t collectors.Target) string {
	if t.SNMP != "" {
		return t.SNMP
	}
	if host, _, err := net.SplitHostPort(t.Device.Address); err == nil && t.Credentials.User != "" {
		return host
	}
	return t.Device.Address
}

// redfishShare is the part of a visit's time that Redfish may take where SNMP waits behind it.
const redfishShare = 0.6

// Collect implements collectors.Collector.
func (c *collector) Collect(ctx context.Context, due []collectors.Section) (hw.Report, error) {
	r, err := c.collect(ctx, due)
	if err != nil {
		return hw.Report{Requests: r.Requests}, err
	}
	parts.Judge(&r, sectionRAID, c.target.Policy)
	c.audited.settle(&r)
	slices.SortStableFunc(r.Verdicts, hw.Verdict.Compare)
	return r, nil
}

func (c *collector) collect(ctx context.Context, due []collectors.Section) (hw.Report, error) {
	switch {
	case c.snmp == nil:
		return c.redfish.read(ctx, due)
	case c.redfish == nil:
		r, err := c.snmp.read(ctx, due)
		if err == nil {
			without(&r, due)
		}
		return r, err
	}
	started := c.now()
	c.audited.begin()
	r, failure := c.overRedfish(ctx, due)
	if failure == nil {
		c.beside(ctx, due, &r)
	} else {
		requests := r.Requests
		over, err := c.snmp.read(ctx, due)
		if err != nil {
			return hw.Report{Requests: requests + over.Requests}, c.outage.both(failure, err)
		}
		r = c.instead(over, due, failure)
		r.Requests += requests
	}
	r.Started, r.Took = started, c.now().Sub(started)
	return r, nil
}

// overRedfish reads over Redfish, unless it failed not long ago.
func (c *collector) overRedfish(ctx context.Context, due []collectors.Section) (hw.Report, *collectors.VisitError) {
	if err := c.outage.wait(c.target.Memory, c.now()); err != nil {
		return hw.Report{}, err
	}
	if c.outage.err != nil && !isDue(due, sectionHeartbeat) && c.now().Sub(c.outage.at) < followTime {
		return hw.Report{}, c.outage.err // the heartbeat that this visit follows found it out
	}
	inner := ctx
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		inner, cancel = context.WithTimeout(ctx, time.Duration(redfishShare*float64(time.Until(end))))
		defer cancel()
	}
	r, err := c.redfish.read(inner, due)
	if err == nil {
		c.outage.end(c.target)
		c.unit = cmp.Or(r.Unit, c.unit)
		return r, nil
	}
	var v *collectors.VisitError
	if !errors.As(err, &v) {
		v = &collectors.VisitError{Reason: collectors.ReasonOf(err), Err: err}
	}
	if inner.Err() != nil && ctx.Err() == nil {
		v = &collectors.VisitError{Reason: hw.NoAnswer, Hint: v.Hint, Err: errors.New("over Redfish it did not answer in its part of the visit")}
	}
	if ctx.Err() == nil {
		c.outage.begin(c.target, v, r.Requests > 0, c.now())
	}
	return r, v
}

// without names the sections that SNMP does not know: such a device has none of what they tell.
func without(r *hw.Report, due []collectors.Section) {
	for _, x := range due {
		if scopeOf(r, x.Name) == nil {
			r.Read = append(r.Read, hw.Scope{Section: x.Name, Extent: hw.Complete})
		}
	}
}

func scopeOf(r *hw.Report, section string) *hw.Scope {
	i := slices.IndexFunc(r.Read, func(s hw.Scope) bool { return s.Section == section })
	if i < 0 {
		return nil
	}
	return &r.Read[i]
}

// Close implements collectors.Collector.
func (c *collector) Close(ctx context.Context) error {
	var errs []error
	if c.redfish != nil {
		errs = append(errs, c.redfish.close(ctx))
	}
	if c.snmp != nil {
		errs = append(errs, c.snmp.close())
	}
	return errors.Join(errs...)
}
