package wire

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"

	"rackpost/replicate/mode"
)

// receive does what follows TLS with a member who called: nil when it is none, or not wanted.
func (w *Wire) receive(c *tls.Conn, m *meter, path string, from netip.Addr) *Conn {
	proto := c.ConnectionState().NegotiatedProtocol
	r := Refusal{Address: from.String(), Path: path, Protocol: proto}
	node, role, err := w.cfg.Trust.Who(c.ConnectionState())
	if err != nil || proto == "" {
		r.Reason, r.Words = Untrusted, "it showed no certificate of a member, or did not say what it came for"
		if err != nil {
			r.Words = err.Error()
		}
		w.refuse(r)
		return nil
	}
	r.Node = node
	conn, err := w.settle(c, m, true, identity{node, role}, r)
	if err != nil {
		w.cfg.Logger.Debug("pair caller not taken", "error", err)
	}
	return conn
}

// settle exchanges the hellos, and returns the connection if both sides want it.
func (w *Wire) settle(c *tls.Conn, m *meter, called bool, id identity, r Refusal) (*Conn, error) {
	self := w.hello()
	h, ours, theirs, err := w.greet(c, self, called, id, r.Protocol)
	if err == nil && ours.reason.ofMember() {
		w.contacts.heard(r.Path, h, false)
	}
	switch {
	case ours.reason != Welcome || err == nil && theirs.reason != Welcome:
		if theirs.reason == MustRejoin {
			w.contacts.outdate(self.Hello)
		}
		return nil, w.refuseBoth(r, ours, theirs)
	case err != nil:
		return nil, w.broken(r, err)
	}
	m.prove(w.books.open(id.node, r.Protocol))
	conn := &Conn{Conn: c, Peer: h, Path: r.Path, Protocol: min(h.Protocols.Newest, w.cfg.Protocols.Newest), told: self.Hello, proto: r.Protocol, called: called, meter: m}
	conn.forget = func() { w.conns.remove(conn) }
	if !w.conns.add(conn) {
		return nil, ErrNotRunning
	}
	// Whoever was removed, or took over, meanwhile was not there to be dropped.
	if w.peer(id.node) == nil || r.Protocol == Raft && w.said.Load().Generation != self.Generation {
		conn.drop()
		return nil, ErrNoWay
	}
	return conn, nil
}

// refuseBoth keeps what either side has against the other, and returns this side's if it has something.
func (w *Wire) refuseBoth(r Refusal, ours, theirs verdict) (refusal *Refusal) {
	if theirs.reason != Welcome {
		r.Theirs, r.Reason, r.Words = true, theirs.reason, theirs.words
		refusal = w.refuse(r)
	}
	if ours.reason != Welcome {
		r.Theirs, r.Reason, r.Words = false, ours.reason, ours.words
		refusal = w.refuse(r)
	}
	return refusal
}

// broken is a connection that ended between TLS and the verdict. Of TLS 1.3 the caller learns only
// then that its certificate was refused.
func (w *Wire) broken(r Refusal, err error) error {
	switch {
	case isAlert(err) && r.Protocol == Join:
		r.Theirs, r.Reason = true, Untrusted
		r.Words = "a machine wanted to join and hung up: its token is of another pair than this box; say the address of the box that made the token, or make a token here (\"rackpost pair token\")"
		return w.refuse(r)
	case isAlert(err):
		r.Theirs, r.Reason = true, Untrusted
		r.Words = "it refuses this member's certificate (" + err.Error() + "): it is of another pair, or removed this one, or the clocks differ; \"rackpost pair status\" there says which"
		return w.refuse(r)
	case errors.Is(err, errHello):
		r.Reason, r.Words = Malformed, err.Error()
		return w.refuse(r)
	}
	return err
}

// greet has both sides say hello and what they think of the other's. The caller speaks first; so the first byte of what the connection is
// for can follow after one round trip.
func (w *Wire) greet(c net.Conn, self Hello, called bool, id identity, proto string) (Hello, verdict, verdict, error) {
	mine := self.append(nil)
	if !called {
		if err := writeFrame(c, mine); err != nil {
			return Hello{}, verdict{}, verdict{}, err
		}
	}
	b, err := readFrame(c)
	if err != nil {
		return Hello{}, verdict{}, verdict{}, err
	}
	peer, err := parseHello(b)
	ours := verdict{Malformed, "what you sent is no hello of rackpost: update the older of the two"}
	switch {
	case err != nil:
	case peer.Node != id.node || peer.Role != id.role:
		ours = verdict{Impostor, "your hello names another member than your certificate"}
	default:
		ours = w.judge(self, peer, proto)
	}
	frames := [][]byte{ours.append(nil)}
	if called {
		frames = [][]byte{mine, frames[0]}
	}
	if err := writeFrame(c, frames...); err != nil {
		return peer, ours, verdict{}, err
	}
	b, err = readFrame(c)
	if err != nil {
		return peer, ours, verdict{}, err
	}
	theirs, err := parseVerdict(b)
	return peer, ours, theirs, err
}

// isAlert says whether the other side ended TLS and said why, in a word.
func isAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}

type identity struct {
	node mode.NodeID
	role mode.Role
}
