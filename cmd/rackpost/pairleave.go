package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate"
	"rackpost/replicate/control"
	"rackpost/replicate/mode"
	"rackpost/replicate/trust"
	"rackpost/wholefile"
)

// leaveOrder is the body of POST /api/v1/pair/leave: a member by name, or this one.
type leaveOrder struct {
	Name string `json:"name,omitempty"`
	Yes  bool   `json:"yes,omitempty"` // also where nobody is left who keeps what was agreed on
}

// left is what came of it.
type left struct {
	Name    string `json:"name"`
	Site    string `json:"site,omitempty"`    // where the last configuration lies
	Resumes string `json:"resumes,omitempty"` // the site.yaml that this machine goes on with: it is as it was before the pair
	Running bool   `json:"running"`
	Dead    string `json:"dead,omitempty"` // the origin that is declared dead
}

// leave takes this machine out of its pair, or a member that is gone.
func (h *pairHost) leave(ctx context.Context, o leaveOrder, who string) (left, error) {
	p, err := h.inPair()
	if err != nil {
		return left{}, err
	}
	if o.Name != "" && o.Name != p.self.Name {
		m, err := p.expel(ctx, o.Name, who, "taken out with rackpost pair leave")
		return left{Name: m.Name}, err
	}
	others := slices.DeleteFunc(p.members(), func(m trust.Member) bool { return m.Node == p.self.Node })
	if len(others) == 0 && !o.Yes {
		return left{}, pairRefused("%s is the last one of its pair: with it go the versions of the configuration and the secrets; rackpost pair leave -yes does it", p.self.Name)
	}
	out := left{Name: p.self.Name}
	if len(others) > 0 && p.node.Mode() != mode.Removed {
		if err := p.goOut(ctx, others, who); err != nil {
			return out, err
		}
	}
	if out.Site, err = h.keepSite(); err != nil {
		return out, err
	}
	if err := h.partCredential(len(others) == 0); err != nil {
		return out, err
	}
	if err := p.keeper.Leave(); err != nil {
		return out, err
	}
	h.resume(&out)
	out.Running = h.takeUp()
	return out, nil
}

// resume says with what a box goes on that was in a pair until now.
func (h *pairHost) resume(out *left) {
	if h.role != mode.Box || h.box.site == "" {
		return
	}
	out.Resumes = h.box.site
	h.logger.Warn("this box goes on with its own site.yaml, which may be older than what the pair agreed on", "site", h.box.site, "agreed_on", out.Site)
}

// goOut has the others agree that this member is none any more.
func (p *pairing) goOut(ctx context.Context, others []trust.Member, who string) error {
	ctx, cancel := context.WithTimeout(ctx, leftTime)
	defer cancel()
	if s := p.node.Status(); s.Authority {
		i := slices.IndexFunc(others, func(m trust.Member) bool { return m.Role == mode.Box })
		if i >= 0 {
			there := p.hears(others[i].Node)
			err := p.node.Transfer(ctx, others[i].Node)
			if err != nil && there && !p.votes(others[i].Node) {
				return pairRefused("%s is there and is being caught up; wait until rackpost pair status says journals equal, then run this again", others[i].Name)
			}
			if err != nil && !errors.Is(err, replicate.ErrNoPower) {
				return fmt.Errorf("hand over to %s before leaving: %w; if that box is gone, take it out first: rackpost pair leave %s", others[i].Name, err, others[i].Name)
			}
			p.awaitLeader(ctx, others[i].Node)
		}
	}
	return p.strike(ctx, p.self.Node, who, "left with rackpost pair leave")
}

// hears says whether a member was heard lately.
func (p *pairing) hears(id mode.NodeID) bool {
	silent, heard := p.silence(id)
	return heard && silent < mode.DefaultTimers().Island
}

// votes says whether a member is a voter.
func (p *pairing) votes(id mode.NodeID) bool {
	return slices.ContainsFunc(p.node.Status().Members, func(m replicate.MemberStatus) bool { return m.Node == id && m.Vote == mode.Voter })
}

func (p *pairing) awaitLeader(ctx context.Context, id mode.NodeID) {
	for p.node.Status().Leader != id && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-p.node.Watch():
		case <-time.After(time.Second):
		}
	}
}

// strike deletes what is agreed on of a member.
func (p *pairing) strike(ctx context.Context, id mode.NodeID, who, why string) error {
	name := control.Peer + id.String()
	d, ok := p.agreed.State().Document(name)
	switch {
	case !ok:
		return nil
	case p.self.Role == mode.Box:
	case id != p.self.Node:
		return pairRefused("a witness takes nobody out; say it at a box of the pair")
	default:
		return p.askLeave(ctx, who)
	}
	return p.propose(ctx, &control.Delete{Name: name, Expected: d.Version, Who: who, Why: why, At: time.Now()})
}

// expel takes out a member that is gone. One that is heard leaves by itself.
func (p *pairing) expel(ctx context.Context, word, who, why string) (trust.Member, error) {
	m, err := memberNamed(p.members(), word)
	if err != nil {
		return m, fmt.Errorf("%w: %w", errPairRefused, err)
	}
	if m.Node == p.self.Node {
		return m, pairRefused("%s is this machine; say it at another box of the pair", m.Name)
	}
	if silent, _ := p.silence(m.Node); p.hears(m.Node) {
		return m, pairRefused("%s is alive, heard %s ago; run rackpost pair leave on it, or stop it first", m.Name, shortAge(silent))
	}
	ctx, cancel := context.WithTimeout(ctx, leftTime)
	defer cancel()
	if err := p.strike(ctx, m.Node, who, why); err != nil {
		return m, err
	}
	return m, p.node.Remove(ctx, m.Node)
}

// silence is how long a member was not heard on its best path.
func (p *pairing) silence(id mode.NodeID) (time.Duration, bool) {
	for _, m := range p.node.Status().Members {
		if m.Node == id {
			return m.Silent, m.Silent != mode.Never
		}
	}
	return 0, false
}

// keepSite writes the last configuration where a person finds it.
func (h *pairHost) keepSite() (string, error) {
	d, ok := h.pairing.agreed.State().Document(control.Site)
	if !ok || h.role != mode.Box {
		return "", nil
	}
	path := filepath.Join(h.box.data, "site-of-the-pair.yaml")
	return path, wholefile.Write(path, d.Content, 0o600)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// shortAge is a time as people say it.
func shortAge(d time.Duration) string {
	switch {
	case d == mode.Never:
		return "never"
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// transfer hands authority to another box.
func (h *pairHost) transfer(ctx context.Context, word string) (string, error) {
	p, err := h.inPair()
	if err != nil {
		return "", err
	}
	boxes := slices.DeleteFunc(p.members(), func(m trust.Member) bool { return m.Role != mode.Box || m.Node == p.self.Node })
	s := p.node.Status()
	switch {
	case !s.Authority:
		return "", pairRefused("%s has no authority to hand over; run it on %s", p.self.Name, orNothing(p.nameOf(s.Leader)))
	case word == p.self.Name:
		return "", pairRefused("%s is this box, and leads already; name the other one, or nobody", p.self.Name)
	case len(boxes) == 0:
		return "", pairRefused("there is no other box; rackpost pair token lets one in")
	}
	to := boxes[0]
	if word != "" {
		if to, err = memberNamed(boxes, word); err != nil {
			return "", fmt.Errorf("%w: %w", errPairRefused, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, leftTime)
	defer cancel()
	if err := p.node.Transfer(ctx, to.Node); err != nil {
		return to.Name, fmt.Errorf("%w: %w", errPairRefused, err)
	}
	return to.Name, nil
}

// takeOrder is the body of POST /api/v1/pair/takeover.
type takeOrder struct {
	Why string `json:"why"`
}

// takeover makes this box go on without the others, by a person's word.
func (h *pairHost) takeover(ctx context.Context, o takeOrder, who string) error {
	p, err := h.inPair()
	switch {
	case err != nil:
		return err
	case h.role != mode.Box:
		return pairRefused("a witness takes nothing over; run it on the box that is to go on")
	}
	why := fmt.Sprintf("%s said so%s", who, within(": ", o.Why))
	p.taker.Store(takenBy(who, o.Why))
	if err := p.node.Takeover(ctx, why); err != nil {
		return fmt.Errorf("%w: %w", errPairRefused, err)
	}
	return nil
}

// replace takes out a box whose disk is lost, and has nobody wait for its records.
func (h *pairHost) replace(ctx context.Context, o leaveOrder, who string) (left, error) {
	p, err := h.inPair()
	if err != nil {
		return left{}, err
	}
	if h.appliance == nil {
		return left{}, pairRefused("a witness has no journal; say it at the box that is left")
	}
	m, err := p.expel(ctx, o.Name, who, "replaced with rackpost pair replace")
	if err != nil {
		return left{}, err
	}
	if m.Role != mode.Box {
		return left{Name: m.Name}, nil
	}
	origin, err := journal.ParseID(m.Origin)
	if err == nil {
		err = h.appliance.store.Retire(ctx, origin, true, who, "rackpost pair replace "+m.Name)
	}
	if err != nil {
		return left{}, fmt.Errorf("%s is out of the pair, and its journal is still waited for: %w", m.Name, err)
	}
	return left{Name: m.Name, Dead: m.Origin}, nil
}
