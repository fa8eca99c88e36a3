package enroll

import (
	"crypto/tls"
	"crypto/x509"
	"slices"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// Protocol (ALPN) is what sites ask for beside HTTP/1.1, which is what they get. By it headquarters knows to
// show its own certificate and to ask for the site's, also where browsers are shown a public one.
const Protocol = "rackpost-hq/1"

const httpProtocol = "http/1.1"

// TLS returns how headquarters accepts callers: TLS 1.3, and of sites a certificate, which Check judges in
// the handlers, so that a site is told in words what is wrong with it. Nothing is resumed: who is revoked
// must not come back with a ticket.
func (r *Registry) TLS() *tls.Config {
	own := func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return r.certificate() }
	sites := &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{httpProtocol}, SessionTicketsDisabled: true,
		ClientAuth: tls.RequestClientCert, GetCertificate: own,
	}
	people := &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"h2", httpProtocol}, GetCertificate: own}
	if r.cfg.Public != nil {
		people.GetCertificate = r.cfg.Public
	}
	people.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Contains(hello.SupportedProtos, Protocol) {
			return sites, nil
		}
		return nil, nil
	}
	return people
}

// certificate returns headquarters' own, made anew when it is due.
func (r *Registry) certificate() (*tls.Certificate, error) {
	at := r.clock()
	c := r.office.Load()
	if c != nil && !at.Due(c.Leaf, r.ca.Cert, officeLife) {
		return c, nil
	}
	fresh, err := r.ca.office(r.cfg.Names, at)
	if err != nil {
		return nil, err
	}
	r.office.Store(fresh)
	return fresh, nil
}

// Check says which site is at the other end of a connection. For a connection that lasts it is asked
// again when Watch says so. Its error is a Refusal.
func (r *Registry) Check(cs tls.ConnectionState) (site journal.ID, name string, err error) {
	if len(cs.PeerCertificates) == 0 {
		return site, "", refuse(NoCertificate, "join first: \"rackpost hq enroll SITE\" at headquarters, \"rackpost uplink join\" at the site", "no certificate of a site was shown")
	}
	leaf := cs.PeerCertificates[0]
	e, err := r.entryOf(leaf)
	if err != nil {
		return site, "", err
	}
	if err := e.barred(); err != nil {
		return site, "", err
	}
	if err := checkDates(leaf, "site "+e.Name, r.clock()); err != nil {
		return site, "", err
	}
	return e.site().ID, e.Name, nil
}

// barred refuses a site that may not send any more.
func (e entry) barred() error {
	if e.Revoked.IsZero() {
		return nil
	}
	advice := "ask headquarters; if it is to send again, \"rackpost hq enroll " + hw.ShellWord(e.Name) + " -again\" there, \"rackpost uplink leave\" and \"rackpost uplink join\" here"
	return refuse(Revoked, advice, "site %q was barred by headquarters on %s%s", e.Name, e.Revoked.Format(time.DateOnly), because(e.Why))
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return " (" + why + ")"
}

// entryOf finds the site of a certificate, whatever its dates and whether or not it may send.
func (r *Registry) entryOf(leaf *x509.Certificate) (entry, error) {
	const advice = "a site joins with \"rackpost uplink join\" and a token of this headquarters"
	if err := checkChain(r.ca.Cert, leaf, x509.ExtKeyUsageClientAuth); err != nil {
		return entry{}, refuse(Foreign, advice, "the certificate shown is not of this headquarters")
	}
	hq, site, err := named(leaf)
	if err != nil {
		return entry{}, err
	}
	if hq != r.ca.hq || site == (journal.ID{}) {
		return entry{}, refuse(Foreign, advice, "the certificate shown is not a site's of this headquarters")
	}
	e, ok := r.sites.Load().byID[site]
	if !ok {
		return entry{}, refuse(NotEnrolled, "\"rackpost hq enroll SITE\" at headquarters, \"rackpost uplink leave\" and \"rackpost uplink join\" here", "site %s is not registered: it was forgotten, or headquarters was put back from an older copy", site)
	}
	if keyOf(leaf) != e.Key {
		return entry{}, refuse(NotEnrolled, "if this is the right box, join once more: \"rackpost hq enroll "+hw.ShellWord(e.Name)+" -again\"", "site %q joined anew on %s with another key", e.Name, e.Joined.Format(time.DateOnly))
	}
	return e, nil
}
