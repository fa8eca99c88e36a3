package main

import (
	"errors"
	"slices"

	"rackpost/replicate/control"
)

// Whoever leads Raft, also a witness in other hands, writes its log. Who is a member, what the secrets are, what the site is
// and which tokens let in counts here only when a box vouched for it.

// errNotVouched is said of what stands in what is agreed on and no box of the pair said.
var errNotVouched = errors.New("no box of this pair made it: another member wrote it into what is agreed on; rackpost pair status names the members, take out the one that is not yours")

// vouch puts this box's proof to what it proposes.
func (p *pairing) vouch(c control.Command) {
	switch c := c.(type) {
	case *control.Put:
		c.Proof = p.keeper.Vouch(c.Statement())
	case *control.Invite:
		c.Proof = p.keeper.Vouch(c.Statement())
	}
}

func (p *pairing) vouched(d control.Document) bool { return p.keeper.Vouched(d.Statement(), d.Proof) }

// agreedMembers are those that a box vouched for.
func (p *pairing) agreedMembers(state control.State) []control.Member {
	var out []control.Member
	for _, d := range state.Documents(control.Peer) {
		if m, err := control.ParseMember(d.Content); err == nil && p.vouched(d) {
			out = append(out, m)
		}
	}
	return out
}

// tokens are those that a box vouched for.
func (p *pairing) tokens(state control.State) []control.Token {
	return slices.DeleteFunc(state.Tokens(), func(t control.Token) bool { return !p.keeper.Vouched(t.Statement(), t.Proof) })
}
