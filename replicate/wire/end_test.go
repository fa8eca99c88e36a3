package wire_test

import (
	"context"
	"errors"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rackpost/replicate/mode"
	"rackpost/replicate/wire"
)

// own counts the goroutines that are in this package's code on behalf of a member.
func own() (n int) {
	b := make([]byte, 1<<20)
	b = b[:runtime.Stack(b, true)]
	for _, g := range strings.Split(string(b), "\n\n") {
		if strings.Contains(g, "rackpost/replicate/wire.(*") {
			n++
		}
	}
	return n
}

// TestRunEndsAll: nothing of a Wire goes on when Run has returned. It is alone in the process when
// it counts, so it is not parallel.
func TestRunEndsAll(t *testing.T) {
	if n := own(); n != 0 {
		t.Fatalf("%d goroutines before it began", n)
	}
	h, a, b := pair(t, "cable", "lan")
	la, lb := a.Raft(), b.Raft()
	echoed := make(chan struct{})
	go func() { defer close(echoed); echo(lb) }()
	if _, err := la.Dial(address(b), time.Second); err != nil {
		t.Fatal(err)
	}
	if _, err := a.DialJournal(t.Context(), b.peer.Node); err != nil {
		t.Fatal(err)
	}
	b.Handle("wait", func(ctx context.Context, _ mode.NodeID, _ []byte) ([]byte, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	asked := make(chan error, 1)
	go func() {
		_, err := a.Request(context.Background(), b.peer.Node, "wait", nil)
		asked <- err
	}()
	slow := from(t, h.net+".210", listens(t, a))
	_, _ = slow.Write([]byte{0x16})
	began := time.Now()
	a.stop()
	b.stop()
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it took %v to end", took)
	}
	if err := <-asked; err == nil {
		t.Error("a request was answered")
	}
	eventually(t, "the layer of Raft ends", func() bool { _, err := lb.Accept(); return errors.Is(err, net.ErrClosed) })
	<-echoed
	// What closes a connection that its context let go may be doing it still.
	eventually(t, "every goroutine ends", func() bool { return own() == 0 })
	if _, err := a.AcceptJournal(t.Context()); !errors.Is(err, wire.ErrNotRunning) {
		t.Errorf("a journal afterwards: %v", err)
	}
	if _, err := a.Ask(t.Context(), b.peer.Node, nil); !errors.Is(err, wire.ErrNotRunning) {
		t.Errorf("a request afterwards: %v", err)
	}
	if err := a.Run(t.Context()); err == nil {
		t.Error("it runs twice")
	}
}

// TestListensLater: a path whose cable is not in yet stops nobody, and works when it is.
func TestListensLater(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "cable", "lan")
	var there atomic.Bool
	a := h.add(mode.Box, func(c *wire.Config) {
		c.Listen = func(ctx context.Context, path, address string) (net.Listener, error) {
			if path == "cable" && !there.Load() {
				return nil, errors.New("cannot assign requested address")
			}
			return h.lab.listen(ctx, path, address)
		}
	})
	b := h.add(mode.Box, nil)
	h.meet()
	h.run(a, b)
	h.hears(b, a, "lan")
	there.Store(true)
	h.hears(b, a)
}

// TestRealTCP uses the sockets of the program instead of the tests'.
func TestRealTCP(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "lan")
	real := func(c *wire.Config) { c.Dial, c.Listen = nil, nil }
	a, b := h.add(mode.Box, real), h.add(mode.Box, real)
	h.meet()
	h.run(a, b)
	h.hears(a, b)
	b.Handle(wire.MethodNode, func(_ context.Context, _ mode.NodeID, body []byte) ([]byte, error) { return body, nil })
	if got, err := a.Ask(t.Context(), b.peer.Node, []byte("x")); err != nil || string(got) != "x" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "lan")
	good := h.add(mode.Box, nil).conf
	for name, change := range map[string]func(*wire.Config){
		"no cluster":        func(c *wire.Config) { c.Cluster = [16]byte{} },
		"no trust":          func(c *wire.Config) { c.Trust = nil },
		"no path":           func(c *wire.Config) { c.Paths = nil },
		"no port":           func(c *wire.Config) { c.Paths = []wire.Path{{Name: "lan", Address: "127.0.0.1"}} },
		"a path twice":      func(c *wire.Config) { c.Paths = append(c.Paths, c.Paths...) },
		"a long version":    func(c *wire.Config) { c.Version = strings.Repeat("v", 65) },
		"a large body":      func(c *wire.Config) { c.MaxBody = 9 << 20 },
		"a range backwards": func(c *wire.Config) { c.Protocols = wire.Protocols{Oldest: 2, Newest: 1} },
	} {
		conf := good
		change(&conf)
		if _, err := wire.New(conf); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
	w, err := wire.New(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, list := range map[string][]wire.Peer{
		"itself":  {{Node: good.Node, Role: mode.Box}},
		"twice":   {{Node: mode.NodeID{1}, Role: mode.Box}, {Node: mode.NodeID{1}, Role: mode.Box}},
		"no role": {{Node: mode.NodeID{1}}},
		"many":    make([]wire.Peer, 17),
	} {
		if err := w.SetPeers(list); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
}

// TestRaftProves: an answer to Raft counts as one to a ping, so that two connections must stall
// before a member seems silent.
func TestRaftProves(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "lan")
	h.quick = 2 * time.Second
	a, b := h.add(mode.Box, nil), h.add(mode.Box, nil)
	h.meet()
	h.run(a, b)
	h.hears(a, b)
	la, lb := a.Raft(), b.Raft()
	go echo(lb)
	c, err := la.Dial(address(b), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	before := a.Links()[0]
	if err := says(c); err != nil {
		t.Fatal(err)
	}
	if after := a.Links()[0]; after.Silent >= before.Silent || after.RoundTrip != before.RoundTrip {
		t.Errorf("silent for %v before Raft was answered and %v after", before.Silent, after.Silent)
	}
}
