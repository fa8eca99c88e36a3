package trust

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"time"

	"rackpost/replicate/keys"
	"rackpost/replicate/mode"
)

// TokenLife is how long a token lets somebody in.
const TokenLife = time.Hour

// siteKind is what the tokens of headquarters have in place of a role: replicate/enroll.
const siteKind = 8

// Token lets one machine join a pair once, and tells it which pair that is. It prints without its
// secret; Text is what a person carries over.
type Token struct{ token keys.Token }

// Grant is what the pair keeps of a token. Nobody can join with it.
type Grant struct {
	Hash    [32]byte    `json:"-"` // not for people; the token itself is nowhere
	Role    mode.Role   `json:"role"`
	Made    time.Time   `json:"made"`
	Expires time.Time   `json:"expires"`
	UsedBy  mode.NodeID `json:"used_by,omitzero"` // who joined with it
}

// ID names the token. It is no secret.
func (g Grant) ID() string {
	sum := sha256.Sum256(append([]byte("rackpost token 1 id"), g.Hash[:]...))
	return hex.EncodeToString(sum[:4])
}

// NewToken makes a token for a member of the role, and what the pair is to keep of it.
func (k *Keeper) NewToken(role mode.Role) (Token, Grant, error) {
	if role != mode.Box && role != mode.Witness {
		return Token{}, Grant{}, fmt.Errorf("a token is for a box or a witness, not for a %q", role)
	}
	t := Token{keys.NewToken(byte(role), k.state.Load().CA)}
	now := k.cfg.Now().UTC().Truncate(time.Second)
	return t, Grant{Hash: t.hash(), Role: role, Made: now, Expires: now.Add(TokenLife)}, nil
}

// ID names the token as its Grant does. It is no secret.
func (t Token) ID() string { return Grant{Hash: t.hash()}.ID() }

// Role is what its owner may become.
func (t Token) Role() mode.Role { return mode.Role(t.token.Kind) }

// String hides the secret.
func (t Token) String() string { return "token " + t.ID() + " for a " + t.Role().String() }

// Format hides the secret from every verb.
func (t Token) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(t.String())) }

// LogValue hides the secret.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalText refuses: a token is not to be stored. Text is for the person who carries it over.
func (t Token) MarshalText() ([]byte, error) {
	return nil, fmt.Errorf("%s is not to be stored", t)
}

// key proves whoever holds the token.
func (t Token) key() []byte {
	return mac(t.token.Secret[:], "rackpost join 1 key", []byte{t.token.Kind}, t.token.CA())
}

func (t Token) hash() [32]byte { return sha256.Sum256(t.key()) }

// fits says whether a CA is the one the token names.
func (t Token) fits(ca Fingerprint) bool { return t.token.Fits(ca) }

// Text returns the token for a person to carry over: groups to be read aloud or pasted.
func (t Token) Text() string { return t.token.Text() }

// ParseToken reads what Text wrote, as a person typed it: in any case, with any separators or none,
// with or without the word rackpost before it. Its error names the group with a slip and repeats
// nothing of the token.
func ParseToken(s string) (Token, error) {
	token, err := keys.ParseToken(s)
	t := Token{token}
	switch {
	case err != nil:
		return Token{}, refuse(Malformed, "%v", err)
	case token.Kind == siteKind:
		return Token{}, refuse(Malformed, "the token lets a site send to headquarters, not a machine into a pair: give it to \"rackpost uplink join\"; here one of \"rackpost pair token\" belongs")
	case t.Role() != mode.Box && t.Role() != mode.Witness:
		return Token{}, refuse(Malformed, "the token is for a role that this version does not know: update this machine")
	}
	return t, nil
}
