package snmp

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/gosnmp/gosnmp"

	"rackpost/collectors"
)

// Session speaks SNMP with one device. It is not safe for concurrent use.
type Session struct {
	target collectors.Target
	client *gosnmp.GoSNMP // nil: the next request opens one
	guard  guard
	pace   pace
	limits limits
	proven bool           // this client got an authentic answer
	base   int            // guard.sends at the last ResetRequests
	sizes  map[string]int // rows each column had last time
	oids   []string
}

// New checks the target's address and credentials and returns a session. It does no I/O:
// the socket is opened by the first request.
func New(t collectors.Target) (*Session, error) {
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
	return &Session{target: t, pace: loadPace(t.Memory), limits: defaultLimits, sizes: map[string]int{}}, nil
}

// open makes sure of a client and its socket.
func (s *Session) open(ctx context.Context) error {
	if s.client != nil {
		return nil
	}
	s.proven = false
	flags := gosnmp.NoAuthNoPriv
	if v := s.target.Credentials.V3; v != nil {
		flags = level(v)
	}
	return s.dial(ctx, flags)
}

// dial makes a client at the given security level on a new socket.
func (s *Session) dial(ctx context.Context, flags gosnmp.SnmpV3MsgFlags) error {
	x, err := client(s.target, flags)
	if err != nil {
		return err
	}
	x.Context = ctx
	if err := x.Connect(); err != nil {
		return fmt.Errorf("open a socket: %w", err)
	}
	s.guard.attach(x.Conn)
	x.Conn, x.Context = &s.guard, context.Background() // the guard minds the context
	s.client = x
	return nil
}

// drop closes the socket. The next request opens a new one, resolves the name and, with
// v3, discovers the engine again.
func (s *Session) drop() {
	s.guard.attach(nil)
	s.client, s.proven = nil, false
}

// Requests returns how many requests were sent since the last ResetRequests, repeats and
// v3 discovery included.
func (s *Session) Requests() int { return s.guard.sends - s.base }

// ResetRequests starts the count anew.
func (s *Session) ResetRequests() { s.base = s.guard.sends }

// Close ends the session. It may be called more than once; a later request opens it again.
func (s *Session) Close() error {
	s.drop()
	return nil
}
