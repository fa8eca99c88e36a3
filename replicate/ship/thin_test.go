package ship_test

import (
	"crypto/ed25519"
	cryptorand "crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/netlab"
	"rackpost/replicate/ship"
)

// TestThinLine: over TLS, on a line on which one frame takes longer than a peer may be silent or a write may take, everything arrives once, on one
// connection, what is larger than a frame and what is written meanwhile too.
func TestThinLine(t *testing.T) {
	t.Parallel()
	const perSecond, behind, patience = 8 << 10, 96 << 10, 5 * time.Second
	lab := netlab.New(t, "one", "two")
	lab.Thin("one", perSecond)
	lab.Thin("two", perSecond)
	x, y := overTLS(t, lab.Host("one"), lab.Host("two"))
	r := rand.New(rand.NewPCG(1, 9))
	a, b := newBox(t, r, 'a'), newBox(t, r, 'b')
	for _, size := range []int{behind - 10<<10, 1 << 10, 9 << 10} {
		a.logs(size)
	}
	impatient := func(b *box) *ship.Line {
		o := b.options()
		o.Idle, o.Write = patience, patience
		return ship.New(b, o)
	}
	la, lb := impatient(a), impatient(b)
	began := time.Now()
	cut := join(la, lb, x, y)
	for !la.CaughtUp() || !lb.CaughtUp() {
		if time.Sleep(200 * time.Millisecond); time.Since(began) < 2*time.Second {
			a.writes(1)
			b.writes(1)
		}
		if p := la.Progress(); time.Since(began) > 90*time.Second || p.Reason != "" {
			t.Fatalf("after %v: %+v, %+v", time.Since(began), p, lb.Progress())
		}
	}
	took := time.Since(began)
	same(t, a, b)
	for _, l := range []*ship.Line{la, lb} {
		if p := l.Progress(); !p.Connected || p.Returned+p.Refused+p.Repeated+p.GivenUp > 0 {
			t.Errorf("%+v", p)
		}
	}
	if took < behind*time.Second/perSecond/2 {
		t.Errorf("%d bytes in %v: the line is not thin", la.Progress().BytesOut, took)
	}
	if e1, e2 := cut(); e1 != nil || e2 != nil {
		t.Errorf("ended with %v and %v", e1, e2)
	}
	t.Logf("%d bytes out and %d in, in %v", la.Progress().BytesOut, la.Progress().BytesIn, took)
}

// slow is a connection from which so many bytes a second are read.
type slow struct {
	net.Conn
	perSecond int
}

func (c slow) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p[:min(len(p), 1024)])
	time.Sleep(time.Duration(n) * time.Second / time.Duration(c.perSecond))
	return n, err
}

// TestSlowReader is the same without a kernel that takes what is written: a frame of 64 KB takes 8 s to write and to read.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 9))
		a, b := newBox(t, r, 'a'), newBox(t, r, 'b')
		b.logs(200 << 10)
		oa, ob := a.options(), b.options()
		oa.Idle, ob.Idle, oa.Write, ob.Write = 5*time.Second, 5*time.Second, 5*time.Second, 5*time.Second
		la, lb := ship.New(a, oa), ship.New(b, ob)
		cut := connect(la, lb, func(c net.Conn) net.Conn { return slow{c, 8 << 10} })
		settle(t, la, lb)
		same(t, a, b)
		if p := la.Progress(); p.Reason != "" || !p.Connected {
			t.Errorf("%+v", p)
		}
		cut()
	})
}

// logs writes so many bytes that cannot be packed.
func (b *box) logs(size int) {
	b.t.Helper()
	body := make([]byte, size)
	for i := range body {
		body[i] = byte(b.r.Uint32())
	}
	k, err := b.Store.Write(b.t.Context(), journal.Logs, noon.UnixMilli(), journal.Leader, body, 1)
	if err != nil {
		b.t.Fatal(err)
	}
	b.wrote[k] = true
}

// overTLS returns the ends of a connection as package wire makes it: TLS 1.3, a certificate at both, no tickets. Who is at the
// other end is the matter of package trust.
func overTLS(t *testing.T, one, two *netlab.Host) (net.Conn, net.Conn) {
	t.Helper()
	public, key, err := ed25519.GenerateKey(cryptorand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	name := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(cryptorand.Reader, name, name, public, key)
	if err != nil {
		t.Fatal(err)
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		ClientAuth: tls.RequireAnyClientCert, InsecureSkipVerify: true, SessionTicketsDisabled: true}
	var l net.Listener
	var x, y net.Conn
	err = two.Within(func() (err error) {
		l, err = net.Listen("tcp", netip.AddrPortFrom(two.Address(netlab.LAN), 0).String())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	err = one.Within(func() (err error) {
		x, err = net.Dial("tcp", l.Addr().String())
		return err
	})
	if err == nil {
		y, err = l.Accept()
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []net.Conn{x, y} { // else the kernel takes all of it at once
		if err := errors.Join(c.(*net.TCPConn).SetWriteBuffer(16 << 10)); err != nil {
			t.Fatal(err)
		}
	}
	client, server := tls.Client(x, conf), tls.Server(y, conf)
	done := make(chan error, 1)
	go func() { done <- server.Handshake() }()
	if err := errors.Join(client.Handshake(), <-done); err != nil {
		t.Fatal(err)
	}
	return client, server
}
