package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"

	"rackpost/hw"
	"rackpost/replicate/control"
	"rackpost/replicate/mode"
)

// methodIntroduce carries what a witness says of itself to a box: a witness proposes nothing.
const methodIntroduce = "introduce"

// introduceEvery is how often a box has an introduction agreed on: each is written by all.
const introduceEvery = 4 * time.Second

// rarely is what may be done only so often.
type rarely struct {
	mu   sync.Mutex
	last time.Time
}

func (r *rarely) may(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.last.IsZero() && now.Sub(r.last) < introduceEvery {
		return false
	}
	r.last = now
	return true
}

// introduction is that. Everything else of a member stays as it was when it was let in.
type introduction struct {
	Name   string         `json:"name"`
	Paths  []control.Path `json:"paths"`
	Speaks uint32         `json:"speaks"`
}

// introduce has the others agree on what this member says of itself, when its box.yaml changed.
func (p *pairing) introduce(ctx context.Context) error {
	return p.onAgreed(ctx, 0, p.introduceOnce, func(err error) { p.logger.Debug("this member is not introduced anew yet", "err", err) })
}

func (p *pairing) introduceOnce(ctx context.Context) error {
	state := p.agreed.State()
	members := p.agreedMembers(state)
	i := slices.IndexFunc(members, func(m control.Member) bool { return m.Node == p.self.Node })
	if i < 0 { // not agreed on yet, or not any more
		return nil
	}
	known := members[i]
	now := trustedMember(known)
	now.Addresses = addressesOf(p.box.pair.advertise)
	now.Name = p.box.name
	said := agreedMember(now)
	if reflect.DeepEqual(said, known) {
		return nil
	}
	if err := now.Check(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	if p.self.Role != mode.Box {
		return p.askIntroduction(ctx, said)
	}
	return p.putMember(ctx, said, p.box.name)
}

// putMember has the others agree on what a member is.
func (p *pairing) putMember(ctx context.Context, m control.Member, who string) error {
	c, err := memberPut(p.agreed.State(), m, who, "its configuration changed", time.Now())
	if err != nil {
		return err
	}
	return p.propose(ctx, c)
}

// askIntroduction has a box do it for this witness.
func (p *pairing) askIntroduction(ctx context.Context, said control.Member) error {
	b, err := json.Marshal(introduction{said.Name, said.Paths, said.Speaks})
	if err != nil {
		return err
	}
	return p.askBoxes(ctx, methodIntroduce, b)
}

// methodLeave has a box take out the member that asks.
const methodLeave = "leave"

// askLeave has a box take out this witness, by a person's word.
func (p *pairing) askLeave(ctx context.Context, who string) error {
	return p.askBoxes(ctx, methodLeave, []byte(who))
}

// answerLeave takes out the member that asks, and no other.
func (p *pairing) answerLeave(ctx context.Context, from mode.NodeID, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	who := fmt.Sprintf("%.*s", maxWho, hw.Clean(string(body)))
	return nil, p.strike(ctx, from, cmp.Or(who, p.nameOf(from)), "left with rackpost pair leave")
}

// askBoxes asks one box after the other, until one does it.
func (p *pairing) askBoxes(ctx context.Context, method string, b []byte) error {
	errs := []error{errors.New("no box does what this witness asks for")}
	for _, m := range p.members() {
		if m.Role != mode.Box {
			continue
		}
		_, err := p.wire.Request(ctx, m.Node, method, b)
		if err == nil {
			return nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", m.Name, err))
	}
	return errors.Join(errs...)
}

// answerIntroduction takes what a member says of itself: its name, where it is called and what it speaks, and nothing else.
func (p *pairing) answerIntroduction(ctx context.Context, from mode.NodeID, body []byte) ([]byte, error) {
	var said introduction
	if err := json.Unmarshal(body, &said); err != nil {
		return nil, errors.New("what it says of itself cannot be read: update the older of the two")
	}
	members := p.agreedMembers(p.agreed.State())
	i := slices.IndexFunc(members, func(m control.Member) bool { return m.Node == from })
	if i < 0 {
		return nil, errors.New("it is no member")
	}
	if slices.ContainsFunc(members, func(m control.Member) bool { return m.Node != from && m.Name == said.Name }) {
		return nil, fmt.Errorf("another member is called %.64q: give this one another name", said.Name)
	}
	m := members[i]
	m.Name, m.Paths = said.Name, said.Paths
	t := trustedMember(m)
	if err := t.Check(); err != nil {
		return nil, err
	}
	m = agreedMember(t)
	m.Speaks = said.Speaks
	if reflect.DeepEqual(m, members[i]) {
		return nil, nil
	}
	if !p.met.may(time.Now()) {
		return nil, errors.New("members were introduced a moment ago: ask again in some seconds")
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	return nil, p.putMember(ctx, m, said.Name)
}
