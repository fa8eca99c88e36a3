package wire_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"rackpost/replicate/mode"
	"rackpost/replicate/wire"
)

// listens waits until the member takes callers, and returns where.
func listens(t testing.TB, m *member) string {
	t.Helper()
	at := m.peer.Paths[0].Address
	eventually(t, m.peer.Name+" listens", func() bool {
		c, err := dialer().Dial("tcp", at)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return at
}

// from calls from an address of the caller's choice, as another machine would.
func from(t testing.TB, ip, at string) net.Conn {
	t.Helper()
	d := dialer()
	d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(ip)}
	c, err := d.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestPlainHTTPIsTold(t *testing.T) {
	t.Parallel()
	_, a, _ := pair(t, "lan")
	resp, err := (&http.Client{Timeout: 5 * time.Second}).Get("http://" + listens(t, a) + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(b), "rackpost") {
		t.Errorf("%s: %q, %v", resp.Status, b, err)
	}
	eventually(t, "it is kept", func() bool {
		list := a.Refusals()
		return len(list) == 1 && strings.Contains(list[0].Words, "HTTP")
	})
}

// TestGarbageEnds: whatever a stranger sends, the connection ends and the pair goes on.
func TestGarbageEnds(t *testing.T) {
	t.Parallel()
	h, a, b := pair(t, "lan")
	at := listens(t, a)
	hello := make([]byte, 300)
	copy(hello, "\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03") // a ClientHello of 16 KB that does not come
	for name, sent := range map[string][]byte{
		"zeros":         make([]byte, 100<<10),
		"SSH":           []byte("SSH-2.0-OpenSSH_9.9\r\n"),
		"half a hello":  hello,
		"endless hello": bytes.Repeat([]byte("\x16\x03\x01\x40\x00"+strings.Repeat("\x01\x00\xff\xff", 4096)), 64),
	} {
		c := from(t, h.net+".201", at)
		_, _ = c.Write(sent)
		_ = c.(*net.TCPConn).CloseWrite()
		_ = c.SetReadDeadline(time.Now().Add(8 * time.Second))
		if _, err := io.Copy(io.Discard, c); errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
			t.Errorf("%s: the connection stays", name)
		}
	}
	for _, conf := range []*tls.Config{
		{InsecureSkipVerify: true},
		{InsecureSkipVerify: true, NextProtos: []string{"h2"}},
		{InsecureSkipVerify: true, NextProtos: []string{wire.Raft}},
		{InsecureSkipVerify: true, NextProtos: []string{wire.Raft}, MaxVersion: tls.VersionTLS12},
		{InsecureSkipVerify: true, NextProtos: []string{wire.Raft, wire.Join}},
	} {
		c := tls.Client(from(t, h.net+".202", at), conf)
		_ = c.SetDeadline(time.Now().Add(8 * time.Second))
		if _, err := c.Read(make([]byte, 1)); err == nil || isTimeout(err) {
			t.Errorf("a caller without a certificate who speaks %v: %v", conf.NextProtos, err)
		}
	}
	h.hears(a, b)
	if list := a.Contacts(); len(list) != 1 {
		t.Errorf("contacts %+v", list)
	}
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// TestMemberSpeaksNonsense: who has a certificate may still be broken.
func TestMemberSpeaksNonsense(t *testing.T) {
	t.Parallel()
	h, a, b := pair(t, "lan")
	at := listens(t, a)
	for _, sent := range []string{"\x00\x00", "\xff\xff", "\x00\x05nope!", strings.Repeat("x", 100<<10)} {
		conf := b.trust.Client(a.peer.Node, wire.Health)
		conf.NextProtos = []string{wire.Health}
		c := tls.Client(from(t, h.net+".203", at), conf)
		_ = c.SetDeadline(time.Now().Add(8 * time.Second))
		_, _ = io.WriteString(c, sent)
		if _, err := io.Copy(io.Discard, c); isTimeout(err) {
			t.Errorf("%.10q: the connection stays", sent)
		}
	}
	eventually(t, "it is kept", func() bool {
		for _, r := range a.Refusals() {
			if r.Reason == wire.Malformed && r.Node == b.peer.Node {
				return true
			}
		}
		return false
	})
	h.hears(a, b)
}

// TestSlowCallers: as many as like may hold a connection and say nothing; a member comes through.
func TestSlowCallers(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "lan")
	a := h.add(mode.Box, func(c *wire.Config) { c.Handshake = 2 * time.Second })
	b := h.add(mode.Box, nil)
	h.meet()
	h.run(a)
	at := listens(t, a)
	var slow []net.Conn
	for i := range 200 {
		c := from(t, h.net+".204", at)
		if i%2 == 0 {
			_, _ = c.Write([]byte{0x16})
		}
		slow = append(slow, c)
	}
	h.run(b)
	h.hears(a, b)
	ended := 0
	for _, c := range slow {
		_ = c.SetReadDeadline(time.Now().Add(6 * time.Second))
		if _, err := io.Copy(io.Discard, c); !isTimeout(err) {
			ended++
		}
	}
	if ended != len(slow) {
		t.Errorf("%d of %d slow callers are still there", len(slow)-ended, len(slow))
	}
}

// TestThousandCallers: at once, from one address, each of which would go on if it were let.
func TestThousandCallers(t *testing.T) {
	t.Parallel()
	h, a, b := pair(t, "lan")
	a.Handle(wire.MethodNode, func(context.Context, mode.NodeID, []byte) ([]byte, error) { return nil, nil })
	at := listens(t, a)
	var wg sync.WaitGroup
	for range 1000 {
		wg.Go(func() {
			d := dialer()
			d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(h.net + ".205")}
			c, err := d.Dial("tcp", at)
			if err != nil {
				return
			}
			defer c.Close()
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\n\r\n")
			_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
			_, _ = bufio.NewReader(c).ReadString('\n')
		})
	}
	if _, err := b.Ask(t.Context(), a.peer.Node, nil); err != nil {
		t.Errorf("a member asks meanwhile: %v", err)
	}
	wg.Wait()
	h.hears(a, b)
	if n := len(a.Refusals()); n > 64 {
		t.Errorf("%d refusals are kept", n)
	}
}

// TestJoin: who has no certificate is heard for one request, and not often.
func TestJoin(t *testing.T) {
	t.Parallel()
	_, a, _ := pair(t, "lan")
	at := listens(t, a)
	conf := &tls.Config{InsecureSkipVerify: true}
	if _, err := wire.Introduce(t.Context(), at, conf, []byte("token")); !errors.Is(err, wire.ErrUndelivered) {
		t.Errorf("a join where nobody can: %v", err)
	}
	a.HandleJoin(func(_ context.Context, from netip.Addr, body []byte) ([]byte, error) {
		if !from.IsLoopback() || string(body) != "token" {
			return nil, &wire.Failure{Code: "token", Words: "make another"}
		}
		return []byte("welcome"), nil
	})
	if got, err := wire.Introduce(t.Context(), at, conf, []byte("token")); err != nil || string(got) != "welcome" {
		t.Errorf("%q, %v", got, err)
	}
	var f *wire.Failure
	if _, err := wire.Introduce(t.Context(), at, conf, make([]byte, 64<<10)); !errors.As(err, &f) || f.Code != "token" {
		t.Errorf("a wrong token: %v", err)
	}
	if _, err := wire.Introduce(t.Context(), at, conf, make([]byte, 65<<10)); err == nil {
		t.Error("a request that is too large is sent")
	}
	var err error
	for range 10 {
		_, err = wire.Introduce(t.Context(), at, conf, nil)
	}
	if !errors.Is(err, wire.ErrUndelivered) || !strings.Contains(err.Error(), "wait a minute") {
		t.Errorf("the tenth try of one address: %v", err)
	}
}

// TestJoinerOfAnotherPairIsTold: who does not trust this box when it joins is told apart from a member that does not.
func TestJoinerOfAnotherPairIsTold(t *testing.T) {
	t.Parallel()
	_, a, _ := pair(t, "lan")
	conf := &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(tls.ConnectionState) error { return errors.New("of another pair") }}
	if _, err := wire.Introduce(t.Context(), listens(t, a), conf, []byte("token")); !errors.Is(err, wire.ErrUndelivered) {
		t.Error(err)
	}
	eventually(t, "it is kept", func() bool {
		list := a.Refusals()
		return len(list) == 1 && list[0].Theirs && strings.Contains(list[0].Words, "its token is of another pair")
	})
}

// TestSilentJoinersKeepNobodyOut: strangers who say nothing after their handshake do not hold the places of those who join.
func TestSilentJoinersKeepNobodyOut(t *testing.T) {
	t.Parallel()
	_, a, _ := pair(t, "lan")
	at := listens(t, a)
	a.HandleJoin(func(_ context.Context, _ netip.Addr, body []byte) ([]byte, error) { return body, nil })
	conf := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{wire.Join}}
	for range 4 {
		c := tls.Client(from(t, "127.0.0.77", at), conf)
		if err := c.HandshakeContext(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := wire.Introduce(t.Context(), at, conf, []byte("token")); err != nil || string(got) != "token" {
		t.Errorf("%q, %v", got, err)
	}
}
