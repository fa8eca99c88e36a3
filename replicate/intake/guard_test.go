package intake_test

import (
	"net"
	"testing"

	"rackpost/replicate/intake"
	"rackpost/replicate/ship"
)

// from is a connection from an address.
type from struct {
	net.Conn
	address string
}

func (f from) RemoteAddr() net.Addr {
	a, err := net.ResolveTCPAddr("tcp", f.address)
	if err != nil {
		panic(err)
	}
	return a
}

// callers is a listener at which the test calls.
type callers chan net.Conn

func (c callers) Accept() (net.Conn, error) {
	conn, ok := <-c
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}
func (c callers) Close() error   { close(c); return nil }
func (c callers) Addr() net.Addr { return &net.TCPAddr{} }

// TestGuard: of one address so many, in all so many, and who left makes room.
func TestGuard(t *testing.T) {
	t.Parallel()
	l := make(callers)
	g := intake.GuardOf(l, 5, 2)
	accepted := make(chan net.Conn, 20)
	go func() {
		for {
			conn, err := g.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- conn
		}
	}()
	var first net.Conn
	call := func(address string) bool {
		near, far := net.Pipe()
		l <- from{far, address}
		closed := make(chan struct{})
		go func() {
			_, _ = near.Read(make([]byte, 1)) // nobody writes
			close(closed)
		}()
		select {
		case conn := <-accepted:
			if first == nil {
				first = conn
			}
			return true
		case <-closed:
			return false
		}
	}
	for _, c := range []struct {
		address string
		want    bool
	}{
		{"192.0.2.1:1", true}, {"192.0.2.1:2", true}, {"192.0.2.1:3", false}, {"192.0.2.2:1", true},
		{"[2001:db8::1]:1", true}, {"[2001:db8::2]:1", true}, {"[2001:db8::3]:1", false}, {"192.0.2.3:1", false},
	} {
		if got := call(c.address); got != c.want {
			t.Errorf("%s is let in: %v, want %v", c.address, got, c.want)
		}
	}
	first.Close()
	first.Close() // counts once
	if !call("192.0.2.3:1") || call("192.0.2.4:1") {
		t.Error("who left makes room for another than one")
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if _, ok := <-accepted; ok {
		t.Error("accepted after the end")
	}
}

// TestLanesAreNotCallers: a lane leaves its place to who calls next.
func TestLanesAreNotCallers(t *testing.T) {
	t.Parallel()
	h := makeHQ(t, 5, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.dialer = func() (net.Conn, error) { return net.Dial("tcp", l.Addr().String()) }
	h.serve(intake.GuardOf(l, 1, 1))
	for n := range 5 {
		conn, err := h.dial(siteName(n), ship.Live)
		if err != nil {
			t.Fatalf("lane %d: %v", n, err)
		}
		defer conn.Close()
	}
}
