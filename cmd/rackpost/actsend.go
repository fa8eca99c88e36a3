package main

import (
	"context"
	"maps"
	"sync"
	"time"

	"rackpost/hw"
)

// Run ends what has an end, until ctx does. It returns nil.
func (a *acts) Run(ctx context.Context) error {
	var tasks sync.WaitGroup
	defer tasks.Wait()
	a.settle(ctx)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		wait := time.Hour
		for part, l := range a.waiting() {
			if left := time.Until(l.due); left > 0 {
				wait = min(wait, left)
			} else if a.occupy(part, false) == nil {
				tasks.Go(func() { defer a.release(part); a.darken(ctx, part, l) })
			}
		}
		if dark := a.unsettled(); len(dark) > 0 {
			for _, part := range dark {
				a.settleClaims(ctx, part, hw.ActValue{Phase: hw.ActDone})
			}
			wait = min(wait, claimRetry)
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
		case <-a.wake:
		case <-timer.C:
		}
	}
	return nil
}

// waiting returns what is lit and of which nobody is just telling the device.
func (a *acts) waiting() map[actPart]light {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make(map[actPart]light, len(a.lit))
	for part, l := range a.lit {
		if !a.busy[part] {
			out[part] = *l
		}
	}
	return out
}

// resume takes over what the journal says an earlier run left lit, or open. What was intended when
// that run ended may have been done.
func (a *acts) resume() {
	for _, f := range a.log.Acts() {
		v, ok := f.Value.(hw.ActValue)
		if name, _ := hw.CutAct(f.Group); !ok || name != hw.Locate {
			continue
		}
		part := actPart{f.Device, f.Component}
		switch {
		case !v.On && (v.Phase == hw.ActIntended || v.Phase == hw.ActUnknown):
			a.light(part, light{value: v, due: time.Now(), ending: true, last: time.Now().Add(darkenFor)})
		case v.On && v.Phase == hw.ActIntended:
			v.Phase, v.Reason = hw.ActUnknown, hw.ApplianceCrash
			a.open[part] = a.light(part, light{value: v, due: time.Now().Add(a.lasts(v))})
		case v.On && v.Phase != hw.ActFailed:
			a.light(part, light{value: v, due: time.Now().Add(a.lasts(v))})
		}
	}
}

// settle writes that nobody knows what came of the acts an earlier run left open.
func (a *acts) settle(ctx context.Context) {
	a.mu.Lock()
	open := maps.Clone(a.open)
	a.mu.Unlock()
	for part, l := range open {
		if a.occupy(part, false) != nil {
			continue // somebody says something newer
		}
		a.mu.Lock()
		still := a.lit[part] == l
		a.mu.Unlock()
		if still {
			a.tell(ctx, part, l.value, a.sectionsOf(part))
		}
		a.release(part)
	}
}

func (a *acts) light(part actPart, l light) *light {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lit[part] = &l
	return &l
}

// sectionsOf returns the sections that show a part.
func (a *acts) sectionsOf(part actPart) (sections []string) {
	for _, f := range a.log.Registers(part.device) {
		if f.Kind == hw.ComponentFact && f.Component == part.component {
			sections = append(sections, f.Group)
		}
	}
	return sections
}

// darken ends what blinks at part. While the device is away it is tried again, for a day; only the
// beginning and the end of that are written.
func (a *acts) darken(ctx context.Context, part actPart, l light) {
	if err := a.mayDarken(ctx); err != nil {
		a.logger.Warn("a light stays on until this box may act", "device", string(part.device), "component", part.component, "err", err)
		a.again(part, l)
		return
	}
	v := hw.ActValue{Phase: hw.ActIntended, Since: a.now()}
	if l.ending {
		v = l.value
		v.Phase, v.Reason, v.Detail = hw.ActIntended, "", ""
	} else {
		if err := a.say(ctx, part, v); err != nil {
			a.logger.Warn("a light stays on until the journal takes that it is to end", "device", string(part.device), "component", part.component, "err", err)
			a.again(part, l)
			return
		}
		l.ending, l.value, l.last = true, v, time.Now().Add(darkenFor)
	}
	after := a.do(ctx, part, v)
	if ctx.Err() != nil && after.Phase != hw.ActDone {
		return // the next run goes on
	}
	switch {
	case after.Phase == hw.ActDone, after.Reason == hw.NotSupported, after.Reason == hw.NotInstalled:
		a.tell(ctx, part, after, a.sectionsOf(part))
		a.settleClaims(ctx, part, after)
	case time.Now().After(l.last):
		after.Phase = hw.ActFailed
		a.forget(part)
		a.tell(ctx, part, after, nil)
		a.settleClaims(ctx, part, after)
	default:
		a.again(part, l)
	}
}

// again tries to end l later.
func (a *acts) again(part actPart, l light) {
	l.tries++
	l.due = time.Now().Add(darkenPause(l.tries))
	a.light(part, l)
}

func (a *acts) forget(part actPart) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.lit, part)
}

// darkenPause is how long after the n-th try to end a light the next one comes.
func darkenPause(n int) time.Duration {
	ladder := [...]time.Duration{30 * time.Second, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute}
	return ladder[min(max(n, 1), len(ladder))-1]
}
