package redfish

import "cmp"

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
		said = append(said, Message{clip(x.MessageID), clip(x.Message), clip(x.Resolution)})
	}
	return said, len(c.Body) > 0 && c.ID == ""
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
