package trust

import (
	"crypto/ed25519"
	"crypto/sha256"
	"slices"
	"sync"
)

// vouchLabel keeps what is vouched for apart from the certificates that the same key signs: those begin with a DER tag.
const vouchLabel = "rackpost agreed 1\x00"

// mostVouched is of how many statements it is remembered that a box vouched for them.
const mostVouched = 1024

// vouched are sums of statements and proofs that were verified: the members are asked for many times a second.
type vouched struct {
	mu   sync.Mutex
	sums map[[sha256.Size]byte]struct{}
}

func (v *vouched) has(sum [sha256.Size]byte) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, ok := v.sums[sum]
	return ok
}

func (v *vouched) add(sum [sha256.Size]byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.sums == nil || len(v.sums) >= mostVouched {
		v.sums = map[[sha256.Size]byte]struct{}{}
	}
	v.sums[sum] = struct{}{}
}

// Vouch returns the proof that a box of the pair says a statement; nil on a witness, which cannot.
func (k *Keeper) Vouch(statement []byte) []byte {
	key := k.state.Load().ca.key
	if key == nil {
		return nil
	}
	return ed25519.Sign(key, labelled(statement))
}

// Vouched says whether a box of the pair said it.
func (k *Keeper) Vouched(statement, proof []byte) bool {
	if len(statement) == 0 || len(proof) != ed25519.SignatureSize {
		return false
	}
	sum := sha256.Sum256(slices.Concat(proof, statement))
	if k.vouched.has(sum) {
		return true
	}
	key, ok := k.state.Load().ca.cert.PublicKey.(ed25519.PublicKey)
	if !ok || !ed25519.Verify(key, labelled(statement), proof) {
		return false
	}
	k.vouched.add(sum)
	return true
}

func labelled(statement []byte) []byte { return append([]byte(vouchLabel), statement...) }
