package trust

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"rackpost/replicate/mode"
)

// MaxJoin is the greatest request or answer of a join, in bytes.
const MaxJoin = 64 << 10

// Candidate is who wants to join.
type Candidate struct {
	Name      string
	Role      mode.Role
	Addresses map[string]string // path -> host:port
	Origin    string            // of its journal; boxes only
	Site      string            // whose records its journal holds; empty when it holds none
}

// Admission is what a new member learns.
type Admission struct {
	Identity   Identity
	Generation mode.Generation
}

// Joiner asks to join with a token: one request over a connection made with TLS, one answer. The
// same request may be sent again when the answer was lost.
type Joiner struct {
	folder Folder
	token  Token
	self   Candidate
	held   *held
}

// NewJoiner makes the keys of a member to be, or takes those of an attempt before. A folder that
// holds a member is refused.
func NewJoiner(f Folder, t Token, c Candidate) (*Joiner, error) {
	if err := f.free(); err != nil {
		return nil, err
	}
	if c.Role != t.role {
		return nil, refuse(WrongRole, "the token is for a %s, this machine would join as a %s: make a token for a %s (\"rackpost pair token\")", t.role, c.Role, c.Role)
	}
	h, err := f.candidate(c.Role)
	if err != nil {
		return nil, err
	}
	h.Self.Name, h.Self.Addresses, h.Self.Origin = c.Name, c.Addresses, c.Origin
	if err := h.Self.Check(); err != nil {
		return nil, err
	}
	return &Joiner{folder: f, token: t, self: c, held: h}, f.saveKeys(h)
}

// candidate returns the keys left by an attempt before, or new ones.
func (f Folder) candidate(role mode.Role) (*held, error) {
	fresh, err := newHeld(role)
	if err != nil {
		return nil, err
	}
	if err := f.make(); err != nil {
		return nil, err
	}
	if key, err := f.readKey(nodeKeyFile); err == nil {
		fresh.key, fresh.Self.Node = key, NodeOf(public(key))
	}
	if role != mode.Box {
		return fresh, nil
	}
	if seal, err := f.readSeal(); err == nil {
		fresh.seal, fresh.Self.Recipient = seal, seal.Recipient().String()
	}
	return fresh, nil
}

// TLS returns how to call a member of the pair. The handshake fails unless who answers is a box
// certified by the CA that the token names; nothing was sent by then. Dates do not count: the
// machine may be new and its clock wrong.
func (j *Joiner) TLS() *tls.Config {
	cfg := base([]string{JoinProtocol})
	cfg.VerifyConnection = func(cs tls.ConnectionState) error {
		if cs.NegotiatedProtocol != JoinProtocol {
			return refuse(Malformed, "who answers does not let anybody join: it is no box of a pair")
		}
		_, _, err := j.pair(cs)
		return err
	}
	return cfg
}

// pair returns the CA of who answers and the box it is.
func (j *Joiner) pair(cs tls.ConnectionState) (*x509.Certificate, Peer, error) {
	i := slices.IndexFunc(cs.PeerCertificates, func(c *x509.Certificate) bool { return j.token.fits(fingerprintOf(c)) })
	if i < 1 {
		return nil, Peer{}, refuse(Foreign, "who answers is not of the pair this token is for: check the address; if it is right, somebody stands between or the token is another pair's")
	}
	peer, err := checkChain(cs.PeerCertificates[i], cs.PeerCertificates[0])
	if err == nil && peer.Role != mode.Box {
		err = refuse(WrongRole, "who answers is the pair's witness: join at a box")
	}
	return cs.PeerCertificates[i], peer, err
}

// plea is the body of a request to join.
type plea struct {
	Member  Member `json:"member"`
	Site    string `json:"site,omitempty"`
	Request []byte `json:"request"` // PKCS #10
}

// grace is the body of the answer to who is let in.
type grace struct {
	Cluster     mode.NodeID     `json:"cluster"`
	Site        string          `json:"site"`
	Generation  mode.Generation `json:"generation"`
	Certificate []byte          `json:"certificate"`      // DER
	CAKey       []byte          `json:"ca_key,omitempty"` // PKCS #8; boxes only
	Members     []Member        `json:"members"`
}

// envelope is a request or an answer: a body and the proof of who knows the token.
type envelope struct {
	Token   string `json:"token,omitempty"` // its id
	Body    []byte `json:"body,omitempty"`
	Proof   []byte `json:"proof,omitempty"`
	Reason  Reason `json:"reason,omitempty"`
	Refused string `json:"refused,omitempty"`
}

// Request returns what to send over a connection made with TLS. It proves the token to a pair that
// knows it and shows it to nobody: it is of no use on another connection.
func (j *Joiner) Request(cs tls.ConnectionState) ([]byte, error) {
	if _, _, err := j.pair(cs); err != nil {
		return nil, err
	}
	b, err := bind(cs)
	if err != nil {
		return nil, err
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, j.held.key)
	if err != nil {
		return nil, fmt.Errorf("ask for a certificate: %w", err)
	}
	body, err := json.Marshal(plea{Member: j.held.Self, Site: j.self.Site, Request: request})
	if err != nil {
		return nil, err
	}
	return json.Marshal(envelope{Token: j.token.ID(), Body: body, Proof: b.callerProof(j.token.keys().caller, body)})
}

// Accept takes the answer to request, and makes this machine a member: the folder holds it when
// Accept returns.
func (j *Joiner) Accept(cs tls.ConnectionState, request, answer []byte) (Admission, error) {
	ca, _, err := j.pair(cs)
	if err != nil {
		return Admission{}, err
	}
	b, err := bind(cs)
	if err != nil {
		return Admission{}, err
	}
	e, err := parseEnvelope(answer)
	if err != nil {
		return Admission{}, err
	}
	if e.Refused != "" {
		return Admission{}, refuse(e.Reason, "the pair refuses: %.500q", e.Refused)
	}
	if !b.pairProves(j.token.keys().pair, request, e.Body, e.Proof) {
		return Admission{}, refuse(Foreign, "who answered does not know this token: it was removed from the pair, or somebody stands between; join at the box where the token was made")
	}
	return j.become(ca, e.Body)
}

func (j *Joiner) become(ca *x509.Certificate, body []byte) (Admission, error) {
	var got grace
	if err := json.Unmarshal(body, &got); err != nil {
		return Admission{}, refuse(Malformed, "the pair's answer cannot be read: update the older of the two machines")
	}
	h := *j.held
	h.ca.cert, h.CA = ca, fingerprintOf(ca)
	h.Cluster, h.Site, h.Joined, h.Members = got.Cluster, got.Site, got.Generation, got.Members
	sortMembers(h.Members)
	var err error
	if h.leaf, err = x509.ParseCertificate(got.Certificate); err != nil {
		return Admission{}, refuse(Malformed, "the certificate in the pair's answer cannot be read")
	}
	if peer, err := checkChain(ca, h.leaf); err != nil || peer != h.Peer() {
		return Admission{}, errors.Join(refuse(OtherNode, "the certificate in the pair's answer is not this machine's"), err)
	}
	if err := checkMember(h.Members, h.Cluster, h.Peer()); err != nil {
		return Admission{}, err
	}
	if h.Self.Role == mode.Box {
		if h.ca.key, err = parseCAKey(got.CAKey, ca); err != nil {
			return Admission{}, err
		}
	}
	return Admission{Identity: h.Identity, Generation: got.Generation}, j.folder.save(&h)
}

func parseCAKey(der []byte, ca *x509.Certificate) (ed25519.PrivateKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	key, ok := parsed.(ed25519.PrivateKey)
	if err != nil || !ok || !public(key).Equal(ca.PublicKey) {
		return nil, refuse(Malformed, "the pair's answer lacks the CA's key")
	}
	return key, nil
}

func parseEnvelope(b []byte) (envelope, error) {
	var e envelope
	if len(b) > MaxJoin {
		return e, refuse(Malformed, "a message of %d bytes: %d are the most", len(b), MaxJoin)
	}
	if err := json.Unmarshal(b, &e); err != nil {
		return e, refuse(Malformed, "a message that cannot be read: update the older of the two machines")
	}
	return e, nil
}
