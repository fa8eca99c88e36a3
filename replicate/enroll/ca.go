package enroll

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"net/url"
	"time"

	"rackpost/hw/journal"
)

const (
	caYears    = 20
	siteLife   = 365 * 24 * time.Hour
	officeLife = 90 * 24 * time.Hour
	skew       = 24 * time.Hour // a certificate is good this long before it was made, by a trusted clock
)

// beginning is before every certificate. A clock that shows less is wrong: a machine with a dead battery
// and no NTP must not make a CA that has expired when the clock is right again.
var beginning = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// authority is the CA of a headquarters. Its keys are of a kind that browsers know too.
type authority struct {
	hq   journal.ID
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// clock is what time a machine believes it is.
type clock struct {
	now     time.Time
	trusted bool
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

// due says whether a certificate of this life is to be renewed: a third of it or less is left, or its
// dates were made by a wrong clock. A clock that is not trusted says nothing.
func due(leaf *x509.Certificate, life time.Duration, at clock) bool {
	if !at.trusted {
		return false
	}
	left := leaf.NotAfter.Sub(at.now)
	return left <= life/3 || left > life+skew || at.now.Before(leaf.NotBefore)
}

// checkDates says whether the certificate is good now, where the clock can tell.
func checkDates(c *x509.Certificate, whose string, at clock) error {
	switch {
	case !at.trusted:
		return nil
	case at.now.After(c.NotAfter):
		return refuse(Expired, "it renews it by itself when it is told so; if it does not, see its log", "the certificate of %s expired on %s", whose, c.NotAfter.Format(time.DateOnly))
	case at.now.Before(c.NotBefore):
		return refuse(NotYetValid, "the clock here or the one it was made with is wrong: give both a time server", "the certificate of %s is good from %s on", whose, c.NotBefore.Format(time.DateOnly))
	}
	return nil
}

func newAuthority(at clock) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the key of headquarters' CA: %w", err)
	}
	a := &authority{hq: newID(), key: key}
	_, base := at.validity(0)
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "rackpost headquarters " + a.hq.String()},
		NotBefore: beginning, NotAfter: base.AddDate(caYears, 0, 0),
		KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
		URIs: []*url.URL{officeURI(a.hq)},
	}
	a.cert, err = a.sign(template, template, key.Public())
	return a, err
}

func newID() journal.ID {
	var id journal.ID
	_, _ = rand.Read(id[:]) // it never fails: it ends the process instead
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}

func (a *authority) sign(template, parent *x509.Certificate, key crypto.PublicKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key, a.key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	return x509.ParseCertificate(der)
}

// issue makes the certificate of a site for its key.
func (a *authority) issue(site journal.ID, name string, key ed25519.PublicKey, at clock) (*x509.Certificate, error) {
	from, to := a.dates(at, siteLife)
	return a.sign(&x509.Certificate{
		Subject:   pkix.Name{CommonName: "site " + name},
		NotBefore: from, NotAfter: to,
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		URIs:        []*url.URL{siteURI(a.hq, site)},
	}, a.cert, key)
}

// office makes the certificate that headquarters shows, for the names and addresses people use for it.
func (a *authority) office(names []string, at clock) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make headquarters' key: %w", err)
	}
	from, to := a.dates(at, officeLife)
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "rackpost headquarters"},
		NotBefore: from, NotAfter: to,
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		URIs:        []*url.URL{officeURI(a.hq)},
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, n)
		}
	}
	leaf, err := a.sign(template, a.cert, key.Public())
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{leaf.Raw, a.cert.Raw}, PrivateKey: key, Leaf: leaf}, nil
}

func (a *authority) dates(at clock, life time.Duration) (from, to time.Time) {
	from, to = at.validity(life)
	if to.After(a.cert.NotAfter) {
		to = a.cert.NotAfter
	}
	return from, to
}

// checkChain says whether leaf is a certificate of this CA for this use, whatever the date.
func checkChain(ca, leaf *x509.Certificate, usage x509.ExtKeyUsage) error {
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: leaf.NotBefore, KeyUsages: []x509.ExtKeyUsage{usage}})
	if err != nil {
		return fmt.Errorf("verify a certificate: %w", err)
	}
	return nil
}

// checkOffice says whether who answers is the headquarters of this CA.
func checkOffice(ca *x509.Certificate, shown []*x509.Certificate, at clock) (journal.ID, error) {
	const advice = "check the address; if it is right, something between opens TLS: have it let this address through untouched"
	if len(shown) == 0 {
		return journal.ID{}, refuse(Foreign, advice, "who answers shows no certificate")
	}
	if err := checkChain(ca, shown[0], x509.ExtKeyUsageServerAuth); err != nil {
		return journal.ID{}, refuse(Foreign, advice, "who answers is not the headquarters that this site joined: its certificate is for %.80q by %.80q", shown[0].Subject.CommonName, shown[0].Issuer.CommonName)
	}
	hq, site, err := named(shown[0])
	if err != nil || site != (journal.ID{}) {
		return journal.ID{}, refuse(Foreign, advice, "who answers shows a certificate that is not headquarters'")
	}
	return hq, checkDates(shown[0], "headquarters", at)
}
