package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"rackpost/collectors"
	"rackpost/hw"
)

// The longest that things may stand before the service counts as dead.
const (
	maxWait    = time.Minute // for a report to be stored
	maxOverdue = time.Minute // for a visit to begin, and beyond the longest a visit may take
)

// pulse is a sink that knows how long its reports have waited: while one waits, the store
// must get on.
type pulse struct {
	sink collectors.Sink
	now  func() time.Time

	mu      sync.Mutex
	waiting map[*hw.Report]time.Time
	raid    map[hw.DeviceID]time.Time // when the RAID sets were read last
}

// Put implements collectors.Sink.
func (p *pulse) Put(ctx context.Context, r hw.Report) error {
	p.mu.Lock()
	if p.waiting == nil {
		p.waiting = map[*hw.Report]time.Time{}
	}
	p.waiting[&r] = p.now()
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.waiting, &r)
		p.mu.Unlock()
	}()
	if err := p.sink.Put(ctx, r); err != nil {
		return err
	}
	p.note(r, false)
	return nil
}

// note keeps when the RAID sets of a device were read: their registers tell only when they changed. What another box
// read counts when it is later.
func (p *pulse) note(r hw.Report, elsewhere bool) {
	for _, x := range r.Read {
		if x.Section != raidSection || x.Extent == hw.Failed {
			continue
		}
		p.mu.Lock()
		if p.raid == nil {
			p.raid = map[hw.DeviceID]time.Time{}
		}
		if !elsewhere || r.Started.After(p.raid[r.Device]) {
			p.raid[r.Device] = r.Started
		}
		p.mu.Unlock()
	}
}

// raidRead returns when the RAID sets of a device were read last, zero when they were not.
func (p *pulse) raidRead(id hw.DeviceID) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.raid[id]
}

// stuck returns an error if a report has waited too long.
func (p *pulse) stuck() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	for r, since := range p.waiting {
		if d := now.Sub(since); d > maxWait {
			return fmt.Errorf("the report of %s has waited for the store for %s", r.Device, d.Round(time.Second))
		}
	}
	return nil
}

// stuckVisit returns an error if a visit is due for too long, or takes longer than any
// may: longest is the longest period of the device.
func stuckVisit(s collectors.DeviceStatus, longest time.Duration, now time.Time) error {
	switch {
	case !s.InFlightSince.IsZero():
		if d := now.Sub(s.InFlightSince); d > longest+maxOverdue {
			return fmt.Errorf("the visit of %s does not end: it began %s ago", s.Device.ID, d.Round(time.Second))
		}
	case !s.NextDue.IsZero() && now.Sub(s.NextDue) > maxOverdue:
		return fmt.Errorf("%s is not visited: it is due since %s", s.Device.ID, now.Sub(s.NextDue).Round(time.Second))
	}
	return nil
}

// alive returns why this machine's part in its pair does not get on: it does not look around, which would end its powers.
func (p *pairing) alive() error { return stuckNode(p.node.Still()) }

func stuckNode(still time.Duration) error {
	if still > maxWait {
		return fmt.Errorf("the pair's part of this machine has stood still for %s", still.Round(time.Second))
	}
	return nil
}

// longestPeriod returns the longest period of a device's sections.
func longestPeriod(w collectors.Watched) time.Duration {
	longest := time.Duration(0)
	for _, s := range w.Sections() {
		longest = max(longest, s.Period)
	}
	return longest
}
