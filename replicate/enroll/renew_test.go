package enroll_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rackpost/replicate/enroll"
	"rackpost/replicate/keys"
)

func newReader(r io.Reader) *bufio.Reader { return bufio.NewReader(r) }

// TestKindOfKey: whose request is for a key of another kind is told so, whatever its signature: that is never checked.
func TestKindOfKey(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	der[len(der)-1] ^= 1
	body, err := json.Marshal(map[string][]byte{"request": der})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	o.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, enroll.PathRenew, bytes.NewReader(body)))
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "no Ed25519 key") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestRenewal(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	ahead := time.Duration(0)
	var saved []enroll.Credential
	h := holder(t, o.join(t, "FRA-3", newSite()), func(g *enroll.Holding) {
		g.Now = func() time.Time { return time.Now().Add(ahead) }
		g.Save = func(_ context.Context, c enroll.Credential) error {
			saved = append(saved, c)
			return nil
		}
	})
	later := func(d time.Duration) {
		ahead = d
		o.now.Store(d.Milliseconds())
	}
	if h.Due() {
		t.Error("a new certificate is to be renewed")
	}
	later(240 * 24 * time.Hour)
	if h.Due() {
		t.Error("it is to be renewed with more than a third of its life left")
	}
	later(244 * 24 * time.Hour)
	if !h.Due() {
		t.Error("it is not to be renewed with less than a third of its life left")
	}
	before := h.Credential().Expires()
	if err := h.Renew(t.Context(), dialTo(o.address), o.address); err != nil {
		t.Fatal(err)
	}
	if h.Due() || len(saved) != 1 || !saved[0].Expires().After(before) || !h.Credential().Expires().After(before) {
		t.Errorf("it was not renewed: %v, %d saved", h.Credential().Expires(), len(saved))
	}
	site := o.List()[0]
	if site.Renewed.IsZero() || !site.Expires.Equal(h.Credential().Expires()) {
		t.Errorf("headquarters has %+v", site)
	}

	// Two years off: the certificate has expired, and renews all the same.
	later(3 * 365 * 24 * time.Hour)
	_, err := o.who(t, h)
	wantRefused(t, err, enroll.Expired)
	if err := h.Renew(t.Context(), dialTo(o.address), o.address); err != nil {
		t.Fatal(err)
	}
	if _, err := o.who(t, h); err != nil {
		t.Error(err)
	}
	o.distrust.Store(true)
	wantRefused(t, h.Renew(t.Context(), dialTo(o.address), o.address), enroll.Unavailable)
}

func TestRenewalThatCannotBeKept(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	full := errors.New("disk full")
	h := holder(t, o.join(t, "FRA-3", newSite()), func(g *enroll.Holding) {
		g.Save = func(context.Context, enroll.Credential) error { return full }
	})
	if err := h.Renew(t.Context(), dialTo(o.address), o.address); !errors.Is(err, full) {
		t.Errorf("it was kept: %v", err)
	}
	if _, err := o.who(t, h); err != nil {
		t.Errorf("the old one is not good any more: %v", err)
	}
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	h := holder(t, o.join(t, "FRA-3", newSite()), nil)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: h.TLS(o.address)}}
	defer client.CloseIdleConnections()
	for body, status := range map[string]int{
		"":                            400,
		"{":                           400,
		`{"request":"AAAA"}`:          400,
		strings.Repeat("x", 100<<10):  400,
		`{"site":"x","token":"AA=="}`: 400,
		`{"request":"` + strings.Repeat("A", 60<<10) + `"}`: 400,
	} {
		for _, path := range []string{enroll.PathEnroll, enroll.PathRenew} {
			resp, err := client.Post(o.url+path, "application/json", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != status {
				t.Errorf("%s %.40q: %d, want %d", path, body, resp.StatusCode, status)
			}
			resp.Body.Close()
		}
	}
	resp, err := client.Get(o.url + enroll.PathClock)
	if err != nil || resp.StatusCode != http.StatusNoContent || resp.Header.Get("Date") == "" {
		t.Errorf("the clock: %v, %v", resp, err)
	}
}

func TestFolder(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.join(t, "FRA-3", newSite())
	open := func() error {
		_, err := enroll.Open(enroll.Config{Folder: o.folder, Logger: quiet()})
		return err
	}
	if err := open(); err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func(path string) error{
		"ca.pem":     func(p string) error { return os.WriteFile(p, []byte("x"), 0o600) },
		"ca.key":     os.Remove,
		"sites.json": func(p string) error { return os.WriteFile(p, []byte(`{"format":1,"ca_sha256":"00"}`), 0o600) },
	} {
		path := filepath.Join(o.folder, name)
		had, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := damage(path); err != nil {
			t.Fatal(err)
		}
		if err := open(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s damaged: %v", name, err)
		}
		if err := os.WriteFile(path, had, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := open(); err == nil || !strings.Contains(err.Error(), "chmod") {
			t.Errorf("%s can be read by all: %v", name, err)
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// A crash while it was made: the same CA, no site.
	if err := os.Remove(filepath.Join(o.folder, "sites.json")); err != nil {
		t.Fatal(err)
	}
	again := openOffice(t, o.folder, nil)
	if again.HQ() != o.HQ() || len(again.List()) != 0 {
		t.Errorf("it is %s with %d sites", again.HQ(), len(again.List()))
	}
}

func TestRefusalsAreRead(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		status      int
		after, body string
		want        enroll.Refusal
	}{
		{429, "7", `{"error":"too many sites at once","advice":"wait"}`, enroll.Refusal{Reason: enroll.TooMany, What: "too many sites at once", Advice: "wait", After: 7 * time.Second}},
		{503, "Sun, 22 Nov 2026 12:00:30 GMT", `<html>`, enroll.Refusal{Reason: enroll.Unavailable, What: "it answers 503 Service Unavailable", After: 30 * time.Second}},
		{503, "Sun, 22 Nov 2020 12:00:30 GMT", ``, enroll.Refusal{Reason: enroll.Unavailable, What: "it answers 503 Service Unavailable"}},
		{429, "999999", ``, enroll.Refusal{Reason: enroll.TooMany, What: "it answers 429 Too Many Requests", After: time.Hour}},
		{404, "-1", ``, enroll.Refusal{Reason: enroll.Malformed, What: "it answers 404 Not Found", Advice: "is this the address of headquarters?"}},
		{403, "", "{\"error\":\"\\u001b[31mno\",\"reason\":\"revoked\"}", enroll.Refusal{Reason: enroll.Revoked, What: "[31mno"}},
	} {
		resp := &http.Response{StatusCode: c.status, Header: http.Header{"Retry-After": {c.after}}, Body: io.NopCloser(strings.NewReader(c.body))}
		if got := enroll.Refused(resp, now); *got != c.want {
			t.Errorf("%d %q: %+v, want %+v", c.status, c.after, *got, c.want)
		}
	}
}

// TestStrangersWaitForNobody: who has neither a token nor a site's key is refused at once, also while the register is being written.
func TestStrangersWaitForNobody(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	der, err := keys.Request(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(map[string]any{"request": der, "token": make([]byte, keys.SecretBytes), "site": newSite().String()})
	if err != nil {
		t.Fatal(err)
	}
	defer enroll.Hold(o.Registry)()
	for path, words := range map[string]string{enroll.PathRenew: "no site with this key", enroll.PathEnroll: "no such token"} {
		w, done := httptest.NewRecorder(), make(chan struct{})
		go func() {
			defer close(done)
			o.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body)))
		}()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			t.Fatalf("%s waits", path)
		}
		if !strings.Contains(w.Body.String(), words) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// TestEndlessAnswer: whoever has headquarters' keys fills no box's memory with the head of an answer.
func TestEndlessAnswer(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	h := holder(t, o.join(t, "FRA-3", newSite()), nil)
	own, err := o.TLS().GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{*own}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const most = 64 << 20
	told := make(chan int, 1)
	go func() {
		n := 0
		defer func() { told <- n }()
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		line := []byte("X-A: " + strings.Repeat("a", 4000) + "\r\n")
		_, err = conn.Write([]byte("HTTP/1.1 200 OK\r\n"))
		for ; err == nil && n < most; n += len(line) {
			_, err = conn.Write(line)
		}
	}()
	if err := h.Renew(t.Context(), dialTo(l.Addr().String()), l.Addr().String()); err == nil {
		t.Error("that is an answer")
	}
	if n := <-told; n >= most {
		t.Errorf("it listened to %d bytes", n)
	}
}

// FuzzRequests: whatever comes, it is refused with a reason, and nobody is let in.
func FuzzRequests(f *testing.F) {
	o := openOffice(f, f.TempDir()+"/hq", nil)
	handler := o.Handler()
	f.Add(true, []byte(`{"token":"AAAAAAAAAAAAAAAAAAA=","site":"00000000-0000-0000-0000-000000000001","request":"AA=="}`))
	f.Add(false, []byte(`{"request":"MIIB"}`))
	f.Fuzz(func(t *testing.T, join bool, body []byte) {
		path := enroll.PathRenew
		if join {
			path = enroll.PathEnroll
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body)))
		if r := enroll.Refused(w.Result(), time.Now()); w.Code < 400 || r.What == "" || len(o.List()) > 0 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

// TestCAThatEnds: in the last year of the CA a certificate ends with it, and is not renewed ever again.
func TestCAThatEnds(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	ahead := 19*365*24*time.Hour + 200*24*time.Hour
	now := func() time.Time { return time.Now().Add(ahead) }
	o.now.Store(ahead.Milliseconds())
	c, err := enroll.Join(t.Context(), enroll.Joining{URL: o.url, Token: o.invite(t, "FRA-3", false), Site: newSite(), Now: now, Trusted: true})
	if err != nil {
		t.Fatal(err)
	}
	ca, _ := o.CA()
	if !c.Expires().Equal(ca.NotAfter) {
		t.Errorf("it ends on %v, the CA on %v", c.Expires(), ca.NotAfter)
	}
	ahead += 100 * 24 * time.Hour
	if h := holder(t, c, func(g *enroll.Holding) { g.Now = now }); h.Due() {
		t.Error("it is to be renewed")
	}
}

func FuzzCredential(f *testing.F) {
	f.Add([]byte(`{"format":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := enroll.ParseCredential(b); err == nil {
			t.Errorf("somebody guessed a certificate: %v", c)
		}
	})
}

// BenchmarkHandshake is a connection of a site, both certificates verified, a request on it judged by Check.
func BenchmarkHandshake(b *testing.B) {
	o := openOffice(b, b.TempDir()+"/hq", nil)
	token, _, err := o.Invite("FRA-3", false)
	if err != nil {
		b.Fatal(err)
	}
	c, err := enroll.Join(b.Context(), enroll.Joining{URL: o.url, Token: token.Text(), Site: newSite()})
	if err != nil {
		b.Fatal(err)
	}
	h := holder(b, c, nil)
	for b.Loop() {
		if name, err := o.who(b, h); err != nil || name != "FRA-3" {
			b.Fatal(name, err)
		}
	}
}
