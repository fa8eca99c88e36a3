package enroll

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"time"
)

// TokenLife is how long a token lets a site in.
const TokenLife = 24 * time.Hour

const (
	tokenVersion = 1
	tokenKind    = 8  // a pair's tokens have other kinds
	secretBytes  = 14 // 112 bits, for a day and one use
	caBytes      = 14 // 112 bits of the CA's fingerprint
)

// Token lets one site join once, and tells it which headquarters that is. It prints without its secret;
// Text is what a person carries over.
type Token struct {
	secret [secretBytes]byte
	ca     [caBytes]byte
}

func newToken(ca Fingerprint) Token {
	var t Token
	copy(t.ca[:], ca[:])
	_, _ = rand.Read(t.secret[:]) // it never fails: it ends the process instead
	return t
}

// hash is what headquarters keeps: nobody can join with it.
func (t Token) hash() Fingerprint {
	return sha256.Sum256(append([]byte("rackpost hq token 1\x00"), t.secret[:]...))
}

// ID names the token. It is no secret.
func (t Token) ID() string { return tokenID(t.hash()) }

func tokenID(hash Fingerprint) string {
	sum := sha256.Sum256(append([]byte("rackpost hq token 1 id\x00"), hash[:]...))
	return hex.EncodeToString(sum[:4])
}

// String hides the secret.
func (t Token) String() string { return "token " + t.ID() + " for a site" }

// Format hides the secret from every verb.
func (t Token) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(t.String())) }

// LogValue hides the secret.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalText refuses: a token is not to be stored. Text is for the person who carries it over.
func (t Token) MarshalText() ([]byte, error) {
	return nil, fmt.Errorf("%s is not to be stored", t)
}

// fits says whether a CA is the one the token names.
func (t Token) fits(ca Fingerprint) bool { return [caBytes]byte(ca[:caBytes]) == t.ca }
