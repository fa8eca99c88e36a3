package enroll

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"rackpost/replicate/keys"
)

// Holding is what a Holder is made of.
type Holding struct {
	Credential Credential
	Save       func(context.Context, Credential) error // keeps a renewed one, durably
	Now        func() time.Time                        // nil: time.Now
	Trusted    func() bool                             // whether Now is right; nil: never. Dates count only while it is
}

// Holder is a site's end: it shows the site's certificate to headquarters, and renews it. Its methods may
// be called at once.
type Holder struct {
	cfg   Holding
	state atomic.Pointer[Credential]

	mu      sync.Mutex
	changed chan struct{}
}

// NewHolder returns a holder of a credential.
func NewHolder(cfg Holding) (*Holder, error) {
	if cfg.Save == nil {
		return nil, errors.New("enroll: Holding needs Save")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Trusted == nil {
		cfg.Trusted = func() bool { return false }
	}
	if cfg.Credential.leaf == nil {
		return nil, errors.New("this site has joined no headquarters: \"rackpost hq enroll SITE\" there, \"rackpost uplink join\" here")
	}
	h := &Holder{cfg: cfg, changed: make(chan struct{})}
	h.state.Store(&cfg.Credential)
	return h, nil
}

// Credential returns what it holds now.
func (h *Holder) Credential() Credential { return *h.state.Load() }

// Set makes it hold another one, such as the other box of a pair renewed. It is not saved.
func (h *Holder) Set(c Credential) error {
	if c.leaf == nil {
		return errors.New("an empty credential for headquarters")
	}
	h.hold(c)
	return nil
}

func (h *Holder) hold(c Credential) {
	h.state.Store(&c)
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.changed)
	h.changed = make(chan struct{})
}

// Watch returns a channel that is closed when it holds another one.
func (h *Holder) Watch() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.changed
}

func (h *Holder) clock() keys.Clock { return keys.Clock{Now: h.cfg.Now(), Trusted: h.cfg.Trusted()} }

// TLS returns how to call headquarters at HOST:PORT. Whoever answers must be the one that this site
// joined; its dates count only while the clock is trusted.
func (h *Holder) TLS(address string) *tls.Config {
	cfg := client(func(shown []*x509.Certificate) error {
		c := h.state.Load()
		hq, err := checkOffice(c.ca, shown, h.clock())
		if err == nil && hq != c.HQ {
			return refuse(Foreign, "", "who answers is headquarters %s, this site joined %s", hq, c.HQ)
		}
		return err
	})
	cfg.ServerName = hostOf(address)
	cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return h.state.Load().certificate(), nil }
	return cfg
}

// Due says whether the certificate is to be renewed: a third of its life or less is left.
func (h *Holder) Due() bool {
	c := h.state.Load()
	return h.clock().Due(c.leaf, c.ca, siteLife)
}

// Renew asks headquarters at HOST:PORT for another certificate for the same key, and saves it. It does so
// also when Due says nothing: headquarters may have refused the certificate, and its clock may be right
// where ours is not.
func (h *Holder) Renew(ctx context.Context, dial Dial, address string) error {
	had := h.state.Load()
	request, err := keys.Request(had.key)
	if err != nil {
		return err
	}
	g, err := ask(ctx, dial, address, h.TLS(address), PathRenew, plea{Request: request}, h.cfg.Now())
	if err != nil {
		return fmt.Errorf("renew the certificate for headquarters: %w", err)
	}
	c, err := g.said(had.key, had.URLs[0])
	if err != nil {
		return err
	}
	if c.HQ != had.HQ || c.Site != had.Site || c.CA() != had.CA() {
		return refuse(Malformed, "update the older of the two machines", "headquarters' answer is for another site or of another headquarters")
	}
	if err := h.cfg.Save(ctx, c); err != nil {
		return fmt.Errorf("keep the certificate for headquarters: %w", err)
	}
	h.hold(c)
	return nil
}
