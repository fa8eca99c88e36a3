package wire

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"sync"
	"time"

	"rackpost/replicate/mode"
)

// Conn is a connection to a member after both hellos.
type Conn struct {
	net.Conn
	Peer     Hello // what the other side said
	Path     string
	Protocol uint16 // the version that both speak

	told   mode.Hello // what this member said
	proto  string
	called bool // by the other side
	meter  *meter
	forget func()
	once   sync.Once
}

// Close ends the connection.
func (c *Conn) Close() error {
	c.once.Do(c.forget)
	return c.Conn.Close()
}

// drop ends it at once, without a word: the other side may not be there to take one.
func (c *Conn) drop() {
	c.once.Do(c.forget)
	_ = c.meter.Close()
}

// mostConns is how many connections of a kind a member may have made. One more ends the oldest:
// it is of a member that was cut off and calls again.
func mostConns(proto string) int {
	switch proto {
	case Raft:
		return 16
	case Control:
		return mostServed
	}
	return 2 * mostPaths
}

// conns are the connections that are open, in the order they came.
type conns struct {
	mu    sync.Mutex
	list  []*Conn
	ended bool
}

// add keeps the connection until it is closed. It is closed at once when all were.
func (s *conns) add(c *Conn) bool {
	s.mu.Lock()
	oldest := s.oldest(c)
	ended := s.ended
	if !ended {
		s.list = append(s.list, c)
	}
	s.mu.Unlock()
	if oldest != nil {
		oldest.drop()
	}
	if ended {
		_ = c.meter.Close()
	}
	return !ended
}

// oldest is the connection that has to make room for c, if there is one.
func (s *conns) oldest(c *Conn) *Conn {
	var first *Conn
	n := 0
	for _, o := range s.list {
		if c.called && o.called && o.proto == c.proto && o.Peer.Node == c.Peer.Node {
			if n++; first == nil {
				first = o
			}
		}
	}
	if n < mostConns(c.proto) {
		return nil
	}
	return first
}

func (s *conns) remove(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = slices.DeleteFunc(s.list, func(o *Conn) bool { return o == c })
}

// drop ends the connections that match.
func (s *conns) drop(match func(*Conn) bool) {
	s.mu.Lock()
	var list []*Conn
	for _, c := range s.list {
		if match(c) {
			list = append(list, c)
		}
	}
	s.mu.Unlock()
	for _, c := range list {
		c.drop()
	}
}

// end drops all there are and all that will be.
func (s *conns) end() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.drop(func(*Conn) bool { return true })
}

// until ends what the connection waits for when ctx ends, and at latest at the deadline. The
// returned function ends that and says whether ctx was still good.
func until(ctx context.Context, c net.Conn, deadline time.Time) (done func() bool) {
	_ = c.SetDeadline(deadline)
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	return func() bool {
		ok := stop()
		if ok {
			_ = c.SetDeadline(time.Time{})
		}
		return ok
	}
}

// strict makes sure of what this package relies on, whoever made the configuration.
func strict(conf *tls.Config, protos ...string) *tls.Config {
	conf = conf.Clone()
	conf.MinVersion, conf.MaxVersion = tls.VersionTLS13, 0
	conf.NextProtos = protos
	conf.SessionTicketsDisabled = true
	conf.ClientSessionCache = nil
	return conf
}
