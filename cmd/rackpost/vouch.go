package main

import (
	"errors"
	"slices"
	"strings"
	"time"

	"rackpost/replicate/control"
	"rackpost/replicate/trust"
	"rackpost/web"
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
	members, _ := p.sortMembers(state)
	return members
}

// forged is what stands for a member in what is agreed on and no box vouched for. Whom it overwrites is known from before, and
// stays a member.
type forged struct {
	document control.Document
	known    *trust.Member // nil: no box ever let it in
}

func (f forged) name() string {
	if f.known != nil {
		return f.known.Name
	}
	return "member " + strings.TrimPrefix(f.document.Name, control.Peer)
}

// sortMembers tells members that a box vouched for from what is none of its words.
func (p *pairing) sortMembers(state control.State) (members []control.Member, others []forged) {
	var known []trust.Member
	for _, d := range state.Documents(control.Peer) {
		if m, err := control.ParseMember(d.Content); err == nil && p.vouched(d) {
			members = append(members, m)
			continue
		}
		if known == nil {
			known = p.keeper.Identity().Members
		}
		f := forged{document: d}
		for i := range known {
			if control.Peer+known[i].Node.String() == d.Name {
				f.known = &known[i]
			}
		}
		others = append(others, f)
	}
	return members, others
}

// unforge puts back what was known of a member before somebody else than a box overwrote it, and takes out whom no box let in.
func (p *pairing) unforge(state control.State, at time.Time) ([]control.Command, error) {
	var commands []control.Command
	_, others := p.sortMembers(state)
	for _, f := range others {
		if f.known == nil {
			commands = append(commands, &control.Delete{Name: f.document.Name, Expected: f.document.Version, Who: p.box.name, Why: "no box let it in", At: at})
			continue
		}
		c, err := memberPut(state, agreedMember(*f.known), p.box.name, "no box said what stood there", at)
		if err != nil {
			return nil, err
		}
		commands = append(commands, c)
	}
	return commands, nil
}

// forgedAlarm tells a person; false where there is nothing to tell.
func (p *pairing) forgedAlarm(state control.State) (web.PairAlarm, bool) {
	_, others := p.sortMembers(state)
	if len(others) == 0 {
		return web.PairAlarm{}, false
	}
	var names []string
	for _, f := range others {
		names = append(names, f.name())
	}
	return web.PairAlarm{Code: "member_forged", Text: "What is agreed on of " + strings.Join(names, ", ") +
		" no box of this pair wrote: it is passed over, and the box that leads puts it right. Is the machine of the witness still yours?"}, true
}

// tokens are those that a box vouched for.
func (p *pairing) tokens(state control.State) []control.Token {
	return slices.DeleteFunc(state.Tokens(), func(t control.Token) bool { return !p.keeper.Vouched(t.Statement(), t.Proof) })
}
