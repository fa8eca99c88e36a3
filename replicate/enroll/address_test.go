package enroll_test

import (
	"strings"
	"testing"

	"rackpost/replicate/enroll"
)

func TestURLs(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"https://hq.example.net":       "hq.example.net:443",
		"hq.example.net":               "hq.example.net:443",
		"hq.example.net:8443":          "hq.example.net:8443",
		"https://[2001:db8::1]":        "[2001:db8::1]:443",
		"https://[2001:db8::1]:8443/":  "[2001:db8::1]:8443",
		"https://192.0.2.7":            "192.0.2.7:443",
		"":                             "",
		"http://hq.example.net":        "",
		"https://":                     "",
		"https://me:pw@hq.example.net": "",
		"https://hq.example.net/path":  "",
		"https://hq.example.net?x":     "",
		"https://hq.example.net#x":     "",
		"https://hq.example.net:x":     "",
		strings.Repeat("x", 1000):      "",
	} {
		u, err := enroll.ParseURL(s)
		switch {
		case want == "":
			wantRefused(t, err, enroll.Malformed)
		case err != nil:
			t.Errorf("%s: %v", s, err)
		case enroll.Address(u) != want:
			t.Errorf("%s is %s, want %s", s, enroll.Address(u), want)
		}
	}
}

func TestNamesOfHeadquarters(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "hq example", "hq.example.net:443", "https://hq", "h\x00", strings.Repeat("a", 300)} {
		_, err := enroll.Open(enroll.Config{Folder: t.TempDir() + "/hq", Names: []string{bad}, Logger: quiet()})
		wantRefused(t, err, enroll.Malformed)
	}
	if _, err := enroll.Open(enroll.Config{Folder: t.TempDir() + "/hq", Names: []string{"2001:db8::1", "192.0.2.7", "hq_1.example.net"}, Logger: quiet()}); err != nil {
		t.Error(err)
	}
}

// TestHolderOfAPair: what the other box renewed is shown from then on, and who waits hears of it.
func TestHolderOfAPair(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	c := o.join(t, "FRA-3", newSite())
	one, other := holder(t, c, nil), holder(t, c, nil)
	changed := other.Watch()
	if err := one.Renew(t.Context(), dialTo(o.address), o.address); err != nil {
		t.Fatal(err)
	}
	if _, err := o.who(t, other); err != nil {
		t.Errorf("the box that has not got the new one yet: %v", err)
	}
	if err := other.Set(one.Credential()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-changed:
	default:
		t.Error("nobody is told")
	}
	if other.Credential().Expires() != one.Credential().Expires() || other.Set(enroll.Credential{}) == nil {
		t.Error("it does not hold the new one")
	}
	if _, err := enroll.NewHolder(enroll.Holding{Save: nil}); err == nil {
		t.Error("a holder that cannot save")
	}
}
