package wire_test

import (
	"testing"
	"time"

	"rackpost/replicate/mode"
	"rackpost/replicate/wire"
)

// TestOnePathCut: what went over the path that is cut goes on over the other, and both boxes know
// which of the two it is.
func TestOnePathCut(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]func(h *house, a, b *member){
		"both ways": func(h *house, a, b *member) { h.lab.cut(a, b, "cable") },
		"from a":    func(h *house, a, b *member) { h.lab.oneWay(a, b, "cable") },
		"to a":      func(h *house, a, b *member) { h.lab.oneWay(b, a, "cable") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, a, b := pair(t, "cable", "lan")
			la, lb := a.Raft(), b.Raft()
			go echo(lb)
			var journal *wire.Conn
			eventually(t, "a journal goes over the cable, which is the best path", func() bool {
				c, err := a.DialJournal(t.Context(), b.peer.Node)
				if err == nil && c.Path == "cable" {
					journal = c
				} else if err == nil {
					_ = c.Close()
				}
				return journal != nil
			})
			cut(h, a, b)
			began := time.Now()
			c, err := la.Dial(address(b), 2*time.Second)
			if err != nil || says(c) != nil {
				t.Fatalf("raft while the cable is cut: %v", err)
			}
			t.Logf("raft connected %v after the cut", time.Since(began))
			ended := make(chan error, 1)
			go func() { _, err := journal.Read(make([]byte, 1)); ended <- err }()
			select {
			case err := <-ended:
				if err == nil {
					t.Error("something was said on the journal's connection")
				}
			case <-time.After(20 * time.Second):
				t.Fatal("the journal's connection over the cable stays")
			}
			for _, x := range [][2]*member{{a, b}, {b, a}} {
				eventually(t, "the cable is silent", func() bool { return silent(x[0], x[1], "cable") > 10*h.quick })
				h.hears(x[0], x[1], "lan")
			}
			if again, err := a.DialJournal(t.Context(), b.peer.Node); err != nil || again.Path != "lan" {
				t.Errorf("a journal meanwhile: %v, %v", again, err)
			}
			h.lab.mend("cable")
			a.LinkUp("cable")
			b.LinkUp("cable")
			h.hears(a, b)
			h.hears(b, a)
			eventually(t, "a journal goes over the cable again", func() bool {
				again, err := a.DialJournal(t.Context(), b.peer.Node)
				return err == nil && again.Close() == nil && again.Path == "cable"
			})
		})
	}
}

// TestAllPathsCut: nobody is heard, every call ends in its time, and all heals by itself.
func TestAllPathsCut(t *testing.T) {
	t.Parallel()
	h, a, b := pair(t, "cable", "lan")
	la := a.Raft()
	h.lab.cut(a, b, "cable")
	h.lab.cut(a, b, "lan")
	began := time.Now()
	if c, err := la.Dial(address(b), 300*time.Millisecond); err == nil {
		t.Errorf("raft is connected over %v", c)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("a call of 300 ms took %v", took)
	}
	for _, path := range h.paths {
		eventually(t, path+" is silent", func() bool { return silent(a, b, path) > 20*h.quick && silent(b, a, path) > 20*h.quick })
	}
	h.lab.mend("cable")
	h.lab.mend("lan")
	h.hears(a, b)
	h.hears(b, a)
}

// TestPeerRestarts: a box that was away is heard again, and its new life is told.
func TestPeerRestarts(t *testing.T) {
	t.Parallel()
	h, a, b := pair(t, "lan")
	b.Announce(mode.Hello{Life: "second"})
	eventually(t, "the new life is known", func() bool { return a.Contacts()[0].Life == "second" })
	if m := a.Memory()[b.peer.Node]; m.Life != "second" || len(m.Left) != 1 {
		t.Errorf("remembered is %+v", m)
	}
	b.stop()
	eventually(t, "b is away", func() bool { return silent(a, b, "lan") > 10*h.quick })
	changed := a.Changed()
	h.members = h.members[:1]
	again := h.add(mode.Box, func(c *wire.Config) { c.Node, c.Trust = b.peer.Node, b.trust })
	again.peer = b.peer
	if err := again.SetPeers([]wire.Peer{a.peer}); err != nil {
		t.Fatal(err)
	}
	h.run(again)
	h.hears(a, again)
	<-changed
}

// TestRemoved: a member that is removed is cut off at once, and told why when it calls.
func TestRemoved(t *testing.T) {
	t.Parallel()
	_, a, b := pair(t, "lan")
	journal, err := b.DialJournal(t.Context(), a.peer.Node)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.SetPeers(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.Read(make([]byte, 1)); err == nil {
		t.Error("a removed member's connection stays")
	}
	if list := a.Contacts(); len(list) != 0 {
		t.Errorf("contacts of who is no member: %+v", list)
	}
	refused(t, a, b, wire.NotMember)
	if err := a.SetPeers([]wire.Peer{b.peer}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is heard when it is a member again", func() bool { return silent(a, b, "lan") < time.Second })
}
