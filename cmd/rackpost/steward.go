package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"rackpost/hw"
	"rackpost/replicate/control"
	"rackpost/replicate/trust"
)

// tidyEvery is how often order is kept although nothing changed.
const tidyEvery = time.Hour

// steward keeps what is agreed on in order while this box may change it: what a pair begins with, secrets sealed to all boxes
// of now, the feature level.
func (p *pairing) steward(ctx context.Context) error {
	return p.onAgreed(ctx, tidyEvery, func(ctx context.Context) error {
		if err := p.found(ctx); err != nil {
			return err
		}
		return p.tidy(ctx)
	}, func(err error) { p.logger.Warn("what is agreed on is not in order yet", "err", err) })
}

// onAgreed calls do at once, at every change of what is agreed on and, if every is not 0, that often, until ctx
// ends. What failed is told, and tried again soon.
func (p *pairing) onAgreed(ctx context.Context, every time.Duration, do func(context.Context) error, told func(error)) error {
	for ctx.Err() == nil {
		changed := p.agreed.Watch()
		var again <-chan time.Time
		if every > 0 {
			again = time.After(every)
		}
		if err := do(ctx); err != nil && ctx.Err() == nil {
			told(err)
			pause(ctx, stewardWait)
			continue
		}
		select {
		case <-ctx.Done():
		case <-changed:
		case <-again:
		}
	}
	return nil
}

func (p *pairing) tidy(ctx context.Context) error {
	state := p.agreed.State()
	commands, err := p.untidy(state)
	if err != nil {
		return err
	}
	for _, c := range commands {
		if err := p.propose(ctx, c); err != nil {
			return err
		}
		if r, ok := c.(*control.Raise); ok {
			p.logger.Info("the feature level is raised: every member speaks it", "level", r.Level)
		}
	}
	return nil
}

// untidy returns what puts a state in order.
func (p *pairing) untidy(state control.State) ([]control.Command, error) {
	at := time.Now()
	commands, err := p.unforge(state, at)
	if err != nil {
		return nil, err
	}
	for _, d := range state.Documents(control.Secret) {
		c, err := p.resealed(d)
		if err != nil {
			p.logger.Error("a secret cannot be sealed to all boxes; set it anew", "secret", d.Name, "err", err)
		} else if c != nil {
			commands = append(commands, c)
		}
	}
	if c := p.parting(state); c != nil {
		commands = append(commands, c)
	}
	level := uint32(control.Level)
	for _, m := range state.Members() {
		level = min(level, m.Speaks)
	}
	if level > state.Level() {
		commands = append(commands, &control.Raise{Level: level, Who: p.box.name, At: at})
	}
	return commands, nil
}

// takeover is by whose word this box took over, and why.
type takeover struct{ who, why string }

// takenBy keeps within what the pair agrees on.
func takenBy(who, why string) *takeover {
	who = hw.Clean(who)
	return &takeover{strings.ToValidUTF8(who[:min(len(who), 2*maxWho)], ""), hw.Clean(why)}
}

// parting tells where the generation that this box took over parted from the one before, so that what the other box did alone can be
// told from what both know; nil: it is told.
func (p *pairing) parting(state control.State) control.Command {
	s := p.node.Status()
	told := state.Takeovers()
	if s.Parted == 0 || len(told) > 0 && told[len(told)-1].Generation.Counter >= s.Generation.Counter {
		return nil
	}
	t := p.taker.Load()
	if t == nil {
		t = &takeover{who: p.box.name} // the process ended since
	}
	return &control.Forced{Generation: s.Generation, From: s.Parted, Who: t.who, Why: t.why, At: time.Now()}
}

// resealed seals a secret to the boxes of now; nil: it is.
func (p *pairing) resealed(d control.Document) (control.Command, error) {
	if !p.vouched(d) {
		return nil, errNotVouched
	}
	sealed, err := trust.ParseSealed(d.Content)
	if err != nil {
		return nil, err
	}
	anew, changed, err := p.keeper.Reseal(strings.TrimPrefix(d.Name, control.Secret), sealed, p.members())
	if err != nil || !changed {
		return nil, err
	}
	content, err := json.Marshal(anew)
	if err != nil {
		return nil, err
	}
	return &control.Put{Name: d.Name, Expected: d.Version, Content: content, Who: d.Who, Why: "sealed to the boxes of now", At: d.At}, nil
}

// openSecret opens what the pair keeps under a name.
func (p *pairing) openSecret(state control.State, name string) (string, error) {
	d, ok := state.Document(control.Secret + name)
	if !ok {
		return "", fmt.Errorf("the pair keeps no secret %q: rackpost secret set %s < FILE", name, name)
	}
	if !p.vouched(d) {
		return "", fmt.Errorf("secret %q: %w", name, errNotVouched)
	}
	sealed, err := trust.ParseSealed(d.Content)
	if err != nil {
		return "", err
	}
	b, err := p.keeper.Open(name, sealed)
	return string(b), err
}
