package wire_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rackpost/replicate/mode"
	"rackpost/replicate/wire"
)

// authority is a CA of the tests. Package trust has the real one, which wire does not know.
type authority struct {
	key  ed25519.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, cert := sign(t, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, nil)
	return &authority{key, cert}
}

func sign(t testing.TB, c *x509.Certificate, by *authority) (ed25519.PrivateKey, *x509.Certificate) {
	t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.SerialNumber = big.NewInt(1)
	// A box's clock may stand years off: this package must not look at dates.
	c.NotBefore, c.NotAfter = time.Unix(0, 0), time.Unix(1000, 0)
	parent, signer := c, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, public, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, cert
}

// keeper is the wire.Trust of one member.
type keeper struct {
	ca   *x509.Certificate
	own  tls.Certificate
	node mode.NodeID
}

func (a *authority) keeper(t testing.TB, node mode.NodeID, role mode.Role) *keeper {
	t.Helper()
	key, cert := sign(t, &x509.Certificate{URIs: []*url.URL{{Scheme: "urn", Opaque: fmt.Sprintf("test:%v:%s", role, node)}}}, a)
	return &keeper{ca: a.cert, own: tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}, node: node}
}

func (k *keeper) Server(protos []string) *tls.Config {
	conf := &tls.Config{Certificates: []tls.Certificate{k.own}, NextProtos: protos}
	if !slices.Equal(protos, []string{wire.Join}) {
		conf.ClientAuth, conf.VerifyConnection = tls.RequireAnyClientCert, k.check
	}
	return conf
}

func (k *keeper) Client(mode.NodeID, string) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{k.own}, InsecureSkipVerify: true, VerifyConnection: k.check}
}

func (k *keeper) check(cs tls.ConnectionState) error {
	if err := cs.PeerCertificates[0].CheckSignatureFrom(k.ca); err != nil {
		return fmt.Errorf("not of this pair's CA: %w", err)
	}
	return nil
}

func (k *keeper) Who(cs tls.ConnectionState) (mode.NodeID, mode.Role, error) {
	if len(cs.PeerCertificates) == 0 || len(cs.PeerCertificates[0].URIs) != 1 {
		return mode.NodeID{}, 0, errors.New("no certificate of a member")
	}
	parts := strings.Split(cs.PeerCertificates[0].URIs[0].Opaque, ":")
	var role mode.Role
	if err := role.UnmarshalText([]byte(parts[1])); err != nil {
		return mode.NodeID{}, 0, err
	}
	node, err := mode.ParseNodeID(parts[2])
	return node, role, err
}

var houses atomic.Uint32

// house is one pair's machines on addresses of their own.
type house struct {
	t       testing.TB
	lab     *lab
	ca      *authority
	cluster [16]byte
	net     string // 127.x.y
	members []*member
	paths   []string
	quick   time.Duration // between pings
}

// member is one of them.
type member struct {
	*wire.Wire
	peer  wire.Peer
	conf  wire.Config
	trust *keeper
	stop  func()
}

func newHouse(t testing.TB, paths ...string) *house {
	h := &house{t: t, lab: newLab(), ca: newAuthority(t), cluster: mode.NewNodeID(), paths: paths, quick: 40 * time.Millisecond}
	h.net = fmt.Sprintf("127.%d.%d", 64+os.Getpid()%128, houses.Add(1)%250)
	return h
}

// add makes a member that does not run yet; change may change what it is made of.
func (h *house) add(role mode.Role, change func(*wire.Config)) *member {
	h.t.Helper()
	m := &member{peer: wire.Peer{Node: mode.NewNodeID(), Role: role, Name: fmt.Sprintf("m%d", len(h.members)+1)}}
	for i, path := range h.paths {
		ip := fmt.Sprintf("%s.%d", h.net, 10*(len(h.members)+1)+i)
		m.peer.Paths = append(m.peer.Paths, wire.Path{Name: path, Address: ip + ":17433"})
		h.lab.knows(ip, m.peer.Name)
	}
	m.trust = h.ca.keeper(h.t, m.peer.Node, role)
	m.conf = wire.Config{Cluster: h.cluster, Node: m.peer.Node, Role: role, Paths: m.peer.Paths, Trust: m.trust, Version: "v1",
		PingBox: h.quick, PingWitness: 2 * h.quick, Dial: h.lab.dialer(m.peer.Name), Listen: h.lab.listen}
	if change != nil {
		change(&m.conf)
	}
	var err error
	if m.Wire, err = wire.New(m.conf); err != nil {
		h.t.Fatal(err)
	}
	m.Announce(mode.Hello{Life: "life of " + m.peer.Name, Generation: mode.Generation{Counter: 1}, Mode: mode.Follower, Term: 3, Applied: 10, Last: 12})
	h.members = append(h.members, m)
	return m
}

// meet tells every member of all others.
func (h *house) meet() {
	h.t.Helper()
	for _, m := range h.members {
		var others []wire.Peer
		for _, o := range h.members {
			if o != m {
				others = append(others, o.peer)
			}
		}
		if err := m.SetPeers(others); err != nil {
			h.t.Fatal(err)
		}
	}
}

// run starts the members; all have ended when the test has.
func (h *house) run(members ...*member) {
	h.t.Helper()
	for _, m := range members {
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- m.Run(ctx) }()
		m.stop = func() {
			cancel()
			select {
			case err := <-ended:
				if err != nil {
					h.t.Errorf("%s: %v", m.peer.Name, err)
				}
				ended <- nil
			case <-time.After(10 * time.Second):
				h.t.Errorf("%s does not end", m.peer.Name)
			}
		}
		h.t.Cleanup(m.stop)
	}
}

// pair is two boxes that know each other and run.
func pair(t testing.TB, paths ...string) (*house, *member, *member) {
	t.Helper()
	h := newHouse(t, paths...)
	a, b := h.add(mode.Box, nil), h.add(mode.Box, nil)
	h.meet()
	h.run(a, b)
	h.hears(a, b)
	h.hears(b, a)
	return h, a, b
}

// eventually waits until something is so.
func eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !so() {
		if time.Now().After(deadline) {
			t.Fatalf("after 10 s still not: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// silent is for how long b was silent to a on a path.
func silent(a, b *member, path string) time.Duration {
	for _, c := range a.Contacts() {
		if c.Node == b.peer.Node && c.Path == path {
			return c.Silent
		}
	}
	return mode.Never
}

// hears waits until a hears b on every path, or on those named.
func (h *house) hears(a, b *member, paths ...string) {
	h.t.Helper()
	if paths == nil {
		paths = h.paths
	}
	for _, path := range paths {
		eventually(h.t, a.peer.Name+" hears "+b.peer.Name+" on "+path, func() bool { return silent(a, b, path) < 4*h.quick })
	}
}

func dialer() *net.Dialer { return &net.Dialer{Timeout: 5 * time.Second} }
