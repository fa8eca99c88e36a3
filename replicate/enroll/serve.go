package enroll

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"rackpost/hw/journal"
)

// The paths that Handler serves.
const (
	PathEnroll = "/uplink/v1/enroll"
	PathRenew  = "/uplink/v1/renew"
	PathClock  = "/uplink/v1/clock"
)

// maxMessage is the greatest request or answer, in bytes.
const maxMessage = 64 << 10

// plea is what a site asks when it joins or renews.
type plea struct {
	Token   []byte `json:"token,omitempty"` // the secret; to join
	Site    string `json:"site,omitempty"`  // its id; to join
	Name    string `json:"name,omitempty"`  // of the site; empty: that of the token
	Now     int64  `json:"now_ms,omitempty"`
	Trusted bool   `json:"clock_trusted,omitempty"`
	Request []byte `json:"request"` // PKCS #10, signed by the site's key
}

// grace is what it gets.
type grace struct {
	HQ          string   `json:"hq"`
	Site        string   `json:"site"`
	Name        string   `json:"name"`
	URLs        []string `json:"urls"`
	CA          []byte   `json:"ca"`          // DER
	Certificate []byte   `json:"certificate"` // DER
}

// Handler serves joining, renewing and the clock.
func (r *Registry) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+PathEnroll, r.serve("a site was not let in", r.enroll))
	mux.HandleFunc("POST "+PathRenew, r.serve("a certificate was not renewed", r.renew))
	mux.HandleFunc("GET "+PathClock, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNoContent) // the Date is in the header
	})
	return mux
}

func (r *Registry) serve(refusal string, do func(plea) (grace, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		var p plea
		b, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxMessage))
		if err == nil {
			err = json.Unmarshal(b, &p)
		}
		if err != nil {
			err = refuse(Malformed, "update the older of the two machines", "the request cannot be read")
		}
		var g grace
		if err == nil {
			g, err = do(p)
		}
		if err != nil {
			r.logRefused(req.Context(), refusal, req.RemoteAddr, err)
			Refuse(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(g) // who does not get it asks again with the same key
	}
}

// enroll lets a site in. The same key with the same token gets the same once more: the answer may have
// been lost.
func (r *Registry) enroll(p plea) (grace, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := r.clock()
	i, err := r.kept.token(p.Token)
	if err != nil {
		return grace{}, err
	}
	id, key, err := p.read()
	if err != nil {
		return grace{}, err
	}
	spki, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return grace{}, err
	}
	fingerprint, g := sum(spki), r.kept.Tokens[i]
	if err := r.mayJoin(g, p, id, fingerprint, at); err != nil {
		return grace{}, err
	}
	leaf, err := r.ca.issue(id, g.Site, key, at)
	if err != nil {
		return grace{}, err
	}
	e := entry{ID: id.String(), Name: g.Site, Key: fingerprint, Serial: leaf.SerialNumber.Text(16), Joined: at.now.UTC().Truncate(time.Second), Expires: leaf.NotAfter}
	next := r.kept.with(e)
	next.Tokens = append([]grant(nil), next.Tokens...)
	next.Tokens[i].UsedBy = fingerprint
	if err := r.keep(next); err != nil {
		return grace{}, err
	}
	r.cfg.Logger.Info("a site joined", "site", e.Name, "id", e.ID, "token", tokenID(g.Hash), "again", g.Again)
	return r.grace(e, leaf), nil
}

func (r *Registry) grace(e entry, leaf *x509.Certificate) grace {
	return grace{HQ: r.ca.hq.String(), Site: e.ID, Name: e.Name, URLs: r.cfg.URLs, CA: r.ca.cert.Raw, Certificate: leaf.Raw}
}

// read checks the form of a request to join.
func (p plea) read() (journal.ID, ed25519.PublicKey, error) {
	id, err := journal.ParseID(p.Site)
	if err != nil || id == (journal.ID{}) {
		return id, nil, refuse(Malformed, "write the site's id in its site.yaml", "the site has no id")
	}
	key, err := requestKey(p.Request)
	return id, key, err
}

// token finds the token with this secret.
func (r register) token(secret []byte) (int, error) {
	var t Token
	if len(secret) != secretBytes {
		return 0, refuse(Malformed, "update the older of the two machines", "the request has no token")
	}
	copy(t.secret[:], secret)
	hash := t.hash()
	for i, g := range r.Tokens {
		if g.Hash == hash {
			return i, nil
		}
	}
	return 0, refuse(NoSuchToken, "a token is good for a day and for one site: make a new one (\"rackpost hq enroll SITE\")", "headquarters knows no such token")
}

// mayJoin says what keeps who has a token from joining. The caller holds mu.
func (r *Registry) mayJoin(g grant, p plea, id journal.ID, key Fingerprint, at clock) error {
	const another = "make a new token (\"rackpost hq enroll SITE\")"
	have, known := (*r.sites.Load())[id]
	owner, taken := r.kept.named(g.Site)
	repeated := g.UsedBy == key && known && have.Key == key && have.Revoked.IsZero()
	switch {
	case g.UsedBy != (Fingerprint{}) && !repeated:
		return refuse(UsedToken, "if that was not this site, bar it (\"rackpost hq revoke "+g.Site+"\"); for this one "+another, "somebody joined with this token already, as site %q", g.Site)
	case g.Void:
		return refuse(Expired, "use the newer one, or "+another, "a newer token for site %q took the place of this one", g.Site)
	case at.now.After(g.Expires) || at.now.Before(g.Made.Add(-TokenLife)):
		return refuse(Expired, another, "the token was good until %s", g.Expires.UTC().Format(time.RFC3339))
	case p.Name != "" && p.Name != g.Site:
		return refuse(OtherSite, "take the token of the right site, or give the site the name that headquarters has for it in site.yaml", "the token is for site %q, this is site %.80q", g.Site, p.Name)
	case known && have.Name != g.Site:
		return refuse(Taken, "if site.yaml was copied from there, give this site an id of its own; if the site has a new name, \"rackpost hq forget "+have.Name+"\" first", "the id %s is that of site %q", id, have.Name)
	case taken && owner.ID != id.String():
		return refuse(Taken, "give this site that id in site.yaml if it is the same one; if it is another, give it another name; if the old one is gone, \"rackpost hq forget "+g.Site+"\"", "site %q has the id %s, this box has %s", g.Site, owner.ID, id)
	case id == r.ca.hq:
		return refuse(Taken, "give the site an id of its own in site.yaml", "the id %s is that of headquarters", id)
	}
	return r.clockFits(p, at)
}

// clockFits refuses a site whose clock or ours is far off though both are trusted: its certificate would
// be refused by the one or the other.
func (r *Registry) clockFits(p plea, at clock) error {
	off := time.UnixMilli(p.Now).Sub(at.now)
	if !p.Trusted || !at.trusted || off.Abs() < skew {
		return nil
	}
	return refuse(ClockOff, "give the one that is wrong a time server, then use the same token again",
		"the site's clock shows %s, headquarters' shows %s", time.UnixMilli(p.Now).UTC().Format(time.DateTime), at.now.UTC().Format(time.DateTime))
}

// renewedAgain is how soon after a renewal another one is not worth writing down.
const renewedAgain = 10 * time.Minute

// renew makes a certificate for a registered site and for the key it has, nothing else. It needs no
// certificate: the request is signed by the key, and the answer is no secret.
func (r *Registry) renew(p plea) (grace, error) {
	key, err := requestKey(p.Request)
	if err != nil {
		return grace{}, err
	}
	spki, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return grace{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	at := r.clock()
	e, ok := r.kept.owner(sum(spki))
	switch {
	case !ok:
		return grace{}, refuse(NotEnrolled, "\"rackpost hq enroll SITE\" at headquarters (-again if it knows the site), \"rackpost uplink leave\" and \"rackpost uplink join\" here", "headquarters knows no site with this key")
	case !e.Revoked.IsZero():
		return grace{}, refuse(Revoked, "ask headquarters", "site %q was barred by headquarters on %s%s", e.Name, e.Revoked.Format(time.DateOnly), because(e.Why))
	case !at.trusted:
		return grace{}, refuse(Unavailable, "give headquarters a time server", "headquarters does not trust its own clock and renews nothing")
	}
	leaf, err := r.ca.issue(e.site().ID, e.Name, key, at)
	if err != nil {
		return grace{}, err
	}
	if at.now.Sub(e.Renewed).Abs() < renewedAgain {
		return r.grace(e, leaf), nil // its answer was lost, or somebody makes us write
	}
	e.Serial, e.Renewed, e.Expires = leaf.SerialNumber.Text(16), at.now.UTC().Truncate(time.Second), leaf.NotAfter
	if err := r.keep(r.kept.with(e)); err != nil {
		return grace{}, err
	}
	return r.grace(e, leaf), nil
}

func (r register) owner(key Fingerprint) (entry, bool) {
	for _, e := range r.Sites {
		if e.Key == key {
			return e, true
		}
	}
	return entry{}, false
}

// requestKey returns the key for which a certificate is asked, whose owner signed the request. Anybody may ask: the
// kind of the key is looked at before the signature, because a signature of a large RSA key takes seconds to check.
func requestKey(der []byte) (ed25519.PublicKey, error) {
	bad := refuse(Malformed, "update the older of the two machines", "the request for a certificate is damaged or not signed by its own key")
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, bad
	}
	key, ok := request.PublicKey.(ed25519.PublicKey)
	if !ok {
		return nil, refuse(Malformed, "update the older of the two machines", "the request for a certificate is for a key that is no Ed25519 key")
	}
	if request.CheckSignature() != nil {
		return nil, bad
	}
	return key, nil
}

// said turns an answer into a credential for a key. reached is where headquarters gave it.
func (g grace) said(key ed25519.PrivateKey, reached string) (Credential, error) {
	c := Credential{Name: plain(g.Name, 64), URLs: places(reached, g.URLs), key: key}
	var errs [4]error
	c.HQ, errs[0] = journal.ParseID(g.HQ)
	c.Site, errs[1] = journal.ParseID(g.Site)
	c.ca, errs[2] = x509.ParseCertificate(g.CA)
	c.leaf, errs[3] = x509.ParseCertificate(g.Certificate)
	if err := errors.Join(errs[:]...); err != nil {
		return c, refuse(Malformed, "update the older of the two machines", "headquarters' answer cannot be read")
	}
	if err := c.check(); err != nil {
		return c, fmt.Errorf("headquarters' answer: %w", err)
	}
	return c, nil
}
