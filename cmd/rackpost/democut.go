package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// maxHeld is how much is written to a cut cable before a write waits, as in a full socket buffer.
const maxHeld = 256 << 10

var longAgo = time.Unix(1, 0)

// cut is one end of a cable as a member of the demo sees it.
type cut struct {
	Peer netip.Addr `json:"peer"` // of this cable, so that it names the cable too
	Out  bool       `json:"out"`  // what this member sends is lost
	In   bool       `json:"in"`   // what it is sent is
}

// cables are the ways of a member to the others. What goes into a cut one vanishes without a word, as on a pulled
// cable, and like TCP does it is sent again when the cable is whole.
type cables struct {
	mu      sync.Mutex
	cuts    map[netip.Addr]cut
	changed chan struct{} // closed at the next change
}

func newCables() *cables { return &cables{changed: make(chan struct{})} }

// set makes the cables those; all others are whole.
func (c *cables) set(cuts []cut) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cuts = map[netip.Addr]cut{}
	for _, x := range cuts {
		c.cuts[x.Peer] = x
	}
	close(c.changed)
	c.changed = make(chan struct{})
}

// to is how the cable to an address is, and what is closed when that may have changed.
func (c *cables) to(a netip.Addr) (cut, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cuts[a], c.changed
}

// dial calls over a cable. Through a cut one nobody answers.
func (c *cables) dial(ctx context.Context, _, local, remote string) (net.Conn, error) {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return nil, err
	}
	for {
		now, changed := c.to(at.Addr())
		if !now.Out && !now.In {
			break
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	d := net.Dialer{}
	if ip := net.ParseIP(local); ip != nil {
		d.LocalAddr = &net.TCPAddr{IP: ip}
	}
	conn, err := d.DialContext(ctx, "tcp", remote)
	if err != nil {
		return nil, err
	}
	return c.over(conn, at.Addr()), nil
}

func (c *cables) listen(ctx context.Context, _, address string) (net.Listener, error) {
	inner, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return cableListener{inner, c}, nil
}

type cableListener struct {
	net.Listener
	cables *cables
}

// Accept implements net.Listener.
func (l cableListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	var from netip.Addr
	if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		from = a.AddrPort().Addr().Unmap()
	}
	return l.cables.over(conn, from), nil
}

func (c *cables) over(conn net.Conn, peer netip.Addr) net.Conn {
	return &cableConn{TCPConn: conn.(*net.TCPConn), cables: c, peer: peer, closed: make(chan struct{})}
}

// cableConn is a connection over a cable that may be cut.
type cableConn struct {
	*net.TCPConn
	cables *cables
	peer   netip.Addr
	closed chan struct{}
	once   sync.Once

	mu       sync.Mutex // guards what follows
	held     []byte
	deadline time.Time // of a write that waits
}

// Write implements net.Conn.
func (c *cableConn) Write(b []byte) (int, error) {
	for {
		now, changed := c.cables.to(c.peer)
		c.mu.Lock()
		if !now.Out && c.held == nil {
			c.mu.Unlock()
			return c.TCPConn.Write(b)
		}
		if len(c.held) <= maxHeld {
			if c.held == nil {
				c.held = []byte{}
				go c.later(changed) // it ends with the connection or the cut
			}
			c.held = append(c.held, b...)
			c.mu.Unlock()
			return len(b), nil
		}
		deadline := c.deadline
		c.mu.Unlock()
		if err := c.wait(changed, deadline); err != nil {
			return 0, err
		}
	}
}

// wait returns nil when it is worth another try.
func (c *cableConn) wait(changed <-chan struct{}, deadline time.Time) error {
	wake := time.NewTimer(100 * time.Millisecond) // a deadline that is set meanwhile, or what was held went out
	defer wake.Stop()
	if !deadline.IsZero() && time.Now().After(deadline) {
		return os.ErrDeadlineExceeded
	}
	select {
	case <-c.closed:
		return net.ErrClosed
	case <-changed:
	case <-wake.C:
	}
	return nil
}

// later sends what was held as soon as the cable is whole.
func (c *cableConn) later(changed <-chan struct{}) {
	for {
		select {
		case <-c.closed:
			return
		case <-changed:
		}
		var now cut
		if now, changed = c.cables.to(c.peer); now.Out {
			continue
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		_ = c.TCPConn.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = c.TCPConn.Write(c.held) // an error comes again at the next write
		_ = c.TCPConn.SetWriteDeadline(c.deadline)
		c.held = nil
		return
	}
}

// SetDeadline implements net.Conn.
func (c *cableConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetWriteDeadline implements net.Conn.
func (c *cableConn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	return c.TCPConn.SetWriteDeadline(t)
}

// Close tells the other end nothing while the cable is cut.
func (c *cableConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	now, changed := c.cables.to(c.peer)
	if !now.Out {
		return c.TCPConn.Close()
	}
	_ = c.TCPConn.SetDeadline(longAgo)
	go func() {
		for now.Out {
			<-changed // at the latest the process ends
			now, changed = c.cables.to(c.peer)
		}
		_ = c.TCPConn.SetLinger(0) // what was held is lost with it
		_ = c.TCPConn.Close()
	}()
	return nil
}
