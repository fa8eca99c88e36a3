package enroll

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/keys"
)

// Config is what a Registry is made of.
type Config struct {
	Folder  string           // of headquarters: DATA/hq
	Names   []string         // host names and addresses that its own certificate is for
	URLs    []string         // at which sites reach it; told to them when they join
	Now     func() time.Time // nil: time.Now
	Trusted func() bool      // whether Now is right; nil: always
	Logger  *slog.Logger

	// Public is the certificate shown to callers that are no sites, browsers above all; nil: one of the own
	// CA. It is asked at each handshake. Sites are shown the own one always.
	Public func(*tls.ClientHelloInfo) (*tls.Certificate, error)
}

// Registry is headquarters' end: it lets sites join, and knows who may send. Its methods may be called
// at once.
type Registry struct {
	cfg    Config
	folder folder
	ca     *authority

	refused atomic.Int64 // when a refusal was last told, Unix ns
	office  atomic.Pointer[tls.Certificate]

	mu      sync.Mutex // of who changes the register
	kept    register
	changed chan struct{}
	sites   atomic.Pointer[known]
}

// known is what is in a register, for who only asks.
type known struct {
	list   []Site // by name
	byID   map[journal.ID]entry
	byKey  map[Fingerprint]entry
	tokens map[Fingerprint]bool // by their hashes
}

// hostName is what may stand in a certificate.
var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$`)

// checkHost says why a certificate cannot be for a host.
func checkHost(name string) error {
	if hostName.MatchString(name) || net.ParseIP(name) != nil {
		return nil
	}
	return refuse(Malformed, "write a host name in ASCII (one with other letters as DNS has it: xn--...), or an address without a zone", "%.120q is no name of headquarters", name)
}

// CheckPlace says why nobody could call headquarters at an address that ParseURL takes: its certificate cannot be for the host, or the port is none.
func CheckPlace(u *url.URL) error {
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return refuse(Malformed, "write a port from 1 to 65535, or none for 443", "%.120q has no port that there is", u.Host)
		}
	}
	return checkHost(u.Hostname())
}

// Open opens the headquarters of a folder. The first time it makes it: a CA, and no site.
func Open(cfg Config) (*Registry, error) {
	if cfg.Folder == "" || cfg.Logger == nil {
		return nil, errors.New("enroll: Config needs Folder and Logger")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Trusted == nil {
		cfg.Trusted = func() bool { return true }
	}
	for _, n := range cfg.Names {
		if err := checkHost(n); err != nil {
			return nil, err
		}
	}
	for _, u := range cfg.URLs {
		if _, err := ParseURL(u); err != nil {
			return nil, err
		}
	}
	r := &Registry{cfg: cfg, folder: folder(cfg.Folder), changed: make(chan struct{})}
	var err error
	if r.ca, r.kept, err = r.folder.open(r.clock()); err != nil {
		return nil, err
	}
	r.show()
	_, err = r.certificate()
	return r, err
}

func (r *Registry) clock() keys.Clock { return keys.Clock{Now: r.cfg.Now(), Trusted: r.cfg.Trusted()} }

// HQ is the id of this headquarters. It is in its CA, and so for ever.
func (r *Registry) HQ() journal.ID { return r.ca.hq }

// CA is the certificate of its CA, and its fingerprint.
func (r *Registry) CA() (*x509.Certificate, Fingerprint) {
	return r.ca.Cert, keys.FingerprintOf(r.ca.Cert)
}

// show makes the register of now that of Check. The caller holds mu, or nobody else knows r.
func (r *Registry) show() {
	k := known{byID: make(map[journal.ID]entry, len(r.kept.Sites)), byKey: make(map[Fingerprint]entry, len(r.kept.Sites)), tokens: make(map[Fingerprint]bool, len(r.kept.Tokens))}
	for _, g := range r.kept.Tokens {
		k.tokens[g.Hash] = true
	}
	for _, e := range r.kept.Sites {
		site := e.site()
		k.list = append(k.list, site)
		k.byID[site.ID], k.byKey[e.Key] = e, e
	}
	slices.SortFunc(k.list, func(a, b Site) int { return cmp.Or(strings.Compare(a.Name, b.Name), slices.Compare(a.ID[:], b.ID[:])) })
	r.sites.Store(&k)
}

// keep writes a register and makes it the one in force. The caller holds mu.
func (r *Registry) keep(next register) error {
	if err := r.folder.writeRegister(next); err != nil {
		return fmt.Errorf("keep the register of sites: %w", err)
	}
	r.kept = next
	r.show()
	close(r.changed)
	r.changed = make(chan struct{})
	return nil
}

// Watch returns a channel that is closed at the next change of who may send: ask Check again then.
func (r *Registry) Watch() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changed
}

// List returns the sites that joined, by name.
func (r *Registry) List() []Site {
	return append([]Site{}, r.sites.Load().list...)
}

// Site returns the site of an id; ok is false where none of it joined.
func (r *Registry) Site(id journal.ID) (s Site, ok bool) {
	e, ok := r.sites.Load().byID[id]
	return e.site(), ok
}

// Invitations returns the tokens that can still be used, and those used in the last days, the oldest first.
func (r *Registry) Invitations() []Invitation {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.cfg.Now()
	var list []Invitation
	for _, g := range r.kept.Tokens {
		if used := g.UsedBy != (Fingerprint{}); used || !g.Void && now.Before(g.Expires) {
			list = append(list, Invitation{ID: tokenID(g.Hash), Site: g.Site, Again: g.Again, Made: g.Made, Expires: g.Expires, Used: used})
		}
	}
	return list
}

// Invite makes a token for a site of this name. A token made for it before and not yet used is void. With
// again it is for a site that joined already and is to join anew: what it has is good until it does.
func (r *Registry) Invite(name string, again bool) (Token, Invitation, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.kept.mayInvite(name, again); err != nil {
		return Token{}, Invitation{}, err
	}
	now := r.cfg.Now().UTC().Truncate(time.Second)
	t := newToken(keys.FingerprintOf(r.ca.Cert))
	next := r.kept.swept(now)
	for i, g := range next.Tokens {
		if g.Site == name && g.UsedBy == (Fingerprint{}) {
			next.Tokens[i].Void = true
		}
	}
	g := grant{Hash: t.hash(), Site: name, Again: again, Made: now, Expires: now.Add(TokenLife)}
	next.Tokens = append(next.Tokens, g)
	if err := r.keep(next); err != nil {
		return Token{}, Invitation{}, err
	}
	r.cfg.Logger.Info("a token was made for a site", "site", name, "token", t.ID(), "expires", g.Expires)
	return t, Invitation{ID: t.ID(), Site: name, Again: again, Made: now, Expires: g.Expires}, nil
}

// Revoke keeps a site from sending. What it sent stays. Its name and id stay taken.
func (r *Registry) Revoke(name, why string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.kept.named(name)
	if !ok {
		return noSuchSite(name)
	}
	if e.Revoked.IsZero() {
		e.Revoked = r.cfg.Now().UTC().Truncate(time.Second)
	}
	e.Why = plain(why, 200)
	if err := r.keep(voided(r.kept.with(e), name)); err != nil {
		return err
	}
	r.cfg.Logger.Info("a site may not send any more", "site", name, "id", e.ID, "why", e.Why)
	return nil
}

// Forget takes a site out of the register, so that its name and its id are free. What it sent stays.
func (r *Registry) Forget(name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.kept.named(name)
	if !ok && !r.kept.invites(name, r.cfg.Now()) {
		return noSuchSite(name)
	}
	if err := r.keep(voided(r.kept.without(name), name)); err != nil {
		return err
	}
	if !ok {
		r.cfg.Logger.Info("a token for a site is void", "site", name)
		return nil
	}
	r.cfg.Logger.Info("a site was taken out of the register", "site", name, "id", e.ID)
	return nil
}

// invites says whether there is a token with which a site of this name may still join.
func (r register) invites(name string, now time.Time) bool {
	return slices.ContainsFunc(r.Tokens, func(g grant) bool {
		return g.Site == name && !g.Void && g.UsedBy == (Fingerprint{}) && now.Before(g.Expires)
	})
}

// voided makes the unused tokens for a site void.
func voided(r register, name string) register {
	r.Tokens = slices.Clone(r.Tokens)
	for i, g := range r.Tokens {
		if g.Site == name {
			r.Tokens[i].Void = true
		}
	}
	return r
}

func noSuchSite(name string) error {
	return refuse(NotEnrolled, "\"rackpost hq sites\" shows those that did", "no site %.80q joined", name)
}

// refusedEvery is how often a refusal is worth a line that everybody reads: anybody on the network can ask.
const refusedEvery = 10 * time.Second

func (r *Registry) logRefused(ctx context.Context, what, from string, err error) {
	level := slog.LevelWarn
	now := time.Now().UnixNano()
	if last := r.refused.Load(); now-last < int64(refusedEvery) || !r.refused.CompareAndSwap(last, now) {
		level = slog.LevelDebug
	}
	r.cfg.Logger.Log(ctx, level, what, "from", from, "err", err)
}
