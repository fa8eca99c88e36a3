package trust

import (
	"crypto/x509"
	"errors"
	"slices"
	"time"

	"rackpost/replicate/mode"
)

// checkChain says whether leaf is a certificate of this CA, whatever the date.
func checkChain(ca, leaf *x509.Certificate) (Peer, error) {
	peer, err := peerOf(leaf)
	if err != nil {
		return Peer{}, err
	}
	// Go matches no URI without a host against constraints, and refuses the whole certificate. peerOf
	// has read the URI; the rest is verified without it, the signature over all that was signed.
	named := *leaf
	named.URIs = nil
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth} {
		_, err := named.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: leaf.NotBefore, KeyUsages: []x509.ExtKeyUsage{usage}})
		var unknown x509.UnknownAuthorityError
		switch {
		case errors.As(err, &unknown):
			return Peer{}, refuse(Foreign, "the certificate of %s is of another pair's CA: each pair has its own, and a box joins one with \"rackpost pair join\" and a token", peer.Node)
		case err != nil:
			return Peer{}, refuse(Malformed, "the certificate of %s does not verify: %v", peer.Node, err)
		}
	}
	return peer, nil
}

// checkDates says whether the certificate is good now, where the clock can tell.
func checkDates(c *x509.Certificate, whose string, at clock) error {
	switch early, late := at.Judge(c); {
	case late:
		return refuse(Expired, "the certificate of %s expired on %s and it has not renewed it: it does so by itself while it reaches a box of the pair with a right clock", whose, c.NotAfter.Format(time.DateOnly))
	case early:
		return refuse(NotYetValid, "the certificate of %s is good from %s on: the clock here or the one it was made with is wrong", whose, c.NotBefore.Format(time.DateOnly))
	}
	return nil
}

// checkMember says whether the peer is a member in the role it shows.
func checkMember(members []Member, cluster mode.NodeID, p Peer) error {
	if p.Cluster != cluster {
		return refuse(Foreign, "%s is of pair %s, this is pair %s", p.Node, p.Cluster, cluster)
	}
	i := slices.IndexFunc(members, func(m Member) bool { return m.Node == p.Node })
	if i < 0 {
		return notMember(p.Node)
	}
	if members[i].Role != p.Role {
		return refuse(WrongRole, "%s (%s) shows the certificate of a %s and is a member as a %s", members[i].Name, p.Node, p.Role, members[i].Role)
	}
	return nil
}

func notMember(node mode.NodeID) error {
	return refuse(NotMember, "%s is no member of this pair any more, or not yet: to let it in, make a token (\"rackpost pair token\") and join with it there", node)
}
