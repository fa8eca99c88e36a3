package wire_test

import (
	"strings"
	"testing"
	"time"

	"rackpost/replicate/mode"
	"rackpost/replicate/wire"
)

// refused waits until a has refused b for this reason, and b knows that it was, and returns what b was told.
func refused(t testing.TB, a, b *member, reason wire.Reason) string {
	t.Helper()
	words := ""
	find := func(m, other *member, theirs bool) bool {
		for _, r := range m.Refusals() {
			if r.Reason == reason && r.Theirs == theirs && r.Node == other.peer.Node && r.Count > 0 && r.Path != "" && r.Words != "" {
				words = r.Words
				return true
			}
		}
		return false
	}
	eventually(t, "refused for the reason "+reason.String(), func() bool { return find(a, b, false) && find(b, a, true) })
	return words
}

// strangers are two boxes of which the second is not what the first expects.
func strangers(t *testing.T, change func(h *house, c *wire.Config)) (*house, *member, *member) {
	h := newHouse(t, "lan")
	a := h.add(mode.Box, nil)
	b := h.add(mode.Box, func(c *wire.Config) { change(h, c) })
	h.meet()
	h.run(a, b)
	return h, a, b
}

func TestRefusedInWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		reason wire.Reason
		says   string
		change func(h *house, c *wire.Config)
	}{
		{wire.OtherCluster, "pair leave", func(_ *house, c *wire.Config) { c.Cluster = mode.NewNodeID() }},
		{wire.OtherProtocol, "update the older", func(_ *house, c *wire.Config) { c.Protocols = wire.Protocols{Oldest: 7, Newest: 9} }},
		{wire.Impostor, "another member than your certificate", func(_ *house, c *wire.Config) { c.Role = mode.Witness }},
	} {
		t.Run(c.reason.String(), func(t *testing.T) {
			t.Parallel()
			_, a, b := strangers(t, c.change)
			if words := refused(t, a, b, c.reason); !strings.Contains(words, c.says) {
				t.Errorf("it is told %q, which does not say %q", words, c.says)
			}
			if list := a.Contacts(); len(list) != 0 {
				t.Errorf("contact with who was refused: %+v", list)
			}
		})
	}
}

// TestForeignCertificate: TLS carries no words, so each side finds its own.
func TestForeignCertificate(t *testing.T) {
	t.Parallel()
	_, a, b := strangers(t, func(h *house, c *wire.Config) { c.Trust = newAuthority(h.t).keeper(h.t, c.Node, c.Role) })
	for _, m := range []*member{a, b} {
		eventually(t, m.peer.Name+" says why", func() bool {
			ours, theirs := false, false
			for _, r := range m.Refusals() {
				ours = ours || !r.Theirs && r.Reason == wire.Untrusted && strings.Contains(r.Words, "CA")
				theirs = theirs || r.Theirs && r.Reason == wire.Untrusted && strings.Contains(r.Words, "another pair")
			}
			return ours && theirs
		})
		if list := m.Contacts(); len(list) != 0 {
			t.Errorf("contact with a stranger: %+v", list)
		}
	}
	for _, l := range a.Links() {
		if l.Failed == "" || l.Silent != mode.Never {
			t.Errorf("the link's state does not say that calls fail: %+v", l)
		}
	}
}

// TestWrongAddress: the member that answers is not the one that was meant.
func TestWrongAddress(t *testing.T) {
	t.Parallel()
	h, a, b := pair(t, "lan")
	c := h.add(mode.Box, nil)
	wrong := c.peer
	wrong.Paths = b.peer.Paths
	if err := a.SetPeers([]wire.Peer{b.peer, wrong}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is said who answers", func() bool {
		for _, r := range a.Refusals() {
			if r.Reason == wire.Impostor && strings.Contains(r.Words, b.peer.Node.String()) {
				return true
			}
		}
		return false
	})
	if silent(a, c, "lan") != mode.Never {
		t.Error("the other member's answers count for it")
	}
}

// TestGenerations: after a takeover no byte of Raft crosses, in either direction, while everything
// else does, so that both learn of it.
func TestGenerations(t *testing.T) {
	t.Parallel()
	_, a, b := pair(t, "cable", "lan")
	la, lb := a.Raft(), b.Raft()
	go echo(la)
	go echo(lb)
	open, err := la.Dial(address(b), time.Second)
	if err != nil || says(open) != nil {
		t.Fatal(err)
	}
	higher := mode.Generation{Counter: 2, Random: 5}
	b.Announce(mode.Hello{Life: "life of m2", Generation: higher, Mode: mode.Solo, Authority: true, Term: 9, Applied: 20, Last: 20})
	eventually(t, "a knows of the takeover", func() bool {
		c := a.Contacts()
		return c[0].Generation == higher && c[1].Generation == higher
	})
	if err := says(open); err == nil {
		t.Error("a raft connection outlives the generation it was opened in")
	}
	before := raftBytes(b)
	for from, l := range map[*member]interface {
		dial(to *member) error
	}{a: layer{la}, b: layer{lb}} {
		to := a
		if from == a {
			to = b
		}
		if err := l.dial(to); err == nil || !strings.Contains(err.Error(), "other generation") {
			t.Errorf("%s calls for raft: %v", from.peer.Name, err)
		}
		if words := refused(t, to, from, wire.OtherGeneration); !strings.Contains(words, "takeover") {
			t.Errorf("%s is told %q", from.peer.Name, words)
		}
	}
	if after := raftBytes(b); after != before {
		t.Errorf("%d bytes crossed", after-before)
	}
	if _, err := a.DialJournal(t.Context(), b.peer.Node); err != nil {
		t.Errorf("journals: %v", err)
	}
	a.Announce(mode.Hello{Life: "third", Generation: higher, Mode: mode.Rejoin})
	if err := (layer{la}).dial(b); err != nil {
		t.Errorf("raft of one generation: %v", err)
	}
}

// TestMustRejoin: a box put back from an old image is told so when Raft calls, and everything but
// Raft goes on.
func TestMustRejoin(t *testing.T) {
	t.Parallel()
	_, a, b := pair(t, "lan")
	la, lb := a.Raft(), b.Raft()
	go echo(la)
	go echo(lb)
	if err := (layer{la}).dial(b); err != nil {
		t.Fatal(err)
	}
	b.Announce(mode.Hello{Life: "life of m2", Boot: 2, Generation: mode.Generation{Counter: 1}, Term: 3, Applied: 5, Last: 6})
	if err := (layer{la}).dial(b); err == nil || !strings.Contains(err.Error(), "must rejoin") {
		t.Errorf("raft with an old image: %v", err)
	}
	if words := refused(t, a, b, wire.MustRejoin); !strings.Contains(words, "applied index 10 and its log ends at 6") {
		t.Errorf("it is told %q", words)
	}
	if !b.Outdated("life of m2") || b.Outdated("another") || a.Outdated("life of m1") {
		t.Error("not the life that was refused is outdated")
	}
	if err := (layer{lb}).dial(a); err == nil {
		t.Error("an old image calls for raft and is let in")
	}
	b.Announce(mode.Hello{Life: "another", Generation: mode.Generation{Counter: 1}, Term: 1, Last: 1})
	if err := (layer{la}).dial(b); err != nil {
		t.Errorf("raft with a new life: %v", err)
	}
}
