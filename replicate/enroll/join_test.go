package enroll_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/enroll"
)

func TestJoinAndBeKnown(t *testing.T) {
	t.Parallel()
	o := openOffice(t, t.TempDir()+"/hq", func(c *enroll.Config) { c.URLs = []string{"https://hq.example.net", "hq2.example.net:8443"} })
	id := newSite()
	c := o.join(t, "FRA-3", id)
	if c.HQ != o.HQ() || c.Site != id || c.Name != "FRA-3" {
		t.Errorf("the credential is of %s, site %s, %q", c.HQ, c.Site, c.Name)
	}
	if want := []string{o.url, "https://hq.example.net", "https://hq2.example.net:8443"}; strings.Join(c.URLs, " ") != strings.Join(want, " ") {
		t.Errorf("it is at %q, want %q", c.URLs, want)
	}
	raw, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	kept, err := enroll.ParseCredential(raw)
	if err != nil {
		t.Fatal(err)
	}
	if name, err := o.who(t, holder(t, kept, nil)); name != "FRA-3" || err != nil {
		t.Errorf("headquarters takes it for %q: %v", name, err)
	}
	again := openOffice(t, o.folder, nil)
	if again.HQ() != o.HQ() || len(again.List()) != 1 || again.List()[0].ID != id {
		t.Errorf("after a restart it is %s with %+v", again.HQ(), again.List())
	}
}

// TestListed: the list of sites is in order and the caller's own, and what one site is told of is what the list says of it.
func TestListed(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	ids := map[string]journal.ID{"FRA-3": newSite(), "BER-1": newSite()}
	for name, id := range ids {
		o.join(t, name, id)
	}
	list := o.List()
	if len(list) != 2 || list[0].Name != "BER-1" || list[1].Name != "FRA-3" {
		t.Fatalf("%+v", list)
	}
	list[0].Name = "mine"
	if err := o.Revoke("BER-1", "sold"); err != nil {
		t.Fatal(err)
	}
	if got, ok := o.Site(ids["BER-1"]); !ok || got != o.List()[0] || got.Name != "BER-1" || got.Why != "sold" {
		t.Errorf("%+v, %v; listed is %+v", got, ok, o.List()[0])
	}
	if got, ok := o.Site(newSite()); ok {
		t.Errorf("nobody joined by this id, and it is %+v", got)
	}
}

func TestBadTokens(t *testing.T) {
	t.Parallel()
	o, other := newOffice(t), newOffice(t)
	good := o.invite(t, "FRA-3", false)
	try := func(j enroll.Joining) error {
		if j.URL == "" {
			j.URL = o.url
		}
		_, err := enroll.Join(t.Context(), j)
		return err
	}
	id := newSite()
	slip := []byte(good)
	slip[10] = map[bool]byte{true: '1', false: '0'}[slip[10] == '0']
	wantRefused(t, try(enroll.Joining{Token: string(slip), Site: id}), enroll.Malformed)
	wantRefused(t, try(enroll.Joining{Token: "rackpost", Site: id}), enroll.Malformed)
	wantRefused(t, try(enroll.Joining{Token: "rackpost-2400N-20G37-0G2GK-C1R8Y-1450F-P30DE-003GZ-W58W4-4CN3W-2E1ZD-8S6N8-8PWR7", Site: id}), enroll.Malformed) // a pair's
	wantRefused(t, try(enroll.Joining{Token: good, Site: id, URL: "ftp://x"}), enroll.Malformed)
	wantRefused(t, try(enroll.Joining{Token: good, Site: id, Name: "FRA-4"}), enroll.OtherSite)
	wantRefused(t, try(enroll.Joining{Token: good, Site: id, URL: other.url}), enroll.Foreign)
	if err := try(enroll.Joining{Token: good, Site: id, Name: "FRA-3"}); err != nil {
		t.Fatalf("the token is void after all that: %v", err)
	}
	wantRefused(t, try(enroll.Joining{Token: good, Site: id, Name: "FRA-3"}), enroll.UsedToken)
	wantRefused(t, try(enroll.Joining{Token: good, Site: newSite(), Name: "FRA-3"}), enroll.UsedToken)

	late := o.invite(t, "FRA-5", false)
	o.now.Store((25 * time.Hour).Milliseconds())
	wantRefused(t, try(enroll.Joining{Token: late, Site: newSite()}), enroll.Expired)
	o.now.Store(0)
	newer := o.invite(t, "FRA-5", false)
	wantRefused(t, try(enroll.Joining{Token: late, Site: newSite()}), enroll.Expired)
	if err := try(enroll.Joining{Token: strings.ToLower(strings.ReplaceAll(newer, "-", " ")), Site: newSite()}); err != nil {
		t.Errorf("in small letters with blanks: %v", err)
	}

	unknown := o.invite(t, "FRA-6", false)
	if err := o.Forget("FRA-3"); err != nil {
		t.Fatal(err)
	}
	if len(o.Invitations()) != 3 { // FRA-3 and FRA-5 used, FRA-6
		t.Errorf("invitations: %+v", o.Invitations())
	}
	wantRefused(t, try(enroll.Joining{Token: unknown, Site: o.HQ()}), enroll.Taken)
}

func TestTokenOfAForgottenRegister(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	before := openOffice(t, o.folder, nil) // does not hear of what the first is told
	token := o.invite(t, "FRA-3", false)
	_, err := enroll.Join(t.Context(), enroll.Joining{URL: before.url, Token: token, Site: newSite()})
	wantRefused(t, err, enroll.NoSuchToken)
}

func TestNamesAndIDs(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	id := newSite()
	o.join(t, "FRA-3", id)
	if _, _, err := o.Invite("FRA-3", false); err == nil {
		t.Error("the name was given away twice")
	} else {
		wantRefused(t, err, enroll.Taken)
	}
	_, _, err := o.Invite("FRA-9", true)
	wantRefused(t, err, enroll.NotEnrolled)
	for _, name := range []string{"", " x", "a\nb", strings.Repeat("x", 65), "\x1b[31m", "FRA\u202e3", "FRA  3", "FRA\u30003", "FRA\u200b-3"} {
		_, _, err := o.Invite(name, false)
		wantRefused(t, err, enroll.Malformed)
	}
	_, err = enroll.Join(t.Context(), enroll.Joining{URL: o.url, Token: o.invite(t, "FRA-4", false), Site: id})
	wantRefused(t, err, enroll.Taken)
	_, err = enroll.Join(t.Context(), enroll.Joining{URL: o.url, Token: o.invite(t, "FRA-3", true), Site: newSite()})
	wantRefused(t, err, enroll.Taken)
	_, err = enroll.Join(t.Context(), enroll.Joining{URL: o.url, Token: o.invite(t, "FRA-8", false)})
	wantRefused(t, err, enroll.Malformed)
}

func TestJoinAnew(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	id := newSite()
	first := holder(t, o.join(t, "FRA-3", id), nil)
	token := o.invite(t, "FRA-3", true)
	if _, err := o.who(t, first); err != nil {
		t.Errorf("it is void before the site joined anew: %v", err)
	}
	changed := o.Watch()
	c, err := enroll.Join(t.Context(), enroll.Joining{URL: o.url, Token: token, Site: id})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-changed:
	default:
		t.Error("nobody is told")
	}
	if name, err := o.who(t, holder(t, c, nil)); name != "FRA-3" || err != nil {
		t.Errorf("%q, %v", name, err)
	}
	_, err = o.who(t, first)
	wantRefused(t, err, enroll.NotEnrolled)
	wantRefused(t, first.Renew(t.Context(), dialTo(o.address), o.address), enroll.NotEnrolled)
}

func TestRevokeAndForget(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	id := newSite()
	h := holder(t, o.join(t, "FRA-3", id), nil)
	if err := o.Revoke("FRA-3", "sold"); err != nil {
		t.Fatal(err)
	}
	_, err := o.who(t, h)
	wantRefused(t, err, enroll.Revoked)
	if !strings.Contains(err.Error(), "sold") {
		t.Errorf("it does not say why: %v", err)
	}
	wantRefused(t, h.Renew(t.Context(), dialTo(o.address), o.address), enroll.Revoked)
	c, err := enroll.Join(t.Context(), enroll.Joining{URL: o.url, Token: o.invite(t, "FRA-3", true), Site: id})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.who(t, holder(t, c, nil)); err != nil {
		t.Errorf("after it joined anew: %v", err)
	}
	if err := o.Forget("FRA-3"); err != nil {
		t.Fatal(err)
	}
	_, err = o.who(t, holder(t, c, nil))
	wantRefused(t, err, enroll.NotEnrolled)
	wantRefused(t, o.Forget("FRA-3"), enroll.NotEnrolled)
	wantRefused(t, o.Revoke("FRA-3", ""), enroll.NotEnrolled)
	o.join(t, "FRA-7", id) // the id is free
}

func TestLostAnswer(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	token, id := o.invite(t, "FRA-3", false), newSite()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	o.broken.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := enroll.Join(ctx, enroll.Joining{URL: o.url, Token: token, Site: id, Key: key}); err == nil || errors.As(err, new(*enroll.Refusal)) {
		t.Fatalf("the answer was lost: %v", err)
	}
	if len(o.List()) != 1 {
		t.Fatal("headquarters did not take it")
	}
	o.broken.Store(false)
	c, err := enroll.Join(t.Context(), enroll.Joining{URL: o.url, Token: token, Site: id, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.who(t, holder(t, c, nil)); err != nil {
		t.Error(err)
	}
}

func TestClockFarOff(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	token, id := o.invite(t, "FRA-3", false), newSite()
	wrong := func() time.Time { return time.Now().AddDate(-3, 0, 0) }
	_, err := enroll.Join(t.Context(), enroll.Joining{URL: o.url, Token: token, Site: id, Now: wrong, Trusted: true})
	wantRefused(t, err, enroll.ClockOff)
	c, err := enroll.Join(t.Context(), enroll.Joining{URL: o.url, Token: token, Site: id, Now: wrong})
	if err != nil {
		t.Fatalf("a clock that is not trusted keeps it out: %v", err)
	}
	trusted := false
	h := holder(t, c, func(g *enroll.Holding) { g.Now, g.Trusted = wrong, func() bool { return trusted } })
	if _, err := o.who(t, h); err != nil {
		t.Errorf("dates count although the clock is not trusted: %v", err)
	}
	if h.Due() {
		t.Error("a clock that is not trusted says that it is to be renewed")
	}
	trusted = true
	_, err = o.who(t, h)
	wantRefused(t, err, enroll.NotYetValid)
}

func TestStrangers(t *testing.T) {
	t.Parallel()
	o, other := newOffice(t), newOffice(t)
	foreign := other.join(t, "FRA-3", newSite())
	own := o.join(t, "FRA-4", newSite())
	_, err := o.who(t, holder(t, foreign, nil))
	wantRefused(t, err, enroll.Foreign) // the site refuses: it joined another one
	show := func(c *tls.Certificate) error {
		cfg := holder(t, own, nil).TLS(o.address)
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c, nil }
		conn, err := tls.Dial("tcp", o.address, cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "GET /who HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		resp, err := http.ReadResponse(newReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return enroll.Refused(resp, time.Now())
	}
	wantRefused(t, show(&tls.Certificate{}), enroll.NoCertificate)
	shown, err := holder(t, foreign, nil).TLS(o.address).GetClientCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	wantRefused(t, show(shown), enroll.Foreign)
	office, err := o.TLS().GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	wantRefused(t, show(office), enroll.Foreign) // headquarters' own is no site's

	// A site's certificate does not make it headquarters.
	asHQ, err := holder(t, own, nil).TLS("x").GetClientCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	liar := httptest.NewUnstartedServer(http.NotFoundHandler())
	liar.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	liar.TLS = &tls.Config{Certificates: []tls.Certificate{*asHQ}, NextProtos: []string{"http/1.1"}}
	liar.StartTLS()
	defer liar.Close()
	address := liar.Listener.Addr().String()
	conn, err := tls.Dial("tcp", address, holder(t, own, nil).TLS(address))
	if err == nil {
		conn.Close()
	}
	wantRefused(t, err, enroll.Foreign)
}

func TestBrowsersSeeThePublicCertificate(t *testing.T) {
	t.Parallel()
	given := httptest.NewTLSServer(http.NotFoundHandler())
	defer given.Close()
	public := given.TLS.Certificates[0]
	o := openOffice(t, t.TempDir()+"/hq", func(c *enroll.Config) {
		c.Public = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &public, nil }
	})
	c := o.join(t, "FRA-3", newSite())
	if _, err := o.who(t, holder(t, c, nil)); err != nil {
		t.Errorf("a site: %v", err)
	}
	conn, err := tls.Dial("tcp", o.address, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := conn.ConnectionState().PeerCertificates[0].Raw; !bytes.Equal(got, public.Certificate[0]) {
		t.Error("a browser is not shown the public certificate")
	}
	plain := newOffice(t)
	ca, _ := plain.CA()
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	conn, err = tls.Dial("tcp", plain.address, &tls.Config{RootCAs: pool, ServerName: "hq.example.net"})
	if err != nil {
		t.Fatalf("who knows the CA does not get in by name: %v", err)
	}
	conn.Close()
}

// TestOtherProtocol: who speaks TLS, and nothing that headquarters does, is told apart from one that is cut off.
func TestOtherProtocol(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	other := httptest.NewUnstartedServer(http.NotFoundHandler())
	other.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	other.TLS = &tls.Config{NextProtos: []string{"rackpost-pair/1"}}
	other.StartTLS()
	defer other.Close()
	_, err := enroll.Join(t.Context(), enroll.Joining{URL: other.URL, Token: o.invite(t, "FRA-3", false), Site: newSite()})
	wantRefused(t, err, enroll.Foreign)
}

func TestNoTLSAtAll(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
			_ = c.Close()
		}
	}()
	_, err = enroll.Join(t.Context(), enroll.Joining{URL: l.Addr().String(), Token: o.invite(t, "FRA-3", false), Site: newSite()})
	wantRefused(t, err, enroll.Foreign)
}

func TestCredentialIsNotPrinted(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	c := o.join(t, "FRA-3", newSite())
	raw, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := o.Invite("FRA-4", false)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "token", token, "credential", c)
	for _, s := range []string{fmt.Sprintf("%v %+v %#v %s %x", c, c, c, c, c), fmt.Sprintf("%v %+v %#v %s %x", token, token, token, token, token), log.String()} {
		if strings.Contains(s, "seed") || strings.Contains(s, token.Text()[9:20]) || len(s) > 2000 {
			t.Errorf("it tells too much: %s", s)
		}
	}
	for i := range raw {
		bad := bytes.Clone(raw)
		bad[i] ^= 0x15
		if got, err := enroll.ParseCredential(bad); err == nil && (got.Site != c.Site || got.HQ != c.HQ) {
			t.Fatalf("byte %d changed, and it is another's", i)
		}
	}
}

// TestSameKeyAgain: who could not keep what it got gets it again with the same key, also when the token has expired since, which makes
// headquarters write no more often than renewing does; and not when it is barred, nor by another key.
func TestSameKeyAgain(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	j := enroll.Joining{URL: o.url, Token: o.invite(t, "FRA-3", false), Site: newSite(), Key: key}
	first, err := enroll.Join(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	changed := o.Watch()
	again, err := enroll.Join(t.Context(), j)
	if err != nil || again.Key() != first.Key() || again.Site != first.Site {
		t.Errorf("%v: %v", again, err)
	}
	select {
	case <-changed:
		t.Error("headquarters wrote it down once more")
	default:
	}
	o.now.Store((50 * time.Hour).Milliseconds())
	if again, err = enroll.Join(t.Context(), j); err != nil || again.Key() != first.Key() {
		t.Errorf("two days later: %v", err)
	}
	if _, err := o.who(t, holder(t, again, nil)); err != nil {
		t.Error(err)
	}
	other := j
	other.Key = nil
	_, err = enroll.Join(t.Context(), other)
	wantRefused(t, err, enroll.UsedToken)
	if err := o.Revoke("FRA-3", ""); err != nil {
		t.Fatal(err)
	}
	_, err = enroll.Join(t.Context(), j)
	wantRefused(t, err, enroll.UsedToken)
}

// TestNameOfAnOlderVersion: a headquarters opens whatever name it once took, and the site may join anew.
func TestNameOfAnOlderVersion(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.join(t, "FRA-3", newSite())
	file := filepath.Join(o.folder, "sites.json")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, bytes.ReplaceAll(b, []byte("FRA-3"), []byte("FRA  3")), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := openOffice(t, o.folder, nil).Invite("FRA  3", true); err != nil {
		t.Error(err)
	}
}
