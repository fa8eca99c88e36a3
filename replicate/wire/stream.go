package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"rackpost/replicate/mode"
)

// raftWrite is how long an answer of Raft may wait to be taken. Raft bounds its requests itself.
const raftWrite = 5 * time.Second

var (
	errCut        = errors.New("raft's streams are cut: this member's disk is slow, or its generation changes")
	errGeneration = errors.New("this member is of another generation now")
)

// stream is what one raft.NetworkTransport works over.
type stream struct {
	w      *Wire
	accept chan net.Conn
	done   chan struct{}
	once   sync.Once
}

var _ raft.StreamLayer = (*stream)(nil)

// Raft opens the layer that a raft.NetworkTransport works over; Close of the transport closes it.
// A server's address is its node's UUID. There is one at a time: an earlier one ends.
func (w *Wire) Raft() raft.StreamLayer {
	s := &stream{w: w, accept: make(chan net.Conn), done: make(chan struct{})}
	w.closeStream(s)
	return s
}

// closeStream ends the present layer and puts another in its place, or none.
func (w *Wire) closeStream(next *stream) {
	w.mu.Lock()
	old := w.stream
	w.stream = next
	w.mu.Unlock()
	if old != nil {
		old.end()
	}
}

func (s *stream) end() {
	s.once.Do(func() { close(s.done) })
	s.w.dropRaft()
}

// Close implements net.Listener.
func (s *stream) Close() error {
	s.w.mu.Lock()
	present := s.w.stream == s
	if present {
		s.w.stream = nil
	}
	s.w.mu.Unlock()
	s.once.Do(func() { close(s.done) })
	if present {
		s.w.dropRaft()
	}
	return nil
}

// Accept implements net.Listener.
func (s *stream) Accept() (net.Conn, error) {
	select {
	case c := <-s.accept:
		return c, nil
	case <-s.done:
		return nil, net.ErrClosed
	}
}

// Addr implements net.Listener.
func (s *stream) Addr() net.Addr { return nodeAddr(s.w.cfg.Node) }

type nodeAddr mode.NodeID

func (nodeAddr) Network() string  { return "rackpost" }
func (a nodeAddr) String() string { return mode.NodeID(a).String() }

// Dial implements raft.StreamLayer.
func (s *stream) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	node, err := mode.ParseNodeID(string(address))
	if err != nil {
		return nil, fmt.Errorf("raft's address of a member: %w", err)
	}
	if timeout <= 0 {
		timeout = s.w.cfg.Handshake
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if !s.w.isOpen(s) {
		return nil, errCut
	}
	c, err := s.w.dial(ctx, node, Raft)
	if err != nil {
		return nil, fmt.Errorf("call %s for raft: %w", node.Short(), err)
	}
	if !s.w.isOpen(s) {
		c.drop()
		return nil, errCut
	}
	return s.w.raftConn(c)
}

func (w *Wire) isOpen(s *stream) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stream == s && !w.cut
}

func (w *Wire) raftOpen() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stream != nil && !w.cut
}

// Cut closes every Raft stream at once and lets none be opened, until it is told the opposite.
func (w *Wire) Cut(cut bool) {
	w.mu.Lock()
	w.cut = cut
	w.mu.Unlock()
	if cut {
		w.dropRaft()
	}
}

func (w *Wire) dropRaft() { w.conns.drop(func(c *Conn) bool { return c.proto == Raft }) }

// deliver gives a caller to Raft, if that still takes one.
func (w *Wire) deliver(c *Conn) {
	w.mu.Lock()
	s := w.stream
	w.mu.Unlock()
	if s == nil || !w.isOpen(s) {
		c.drop()
		return
	}
	rc, err := w.raftConn(c)
	if err != nil {
		return
	}
	t := time.NewTimer(w.cfg.Handshake)
	defer t.Stop()
	select {
	case s.accept <- rc:
	case <-s.done:
		c.drop()
	case <-t.C:
		c.drop()
	}
}

// mostRaft is how many bytes one message of Raft may have, and what a snapshot has beside: more than what may be agreed on. They
// are counted from one answer to the next.
const mostRaft = 80 << 20

// Raft gives every message the same short time. One to a witness is given what its bytes take besides on a thin line, up to a bound: Raft
// stops only when the message under way is answered.
const (
	thinLine = 2 << 10 // bytes in a second
	mostWait = 5 * time.Second
)

var errTooLong = errors.New("the other side sends more than what can be agreed on")

// raftConn carries no byte once this member is of another generation than the hello that opened it.
type raftConn struct {
	*Conn
	w        *Wire
	stream   io.ReadWriter
	deadline time.Time    // that Raft set for its message
	sent     int          // bytes of that message
	in       atomic.Int64 // bytes since something was written
}

func (w *Wire) raftConn(c *Conn) (net.Conn, error) {
	r := &raftConn{Conn: c, w: w}
	stream, err := pack(c, r.wait)
	if err != nil {
		c.drop()
		return nil, err
	}
	r.stream = stream
	return r, nil
}

// SetDeadline implements net.Conn. Raft sets it before each message it sends.
func (c *raftConn) SetDeadline(t time.Time) error {
	c.deadline, c.sent = t, 0
	return c.Conn.SetDeadline(t)
}

// wait gives the message that n bytes more belong to the time they take on a thin line.
func (c *raftConn) wait(n int) {
	if c.deadline.IsZero() || c.called {
		return
	}
	c.sent += n
	_ = c.Conn.SetDeadline(c.deadline.Add(min(time.Duration(c.sent)*time.Second/thinLine, mostWait)))
}

func (c *raftConn) stale() error {
	if c.w.said.Load().Generation == c.Peer.Generation {
		return nil
	}
	c.drop()
	return errGeneration
}

// Read implements net.Conn. An answer to a call of Raft's proves both directions as a ping's does.
func (c *raftConn) Read(b []byte) (int, error) {
	n, err := c.stream.Read(b)
	if stale := c.stale(); stale != nil {
		return 0, stale
	}
	if c.in.Add(int64(n)) > mostRaft {
		c.drop()
		return 0, errTooLong
	}
	if n > 0 && !c.called {
		c.w.contacts.proven(c.Peer.Node, c.Path, time.Now(), 0)
	}
	return n, err
}

// Write implements net.Conn.
func (c *raftConn) Write(b []byte) (int, error) {
	if err := c.stale(); err != nil {
		return 0, err
	}
	c.in.Store(0)
	if c.called {
		_ = c.SetWriteDeadline(time.Now().Add(raftWrite))
	}
	return c.stream.Write(b)
}
