package keys_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"strings"
	"testing"
	"time"

	"rackpost/replicate/keys"
)

const life = 300 * 24 * time.Hour

func newAuthority(t *testing.T, at keys.Clock) (keys.Authority, ed25519.PrivateKey) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a, err := keys.NewAuthority(key, x509.Certificate{Subject: pkix.Name{CommonName: "a test"}}, at)
	if err != nil {
		t.Fatal(err)
	}
	return a, key
}

func issue(t *testing.T, a keys.Authority, at keys.Clock) *x509.Certificate {
	t.Helper()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := a.Issue(x509.Certificate{Subject: pkix.Name{CommonName: "one"}}, public, life, at)
	if err != nil {
		t.Fatal(err)
	}
	return leaf
}

// TestDates: a certificate is due for another one when a third is left, or when a wrong clock made it; and a clock that is not
// trusted says nothing.
func TestDates(t *testing.T) {
	t.Parallel()
	day := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	right := func(days int) keys.Clock { return keys.Clock{Now: day.AddDate(0, 0, days), Trusted: true} }
	a, _ := newAuthority(t, right(0))
	leaf := issue(t, a, right(0))
	if err := leaf.CheckSignatureFrom(a.Cert); err != nil {
		t.Error(err)
	}
	for days, want := range map[int][3]bool{-2: {true, true, false}, 0: {}, 199: {}, 201: {true, false, false}, 301: {true, false, true}} {
		early, late := right(days).Judge(leaf)
		if got := [3]bool{right(days).Due(leaf, a.Cert, life), early, late}; got != want {
			t.Errorf("day %d: due, early, late: %v, want %v", days, got, want)
		}
		wrong := keys.Clock{Now: right(days).Now}
		if early, late := wrong.Judge(leaf); wrong.Due(leaf, a.Cert, life) || early || late {
			t.Errorf("day %d by a clock that is not trusted", days)
		}
	}
	for _, made := range []keys.Clock{{Now: time.Unix(0, 0)}, {Now: time.Unix(0, 0), Trusted: true}, {Now: day}} {
		if leaf := issue(t, a, made); leaf.NotBefore.Year() != 2026 || leaf.NotAfter.Before(leaf.NotBefore.Add(life)) {
			t.Errorf("by %v: from %s to %s", made, leaf.NotBefore, leaf.NotAfter)
		}
	}
	if leaf := issue(t, a, keys.Clock{Now: day.AddDate(5, 0, 0)}); !right(0).Due(leaf, a.Cert, life) {
		t.Error("one made by a clock five years ahead is good enough")
	}
	last := right(7300 - 10)
	if leaf := issue(t, a, last); !leaf.NotAfter.Equal(a.Cert.NotAfter) || last.Due(leaf, a.Cert, life) {
		t.Errorf("at the CA's end: to %s, the CA to %s", leaf.NotAfter, a.Cert.NotAfter)
	}
}

func TestAuthorityWithoutItsKey(t *testing.T) {
	t.Parallel()
	a, key := newAuthority(t, keys.Clock{Now: time.Now()})
	a.Key = nil
	_, err := a.Issue(x509.Certificate{}, key.Public(), life, keys.Clock{Now: time.Now()})
	wantWords(t, err, "the CA's key is not here")
}

func TestRequest(t *testing.T) {
	t.Parallel()
	_, key := newAuthority(t, keys.Clock{Now: time.Now()})
	der, err := keys.Request(key)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := keys.Requested(der); err != nil || !got.Equal(key.Public()) {
		t.Errorf("%v", err)
	}
	der[len(der)-1] ^= 1
	_, err = keys.Requested(der)
	wantWords(t, err, "not signed by its own key")
	_, err = keys.Requested(der[:len(der)/2])
	wantWords(t, err, "damaged")
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	a, _ := newAuthority(t, keys.Clock{Now: time.Now()})
	f := keys.FingerprintOf(a.Cert)
	b, err := f.MarshalText()
	if err != nil || string(b) != f.String() || !bytes.HasPrefix(b, []byte(f.String()[:10])) {
		t.Errorf("%s: %v", b, err)
	}
	var again keys.Fingerprint
	if err := again.UnmarshalText(b); err != nil || again != f {
		t.Errorf("%s: %v", again, err)
	}
	for _, bad := range []string{"", "00", strings.Repeat("x", 64)} {
		if err := again.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q is one", bad)
		}
	}
	token := keys.NewToken(1, f)
	if !token.Fits(f) || token.Fits(keys.Fingerprint{}) {
		t.Error("the token does not know its CA")
	}
}
