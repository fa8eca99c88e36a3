package trust

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"time"

	"rackpost/replicate/mode"
)

// TokenLife is how long a token lets somebody in.
const TokenLife = time.Hour

const (
	tokenVersion = 1
	secretBytes  = 12 // 96 bits, for an hour and one use
	caBytes      = 13 // 104 bits of the CA's fingerprint
)

// Token lets one machine join a pair once, and tells it which pair that is. It prints without its
// secret; Text is what a person carries over.
type Token struct {
	id     [3]byte
	role   mode.Role
	secret [secretBytes]byte
	ca     [caBytes]byte
}

// Grant is what the pair keeps of a token. Whoever reads it can neither join with it nor stand in
// for the pair.
type Grant struct {
	ID      string      `json:"id"`
	Role    mode.Role   `json:"role"`
	Made    time.Time   `json:"made"`
	Expires time.Time   `json:"expires"`
	Caller  []byte      `json:"caller"`           // proves the joiner to the pair: the hash of what it must show
	Pair    []byte      `json:"pair"`             // proves the pair to the joiner
	UsedBy  mode.NodeID `json:"used_by,omitzero"` // who joined with it
}

// NewToken makes a token for a member of the role and what the pair is to keep of it.
func (k *Keeper) NewToken(role mode.Role) (Token, Grant, error) {
	if role != mode.Box && role != mode.Witness {
		return Token{}, Grant{}, fmt.Errorf("a token is for a box or a witness, not for a %q", role)
	}
	t := Token{role: role}
	s := k.state.Load()
	copy(t.ca[:], s.CA[:])
	_, _ = rand.Read(t.id[:]) // they never fail: they end the process instead
	_, _ = rand.Read(t.secret[:])
	now := k.cfg.Now().UTC().Truncate(time.Second)
	caller := t.keys().caller
	stored := sha256.Sum256(caller)
	return t, Grant{
		ID: t.ID(), Role: role, Made: now, Expires: now.Add(TokenLife), Caller: stored[:], Pair: t.keys().pair,
	}, nil
}

// ID names the token. It is no secret.
func (t Token) ID() string { return hex.EncodeToString(t.id[:]) }

// Role is what its owner may become.
func (t Token) Role() mode.Role { return t.role }

// String hides the secret.
func (t Token) String() string { return "token " + t.ID() + " for a " + t.role.String() }

// GoString hides the secret.
func (t Token) GoString() string { return "trust.Token(" + t.ID() + ")" }

// Format hides the secret from every verb.
func (t Token) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(t.String())) }

// LogValue hides the secret.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalText refuses: a token is not to be stored. Text is for the person who carries it over.
func (t Token) MarshalText() ([]byte, error) {
	return nil, fmt.Errorf("%s is not to be stored", t)
}

// keys are made of the secret: one proves the caller, one proves the pair.
type keys struct{ caller, pair []byte }

func (t Token) keys() keys {
	derive := func(label string) []byte {
		h := hmac.New(sha256.New, t.secret[:])
		h.Write([]byte(label))
		h.Write(t.id[:])
		h.Write(t.ca[:])
		return h.Sum(nil)
	}
	return keys{caller: derive("rackpost join 1 caller"), pair: derive("rackpost join 1 pair")}
}

// fits says whether a CA is the one the token names.
func (t Token) fits(ca Fingerprint) bool { return [caBytes]byte(ca[:caBytes]) == t.ca }
