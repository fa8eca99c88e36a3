package wire_test

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rackpost/replicate/mode"
	"rackpost/replicate/wire"
)

// segmentBytes is what IPv4 and TCP with timestamps add to each segment.
const segmentBytes = 52

// taps keep the TCP connections of one member, to ask the kernel what went over them.
type taps struct {
	mu   sync.Mutex
	list []*net.TCPConn
}

func (x *taps) add(c net.Conn) net.Conn {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.list = append(x.list, c.(*net.TCPConn))
	return c
}

func (x *taps) Dial(ctx context.Context, _, local, remote string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(local)}}
	c, err := d.DialContext(ctx, "tcp", remote)
	if err != nil {
		return nil, err
	}
	return x.add(c), nil
}

func (x *taps) Listen(ctx context.Context, _, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	return tapped{l, x}, err
}

type tapped struct {
	net.Listener
	taps *taps
}

func (l tapped) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.taps.add(c), nil
}

// segments is how many the kernel sent and received, bare acknowledgements included.
func (x *taps) segments(t testing.TB) (n uint64) {
	t.Helper()
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, c := range x.list {
		raw, err := c.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		_ = raw.Control(func(fd uintptr) {
			if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
				n += uint64(info.Segs_in) + uint64(info.Segs_out)
			}
		})
	}
	return n
}

// payload is what a member's connections carried, TLS included.
func payload(m *member) (n uint64) {
	for _, x := range m.Traffic() {
		n += x.BytesIn + x.BytesOut
	}
	return n
}

// TestLivenessTraffic measures what being heard costs with the program's own intervals, on one path.
func TestLivenessTraffic(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		role mode.Role
		most float64 // bytes a second, both directions
	}{
		{"box to box", mode.Box, 4000},
		{"box to witness", mode.Witness, 500},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, "lan")
			x := &taps{}
			real := func(conf *wire.Config) { conf.Dial, conf.Listen, conf.PingBox, conf.PingWitness = nil, nil, 0, 0 }
			a := h.add(mode.Box, func(conf *wire.Config) {
				real(conf)
				conf.Dial, conf.Listen = x.Dial, x.Listen
			})
			b := h.add(c.role, real)
			h.meet()
			h.run(a, b)
			eventually(t, "both hear the other", func() bool { return silent(a, b, "lan") != mode.Never && silent(b, a, "lan") != mode.Never })
			bytes, segments, began := payload(a), x.segments(t), time.Now()
			time.Sleep(3 * time.Second)
			bytes, segments = payload(a)-bytes, x.segments(t)-segments
			rate := float64(bytes+segmentBytes*segments) / time.Since(began).Seconds()
			t.Logf("%.0f bytes/s: %d bytes and %d segments in 3 s", rate, bytes, segments)
			if rate > c.most || segments == 0 {
				t.Errorf("%.0f bytes a second, at most %.0f are allowed", rate, c.most)
			}
		})
	}
}

// TestHandshakeTraffic measures what a connection costs before its first byte.
func TestHandshakeTraffic(t *testing.T) {
	t.Parallel()
	_, a, b := pair(t, "lan")
	_, lb := a.Raft(), b.Raft()
	go echo(lb)
	before := payload(a)
	la := a.Raft()
	if err := (layer{la}).dial(b); err != nil {
		t.Fatal(err)
	}
	n := raftBytes(a)
	t.Logf("%d bytes for TLS, both hellos and 10 bytes of Raft; %d of all kinds in that time", n, payload(a)-before)
	if n == 0 || n > 8<<10 {
		t.Errorf("%d bytes", n)
	}
}

// TestRaftToWitness: messages that are alike cost a witness's line little, and arrive as they were.
func TestRaftToWitness(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "lan")
	a, w := h.add(mode.Box, nil), h.add(mode.Witness, nil)
	h.meet()
	h.run(a, w)
	h.hears(a, w)
	la, lw := a.Raft(), w.Raft()
	go echo(lw)
	c, err := la.Dial(address(w), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	before := raftBytes(a)
	const messages, size = 50, 300
	var sent, got [size]byte
	for i := range sent {
		sent[i] = byte(i * i / 7)
	}
	for i := range messages {
		sent[0] = byte(i)
		if _, err := c.Write(sent[:]); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, got[:]); err != nil || got != sent {
			t.Fatalf("message %d comes back as %x, %v", i, got, err)
		}
	}
	n := raftBytes(a) - before
	t.Logf("%d bytes for %d messages of %d bytes and their answers", n, messages, size)
	if n > messages*size {
		t.Errorf("%d bytes for %d and as many back", n, messages*size)
	}
}

// BenchmarkPing shows what one ping costs this process on both sides, without TLS.
func BenchmarkPing(b *testing.B) {
	h := mode.Hello{Generation: mode.Generation{Counter: 3, Random: 1 << 60}, Term: 1 << 20, Applied: 1 << 34}
	b.ReportAllocs()
	for b.Loop() {
		if len(wire.PingFrame(h, 1<<20, 1<<20)) == 0 {
			b.Fatal("no ping")
		}
	}
}

// BenchmarkConnect is a call of Raft with its handshakes, answered by another member in this process.
func BenchmarkConnect(b *testing.B) {
	_, x, y := pair(b, "lan")
	la, lb := x.Raft(), y.Raft()
	go echo(lb)
	for b.Loop() {
		c, err := la.Dial(address(y), 2*time.Second)
		if err != nil {
			b.Fatal(err)
		}
		_ = c.Close()
	}
}
