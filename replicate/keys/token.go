package keys

import (
	"crypto/rand"
	"fmt"
)

// Version is that of tokens.
const Version = 1

// SecretBytes is the length of a token's secret: 112 bits, for a day at most and one use.
const SecretBytes = 14

// caBytes are of the CA's fingerprint: 112 bits.
const caBytes = 14

// Token is a secret that lets somebody in once, and tells it by the CA who may ask for it. It prints as nothing; Text is what
// a person carries over.
type Token struct {
	Kind   byte // for what it is good, below 16
	Secret [SecretBytes]byte
	ca     [caBytes]byte
}

// NewToken makes a token for what a CA certifies.
func NewToken(kind byte, ca Fingerprint) Token {
	t := Token{Kind: kind}
	copy(t.ca[:], ca[:])
	_, _ = rand.Read(t.Secret[:]) // it never fails: it ends the process instead
	return t
}

// Fits says whether a CA is the one that the token names.
func (t Token) Fits(ca Fingerprint) bool { return [caBytes]byte(ca[:caBytes]) == t.ca }

// CA is as much of the fingerprint of its CA as it has.
func (t Token) CA() []byte { return t.ca[:] }

// Format hides the secret from every verb.
func (t Token) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("a token")) }

// MarshalText refuses: a token is not to be stored.
func (t Token) MarshalText() ([]byte, error) { return nil, fmt.Errorf("%s is not to be stored", t) }
