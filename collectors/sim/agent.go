package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
)

// The limits of a message. Cisco sends answers of 1,472 bytes, the payload of an Ethernet frame.
const (
	DefaultMaxSize = 1472
	minMaxSize     = 484 // RFC 3417, 3.2.1
	greatMaxSize   = 65507
	maxRequest     = 16 << 10
)

// AgentOptions say how an agent answers; the zero value is public with answers of 1,472 bytes.
type AgentOptions struct {
	Community string // "" is public; requests with another get no answer. With @60 behind it: a Catalyst's VLAN 60
	MaxSize   int    // of an answer in bytes, 484 to 65507; 0 is DefaultMaxSize
	Logger    *slog.Logger
}

// Agent serves a device on one UDP address, one request after the other.
type Agent struct {
	device    *Device
	conn      *net.UDPConn
	community string
	logger    *slog.Logger
	answerer  answerer
	closing   sync.Once
}

// Listen opens addr, host:port with port 0 for a free one. Run serves it; Close is for an agent that
// is never run.
func Listen(addr string, d *Device, opt AgentOptions) (*Agent, error) {
	if opt.Community == "" {
		opt.Community = "public"
	}
	if opt.MaxSize == 0 {
		opt.MaxSize = DefaultMaxSize
	}
	if opt.MaxSize < minMaxSize || opt.MaxSize > greatMaxSize {
		return nil, fmt.Errorf("listen on %s: answers of %d bytes: use %d to %d", addr, opt.MaxSize, minMaxSize, greatMaxSize)
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	udp, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: write an address as 127.0.0.1:1161: %w", addr, err)
	}
	conn, err := net.ListenUDP("udp", udp)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	return &Agent{device: d, conn: conn, community: opt.Community, logger: opt.Logger, answerer: answerer{max: opt.MaxSize}}, nil
}

// Addr returns the address the agent listens on.
func (a *Agent) Addr() netip.AddrPort {
	addr := a.conn.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
}

// Close closes the socket. It may be called more than once.
func (a *Agent) Close() error {
	var err error
	a.closing.Do(func() { err = a.conn.Close() })
	return err
}

// maxWaiting is how many requests may wait behind the one that is being answered. What comes beyond is lost, as
// it is when the buffer of a socket is full.
const maxWaiting = 64

// waiting is a request with the community of the agent.
type waiting struct {
	request
	from netip.AddrPort
}

// Run serves until ctx ends, closes the socket and returns nil. It is called once.
func (a *Agent) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = a.Close() })
	queue := make(chan *waiting, maxWaiting)
	var answering sync.WaitGroup
	answering.Go(func() {
		for w := range queue {
			a.serve(ctx, w)
		}
	})
	defer func() {
		close(queue)
		stop()
		_ = a.Close()
		answering.Wait()
	}()
	packet := make([]byte, maxRequest)
	for {
		n, from, err := a.conn.ReadFromUDPAddrPort(packet)
		switch {
		case ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			return nil
		case err != nil:
			return fmt.Errorf("serve %s: %w", a.Addr(), err)
		}
		a.receive(packet[:n], from, queue)
	}
}

// receive lets a request wait for its answer; whatever is none of ours is dropped.
func (a *Agent) receive(packet []byte, from netip.AddrPort, queue chan<- *waiting) {
	q, ok := parseRequest(bytes.Clone(packet)) // the packet is read into again
	if !ok || !a.knows(&q) {
		return
	}
	a.device.arrive()
	select {
	case queue <- &waiting{request: q, from: from}:
	default:
		a.device.leave()
	}
}

// knows says whether the request has the agent's community, and notes the VLAN that IOS takes behind it: "public@60".
func (a *Agent) knows(q *request) bool {
	community, vlan, indexed := strings.Cut(string(q.community), "@")
	switch {
	case string(q.community) == a.community:
		return true
	case !indexed || community != a.community:
		return false
	}
	n, err := strconv.ParseUint(vlan, 10, 12)
	q.vlan = uint32(n)
	return err == nil && n > 0
}

// serve answers one request, or does not.
func (a *Agent) serve(ctx context.Context, w *waiting) {
	if !a.device.wait(ctx) {
		a.device.leave()
		return
	}
	err := a.device.respond(&a.answerer, &w.request, func(reply []byte) error {
		_, err := a.conn.WriteToUDPAddrPort(reply, w.from)
		return err
	})
	if err != nil && ctx.Err() == nil {
		a.logger.Debug("answer not sent", "to", w.from, "error", err)
	}
}
