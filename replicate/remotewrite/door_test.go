package remotewrite_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"rackpost/replicate/remotewrite"
)

// keyring is what the secrets of a receiver are now.
type keyring struct {
	mu     sync.Mutex
	now    remotewrite.Access
	change bool
	broken error
}

func (k *keyring) renew() (remotewrite.Access, bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	changed := k.change
	k.change = false
	return k.now, changed, k.broken
}

func (k *keyring) set(a remotewrite.Access, broken error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.now, k.change, k.broken = a, broken == nil, broken
}

// TestTokenChanged: a login that is refused is read anew, and what waited goes through.
func TestTokenChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var keys keyring
	wants := "first"
	r := newReceiver(t, nil)
	r.answer = func(_ int, s sent) reply {
		if s.header.Get("Authorization") != "Bearer "+wants {
			return reply{code: 401, text: "who are you"}
		}
		return taken()
	}
	w.fill(3, 5)
	c := w.config(r)
	c.Bearer, c.Renew = "first", keys.renew
	s := w.run(c)
	w.all(r)
	r.mu.Lock()
	wants = "second"
	r.mu.Unlock()
	keys.set(remotewrite.Access{}, errors.New("no such file"))
	w.visit("sw-1", recent(5e9), one("cpu/1", "busy_percent", 1))
	await(t, "it says that the secret is gone", func() bool { return strings.Contains(s.Status().Held, "no such file") })
	keys.set(remotewrite.Access{Bearer: "second"}, nil)
	w.all(r)
	await(t, "it goes on", func() bool { return s.Status().Held == "" && s.Status().Lost() == 0 })
}

// TestCertificateChanged: after a connection that is not trusted the certificates are read anew.
func TestCertificateChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var keys keyring
	r := &receiver{t: t}
	r.Server = httptest.NewUnstartedServer(r)
	r.Config.ErrorLog = log.New(io.Discard, "", 0)
	r.StartTLS()
	t.Cleanup(r.Close)
	w.fill(3, 5)
	c := w.config(r)
	c.TLS, c.Renew = &tls.Config{RootCAs: x509.NewCertPool()}, keys.renew
	s := w.run(c)
	await(t, "it is not trusted", func() bool { return strings.Contains(s.Status().Failure, "certificate") })
	pool := x509.NewCertPool()
	pool.AddCert(r.Certificate())
	keys.set(remotewrite.Access{TLS: &tls.Config{RootCAs: pool}}, nil)
	w.all(r)
	await(t, "it goes on", func() bool { return s.Status().Failure == "" && s.Status().Lost() == 0 })
}
