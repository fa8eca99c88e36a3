package main

import (
	"context"
	"slices"
	"time"

	"rackpost/replicate/mode"
	"rackpost/replicate/trust"
	"rackpost/replicate/wire"
)

// How often who is refused asks why: soon at first, then ever more seldom.
const (
	appealSoon = time.Minute
	appealMost = time.Hour
	appealLook = time.Second
)

// appeal asks the boxes why, while they refuse this member's certificate: it has expired by their clock, and they give
// another, or they took this member out while it was away.
func (p *pairing) appeal(ctx context.Context) error {
	var last time.Time
	wait := appealSoon
	for ; ctx.Err() == nil; pause(ctx, appealLook) {
		now := time.Now()
		p.heardAgain(now)
		refusers := p.refusers(now)
		if len(refusers) == 0 {
			if now.Sub(last) > 2*appealSoon {
				wait = appealSoon
			}
			continue
		}
		if now.Sub(last) < wait {
			continue
		}
		if !last.IsZero() {
			wait = min(2*wait, appealMost)
		}
		for _, m := range refusers {
			p.appealTo(ctx, m)
		}
		last = time.Now()
	}
	return nil
}

// refusers are the boxes that refused this member's certificate lately.
func (p *pairing) refusers(now time.Time) []trust.Member {
	refusals := p.wire.Refusals()
	return slices.DeleteFunc(p.members(), func(m trust.Member) bool {
		return m.Role != mode.Box || m.Node == p.self.Node || !slices.ContainsFunc(refusals, func(r wire.Refusal) bool {
			return r.Node == m.Node && r.Theirs && r.Reason == wire.Untrusted && now.Sub(r.At) < appealSoon/2
		})
	})
}

func (p *pairing) appealTo(ctx context.Context, m trust.Member) {
	struck, err := p.keeper.Appeal(ctx, m.Name, func(ctx context.Context, request []byte) ([]byte, error) {
		return p.askUnproven(ctx, m, request)
	})
	if err != nil {
		p.logger.Debug("why this member's certificate is refused is not known", "box", m.Name, "err", err)
		return
	}
	p.strickenBy(struck)
}
