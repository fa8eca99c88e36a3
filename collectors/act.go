package collectors

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"rackpost/hw"
)

var (
	// ErrUnknownDevice says that no such device is configured.
	ErrUnknownDevice = errors.New("no such device is configured")
	// ErrBusy says that a device had no time for an act: nothing was asked of it.
	ErrBusy = errors.New("the device is busy")
)

// actBudget is how long an act may take once it was begun: a login and a few requests. The visit that
// waits for it must not look stuck.
const actBudget = 45 * time.Second

// order is an act somebody waits for.
type order struct {
	action hw.Action
	ctx    context.Context
	taken  atomic.Bool // by the visitor that does it, or by who no longer waits
	done   chan error  // holds one
}

// Act makes a device do a, through the session of its visits: after the visit in flight, before
// the next one, for at most 45 s. One act waits for a device, another is ErrBusy; so is one
// whose turn did not come before ctx ended, or whose device's configuration changed meanwhile. A kind
// that cannot act is a VisitError with NotSupported. While logins are stopped or paused nothing is
// tried, and a login refused counts as one of a visit. After any other error the
// device may have done what it was told.
func (p *Poller) Act(ctx context.Context, id hw.DeviceID, a hw.Action) error {
	v, ended, err := p.visiting(id)
	if err != nil {
		return fmt.Errorf("%s %s of %s: %w", a.Name, a.Component, id, err)
	}
	o := &order{action: a, ctx: ctx, done: make(chan error, 1)}
	if err = v.enqueue(o); err == nil {
		err = o.wait(ended)
	}
	if err != nil {
		return fmt.Errorf("%s %s of %s: %w", a.Name, a.Component, id, err)
	}
	return nil
}

// wait returns what came of o.
func (o *order) wait(ended <-chan struct{}) error {
	var why error
	select {
	case err := <-o.done:
		return err
	case <-o.ctx.Done():
		why = fmt.Errorf("%w: it is being visited (%w)", ErrBusy, o.ctx.Err())
	case <-ended:
		why = fmt.Errorf("%w: its visits ended or its configuration changed", ErrBusy)
	}
	if o.taken.CompareAndSwap(false, true) {
		return why
	}
	return <-o.done // it has begun, and ends soon with its context
}

// visiting returns the visitor of a device and a channel that is closed when it ends.
func (p *Poller) visiting(id hw.DeviceID) (*visitor, <-chan struct{}, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := p.visitors[id]
	switch {
	case v == nil:
		return nil, nil, ErrUnknownDevice
	case p.term == nil:
		return nil, nil, fmt.Errorf("%w: this box does not visit it now", ErrBusy)
	}
	return v, v.done, nil
}

func (p *Poller) find(id hw.DeviceID) (*visitor, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v := p.visitors[id]; v != nil {
		return v, nil
	}
	return nil, ErrUnknownDevice
}

// Hasten makes sections of a device due soon, as its own reports do: something was changed that
// they show. Names the device does not have are passed over.
func (p *Poller) Hasten(id hw.DeviceID, sections ...string) error {
	v, err := p.find(id)
	if err != nil {
		return fmt.Errorf("visit %s soon: %w", id, err)
	}
	v.mu.Lock()
	v.plan.hasten(v.clock.now(), nil, sections)
	v.mu.Unlock()
	v.stir()
	return nil
}

// enqueue makes o the next act of the device, unless another one waits.
func (v *visitor) enqueue(o *order) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.waiting != nil && !v.waiting.taken.Load() {
		return fmt.Errorf("%w: it is told something else", ErrBusy)
	}
	v.waiting = o
	v.stir()
	return nil
}

// obey does the act that waits, if one does. Its error is a report that could not be stored.
func (v *visitor) obey(ctx context.Context) error {
	v.mu.Lock()
	o := v.waiting
	v.waiting = nil
	v.mu.Unlock()
	if o == nil {
		return nil
	}
	return v.carryOut(ctx, o)
}

// carryOut does o, unless nobody waits for it any more. A login refused on the way is a failed visit:
// the count of them must be durable before the next one.
func (v *visitor) carryOut(ctx context.Context, o *order) error {
	if !o.taken.CompareAndSwap(false, true) {
		return nil
	}
	if err := v.mayAct(); err != nil {
		o.done <- err
		return nil
	}
	trip := v.outing()
	err := v.act(ctx, o)
	o.done <- err
	if err == nil || !isRefusal(ReasonOf(err)) {
		return nil
	}
	return v.put(ctx, v.settle(trip, hw.Report{}, err))
}

// mayAct returns why the device must not be spoken to now, or nil.
func (v *visitor) mayAct() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.plan.stopped {
		return &VisitError{Reason: hw.AuthFailed, Err: errors.New("logins are stopped: the device locks us out after more failed ones"),
			Hint: "correct its credentials, or ask for a visit of it, which tries once more"}
	}
	if left := v.plan.loginFloor - v.clock.now(); left > 0 {
		return &VisitError{Reason: hw.AuthFailed, Err: errors.New("a login was refused a moment ago"),
			Hint: fmt.Sprintf("the next one is tried in %v", left.Round(time.Second)), RetryAfter: left}
	}
	return nil
}

func (v *visitor) outing() outing {
	v.mu.Lock()
	defer v.mu.Unlock()
	return outing{start: v.clock.now(), started: v.clock.wall(), device: v.watched.Target.Device, kind: v.watched.Kind}
}

// act tells the device through the collector. A panic ends the session, never the process.
func (v *visitor) act(ctx context.Context, o *order) (err error) {
	inner, cancel := context.WithTimeout(o.ctx, actBudget)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	defer func() {
		if p := recover(); p != nil {
			err = v.broken(p)
			v.hangUp(ctx)
		}
	}()
	if err := v.prepare(); err != nil {
		return err
	}
	actor, ok := v.collector.(Actor)
	if !ok {
		return &VisitError{Reason: hw.NotSupported, Err: errors.New("this kind of device cannot be told to do anything")}
	}
	return actor.Act(inner, o.action)
}
