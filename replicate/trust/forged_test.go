package trust_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"net"
	"path/filepath"
	"testing"
)

func critical() []pkix.Extension {
	return []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
}

// TestTheCACanNameNobodyElse has whoever imported the CA into a browser safe from who stole its key.
func TestTheCACanNameNobodyElse(t *testing.T) {
	t.Parallel()
	north := found(t)
	ca := readCertificate(t, filepath.Join(string(north.folder), "ca.pem"))
	caKey := readKey(t, filepath.Join(string(north.folder), "ca.key"))
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	for name, template := range map[string]*x509.Certificate{
		"a host":    {DNSNames: []string{"example.com"}},
		"an IPv4":   {IPAddresses: []net.IP{net.IPv4(192, 0, 2, 9)}},
		"an IPv6":   {IPAddresses: []net.IP{net.ParseIP("2001:db8::9")}},
		"a mailbox": {EmailAddresses: []string{"somebody@example.com"}},
		"a CA":      {IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			public, key, err := ed25519.GenerateKey(rand.Reader)
			must(t, err)
			template.NotBefore, template.NotAfter = ca.NotBefore, ca.NotAfter
			template.Subject.CommonName = name
			template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
			der, err := x509.CreateCertificate(rand.Reader, template, ca, public, caKey)
			must(t, err)
			leaf, err := x509.ParseCertificate(der)
			must(t, err)
			options := x509.VerifyOptions{Roots: roots, CurrentTime: today}
			if leaf.IsCA {
				below := *template
				below.IsCA, below.KeyUsage, below.Subject.CommonName = false, x509.KeyUsageDigitalSignature, "below"
				der, err = x509.CreateCertificate(rand.Reader, &below, leaf, public, key)
				must(t, err)
				options.Intermediates = x509.NewCertPool()
				options.Intermediates.AddCert(leaf)
				leaf, err = x509.ParseCertificate(der)
				must(t, err)
			}
			_, err = leaf.Verify(options)
			var invalid x509.CertificateInvalidError
			if !errors.As(err, &invalid) || invalid.Reason != x509.CANotAuthorizedForThisName && invalid.Reason != x509.TooManyIntermediates {
				t.Errorf("the pair's CA can certify %s: %v", name, err)
			}
		})
	}
}
