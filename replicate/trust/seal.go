package trust

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"filippo.io/age"

	"rackpost/replicate/mode"
)

// MaxSecret is the longest secret that is sealed, in bytes.
const MaxSecret = 16 << 10

const (
	maxRecipients = 8
	sealPadding   = 256 // a secret's length is hidden up to this
)

// Sealed is a secret that only its recipients can open.
type Sealed struct {
	To  []string `json:"to"`  // recipients, sorted
	Age []byte   `json:"age"` // in the format of age-encryption.org/v1
}

// ErrNotSealed is returned for a secret that this machine cannot open.
var ErrNotSealed = errors.New("the secret is not sealed to this box, or damaged: set it anew (\"rackpost secret set\")")

// Recipients returns to whom a secret is sealed: the boxes.
func Recipients(members []Member) []string {
	var to []string
	for _, m := range members {
		if m.Role == mode.Box {
			to = append(to, m.Recipient)
		}
	}
	slices.Sort(to)
	return slices.Compact(to)
}

// Seal seals a secret under its name: it opens under no other.
func Seal(name string, secret []byte, to []string) (Sealed, error) {
	if len(secret) > MaxSecret || len(name) > maxWord {
		return Sealed{}, fmt.Errorf("seal: a secret of %d bytes, %d are the most", len(secret), MaxSecret)
	}
	if len(to) == 0 || len(to) > maxRecipients {
		return Sealed{}, fmt.Errorf("seal: %d recipients: 1 to %d", len(to), maxRecipients)
	}
	to = slices.Clone(to)
	slices.Sort(to)
	to = slices.Compact(to)
	recipients := make([]age.Recipient, len(to))
	for i, word := range to {
		r, err := age.ParseX25519Recipient(word)
		if err != nil {
			return Sealed{}, fmt.Errorf("seal: recipient %d is none", i+1)
		}
		recipients[i] = r
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, recipients...)
	if err != nil {
		return Sealed{}, fmt.Errorf("seal: %w", err)
	}
	_, err = w.Write(frame(name, secret))
	if err = errors.Join(err, w.Close()); err != nil {
		return Sealed{}, fmt.Errorf("seal: %w", err)
	}
	return Sealed{To: to, Age: out.Bytes()}, nil
}

// frame is name and secret, each after its length, filled up with zeros.
func frame(name string, secret []byte) []byte {
	var b []byte
	for _, part := range [][]byte{[]byte(name), secret} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	return append(b, make([]byte, (sealPadding-len(b)%sealPadding)%sealPadding)...)
}

func unframe(b []byte) (name string, secret []byte, ok bool) {
	var parts [2][]byte
	for i := range parts {
		if len(b) < 4 {
			return "", nil, false
		}
		n := binary.BigEndian.Uint32(b)
		if b = b[4:]; uint64(n) > uint64(len(b)) {
			return "", nil, false
		}
		parts[i], b = b[:n], b[n:]
	}
	return string(parts[0]), parts[1], true
}

// Open opens a secret that was sealed under the name to this box.
func (k *Keeper) Open(name string, s Sealed) ([]byte, error) {
	key := k.state.Load().seal
	if key == nil {
		return nil, refuse(WrongRole, "a witness opens no secrets")
	}
	r, err := age.Decrypt(bytes.NewReader(s.Age), key)
	if err != nil {
		return nil, fmt.Errorf("open secret %.64q: %w", name, ErrNotSealed)
	}
	b, err := io.ReadAll(io.LimitReader(r, 2*MaxSecret))
	if err != nil {
		return nil, fmt.Errorf("open secret %.64q: %w", name, ErrNotSealed)
	}
	under, secret, ok := unframe(b)
	if !ok || under != name {
		return nil, fmt.Errorf("open secret %.64q: it was sealed under another name: %w", name, ErrNotSealed)
	}
	return secret, nil
}

// Reseal returns the secret sealed to the boxes among members, and whether that is a change. After
// somebody left it opens no more for him, but he knew it: change it at the device too.
func (k *Keeper) Reseal(name string, s Sealed, members []Member) (Sealed, bool, error) {
	to := Recipients(members)
	if slices.Equal(to, s.To) {
		return s, false, nil
	}
	secret, err := k.Open(name, s)
	if err != nil {
		return s, false, err
	}
	sealed, err := Seal(name, secret, to)
	return sealed, err == nil, err
}

// ParseSealed reads what json.Marshal of a Sealed wrote.
func ParseSealed(b []byte) (Sealed, error) {
	var s Sealed
	if len(b) > 4*MaxSecret {
		return s, fmt.Errorf("a sealed secret of %d bytes: %d are the most", len(b), 4*MaxSecret)
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return Sealed{}, errors.New("a sealed secret that is no JSON of this version")
	}
	if len(s.To) > maxRecipients {
		return Sealed{}, fmt.Errorf("a sealed secret for %d recipients: %d are the most", len(s.To), maxRecipients)
	}
	return s, nil
}
