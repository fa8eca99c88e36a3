package trust

import (
	"crypto/tls"
	"slices"

	"rackpost/replicate/mode"
)

// JoinProtocol (ALPN) is asked for by who has a token and no certificate, or one that has expired.
// Over it, only Answer answers.
const JoinProtocol = "rackpost-join/1"

// Server returns how to accept callers who ask for one of the protocols. One who offers JoinProtocol
// alone is asked for no certificate; the connection's NegotiatedProtocol tells.
func (k *Keeper) Server(protos []string) *tls.Config {
	own := func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return k.state.Load().shown, nil }
	join := base([]string{JoinProtocol})
	join.GetCertificate = own
	join.VerifyConnection = func(cs tls.ConnectionState) error {
		if cs.NegotiatedProtocol != JoinProtocol {
			return refuse(Malformed, "the caller shows no certificate and does not ask to join")
		}
		return nil
	}
	members := slices.DeleteFunc(slices.Clone(protos), func(p string) bool { return p == JoinProtocol })
	if len(members) == 0 {
		return join
	}
	cfg := base(members)
	cfg.ClientAuth = tls.RequireAnyClientCert
	cfg.GetCertificate = own
	cfg.VerifyConnection = func(cs tls.ConnectionState) error {
		if !slices.Contains(members, cs.NegotiatedProtocol) {
			return refuse(Malformed, "the caller asks for no protocol of a member")
		}
		_, err := k.Check(cs)
		return err
	}
	if len(members) == len(protos) {
		return cfg
	}
	cfg.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == JoinProtocol {
			return join, nil
		}
		return nil, nil
	}
	return cfg
}

// Client returns how to call a member for a protocol. Whoever answers must be that member.
func (k *Keeper) Client(node mode.NodeID, proto string) *tls.Config {
	cfg := base([]string{proto})
	cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return k.state.Load().shown, nil }
	cfg.VerifyConnection = func(cs tls.ConnectionState) error {
		if cs.NegotiatedProtocol != proto {
			return refuse(Malformed, "who answers does not speak %s: it is no rackpost, or one too old or too new", proto)
		}
		peer, err := k.Check(cs)
		if err != nil {
			return err
		}
		if peer.Node != node {
			return refuse(OtherNode, "%s answers at the address of %s: the addresses of the members are wrong (\"rackpost pair status\")", peer.Node, node)
		}
		return nil
	}
	return cfg
}

// Check verifies the other end of a connection made with Server or Client: the certificate against
// the CA, its key against its name, its name against the members of now, and its dates where the
// clock is trusted. Handshakes do it; for a connection that lasts it is asked again when the
// members have changed.
func (k *Keeper) Check(cs tls.ConnectionState) (Peer, error) {
	if len(cs.PeerCertificates) == 0 {
		return Peer{}, refuse(Malformed, "the other end showed no certificate")
	}
	s, leaf := k.state.Load(), cs.PeerCertificates[0]
	peer, err := checkChain(s.ca.cert, leaf)
	if err != nil {
		return Peer{}, err
	}
	if err := checkMember(s.Members, s.Cluster, peer); err != nil {
		return Peer{}, err
	}
	return peer, checkDates(leaf, peer.Node.String(), k.clock())
}

// Who is at the other end, by Check.
func (k *Keeper) Who(cs tls.ConnectionState) (mode.NodeID, mode.Role, error) {
	peer, err := k.Check(cs)
	return peer.Node, peer.Role, err
}

// base is what all connections have in common. Nothing is resumed: who is removed must not come
// back with a ticket.
func base(protos []string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: protos, SessionTicketsDisabled: true,
		// Only Go's own verification is off, which wants a host name and a date: VerifyConnection
		// verifies the chain, and is called in every handshake.
		InsecureSkipVerify: true,
	}
}
