package enroll

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"rackpost/replicate/keys"
)

// TokenLife is how long a token lets a site in.
const TokenLife = 24 * time.Hour

// tokenKind is for what a token is good; a pair's have other kinds.
const tokenKind = 8

// Token lets one site join once, and tells it which headquarters that is. It prints without its secret;
// Text is what a person carries over.
type Token struct{ token keys.Token }

func newToken(ca Fingerprint) Token { return Token{keys.NewToken(tokenKind, ca)} }

// hash is what headquarters keeps: nobody can join with it.
func (t Token) hash() Fingerprint { return hashOf(t.token.Secret[:]) }

func hashOf(secret []byte) Fingerprint {
	return sha256.Sum256(append([]byte("rackpost hq token 1\x00"), secret...))
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

// Text returns the token for a person to carry over: groups to be read aloud or pasted.
func (t Token) Text() string { return t.token.Text() }

// ParseToken reads what Text wrote, as a person typed it: in any case, with any separators or none, with
// or without the word rackpost before it. Its error names the group with a slip and repeats nothing of
// the token.
func ParseToken(s string) (Token, error) {
	token, err := keys.ParseToken(s)
	var slip *keys.Slip
	switch {
	case errors.As(err, &slip):
		return Token{}, refuse(Malformed, slip.Advice, "%s", slip.What)
	case err != nil:
		return Token{}, err
	case token.Kind != tokenKind:
		return Token{}, refuse(Malformed, "take one that \"rackpost hq enroll SITE\" made at headquarters", "the token lets a machine into a pair, not a site to headquarters")
	}
	return Token{token}, nil
}
