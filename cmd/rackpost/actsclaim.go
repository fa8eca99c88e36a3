package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"rackpost/collectors"
	"rackpost/hw"
)

// ledger says who does what, where a pair agrees on that. *claims is one; a lone box has none.
type ledger interface {
	// Verify returns nil when this box may act now.
	Verify(ctx context.Context) error
	// Begin has it agreed on that this box does it, and returns by which name.
	Begin(ctx context.Context, what claimed) (key string, err error)
	// End says what became of it.
	End(ctx context.Context, key string, done bool, detail string) error
	// Inherit takes over what was begun and of which nobody said what became of it.
	Inherit(ctx context.Context) ([]claimed, error)
}

// act ends what has an end for as long as this box may act.
func (a *appliance) act(ctx context.Context) error {
	if a.acts.ledger != nil {
		a.acts.power.Store(&ctx)
		defer a.acts.power.Store(nil)
		if !a.acts.regain(ctx) {
			return nil
		}
	}
	defer a.acts.ready.Store(a.acts.ledger == nil)
	return a.acts.Run(ctx)
}

// regain takes over what the journal and the ledger say is lit or open: another box may have begun it. It reports
// false when ctx ended before.
func (a *acts) regain(ctx context.Context) bool {
	for {
		left, err := a.ledger.Inherit(ctx)
		if ctx.Err() != nil {
			return false
		}
		if err == nil {
			a.takeOver(left)
			a.ready.Store(true)
			return true
		}
		a.logger.Warn("what another box began is not taken over yet", "err", err)
		pause(ctx, claimRetry)
	}
}

func (a *acts) takeOver(left []claimed) {
	a.mu.Lock()
	clear(a.lit)
	clear(a.open)
	clear(a.claims)
	a.mu.Unlock()
	a.resume()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range left {
		part := actPart{c.Device, c.Component}
		a.claims[part] = append(a.claims[part], c.Key)
		if a.lit[part] != nil {
			continue
		}
		v := hw.ActValue{Phase: hw.ActUnknown, Reason: hw.ApplianceCrash, On: c.On, Who: c.Who, Since: c.At, Until: c.Until}
		l := &light{value: v, due: time.Now().Add(a.lasts(v))}
		if !c.On {
			l.ending, l.due, l.last = true, time.Now(), time.Now().Add(darkenFor)
		} else {
			a.open[part] = l
		}
		a.lit[part] = l
	}
}

// begin has the ledger take what is intended. Where there is none, nobody has to agree.
func (a *acts) begin(ctx context.Context, part actPart, v hw.ActValue) error {
	if a.ledger == nil {
		return nil
	}
	if err := a.ledger.Verify(ctx); err != nil {
		return fmt.Errorf("%w: %w", errActBusy, err)
	}
	if !a.ready.Load() {
		return fmt.Errorf("%w: this box has just taken over; ask again in a moment", errActBusy)
	}
	key, err := a.ledger.Begin(ctx, claimed{Device: part.device, Component: part.component, On: v.On, Who: v.Who, At: v.Since, Until: v.Until})
	if err != nil {
		return fmt.Errorf("%w: the pair did not agree that this box does it: %w", errActBusy, err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.claims[part] = append(a.claims[part], key)
	return nil
}

// stillMay makes sure, right before a device is told something, that this box may act: to write what is intended takes as long as
// the disk does. The context that it returns ends with that power too.
func (a *acts) stillMay(ctx context.Context) (may context.Context, release func(), err error) {
	if a.ledger == nil {
		return ctx, func() {}, nil
	}
	power := a.power.Load()
	err = a.ledger.Verify(ctx)
	if power == nil || err != nil {
		return ctx, func() {}, fmt.Errorf("%w: this box may not act any more: %w", collectors.ErrBusy, cmp.Or(err, errActBusy))
	}
	may, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(*power, cancel)
	return may, func() { stop(); cancel() }, nil
}

// mayDarken says whether this box may end what blinks.
func (a *acts) mayDarken(ctx context.Context) error {
	if a.ledger == nil {
		return nil
	}
	return a.ledger.Verify(ctx)
}

// settleClaims says what became of the acts on a part: all of them when it is dark, else all but the last, which is open
// for as long as the part may blink.
func (a *acts) settleClaims(ctx context.Context, part actPart, v hw.ActValue) {
	a.mu.Lock()
	keys := slices.Clone(a.claims[part])
	if a.lit[part] != nil && len(keys) > 0 {
		keys = keys[:len(keys)-1]
	}
	a.mu.Unlock()
	if a.ledger == nil || len(keys) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sayWait)
	defer cancel()
	for i, key := range keys {
		failed := v.Phase == hw.ActFailed && i == len(keys)-1
		if err := a.ledger.End(ctx, key, !failed, v.Detail); err != nil {
			a.logger.Warn("what came of an act is not agreed on yet", "claim", key, "err", err)
			return
		}
		a.mu.Lock()
		a.claims[part] = slices.DeleteFunc(a.claims[part], func(k string) bool { return k == key })
		if len(a.claims[part]) == 0 {
			delete(a.claims, part)
		}
		a.mu.Unlock()
	}
}

// unsettled are parts that are dark and whose claims are not settled.
func (a *acts) unsettled() []actPart {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []actPart
	for part := range a.claims {
		if a.lit[part] == nil && !a.busy[part] {
			out = append(out, part)
		}
	}
	return out
}
