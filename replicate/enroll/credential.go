package enroll

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/keys"
)

// Credential is what lets a site send to one headquarters, and tells it which that is. It holds a secret
// key: it prints without it, and Marshal is for a place that nobody else reads.
type Credential struct {
	HQ   journal.ID // headquarters' id
	Site journal.ID
	Name string   // of the site, as headquarters has it
	URLs []string // of headquarters, the first is to be tried first

	ca, leaf *x509.Certificate
	key      ed25519.PrivateKey
}

// stored is a Credential as bytes.
type stored struct {
	Format      int      `json:"format"`
	HQ          string   `json:"hq"`
	Site        string   `json:"site"`
	Name        string   `json:"name"`
	URLs        []string `json:"urls"`
	CA          []byte   `json:"ca"`          // DER
	Certificate []byte   `json:"certificate"` // DER
	Key         []byte   `json:"key"`         // Ed25519 seed
}

const credentialFormat = 1

// maxCredential bounds what Parse reads.
const maxCredential = 64 << 10

// Expires is when its certificate does.
func (c Credential) Expires() time.Time {
	if c.leaf == nil {
		return time.Time{}
	}
	return c.leaf.NotAfter
}

// CA is the fingerprint of the CA of headquarters.
func (c Credential) CA() Fingerprint {
	if c.ca == nil {
		return Fingerprint{}
	}
	return keys.FingerprintOf(c.ca)
}

// Key is the fingerprint of its key, which is the same for as long as the site stays joined: renewing changes the
// certificate alone. It is zero in an empty credential.
func (c Credential) Key() Fingerprint {
	if c.leaf == nil {
		return Fingerprint{}
	}
	return keyOf(c.leaf)
}

// String hides the key.
func (c Credential) String() string {
	return fmt.Sprintf("credential of site %s for headquarters %s", c.Site, c.HQ)
}

// Format hides the key from every verb.
func (c Credential) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(c.String())) }

// MarshalText refuses: what logs and prints must not hold the key. Marshal is for who keeps it.
func (c Credential) MarshalText() ([]byte, error) {
	return nil, fmt.Errorf("the %s is not to be written here", c)
}

// Marshal returns all of it, with the key.
func (c Credential) Marshal() ([]byte, error) {
	if c.ca == nil || c.leaf == nil || c.key == nil {
		return nil, fmt.Errorf("the %s is empty", c)
	}
	return json.MarshalIndent(stored{Format: credentialFormat, HQ: c.HQ.String(), Site: c.Site.String(), Name: c.Name, URLs: c.URLs,
		CA: c.ca.Raw, Certificate: c.leaf.Raw, Key: c.key.Seed()}, "", "  ")
}

// ParseCredential reads what Marshal returned. Its error quotes nothing.
func ParseCredential(b []byte) (Credential, error) {
	const advice = "put it back from a copy, or join anew: \"rackpost hq enroll SITE -again\" at headquarters, \"rackpost uplink join\" here"
	broken := func(why string) (Credential, error) {
		return Credential{}, refuse(Malformed, advice, "the credential for headquarters is damaged: %s", why)
	}
	var s stored
	if len(b) > maxCredential || json.Unmarshal(b, &s) != nil {
		return broken("it cannot be read")
	}
	if s.Format != credentialFormat {
		return Credential{}, fmt.Errorf("the credential for headquarters is of format %d, this version knows %d: use the version that wrote it", s.Format, credentialFormat)
	}
	if len(s.Key) != ed25519.SeedSize {
		return broken("it has no key")
	}
	c := Credential{Name: s.Name, URLs: s.URLs, key: ed25519.NewKeyFromSeed(s.Key)}
	var errs [4]error
	c.HQ, errs[0] = journal.ParseID(s.HQ)
	c.Site, errs[1] = journal.ParseID(s.Site)
	c.ca, errs[2] = x509.ParseCertificate(s.CA)
	c.leaf, errs[3] = x509.ParseCertificate(s.Certificate)
	for _, err := range errs {
		if err != nil {
			return broken("a part of it cannot be read")
		}
	}
	if err := c.check(); err != nil {
		return broken(err.Error())
	}
	for _, u := range c.URLs {
		if _, err := ParseURL(u); err != nil {
			return broken(err.Error())
		}
	}
	return c, nil
}

// check says whether the parts belong together.
func (c Credential) check() error {
	if err := checkChain(c.ca, c.leaf, x509.ExtKeyUsageClientAuth); err != nil {
		return refuse(Malformed, "", "its certificate is not of its CA")
	}
	hq, site, err := named(c.leaf)
	if err != nil {
		return err
	}
	if hq != c.HQ || site != c.Site {
		return refuse(Malformed, "", "its certificate is another site's")
	}
	if public, ok := c.leaf.PublicKey.(ed25519.PublicKey); !ok || !public.Equal(c.key.Public()) {
		return refuse(Malformed, "", "its certificate is for another key")
	}
	if len(c.URLs) == 0 {
		return refuse(Malformed, "", "it has no address of headquarters")
	}
	return nil
}

func (c Credential) certificate() *tls.Certificate {
	return &tls.Certificate{Certificate: [][]byte{c.leaf.Raw}, PrivateKey: c.key, Leaf: c.leaf}
}

// ParseURL reads the address of a headquarters: https://HOST[:PORT], 443 when no port is said. A bare
// HOST[:PORT] is taken too.
func ParseURL(s string) (*url.URL, error) {
	bad := refuse(Malformed, "write https://HOST or https://HOST:PORT", "%.120q is no address of headquarters", s)
	if len(s) > 512 {
		return nil, bad
	}
	whole := s
	if !strings.Contains(s, "://") {
		whole = "https://" + s
	}
	u, err := url.Parse(whole)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return nil, bad
	}
	u.Path = ""
	return u, nil
}

// Address is the host and port to call for a URL that ParseURL returned.
func Address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "443"
	}
	host := u.Hostname()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + port
}
