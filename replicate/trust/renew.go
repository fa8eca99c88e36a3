package trust

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

const (
	renewEvery = time.Hour
	renewRetry = 10 * time.Minute
	maxRenewal = 16 << 10 // bytes of a request or an answer
)

// Ask carries a request to a box of the pair over RenewProtocol and returns its answer.
type Ask func(ctx context.Context, request []byte) ([]byte, error)

// due says whether a certificate is to be renewed: a third of its life or less is left, or its dates
// were made by a wrong clock. A clock that is not trusted says nothing.
func due(leaf, ca *x509.Certificate, at clock) bool {
	if !at.trusted || leaf.NotAfter.Equal(ca.NotAfter) {
		return false
	}
	left := leaf.NotAfter.Sub(at.now)
	return left <= nodeLife/3 || left > nodeLife+skew || at.now.Before(leaf.NotBefore)
}

// Run renews this member's certificate when it is due: a box with a right clock by itself, any other
// member by asking. It returns when ctx ends; a renewal that fails is logged and tried again.
func (k *Keeper) Run(ctx context.Context, ask Ask) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		urged := false
		select {
		case <-ctx.Done():
			return nil
		case <-k.urged:
			urged = true
		case <-timer.C:
		}
		timer.Reset(k.renewIfDue(ctx, ask, urged))
	}
}

// Urge has Run renew now, due or not: another member refuses this one's certificate, and its clock
// may be the right one.
func (k *Keeper) Urge() {
	select {
	case k.urged <- struct{}{}:
	default:
	}
}

func (k *Keeper) renewIfDue(ctx context.Context, ask Ask, urged bool) time.Duration {
	s, at := k.state.Load(), k.clock()
	isDue := due(s.leaf, s.ca.cert, at)
	if !isDue && !urged {
		return renewEvery
	}
	var err error
	switch {
	case s.ca.key != nil && at.trusted && isDue:
		err = k.renewSelf()
	case s.ca.key != nil && at.trusted:
		return renewEvery // by a right clock its certificate is good: it is refused for something else
	default:
		err = k.renewBy(ctx, ask)
	}
	if err != nil {
		k.cfg.Logger.Warn("this member's certificate could not be renewed", "expires", s.leaf.NotAfter, "err", err)
		return renewRetry
	}
	k.cfg.Logger.Info("this member's certificate was renewed", "expires", k.state.Load().leaf.NotAfter)
	return renewEvery
}

func (k *Keeper) renewSelf() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	h := k.state.Load().held
	leaf, err := h.ca.issue(h.Peer(), public(h.key), k.clock())
	if err != nil {
		return err
	}
	return k.replace(h, leaf)
}

func (k *Keeper) replace(h held, leaf *x509.Certificate) error {
	if err := k.cfg.Folder.writeCertificate(nodeFile, leaf); err != nil {
		return err
	}
	h.leaf = leaf
	k.show(h)
	return nil
}

// renewal is what a member asks and what it is answered.
type renewal struct {
	Request     []byte `json:"request,omitempty"`     // PKCS #10
	Certificate []byte `json:"certificate,omitempty"` // DER
	Refused     string `json:"refused,omitempty"`
}

func (k *Keeper) renewBy(ctx context.Context, ask Ask) error {
	if ask == nil {
		return refuse(Unavailable, "there is no way to ask a box of the pair")
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, k.state.Load().key)
	if err != nil {
		return fmt.Errorf("ask for a certificate: %w", err)
	}
	b, err := json.Marshal(renewal{Request: request})
	if err != nil {
		return err
	}
	answer, err := ask(ctx, b)
	if err != nil {
		return fmt.Errorf("ask for a certificate: %w", err)
	}
	got, err := parseRenewal(answer)
	if err != nil {
		return err
	}
	if got.Refused != "" {
		return fmt.Errorf("the box asked for a certificate refuses: %.300q", got.Refused)
	}
	return k.accept(got.Certificate)
}

// accept takes a certificate that is this member's by the pair's CA.
func (k *Keeper) accept(der []byte) error {
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return fmt.Errorf("the certificate received: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	h := k.state.Load().held
	peer, err := checkChain(h.ca.cert, leaf)
	if err != nil {
		return fmt.Errorf("the certificate received: %w", err)
	}
	if peer != h.Peer() {
		return refuse(OtherNode, "the certificate received is %s's, not this member's", peer.Node)
	}
	return k.replace(h, leaf)
}

// AnswerRenewal answers a member's request for a new certificate. The peer is what Check said of the
// connection; it gets a certificate for itself and the key it has, and nothing else.
func (k *Keeper) AnswerRenewal(peer Peer, request []byte) []byte {
	leaf, err := k.renew(peer, request)
	answer := renewal{}
	if err == nil {
		answer.Certificate = leaf.Raw
	} else {
		k.cfg.Logger.Warn("a member's certificate was not renewed", "node", peer.Node.String(), "err", err)
		answer.Refused = err.Error()
	}
	b, err := json.Marshal(answer)
	if err != nil {
		return nil // it has no value that JSON cannot write
	}
	return b
}

func (k *Keeper) renew(peer Peer, request []byte) (*x509.Certificate, error) {
	asked, err := parseRenewal(request)
	if err != nil {
		return nil, err
	}
	key, err := requestKey(asked.Request)
	if err != nil {
		return nil, err
	}
	s, at := k.state.Load(), k.clock()
	if err := checkMember(s.Members, s.Cluster, peer); err != nil {
		return nil, err
	}
	if !at.trusted {
		return nil, refuse(Unavailable, "this box does not trust its own clock: give it a time server, or ask the other box")
	}
	return s.ca.issue(peer, key, at)
}

func parseRenewal(b []byte) (renewal, error) {
	var r renewal
	if len(b) > maxRenewal {
		return r, refuse(Malformed, "a renewal of %d bytes: %d are the most", len(b), maxRenewal)
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return r, refuse(Malformed, "a renewal that is no JSON of this version")
	}
	return r, nil
}

var errRequest = errors.New("the request for a certificate is damaged or not signed by its own key")
