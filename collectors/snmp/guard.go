package snmp

import (
	"bytes"
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"
)

// guard is the connection gosnmp sees. It lets through only messages that answer the last
// one sent, so that noise neither ends a wait nor passes for an answer, and it ends a wait
// when the context does.
type guard struct {
	mu        sync.Mutex // conn and the deadline, against the end of the context
	conn      net.Conn
	cancelled bool
	deadline  time.Time // of the context; zero: none

	sent     header
	earlier  []int64 // the IDs of the messages sent since forget, before the last one
	late     int     // answers to those
	sends    int     // messages sent, ever
	heard    bool    // something valid came over this connection
	noise    int     // messages dropped since begin that no agent should send
	report   int     // usmStats number of the Report that answered the last message; not authenticated
	received int     // length of the answer to the last message
	failure  error   // of the last read or write
}

var errNotOpen = errors.New("snmp: connection is closed")

// attach replaces the socket.
func (g *guard) attach(c net.Conn) {
	g.mu.Lock()
	old := g.conn
	g.conn, g.heard = c, false
	g.mu.Unlock()
	if old != nil {
		old.Close() // a UDP socket has nothing to lose
	}
}

// watch makes every wait end with ctx until release is called; release returns after the
// last effect of ctx.
func (g *guard) watch(ctx context.Context) (release func()) {
	g.mu.Lock()
	g.cancelled = false
	g.deadline, _ = ctx.Deadline()
	g.mu.Unlock()
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		g.mu.Lock()
		defer g.mu.Unlock()
		g.cancelled = true
		if g.conn != nil {
			g.conn.SetDeadline(time.Unix(1, 0)) // fails only on a closed socket
		}
	})
	return func() {
		if !stop() {
			<-ended
		}
	}
}

// begin forgets what was noted of earlier requests.
func (g *guard) begin() { g.noise, g.report, g.received, g.failure = 0, 0, 0, nil }

func (g *guard) socket() (net.Conn, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.conn == nil {
		return nil, errNotOpen
	}
	return g.conn, nil
}

// Write implements net.Conn.
func (g *guard) Write(p []byte) (int, error) {
	c, err := g.socket()
	if err != nil {
		return 0, err
	}
	h, ok := readHeader(p)
	if !ok {
		return 0, errors.New("snmp: the request could not be encoded")
	}
	h.community = bytes.Clone(h.community)
	if id := g.sent.id(); id != 0 && len(g.earlier) < maxEarlier {
		g.earlier = append(g.earlier, id)
	}
	g.sent, g.report, g.received = h, 0, 0
	g.sends++
	n, err := c.Write(p)
	g.failure = err
	return n, err
}

// Read implements net.Conn: one message that answers the last one written.
func (g *guard) Read(p []byte) (int, error) {
	c, err := g.socket()
	if err != nil {
		return 0, err
	}
	for {
		n, err := c.Read(p)
		if g.failure = err; err != nil {
			return 0, err
		}
		if h, ok := readHeader(p[:n]); !ok {
			g.noise++
		} else if g.answers(h) {
			g.heard, g.report, g.received = true, h.report, n
			return n, nil
		}
	}
}

// answers reports whether h answers the last message. A late answer to an earlier one is
// no noise.
func (g *guard) answers(h header) bool {
	switch {
	case h.version != g.sent.version:
	case h.version == 3, h.pdu == tagResponse && bytes.Equal(h.community, g.sent.community):
		if h.id() != g.sent.id() && slices.Contains(g.earlier, h.id()) {
			g.late++
		}
		return h.id() == g.sent.id()
	}
	g.noise++
	return false
}

// maxEarlier bounds the messages whose late answers are known: the tries of one request.
const maxEarlier = 8

// forget begins with a request of which no try was sent yet.
func (g *guard) forget() { g.earlier, g.late, g.sent = g.earlier[:0], 0, header{} }

// SetDeadline implements net.Conn; the context's end comes before t.
func (g *guard) SetDeadline(t time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.conn == nil {
		return errNotOpen
	}
	if !g.deadline.IsZero() && g.deadline.Before(t) {
		t = g.deadline
	}
	if g.cancelled {
		t = time.Unix(1, 0)
	}
	return g.conn.SetDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (g *guard) SetReadDeadline(t time.Time) error { return g.SetDeadline(t) }

// SetWriteDeadline implements net.Conn.
func (g *guard) SetWriteDeadline(t time.Time) error { return g.SetDeadline(t) }

// LocalAddr implements net.Conn.
func (g *guard) LocalAddr() net.Addr { return nil }

// RemoteAddr implements net.Conn.
func (g *guard) RemoteAddr() net.Addr { return nil }

// Close implements net.Conn.
func (g *guard) Close() error {
	g.attach(nil)
	return nil
}
