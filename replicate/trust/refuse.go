package trust

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
)

// Reason is why somebody was refused: the same word for ever.
type Reason string

// The reasons.
const (
	Malformed   Reason = "malformed"     // what was shown or sent is not what a member shows or sends
	Foreign     Reason = "foreign"       // not from this pair's CA
	Expired     Reason = "expired"       // certificate, token
	NotYetValid Reason = "not_yet_valid" // by a clock that is trusted
	NotMember   Reason = "not_member"    // removed, or never taken in
	WrongRole   Reason = "wrong_role"    // a witness for a box, a token of the other role
	OtherNode   Reason = "other_node"    // a member, but not the one called or named
	NoSuchToken Reason = "no_such_token" // unknown, or its secret is wrong
	UsedToken   Reason = "used_token"    // somebody else joined with it
	OtherSite   Reason = "other_site"    // its journal is of another site
	Taken       Reason = "taken"         // the name, the place or the journal is another member's
	Elsewhere   Reason = "elsewhere"     // it is a member of a pair already
	Unavailable Reason = "unavailable"   // nothing wrong with it: ask again later
)

// Refusal is why a certificate, a token or a request was refused, in words that say what to do.
// It carries no secret.
type Refusal struct {
	Reason Reason
	Words  string
}

// Error returns the words.
func (r *Refusal) Error() string { return r.Words }

func refuse(reason Reason, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, Words: fmt.Sprintf(format, args...)}
}

// The alerts of TLS that Explain has words for, by their numbers in RFC 8446.
const (
	badCertificate      tls.AlertError = 42
	protocolVersion     tls.AlertError = 70
	certificateRequired tls.AlertError = 116
	noProtocol          tls.AlertError = 120
)

// Explain adds to the error of a TLS connection what the other end meant by its alert, and what to
// do. TLS carries no words, so the other end's log has the exact reason.
func Explain(err error) error {
	var remote *net.OpError
	if !errors.As(err, &remote) || remote.Op != "remote error" {
		return err
	}
	switch remote.Err.Error() { // its type has no name outside crypto/tls
	case badCertificate.Error(), certificateRequired.Error():
		return fmt.Errorf("the other member refuses this one's certificate: it is of another pair, was removed from this one, or its certificate has expired; \"rackpost pair status\" and the log there say which: %w", err)
	case protocolVersion.Error():
		return fmt.Errorf("the other end speaks no TLS 1.3: it is no rackpost, or something between changes the connection: %w", err)
	case noProtocol.Error():
		return fmt.Errorf("the other end does not know this protocol: it is no rackpost, or one too old or too new for this: update the older: %w", err)
	}
	return err
}
