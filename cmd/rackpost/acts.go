package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"rackpost/collectors"
	"rackpost/hw"
	"rackpost/replicate/mode"
)

// How long a part blinks, and how long the end of it is tried while the device is away.
const (
	locateDefault = 15 * time.Minute
	locateMost    = 24 * time.Hour
	locateLeast   = time.Second
	darkenFor     = 24 * time.Hour
	maxLit        = 256
)

// How long things may take.
const (
	actWait = 2 * time.Minute  // for a visit in flight and for the act
	sayWait = 10 * time.Second // for what came of an act to be written while the box stops
)

// The errors of an act that is refused before anything is said or done; what is wrong is told in
// their text.
var (
	errActRefused = errors.New("refused")
	errActBusy    = errors.New("busy")
)

// actLog is the journal of acts. *store.Store is one.
type actLog interface {
	Say(ctx context.Context, facts []hw.Fact) error
	Acts() []hw.Fact
	Registers(device hw.DeviceID) []hw.Fact
}

// actor makes devices act. *collectors.Poller is one.
type actor interface {
	Act(ctx context.Context, id hw.DeviceID, a hw.Action) error
	Hasten(id hw.DeviceID, sections ...string) error
}

// truster keeps what is learned of devices. *collectors.Poller is one.
type truster interface {
	Learn(id hw.DeviceID, key, value string) error
	Learned(id hw.DeviceID) (hw.Attrs, error)
	VisitNow(id hw.DeviceID) error
}

// acts makes devices do what people ask. What is asked is in the journal before the device hears of
// it, and what came of it after; what has an end is ended, also after a restart.
type acts struct {
	log    actLog
	actor  actor
	trust  truster
	now    func() time.Time
	logger *slog.Logger
	wake   chan struct{}                   // holds one: lit changed
	ledger ledger                          // nil: this box agrees with nobody
	ready  atomic.Bool                     // what another box began is taken over
	power  atomic.Pointer[context.Context] // of a pair: ends with the power to act; nil: there is none

	mu   sync.Mutex // guards what follows; never held during I/O
	told int        // devices that are being told something
	cut  time.Time  // when it was last not known whether a device does what it was told; zero: never
	lit  map[actPart]*light
	busy map[actPart]bool   // somebody's act is under way
	open map[actPart]*light // of lit: an earlier run left open what came of it, and that is not written yet
	// claims are what the ledger has open of a part, the last one at the end.
	claims map[actPart][]string
}

// actPart names a part of a device.
type actPart struct {
	device    hw.DeviceID
	component string
}

// light is a part that blinks, or may.
type light struct {
	value  hw.ActValue // the last word
	due    time.Time   // by the monotonic clock: when to end it, or to try again
	ending bool        // that it is to end is written
	tries  int         // to end it
	last   time.Time   // when it is tried no more, once it is ending
}

// located is what came of a Locate.
type located struct {
	Phase  hw.Phase  `json:"phase"` // done, failed, or unknown: the device may have done it
	On     bool      `json:"on"`
	Until  time.Time `json:"until,omitzero"`
	Reason hw.Reason `json:"reason,omitempty"`
	Detail string    `json:"detail,omitempty"`
}

// newActs takes over what the journal says an earlier run left lit, or open.
func newActs(log actLog, a actor, t truster, logger *slog.Logger) *acts {
	acts := &acts{log: log, actor: a, trust: t, now: time.Now, logger: logger, wake: make(chan struct{}, 1),
		lit: map[actPart]*light{}, busy: map[actPart]bool{}, open: map[actPart]*light{}, claims: map[actPart][]string{}}
	acts.ready.Store(true)
	acts.resume()
	return acts
}

// Locate makes a part blink for a while, 15 min if it is 0 and at most 24 h, or ends that. who is the
// person that asks. It waits for the device. What was begun is in the answer, whatever came of it; an
// error says that nothing was: errActRefused for what cannot be, errActBusy for another time, or that the
// journal takes no word of it. What was begun goes on when ctx ends.
func (a *acts) Locate(ctx context.Context, who string, device hw.DeviceID, component string, on bool, lasts time.Duration) (located, error) {
	part := actPart{device, component}
	sections, err := a.check(part, on, lasts)
	if err != nil {
		return located{}, err
	}
	if lasts == 0 {
		lasts = locateDefault
	}
	if err := a.occupy(part, on); err != nil {
		return located{}, err
	}
	defer a.release(part)
	v := hw.ActValue{Phase: hw.ActIntended, On: on, Who: hw.Clean(who), Since: a.now()}
	if on {
		v.Until = v.Since.Add(lasts)
	}
	if err := a.begin(ctx, part, v); err != nil {
		return located{}, err
	}
	if err := a.say(ctx, part, v); err != nil {
		a.doubt(part, v)
		a.settleClaims(ctx, part, hw.ActValue{Phase: hw.ActFailed, Detail: err.Error()})
		return located{}, fmt.Errorf("locate %s of %s: %w", component, device, err)
	}
	v = a.do(ctx, part, v)
	a.tell(ctx, part, v, sections)
	a.settleClaims(ctx, part, v)
	return located{Phase: v.Phase, On: v.On, Until: v.Until, Reason: v.Reason, Detail: v.Detail}, nil
}

// check returns the sections that show a part, or why it cannot blink.
func (a *acts) check(part actPart, on bool, lasts time.Duration) ([]string, error) {
	if lasts < 0 || lasts > 0 && lasts < locateLeast || lasts > locateMost {
		return nil, fmt.Errorf("%w: a part blinks for %v to %v; %v is not between them", errActRefused, locateLeast, locateMost, lasts)
	}
	sections := a.sectionsOf(part)
	switch {
	case len(sections) > 0 || part.component == hw.ChassisPath || !on && a.isLit(part):
		return sections, nil
	case !slices.ContainsFunc(a.log.Registers(part.device), func(f hw.Fact) bool { return f.Kind == hw.ComponentFact }):
		return nil, fmt.Errorf("%w: no part of %q was ever read", errActRefused, part.device)
	}
	return nil, fmt.Errorf("%w: %q has no part %q", errActRefused, part.device, part.component)
}

func (a *acts) isLit(part actPart) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.lit[part] != nil
}

// occupy makes sure that one act at a time concerns a part, and that not too many blink.
func (a *acts) occupy(part actPart, on bool) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.busy[part]:
		return fmt.Errorf("%w: %s of %s is just being told something else; ask again in a moment", errActBusy, part.component, part.device)
	case on && a.lit[part] == nil && len(a.lit)+len(a.busy) >= maxLit:
		return fmt.Errorf("%w: %d parts blink already; switch some off", errActRefused, len(a.lit))
	}
	a.busy[part] = true
	return nil
}

func (a *acts) release(part actPart) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.busy, part)
	a.stir()
}

// say writes how far an act got.
func (a *acts) say(ctx context.Context, part actPart, v hw.ActValue) error {
	return a.log.Say(ctx, []hw.Fact{{Kind: hw.ActFact, Version: 1, Device: part.device, Component: part.component,
		Group: hw.Locate, At: a.now(), Value: v}})
}

// do tells the device what v intends, which goes on when who asked no longer waits, and returns v
// with what came of it. A part is lit until it is known not to be.
func (a *acts) do(ctx context.Context, part actPart, v hw.ActValue) hw.ActValue {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), actWait)
	defer cancel()
	a.telling() // before it is made sure: who hands over then knows of it
	ctx, release, err := a.stillMay(ctx)
	defer release()
	if err == nil {
		err = a.actor.Act(ctx, part.device, hw.Action{Name: hw.Locate, Component: part.component, On: v.On})
	}
	v.Phase = phaseOf(err)
	a.wasTold(v.Phase)
	if err != nil {
		v.Reason, v.Detail = collectors.ReasonOf(err), hw.Clean(err.Error())
	}
	if isUndone(err) {
		v.Reason = hw.NotReady
	}
	return a.keep(part, v)
}

func (a *acts) telling() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.told++
}

func (a *acts) wasTold(phase hw.Phase) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.told--; phase == hw.ActUnknown {
		a.cut = time.Now()
	}
}

// acting says whether something that a device was told may be under way: it was not answered, or that was cut off a while ago only.
func (a *acts) acting() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.told > 0 || !a.cut.IsZero() && time.Since(a.cut) < mode.DefaultTimers().Quarantine
}

// keep keeps whether the part is lit, and returns v as it is to be written: what would be
// forgotten after a restart and must be ended is unknown, not failed.
func (a *acts) keep(part actPart, v hw.ActValue) hw.ActValue {
	a.mu.Lock()
	defer a.mu.Unlock()
	defer a.stir()
	was := a.lit[part]
	never := v.Reason == hw.NotSupported || v.Reason == hw.NotInstalled
	switch {
	case never || !v.On && v.Phase == hw.ActDone:
		delete(a.lit, part)
	case v.On && v.Phase != hw.ActFailed:
		a.lit[part] = &light{value: v, due: time.Now().Add(a.lasts(v))}
	case was == nil && v.Phase == hw.ActFailed:
	case v.On: // it still blinks from before
		v.Phase, v.Until = hw.ActUnknown, was.value.Until
	default:
		v.Phase = hw.ActUnknown
		l := &light{value: v, ending: true, due: time.Now().Add(darkenPause(1)), tries: 1, last: time.Now().Add(darkenFor)}
		if was != nil && was.ending {
			l.last = was.last
		}
		a.lit[part] = l
	}
	return v
}

// lasts returns how long v still lasts. The wall clock may have been set.
func (a *acts) lasts(v hw.ActValue) time.Duration {
	return min(max(v.Until.Sub(a.now()), 0), locateMost)
}

// tell writes what came of an act, also while the box stops, and has it looked at.
func (a *acts) tell(ctx context.Context, part actPart, v hw.ActValue, sections []string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sayWait)
	defer cancel()
	log := a.logger.With("device", string(part.device), "component", part.component, "on", v.On, "phase", v.Phase.String(), "who", v.Who)
	if err := a.say(ctx, part, v); err != nil {
		log.Error("what came of an act is not written", "err", err)
	}
	if v.Phase == hw.ActFailed {
		log.Warn("locate", "reason", string(v.Reason), "err", v.Detail)
		return
	}
	log.Info("locate", "reason", string(v.Reason))
	if err := a.actor.Hasten(part.device, sections...); err != nil {
		log.Debug("what an act changed is read later", "err", err)
	}
}

// doubt has an act ended that was not begun: that it is intended may be written all the same.
func (a *acts) doubt(part actPart, v hw.ActValue) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if v.On && a.lit[part] == nil {
		a.lit[part] = &light{value: v, due: time.Now()}
	}
}

// isUndone says that an act with that error never came to the device.
func isUndone(err error) bool {
	return errors.Is(err, collectors.ErrBusy) || errors.Is(err, collectors.ErrUnknownDevice)
}

// phaseOf says how far an act with that error got: failed where the device surely did not do it.
func phaseOf(err error) hw.Phase {
	sure := []hw.Reason{hw.NotSupported, hw.NotInstalled, hw.NotReady, hw.Refused, hw.Unreachable, hw.AuthFailed, hw.UnknownUser,
		hw.WrongAuthKey, hw.WrongPrivKey, hw.AccessDenied, hw.LockedOut, hw.CertChanged, hw.WrongKind}
	switch {
	case err == nil:
		return hw.ActDone
	case isUndone(err), slices.Contains(sure, collectors.ReasonOf(err)):
		return hw.ActFailed
	}
	return hw.ActUnknown
}

// stir makes Run look at what is lit again.
func (a *acts) stir() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}
