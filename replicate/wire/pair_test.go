package wire_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"

	"rackpost/replicate/mode"
	"rackpost/replicate/wire"
)

func address(m *member) raft.ServerAddress { return raft.ServerAddress(m.peer.Node.String()) }

// echo answers on every connection Raft would get, until the layer is closed.
func echo(l raft.StreamLayer) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			_, _ = io.Copy(c, c)
			_ = c.Close()
		}()
	}
}

// says writes a word and wants it back.
func says(c net.Conn) error {
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.WriteString(c, "hello"); err != nil {
		return err
	}
	b := make([]byte, 5)
	if _, err := io.ReadFull(c, b); err != nil {
		return err
	}
	if string(b) != "hello" {
		return fmt.Errorf("%q came back", b)
	}
	return nil
}

func TestPairIsHeardOnEveryPath(t *testing.T) {
	t.Parallel()
	h, a, b := pair(t, "cable", "lan")
	b.Announce(mode.Hello{Life: "life of m2", Generation: mode.Generation{Counter: 1}, Mode: mode.Leader, Authority: true, Term: 4, Applied: 99, Last: 12})
	eventually(t, "a knows that b has authority", func() bool {
		list := a.Contacts()
		return len(list) == 2 && list[0].Authority && list[1].Authority
	})
	want := mode.Hello{Node: b.peer.Node, Role: mode.Box, Life: "life of m2", Generation: mode.Generation{Counter: 1}, Mode: mode.Leader, Authority: true, Term: 4, Applied: 99, Last: 12}
	for i, c := range a.Contacts() {
		if diff := cmp.Diff(want, c.Hello); diff != "" || c.Path != h.paths[i] {
			t.Errorf("on %s (-want +got):\n%s", c.Path, diff)
		}
	}
	eventually(t, "a's own calls are answered too", func() bool {
		return !slices.ContainsFunc(a.Links(), func(l wire.Link) bool { return l.RoundTrip <= 0 || l.Failed != "" })
	})
	for _, l := range a.Links() {
		if l.RoundTrip <= 0 || l.Name != "m2" || l.Version != "v1" || l.Address == "" || l.Failed != "" {
			t.Errorf("link %+v", l)
		}
	}
	if m := a.Memory()[b.peer.Node]; m.Life != "life of m2" || m.Applied != 99 || m.Term != 4 {
		t.Errorf("remembered is %+v", m)
	}
}

// TestWitness calls nobody, and yet hears the boxes on both ways.
func TestWitness(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "lan")
	a, b, w := h.add(mode.Box, nil), h.add(mode.Box, nil), h.add(mode.Witness, nil)
	h.meet()
	h.run(a, b, w)
	for _, box := range []*member{a, b} {
		h.hears(w, box)
		h.hears(box, w)
	}
	if _, err := a.DialJournal(t.Context(), w.peer.Node); err == nil || !strings.Contains(err.Error(), "witness") {
		t.Errorf("a journal for a witness: %v", err)
	}
	b.stop()
	eventually(t, "the witness knows that a box is gone", func() bool { return silent(w, b, "lan") > 10*h.quick })
	h.hears(w, a)
}

func TestRequests(t *testing.T) {
	t.Parallel()
	_, a, b := pair(t, "lan")
	b.Handle(wire.MethodNode, func(_ context.Context, from mode.NodeID, body []byte) ([]byte, error) {
		if from != a.peer.Node {
			return nil, errors.New("who is that")
		}
		return append([]byte("you said "), body...), nil
	})
	b.Handle("fail", func(context.Context, mode.NodeID, []byte) ([]byte, error) {
		return nil, fmt.Errorf("propose: %w", &wire.Failure{Code: "no_authority", Words: "ask the leader"})
	})
	b.Handle("large", func(context.Context, mode.NodeID, []byte) ([]byte, error) { return make([]byte, 2<<20), nil })
	if got, err := a.Ask(t.Context(), b.peer.Node, []byte("hi")); err != nil || string(got) != "you said hi" {
		t.Errorf("%q, %v", got, err)
	}
	_, err := a.Request(t.Context(), b.peer.Node, "fail", nil)
	var f *wire.Failure
	if !errors.As(err, &f) || f.Code != "no_authority" || f.Words != "propose: ask the leader" || errors.Is(err, wire.ErrUndelivered) {
		t.Errorf("a handler's error arrives as %v", err)
	}
	if _, err := a.Request(t.Context(), b.peer.Node, "large", nil); !errors.As(err, &f) {
		t.Errorf("an answer that is too large: %v", err)
	}
	for what, ask := range map[string]func() ([]byte, error){
		"unknown method": func() ([]byte, error) { return a.Request(t.Context(), b.peer.Node, "dance", nil) },
		"too large":      func() ([]byte, error) { return a.Request(t.Context(), b.peer.Node, "fail", make([]byte, 2<<20)) },
		"no such member": func() ([]byte, error) { return a.Ask(t.Context(), mode.NewNodeID(), nil) },
	} {
		if _, err := ask(); !errors.Is(err, wire.ErrUndelivered) {
			t.Errorf("%s: %v", what, err)
		}
	}
	body := make([]byte, 1<<20)
	if got, err := a.Ask(t.Context(), b.peer.Node, body[:len(body)-9]); err != nil || len(got) != len(body) {
		t.Errorf("1 MB: %d bytes back, %v", len(got), err)
	}
}

// TestRequestEnds: a handler that hangs costs the caller what it waits, and the called one no more.
func TestRequestEnds(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "lan")
	short := func(c *wire.Config) { c.Request = 200 * time.Millisecond }
	a, b := h.add(mode.Box, short), h.add(mode.Box, short)
	h.meet()
	h.run(a, b)
	ended := make(chan struct{})
	b.Handle("hang", func(ctx context.Context, _ mode.NodeID, _ []byte) ([]byte, error) {
		<-ctx.Done()
		close(ended)
		return nil, ctx.Err()
	})
	eventually(t, "b listens", func() bool {
		_, err := a.Request(t.Context(), b.peer.Node, "nothing", nil)
		return err != nil && strings.Contains(err.Error(), "does not answer")
	})
	if _, err := a.Request(t.Context(), b.peer.Node, "hang", nil); err == nil || errors.Is(err, wire.ErrUndelivered) {
		t.Errorf("a request that hangs: %v", err)
	}
	<-ended
}

func TestJournalsAndRaft(t *testing.T) {
	t.Parallel()
	_, a, b := pair(t, "cable", "lan")
	taken := make(chan *wire.Conn, 1)
	go func() {
		c, err := b.AcceptJournal(t.Context())
		if err == nil {
			_, _ = io.Copy(c, c)
		}
		taken <- c
	}()
	c, err := a.DialJournal(t.Context(), b.peer.Node)
	if err != nil {
		t.Fatal(err)
	}
	if err := says(c); err != nil {
		t.Errorf("journal: %v", err)
	}
	_ = c.Close()
	if other := <-taken; other == nil || other.Peer.Node != a.peer.Node || c.Peer.Node != b.peer.Node || c.Path != other.Path || c.Protocol != 1 { // TestOrder says which path
		t.Errorf("connections %+v and %+v", c, other)
	}
	la, lb := a.Raft(), b.Raft()
	go echo(lb)
	rc, err := la.Dial(address(b), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if err := says(rc); err != nil {
		t.Errorf("raft: %v", err)
	}
	if la.Addr().String() != a.peer.Node.String() {
		t.Errorf("raft's address of a is %s", la.Addr())
	}
	if _, err := la.Dial("192.0.2.1:1", time.Second); err == nil {
		t.Error("raft dials what is no member")
	}
	traffic := map[string]bool{}
	for _, x := range a.Traffic() {
		traffic[x.Protocol] = x.BytesIn > 500 && x.BytesOut > 500 && x.Connections > 0 && x.Node == b.peer.Node
	}
	if diff := cmp.Diff(map[string]bool{wire.Raft: true, wire.Journal: true, wire.Health: true}, traffic); diff != "" {
		t.Errorf("traffic (-want +got):\n%s", diff)
	}
}

// TestCut: the disk watchdog ends what Raft has, at both ends, and lets nothing in.
func TestCut(t *testing.T) {
	t.Parallel()
	_, a, b := pair(t, "lan")
	la, lb := a.Raft(), b.Raft()
	go echo(la)
	go echo(lb)
	c, err := la.Dial(address(b), time.Second)
	if err != nil || says(c) != nil {
		t.Fatal(err)
	}
	a.Cut(true)
	if err := says(c); err == nil {
		t.Error("a connection survives")
	}
	if _, err := la.Dial(address(b), time.Second); err == nil {
		t.Error("a calls for raft")
	}
	if _, err := lb.Dial(address(a), time.Second); err == nil || !strings.Contains(err.Error(), "disk is slow") {
		t.Errorf("b calls for raft: %v", err)
	}
	a.Cut(false)
	for from, l := range map[*member]raft.StreamLayer{b: la, a: lb} {
		if c, err := l.Dial(address(from), time.Second); err != nil || says(c) != nil {
			t.Errorf("to %s afterwards: %v", from.peer.Name, err)
		}
	}
	again := a.Raft()
	if _, err := la.Dial(address(b), time.Second); err == nil {
		t.Error("a layer that was replaced calls")
	}
	if _, err := la.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a layer that was replaced takes callers: %v", err)
	}
	if c, err := again.Dial(address(b), time.Second); err != nil || says(c) != nil {
		t.Errorf("the new layer: %v", err)
	}
}

// layer calls over a layer of Raft, and hangs up.
type layer struct{ raft.StreamLayer }

func (l layer) dial(to *member) error {
	c, err := l.Dial(address(to), 2*time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	return says(c)
}

// raftBytes is what went over connections for Raft that both sides wanted.
func raftBytes(m *member) (n uint64) {
	for _, x := range m.Traffic() {
		if x.Protocol == wire.Raft {
			n += x.BytesIn + x.BytesOut
		}
	}
	return n
}
