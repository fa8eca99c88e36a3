package enroll

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/keys"
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
	if len(p.Token) != keys.SecretBytes {
		return grace{}, refuse(Malformed, "update the older of the two machines", "the request has no token")
	}
	hash := hashOf(p.Token)
	if !r.sites.Load().tokens[hash] { // anybody may ask, and holds nobody up
		return grace{}, noSuchToken()
	}
	id, key, err := p.read()
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
	i := slices.IndexFunc(r.kept.Tokens, func(g grant) bool { return g.Hash == hash })
	if i < 0 {
		return grace{}, noSuchToken()
	}
	fingerprint, g := sum(spki), r.kept.Tokens[i]
	if have, known := r.joinedWith(g, id, fingerprint); known { // what it got was lost
		return r.certify(have, key, at)
	}
	if err := r.mayJoin(g, p, id, at); err != nil {
		return grace{}, err
	}
	leaf, err := r.ca.issue(id, g.Site, key, at)
	if err != nil {
		return grace{}, err
	}
	e := entry{ID: id.String(), Name: g.Site, Key: fingerprint, Serial: leaf.SerialNumber.Text(16), Joined: at.Now.UTC().Truncate(time.Second), Expires: leaf.NotAfter}
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
	return grace{HQ: r.ca.hq.String(), Site: e.ID, Name: e.Name, URLs: r.cfg.URLs, CA: r.ca.Cert.Raw, Certificate: leaf.Raw}
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

func noSuchToken() error {
	return refuse(NoSuchToken, "a token is good for a day and for one site: make a new one (\"rackpost hq enroll SITE\")", "headquarters knows no such token")
}

// joinedWith returns the site that joined with a token, if it was this one with this key and may send.
func (r *Registry) joinedWith(g grant, id journal.ID, key Fingerprint) (entry, bool) {
	have, known := r.sites.Load().byID[id]
	return have, known && g.UsedBy == key && have.Key == key && have.Name == g.Site && have.Revoked.IsZero()
}

// mayJoin says what keeps who has a token from joining. The caller holds mu.
func (r *Registry) mayJoin(g grant, p plea, id journal.ID, at keys.Clock) error {
	const another = "make a new token (\"rackpost hq enroll SITE\")"
	have, known := r.sites.Load().byID[id]
	owner, taken := r.kept.named(g.Site)
	switch {
	case g.UsedBy != (Fingerprint{}):
		return refuse(UsedToken, "if that was another box of this site, join there; if it was not this site, bar it (\"rackpost hq revoke "+hw.ShellWord(g.Site)+"\"); for a new token \"rackpost hq enroll "+hw.ShellWord(g.Site)+" -again\"",
			"somebody joined with this token already, as site %q", g.Site)
	case g.Void:
		return refuse(Expired, "use the newer one, or "+another, "a newer token for site %q took the place of this one", g.Site)
	case at.Now.After(g.Expires) || at.Now.Before(g.Made.Add(-TokenLife)):
		return refuse(Expired, another, "the token was good until %s", g.Expires.UTC().Format(time.RFC3339))
	case p.Name != "" && p.Name != g.Site:
		return refuse(OtherSite, "take the token of the right site, or join with -name and the name that headquarters has for the site", "the token is for site %q, this is site %.80q", g.Site, p.Name)
	case known && have.Name != g.Site:
		return refuse(Taken, "if site.yaml was copied from there, give this site an id of its own; if the site has a new name, \"rackpost hq forget "+hw.ShellWord(have.Name)+"\" first", "the id %s is that of site %q", id, have.Name)
	case taken && owner.ID != id.String():
		return refuse(Taken, "give this site that id in site.yaml if it is the same one; if it is another, give it another name; if the old one is gone, \"rackpost hq forget "+hw.ShellWord(g.Site)+"\"", "site %q has the id %s, this box has %s", g.Site, owner.ID, id)
	case id == r.ca.hq:
		return refuse(Taken, "give the site an id of its own in site.yaml", "the id %s is that of headquarters", id)
	}
	return r.clockFits(p, at)
}

// clockFits refuses a site whose clock or ours is far off though both are trusted: its certificate would
// be refused by the one or the other.
func (r *Registry) clockFits(p plea, at keys.Clock) error {
	off := time.UnixMilli(p.Now).Sub(at.Now)
	if !p.Trusted || !at.Trusted || off.Abs() < keys.Skew {
		return nil
	}
	return refuse(ClockOff, "give the one that is wrong a time server, then use the same token again",
		"the site's clock shows %s, headquarters' shows %s", time.UnixMilli(p.Now).UTC().Format(time.DateTime), at.Now.UTC().Format(time.DateTime))
}

// renewedAgain is how soon after a certificate another one is not worth writing down.
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
	if _, err := r.owner(sum(spki)); err != nil { // anybody may ask, and holds nobody up
		return grace{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	e, err := r.owner(sum(spki))
	if err != nil {
		return grace{}, err
	}
	at := r.clock()
	if !at.Trusted {
		return grace{}, refuse(Unavailable, "give headquarters a time server", "headquarters does not trust its own clock and renews nothing")
	}
	return r.certify(e, key, at)
}

// owner returns the site that has a key and may send.
func (r *Registry) owner(key Fingerprint) (entry, error) {
	e, ok := r.sites.Load().byKey[key]
	if !ok {
		return e, refuse(NotEnrolled, "\"rackpost hq enroll SITE\" at headquarters (-again if it knows the site), \"rackpost uplink leave\" and \"rackpost uplink join\" here", "headquarters knows no site with this key")
	}
	return e, e.barred()
}

// certify makes another certificate for a site and the key it has. The caller holds mu.
func (r *Registry) certify(e entry, key ed25519.PublicKey, at keys.Clock) (grace, error) {
	leaf, err := r.ca.issue(e.site().ID, e.Name, key, at)
	if err != nil {
		return grace{}, err
	}
	if at.Now.Sub(e.Renewed).Abs() < renewedAgain || at.Now.Sub(e.Joined).Abs() < renewedAgain {
		return r.grace(e, leaf), nil // its answer was lost, or somebody makes us write
	}
	e.Serial, e.Renewed, e.Expires = leaf.SerialNumber.Text(16), at.Now.UTC().Truncate(time.Second), leaf.NotAfter
	if err := r.keep(r.kept.with(e)); err != nil {
		return grace{}, err
	}
	return r.grace(e, leaf), nil
}

// requestKey returns the key for which a certificate is asked, whose owner signed the request.
func requestKey(der []byte) (ed25519.PublicKey, error) {
	key, err := keys.Requested(der)
	if err != nil {
		return nil, refuse(Malformed, "update the older of the two machines", "%v", err)
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
