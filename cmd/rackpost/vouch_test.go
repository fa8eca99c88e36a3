package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate"
	"rackpost/replicate/control"
	"rackpost/replicate/mode"
	"rackpost/replicate/trust"
)

// vouching is a box of a pair whose Raft is led by somebody in other hands: what it writes is applied as it is.
type vouching struct {
	*pairing
	t     *testing.T
	index uint64
}

func newVouching(t *testing.T) *vouching {
	t.Helper()
	box := boxConfig{name: "box-a", data: t.TempDir(), pair: pairConfig{listen: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1")}}}
	site, origin := journal.ID{1}, journal.ID{2}
	_, err := trust.Found(pairFolderOf(box), trust.Founder{Name: box.name, Site: site.String(), Origin: origin.String(), Now: time.Now(), Trusted: true})
	if err != nil {
		t.Fatal(err)
	}
	p, err := openPairing(box, pairNeeds{}, pairCuts{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	v := &vouching{pairing: p, t: t}
	c, err := memberPut(p.agreed.State(), agreedMember(p.keeper.Identity().Self), "anna", "", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	v.box(c)
	return v
}

// raft applies what the leader of Raft wrote.
func (v *vouching) raft(c control.Command) {
	v.t.Helper()
	b, err := control.Encode(c)
	if err != nil {
		v.t.Fatal(err)
	}
	v.index++
	if err := v.agreed.Apply(v.index, b); err != nil {
		v.t.Fatal(err)
	}
}

// box applies what this box proposed.
func (v *vouching) box(c control.Command) { v.vouch(c); v.raft(c) }

func (v *vouching) secret(name, value string) *control.Put {
	v.t.Helper()
	sealed, err := trust.Seal(name, []byte(value), trust.Recipients(v.members()))
	if err != nil {
		v.t.Fatal(err)
	}
	content, err := json.Marshal(sealed)
	if err != nil {
		v.t.Fatal(err)
	}
	now, _ := v.agreed.State().Document(control.Secret + name)
	return &control.Put{Name: control.Secret + name, Expected: now.Version, Content: content, Who: "anna", At: time.Now()}
}

// TestLeaderInOtherHands: whoever writes the log of Raft without being a box adds no member, has no secret sealed to itself,
// sets none, lets nobody in and changes no site.
func TestLeaderInOtherHands(t *testing.T) {
	t.Parallel()
	v := newVouching(t)
	v.box(v.secret("core", "public"))
	v.box(&control.Put{Name: control.Site, Content: []byte("good"), Who: "anna", At: time.Now()})
	v.box(&control.Invite{Hash: [32]byte{1}, Role: mode.Box, Who: "anna", At: time.Now(), Expires: time.Now().Add(time.Hour)})

	eve := v.keeper.Identity().Self
	eve.Node, eve.Name, eve.Origin = mode.NodeID{0xee}, "box-e", "origin-of-eve"
	name, content, err := agreedMember(eve).Document()
	if err != nil {
		t.Fatal(err)
	}
	v.raft(&control.Put{Name: name, Content: content, Who: "anna", At: time.Now()})
	v.raft(&control.Invite{Hash: [32]byte{2}, Role: mode.Box, Who: "anna", At: time.Now(), Expires: time.Now().Add(time.Hour)})
	bad := &control.Put{Name: control.Site, Expected: 1, Content: []byte("bad"), Who: "anna", At: time.Now()}
	v.raft(bad)

	if list := v.members(); len(list) != 1 || list[0].Name != "box-a" {
		t.Errorf("members: %v", list)
	}
	if list := (desk{v.pairing}).Grants(); len(list) != 1 || list[0].Hash != [32]byte{1} {
		t.Errorf("%d tokens let in", len(list))
	}
	state := v.agreed.State()
	d, _ := state.Document(control.Secret + "core")
	if c, err := v.resealed(d); c != nil || err != nil {
		t.Errorf("a secret is sealed anew: %v, %v", c, err)
	}
	site, _ := state.Document(control.Site)
	if err := (&appliance{pair: v.pairing}).takeVersion(state, site); !errors.Is(err, errNotVouched) || !strings.Contains(err.Error(), "take out the one") {
		t.Errorf("a site that no box made: %v", err)
	}

	v.raft(v.secret("core", "of eve"))
	if _, err := v.openSecret(v.agreed.State(), "core"); !errors.Is(err, errNotVouched) {
		t.Errorf("a secret that no box set: %v", err)
	}
	v.box(v.secret("core", "new"))
	if s, err := v.openSecret(v.agreed.State(), "core"); s != "new" || err != nil {
		t.Errorf("%q, %v after a box set it", s, err)
	}
	if d, _ := v.agreed.State().Document(control.Site); v.vouched(d) {
		t.Error("the site is believed")
	}

	// Its own document in other words is not its own, and it does not vouch for that.
	self := agreedMember(v.keeper.Identity().Self)
	self.Name = "box-x"
	name, content, err = self.Document()
	if err != nil {
		t.Fatal(err)
	}
	v.raft(&control.Put{Name: name, Expected: 1, Content: content, Who: "anna", At: time.Now()})
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := v.introduceOnce(ctx); err != nil {
		t.Errorf("it introduces itself with another's words: %v", err)
	}
	if list := v.members(); len(list) != 1 || list[0].Name != "box-a" {
		t.Errorf("members: %v", list)
	}
	if r := trust.Recipients(v.members()); len(r) != 1 || r[0] != self.Recipient {
		t.Errorf("secrets are sealed to %v", r)
	}
}

// TestForgedMember: who leads Raft and is no box does not shut a member out by writing over what is agreed on of it; that is told, and put
// right, as is whom no box let in.
func TestForgedMember(t *testing.T) {
	t.Parallel()
	v := newVouching(t)
	if err := v.keeper.SetMembers(v.members()); err != nil {
		t.Fatal(err)
	}
	self := agreedMember(v.keeper.Identity().Self)
	put := func(m control.Member) {
		c, err := memberPut(v.agreed.State(), m, "eve", "", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		v.raft(c)
	}
	other := self
	other.Paths = []control.Path{{Name: "lan", Address: "192.0.2.66:1"}}
	put(other)
	put(control.Member{Node: mode.NodeID{0xee}, Name: "eve", Role: mode.Witness, Speaks: control.Level})
	if list := v.members(); len(list) != 1 || list[0].Node != self.Node || list[0].Addresses["lan"] == "192.0.2.66:1" {
		t.Errorf("members: %v", list)
	}
	v.box(&control.Put{Name: control.Site, Content: []byte("good"), Who: "anna", At: time.Now()})
	if a, ok := v.forgedAlarm(v.agreed.State()); !ok || !strings.Contains(a.Text, "box-a") || !strings.Contains(a.Text, "member ee000000") {
		t.Errorf("the alarm: %v %q", ok, a.Text)
	}
	commands, err := v.untidy(v.agreed.State())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range commands {
		v.box(c)
	}
	if a, ok := v.forgedAlarm(v.agreed.State()); ok {
		t.Errorf("after it was put right: %s", a.Text)
	}
	if list := v.agreedMembers(v.agreed.State()); len(list) != 1 || list[0].Node != self.Node {
		t.Errorf("agreed on: %v", list)
	}
}

// TestTwoWitnessesAtOnce: what the other box let in a moment before is said in words to who comes too late.
func TestTwoWitnessesAtOnce(t *testing.T) {
	t.Parallel()
	words := (&replicate.RefusedError{Reason: "refused: the pair has a witness, w"}).Error()
	err := joinRefusal(fmt.Errorf("agree: %w", &replicate.RefusedError{Reason: words}))
	var refusal *trust.Refusal
	if !errors.As(err, &refusal) || refusal.Reason != trust.Taken || refusal.Words != "the pair has a witness, w" {
		t.Errorf("it is told %v", err)
	}
	for _, other := range []error{nil, replicate.ErrNoAuthority, &replicate.RefusedError{Reason: "member/x exists already"}} {
		if got := joinRefusal(other); got != other {
			t.Errorf("%v is told as %v", other, got)
		}
	}
}

// TestIntroductionsAreChecked: a member says its name, its addresses and what it speaks; a stranger says nothing, and nobody takes
// another's name.
func TestIntroductionsAreChecked(t *testing.T) {
	t.Parallel()
	v := newVouching(t)
	witness := trust.Member{Node: mode.NodeID{3}, Name: "witness-1", Role: mode.Witness, Addresses: map[string]string{"lan": "192.0.2.3:7000"}}
	c, err := memberPut(v.agreed.State(), agreedMember(witness), "anna", "", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	v.box(c)
	ask := func(from mode.NodeID, said introduction) error {
		body, err := json.Marshal(said)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		_, err = v.answerIntroduction(ctx, from, body)
		return err
	}
	paths := []control.Path{{Name: "lan", Address: "192.0.2.3:7000"}}
	if err := ask(witness.Node, introduction{"witness-1", paths, control.Level}); err != nil {
		t.Errorf("what is known: %v", err)
	}
	if err := ask(witness.Node, introduction{"witness-2", paths, control.Level}); !errors.Is(err, replicate.ErrNoAuthority) {
		t.Errorf("another name is not proposed: %v", err)
	}
	if err := ask(witness.Node, introduction{"witness-3", paths, control.Level}); err == nil || !strings.Contains(err.Error(), "a moment ago") {
		t.Errorf("one after the other is proposed: %v", err)
	}
	for what, err := range map[string]error{
		"a stranger": ask(mode.NodeID{9}, introduction{"witness-9", paths, 1}), "another's name": ask(witness.Node, introduction{"box-a", paths, 1}),
		"no name": ask(witness.Node, introduction{"", paths, 1}), "no address": ask(witness.Node, introduction{"witness-1", []control.Path{{Name: "lan", Address: "x"}}, 1}),
	} {
		if err == nil || errors.Is(err, replicate.ErrNoAuthority) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := v.answerIntroduction(t.Context(), witness.Node, []byte("{")); err == nil {
		t.Error("half an introduction is taken")
	}
}

// TestWhoWasFasterIsWaitedFor: a box that follows hears a moment later why its change was refused, and whose was taken; it knows its
// own when only the answer was lost.
func TestWhoWasFasterIsWaitedFor(t *testing.T) {
	t.Parallel()
	v := newVouching(t)
	put := func(base uint64, text, who string) {
		v.box(&control.Put{Name: control.Site, Expected: base, Content: []byte(text), Who: who, At: time.Now()})
	}
	put(0, "one", "anna")
	seen := make(chan control.State)
	go func() { seen <- v.siteAfter(t.Context(), 1) }()
	put(1, "two", "bob")
	state := <-seen
	if newestSite(state) != 2 || !strings.Contains(changedMeanwhile(state, 1).Error(), "version 2 by bob") {
		t.Errorf("version %d: %v", newestSite(state), changedMeanwhile(state, 1))
	}
	if madeOf(state, siteOrder{Base: 1, Text: "two"}, "anna") || !madeOf(state, siteOrder{Base: 1, Text: "two"}, "bob") {
		t.Error("it does not know whose version 2 is")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if state := v.siteAfter(ctx, 2); newestSite(state) != 2 {
		t.Error("it waits for ever")
	}
}
