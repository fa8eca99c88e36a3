package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"rackpost/replicate"
	"rackpost/replicate/control"
	"rackpost/replicate/mode"
	"rackpost/replicate/trust"
)

// desk is what the pair agreed on about who may join.
type desk struct{ *pairing }

// Grants implements trust.Desk.
func (d desk) Grants() []trust.Grant {
	var out []trust.Grant
	for _, t := range d.tokens(d.agreed.State()) {
		out = append(out, trust.Grant{Hash: t.Hash, Role: t.Role, Made: t.At, Expires: t.Expires, UsedBy: t.By})
	}
	return out
}

// Take implements trust.Desk.
func (d desk) Take(ctx context.Context, token [32]byte, m trust.Member) error {
	t, known := d.agreed.State().Token(token)
	if !known || t.By != m.Node {
		if err := d.propose(ctx, &control.Redeem{Hash: token, Node: m.Node, At: time.Now()}); err != nil {
			return fmt.Errorf("use the token: %w", err)
		}
	}
	c, err := memberPut(d.agreed.State(), agreedMember(m), d.box.name, "joined with a token", time.Now())
	if err != nil {
		return err
	}
	return joinRefusal(d.propose(ctx, c))
}

// joinRefusal tells who joins in words what the pair did not agree to.
func joinRefusal(err error) error {
	var refused *replicate.RefusedError
	if errors.As(err, &refused) {
		if words, ok := strings.CutPrefix(refused.Reason, control.ErrRefused.Error()+": "); ok { // the other box let another one in at the same time
			return &trust.Refusal{Reason: trust.Taken, Words: words}
		}
	}
	return err
}

// Generation implements trust.Desk.
func (d desk) Generation() mode.Generation { return d.node.Status().Generation }

// Applied implements trust.Desk.
func (d desk) Applied() uint64 {
	if s := d.node.Status(); s.Authority {
		return s.Applied
	}
	return 0
}

// letIn answers who has no certificate of now: one who joins, or a member whose certificate is to be renewed.
func (p *pairing) letIn(ctx context.Context, from netip.Addr, request []byte) ([]byte, error) {
	p.logger.Debug("a machine asks to join the pair, or for a new certificate", "from", from.String())
	return p.keeper.Answer(ctx, request, desk{p}), nil
}

// invite makes a token for one machine.
func (p *pairing) invite(ctx context.Context, role mode.Role, who string) (trust.Token, trust.Grant, error) {
	token, grant, err := p.keeper.NewToken(role)
	if err != nil {
		return token, grant, err
	}
	return token, grant, p.propose(ctx, &control.Invite{Hash: grant.Hash, Role: role, Who: who, At: grant.Made, Expires: grant.Expires})
}
