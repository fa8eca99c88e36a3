package wire_test

import (
	"context"
	"net"
	"sync"
	"time"
)

// lab is a network over real TCP whose paths can be cut in each direction. What is written to a
// path that is cut waits, as in TCP, and goes on when it is whole again.
type lab struct {
	mu    sync.Mutex
	names map[string]string // IP -> member
	cuts  map[way]bool
	heal  chan struct{} // closed when a cut ends
}

var past = time.Unix(1, 0)

type way struct{ from, to, path string }

func newLab() *lab {
	return &lab{names: map[string]string{}, cuts: map[way]bool{}, heal: make(chan struct{})}
}

func (l *lab) knows(ip, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.names[ip] = name
}

// oneWay cuts what goes from one member to another on a path.
func (l *lab) oneWay(from, to *member, path string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cuts[way{from.peer.Name, to.peer.Name, path}] = true
}

func (l *lab) cut(a, b *member, path string) {
	l.oneWay(a, b, path)
	l.oneWay(b, a, path)
}

func (l *lab) mend(path string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for w := range l.cuts {
		if w.path == path {
			delete(l.cuts, w)
		}
	}
	close(l.heal)
	l.heal = make(chan struct{})
}

// passes says whether w is whole; if not, wait is closed when that may have changed.
func (l *lab) passes(w way) (ok bool, wait <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.cuts[w], l.heal
}

func (l *lab) name(a net.Addr) string {
	host, _, _ := net.SplitHostPort(a.String())
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.names[host]
}

func (l *lab) dialer(name string) func(ctx context.Context, path, local, remote string) (net.Conn, error) {
	return func(ctx context.Context, path, local, remote string) (net.Conn, error) {
		host, _, _ := net.SplitHostPort(remote)
		l.mu.Lock()
		to := l.names[host]
		l.mu.Unlock()
		for _, w := range []way{{name, to, path}, {to, name, path}} {
			for {
				ok, wait := l.passes(w)
				if ok {
					break
				}
				select {
				case <-wait:
				case <-ctx.Done():
					return nil, ctx.Err()
				}
			}
		}
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(local)}}
		c, err := d.DialContext(ctx, "tcp", remote)
		if err != nil {
			return nil, err
		}
		return l.wrap(c, way{name, to, path}), nil
	}
}

func (l *lab) listen(ctx context.Context, path, address string) (net.Listener, error) {
	inner, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &labListener{inner, l, path}, nil
}

type labListener struct {
	net.Listener
	lab  *lab
	path string
}

func (l *labListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.lab.wrap(c, way{l.lab.name(c.LocalAddr()), l.lab.name(c.RemoteAddr()), l.path}), nil
}

// labConn holds back what is written while its way is cut.
type labConn struct {
	net.Conn
	lab    *lab
	way    way
	closed chan struct{}
	once   sync.Once

	mu   sync.Mutex
	held []byte
}

func (l *lab) wrap(c net.Conn, w way) net.Conn {
	return &labConn{Conn: c, lab: l, way: w, closed: make(chan struct{})}
}

func (c *labConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ok, wait := c.lab.passes(c.way)
	if ok && c.held == nil {
		return c.Conn.Write(b)
	}
	if c.held == nil {
		go c.later(wait)
	}
	c.held = append(c.held, b...)
	return len(b), nil
}

// later writes what was held back as soon as the way is whole.
func (c *labConn) later(wait <-chan struct{}) {
	for {
		select {
		case <-c.closed:
			return
		case <-wait:
		}
		var ok bool
		if ok, wait = c.lab.passes(c.way); !ok {
			continue
		}
		c.mu.Lock()
		_, _ = c.Conn.Write(c.held)
		c.held = nil
		c.mu.Unlock()
		return
	}
}

// Close tells the other end nothing while the way to it is cut.
func (c *labConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	ok, wait := c.lab.passes(c.way)
	if ok {
		return c.Conn.Close()
	}
	_ = c.SetDeadline(past)
	go func() {
		<-wait
		_ = c.Conn.Close()
	}()
	return nil
}

// CloseWrite is what a listener's caller may be told with.
func (c *labConn) CloseWrite() error { return c.Conn.(*net.TCPConn).CloseWrite() }
