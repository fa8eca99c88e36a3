package enroll

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"rackpost/hw/journal"
)

// urn is where the names in certificates begin: urn:rackpost:hq:HQ for headquarters itself, with
// :site:SITE behind it for a site.
const urn = "rackpost:hq:"

func officeURI(hq journal.ID) *url.URL { return &url.URL{Scheme: "urn", Opaque: urn + hq.String()} }

func siteURI(hq, site journal.ID) *url.URL {
	return &url.URL{Scheme: "urn", Opaque: urn + hq.String() + ":site:" + site.String()}
}

// named reads the only URI of a certificate. The site is zero in that of headquarters.
func named(leaf *x509.Certificate) (hq, site journal.ID, err error) {
	bad := refuse(Malformed, "", "the certificate names no site and no headquarters of rackpost")
	if len(leaf.URIs) != 1 {
		return hq, site, bad
	}
	rest, ok := strings.CutPrefix(leaf.URIs[0].String(), "urn:"+urn)
	first, second, isSite := strings.Cut(rest, ":site:")
	if !ok {
		return hq, site, bad
	}
	if hq, err = journal.ParseID(first); err != nil {
		return hq, site, bad
	}
	want := officeURI(hq)
	if isSite {
		if site, err = journal.ParseID(second); err != nil {
			return hq, site, bad
		}
		want = siteURI(hq, site)
	}
	if leaf.URIs[0].String() != want.String() || isSite == (site == journal.ID{}) {
		return hq, site, bad // another spelling
	}
	return hq, site, nil
}

// siteName is what a site may be called at headquarters: what site.yaml allows, without control characters.
var siteName = regexp.MustCompile(`^[^\x00-\x20\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]{0,62}[^\x00-\x20\x7f-\x9f])?$`)

// CheckName says what is wrong with the name of a site.
func CheckName(name string) error {
	if !siteName.MatchString(name) {
		return refuse(Malformed, "write 1 to 64 characters, as the name in site.yaml", "%.80q is no name of a site", name)
	}
	return nil
}

// Fingerprint is the SHA-256 of a certificate or of a key.
type Fingerprint [sha256.Size]byte

func sum(b []byte) Fingerprint { return sha256.Sum256(b) }

func fingerprintOf(c *x509.Certificate) Fingerprint { return sha256.Sum256(c.Raw) }

// keyOf is the fingerprint of the key that a certificate is for.
func keyOf(c *x509.Certificate) Fingerprint { return sha256.Sum256(c.RawSubjectPublicKeyInfo) }

// String returns it in hexadecimal.
func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// MarshalText implements encoding.TextMarshaler.
func (f Fingerprint) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *Fingerprint) UnmarshalText(b []byte) error {
	if len(b) != 2*len(f) {
		return fmt.Errorf("a fingerprint has %d hexadecimal digits, this has %d characters", 2*len(f), len(b))
	}
	_, err := hex.Decode(f[:], b)
	return err
}
