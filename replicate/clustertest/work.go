package clustertest

import (
	"context"
	"fmt"
	"time"

	"rackpost/replicate/mode"
)

// span is a time. It goes on while to is zero.
type span struct{ from, to time.Time }

// hold is a time in which a process had a power.
type hold struct {
	span
	power      mode.Power
	generation mode.Generation
}

const visitEvery = 500 * time.Millisecond

// holding is what a process does while it has a power.
func (p *process) holding(ctx context.Context, power mode.Power) error {
	p.mu.Lock()
	at := len(p.holds)
	p.holds = append(p.holds, hold{span: span{from: time.Now()}, power: power})
	p.mu.Unlock()
	generation := p.node.Status().Generation
	p.mu.Lock()
	p.holds[at].generation = generation
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.holds[at].to = time.Now()
	}()
	switch power {
	case mode.Visit:
		p.visit(ctx)
	case mode.Act:
		p.act(ctx)
	}
	<-ctx.Done()
	return nil
}

// visit visits the devices again and again, and keeps what they said.
func (p *process) visit(ctx context.Context) {
	for number := uint64(0); ctx.Err() == nil && p.pass() && ctx.Err() == nil; number++ {
		if p.keeper == nil {
			p.w.oracle.fail("%s visits devices: it is a witness", p)
			return
		}
		if !p.w.cutOff(p.who) && p.keeper.room() && !p.w.oracle.over() {
			r := reading{p.number<<32 | p.w.count(), number}
			p.w.oracle.visited(p)
			p.spawn(func(ctx context.Context) {
				if p.keeper.put(ctx, r) == nil {
					p.w.oracle.acknowledged(p, r)
				}
			})
		}
		if !pause(visitEvery, ctx.Done()) {
			return
		}
	}
}

// act does something to a device, each time after it asked whether it may.
func (p *process) act(ctx context.Context) {
	for ctx.Err() == nil && pause(700*time.Millisecond, ctx.Done()) && p.pass() {
		if p.node.Verify(ctx, mode.Act) == nil && p.alive() && !p.stopped() {
			p.w.oracle.acted(p)
		}
	}
}

// propose has something agreed on again and again.
func (p *process) propose(ctx context.Context) {
	if p.w.proposals == 0 {
		return
	}
	for pause(p.w.proposals, ctx.Done()) {
		if !p.pass() || p.w.oracle.over() {
			return
		}
		command := fmt.Sprintf("[%s:%d:%d]", names[p.who], p.number, p.w.count())
		began := time.Now()
		ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
		err := p.node.Propose(ctx, []byte(command))
		cancel()
		if p.alive() {
			p.w.oracle.proposed(command, began, err)
		}
	}
}

// String names the process.
func (p *process) String() string { return fmt.Sprintf("%s(%d)", names[p.who], p.number) }
