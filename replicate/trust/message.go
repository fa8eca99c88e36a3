package trust

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"unicode"

	"rackpost/replicate/keys"
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

// plain leaves out what would move a terminal's cursor or turn round what stands beside it.
func plain(words []rune) string {
	for i, r := range words {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			words[i] = ' '
		}
	}
	return string(words)
}

// requestKey returns the key for which a certificate is asked, whose owner signed the request.
func requestKey(der []byte) (ed25519.PublicKey, error) {
	key, err := keys.Requested(der)
	if err != nil {
		return nil, refuse(Malformed, "%v", err)
	}
	return key, nil
}
