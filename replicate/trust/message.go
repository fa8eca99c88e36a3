package trust

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"

	"rackpost/replicate/mode"
)

// MaxMessage is the greatest request or answer, in bytes.
const MaxMessage = 64 << 10

// message is a request to join or to renew, or an answer.
type message struct {
	Token string `json:"token,omitempty"` // join: the token's id
	Body  []byte `json:"body,omitempty"`  // join: a plea or a grace
	Proof []byte `json:"proof,omitempty"` // join: who knows the token wrote the body

	Renew       []byte `json:"renew,omitempty"`       // PKCS #10, signed by the member's key
	Certificate []byte `json:"certificate,omitempty"` // DER

	Reason  Reason `json:"reason,omitempty"`
	Refused string `json:"refused,omitempty"`

	Generation mode.Generation `json:"generation,omitzero"` // to no member that renews: those of the box that says so
	Applied    uint64          `json:"applied,omitempty"`
}

// plea is what a joiner says of itself.
type plea struct {
	Member  Member `json:"member"`
	Site    string `json:"site,omitempty"`
	Request []byte `json:"request"` // PKCS #10
}

// grace is what a new member gets.
type grace struct {
	Cluster     mode.NodeID     `json:"cluster"`
	Site        string          `json:"site"`
	Generation  mode.Generation `json:"generation"`
	CA          []byte          `json:"ca"`               // DER
	CAKey       []byte          `json:"ca_key,omitempty"` // PKCS #8; boxes only
	Certificate []byte          `json:"certificate"`      // DER
	Members     []Member        `json:"members"`
}

func parseMessage(b []byte) (message, error) {
	var m message
	if len(b) > MaxMessage {
		return m, refuse(Malformed, "a message of %d bytes: %d are the most", len(b), MaxMessage)
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return message{}, refuse(Malformed, "a message that cannot be read: update the older of the two machines")
	}
	return m, nil
}

// refusal turns an error into what the other end may know of it; the rest stays in the log.
func refusal(err error) message {
	var r *Refusal
	if !errors.As(err, &r) {
		r = refuse(Unavailable, "the box cannot do that now: see its log and \"rackpost pair status\", then try again")
	}
	return message{Reason: r.Reason, Refused: r.Words}
}

// said is the other end's refusal as an error here.
func (m message) said() error {
	if m.Refused == "" {
		return nil
	}
	words := []rune(m.Refused)
	return refuse(m.Reason, "the pair refuses: %s", plain(words[:min(len(words), 500)]))
}

// plain leaves out what would move a terminal's cursor.
func plain(words []rune) string {
	for i, r := range words {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			words[i] = ' '
		}
	}
	return string(words)
}

// newRequest asks for a certificate for a key. It names nobody: the key does.
func newRequest(key ed25519.PrivateKey) ([]byte, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return nil, fmt.Errorf("ask for a certificate: %w", err)
	}
	return der, nil
}

// requestKey returns the key for which a certificate is asked, whose owner signed the request. Anybody may ask: the
// kind of the key is looked at before the signature, because a signature of a large RSA key takes seconds to check.
func requestKey(der []byte) (ed25519.PublicKey, error) {
	const damaged = "the request for a certificate is damaged or not signed by its own key"
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, refuse(Malformed, damaged)
	}
	key, ok := request.PublicKey.(ed25519.PublicKey)
	if !ok {
		return nil, refuse(Malformed, "the request for a certificate is for a key that is no Ed25519 key")
	}
	if request.CheckSignature() != nil {
		return nil, refuse(Malformed, damaged)
	}
	return key, nil
}
