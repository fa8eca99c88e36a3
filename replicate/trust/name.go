package trust

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/url"
	"strings"

	"rackpost/replicate/keys"
	"rackpost/replicate/mode"
)

// Peer is who a certificate says its owner is.
type Peer struct {
	Cluster mode.NodeID // the pair's id, of the same form as a member's
	Role    mode.Role
	Node    mode.NodeID
}

// String returns the name as the certificate carries it, urn:rackpost:CLUSTER:ROLE:NODE.
func (p Peer) String() string {
	return fmt.Sprintf("urn:rackpost:%s:%s:%s", p.Cluster, p.Role, p.Node)
}

func (p Peer) uri() *url.URL {
	return &url.URL{Scheme: "urn", Opaque: fmt.Sprintf("rackpost:%s:%s:%s", p.Cluster, p.Role, p.Node)}
}

// ParsePeer reads what String writes, and nothing else.
func ParsePeer(s string) (Peer, error) {
	var p Peer
	parts := strings.Split(s, ":")
	if len(parts) != 5 || parts[0] != "urn" || parts[1] != "rackpost" {
		return p, fmt.Errorf("%.150q is no name of a member: urn:rackpost:CLUSTER:ROLE:NODE", s)
	}
	var err error
	if p.Cluster, err = mode.ParseNodeID(parts[2]); err != nil {
		return Peer{}, fmt.Errorf("cluster of a member's name: %w", err)
	}
	if err = p.Role.UnmarshalText([]byte(parts[3])); err != nil {
		return Peer{}, fmt.Errorf("role of a member's name: %w", err)
	}
	if p.Node, err = mode.ParseNodeID(parts[4]); err != nil {
		return Peer{}, fmt.Errorf("node of a member's name: %w", err)
	}
	if p.Role == mode.RoleUnknown || p.String() != s {
		return Peer{}, fmt.Errorf("%.150q is not how a member's name is written", s)
	}
	return p, nil
}

// PeerOf returns who is at the other end of a connection made with a configuration of a Keeper,
// whose handshake has verified it. Keeper.Check verifies it again.
func PeerOf(cs tls.ConnectionState) (Peer, error) {
	if len(cs.PeerCertificates) == 0 {
		return Peer{}, refuse(Malformed, "the other end showed no certificate")
	}
	return peerOf(cs.PeerCertificates[0])
}

// peerOf reads the only name of a leaf. Its node must be that of its key.
func peerOf(leaf *x509.Certificate) (Peer, error) {
	if len(leaf.URIs) != 1 || len(leaf.DNSNames)+len(leaf.IPAddresses)+len(leaf.EmailAddresses) != 0 {
		return Peer{}, refuse(Malformed, "the certificate is no member's: it must name one member and nothing else")
	}
	p, err := ParsePeer(leaf.URIs[0].String())
	if err != nil {
		return Peer{}, refuse(Malformed, "the certificate is no member's: %v", err)
	}
	key, ok := leaf.PublicKey.(ed25519.PublicKey)
	if !ok {
		return Peer{}, refuse(Malformed, "the certificate is no member's: its key is no Ed25519 key")
	}
	if NodeOf(key) != p.Node {
		return Peer{}, refuse(OtherNode, "the certificate names %s, but its key is another's", p.Node)
	}
	return p, nil
}

// NodeOf returns the id of the member who has this key. The id is made of the key, so nobody can
// show a certificate for another's id, not even with the CA's key; a member keeps its key for ever.
func NodeOf(key ed25519.PublicKey) mode.NodeID {
	sum := sha256.Sum256(append([]byte("rackpost member 1\x00"), key...))
	id := mode.NodeID(sum[:16])
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80 // a UUID of version 8
	return id
}

// Fingerprint is the SHA-256 of a CA's certificate.
type Fingerprint = keys.Fingerprint
