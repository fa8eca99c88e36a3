package remotewrite

import (
	"bytes"
	"fmt"
	"net/http"
	"time"
)

// door is by what requests go in: the login, and connections made with the certificates.
type door struct {
	access Access
	client *http.Client
}

func newDoor(a Access) door {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = a.TLS.Clone()
	t.MaxIdleConnsPerHost, t.IdleConnTimeout = 2, time.Minute
	t.MaxResponseHeaderBytes = 64 << 10
	return door{a, &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (s *Sender) entry() door {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.door
}

// enter puts the login into a request.
func (d *door) enter(r *http.Request) {
	switch {
	case d.access.Bearer != "":
		r.Header.Set("Authorization", "Bearer "+d.access.Bearer)
	case d.access.User != "" || d.access.Password != "":
		r.SetBasicAuth(d.access.User, d.access.Password)
	}
}

// hide takes the secrets out of what a receiver says.
func (d *door) hide(text []byte) []byte {
	for _, secret := range []string{d.access.Bearer, d.access.Password} {
		if secret != "" {
			text = bytes.ReplaceAll(text, []byte(secret), []byte("***"))
		}
	}
	return text
}

// renew reads the access anew after an answer that may be a matter of it: a token was changed, a certificate renewed. It says whether
// there is another one now.
func (s *Sender) renew(a answer) (renewed bool, err error) {
	if s.cfg.Renew == nil || a.code != 0 && a.code != http.StatusUnauthorized && a.code != http.StatusForbidden {
		return false, nil
	}
	s.renewing.Lock()
	defer s.renewing.Unlock()
	now, changed, err := s.cfg.Renew()
	if err != nil {
		return false, fmt.Errorf("and what the receiver lets in cannot be read anew: %w", err)
	}
	if !changed {
		return false, nil
	}
	s.mu.Lock()
	old := s.door
	s.door = newDoor(now)
	s.mu.Unlock()
	old.client.CloseIdleConnections()
	s.cfg.Logger.Info("the secrets of remote write were read anew", "url", s.url)
	return true, nil
}
