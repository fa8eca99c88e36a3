package clustertest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"rackpost/replicate/mode"
)

var (
	errSilence = errors.New("no answer in time")
	errRefused = errors.New("connection refused")
	errEnded   = errors.New("the transport was closed")
)

// transport implements raft.Transport over the simulated network.
type transport struct {
	p        *process
	consumer chan raft.RPC
	closed   chan struct{}
	once     sync.Once

	mu        sync.Mutex
	heartbeat func(raft.RPC)
}

func newTransport(p *process) *transport {
	return &transport{p: p, consumer: make(chan raft.RPC), closed: make(chan struct{})}
}

func (t *transport) Consumer() <-chan raft.RPC     { return t.consumer }
func (t *transport) LocalAddr() raft.ServerAddress { return raft.ServerAddress(t.p.id().String()) }
func (t *transport) Close() error                  { t.once.Do(func() { close(t.closed) }); return nil }

func (t *transport) EncodePeer(_ raft.ServerID, a raft.ServerAddress) []byte { return []byte(a) }
func (t *transport) DecodePeer(b []byte) raft.ServerAddress                  { return raft.ServerAddress(b) }

func (t *transport) SetHeartbeatHandler(f func(raft.RPC)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.heartbeat = f
}

func (t *transport) AppendEntriesPipeline(raft.ServerID, raft.ServerAddress) (raft.AppendPipeline, error) {
	return nil, raft.ErrPipelineReplicationNotSupported
}

func (t *transport) AppendEntries(_ raft.ServerID, to raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	return exchange(t, to, req, resp, nil, t.timeout())
}

func (t *transport) RequestVote(_ raft.ServerID, to raft.ServerAddress, req *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	return exchange(t, to, req, resp, nil, t.timeout())
}

func (t *transport) RequestPreVote(_ raft.ServerID, to raft.ServerAddress, req *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	return exchange(t, to, req, resp, nil, t.timeout())
}

func (t *transport) TimeoutNow(_ raft.ServerID, to raft.ServerAddress, req *raft.TimeoutNowRequest, resp *raft.TimeoutNowResponse) error {
	return exchange(t, to, req, resp, nil, t.timeout())
}

func (t *transport) InstallSnapshot(_ raft.ServerID, to raft.ServerAddress, req *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, data io.Reader) error {
	all, err := io.ReadAll(data)
	if err != nil {
		return err
	}
	return exchange(t, to, req, resp, all, 10*t.timeout())
}

func (t *transport) timeout() time.Duration { return t.p.w.timers.RPC }

// exchange sends a request and waits for its answer.
func exchange[R any](t *transport, to raft.ServerAddress, req any, resp *R, data []byte, limit time.Duration) error {
	reply := make(chan raft.RPCResponse, 1)
	timer := time.NewTimer(limit)
	defer timer.Stop()
	if !t.p.pass() {
		return errEnded
	}
	t.send(to, raft.RPC{Command: req, RespChan: reply}, data)
	select {
	case r := <-reply:
		if r.Error != nil {
			return r.Error
		}
		*resp = *r.Response.(*R)
		return nil
	case <-timer.C:
		return errSilence
	case <-t.closed:
		return errEnded
	}
}

// send has the message arrive, unless it is lost.
func (t *transport) send(to raft.ServerAddress, rpc raft.RPC, data []byte) {
	w := t.p.w
	at := w.whois(to)
	said := t.p.wire.said()
	fail := func(err error) { rpc.RespChan <- raft.RPCResponse{Error: err} }
	if at < 0 {
		fail(errRefused)
		return
	}
	from, by := t.p.who, t.p.wire.best(at)
	there, ok := w.net.trip(from, at, by)
	back, returns := w.net.trip(at, from, by)
	if !ok {
		return
	}
	answer := func(r raft.RPCResponse) {
		if returns {
			time.AfterFunc(back, func() { rpc.RespChan <- r })
		}
	}
	time.AfterFunc(there, func() {
		w.arrive(t.p, said, at, rpc.Command, data, answer)
	})
}

// arrive gives a message to the member's process, if that runs and takes it.
func (w *World) arrive(src *process, from mode.Hello, at int, command any, data []byte, answer func(raft.RPCResponse)) {
	p := w.running(at)
	if p == nil {
		if w.resets(at) {
			answer(raft.RPCResponse{Error: errRefused})
		}
		return
	}
	if !p.pass() {
		return
	}
	t := p.transport()
	if why := p.wire.refuses(src, from); t == nil || why != "" {
		answer(raft.RPCResponse{Error: fmt.Errorf("%w: %s", errRefused, why)})
		return
	}
	reply := make(chan raft.RPCResponse, 1)
	rpc := raft.RPC{Command: command, RespChan: reply}
	if data != nil {
		rpc.Reader = bytes.NewReader(data)
	}
	if !t.take(rpc) {
		return
	}
	select {
	case r := <-reply:
		if p.pass() {
			answer(r)
		}
	case <-t.closed:
	}
}

// take hands a request to Raft. A heartbeat passes by all that waits for the disk, as in Raft's own transport.
func (t *transport) take(rpc raft.RPC) bool {
	t.mu.Lock()
	f := t.heartbeat
	t.mu.Unlock()
	if f != nil && isHeartbeat(rpc.Command) {
		f(rpc)
		return true
	}
	select {
	case t.consumer <- rpc:
		return true
	case <-t.closed:
		return false
	}
}

func isHeartbeat(command any) bool {
	r, ok := command.(*raft.AppendEntriesRequest)
	return ok && r.Term != 0 && len(r.Addr) > 0 && r.PrevLogEntry == 0 && r.PrevLogTerm == 0 && len(r.Entries) == 0 && r.LeaderCommitIndex == 0
}
