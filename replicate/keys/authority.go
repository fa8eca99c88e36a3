package keys

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

const (
	caYears = 20

	// Skew is how long before it was made a certificate is good, by a clock that is trusted.
	Skew = 24 * time.Hour
)

// beginning is before every certificate. A clock that shows less is wrong: a machine with a dead battery
// and no NTP must not make a CA that has expired when the clock is right again.
var beginning = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Clock is what time a machine believes it is.
type Clock struct {
	Now     time.Time
	Trusted bool
}

// validity is from when to when a certificate made now is good.
func (c Clock) validity(life time.Duration) (from, to time.Time) {
	base := c.Now.UTC().Truncate(time.Second)
	if base.Before(beginning) {
		base = beginning
	}
	from = beginning
	if earlier := base.Add(-Skew); c.Trusted && earlier.After(beginning) {
		from = earlier
	}
	return from, base.Add(life)
}

// Due says whether a certificate of this life is to be renewed: a third of it or less is left, or its dates were made by
// a wrong clock. A clock that is not trusted says nothing, and one that ends with its CA is not: no other would last longer.
func (c Clock) Due(leaf, ca *x509.Certificate, life time.Duration) bool {
	if !c.Trusted || !leaf.NotAfter.Before(ca.NotAfter) {
		return false
	}
	left := leaf.NotAfter.Sub(c.Now)
	return left <= life/3 || left > life+Skew || c.Now.Before(leaf.NotBefore)
}

// Judge returns early for a certificate that is good later, late for one that has expired. A clock that is not trusted
// cannot tell.
func (c Clock) Judge(leaf *x509.Certificate) (early, late bool) {
	return c.Trusted && c.Now.Before(leaf.NotBefore), c.Trusted && c.Now.After(leaf.NotAfter)
}

// Authority is a CA. Without its key it certifies nothing.
type Authority struct {
	Cert *x509.Certificate
	Key  crypto.Signer
}

// NewAuthority makes a CA of a key that lasts for twenty years. The template has its name and what it may not certify.
func NewAuthority(key crypto.Signer, template x509.Certificate, at Clock) (Authority, error) {
	_, base := at.validity(0)
	template.NotBefore, template.NotAfter = beginning, base.AddDate(caYears, 0, 0)
	template.KeyUsage, template.BasicConstraintsValid, template.IsCA, template.MaxPathLenZero = x509.KeyUsageCertSign, true, true, true
	cert, err := sign(&template, &template, key.Public(), key)
	if err != nil {
		return Authority{}, fmt.Errorf("make the CA: %w", err)
	}
	return Authority{Cert: cert, Key: key}, nil
}

// Issue makes a certificate for a key that lasts for a life, and no longer than the CA. The template has whose it is and
// what for.
func (a Authority) Issue(template x509.Certificate, key crypto.PublicKey, life time.Duration, at Clock) (*x509.Certificate, error) {
	if a.Key == nil {
		return nil, errors.New("make a certificate: the CA's key is not here")
	}
	template.NotBefore, template.NotAfter = at.validity(life)
	if template.NotAfter.After(a.Cert.NotAfter) {
		template.NotAfter = a.Cert.NotAfter
	}
	template.KeyUsage, template.BasicConstraintsValid = x509.KeyUsageDigitalSignature, true
	cert, err := sign(&template, a.Cert, key, a.Key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	return cert, nil
}

func sign(template, parent *x509.Certificate, key crypto.PublicKey, by crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key, by)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}
