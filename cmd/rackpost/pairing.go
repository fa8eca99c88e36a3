package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"path/filepath"
	"sync/atomic"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate"
	"rackpost/replicate/control"
	"rackpost/replicate/mode"
	"rackpost/replicate/raftlog"
	"rackpost/replicate/trust"
	"rackpost/replicate/wire"
	"rackpost/wholefile"
)

// The files of the pair's folder besides those of trust.
const (
	pairFolder  = "pair" // of the data folder
	controlFile = "control.db"
	peersFile   = "peers.json"
	foundFile   = "founding.json"
	peersEvery  = 10 * time.Second // how often what is remembered of the others is written, where it changed
)

// pairing is this machine's part in a pair while the process runs.
type pairing struct {
	box    boxConfig
	self   replicate.Self
	site   string // id, empty of a witness
	dir    string
	keeper *trust.Keeper
	agreed *control.Machine
	wire   *wire.Wire
	node   *replicate.Node
	lines  *lines
	met    rarely // that a member was introduced
	moved  *moves
	cuts   pairCuts
	struck atomic.Pointer[strickenAt] // what a box said that refuses this member; nil: nothing
	logger *slog.Logger
	taker  atomic.Pointer[takeover] // by whose word this box took over last
}

// pairCuts are where the demo and tests get between a member and the world. Nil is the world itself.
type pairCuts struct {
	dial        func(ctx context.Context, path, local, remote string) (net.Conn, error)
	listen      func(ctx context.Context, path, address string) (net.Listener, error)
	beforeWrite func() error               // of the Raft log
	timers      mode.Timers                // zero: those of every pair
	certificate time.Duration              // life of one; 0: a year. Otherwise the clock counts as right
	tune        func(*siteConfig)          // changes a version of the site before this box works with it
	running     func(*pairing, *appliance) // a member is about to run; a witness is no appliance
	uplink      uplinkDial                 // to headquarters
}

func (c pairCuts) timersOf() mode.Timers {
	if c.timers == (mode.Timers{}) {
		return mode.DefaultTimers()
	}
	return c.timers
}

// trusted says whether the clock is right.
func (c pairCuts) trusted() bool { return c.certificate != 0 || clockTrusted() }

// pairFolderOf is where a machine keeps what it is in a pair.
func pairFolderOf(box boxConfig) trust.Folder {
	return trust.Folder(filepath.Join(box.data, pairFolder))
}

// pairNeeds is what a member asks of the rest of the process. Nil functions are left out.
type pairNeeds struct {
	isolated func() bool
	full     func() bool // nothing that is read is kept
	acting   func() bool // something that a device was told may be under way
	verified func() bool
}

// openPairing opens what the folder holds; trust.ErrNoPair when that is nothing.
func openPairing(box boxConfig, needs pairNeeds, cuts pairCuts, logger *slog.Logger) (*pairing, error) {
	dir := string(pairFolderOf(box))
	keeper, err := trust.New(trust.Config{Folder: trust.Folder(dir), Trusted: cuts.trusted, Life: cuts.certificate, Logger: logger})
	if err != nil {
		return nil, err
	}
	id := keeper.Identity()
	p := &pairing{box: box, self: replicate.Self{Node: id.Self.Node, Name: id.Self.Name, Role: id.Self.Role}, site: id.Site, dir: dir,
		keeper: keeper, agreed: control.New(), lines: newLines(), moved: newMoves(), cuts: cuts, logger: logger}
	p.recallStruck()
	memory, err := p.recall()
	if err != nil {
		return nil, err
	}
	p.wire, err = wire.New(wire.Config{
		Cluster: id.Cluster, Node: id.Self.Node, Role: id.Self.Role, Paths: pathsOf(box.pair.listen), Trust: wireTrust{keeper},
		Version: versionText(), Feature: control.Level, Memory: memory, Request: forwardTimeout,
		Dial: cuts.dial, Listen: cuts.listen, Logger: logger,
	})
	if err != nil {
		return nil, fmt.Errorf("take part in the pair: %w", err)
	}
	if err := p.wire.SetPeers(p.peersOf(id.Members)); err != nil {
		return nil, fmt.Errorf("take part in the pair: %w", err)
	}
	founding, err := p.isFounding()
	if err != nil {
		return nil, err
	}
	p.node, err = replicate.New(replicate.Config{
		Self: p.self, Dir: dir, Timers: cuts.timersOf(), State: p.agreed, Logs: raftLogs(dir, cuts, logger),
		Transport: replicate.NetworkTransport(p.wire.Raft, cuts.timersOf()), Peers: p.wire, Members: p.roles, Bootstrap: founding,
		Isolated: needs.isolated, Full: needs.full, Acting: needs.acting, Verified: needs.verified, CaughtUp: p.lines.caughtUp, Struck: p.said, Logger: logger,
	})
	if err != nil {
		return nil, fmt.Errorf("take part in the pair: %w", err)
	}
	p.wire.Handle(wire.MethodNode, p.node.Answer)
	if p.self.Role == mode.Box {
		p.wire.HandleJoin(p.letIn)
		p.wire.Handle(methodIntroduce, p.answerIntroduction)
		p.wire.Handle(methodLeave, p.answerLeave)
	}
	return p, nil
}

func clockTrusted() bool { return clockState() == journal.ClockTrusted }

// members are those that are agreed on; before that is known, those that were known last. Who is caught up hears of the members of an
// earlier time first, of which those of now may be none: they would be strangers, and could not send the rest.
func (p *pairing) members() []trust.Member {
	members, others := p.sortMembers(p.agreed.State())
	if len(members) == 0 || !p.node.Status().Current {
		return p.keeper.Identity().Members
	}
	var out []trust.Member
	for _, m := range members {
		out = append(out, trustedMember(m))
	}
	for _, f := range others {
		if f.known != nil {
			out = append(out, *f.known)
		}
	}
	return out
}

func (p *pairing) roles() map[mode.NodeID]mode.Role {
	out := map[mode.NodeID]mode.Role{}
	for _, m := range p.members() {
		out[m.Node] = m.Role
	}
	return out
}

// nameOf is what people call a member.
func (p *pairing) nameOf(id mode.NodeID) string {
	for _, m := range p.members() {
		if m.Node == id {
			return m.Name
		}
	}
	if id == (mode.NodeID{}) {
		return ""
	}
	return "member " + id.Short()
}

// propose has a command agreed on.
func (p *pairing) propose(ctx context.Context, c control.Command) error {
	p.vouch(c)
	b, err := control.Encode(c)
	if err != nil {
		return err
	}
	return p.node.Propose(ctx, b)
}

// recall reads what an earlier run remembered of the others.
func (p *pairing) recall() (map[mode.NodeID]wire.Memory, error) {
	b, err := readAtMost(filepath.Join(p.dir, peersFile), maxConfigBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var memory map[mode.NodeID]wire.Memory
	if err == nil {
		err = json.Unmarshal(b, &memory)
	}
	if err != nil {
		p.logger.Warn("what was remembered of the other members cannot be read; it is learned anew", "err", err)
		return nil, nil
	}
	return memory, nil
}

// remember writes it.
func (p *pairing) remember() error {
	b, err := json.Marshal(p.wire.Memory())
	if err != nil {
		return err
	}
	return wholefile.Write(filepath.Join(p.dir, peersFile), b, 0o600)
}

// wireTrust is a keeper as the wire sees it.
type wireTrust struct{ *trust.Keeper }

// Who implements wire.Trust.
func (t wireTrust) Who(cs tls.ConnectionState) (mode.NodeID, mode.Role, error) {
	peer, err := t.Check(cs)
	return peer.Node, peer.Role, err
}

// raftLogs is the file of the Raft log in a pair's folder. A damaged one is put aside, and what was agreed on comes back from
// the others.
func raftLogs(dir string, cuts pairCuts, logger *slog.Logger) replicate.Logs {
	return replicate.LogFile{Path: filepath.Join(dir, controlFile), Options: raftlog.Options{BeforeWrite: cuts.beforeWrite}, Logger: logger}
}
