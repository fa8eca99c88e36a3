package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"rackpost/hw"
	"rackpost/replicate/control"
	"rackpost/replicate/mode"
	"rackpost/replicate/trust"
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

// How long a box may be silent before a witness tells it where it is to be called, and how often it looks.
const (
	uncalled      = 3 * time.Second
	uncalledEvery = time.Second
)

// beCalled has every box call this witness that does not: a witness calls nobody, and a box may not know yet that it moved. Who
// led may have died before the other one knew what both agreed on.
func (p *pairing) beCalled(ctx context.Context) error {
	said := introduction{Name: p.box.name, Speaks: control.Level}
	for _, path := range wirePaths(addressesOf(p.box.pair.advertise)) {
		said.Paths = append(said.Paths, control.Path(path))
	}
	b, err := json.Marshal(said)
	if err != nil {
		return err
	}
	for pause(ctx, uncalled); ctx.Err() == nil; pause(ctx, uncalledEvery) {
		var asked sync.WaitGroup
		for _, m := range p.members() {
			if silent, heard := p.silence(m.Node); m.Role != mode.Box || heard && silent <= uncalled {
				continue
			}
			asked.Go(func() {
				ctx, cancel := context.WithTimeout(ctx, uncalled)
				defer cancel()
				if _, err := p.wire.Request(ctx, m.Node, methodIntroduce, b); err != nil {
					p.logger.Debug("a box does not call this witness yet", "box", m.Name, "err", err)
				}
			})
		}
		asked.Wait()
	}
	return nil
}

// moves are where members said that they are to be called, until what is agreed on of them changes.
type moves struct {
	mu      sync.Mutex
	said    map[mode.NodeID]move
	changed chan struct{} // holds one
}

type move struct {
	known control.Member // by what is agreed on
	to    map[string]string
}

func newMoves() *moves { return &moves{said: map[mode.NodeID]move{}, changed: make(chan struct{}, 1)} }

// say keeps where a member is, of which known is agreed on.
func (m *moves) say(node mode.NodeID, to map[string]string, known control.Member) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before, moved := m.said[node]
	switch same := maps.Equal(to, trustedMember(known).Addresses); {
	case same && !moved, moved && maps.Equal(to, before.to) && reflect.DeepEqual(known, before.known):
		return
	case same:
		delete(m.said, node)
	default:
		m.said[node] = move{known, to}
	}
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// apply puts where members said that they are in place of what is agreed on, which knows less.
func (m *moves) apply(members []trust.Member, agreed []control.Member) []trust.Member {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := slices.Clone(members)
	for node, move := range m.said {
		if !slices.ContainsFunc(agreed, func(a control.Member) bool { return reflect.DeepEqual(a, move.known) }) {
			delete(m.said, node)
			continue
		}
		for i := range out {
			if out[i].Node == node {
				out[i].Addresses = move.to
			}
		}
	}
	return out
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
	p.moved.say(from, t.Addresses, members[i])
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
