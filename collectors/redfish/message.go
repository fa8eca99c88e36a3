package redfish

import (
	"cmp"
	"regexp"
	"strings"
	"unicode"
)

// The bounds of what is kept of a service's words.
const (
	maxMessages = 16
	maxWords    = 400
)

// Message is one thing a service says about a request, in its own words.
type Message struct {
	ID         string // such as IDRAC.2.7.RAC0218
	Text       string
	Resolution string
}

// String returns identifier and text.
func (m Message) String() string {
	if m.ID == "" || m.Text == "" {
		return cmp.Or(m.ID, m.Text, "it does not say why")
	}
	return m.ID + " " + m.Text
}

// complaint is the error object of Redfish. ExtendedInfo also stands beside the properties of a resource that was changed.
type complaint struct {
	ID       string     `json:"@odata.id"`
	Body     Raw        `json:"error"`
	Extended []extended `json:"@Message.ExtendedInfo"`
}

type extended struct {
	MessageID  string `json:"MessageId"`
	Message    string
	Resolution string
}

// messages returns what doc says, and whether it is an error object and no resource.
func messages(doc []byte) (said []Message, isError bool) {
	var c complaint
	if _, err := decode(doc, &c); err != nil {
		return nil, false
	}
	var inner struct {
		Code     string     `json:"code"`
		Message  string     `json:"message"`
		Extended []extended `json:"@Message.ExtendedInfo"`
	}
	if _, err := c.Body.Decode(&inner); err == nil {
		c.Extended = append(c.Extended, inner.Extended...)
		if len(c.Extended) == 0 && inner.Code+inner.Message != "" {
			c.Extended = []extended{{MessageID: inner.Code, Message: inner.Message}}
		}
	}
	for _, x := range c.Extended[:min(len(c.Extended), maxMessages)] {
		said = append(said, Message{tame(x.MessageID), tame(x.Message), tame(x.Resolution)})
	}
	return said, len(c.Body) > 0 && c.ID == ""
}

// tame is a text of the service that may go to logs and terminals: a line without control characters.
func tame(s string) string {
	return clip(strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)))
}

// registered is what an identifier of Redfish's message registries looks like.
var registered = regexp.MustCompile(`^\w+\.\d+\.\d+(\.\d+)?\.\w+$`)

// ofRedfish says whether an error is a Redfish service's own: other servers refuse what they do not know too.
func (e *Error) ofRedfish() bool {
	if e.odata {
		return true
	}
	for _, m := range e.Messages {
		if registered.MatchString(m.ID) {
			return true
		}
	}
	return false
}

// hidden stands in for what must not be told: services repeat a value that they refuse.
const hidden = "[hidden]"

// minSecret is the length below which a text is not looked for: it would stand everywhere.
const minSecret = 4

// hide takes password and token out of what the service says.
func (c *Client) hide(said []Message) {
	for _, secret := range []string{c.password, c.session.token} {
		if len(secret) < minSecret {
			continue
		}
		for i := range said {
			m := &said[i]
			m.ID, m.Text, m.Resolution = strings.ReplaceAll(m.ID, secret, hidden), strings.ReplaceAll(m.Text, secret, hidden), strings.ReplaceAll(m.Resolution, secret, hidden)
		}
	}
}

func clip(s string) string {
	if len(s) <= maxWords {
		return s
	}
	for n := maxWords; ; n-- {
		if s[n]&0xc0 != 0x80 {
			return s[:n]
		}
	}
}
