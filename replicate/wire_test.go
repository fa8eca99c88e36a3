package replicate_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"rackpost/replicate"
	"rackpost/replicate/mode"
	"rackpost/replicate/raftlog"
	"rackpost/replicate/trust"
	"rackpost/replicate/wire"
)

// cable is the network between two boxes on 127.0.0.1, that can be cut.
type cable struct {
	mu    sync.Mutex
	cut   bool
	conns map[net.Conn]bool
}

func (c *cable) dial(ctx context.Context, _, _, remote string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", remote)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut {
		_ = conn.Close()
		return nil, errors.New("the cable is cut")
	}
	c.conns[conn] = true
	return conn, nil
}

func (c *cable) set(cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = cut
	for conn := range c.conns {
		_ = conn.Close()
	}
	clear(c.conns)
}

// house is a box with all that is real: certificates, TLS over TCP, a log in a file.
type house struct {
	t      *testing.T
	dir    string
	keeper *trust.Keeper
	addr   net.Listener
	wire   *wire.Wire
	node   *replicate.Node
	state  *lines
	stop   func()
}

func newHouse(t *testing.T) *house {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return &house{t: t, dir: filepath.Join(t.TempDir(), "pair"), addr: l, state: &lines{}}
}

// desk takes in whoever comes.
type desk struct{ grant trust.Grant }

func (d desk) Grants() []trust.Grant                              { return []trust.Grant{d.grant} }
func (d desk) Take(context.Context, [32]byte, trust.Member) error { return nil }
func (d desk) Generation() mode.Generation                        { return mode.Generation{} }

func (d desk) Applied() uint64 { return 1 }

func (h *house) check(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// found makes two houses whose boxes know each other.
func foundHouses(t *testing.T) (a, b *house) {
	t.Helper()
	a, b = newHouse(t), newHouse(t)
	_, err := trust.Found(trust.Folder(a.dir), trust.Founder{Name: "a", Site: "3b0f8a52-7a11-4c55-9c1e-2f3b6f5d7a10",
		Addresses: map[string]string{"lan": a.addr.Addr().String()}, Origin: "aa", Now: time.Now(), Trusted: true})
	a.check(err)
	a.trust()
	token, grant, err := a.keeper.NewToken(mode.Box)
	a.check(err)
	j, err := trust.NewJoiner(trust.Folder(b.dir), token, trust.Candidate{Name: "b", Role: mode.Box,
		Addresses: map[string]string{"lan": b.addr.Addr().String()}, Origin: "bb"})
	a.check(err)
	_, err = j.Accept(a.keeper.Answer(t.Context(), j.Request(), desk{grant}))
	a.check(err)
	b.trust()
	b.check(b.keeper.SetMembers(a.keeper.Identity().Members))
	return a, b
}

func (h *house) trust() {
	var err error
	h.keeper, err = trust.New(trust.Config{Folder: trust.Folder(h.dir), Trusted: func() bool { return true }, Logger: slog.New(slog.DiscardHandler)})
	h.check(err)
}

func (h *house) id() mode.NodeID { return h.keeper.Identity().Self.Node }

// start runs wire and node until stop.
func (h *house) start(c *cable, first bool) {
	h.t.Helper()
	self := h.keeper.Identity()
	timers := mode.DefaultTimers()
	timers.Lease, timers.Demote, timers.Island, timers.Settle, timers.SettleMost = 2*time.Second, 700*time.Millisecond, 2*time.Second, time.Second, 2*time.Second
	var err error
	h.wire, err = wire.New(wire.Config{Cluster: self.Cluster, Node: self.Self.Node, Role: mode.Box, Trust: h.keeper, Dial: c.dial,
		Paths:  []wire.Path{{Name: "lan", Address: h.addr.Addr().String()}},
		Listen: func(context.Context, string, string) (net.Listener, error) { return h.addr, nil }})
	h.check(err)
	members := map[mode.NodeID]mode.Role{}
	var peers []wire.Peer
	for _, m := range self.Members {
		members[m.Node] = m.Role
		if m.Node != self.Self.Node {
			peers = append(peers, wire.Peer{Node: m.Node, Name: m.Name, Role: m.Role, Paths: []wire.Path{{Name: "lan", Address: m.Addresses["lan"]}}})
		}
	}
	h.check(h.wire.SetPeers(peers))
	h.node, err = replicate.New(replicate.Config{
		Self: replicate.Self{Node: self.Self.Node, Name: self.Self.Name, Role: mode.Box}, Dir: h.dir, Timers: timers, State: h.state,
		Logs:      replicate.LogFile{Path: filepath.Join(h.dir, "control.db"), Options: raftlog.Options{}, Logger: logger(self.Self.Name)},
		Transport: replicate.NetworkTransport(h.wire.Raft, timers), Peers: h.wire, Bootstrap: first,
		Members: func() map[mode.NodeID]mode.Role { return members }, Logger: logger(self.Self.Name),
	})
	h.check(err)
	h.wire.Handle(wire.MethodNode, h.node.Answer)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := h.wire.Run(ctx); err != nil {
			h.t.Errorf("the wire ended: %v", err)
		}
	})
	running.Go(func() {
		if err := h.node.Run(ctx); err != nil {
			h.t.Errorf("the node ended: %v", err)
		}
	})
	h.stop = func() { cancel(); running.Wait() }
}

// TestPairOverTCP has two boxes with everything real join, be cut, taken over, and healed.
func TestPairOverTCP(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	a, b := foundHouses(t)
	c := &cable{conns: map[net.Conn]bool{}}
	a.start(c, true)
	defer func() { a.stop() }()
	b.start(c, false)
	defer func() { b.stop() }()
	until := func(what string, is func() bool) {
		t.Helper()
		for begin := time.Now(); !is(); time.Sleep(20 * time.Millisecond) {
			if time.Since(begin) > time.Minute {
				t.Fatalf("a minute passed before: %s\na: %+v\nb: %+v\nrefusals: %+v", what, a.node.Status(), b.node.Status(), a.wire.Refusals())
			}
		}
	}
	until("they are a pair", func() bool { return a.node.Mode() == mode.Leader && b.node.Mode() == mode.Follower })
	a.check(b.node.Propose(t.Context(), []byte("both")))
	if b.state.String() != "both" {
		t.Errorf("b holds [%s] after what it proposed", b.state)
	}
	a.check(a.node.Verify(t.Context(), mode.Configure))

	c.set(true)
	until("a is solo and b an island", func() bool { return a.node.Mode() == mode.Solo && b.node.Mode() == mode.Island })
	a.check(a.node.Propose(t.Context(), []byte("lost")))
	life := a.node.Status().Life
	b.check(b.node.Takeover(t.Context(), "a is gone"))
	until("b is solo", func() bool { return b.node.Mode() == mode.Solo })
	b.check(b.node.Propose(t.Context(), []byte("kept")))
	c.set(false)
	until("a follows", func() bool { return b.node.Mode() == mode.Leader && a.node.Mode() == mode.Follower })
	until("a holds what b agreed on", func() bool { return a.state.String() == "both kept" })
	if now := a.node.Status(); now.Life == life || now.Generation.Counter != 2 {
		t.Errorf("a is still of life %s in generation %v", now.Life, now.Generation)
	}
	if reports, err := filepath.Glob(filepath.Join(a.dir, "conflicts", "*.json")); err != nil || len(reports) != 1 {
		t.Errorf("conflict reports: %v, %v", reports, err)
	}
	b.check(b.node.Transfer(t.Context(), a.id()))
	until("a leads", func() bool { return a.node.Mode() == mode.Leader && b.node.Mode() == mode.Follower })
}
