package trust

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"fmt"
)

// binding is what both ends of one TLS connection know and nobody between them.
type binding []byte

func bind(cs tls.ConnectionState) (binding, error) {
	b, err := cs.ExportKeyingMaterial("EXPORTER-rackpost-join", nil, sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("bind the token to the connection: %w", err)
	}
	return b, nil
}

// transcript is a hash over what was said on this connection.
func (b binding) transcript(what string, parts ...[]byte) []byte {
	h := sha256.New()
	h.Write([]byte(what))
	h.Write(b)
	for _, p := range parts {
		sum := sha256.Sum256(p)
		h.Write(sum[:])
	}
	return h.Sum(nil)
}

// callerProof hides the caller's key under what only its holder and who keeps its hash can compute
// for this connection and body: the pair keeps no more than the hash, as SCRAM (RFC 5802) has it.
func (b binding) callerProof(key, body []byte) []byte {
	stored := sha256.Sum256(key)
	proof := mac(stored[:], b.transcript("caller", body))
	subtle.XORBytes(proof, proof, key)
	return proof
}

// callerProves checks it against the hash.
func (b binding) callerProves(stored, body, proof []byte) bool {
	if len(proof) != sha256.Size || len(stored) != sha256.Size {
		return false
	}
	key := mac(stored, b.transcript("caller", body))
	subtle.XORBytes(key, key, proof)
	sum := sha256.Sum256(key)
	return subtle.ConstantTimeCompare(sum[:], stored) == 1
}

func (b binding) pairProof(key, request, body []byte) []byte {
	return mac(key, b.transcript("pair", request, body))
}

func (b binding) pairProves(key, request, body, proof []byte) bool {
	return hmac.Equal(b.pairProof(key, request, body), proof)
}

func mac(key, message []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(message)
	return h.Sum(nil)
}
