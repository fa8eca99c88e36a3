package trust

import (
	"crypto/ed25519"
	"crypto/x509"
)

// requestKey returns the key for which a certificate is asked, whose owner signed the request.
func requestKey(der []byte) (ed25519.PublicKey, error) {
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, errRequest
	}
	key, ok := request.PublicKey.(ed25519.PublicKey)
	if !ok || request.CheckSignature() != nil {
		return nil, errRequest
	}
	return key, nil
}
