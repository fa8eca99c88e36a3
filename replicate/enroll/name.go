package enroll

import (
	"crypto/sha256"
	"crypto/x509"
	"net/url"
	"strings"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/keys"
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

// CheckName says what is wrong with the name of a site: what site.yaml allows is allowed.
func CheckName(name string) error {
	if err := hw.CheckName(name); err != nil {
		return refuse(Malformed, "write it as the name in site.yaml", "%.80q is no name of a site: %v", name, err)
	}
	return nil
}

// Fingerprint is the SHA-256 of a certificate or of a key.
type Fingerprint = keys.Fingerprint

func sum(b []byte) Fingerprint { return sha256.Sum256(b) }

// keyOf is the fingerprint of the key that a certificate is for.
func keyOf(c *x509.Certificate) Fingerprint { return sum(c.RawSubjectPublicKeyInfo) }
