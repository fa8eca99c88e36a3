package intake

import (
	"net"
	"net/netip"
	"sync"
)

// The bounds of connections that are no lanes: those still shaking hands, asking, or showing pages to people.
const (
	mostCallers = 4096
	mostOfOne   = 1024 // address: many sites may come through one proxy
)

// Guard returns a listener for the port of headquarters, which holds a bounded number of connections that are no lanes,
// in all and of one address; what is beyond is closed at once. So strangers who only connect take no memory that
// grows, and those of one address cannot keep others out.
func Guard(l net.Listener) net.Listener { return newGuard(l, mostCallers, mostOfOne) }

// GuardOf is Guard with other bounds.
func GuardOf(l net.Listener, most, each int) net.Listener { return newGuard(l, most, each) }

func newGuard(l net.Listener, most, each int) *guard {
	return &guard{Listener: l, most: most, each: each, of: map[netip.Addr]int{}}
}

type guard struct {
	net.Listener
	most, each int

	mu  sync.Mutex
	all int
	of  map[netip.Addr]int
}

// Accept returns the next connection for which there is room.
func (g *guard) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := addressOf(conn)
		if g.take(from) {
			return &caller{Conn: conn, leave: sync.OnceFunc(func() { g.give(from) })}, nil
		}
		_ = conn.Close()
	}
}

// addressOf returns where a connection comes from; of IPv6 the network, since one caller has all of it.
func addressOf(conn net.Conn) netip.Addr {
	ap, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	a := ap.Addr().Unmap()
	if a.Is6() {
		p, _ := a.WithZone("").Prefix(64)
		a = p.Addr()
	}
	return a
}

func (g *guard) take(from netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all >= g.most || g.of[from] >= g.each {
		return false
	}
	g.all++
	g.of[from]++
	return true
}

func (g *guard) give(from netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all--
	if g.of[from]--; g.of[from] == 0 {
		delete(g.of, from)
	}
}

// caller is a connection that is guarded, until it is a lane.
type caller struct {
	net.Conn
	leave func()
}

// Close closes the connection.
func (c *caller) Close() error {
	c.leave()
	return c.Conn.Close()
}

// admitted takes a connection out of its guard's count: it is a lane, which intake counts.
func admitted(conn net.Conn) {
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = t.NetConn()
	}
	if c, ok := conn.(*caller); ok {
		c.leave()
	}
}
