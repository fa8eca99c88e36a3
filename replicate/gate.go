package replicate

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"rackpost/replicate/mode"
)

var errGate = errors.New("raft may not speak with it now")

// serverID is what Raft calls one life of a member.
func serverID(node mode.NodeID, life string) raft.ServerID {
	return raft.ServerID(node.String() + "." + life)
}

// parseServer takes a serverID apart.
func parseServer(id raft.ServerID) (node mode.NodeID, life string, err error) {
	before, life, _ := strings.Cut(string(id), ".")
	node, err = mode.ParseNodeID(before)
	return node, life, err
}

// pass is whom Raft may speak with.
type pass struct {
	cut   bool
	stand bool // ask for votes
	lives map[string]bool
}

// gate is Raft's transport behind what mode.Step decides: no byte passes that was meant for
// another life, none at all while the member is cut off.
type gate struct {
	raft.Transport // what needs no decision
	version        raft.ProtocolVersion
	pass           atomic.Pointer[pass]
	handed         atomic.Pointer[time.Time] // when another leader handed over
	later          atomic.Uint64             // the highest term of an answer to a leader of a lower one
	kick           func()                    // have it looked at
	leaving        func() bool               // nothing may be handed over to it any more
	deaf           time.Time                 // until then it gives no vote
	in             chan raft.RPC
	closing        chan struct{}
	once           sync.Once
	done           sync.WaitGroup
}

func newGate(inner raft.Transport, deaf time.Duration) *gate {
	g := &gate{Transport: inner, kick: func() {}, leaving: func() bool { return false }, deaf: time.Now().Add(deaf), version: raft.ProtocolVersionMax, in: make(chan raft.RPC), closing: make(chan struct{})}
	g.pass.Store(&pass{cut: true})
	g.done.Go(g.receive)
	return g
}

// Close implements raft.WithClose; Raft calls it when it has shut down.
func (g *gate) Close() error {
	var err error
	g.once.Do(func() {
		close(g.closing)
		if inner, ok := g.Transport.(raft.WithClose); ok {
			err = inner.Close()
		}
		g.done.Wait()
	})
	return err
}

// Consumer implements raft.Transport.
func (g *gate) Consumer() <-chan raft.RPC { return g.in }

// receive hands Raft what it may hear.
func (g *gate) receive() {
	for {
		select {
		case <-g.closing:
			return
		case rpc := <-g.Transport.Consumer():
			if !g.hears(rpc) || g.early(rpc.Command) || g.declines(rpc.Command) {
				g.done.Go(func() { refuse(rpc) }) // a snapshot may take long to end
				continue
			}
			if _, ok := rpc.Command.(*raft.TimeoutNowRequest); ok {
				now := time.Now()
				g.handed.Store(&now)
			}
			select {
			case g.in <- rpc:
			case <-g.closing:
				refuse(rpc)
				return
			}
		}
	}
}

// hears says whether the sender knows this life and may be heard.
func (g *gate) hears(rpc raft.RPC) bool {
	with, ok := rpc.Command.(raft.WithRPCHeader)
	return ok && g.may(raft.ServerID(with.GetRPCHeader().ID)) == nil
}

// early says whether a vote is asked for too soon: before it stopped, Raft may have made a leader's lease longer, and it
// remembers no leader.
func (g *gate) early(command any) bool {
	switch command.(type) {
	case *raft.RequestVoteRequest, *raft.RequestPreVoteRequest:
		return time.Now().Before(g.deaf)
	}
	return false
}

// declines says whether another leader wants to hand over to a member that is about to stop: it goes on then, and knows at once.
func (g *gate) declines(command any) bool {
	_, ok := command.(*raft.TimeoutNowRequest)
	return ok && g.leaving()
}

// refuse answers with an error, and an empty response of the right type: raft.InmemTransport
// copies it before it looks at the error.
func refuse(rpc raft.RPC) {
	var empty any
	switch rpc.Command.(type) {
	case *raft.AppendEntriesRequest:
		empty = &raft.AppendEntriesResponse{}
	case *raft.RequestVoteRequest:
		empty = &raft.RequestVoteResponse{}
	case *raft.RequestPreVoteRequest:
		empty = &raft.RequestPreVoteResponse{}
	case *raft.InstallSnapshotRequest:
		empty = &raft.InstallSnapshotResponse{}
		if rpc.Reader != nil {
			_, _ = io.Copy(io.Discard, rpc.Reader) // the stream goes on behind it
		}
	case *raft.TimeoutNowRequest:
		empty = &raft.TimeoutNowResponse{}
	}
	rpc.Respond(empty, errGate)
}

// campaign makes Raft stand for election at once, as if a leader had handed over. It is for a sole
// voter, which needs nobody's vote.
func (g *gate) campaign(self raft.ServerID) {
	answer := make(chan raft.RPCResponse, 1)
	header := raft.RPCHeader{ProtocolVersion: g.version, ID: []byte(self)}
	select {
	case g.in <- raft.RPC{Command: &raft.TimeoutNowRequest{RPCHeader: header}, RespChan: answer}:
	case <-g.closing:
	}
}

func (g *gate) may(id raft.ServerID) error {
	p := g.pass.Load()
	_, life, err := parseServer(id)
	if err != nil || p.cut || !p.lives[life] {
		return fmt.Errorf("%s: %w", id, errGate)
	}
	return nil
}

// SetHeartbeatHandler implements raft.Transport.
func (g *gate) SetHeartbeatHandler(handle func(raft.RPC)) {
	g.Transport.SetHeartbeatHandler(func(rpc raft.RPC) {
		if !g.hears(rpc) {
			refuse(rpc)
			return
		}
		handle(rpc)
	})
}

// AppendEntries implements raft.Transport.
func (g *gate) AppendEntries(id raft.ServerID, to raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	if err := g.may(id); err != nil {
		return err
	}
	err := g.Transport.AppendEntries(id, to, req, resp)
	if err == nil {
		g.overtake(req.Term, resp.Term)
	}
	return err
}

// overtake notes that who was asked is of a later term. Raft takes the answer to a heartbeat for a contact that
// renews the lease, whatever it says, and learns the term a second or two later.
func (g *gate) overtake(mine, theirs uint64) {
	for theirs > mine {
		known := g.later.Load()
		if known >= theirs {
			return
		}
		if g.later.CompareAndSwap(known, theirs) {
			g.kick()
			return
		}
	}
}

// AppendEntriesPipeline implements raft.Transport. Entries to members are few: one at a time is
// enough, and keeps every one behind the gate.
func (g *gate) AppendEntriesPipeline(raft.ServerID, raft.ServerAddress) (raft.AppendPipeline, error) {
	return nil, raft.ErrPipelineReplicationNotSupported
}

// RequestVote implements raft.Transport.
func (g *gate) RequestVote(id raft.ServerID, to raft.ServerAddress, req *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	if err := g.may(id); err != nil {
		return err
	}
	if !g.pass.Load().stand && !req.LeadershipTransfer {
		return errGate
	}
	return g.Transport.RequestVote(id, to, req, resp)
}

// RequestPreVote implements raft.WithPreVote.
func (g *gate) RequestPreVote(id raft.ServerID, to raft.ServerAddress, req *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	if err := g.may(id); err != nil {
		return err
	}
	inner, ok := g.Transport.(raft.WithPreVote)
	if !ok || !g.pass.Load().stand {
		return errGate
	}
	return inner.RequestPreVote(id, to, req, resp)
}

// InstallSnapshot implements raft.Transport.
func (g *gate) InstallSnapshot(id raft.ServerID, to raft.ServerAddress, req *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, data io.Reader) error {
	if err := g.may(id); err != nil {
		return err
	}
	return g.Transport.InstallSnapshot(id, to, req, resp, data)
}

// TimeoutNow implements raft.Transport.
func (g *gate) TimeoutNow(id raft.ServerID, to raft.ServerAddress, req *raft.TimeoutNowRequest, resp *raft.TimeoutNowResponse) error {
	if err := g.may(id); err != nil {
		return err
	}
	return g.Transport.TimeoutNow(id, to, req, resp)
}
