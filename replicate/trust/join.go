package trust

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"slices"

	"rackpost/replicate/keys"
	"rackpost/replicate/mode"
)

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
// same may be done again when the answer was lost, also by another process.
type Joiner struct {
	folder  Folder
	token   Token
	held    *held
	request []byte
}

// NewJoiner makes the keys of a member to be, or takes those of an attempt before. It is refused in
// the folder of a member.
func NewJoiner(f Folder, t Token, c Candidate) (*Joiner, error) {
	if err := f.free(); err != nil {
		return nil, err
	}
	if c.Role != t.Role() {
		return nil, refuse(WrongRole, "the token is for a %s, this machine would join as a %s: make a token for a %s (\"rackpost pair token\")", t.Role(), c.Role, c.Role)
	}
	h, err := f.candidate(c.Role)
	if err != nil {
		return nil, err
	}
	h.Self.Name, h.Self.Addresses, h.Self.Origin = c.Name, c.Addresses, c.Origin
	if err := h.Self.Check(); err != nil {
		return nil, err
	}
	if err := f.saveKeys(h); err != nil {
		return nil, err
	}
	j := &Joiner{folder: f, token: t, held: h}
	j.request, err = j.ask(c.Site)
	return j, err
}

// candidate returns the keys left by an attempt before, or new ones.
func (f Folder) candidate(role mode.Role) (*held, error) {
	fresh, err := newHeld(role)
	if err != nil {
		return nil, err
	}
	if err := f.folder().Make(); err != nil {
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

func (j *Joiner) ask(site string) ([]byte, error) {
	request, err := keys.Request(j.held.key)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(plea{Member: j.held.Self, Site: site, Request: request})
	if err != nil {
		return nil, err
	}
	return json.Marshal(message{Token: j.token.ID(), Body: body, Proof: callerProof(j.token.key(), body)})
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
		i := slices.IndexFunc(cs.PeerCertificates, func(c *x509.Certificate) bool { return j.token.fits(keys.FingerprintOf(c)) })
		if i < 1 {
			return refuse(Foreign, "who answers is not of the pair this token is for: check the address; if it is right, somebody stands between or the token is another pair's")
		}
		peer, err := checkChain(cs.PeerCertificates[i], cs.PeerCertificates[0])
		if err == nil && peer.Role != mode.Box {
			return refuse(WrongRole, "who answers is the pair's witness: join at a box")
		}
		return err
	}
	return cfg
}

// Request returns what to send over a connection made with TLS. It proves the token to a pair that
// knows it, shows it to nobody, and lets in nobody but this machine.
func (j *Joiner) Request() []byte { return slices.Clone(j.request) }

// Accept takes the answer and makes this machine a member: the folder holds it when Accept returns.
func (j *Joiner) Accept(answer []byte) (Admission, error) {
	m, err := parseMessage(answer)
	if err == nil {
		err = m.said()
	}
	if err != nil {
		return Admission{}, err
	}
	if !hmac.Equal(pairProof(j.token.hash(), j.request, m.Body), m.Proof) {
		return Admission{}, refuse(Foreign, "who answered does not know this token: it is no member any more, or somebody stands between; join at the box where the token was made")
	}
	h, err := j.become(m.Body)
	if err != nil {
		return Admission{}, err
	}
	return Admission{Identity: h.Identity, Generation: h.Joined}, j.folder.save(h)
}

func (j *Joiner) become(body []byte) (*held, error) {
	var got grace
	if err := json.Unmarshal(body, &got); err != nil {
		return nil, refuse(Malformed, "the pair's answer cannot be read: update the older of the two machines")
	}
	h := *j.held
	h.Cluster, h.Site, h.Joined, h.Members = got.Cluster, got.Site, got.Generation, got.Members
	sortMembers(h.Members)
	var err error
	if h.ca.cert, err = x509.ParseCertificate(got.CA); err != nil || !j.token.fits(keys.FingerprintOf(h.ca.cert)) {
		return nil, refuse(Foreign, "the CA in the pair's answer is not the one this token names")
	}
	h.CA = keys.FingerprintOf(h.ca.cert)
	if h.leaf, err = x509.ParseCertificate(got.Certificate); err != nil {
		return nil, refuse(Malformed, "the certificate in the pair's answer cannot be read")
	}
	if peer, err := checkChain(h.ca.cert, h.leaf); err != nil || peer != h.Peer() {
		return nil, errors.Join(refuse(OtherNode, "the certificate in the pair's answer is not this machine's"), err)
	}
	if err := checkMember(h.Members, h.Cluster, h.Peer()); err != nil {
		return nil, err
	}
	if h.Self.Role == mode.Box {
		h.ca.key, err = parseCAKey(got.CAKey, h.ca.cert)
	}
	return &h, err
}

func parseCAKey(der []byte, ca *x509.Certificate) (ed25519.PrivateKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	key, ok := parsed.(ed25519.PrivateKey)
	if err != nil || !ok || !public(key).Equal(ca.PublicKey) {
		return nil, refuse(Malformed, "the pair's answer lacks the CA's key")
	}
	return key, nil
}
