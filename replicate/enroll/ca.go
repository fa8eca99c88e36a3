package enroll

import (
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
	"rackpost/replicate/keys"
)

const (
	siteLife   = 365 * 24 * time.Hour
	officeLife = 90 * 24 * time.Hour
)

// authority is the CA of a headquarters. Its keys are of a kind that browsers know too.
type authority struct {
	hq journal.ID
	keys.Authority
}

// checkDates says whether the certificate is good now, where the clock can tell.
func checkDates(c *x509.Certificate, whose string, at keys.Clock) error {
	switch early, late := at.Judge(c); {
	case late:
		return refuse(Expired, "it renews it by itself when it is told so; if it does not, see its log", "the certificate of %s expired on %s", whose, c.NotAfter.Format(time.DateOnly))
	case early:
		return refuse(NotYetValid, "the clock here or the one it was made with is wrong: give both a time server", "the certificate of %s is good from %s on", whose, c.NotBefore.Format(time.DateOnly))
	}
	return nil
}

func newAuthority(at keys.Clock) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the key of headquarters' CA: %w", err)
	}
	hq := newID()
	ca, err := keys.NewAuthority(key, x509.Certificate{Subject: pkix.Name{CommonName: "rackpost headquarters " + hq.String()}, URIs: []*url.URL{officeURI(hq)}}, at)
	return &authority{hq, ca}, err
}

func newID() journal.ID {
	var id journal.ID
	_, _ = rand.Read(id[:]) // it never fails: it ends the process instead
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}

// issue makes the certificate of a site for its key.
func (a *authority) issue(site journal.ID, name string, key ed25519.PublicKey, at keys.Clock) (*x509.Certificate, error) {
	return a.Issue(x509.Certificate{
		Subject:     pkix.Name{CommonName: "site " + name},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		URIs:        []*url.URL{siteURI(a.hq, site)},
	}, key, siteLife, at)
}

// office makes the certificate that headquarters shows, for the names and addresses people use for it.
func (a *authority) office(names []string, at keys.Clock) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make headquarters' key: %w", err)
	}
	template := x509.Certificate{
		Subject:     pkix.Name{CommonName: "rackpost headquarters"},
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
	leaf, err := a.Issue(template, key.Public(), officeLife, at)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{leaf.Raw, a.Cert.Raw}, PrivateKey: key, Leaf: leaf}, nil
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
func checkOffice(ca *x509.Certificate, shown []*x509.Certificate, at keys.Clock) (journal.ID, error) {
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
