package snmp

import (
	"context"
	"errors"

	"rackpost/collectors"
)

// Session speaks SNMP with one device. It is not safe for concurrent use.
type Session struct {
	target   collectors.Target
	requests int
}

// New checks the target's address and credentials and returns a session. It does no I/O:
// the socket is opened by the first request.
func New(t collectors.Target) (*Session, error) {
	return &Session{target: t}, nil
}

var errNotReady = errors.New("snmp: not there yet")

// Get reads single objects. The answers are in the order and number asked; an object that
// the device does not have or would not give is a Var with a Reason. The error, a
// *collectors.VisitError, means that nothing was read.
func (s *Session) Get(ctx context.Context, oids ...string) ([]Var, error) {
	return nil, errNotReady
}

// Walk reads whole columns, several in one request. The error, a *collectors.VisitError,
// means that nothing at all was read; else each column says whether it is complete.
func (s *Session) Walk(ctx context.Context, columns ...string) (Table, error) {
	return nil, errNotReady
}

// WalkTimed is Walk with sysUpTime.0 in every request, so that a counter can be related to
// the clock of the answer it came in.
func (s *Session) WalkTimed(ctx context.Context, columns ...string) (Table, UpTimes, error) {
	return nil, nil, errNotReady
}

// Requests returns how many requests were sent since the last ResetRequests, repeats
// included.
func (s *Session) Requests() int { return s.requests }

// ResetRequests starts the count anew.
func (s *Session) ResetRequests() { s.requests = 0 }

// Close ends the session. It may be called more than once.
func (s *Session) Close() error { return nil }
