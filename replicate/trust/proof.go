package trust

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
)

// A token's secret is never sent. The caller proves it for one request and the pair proves that it
// knows it for one answer, so whoever passes them on can change neither. The pair keeps no more than
// the hash of the caller's key, as SCRAM (RFC 5802) has it: a member that is sealed nothing, or a
// stolen disk, does not let anybody in.

// callerProof hides the caller's key under what only those compute who know its hash.
func callerProof(key, body []byte) []byte {
	stored := sha256.Sum256(key)
	proof := mac(stored[:], "rackpost join 1 request", body)
	subtle.XORBytes(proof, proof, key)
	return proof
}

// callerProves checks it against the hash.
func callerProves(stored [32]byte, body, proof []byte) bool {
	if len(proof) != sha256.Size {
		return false
	}
	key := mac(stored[:], "rackpost join 1 request", body)
	subtle.XORBytes(key, key, proof)
	sum := sha256.Sum256(key)
	return subtle.ConstantTimeCompare(sum[:], stored[:]) == 1
}

// pairProof says that the answer's body is the pair's, to this request.
func pairProof(stored [32]byte, request, body []byte) []byte {
	return mac(stored[:], "rackpost join 1 answer", request, body)
}

// mac is over the hashes of the parts, so that no byte can move from one to the next.
func mac(key []byte, label string, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(label))
	for _, p := range parts {
		sum := sha256.Sum256(p)
		h.Write(sum[:])
	}
	return h.Sum(nil)
}
