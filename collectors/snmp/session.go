package snmp

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"github.com/gosnmp/gosnmp"

	"rackpost/collectors"
	"rackpost/hw"
)

// Session speaks SNMP with one device. It is not safe for concurrent use.
type Session struct {
	target  collectors.Target
	pool    *Pool
	client  *gosnmp.GoSNMP // lent while a call lasts
	conf    *gosnmp.GoSNMP // what the client is to be for this device; nil: the next request opens the socket
	guard   guard
	pace    pace
	trouble trouble
	limits  limits
	tries   int  // of one Get
	vlan    int  // whose context is asked; 0: that of the credentials
	proven  bool // this socket got an authentic answer
	base    int  // guard.sends at the last StartVisit
	sizes   sizes
	oids    []string // scratch of request
}

// New checks the target's address and credentials and returns a session. It does no I/O:
// the socket is opened by the first request. Sessions that share a pool share its buffers;
// without one the session has its own.
func New(t collectors.Target, p *Pool) (*Session, error) {
	if _, _, err := address(t.Device.Address); err != nil {
		return nil, err
	}
	if err := checkCredentials(t.Credentials); err != nil {
		return nil, err
	}
	if t.Timeout <= 0 {
		t.Timeout = defaultTimeout
	}
	if t.Memory == nil {
		t.Memory = &collectors.Memory{}
	}
	if t.Logger == nil {
		t.Logger = slog.New(slog.DiscardHandler)
	}
	if p == nil {
		p = &Pool{}
	}
	return &Session{target: t, pool: p, pace: loadPace(t.Memory), limits: defaultLimits, tries: tries}, nil
}

// engage borrows a client for one call that ends with ctx; release gives it back.
func (s *Session) engage(ctx context.Context) (release func(), f *failure) {
	x, err := s.pool.take()
	if err != nil {
		return nil, &failure{reason: hw.Unreachable, err: err}
	}
	s.client = x
	unwatch := s.guard.watch(ctx)
	return func() {
		unwatch()
		s.client = nil
		s.pool.give(x)
		clear(s.oids[:cap(s.oids)])
		s.pace.save(s.target.Memory)
	}, nil
}

// open makes sure of a socket.
func (s *Session) open(ctx context.Context) error {
	if s.conf != nil {
		return nil
	}
	s.proven = false
	flags := gosnmp.NoAuthNoPriv
	if v := s.target.Credentials.V3; v != nil {
		flags = level(v)
	}
	return s.dial(ctx, flags)
}

// dial opens a new socket and settles how to speak over it, at the given security level.
func (s *Session) dial(ctx context.Context, flags gosnmp.SnmpV3MsgFlags) error {
	conf, err := client(s.target, flags)
	if err != nil {
		return err
	}
	dialer := net.Dialer{Timeout: s.target.Timeout}
	conn, err := dialer.DialContext(ctx, "udp", net.JoinHostPort(conf.Target, strconv.Itoa(int(conf.Port))))
	if err != nil {
		return fmt.Errorf("open a socket: %w", err)
	}
	s.guard.attach(conn)
	conf.Conn = &s.guard
	conf.Community, conf.ContextName = inVLAN(s.target.Credentials, s.vlan)
	s.conf = conf
	return nil
}

// send makes the lent client send one request, under an ID that neither another user of the
// client nor a stranger foresees. What it learned of a v3 engine stays here.
func (s *Session) send(timeout time.Duration, ask func(*gosnmp.GoSNMP) (*gosnmp.SnmpPacket, error)) (*gosnmp.SnmpPacket, error) {
	s.guard.begin()
	x := s.client
	load(x, s.conf)
	x.Timeout = timeout
	x.SetRequestID(rand.Uint32())
	x.SetMsgID(rand.Uint32())
	p, err := ask(x)
	s.conf.ContextEngineID = x.ContextEngineID
	return p, err
}

// drop closes the socket. The next request opens a new one, resolves the name and, with
// v3, discovers the engine again.
func (s *Session) drop() {
	s.guard.attach(nil)
	s.conf, s.proven = nil, false
}

// StartVisit starts the count of requests anew, and forgives a device that was given up.
// After six tries in a row without a good answer no more are sent until the next visit:
// every call then fails with the reason of the last.
func (s *Session) StartVisit() {
	s.base, s.trouble = s.guard.sends, trouble{}
	s.MostRows(0)
	_ = s.UseVLAN(0) // fails for none
}

// Tries sets how often a Get is sent before it counts as unanswered; 3 is what a session
// starts with.
func (s *Session) Tries(n int) { s.tries = max(n, 1) }

// Requests returns how many requests were sent since the last StartVisit, repeats and v3
// discovery included.
func (s *Session) Requests() int { return s.guard.sends - s.base }

// Close ends the session. It may be called more than once; a later request opens it again.
func (s *Session) Close() error {
	s.drop()
	return nil
}
