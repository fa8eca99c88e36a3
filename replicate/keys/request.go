package keys

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
)

// Request asks for a certificate for a key (PKCS #10). It names nobody: the key does.
func Request(key ed25519.PrivateKey) ([]byte, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return nil, fmt.Errorf("ask for a certificate: %w", err)
	}
	return der, nil
}

// Requested returns the key for which a certificate is asked, whose owner signed the request. Anybody may ask: the
// kind of the key is looked at before the signature, because a signature of a large RSA key takes seconds to check.
func Requested(der []byte) (ed25519.PublicKey, error) {
	damaged := errors.New("the request for a certificate is damaged or not signed by its own key")
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, damaged
	}
	key, ok := request.PublicKey.(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("the request for a certificate is for a key that is no Ed25519 key")
	}
	if request.CheckSignature() != nil {
		return nil, damaged
	}
	return key, nil
}
