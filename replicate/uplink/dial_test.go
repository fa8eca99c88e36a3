package uplink

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rackpost/replicate/link"
)

// fixed are links that do not change.
type fixed []link.Link

func (f fixed) Links() ([]link.Link, bool) { return f, true }

func (f fixed) Watch() <-chan struct{} { return nil }

func listen(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

func TestDialByInterface(t *testing.T) {
	t.Parallel()
	at := listen(t)
	links := fixed{{Index: 1, Name: "lo", Up: true, Carrier: true, Addresses: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8")}}}
	c, err := Way{Name: "a", Interface: "lo"}.Dial(t.Context(), links, at)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	_, err = Way{Name: "a", Interface: "eth77"}.Dial(t.Context(), links, at)
	if err == nil || !strings.Contains(err.Error(), "this box has no interface eth77") {
		t.Errorf("over an interface that is not there: %v", err)
	}
	if _, err = (Way{Name: "a", Interface: "eth77"}).Dial(t.Context(), nil, at); err == nil {
		t.Error("over an interface that is not there, of which nobody tells")
	}
}

// TestSource: where the system does not let a socket be bound to the interface by name, its address is used.
func TestSource(t *testing.T) {
	t.Parallel()
	at := netip.MustParseAddrPort(listen(t))
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	b := control{name: "lo", link: link.Link{Addresses: []netip.Prefix{netip.MustParsePrefix("fe80::1/64"), netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("127.0.0.9/8")}}}
	if err := b.source(fd, at.Addr()); err != nil {
		t.Fatal(err)
	}
	if err := unix.Connect(fd, &unix.SockaddrInet4{Addr: at.Addr().As4(), Port: int(at.Port())}); err != nil {
		t.Fatal(err)
	}
	own, err := unix.Getsockname(fd)
	if v4, ok := own.(*unix.SockaddrInet4); err != nil || !ok || v4.Addr != [4]byte{127, 0, 0, 9} {
		t.Errorf("it comes from %+v, %v", own, err)
	}
	if err := (control{}).source(fd, at.Addr()); err == nil {
		t.Error("an interface without an address")
	}
}

// TestNames: a name is asked for, remembered, and used again when nobody tells it any more.
func TestNames(t *testing.T) {
	t.Parallel()
	_, port, err := net.SplitHostPort(listen(t))
	if err != nil {
		t.Fatal(err)
	}
	d := newDialer()
	defer d.close()
	c, err := d.dial(t.Context(), Way{Name: "a"}, nil, net.JoinHostPort("localhost", port))
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	d.mu.Lock()
	d.names["hq.invalid"] = []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	d.asked["hq.invalid"] = make(chan struct{}) // a question that nobody answers
	d.mu.Unlock()
	began := time.Now()
	c, err = d.dial(t.Context(), Way{Name: "a"}, nil, net.JoinHostPort("hq.invalid", port))
	if err != nil {
		t.Fatalf("after %v: %v", time.Since(began), err)
	}
	_ = c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	d.mu.Lock()
	d.asked["never.invalid"] = make(chan struct{})
	d.mu.Unlock()
	if _, err := d.dial(ctx, Way{Name: "a"}, nil, "never.invalid:1"); err == nil || !strings.Contains(err.Error(), "DNS") {
		t.Errorf("a name without an address: %v", err)
	}
}

// TestSecondAddress: the first address of a name does not answer, the second does.
func TestSecondAddress(t *testing.T) {
	t.Parallel()
	_, port, err := net.SplitHostPort(listen(t))
	if err != nil {
		t.Fatal(err)
	}
	places := []netip.Addr{netip.MustParseAddr("127.0.0.77"), netip.MustParseAddr("127.0.0.1")}
	c, err := call(t.Context(), control{}, places, port)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	if _, err := call(t.Context(), control{}, places[:1], port); err == nil {
		t.Error("nobody is there")
	}
}
