package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"rackpost/replicate/mode"
)

// gone is after how long the kernel gives a connection up that is not answered.
const gone = 20 * time.Second

func dialTCP(ctx context.Context, _, local, remote string) (net.Conn, error) {
	d := net.Dialer{KeepAliveConfig: alive()}
	if ip := net.ParseIP(local); ip != nil && !ip.IsUnspecified() {
		d.LocalAddr = &net.TCPAddr{IP: ip}
	}
	return d.DialContext(ctx, "tcp", remote)
}

func listenTCP(ctx context.Context, _, address string) (net.Listener, error) {
	return (&net.ListenConfig{KeepAliveConfig: alive()}).Listen(ctx, "tcp", address)
}

func alive() net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 2}
}

// resend is the least time after which the kernel repeats a segment that was not acknowledged. Its
// usual 200 ms leave one try in the time a message of Raft has.
const resend = 100 * time.Millisecond

// tune has a lost segment repeated soon (Linux 6.11 and later) and at an even pace instead of ever
// more seldom, and a connection given up on which nobody answers. A system that cannot do it does
// without.
func tune(c net.Conn) {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_THIN_LINEAR_TIMEOUTS, 1)
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_RTO_MIN_US, int(resend.Microseconds()))
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(gone.Milliseconds()))
	})
}

// local is where calls of a path come from: the address this member listens on there.
func (w *Wire) local(path string) string {
	own := named(w.cfg.Paths, path)
	if own == nil {
		return ""
	}
	host, _, err := net.SplitHostPort(own.Address)
	if ip := net.ParseIP(host); err != nil || ip == nil || ip.IsUnspecified() {
		return ""
	}
	return host
}

// connect calls a member over one path, and returns the connection when both sides want it.
func (w *Wire) connect(ctx context.Context, p *Peer, path Path, proto string) (*Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.Handshake)
	defer cancel()
	raw, err := w.cfg.Dial(ctx, path.Name, w.local(path.Name), path.Address)
	if err != nil {
		return nil, err
	}
	tune(raw)
	m := &meter{Conn: raw}
	deadline, _ := ctx.Deadline()
	done := until(ctx, m, deadline)
	conn, err := w.introduce(ctx, m, p, path, proto)
	if !done() && err == nil {
		conn.drop()
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = m.Close()
		return nil, err
	}
	return conn, nil
}

func (w *Wire) introduce(ctx context.Context, m *meter, p *Peer, path Path, proto string) (*Conn, error) {
	c := tls.Client(m, strict(w.cfg.Trust.Client(p.Node, proto), proto))
	r := Refusal{Node: p.Node, Address: path.Address, Path: path.Name, Protocol: proto}
	if err := c.HandshakeContext(ctx); err != nil {
		return nil, w.distrust(ctx, r, err)
	}
	node, role, err := w.cfg.Trust.Who(c.ConnectionState())
	switch {
	case err != nil:
		r.Reason, r.Words = Untrusted, err.Error()
		return nil, w.refuse(r)
	case node != p.Node:
		r.Reason, r.Words = Impostor, fmt.Sprintf("%s answers there: correct the address, or this member's list of addresses", node)
		return nil, w.refuse(r)
	case c.ConnectionState().NegotiatedProtocol != proto:
		r.Reason, r.Words = Untrusted, "it does not speak "+proto
		return nil, w.refuse(r)
	}
	return w.settle(c, m, false, identity{node, role}, r)
}

// distrust is a call whose TLS failed; one that only was cut or late is no refusal.
func (w *Wire) distrust(ctx context.Context, r Refusal, err error) error {
	if isAlert(err) {
		return w.broken(r, err)
	}
	var op *net.OpError
	if ctx.Err() != nil || isTimeout(err) || isReset(err) || errors.As(err, &op) || isEnd(err) {
		return fmt.Errorf("handshake with %s: %w", r.Address, err)
	}
	r.Reason, r.Words = Untrusted, err.Error()
	return w.refuse(r)
}

// dial calls a member over its healthiest path, and over the next one when that fails or takes
// longer than its share of the time that ctx has.
func (w *Wire) dial(ctx context.Context, to mode.NodeID, proto string) (*Conn, error) {
	p, run := w.peer(to), w.running()
	if run == nil {
		return nil, ErrNotRunning
	}
	if p == nil || len(p.Paths) == 0 {
		return nil, fmt.Errorf("%w %s: it is not called, or no member", ErrNoWay, to)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(run, cancel)()
	ways := w.contacts.order(to, p.Paths, time.Now(), w.interval(p.Role)*5/2)
	share := w.cfg.Handshake
	if deadline, ok := ctx.Deadline(); ok {
		share = min(share, time.Until(deadline))
	}
	return w.race(ctx, p, ways, proto, share/time.Duration(len(ways)))
}

type outcome struct {
	conn *Conn
	err  error
}

// race calls one way after another, each beside those before it, and takes the first that answers.
func (w *Wire) race(ctx context.Context, p *Peer, ways []Path, proto string, share time.Duration) (*Conn, error) {
	answers := make(chan outcome, len(ways))
	next := time.NewTimer(0)
	defer next.Stop()
	var errs []error
	begun := 0
	for len(errs) < len(ways) {
		select {
		case <-next.C:
			if begun == len(ways) {
				continue
			}
			way := ways[begun]
			if !w.crew.start(func() {
				conn, err := w.connect(ctx, p, way, proto)
				answers <- outcome{conn, err}
			}) {
				return nil, ErrNotRunning
			}
			begun++
			next.Reset(share)
		case a := <-answers:
			if a.err == nil {
				w.discard(answers, begun-len(errs)-1)
				return a.conn, nil
			}
			errs = append(errs, a.err)
			next.Reset(0)
		}
	}
	return nil, errors.Join(errs...)
}

// discard closes what answers too late.
func (w *Wire) discard(answers <-chan outcome, n int) {
	if n == 0 {
		return
	}
	w.crew.start(func() {
		for range n {
			if a := <-answers; a.conn != nil {
				_ = a.conn.Close()
			}
		}
	})
}

// DialJournal connects to a box over its best path.
func (w *Wire) DialJournal(ctx context.Context, to mode.NodeID) (*Conn, error) {
	c, err := w.dial(ctx, to, Journal)
	if err != nil {
		return nil, fmt.Errorf("call %s for its journal: %w", to.Short(), err)
	}
	return c, nil
}
