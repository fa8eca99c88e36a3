package trust_test

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"rackpost/replicate/mode"
	"rackpost/replicate/trust"
)

var protos = []string{raft, health}

func TestMembersMeet(t *testing.T) {
	t.Parallel()
	north, south, witness := pair(t)
	all := []*machine{north, south, witness}
	for _, a := range all {
		for _, b := range all {
			if a == b {
				continue
			}
			cs, atServer, atClient := shake(t, b.Server(protos), a.Client(b.Identity().Self.Node, health))
			if atServer != nil && !errors.Is(atServer, io.EOF) || atClient != nil && !errors.Is(atClient, io.EOF) {
				t.Fatalf("%s calls %s: %v, %v", a.Identity().Self.Name, b.Identity().Self.Name, atClient, atServer)
			}
			got, err := trust.PeerOf(cs)
			if err != nil || got != b.Identity().Peer() {
				t.Fatalf("the peer is %v (%v), want %v", got, err, b.Identity().Peer())
			}
			if cs.Version != tls.VersionTLS13 || cs.NegotiatedProtocol != health || cs.DidResume {
				t.Fatalf("version %x, protocol %q, resumed %v", cs.Version, cs.NegotiatedProtocol, cs.DidResume)
			}
		}
	}
}

// TestStrangersAreRefused has intruders call a box, most of them with the CA's stolen key.
func TestStrangersAreRefused(t *testing.T) {
	t.Parallel()
	north, south, witness := pair(t)
	other := found(t)
	name := func(role mode.Role, node mode.NodeID) []*url.URL {
		u, err := url.Parse(trust.Peer{Cluster: north.Identity().Cluster, Role: role, Node: node}.String())
		must(t, err)
		return []*url.URL{u}
	}
	forged := func(change func(c *x509.Certificate, key ed25519.PublicKey)) func() *tls.Config {
		return func() *tls.Config { return forge(t, south, change) }
	}
	tests := []struct {
		name string
		call func() *tls.Config
		want trust.Reason
	}{
		{"another pair's box", func() *tls.Config { return careless(other.Client(north.Identity().Self.Node, raft)) }, trust.Foreign},
		{"another pair's box with a certificate that names this pair", func() *tls.Config {
			return forge(t, other, func(c *x509.Certificate, key ed25519.PublicKey) { c.URIs = name(mode.Box, trust.NodeOf(key)) })
		}, trust.Foreign},
		{"a key of its own under a member's name", forged(func(c *x509.Certificate, _ ed25519.PublicKey) {
			c.URIs = name(mode.Box, south.Identity().Self.Node)
		}), trust.OtherNode},
		{"a member that was never taken in", forged(func(c *x509.Certificate, key ed25519.PublicKey) {
			c.URIs = name(mode.Box, trust.NodeOf(key))
		}), trust.NotMember},
		{"a name in another pair", forged(func(c *x509.Certificate, key ed25519.PublicKey) {
			u, err := url.Parse(trust.Peer{Cluster: other.Identity().Cluster, Role: mode.Box, Node: trust.NodeOf(key)}.String())
			must(t, err)
			c.URIs = []*url.URL{u}
		}), trust.Foreign},
		{"two names", forged(func(c *x509.Certificate, key ed25519.PublicKey) {
			c.URIs = slices.Concat(name(mode.Box, trust.NodeOf(key)), name(mode.Box, south.Identity().Self.Node))
		}), trust.Malformed},
		{"a host name beside its own", forged(func(c *x509.Certificate, key ed25519.PublicKey) {
			c.URIs, c.DNSNames = name(mode.Box, trust.NodeOf(key)), []string{"example.com"}
		}), trust.Malformed},
		{"no name", forged(func(c *x509.Certificate, _ ed25519.PublicKey) { c.URIs = nil }), trust.Malformed},
		{"a certificate that may not call", forged(func(c *x509.Certificate, key ed25519.PublicKey) {
			c.URIs, c.ExtKeyUsage = name(mode.Box, trust.NodeOf(key)), []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		}), trust.Malformed},
		{"an unknown critical extension", forged(func(c *x509.Certificate, key ed25519.PublicKey) {
			c.URIs, c.ExtraExtensions = name(mode.Box, trust.NodeOf(key)), critical()
		}), trust.Malformed},
		{"no protocol", func() *tls.Config {
			cfg := careless(witness.Client(north.Identity().Self.Node, raft))
			cfg.NextProtos = nil
			return cfg
		}, trust.Malformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, atServer, _ := shake(t, north.Server(protos), tt.call())
			wantReason(t, atServer, tt.want)
		})
	}
}

func TestNoCertificateAndOldTLSAreRefused(t *testing.T) {
	t.Parallel()
	north := found(t)
	for name, tt := range map[string]struct {
		cfg   *tls.Config
		words string // that the caller reads
	}{
		"no certificate":      {&tls.Config{NextProtos: []string{raft}}, "rackpost pair status"},
		"TLS 1.2":             {&tls.Config{NextProtos: []string{raft}, MaxVersion: tls.VersionTLS12}, "no TLS 1.3"},
		"an unknown protocol": {&tls.Config{NextProtos: []string{"h2"}}, "update the older"},
		"join and more, without a certificate": {
			&tls.Config{NextProtos: []string{trust.JoinProtocol, raft}}, "rackpost pair status",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.cfg.InsecureSkipVerify = true
			_, atServer, atClient := shake(t, north.Server(append([]string{trust.JoinProtocol}, protos...)), tt.cfg)
			if atServer == nil || errors.Is(atServer, io.EOF) || atClient == nil {
				t.Fatalf("accepted: %v, %v", atServer, atClient)
			}
			if got := trust.Explain(atClient).Error(); !strings.Contains(got, tt.words) {
				t.Errorf("the caller reads %q", got)
			}
		})
	}
	if err := errors.New("the cable is cut"); trust.Explain(err) != err {
		t.Error("an error that is no alert was explained")
	}
}

// TestWhoAnswersMustBeWhoWasCalled is the other direction: a member at another's address, a box
// that another pair's CA made.
func TestWhoAnswersMustBeWhoWasCalled(t *testing.T) {
	t.Parallel()
	north, south, witness := pair(t)
	_, _, atClient := shake(t, witness.Server(protos), north.Client(south.Identity().Self.Node, raft))
	wantReason(t, atClient, trust.OtherNode, "addresses")

	other := found(t)
	cfg := other.Server(protos)
	cfg.ClientAuth = tls.NoClientCert
	_, _, atClient = shake(t, careless(cfg), north.Client(south.Identity().Self.Node, raft))
	wantReason(t, atClient, trust.Foreign, "another pair")
}

func TestRemovedMember(t *testing.T) {
	t.Parallel()
	north, south, witness := pair(t)
	cs, _, _ := shake(t, south.Server(protos), north.Client(south.Identity().Self.Node, raft))
	if _, err := north.Check(cs); err != nil {
		t.Fatal(err)
	}
	must(t, north.SetMembers([]trust.Member{north.Identity().Self, witness.Identity().Self}))

	_, atServer, atClient := shake(t, north.Server(protos), south.Client(north.Identity().Self.Node, raft))
	wantReason(t, atServer, trust.NotMember, "pair token")
	if got := trust.Explain(atClient).Error(); !strings.Contains(got, "removed") {
		t.Errorf("the removed box reads %q", got)
	}
	_, _, atClient = shake(t, south.Server(protos), north.Client(south.Identity().Self.Node, raft))
	wantReason(t, atClient, trust.NotMember)
	_, err := north.Check(cs)
	wantReason(t, err, trust.NotMember) // the connection that was there before

	// A list is kept over a restart.
	must(t, north.reopen())
	_, atServer, _ = shake(t, north.Server(protos), south.Client(north.Identity().Self.Node, raft))
	wantReason(t, atServer, trust.NotMember)
}

// TestRoleMustBeTheAgreedOne has a witness with a stolen CA key call itself a box.
func TestRoleMustBeTheAgreedOne(t *testing.T) {
	t.Parallel()
	north, _, witness := pair(t)
	list := north.Identity().Members
	i := slices.IndexFunc(list, func(m trust.Member) bool { return m.Node == witness.Identity().Self.Node })
	box := candidate("west", mode.Box)
	list[i] = trust.Member{Node: list[i].Node, Name: box.Name, Role: mode.Box, Origin: box.Origin, Recipient: north.Identity().Self.Recipient}
	must(t, north.SetMembers(list))
	_, atServer, _ := shake(t, north.Server(protos), witness.Client(north.Identity().Self.Node, raft))
	wantReason(t, atServer, trust.WrongRole)
}

func TestDatesCountWhileTheClockIsTrusted(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		now     time.Time
		trusted bool
		want    trust.Reason
	}{
		{"now", today, true, ""},
		{"expired", today.AddDate(1, 0, 1), true, trust.Expired},
		{"expired, clock untrusted", today.AddDate(1, 0, 1), false, ""},
		{"not yet valid", today.AddDate(0, 0, -2), true, trust.NotYetValid},
		{"not yet valid, clock untrusted", time.Unix(0, 0), false, ""},
		{"a minute before it was made", today.Add(-time.Minute), true, ""},
		{"far beyond the CA, clock untrusted", today.AddDate(99, 0, 0), false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			north, south, _ := pair(t)
			north.set(tt.now, tt.trusted)
			_, atServer, atClient := shake(t, north.Server(protos), south.Client(north.Identity().Self.Node, raft))
			if tt.want == "" {
				if !errors.Is(atServer, io.EOF) && atServer != nil || atClient != nil && !errors.Is(atClient, io.EOF) {
					t.Fatal(atServer, atClient)
				}
				return
			}
			wantReason(t, atServer, tt.want)
			_, _, atClient = shake(t, south.Server(protos), north.Client(south.Identity().Self.Node, raft))
			wantReason(t, atClient, tt.want)
		})
	}
}

// TestUntrustedClockStillChecksWho guards against a verification that goes off with the dates.
func TestUntrustedClockStillChecksWho(t *testing.T) {
	t.Parallel()
	north, other := found(t), found(t)
	north.set(time.Unix(0, 0), false)
	_, atServer, _ := shake(t, north.Server(protos), careless(other.Client(north.Identity().Self.Node, raft)))
	wantReason(t, atServer, trust.Foreign)
}

// careless is an intruder's: it does not mind who answers.
func careless(cfg *tls.Config) *tls.Config {
	cfg.VerifyConnection = nil
	return cfg
}

func TestHandshakeOverAPipe(t *testing.T) {
	t.Parallel()
	north, south, _ := pair(t)
	a, b := net.Pipe()
	done := make(chan error, 1)
	server := tls.Server(a, north.Server(protos))
	go func() { done <- server.HandshakeContext(t.Context()) }()
	client := tls.Client(b, south.Client(north.Identity().Self.Node, raft))
	must(t, client.HandshakeContext(t.Context()))
	must(t, <-done)
	if node, role, err := north.Who(server.ConnectionState()); err != nil || node != south.Identity().Self.Node || role != mode.Box {
		t.Fatal(node, role, err)
	}
	must(t, errors.Join(a.Close(), b.Close()))
}
