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

	"rackpost/replicate/mode"
)

const (
	caYears  = 20
	nodeLife = 365 * 24 * time.Hour
	skew     = 24 * time.Hour // a certificate is good this long before it was made, by a trusted clock
)

// beginning is before every certificate. A clock that shows less is wrong: a box with a dead battery
// and no NTP must not make a CA that has expired when the clock is right again.
var beginning = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// authority is the pair's CA. A witness has it without the key.
type authority struct {
	cert *x509.Certificate
	key  ed25519.PrivateKey
}

// clock is what time a box believes it is.
type clock struct {
	now     time.Time
	trusted bool
	life    time.Duration // of a member's certificate
}

// validity is from when to when a certificate made now is good.
func (c clock) validity(life time.Duration) (from, to time.Time) {
	base := c.now.UTC().Truncate(time.Second)
	if base.Before(beginning) {
		base = beginning
	}
	from = beginning
	if earlier := base.Add(-skew); c.trusted && earlier.After(beginning) {
		from = earlier
	}
	return from, base.Add(life)
}

// newAuthority makes the CA of a pair: it can name members, and no site, address or mailbox.
func newAuthority(cluster mode.NodeID, at clock) (*authority, error) {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the CA's key: %w", err)
	}
	_, base := at.validity(0)
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "rackpost pair " + cluster.String()},
		NotBefore: beginning, NotAfter: base.AddDate(caYears, 0, 0),
		KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
		PermittedDNSDomainsCritical: true, // all of the constraints, in spite of its name
		ExcludedDNSDomains:          []string{""},
		ExcludedEmailAddresses:      []string{""},
		ExcludedIPRanges: []*net.IPNet{
			{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)},
			{IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)},
		},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
	if err != nil {
		return nil, fmt.Errorf("make the CA: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make the CA: %w", err)
	}
	return &authority{cert: cert, key: key}, nil
}

// issue makes the certificate of a member for the key its id is made of.
func (a *authority) issue(p Peer, key ed25519.PublicKey, at clock) (*x509.Certificate, error) {
	if a.key == nil {
		return nil, refuse(Unavailable, "this member has no CA key: ask a box of the pair")
	}
	if NodeOf(key) != p.Node {
		return nil, refuse(OtherNode, "the key is not that of %s", p.Node)
	}
	from, to := at.validity(at.life)
	if to.After(a.cert.NotAfter) {
		to = a.cert.NotAfter
	}
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: p.Role.String() + " " + p.Node.Short()},
		NotBefore: from, NotAfter: to,
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		URIs:        []*url.URL{p.uri()},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key, a.key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	return x509.ParseCertificate(der)
}
