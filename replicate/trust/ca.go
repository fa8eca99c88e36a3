package trust

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"net/url"
	"time"

	"rackpost/replicate/keys"
	"rackpost/replicate/mode"
)

// nodeLife is how long a member's certificate lasts.
const nodeLife = 365 * 24 * time.Hour

// authority is the pair's CA. A witness has it without the key.
type authority struct {
	cert *x509.Certificate
	key  ed25519.PrivateKey
}

// clock is what time a box believes it is.
type clock struct {
	keys.Clock
	life time.Duration // of a member's certificate
}

// due says whether a member's certificate is to be renewed.
func (c clock) due(h held) bool { return c.Due(h.leaf, h.ca.cert, c.life) }

// newAuthority makes the CA of a pair: it can name members, and no site, address or mailbox.
func newAuthority(cluster mode.NodeID, at clock) (*authority, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the CA's key: %w", err)
	}
	ca, err := keys.NewAuthority(key, x509.Certificate{
		Subject:                     pkix.Name{CommonName: "rackpost pair " + cluster.String()},
		PermittedDNSDomainsCritical: true, // all of the constraints, in spite of its name
		ExcludedDNSDomains:          []string{""},
		ExcludedEmailAddresses:      []string{""},
		ExcludedIPRanges: []*net.IPNet{
			{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)},
			{IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)},
		},
	}, at.Clock)
	return &authority{cert: ca.Cert, key: key}, err
}

// issue makes the certificate of a member for the key its id is made of.
func (a *authority) issue(p Peer, key ed25519.PublicKey, at clock) (*x509.Certificate, error) {
	if a.key == nil {
		return nil, refuse(Unavailable, "this member has no CA key: ask a box of the pair")
	}
	if NodeOf(key) != p.Node {
		return nil, refuse(OtherNode, "the key is not that of %s", p.Node)
	}
	return keys.Authority{Cert: a.cert, Key: a.key}.Issue(x509.Certificate{
		Subject:     pkix.Name{CommonName: p.Role.String() + " " + p.Node.Short()},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		URIs:        []*url.URL{p.uri()},
	}, key, at.life, at.Clock)
}
